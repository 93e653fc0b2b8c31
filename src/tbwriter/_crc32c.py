"""CRC-32C (Castagnoli): the fastest implementation at hand.

Reflected polynomial 0x82F63B78, initial value and final XOR 0xFFFFFFFF (RFC 3720, appendix B.4).
`TBWRITER_CRC32C` in the environment forces one of google-crc32c, crc32c, crcmod, numpy.
"""
from __future__ import annotations

import os
from typing import Callable

__all__ = ["crc32c", "BACKEND"]

# crc32c(data, crc_of_what_came_before=0) -> crc
Function = Callable[..., int]


def _google() -> Function:
    import google_crc32c

    if google_crc32c.implementation != "c":
        raise ImportError("google-crc32c without its C extension")
    extend = google_crc32c.extend

    def crc32c(data: bytes, crc: int = 0) -> int:
        return int(extend(crc, data))
    return crc32c


def _crc32c() -> Function:
    import crc32c

    return crc32c.crc32c  # type: ignore[no-any-return]


def _crcmod() -> Function:
    import crcmod.crcmod
    import crcmod.predefined

    if not crcmod.crcmod._usingExtension:
        raise ImportError("crcmod without its C extension")
    return crcmod.predefined.mkPredefinedCrcFun("crc-32c")  # type: ignore[no-any-return]


_BACKENDS = {"google-crc32c": _google, "crc32c": _crc32c, "crcmod": _crcmod}


def _choose() -> "tuple[str, Function]":
    forced = os.environ.get("TBWRITER_CRC32C")
    for name in [forced] if forced else list(_BACKENDS):
        try:
            return name, _BACKENDS[name]()
        except ImportError:
            if forced:
                raise
    raise ImportError("no CRC-32C")


BACKEND, crc32c = _choose()
