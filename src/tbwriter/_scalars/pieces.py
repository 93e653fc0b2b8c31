"""Scalars that were decoded together, and their sorting into the order of the file."""
from __future__ import annotations

from typing import Any, Iterator, List, NamedTuple, Tuple

import numpy as np

Array = Any  # np.ndarray, whose generic form numpy 1.19 does not have


# The numbers that `Decoder.values` has for the scalars of a record, and where the records begin
# and end that have them.
Group = Tuple[List[int], int, int]


class Piece(NamedTuple):
    """The scalars of records of one shape.

    records: int64 [n], which records of the chunk: group by group, each in the order of the file.
    groups: those with the same tags. steps: int64 [n]. wall_times: float64 [n]. values: float64
    [k, n], the k scalars of each record.
    """

    records: Array
    groups: List[Group]
    steps: Array
    wall_times: Array
    values: Array

    def taken(self, index: Any) -> "Piece":
        """The columns in another order, or shorter; the groups are those of before."""
        # numpy would give the values of a record, not those of a tag, adjacent places.
        values = np.ascontiguousarray(self.values[:, index])
        return Piece(self.records[index], self.groups, self.steps[index], self.wall_times[index],
                     values)

    def chosen(self, good: Array) -> "Piece":
        """Some of the records: bool [n]."""
        if good.all():
            return self
        ends = [0, *np.cumsum(good).tolist()]
        groups = [(numbers, ends[begin], ends[end]) for numbers, begin, end in self.groups
                  if ends[begin] < ends[end]]
        return self.taken(good)._replace(groups=groups)


def stable_order(numbers: Array) -> Array:
    """An index that sorts numbers from 0 on; equal ones keep their order."""
    few = int(numbers.max()) < 1 << 16  # numpy sorts 16 bits by radix
    return np.argsort(numbers.astype(np.uint16) if few else numbers, kind="stable")


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


def joined(pieces: List[Piece], count: int) -> Scalars:
    """All scalars of a chunk with `count` records, in the order of the file."""
    if len(pieces) == 1 and len(pieces[0].groups) == 1:
        return Scalars(*_columns(pieces[0]))
    counts = np.zeros(count, np.int64)
    for piece in pieces:
        counts[piece.records] = len(piece.values)
    ends = np.cumsum(counts)
    found = Scalars(*[np.empty(int(counts.sum()), dtype) for dtype in (
        np.int32, np.int64, np.int32, np.int64, np.float64, np.float64)])
    for piece in pieces:
        each = len(piece.values)
        at = ((ends[piece.records] - each)[:, None] + np.arange(each)).reshape(-1)
        for column, values in zip(found, _columns(piece)):
            column[at] = values
    return found


def _columns(piece: Piece) -> Iterator[Array]:
    """The columns of `Scalars` for one piece, in its own order."""
    each = len(piece.values)
    tags = np.array([numbers for numbers, _, _ in piece.groups], np.int32)
    counts = [end - begin for _, begin, end in piece.groups]
    yield np.repeat(tags, counts, axis=0).reshape(-1)
    yield np.repeat(piece.records, each)
    yield np.tile(np.arange(each, dtype=np.int32), len(piece.records))
    yield np.repeat(piece.steps, each)
    yield np.repeat(piece.wall_times, each)
    yield piece.values.T.reshape(-1)
