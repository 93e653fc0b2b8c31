"""A growing run in the terminal: new records of every file, and small charts of the scalars."""
from __future__ import annotations

import math
from array import array
from collections import defaultdict
from heapq import merge
from typing import DefaultDict, Dict, Iterator, List, Optional, Sequence

from .._proto import parse, schema
from .._proto.parse import Value
from .._files.names import Names
from .._files.places import event_files
from .._files.records import Record
from .._files.sparse import Places, Sparse
from .._files.stream import Scalars, ScalarStream
from .._files.window import ReadError, Window
from .._proto.wire import WireError
from ._arguments import matcher
from ._values import number_of

_BARS = "▁▂▃▄▅▆▇█"
# The same for terminals without these characters; the last is for values that are not finite.
_ASCII = str.maketrans("▁▂▃▄▅▆▇█×…", "_.-=+*%#x~")
# How many of the latest points of a tag are drawn.
_POINTS = 2000
# A tag with so many values has an object of its own.
_MANY = 8
# How many bytes of names are sorted at a time, and how many a name takes besides its characters.
_SORTED, _OBJECT = 1 << 22, 60


def sparkline(values: Sequence[float], width: int) -> str:
    """`values` as a row of at most `width` bars: means of neighbours where there are more.

    The lowest is "▁", the highest "█"; NaN and infinities are "×".
    """
    count = min(width, len(values))
    means = []
    for i in range(count):
        part = values[i * len(values) // count:(i + 1) * len(values) // count]
        means.append(_mean(part) if all(map(math.isfinite, part)) else math.nan)
    finite = [mean for mean in means if math.isfinite(mean)]
    low, high = (min(finite), max(finite)) if finite else (0.0, 0.0)
    scale = (len(_BARS) - 1) / (high - low) if 0 < high - low < math.inf else 0.0
    return "".join("×" if math.isnan(mean) else _BARS[round((mean - low) * scale)]
                   for mean in means)


def _mean(values: Sequence[float]) -> float:
    try:
        return math.fsum(values) / len(values)
    except OverflowError:  # the sum of doubles may be infinite, but their mean is not
        mean = 2 * math.fsum([value / 2 / len(values) for value in values])
        return min(max(mean, min(values)), max(values))


def _is_scalar(value: Value) -> bool:
    # TensorFlow writes the plugin with a tag's first value only.
    return value.metadata is not None and value.metadata.plugin == schema.SCALARS


def in_ascii(text: str) -> str:
    """`text` with charts of ASCII."""
    return text.translate(_ASCII)


class Points:
    """The latest values of a tag, of which at most twice `_POINTS` are kept, and the last step."""

    __slots__ = ("step", "values")

    def __init__(self) -> None:
        self.step = 0
        self.values = array("d")

    def add(self, step: int, value: float) -> None:
        self.step = step
        self.values.append(value)
        if len(self.values) == 2 * _POINTS:
            del self.values[:_POINTS]


class _Series:
    """The points of the scalars of a run, which may be a million. names: of the tags.

    A tag with few values has them in common columns; one with more has an object of its own.
    """

    def __init__(self) -> None:
        self.names = Names()
        self._steps = array("q")
        # By tag: how many values are in rows, and the row of the last one; or _MANY, and the place
        # in a list.
        self._counts = bytearray()
        self._at = Places()
        # By row: a value, and the row of the value of its tag before it.
        self._values = array("d")
        self._before = Sparse("i", -1)
        self._many: List[Points] = []

    def points(self, number: int) -> Points:
        """The points of a tag by its number."""
        at, points = self._at[number], Points()
        if self._counts[number] == _MANY:
            return self._many[at]
        points.step = self._steps[number]
        for _ in range(self._counts[number]):
            points.values.append(self._values[at])
            at = self._before[at]
        points.values.reverse()
        return points

    def add(self, tag: str, step: int, value: float) -> Optional[Points]:
        """Add a value. Returns its tag's points if further values can be added to them directly."""
        number = self.names.number(tag)
        if number == len(self._counts):
            self._counts.append(0)
            self._steps.append(step)
        if self._counts[number] == _MANY - 1:
            self._many.append(self.points(number))
            self._at[number] = len(self._many) - 1
            self._counts[number] = _MANY
        if self._counts[number] == _MANY:
            points = self._many[self._at[number]]
            points.add(step, value)
            return points
        row = len(self._values)
        self._values.append(value)
        self._before[row] = self._at[number] if self._counts[number] else -1
        self._at[number] = row
        self._steps[number] = step
        self._counts[number] += 1
        return None


def in_order(names: Names) -> Iterator[int]:
    """The numbers of names in the alphabetical order of the names, which are sorted in parts."""
    return merge(*[array("i", sorted(numbers, key=names.__getitem__))
                   for numbers in _in_parts(names)], key=names.__getitem__)


def _in_parts(names: Names) -> Iterator[List[int]]:
    """The numbers of names, in parts whose names take some megabytes."""
    part: List[int] = []
    nbytes = 0
    for number, name in enumerate(names):
        part.append(number)
        nbytes += _OBJECT + len(name)
        if nbytes > _SORTED:
            yield part
            part, nbytes = [], 0
    yield part


class Follower:
    """The scalars of a log directory, up to the present end of its files."""

    def __init__(self, logdir: str, run: str = "*", tag: str = "*") -> None:
        self._logdir = logdir
        self._fits_run, self._fits_tag = matcher(run), matcher(tag)
        self._offsets: Dict[str, int] = {}
        self._damaged: Dict[str, str] = {}
        # Those that could not be read the last time; they are tried again.
        self._unreadable: Dict[str, str] = {}
        self._listed = False
        self._series: DefaultDict[str, _Series] = defaultdict(_Series)

    def __len__(self) -> int:
        """How many lines there are."""
        return sum(len(series.names) for series in self._series.values()) \
            + len(self._damaged) + len(self._unreadable)

    @property
    def damaged(self) -> bool:
        """Whether a file is damaged, of which nothing after the damage is shown, or could not be
        read the last time."""
        return bool(self._damaged or self._unreadable)

    def read(self, wait: bool = False) -> bool:
        """Read new records; return whether there is anything new to show: records, damage, or
        another file that cannot be read, or can again.

        wait: a log directory that does not exist yet has no records; otherwise it raises
            FileNotFoundError.
        """
        before = dict(self._offsets), set(self._damaged), set(self._unreadable)
        self._unreadable.clear()
        found: Dict[str, List[str]] = {}
        try:
            found = event_files(self._logdir)
            self._listed = True
        except OSError as error:
            if not (wait if isinstance(error, FileNotFoundError) else self._listed):
                raise
            if self._listed:
                self._unreadable[self._logdir] = str(error)
        for run, paths in found.items():
            if self._fits_run(run):
                for path in paths:
                    self._read(run, path)
        return (self._offsets, set(self._damaged), set(self._unreadable)) != before

    def _read(self, run: str, path: str) -> None:
        if path in self._damaged:
            return
        try:
            with Window(path) as window:
                stream = ScalarStream(window, start=self._offsets.get(path, 0))
                for part in stream:
                    self._offsets[path] = part.end
                    for piece in part.in_order():
                        if isinstance(piece, Record):
                            self._note_record(run, piece.data)
                        else:
                            self._note_scalars(run, piece, stream.values)
                        del piece
                    del part  # before the next is read: a record may be large
        except OSError as error:  # which may pass
            self._unreadable[path] = str(error)
        except (ReadError, WireError) as error:
            self._damaged[path] = str(error)

    def _note_scalars(self, run: str, scalars: Scalars, values: Sequence[Value]) -> None:
        found: Dict[int, Points] = {}
        for tag, step, number in zip(scalars.tags.tolist(), scalars.steps.tolist(),
                                     scalars.values.tolist()):
            points = found.get(tag)
            if points is not None:
                points.add(step, number)
            elif self._is_shown(run, values[tag]):
                points = self._series[run].add(values[tag].tag, step, number)
                if points is not None:
                    found[tag] = points

    def _note_record(self, run: str, data: bytes) -> None:
        event = parse.event(data)
        for value in event.values:
            if self._is_shown(run, value):
                self._series[run].add(value.tag, event.step, number_of(value))

    def _is_shown(self, run: str, value: Value) -> bool:
        """Whether a value is a scalar of a wanted tag."""
        return self._fits_tag(value.tag) and (
            value.number == schema.Value.SIMPLE_VALUE or value.number == schema.Value.TENSOR
            and (self._series[run].names.find(value.tag) >= 0 or _is_scalar(value)))

    def lines(self, width: int) -> Iterator[str]:
        """A line for each scalar: run, tag, step, value, chart; below, damage and what cannot be
        read. Of `width` columns."""
        longest = max((len(run) + 2 + len(tag) for run, series in self._series.items()
                       for tag in series.names), default=0)
        column = min(longest, max(8, width // 2))
        for run in sorted(self._series):
            series = self._series[run]
            for number in in_order(series.names):
                points, name = series.points(number), f"{run}  {series.names[number][:column]}"
                values = points.values
                shown = name if len(name) <= column else name[:column - 1] + "…"
                head = f"{shown:{column}} {points.step:>9} {values[-1]:>11.5g} "
                yield head + sparkline(values[-_POINTS:], max(4, width - len(head)))
        for reason in self._damaged.values():
            yield f"damaged: {reason}"
        for reason in self._unreadable.values():
            yield f"unreadable: {reason}"
