"""Small files that claim much: findings, in the memory and time that their bytes deserve."""
from __future__ import annotations

import gzip
import os
import subprocess
import sys
import zlib
from pathlib import Path
from struct import pack
from typing import Any, Callable, Dict, List

import pytest

from tbwriter._proto import schema, wire
from tests.check.making import plugin, value_event
from tests.support.data import written

MANY = 300_000
PROGRAM = """
import resource, sys
from tbwriter import check
def peak():
    lines = open("/proc/self/status").read().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1])
before = peak()
found = check.check(sys.argv[1])
print((peak() - before) // 1024, *[one.rule for one in found], sep="\\n")
"""


def tensor(dtype: int, shape: bytes, elements: bytes) -> bytes:
    return wire.bytes_field(schema.Value.TENSOR, wire.int_field(1, dtype)
                            + wire.bytes_field(schema.Tensor.TENSOR_SHAPE, shape) + elements)


def shape(*lengths: int) -> bytes:
    return b"".join(wire.bytes_field(2, wire.int_field(1, length)) for length in lengths)


def event(name: str, *fields: bytes) -> Callable[[], bytes]:
    return lambda: value_event("t", *fields, plugin(name, b"", schema.PLUGINS[name].data_class))


def tall_picture() -> bytes:
    """A PNG of 2 kB that has a million rows of one pixel."""
    header = pack(">IIBBBBB", 1, 1_000_000, 8, 0, 0, 0, 0)
    parts = [(b"IHDR", header), (b"IDAT", zlib.compress(bytes(2_000_000))), (b"IEND", b"")]
    file = b"\x89PNG\r\n\x1a\n" + b"".join(
        pack(">I", len(data)) + name + data + pack(">I", zlib.crc32(name + data))
        for name, data in parts)
    return b"".join(wire.bytes_field(8, one) for one in (b"1", b"1000000", file))


FLOAT = wire.bytes_field(schema.Tensor.FLOAT_VAL, bytes(4))
EMPTY = wire.bytes_field(schema.Tensor.STRING_VAL, b"")
EMPTY_TEXT = event("text", tensor(7, shape(-1), EMPTY))()
# The function that makes the event, and the rule that it breaks.
HOSTILE: Dict[str, Any] = {
    "a huge shape": (event("histograms", tensor(1, shape(1 << 26, 3), FLOAT)), ["tensor fill"]),
    "a shape beyond memory": (event("histograms", tensor(1, shape(1 << 40, 3), FLOAT)),
                              ["tensor fill"]),
    "a huge text": (event("text", tensor(7, shape(1 << 33), EMPTY)), ["tensor fill"]),
    "a product beyond 64 bits": (event("mesh", tensor(1, shape(1 << 62, 1 << 62, 3), FLOAT)),
                                 ["mesh parts", "tensor fill"]),
    "negative lengths": (event("text", tensor(7, shape(-1), EMPTY)), ["tensor elements"]),
    "a negative scalar": (event("scalars", tensor(1, shape(-1), FLOAT)), ["scalar type"]),
    "many axes": (event("text", tensor(7, shape() + b"\x12\x00" * MANY, EMPTY)),
                  ["tensor elements"]),
    "many empty strings": (event("text", tensor(7, shape(MANY), EMPTY * MANY)), []),
    "many empty images": (event("images", tensor(7, shape(MANY), EMPTY * MANY)), ["image shape"]),
    "many rows of pixels": (event("images", tensor(7, shape(3), tall_picture())), []),
    "many integers": (event("pr_curves", tensor(3, shape(6, MANY), wire.bytes_field(
        schema.Tensor.INT_VAL, bytes(6 * MANY)))), ["curve shape"]),
    "many halves": (event("pr_curves", tensor(19, shape(6, MANY), wire.bytes_field(
        schema.Tensor.HALF_VAL, bytes(6 * MANY)))), []),
    "many values": (lambda: wire.double_field(1, 1.6e9) + wire.bytes_field(
        schema.Event.SUMMARY, b"\x0a\x00" * MANY), ["no plugin"]),
    "many nodes": (lambda: wire.double_field(1, 1.6e9) + wire.bytes_field(
        schema.Event.GRAPH_DEF, b"\x0a\x00" * MANY), []),
    "many hyperparameters": (lambda: value_event(schema.SESSION_START_TAG, plugin(
        "hparams", wire.bytes_field(3, b"\x0a\x00" * MANY))), []),
}


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="needs /proc")
@pytest.mark.parametrize("case", HOSTILE)
def test_memory_of_hostile_files(case: str, tmp_path: Path) -> None:
    """The finding is there, and check takes less than 50 MB more than the file has bytes."""
    make, rules = HOSTILE[case]
    written(tmp_path, [make()])
    checked(tmp_path, rules)


def side_files(directory: Path, data: bytes) -> None:
    session = directory / "plugins" / "profile" / "session"
    session.mkdir(parents=True)
    for path in (session / "host.xplane.pb", directory / "projector_config.pbtxt"):
        path.write_bytes(data)


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="needs /proc")
@pytest.mark.parametrize("data, rules", [
    (gzip.compress(bytes(100 << 20)), ["projector config", "profile content"]),
    (b"a{" * 90 + b"x:'" + b"a" * (4 << 20) + b"'" + b"}" * 90,
     ["profile content", "projector config size"]),
    (b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"a" * 64 + b"\nsize 7\n",
     ["projector config", "profile content"])], ids=["compressed", "nested", "pointer"])
def test_memory_of_side_files(data: bytes, rules: List[str], tmp_path: Path) -> None:
    """A profile and a configuration that are compressed, nested or pointers are findings; the same
    limit holds, and the run is checked."""
    written(tmp_path, [EMPTY_TEXT])
    side_files(tmp_path, data)
    checked(tmp_path, ["tensor elements", *rules])


def checked(directory: Path, rules: List[str]) -> None:
    """Check a directory in a process of its own, within the limit."""
    size = sum(path.stat().st_size for path in directory.rglob("*") if path.is_file())
    done = subprocess.run([sys.executable, "-c", PROGRAM, str(directory)], text=True, timeout=100,
                          capture_output=True)
    megabytes, *found = done.stdout.split("\n")[:-1] or [done.stderr]
    assert found == rules, done.stderr
    assert int(megabytes) < 50 + size // 1_000_000


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="needs /proc")
@pytest.mark.parametrize("size", [1 << 19, 1 << 22])
def test_memory_of_a_projector_config(size: int, tmp_path: Path) -> None:
    """A large configuration is not read but reported, and the largest that is read takes less than
    50 MB more than it has bytes."""
    written(tmp_path, [])
    text = "embeddings{%s}" % ("tensor_shape:1 " * ((size - 12) // 15))
    (tmp_path / "projector_config.pbtxt").write_text(text.ljust(size))
    done = subprocess.run([sys.executable, "-c", PROGRAM, str(tmp_path)], text=True, timeout=100,
                          capture_output=True)
    megabytes, *found = done.stdout.split("\n")[:-1] or [done.stderr]
    assert found == (["projector config size"] if size > 1 << 19 else []), done.stderr
    assert int(megabytes) < 50 + size // 1_000_000


def test_deep_nesting_in_a_projector_config(tmp_path: Path) -> None:
    """Messages within messages are a finding, not a RecursionError."""
    from tbwriter.check import check

    written(tmp_path, [])
    (tmp_path / "projector_config.pbtxt").write_text("embeddings {" * 40_000)
    found: List[str] = [one.rule for one in check(str(tmp_path))]
    assert found == ["projector config"]
