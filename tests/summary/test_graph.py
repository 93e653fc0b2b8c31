"""graph, op_graph, keras_graph and costs: real messages, both loaders and the dashboard."""
from __future__ import annotations

import json
import re

import pytest
from google.protobuf import text_format
from hypothesis import given
from hypothesis import strategies as st
from tests.support.judges import both_loaders, events, http
from tensorboard.compat.proto import config_pb2, event_pb2, graph_pb2, step_stats_pb2, types_pb2

from tbwriter import FileWriter
from tbwriter.summary import Cost, Node, costs, graph, keras_graph, op_graph
from tbwriter.summary._graph import DTYPES, node_names
from tests.support.data import DATA

NODES = [
    Node("data", "Placeholder", output_shapes=[(None, 784)], dtype="float32"),
    Node("net/dense/w", "Variable", device="/device:GPU:1", output_shapes=[(10, 784)]),
    Node("net/dense", "FullyConnected", ["data", "net/dense/w", "^data"],
         attrs={"num_hidden": 10, "no_bias": True, "p": 0.5, "act": "relu", "kernel": [3, -3],
                "names": ["a", "b"], "flags": [True, False], "scales": [1.5, 2.0], "none": []},
         output_shapes=[(None, 10), None, (), (0, 2)]),
    Node("loss", "SoftmaxOutput", ["net/dense", "net/dense:1"]),
]


def parsed(nodes):
    return graph_pb2.GraphDef.FromString(graph(nodes).SerializeToString())


def attribute(value):
    """The value of an AttrValue, as plain Python."""
    field = value.WhichOneof("value")
    if field == "list":
        return [item for listed in value.list.ListFields() for item in listed[1]]
    return getattr(value, field)


def test_nodes():
    """Names, operations, inputs, devices, attributes, dtypes and shapes are in the GraphDef."""
    found = {node.name: node for node in parsed(NODES).node}
    assert list(found) == [node.name for node in NODES]
    dense = found["net/dense"]
    assert (dense.op, list(dense.input)) == ("FullyConnected", ["data", "net/dense/w", "^data"])
    assert found["net/dense/w"].device == "/device:GPU:1"
    given = {name: attribute(value) for name, value in dense.attr.items()}
    shapes = given.pop("_output_shapes")
    assert given == {"num_hidden": 10, "no_bias": True, "p": 0.5, "act": b"relu", "kernel": [3, -3],
                     "names": [b"a", b"b"], "flags": [True, False], "scales": [1.5, 2.0],
                     "none": []}
    assert given["no_bias"] is True
    assert [(shape.unknown_rank, [dim.size for dim in shape.dim]) for shape in shapes] == [
        (False, [-1, 10]), (True, []), (False, []), (False, [0, 2])]
    assert found["data"].attr["dtype"].type == types_pb2.DT_FLOAT


@pytest.mark.parametrize("name", list(DTYPES))
def test_dtypes(name):
    """Each dtype has the number of TensorFlow's enum, which calls float16 half."""
    enum = {"float16": "DT_HALF", "float32": "DT_FLOAT", "float64": "DT_DOUBLE"}.get(
        name, "DT_" + name.upper())
    node, = parsed([Node("a", "b", dtype=name)]).node
    assert node.attr["dtype"].type == types_pb2.DataType.Value(enum)


def test_long_attributes():
    """No attribute reaches the 1024 bytes from which on TensorBoard hides it; texts are cut
    between characters."""
    node, = parsed([Node("a", "b", attrs={"text": "ä" * 5000, "ints": list(range(5000)),
                                          "texts": ["x" * 100] * 100},
                         output_shapes=[(100, 100)] * 1000)]).node
    assert all(value.ByteSize() <= 1024 for value in node.attr.values())
    assert node.attr["text"].s.decode().startswith("ä" * 400)
    assert attribute(node.attr["ints"])[:300] == list(range(300))
    assert len(attribute(node.attr["_output_shapes"])) > 50
    for text, shown in (("x" * 1000, "x" * 1000), ("x" * 1001, "x" * 1000 + "…")):
        node, = parsed([Node("a", "b", attrs={"text": text})]).node
        assert node.attr["text"].s.decode() == shown


@given(st.lists(st.text(max_size=5) | st.sampled_from(["a", "a_1", "a/b", "/", "a:0", "^a"])))
def test_node_names(wanted):
    """Any texts become unique names that a graph takes."""
    names = node_names(wanted)
    assert len(set(names)) == len(names) == len(wanted)
    nodes = [Node(name, "op", names[:number]) for number, name in enumerate(names)]
    if all(text.isprintable() for text in wanted):
        assert [node.name for node in parsed(nodes).node] == names


def test_node_names_known_answer():
    """The first keeps its name; later ones are numbered past names that are taken."""
    assert node_names(["a", "a", "a_1", "a", "b:0/^c", "//x//", ""]) == [
        "a", "a_1", "a_1_1", "a_2", "b_0/_c", "x", "_"]


def test_costs():
    """Time and memory of each node are in the StepStats of its device."""
    message = costs("step 7", [Cost("net/dense", 120.6, 4096, 5), Cost("loss", 0),
                               Cost("data", 2, device="/device:GPU:0")])
    tagged = event_pb2.TaggedRunMetadata.FromString(message.SerializeToString())
    stats = config_pb2.RunMetadata.FromString(tagged.run_metadata).step_stats
    assert tagged.tag == "step 7" and message.tags == ("step 7",)
    cpu, gpu = stats.dev_stats
    assert (cpu.device, gpu.device) == ("/device:CPU:0", "/device:GPU:0")
    dense, loss = cpu.node_stats
    assert dense == step_stats_pb2.NodeExecStats(
        node_name="net/dense", all_start_micros=5, op_end_rel_micros=121, all_end_rel_micros=121,
        memory=[step_stats_pb2.AllocatorMemoryUsed(allocator_name="/device:CPU:0",
                                                   total_bytes=4096)])
    assert (loss.node_name, loss.all_end_rel_micros) == ("loss", 1)
    assert loss.all_start_micros == 0  # by default a node starts with its step


KERAS = json.dumps({"class_name": "Sequential", "config": {"name": "model", "layers": [
    {"class_name": "Dense", "config": {"name": "dense", "batch_input_shape": [None, 4],
                                       "dtype": "float32", "units": 2}},
    {"class_name": "Activation", "config": {"name": "act", "dtype": "float32"}}]}})


@both_loaders
def test_dashboard(tmp_path, loader):
    """The dashboard gives back the run's graph, the named graph, the Keras model and the costs."""
    with FileWriter(tmp_path) as writer:
        writer.add(graph(NODES), 0)
        writer.add(op_graph("second", NODES[:1]), 0)
        writer.add(keras_graph("model", KERAS), 0)
        writer.add(costs("batch", [Cost("net/dense", 12)]), 1)
    events(tmp_path)
    with http(tmp_path, loader) as h:
        info = h.json("graphs/info")["."]
        assert info["run_graph"] is True
        assert info["tags"]["second"]["op_graph"] and info["tags"]["model"]["conceptual_graph"]
        assert info["tags"]["batch"]["profile"]
        shown = text_format.Parse(
            h.bytes("graphs/graph", run=".", limit_attr_size=1024,
                    large_attrs_key="_too_large_attrs").decode(), graph_pb2.GraphDef())
        assert shown == parsed(NODES)
        named = h.bytes("graphs/graph", run=".", tag="second").decode()
        assert [node.name for node in text_format.Parse(named, graph_pb2.GraphDef()).node] == \
            ["data"]
        conceptual = h.bytes("graphs/graph", run=".", tag="model", conceptual="true").decode()
        assert [node.name for node in
                text_format.Parse(conceptual, graph_pb2.GraphDef()).node] == \
            ["model/dense", "model/act"]
        metadata = text_format.Parse(h.bytes("graphs/run_metadata", run=".", tag="batch").decode(),
                                     config_pb2.RunMetadata())
        stats, = metadata.step_stats.dev_stats[0].node_stats
        assert (stats.node_name, stats.all_end_rel_micros) == ("net/dense", 12)


@both_loaders
def test_one_graph_a_run(tmp_path, loader):
    """Of several graphs in a run, the dashboard shows the last."""
    with FileWriter(tmp_path) as writer:
        for step in range(3):
            writer.add(graph([Node(f"node{step}", "Op")]), step)
    with http(tmp_path, loader) as h:
        shown = text_format.Parse(h.bytes("graphs/graph", run=".").decode(), graph_pb2.GraphDef())
    assert [node.name for node in shown.node] == ["node2"]


def test_a_model_of_keras(tmp_path):
    """The JSON of Keras 3 itself (tests/data/make.py keras) is drawn with its branches."""
    with FileWriter(tmp_path) as writer:
        writer.add(keras_graph("model", (DATA / "keras" / "model.json").read_text()))
    with http(tmp_path, "python") as h:
        shown = h.bytes("graphs/graph", run=".", tag="model", conceptual="true").decode()
    assert {node.name: list(node.input)
            for node in text_format.Parse(shown, graph_pb2.GraphDef()).node} == {
        "net/data": [], "net/left": ["net/data"], "net/right": ["net/data"],
        "net/sum": ["net/left", "net/right"]}


@pytest.mark.parametrize("call, error, message", [
    (lambda: graph([Node("a", "x"), Node("a", "y")]), ValueError, "got two nodes called 'a'"),
    (lambda: graph([Node("", "x")]), ValueError, "got a node called ''"),
    (lambda: graph([Node("a:0", "x")]), ValueError, "want a name without ':'"),
    (lambda: graph([Node("^a", "x")]), ValueError, "got a node called '^a'"),
    (lambda: graph([Node("a", "x", ["b"])]), ValueError, "got the input 'b' of node 'a'"),
    (lambda: graph([Node("a", "x", dtype="f4")]), ValueError, "got the dtype 'f4' of node 'a'"),
    (lambda: graph([Node("a", "x", attrs={"k": object()})]), TypeError,  # type: ignore
     "got the attribute 'k' of node 'a' of type object"),
    (lambda: graph([Node("a", "x", attrs={"k": [1, "b"]})]), TypeError,  # type: ignore
     "several types"),
    (lambda: graph([Node("a", "x", attrs={"k": 1 << 70})]), ValueError, "got the integer"),
    (lambda: graph([Node("\ud800", "x")]), ValueError, "surrogates not allowed"),
    (lambda: costs("t", [Cost("a", -1)]), ValueError, "want finite times"),
    (lambda: costs("t", [Cost("a", float("nan"))]), ValueError, "want finite times"),
    (lambda: costs(1, []), TypeError, "got a tag of type int"),  # type: ignore[arg-type]
    (lambda: keras_graph("m", {}), TypeError,  # type: ignore[arg-type]
     "want its to_json() text"),
])
def test_bad_input(call, error, message):
    """Mistakes raise at the call, with what was given and what is wanted."""
    with pytest.raises(error, match=re.escape(message)):
        call()
