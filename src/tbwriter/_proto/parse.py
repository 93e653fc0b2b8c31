"""Bytes to events: the inverse of `messages`.

Every message is read as protobuf reads it: unknown fields and fields of another wire type are
skipped, the last of several counts, strings must be UTF-8. Bytes that are not an event raise
WireError (a ValueError). Payloads stay views of the record until they are needed.
"""
from __future__ import annotations

import codecs
from functools import lru_cache
from itertools import islice
from typing import Any, Callable, Iterable, Iterator, NamedTuple, Optional, Sequence
from typing import Tuple, TypeVar, Union

from . import schema, wire
from .wire import FIXED32, FIXED64, LENGTH, VARINT, Buffer, WireError

Data = Union[bytes, memoryview]
Item = TypeVar("Item")

# How many bytes of a string are decoded at a time where it is only checked.
_PIECE = 1 << 16
# Metadata of at most so many bytes is parsed once.
_SHORT = 256
# How many items of one message are kept in memory.
_MOST_KEPT = 10_000

# Members of Event's `what` that are messages: protobuf merges one that is given twice.
_MERGED = (schema.Event.SUMMARY, schema.Event.LOG_MESSAGE, schema.Event.SESSION_LOG,
           schema.Event.TAGGED_RUN_METADATA)
# Those that are read only here, and their strings, which must be UTF-8.
_TEXTS = {schema.Event.LOG_MESSAGE: (schema.LogMessage.MESSAGE,),
          schema.Event.SESSION_LOG: (schema.SessionLog.CHECKPOINT_PATH, schema.SessionLog.MSG),
          schema.Event.TAGGED_RUN_METADATA: (schema.TaggedRunMetadata.TAG,)}
# The members of Value's oneof `value` and their wire types.
_MEMBERS = {**dict.fromkeys((*schema.FORMS, schema.Value.OBSOLETE_OLD_STYLE_HISTOGRAM,
                             schema.Value.TENSOR), LENGTH),
            schema.Value.SIMPLE_VALUE: FIXED32}
# Those that are messages.
_MESSAGES = (schema.Value.IMAGE, schema.Value.HISTO, schema.Value.AUDIO, schema.Value.TENSOR)


class Metadata(NamedTuple):
    """SummaryMetadata: which dashboard shows a tag, and how it is named there.

    plugin: the dashboard's name, "" where the file gives none. content: bytes for the plugin.
    display_name, description: shown with the tag. data_class: 1 scalar, 2 tensor, 3 blob sequence,
        0 unknown.
    """

    plugin: str = ""
    content: bytes = b""
    display_name: str = ""
    description: str = ""
    data_class: int = 0


# For a value without metadata.
NO_METADATA = Metadata()


class Value(NamedTuple):
    """One value of a Summary as it is in the file.

    number: the field of Summary.Value that holds it (2 simple_value, 4 image, 5 histo, 6 audio,
        8 tensor), 0 for a value with none. data: the bytes of that field; of a simple_value the
        four bytes of the float.
    """

    tag: str
    number: int
    data: Data
    metadata: Optional[Metadata]


class Event(NamedTuple):
    """One event as it is in the file.

    number: the field of Event that it carries (3 file_version, 4 graph_def, 5 summary,
        6 log_message, 7 session_log, 8 tagged_run_metadata, 9 meta_graph_def), 0 for none.
    data: the bytes of that field. values: those of a summary; of more than 10 000, the others are
        read again each time. writer: of the file, in its first event.
    """

    wall_time: float
    step: int
    number: int
    data: Data
    values: Sequence[Value]
    writer: str

    @property
    def file_version(self) -> str:
        return text(self.data) if self.number == schema.Event.FILE_VERSION else ""

    @property
    def session_status(self) -> int:
        """SessionLog's status: 1 START, 2 STOP, 3 CHECKPOINT; 0 for other events."""
        if self.number != schema.Event.SESSION_LOG:
            return 0
        return int_of(self.data, schema.SessionLog.STATUS)


def _check_member(number: int, data: Buffer) -> None:
    """WireError for a member of `what` that protobuf refuses."""
    if number == schema.Event.SUMMARY:
        for _ in values(data):
            pass
    elif number == schema.Event.FILE_VERSION:
        text(data)
    elif number in _TEXTS:
        for field, wire_type, _, value in wire.fields(data):
            if wire_type == LENGTH and field in _TEXTS[number]:
                text(value)


def check_fields(data: Buffer) -> None:
    """WireError if the bytes are not a message."""
    for _ in wire.fields(data):
        pass


def merged(earlier: Buffer, later: Data) -> bytearray:
    """A message that is given again: protobuf merges the two, which is to join their bytes.

    A record may hold a million such pieces, so a bytearray grows in place. WireError if a piece is
    not a message, although their bytes together may be one.
    """
    check_fields(later)
    if not isinstance(earlier, bytearray):
        check_fields(earlier)
        earlier = bytearray(earlier)
    earlier += later
    return earlier


def _bytes(data: Buffer) -> Data:
    """The same, as bytes if it was merged: those do not change any more."""
    return bytes(data) if isinstance(data, bytearray) else data


def text(data: Buffer) -> str:
    """A string field. WireError unless it is UTF-8."""
    try:
        return str(data, "utf-8")
    except UnicodeDecodeError as error:
        raise WireError(f"got a string that is not UTF-8 ({error})") from None


def check_text(data: Data) -> None:
    """WireError unless a string field is UTF-8. The text, which may take four times the memory of
    its bytes, is not kept."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for at in range(0, len(data), _PIECE):
            decoder.decode(data[at:at + _PIECE])
        decoder.decode(b"", True)
    except UnicodeDecodeError as error:
        raise WireError(f"got a string that is not UTF-8 ({error})") from None


def event(data: Data) -> Event:
    """The event in one record."""
    found = shell(data)
    if found.number != schema.Event.SUMMARY:
        return found
    return found._replace(values=summary(found.data))


def shell(data: Data) -> Event:
    """The event in one record without its values, which `values` gives one by one."""
    wall_time, step, number, writer = 0.0, 0, 0, ""
    what: Buffer = b""
    for field, wire_type, integer, value in wire.fields(data):
        if wire_type == VARINT:
            if field == schema.Event.STEP:
                step = wire.signed(integer)
        elif wire_type == FIXED64:
            if field == schema.Event.WALL_TIME:
                wall_time = wire.as_double(value)
        elif wire_type == LENGTH:
            if field in schema.Event.WHAT:
                if field == number and field in _MERGED:
                    what = merged(what, value)
                    continue
                _check_member(number, what)  # "the last member set counts", but all must be sound
                what, number = value, field
            elif field == schema.Event.SOURCE_METADATA:
                writer = string_of(value, schema.SourceMetadata.WRITER)
    if number != schema.Event.SUMMARY:  # whose values are read one by one
        _check_member(number, what)
    return Event(wall_time, step, number, _bytes(what), (), writer)


def summary(data: Data) -> Sequence[Value]:
    """The values of a Summary, all of which protobuf can read: otherwise WireError."""
    return walked(lambda: values(data))


def values(data: Buffer) -> Iterator[Value]:
    """The values of a Summary, one by one."""
    return map(_value, each(data, schema.Summary.VALUE))


def walked(walk: Callable[[], Iterator[Item]]) -> Sequence[Item]:
    """The items that `walk` gives, as a tuple if they are few.

    walk: starts again with each call, and may raise an error, which then arises here. A message of
    six megabytes can hold three million items: of so many, only the first are kept.
    """
    items = walk()
    kept = tuple(islice(items, _MOST_KEPT))
    more = sum(1 for _ in items)
    return _Walked(walk, kept, len(kept) + more) if more else kept


def picked(items: Sequence[Item], places: Iterable[int]) -> Iterator[Item]:
    """The items at ascending `places`, found in one walk. IndexError for a place without one."""
    if not isinstance(items, _Walked):
        yield from map(items.__getitem__, places)
        return
    rest, at = iter(items), 0
    for place in places:
        found = next(islice(rest, place - at, None), None)
        if found is None:
            raise IndexError(f"got place {place}, want one of {len(items)} items")
        at = place + 1
        yield found


class _Walked(Sequence[Item]):
    """More items than are kept: those after `kept` are made again for each walk."""

    def __init__(self, walk: Callable[[], Iterator[Item]], kept: Sequence[Item], count: int
                 ) -> None:
        self._walk = walk
        self._kept = kept
        self._count = count

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Item]:
        yield from self._kept
        yield from islice(self._walk(), len(self._kept), None)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            places = range(self._count)[index]
            return tuple(map(self.__getitem__, places)) if places.step < 0 else \
                tuple(picked(self, places))
        place = range(self._count)[index]
        return self._kept[place] if place < len(self._kept) else next(picked(self, [place]))


def _value(data: Data) -> Value:
    if not data:
        return _EMPTY
    # What most writers make of a scalar: a tag of less than 128 bytes, then four bytes of a float.
    end = data[1] + 2 if data[0] == _TAG_KEY and len(data) > 1 else 0
    if len(data) == end + 5 and data[end] == _FLOAT_KEY and end < 130:
        return Value(text(data[2:end]) if end else "", schema.Value.SIMPLE_VALUE, data[end + 1:],
                     None)
    tag, number = "", 0
    payload: Buffer = b""
    described: Optional[Buffer] = None
    for field, wire_type, _, value in wire.fields(data):
        if _MEMBERS.get(field) == wire_type:
            if field == number and field in _MESSAGES:
                payload = merged(payload, value)
                continue
            if number in _MESSAGES:
                check_fields(payload)  # it is replaced, but must be a message
            payload, number = value, field
        elif wire_type != LENGTH:
            continue
        elif field == schema.Value.TAG:
            tag = text(value)
        elif field == schema.Value.NODE_NAME:
            text(value)
        elif field == schema.Value.METADATA:
            described = value if described is None else merged(described, value)
    return Value(tag, number, _bytes(payload), None if described is None else _metadata(described))


_EMPTY = Value("", 0, b"", None)
_TAG_KEY = schema.Value.TAG << 3 | LENGTH
_FLOAT_KEY = schema.Value.SIMPLE_VALUE << 3 | FIXED32


def _metadata(data: Buffer) -> Metadata:
    # Most values of a log have one of a few.
    return _known_metadata(bytes(data)) if len(data) <= _SHORT else _parsed_metadata(data)


def _parsed_metadata(data: Buffer) -> Metadata:
    plugin, content, display_name, description, data_class = "", b"", "", "", 0
    for field, wire_type, integer, value in wire.fields(data):
        if wire_type == VARINT and field == schema.SummaryMetadata.DATA_CLASS:
            data_class = wire.signed(integer)
        elif wire_type != LENGTH:
            continue
        elif field == schema.SummaryMetadata.DISPLAY_NAME:
            display_name = text(value)
        elif field == schema.SummaryMetadata.SUMMARY_DESCRIPTION:
            description = text(value)
        elif field == schema.SummaryMetadata.PLUGIN_DATA:
            for inner, inner_type, _, item in wire.fields(value):
                if inner_type == LENGTH and inner == schema.PluginData.PLUGIN_NAME:
                    plugin = text(item)
                elif inner_type == LENGTH and inner == schema.PluginData.CONTENT:
                    content = bytes(item)
    return Metadata(plugin, content, display_name, description, data_class)


_known_metadata = lru_cache(maxsize=256)(_parsed_metadata)


def int_of(data: Data, number: int, default: int = 0) -> int:
    """The varint field `number` of a message."""
    for field, wire_type, integer, _ in wire.fields(data):
        if field == number and wire_type == VARINT:
            default = wire.signed(integer)
    return default


def double_of(data: Data, number: int, default: float = 0.0) -> float:
    """The double field `number` of a message."""
    for field, wire_type, _, value in wire.fields(data):
        if field == number and wire_type == FIXED64:
            default = wire.as_double(value)
    return default


def bytes_of(data: Data, number: int) -> Optional[Data]:
    """The last bytes or message field `number` of a message."""
    found: Optional[Data] = None
    for field, wire_type, _, value in wire.fields(data):
        if field == number and wire_type == LENGTH:
            found = value
    return found


def each(data: Buffer, number: int) -> Iterator[Data]:
    """All bytes or message fields `number` of a message, one by one."""
    for field, wire_type, _, value in wire.fields(data):
        if field == number and wire_type == LENGTH:
            yield value


def string_of(data: Data, number: int) -> str:
    """The string field `number` of a message, "" for none. WireError unless it is UTF-8."""
    found = bytes_of(data, number)
    return "" if found is None else text(found)


def entries(data: Data, number: int) -> Iterator[Tuple[str, Data]]:
    """The entries of a map<string, message> field; of one key, the last counts."""
    for entry in each(data, number):
        yield (string_of(entry, schema.MapEntry.KEY),
               bytes_of(entry, schema.MapEntry.VALUE) or b"")


def varints(data: Data) -> Iterator[int]:
    """The unsigned integers of a packed field. `tensors` decodes many at once."""
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
