"""The outputs of blocks inside a net, also of compiled nets: the true values, and no trace left."""
from __future__ import annotations

import threading
import warnings

import pytest

mx = pytest.importorskip("mxnet", reason="MXNet is not installed")

import numpy as np
from tests.mxnet.blocks import MXNET_1, hybrid_block
from tests.support.judges import board, both_loaders
from mxnet import autograd, gluon
from mxnet.gluon import nn

from tbwriter import FileWriter
from tbwriter.mxnet import watch

xp = mx.nd if MXNET_1 else mx.np
WATCH = dict(parameters=False, gradients=False, activations=True)


class Branches(hybrid_block()):  # type: ignore[misc]
    """One block that is called twice, and one that gives two arrays."""

    def __init__(self):
        super().__init__()
        self.shared = nn.Dense(4, in_units=4)
        self.pair = Pair()

    def run(self, x):
        left, right = self.pair(self.shared(self.shared(x)))
        return left + right


class Pair(hybrid_block()):  # type: ignore[misc]
    def run(self, x):
        return x * 2, x - 1


def net(ready=False, **hybridize):
    """dense+relu, batch norm, dropout, a branch, dense. ready: a first pass has made weights."""
    mx.random.seed(3)
    made = nn.HybridSequential()
    made.add(nn.Dense(4, activation="relu"), nn.BatchNorm(), nn.Dropout(0.5), Branches(),
             nn.Dense(2))
    made.initialize(mx.init.Normal(0.5))
    if hybridize:
        made.hybridize(**hybridize)
    if ready:
        made(xp.ones((1, 5)))
    return made


PATHS = ["0_Dense", "0_Dense/act", "1_BatchNorm", "2_Dropout", "3_Branches", "3_Branches/shared",
         "3_Branches/pair", "3_Branches/pair/1", "4_Dense"]
TAGS = {"activations", *("activations/" + path for path in PATHS)}


def train(trained, steps, see=None, device=None):
    """Momentum SGD on fixed data, seeded dropout; gives losses and all parameters."""
    trainer = gluon.Trainer(trained.collect_params(), "sgd",
                            {"learning_rate": 0.01, "momentum": 0.9})
    mx.random.seed(11)
    losses = []
    for step in range(steps):
        x = xp.array(np.random.RandomState(step).randn(6, 5).astype("float32"), ctx=device)
        with autograd.record():
            loss = (trained(x) ** 2).mean()
        loss.backward()
        trainer.step(1)
        losses.append(loss.asnumpy().item())
    return losses, [value.data().asnumpy() for value in trained.collect_params().values()]


def outputs_of_plain(steps):
    """By tag, in each step all values that the blocks give in the same training, not compiled."""
    made, seen = net(ready=True), {}

    def hooked(block, path):
        def hook(block, inputs, outputs):
            for number, array in enumerate(outputs if isinstance(outputs, tuple) else [outputs]):
                tag = "/".join(filter(None, ("activations", path, str(number or ""))))
                values = seen.setdefault(tag, {}).setdefault(len(counted), [])
                values.append(array.asnumpy())
        block.register_forward_hook(hook)
        for key, child in block._children.items():
            child = child if MXNET_1 else child()
            label = f"{key}_{type(child).__name__}" if key.isdigit() else key
            hooked(child, f"{path}/{label}" if path else label)
    counted = []
    hooked(made, "")
    made.register_forward_hook(lambda *call: counted.append(call))
    result = train(made, steps)
    return seen, result


@both_loaders
@pytest.mark.parametrize("hybridize", [{}, {"active": True}, {"static_alloc": True,
                                                              "static_shape": True}],
                         ids=["plain", "hybridized", "static"])
def test_every_block_is_shown_as_it_was(tmp_path, loader, hybridize):
    """The tags and values of a net that is not compiled, of the steps that are due only; losses
    and parameters of the training are the same to the last bit."""
    expected, (losses, parameters) = outputs_of_plain(5)
    made = net(ready=True, **hybridize)
    with FileWriter(tmp_path) as writer, watch(made, writer, every=2, **WATCH):
        seen_losses, seen_parameters = train(made, 5)
    assert seen_losses == losses
    for ours, theirs in zip(seen_parameters, parameters):
        assert (ours == theirs).all()
    with board(tmp_path, loader) as b:
        assert set(b.tags("histograms")) == TAGS == set(expected)
        for tag in TAGS:
            shown = b.tensors("histograms", ".", tag)
            assert [step for step, _ in shown] == [0, 2, 4]
            for step, rows in shown:
                values = np.concatenate([each.ravel() for each in expected[tag][step]])
                assert rows[:, 2].sum() == values.size
                assert rows[0, 0] == pytest.approx(values.min(), rel=1e-6)
                assert rows[-1, 1] == pytest.approx(values.max(), rel=1e-6)


def test_a_compiled_net_trains_as_without(tmp_path):
    """Seen each second step or never: losses and parameters are the same to the last bit."""
    alone, watched = net(active=True), net(active=True)
    expected = train(alone, 6)
    with FileWriter(tmp_path) as writer, watch(watched, writer, every=2, **WATCH):
        losses, parameters = train(watched, 6)
    assert losses == expected[0]
    for ours, theirs in zip(parameters, expected[1]):
        assert (ours == theirs).all()


def state(block):
    """Whatever `watch` could leave on a block or one inside it."""
    children = [child if MXNET_1 else child() for child in block._children.values()]
    return (block._active, sorted(block.__dict__), len(block._forward_hooks),
            len(block._forward_pre_hooks), [state(child) for child in children])


def test_between_the_steps_that_are_due_the_graph_runs(tmp_path, monkeypatch):
    """Inner blocks are called on these steps only, and carry no hooks on others."""
    calls = []
    forward = nn.BatchNorm.forward
    made = net(active=True)
    train(made, 1)  # compiles
    inner = made[1]
    assert state(inner)[2] == 0
    monkeypatch.setattr(nn.BatchNorm, "forward",
                        lambda *call: calls.append(1) or forward(*call))
    with FileWriter(tmp_path) as writer, watch(made, writer, every=3, **WATCH):
        for due in (True, False, False, True, False):
            before = len(calls)
            train(made, 1)
            assert len(calls) - before == due
            assert inner._active and not inner._forward_hooks


def test_hooks_of_one_s_own_are_called_too(tmp_path):
    """Inside a compiled net, on the steps that are logged, and on no others."""
    made, calls = net(ready=True, active=True), []
    made[1].register_forward_hook(lambda *call: calls.append(1))
    with FileWriter(tmp_path) as writer, watch(made, writer, every=2, **WATCH):
        counts = []
        for _ in range(4):
            train(made, 1)
            counts.append(len(calls))
    assert counts == [1, 1, 2, 2]


@pytest.mark.parametrize("hybridize", [{}, {"active": True}])
def test_detach_takes_all_away(tmp_path, hybridize):
    """The net is as before, also where two watches end in the order in which they began, and
    where a pass has failed."""
    made = net(**hybridize)
    train(made, 1)
    before = state(made)
    with FileWriter(tmp_path / "a") as a, FileWriter(tmp_path / "b") as b:
        first, second = watch(made, a, every=1, **WATCH), watch(made, b, every=2, **WATCH)
        train(made, 2)
        with pytest.raises(mx.base.MXNetError), autograd.record():
            made(xp.ones((2, 9)))  # not what the first layer takes
            mx.nd.waitall()
        first.detach()
        train(made, 2)
        second.detach()
    train(made, 2)
    after = state(made)
    assert after[0] == before[0] and after[2:] == before[2:]
    with board(tmp_path, "fast") as b:
        assert [step for step, _ in b.tensors("histograms", "a", "activations/4_Dense")] == [0, 1]
        assert [step for step, _ in b.tensors("histograms", "b", "activations/4_Dense")] == [0, 4]


def test_no_call_waits(tmp_path, monkeypatch):
    """Values are fetched on the writer's thread."""
    threads = set()
    fetch = mx.nd.NDArray.asnumpy

    def asnumpy(array):
        threads.add(threading.get_ident())
        return fetch(array)
    made = net(active=True)
    with FileWriter(tmp_path) as writer, watch(made, writer, every=1, **WATCH):
        monkeypatch.setattr(mx.nd.NDArray, "asnumpy", asnumpy)
        with autograd.record():
            made(xp.ones((2, 5)))
        writer.flush()
        monkeypatch.undo()
    assert threads and threading.get_ident() not in threads


def test_the_first_device_is_shown(tmp_path):
    """Of a batch that is split over two devices, the half of the first one."""
    devices = [mx.cpu(0), mx.cpu(1)]
    made = nn.HybridSequential()
    made.add(nn.Dense(3, in_units=2), nn.Dense(1, in_units=3))
    made.initialize(mx.init.One(), ctx=devices)
    made.hybridize()
    with FileWriter(tmp_path) as writer, watch(made, writer, every=2, **WATCH):
        for step in range(3):
            with autograd.record():
                outputs = [made(xp.ones((4, 2), ctx=device) * (step + 1 + 10 * index))
                           for index, device in enumerate(devices)]
            autograd.backward(outputs)
    with board(tmp_path, "fast") as b:
        for step, rows in b.tensors("histograms", ".", "activations/0_Dense"):
            assert rows[:, 2].sum() == 12
            assert rows[-1, 1] == pytest.approx(2 * (step + 1))
        assert step == 2


def test_a_plain_block_around_compiled_ones(tmp_path):
    """Blocks inside a compiled part of a net that is itself none."""
    class Plain(gluon.Block):
        def __init__(self):
            super().__init__()
            self.body = nn.HybridSequential()
            self.body.add(nn.Dense(3, in_units=2), nn.Dense(2, in_units=3))

        def forward(self, x):
            return self.body(x)

    made = Plain()
    made.initialize()
    made.body.hybridize()
    with FileWriter(tmp_path) as writer, watch(made, writer, every=1, **WATCH):
        for _ in range(2):
            with autograd.record():
                made(xp.ones((4, 2)))
    with board(tmp_path, "fast") as b:
        assert set(b.tags("histograms")) == {
            "activations", "activations/body", "activations/body/0_Dense",
            "activations/body/1_Dense"}
        assert [step for step, _ in b.tensors("histograms", ".", "activations/body/0_Dense")] \
            == [0, 1]


def test_a_recurrent_net(tmp_path):
    """An LSTM gives its output and states; a cell that is unrolled, all its steps in one."""
    class Net(hybrid_block()):
        def __init__(self):
            super().__init__()
            self.layer = gluon.rnn.LSTM(3, layout="NTC", input_size=2)
            self.cell = gluon.rnn.LSTMCell(4, input_size=3)

        def run(self, x):
            x = self.layer(x)
            outputs, _ = self.cell.unroll(5, x, layout="NTC", merge_outputs=True)
            return outputs

    made = Net()
    made.initialize()
    made.hybridize()
    with FileWriter(tmp_path) as writer, watch(made, writer, every=1, **WATCH):
        for _ in range(2):
            with autograd.record():
                output = made(xp.ones((6, 5, 2)))
            output.backward()
    with board(tmp_path, "fast") as b:
        shown = {tag: [(step, rows[:, 2].sum())
                       for step, rows in b.tensors("histograms", ".", tag)]
                 for tag in b.tags("histograms")}
    assert shown["activations"] == [(0, 6 * 5 * 4), (1, 6 * 5 * 4)]
    assert shown["activations/layer"] == [(0, 6 * 5 * 3), (1, 6 * 5 * 3)]
    assert shown["activations/cell"] == [(0, 6 * 5 * 4), (1, 6 * 5 * 4)]


@pytest.mark.parametrize("hybridize", [False, True])
def test_operators_of_an_imported_model(tmp_path, hybridize):
    """A SymbolBlock has no blocks inside: each operator is shown, under its name in the file;
    training continues as without."""
    original = nn.HybridSequential()
    original.add(nn.Dense(4, activation="relu"), nn.BatchNorm(), nn.Dense(2))
    original.initialize(mx.init.Normal(1))
    original.hybridize()
    x = xp.array(np.random.RandomState(0).randn(6, 5).astype("float32"))
    original(x)
    original.export(str(tmp_path / "model"))

    def imported():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # MXNet can't infer the type of the data
            made = gluon.SymbolBlock.imports(str(tmp_path / "model-symbol.json"), ["data"],
                                             str(tmp_path / "model-0000.params"))
        if hybridize:
            made.hybridize()
        return made
    alone, watched = imported(), imported()
    expected = train(alone, 4)
    with FileWriter(tmp_path / "logs") as writer, watch(watched, writer, every=3, **WATCH):
        losses, parameters = train(watched, 4)
    assert losses == expected[0]
    for ours, theirs in zip(parameters, expected[1]):
        assert (ours == theirs).all()
    with autograd.train_mode():
        hidden = original[0](xp.array(np.random.RandomState(0).randn(6, 5).astype("float32")))
    with board(tmp_path / "logs", "fast") as b:
        tags = set(b.tags("histograms"))
        assert len(tags) == 5 and "activations" in tags
        # fullyconnected, relu, batch norm, fullyconnected; MXNet 2 numbers them by node_<n>.
        relu, = (tag for tag in tags if "relu" in tag) if MXNET_1 else sorted(
            tags - {"activations"}, key=lambda tag: int(tag.rpartition("_")[2]))[1:2]
        assert [step for step, _ in b.tensors("histograms", ".", relu)] == [0, 3]
        rows = b.tensors("histograms", ".", relu)[0][1]
        assert rows[:, 2].sum() == hidden.size
        assert rows[-1, 1] == pytest.approx(hidden.asnumpy().max(), rel=1e-6)
