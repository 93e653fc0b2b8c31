"""Text of any length in cells of CSV, piece by piece.

A text of some megabytes would take several times its memory as a string, escaped, in quotes and
encoded. Here at most a few pieces of it exist at a time.
"""
from __future__ import annotations

import codecs
import json
from functools import partial
from typing import Any, Iterator, Sequence

from .._proto import parse
from .._proto.tensors import Tensor
from ._text import FORMULAS, PIECE, QUOTED, Pieces, csv_line, escaped_cell, is_small, pieces

_BEGINS_LINE = ("\t", "\r", "\n")


def text_pieces(tensor: Tensor) -> Iterator[str]:
    """The text of a tensor; of a table, its JSON, in which a row is a list."""
    if not tensor.shape:
        yield from _decoded(next(tensor.texts()))
        return
    sizes = [1]  # how many strings a list of each depth has, the innermost first
    for length in reversed(tensor.shape):
        sizes.append(sizes[-1] * length)
    for at, data in enumerate(tensor.texts()):
        begins = sum([at % size == 0 for size in sizes[1:]])
        yield (", " if at else "") + "[" * begins + '"'
        for piece in _decoded(data):
            yield json.dumps(piece, ensure_ascii=False)[1:-1]
        yield '"' + "]" * sum([(at + 1) % size == 0 for size in sizes[1:]])
    if not sizes[-1]:
        yield "[]"


def _decoded(data: parse.Data) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    for at in range(0, len(data), PIECE):
        yield decoder.decode(data[at:at + PIECE])
    yield decoder.decode(b"", True)


def csv_pieces(cells: Sequence[Any], raw: bool) -> Iterator[str]:
    """The same line as `csv_line` makes. A text may be given as `Pieces`."""
    if is_small(cells):
        yield csv_line(cells, raw)
        return
    for number, cell in enumerate(cells):
        yield "," if number else ""
        if is_small(cell):
            yield csv_line([cell], raw)[:-1]
        else:
            yield from _cell(partial(pieces, cell) if isinstance(cell, str) else cell, raw)
    yield "\n"


def _cell(text: Pieces, raw: bool) -> Iterator[str]:
    def escaped() -> Iterator[str]:
        return text() if raw else map(escaped_cell, text())

    quote = '"' if any(QUOTED.search(piece) for piece in escaped()) else ""
    yield quote
    if not raw and _is_formula(escaped()):
        yield "'"
    for piece in escaped():
        yield piece.replace('"', '""')
    yield quote


def _is_formula(pieces: Iterator[str]) -> bool:
    for number, piece in enumerate(pieces):
        if not number and piece.startswith(_BEGINS_LINE):
            return True
        begins = piece.lstrip()
        if begins:
            return begins[0] in FORMULAS
    return False
