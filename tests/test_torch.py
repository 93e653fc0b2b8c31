"""The graph of a torch module, checked against the module and through both loaders."""
from __future__ import annotations

from typing import Any

import pytest
from google.protobuf import text_format
from tests.support.judges import both_loaders, events, http
from tensorboard.compat.proto import graph_pb2

from tbwriter import FileWriter, SummaryWriter

torch: Any = pytest.importorskip("torch", reason="needs torch")
from tbwriter.torch import graph, nodes

CONV = "Net/Sequential[layer]/Conv2d[0]"


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Sequential(
            torch.nn.Conv2d(1, 4, 3, stride=2), torch.nn.BatchNorm2d(4), torch.nn.ReLU())
        self.fc = torch.nn.Linear(36, 10)

    def forward(self, x):
        return torch.log_softmax(self.fc(torch.flatten(self.layer(x), 1)), 1)


class Recurrent(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn = torch.nn.LSTM(5, 7, num_layers=2)
        self.out = torch.nn.Linear(7, 3)

    def forward(self, x, scale):
        y, (h, c) = self.rnn(x)
        return self.out(y) * scale, h, c


def by_name(found):
    return {node.name: node for node in found}


def test_convolution():
    """Operations lie in the scope of their module, with inputs, shapes and constants by name."""
    found = by_name(nodes(Net(), torch.zeros(2, 1, 8, 8)))
    convolution = found[CONV + "/_convolution"]
    assert convolution.op == "aten::_convolution"
    assert list(convolution.inputs) == ["input/x", CONV + "/weight", CONV + "/bias"]
    assert convolution.attrs["stride"] == [2, 2] and convolution.attrs["groups"] == 1
    assert [list(shape) for shape in convolution.output_shapes] == [[2, 4, 3, 3]]
    assert convolution.dtype == "float32" and convolution.device == "/device:CPU:0"
    assert list(found["output/0"].inputs) == ["Net/log_softmax"]


def test_every_parameter_is_there():
    """Each parameter that the model computes with is a node of the parameter's shape."""
    model = Net()
    found = nodes(model, torch.zeros(2, 1, 8, 8))
    shapes = [list(node.output_shapes[0]) for node in found if node.op == "Parameter"]
    wanted = [list(tensor.shape) for name, tensor in model.state_dict().items()
              if not name.endswith("num_batches_tracked")]
    assert sorted(shapes) == sorted(wanted)


def test_recurrent():
    """Several arguments and results, one of them the second output of an operation."""
    found = by_name(nodes(Recurrent(), (torch.zeros(4, 2, 5), torch.tensor(2.0))))
    lstm = found["Recurrent/LSTM[rnn]/lstm"]
    assert [list(shape) for shape in lstm.output_shapes] == [[4, 2, 7], [2, 2, 7], [2, 2, 7]]
    assert lstm.attrs["num_layers"] == 2 and len(lstm.inputs) == 1 + 2 + 8
    assert [list(found[f"output/{number}"].inputs) for number in (1, 2)] == [
        ["Recurrent/LSTM[rnn]/lstm:1"], ["Recurrent/LSTM[rnn]/lstm:2"]]
    assert {"input/x", "input/scale"} <= set(found)


def test_model_is_left_as_it_was():
    """Training modes, running statistics and gradients do not change."""
    model = Net()
    model.layer[0].eval()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    modes = [module.training for module in model.modules()]
    nodes(model, torch.ones(2, 1, 8, 8))
    assert [module.training for module in model.modules()] == modes
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_scripted_model():
    """A scripted model is taken as it is; its branch is one node."""
    class Branch(torch.nn.Module):
        def forward(self, x):
            if bool(x.sum() > 0):
                x = x + 1
            return x
    found = by_name(nodes(torch.jit.script(Branch()), torch.zeros(2)))
    assert found["Branch/If"].op == "prim::If"


def test_dict_result():
    """Models that give dicts are traced when strictness is switched off."""
    class Dict(torch.nn.Module):
        def forward(self, x):
            return {"a": x + 1, "b": x * 2}
    with pytest.raises(RuntimeError):
        nodes(Dict(), torch.zeros(2))
    found = by_name(nodes(Dict(), torch.zeros(2), use_strict_trace=False))
    assert list(found["Dict/DictConstruct"].inputs) == ["Dict/add", "Dict/mul"]


@both_loaders
def test_dashboard(tmp_path, loader):
    """The dashboard serves the graph of a CNN and of an LSTM, node for node."""
    models = {"cnn": (Net(), torch.zeros(2, 1, 8, 8)),
              "lstm": (Recurrent(), (torch.zeros(4, 2, 5), torch.tensor(2.0)))}
    for run, (model, inputs) in models.items():
        with FileWriter(tmp_path / run) as writer:
            writer.add(graph(model, inputs), 0)
    events(tmp_path)
    with http(tmp_path, loader) as h:
        for run, (model, inputs) in models.items():
            shown = text_format.Parse(
                h.bytes("graphs/graph", run=run, limit_attr_size=1024,
                        large_attrs_key="_too_large_attrs").decode(), graph_pb2.GraphDef())
            wanted = nodes(model, inputs)
            assert [(node.name, node.op, list(node.input)) for node in shown.node] == \
                [(node.name, node.op, list(node.inputs)) for node in wanted]
            assert all("_too_large_attrs" not in node.attr for node in shown.node)


def test_no_module():
    """TypeError for an object that is not a module, with its type and the wanted one."""
    with pytest.raises(TypeError, match="got a model of type int, want a torch.nn.Module"):
        nodes(3, torch.zeros(1))


class Masked(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = torch.nn.Linear(3, 2)

    def forward(self, x, mask, scale=None):
        x = x if mask is None else x * mask
        return self.fc(x) if scale is None else self.fc(x) * scale


@pytest.mark.parametrize("inputs", [
    (torch.ones(1, 3), None), (torch.ones(1, 3), None, torch.ones(1)),
    (torch.ones(1, 3), torch.ones(3), None)])
def test_none_among_the_inputs(inputs):
    """An argument that is None is given to forward as None, and the model is left as it was."""
    model = Masked()
    found = nodes(model, inputs)
    given = [node for node in found if node.op == "Input"]
    assert len(given) == sum(one is not None for one in inputs)
    assert "forward" not in vars(model)
    assert torch.equal(model(*inputs), Masked.forward(model, *inputs))


@pytest.mark.parametrize("inputs", [None, (None,), "x", (torch.ones(1, 5), None), [None, 3]])
def test_models_that_cannot_be_traced(tmp_path, inputs):
    """Whatever torch raises, the caller gets a TypeError or ValueError with its cause."""
    with SummaryWriter(tmp_path) as writer:
        with pytest.raises((TypeError, ValueError)):
            writer.add_graph(Masked(), inputs)
        with pytest.raises(ValueError, match="got a model of type str whose graph"):
            writer.add_graph(str(tmp_path / "missing.json"))
