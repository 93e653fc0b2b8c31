"""The records of a copied run: unchanged if nothing is to be changed, otherwise encoded again."""
from __future__ import annotations

import math
import re
from typing import Iterator, List, Sequence, Set, Tuple

import numpy as np

from .._files.anywhere import Anywhere
from .._files.records import HEADER, UNREADABLE, Fault, Faults, raw_record
from .._files.window import ReadError
from .._parts import Parts
from .._proto import messages, parse, schema
from .._proto.parse import Event, Value
from .._proto.wire import WireError
from .._tfrecord.frame import frame
from ._index import PLAIN, Index, Rows, Source
from ._renaming import NewNames
from ._values import SAME, Change, event_field, is_rounded, needs_number

# A file version with which TensorBoard purges nothing by itself.
_VERSION = re.compile(r"brain\.Event:0*([2-9]|[1-9]\d+)$")
# How many values become lists of numbers at a time.
_GROUPS = 1 << 14


class Copier:
    """Encodes rows of an index as the records of one event file.

    names: the new names of tags. faults: gets those of files that cannot be read any more.
    start: the time of the first event, seconds since 1970.
    changed: how many values were no longer in the files when they were copied. rounded: how many
    scalars are another number in the copy, as float32.
    """

    def __init__(self, index: Index, names: NewNames, faults: Faults) -> None:
        self._index = index
        self._names = names
        self._faults = faults
        self._described = bytearray(len(index.tags))  # 1 for each tag with its metadata written
        self.changed = self.rounded = 0
        version = parse.event(index.header) if index.header else None
        self.start = index.start
        if version is not None and math.isfinite(version.wall_time):
            self.start = version.wall_time
            if _VERSION.match(version.file_version):
                self._header = index.header
                return
        self._header = messages.file_version(self.start)

    def records(self, rows: Rows) -> Iterator[Parts]:
        """The file version, then the values of each event together."""
        yield frame([self._header])
        index, time, some_new = self._index, self.start, len(self._names) > 0
        files = _Files(index.files, self._faults)
        for number, offset, tags, at in _groups(index, rows):
            raw = files.record(number, offset)
            if at[0] == PLAIN and self._described[tags[0]] and not (
                    some_new and self._names.get(tags[0])):
                yield [raw]  # with its checksums, which were right
                self.changed += not raw
                continue
            try:
                event = parse.event(memoryview(raw)[HEADER:-4])
                time = event.wall_time if math.isfinite(event.wall_time) else time
                yield self._record(raw, event, time, tags, [max(0, place) for place in at])
            except (IndexError, WireError):
                self.changed += len(tags)

    def _record(self, raw: bytes, event: Event, time: float, tags: List[int], at: List[int]
                ) -> Parts:
        if event.number == schema.Event.SUMMARY:
            changes = list(map(self._change, tags, parse.picked(event.values, at)))
        else:
            changes = [SAME for _ in tags]
            for tag in tags:
                self._described[tag] = 1
        whole = len(at) == max(1, len(event.values)) and all(one is SAME for one in changes)
        if whole and time == event.wall_time:
            return [raw]
        return frame(messages.event(time, event.step, event_field(event, at, changes)))

    def _change(self, tag: int, value: Value) -> Change:
        kind, metadata = self._index.tags.described(tag)
        given = value.metadata or parse.NO_METADATA
        plugin, old_form = metadata.plugin or kind, value.number in schema.FORMS
        first = not self._described[tag]
        self._described[tag] = 1
        number = needs_number(value, plugin)
        self.rounded += number and is_rounded(value)
        inferred = old_form and given == metadata == parse.NO_METADATA
        describe = first and not inferred and (number or given.plugin != plugin)
        if not metadata.plugin:
            metadata = metadata._replace(
                plugin=plugin, data_class=schema.PLUGINS[plugin].data_class if old_form else 0)
        renamed = self._names.get(tag)
        if not (number or describe or renamed):
            return SAME
        return Change(metadata if describe else None, number, renamed)


def _groups(index: Index, rows: Rows) -> Iterator[Tuple[int, int, List[int], List[int]]]:
    """File, offset, tags and places of the rows of each event."""
    done, size = 0, _GROUPS
    while done < len(rows):
        part = rows[done:done + size]
        event = index.event[part]
        begins = np.append(0, np.flatnonzero(event[1:] != event[:-1]) + 1)
        if done + size < len(rows):  # the last event may continue after the part
            if len(begins) == 1:
                size *= 2
                continue
            part = part[:begins[-1]]
        else:
            begins = np.append(begins, len(part))
        tags, places = index.tag[part].tolist(), index.place[part].tolist()
        event, ends = event[begins[:-1]], begins.tolist()
        for number, offset, begin, end in zip(index.file[event].tolist(),
                                              index.offset[event].tolist(), ends, ends[1:]):
            yield number, offset, tags[begin:end], places[begin:end]
        done, size = done + len(part), _GROUPS


class _Files:
    """The records of a run's files, in any order."""

    def __init__(self, sources: Sequence[Source], faults: Faults) -> None:
        self._sources = sources
        self._faults = faults
        self._unreadable: Set[int] = set()
        self._files = Anywhere(lambda number: sources[number].place)

    def record(self, number: int, offset: int) -> bytes:
        """A record with its frame; nothing if it is no longer at this place, or cannot be read any
        more, which is a fault of the file."""
        try:
            return raw_record(self._files.window(number), offset) or b""
        except (OSError, ReadError) as error:
            if number not in self._unreadable:
                self._unreadable.add(number)
                path = self._sources[number].path
                self._faults.append(Fault(path, UNREADABLE, 0, 0, str(error)))
            return b""
