"""LocalLog: a log directory on a mounted file system.

An event file gets whole records, and after a failed write it continues at the exact next byte: no
reader ever gets past a torn record. Where it is no longer possible to continue there, a new file
begins, and the torn record is written again in it, whole.
"""
from __future__ import annotations

import errno
import os
from collections import deque
from contextlib import suppress
from typing import Callable, ContextManager, Deque, Iterator, Optional, Union

from .event_file import CHANGED, STALE, EventFile, Unsynced
from .retry import SyncError
from .._parts import Parts, total
from .._tfrecord.frame import OVERHEAD, header, sizes, split

# A descriptor that gives one of these never works again. Others may pass: a file is left for them
# after so many failures in succession, but never for want of space, which a new file lacks too.
_DEAD = (STALE, errno.EBADF)
_NO_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.ENOMEM, errno.EINTR, errno.EAGAIN,
             errno.EMFILE, errno.ENFILE)
_FAILURES = 3

# The size of one call to the kernel, about. Pieces from _LARGE on are not copied together.
_WRITE_SIZE = 4 << 20
_LARGE = 64 << 10
_PIECES = 512  # POSIX lets IOV_MAX be as low as 16; Linux, macOS and the BSDs have 1024


class Block:
    """Whole records to be written: their place in the stream of all records, and their bytes."""

    __slots__ = ("start", "end", "pieces")

    def __init__(self, start: int, end: int, pieces: Parts) -> None:
        self.start = start
        self.end = end
        self.pieces = pieces


class LocalLog:
    """A log directory on a mounted file system: which records go into which file.

    Places are counted in the stream of all records that were ever appended, so that each step
    below can be repeated: an exception from a signal handler may come between any two of them.
    """

    remote = False

    def __init__(self, directory: str, suffix: str, header: Callable[[], bytes],
                 max_file_bytes: Optional[int] = None) -> None:
        self.directory = os.path.abspath(directory)
        self.path = ""
        self.notice = ""
        self._suffix = suffix
        self._header = header
        self._max_file_bytes = max_file_bytes
        self._blocks: Deque[Block] = deque()
        self._written = 0         # the place up to which all is in files, by count
        self._file: Optional[EventFile] = None
        self._first = 0           # the place of the file's first record after the header
        self._counted = True      # whether `_written` holds the bytes of the last write
        self._sizes_hold = True   # whether the file system has given true sizes so far
        self._failures = 0        # failed writes in succession
        self._unsynced = Unsynced(self.directory)

    def probe(self) -> None:
        # The first write makes the file that stays: TensorBoard would list a run without values,
        # such as a directory that has only runs below it.
        self._begin()
        assert self._file is not None
        with suppress(OSError):
            self._file.remove()
            self.path = ""
            self._leave()
        if self._file is not None:
            self._file.park()

    def begin(self) -> None:
        """Make the event file before its first record, for those who ask for its name."""
        if self._file is None:
            self._begin()
            assert self._file is not None
            self._file.park()

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
        try:
            self._write_all()
        except SyncError:
            raise
        except OSError as error:
            self._failures += 1
            if not self._rotated(error):
                raise
            self._write_all()
        self._failures = 0

    def sync(self) -> None:
        self._sync_file()
        self._unsynced.sync()

    def close(self) -> None:
        file = self._held()
        if file is not None:
            self._settle(file)
            self._cut_tail(file)
            self._sync_file()
            self._begin_anew()
        self._unsynced.sync()

    def detach(self) -> None:
        self._blocks.clear()
        self._counted = True
        self._unsynced.forget()
        with suppress(OSError):
            self._leave()

    def read(self, name: str) -> Optional[bytes]:
        from . import beside
        with beside.refusals(self.directory, name):
            return beside.read(beside.inside(self.directory, name))

    def put(self, name: str, data: bytes) -> None:
        from . import beside
        path = beside.inside(self.directory, name)
        if not self.path:  # side files are only shown beside an event file
            self.begin()
        self._unsynced.note(path)
        with beside.refusals(self.directory, name):
            beside.write(path, data)

    def put_new(self, name: str, data: bytes) -> bool:
        from . import beside
        with beside.refusals(self.directory, name):
            path = beside.inside(self.directory, name)
            self._unsynced.note(path)
            return beside.write_new(path, data)

    def remove(self, name: str) -> None:
        from . import beside
        os.unlink(beside.inside(self.directory, name))

    def exclusive(self, name: str) -> ContextManager[None]:
        from .exclusive import FileLock, KernelLock, holding
        self._unsynced.note_directory()
        os.makedirs(self.directory, exist_ok=True)
        return holding(KernelLock(self.directory), FileLock(self, f"{name}.lock"))

    def earlier(self) -> Iterator[Union[str, bytes]]:
        try:
            names = sorted(os.listdir(self.directory))
        except FileNotFoundError:
            return
        for name in names:
            path = os.path.join(self.directory, name)
            if "tfevents" in name and os.path.isfile(path):
                yield path

    def _write_all(self) -> None:
        if not self._blocks:
            return
        file = self._unparked()
        if file is not None and not (self._counted and file.just_seen()):
            self._check(file)
        blocks = self._blocks
        while blocks:
            block = blocks[0]
            if block.end <= self._written:
                blocks.popleft()
            elif self._file is None:
                self._begin()
            elif block.start == self._written and self._is_full(block):
                self._sync_file()
                self._leave()
            else:
                self._write_some(self._file)
        if self._file is not None:
            if self._file.unordered:
                self._sync_file()
            self._file.park()

    def _write_some(self, file: EventFile) -> None:
        """One call to the kernel, and the count of what it wrote."""
        self._counted = False
        try:
            size = file.write(self._next_pieces())
        except OSError as error:
            if error.errno == errno.EFBIG and self._whole() > self._first:
                self._settle(file)
                self._cut_tail(file)
                self._begin_anew()
            raise
        end = file.position() if self._sizes_hold else -1
        before = self._size(file)
        trouble = None
        if end != before + size and end != -1:
            trouble = CHANGED
            between = file.read(before, end - size) if end - size > before else b""
            # No reader finds records after bytes that are not records: ours are written again.
            if between and not (self._whole() == self._written and _are_records(between)):
                size = 0
        self._written += size
        self._counted = True
        if trouble:
            self._continue_anew(file, trouble)

    def _size(self, file: EventFile) -> int:
        """The number of bytes in the file, by count."""
        return self._written - self._first + file.start

    def _next_pieces(self) -> Parts:
        """The bytes for the next call to the kernel: from the next one on, about _WRITE_SIZE."""
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
        """Whether `block` belongs in the next file: with it, a file with records gets too large."""
        return (self._max_file_bytes is not None and self._file is not None
                and block.start > self._first
                and block.end - self._first + self._file.start > self._max_file_bytes)

    def _begin(self) -> None:
        """Begin a file, with the header in it. `_written` is between two records."""
        file = self._new_file()
        self._first = self._written
        self.path = file.path
        self._file = file

    def _new_file(self) -> EventFile:
        self._unsynced.note_directory()
        return EventFile(self.directory, self._suffix, self._header())

    def _sync_file(self) -> None:
        file = self._held()
        if file is None:
            return
        try:
            file.sync()
        except OSError as error:
            with suppress(OSError):
                self._begin_anew()
            raise SyncError(error.errno, f"{error.strerror} (fsync)", file.path) from None

    def _unparked(self) -> Optional[EventFile]:
        """The open file; None if there is none, or if it is gone."""
        file = self._file
        if file is None or file.fd >= 0:
            return file
        trouble = file.unpark()
        if trouble:
            self._continue_anew(file, trouble)
        return self._file

    def _held(self) -> Optional[EventFile]:
        """The file, open again where the program has closed its descriptor."""
        if self._file is not None:
            self._file.hold()
        return self._unparked()

    def _check(self, file: EventFile) -> None:
        """Begin a new file where others have moved, changed or closed this one."""
        self._settle(file)
        trouble = file.trouble(self._size(file) if self._sizes_hold else None)
        if trouble:
            # Some file systems (HDFS mounted) show a size only when a file is closed: then sizes
            # are no longer checked.
            if trouble is CHANGED:
                self._sizes_hold = file.size() > self._size(file)
            self._continue_anew(file, trouble)

    def _settle(self, file: EventFile) -> None:
        """Count the bytes of a write that was interrupted, or that failed after some bytes: those
        in the file which are the next of ours."""
        if self._counted or file.fd < 0:
            return
        if self._sizes_hold:
            size = self._size(file)
            more = min(file.size() - size, self.pending)
            found = file.read(size, size + more) if more > 0 else b""
            expected = b"".join(self._next_pieces())[:len(found)] if found else b""
            self._written += len(os.path.commonprefix([found, expected]))
        self._counted = True

    def _rotated(self, error: OSError) -> bool:
        """Whether a new file takes the place of one whose descriptor fails for good."""
        file = self._file
        if file is None or error.errno in _NO_SPACE or \
                error.errno not in _DEAD and self._failures < _FAILURES:
            return False
        with suppress(OSError):
            self._settle(file)
        place, first = self._whole(), self._first
        try:
            new = self._new_file()
        except OSError:
            return False  # a new file would not help
        with suppress(OSError):
            self._cut_tail(file)
        if place == first:  # it has no records
            with suppress(OSError):
                file.remove()
        with suppress(OSError):
            file.close()
        self.notice = f"{file.path}: {error.strerror}; the run continues in a new file"
        self._file, self._written, self._first = new, place, place
        self._counted = True
        self.path = new.path
        return True

    def _continue_anew(self, file: EventFile, trouble: str) -> None:
        self.notice = f"{file.path}: {trouble}; the run continues in a new file"
        with suppress(OSError):
            self._begin_anew()

    def _cut_tail(self, file: EventFile) -> None:
        """Truncate an abandoned file after its last whole record. No other bytes ever follow, so a
        reader that has seen the torn record only waits in vain. A file to which others have added
        bytes is not truncated."""
        size = self._size(file)
        whole = size - (self._written - self._whole())
        if whole < size == file.size():
            file.cut(whole)

    def _begin_anew(self) -> None:
        """Leave this file; a record that is torn in it is written again, whole, in the next."""
        self._written = self._whole()
        self._counted = True
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
        file, self._file = self._file, None
        if file is not None:
            file.close()


def _are_records(content: bytes) -> bool:
    """Whether `content` consists of whole records, judged by their lengths."""
    at = 0
    while at < len(content):
        length = int.from_bytes(content[at:at + 8], "little")
        if length > len(content) or content[at:at + 12] != header(length):
            return False
        at += length + OVERHEAD
    return at == len(content)


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
