"""Unsynced: the side files and directories that a crash of the machine may still take away."""
from __future__ import annotations

import errno
import os
from typing import Dict, Iterator, Optional

from .contract import SyncError
from .event_file import sync_path

# How many side files may wait for a sync. Beyond it, the one that was written first is synced.
MOST = 4096

# A file that was not opened for want of these is tried again by the next sync.
_LACKING = (errno.EMFILE, errno.ENFILE)


class Unsynced:
    """What was written in a log directory since the last sync, besides the event files.

    Everything is noted before it is made, as an exception from a signal handler may come after.
    """

    def __init__(self, directory: str) -> None:
        self._directory = directory
        self._files: Dict[str, None] = {}  # the oldest first
        self._directories: Dict[str, None] = {}
        self._failed: Optional[SyncError] = None

    def note(self, path: str) -> None:
        """A side file is about to be written; `path` is without symbolic links."""
        self.note_directory()
        self._files.pop(path, None)
        self._files[path] = None
        while len(self._files) > MOST:
            oldest = next(iter(self._files))
            for one in (oldest, *self._above(oldest)):
                self._sync(one)
            self._files.pop(oldest, None)

    def note_directory(self) -> None:
        """The log directory is about to be made, or may have been: its name is in that above it,
        which may be new, too."""
        above = self._directory
        while True:
            above = os.path.dirname(above)
            self._directories[above] = None
            if os.path.isdir(above) or above == os.path.dirname(above):
                break

    def sync(self) -> None:
        """SyncError where something failed, once everything was tried."""
        for path in self._files:
            self._directories.update(dict.fromkeys(self._above(path)))
        for paths in (self._files, self._directories):
            for path in list(paths):
                if self._sync(path):
                    paths.pop(path, None)
        failed, self._failed = self._failed, None
        if failed is not None:
            raise failed

    def forget(self) -> None:
        """In a forked child: the parent syncs what it wrote."""
        self._files.clear()
        self._directories.clear()
        self._failed = None

    def _sync(self, path: str) -> bool:
        """Whether nothing is left to do: to sync a file again after a failure proves nothing."""
        try:
            sync_path(path)
        except OSError as error:
            self._failed = SyncError(error.errno, f"{error.strerror} (fsync)", path)
            return error.errno not in _LACKING
        return True

    def _above(self, path: str) -> Iterator[str]:
        """The directories from that of a side file up to the log directory."""
        root = os.path.realpath(self._directory)
        while len(path) > len(root):
            path = os.path.dirname(path)
            yield path
