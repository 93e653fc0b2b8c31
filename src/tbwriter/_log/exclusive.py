"""A side file that is read, changed and written again, by one writer at a time.

A lock of the kernel on the directory ends with its process and leaves nothing. Where there is none
(Windows, NFS, object stores) a lock file takes its place; one that stays the same for STALE_SECS is
that of a process that was killed. No writer waits for ever: after LOCK_SECS the file is written
without a lock.
"""
from __future__ import annotations

import errno
import os
import time
from contextlib import contextmanager, suppress
from typing import Dict, Iterator, Optional, Protocol, Sequence, Tuple

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

LOCK_SECS = 15.0
STALE_SECS = 10.0
_PAUSE = 0.01
_RANDOM_BYTES = 16

# The lock files that writers of this process hold, by process and place: not every store makes
# sure that only one of two makes a file.
_held: Dict[Tuple[int, str], "FileLock"] = {}
# The content of those whose release failed: the process that made them need not wait for them.
_left: Dict[Tuple[int, str], bytes] = {}


class Lock(Protocol):
    def acquire(self) -> bool: ...
    def release(self) -> None: ...


class Files(Protocol):
    """What a lock file needs of a log."""

    directory: str

    def read(self, name: str) -> Optional[bytes]: ...
    def put(self, name: str, data: bytes) -> None: ...
    def put_new(self, name: str, data: bytes) -> bool: ...
    def remove(self, name: str) -> None: ...


@contextmanager
def holding(*locks: Lock) -> Iterator[None]:
    """Wait for the first of `locks` that is available here, and release it at the end."""
    try:
        _wait(locks)
        yield
    finally:
        for lock in locks:
            try:
                lock.release()
            except BaseException:  # of a signal handler
                lock.release()
                raise


def _wait(locks: Sequence[Lock]) -> None:
    deadline = time.monotonic() + LOCK_SECS
    for lock in locks:
        try:
            while not lock.acquire() and time.monotonic() < deadline:
                time.sleep(_PAUSE * os.urandom(1)[0] / 256)
            return
        except OSError:
            if lock is locks[-1]:
                raise


class KernelLock:
    """The kernel's lock on a directory. OSError where the system has no such locks."""

    def __init__(self, directory: str) -> None:
        self._fd = -1
        self._directory = directory

    def acquire(self) -> bool:
        if fcntl is None:
            raise OSError(errno.ENOSYS, "no locks on this system")
        if self._fd < 0:
            self._fd = os.open(self._directory, os.O_RDONLY | os.O_CLOEXEC)
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, InterruptedError):
            return False
        return True

    def release(self) -> None:
        if self._fd >= 0:
            with suppress(OSError):
                fcntl.flock(self._fd, fcntl.LOCK_UN)  # a forked child may have the descriptor too
            fd, self._fd = self._fd, -1
            with suppress(OSError):
                os.close(fd)


class FileLock:
    """A lock file; an empty one is free."""

    def __init__(self, files: Files, name: str) -> None:
        self._files = files
        self._name = name
        self._key = os.getpid(), f"{files.directory}/{name}"
        self._content = os.urandom(_RANDOM_BYTES).hex().encode()
        self._found: Optional[bytes] = None
        self._since = 0.0  # when `_found` was found first

    def acquire(self) -> bool:
        if _held.setdefault(self._key, self) is not self:
            return False
        files, name = self._files, self._name
        if files.put_new(name, self._content):
            return True
        found = files.read(name)
        free = found in (b"", _left.get(self._key, b""))
        if free:
            files.put(name, self._content)
        elif found != self._found:
            self._found, self._since = found, time.monotonic()
        elif found is not None and time.monotonic() - self._since > STALE_SECS:
            files.remove(name)
        return free or found == self._content

    def release(self) -> None:
        if _held.get(self._key) is not self:
            return
        try:
            if self._files.read(self._name) == self._content:
                self._free()
            _left.pop(self._key, None)
        except OSError:  # for others it becomes stale
            _left[self._key] = self._content
        del _held[self._key]  # last: an interrupted call is made once more

    def _free(self) -> None:
        try:
            self._files.remove(self._name)
        except OSError:  # objects may be created but not deleted
            self._files.put(self._name, b"")
