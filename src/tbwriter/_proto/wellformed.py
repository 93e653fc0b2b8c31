"""Whether bytes are an Event or a Summary that every reader of event files can parse.

TensorBoard's default loader ends a file at the first record that it cannot parse, and its Python
loader raises an error there. So foreign messages are checked as a whole before they are written:
each known field has the wire type of its declaration, strings are UTF-8, and messages and packed
numbers are complete. Unknown fields are skipped. A GraphDef and a RunMetadata are bytes to both
loaders, and are not looked into.

Source: event.proto, summary.proto, histogram.proto, tensor.proto, tensor_shape.proto and
resource_handle.proto of TensorBoard 2.21.
"""
from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, Dict

from . import parse, schema
from .wire import FIXED32, FIXED64, LENGTH, VARINT, WireError, fields

# "The default recursion limit is 100": a message inside more messages is refused.
_DEEPEST = 100
_WIDTHS = {FIXED64: 8, FIXED32: 4}
_SHORT = 256  # bytes of a message that are kept
# Ten bytes of a varint hold 70 bits: the highest six must be zero.
_TOO_LONG = re.compile(rb"[\x80-\xff]{9}[\x02-\xff]")


class Repeated:
    """Numbers of one wire type: packed into one field, or each in a field of its own."""

    __slots__ = ("wire_type",)

    def __init__(self, wire_type: int) -> None:
        self.wire_type = wire_type


# The fields of a message: a wire type, `str` for text, Repeated, or the fields of a message in it.
Fields = Dict[int, Any]


class Alike(Fields):
    """The fields of a message whose bytes are the same in many events: they are checked once."""

    __hash__ = object.__hash__  # type: ignore[assignment]


_VARINTS, _FLOATS, _DOUBLES = Repeated(VARINT), Repeated(FIXED32), Repeated(FIXED64)

_SHAPE: Fields = Alike({
    schema.TensorShape.DIM: {schema.Dim.SIZE: VARINT, schema.Dim.NAME: str},
    schema.TensorShape.UNKNOWN_RANK: VARINT})
_RESOURCE: Fields = {
    1: str, 2: str, 3: str, 4: VARINT, 5: str,  # device, container, name, hash_code, type name
    6: {1: VARINT, 2: _SHAPE}}                  # dtypes_and_shapes: dtype, shape
_TENSOR: Fields = {
    schema.Tensor.DTYPE: VARINT, schema.Tensor.TENSOR_SHAPE: _SHAPE,
    schema.Tensor.VERSION_NUMBER: VARINT, schema.Tensor.TENSOR_CONTENT: LENGTH,
    schema.Tensor.FLOAT_VAL: _FLOATS, schema.Tensor.DOUBLE_VAL: _DOUBLES,
    schema.Tensor.INT_VAL: _VARINTS, schema.Tensor.STRING_VAL: LENGTH,
    schema.Tensor.SCOMPLEX_VAL: _FLOATS, schema.Tensor.INT64_VAL: _VARINTS,
    schema.Tensor.BOOL_VAL: _VARINTS, schema.Tensor.DCOMPLEX_VAL: _DOUBLES,
    schema.Tensor.HALF_VAL: _VARINTS, schema.Tensor.UINT32_VAL: _VARINTS,
    schema.Tensor.UINT64_VAL: _VARINTS, schema.Tensor.RESOURCE_HANDLE_VAL: _RESOURCE,
    schema.Tensor.FLOAT8_VAL: LENGTH}
# A variant holds its type's name, metadata and tensors.
_TENSOR[schema.Tensor.VARIANT_VAL] = {1: str, 2: LENGTH, 3: _TENSOR}
_VALUE: Fields = {
    schema.Value.TAG: str, schema.Value.NODE_NAME: str, schema.Value.SIMPLE_VALUE: FIXED32,
    schema.Value.OBSOLETE_OLD_STYLE_HISTOGRAM: LENGTH,
    schema.Value.IMAGE: {
        schema.Image.HEIGHT: VARINT, schema.Image.WIDTH: VARINT, schema.Image.COLORSPACE: VARINT,
        schema.Image.ENCODED_IMAGE_STRING: LENGTH},
    schema.Value.HISTO: {
        schema.Histogram.MIN: FIXED64, schema.Histogram.MAX: FIXED64,
        schema.Histogram.NUM: FIXED64, schema.Histogram.SUM: FIXED64,
        schema.Histogram.SUM_SQUARES: FIXED64, schema.Histogram.BUCKET_LIMIT: _DOUBLES,
        schema.Histogram.BUCKET: _DOUBLES},
    schema.Value.AUDIO: {
        schema.Audio.SAMPLE_RATE: FIXED32, schema.Audio.NUM_CHANNELS: VARINT,
        schema.Audio.LENGTH_FRAMES: VARINT, schema.Audio.ENCODED_AUDIO_STRING: LENGTH,
        schema.Audio.CONTENT_TYPE: str},
    schema.Value.TENSOR: _TENSOR,
    schema.Value.METADATA: Alike({
        schema.SummaryMetadata.PLUGIN_DATA: {schema.PluginData.PLUGIN_NAME: str,
                                             schema.PluginData.CONTENT: LENGTH},
        schema.SummaryMetadata.DISPLAY_NAME: str, schema.SummaryMetadata.SUMMARY_DESCRIPTION: str,
        schema.SummaryMetadata.DATA_CLASS: VARINT})}
SUMMARY: Fields = {schema.Summary.VALUE: _VALUE}
# Of a MetaGraphDef, which has 88 kinds of messages inside, only that its own fields are messages:
# the Python loader parses all of it, the default loader nothing.
_META_GRAPH: Fields = {number: {} for number in range(1, 8)}
EVENT: Fields = {
    schema.Event.WALL_TIME: FIXED64, schema.Event.STEP: VARINT, schema.Event.FILE_VERSION: str,
    schema.Event.GRAPH_DEF: LENGTH, schema.Event.SUMMARY: SUMMARY,
    schema.Event.LOG_MESSAGE: {schema.LogMessage.LEVEL: VARINT, schema.LogMessage.MESSAGE: str},
    schema.Event.SESSION_LOG: {
        schema.SessionLog.STATUS: VARINT, schema.SessionLog.CHECKPOINT_PATH: str,
        schema.SessionLog.MSG: str},
    schema.Event.TAGGED_RUN_METADATA: {schema.TaggedRunMetadata.TAG: str,
                                       schema.TaggedRunMetadata.RUN_METADATA: LENGTH},
    schema.Event.META_GRAPH_DEF: _META_GRAPH,
    schema.Event.SOURCE_METADATA: {schema.SourceMetadata.WRITER: str}}


_SHELL: Fields = {**EVENT, schema.Event.SUMMARY: LENGTH}


def check_event(data: parse.Data) -> None:
    """WireError unless every reader can parse the Event."""
    _check(data, EVENT, 0)


def check_shell(data: parse.Data) -> None:
    """The same of all but the values of its Summary."""
    _check(data, _SHELL, 0)


def check_summary(data: parse.Data) -> None:
    """WireError unless every reader can parse the Summary, inside an Event."""
    _check(data, SUMMARY, 1)


def check_value(data: parse.Data) -> None:
    """WireError unless every reader can parse the Summary.Value, inside a Summary."""
    _check(data, _VALUE, 2)


def _check(data: parse.Data, known: Fields, depth: int) -> None:
    if depth > _DEEPEST:
        raise WireError(f"got messages nested more than {_DEEPEST} deep")
    for number, wire_type, _, value in fields(data, strict=True):
        wanted = known.get(number)
        if wanted is None:
            continue
        if isinstance(wanted, Repeated):
            if wire_type == LENGTH:
                _check_packed(number, wanted.wire_type, value)
                continue
            wanted = wanted.wire_type
        if wire_type != (wanted if isinstance(wanted, int) else LENGTH):
            raise WireError(f"got field {number} of wire type {wire_type}, want another")
        if wanted is str:
            parse.check_text(value)
        elif isinstance(wanted, Alike) and len(value) <= _SHORT:
            _check_once(bytes(value), wanted, depth + 1)
        elif isinstance(wanted, dict):
            _check(value, wanted, depth + 1)


_check_once = lru_cache(maxsize=1024)(_check)


def _check_packed(number: int, wire_type: int, data: memoryview) -> None:
    if wire_type == VARINT:
        broken = len(data) > 0 and data[-1] >= 0x80 or _TOO_LONG.search(data) is not None
    else:
        broken = len(data) % _WIDTHS[wire_type] > 0
    if broken:
        raise WireError(f"got {len(data)} bytes of packed numbers in field {number}, which are "
                        "not whole numbers")
