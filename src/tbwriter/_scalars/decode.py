"""Scalars out of records, thousands at a time.

Records of one length that hold scalars of the same tags differ only in wall_time, step, values and
checksum. The first of them is decoded byte by byte and becomes a template; the others are compared
with the template, all bytes in one operation, and their numbers are read as columns. A record whose
bytes equal no template is left to the caller, so the result never depends on a guess.
"""
from __future__ import annotations

from typing import Any, Dict, Iterator, List, NamedTuple, Tuple

import numpy as np

from .pieces import Piece, stable_order
from .shapes import Rows, Shape, known_shapes, shape_of
from .walk import walk
from .._proto import parse
from .._tfrecord.frame import HEADER, OVERHEAD, is_sound

Array = Any  # np.ndarray, whose generic form numpy 1.19 does not have

# Fewer rows are decoded faster one by one, and longer records are rarely scalars.
_MIN_ROWS = 12
_MAX_LENGTH = 1 << 14
# How many new shapes to look for among the records of one length, in one chunk.
_MAX_SHAPES = 12
# How many bytes a kind of scalar takes besides its name; all kinds that are learned; and those that
# are learned from one record.
_KIND, _MOST_KINDS, _MOST_ONCE = 600, 1 << 24, 1 << 21


class Chunk(NamedTuple):
    """The sound records at the start of a chunk of bytes.

    offsets: int64 [n], where they begin. end: where the last one ends. pieces: the scalars that
    were decoded. others: (number, data) of all other records. whole: whether the chunk ends there,
    but for a record that continues after it; otherwise the record at `end` is damaged.
    """

    offsets: Array
    end: int
    pieces: List[Piece]
    others: List[Tuple[int, bytes]]
    whole: bool


class Decoder:
    """Decodes chunks of one file.

    values: each kind of scalar found so far: tag and metadata, with zero for the number. Records
    of one tag whose metadata differ are of two kinds. A tensor of one number without metadata is
    a scalar only if the first value of its tag is one: TensorFlow describes a tag but once.
    """

    def __init__(self) -> None:
        self.values: List[parse.Value] = []
        self._numbers: Dict[Any, int] = {}
        self._nbytes = 0  # of the kinds
        self._tags: Dict[Shape, Dict[int, List[int]]] = {}

    def decode(self, chunk: bytes) -> Chunk:
        """`chunk` begins with a record."""
        offsets, lengths = walk(chunk)
        pieces, rest = self._pieces(chunk, offsets, lengths)
        others, bad = _others(chunk, offsets, lengths, rest)
        end = int(offsets[bad - 1] + lengths[bad - 1]) + OVERHEAD if bad else 0
        if bad < len(offsets):
            pieces = [piece.chosen(piece.records < bad) for piece in pieces]
            pieces = [piece for piece in pieces if len(piece.records)]
        return Chunk(offsets[:bad], end, pieces, others, bad == len(offsets))

    def _pieces(self, chunk: bytes, offsets: Array, lengths: Array
                ) -> Tuple[List[Piece], List[int]]:
        """The scalars found, and the numbers of all other records."""
        padded = np.frombuffer(chunk + bytes(8), np.uint8)
        pieces: List[Piece] = []
        rest: List[Array] = []
        for length, numbers in _by_length(lengths):
            if len(numbers) < _MIN_ROWS or length > _MAX_LENGTH:
                rest.append(numbers)
                continue
            rows = Rows(_rows(padded, offsets[numbers], length))
            found, left = self._of_length(rows, length)
            pieces += [piece._replace(records=numbers[piece.records]) for piece in found]
            rest.append(numbers[left])
        return pieces, np.sort(np.concatenate(rest)).tolist() if rest else []

    def _of_length(self, rows: Rows, length: int) -> Tuple[List[Piece], Array]:
        """The scalars in records of one length, and the rows of all others."""
        found: List[Piece] = []
        left = np.arange(len(rows))
        for shape in known_shapes(length):
            if len(left) < _MIN_ROWS:
                break
            left = self._take(shape, rows, left, found)
        passed: List[Array] = []
        for _ in range(_MAX_SHAPES):
            if len(left) < _MIN_ROWS or self._nbytes >= _MOST_KINDS:
                break
            made = shape_of(rows.data[left[0], HEADER:HEADER + length].tobytes())
            if made is None:
                passed.append(left[:1])
                left = left[1:]
                continue
            alike = made.alike(rows.taken(left))
            same, left = left[alike], left[~alike]
            self._learn(made, rows.taken(same))
            same = self._take(made, rows, same, found)
            passed.append(same)
        return found, np.concatenate([left, *passed])

    def _learn(self, shape: Shape, rows: Rows) -> None:
        """Make as many templates of rows of a shape as there is memory for."""
        each = _KIND * len(shape.spans) + 2 * rows.data.shape[1]
        shape.learn(rows, max(0, _MOST_KINDS - self._nbytes) // each,
                    max(0, _MOST_ONCE - self._nbytes) // each)

    def _take(self, shape: Shape, rows: Rows, left: Array, found: List[Piece]) -> Array:
        """Appends the scalars in those rows that equal a template; gives the other rows."""
        chosen = rows.taken(left)
        good = shape.alike(chosen)
        if not good.any():
            return left
        chosen = chosen.taken(good.nonzero()[0])
        at, equal = shape.known.find(chosen, shape)
        if not equal.all():
            good[good] = equal
            if not equal.any():
                return left
            at, chosen = at[equal], chosen.taken(equal.nonzero()[0])
        piece = Piece(left[good], [], shape.steps(chosen.data), shape.wall_times(chosen.data),
                      shape.values(chosen.data))
        found.append(self._grouped(piece, at, shape))
        return left[~good]

    def _grouped(self, piece: Piece, at: Array, shape: Shape) -> Piece:
        """Records of the templates `at`, put together by their template."""
        first = int(at[0])
        if (at == first).all():
            return piece._replace(groups=[(self._numbers_of(shape, first), 0, len(at))])
        order = stable_order(at)
        at = at[order]
        begins = [0, *((at[1:] != at[:-1]).nonzero()[0] + 1).tolist()]
        groups = [(self._numbers_of(shape, template), begin, end) for template, begin, end
                  in zip(at[begins].tolist(), begins, [*begins[1:], len(at)])]
        return piece.taken(order)._replace(groups=groups)

    def _numbers_of(self, shape: Shape, template: int) -> List[int]:
        """This file's numbers of the scalars of a template."""
        known = self._tags.setdefault(shape, {})
        if template not in known:
            known[template] = [self._number(value) for value in shape.known.templates[template]]
        return known[template]

    def _number(self, value: parse.Value) -> int:
        number = self._numbers.setdefault(value, len(self.values))
        if number == len(self.values):
            self.values.append(value)
            self._nbytes += _KIND + 3 * len(value.tag)
        return number


def _by_length(lengths: Array) -> Iterator[Tuple[int, Array]]:
    """(length, the numbers of the records of that length)."""
    short = np.minimum(lengths, 0xFFFF).astype(np.uint16)
    order = np.argsort(short, kind="stable")
    cuts = np.diff(short[order]).nonzero()[0] + 1
    for numbers in np.split(order, cuts) if len(order) else []:
        yield int(short[numbers[0]]), numbers


def _rows(data: Array, offsets: Array, length: int) -> Array:
    """uint8 [n, size]: records of one length with the bytes after them, up to a whole word."""
    size = -(length + OVERHEAD) % 8 + length + OVERHEAD
    every: Array = np.ndarray((len(data) - size + 1,), f"V{size}", data, 0, (1,))
    return every[offsets].view(np.uint8).reshape(len(offsets), size)


def _others(chunk: bytes, offsets: Array, lengths: Array, numbers: List[int]
            ) -> Tuple[List[Tuple[int, bytes]], int]:
    """(number, data) of these records, up to the first damaged one; and its number."""
    found: List[Tuple[int, bytes]] = []
    for number in numbers:
        at = int(offsets[number])
        record = chunk[at:at + int(lengths[number]) + OVERHEAD]
        if not is_sound(record):
            return found, number
        found.append((number, record[HEADER:-4]))
    return found, len(offsets)
