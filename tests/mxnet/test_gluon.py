"""Gluon loops: parameters, gradients and activations, on MXNet 1.x and 2, without waiting."""
from __future__ import annotations

import pytest

mx = pytest.importorskip("mxnet", reason="MXNet is not installed")

import numpy as np
from tests.support.judges import board, both_loaders
from mxnet import autograd, gluon
from mxnet.gluon import Trainer, nn

from tbwriter import FileWriter
from tbwriter.mxnet import log_gradients, log_parameters, watch

MXNET_1 = mx.__version__.startswith("1.")
xp = mx.nd if MXNET_1 else mx.np


def mlp(hybrid=True, **where):
    """dense (3) - batch norm - dense (2)."""
    net = nn.HybridSequential(**({"prefix": "net_"} if MXNET_1 else {}))
    with net.name_scope() if MXNET_1 else autograd.pause():
        net.add(nn.Dense(3, in_units=4), nn.BatchNorm(in_channels=3), nn.Dense(2, in_units=3))
    net.initialize(mx.init.Normal(1), **where)
    if hybrid:
        net.hybridize()
    return net


NAMES = ["net_dense0_weight", "net_dense0_bias", "net_batchnorm0_gamma", "net_batchnorm0_beta",
         "net_dense1_weight", "net_dense1_bias"] if MXNET_1 else \
    ["0.weight", "0.bias", "1.gamma", "1.beta", "2.weight", "2.bias"]
RUNNING = ["net_batchnorm0_running_mean", "net_batchnorm0_running_var"] if MXNET_1 else \
    ["1.running_mean", "1.running_var"]


def batch(device=None):
    values = np.random.RandomState(0).randn(5, 4).astype("float32")
    return xp.array(values, ctx=device)


def backward(net, *devices):
    """One pass forward and back on each device; gives the trainer's batch size."""
    with autograd.record():
        losses = [(net(batch(device)) ** 2).sum() for device in devices or (mx.cpu(),)]
    autograd.backward(losses)
    return 5


def outer(histograms):
    """(smallest, largest, how many) of each histogram: [buckets of left, right, count]."""
    return [(step, value[0][0], value[-1][1], value[:, 2].sum()) for step, value in histograms]


def expect(step, *arrays):
    """The results of `outer` for the values of arrays."""
    values = np.concatenate([array.ravel() for array in arrays])
    return (step, pytest.approx(values.min(), rel=1e-6), pytest.approx(values.max(), rel=1e-6),
            values.size)


@both_loaders
@pytest.mark.parametrize("hybrid", [True, False])
def test_parameters_and_gradients_are_those_of_the_call(tmp_path, loader, hybrid):
    """Histograms under MXNet's names; values that change right after the call stay as they were."""
    net = mlp(hybrid)
    backward(net)
    found = net.collect_params()
    wanted = {f"parameters/{name}": found[name].data().asnumpy() for name in NAMES + RUNNING}
    wanted.update((f"gradients/{name}", found[name].grad().asnumpy()) for name in NAMES)
    with FileWriter(tmp_path) as writer:
        log_parameters(writer, net, 7)
        log_gradients(writer, net, 7)
        for name in NAMES:
            found[name].data()[:] = 99
            found[name].grad()[:] = 99
    with board(tmp_path, loader) as b:
        assert set(b.tags("histograms")) == set(wanted)
        for tag, values in wanted.items():
            assert outer(b.tensors("histograms", ".", tag)) == [expect(7, values)]


def test_several_devices_are_merged(tmp_path):
    """Parameters of the first device, gradients added up; or of the first where they are summed."""
    devices = [mx.cpu(0), mx.cpu(1)]
    net = mlp(ctx=devices)
    backward(net, *devices)
    weight = net.collect_params()[NAMES[0]]
    total = sum(gradient.asnumpy() for gradient in weight.list_grad())
    with FileWriter(tmp_path) as writer:
        log_parameters(writer, net, 0, pattern=NAMES[0])
        log_gradients(writer, net, 0, pattern=NAMES[0])
        log_gradients(writer, net, 1, pattern=NAMES[0], reduced=True)
    with board(tmp_path, "fast") as b:
        assert set(b.tags("histograms")) == {f"parameters/{NAMES[0]}", f"gradients/{NAMES[0]}"}
        assert outer(b.tensors("histograms", ".", f"gradients/{NAMES[0]}")) == [
            expect(0, total), expect(1, weight.list_grad()[0].asnumpy())]


@pytest.mark.skipif(not MXNET_1, reason="Gluon of MXNet 2 refuses sparse parameters (ValueError)")
@pytest.mark.parametrize("trained", [True, False])
def test_sparse_parameters(tmp_path, trained):
    """Rows that only a Trainer's store holds are logged too, before and after there is one; sparse
    gradients count the zeros."""
    class Rows(gluon.Block):
        def __init__(self):
            super().__init__()
            self.weight = self.params.get("weight", shape=(10, 2), stype="row_sparse",
                                          grad_stype="row_sparse", init=mx.init.One())

        def forward(self, x):
            rows = self.weight.row_sparse_data(x)
            return mx.nd.Embedding(x, rows, input_dim=10, output_dim=2, sparse_grad=True)

    net = Rows()
    net.initialize()
    name, = net.collect_params()
    with FileWriter(tmp_path) as writer:
        if trained:
            trainer = Trainer(net.collect_params(), "sgd", {"learning_rate": 0.5})
            with autograd.record():
                loss = net(mx.nd.array([1, 3], dtype="int64")).sum()
            loss.backward()
            trainer.step(1)
            log_gradients(writer, net, 0)
        log_parameters(writer, net, 0)
    with board(tmp_path, "fast") as b:
        values = np.ones((10, 2))
        if trained:
            values[[1, 3]] -= 0.5
            gradient = np.zeros((10, 2))
            gradient[[1, 3]] = 1
            assert outer(b.tensors("histograms", ".", f"gradients/{name}")) == [expect(0, gradient)]
        assert outer(b.tensors("histograms", ".", f"parameters/{name}")) == [expect(0, values)]


def test_what_has_no_gradient_is_left_out(tmp_path):
    """grad_req null: parameters are logged, gradients are not."""
    net = mlp()
    net.collect_params()[NAMES[0]].grad_req = "null"
    backward(net)
    with FileWriter(tmp_path) as writer:
        log_gradients(writer, net, 0)
    with board(tmp_path, "fast") as b:
        assert set(b.tags("histograms")) == {f"gradients/{name}" for name in NAMES[1:]}


def test_what_is_not_initialised_is_left_out(tmp_path):
    """Before the first forward pass gives the shapes there is nothing to log."""
    net = nn.Dense(3, use_bias=False)
    net.initialize()
    with FileWriter(tmp_path) as writer:
        log_parameters(writer, net)
        log_gradients(writer, net)
    with board(tmp_path, "fast") as b:
        assert not b.tags("histograms")


@pytest.mark.parametrize("hybrid", [True, False])
def test_watch_logs_every_nth_step(tmp_path, hybrid):
    """A loop that knows nothing of it: each value is that of its step, after the update."""
    net = mlp(hybrid)
    trainer = Trainer(net.collect_params(), "sgd", {"learning_rate": 0.01})
    weight = net.collect_params()[NAMES[0]]
    after, gradients = [], []
    with FileWriter(tmp_path) as writer:
        with watch(net, writer, every=2):
            for _ in range(5):
                trainer.step(backward(net))
                after.append(weight.data().asnumpy())
                gradients.append(weight.grad().asnumpy())
                net(batch())  # no training
        backward(net)  # no longer watched
    with board(tmp_path, "fast") as b:
        assert outer(b.tensors("histograms", ".", f"parameters/{NAMES[0]}")) == [
            expect(step, after[step]) for step in (0, 2, 4)]
        assert outer(b.tensors("histograms", ".", f"gradients/{NAMES[0]}")) == [
            expect(step, gradients[step]) for step in (0, 2, 4)]


def test_arguments_of_watch(tmp_path):
    """The step to begin with, which parameters, and whether gradients too; a gradient that the
    loop sets to zero before the next step is seen as zero."""
    net = mlp()
    weight = net.collect_params()[NAMES[0]]
    with FileWriter(tmp_path) as writer:
        with watch(net, writer, every=2, start=100, pattern=NAMES[0]):
            for _ in range(3):
                backward(net)
                net.collect_params().zero_grad() if MXNET_1 else net.zero_grad()
        with watch(net, writer.sub_run("values"), every=1, gradients=False):
            backward(net)
        with watch(net, writer.sub_run("gradients"), every=1, parameters=False):
            backward(net)
        gradient = weight.grad().asnumpy()
    with board(tmp_path, "fast") as b:
        assert set(b.tags("histograms")) == {f"parameters/{NAMES[0]}", f"gradients/{NAMES[0]}"}
        shown = outer(b.tensors("histograms", ".", f"gradients/{NAMES[0]}"))
        assert shown == [(step, 0, 0, gradient.size) for step in (100, 102)] and gradient.any()
        assert set(b.tags("histograms", "values")) == {
            f"parameters/{name}" for name in NAMES + RUNNING}
        assert set(b.tags("histograms", "gradients")) == {f"gradients/{name}" for name in NAMES}


def test_watch_counts_one_device(tmp_path):
    """A batch that is split over two devices is one step."""
    devices = [mx.cpu(0), mx.cpu(1)]
    net = mlp(ctx=devices)
    with FileWriter(tmp_path) as writer, watch(net, writer, every=1, gradients=False):
        for _ in range(3):
            backward(net, *devices)
    with board(tmp_path, "fast") as b:
        steps = [step for step, _ in b.tensors("histograms", ".", f"parameters/{NAMES[0]}")]
    assert steps == [0, 1, 2]


def test_mistakes_are_refused(tmp_path):
    """Only blocks can be watched, every so many steps."""
    with FileWriter(tmp_path) as writer:
        with pytest.raises(TypeError, match="got a dict to watch, want a Gluon block"):
            watch({}, writer)
        with pytest.raises(ValueError, match="got every=0"):
            watch(mlp(), writer, every=0)
