"""tensorboard.record_writer of 2017: RecordWriter and its helpers, with their arguments."""
from __future__ import annotations

import re
from typing import Any

from ..._tfrecord.crc32c import crc32c
from ..._tfrecord.frame import masked
from .._records import RecordFile

_STARTS_A_NAME = re.compile("[A-Za-z0-9.]")
_PARTS_OF_A_NAME = re.compile(r"[A-Za-z0-9_.\-/]+")


class RecordWriter(RecordFile):
    """Writes records into the file `path`, each at once.

    flush_secs: accepted, without effect. Raises OSError where the file can't be written.
    """

    def __init__(self, path: Any, flush_secs: float = 2) -> None:
        super().__init__(path)
        self.flush_secs = flush_secs


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
