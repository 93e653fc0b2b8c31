"""MXNet's profiler in a session: batches of each kind of loop, with a real MXNet."""
from __future__ import annotations

import re

import pytest

mx = pytest.importorskip("mxnet", reason="MXNet is not installed")
if not hasattr(mx, "profiler"):  # the folder tests/mxnet, where MXNet is not installed
    pytest.skip("MXNet is not installed", allow_module_level=True)

import numpy as np

from tbwriter import FileWriter
from tbwriter.mxnet import EstimatorHandler, profile

from tests.profile.messages import Written, events_of, parsed

old = pytest.mark.skipif(not hasattr(mx, "mod"), reason="MXNet 2 has no Module")


def mlp():
    net = mx.sym.FullyConnected(mx.sym.var("data"), name="fc1", num_hidden=16)
    net = mx.sym.Activation(net, name="relu1", act_type="relu")
    net = mx.sym.FullyConnected(net, name="fc2", num_hidden=4)
    return mx.sym.SoftmaxOutput(net, name="softmax")


def batches(count, size=8):
    return mx.io.NDArrayIter(np.random.rand(count * size, 5).astype("float32"),
                             np.random.randint(0, 4, count * size).astype("float32"), size)


def steps(written):
    return [stats["step_num"] for events in written.lines.values() for *_, stats in events
            if "step_num" in stats]


def operators(written):
    """The names of operators, by time."""
    found = [event for line, events in written.lines.items() if line.startswith("MXNet thread")
             for event in events if "tf_op" in event[3]]
    return [event[0] for event in sorted(found, key=lambda event: event[1])]


@old
@pytest.mark.parametrize("kwargs, expected", [
    (lambda writer, module: module.fit_callbacks(writer, profile=(2, 6)), [2, 3, 4, 5, 6]),
    (lambda writer, module: dict(batch_end_callback=module.ProfileBatches(writer, 1, 9)),
     list(range(1, 10))),
    (lambda writer, module: dict(batch_end_callback=module.ProfileBatches(writer, 9, 500)),
     [9, 10, 11]),
], ids=["fit_callbacks", "over epochs", "training ends before"])
def test_fit(tmp_path, kwargs, expected):
    """Module.fit's batches are steps, each with its operators by the names of their nodes, with
    the waits for the data iterator, which is afterwards as it was."""
    import tbwriter.mxnet as module
    data = batches(4)
    with FileWriter(tmp_path) as writer:
        mx.mod.Module(mlp()).fit(data, num_epoch=3, **kwargs(writer, module))
    written = Written(tmp_path)
    assert steps(written) == expected
    count = len(expected)
    names = operators(written)
    assert names.count("fc1") == names.count("backward_fc2") == names.count("relu1") == count
    assert names.index("fc1") < names.index("relu1") < names.index("fc2") < names.index(
        "backward_fc2") < names.index("backward_fc1")
    assert written.names("MainThread").count("next batch") >= count - 1
    assert "next" not in vars(data)
    memory = written.lines["memory"]
    assert memory and all(stats["bytes_allocated"] >= 0 for *_, stats in memory)


@old
@pytest.mark.parametrize("first, last", [(0, 5), (5, 4), (2.0, 4), (True, 4)])
def test_batches_that_are_none(tmp_path, first, last):
    """Batches that can't be profiled are refused at the call."""
    from tbwriter.mxnet import ProfileBatches
    with FileWriter(tmp_path) as writer:
        with pytest.raises((TypeError, ValueError), match="got"):
            ProfileBatches(writer, first, last)


@old
def test_disabled(tmp_path):
    """A disabled writer profiles nothing, and leaves MXNet's profiler alone."""
    from tbwriter.mxnet import fit_callbacks
    writer = FileWriter(tmp_path / "logs", disabled=True)
    mx.mod.Module(mlp()).fit(batches(4), num_epoch=1, **fit_callbacks(writer, profile=(1, 2)))
    assert not (tmp_path / "logs").exists()


def small():
    from mxnet import gluon
    if mx.__version__.startswith("2"):
        mx.npx.set_np()
    net = gluon.nn.HybridSequential()
    net.add(gluon.nn.Dense(8, activation="relu"), gluon.nn.Dense(3))
    net.initialize()
    net.hybridize()
    data = gluon.data.ArrayDataset(np.random.rand(48, 5).astype("float32"),
                                   np.random.randint(0, 3, 48).astype("float32"))
    return net, gluon.data.DataLoader(data, 8)


def test_loop_in_windows(tmp_path):
    """A Gluon loop is profiled window by window, each with its own operators."""
    from mxnet import autograd, gluon
    net, loader = small()
    loss = gluon.loss.SoftmaxCrossEntropyLoss()
    trainer = gluon.Trainer(net.collect_params(), "sgd")
    with FileWriter(tmp_path) as writer:
        number = 0
        with profile(writer, every=6, steps=2, symbol=net) as recorded:
            for _ in range(2):
                for images, labels in recorded.input(loader):
                    with recorded.step(number):
                        with autograd.record():
                            value = loss(net(images), labels).mean()
                        value.backward()
                        trainer.step(8)
                        value.asnumpy()
                    number += 1
                    writer.flush()
    found = []
    for path in tmp_path.rglob("*.xplane.pb"):
        plane = parsed(path.read_bytes()).planes[0]
        events = [event for line in plane.lines for event in events_of(plane, line)]
        assert "memory" in [line.name for line in plane.lines]  # by default
        kinds = [stats["tf_op"].partition(":")[2] for *_, stats in events if "tf_op" in stats]
        found.append(([stats["step_num"] for *_, stats in events if "step_num" in stats],
                      kinds.count("FullyConnected"), kinds.count("_backward_FullyConnected")))
    assert sorted(found) == [([0, 1], 4, 4), ([6, 7], 4, 4)]


def test_estimator(tmp_path):
    """The Estimator's batches are steps, from the first on; validation is none of them."""
    from mxnet import gluon
    from mxnet.gluon.contrib.estimator import Estimator
    net, loader = small()
    with FileWriter(tmp_path) as writer:
        estimator = Estimator(net, gluon.loss.SoftmaxCrossEntropyLoss())
        estimator.logger.disabled = True
        estimator.fit(loader, loader, epochs=3, event_handlers=[
            EstimatorHandler(writer, profile=(0, 8))])
    [path] = tmp_path.rglob("*.xplane.pb")
    plane = parsed(path.read_bytes()).planes[0]
    lines = {line.name: events_of(plane, line) for line in plane.lines}
    found = [stats["step_num"] for *_, stats in lines["MainThread"] if "step_num" in stats]
    assert found == list(range(9))
    waits = [event for event in lines["MainThread"] if event[0] == "next batch"]
    assert len(waits) == 9


def test_sums_are_those_of_mxnet(tmp_path):
    """Each operator's count and time are MXNet's own, to a microsecond."""
    with FileWriter(tmp_path) as writer:
        mx.profiler.dumps(reset=True)
        with profile(writer):
            values = mx.nd.ones((64, 64))
            for _ in range(20):
                values = mx.nd.dot(values, values) * 0.01
            values.asnumpy()
    table = mx.profiler.dumps(reset=True).partition("\noperator\n")[2].partition("\n\n")[0]
    expected = {}
    for line in table.splitlines()[3:]:
        name, count, total = re.match(r"(\S+) +(\d+) +([\d.]+) ", line).groups()
        expected[name] = (int(count), round(float(total) * 1000))
    sums = {}
    for line, events in Written(tmp_path).lines.items():
        for _, _, duration, stats in events:
            if "tf_op" in stats:
                kind = stats["tf_op"].partition(":")[2]
                before = sums.get(kind, (0, 0))
                sums[kind] = before[0] + 1, before[1] + duration // 1_000_000
    assert sums == expected and "dot" in sums
