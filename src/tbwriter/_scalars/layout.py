"""The places of the numbers in an event of scalars, and the event without them."""
from __future__ import annotations

from typing import Dict, List, NamedTuple, Optional, Tuple

from .._proto import parse, schema, tensors, wire
from .._proto.wire import WireError
from .._tfrecord.frame import HEADER

# (field number, wire type); and those with where a field begins and ends.
_Key = Tuple[int, int]
_Spans = List[Tuple[_Key, int, int]]
# The fields of an event of scalars.
_TIME = schema.Event.WALL_TIME, wire.FIXED64
_STEP = schema.Event.STEP, wire.VARINT
_SUMMARY = schema.Event.SUMMARY, wire.LENGTH
_VALUE = schema.Summary.VALUE, wire.LENGTH
_SIMPLE = schema.Value.SIMPLE_VALUE, wire.FIXED32
_TENSOR = schema.Value.TENSOR, wire.LENGTH
_TAG = schema.Value.TAG, wire.LENGTH
_FREE = {_TAG, (schema.Value.METADATA, wire.LENGTH),
         (schema.Value.NODE_NAME, wire.LENGTH)}
# By DataType: how wide an element is, and the fields that hold the one element of a scalar.
_CONTENT = schema.Tensor.TENSOR_CONTENT, wire.LENGTH
_ELEMENTS = {
    schema.DT_FLOAT: (4, (_CONTENT, (schema.Tensor.FLOAT_VAL, wire.LENGTH),
                          (schema.Tensor.FLOAT_VAL, wire.FIXED32))),
    schema.DT_DOUBLE: (8, (_CONTENT, (schema.Tensor.DOUBLE_VAL, wire.LENGTH),
                           (schema.Tensor.DOUBLE_VAL, wire.FIXED64))),
}


class Layout(NamedTuple):
    """Where things are in a record with scalars only, counted from its start.

    step, width: of the varint. spans: (where, how wide) each scalar is. free: (begin, end) of what
    may differ in records of one shape: tags and their metadata. names: those of the tags, if
    nothing else may differ.
    """

    step: int
    width: int
    spans: Tuple[Tuple[int, int], ...]
    free: Tuple[Tuple[int, int], ...]
    names: Tuple[Tuple[int, int], ...]


def layout_of(data: bytes) -> Optional[Layout]:
    """Where the numbers of an event of scalars are; None for every other event.

    Only the form that writers give it: wall_time, step unless it is 0, one summary.
    """
    try:
        event = _spans(data, 0, len(data))
        kinds = [key for key, _, _ in event]
        if kinds not in ([_TIME, _STEP, _SUMMARY], [_TIME, _SUMMARY]) or event[0][1] != 1:
            return None
        values = [_value_layout(data, *span[1:]) if span[0] == _VALUE else None
                  for span in _spans(data, *event[-1][1:])]
    except WireError:
        return None
    if not values or None in values:
        return None
    step, end = event[1][1:] if len(event) == 3 else (0, 0)
    found = [value for value in values if value is not None]
    free = [item for _, each in found for item in each.items()]
    only_tags = len(free) == len(found) and all(key == _TAG for key, _ in free)
    spans = tuple(span for _, span in free)
    return Layout(HEADER + step, end - step, tuple(span for span, _ in found), spans,
                  spans if only_tags else ())


def template_of(data: bytes, spans: Tuple[Tuple[int, int], ...]
                ) -> Optional[Tuple[parse.Value, ...]]:
    """The values of an event of scalars, without their numbers; None if one is not a scalar."""
    empty = bytearray(data)
    for at, width in spans:
        empty[at - HEADER:at - HEADER + width] = bytes(width)
    try:
        values = parse.event(bytes(empty)).values
    except WireError:
        return None
    for value in values:
        plugin = value.metadata.plugin if value.metadata else ""
        # A number that another plugin owns is not a scalar.
        if plugin != schema.SCALARS and (plugin or value.metadata and value.number != _SIMPLE[0]):
            return None
    return tuple(value._replace(data=bytes(value.data)) for value in values)


def _value_layout(data: bytes, start: int, end: int
                  ) -> Optional[Tuple[Tuple[int, int], Dict[_Key, Tuple[int, int]]]]:
    """((where, how wide) the number of a Summary.Value is, what may differ in its shape)."""
    fields: Dict[Tuple[int, int], Tuple[int, int]] = {}
    for key, begin, stop in _spans(data, start, end):
        if key in fields:
            return None
        fields[key] = (begin, stop)
    keys = set(fields) - _FREE
    free = {key: (HEADER + begin, HEADER + stop) for key, (begin, stop) in fields.items()
            if key in _FREE}
    if keys == {_SIMPLE}:
        return (HEADER + fields[_SIMPLE][0], 4), free
    if keys != {_TENSOR}:
        return None
    tensor = memoryview(data)[slice(*fields[_TENSOR])]
    # Other tensors of one number (text, integers) are decoded one by one.
    dtype, shape = tensors.shape_of(tensor)
    width, listed = _ELEMENTS.get(dtype, (0, ()))
    inside = _spans(data, *fields[_TENSOR])
    found = [(begin, stop) for key, begin, stop in inside if key in listed]
    if not width or shape or len(found) != 1 or found[0][1] - found[0][0] != width \
            or len(inside) != len({key for key, _, _ in inside}):
        return None
    return (HEADER + found[0][0], width), free


def _spans(data: bytes, at: int, end: int) -> _Spans:
    """The fields between two bytes of a message."""
    found: _Spans = []
    while at < end:
        tag, at = _varint(data, at, end)
        number, wire_type = tag >> 3, tag & 7
        begin = at
        if wire_type == wire.VARINT:
            at = _varint(data, at, end)[1]
        elif wire_type == wire.LENGTH:
            length, begin = _varint(data, at, end)
            at = begin + length
        elif wire_type in (wire.FIXED32, wire.FIXED64):
            at += 4 if wire_type == wire.FIXED32 else 8
        else:
            raise WireError(f"got wire type {wire_type}")
        if at > end:
            raise WireError("got a field that is longer than its message")
        found.append(((number, wire_type), begin, at))
    return found


def _varint(data: bytes, at: int, end: int) -> Tuple[int, int]:
    value = shift = 0
    while at < end and shift < 70:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        shift += 7
        at += 1
        if byte < 0x80:
            return value, at
    raise WireError("got a varint without an end")
