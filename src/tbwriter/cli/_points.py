"""The scalars of one run, tag by tag, without what restarts purged: for commands that compute."""
from __future__ import annotations

import tempfile
from typing import Any, Iterator, List, NamedTuple, Sequence, Tuple

import numpy as np

from .._files.records import Faults
from .._proto import schema
from ._arguments import Matcher
from ._index import DAMAGED, OTHER_KIND, Index, Source, purged, same_step
from ._rewrite import by_step
from ._tags import Tags

Array = Any  # np.ndarray, whose generic form numpy 1.19 does not have

# One scalar.
_POINT = np.dtype([("step", np.int64), ("wall_time", np.float64), ("value", np.float64)])
_NONE = np.empty(0, _POINT)


# How many points are read at a time, of all runs together.
_MOST = 1 << 16


class Points(NamedTuple):
    """path: a file with the points, by tag and step, one per step. ends: of each tag, where those
    of the tags up to it end. scalar: which tags are. start: the time of the first event, infinite
    without one. read, purged, same_step: how many scalars there are, how many of them a restart
    purged, and how many a later one of their step replaced. unfit: how many values are damaged, or
    of another kind than their tag."""

    path: str
    tags: Tags
    scalar: Array
    ends: Array
    faults: Faults
    start: float
    read: int
    purged: int
    same_step: int
    unfit: int

    def is_scalar(self, tag: str) -> bool:
        number = self.tags.find(tag)
        return number is not None and bool(self.scalar[number])

    def span(self, tag: str) -> Tuple[int, int]:
        """The first point of a tag and the one after its last; none of a tag that is no scalar."""
        number = self.tags.find(tag)
        if number is None:
            return 0, 0
        return int(self.ends[number - 1]) if number else 0, int(self.ends[number])


class _Reader:
    """Reads a file of points, at least `most` at a time where a read continues the last one."""

    def __init__(self, path: str, most: int) -> None:
        self._path = path
        self._most = most
        self._block = _NONE
        self._begin = self._next = 0

    def read(self, begin: int, end: int) -> Array:
        if not self._begin <= begin <= end <= self._begin + len(self._block):
            count = max(end - begin, self._most if begin == self._next else 0)
            self._block = np.fromfile(self._path, _POINT, count, offset=begin * _POINT.itemsize)
            self._begin = begin
        self._next = end
        return self._block[begin - self._begin:end - self._begin]

    def pieces(self, begin: int, end: int) -> Iterator[Array]:
        for at in range(begin, end, self._most):
            yield self.read(at, min(at + self._most, end))


def points_of(files: List[Source], fits: Matcher, directory: str) -> Points:
    """The points of one run's tags that fit, written to a new file in `directory`."""
    index = Index(files, numbers=True)
    scalar = index.tags.of_kinds({schema.SCALARS})
    wanted = scalar & np.fromiter(map(fits, index.tags.names()), bool, len(index.tags))
    rows = np.flatnonzero(wanted[index.tag]).astype(np.int32)
    read = len(rows)
    rows = rows[~purged(index)[rows]]
    left = len(rows)
    rows = by_step(index, rows[~same_step(index, rows)])
    rows = rows[np.argsort(index.tag[rows], kind="stable").astype(np.int32)]
    descriptor, path = tempfile.mkstemp(dir=directory)
    with open(descriptor, "wb") as file:
        for at in range(0, len(rows), _MOST):
            slab = rows[at:at + _MOST]
            points = np.empty(len(slab), _POINT)
            points["step"] = index.steps(slab)
            points["wall_time"] = np.frombuffer(index.wall_times)[index.event[slab]]
            points["value"] = np.frombuffer(index.values)[slab]
            file.write(points.tobytes())
    ends = np.zeros(len(index.tags), np.int32)
    for at in range(0, len(rows), _MOST):
        np.add.at(ends, index.tag[rows[at:at + _MOST]], 1)
    np.cumsum(ends, out=ends)
    unfit = index.left_out[OTHER_KIND] + index.left_out[DAMAGED] - index.faults.total
    return Points(path, index.tags, scalar, ends, index.faults,
                  min((first for first, _ in index.times), default=np.inf), read, read - left,
                  left - len(rows), unfit)


class Together:
    """The points of several runs."""

    def __init__(self, runs: Sequence[Points]) -> None:
        self._runs = runs
        self._most = max(1, _MOST // len(runs))
        self._readers = [_Reader(one.path, self._most) for one in runs]

    def of(self, tag: str) -> Iterator[Array]:
        """The points of a tag, some steps at a time: all points of a step are in one array."""
        spans = [(reader, *one.span(tag)) for reader, one in zip(self._readers, self._runs)]
        spans = [span for span in spans if span[1] < span[2]]
        if sum(end - begin for _, begin, end in spans) > _MOST:
            yield from _by_steps([reader.pieces(begin, end) for reader, begin, end in spans],
                                 self._most)
        elif spans:
            yield np.concatenate([reader.read(begin, end) for reader, begin, end in spans])


def _by_steps(pieces: Sequence[Iterator[Array]], most: int) -> Iterator[Array]:
    parts = [next(piece, _NONE) for piece in pieces]
    while any(map(len, parts)):
        # Only a run that has `most` points here may have more, with greater steps.
        last = min((part["step"][-1] for part in parts if len(part) >= most), default=None)
        counts = [len(part) if last is None else np.searchsorted(part["step"], last, side="right")
                  for part in parts]
        yield np.concatenate([part[:count] for part, count in zip(parts, counts)])
        parts = [part[count:] if len(part) - count >= most
                 else np.concatenate([part[count:], next(piece, _NONE)])
                 for part, count, piece in zip(parts, counts, pieces)]
