"""XSpace, the message in the Profile dashboard's files: planes of lines of events, with statistics.

    encode(Space([Plane("/host:CPU", [Line(1, "MainThread", [Event("load", 0, 5_000)])])]))

A plane is a device or a host, a line a thread or a track, an event a span of time in picoseconds.
Names are written once per plane, as metadata that events and statistics refer to by number.

Source: xplane.proto of the OpenXLA profiler (tsl/profiler/protobuf).
"""
from __future__ import annotations

from typing import Dict, Mapping, NamedTuple, Sequence, Tuple, Union

from .._parts import Parts
from .._proto import wire

# message XSpace
SPACE_PLANES, SPACE_ERRORS, SPACE_WARNINGS, SPACE_HOSTNAMES = 1, 2, 3, 4
# message XPlane
PLANE_ID, PLANE_NAME, PLANE_LINES, PLANE_EVENT_METADATA, PLANE_STAT_METADATA, PLANE_STATS = \
    1, 2, 3, 4, 5, 6
# message XLine
LINE_ID, LINE_NAME, LINE_TIMESTAMP_NS, LINE_EVENTS = 1, 2, 3, 4
# message XEvent
EVENT_METADATA_ID, EVENT_OFFSET_PS, EVENT_DURATION_PS, EVENT_STATS = 1, 2, 3, 4
# message XStat; a reference is the number of the statistics metadata whose name is the value.
STAT_METADATA_ID, STAT_DOUBLE, STAT_UINT64, STAT_INT64, STAT_BYTES, STAT_REF = 1, 2, 3, 4, 6, 7
# messages XEventMetadata and XStatMetadata
METADATA_ID, METADATA_NAME = 1, 2
# an entry of a map
ENTRY_KEY, ENTRY_VALUE = 1, 2

Value = Union[int, float, str, bytes]
Stats = Tuple[Tuple[str, Value], ...]


class Event(NamedTuple):
    """A span of time on a line; picoseconds from the beginning of the profile.

    stats: (name, value) pairs; a value is an int of 64 bits, a float, a str or bytes.
    """

    name: str
    start: int
    duration: int
    stats: Stats = ()


class Line(NamedTuple):
    """A track of events. The viewer shows lines of one plane by name; ids must differ."""

    id: int
    name: str
    events: Sequence[Event]


class Plane(NamedTuple):
    """A host, a device, or facts about the profile."""

    name: str
    lines: Sequence[Line] = ()
    stats: Mapping[str, Value] = {}


class Space(NamedTuple):
    """The content of one file."""

    planes: Sequence[Plane]
    hostnames: Sequence[str] = ()
    warnings: Sequence[str] = ()


def encode(space: Space) -> Parts:
    """The bytes of an XSpace, in pieces.

    Events are sorted as readers expect them: by start, then the longest first.

    Raises ValueError for integers of more than 64 bits and for lone surrogates in names.
    """
    out: Parts = []
    for number, plane in enumerate(space.planes):
        out += wire.message_field(SPACE_PLANES, _plane(number, plane))
    out += [wire.string_field(SPACE_WARNINGS, text) for text in space.warnings]
    out += [wire.string_field(SPACE_HOSTNAMES, text) for text in space.hostnames]
    return out


def _plane(number: int, plane: Plane) -> Parts:
    names = _Names(PLANE_EVENT_METADATA)
    stats = _StatEncoder()
    out: Parts = [wire.int_field(PLANE_ID, number), wire.string_field(PLANE_NAME, plane.name)]
    for line in plane.lines:
        out += wire.message_field(PLANE_LINES, _line(line, names, stats))
    out += [stats.field(PLANE_STATS, name, value) for name, value in plane.stats.items()]
    return out + names.metadata() + stats.names.metadata()


def _line(line: Line, names: "_Names", stats: "_StatEncoder") -> Parts:
    head = (wire.int_field(LINE_ID, line.id) + wire.string_field(LINE_NAME, line.name)
            + wire.int_field(LINE_TIMESTAMP_NS, 0))
    events = sorted(line.events, key=lambda event: (event.start, -event.duration))
    return [head, b"".join([_event(event, names, stats) for event in events])]


def _event(event: Event, names: "_Names", stats: "_StatEncoder") -> bytes:
    return wire.bytes_field(LINE_EVENTS, b"".join([
        wire.int_field(EVENT_METADATA_ID, names[event.name]),
        wire.int_field(EVENT_OFFSET_PS, event.start),
        wire.int_field(EVENT_DURATION_PS, event.duration),
        *[stats.field(EVENT_STATS, name, value) for name, value in event.stats]]))


class _Names(Dict[str, int]):
    """Numbers, from 1, for the names of one plane."""

    def __init__(self, field: int) -> None:
        super().__init__()
        self._field = field

    def __missing__(self, name: str) -> int:
        number = self[name] = len(self) + 1
        return number

    def metadata(self) -> Parts:
        """The entries of the map from numbers to names."""
        return [wire.bytes_field(self._field, self._entry(name, number))
                for name, number in self.items()]

    def _entry(self, name: str, number: int) -> bytes:
        message = wire.int_field(METADATA_ID, number) + wire.string_field(METADATA_NAME, name)
        return wire.int_field(ENTRY_KEY, number) + wire.bytes_field(ENTRY_VALUE, message)


class _StatEncoder:
    """Statistics of one plane; the text of a string is written once, among their names."""

    def __init__(self) -> None:
        self.names = _Names(PLANE_STAT_METADATA)

    def field(self, field: int, name: str, value: Value) -> bytes:
        return wire.bytes_field(field, wire.int_field(STAT_METADATA_ID, self.names[name])
                                + self._value(value))

    def _value(self, value: Value) -> bytes:
        if isinstance(value, str):
            return wire.int_field(STAT_REF, self.names[value])
        if isinstance(value, float):
            return wire.double_field(STAT_DOUBLE, value)
        if isinstance(value, bytes):
            return wire.bytes_field(STAT_BYTES, value)
        return wire.int_field(STAT_UINT64 if value >> 63 > 0 else STAT_INT64, value)
