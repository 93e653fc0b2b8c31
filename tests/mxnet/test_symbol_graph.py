"""Graphs of real networks: what stock TensorBoard serves of them, on MXNet 1.x and 2."""
from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

mx = pytest.importorskip("mxnet", reason="MXNet is not installed")

from google.protobuf import text_format
from tests.mxnet.blocks import MXNET_1, hybrid_block
from tests.support.judges import LOADERS, http
from mxnet.gluon import nn, rnn
from mxnet.gluon.model_zoo import vision
from tensorboard.compat.proto.graph_pb2 import GraphDef

import tbwriter
from tbwriter import FileWriter
from tbwriter.mxnet import graph


# What an operator of a Gluon layer is called: MXNet 1.x says fwd, MXNet 2 nothing but a number.
CONV, DENSE, LSTM = ("fwd", "fwd", "rnn0") if MXNET_1 else ("Convolution", "FullyConnected", "RNN")


class Tagger(hybrid_block()):  # type: ignore[misc]
    """Embedding, two layers of LSTM, a dense layer for each word."""

    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(7, 5)
        self.lstm = rnn.LSTM(6, 2)
        self.tags = nn.Dense(3, flatten=False)

    def run(self, words):
        return self.tags(self.lstm(self.embedding(words)))


class Residual(hybrid_block()):  # type: ignore[misc]
    def __init__(self):
        super().__init__()
        self.body = nn.Dense(3, in_units=3)

    def run(self, x):
        return self.body(x * 2) + x


def lenet():
    """The network of LeCun et al., 1998, in MXNet's symbols."""
    x = mx.sym.var("data")
    for number, filters in (1, 20), (2, 50):
        x = mx.sym.Convolution(x, kernel=(5, 5), num_filter=filters, name=f"conv{number}")
        x = mx.sym.Activation(x, act_type="tanh", name=f"tanh{number}")
        x = mx.sym.Pooling(x, pool_type="max", kernel=(2, 2), stride=(2, 2), name=f"pool{number}")
    x = mx.sym.FullyConnected(mx.sym.Flatten(x, name="flatten"), num_hidden=500, name="fc1")
    x = mx.sym.FullyConnected(x, num_hidden=10, name="fc2")
    return mx.sym.SoftmaxOutput(x, name="softmax")


def lenet_block():
    net = nn.HybridSequential()
    net.add(nn.Conv2D(20, 5, activation="tanh"), nn.MaxPool2D(), nn.Conv2D(50, 5), nn.Dense(10))
    net.initialize()
    return net


def parsed(message):
    """The nodes of a graph by name, through real protobuf."""
    return {node.name: node for node in GraphDef.FromString(message.data).node}


def shapes(node):
    return [tuple(dim.size for dim in shape.dim)
            for shape in node.attr["_output_shapes"].list.shape]


def array(*shape):
    return (mx.nd if MXNET_1 else mx.np).zeros(shape)


@pytest.fixture(scope="module")
def logdir(tmp_path_factory):
    """One run for each of the networks that are opened in TensorBoard."""
    directory = tmp_path_factory.mktemp("graphs")
    resnet, tagger = vision.resnet50_v1(), Tagger()
    resnet.initialize()
    tagger.initialize()
    networks = {"resnet": graph(resnet, (2, 3, 64, 64)), "lstm": graph(tagger, {"words": (4, 2)}),
                "lenet_block": graph(lenet_block(), [(8, 1, 28, 28)]),
                "lenet": graph(lenet(), {"data": (8, 1, 28, 28)})}
    for run, message in networks.items():
        with FileWriter(directory / run) as writer:
            writer.add(message)
    return directory


@pytest.fixture(scope="module", params=LOADERS)
def served(request, logdir):
    """The data that stock TensorBoard gives its Graphs dashboard: run -> nodes by name."""
    with http(logdir, request.param) as board:
        runs = board.json("/data/plugin/graphs/info")
        texts = {run: board.bytes("/data/plugin/graphs/graph", run=run, conceptual="false",
                                  limit_attr_size="1024", large_attrs_key="_too_large_attrs")
                 for run in runs}
    return {run: {node.name: node for node in text_format.Parse(text, GraphDef()).node}
            for run, text in texts.items()}


def check(nodes):
    """The properties of every graph: inputs are nodes, and no attribute was too large to be
    shown."""
    for node in nodes.values():
        for source in node.input:
            assert source.lstrip("^").partition(":")[0] in nodes
        assert "_too_large_attrs" not in node.attr


def test_resnet_is_served_as_its_blocks(served):
    """ResNet-50 has a box for each block, weights beside their operators, and all shapes."""
    nodes = served["resnet"]
    check(nodes)
    block = "features/4_HybridSequential/0_BottleneckV1"
    convolution = nodes[f"{block}/body/0_Conv2D/{CONV}"]
    assert convolution.op == "Convolution"
    assert list(convolution.input)[1:] == [f"{block}/body/0_Conv2D/weight",
                                           f"{block}/body/0_Conv2D/bias"]
    assert shapes(convolution) == [(2, 64, 16, 16)]
    assert shapes(nodes[f"{block}/body/0_Conv2D/weight"]) == [(64, 64, 1, 1)]
    added = [node for node in nodes.values() if node.op in ("elemwise_add", "_npi_add")]
    assert len(added) == 16
    assert {node.name.count("/") for node in added} == {3}  # features/stage/block/_plus0
    assert [node.op for node in nodes.values()].count("Convolution") == 53
    [output] = [node for node in nodes.values() if node.op == "Output"]
    assert shapes(output) == [(2, 1000)] and list(output.input) == [f"output/{DENSE}"]


def test_auxiliary_states_are_marked(served):
    """The moving averages of batch normalisation are distinguished from parameters, on both
    versions."""
    nodes = served["resnet"]
    auxiliary = [node for node in nodes.values() if node.op == "AuxiliaryState"]
    assert len(auxiliary) == 2 * 53
    assert all(node.name.endswith(("running_mean", "running_var")) and node.attr["auxiliary"].b
               for node in auxiliary)
    assert not any(name.endswith("running_mean") for name, node in nodes.items()
                   if node.op == "Parameter")


def test_lstm_is_served_with_shapes(served):
    """An LSTM: (length, batch) words in, all its outputs with their shapes, float32 edges."""
    nodes = served["lstm"]
    check(nodes)
    assert nodes["words"].op == "Input" and shapes(nodes["words"]) == [(4, 2)]
    lstm = nodes[f"lstm/{LSTM}"]
    assert lstm.op == "RNN" and lstm.attr["mode"].s == b"lstm"
    assert shapes(lstm) == [(4, 2, 6), (2, 2, 6), (2, 2, 6)]
    assert lstm.input[0] == "embedding/" + ("fwd" if MXNET_1 else "Embedding")
    assert lstm.attr["dtype"].type == 1
    assert list(nodes[f"tags/{DENSE}"].input) == [f"lstm/{LSTM}", "tags/weight", "tags/bias"]
    assert shapes(nodes[f"tags/{DENSE}"]) == [(4, 2, 3)]


def test_lenet_block_is_served(served):
    """A sequence of layers: each box is a number and a class, activations inside their layer."""
    nodes = served["lenet_block"]
    check(nodes)
    assert list(nodes["0_Conv2D/weight"].input) == []
    assert shapes(nodes[f"0_Conv2D/{CONV}"]) == [(8, 20, 24, 24)]
    activation = nodes["0_Conv2D/act/" + ("fwd" if MXNET_1 else "Activation")]
    assert list(activation.input) == [f"0_Conv2D/{CONV}"]
    assert shapes(nodes["3_Dense/weight"]) == [(10, 3200)]
    assert shapes(nodes[f"3_Dense/{DENSE}"]) == [(8, 10)]


def test_lenet_symbol_is_served(served):
    """A Symbol: weights in the box of their operator, heads as outputs, shapes, attributes."""
    nodes = served["lenet"]
    check(nodes)
    assert sorted(nodes) == sorted([
        "data", "conv1", "conv1/weight", "conv1/bias", "tanh1", "pool1", "conv2", "conv2/weight",
        "conv2/bias", "tanh2", "pool2", "flatten", "fc1", "fc1/weight", "fc1/bias", "fc2",
        "fc2/weight", "fc2/bias", "softmax_label", "softmax", "softmax_output"])
    assert list(nodes["conv2"].input) == ["pool1", "conv2/weight", "conv2/bias"]
    assert nodes["conv2"].attr["kernel"].s == b"(5, 5)"
    assert shapes(nodes["conv2"]) == [(8, 50, 8, 8)]
    assert shapes(nodes["fc1/weight"]) == [(500, 800)] and shapes(nodes["fc1"]) == [(8, 500)]
    assert nodes["softmax_label"].op == "Input" and nodes["fc1/bias"].op == "Parameter"
    assert list(nodes["softmax_output"].input) == ["softmax"]


def test_a_block_is_the_same_before_and_after_it_has_run():
    """With shapes, a block need not have run; hybridizing and running it change nothing."""
    net = Residual()
    net.initialize()
    nodes = parsed(graph(net, (2, 3)))
    add = "_plus0" if MXNET_1 else "_npi_add"
    times = "_mulscalar0" if MXNET_1 else "_npi_multiply_scalar"
    assert list(nodes[add].input) == [f"body/{DENSE}", "data"]
    assert list(nodes[f"body/{DENSE}"].input) == [times, "body/weight", "body/bias"]
    net.hybridize()
    net(array(2, 3))
    assert parsed(graph(net, (2, 3))) == nodes
    assert net._cached_graph  # it still works
    net(array(2, 3))


@pytest.mark.skipif(MXNET_1, reason="MXNet 1.x traces blocks with Symbols, not with arrays")
def test_a_block_is_the_same_without_numpy_semantics():
    """Where the program turned NumPy's shapes off, which MXNet 2 has on, the graph is the same."""
    net = Residual()
    net.initialize()
    nodes = parsed(graph(net, (2, 3)))
    mx.npx.reset_np()
    try:
        assert parsed(graph(net, (2, 3))) == nodes
        assert not mx.util.is_np_shape()
    finally:
        mx.npx.set_np()


def test_a_block_without_shapes():
    """MXNet 1.x traces it as it is. MXNet 2 takes what it ran: operators without weights are then
    in the box around their neighbours."""
    net = nn.HybridSequential()
    net.add(Residual(), Residual())
    net.initialize()
    net.hybridize()
    net(array(2, 3))
    nodes = parsed(graph(net))
    assert list(nodes[f"1_Residual/body/{DENSE}"].input)[1:] == ["1_Residual/body/weight",
                                                                 "1_Residual/body/bias"]
    assert ("1_Residual/_plus0" if MXNET_1 else "_npi_add") in nodes


def test_tracing_leaves_no_trace(tmp_path):
    """The exported model of a block that was drawn is that of one that was not."""
    files = []
    for name in "drawn", "plain":
        net = nn.HybridSequential(**({"prefix": "net_"} if MXNET_1 else {}))
        net.add(nn.Dense(3, in_units=3), nn.Dense(2, in_units=3))
        if MXNET_1:
            net = nn.Dense(2, in_units=3, prefix="net_")
        net.initialize()
        if name == "drawn":
            graph(net, (2, 3))
        net.hybridize()
        net(array(2, 3))
        net.export(str(tmp_path / name))
        files.append(json.loads((tmp_path / f"{name}-symbol.json").read_text()))
    for document in files:
        for node in document["nodes"]:
            node["name"] = node["name"] if node["name"][:5] != "node_" else "node"
    assert files[0] == files[1]


def test_an_exported_model(tmp_path):
    """Text, file and prefix of an export are one graph, with the boxes of its names."""
    net = nn.HybridSequential()
    net.add(Residual(), nn.Dense(2))
    net.initialize()
    net.hybridize()
    net(array(2, 3))
    net.export(str(tmp_path / "model"))
    file = tmp_path / "model-symbol.json"
    message = graph(file, {"data": (2, 3)})
    assert graph(str(tmp_path / "model"), [(2, 3)]).data == message.data
    assert graph(file.read_text(), (2, 3)).data == message.data
    nodes = parsed(message)
    assert shapes(nodes["data"]) == [(2, 3)]
    dense = [node for node in nodes.values() if node.op == "FullyConnected"]
    assert len(dense) == 2
    for node in dense:
        box = node.name.rpartition("/")[0]
        assert box and list(node.input)[1:] == [f"{box}/weight", f"{box}/bias"]
    block = mx.gluon.SymbolBlock.imports(str(file), ["data"], str(tmp_path / "model-0000.params"))
    assert set(parsed(graph(block))) == set(nodes)


def test_two_inputs_by_name_and_in_order():
    """Shapes come as a dict, as DataDesc of an iterator, as pairs, in a list, or as arrays."""
    x = mx.sym.var("left") + mx.sym.var("right")
    want = {"left": (2, 3), "right": (2, 3)}
    expected = graph(x, want).data
    for given in (list(want.items()), list(want.values()), [array(2, 3), array(2, 3)],
                  [mx.io.DataDesc(name, shape) for name, shape in want.items()]):
        assert graph(x, given).data == expected
    assert shapes(parsed(graph(x, {"left": (2, 3)}))["right"]) == [(2, 3)]
    whole = parsed(graph(x, [mx.io.DataDesc(name, (2,), "int32") for name in want]))
    assert {node.attr["dtype"].type for node in whole.values()} == {3}


def test_outputs_of_an_operator_are_distinguished():
    """The second output of a slice is `split0:1`, at the edge and in the network's outputs."""
    parts = mx.sym.SliceChannel(mx.sym.var("data"), num_outputs=3, name="split0")
    nodes = parsed(graph(mx.sym.Group([parts[0] - parts[1], parts[2]]), (4, 6)))
    [minus] = [node for node in nodes.values() if "sub" in node.op]
    assert list(minus.input) == ["split0", "split0:1"]
    assert shapes(nodes["split0"]) == [(4, 2)] * 3
    assert list(nodes["split0_output2"].input) == ["split0:2"]


def test_names_that_occur_twice_stay_apart():
    """Two operators of one name are two nodes, each with its own edges."""
    x = mx.sym.Activation(mx.sym.var("data"), act_type="relu", name="r")
    nodes = parsed(graph(mx.sym.Activation(x, act_type="tanh", name="r")))
    assert nodes["r"].attr["act_type"].s == b"relu" and list(nodes["r"].input) == ["data"]
    assert nodes["r_1"].attr["act_type"].s == b"tanh" and list(nodes["r_1"].input) == ["r"]


def test_a_weight_that_is_shared():
    """A weight of two operators stands outside of both; one of a single operator inside it."""
    data, weight = mx.sym.var("data"), mx.sym.var("shared_weight")
    first = mx.sym.FullyConnected(data, weight, num_hidden=3, no_bias=True, name="a")
    second = mx.sym.FullyConnected(first, weight, num_hidden=3, name="b")
    nodes = parsed(graph(second, (2, 3)))
    assert list(nodes["a"].input) == ["data", "shared_weight"]
    assert list(nodes["b"].input) == ["a", "shared_weight", "b/bias"]
    assert shapes(nodes["shared_weight"]) == [(3, 3)]


def test_shapes_that_a_symbol_has_itself():
    """Without shapes of the inputs, those that parameters were declared with are there, in its
    JSON too."""
    weight = mx.sym.var("fc_weight", shape=(3, 5))
    net = mx.sym.FullyConnected(mx.sym.var("data"), weight, num_hidden=3, name="fc")
    for given in (net, net.tojson()):
        nodes = parsed(graph(given))
        assert shapes(nodes["fc/weight"]) == [(3, 5)] and not shapes(nodes["data"])


@pytest.mark.skipif(MXNET_1, reason="MXNet 1.x traces blocks with Symbols, not with arrays")
def test_a_deferred_initialisation_is_finished():
    """Tracing with arrays gives parameters their shapes, as a first forward pass does."""
    net = nn.Dense(3)
    net.initialize()
    graph(net, (2, 5))
    assert net.weight.data().shape == (3, 5)


def test_control_flow_is_drawn_inside_its_operator():
    """A loop's body is a box in the operator, fed by its inputs; the results run before it."""
    def body(x, state):
        total = x + state
        return total, total * 2
    out, state = mx.sym.contrib.foreach(body, mx.sym.var("data"), mx.sym.var("state"))
    nodes = parsed(graph(mx.sym.Group([out, state]), {"data": (5, 2), "state": (2,)}))
    [loop] = [node for node in nodes.values() if node.op == "_foreach"]
    inside = {node.op: node for name, node in nodes.items()
              if name.startswith(f"{loop.name}/body/") and node.op != "Input"}
    assert sorted(inside) == ["_mul_scalar", "elemwise_add"]
    assert [list(nodes[name].input) for name in inside["elemwise_add"].input] == [["data"],
                                                                                  ["state"]]
    assert list(loop.input) == ["data", "state", f"^{inside['elemwise_add'].name}",
                                f"^{inside['_mul_scalar'].name}"]
    assert shapes(loop) == [(5, 2), (2,)]


@pytest.mark.skipif(MXNET_1, reason="MXNet 1.x has other control flow for blocks")
@pytest.mark.parametrize("given", [None, (5, 2)])
def test_control_flow_of_a_block(given):
    """A loop in a hybridized block is drawn with and without shapes; each use of a row or of the
    state is fed by what it comes from."""
    class Sum(hybrid_block()):
        def run(self, x):
            return mx.npx.foreach(lambda row, state: (row + state, row * state), x,
                                  mx.np.zeros((2,)))[0]
    net = Sum()
    net.initialize()
    net.hybridize()
    net(array(5, 2))
    nodes = parsed(graph(net, given))
    fed = {name: list(node.input) for name, node in nodes.items() if "subgraph" in name}
    assert fed and all(source == (["data"] if "/data_" in name else ["_npi_zeros"])
                       for name, source in fed.items())
    assert {node.op for name, node in nodes.items() if name.startswith("_npx_foreach/body/")} == {
        "_npi_add", "_npi_multiply", "Input"}
    assert (shapes(nodes["output"]) == [(5, 2)]) == (given is not None)


@pytest.mark.skipif(MXNET_1, reason="MXNet 1.x has other control flow for blocks")
def test_while_and_cond_of_a_block():
    """Condition, body and branches of MXNet 2's blocks are fed with what each of them uses."""
    class Steps(hybrid_block()):
        def run(self, x):
            _, (i, _) = mx.npx.while_loop(lambda i, s: i <= 5, lambda i, s: ([i + s], [i + 1, s]),
                                          [x, x + 1], max_iterations=10)
            return mx.npx.cond(lambda p: p.sum() < 3, lambda p: p * 2, lambda p: p + 1, [i])
    net = Steps()
    net.initialize()
    nodes = parsed(graph(net, (1,)))
    fed = {(name.split("/")[0], name.split("/")[1], list(node.input)[0])
           for name, node in nodes.items() if node.op == "Input" and node.input}
    loop = next(name for name, node in nodes.items() if node.op == "_npx_while_loop")
    start = list(nodes[loop].input)[:2]
    assert start[0] == "data" and nodes[start[1]].op == "_npi_add_scalar"
    assert {part for part in fed if part[0] == loop} == {
        (loop, "condition", "data"), (loop, "body", "data"), (loop, "body", start[1])}
    assert {part[1] for part in fed if part[0] == "_npx_cond"} == {"condition", "then", "else"}
    assert {part[2] for part in fed if part[0] == "_npx_cond"} == {f"{loop}:1"}


def test_while_and_cond():
    """Condition, body and branches are boxes of their own, fed with what each of them uses."""
    (out,), _ = mx.sym.contrib.while_loop(
        lambda i, s: i <= 5, lambda i, s: ([i + s], [i + 1, s + i]),
        [mx.sym.var("i"), mx.sym.var("s")], max_iterations=10)
    branch = mx.sym.contrib.cond(mx.sym.var("p"), lambda: out * 2, lambda: out + mx.sym.var("b"))
    nodes = parsed(graph(branch))
    [loop] = [node.name for node in nodes.values() if node.op == "_while_loop"]
    [cond] = [node.name for node in nodes.values() if node.op == "_cond"]
    fed = {name: list(node.input) for name, node in nodes.items()
           if node.op == "Input" and node.input}
    assert fed.pop(f"{cond}/condition/p") == ["p"]
    assert fed.pop(f"{cond}/else/b") == ["b"]
    assert sorted(fed.values()) == sorted([["i"], ["i"], ["s"], [loop], [loop]])
    assert any(name.startswith(f"{cond}/then/") for name in nodes)
    assert any(name.startswith(f"{loop}/condition/") for name in nodes)


OLD = {
    "nodes": [
        {"op": "null", "param": {}, "name": "data", "inputs": [], "backward_source_id": -1},
        {"op": "null", "param": {}, "name": "bn_gamma", "inputs": [], "attr": {"__lr_mult__": "2"}},
        {"op": "null", "param": {}, "name": "bn_beta", "inputs": []},
        {"op": "null", "param": {}, "name": "bn_moving_mean", "inputs": []},
        {"op": "null", "param": {}, "name": "bn_moving_var", "inputs": []},
        {"op": "BatchNorm", "param": {"eps": "0.001"}, "name": "bn",
         "inputs": [[0, 0], [1, 0], [2, 0], [3, 0], [4, 0]], "attr": {"ctx_group": "dev1"}},
    ],
    "arg_nodes": [0, 1, 2, 3, 4], "heads": [[5, 0]],
}


def test_files_of_old_versions():
    """`attr` and `param` are attributes too, inputs may have two elements; no MXNet is asked."""
    nodes = parsed(graph(json.dumps(OLD)))
    assert nodes["bn"].attr["eps"].s == b"0.001"
    assert list(nodes["bn"].input) == ["data", "bn/gamma", "bn/beta", "bn/moving_mean",
                                       "bn/moving_var"]
    assert nodes["bn/moving_var"].op == "AuxiliaryState" and nodes["bn/beta"].op == "Parameter"
    assert nodes["bn/gamma"].attr["lr_mult"].s == b"2"
    assert list(nodes["bn_output"].input) == ["bn"]


@pytest.mark.parametrize("code", ["\u00b2", "9" * 5000, "13", "-1", "0x1"])
def test_types_that_are_none(code):
    """A variable whose type is no number of one is drawn without it."""
    nodes = [{"op": "null", "name": "data", "attrs": {"__dtype__": code}, "inputs": []}]
    drawn = parsed(graph(json.dumps({"nodes": nodes, "arg_nodes": [0], "heads": [[0, 0, 0]]})))
    assert "T" not in drawn["data"].attr and "dtype" not in drawn["data"].attr


def test_a_file_needs_no_mxnet(tmp_path):
    """A machine without MXNet draws the same graph of a file as one with it."""
    file = tmp_path / "lenet-symbol.json"
    lenet().save(str(file))
    program = ("import sys; sys.modules['mxnet'] = None; from tbwriter.mxnet import graph; "
               "sys.stdout.buffer.write(graph(sys.argv[1], {'data': (8, 1, 28, 28)}).data)")
    source = str(Path(tbwriter.__file__).parent.parent)
    drawn = subprocess.run([sys.executable, "-c", program, str(file)], check=True, timeout=100,
                           env={**os.environ, "PYTHONPATH": source}, stdout=subprocess.PIPE).stdout
    assert drawn == graph(file, {"data": (8, 1, 28, 28)}).data


def test_prefixes_are_boxes():
    """An underscore after a number ends a box; others are part of the name."""
    x = mx.sym.var("data")
    for name in "stage1_unit1_conv1", "stage1_unit1_batch_norm", "elemwise_act0":
        x = mx.sym.Activation(x, act_type="relu", name=name)
    assert sorted(parsed(graph(x))) == ["data", "elemwise_act0", "elemwise_act0_output",
                                        "stage1/unit1/batch_norm", "stage1/unit1/conv1"]


def test_mistakes_are_refused(tmp_path):
    """An argument that is not a network, and shapes for inputs that it does not have, raise at the
    call."""
    symbol = lenet()
    with pytest.raises(TypeError, match="got a network of type int, want a Symbol"):
        graph(3)
    with pytest.raises(ValueError, match="want the JSON of a Symbol"):
        graph("{}")
    with pytest.raises(ValueError, match="got a shape for 'image', want one of the inputs data"):
        graph(symbol, {"image": (1, 1, 28, 28)})
    with pytest.raises(ValueError, match="got 3 input shapes, want 2: the inputs are data, soft"):
        graph(symbol, [(1, 1, 28, 28), (1,), (1,)])
    with pytest.raises(ValueError, match="don't fit"):
        graph(symbol, {"data": (1, 1, 28, 28), "softmax_label": (2, 2, 2)})
    for shape in (("a", 2), (float("inf"), 2)):
        with pytest.raises(TypeError, match="want a tuple of integers"):
            graph(symbol, {"data": shape})
    with pytest.raises(OSError):
        graph(tmp_path / "none.json")


def test_a_block_that_can_not_be_traced():
    """The error gives the reason; on MXNet 2 also that shapes or a forward are missing."""
    class Data(hybrid_block()):
        def run(self, x):
            return x.nothing()
    net = Data()
    net.initialize()
    with pytest.raises(ValueError, match="got a Data that can't be traced"):
        graph(net, (2, 3))
    if not MXNET_1:
        with pytest.raises(ValueError, match="want one that has, or input_shapes"):
            graph(net)


@pytest.mark.parametrize("name", ["mobilenet_v2_0_25", "densenet121", "squeezenet1_0"])
def test_networks_of_the_model_zoo(name):
    """Every node of other networks is there once, in a box, with a shape."""
    net = getattr(vision, name)()
    net.initialize()
    nodes = parsed(graph(net, (1, 3, 224, 224)))
    check(nodes)
    assert len([node for node in nodes.values() if node.op in ("Parameter", "AuxiliaryState")]) \
        == len(list(net.collect_params()))
    assert all(shapes(node) for node in nodes.values())
    assert sorted(key for key in nodes if "/" not in key) == sorted(
        ["data", next(node.name for node in nodes.values() if node.op == "Output")])


def detector(classes=20):
    """The operators after the features of SSD: for each scale, predictions that are joined; for
    each class two slices and a join."""
    x = mx.sym.var("data")
    scales = []
    for number in range(6):
        x = mx.sym.Convolution(x, kernel=(3, 3), stride=(2, 2), pad=(1, 1), num_filter=8,
                               name=f"extra{number}_conv_fwd")
        scales.append(x)
    joined = []
    for kind in "classes", "boxes":
        parts = [mx.sym.Convolution(scale, kernel=(1, 1), num_filter=classes,
                                    name=f"{kind}{number}_conv_fwd")
                 for number, scale in enumerate(scales)]
        joined.append(mx.sym.reshape(mx.sym.concat(*[
            mx.sym.flatten(mx.sym.transpose(part, axes=(0, 2, 3, 1))) for part in parts]),
            shape=(0, -1, classes if kind == "classes" else 4)))
    scores, boxes = mx.sym.softmax(joined[0]), joined[1]
    found = [mx.sym.concat(mx.sym.slice_axis(scores, axis=-1, begin=one, end=one + 1),
                           mx.sym.slice_axis(scores, axis=-1, begin=one, end=one + 1),
                           dim=-1) for one in range(classes)]
    result = mx.sym.concat(*found, dim=1)
    return mx.sym.Group([mx.sym.slice_axis(result, axis=-1, begin=0, end=1, name="scores"),
                         mx.sym.slice_axis(boxes, axis=-1, begin=0, end=4, name="places")])


def vgg():
    """Layers that are numbered by their stage, as those of VGG are."""
    x = mx.sym.var("data")
    for stage, layers in enumerate((2, 2, 3, 3, 3), 1):
        for layer in range(1, layers + 1):
            x = mx.sym.Convolution(x, kernel=(3, 3), pad=(1, 1), num_filter=4,
                                   name=f"conv{stage}_{layer}")
            x = mx.sym.Activation(x, act_type="relu", name=f"relu{stage}_{layer}")
        x = mx.sym.Pooling(x, pool_type="max", kernel=(2, 2), stride=(2, 2), name=f"pool{stage}")
    for number in 6, 7:
        x = mx.sym.FullyConnected(x, num_hidden=8, name=f"fc{number}")
        x = mx.sym.Activation(x, act_type="relu", name=f"relu{number}")
    return mx.sym.SoftmaxOutput(mx.sym.FullyConnected(x, num_hidden=10, name="fc8"), name="prob")


def boxes_of(message):
    """{box: what is drawn in it}, and the edges between what is drawn in the outermost one."""
    nodes = parsed(message).values()
    boxes, edges = {}, {}
    for node in nodes:
        parts = node.name.split("/")
        for depth in range(len(parts)):
            boxes.setdefault("/".join(parts[:depth]), set()).add(parts[depth])
        for source in node.input:
            edge = source.lstrip("^").split("/")[0].split(":")[0], parts[0]
            if edge[0] != edge[1]:
                edges.setdefault(edge[0], set()).add(edge[1])
    return boxes, edges


def has_cycle(edges):
    waiting = {node: set() for node in edges}
    for source, ends in edges.items():
        for end in ends:
            waiting.setdefault(end, set()).add(source)
    while True:
        ready = [node for node, sources in waiting.items() if not sources]
        if not ready:
            return bool(waiting)
        for node in ready:
            del waiting[node]
        for sources in waiting.values():
            sources.difference_update(ready)


@pytest.mark.skipif(not MXNET_1, reason="MXNet 2 has no names for the operators of a Symbol")
def test_loose_operators_are_grouped():
    """SSD's 100 operators outside of blocks: no box holds more than a person can read, and boxes
    do not follow one another in a circle."""
    boxes, edges = boxes_of(graph(detector(), {"data": (1, 3, 300, 300)}))
    assert len(boxes[""]) <= 30
    assert max(map(len, boxes.values())) <= 32
    assert not has_cycle(edges)
    # For each class one box, in that of the operator that joins the classes.
    assert sum(len(inside) == 3 and any(name.startswith("slice_axis") for name in inside)
               for inside in boxes.values()) == 20


@pytest.mark.skipif(not MXNET_1, reason="MXNet 2 has no names for the operators of a Symbol")
def test_stages_are_boxes():
    """A VGG of 36 layers is drawn as its stages; LeNet, which is small, as its layers."""
    boxes, edges = boxes_of(graph(vgg(), {"data": (1, 3, 32, 32)}))
    assert boxes[""] == {"data", "conv1", "conv2", "conv3", "conv4", "conv5", "fc6", "fc7", "fc8",
                         "prob", "prob_label", "prob_output"}
    assert boxes["conv1"] == {"conv1_1", "relu1_1", "conv1_2", "relu1_2", "pool1"}
    assert not has_cycle(edges)
    assert {"conv1", "tanh1", "pool1"} < boxes_of(graph(lenet()))[0][""]
