"""tensorboard.event_file_writer of 2017: writers of events, with their arguments."""
from __future__ import annotations

import os
from typing import Any

from ... import writer as core
from .._records import directory_check
from .._writers import EventWriter, Path, seconds

__all__ = ["EventFileWriter", "EventsWriter", "directory_check"]


class EventsWriter:
    """Writes events into the directory of `file_prefix`, which ends in "/events"."""

    def __init__(self, file_prefix: Path) -> None:
        self._writer = core.FileWriter(os.path.dirname(os.fspath(file_prefix)) or ".")

    def write_event(self, event: Any) -> None:
        """Write an Event: serialized, or anything with `SerializeToString()`."""
        self._writer.add_event(event)

    def flush(self) -> bool:
        """Return when everything added before is in the file."""
        self._writer.flush()
        return True

    def close(self) -> bool:
        """Flush and close the file."""
        self._writer.close()
        return True


class EventFileWriter(EventWriter):
    """Writes events into a log directory.

    logdir: the directory, made if it is missing. max_queue: accepted, without effect.
    flush_secs: as for `FileWriter`.

    Raises OSError when the directory can't be written.
    """

    def __init__(self, logdir: Path, max_queue: int = 10, flush_secs: float = 120) -> None:
        super().__init__(core.FileWriter(logdir, max_queue, seconds(flush_secs)))
        self._logdir = os.fspath(logdir)
        self._begin_file()

    def get_logdir(self) -> str:
        """The log directory, as it was given."""
        return self._logdir
