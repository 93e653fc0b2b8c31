"""Named files in a log directory: event files that only ever grow, and side files.

An event file gets whole records, and after a failed write it goes on at the exact next byte: a
reader takes bytes behind a torn record for the end of the file, for ever. Where that is not
possible any more, a new file begins.
"""
from __future__ import annotations

import errno
import os
import time
from collections import deque
from contextlib import suppress
from functools import lru_cache
from typing import Callable, Deque, Iterator, NamedTuple, Optional, Set, Union

from .contract import SyncError
from .naming import check_name, new_name, temporary_name
from .._parts import Parts, total
from .._tfrecord.frame import sizes, split

_APPEND = os.O_WRONLY | os.O_APPEND | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
_CREATE = _APPEND | os.O_CREAT | os.O_EXCL

# So many event files of a process stay open, besides the one that is written; others are opened for
# their writes only: a run may have as many sub-runs as it likes.
MAX_OPEN = 63

# So often it is looked whether a file has been moved, and whether it is deleted or changed, which
# is quicker to see.
LOOK_SECS, SEEN_SECS = 0.1, 0.01
_open_logs: Set[int] = set()  # ids of the logs that hold a file open

# Where the pages of a file may reach the server in any order, and a reader elsewhere finds zeros
# where some are still missing, which is damage for ever. Not FUSE: a sync there may send the file
# anew, whole.
_UNORDERED = ("nfs", "nfs4", "cifs", "smb3", "lustre")
_MOUNTS = "/proc/self/mountinfo"

_GONE = (errno.ENOENT, errno.ENOTDIR, getattr(errno, "ESTALE", errno.ENOENT))

# One call to the kernel takes about so much. Pieces from _LARGE on are not copied together.
_WRITE_SIZE = 4 << 20
_LARGE = 64 << 10
_PIECES = 512  # POSIX lets IOV_MAX be as low as 16; Linux, macOS and the BSDs have 1024


class Block(NamedTuple):
    """Whole records on their way: their place in the stream of all records, and their bytes."""

    start: int
    end: int
    pieces: Parts


class LocalLog:
    """A log directory on a mounted file system.

    Places are counted in the stream of all records that were ever appended, so that each step
    below can be repeated: an exception from a signal handler may come between any two of them.
    """

    def __init__(self, directory: str, suffix: str, header: Callable[[], bytes],
                 max_file_bytes: Optional[int] = None) -> None:
        self.directory = os.path.abspath(directory)
        self.path = ""
        self.notice = ""
        self._suffix = suffix
        self._header = header
        self._max_file_bytes = max_file_bytes
        self._blocks: Deque[Block] = deque()
        self._written = 0  # the place up to which all is in files
        self._fd = -1
        self._origin = 0   # the place where the file's first byte would be
        self._first = 0    # the place of the file's first record behind the header
        self._opened: Optional[os.stat_result] = None
        self._in_directory = False  # whether the name is known to survive the machine
        self._sizes_hold = True     # whether the file system has told true sizes so far
        self._parked = False        # whether the file is closed between two writes
        self._counted = True        # whether `_written` holds what the last call wrote
        self._seen = 0.0            # when the descriptor was last seen to be the file's
        self._looked = 0.0          # when the file was last seen to be there
        self._unordered = False     # whether each write is synced, for readers elsewhere
        self._try()

    @property
    def pending(self) -> int:
        try:
            return self._blocks[-1].end - self._written if self._blocks else 0
        except IndexError:  # emptied meanwhile: any thread may ask
            return 0

    def append(self, records: Parts) -> None:
        size = total(records)
        place = self._blocks[-1].end if self._blocks else self._written
        if self._max_file_bytes is None:
            if size:
                self._blocks.append(Block(place, place + size, _joined(records, size)))
            return
        blocks = []
        # A file ends between two records, so each may begin another one.
        for part in split(b"".join(records), self._max_file_bytes // 16):
            blocks.append(Block(place, place + len(part), [part]))
            place += len(part)
        self._blocks += blocks  # all or none

    def write(self) -> None:
        if not self._blocks:
            return
        if self._parked:
            self._unpark()
        if self._fd >= 0:
            now = time.monotonic()
            if not self._counted or now - self._seen >= SEEN_SECS:
                self._look(now)
        while self._blocks:
            block = self._blocks[0]
            if block.end <= self._written:
                self._blocks.popleft()
            elif self._fd < 0:
                self._open()
            elif block.start == self._written and self._is_full(block):
                self.sync()
                self._leave()
            else:
                try:
                    self._counted = False
                    self._written += _write(self._fd, self._next_pieces())
                    self._counted = True
                except OSError as error:
                    if error.errno == errno.EFBIG and self._whole() > self._first:
                        self._cut_tail()
                        self._begin_anew()
                    raise
        if self._unordered:
            self.sync()
        if len(_open_logs) > MAX_OPEN:
            self._park()

    def sync(self) -> None:
        self._unpark()
        if self._fd < 0:
            return
        try:
            _fsync(self._fd)
        except OSError as error:
            with suppress(OSError):
                self._begin_anew()
            raise SyncError(error.errno, f"{error.strerror} (fsync)", self.path) from None
        if not self._in_directory:
            _sync_directory(self.directory)
            self._in_directory = True

    def close(self) -> None:
        self._unpark()
        if self._fd < 0:
            return
        self._cut_tail()
        self.sync()
        self._begin_anew()

    def detach(self) -> None:
        self._blocks.clear()
        with suppress(OSError):
            self._leave()

    def read(self, name: str) -> Optional[bytes]:
        try:
            with open(self._inside(name), "rb") as file:
                return file.read()
        except FileNotFoundError:
            return None

    def put(self, name: str, data: bytes) -> None:
        path = self._inside(name)
        if not self.path:  # only beside an event file are side files shown
            self._open()
            self._park()
        os.makedirs(os.path.dirname(path), exist_ok=True)
        temporary = os.path.join(os.path.dirname(path), temporary_name())
        try:
            with open(temporary, "xb") as file:
                file.write(data)
            os.replace(temporary, path)
        except BaseException:
            with suppress(OSError):
                os.unlink(temporary)
            raise

    def earlier(self) -> Iterator[Union[str, bytes]]:
        for name in sorted(os.listdir(self.directory)):
            path = os.path.join(self.directory, name)
            if "tfevents" in name and os.path.isfile(path):
                yield path

    def _inside(self, name: str) -> str:
        """Where the side file is, symbolic links followed."""
        root = os.path.realpath(self.directory)
        path = os.path.realpath(os.path.join(root, *check_name(name).split("/")))
        try:
            inside = os.path.commonpath([root, path]) == root != path
        except ValueError:  # another drive of Windows
            inside = False
        if not inside:
            raise ValueError(f"got the file name {name!r}, want one inside {self.directory}")
        return path

    def _next_pieces(self) -> Parts:
        """What the next call writes: from the next byte on, about _WRITE_SIZE."""
        first = self._blocks[0]
        skip = self._written - first.start
        if not skip and len(self._blocks) == 1 == len(first.pieces) and \
                first.end - first.start <= _WRITE_SIZE:
            return first.pieces
        out: Parts = []
        size = 0
        for block in self._blocks:
            if out and self._is_full(block):
                break
            for piece in block.pieces:
                if skip >= len(piece):
                    skip -= len(piece)
                    continue
                out.append(memoryview(piece)[skip:skip + _WRITE_SIZE])
                size += len(out[-1])
                if size >= _WRITE_SIZE or len(out) == _PIECES:
                    return out
                skip = 0
        return out

    def _is_full(self, block: Block) -> bool:
        """Whether `block` belongs into another file, unless it is larger than any may be."""
        return (self._max_file_bytes is not None and block.start > self._first
                and block.end - self._origin > self._max_file_bytes)

    def _try(self) -> None:
        """See whether a file can be made here. The first write makes the one that stays:
        TensorBoard would list a run without values, as is a directory of runs below it alone."""
        self._open()
        with suppress(OSError):  # one may be allowed to make files, and not to remove them
            os.unlink(self.path)
            self.path = ""
            self._leave()
        self._park()

    def _open(self) -> None:
        """Begin a file, with the header in it. `_written` is between two records."""
        os.makedirs(self.directory, exist_ok=True)
        header = self._header()
        while True:
            path = os.path.join(self.directory, new_name(os.listdir(self.directory), self._suffix))
            try:
                fd = os.open(path, _CREATE, 0o666)
                break
            except FileExistsError:  # the same pid and host name, in another container
                pass
        try:
            left = header
            while left:
                left = left[os.write(fd, left):]
            self._opened = os.fstat(fd)
        except BaseException:
            with suppress(OSError):
                os.close(fd)
            with suppress(OSError):
                os.unlink(path)
            raise
        self._first = self._written
        self._origin = self._written - len(header)
        self._in_directory = False
        self._unordered = _kind_of(self._opened.st_dev) in _UNORDERED
        self.path = path
        self._fd = fd
        _open_logs.add(id(self))

    def _park(self) -> None:
        """Close the file until there is more to write, if too many are open."""
        if self._fd >= 0 and len(_open_logs) > MAX_OPEN:
            self._leave()
            self._parked = True

    def _unpark(self) -> None:
        """Open the same file again; begin a new one where it is gone."""
        if not self._parked:
            return
        try:
            fd = os.open(self.path, _APPEND)
        except OSError as error:
            if error.errno not in _GONE:
                raise
            self._go_on_anew("it has been removed")
            return
        self._parked = False
        self._fd = fd
        _open_logs.add(id(self))
        if self._opened is None or not os.path.samestat(os.fstat(fd), self._opened):
            self._go_on_anew("it has been replaced")

    def _look(self, now: float) -> None:
        """See whether the file is what it was left as; otherwise begin a new one."""
        self._seen = now
        here: Optional[os.stat_result] = None
        try:
            here = os.fstat(self._fd)
        except OSError as error:
            if error.errno != errno.EBADF:
                raise
        if here is None or self._opened is None or not os.path.samestat(here, self._opened):
            # A daemon has closed all descriptors: the number is somebody else's now.
            self._fd = -1
            self._go_on_anew("its descriptor has been closed")
            return
        end = self._origin + here.st_size
        if self._sizes_hold and not self._written <= end <= self._blocks[-1].end:
            # Told once: some file systems (HDFS mounted) show a size only when a file is closed.
            self._sizes_hold = False
            self._go_on_anew("it has been changed")
            return
        if self._sizes_hold:
            # More than is known was written if an exception came between the call and the count.
            self._written = end
        if here.st_nlink and now - self._looked < LOOK_SECS:
            return
        self._looked = now
        try:
            there = os.stat(self.path)
        except OSError as error:
            if error.errno in _GONE:
                self._go_on_anew("it has been removed")
            return
        # A file system without lasting inode numbers shows another file of the same size.
        if not os.path.samestat(here, there) and (
                here.st_nlink == 0 or here.st_size != there.st_size):
            self._go_on_anew("it has been replaced")

    def _go_on_anew(self, reason: str) -> None:
        self.notice = f"{self.path}: {reason}; the run goes on in a new file"
        with suppress(OSError):
            self._begin_anew()

    def _cut_tail(self) -> None:
        """Let a file that is left end with a whole record. No other bytes ever follow, so a reader
        that has seen the rest waits in vain, and that is all."""
        # The size tells more than the count where a write failed after some bytes.
        size = self._whole() - self._origin
        if size < os.fstat(self._fd).st_size:
            os.ftruncate(self._fd, size)

    def _begin_anew(self) -> None:
        """Leave this file; what was torn in it is written again, whole, in the next."""
        self._written = self._whole()
        self._leave()

    def _whole(self) -> int:
        """The place where the last whole record in the file ends."""
        while self._blocks and self._blocks[0].end <= self._written:
            self._blocks.popleft()
        if not self._blocks:
            return self._written
        block = self._blocks[0]
        at = block.start
        for size in sizes(b"".join(block.pieces)):
            if at + size > self._written:
                break
            at += size
        return at

    def _leave(self) -> None:
        self._parked = False
        _open_logs.discard(id(self))
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)


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


def _joined(records: Parts, size: int) -> Parts:
    """Small pieces together, large ones as they are; `size` is that of all."""
    if size < _LARGE:
        return [b"".join(records)]
    out: Parts = []
    small: Parts = []
    for piece in records:
        if len(piece) < _LARGE:
            small.append(piece)
        else:
            out += (b"".join(small), piece)
            small = []
    out.append(b"".join(small))
    return [piece for piece in out if piece]


def _sync_directory(directory: str) -> None:
    """POSIX: fsync of a file does not ensure that its entry in the directory is on disk. Windows
    has no descriptors for directories."""
    if os.name == "posix":
        fd = os.open(directory, os.O_RDONLY)
        try:
            _fsync(fd)
        finally:
            os.close(fd)


def _fsync(fd: int) -> None:
    """fsync, as far as the file system has it. EINVAL: "fd is bound to a special file which does
    not support synchronization"."""
    try:
        os.fsync(fd)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP, errno.ENOSYS):
            raise
