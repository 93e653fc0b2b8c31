"""Random access to the bytes of an event file, whether it is a file, an object or in memory."""
from __future__ import annotations

import io
import os
import stat
from types import TracebackType
from typing import Optional, Type, Union

from .places import is_url

CHUNK = 1 << 22

# A file, or the bytes of one.
Place = Union[str, bytes]


class ReadError(ValueError):
    """A file that is no event file, or a damaged one. The text says where and what."""


class Window:
    """Random access to the bytes of a file, a chunk at a time.

    size: the bytes that were there when it was opened.
    """

    def __init__(self, place: Place) -> None:
        self.name = place if isinstance(place, str) else "(memory)"
        self._file = _open(place)
        self.size = self._file.seek(0, io.SEEK_END)
        # How many bytes may still be checked in search of records. Made-up headers that each
        # claim much of the file would otherwise cost the square of its size.
        self.budget = 4 * self.size + CHUNK
        self._chunk = b""
        self._start = 0

    def __enter__(self) -> "Window":
        return self

    def __exit__(self, kind: Optional[Type[BaseException]], error: Optional[BaseException],
                 trace: Optional[TracebackType]) -> None:
        self.close()

    def close(self) -> None:
        self._file.close()

    def read(self, at: int, length: int) -> bytes:
        """`length` bytes from `at`; fewer at the end."""
        begin = at - self._start
        if 0 <= begin and begin + length <= len(self._chunk):
            return self._chunk[begin:begin + length]
        length = max(0, min(length, self.size - at))
        if length > CHUNK:
            return self._load(at, length)
        self._chunk = self._load(at, min(CHUNK, self.size - at))
        self._start = at
        return self._chunk[:length]

    def _load(self, at: int, length: int) -> bytes:
        self._file.seek(at)
        data = self._file.read(length) or b""
        while len(data) < length:
            more = self._file.read(length - len(data))
            if not more:  # the file became shorter
                break
            data += more
        return data


def _open(place: Place) -> Union[io.BytesIO, io.RawIOBase]:
    if isinstance(place, bytes):
        return io.BytesIO(place)
    if is_url(place):
        from .objects import open_object
        return open_object(place)
    # A pipe or a device of that name would wait for ever.
    if not stat.S_ISREG(os.stat(place).st_mode):
        raise ReadError(f"got {place}, which is no regular file, want an event file")
    return open(place, "rb", buffering=0)


def contents(path: str) -> bytes:
    """All bytes of a file of `tree`."""
    with Window(path) as window:
        return window.read(0, window.size)
