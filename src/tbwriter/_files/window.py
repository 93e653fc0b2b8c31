"""Random access to the bytes of an event file, whether it is a file, an object or in memory."""
from __future__ import annotations

import io
import os
import stat
from struct import Struct
from types import TracebackType
from typing import Optional, Type, Union

from .gzipped import MAGIC, Gunzip
from .places import Unlisted, is_url, storage
from .._tfrecord.frame import HEADER, MAX_LENGTH, header

CHUNK = 1 << 22
# How much of a file on a disk is in memory at a time: what fits the processor's cache is decoded
# faster. A request for an object asks for CHUNK bytes.
DISK_CHUNK = 1 << 20

# A file, or the bytes of one.
Place = Union[str, bytes]
_File = Union[io.BytesIO, io.RawIOBase, Gunzip]

# How much larger than a compressed file a record in it may be.
_MOST_EXPANDED = 16 << 20

# How pointers begin, by the program that keeps the file itself out of Git; they are small files.
_POINTERS = {b"version https://git-lfs.github.com/spec/": "Git LFS",
             b"/annex/objects/": "git-annex"}
_LARGEST_POINTER = 1 << 10

_uint64 = Struct("<Q").unpack


class ReadError(ValueError):
    """A file is not an event file, or is damaged. The text names the place and the damage."""


class PointerError(ReadError):
    """A small file that Git keeps in place of an event file until that is fetched."""


class Window:
    """Random access to the bytes of a file, a chunk at a time; those of gzip are decompressed,
    unless `gunzip` is False.

    most: how many bytes are in memory at a time, if a read asks for no more.
    size: the bytes that were there when it was opened. gzipped: whether they are compressed.
    damage: why the bytes of a compressed file end too early, or "". longest: how many bytes a
    record may have, so that a small compressed file takes no large memory. loaded: how many bytes
    have been read.
    """

    def __init__(self, place: Place, gunzip: bool = True, most: int = 0) -> None:
        self.name = place if isinstance(place, str) else "(memory)"
        self._most = most or (CHUNK if is_url(self.name) else DISK_CHUNK)
        self.loaded = 0
        self._file: _File = _open(place)
        try:
            self._begin(self._file, place, gunzip)
        except BaseException:  # nobody else can close it
            self.close()
            raise

    def _begin(self, file: Union[io.BytesIO, io.RawIOBase], place: Place, gunzip: bool) -> None:
        self.gzipped = gunzip and _is_gzip(file, place)
        self.damage = ""
        self.longest = MAX_LENGTH
        if self.gzipped:
            self.longest = file.seek(0, io.SEEK_END) + _MOST_EXPANDED
            decompressed = Gunzip(file, DISK_CHUNK) if is_url(self.name) else Gunzip(file)
            if decompressed.size or not decompressed.damage:
                self._file, self.damage = decompressed, decompressed.damage
            else:
                self.gzipped, self.longest = False, MAX_LENGTH
        self.size = self._file.size if isinstance(self._file, Gunzip) \
            else self._file.seek(0, io.SEEK_END)
        # How many bytes may still be checked in search of records. Made-up headers that each
        # claim much of the file would otherwise cost the square of its size.
        self.budget = 4 * self.size + CHUNK
        self._chunk = b""
        self._start = 0
        self._begins = 0  # where the bytes begin in the file
        if self.size <= _LARGEST_POINTER and not is_url(self.name):
            self._refuse_pointer()

    def __enter__(self) -> "Window":
        return self

    def __exit__(self, kind: Optional[Type[BaseException]], error: Optional[BaseException],
                 trace: Optional[TracebackType]) -> None:
        self.close()

    def close(self) -> None:
        self._file.close()

    def move(self, to: io.FileIO) -> None:
        """Write all bytes to the end of a file on this machine, and read them there."""
        begins = to.seek(0, io.SEEK_END)
        for at in range(0, self.size, CHUNK):
            data = memoryview(self._load(at, min(CHUNK, self.size - at)))
            while data:
                data = data[to.write(data):]
        self._file.close()
        self._file, self._begins = to, begins

    def _refuse_pointer(self) -> None:
        head = self.read(0, max(map(len, _POINTERS)))
        for begin, program in _POINTERS.items():
            if head.startswith(begin):
                raise PointerError(
                    f"got {self.name}, which is a pointer of {program}, want the file itself")

    def read(self, at: int, length: int) -> bytes:
        """`length` bytes from `at`; fewer at the end."""
        begin = at - self._start
        if 0 <= begin and begin + length <= len(self._chunk):
            return self._chunk[begin:begin + length]
        length = max(0, min(length, self.size - at))
        if length > self._most:
            return self._load(at, length)
        kept = self._chunk[begin:] if 0 <= begin < len(self._chunk) else b""
        self._chunk = kept + self._load(at + len(kept), min(self._most, self.size - at) - len(kept))
        self._start = at
        return self._chunk[:length]

    def _load(self, at: int, length: int) -> bytes:
        if length <= 0:
            return b""
        self._file.seek(self._begins + at)
        data = self._file.read(length) or b""
        while len(data) < length:
            more = self._file.read(length - len(data))
            if not more:  # the file became shorter
                break
            data += more
        self.loaded += len(data)
        return data


def _open(place: Place) -> Union[io.BytesIO, io.RawIOBase]:
    if isinstance(place, bytes):
        return io.BytesIO(place)
    if is_url(place):
        opened: io.RawIOBase = storage(place).open_file(place)
        return opened
    if isinstance(place, Unlisted):
        os.listdir(place)  # raises the error
    _check_regular(place, os.stat(place))
    return open(place, "rb", buffering=0, opener=_regular)


def _regular(path: str, flags: int) -> int:
    """An opener for files that others may replace by a pipe at any time: it is not waited for."""
    descriptor = os.open(path, flags | getattr(os, "O_NONBLOCK", 0))
    try:
        _check_regular(path, os.fstat(descriptor))
    except ReadError:
        os.close(descriptor)
        raise
    return descriptor


def _check_regular(path: str, found: os.stat_result) -> None:
    """ReadError for a pipe or a device, which would wait for ever."""
    if not stat.S_ISREG(found.st_mode):
        raise ReadError(f"got {path}, which is not a regular file, want an event file")


def _is_gzip(file: Union[io.BytesIO, io.RawIOBase], place: Place) -> bool:
    # Checking an object takes a request.
    if isinstance(place, str) and is_url(place) and not place.endswith(".gz"):
        return False
    head = file.read(HEADER) or b""
    # A record may begin with the same three bytes: then the checksum of its length follows.
    return head[:3] == MAGIC and (len(head) < HEADER or head != header(_uint64(head[:8])[0]))


def open_raw(place: Place) -> Union[io.BytesIO, io.RawIOBase]:
    """A file or an object with its bytes as they are, also where they are compressed."""
    return _open(place)


def whole(file: Union[io.BytesIO, io.RawIOBase], most: int = CHUNK) -> bytes:
    """The next bytes of a file, `most` unless it ends."""
    data = b""
    while len(data) < most:
        more = file.read(most - len(data)) or b""
        if not more:
            break
        data += more
    return data


def contents(path: str) -> bytes:
    """All bytes of a file of `tree`, as they are also where they are compressed."""
    with Window(path, gunzip=False) as window:
        return window.read(0, window.size)
