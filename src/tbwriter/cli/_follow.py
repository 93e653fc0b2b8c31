"""A growing run in the terminal: new records of every file, and small charts of the scalars."""
from __future__ import annotations

import math
from collections import deque
from struct import Struct
from typing import Deque, Dict, List, Optional, Sequence, Tuple

from .._proto import parse, schema, tensors, wire
from .._proto.parse import Event, Value
from .._files.places import event_files
from .._files.records import is_scalar, scalar_key
from .._files.stream import sound_records
from .._files.window import ReadError, Window
from .._proto.wire import WireError
from ._arguments import matcher

_BARS = "▁▂▃▄▅▆▇█"
# The same where the terminal knows no others; the last is for what is not finite.
_ASCII = str.maketrans("▁▂▃▄▅▆▇█×…", "_.-=+*%#x~")
# How many of the latest points of a tag are drawn.
_POINTS = 2000
_float = Struct("<f").unpack_from


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
    # TensorFlow says so with a tag's first value only.
    return value.metadata is not None and value.metadata.plugin == schema.SCALARS


def in_ascii(text: str) -> str:
    """`text` with charts of ASCII."""
    return text.translate(_ASCII)


class Follower:
    """The scalars of a log directory, as far as its files have come."""

    def __init__(self, logdir: str, run: str = "*", tag: str = "*") -> None:
        self._logdir = logdir
        self._fits_run, self._fits_tag = matcher(run), matcher(tag)
        self._offsets: Dict[str, int] = {}
        self._damaged: Dict[str, str] = {}
        self._series: Dict[Tuple[str, str], Deque[Tuple[int, float]]] = {}
        # The same by run and the bytes that all records of a tag share; None where not shown.
        self._plain: Dict[Tuple[str, bytes], Optional[Deque[Tuple[int, float]]]] = {}

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
                for record in sound_records(window, start=self._offsets.get(path, 0)):
                    self._note(run, record.data)
                    self._offsets[path] = record.end
        except (OSError, ReadError, WireError) as error:
            self._damaged[path] = str(error)

    def _note(self, run: str, data: bytes) -> None:
        plain = scalar_key(data)
        if plain is not None and (run, plain[1]) in self._plain:
            series = self._plain[run, plain[1]]
            if series is not None:
                series.append((plain[0], _float(data, len(data) - 4)[0]))
            return
        event = parse.event(data)
        self._values(run, event)
        if plain is not None and is_scalar(plain[1], event):
            self._plain[run, plain[1]] = self._series.get((run, event.values[0].tag))

    def _values(self, run: str, event: Event) -> None:
        for value in event.values:
            if not self._fits_tag(value.tag):
                continue
            key = run, value.tag
            if value.number == schema.Value.SIMPLE_VALUE:
                number = wire.as_float(value.data)
            elif value.number == schema.Value.TENSOR and (key in self._series or _is_scalar(value)):
                number = tensors.scalar_of(value.data)
            else:
                continue
            if key not in self._series:
                self._series[key] = deque(maxlen=_POINTS)
            self._series[key].append((event.step, number))

    def lines(self, width: int) -> List[str]:
        """A line for each scalar: run, tag, step, value, chart; damage below. Of `width` columns.
        """
        lines = []
        names = {key: f"{key[0]}  {key[1]}" for key in sorted(self._series)}
        column = min(max(map(len, names.values()), default=0), max(8, width // 2))
        for key, name in names.items():
            series = self._series[key]
            step, value = series[-1]
            shown = name if len(name) <= column else name[:column - 1] + "…"
            head = f"{shown:{column}} {step:>9} {value:>11.5g} "
            chart = sparkline([point[1] for point in series], max(4, width - len(head)))
            lines.append(head + chart)
        return lines + [f"damaged: {reason}" for reason in self._damaged.values()]
