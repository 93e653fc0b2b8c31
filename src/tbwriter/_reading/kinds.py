"""Values of each kind, decoded from the messages of an event file.

Nothing is trusted: an inconsistent value raises WireError, and none takes more memory than its
bytes in the file account for.
"""
from __future__ import annotations

from itertools import islice
from typing import Any, Dict, Iterator, List, NamedTuple, Sequence, Tuple, Union

import numpy as np

from .._proto import parse, schema, tensors, wire
from .._proto.parse import Event, Metadata, Value
from .._proto.plugin_schema import (SESSION_STATUSES, JsonValue, SessionEndInfo,
                                   SessionStartInfo)
from .._proto.tensors import Tensor
from .._proto.wire import WireError

Array = Any  # np.ndarray, whose generic form numpy 1.19 does not have

# A histogram of one element for all of its shape may have so many.
_FEW = 128

RUN_GRAPH = schema.RUN_GRAPH_TAG
"""The tag under which a run has the graph that has no name of its own."""


class Images(NamedTuple):
    """What one step of a tag shows: images as they are in the file (PNG, JPEG, GIF, ...).

    width, height: in pixels, as the writer gave them.
    """

    width: int
    height: int
    encoded: List[bytes]

    def __repr__(self) -> str:
        sizes = ", ".join(str(len(data)) for data in self.encoded[:4])
        more = ", ..." if len(self.encoded) > 4 else ""
        return f"<Images of {self.width} x {self.height}: files of {sizes}{more} bytes>"


class HParams(NamedTuple):
    """The hyperparameters of a run, and how it ended.

    status: "unknown", "success", "failure" or "running". Times are seconds since 1970, 0.0 where
    they are not known.
    """

    values: Dict[str, Union[float, str, bool]]
    group_name: str
    start_time: float
    end_time: float
    status: str


_STATUS = {number: name.lower() for name, number in SESSION_STATUSES.items()}


def kind_of(value: Value) -> str:
    """The kind of a value, by its form or its plugin."""
    return schema.kind_of(value.number, value.metadata.plugin if value.metadata else "")


def describes(value: Value, kind: str) -> bool:
    """Whether the metadata of a later value may be that of a tag of this kind: tensors that name no
    plugin wait for one, and no other plugin's metadata counts."""
    plugin = value.metadata.plugin if value.metadata else ""
    return schema.kind_of(schema.Value.TENSOR, plugin) == kind \
        or kind == "tensor" and value.number not in schema.FORMS


def values_of(event: Event) -> Sequence[Value]:
    """The values that TensorBoard shows for an event; a graph is the value of a tag of its own."""
    if event.number == schema.Event.GRAPH_DEF:
        return [Value(RUN_GRAPH, schema.Value.TENSOR, event.data, Metadata(schema.GRAPHS))]
    if event.number == schema.Event.TAGGED_RUN_METADATA:
        return [Value(parse.string_of(event.data, schema.TaggedRunMetadata.TAG),
                      schema.Value.TENSOR,
                      parse.bytes_of(event.data, schema.TaggedRunMetadata.RUN_METADATA) or b"",
                      Metadata(schema.TAGGED_RUN_METADATA))]
    return event.values


def number(value: Value) -> float:
    if value.number == schema.Value.SIMPLE_VALUE:
        return wire.as_float(value.data)
    return tensors.scalar_of(value.data)


def blob(value: Value) -> bytes:
    """A graph: from an event of its own, or in a string tensor."""
    data = _message(value)
    if value.metadata and value.metadata.plugin in (schema.GRAPHS, schema.TAGGED_RUN_METADATA):
        return bytes(data)
    return bytes(next(Tensor(data).texts(), b""))


def array(value: Value) -> Array:
    """The tensor. One element for a whole shape is a view that takes no memory."""
    if value.number == 0:  # hparams have metadata only
        return np.zeros(0, np.float32)
    if value.number != schema.Value.TENSOR:
        raise WireError("got a value that is not a tensor")
    return tensors.array_of(_message(value))


def histogram(value: Value) -> Array:
    """float64 [k, 3]: left edge, right edge, count."""
    data = _message(value)
    if value.number == schema.Value.TENSOR:
        found = tensors.array_of(data)
        # One element that fills a whole shape must not become an array of that shape.
        if found.ndim != 2 or found.shape[1] != 3 or found.size > max(len(data), _FEW):
            raise WireError(f"got a histogram of shape {found.shape} in {len(data)} bytes, "
                            "want [k, 3]")
        if found.dtype.kind not in "biuf":
            raise WireError(f"got a histogram of {found.dtype}, want numbers")
        return found.astype(np.float64)
    least = parse.double_of(data, schema.Histogram.MIN)
    greatest = parse.double_of(data, schema.Histogram.MAX)
    limits = tensors.doubles_of(data, schema.Histogram.BUCKET_LIMIT)
    counts = tensors.doubles_of(data, schema.Histogram.BUCKET)
    if len(limits) != len(counts):
        raise WireError(f"got {len(limits)} bucket limits for {len(counts)} buckets")
    filled = np.flatnonzero(counts)
    if not len(filled):
        return np.zeros((0, 3))
    # Empty buckets on the outside are dropped; the outer edges are the least and greatest value.
    first, last = filled[0], filled[-1] + 1
    edges = np.concatenate([[least], limits[first:last - 1], [greatest]])
    return np.stack([edges[:-1], edges[1:], counts[first:last]], axis=1)


def images(value: Value) -> Images:
    (width, height), files = _sized(value)
    return Images(width, height, list(map(bytes, files)))


def image_files(value: Value) -> Iterator[parse.Data]:
    """The files of `images` one by one, as views."""
    return _sized(value)[1]


def _sized(value: Value) -> Tuple[Tuple[int, int], Iterator[parse.Data]]:
    """Width and height of images, and their files."""
    data = _message(value)
    if value.number == schema.Value.TENSOR:
        files = Tensor(data).listed_texts()
        size = [bytes(one) for one in islice(files, 2)]
        if len(size) < 2 or not (size[0].isdigit() and size[1].isdigit()):
            raise WireError("got images without width and height: "
                            f"{[one[:18] for one in size]!r:.50}")
        return (int(size[0][:18]), int(size[1][:18])), files
    file = parse.bytes_of(data, schema.Image.ENCODED_IMAGE_STRING) or b""
    return (parse.int_of(data, schema.Image.WIDTH),
            parse.int_of(data, schema.Image.HEIGHT)), iter([file])


def audio(value: Value) -> List[bytes]:
    """The sound file of each clip."""
    return list(map(bytes, audio_files(value)))


def audio_files(value: Value) -> Iterator[parse.Data]:
    """The same one by one, as views."""
    data = _message(value)
    if value.number != schema.Value.TENSOR:
        return iter([parse.bytes_of(data, schema.Audio.ENCODED_AUDIO_STRING) or b""])
    tensor = Tensor(data)
    # Of pairs, the second is a label.
    return islice(tensor.listed_texts(), None, None, 2 if len(tensor.shape) == 2 else 1)


def text(value: Value) -> Any:
    """A str, or an array of them."""
    tensor = text_tensor(value)
    listed = tensor.listed_texts()
    texts = np.empty(tensor.strings, object)
    for at, item in enumerate(listed):
        texts[at] = str(item, "utf-8", "replace")
    return texts.reshape(tensor.shape) if tensor.shape else str(texts[0])


def text_tensor(value: Value) -> Tensor:
    """The tensor of a text, with as many strings as its shape says, and no more than are listed."""
    if value.number != schema.Value.TENSOR:
        raise WireError("got a value that is not a text")
    tensor = Tensor(value.data)
    if tensor.dtype != schema.DT_STRING:
        raise WireError(f"got text of DataType {tensor.dtype}, want strings")
    if tensor.strings != tensor.size:
        raise WireError(f"got {tensor.strings} strings for text of shape {tensor.shape}")
    tensor.listed_texts()
    return tensor


def hparams(start: bytes, end: bytes) -> HParams:
    """start, end: SessionStartInfo and SessionEndInfo."""
    values: Dict[str, Union[float, str, bool]] = {}
    for name, value in parse.entries(start, SessionStartInfo.HPARAMS):
        values.pop(name, None)  # of one name, the last counts
        for number, wire_type, integer, item in wire.fields(value):
            if (number, wire_type) == (JsonValue.NUMBER_VALUE, wire.FIXED64):
                values[name] = wire.as_double(item)
            elif (number, wire_type) == (JsonValue.STRING_VALUE, wire.LENGTH):
                values[name] = parse.text(item)
            elif (number, wire_type) == (JsonValue.BOOL_VALUE, wire.VARINT):
                values[name] = bool(integer)
    status = parse.int_of(end, SessionEndInfo.STATUS)
    return HParams(values, parse.string_of(start, SessionStartInfo.GROUP_NAME),
                   parse.double_of(start, SessionStartInfo.START_TIME_SECS),
                   parse.double_of(end, SessionEndInfo.END_TIME_SECS),
                   _STATUS.get(status, _STATUS[0]))


def _message(value: Value) -> parse.Data:
    if value.number in (0, schema.Value.SIMPLE_VALUE):
        raise WireError("got a value of another kind than the first of its tag")
    return value.data
