"""Tables for terminals."""
from __future__ import annotations

import unicodedata
import zlib
from itertools import chain
from typing import Iterable, Iterator, List, Sequence

from ._text import shown


# The greatest width of a column: one long text does not make all rows as long.
_WIDEST = 200
# Rows of so many characters are compressed together.
_BLOCK = 1 << 18


def table(head: Sequence[str], rows: Iterable[Sequence[str]], align: str) -> Iterator[str]:
    """The lines of a table. align: "l" or "r" for each column. A cell of more than 200 characters
    is longer than its column."""
    widths = [0] * len(head)
    found = _Texts()  # one for each row, whose cells have no newlines
    for row in chain([head], rows):
        cells = list(map(shown, row))
        widths = list(map(max, widths, map(width, cells)))
        found.append("\n".join(cells))
    widths = [min(size, _WIDEST) for size in widths]
    for text in found:
        padded = (" " * (size - width(cell)) + cell if side == "r"
                  else cell + " " * (size - width(cell))
                  for cell, size, side in zip(text.split("\n"), widths, align))
        yield "  ".join(padded).rstrip()


class _Texts:
    """Texts in their order: where they are many, compressed, since rows of a table are alike."""

    def __init__(self) -> None:
        self._packed: List[bytes] = []
        self._last: List[str] = []
        self._size = 0

    def append(self, text: str) -> None:
        self._last.append(text)
        self._size += len(text)
        if self._size >= _BLOCK:
            joined = "\0".join(self._last)  # `shown` leaves no NUL in a text
            self._packed.append(zlib.compress(joined.encode("utf-8", "surrogatepass"), 1))
            self._last, self._size = [], 0

    def __iter__(self) -> Iterator[str]:
        for block in self._packed:
            yield from zlib.decompress(block).decode("utf-8", "surrogatepass").split("\0")
        yield from self._last


def width(text: str) -> int:
    """How many columns of a terminal a text takes."""
    if text.isascii():
        return len(text)
    return sum(0 if unicodedata.combining(char) else
               2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)
