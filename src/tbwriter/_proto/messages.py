"""The messages that all kinds share: Event, Summary, Value, SummaryMetadata, TensorProto.

A Summary is made in two steps. The call checks its arguments, raises on mistakes, and keeps a
snapshot. Later, on the writer's thread or in `SerializeToString`, the snapshot is encoded. So a
logging call costs little more than the copy, and an array may change right after it.

Source: event.proto, summary.proto, tensor.proto of TensorFlow and TensorBoard 2.21.
"""
from __future__ import annotations

from functools import lru_cache
from typing import Any, Callable, Iterable, Optional, Sequence, Tuple, Union

from . import schema, wire
from .._foreign import exact, let_signals, shown
from .._parts import Parts, total
from .._version import __version__

# The keys that precede the numbers of a scalar's event: where they are is all that the readers and
# writers of many scalars need to know.
WALL_TIME_KEY = wire.key(schema.Event.WALL_TIME, wire.FIXED64)
STEP_KEY = wire.key(schema.Event.STEP, wire.VARINT)
SIMPLE_VALUE_KEY = wire.key(schema.Value.SIMPLE_VALUE, wire.FIXED32)

SESSION_START = wire.int_field(schema.SessionLog.STATUS, schema.SessionStatus.START)

WRITER = f"tbwriter {__version__}"  # in the first event of our files

_JOINED = 4096  # a value of fewer bytes is joined immediately
KEPT = 256  # characters of a tag whose field is kept for its next value


class Value:
    """One value of a Summary: a tag, and the data that is shown under it.

    fields: the fields of Summary.Value that follow the tag (value and metadata), or a function that
        encodes them when the record is written, where encoding takes time. It is called once.
        The function may have a property `small` with a method `prepare(waiting)`, which does part
        of the work for several of its class whose `small` is True.
    nbytes: the memory that is held until then.
    waits: whether encoding may wait for a device, so that only the writer's thread does it.
    """

    __slots__ = ("tag", "nbytes", "ready", "waits", "_tag_field", "_fields")

    def __init__(self, tag: str, fields: Union[Parts, Callable[[], Parts]], nbytes: int = 0,
                 waits: bool = False) -> None:
        if type(tag) is not str:
            tag = _plain(tag)
        self._tag_field = tag_field(tag)
        self.tag = tag
        self.nbytes = nbytes
        self.ready = type(fields) is list
        self.waits = waits
        self._fields = fields

    def __repr__(self) -> str:
        return f"<Value {self.tag!r}, {self.nbytes} bytes>"

    @property
    def later(self) -> Any:
        """The function that encodes the value; None where that is done."""
        return None if self.ready else self._fields

    def fields(self) -> Parts:
        return self._fields() if callable(self._fields) else self._fields

    def parts(self) -> Parts:
        return [self._tag_field, *self.fields()]


class LeftOut(Exception):
    """Some values of a Summary can't be encoded.

    field: the field of Event with the others; empty if there are none. errors: of those left out.
    """

    def __init__(self, field: Parts, errors: Sequence[Exception]) -> None:
        super().__init__(*errors)
        self.field = field
        self.errors = errors


class Summary:
    """The values of one event: one, or several of different tags.

    values: of the tags `tags`, in this order. nbytes: the memory they hold until the record is
        written. ready: whether all values are encoded already.

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

    def __repr__(self) -> str:
        shown = ", ".join(map(repr, self.tags[:5])) + ", ..." * (len(self.tags) > 5)
        return f"<Summary of {shown or 'nothing'}>"

    @property
    def waits(self) -> bool:
        """Whether encoding may wait for a device."""
        return any([value.waits for value in self.values])

    def __add__(self, other: "Summary") -> "Summary":
        return Summary(self.values + other.values)

    def parts(self) -> Parts:
        return [part for value in self.values
                for part in wire.message_field(schema.Summary.VALUE, value.parts())]

    def event_field(self) -> Parts:
        # LeftOut where some of several values can't be encoded.
        if len(self.values) != 1:
            return self._field_of_several()
        # Both prefixes from one sum over the parts. Joining a few bytes is cheaper than adding up
        # their lengths here, and again for the record.
        parts = self.values[0].parts()
        if self.ready and self.nbytes < _JOINED:
            data = b"".join(parts)
            parts, size = [data], len(data)
        else:
            size = total(parts)
        prefix = wire.length_prefix(schema.Summary.VALUE, size)
        return [wire.length_prefix(schema.Event.SUMMARY, len(prefix) + size), prefix, *parts]

    def _field_of_several(self) -> Parts:
        parts: Parts = []
        errors = []
        for value in self.values:
            try:
                parts += wire.message_field(schema.Summary.VALUE, value.parts())
            except Exception as error:
                let_signals(error)
                errors.append(error)
        field = wire.message_field(schema.Event.SUMMARY, parts)
        if errors:
            raise LeftOut(field if parts else [], errors)
        return field

    def SerializeToString(self) -> bytes:
        return b"".join(self.parts())


class Message:
    """A message that an event carries as it is: a GraphDef, a TaggedRunMetadata, foreign bytes.

    number: the field of Event that carries it, e.g. `schema.Event.GRAPH_DEF`.
    tags: the tags under which it is shown, if any.
    """

    __slots__ = ("number", "data", "tags")
    ready = True

    def __init__(self, number: int, data: bytes, tags: Sequence[str] = ()) -> None:
        self.number = number
        self.data = data
        self.tags = tuple(tags)

    def __repr__(self) -> str:
        shown = "".join(f" {tag!r}" for tag in self.tags[:5]) + " ..." * (len(self.tags) > 5)
        return f"<Message of {len(self.data)} bytes, field {self.number} of Event{shown}>"

    @property
    def nbytes(self) -> int:
        return len(self.data)

    def event_field(self) -> Parts:
        return [wire.length_prefix(self.number, len(self.data)), self.data]

    def SerializeToString(self) -> bytes:
        return self.data


def check_tag(tag: str) -> str:
    """`tag` as a plain str. Any text is a tag; anything else raises TypeError or ValueError."""
    if type(tag) is not str:
        tag = _plain(tag)
    tag_field(tag)
    return tag


def tag_field(tag: str) -> bytes:
    """The tag of a Summary.Value. TypeError unless it is a str, ValueError for a lone surrogate."""
    if type(tag) is not str:
        tag = _plain(tag)
    try:
        # Long ones are not kept: many of them would be hundreds of megabytes.
        return (_tag_field if len(tag) <= KEPT else _tag_field.__wrapped__)(tag)
    except UnicodeEncodeError:
        raise ValueError(f"got the tag {tag!r:.80} with a lone surrogate, want valid Unicode"
                         ) from None


def _plain(tag: Any) -> str:
    if not isinstance(tag, str):
        raise TypeError(f"got a tag of type {type(tag).__name__} ({shown(tag)}), want str")
    return exact(tag)


@lru_cache(maxsize=16384)
def _tag_field(tag: str) -> bytes:
    return wire.string_field(schema.Value.TAG, tag)


def event(wall_time: float, step: int, field: Parts) -> Parts:
    """Event: wall_time in seconds since 1970 (finite), step, and the field that it carries."""
    # "default values are not written": the bytes are then those of every protobuf library.
    return [WALL_TIME_KEY + wire.double(wall_time), STEP_KEY + wire.varint(step) if step else b"",
            *field]


def file_version(wall_time: float, writer: str = WRITER) -> bytes:
    """The first event of every file: the version, and the writer's name (at most 128 characters).
    """
    source = wire.string_field(schema.SourceMetadata.WRITER, writer[:128])
    return (wire.double_field(schema.Event.WALL_TIME, wall_time)
            + wire.string_field(schema.Event.FILE_VERSION, schema.FILE_VERSION)
            + wire.bytes_field(schema.Event.SOURCE_METADATA, source))


def metadata(plugin_name: str, content: bytes = b"", *, data_class: Optional[int] = None,
             display_name: str = "", description: str = "") -> bytes:
    """Summary.Value's metadata field: the dashboard that shows a tag, and its name there.

    data_class: None for the class of TensorBoard's plugin of this name (0 for other plugins). With
        it, the fast loader keeps display name and description of every form of value.

    Called in the add method, not when the value is encoded: raises TypeError for a text that is no
    str, ValueError for a lone surrogate.
    """
    if not isinstance(content, (bytes, bytearray, memoryview)):
        raise TypeError(f"got content of type {type(content).__name__}, want bytes")
    if not type(plugin_name) is type(display_name) is type(description) is str:
        for what, text in (("plugin_name", plugin_name), ("display_name", display_name),
                           ("description", description)):
            if not isinstance(text, str):
                raise TypeError(f"got a {what} of type {type(text).__name__} ({shown(text)}), want "
                                "str")
        plugin_name, display_name, description = map(exact, (plugin_name, display_name,
                                                             description))
    try:
        if data_class is None:
            if not (display_name or description or len(content)):
                return _bare_metadata(plugin_name)  # nearly always
            data_class = schema.PLUGINS[plugin_name].data_class \
                if plugin_name in schema.PLUGINS else schema.DataClass.UNKNOWN
        content = bytes(content)
        made = _metadata if len(content) + len(display_name) + len(description) <= 4 * KEPT \
            else _metadata.__wrapped__
        return made(plugin_name, content, data_class, display_name, description)
    except UnicodeEncodeError as error:
        raise ValueError(f"got {error.object!r:.80} with a lone surrogate, want valid Unicode"
                         ) from None


@lru_cache(maxsize=64)
def _bare_metadata(plugin_name: str) -> bytes:
    """With only the class of the plugin."""
    found = schema.PLUGINS.get(plugin_name)
    return _metadata(plugin_name, b"", found.data_class if found else schema.DataClass.UNKNOWN,
                     "", "")


@lru_cache(maxsize=1024)
def _metadata(plugin_name: str, content: bytes, data_class: int, display_name: str,
              description: str) -> bytes:
    plugin, name, text = (text.encode("utf-8") for text in (plugin_name, display_name, description))
    data = wire.bytes_field(schema.PluginData.PLUGIN_NAME, plugin)
    if content:
        data += wire.bytes_field(schema.PluginData.CONTENT, content)
    message = wire.bytes_field(schema.SummaryMetadata.PLUGIN_DATA, data)
    if name:
        message += wire.bytes_field(schema.SummaryMetadata.DISPLAY_NAME, name)
    if text:
        message += wire.bytes_field(schema.SummaryMetadata.SUMMARY_DESCRIPTION, text)
    if data_class:
        message += wire.int_field(schema.SummaryMetadata.DATA_CLASS, data_class)
    return wire.bytes_field(schema.Value.METADATA, message)


def tensor(dtype: int, shape: Sequence[int], content: bytes) -> Parts:
    """Summary.Value's tensor field with the elements as `content` (C order, little endian)."""
    message: Parts = [_tensor_head(dtype, tuple(shape))]
    if content:
        message += [wire.length_prefix(schema.Tensor.TENSOR_CONTENT, len(content)), content]
    return wire.message_field(schema.Value.TENSOR, message)


def string_tensor(shape: Sequence[int], strings: Sequence[bytes]) -> Parts:
    """Summary.Value's tensor field with one byte string per element."""
    if len(strings) == 1:  # most texts
        return [_before_string(tuple(shape), len(strings[0])), strings[0]]
    message: Parts = [_tensor_head(schema.DT_STRING, tuple(shape))]
    size = len(message[0])
    for string in strings:
        prefix = wire.length_prefix(schema.Tensor.STRING_VAL, len(string))
        message += prefix, string
        size += len(prefix) + len(string)
    return [wire.length_prefix(schema.Value.TENSOR, size), *message]


@lru_cache(maxsize=4096)
def _before_string(shape: Tuple[int, ...], length: int) -> bytes:
    """The bytes of the tensor field that precede its only string."""
    message = (_tensor_head(schema.DT_STRING, shape)
               + wire.length_prefix(schema.Tensor.STRING_VAL, length))
    return wire.length_prefix(schema.Value.TENSOR, len(message) + length) + message


@lru_cache(maxsize=1024)
def _tensor_head(dtype: int, shape: Tuple[int, ...]) -> bytes:
    dims = b"".join(
        wire.bytes_field(schema.TensorShape.DIM,
                         wire.int_field(schema.Dim.SIZE, size) if size else b"")
        for size in shape)
    return (wire.int_field(schema.Tensor.DTYPE, dtype)
            + wire.bytes_field(schema.Tensor.TENSOR_SHAPE, dims))
