"""Tables for terminals."""
from __future__ import annotations

import unicodedata
from itertools import chain
from typing import Iterable, Iterator, List, Sequence

from ._text import shown


# Of a column: one long text does not make all rows as long.
_WIDEST = 200


def table(head: Sequence[str], rows: Iterable[Sequence[str]], align: str) -> Iterator[str]:
    """The lines of a table. align: "l" or "r" for each column. A cell of more than 200 characters
    is longer than its column."""
    widths = [0] * len(head)
    found: List[str] = []  # one string for each row, whose cells have no newlines
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


def width(text: str) -> int:
    """How many columns of a terminal a text takes."""
    if text.isascii():
        return len(text)
    return sum(0 if unicodedata.combining(char) else
               2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)
