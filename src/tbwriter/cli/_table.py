"""Tables for terminals."""
from __future__ import annotations

import unicodedata
from itertools import chain
from typing import Callable, Iterable, Iterator, List, Sequence

from ._text import PIECE, pieces, shown


# The greatest width of a column: one long text does not make all rows as long.
_WIDEST = 200


def table(head: Sequence[str], rows: Callable[[], Iterable[Sequence[str]]], align: str
          ) -> Iterator[List[str]]:
    """The lines of a table, each as the texts that `say` joins. rows: made again with each call,
    since there may be a million. align: "l" or "r" for each column. A cell of more than 200
    characters is longer than its column."""
    widths = [0] * len(head)
    for row in chain([head], rows()):
        widths = list(map(max, widths, map(width, row)))
    widths = [min(size, _WIDEST) for size in widths]
    for row in chain([head], rows()):
        line: List[str] = []
        for cell, size, side in zip(row, widths, align):
            space = " " * (size - width(cell))
            line += (space, cell, "  ") if side == "r" else (cell, space, "  ")
        yield line if max(map(len, row)) > PIECE else ["".join(line).rstrip()]


def width(text: str) -> int:
    """How many columns of a terminal a text takes as it is shown."""
    if text.isascii() and text.isprintable():
        return len(text)
    return sum(map(_width, map(shown, pieces(text))))


def _width(text: str) -> int:
    if text.isascii():
        return len(text)
    return sum(0 if unicodedata.combining(char) else
               2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)
