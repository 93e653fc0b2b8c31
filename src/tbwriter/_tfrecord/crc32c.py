"""CRC-32C (Castagnoli) by the fastest implementation installed.

Reflected polynomial 0x82F63B78, initial value and final XOR 0xFFFFFFFF (RFC 3720, appendix B.4).

    crc32c(b"123456789")                    0xE3069283
    crc32c(b"6789", crc32c(b"12345"))       the same: `crc` is that of the preceding bytes

`data` is bytes or a C-contiguous memoryview. BACKEND names the package that computes it:
google-crc32c, crc32c, crcmod (its C extension, with numpy for long buffers), else numpy (plain
Python for short ones).
`TBWRITER_CRC32C` in the environment forces one of these.
"""
from __future__ import annotations

import os
import sys
from typing import Callable, Tuple, Union

from .._loading import loading

__all__ = ["crc32c", "BACKEND"]

# crc32c(data, crc_of_the_preceding_bytes=0) -> crc
Function = Callable[..., int]
Data = Union[bytes, memoryview]

_POLYNOMIAL = 0x82F63B78

# From these lengths on, numpy is faster: than plain Python, than crcmod's C extension, and than
# plain Python when numpy has to be imported first.
_LONG_FOR_PYTHON, _LONG_FOR_CRCMOD, _WORTH_AN_IMPORT = 256, 1 << 15, 1 << 20

# A function that takes only bytes gets a buffer in copies of _PIECE bytes. From _LONG bytes on,
# bytes are passed in pieces too, since one call lets no other thread run.
_PIECE, _LONG = 1 << 20, 1 << 25


def _google() -> Function:
    import google_crc32c

    if google_crc32c.implementation != "c":
        raise ImportError("google-crc32c has no C extension here")
    extend: Function = google_crc32c.extend

    def crc32c(data: Data, crc: int = 0) -> int:
        if type(data) is bytes and len(data) < _LONG:
            return extend(crc, data)
        view = memoryview(data).cast("B")
        for start in range(0, len(view), _PIECE):
            crc = extend(crc, bytes(view[start:start + _PIECE]))
        return crc
    return crc32c


def _crc32c() -> Function:
    import crc32c

    function: Function = crc32c.crc32c
    return function


def _crcmod() -> Function:
    import crcmod.predefined
    from crcmod.crcmod import _usingExtension  # crcmod.crcmod is the package itself

    if not _usingExtension:
        raise ImportError("crcmod has no C extension here")
    return _helped_by_numpy(crcmod.predefined.mkPredefinedCrcFun("crc-32c"), _LONG_FOR_CRCMOD)


def _numpy() -> Function:
    return _helped_by_numpy(_plain(), _LONG_FOR_PYTHON)


def _plain() -> Function:
    """Byte by byte, in Python."""
    table = []
    for crc in range(256):
        for _ in range(8):
            crc = crc >> 1 ^ (_POLYNOMIAL if crc & 1 else 0)
        table.append(crc)

    def crc32c(data: Data, crc: int = 0) -> int:
        crc ^= 0xFFFF_FFFF
        for byte in data:
            crc = table[crc & 0xFF ^ byte] ^ crc >> 8
        return crc ^ 0xFFFF_FFFF
    return crc32c


def _helped_by_numpy(short: Function, long: int) -> Function:
    """`short`, but numpy for buffers of `long` bytes and more."""
    def crc32c(data: Data, crc: int = 0) -> int:
        if type(data) is not bytes:
            data = memoryview(data).cast("B")
        length = len(data)
        if length < long or length < _WORTH_AN_IMPORT and "numpy" not in sys.modules:
            return short(data, crc)
        # Not at the top: a program that logs only scalars does not load numpy.
        with loading:
            from . import crc32c_numpy
        return crc32c_numpy.crc32c(data, crc)
    return crc32c


# In order of preference.
_BACKENDS = {"google-crc32c": _google, "crc32c": _crc32c, "crcmod": _crcmod, "numpy": _numpy}


def _choose(forced: str) -> Tuple[str, Function]:
    """Name and function of the backend `forced`, or of the best one if that is empty."""
    if forced:
        if forced not in _BACKENDS:
            raise ValueError(f"got TBWRITER_CRC32C={forced!r}, want one of {', '.join(_BACKENDS)}")
        return forced, _BACKENDS[forced]()
    for name, backend in _BACKENDS.items():
        try:
            return name, backend()
        except (ImportError, Warning):  # it may warn where its extension is missing
            continue
    raise AssertionError("numpy needs no package")


BACKEND, crc32c = _choose(os.environ.get("TBWRITER_CRC32C", ""))
