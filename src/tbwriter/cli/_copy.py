"""The records of a copied run: as they are where nothing is to be changed, else encoded anew."""
from __future__ import annotations

import math
import re
from collections import OrderedDict
from types import TracebackType
from typing import Any, Dict, Iterator, List, Optional, Set, Type

import numpy as np

from .._files.records import HEADER, raw_record, scalar_key
from .._files.window import ReadError, Window
from .._parts import Parts
from .._proto import messages, parse, schema
from .._proto.parse import Event
from .._proto.wire import WireError
from .._tfrecord.frame import frame
from .._version import __version__
from ._index import Index
from ._values import SAME, Change, event_field, needs_number

# A file version with which TensorBoard purges nothing by itself.
_VERSION = re.compile(r"brain\.Event:0*([2-9]|[1-9]\d+)$")
_OPEN_FILES = 16


class Copier:
    """Encodes rows of an index as the records of one event file.

    rename: {number of a tag: its new name}. start: the time of the first event, seconds since 1970.
    changed: how many values were in the files no longer when they were copied.
    """

    def __init__(self, index: Index, rename: Dict[int, str]) -> None:
        self._index = index
        self._rename = rename
        self._described: Set[int] = set()
        self.changed = 0
        version = parse.event(index.header) if index.header else None
        times = [first for first, _ in index.times if math.isfinite(first)]
        self.start = min(times, default=0.0)
        if version is not None and math.isfinite(version.wall_time):
            self.start = version.wall_time
            if _VERSION.match(version.file_version):
                self._header = index.header
                return
        self._header = messages.file_version(self.start, f"tbwriter {__version__}")

    def records(self, rows: "np.ndarray[Any, Any]") -> Iterator[Parts]:
        """The file version, then the values of each event together."""
        yield frame([self._header])
        index, time = self._index, self.start
        starts = np.flatnonzero(np.diff(index.event[rows], prepend=-1))
        with _Windows([file.path for file in index.files]) as windows:
            for begin, end in zip(starts.tolist(), [*starts[1:].tolist(), len(rows)]):
                group = rows[begin:end]
                row = int(index.event[group[0]])
                raw = windows.record(int(index.file[row]), int(index.offset[row]))
                tags = index.tag[group].tolist()
                if len(tags) == 1 and self._is_plain(tags[0], raw):
                    yield [raw]  # with its checksums, which were right
                    continue
                try:
                    event = parse.event(raw[HEADER:-4])
                    time = event.wall_time if math.isfinite(event.wall_time) else time
                    yield self._record(raw, event, time, tags, index.place[group].tolist())
                except (IndexError, WireError):
                    self.changed += len(tags)

    def _is_plain(self, tag: int, raw: bytes) -> bool:
        """Whether a record is a scalar with nothing to change."""
        if tag not in self._described or tag in self._rename:
            return False
        key = scalar_key(raw[HEADER:-4])
        return key is not None and key[1] in self._index.plain

    def _record(self, raw: bytes, event: Event, time: float, tags: List[int], at: List[int]
                ) -> Parts:
        changes = [self._change(event, tag, place) for tag, place in zip(tags, at)]
        whole = len(at) == max(1, len(event.values)) and all(one is SAME for one in changes)
        if whole and time == event.wall_time:
            return [raw]
        return frame(messages.event(time, event.step, event_field(event, at, changes)))

    def _change(self, event: Event, tag: int, place: int) -> Change:
        known = self._index.tags[tag]
        first = tag not in self._described
        self._described.add(tag)
        if event.number != schema.Event.SUMMARY:
            return SAME
        value = event.values[place]
        number = needs_number(value, known.metadata.plugin)
        named = value.metadata is not None and bool(value.metadata.plugin)
        describe = first and bool(known.metadata.plugin) and (number or not named)
        renamed = self._rename.get(tag, "")
        if not (number or describe or renamed):
            return SAME
        return Change(known.metadata if describe else None, number, renamed)


class _Windows:
    """The files of a run, of which a few are open."""

    def __init__(self, paths: List[str]) -> None:
        self._paths = paths
        self._open: "OrderedDict[int, Window]" = OrderedDict()

    def __enter__(self) -> "_Windows":
        return self

    def __exit__(self, kind: Optional[Type[BaseException]], error: Optional[BaseException],
                 trace: Optional[TracebackType]) -> None:
        for window in self._open.values():
            window.close()

    def record(self, number: int, offset: int) -> bytes:
        """A record with its frame; nothing if there is none at this place any more."""
        window = self._open.get(number)
        if window is None:
            if len(self._open) == _OPEN_FILES:
                self._open.popitem(last=False)[1].close()
            try:
                window = self._open[number] = Window(self._paths[number])
            except (OSError, ReadError):
                return b""
        return raw_record(window, offset) or b""
