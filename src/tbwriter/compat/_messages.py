"""Summaries whose values can be read, as those of protobuf can: `summary.value[0].simple_value`.

    >>> scalar("loss", 0.5).value[0].tag
    'loss'
    >>> print(scalar("loss", 0.5))
    value {
      tag: "loss"
      simple_value: 0.5
    }

A Summary is encoded when its values are first read; until then it costs what tbwriter's costs.
"""
from __future__ import annotations

import math
from typing import Any, Dict, Iterable, Iterator, List, NamedTuple, Optional, Union

import numpy as np

from .._parts import Parts
from .._proto import messages, schema, wire
from .._proto.messages import Value
from .._proto.parse import varints
from .._proto.textproto import quoted

# How a field is read: a kind of number, text, bytes, or another message.
_TEXT, _BYTES, _INT, _FLOAT, _DOUBLE = "text", "bytes", "int", "float", "double"
_EMPTY: Dict[str, Any] = {_TEXT: "", _BYTES: b"", _INT: 0, _FLOAT: 0.0, _DOUBLE: 0.0}
_PACKED = {_FLOAT: "<f4", _DOUBLE: "<f8"}
# How many digits a number is printed with: first the fewer, and the more where those do not
# give the same number back.
_DIGITS = {_FLOAT: (6, 9), _DOUBLE: (15, 17)}

# The names of the numbers in a field, as protobuf prints them.
_NAMES: Dict[str, Dict[int, str]] = {
    "dtype": {one.number: "DT_" + {"float32": "float", "float64": "double", "float16": "half"}.get(
        one.name, one.name).upper() for one in schema.DATA_TYPES.values()},
    "data_class": {number: f"DATA_CLASS_{name}" for name, number in vars(schema.DataClass).items()
                   if name.isupper()},
    "bool_val": {0: "false", 1: "true"},
}


class _Field(NamedTuple):
    """A field of a message: its name, its kind, and whether it is repeated."""

    name: str
    kind: Union[str, "_Fields"]
    repeated: bool


_Fields = Dict[int, _Field]


def _fields(numbers: type, **kinds: Any) -> _Fields:
    """{number: field} of a message; a kind in a list is repeated. `numbers`: its class in `schema`,
    which has the names that protobuf has."""
    return {getattr(numbers, name.upper()): _Field(name, *(
        (kind[0], True) if isinstance(kind, list) else (kind, False)))
        for name, kind in kinds.items()}


_VALUE = _fields(
    schema.Value, tag=_TEXT, simple_value=_FLOAT, node_name=_TEXT,
    image=_fields(schema.Image, height=_INT, width=_INT, colorspace=_INT,
                  encoded_image_string=_BYTES),
    histo=_fields(schema.Histogram, min=_DOUBLE, max=_DOUBLE, num=_DOUBLE, sum=_DOUBLE,
                  sum_squares=_DOUBLE, bucket_limit=[_DOUBLE], bucket=[_DOUBLE]),
    audio=_fields(schema.Audio, sample_rate=_FLOAT, num_channels=_INT, length_frames=_INT,
                  encoded_audio_string=_BYTES, content_type=_TEXT),
    tensor=_fields(
        schema.Tensor, dtype=_INT, tensor_content=_BYTES, float_val=[_FLOAT], double_val=[_DOUBLE],
        int_val=[_INT], string_val=[_BYTES], scomplex_val=[_FLOAT], int64_val=[_INT],
        bool_val=[_INT], dcomplex_val=[_DOUBLE], half_val=[_INT], uint32_val=[_INT],
        uint64_val=[_INT],
        tensor_shape=_fields(schema.TensorShape,
                             dim=[_fields(schema.Dim, size=_INT, name=_TEXT)])),
    metadata=_fields(
        schema.SummaryMetadata, display_name=_TEXT, summary_description=_TEXT, data_class=_INT,
        plugin_data=_fields(schema.PluginData, plugin_name=_TEXT, content=_BYTES)))
_SUMMARY = _fields(schema.Summary, value=[_VALUE])


class Message:
    """A message that can only be read: its fields are attributes, empty where they are not set."""

    def __init__(self, data: bytes, fields: _Fields) -> None:
        self._data = bytes(data)
        self._kinds = [fields[number] for number in sorted(fields)]
        self._fields = {field.name: _start(field) for field in self._kinds}
        self._set = set()
        for number, wire_type, integer, content in wire.fields(self._data):
            field = fields.get(number)
            if field is not None:
                self._set.add(field.name)
                _take(self._fields, field, wire_type, integer, bytes(content))

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name not in self._fields:
            raise AttributeError(f"the message has no field {name!r}")
        found = self._fields[name]
        if found == [] and self._fields.get("tensor_content"):
            return _listed(name, self._fields["dtype"], self._fields["tensor_content"])
        return found

    def HasField(self, name: str) -> bool:
        """Whether the message has the field `name`."""
        return name in self._set

    def SerializeToString(self) -> bytes:
        """The message as it is in the file."""
        return self._data

    def __str__(self) -> str:
        return "".join(line + "\n" for line in self._lines())

    __repr__ = __str__

    def _lines(self) -> Iterator[str]:
        """The fields that are set, in protobuf's text format. Zeros count as not set, except in
        `simple_value`."""
        for field in self._kinds:
            if field.name in self._set:
                found = self._fields[field.name]
                if field.repeated:
                    for value in found:
                        yield from _written(field, value)
                elif found != _EMPTY.get(str(field.kind)) or field.name == "simple_value":
                    yield from _written(field, found)

    def __eq__(self, other: object) -> bool:
        return _equal(self._data, other)

    __hash__ = None  # type: ignore[assignment]


class Summary(messages.Summary):
    """The result of the functions of a module `summary`: `value` is the list of its values.

    Equal to a Summary of protobuf that has the same fields.
    """

    __slots__ = ("_data",)

    def __init__(self, values: Iterable[Value] = ()) -> None:
        super().__init__(values)
        self._data: Optional[bytes] = None

    @property
    def value(self) -> List[Any]:
        """The values: `tag`, `simple_value`, `image`, `histo`, `audio`, `tensor`, `metadata`."""
        return list(self._message().value)

    def _message(self) -> Message:
        return Message(self.SerializeToString(), _SUMMARY)

    def __str__(self) -> str:
        return str(self._message())

    __repr__ = __str__

    def SerializeToString(self) -> bytes:
        # A value is encoded once, so that the value that was read is also the one that is written.
        if self._data is None:
            self._data = super().SerializeToString()
        return self._data

    def ParseFromString(self, data: bytes) -> None:
        """Replace the values by those of a serialized Summary. ValueError if it is not one."""
        tags = [value.tag for value in Message(data, _SUMMARY).value]
        self._data = bytes(data)
        self.tags, self.nbytes, self.ready = tuple(tags), len(data), True

    def parts(self) -> Parts:
        return super().parts() if self._data is None else [self._data]

    def event_field(self) -> Parts:
        if self._data is None:
            return super().event_field()
        return wire.message_field(schema.Event.SUMMARY, [self._data])

    def __eq__(self, other: object) -> bool:
        return _equal(self.SerializeToString(), other)

    __hash__ = None  # type: ignore[assignment]


def readable(summary: messages.Summary) -> Summary:
    """A Summary of tbwriter as one whose values can be read."""
    return Summary(summary.values)


def _start(field: _Field) -> Any:
    if field.repeated:
        return []
    return _EMPTY[field.kind] if isinstance(field.kind, str) else Message(b"", field.kind)


def _take(fields: Dict[str, Any], field: _Field, wire_type: int, integer: int, content: bytes
          ) -> None:
    if not field.repeated:
        fields[field.name] = _read(field.kind, integer, content)
    elif wire_type == wire.LENGTH and isinstance(field.kind, str) and field.kind in _PACKED:
        fields[field.name].extend(np.frombuffer(content, _PACKED[field.kind]).tolist())
    elif wire_type == wire.LENGTH and field.kind == _INT:
        fields[field.name].extend(map(wire.signed, varints(content)))
    else:
        fields[field.name].append(_read(field.kind, integer, content))


def _read(kind: Union[str, _Fields], integer: int, content: bytes) -> Any:
    if not isinstance(kind, str):
        return Message(content, kind)
    if kind == _INT:
        return wire.signed(integer)
    if kind in _PACKED:
        return np.frombuffer(content, _PACKED[kind]).tolist()[0]
    return str(content, "utf-8") if kind == _TEXT else content


def _written(field: _Field, value: Any) -> Iterator[str]:
    """A field in protobuf's text format."""
    if isinstance(value, Message):
        yield f"{field.name} {{"
        for line in value._lines():
            yield f"  {line}"
        yield "}"
    elif isinstance(value, bytes):
        yield f"{field.name}: {quoted(value)}"
    elif isinstance(value, str):  # protobuf escapes only the ASCII part of a text
        yield f"{field.name}: " + '"%s"' % "".join(
            char if char > "\x7f" else quoted(char)[1:-1] for char in value)
    elif isinstance(value, float):
        yield f"{field.name}: {_shortest(value, str(field.kind))}"
    else:
        yield f"{field.name}: {_NAMES.get(field.name, {}).get(value, value)}"


def _shortest(value: float, kind: str) -> str:
    """A number as protobuf prints it: in few digits where these give the same number back."""
    few, many = _DIGITS[kind]
    text = f"{value:.{few}g}"
    same = np.array(float(text), _PACKED[kind]) == value or math.isnan(value)
    return text if same else f"{value:.{many}g}"


def _listed(name: str, dtype: int, content: bytes) -> List[Any]:
    """The numbers of a tensor, which are kept as bytes, where the field `name` would hold them.

    In `half_val` torch has the bits of a float32, which its `int_to_half` reads; so it is here.
    """
    found = schema.DATA_TYPES.get(dtype)
    if found is None or not found.stored or found.listed != getattr(schema.Tensor, name.upper()):
        return []
    numbers = np.frombuffer(content, found.stored)
    if numbers.dtype.kind == "c":  # real and imaginary parts in turn
        numbers = numbers.view(numbers.real.dtype)
    if dtype == schema.DT_HALF:
        numbers = numbers.astype("<f4").view("<i4")
    return numbers.tolist()  # type: ignore[no-any-return]


def _equal(data: bytes, other: Any) -> bool:
    """Whether `data` is the message `other`: one of ours, or one of protobuf's classes."""
    if isinstance(other, (Summary, Message)):
        return data == other.SerializeToString()
    if hasattr(type(other), "FromString"):
        return bool(type(other).FromString(data) == other)
    return False
