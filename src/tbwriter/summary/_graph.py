"""Graphs: the operations of a model and their inputs. Shown in Graphs.

Every graph is built here, whichever framework its nodes come from: a list of `Node`s becomes one
GraphDef, and a list of `Cost`s colours it by time and memory.

    nodes = [Node("data", "Placeholder", output_shapes=[(None, 784)], dtype="float32"),
             Node("mlp/dense0", "FullyConnected", ["data"], attrs={"num_hidden": 10})]
    writer.add(graph(nodes))                                    # once per run
    writer.add(costs("batch 7", [Cost("mlp/dense0", 120.5, 4096)]), step=7)

"/" in a name opens a scope, which TensorBoard draws as a box. An input is the name of a node,
"name:1" for its second output, "^name" for "runs after it". `node_names` makes valid names
out of any text.

Source: graph.proto, node_def.proto, attr_value.proto, step_stats.proto of TensorFlow.
"""
from __future__ import annotations

from typing import Dict, Iterable, List, Mapping, NamedTuple, Optional, Sequence, Set, Tuple, Union

from .._foreign import checked, shown
from .._proto import messages, schema, wire
from .._proto.messages import Message, Summary, Value, check_tag
from .._proto.plugin_schema import (AllocatorMemoryUsed, AttrValue, DeviceStepStats, FunctionGraphs,
                                    GraphDef, NodeDef, NodeExecStats, RunMetadata, StepStats,
                                    VersionDef)

Shape = Optional[Sequence[Optional[int]]]
Attribute = Union[bool, int, float, str, Sequence[bool], Sequence[int], Sequence[float],
                  Sequence[str]]

# TensorBoard asks for graphs with `limit_attr_size=1024` and hides larger attributes.
MAX_ATTRIBUTE = 1024

# GraphDef's version: the first of those that TensorFlow still reads without a conversion.
_PRODUCER = 22

DTYPES = schema.DATA_TYPE_NUMBERS


class Node(NamedTuple):
    """One box of a graph.

    name: unique in its graph; "/" separates scopes.
    op: its operation, e.g. "Convolution".
    inputs: names of nodes, "name:1" for an output other than the first, "^name" for control.
    device: e.g. "/device:GPU:0"; TensorBoard can colour by it.
    attrs: shown with the node: bools, ints, floats, strings and lists of one of these. Values that
        are too long for TensorBoard are cut off.
    output_shapes: one for each output, shown at the edges; None for an unknown length, or
        instead of a shape whose rank is unknown.
    dtype: of the outputs, by its numpy name (or "bfloat16"); "" where it is not known.
    """

    name: str
    op: str
    inputs: Sequence[str] = ()
    device: str = ""
    attrs: Mapping[str, Attribute] = {}
    output_shapes: Optional[Sequence[Shape]] = None
    dtype: str = ""


class Cost(NamedTuple):
    """The time and memory of one node in one step.

    name: of a node of the run's graph. micros: compute time in microseconds. nbytes: memory.
    start: microseconds since the step began. device: e.g. "/device:GPU:0".
    """

    name: str
    micros: float
    nbytes: int = 0
    start: float = 0
    device: str = "/device:CPU:0"


@checked
def graph(nodes: Iterable[Node]) -> Message:
    """The graph of a run, for `FileWriter.add`. TensorBoard shows one in each run: write it once.
    Shown in Graphs.

    Raises ValueError for two nodes of one name, an input that is not a node, an unknown dtype;
    TypeError for an attribute of another type than Node names.

    Example: `graph([Node("data", "Input"), Node("dense", "FullyConnected", ["data"])])`.
    """
    return Message(schema.Event.GRAPH_DEF, _graph_def(nodes))


@checked
def op_graph(tag: str, nodes: Iterable[Node]) -> Summary:
    """A graph with a name of its own, chosen by `tag` in Graphs: for several in one run.

    Raises what `graph` raises.

    Example: `op_graph("evaluation", [Node("data", "Input"), Node("relu", "Relu", ["data"])])`.
    """
    function = wire.bytes_field(FunctionGraphs.PRE_OPTIMIZATION_GRAPH, _graph_def(nodes))
    return _named(tag, schema.RUN_METADATA_GRAPH,
                  wire.bytes_field(RunMetadata.FUNCTION_GRAPHS, function))


@checked
def keras_graph(tag: str, model_json: str) -> Summary:
    """The conceptual graph of a Keras model, chosen by `tag` and "Conceptual graph" in Graphs.

    model_json: the text that `model.to_json()` returns.

    Raises TypeError for anything but a str.

    Example: `keras_graph("model", model.to_json())`.
    """
    if not isinstance(model_json, str):
        raise TypeError(f"got a model of type {type(model_json).__name__}, want its to_json() text")
    return _named(tag, schema.KERAS_MODEL, model_json.encode("utf-8"))


@checked
def costs(tag: str, nodes: Iterable[Cost]) -> Message:
    """Compute time and memory of the graph's nodes in one step, chosen by `tag` in Graphs.

    nodes: the times in microseconds and the sizes in bytes, one Cost per node of the run's graph.

    Raises ValueError for a negative or non-finite time or size.

    Example: `writer.add(costs("step 100", [Cost("dense", 120.5, 4096)]), 100)`.
    """
    tag = check_tag(tag)
    devices: Dict[str, List[bytes]] = {}
    for cost in nodes:
        devices.setdefault(cost.device, []).append(
            wire.bytes_field(DeviceStepStats.NODE_STATS, _node_stats(cost)))
    step_stats = b"".join(
        wire.bytes_field(StepStats.DEV_STATS,
                         wire.string_field(DeviceStepStats.DEVICE, device) + b"".join(stats))
        for device, stats in devices.items())
    metadata = wire.bytes_field(RunMetadata.STEP_STATS, step_stats)
    message = (wire.string_field(schema.TaggedRunMetadata.TAG, tag)
               + wire.bytes_field(schema.TaggedRunMetadata.RUN_METADATA, metadata))
    return Message(schema.Event.TAGGED_RUN_METADATA, message, [tag])


def node_names(wanted: Iterable[str]) -> List[str]:
    """Names for nodes, one for each of `wanted`, in order: unique, and without what GraphDef gives
    a meaning (":" and "^" become "_", empty scopes are removed).

    The first one keeps its name; later ones get "_1", "_2", ...
    """
    taken: Set[str] = set()
    counts: Dict[str, int] = {}
    names = []
    for text in wanted:
        scopes = text.replace(":", "_").replace("^", "_").split("/")
        base = name = "/".join(filter(None, scopes)) or "_"
        while name in taken:
            counts[base] = counts.get(base, 0) + 1
            name = f"{base}_{counts[base]}"
        taken.add(name)
        names.append(name)
    return names


def _named(tag: str, plugin: str, data: bytes) -> Summary:
    # "content must be exactly b'1'": the plugin's version of these three. Rank 1, since
    # with a data_class the Python loader no longer repairs rank 0.
    parts = [*messages.string_tensor((1,), [data]),
             messages.metadata(plugin, schema.PLUGINS[plugin].content or b"")]
    return Summary([Value(tag, parts, len(data))])


def _graph_def(nodes: Iterable[Node]) -> bytes:
    nodes = list(nodes)
    names = _check_names(nodes)
    for node in nodes:
        for name in node.inputs:
            if _source(name) not in names:
                raise ValueError(f"got the input {name!r} of node {node.name!r}, want the name of "
                                 "a node of the same graph")
    return (b"".join(wire.bytes_field(GraphDef.NODE, _node_def(node)) for node in nodes)
            + wire.bytes_field(GraphDef.VERSIONS, wire.int_field(VersionDef.PRODUCER, _PRODUCER)))


def _check_names(nodes: Sequence[Node]) -> Set[str]:
    names: Set[str] = set()
    for node in nodes:
        if not isinstance(node, Node):
            raise TypeError(f"got a node of type {type(node).__name__} ({shown(node)}), want Node")
        if not isinstance(node.name, str) or not node.name or ":" in node.name \
                or node.name[0] == "^":
            raise ValueError(f"got a node called {node.name!r}, want a name without ':' and '^' "
                             "(node_names makes such names)")
        if node.name in names:
            raise ValueError(f"got two nodes called {node.name!r}, want unique names "
                             "(node_names makes such names)")
        names.add(node.name)
    return names


def _source(name: str) -> str:
    """The node that an input comes from: "a" for "^a" and "a:1"."""
    return name[1:] if name[:1] == "^" else name.partition(":")[0]


def _node_def(node: Node) -> bytes:
    attributes = [(key, _attribute(node.name, key, value)) for key, value in node.attrs.items()]
    if node.dtype:
        if node.dtype not in DTYPES:
            raise ValueError(f"got the dtype {node.dtype!r} of node {node.name!r}, "
                             f"want one of {', '.join(DTYPES)}")
        attributes.append(("dtype", wire.int_field(AttrValue.TYPE, DTYPES[node.dtype])))
    if node.output_shapes is not None:
        shapes = _fitting([wire.bytes_field(AttrValue.SHAPE, _shape(shape))
                           for shape in node.output_shapes])
        attributes.append(("_output_shapes", shapes))
    message = wire.string_field(NodeDef.NAME, node.name) + wire.string_field(NodeDef.OP, node.op)
    message += b"".join(wire.string_field(NodeDef.INPUT, name) for name in node.inputs)
    if node.device:
        message += wire.string_field(NodeDef.DEVICE, node.device)
    return message + b"".join(
        wire.bytes_field(NodeDef.ATTR, wire.string_field(schema.MapEntry.KEY, key)
                         + wire.bytes_field(schema.MapEntry.VALUE, value))
        for key, value in attributes)


def _shape(shape: Shape) -> bytes:
    """TensorShapeProto, in which -1 is a length that is not known."""
    if shape is None:
        return wire.int_field(schema.TensorShape.UNKNOWN_RANK, 1)
    return b"".join(
        wire.bytes_field(schema.TensorShape.DIM,
                         wire.int_field(schema.Dim.SIZE, -1 if size is None else int(size)))
        for size in shape)


def _attribute(node: str, key: str, value: Attribute) -> bytes:
    """AttrValue."""
    if not isinstance(value, (list, tuple)):
        number, data = _attribute_field(node, key, value)
        return wire.bytes_field(number, data) if number == AttrValue.S else data
    # The numbers of ListValue's fields are those of AttrValue; single ones may stay unpacked.
    pairs = [_attribute_field(node, key, item) for item in value]
    if len({number for number, _ in pairs}) > 1:
        raise TypeError(f"got the attribute {key!r} of node {node!r} with several types in one "
                        "list, want one type")
    return _fitting([wire.bytes_field(number, data) if number == AttrValue.S else data
                     for number, data in pairs])


def _attribute_field(node: str, key: str, value: object) -> Tuple[int, bytes]:
    """(field number, field), and for a string (S, text): of AttrValue and of its lists."""
    if isinstance(value, bool):
        return AttrValue.B, wire.int_field(AttrValue.B, value)
    if isinstance(value, int):
        return AttrValue.I, wire.int_field(AttrValue.I, value)
    if isinstance(value, float):
        return AttrValue.F, wire.float_field(AttrValue.F, value)
    if isinstance(value, str):
        return AttrValue.S, shorten(value)
    raise TypeError(f"got the attribute {key!r} of node {node!r} of type {type(value).__name__}, "
                    "want bool, int, float, str or a list of one of these")


def shorten(text: str) -> bytes:
    """`text` in UTF-8, cut to what TensorBoard shows of an attribute."""
    data = str.encode(text, "utf-8", "replace")
    room = MAX_ATTRIBUTE - 24
    if len(data) > room:
        data = data[:room].decode("utf-8", "ignore").encode("utf-8") + "…".encode()
    return data


def _fitting(fields: Sequence[bytes]) -> bytes:
    """AttrValue's list with as many of `fields` as TensorBoard shows."""
    kept = b""
    for field in fields:
        if len(kept) + len(field) > MAX_ATTRIBUTE - 24:
            break
        kept += field
    return wire.bytes_field(AttrValue.LIST, kept)


def _node_stats(cost: Cost) -> bytes:
    """NodeExecStats."""
    if not (0 <= cost.micros < 1 << 62 and 0 <= cost.start < 1 << 62
            and 0 <= cost.nbytes < 1 << 62):
        raise ValueError(f"got {cost}, want finite times and a size of at least 0")
    # Whole microseconds; TensorBoard takes a node without time for one that did not run.
    micros = max(1, round(cost.micros))
    message = (wire.string_field(NodeExecStats.NODE_NAME, cost.name)
               + wire.int_field(NodeExecStats.ALL_START_MICROS, int(cost.start))
               + wire.int_field(NodeExecStats.OP_END_REL_MICROS, micros)
               + wire.int_field(NodeExecStats.ALL_END_REL_MICROS, micros))
    if cost.nbytes:
        memory = (wire.string_field(AllocatorMemoryUsed.ALLOCATOR_NAME, cost.device)
                  + wire.int_field(AllocatorMemoryUsed.TOTAL_BYTES, int(cost.nbytes)))
        message += wire.bytes_field(NodeExecStats.MEMORY, memory)
    return message
