"""Values of each kind, decoded from what stands in an event file.

Nothing is trusted: a value that does not hold together raises WireError, and none takes more
memory than its bytes in the file account for.
"""
from __future__ import annotations

from typing import Any, Dict, List, NamedTuple, Sequence, Union

import numpy as np

from ._proto import parse, tensors, wire
from ._proto.parse import Event, Metadata, Value
from ._proto.wire import WireError

Array = Any  # np.ndarray, whose generic form numpy 1.19 does not have

# So many elements may be given by one.
_FEW = 128

# TensorBoard's plugins and the kinds that they show.
_KINDS = {
    "scalars": "scalar", "histograms": "histogram", "images": "image", "audio": "audio",
    "text": "text", "pr_curves": "pr_curve", "mesh": "mesh", "hparams": "hparams",
    "custom_scalars": "layout", "graph_run_metadata": "graph",
    "graph_run_metadata_graph": "graph", "graph_keras_model": "graph",
    "graphs": "graph", "graph_tagged_run_metadata": "run_metadata",
}
# The fields of Summary.Value that TensorBoard's first version used.
_FORMS = {2: "scalar", 4: "image", 5: "histogram", 6: "audio"}

# TensorBoard's own name for the graph of a run.
RUN_GRAPH = "__run_graph__"


class Images(NamedTuple):
    """What one step of a tag shows: images as they are in the file (PNG, JPEG, GIF, ...).

    width, height: in pixels, as the writer gave them.
    """

    width: int
    height: int
    encoded: List[bytes]


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


_STATUS = {0: "unknown", 1: "success", 2: "failure", 3: "running"}


def kind_of(value: Value) -> str:
    """The kind of a value, by its form or its plugin."""
    plugin = value.metadata.plugin if value.metadata else ""
    return _FORMS.get(value.number) or _KINDS.get(plugin, "tensor")


def values_of(event: Event) -> Sequence[Value]:
    """What an event shows; a graph as TensorBoard sees it, as the value of a tag."""
    if event.number == 4:
        return [Value(RUN_GRAPH, 8, event.data, Metadata("graphs"))]
    if event.number == 8:
        return [Value(parse.string_of(event.data, 1), 8,
                      parse.bytes_of(event.data, 2) or b"",
                      Metadata("graph_tagged_run_metadata"))]
    return event.values


def number(value: Value) -> float:
    if isinstance(value.data, int):
        return wire.as_float(value.data)
    return tensors.scalar_of(value.data)


def blob(value: Value) -> bytes:
    """A graph: from an event of its own, or in a string tensor."""
    data = _message(value)
    if value.metadata and value.metadata.plugin in ("graphs", "graph_tagged_run_metadata"):
        return bytes(data)
    strings = tensors.strings_of(data)
    return strings[0] if strings else b""


def array(value: Value) -> Array:
    """The tensor. One element for a whole shape is a view that takes no memory."""
    if value.number == 0:  # hparams have metadata only
        return np.zeros(0, np.float32)
    if value.number != 8:
        raise WireError("got a value that is no tensor")
    return tensors.array_of(_message(value))


def histogram(value: Value) -> Array:
    """float64 [k, 3]: left edge, right edge, count."""
    data = _message(value)
    if value.number == 8:
        found = tensors.array_of(data)
        # An element that stands for a whole shape must not become an array of that shape.
        if found.ndim != 2 or found.shape[1] != 3 or found.size > max(len(data), _FEW):
            raise WireError(f"got a histogram of shape {found.shape} in {len(data)} bytes, "
                            "want [k, 3]")
        return found.astype(np.float64)
    least, greatest = parse.double_of(data, 1), parse.double_of(data, 2)
    limits, counts = tensors.doubles_of(data, 6), tensors.doubles_of(data, 7)
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
    data = _message(value)
    if value.number == 8:
        strings = tensors.strings_of(data)
        if len(strings) < 2 or not (strings[0].isdigit() and strings[1].isdigit()):
            raise WireError(f"got images without width and height: {strings[:2]!r:.50}")
        return Images(int(strings[0][:18]), int(strings[1][:18]), strings[2:])
    encoded = bytes(parse.bytes_of(data, 4) or b"")
    return Images(parse.int_of(data, 2), parse.int_of(data, 1), [encoded])


def audio(value: Value) -> List[bytes]:
    """The sound file of each clip."""
    data = _message(value)
    if value.number != 8:
        return [bytes(parse.bytes_of(data, 4) or b"")]
    strings, shape = tensors.strings_of(data), tensors.shape_of(data)[1]
    # Of pairs, the second is a label.
    return strings[::2] if len(shape) == 2 else strings


def text(value: Value) -> Any:
    """A str, or an array of them."""
    data = _message(value)
    dtype, shape = tensors.shape_of(data) if value.number == 8 else (0, ())
    if dtype != tensors.DT_STRING:
        raise WireError(f"got text of DataType {dtype}, want strings")
    count = 1
    for size in shape:
        count *= size
    # Each string takes two bytes at least, so a shape that lies takes no memory.
    if any(size < 0 for size in shape) or count > len(data) // 2:
        raise WireError(f"got text of shape {shape} in {len(data)} bytes")
    texts = np.empty(count, object)
    found = 0
    for field, _, item in wire.fields(data):
        if field == 8 and not isinstance(item, int):
            if found < count:
                texts[found] = bytes(item).decode("utf-8", "replace")
            found += 1
    if found != count:
        raise WireError(f"got {found} strings for text of shape {shape}")
    return texts.reshape(shape) if shape else str(texts[0])


def _message(value: Value) -> parse.Data:
    if isinstance(value.data, int) or not value.number:
        raise WireError("got a value of another kind than the first of its tag")
    return value.data


def hparams(start: bytes, end: bytes) -> HParams:
    values: Dict[str, Union[float, str, bool]] = {}
    for name, value in parse.map_of(start, 1).items():
        for number, _, item in wire.fields(value):
            if number == 2 and isinstance(item, int):
                values[name] = wire.as_double(item)
            elif number == 3 and not isinstance(item, int):
                values[name] = parse.text(item)
            elif number == 4 and isinstance(item, int):
                values[name] = bool(item)
    return HParams(values, parse.string_of(start, 4), parse.double_of(start, 5),
                   parse.double_of(end, 2), _STATUS.get(parse.int_of(end, 1), "unknown"))
