"""The bytes of a gzip file as a file, for reading at any place.

Only the state of the decompression is kept, at some places, never the bytes. So memory does not
depend on what the file claims to hold, and a read is never far from such a place.
"""
from __future__ import annotations

import io
import zlib
from typing import Any, List, NamedTuple, Union

MAGIC = b"\x1f\x8b\x08"

_PIECE = 1 << 16
# The least number of bytes between two kept states, and the greatest number of states.
_APART = 1 << 23
_MOST = 64


class _State(NamedTuple):
    """at: the bytes of output so far. read: the bytes of the file that were decompressed for it."""

    at: int
    read: int
    decompressor: Any
    waiting: bytes


class Gunzip:
    """The decompressed content of a gzip file.

    most: how many bytes of the file are read at a time. size: how many bytes can be decompressed.
    damage: why there are no more, "" at a proper end.
    """

    def __init__(self, file: Union[io.BytesIO, io.RawIOBase], most: int = _PIECE) -> None:
        self._file = file
        self._most = most
        self._block = b""
        self._begins = 0  # where the block begins in the file
        self._at = 0
        self.damage = ""
        self._apart = _APART
        self._go_to(_State(0, 0, zlib.decompressobj(31), b""))
        self._states: List[_State] = [self._state()]
        while self._piece(_PIECE):
            if self._at - self._states[-1].at >= self._apart:
                self._states.append(self._state())
                if len(self._states) > _MOST:
                    self._states = self._states[::2]
                    self._apart *= 2
        self.size = self._at
        self.seek(0)

    def close(self) -> None:
        self._file.close()

    def seek(self, offset: int, whence: int = 0) -> int:
        offset += self.size if whence == io.SEEK_END else 0
        if offset < self._at or offset - self._at > self._apart:
            self._go_to(max(state for state in self._states if state.at <= offset))
        while self._at < offset:
            if not self._piece(min(_PIECE, offset - self._at)):
                break
        return self._at

    def read(self, size: int = -1) -> bytes:
        left = self.size - self._at if size < 0 else size
        pieces = []
        while left > 0:
            piece = self._piece(min(left, _PIECE))
            if not piece:
                break
            pieces.append(piece)
            left -= len(piece)
        return b"".join(pieces)

    def _state(self) -> _State:
        return _State(self._at, self._read, self._decompressor.copy(), self._waiting)

    def _go_to(self, state: _State) -> None:
        self._at, self._read, decompressor, self._waiting = state
        self._decompressor = decompressor.copy()

    def _piece(self, most: int) -> bytes:
        """The next bytes, at most `most`; none at the end."""
        while True:
            if self._decompressor.eof:  # one more gzip file may follow
                rest = self._decompressor.unused_data or self._input()
                if not rest.strip(b"\0"):
                    return b""
                self._decompressor, self._waiting = zlib.decompressobj(31), rest
            given = self._waiting or self._input()
            try:
                found = self._decompressor.decompress(given, most)
            except zlib.error as error:
                self.damage = f"byte {self._read} of the compressed file: {error}"
                return b""
            self._waiting = self._decompressor.unconsumed_tail
            if found:
                self._at += len(found)
                return bytes(found)
            if not given:
                self.damage = f"the compressed file ends too early, at byte {self._read}"
                return b""

    def _input(self) -> bytes:
        at = self._read - self._begins
        if not 0 <= at < len(self._block):
            self._file.seek(self._read)
            self._block = self._file.read(self._most) or b""
            self._begins, at = self._read, 0
        data = self._block[at:at + _PIECE]
        self._read += len(data)
        return data
