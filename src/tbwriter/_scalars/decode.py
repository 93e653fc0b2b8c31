"""Scalars out of records, thousands at a time.

Records of one length that hold scalars of the same tags differ only in wall_time, step, values and
checksum. The first of them is decoded byte by byte and becomes a template; the others are compared
with the template, all bytes at once, and their numbers are read as columns. A record whose bytes
equal no template is left to the caller, so what is decoded here never depends on a guess.
"""
from __future__ import annotations

from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Tuple

import numpy as np

from .shapes import Shape, known_shapes, shape_of
from .walk import walk
from .._proto import parse
from .._tfrecord.frame import HEADER, OVERHEAD, is_sound

Array = Any  # np.ndarray, whose generic form numpy 1.19 does not have

# Fewer rows are decoded faster one by one, and longer records are rarely scalars.
_MIN_ROWS = 12
_MAX_LENGTH = 1 << 14
# How many new shapes to look for among the records of one length, in one chunk.
_MAX_SHAPES = 12
# From how many rows of a shape the templates are made at first: most shapes have few tags.
_SAMPLE = 256


class Scalars(NamedTuple):
    """Scalars in the order of the file.

    tags: int32 [n], the numbers that `Decoder.values` has for them. records: int64 [n], which
    record of the chunk holds the scalar. places: int32 [n], its position in the record's Summary.
    steps: int64 [n]. wall_times, values: float64 [n].
    """

    tags: Array
    records: Array
    places: Array
    steps: Array
    wall_times: Array
    values: Array


class Chunk(NamedTuple):
    """The sound records at the start of a chunk of bytes.

    offsets: int64 [n], where they begin. end: where the last one ends. scalars: those that were
    decoded. others: (number, data) of all other records. whole: whether the chunk ends there, but
    for a record that continues after it; otherwise the record at `end` is damaged.
    """

    offsets: Array
    end: int
    scalars: Optional[Scalars]
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
        self._tags: Dict[Shape, Array] = {}

    def decode(self, chunk: bytes) -> Chunk:
        """`chunk` begins with a record."""
        offsets, lengths = walk(chunk)
        pieces, rest = self._pieces(chunk, offsets, lengths)
        others, bad = _others(chunk, offsets, lengths, rest)
        end = int(offsets[bad - 1] + lengths[bad - 1]) + OVERHEAD if bad else 0
        pieces = [piece.before(bad) for piece in pieces] if bad < len(offsets) else pieces
        pieces = [piece for piece in pieces if len(piece.records)]
        return Chunk(offsets[:bad], end, _joined(pieces, bad) if pieces else None, others,
                     bad == len(offsets))

    def _pieces(self, chunk: bytes, offsets: Array, lengths: Array
                ) -> Tuple[List["_Piece"], List[int]]:
        """The scalars found, and the numbers of all other records."""
        padded = np.frombuffer(chunk + bytes(8), np.uint8)
        pieces: List[_Piece] = []
        rest: List[Array] = []
        for length, numbers in _by_length(lengths):
            if len(numbers) < _MIN_ROWS or length > _MAX_LENGTH:
                rest.append(numbers)
                continue
            rows = _rows(padded, offsets[numbers], length)
            found, left = self._of_length(rows, length)
            pieces += [piece._replace(records=numbers[piece.records]) for piece in found]
            rest.append(numbers[left])
        return pieces, np.sort(np.concatenate(rest)).tolist() if rest else []

    def _of_length(self, rows: Array, length: int) -> Tuple[List["_Piece"], Array]:
        """The scalars in records of one length, and the rows of all others."""
        found: List[_Piece] = []
        left = np.arange(len(rows))
        for shape in known_shapes(length):
            if len(left) < _MIN_ROWS:
                break
            left = self._take(shape, rows, left, found)
        passed: List[Array] = []
        for _ in range(_MAX_SHAPES):
            if len(left) < _MIN_ROWS:
                break
            made = shape_of(rows[left[0], HEADER:HEADER + length].tobytes())
            if made is None:
                passed.append(left[:1])
                left = left[1:]
                continue
            alike = made.alike(rows[left])
            same, left = left[alike], left[~alike]
            made.learn(rows[same[:_SAMPLE]])
            same = self._take(made, rows, same, found)
            if len(same):
                made.learn(rows[same])
                same = self._take(made, rows, same, found)
            passed.append(same)
        return found, np.concatenate([left, *passed])

    def _take(self, shape: Shape, rows: Array, left: Array, found: List["_Piece"]) -> Array:
        """Appends the scalars in those rows that equal a template; gives the other rows."""
        known = shape.known
        chosen = rows if len(left) == len(rows) else rows[left]
        at, good = known.find(chosen, shape)
        if not good.any():
            return left
        if not good.all():
            chosen, at = chosen[good], at[good]
        records = left[good]
        tags = self._tags_of(shape, at)[at]
        found.append(_Piece(records, tags, shape.steps(chosen), shape.wall_times(chosen),
                            shape.values(chosen)))
        return left[~good]

    def _tags_of(self, shape: Shape, at: Array) -> Array:
        """int32 [templates, scalars of each]: this file's numbers of those that occur in `at`."""
        templates = shape.known.templates
        tags = self._tags.get(shape)
        if tags is None or len(tags) < len(templates):
            more = np.full((len(templates), len(shape.spans)), -1, np.int32)
            if tags is not None:
                more[:len(tags)] = tags
            tags = self._tags[shape] = more
        used = np.zeros(len(templates), bool)
        used[at] = True
        for number in np.flatnonzero(used & (tags[:, 0] < 0)).tolist():
            tags[number] = [self._number(value) for value in templates[number]]
        return tags

    def _number(self, value: parse.Value) -> int:
        number = self._numbers.setdefault(value, len(self.values))
        if number == len(self.values):
            self.values.append(value)
        return number


class _Piece(NamedTuple):
    """Scalars of records of one shape. tags, values: [n, scalars of each record]."""

    records: Array
    tags: Array
    steps: Array
    wall_times: Array
    values: Array

    def before(self, bad: int) -> "_Piece":
        """Without the records from number `bad` on."""
        good = self.records < bad
        return self if good.all() else _Piece(*(column[good] for column in self))


def _by_length(lengths: Array) -> Iterator[Tuple[int, Array]]:
    """(length, the numbers of the records of that length)."""
    short = np.minimum(lengths, 0xFFFF).astype(np.uint16)
    order = np.argsort(short, kind="stable")
    cuts = np.flatnonzero(np.diff(short[order])) + 1
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


def _joined(pieces: List[_Piece], count: int) -> Scalars:
    """All scalars of a chunk with `count` records, in the order of the file."""
    if len(pieces) == 1:
        piece, = pieces
        each = piece.values.shape[1]
        records, places = np.repeat(piece.records, each), np.arange(each, dtype=np.int32)
        return Scalars(piece.tags.reshape(-1), records, np.tile(places, len(piece.records)),
                       np.repeat(piece.steps, each), np.repeat(piece.wall_times, each),
                       piece.values.reshape(-1))
    counts = np.zeros(count, np.int64)
    for piece in pieces:
        counts[piece.records] = piece.values.shape[1]
    ends = np.cumsum(counts)
    total = int(ends[-1])
    found = Scalars(np.empty(total, np.int32), np.repeat(np.arange(count), counts),
                    np.empty(total, np.int32), np.empty(total, np.int64), np.empty(total),
                    np.empty(total))
    for piece in pieces:
        first = ends[piece.records] - piece.values.shape[1]
        for place in range(piece.values.shape[1]):
            at = first + place
            found.tags[at] = piece.tags[:, place]
            found.places[at] = place
            found.steps[at] = piece.steps
            found.wall_times[at] = piece.wall_times
            found.values[at] = piece.values[:, place]
    return found
