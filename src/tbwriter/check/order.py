"""Steps and restarts: the order of a tag's values, and of the files of a run.

The fast loader keeps the values of a tag in rising steps: a value deletes all earlier ones with the
same or a greater step. The Python loader keeps all values, but each SessionLog.START after the
first of a run deletes the values of all tags from its step on.
"""
from __future__ import annotations

import math
import os
import re
from array import array
from bisect import bisect_left, bisect_right
from itertools import takewhile
from typing import Any, Dict, Iterable, Iterator, List, NamedTuple, Optional, Tuple

import numpy as np

from .finding import ERROR, WARNING, Findings, Rule
from .._files.names import Names
from .._files.sparse import Places, Sparse

REPEATED_STEPS = Rule(
    "repeated steps", ERROR, "the last value of each step",
    "all values of scalars, the first of images and graphs",
    "give each value of a tag a greater step than the last; tbwriter repair keeps the last of each "
    "step")
DECREASING_STEPS = Rule(
    "decreasing steps", ERROR,
    "a value deletes all earlier ones of its tag with the same or a greater step",
    "all values: the curve runs back (in files without a version, as the fast loader)",
    "give each value of a tag a greater step than the last; tbwriter repair sorts them. To resume "
    "a run, use purge_step")
RESTART_NOT_SEEN = Rule(
    "restart not seen", ERROR, "the new values instead of the old ones",
    "old and new values: it ignores the first SessionLog.START of a run",
    "write two START events, as purge_step does; tbwriter repair removes the old values")
STALE_POINTS = Rule(
    "stale points", ERROR, "points that a restart purged, among the new ones",
    "the points before the restart and the new ones",
    "tbwriter repair removes the purged values")
FILE_ORDER = Rule(
    "file order", WARNING,
    "all points; if the file that is read later has lower steps, they delete those before",
    "points in the wrong order; while the run continues, files with smaller names are never read",
    "pad the numbers in file names with zeros; tbwriter repair makes one file, in order of time")
TWO_WRITERS = Rule(
    "two writers", WARNING,
    "all points; if the file that is read later has lower steps, they delete those before",
    "all points; while the run continues, nothing more of the first file once there is a second",
    "use one run directory per writer")

RULES = (REPEATED_STEPS, DECREASING_STEPS, RESTART_NOT_SEEN, STALE_POINTS, FILE_ORDER, TWO_WRITERS)

# Of a tag without stale points: never changed.
_NONE: List[Tuple[int, int]] = []
# A tag of more values has a series of its own.
_FEW = 8
# The clock's resolution in file names and in the first events of TensorFlow.
_SECONDS = 2


class Restarts:
    """The START events of a run. A moment is the number of those so far."""

    def __init__(self) -> None:
        self.moment = 0
        # The step of the first START, until a later one has its effect.
        self.unseen: Optional[int] = None
        # Moments and steps of the STARTs that purge; only those that no later one covers.
        self._moments: List[int] = []
        self._steps: List[int] = []

    def add(self, step: int) -> None:
        self.moment += 1
        if self.moment == 1:
            self.unseen = step
            return
        if self.unseen is not None and step <= self.unseen:
            self.unseen = None
        while self._steps and self._steps[-1] >= step:
            self._steps.pop()
            self._moments.pop()
        self._steps.append(step)
        self._moments.append(self.moment)

    def since(self, moment: int) -> Optional[int]:
        """The least step that was purged after `moment`."""
        at = bisect_right(self._moments, moment)
        return self._steps[at] if at < len(self._steps) else None


class Series:
    """The steps of one tag, as both loaders keep them.

    kept: those of the fast loader, ascending. count, lost, repeated, decreasing: numbers of values.
    rewound: values from before an ignored restart that a later value deleted.
    """

    __slots__ = ("kept", "count", "lost", "repeated", "decreasing", "rewound", "digest",
                 "_restarts", "_moment", "_mark", "_stale")

    def __init__(self, restarts: Restarts) -> None:
        self.kept = array("q")
        self.count = self.lost = self.repeated = self.decreasing = self.rewound = 0
        # The checksum of the last value, where it may be large.
        self.digest = 0
        self._restarts = restarts
        self._moment = restarts.moment
        # How many of `kept` precede the first START, which the Python loader ignores.
        self._mark = 0
        # Ranges of `kept` that the Python loader has purged, in their order.
        self._stale = _NONE

    @classmethod
    def of_rows(cls, restarts: Restarts, moment: int, rows: Iterable[Tuple[int, int]]) -> "Series":
        """The series of steps with digests that all came at one moment."""
        series = cls(restarts)
        series._moment = moment
        for step, digest in rows:
            series._put(step, digest)
        return series

    def add(self, step: int, digest: int = 0) -> None:
        """One more value. digest: equal for equal bytes; 0 where it is not known."""
        self._restart()
        self._put(step, digest)

    def _put(self, step: int, digest: int) -> None:
        self.count += 1
        again = digest and digest == self.digest
        self.digest = digest
        if self.kept and step <= self.kept[-1]:
            if again and step == self.kept[-1]:
                return  # repeating the same value hides nothing
            self._cut(step)
        self.kept.append(step)

    def extend(self, steps: "np.ndarray[Any, Any]") -> None:
        """More values, in the order of the file."""
        falls = np.flatnonzero(steps[1:] <= steps[:-1]) + 1
        bounds = [0, *falls.tolist(), len(steps)]
        for begin, end in zip(bounds, bounds[1:]):
            if end > begin:
                self.add(int(steps[begin]))
                self.kept.frombytes(steps[begin + 1:end].tobytes())
                self.count += end - begin - 1

    def stale(self) -> int:
        """How many points the fast loader shows that the Python loader has purged."""
        self._restart()
        return sum([end - begin for begin, end in self._stale])

    def _restart(self) -> None:
        """Apply the STARTs since the last value to this tag."""
        if self._moment == self._restarts.moment:
            return
        if self._moment == 0:
            self._mark = len(self.kept)
        step = self._restarts.since(self._moment)
        self._moment = self._restarts.moment
        if step is not None:
            begin = bisect_left(self.kept, step)
            self._trim(begin)
            if begin < len(self.kept):
                self._add_stale(begin, len(self.kept))

    def _cut(self, step: int) -> None:
        """Delete the points that the fast loader deletes, and note the fault of each."""
        begin, end = bisect_left(self.kept, step), len(self.kept)
        same = self.kept[-1] == step
        purged = sum([stop - max(start, begin) for start, stop in takewhile(
            lambda ends: ends[1] > begin, reversed(self._stale))])
        rewound = max(0, min(self._mark, end) - begin) if self._restarts.unseen is not None else 0
        lost = max(0, end - begin - purged - rewound)
        self.rewound += rewound
        self.lost += lost
        if lost and same:
            self.repeated += 1
        elif lost:
            self.decreasing += 1
        self._trim(begin)
        self._mark = min(self._mark, begin)
        del self.kept[begin:]

    def _trim(self, begin: int) -> None:
        while self._stale and self._stale[-1][1] > begin:
            start, _ = self._stale.pop()
            if start < begin:
                self._add_stale(start, begin)

    def _add_stale(self, begin: int, end: int) -> None:
        if self._stale is _NONE:  # most tags have none
            self._stale = []
        self._stale.append((begin, end))


class AllSeries:
    """The steps of all tags of a run, by their numbers. A log may have a million tags of a few
    values: they are rows of columns. A tag gets a `Series` with its ninth value, or with the first
    one after a START."""

    def __init__(self, restarts: Restarts) -> None:
        self._restarts = restarts
        # Of each tag: how many values it has, and the last row of them; of each row the one before
        # it, and the arguments of `add` with the moment.
        self._counts, self._last = bytearray(), Places()
        self._before, self._moments, self._steps = Sparse("i", -1), Sparse("i", 0), array("q")
        self._digests = Sparse("Q", 0)  # scalars have none
        self._several: Dict[int, Series] = {}

    def add(self, tag: int, step: int, digest: int = 0) -> None:
        """One more value: see `Series.add`."""
        count = self._count(tag)
        if count < _FEW and (not count or self._moments[self._last[tag]] == self._restarts.moment):
            self._add_row(tag, step, digest)
        else:
            self._series(tag).add(step, digest)

    def extend(self, tag: int, steps: "np.ndarray[Any, Any]") -> None:
        """More values, in the order of the file."""
        if self._count(tag) + len(steps) <= _FEW:
            for step in steps.tolist():
                self.add(tag, step)
        else:
            self._series(tag).extend(steps)

    def suspect(self) -> Iterator[Tuple[int, Series]]:
        """The tags that may have a fault: not those of one value, if there was no START."""
        for tag, count in enumerate(self._counts):
            if count > 1 or count and self._restarts.moment:
                yield tag, self._several.get(tag) or self._made(tag)

    def rewound(self) -> List[int]:
        """The tags with values from before an ignored restart that a later value deleted."""
        return sorted([tag for tag, series in self._several.items() if series.rewound])

    def _count(self, tag: int) -> int:
        while tag >= len(self._counts):
            self._counts.append(0)
        return self._counts[tag]

    def _add_row(self, tag: int, step: int, digest: int) -> None:
        row = len(self._steps)
        self._steps.append(step)
        self._before[row] = self._last[tag] if self._counts[tag] else -1
        self._moments[row] = self._restarts.moment
        self._digests[row] = digest
        self._counts[tag] += 1
        self._last[tag] = row

    def _series(self, tag: int) -> Series:
        series = self._several.get(tag)
        if series is None:
            series = self._several[tag] = self._made(tag)
            self._counts[tag] = _FEW
        return series

    def _made(self, tag: int) -> Series:
        """The series of the rows of a tag."""
        rows: List[Tuple[int, int]] = []
        row, moment = self._last[tag] if self._counts[tag] else -1, self._restarts.moment
        while row >= 0:
            rows.append((self._steps[row], self._digests[row]))
            moment, row = self._moments[row], self._before[row]
        return Series.of_rows(self._restarts, moment, reversed(rows))


def check_series(name: str, series: Series, path: str, found: Findings) -> None:
    """The findings of one tag. path: of the run's last file."""
    if series.decreasing:
        found.add(DECREASING_STEPS, path, name,
                  f"{series.decreasing} of {series.count} values have a smaller step than the one "
                  f"before; {len(series.kept)} are left in the fast loader")
    elif series.repeated:
        found.add(REPEATED_STEPS, path, name,
                  f"{series.repeated} of {series.count} values have the step of the one before")
    stale = series.stale()
    if stale:
        found.add(STALE_POINTS, path, name,
                  f"{stale} of {len(series.kept)} points are from before a restart")


def check_restarts(restarts: Restarts, rewound: List[int], names: Names, path: str,
                   found: Findings) -> None:
    """A restart that the Python loader ignores although values are written again: those of the
    tags `rewound`."""
    if restarts.unseen is not None and rewound:
        found.add(RESTART_NOT_SEEN, path, "",
                  f"a single START, at step {restarts.unseen}, with {len(rewound)} tags written "
                  f"again, such as {names[rewound[0]]!r}")


class File(NamedTuple):
    """One file of a run. first: a finite wall_time from its beginning. last: the greatest. tags:
    the numbers of the `size` tags in it."""

    path: str
    first: float
    last: float
    tags: Places
    size: int

    def numbers(self) -> "np.ndarray[Any, Any]":
        """`tags` as int32 [size]."""
        return np.fromiter(map(self.tags.__getitem__, range(self.size)), np.int32, self.size)


def check_files(files: List[File], names: Names, found: Findings) -> None:
    """Report files whose order by name is wrong, or that overlap the one before in time."""
    timed = [file for file in files if math.isfinite(file.first)]
    for before, after in zip(timed, timed[1:]):
        name = os.path.basename(before.path)
        if after.first < before.first - _SECONDS:
            # A clock that was set back is no fault of the names.
            if _natural(after.path) < _natural(before.path):
                found.add(FILE_ORDER, after.path, "",
                          f"begins {before.first - after.first:.0f} s before {name}, but its name "
                          "sorts after it")
        elif after.first < before.last - _SECONDS:
            shared = np.intersect1d(before.numbers(), after.numbers(), assume_unique=True)
            if len(shared):
                tag = min(names[int(number)] for number in shared)
                found.add(TWO_WRITERS, after.path, "",
                          f"begins while {name} continues, with the same tags, such as {tag!r}")


def _natural(path: str) -> List[Tuple[int, str]]:
    """The name of a file, to be sorted with its numbers as numbers, however long they are."""
    parts = re.split(r"0*([0-9]+)", os.path.basename(path))
    return [(len(part) if at % 2 else 0, part) for at, part in enumerate(parts)]
