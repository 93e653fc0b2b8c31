"""The values of a run by tag: scalars as numbers, everything else as places in files."""
from __future__ import annotations

from array import array
from collections import Counter
from typing import Any, Dict, List, NamedTuple, Set, Tuple, Union

import numpy as np

from . import kinds
from .._files.records import EVENT, Fault, Faults, Record
from .._files.stream import Part, Scalars, ScalarStream
from .._files.window import Window
from .._proto import parse, schema
from .._proto.parse import Metadata, Value
from .._proto.wire import WireError
from .._scalars.pieces import Piece

_SIMPLE = schema.Value.SIMPLE_VALUE
# The forms of a scalar.
_NUMBERS = (_SIMPLE, schema.Value.TENSOR)

# A value that was decoded by itself: its tag, the offset of its record, its position in the
# Summary, step, wall_time, and the number if it is a scalar.
_Single = Tuple[str, int, int, int, float, float]

# The number of values that are collected before they are put into columns.
_MOST_SINGLES = 4096

# A tag of up to so many values has no arrays.
_FEW = 8
# How many bytes of a row are a step, and a step and a wall_time.
_STEP, _AXES = 8, 16


class Arrays(NamedTuple):
    """The values of one tag.

    steps: int64. wall_times: float64. rest: of scalars their values, float64; of all others int64,
    three numbers for each value: file, offset of the record, position in its Summary.
    """

    steps: "array[int]"
    wall_times: "array[float]"
    rest: "array[Any]"


class Column:
    """The values of one tag: of a few as rows in one bytes object, since an empty array takes as
    much memory as three rows, and a log may have a million tags of one value."""

    __slots__ = ("kind", "metadata", "_rows")

    def __init__(self, kind: str, metadata: Metadata) -> None:
        self.kind = kind
        self.metadata = metadata
        self._rows: Union[bytes, Arrays] = b""

    @property
    def arrays(self) -> Arrays:
        """The values in the order of the files."""
        rows = self._rows
        if not isinstance(rows, bytes):
            return rows
        scalar, size = self.kind == "scalar", self._size
        found = Arrays(array("q"), array("d"), array("d" if scalar else "q"))
        for at in range(0, len(rows), size):
            found.steps.frombytes(rows[at:at + _STEP])
            found.wall_times.frombytes(rows[at + _STEP:at + _AXES])
            found.rest.frombytes(rows[at + _AXES:at + size])
        return found

    def __len__(self) -> int:
        rows = self._rows
        return len(rows) // self._size if isinstance(rows, bytes) else len(rows.steps)

    @property
    def _size(self) -> int:
        """How many bytes a row has."""
        return _AXES + (8 if self.kind == "scalar" else 24)

    def extend(self, steps: parse.Data, wall_times: parse.Data, rest: parse.Data) -> None:
        """Further values, by the bytes of each of `Arrays`."""
        rows = self._rows
        if isinstance(rows, bytes):
            if len(rows) // self._size + len(steps) // _STEP <= _FEW:
                size = self._size - _AXES
                self._rows = rows + b"".join([
                    part for at in range(len(steps) // _STEP)
                    for part in (steps[8 * at:8 * at + 8], wall_times[8 * at:8 * at + 8],
                                 rest[size * at:size * (at + 1)])])
                return
            rows = self._rows = self.arrays
        all_steps, all_times, all_rest = rows
        all_steps.frombytes(steps)
        all_times.frombytes(wall_times)
        all_rest.frombytes(rest)

    def add(self, found: Scalars, file: int) -> None:
        rest = found.values
        if self.kind != "scalar":
            rest = np.empty((len(found.steps), 3), np.int64)
            rest[:, 0], rest[:, 1], rest[:, 2] = file, found.offsets, found.places
        self.extend(found.steps.tobytes(), found.wall_times.tobytes(), rest.tobytes())

    def add_singles(self, singles: List[_Single], file: int) -> None:
        _, offsets, places, steps, wall_times, values = zip(*singles)
        rest = array("d", values) if self.kind == "scalar" else array("q", [
            number for place in zip(offsets, places) for number in (file, *place)])
        self.extend(array("q", steps).tobytes(), array("d", wall_times).tobytes(), rest.tobytes())


class Loader:
    """Puts the values of one file into the columns of a run.

    faults: the faults of the file. writers: the programs that wrote it, if it names them.
    """

    def __init__(self, columns: Dict[str, Column], file: int) -> None:
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
        self._unfit: Dict[str, Tuple[int, int]] = {}

    def load(self, window: Window) -> None:
        self._path = window.name
        stream = ScalarStream(window, self.faults)
        seen: Set[int] = set()
        for part in stream:
            self._add_part(part, stream.values, seen)
            del part  # before the next is read: a record may be large

    def all_faults(self) -> Faults:
        """The faults in the order of the file."""
        for tag, (count, offset) in self._unfit.items():
            self.faults.append(Fault(
                self._path, EVENT, offset, 0, f"got {count} values of tag {tag!r} of another kind "
                f"than its first, want {self._columns[tag].kind}"))
        self.faults.sort(key=lambda fault: fault.offset)
        return self.faults

    def _add_part(self, part: Part, values: List[Value], seen: Set[int]) -> None:
        self._found = found = _Found(part.pieces, part.offsets)
        # Columns are made in the order in which their tags first occur.
        new = [(*min([(one.first, one.place) for one in segments]), number)
               for number, segments in found.segments.items() if number not in seen]
        new = sorted([(int(part.offsets[first]), place, number) for first, place, number in new],
                     reverse=True)
        seen.update([number for _, _, number in new])
        for record in part.others:
            self._open(new, record.offset, values)
            self._decode(record, values)
        self._open(new, part.end, values)
        self._put(self._found, values)

    def _put(self, found: "_Found", values: List[Value]) -> None:
        """Put consecutive values into the columns, which exist: scalars of the kinds `values`, and
        those that were decoded one by one."""
        singles, self._singles = self._singles, []
        pieces: Dict[str, List[Scalars]] = {}
        tags = {number: values[number].tag for number in found.segments}
        names = set(tags.values())
        for tag, ones in _by_tag(singles).items():
            if tag in names:
                pieces[tag] = [_as_scalars(ones)]
            else:
                self._columns[tag].add_singles(ones, self._file)
        for tag, count in Counter(tags.values()).items():  # those that were found in several ways
            if count > 1:
                pieces.setdefault(tag, [])
        for number, segments in found.segments.items():
            tag = tags[number]
            column = self._columns[tag]
            if column.kind != "scalar" and values[number].number == _SIMPLE:
                first = min([one.first for one in segments])
                self._note_unfit(tag, sum([one.end - one.begin for one in segments]),
                                 int(found.offsets[first]))
            elif column.kind != "scalar" or tag in pieces or not _follow(segments):
                pieces.setdefault(tag, []).extend(map(found.scalars, segments))
            else:
                for piece, place, begin, end, _, _ in segments:
                    steps, wall_times, floats = found.columns[piece]
                    begin, end = 8 * begin, 8 * end
                    column.extend(steps[begin:end], wall_times[begin:end],
                                  floats[place][begin:end])
        for tag, parts in pieces.items():
            if parts:
                self._columns[tag].add(_in_order(parts), self._file)

    def _open(self, new: List[Tuple[int, int, int]], end: int, values: List[Value]) -> None:
        """Make the columns of the scalars that first occur before byte `end`."""
        while new and new[-1][0] < end:
            self._column_of(values[new.pop()[2]])

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
            scalar = self._column_of(value).kind == "scalar"
            if value.number not in _NUMBERS if scalar else value.number == _SIMPLE:
                self._note_unfit(value.tag, 1, record.offset)
                continue
            try:
                number = kinds.number(value) if scalar else 0.0
            except WireError as error:
                self.faults.append(Fault(self._path, EVENT, record.offset, 0, str(error)))
                continue
            self._singles.append(
                (value.tag, record.offset, place, event.step, event.wall_time, number))
            if len(self._singles) == _MOST_SINGLES:
                before, self._found = self._found.parted(record.offset)
                self._put(before, kinds_of)

    def _note_unfit(self, tag: str, count: int, offset: int) -> None:
        before, first = self._unfit.get(tag, (0, offset))
        self._unfit[tag] = before + count, min(first, offset)

    def _column_of(self, value: Value) -> Column:
        column = self._columns.get(value.tag)
        if column is None:
            column = self._columns[value.tag] = Column(kinds.kind_of(value),
                                                       value.metadata or parse.NO_METADATA)
        elif value.metadata and not column.metadata.plugin:
            column.metadata = value.metadata
        return column


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

    segments: those of each number of a tag, piece by piece. columns: the bytes of steps, wall_times
    and values of each piece.
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
        self.columns.append((memoryview(piece.steps).cast("B"),
                             memoryview(piece.wall_times).cast("B"),
                             [memoryview(values).cast("B") for values in piece.values]))
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


def _by_tag(singles: List[_Single]) -> Dict[str, List[_Single]]:
    found: Dict[str, List[_Single]] = {}
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
