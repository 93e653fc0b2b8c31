"""A growing run in the terminal: new records of every file, and small charts of the scalars."""
from __future__ import annotations

import math
from array import array
from collections import defaultdict
from typing import DefaultDict, Dict, Iterator, Sequence

from .._proto import parse, schema, tensors, wire
from .._proto.parse import Value
from .._files.places import event_files
from .._files.records import Record
from .._files.stream import Scalars, ScalarStream
from .._files.window import ReadError, Window
from .._proto.wire import WireError
from ._arguments import matcher

_BARS = "▁▂▃▄▅▆▇█"
# The same for terminals without these characters; the last is for values that are not finite.
_ASCII = str.maketrans("▁▂▃▄▅▆▇█×…", "_.-=+*%#x~")
# How many of the latest points of a tag are drawn.
_POINTS = 2000


def sparkline(values: Sequence[float], width: int) -> str:
    """`values` as a row of at most `width` bars: means of neighbours where there are more.

    The lowest is "▁", the highest "█"; NaN and infinities are "×".
    """
    count = min(width, len(values))
    means = []
    for i in range(count):
        part = values[i * len(values) // count:(i + 1) * len(values) // count]
        means.append(math.fsum(part) / len(part) if all(map(math.isfinite, part)) else math.nan)
    finite = [mean for mean in means if math.isfinite(mean)]
    low, high = (min(finite), max(finite)) if finite else (0.0, 0.0)
    scale = (len(_BARS) - 1) / (high - low) if 0 < high - low < math.inf else 0.0
    return "".join("×" if math.isnan(mean) else _BARS[round((mean - low) * scale)]
                   for mean in means)


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


class Follower:
    """The scalars of a log directory, up to the present end of its files."""

    def __init__(self, logdir: str, run: str = "*", tag: str = "*") -> None:
        self._logdir = logdir
        self._fits_run, self._fits_tag = matcher(run), matcher(tag)
        self._offsets: Dict[str, int] = {}
        self._damaged: Dict[str, str] = {}
        # {run: {tag: its values}}
        self._series: DefaultDict[str, DefaultDict[str, Points]] = defaultdict(
            lambda: defaultdict(Points))

    def __len__(self) -> int:
        """How many lines there are."""
        return sum(map(len, self._series.values())) + len(self._damaged)

    @property
    def damaged(self) -> bool:
        """Whether a file is damaged: nothing after the damage is shown."""
        return bool(self._damaged)

    def read(self, wait: bool = False) -> bool:
        """Read new records; return whether there were any.

        wait: a log directory that does not exist yet has no records; otherwise it raises
            FileNotFoundError.
        """
        before = dict(self._offsets)
        try:
            found = event_files(self._logdir)
        except FileNotFoundError:
            if not wait:
                raise
            found = {}
        for run, paths in found.items():
            if self._fits_run(run):
                for path in paths:
                    self._read(run, path)
        return self._offsets != before

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
        except (OSError, ReadError, WireError) as error:
            self._damaged[path] = str(error)

    def _note_scalars(self, run: str, scalars: Scalars, values: Sequence[Value]) -> None:
        found: Dict[int, Points] = {}
        for tag, step, number in zip(scalars.tags.tolist(), scalars.steps.tolist(),
                                     scalars.values.tolist()):
            series = found.get(tag)
            if series is None:
                if not self._is_shown(run, values[tag]):
                    continue
                series = found[tag] = self._series[run][values[tag].tag]
            series.add(step, number)

    def _note_record(self, run: str, data: bytes) -> None:
        event = parse.event(data)
        for value in event.values:
            if self._is_shown(run, value):
                number = wire.as_float(value.data) if value.number == schema.Value.SIMPLE_VALUE \
                    else tensors.scalar_of(value.data)
                self._series[run][value.tag].add(event.step, number)

    def _is_shown(self, run: str, value: Value) -> bool:
        """Whether a value is a scalar of a wanted tag."""
        return self._fits_tag(value.tag) and (
            value.number == schema.Value.SIMPLE_VALUE or value.number == schema.Value.TENSOR
            and (value.tag in self._series[run] or _is_scalar(value)))

    def lines(self, width: int) -> Iterator[str]:
        """A line for each scalar: run, tag, step, value, chart; damage below. Of `width` columns.
        """
        longest = max((len(run) + 2 + len(tag) for run, found in self._series.items()
                       for tag in found), default=0)
        column = min(longest, max(8, width // 2))
        for run, found in sorted(self._series.items()):
            for tag in sorted(found):
                series, name = found[tag], f"{run}  {tag}"
                values = series.values
                shown = name if len(name) <= column else name[:column - 1] + "…"
                head = f"{shown:{column}} {series.step:>9} {values[-1]:>11.5g} "
                yield head + sparkline(values[-_POINTS:], max(4, width - len(head)))
        for reason in self._damaged.values():
            yield f"damaged: {reason}"
