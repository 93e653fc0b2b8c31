"""Where every value of a run is, and which values TensorBoard would have replaced.

An index holds 20 bytes per event, 12 bytes per value, the tags as `Tags` does, and no value itself.
A file may have a row for each seven of its bytes, so what is compared is compared slab by slab, and
numbers of rows have 32 bits.
"""
from __future__ import annotations

import math
import re
from array import array
from collections import Counter
from itertools import islice
from typing import Any, Counter as Counts, Dict, Iterator, List, NamedTuple, Optional
from typing import Sequence, Tuple

import numpy as np

from .._files.places import base_name
from .._files.records import EVENT, UNREADABLE, Fault, Faults, Record, records
from .._files.sparse import Narrow
from .._files.stream import Part, Progress, ScalarStream
from .._files.window import ReadError, Window
from .._proto import parse, schema, tensors
from .._proto.parse import Event, Value
from .._proto.wellformed import check_shell, check_value
from .._proto.wire import WireError
from ._tags import Tags
from ._values import WHOLE_RUN, kind, needs_number, no_value, number_of, values

Rows = Any  # np.ndarray, whose generic form numpy 1.19 does not have

# Why a value is not in the copy. The words stand in tables and JSON.
DAMAGED = "damaged"
OTHER_KIND = "another kind"
EMPTY = "empty"
PURGED = "purged by a restart"
SAME_STEP = "same step"

# The place of a value that is the only one of its event, a scalar in the form that every loader
# shows, with a finite time.
PLAIN = -1

# How far the times of two files must overlap for two writers: first events have a resolution of
# one second.
_SECONDS = 2
# How many rows are compared at a time.
SLAB = 1 << 16


class Source(NamedTuple):
    """An event file.

    source: the number of the log directory that it is from. copy: a file on this machine with the
    bytes of an object, if there is one.
    """

    path: str
    source: int = 0
    copy: str = ""

    @property
    def place(self) -> str:
        """Where it is read."""
        return self.copy or self.path

    def open(self) -> Window:
        window = Window(self.place)
        window.name = self.path
        return window


class Restart(NamedTuple):
    """A SessionLog.START: after how many values, at which step, in which log directory."""

    at: int
    step: int
    source: int


class Index:
    """All values of the event files of one run.

    tags: by number. files: in the order in which they were written. events: columns of file,
    offset and step, one row per event. rows: columns of tag, event and place in its summary, one
    row per value. left_out: how many values are in no row, by reason. header: the first event of
    the run, if it is a file version. begins: the first row of each file, and the number of all.
    start: the time of the first event, seconds since 1970, 0 without one. wall_times, values: of
    events and rows, if `numbers` is given; a value that is no scalar is 0.
    """

    def __init__(self, files: Sequence[Source], progress: Optional[Progress] = None,
                 numbers: bool = False) -> None:
        self.faults = Faults()
        self.left_out: Counts[str] = Counter()
        self.tags = Tags()
        self.header = b""
        self.restarts: List[Restart] = []
        self.wall_times, self.values = array("d"), array("d")
        self._numbers = numbers
        # File, offset and step of events; tag, event and place of rows.
        self._columns = tuple(map(Narrow, ("Hi", "Iq", "iq", "i", "i", "hi")))
        self.files = self._in_order(files)
        self.times = [(math.inf, -math.inf)] * len(self.files)
        self.begins = [0]
        for number in range(len(self.files)):
            self._read(number, progress)
            self.begins.append(len(self._columns[3]))
        self.start = min((first for first, _ in self.times if math.isfinite(first)), default=0.0)
        self.left_out[DAMAGED] += self.faults.total

    @property
    def file(self) -> Rows:
        return self._column(0)

    @property
    def offset(self) -> Rows:
        return self._column(1)

    @property
    def step(self) -> Rows:
        return self._column(2)

    @property
    def tag(self) -> Rows:
        return self._column(3)

    @property
    def event(self) -> Rows:
        return self._column(4)

    @property
    def place(self) -> Rows:
        return self._column(5)

    def _column(self, number: int) -> Rows:
        stored = self._columns[number].stored
        return np.frombuffer(stored, stored.typecode)

    def whole_run(self) -> Rows:
        """Which tags belong to the run as a whole, such as its graph."""
        return self.tags.of_kinds(WHOLE_RUN)

    def steps(self, rows: Rows) -> Rows:
        """int64 [n], the steps of rows."""
        return self.step[self.event[rows]].astype(np.int64)

    def _in_order(self, files: Sequence[Source]) -> List[Source]:
        """Files in the order in which they were written: by the time in their names, if they have
        one, and the time of their first event. TensorBoard's order differs for numbers without
        leading zeros."""
        keys = []
        for number, file in enumerate(files):
            first = math.inf
            try:
                first = _first_time(file)
            except (OSError, ReadError) as error:
                self.faults.append(Fault(file.path, UNREADABLE, 0, 0, str(error)))
                continue
            found = re.search(r"tfevents\.(\d+)", base_name(file.path))
            named = float(found.group(1)[:18]) if found else math.inf
            seconds = named if 1e8 < named < 1e11 else first
            keys.append((seconds, named, first, number))
        return [files[key[-1]] for key in sorted(keys)]

    def _read(self, number: int, progress: Optional[Progress]) -> None:
        try:
            with self.files[number].open() as window:
                stream = ScalarStream(window, self.faults, progress=progress)
                known: Dict[int, int] = {}
                for part in stream:
                    self._note_part(number, part, stream.values, known)
                    del part  # before the next is read: a record may be large
        except (OSError, ReadError) as error:
            self.faults.append(Fault(self.files[number].path, UNREADABLE, 0, 0, str(error)))

    def _note_part(self, number: int, part: Part, kinds: Sequence[Value], known: Dict[int, int]
                   ) -> None:
        """Consecutive records of a file. kinds: `ScalarStream.values`, by number. known: {number of
        a kind: number of its tag}, of the kinds that fit."""
        scalars = part.scalars
        apart = np.diff(scalars.offsets, prepend=-1, append=-1) != 0
        rows = zip(*[column.tolist() for column in (
            *scalars, apart[:-1], apart[:-1] & apart[1:])])
        before = np.searchsorted(scalars.offsets, [record.offset for record in part.others])
        done = 0
        for upto, record in zip(before.tolist(), part.others):
            if upto > done:
                self._note_scalars(number, islice(rows, upto - done), kinds, known)
                done = upto
            self._note(number, record)
        self._note_scalars(number, rows, kinds, known)

    def _note_scalars(self, number: int, rows: Iterator[Tuple[Any, ...]], kinds: Sequence[Value],
                      known: Dict[int, int]) -> None:
        """Consecutive scalars, each with whether it is the first and the only one of its event."""
        for found, offset, place, step, wall_time, scalar, begins, only in rows:
            if begins:
                self._add_event(number, offset, step, wall_time)
            tag, reason = known.get(found, -1), ""
            if tag < 0:
                tag, reason = self._fits(kinds[found])
                if not reason:
                    known[found] = tag
            simple = kinds[found].number == schema.Value.SIMPLE_VALUE
            plain = only and simple and math.isfinite(wall_time)
            self._add_row(tag, reason, PLAIN if plain else place, scalar)

    def _note(self, number: int, record: Record) -> None:
        try:
            # What it refuses would end the copy for a loader, or stop the loading of it.
            check_shell(record.data)
            event = parse.event(record.data)
            found = values(event)
            status = event.session_status
        except WireError as error:
            self._damaged(number, record, error)
            return
        if not self.header and event.file_version:
            self.header = record.data
        if status == schema.SessionStatus.START:
            source = self.files[number].source
            self.restarts.append(Restart(len(self._columns[3]), event.step, source))
        if no_value(event):
            self.left_out[no_value(event)] += 1
        if found:
            self._add_event(number, record.offset, event.step, event.wall_time)
        for place, (value, raw) in enumerate(zip(found, _raw(event))):
            try:
                check_value(raw)
            except WireError as error:
                self._damaged(number, record, error)
                continue
            tag, reason = self._fits(value)
            scalar = 0.0
            if self._numbers and not reason and self.tags.described(tag)[0] == schema.SCALARS:
                try:
                    scalar = number_of(value)
                except WireError:
                    reason = DAMAGED
            self._add_row(tag, reason, place, scalar)

    def _damaged(self, number: int, record: Record, error: WireError) -> None:
        self.faults.append(Fault(self.files[number].path, EVENT, record.offset,
                                 len(record.data), str(error)))

    def _add_event(self, number: int, offset: int, step: int, wall_time: float) -> None:
        columns = self._columns
        columns[0].append(number)
        columns[1].append(offset)
        columns[2].append(step)
        if self._numbers:
            self.wall_times.append(wall_time)
        first, last = self.times[number]
        if not first <= wall_time <= last and math.isfinite(wall_time):
            self.times[number] = min(first, wall_time), max(last, wall_time)

    def _add_row(self, tag: int, reason: str, place: int, scalar: float) -> None:
        """A value of the last event, or why it is left out."""
        if reason:
            self.left_out[reason] += 1
            return
        columns = self._columns
        columns[3].append(tag)
        columns[4].append(len(columns[0]) - 1)
        columns[5].append(place)
        if self._numbers:
            self.values.append(scalar)

    def _fits(self, value: Value) -> Tuple[int, str]:
        """The number of a value's tag, or -1 and why the value is left out."""
        if not value.number and not value.metadata:
            return -1, EMPTY
        number = self.tags.number(value)
        known, metadata = self.tags.described(number)
        named = value.metadata.plugin if value.metadata else ""
        # TensorBoard takes a tensor as a value of its tag's plugin, whatever plugin it names.
        takes = value.number == schema.Value.TENSOR and named not in schema.PLUGINS
        plugin = metadata.plugin or (known if takes else named)
        if known != kind(value, plugin):
            return -1, OTHER_KIND
        try:
            if needs_number(value, plugin):
                tensors.scalar_of(value.data)
        except WireError:
            return -1, DAMAGED if named in ("", plugin) else OTHER_KIND
        return number, ""


def _raw(event: Event) -> Iterator[parse.Data]:
    """The messages of an event's values; of a graph, whose bytes no loader looks into, none."""
    if event.number == schema.Event.SUMMARY:
        return parse.each(event.data, schema.Summary.VALUE)
    return iter((b"",))


def _first_time(file: Source) -> float:
    """The wall_time of the first event that has one."""
    with file.open() as window:
        for record in records(window, []):
            try:
                wall_time = parse.shell(record.data).wall_time
            except WireError:
                continue
            if math.isfinite(wall_time):
                return math.floor(wall_time)
    return math.inf


def purged(index: Index) -> Rows:
    """Which values a restart has purged.

    The first restart of a run purges nothing in TensorBoard. Its fast loader then drops the values
    that the new ones of their tag reach back to, and so does this. Each later restart purges all
    values with its step or a greater one, but never what belongs to the run as a whole. A restart
    purges only in its own log directory.
    """
    gone = np.zeros(len(index.tag), bool)
    if not index.restarts or not len(gone):
        return gone
    whole = index.whole_run()
    source = np.array([file.source for file in index.files], np.int32)
    restarts: Dict[int, List[Restart]] = {}
    for restart in index.restarts:
        restarts.setdefault(restart.source, []).append(restart)
    for number, (first, *later) in restarts.items():
        def mine(begin: int, end: int) -> Iterator[Tuple[int, Rows, Rows]]:
            """Rows that this directory's restarts may purge: where a slab begins, which rows of
            it, and their steps."""
            for at in range(begin, end, SLAB):
                event = index.event[at:min(at + SLAB, end)]
                rows = np.flatnonzero(~whole[index.tag[at:at + len(event)]]
                                      & (source[index.file[event]] == number))
                yield at, rows, index.step[event[rows]]
        least = np.full(len(index.tags), np.iinfo(np.int64).max)
        for at, rows, step in mine(first.at, len(gone)):
            np.minimum.at(least, index.tag[at:][rows], step)
        np.maximum(first.step, least, out=least)
        for at, rows, step in mine(0, first.at):
            gone[at:][rows] |= step >= least[index.tag[at:][rows]]
        # The least step of the restarts from each one on decides about the values before it.
        lowest = np.minimum.accumulate([restart.step for restart in reversed(later)])[::-1]
        places = [restart.at for restart in later]
        for at, rows, step in mine(0, places[-1] if later else 0):
            after = np.searchsorted(places, rows + at, side="right")
            rows, step, after = (column[after < len(later)] for column in (rows, step, after))
            gone[at:][rows] |= step >= lowest[after]
    return gone


def same_step(index: Index, rows: Rows) -> Rows:
    """Which of these rows a later one with the same tag and step replaces."""
    replaced = np.zeros(len(rows), bool)
    several = _several(index, rows)
    if several.any():
        places = None if several.all() else np.flatnonzero(several).astype(np.int32)
        order, equal = _sorted(index, rows if places is None else rows[places])
        order = order[:-1][equal]
        replaced[order if places is None else places[order]] = True
    return replaced


def _several(index: Index, rows: Rows) -> Rows:
    """Which of these rows have a tag that others of them have too."""
    seen, again = np.zeros(len(index.tags), bool), np.zeros(len(index.tags), bool)
    for at in range(0, len(rows), SLAB):
        tags = np.sort(index.tag[rows[at:at + SLAB]])
        again[tags[1:][tags[1:] == tags[:-1]]] = True
        again[tags[seen[tags]]] = True
        seen[tags] = True
    return again[index.tag[rows]]


def _sorted(index: Index, rows: Rows) -> Tuple[Rows, Rows]:
    """The order of `rows`, which ascend, by tag and step; in it, which have those of the next."""
    order = np.lexsort((index.steps(rows), index.tag[rows])).astype(np.int32)
    equal = np.zeros(max(len(rows) - 1, 0), bool)
    for at in range(0, len(equal), SLAB):
        part = rows[order[at:at + SLAB + 1]]
        tag, step = index.tag[part], index.steps(part)
        equal[at:at + SLAB] = (tag[1:] == tag[:-1]) & (step[1:] == step[:-1])
    return order, equal


def writers(index: Index, gone: Rows) -> List[List[int]]:
    """The files of each writer: files that were written at the same time, with values of the same
    tags and steps, are of different writers. gone: which values do not count."""
    first, last = np.array(index.times).reshape(-1, 2).T
    if not _any_overlap(first + _SECONDS, last):
        return [list(range(len(index.files)))]
    found: List[List[int]] = []
    writer = np.zeros(len(index.files), np.int64)
    for file, others in enumerate(_shared(index, gone)):
        overlap = np.maximum(first[others], first[file]) + _SECONDS \
            < np.minimum(last[others], last[file])
        free = np.ones(len(found) + 1, bool)
        free[writer[others[overlap]]] = False
        number = int(free.argmax())
        if number == len(found):
            found.append([])
        found[number].append(file)
        writer[file] = number
    return found


def _any_overlap(first: Rows, last: Rows) -> bool:
    """Whether two of these spans of time overlap."""
    order = np.argsort(first)
    first, last = first[order], last[order]
    before = np.maximum.accumulate(last)[:-1]
    return bool((first[1:] < np.minimum(before, last[1:])).any())


def _shared(index: Index, gone: Rows) -> Iterator[Rows]:
    """For each file, the files before it that have a value of one of its tags and steps."""
    rows = np.flatnonzero(~(gone | index.whole_run()[index.tag])).astype(np.int32)
    order, equal = _sorted(index, rows)
    edge = np.zeros(1 if len(rows) else 0, bool)
    follows = np.concatenate([edge, equal])
    several = follows | np.concatenate([equal, edge])  # rows whose tag and step others have
    file = index.file[index.event[rows[order[several]]]]
    begins = np.append(np.flatnonzero(~follows[several]), len(file))
    by_file = np.argsort(file, kind="stable")
    ends = np.searchsorted(file[by_file], np.arange(len(index.files) + 1))
    for number in range(len(index.files)):
        places = by_file[ends[number]:ends[number + 1]]
        mine = np.unique(np.searchsorted(begins, places, side="right") - 1)
        shared = np.zeros(len(index.files), bool)
        for begin, end in zip(begins[mine].tolist(), begins[mine + 1].tolist()):
            shared[file[begin:end]] = True
        yield np.flatnonzero(shared[:number])
