"""Event files one record at a time, as RecordWriter writes them."""
from __future__ import annotations

from typing import Any

from .._tfrecord.frame import frame


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
