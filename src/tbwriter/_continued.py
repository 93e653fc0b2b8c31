"""Notice that a writer continues files which hold its steps already: the notebook cell that is run
twice, the training that is started again in the same directory.

The earlier files are read on the writer's thread, and only their newest megabytes; a call that adds
a value does no more than remember the first step of its tag.
"""
from __future__ import annotations

import os
from typing import Any, Dict, List, Optional, Sequence

from ._log.contract import Log
from ._log.queue import Task
from ._warnings import show

# Bytes of earlier files that are read: a fraction of a second.
_MOST_BYTES = 32 << 20


class Continued:
    """Warns once if a tag has steps in earlier files at or above the first step written now.

    looking: whether there is still something to find out.
    told: shared by the writers of runs below one another, which warn once together.
    """

    def __init__(self) -> None:
        self.looking = True
        self.told: List[str] = []
        self._first: Dict[str, int] = {}
        self._last: Optional[Dict[str, int]] = None

    def stop(self) -> None:
        """Do not look: the run is resumed on purpose."""
        self.looking = False

    def note(self, channel: Any, log: Log, tags: Sequence[str], step: int) -> None:
        """Remember the first step of each tag; have the thread read the earlier files."""
        new = [tag for tag in tags if tag not in self._first]
        if not self._first and new:
            # Before the first value, so that the writer's own file is not there yet.
            channel.put(Task(lambda: self._look(log)))
        for tag in new:
            self._first[tag] = step
        if self._last is not None:
            self._compare(log, new)

    def _look(self, log: Log) -> None:
        places = [] if "://" in log.directory else _newest(log)
        if not places:
            self.stop()
            return
        from ._files.stream import last_steps_of  # the reader's, which few writers need
        try:
            self._last = last_steps_of(places)
        except (OSError, ValueError):  # damaged, or removed meanwhile
            self.stop()
            return
        self._compare(log, list(self._first))

    def _compare(self, log: Log, tags: Sequence[str]) -> None:
        last = self._last or {}
        for tag in tags:
            if not self.told and tag in last and last[tag] >= self._first[tag]:
                self.told.append(tag)
                show(f"{log.directory} holds values of {tag!r} up to step {last[tag]} already, and "
                     f"this writer continues at step {self._first[tag]}: TensorBoard mixes the two "
                     "runs, or drops points. Give each run a directory of its own, as "
                     "SummaryWriter() does, or resume with purge_step= or resume=True")
        if self.told:
            self.stop()


def _newest(log: Log) -> List[str]:
    """The paths of the newest files, up to a limit of bytes, in their order."""
    places: List[str] = []
    room = _MOST_BYTES
    earlier = [path for path in log.earlier() if isinstance(path, str) and path != log.path]
    for path in reversed(earlier):
        try:
            room -= os.path.getsize(path)
        except OSError:
            continue
        if room < 0:
            break
        places.insert(0, path)
    return places
