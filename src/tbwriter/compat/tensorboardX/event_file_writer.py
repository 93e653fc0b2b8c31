"""tensorboardX.event_file_writer: EventFileWriter, with its arguments."""
from __future__ import annotations

import os

from ... import writer as core
from .._writers import EventWriter, Path, seconds


class EventFileWriter(EventWriter):
    """Writes events into a log directory.

    logdir: the directory, made if it is missing. max_queue_size: accepted, without effect.
    flush_secs: as for `SummaryWriter`. filename_suffix: the end of the names of the event files.

    Raises OSError when the directory can't be written.
    """

    def __init__(self, logdir: Path, max_queue_size: int = 10, flush_secs: float = 120,
                 filename_suffix: str = "") -> None:
        super().__init__(core.FileWriter(logdir, max_queue_size, seconds(flush_secs),
                                         filename_suffix))
        self._logdir = os.fspath(logdir)
        self._begin_file()

    def get_logdir(self) -> str:
        """The log directory, as it was given."""
        return self._logdir
