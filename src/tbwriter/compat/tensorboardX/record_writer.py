"""tensorboardX.record_writer: RecordWriter, for a local file."""
from __future__ import annotations

from .._records import RecordFile, directory_check, make_valid_tf_name, masked_crc32c, u32

__all__ = ["RecordWriter", "directory_check", "make_valid_tf_name", "masked_crc32c", "u32"]


class RecordWriter(RecordFile):
    """Writes records into the file `path`. Raises OSError where it can't be written."""
