"""Event files one record at a time, as RecordWriter writes them."""
from __future__ import annotations

import os
import re
from typing import Any

from .._tfrecord.crc32c import crc32c
from .._tfrecord.frame import frame, masked

_STARTS_A_NAME = re.compile("[A-Za-z0-9.]")
_PARTS_OF_A_NAME = re.compile(r"[A-Za-z0-9_.\-/]+")


class RecordFile:
    """A file of records, each a frame of length and checksums around its bytes."""

    def __init__(self, path: Any) -> None:
        self.path = path
        self._file = open(path, "wb")

    def write(self, event_str: bytes) -> None:
        """Write one record; it is in the file on return. Raises OSError where that fails."""
        self._file.write(b"".join(frame([bytes(event_str)])))
        self._file.flush()

    def flush(self) -> None:
        """Return when the records are in the file."""
        self._file.flush()

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def masked_crc32c(data: bytes) -> int:
    """The checksum of `data` as a record holds it."""
    return masked(crc32c(data))


def u32(x: int) -> int:
    """The lowest 32 bits of `x`."""
    return x & 0xFFFF_FFFF


def make_valid_tf_name(name: str) -> str:
    """`name` as a name of TensorFlow's: letters, digits and "_.-/"; "_" for the rest."""
    if not _STARTS_A_NAME.match(name):
        name = "." + name
    return "_".join(_PARTS_OF_A_NAME.findall(name))


def directory_check(path: Any) -> None:
    """Make the directory if it is missing. Raises OSError where that is impossible."""
    os.makedirs(path, exist_ok=True)
