"""The messages that all kinds share: Event, Summary, Value, SummaryMetadata, TensorProto.

A Summary is made in two moments. At the call, a kind looks at what it was given, raises on
mistakes, and keeps a snapshot. Later, on the writer's thread or in `SerializeToString`, the
snapshot is encoded. So a logging call costs little more than the copy, and an array may change
right after it.

Source: event.proto, summary.proto, tensor.proto of TensorFlow and TensorBoard 2.21.
"""
from __future__ import annotations

from functools import lru_cache
from typing import Callable, Iterable, Sequence, Tuple, Union

from . import wire
from .._parts import Parts, total

# Event's field numbers for what it carries.
GRAPH_DEF, SUMMARY, SESSION_LOG, TAGGED_RUN_METADATA = 4, 5, 7, 8

# Summary.Value's field numbers for what it carries.
SIMPLE_VALUE, IMAGE, HISTO, AUDIO, TENSOR = 2, 4, 5, 6, 8

# DataClass: which of TensorBoard's three stores a tag goes to. With it set, the fast loader keeps
# display name and description of every form of value.
SCALAR_CLASS, TENSOR_CLASS, BLOB_CLASS = 1, 2, 3

# DataType of tensors.
DT_FLOAT, DT_DOUBLE, DT_INT32, DT_UINT8, DT_STRING = 1, 2, 3, 4, 7

SESSION_START = wire.int_field(1, 1)


class Value:
    """One value of a Summary: a tag and what is shown under it.

    fields: the fields of Summary.Value that follow the tag (value and metadata); or, where they
        take their time, a function that gives them when the record is written. It is called once.
    nbytes: what is kept in memory until then.
    """

    __slots__ = ("tag", "nbytes", "ready", "_tag_field", "_fields")

    def __init__(self, tag: str, fields: Union[Parts, Callable[[], Parts]], nbytes: int = 0
                 ) -> None:
        self._tag_field = tag_field(tag)
        self.tag = tag
        self.nbytes = nbytes
        self.ready = type(fields) is list
        self._fields = fields

    def fields(self) -> Parts:
        return self._fields() if callable(self._fields) else self._fields

    def parts(self) -> Parts:
        return [self._tag_field, *self.fields()]


class Summary:
    """What one event shows: one value, or several of different tags.

    values: of the tags `tags`, in this order. nbytes: what they hold in memory until the record is
        written. ready: whether little is left to be done then.

    `a + b` joins two. `SerializeToString()` gives a TensorFlow Summary message.
    """

    __slots__ = ("values", "tags", "nbytes", "ready")

    def __init__(self, values: Iterable[Value]) -> None:
        self.values = values = tuple(values)
        if len(values) == 1:  # nearly always
            value, = values
            self.tags: Tuple[str, ...] = (value.tag,)
            self.nbytes = value.nbytes
            self.ready = value.ready
        else:
            self.tags = tuple([value.tag for value in values])
            self.nbytes = sum([value.nbytes for value in values])
            self.ready = all([value.ready for value in values])

    def __add__(self, other: "Summary") -> "Summary":
        return Summary(self.values + other.values)

    def parts(self) -> Parts:
        return [part for value in self.values for part in wire.message_field(1, value.parts())]

    def event_field(self) -> Parts:
        if len(self.values) != 1:
            return wire.message_field(SUMMARY, self.parts())
        # The two prefixes at once, without a second look at all the parts.
        parts = self.values[0].parts()
        size = total(parts)
        prefix = wire.length_prefix(1, size)
        return [wire.length_prefix(SUMMARY, len(prefix) + size), prefix, *parts]

    def SerializeToString(self) -> bytes:
        return b"".join(self.parts())


class Message:
    """A message that an event carries as it is: a GraphDef, a TaggedRunMetadata, foreign bytes.

    number: which field of Event it is, e.g. GRAPH_DEF.
    tags: the tags it shows, where it has some.
    """

    __slots__ = ("number", "data", "tags")
    ready = True

    def __init__(self, number: int, data: bytes, tags: Sequence[str] = ()) -> None:
        self.number = number
        self.data = data
        self.tags = tuple(tags)

    @property
    def nbytes(self) -> int:
        return len(self.data)

    def event_field(self) -> Parts:
        return [wire.length_prefix(self.number, len(self.data)), self.data]

    def SerializeToString(self) -> bytes:
        return self.data


def check_tag(tag: str) -> str:
    """`tag` as it is: TensorBoard takes any text. TypeError or ValueError for what is none."""
    tag_field(tag)
    return tag


def tag_field(tag: str) -> bytes:
    """The tag of a Summary.Value. TypeError for what is no text, ValueError for half of one."""
    if not isinstance(tag, str):
        raise TypeError(f"got a tag of type {type(tag).__name__} ({tag!r}), want str")
    try:
        return _tag_field(tag)
    except UnicodeEncodeError:
        raise ValueError(f"got the tag {tag!r} with a lone surrogate, want valid Unicode") from None


@lru_cache(maxsize=16384)
def _tag_field(tag: str) -> bytes:
    return wire.string_field(1, tag)


def event(wall_time: float, step: int, field: Parts) -> Parts:
    """Event: wall_time in seconds since 1970 (finite), step, and the field that it carries."""
    # "default values are not written": the bytes are then those of every protobuf library.
    return [_WALL_TIME + wire.double(wall_time), _STEP + wire.varint(step) if step else b"",
            *field]


_WALL_TIME = wire.key(1, wire.FIXED64)
_STEP = wire.key(2, wire.VARINT)


def file_version(wall_time: float, writer: str) -> bytes:
    """The first event of every file: its version, and who wrote it (at most 128 characters)."""
    return (wire.double_field(1, wall_time) + wire.string_field(3, "brain.Event:2")
            + wire.bytes_field(10, wire.string_field(1, writer[:128])))


def metadata(plugin_name: str, content: bytes = b"", *, data_class: int = 0,
             display_name: str = "", description: str = "") -> bytes:
    """Summary.Value's metadata field: which dashboard a tag belongs to, and how it is called.

    Called at the call, not when the value is encoded: TypeError or ValueError for what is no text.
    """
    try:
        return _metadata(plugin_name, bytes(content), data_class, display_name, description)
    except UnicodeEncodeError as error:
        raise ValueError(f"got {error.object!r:.80} with a lone surrogate, want valid Unicode"
                         ) from None
    except (AttributeError, TypeError):  # no str, and not hashable
        for what, text in (("plugin_name", plugin_name), ("display_name", display_name),
                           ("description", description)):
            if not isinstance(text, str):
                raise TypeError(f"got a {what} of type {type(text).__name__} ({text!r:.50}), want "
                                "str") from None
        raise


@lru_cache(maxsize=1024)
def _metadata(plugin_name: str, content: bytes, data_class: int, display_name: str,
              description: str) -> bytes:
    plugin, name, text = (text.encode("utf-8") for text in (plugin_name, display_name, description))
    message = wire.bytes_field(1, wire.bytes_field(1, plugin)
                               + (wire.bytes_field(2, content) if content else b""))
    if name:
        message += wire.bytes_field(2, name)
    if text:
        message += wire.bytes_field(3, text)
    if data_class:
        message += wire.int_field(4, data_class)
    return wire.bytes_field(9, message)


def tensor(dtype: int, shape: Sequence[int], content: bytes) -> Parts:
    """Summary.Value's tensor field with the elements as `content` (C order, little endian)."""
    message: Parts = [_tensor_head(dtype, tuple(shape))]
    if content:
        message += [wire.length_prefix(4, len(content)), content]
    return wire.message_field(TENSOR, message)


def string_tensor(shape: Sequence[int], strings: Sequence[bytes]) -> Parts:
    """Summary.Value's tensor field with one byte string an element."""
    message: Parts = [_tensor_head(DT_STRING, tuple(shape))]
    for string in strings:
        message += [wire.length_prefix(8, len(string)), string]
    return wire.message_field(TENSOR, message)


@lru_cache(maxsize=1024)
def _tensor_head(dtype: int, shape: Tuple[int, ...]) -> bytes:
    dims = b"".join(wire.bytes_field(2, wire.int_field(1, size) if size else b"")
                    for size in shape)
    return wire.int_field(1, dtype) + wire.bytes_field(2, dims)
