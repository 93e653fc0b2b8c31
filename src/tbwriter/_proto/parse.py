"""Events out of bytes: the inverse of `_event`.

Every message is read as protobuf reads it: unknown fields and fields of another wire type are
skipped, the last of several counts, strings must be UTF-8. Raises WireError (a ValueError) for
bytes that are no event. Payloads stay views into the record until somebody asks for them.
"""
from __future__ import annotations

from typing import Dict, Iterator, List, NamedTuple, Optional, Tuple, Union

from . import wire
from .wire import FIXED32, FIXED64, LENGTH, VARINT, WireError

Data = Union[bytes, memoryview]

# Event's members of `what`.
_WHAT = (3, 4, 5, 6, 7, 8, 9)
# Summary.Value's members of `value` and their wire types.
_FORMS = {2: FIXED32, 3: LENGTH, 4: LENGTH, 5: LENGTH, 6: LENGTH, 8: LENGTH}


class Metadata(NamedTuple):
    """SummaryMetadata: which dashboard a tag belongs to, and how it is called there."""

    plugin: str = ""
    content: bytes = b""
    display_name: str = ""
    description: str = ""
    data_class: int = 0


class Value(NamedTuple):
    """One value of a Summary as it stands in the file.

    number: Summary.Value's field that holds it (2 simple_value, 4 image, 5 histo, 6 audio,
        8 tensor), 0 without one. data: that field; the bits of the float for simple_value.
    """

    tag: str
    number: int
    data: Union[int, Data]
    metadata: Optional[Metadata]


class Event(NamedTuple):
    """One event as it stands in the file.

    number: the field of Event that it carries (3 file_version, 4 graph_def, 5 summary,
        6 log_message, 7 session_log, 8 tagged_run_metadata, 9 meta_graph_def), 0 without one.
    data: the bytes of that field. values: those of a summary. writer: of the file, in its first
        event.
    """

    wall_time: float
    step: int
    number: int
    data: Data
    values: Tuple[Value, ...]
    writer: str

    @property
    def file_version(self) -> str:
        return text(self.data) if self.number == 3 else ""

    @property
    def session_status(self) -> int:
        """SessionLog's status: 1 START, 2 STOP, 3 CHECKPOINT; 0 for other events."""
        return int_of(self.data, 1) if self.number == 7 else 0


def text(data: Data) -> str:
    """A string field. WireError unless it is UTF-8."""
    try:
        return bytes(data).decode("utf-8")
    except UnicodeDecodeError as error:
        raise WireError(f"got a string that is not UTF-8 ({error})") from None


def event(data: Data) -> Event:
    """The event in one record."""
    wall_time, step, number, writer = 0.0, 0, 0, ""
    what: Data = b""
    for field, wire_type, value in wire.fields(data):
        if isinstance(value, int):
            if field == 1 and wire_type == FIXED64:
                wall_time = wire.as_double(value)
            elif field == 2 and wire_type == VARINT:
                step = wire.signed(value)
        elif field in _WHAT:
            # "the last member set counts"; a message given twice is merged, i.e. joined.
            what = b"".join((what, value)) if field == number and field in (5, 6, 7, 8) else value
            number = field
        elif field == 10:
            writer = string_of(value, 1)
    if number == 3:
        text(what)
    return Event(wall_time, step, number, what, summary(what) if number == 5 else (), writer)


def summary(data: Data) -> Tuple[Value, ...]:
    """The values of a Summary."""
    return tuple([_value(item) for number, wire_type, item in wire.fields(data)
                  if number == 1 and not isinstance(item, int)])


def _value(data: Data) -> Value:
    tag, number = "", 0
    payload: Union[int, Data] = b""
    described: Optional[Data] = None
    for field, wire_type, value in wire.fields(data):
        if field == 1 and not isinstance(value, int):
            tag = text(value)
        elif field in _FORMS and wire_type == _FORMS[field]:
            if field == number and not isinstance(value, int) and not isinstance(payload, int):
                payload = b"".join((payload, value))
            else:
                number, payload = field, value
        elif field == 7 and not isinstance(value, int):
            text(value)
        elif field == 9 and not isinstance(value, int):
            described = value if described is None else b"".join((described, value))
    return Value(tag, number, payload, None if described is None else _metadata(described))


def _metadata(data: Data) -> Metadata:
    plugin, content, names, data_class = "", b"", {2: "", 3: ""}, 0
    for field, wire_type, value in wire.fields(data):
        if isinstance(value, int):
            if field == 4 and wire_type == VARINT:
                data_class = wire.signed(value)
        elif field in names:
            names[field] = text(value)
        elif field == 1:
            for inner, _, item in wire.fields(value):
                if isinstance(item, int):
                    continue
                if inner == 1:
                    plugin = text(item)
                elif inner == 2:
                    content = bytes(item)
    return Metadata(plugin, content, names[2], names[3], data_class)


def int_of(data: Data, number: int, default: int = 0) -> int:
    """The varint field `number` of a message."""
    for field, wire_type, value in wire.fields(data):
        if field == number and wire_type == VARINT and isinstance(value, int):
            default = wire.signed(value)
    return default


def double_of(data: Data, number: int, default: float = 0.0) -> float:
    """The double field `number` of a message."""
    for field, wire_type, value in wire.fields(data):
        if field == number and wire_type == FIXED64 and isinstance(value, int):
            default = wire.as_double(value)
    return default


def bytes_of(data: Data, number: int) -> Optional[Data]:
    """The last bytes or message field `number` of a message."""
    found: Optional[Data] = None
    for field, wire_type, value in wire.fields(data):
        if field == number and not isinstance(value, int):
            found = value
    return found


def all_of(data: Data, number: int) -> List[Data]:
    """All bytes or message fields `number` of a message."""
    return [value for field, _, value in wire.fields(data)
            if field == number and not isinstance(value, int)]


def string_of(data: Data, number: int) -> str:
    found = bytes_of(data, number)
    return "" if found is None else text(found)


def map_of(data: Data, number: int) -> Dict[str, Data]:
    """A map<string, message> field."""
    return {string_of(entry, 1): bytes_of(entry, 2) or b"" for entry in all_of(data, number)}


def varints(data: Data) -> Iterator[int]:
    """The unsigned integers of a packed field."""
    value = shift = 0
    for byte in bytes(data):
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            yield value & 0xFFFF_FFFF_FFFF_FFFF
            value = shift = 0
        elif shift >= 70:
            raise WireError("got a varint of more than ten bytes")
    if shift:
        raise WireError("got a packed field that ends inside a varint")
