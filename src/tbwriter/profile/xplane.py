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
from .._proto.plugin_schema import XEvent, XEventMetadata, XLine, XPlane, XSpace, XStat
from .._proto.schema import MapEntry

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
        out += wire.message_field(XSpace.PLANES, _plane(number, plane))
    out += [wire.string_field(XSpace.WARNINGS, text) for text in space.warnings]
    out += [wire.string_field(XSpace.HOSTNAMES, text) for text in space.hostnames]
    return out


def _plane(number: int, plane: Plane) -> Parts:
    names = _Names(XPlane.EVENT_METADATA)
    stats = _StatEncoder()
    out: Parts = [wire.int_field(XPlane.ID, number), wire.string_field(XPlane.NAME, plane.name)]
    for line in plane.lines:
        out += wire.message_field(XPlane.LINES, _line(line, names, stats))
    out += [stats.field(XPlane.STATS, name, value) for name, value in plane.stats.items()]
    return out + names.metadata() + stats.names.metadata()


def _line(line: Line, names: "_Names", stats: "_StatEncoder") -> Parts:
    head = (wire.int_field(XLine.ID, line.id) + wire.string_field(XLine.NAME, line.name)
            + wire.int_field(XLine.TIMESTAMP_NS, 0))
    events = sorted(line.events, key=lambda event: (event.start, -event.duration))
    return [head, b"".join([_event(event, names, stats) for event in events])]


def _event(event: Event, names: "_Names", stats: "_StatEncoder") -> bytes:
    return wire.bytes_field(XLine.EVENTS, b"".join([
        wire.int_field(XEvent.METADATA_ID, names[event.name]),
        wire.int_field(XEvent.OFFSET_PS, event.start),
        wire.int_field(XEvent.DURATION_PS, event.duration),
        *[stats.field(XEvent.STATS, name, value) for name, value in event.stats]]))


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
        # XStatMetadata has the same two fields.
        message = (wire.int_field(XEventMetadata.ID, number)
                   + wire.string_field(XEventMetadata.NAME, name))
        return wire.int_field(MapEntry.KEY, number) + wire.bytes_field(MapEntry.VALUE, message)


class _StatEncoder:
    """Statistics of one plane; the text of a string is written once, among their names, and
    REF_VALUE is its number there."""

    def __init__(self) -> None:
        self.names = _Names(XPlane.STAT_METADATA)

    def field(self, field: int, name: str, value: Value) -> bytes:
        number = wire.int_field(XStat.METADATA_ID, self.names[name])
        return wire.bytes_field(field, number + self._value(value))

    def _value(self, value: Value) -> bytes:
        if isinstance(value, str):
            return wire.int_field(XStat.REF_VALUE, self.names[value])
        if isinstance(value, float):
            return wire.double_field(XStat.DOUBLE_VALUE, value)
        if isinstance(value, bytes):
            return wire.bytes_field(XStat.BYTES_VALUE, value)
        return wire.int_field(XStat.UINT64_VALUE if value >> 63 > 0 else XStat.INT64_VALUE, value)
