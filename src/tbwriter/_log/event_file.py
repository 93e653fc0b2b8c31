"""Files on a mounted file system. EventFile: one event file, and its descriptor. Unsynced: the side
files and directories that a crash of the machine may still take away."""
from __future__ import annotations

import errno
import os
import time
from contextlib import suppress
from functools import lru_cache
from io import open  # a finalizer at the end of the program finds no built-in `open`
from typing import Dict, Iterator, Optional, Set

from .naming import new_name
from .retry import SyncError
from .._parts import Parts

_APPEND = os.O_RDWR | os.O_APPEND | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
_CREATE = _APPEND | os.O_CREAT | os.O_EXCL
# Windows syncs only what may be written to; opening a directory there is refused.
_SYNCED = (os.O_RDONLY if os.name == "posix" else os.O_RDWR) | getattr(os, "O_NONBLOCK", 0)
_STANDARD = 2  # the descriptor of stderr, the last of the standard streams

# How many event files of a process stay open, besides the one that is written. Others are opened
# for their writes only: a run may have any number of sub-runs.
MAX_OPEN = 63

# How often to check whether the file was moved, and whether it was deleted or changed, which takes
# less time.
LOOK_SECS, SEEN_SECS = 0.1, 0.01
_open_files: Set[int] = set()  # ids of the event files that are open

# Where the pages of a file may reach the server in any order, a reader on another machine finds
# zeros in place of pages that are still missing, and never recovers from this damage. FUSE is not
# among them: a sync there may send the whole file again.
_UNORDERED = ("nfs", "nfs4", "cifs", "smb3", "lustre")
_MOUNTS = "/proc/self/mountinfo"

STALE = getattr(errno, "ESTALE", errno.ENOENT)
_GONE = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, STALE)

# How many side files may wait for a sync. Beyond it, the one that was written first is synced.
MOST_UNSYNCED = 4096

# A file that was not opened for want of these is tried again by the next sync.
_LACKING = (errno.EMFILE, errno.ENFILE)

# Why nothing more can be written into an event file.
CLOSED = "its descriptor has been closed"
CHANGED = "another program has changed it"
REMOVED = "it has been removed"
REPLACED = "it has been replaced"


class EventFile:
    """One event file, which others may move, change or close at any time.

    first: its first record. path: where it was made. fd: its descriptor; -1 while it is parked.
    start: the size of its first record. unordered: whether each write must be synced, for readers
    on other machines.
    """

    def __init__(self, directory: str, suffix: str, first: bytes) -> None:
        os.makedirs(directory, exist_ok=True)
        while True:
            path = os.path.join(directory, new_name(os.listdir(directory), suffix))
            try:
                fd = open_apart(path, _CREATE)
                break
            except FileExistsError:
                pass
        try:
            left = first
            while left:
                left = left[os.write(fd, left):]
            self._opened = os.fstat(fd)
        except BaseException:
            with suppress(OSError):
                os.close(fd)
            with suppress(OSError):
                os.unlink(path)
            raise
        self.path = path
        self.fd = fd
        self.start = len(first)
        self.unordered = _kind_of(self._opened.st_dev) in _UNORDERED
        self._seen = 0.0            # when the descriptor was last found to be the file's
        self._looked = 0.0          # when the file was last found at its path
        self._in_directory = False  # whether the name is known to survive the machine
        _open_files.add(id(self))

    def write(self, pieces: Parts) -> int:
        return _write(self.fd, pieces)

    def position(self) -> int:
        """The offset at which the last write ended; -1 where the file system has no such thing."""
        try:
            return os.lseek(self.fd, 0, os.SEEK_CUR)
        except OSError:
            return -1

    def read(self, start: int, end: int) -> bytes:
        """The bytes from `start` to `end`, or as many as there are."""
        os.lseek(self.fd, start, os.SEEK_SET)
        found = b""
        while len(found) < end - start:
            more = os.read(self.fd, end - start - len(found))
            if not more:
                break
            found += more
        return found

    def size(self) -> int:
        return os.fstat(self.fd).st_size

    def just_seen(self) -> bool:
        """Whether `trouble` was called a moment ago."""
        return time.monotonic() - self._seen < SEEN_SECS

    def trouble(self, size: Optional[int]) -> Optional[str]:
        """Why nothing more can be written into the file; None if it can be.

        size: the number of bytes that it should have; None where sizes are not reliable.
        """
        now = time.monotonic()
        self._seen = now
        here = self._held()
        if here is None:
            return CLOSED
        if size is not None and here.st_size != size:
            return CHANGED
        if here.st_nlink and now - self._looked < LOOK_SECS:
            return None
        self._looked = now
        try:
            there = os.stat(self.path)
        except OSError as error:
            gone = error.errno in _GONE or here.st_nlink == 0
            return REMOVED if gone else None
        # A file system without lasting inode numbers shows another file of the same size.
        if not os.path.samestat(here, there) and (
                here.st_nlink == 0 or here.st_size != there.st_size):
            return REPLACED
        return None

    def _held(self) -> Optional[os.stat_result]:
        """The status of the file by its descriptor. None if that is another file's now, since
        daemons close all descriptors: then it is not touched."""
        try:
            here = os.fstat(self.fd)
        except OSError as error:
            if error.errno != errno.EBADF:
                raise
        else:
            if os.path.samestat(here, self._opened):
                return here
        self.fd = -1
        return None

    def hold(self) -> None:
        """Before the file is synced or closed: see that the descriptor is the file's."""
        if self.fd >= 0:
            with suppress(OSError):
                self._held()

    def sync(self) -> None:
        """Make the file and its name survive a crash of the machine."""
        _fsync(self.fd)
        if not self._in_directory:
            _sync_directory(os.path.dirname(self.path))
            self._in_directory = True

    def cut(self, size: int) -> None:
        """Remove all bytes after `size`."""
        os.ftruncate(self.fd, size)

    def remove(self) -> None:
        """Delete the file; OSError where files may be created but not removed."""
        os.unlink(self.path)

    def park(self) -> None:
        """Close the file until there is more to write, if too many are open."""
        if self.fd >= 0 and len(_open_files) > MAX_OPEN:
            self.close()

    def unpark(self) -> Optional[str]:
        """Open the file again, if it is parked. Returns why that is not possible, or None."""
        if self.fd >= 0:
            return None
        try:
            self.fd = open_apart(self.path, _APPEND)
        except OSError as error:
            if error.errno not in _GONE:
                raise
            return REMOVED
        _open_files.add(id(self))
        same = os.path.samestat(os.fstat(self.fd), self._opened)
        return None if same else REPLACED

    def close(self) -> None:
        _open_files.discard(id(self))
        self.hold()
        fd, self.fd = self.fd, -1
        if fd >= 0:
            os.close(fd)


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
        while len(self._files) > MOST_UNSYNCED:
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


def open_apart(path: str, flags: int) -> int:
    """A descriptor other than those of the standard streams: a program may have closed these, and
    write to them all the same."""
    fd = os.open(path, flags, 0o666)
    low = []
    try:
        while fd <= _STANDARD:
            low.append(fd)
            fd = os.dup(fd)
    finally:
        for one in low:
            os.close(one)
    return fd


@lru_cache(maxsize=None)
def _kind_of(device: int) -> str:
    """The file system of a device, by Linux's name for it; "" where that is not known."""
    with suppress(OSError, ValueError):
        with open(_MOUNTS) as mounts:
            for mount in mounts:
                fields = mount.split()
                if fields[2] == f"{os.major(device)}:{os.minor(device)}":
                    return fields[fields.index("-") + 1]
    return ""


def _write(fd: int, pieces: Parts) -> int:
    if len(pieces) > 1 and hasattr(os, "writev"):
        return os.writev(fd, pieces)
    return os.write(fd, pieces[0])


def _sync_directory(directory: str) -> None:
    """POSIX: fsync of a file does not ensure that its entry in the directory is on disk. Windows
    has no descriptors for directories."""
    if os.name == "posix":
        fd = os.open(directory, os.O_RDONLY)
        try:
            _fsync(fd)
        finally:
            os.close(fd)


def sync_path(path: str) -> None:
    """Make what is at `path`, a side file or a directory, survive a crash of the machine; nothing
    if it is gone, or now belongs to others. A pipe there is not waited for."""
    try:
        fd = open_apart(path, _SYNCED)
    except OSError as error:
        if error.errno not in (*_GONE, errno.EACCES, errno.EPERM, errno.ENXIO):
            raise
        return
    try:
        _fsync(fd)
    finally:
        os.close(fd)


def _fsync(fd: int) -> None:
    """fsync, where the file system has it. EINVAL: "fd is bound to a special file which does not
    support synchronization"."""
    try:
        os.fsync(fd)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP, errno.ENOSYS):
            raise
