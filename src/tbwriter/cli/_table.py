"""Tables for terminals."""
from __future__ import annotations

import unicodedata
from typing import Iterator, Sequence

from ._text import shown


# Of a column: one long text does not make all rows as long.
_WIDEST = 200


def table(head: Sequence[str], rows: Sequence[Sequence[str]], align: str) -> Iterator[str]:
    """The lines of a table. align: "l" or "r" for each column. A cell of more than 200 characters
    is longer than its column."""
    cells = [list(map(shown, row)) for row in (head, *rows)]
    widths = [min(max(map(width, column)), _WIDEST) for column in zip(*cells)]
    for row in cells:
        padded = (" " * (size - width(cell)) + cell if side == "r"
                  else cell + " " * (size - width(cell))
                  for cell, size, side in zip(row, widths, align))
        yield "  ".join(padded).rstrip()


def width(text: str) -> int:
    """How many columns of a terminal a text takes."""
    if text.isascii():
        return len(text)
    return sum(0 if unicodedata.combining(char) else
               2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)
