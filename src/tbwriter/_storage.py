"""Named files in a log directory: event files that only ever grow, and side files.

An event file gets whole records, and after a failed write it goes on at the exact next byte: a
reader takes bytes behind a torn record for the end of the file, for ever. Where that is not
possible any more, a new file begins.
"""
from __future__ import annotations

import errno
import os
import re
import socket
import time
from collections import deque
from itertools import count
from typing import Callable, Deque, List, Optional, Protocol, Set, Union

from ._record import OVERHEAD
from ._wire import Parts

_NAME = re.compile(r".*tfevents\.(\d+)\.")
_numbers = count()

# Beyond so many open event files of a process, each is opened for its writes only: a run may have
# as many sub-runs as it likes.
MAX_OPEN = 64
_opened: Set[int] = set()  # ids of logs that hold a file open

_APPEND = (os.O_WRONLY | os.O_APPEND | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0))
_CREATE = _APPEND | os.O_CREAT | os.O_EXCL


class Log(Protocol):
    """Where the records of one run go.

    directory: an absolute path, or a URL. path: the event file written now. pending: bytes taken
    by `append` that are not yet written. notice: something the user should be told once.
    """

    directory: str
    path: str
    pending: int
    notice: str

    def append(self, records: Parts) -> None:
        """Take whole records, in pieces; they are written later."""

    def write(self) -> None:
        """Write all that is pending. OSError when that fails; the next call goes on from there."""

    def sync(self) -> None:
        """Let what is written survive the machine."""

    def read(self, name: str) -> Optional[bytes]:
        """A side file; None where there is none."""

    def put(self, name: str, data: bytes) -> None:
        """Write a side file, all or nothing. ValueError for a name outside the directory."""

    def close(self) -> None:
        """Close the event file; a later write begins another one."""

    def detach(self) -> None:
        """In a forked child: leave the parent's file alone, and begin one's own at need."""


def open_log(logdir: Union[str, "os.PathLike[str]"], suffix: str, header: Callable[[], bytes],
             max_file_bytes: Optional[int] = None) -> Log:
    """The log directory `logdir`, a path or URL, with a new event file in it.

    header: gives the first record of each file. Raises OSError where nothing can be written there,
    ValueError for a bad suffix or an unknown kind of URL.
    """
    logdir = os.fspath(logdir)
    if "/" in suffix or os.sep in suffix or "\0" in suffix:
        raise ValueError(f"got the filename_suffix {suffix!r}, want one without path separators")
    if "://" in logdir:
        from ._remote import RemoteLog
        return RemoteLog(logdir, suffix, header, max_file_bytes)
    return LocalLog(logdir, suffix, header, max_file_bytes)


class LocalLog:
    """A log directory on a mounted file system."""

    def __init__(self, directory: str, suffix: str, header: Callable[[], bytes],
                 max_file_bytes: Optional[int] = None) -> None:
        self.directory = os.path.abspath(directory)
        self.path = ""
        self.pending = 0
        self.notice = ""
        self._suffix = suffix
        self._header = header
        self._max_file_bytes = max_file_bytes
        # What is pending, in blocks of whole records, and how much of the first is written.
        self._blocks: Deque[bytes] = deque()
        self._offset = 0
        self._size = 0
        self._fd = -1
        self._parked = 0  # inode of the file, while it is closed between two writes
        self._open()
        self._park()

    def append(self, records: Parts) -> None:
        block = b"".join(records)
        if block:
            self._blocks.append(block)
            self.pending += len(block)

    def write(self) -> None:
        if not self._blocks:
            return
        self._unpark()
        if self._fd >= 0 and os.fstat(self._fd).st_nlink == 0:
            # Deleted, or another file has been put in its place.
            self.notice = f"{self.path} has been removed; the run goes on in a new file"
            self._begin_anew()
        while self._blocks:
            if self._fd < 0 or (self._full() and self._offset == 0):
                self._leave()
                self._open()
            block = self._blocks[0]
            written = os.write(self._fd, memoryview(block)[self._offset:])
            self.pending -= written
            self._size += written
            self._offset += written
            if self._offset == len(block):
                self._blocks.popleft()
                self._offset = 0
        self._park()

    def sync(self) -> None:
        self._unpark()
        if self._fd >= 0:
            try:
                os.fsync(self._fd)
            except OSError:
                # The kernel reports a lost page once: a second fsync that succeeds proves nothing.
                self._begin_anew()
                raise
        self._park()

    def close(self) -> None:
        self._unpark()
        if self._fd < 0:
            return
        if self._offset:
            os.ftruncate(self._fd, self._size - self._offset + self._whole())
        try:
            os.fsync(self._fd)
        finally:
            self._begin_anew()

    def detach(self) -> None:
        self._blocks.clear()
        self._offset = self.pending = 0
        self._leave()

    def read(self, name: str) -> Optional[bytes]:
        try:
            with open(self._inside(name), "rb") as file:
                return file.read()
        except FileNotFoundError:
            return None

    def put(self, name: str, data: bytes) -> None:
        path = self._inside(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        # TensorBoard reads every file with "tfevents" in its name, so the temporary one has a name
        # of its own.
        temporary = os.path.join(os.path.dirname(path), f".tbwriter.{os.getpid()}.{next(_numbers)}")
        try:
            with open(temporary, "xb") as file:
                file.write(data)
            os.replace(temporary, path)
        except OSError:
            if os.path.exists(temporary):
                os.unlink(temporary)
            raise

    def _inside(self, name: str) -> str:
        path = os.path.realpath(os.path.join(self.directory, *name.split("/")))
        root = os.path.realpath(self.directory)
        if os.path.commonpath([root, path]) != root or path == root:
            raise ValueError(f"got the file name {name!r}, want one inside {self.directory}")
        return path

    def _open(self) -> None:
        os.makedirs(self.directory, exist_ok=True)
        header = self._header()
        while self._fd < 0:
            self.path = os.path.join(self.directory,
                                     new_name(os.listdir(self.directory), self._suffix))
            try:
                self._fd = os.open(self.path, _CREATE, 0o666)
            except FileExistsError:  # the same pid and host name, in another container
                pass
        try:
            if os.write(self._fd, header) != len(header):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), self.path)
        except OSError:
            self._leave()
            os.unlink(self.path)
            raise
        self._size = len(header)
        _opened.add(id(self))

    def _park(self) -> None:
        if self._fd >= 0 and len(_opened) > MAX_OPEN:
            self._parked = os.fstat(self._fd).st_ino
            _opened.discard(id(self))
            os.close(self._fd)
            self._fd = -1

    def _unpark(self) -> None:
        if not self._parked:
            return
        try:
            self._fd = os.open(self.path, _APPEND)
        except FileNotFoundError:
            pass
        else:
            _opened.add(id(self))
        if self._fd < 0 or os.fstat(self._fd).st_ino != self._parked:
            # Deleted, or another file has been put in its place.
            self.notice = f"{self.path} has been removed; the run goes on in a new file"
            self._leave()
        self._parked = 0

    def _full(self) -> bool:
        return self._max_file_bytes is not None and self._size >= self._max_file_bytes

    def _begin_anew(self) -> None:
        """Leave this file; what was torn in it is written again, whole, in the next."""
        whole = self._whole()
        if self._offset:
            self.pending += self._offset - whole
            self._blocks[0] = self._blocks[0][whole:]
            self._offset = 0
        self._leave()

    def _whole(self) -> int:
        """How many bytes of the first block are whole records in the file."""
        at = 0
        while self._offset and at + 8 <= self._offset:
            length = int.from_bytes(self._blocks[0][at:at + 8], "little") + OVERHEAD
            if at + length > self._offset:
                break
            at += length
        return at

    def _leave(self) -> None:
        fd, self._fd = self._fd, -1
        self._parked = 0
        _opened.discard(id(self))
        if fd >= 0:
            os.close(fd)


def new_name(names: List[str], suffix: str) -> str:
    """A name for an event file that sorts behind all of `names`: readers go by that order."""
    last = max((name for name in names if "tfevents" in name), default="")
    seconds = int(time.time())
    host = re.sub(r"[^A-Za-z0-9._-]", "_", socket.gethostname())[:64] or "localhost"
    tail = f"{host}.{os.getpid()}.{next(_numbers):06d}{suffix}"
    name = f"events.out.tfevents.{seconds:010d}.{tail}"
    if name <= last:
        match = _NAME.match(last)
        seconds = max(seconds, int(match.group(1)) if match else 0) + 1
        name = f"events.out.tfevents.{seconds:010d}.{tail}"
    return name
