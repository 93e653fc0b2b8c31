"""tensorboard.record_writer of 2017: RecordWriter and its helpers, with their arguments."""
from __future__ import annotations

from typing import Any

from .._records import RecordFile, make_valid_tf_name, masked_crc32c, u32

__all__ = ["RecordWriter", "make_valid_tf_name", "masked_crc32c", "u32"]


class RecordWriter(RecordFile):
    """Writes records into the file `path`, each at once.

    flush_secs: accepted, without effect. Raises OSError where the file can't be written.
    """

    def __init__(self, path: Any, flush_secs: float = 2) -> None:
        super().__init__(path)
        self.flush_secs = flush_secs
