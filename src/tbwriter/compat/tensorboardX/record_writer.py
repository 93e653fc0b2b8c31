"""tensorboardX.record_writer: RecordWriter, for a local file."""
from __future__ import annotations

from .._records import RecordFile


class RecordWriter(RecordFile):
    """Writes records into the file `path`. Raises OSError where it can't be written."""
