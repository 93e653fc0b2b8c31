"""Text of any length as a cell of CSV or as a string of JSON, piece by piece.

A text of some megabytes would take several times its memory as a string, escaped, in quotes and
encoded. Here at most a few pieces of it exist at a time.
"""
from __future__ import annotations

import codecs
import json
from typing import Callable, Iterator

from .._proto import parse
from .._proto.tensors import Tensor
from ._text import FORMULAS, QUOTED, as_json, escaped_cell

# How many bytes are decoded at a time.
_PIECE = 1 << 16
# The text from its beginning, with each call.
Pieces = Callable[[], Iterator[str]]

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
    for at in range(0, len(data), _PIECE):
        yield decoder.decode(data[at:at + _PIECE])
    yield decoder.decode(b"", True)


def csv_cell(text: Pieces, raw: bool) -> Iterator[str]:
    """The same cell as `csv_line` makes of the whole text."""
    def pieces() -> Iterator[str]:
        return text() if raw else map(escaped_cell, text())

    quote = '"' if any(QUOTED.search(piece) for piece in pieces()) else ""
    yield quote
    if not raw and _is_formula(pieces()):
        yield "'"
    for piece in pieces():
        yield piece.replace('"', '""')
    yield quote


def json_string(text: Pieces) -> Iterator[str]:
    """The same string as `as_json` makes of the whole text."""
    yield '"'
    for piece in text():
        yield as_json(piece)[1:-1]
    yield '"'


def _is_formula(pieces: Iterator[str]) -> bool:
    for number, piece in enumerate(pieces):
        if not number and piece.startswith(_BEGINS_LINE):
            return True
        begins = piece.lstrip()
        if begins:
            return begins[0] in FORMULAS
    return False
