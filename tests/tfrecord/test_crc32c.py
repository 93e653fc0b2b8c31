"""CRC-32C: every backend that can be had gives the known answers."""
from __future__ import annotations

import importlib
import os
import random
import subprocess
import sys
from functools import reduce
from operator import xor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tbwriter._tfrecord import crc32c as module, crc32c_numpy
from tbwriter.reader import read


def works(name):
    """Whether the package of a backend is installed with its C extension, asked of the package."""
    package = {"google-crc32c": "google_crc32c", "numpy": "numpy"}.get(name, name)
    try:
        found = importlib.import_module(package)
        if name == "crcmod":
            importlib.import_module("crcmod._crcfunext")
    except ImportError:
        return False
    return name != "google-crc32c" or found.implementation == "c"


def needs(name):
    """Skip the test where a backend's package is not installed. One that works is not skipped."""
    if not works(name):
        pytest.skip(f"{name} is not installed with its C extension")


@pytest.fixture(params=list(module._BACKENDS))
def crc32c(request):
    """Each backend in turn."""
    needs(request.param)
    return module._choose(request.param)[1]


def bytewise(data, crc=0):
    """The definition, bit by bit: RFC 3720's polynomial, reflected."""
    crc ^= 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


# RFC 3720, appendix B.4: "CRC Examples"; the last is the check value of the CRC catalogues
# (CRC-32/ISCSI).
ISCSI_READ = bytes.fromhex(
    "01c00000000000000000000000000000140000000000040000000014000000182800000000000000"
    "0200000000000000")
KNOWN = [
    (bytes(32), 0x8A9136AA),
    (b"\xff" * 32, 0x62A8AB43),
    (bytes(range(32)), 0x46DD794E),
    (bytes(range(31, -1, -1)), 0x113FDB5C),
    (ISCSI_READ, 0xD9963A56),
    (b"123456789", 0xE3069283),
    (b"", 0),
]


@pytest.mark.parametrize("data, want", KNOWN)
def test_known_answers(crc32c, data, want):
    """The examples of RFC 3720 come out, from bytes and from a memoryview."""
    assert crc32c(data) == want
    assert crc32c(memoryview(data)) == want


# Around every length at which an implementation changes its ways.
LENGTHS = [0, 1, 3, 4, 5, 255, 256, 257, 6776, 6777, 6778, 13069, 13070, 13071, 32767, 32768,
           (1 << 17) + 6776, (1 << 17) + 6777, (1 << 17) + 6778, 300_001]


@pytest.mark.parametrize("length", LENGTHS)
def test_long_buffers(crc32c, length):
    """Long buffers of noise have the CRC that the definition gives, whatever came before."""
    data = random.Random(length).getrandbits(8 * length + 1).to_bytes(length + 1, "little")[:length]
    assert crc32c(data) == bytewise(data)
    assert crc32c(memoryview(data), 0xDEADBEEF) == bytewise(data, 0xDEADBEEF)


@given(seed=st.integers(0, 1000), length=st.integers(0, 40_000),
       cuts=st.lists(st.integers(0, 40_000), max_size=5))
def test_extending_equals_the_whole(seed, length, cuts):
    """However a message is cut into parts, the CRC is the same; on every backend."""
    data = random.Random(seed).getrandbits(8 * length + 1).to_bytes(length + 1, "little")[:length]
    ends = sorted(min(cut, length) for cut in cuts) + [length]
    answers = set()
    for name in module._BACKENDS:
        try:
            function = module._choose(name)[1]
        except ImportError:
            continue
        crc = start = 0
        for end in ends:
            crc = function(memoryview(data)[start:end], crc)
            start = end
        answers |= {crc, function(data)}
    assert len(answers) == 1


def test_memoryviews_of_any_item(crc32c):
    """A memoryview counts by its bytes, also a writable one, also one of wider items."""
    import numpy as np

    array = np.arange(1000, dtype=np.int32)
    assert crc32c(array.data) == bytewise(array.tobytes())
    assert crc32c(memoryview(bytearray(b"123456789"))) == 0xE3069283


def test_sparse_multiple():
    """The equation that the numpy implementation uses: four terms that cancel out."""
    first, second, whole = crc32c_numpy.DISTANCES
    terms = [bytes([1]) + bytes(after) for after in (whole, whole - first, whole - second, 0)]
    registers = [_raw(term) for term in terms]
    assert reduce(xor, registers) == 0


def _raw(data):
    register = 0
    for byte in data:
        register ^= byte
        for _ in range(8):
            register = register >> 1 ^ (0x82F63B78 if register & 1 else 0)
    return register


def test_unknown_backend():
    """An unknown name is refused with the known names."""
    with pytest.raises(ValueError, match="got TBWRITER_CRC32C='md5', want one of google-crc32c, "):
        module._choose("md5")


def test_missing_backend_is_not_replaced(monkeypatch):
    """A forced backend that is not installed is an error; unforced, the next one is taken."""
    monkeypatch.setitem(sys.modules, "google_crc32c", None)
    with pytest.raises(ImportError):
        module._choose("google-crc32c")
    assert module._choose("")[0] in ("crc32c", "crcmod", "numpy")


def test_no_package_at_all(monkeypatch):
    """Without any CRC package, numpy serves."""
    for package in ("google_crc32c", "crc32c", "crcmod"):
        monkeypatch.setitem(sys.modules, package, None)
    name, function = module._choose("")
    assert (name, function(b"123456789")) == ("numpy", 0xE3069283)


@pytest.mark.parametrize("name", list(module._BACKENDS))
def test_environment_forces_a_backend(name):
    """TBWRITER_CRC32C decides, and short buffers do not load numpy."""
    needs(name)
    program = ("import sys; from tbwriter._tfrecord import crc32c as c; "
               "print(c.BACKEND, hex(c.crc32c(b'123456789')), 'numpy' in sys.modules)")
    done = _python(program, name)
    assert done.stdout.split() == [name, "0xe3069283", "False"], done.stderr


@pytest.mark.parametrize("name", ["google-crc32c", "crcmod"])
def test_a_package_without_its_extension(monkeypatch, name):
    """A package whose C extension is missing is refused, being slower than numpy; one with it is
    taken."""
    needs(name)
    assert module._choose(name)[0] == name
    if name == "crcmod":
        monkeypatch.setattr(importlib.import_module("crcmod.crcmod"), "_usingExtension", False)
    else:
        monkeypatch.setattr(importlib.import_module("google_crc32c"), "implementation", "python")
    with pytest.raises(ImportError, match=f"{name} has no C extension here"):
        module._choose(name)


def test_a_package_whose_import_warns(tmp_path):
    """Under -W error, a package that warns when it is loaded is passed over, and nothing is lost.
    google-crc32c does so where its extension is missing."""
    for name in ("google_crc32c", "crc32c"):
        (tmp_path / f"{name}.py").write_text(
            "import warnings\nwarnings.warn('no extension', RuntimeWarning)\n")
    program = """
import sys
sys.path.insert(0, sys.argv[1])
from tbwriter import FileWriter, summary
from tbwriter._tfrecord import crc32c
with FileWriter(sys.argv[1] + "/logs") as writer:
    for step in range(100):
        writer.add_summary(summary.text("note", "x" * 100), step)
print(crc32c.BACKEND in ("crcmod", "numpy"), hex(crc32c.crc32c(b"123456789")))
"""
    done = _python(program, "", str(tmp_path), options=["-W", "error"])
    assert done.stdout.split() == ["True", "0xe3069283"], done.stderr
    assert len(read(str(tmp_path / "logs"))["."].text("note").steps) == 100


def test_numpy_is_loaded_for_a_long_buffer():
    """A buffer of a megabyte is worth the import of numpy."""
    program = ("import sys; from tbwriter._tfrecord import crc32c as c; "
               "print(hex(c.crc32c(bytes(1 << 20))), 'numpy' in sys.modules)")
    # google_crc32c.value(bytes(1 << 20))
    assert _python(program, "numpy").stdout.split() == ["0x14298c12", "True"]


def _python(program, backend, *arguments, options=()):
    return subprocess.run([sys.executable, *options, "-c", program, *arguments], text=True,
                          capture_output=True, timeout=60,
                          env={**os.environ, "TBWRITER_CRC32C": backend})
