"""The values of files by tag: scalars as numbers, everything else as places in files."""
from __future__ import annotations

from collections import Counter
from typing import Any, Dict, List, NamedTuple, Set, Tuple

import numpy as np

from . import kinds
from .store import Columns
from .._files.records import EVENT, MOST_LISTED, Fault, Faults, Record
from .._files.stream import Part, Scalars, ScalarStream
from .._files.window import Window
from .._proto import parse, schema
from .._proto.parse import Value
from .._proto.wire import WireError
from .._scalars.pieces import Piece

_SIMPLE = schema.Value.SIMPLE_VALUE
# The forms of a scalar.
_NUMBERS = (_SIMPLE, schema.Value.TENSOR)

# A value that was decoded by itself: the number of its tag, the offset of its record, its position
# in the Summary, step, wall_time, and the number if it is a scalar.
_Single = Tuple[int, int, int, int, float, float]

# The number of values that are collected before they are put into columns.
_MOST_SINGLES = 4096


class Loader:
    """Puts the values of one file into the columns of a run.

    faults: the faults of the file. writers: the programs that wrote it, if it names them.
    """

    def __init__(self, columns: Columns, file: int) -> None:
        self.faults = Faults()
        self.writers: List[str] = []
        self._columns = columns
        self._file = file
        self._path = ""
        # Of the part that is read: the scalars, and values that were decoded by themselves, which
        # are not in the columns yet.
        self._found = _Found([], None)
        self._singles: List[_Single] = []
        # {tag: (how many values are of another kind than its first, the offset of the first)}
        self._unfit: Dict[int, Tuple[int, int]] = {}
        # {number that the stream has for a kind of scalar: its tag}
        self._tags: Dict[int, int] = {}

    def load(self, window: Window) -> None:
        self._path = window.name
        stream = ScalarStream(window, self.faults)
        for part in stream:
            self._add_part(part, stream.values)
            del part  # before the next is read: a record may be large

    def all_faults(self) -> Faults:
        """The faults in the order of the file."""
        columns = self._columns
        for tag, (count, offset) in self._unfit.items():
            self.faults.append(Fault(
                self._path, EVENT, offset, 0, f"got {count} values of tag {columns.names[tag]!r} "
                f"of another kind than its first, want {columns.kind(tag)}"))
        self.faults.sort(key=lambda fault: fault.offset)
        return self.faults

    def _add_part(self, part: Part, values: List[Value]) -> None:
        self._found = found = _Found(part.pieces, part.offsets)
        # Columns are made in the order in which their tags first occur.
        new = [(*min([(one.first, one.place) for one in segments]), number)
               for number, segments in found.segments.items() if number not in self._tags]
        new = sorted([(int(part.offsets[first]), place, number) for first, place, number in new],
                     reverse=True)
        for record in part.others:
            self._open(new, record.offset, values)
            self._decode(record, values)
        self._open(new, part.end, values)
        self._put(self._found, values)

    def _put(self, found: "_Found", values: List[Value]) -> None:
        """Put consecutive values into the columns, which exist: scalars of the kinds `values`, and
        those that were decoded one by one."""
        singles, self._singles = self._singles, []
        columns = self._columns
        tags = [self._tags[number] for number in found.segments]
        # Those that were found in several ways.
        pieces: Dict[int, List[Scalars]] = {
            tag: [] for tag, count in Counter(tags).items() if count > 1}
        self._add_singles(singles, set(tags), pieces)
        for tag, (number, segments) in zip(tags, found.segments.items()):
            scalar = columns.kind(tag) == "scalar"
            if not scalar and values[number].number == _SIMPLE:
                first = min([one.first for one in segments])
                self._note_unfit(tag, sum([one.end - one.begin for one in segments]),
                                 int(found.offsets[first]))
            elif not scalar or tag in pieces or not _follow(segments):
                pieces.setdefault(tag, []).extend(map(found.scalars, segments))
            else:
                for piece, place, begin, end, _, _ in segments:
                    steps, wall_times, floats = found.columns[piece]
                    if end - begin == 1:
                        columns.add_scalar(tag, steps[begin], wall_times[begin],
                                           floats[place][begin])
                    else:
                        columns.extend_scalars(tag, steps[begin:end], wall_times[begin:end],
                                               floats[place][begin:end])
        for tag, parts in pieces.items():
            if parts:
                self._add_scalars(tag, _in_order(parts))

    def _add_singles(self, singles: List[_Single], found: Set[int],
                     pieces: Dict[int, List[Scalars]]) -> None:
        """Put values into the columns. Those of tags that are also `found` in another way become
        `pieces`, which are put into the order of the file."""
        columns = self._columns
        later: List[_Single] = []
        for single in singles:
            tag, offset, place, step, wall_time, value = single
            if tag in found:
                later.append(single)
            elif columns.kind(tag) == "scalar":
                columns.add_scalar(tag, step, wall_time, value)
            else:
                columns.add_place(tag, step, wall_time, (self._file, offset, place))
        for tag, ones in _by_tag(later).items():
            pieces.setdefault(tag, []).append(_as_scalars(ones))

    def _add_scalars(self, tag: int, found: Scalars) -> None:
        """Scalars of one tag, or values that look like scalars of a tag of another kind."""
        if self._columns.kind(tag) == "scalar":
            self._columns.extend_scalars(tag, memoryview(found.steps), memoryview(found.wall_times),
                                         memoryview(found.values))
            return
        for step, wall_time, offset, place in zip(*[column.tolist() for column in (
                found.steps, found.wall_times, found.offsets, found.places)]):
            self._columns.add_place(tag, step, wall_time, (self._file, offset, place))

    def _open(self, new: List[Tuple[int, int, int]], end: int, values: List[Value]) -> None:
        """Make the columns of the scalars that first occur before byte `end`."""
        while new and new[-1][0] < end:
            number = new.pop()[2]
            self._tags[number] = self._tag_of(values[number])

    def _decode(self, record: Record, kinds_of: List[Value]) -> None:
        """Note the values of one record; after many, put them and all before into the columns."""
        try:
            event = parse.event(record.data)
            values = kinds.values_of(event)
        except WireError as error:
            self.faults.append(bad_event(record, self._path, error))
            return
        if event.writer and event.writer not in self.writers:
            self.writers.append(event.writer)
        for place, value in enumerate(values):
            if not value.number and not value.metadata:
                continue
            tag = self._tag_of(value)
            scalar = self._columns.kind(tag) == "scalar"
            if value.number not in _NUMBERS if scalar else value.number == _SIMPLE:
                self._note_unfit(tag, 1, record.offset)
                continue
            try:
                number = kinds.number(value) if scalar else 0.0
            except WireError as error:
                self.faults.append(Fault(self._path, EVENT, record.offset, 0, str(error)))
                continue
            self._singles.append(
                (tag, record.offset, place, event.step, event.wall_time, number))
            if len(self._singles) == _MOST_SINGLES:
                before, self._found = self._found.parted(record.offset)
                self._put(before, kinds_of)

    def _note_unfit(self, tag: int, count: int, offset: int) -> None:
        if tag not in self._unfit and len(self._unfit) == MOST_LISTED:
            self.faults.more += count
            return
        before, first = self._unfit.get(tag, (0, offset))
        self._unfit[tag] = before + count, min(first, offset)

    def _tag_of(self, value: Value) -> int:
        """The number of a value's tag."""
        tag = self._columns.names.find(value.tag)
        if tag < 0:
            return self._columns.new(value.tag, kinds.kind_of(value), value.metadata)
        if value.metadata and kinds.describes(value, self._columns.kind(tag)):
            self._columns.describe(tag, value.metadata)
        return tag


class _Segment(NamedTuple):
    """Consecutive values of one tag in a piece: its number, their place in each record, where they
    begin and end, and the numbers of the first and the last record."""

    piece: int
    place: int
    begin: int
    end: int
    first: int
    last: int


class _Found:
    """The scalars of consecutive records by tag.

    segments: those of each number of a tag, piece by piece. columns: steps, wall_times and values
    of each piece.
    """

    def __init__(self, pieces: List[Piece], offsets: Any) -> None:
        self.offsets = offsets
        self._pieces: List[Piece] = []
        self.columns: List[Tuple[memoryview, memoryview, List[memoryview]]] = []
        self.segments: Dict[int, List[_Segment]] = {}
        for piece in sorted(pieces, key=_first_record):
            self._add(piece)

    def _add(self, piece: Piece) -> None:
        at = len(self._pieces)
        self._pieces.append(piece)
        self.columns.append((memoryview(piece.steps), memoryview(piece.wall_times),
                             [memoryview(values) for values in piece.values]))
        firsts = piece.records[[begin for _, begin, _ in piece.groups]].tolist()
        lasts = piece.records[[end - 1 for _, _, end in piece.groups]].tolist()
        for (numbers, begin, end), first, last in zip(piece.groups, firsts, lasts):
            for place, number in enumerate(numbers):
                self.segments.setdefault(number, []).append(
                    _Segment(at, place, begin, end, first, last))

    def scalars(self, segment: _Segment) -> Scalars:
        """The values of a segment; `tags` are zero."""
        piece, rows = self._pieces[segment.piece], slice(segment.begin, segment.end)
        count = segment.end - segment.begin
        return Scalars(np.zeros(count, np.int32), self.offsets[piece.records[rows]],
                       np.full(count, segment.place, np.int32), piece.steps[rows],
                       piece.wall_times[rows], piece.values[segment.place][rows])

    def parted(self, offset: int) -> "Tuple[_Found, _Found]":
        """Those of the records before byte `offset`, and all others."""
        record = int(np.searchsorted(self.offsets, offset))
        before = [piece.chosen(piece.records < record) for piece in self._pieces]
        after = [piece.chosen(piece.records >= record) for piece in self._pieces]
        return (_Found([piece for piece in before if len(piece.records)], self.offsets),
                _Found([piece for piece in after if len(piece.records)], self.offsets))


def _first_record(piece: Piece) -> int:
    return int(piece.records.min())


def _follow(segments: List[_Segment]) -> bool:
    """Whether each segment begins after the one before it has ended. Values of one record, such as
    a tag that occurs twice in it, do not follow each other."""
    return len(segments) == 1 or all(
        one.last < other.first for one, other in zip(segments, segments[1:]))


def bad_event(record: Record, path: str, error: WireError) -> Fault:
    """The fault of a record that holds no event."""
    return Fault(path, EVENT, record.offset, record.end - record.offset, str(error))


def _by_tag(singles: List[_Single]) -> Dict[int, List[_Single]]:
    found: Dict[int, List[_Single]] = {}
    for single in singles:
        found.setdefault(single[0], []).append(single)
    return found


def _as_scalars(found: List[_Single]) -> Scalars:
    _, offsets, places, steps, wall_times, values = zip(*found)
    columns: List[Any] = [np.array(column, dtype) for column, dtype in (
        (offsets, np.int64), (places, np.int32), (steps, np.int64), (wall_times, np.float64),
        (values, np.float64))]
    return Scalars(np.zeros(len(found), np.int32), *columns)


def _in_order(parts: List[Scalars]) -> Scalars:
    """One tag's values, which were found in several ways, in the order of the file."""
    if len(parts) == 1:
        return parts[0]
    joined = Scalars(*[np.concatenate(columns) for columns in zip(*parts)])
    order = np.lexsort((joined.places, joined.offsets))
    return Scalars(*[column[order] for column in joined])
