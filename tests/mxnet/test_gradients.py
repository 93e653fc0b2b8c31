"""Gradients are those of before the update, per worker, wherever the update happens."""
from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from itertools import product
from pathlib import Path

import pytest

mx = pytest.importorskip("mxnet", reason="MXNet is not installed")

import numpy as np

from tbwriter import FileWriter, _warnings, summary
from tbwriter.mxnet import fit_callbacks, log_gradients, watch
from tbwriter.mxnet._gradients import StepGradients
from tests.support.judges import board

if mx.__version__.startswith("1."):
    from tbwriter.mxnet import GradientHistograms

ROOT = Path(__file__).parent.parent.parent
MXNET_1 = mx.__version__.startswith("1.")
TIMEOUT = 120
MONITORED = "fc_backward_weight", "fc_backward_bias"
needs_module = pytest.mark.skipif(not MXNET_1, reason="MXNet 2 has no Module")

# What the wheels of MXNet take: asynchronous servers update, always.
STORES = ["dist_sync", "dist_async", "dist_device_sync"]
ALL = [(kind, workers, devices, where)
       for kind, workers, devices, where in product(STORES, (1, 2), (1, 2), (None, True, False))
       if not (kind == "dist_async" and where is False)]
# Each pair of settings at least once; TBWRITER_ALL_STORES=1 tests every combination.
PAIRS = ALL if os.environ.get("TBWRITER_ALL_STORES") else [
    ("dist_sync", 1, 1, None), ("dist_sync", 2, 2, False), ("dist_async", 2, 1, True),
    ("dist_async", 1, 2, None), ("dist_device_sync", 1, 2, True), ("dist_device_sync", 2, 1, None)]


def run_workers(logdir, case, kvstore="dist_sync", workers=1, devices=1, update_on_kvstore=None):
    """A scheduler, a server and workers on the loopback, ended by their own ids."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    processes = []
    try:
        for role in ["scheduler", "server"] + ["worker"] * workers:
            environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "DMLC_ROLE": role,
                           "DMLC_PS_ROOT_URI": "127.0.0.1", "DMLC_PS_ROOT_PORT": port,
                           "DMLC_NODE_HOST": "127.0.0.1", "DMLC_NUM_WORKER": str(workers),
                           "DMLC_NUM_SERVER": "1", "OMP_NUM_THREADS": "1"}
            program = ["-c", "import mxnet"] if role != "worker" else [
                str(Path(__file__).parent / "distributed.py"), case, str(logdir), kvstore,
                str(devices), str(update_on_kvstore)]
            processes.append(subprocess.Popen([sys.executable, *program], env=environment))
        assert [process.wait(TIMEOUT) for process in processes[2:]] == [0] * workers
    finally:
        for process in processes:
            process.kill()
            process.wait()


def expect_gradients(logdir, *runs):
    """The runs of each worker show its own gradients, at every step; also those of a Monitor, which
    on several devices have tags of their own."""
    with board(logdir, "fast") as b:
        for worker in sorted(logdir.iterdir()):
            wanted = np.load(worker / "wanted.npz")
            for run in runs:
                count = expect_histograms(b, f"{worker.name}/{run}", wanted)
                tags = b.tags("histograms", f"{worker.name}/{run}")
                monitored = sum(tag in MONITORED for tag in tags)
                assert count == len(wanted) * (1 + (monitored == len(MONITORED)))


def expect_histograms(b, run, wanted):
    """Every histogram holds the values of its step; gives how many there are."""
    found = 0
    for tag in b.tags("histograms", run):
        name = re.split("[/_.]", tag)[-1]
        if not tag.startswith("gradients/") and tag not in MONITORED:
            continue
        for step, buckets in b.tensors("histograms", run, tag):
            values = wanted[f"{step} {name}"].ravel()
            assert buckets[0][0] == pytest.approx(values.min(), rel=1e-4, abs=1e-5)
            assert buckets[-1][1] == pytest.approx(values.max(), rel=1e-4, abs=1e-5)
            assert buckets[:, 2].sum() == values.size
            middles = np.repeat(buckets[:, :2].mean(1), np.rint(buckets[:, 2]).astype(int))
            assert middles == pytest.approx(np.sort(values), rel=0.11, abs=1e-5)
            found += 1
    return found


def runs_of(logdir):
    with board(logdir, "fast") as b:
        return {run.split("/")[1] for run in b.runs()}


@pytest.mark.parametrize("kvstore, workers, devices, where", PAIRS)
def test_a_gluon_loop(tmp_path, kvstore, workers, devices, where):
    """`watch`, and `log_gradients` before the update, log the worker's own gradients; after the
    update nothing is logged, with one warning."""
    run_workers(tmp_path, "loop", kvstore, workers, devices, where)
    expect_gradients(tmp_path, "watch", "before")
    assert runs_of(tmp_path) == {"watch", "before"}
    for worker in tmp_path.iterdir():
        told = (worker / "warnings").read_text().splitlines()
        assert len(told) == 1 and "call log_gradients between backward() and trainer.step()" \
            in told[0]


@pytest.mark.parametrize("kvstore, workers, devices, where", PAIRS)
def test_the_estimator(tmp_path, kvstore, workers, devices, where):
    """EstimatorHandler logs the worker's own gradients, without a warning."""
    run_workers(tmp_path, "estimator", kvstore, workers, devices, where)
    expect_gradients(tmp_path, "watch")
    assert not any((worker / "warnings").read_text() for worker in tmp_path.iterdir())


@needs_module
@pytest.mark.parametrize("case", ["module", "feed forward"])
@pytest.mark.parametrize("kvstore, workers, devices", [
    ("dist_sync", 2, 1), ("dist_sync", 1, 2), ("dist_async", 2, 1), ("dist_device_sync", 2, 2)])
def test_module_and_feed_forward(tmp_path, case, kvstore, workers, devices):
    """fit_callbacks log the worker's own gradients from the first batch on."""
    run_workers(tmp_path, case, kvstore, workers, devices)
    expect_gradients(tmp_path, "watch")
    assert not any((worker / "warnings").read_text() for worker in tmp_path.iterdir())


@needs_module
def test_a_module_that_updates_on_the_workers(tmp_path, monkeypatch):
    """Without update on the kvstore, what is logged is not yet the sum over workers and devices."""
    monkeypatch.setenv("MXNET_UPDATE_ON_KVSTORE", "0")
    run_workers(tmp_path, "module", "dist_sync", 2, 2)
    expect_gradients(tmp_path, "watch")


@pytest.mark.parametrize("case, where", [("accumulated", True), ("accumulated", False),
                                         ("by hand", False)])
def test_other_loops(tmp_path, case, where):
    """Accumulated gradients that are set to zero after the update, and a loop that calls
    allreduce_grads and update by itself."""
    run_workers(tmp_path, case, "dist_sync", 2, 1, where)
    expect_gradients(tmp_path, "watch", "before")
    assert runs_of(tmp_path) == {"watch", "before"}


def test_the_first_call_comes_after_updates(tmp_path):
    """Weights that took the gradients' place before anybody looked are not logged."""
    run_workers(tmp_path, "late", "dist_sync", 1, 1, True)
    assert "overwritten them with the weights" in (tmp_path / "0" / "warnings").read_text()
    assert not list(tmp_path.rglob("*tfevents*"))


def test_a_loop_without_a_trainer(tmp_path):
    """Weights that a loop's own pull put into the gradients are not logged."""
    run_workers(tmp_path, "servers", "dist_sync", 1, 1)
    expect_gradients(tmp_path, "before")
    assert runs_of(tmp_path) == {"before"}
    assert "overwritten them with the weights" in (tmp_path / "0" / "warnings").read_text()


# --- In one process ---------------------------------------------------------------------------

xp = mx.nd if MXNET_1 else mx.np


def linear(devices=1, **more):
    """A layer of ones, its Trainer, and what one pass over all devices leaves as gradients."""
    where = [mx.cpu(index) for index in range(devices)]
    net = mx.gluon.nn.Dense(1, use_bias=False, in_units=3)
    net.initialize(mx.init.One(), ctx=where)
    settings = {"learning_rate": 0.5, **more.pop("settings", {})}
    trainer = mx.gluon.Trainer(net.collect_params(), more.pop("optimizer", "sgd"), settings, **more)

    def run(factor=1.0):
        parts = [np.full((2, 3), factor * (1 + index), "float32") for index in range(devices)]
        with mx.autograd.record():
            losses = [net(xp.array(part, ctx=device)).sum() for part, device in zip(parts, where)]
        mx.autograd.backward(losses)
        return float(sum(part[:, 0].sum() for part in parts))
    return net, trainer, run


def logged(logdir, run="."):
    """[(step, the one value that all elements of the gradient have)]"""
    with board(logdir, "fast") as b:
        tag, = [tag for tag in b.tags("histograms", run) if tag.startswith("gradients/")]
        return [(step, pytest.approx(buckets[0][0], rel=1e-5))
                for step, buckets in b.tensors("histograms", run, tag)]


@pytest.mark.parametrize("more", [
    {}, {"kvstore": "local", "update_on_kvstore": False},
    {"kvstore": "device", "update_on_kvstore": True},
    {"kvstore": "device", "compression_params": {"type": "2bit", "threshold": 0.5}}])
def test_two_devices(tmp_path, more):
    """The sum over both devices, once, also where the Trainer has summed the gradients already;
    before the update, after it, and in `watch`."""
    net, trainer, run = linear(2, **more)
    with FileWriter(tmp_path / "before") as before, FileWriter(tmp_path / "after") as after, \
            FileWriter(tmp_path / "watch") as watched, watch(net, watched, every=1):
        wanted = []
        for step in range(3):
            wanted.append((step, run(step + 1)))
            log_gradients(before, net, step)
            trainer.step(1)
            log_gradients(after, net, step)
    for name in "before", "after", "watch":
        assert logged(tmp_path, name) == wanted


def test_gradients_between_allreduce_and_update(tmp_path):
    """After `allreduce_grads`, all devices hold the sum: it is not added up again."""
    net, trainer, run = linear(2, update_on_kvstore=False)
    with FileWriter(tmp_path) as writer:
        for step in range(2):
            wanted = run()
            trainer.allreduce_grads()
            log_gradients(writer, net, step)
            trainer.update(1)
    assert logged(tmp_path) == [(0, wanted), (1, wanted)]


@pytest.mark.parametrize("devices", [1, 2])
def test_an_optimizer_that_scales_gradients(tmp_path, devices, recwarn, monkeypatch):
    """AdaDelta and others scale gradients in place: after the update nothing is logged, with one
    warning; `watch` has logged the gradients before."""
    net, trainer, run = linear(devices, optimizer="adadelta", update_on_kvstore=False,
                               settings={} if MXNET_1 else {"use_fused_step": False})
    if MXNET_1:
        trainer._optimizer.lr = 0.5
    monkeypatch.setattr(_warnings, "_issued", set())
    with FileWriter(tmp_path / "after") as after, FileWriter(tmp_path / "watch") as watched, \
            watch(net, watched, every=1):
        wanted = []
        for step in range(3):
            wanted.append((step, run(step + 1)))
            trainer.step(4)
            log_gradients(after, net, step)
    assert logged(tmp_path, "watch") == wanted
    assert not list((tmp_path / "after").glob("*tfevents*"))
    assert len([one for one in recwarn if "and others are not logged" in str(one.message)]) == 1


def test_gradients_that_are_accumulated(tmp_path):
    """`watch` logs the whole sum, at the pass that was due, before the update and set_to_zero."""
    net, trainer, run = linear()
    parameter, = net.collect_params().values()
    parameter.grad_req = "add"
    with FileWriter(tmp_path) as writer, watch(net, writer, every=4):
        wanted = []
        for step in range(3):
            wanted.append((4 * step, sum(run(step + part) for part in range(4))))
            trainer.step(1)
            parameter.grad()[:] = 0
    assert logged(tmp_path) == wanted


@pytest.mark.parametrize("every, wanted", [(1, [(1, 6), (3, 14)]), (2, [(0, 6), (2, 14)]),
                                           (3, [(0, 6), (3, 14)])])
def test_partly_accumulated_gradients_are_not_logged(tmp_path, every, wanted):
    """Two passes for an update: the sum is logged once, at the last step to log before the update;
    that of a pass without an update, at the end, is not logged, also by an update after the end."""
    net, trainer, run = linear()
    parameter, = net.collect_params().values()
    parameter.grad_req = "add"
    with FileWriter(tmp_path) as writer:
        with watch(net, writer, every=every):
            for update in range(2):
                run(2 * update + 1)
                run(2 * update + 2)
                trainer.step(1)
                parameter.grad()[:] = 0
            run()
        trainer.step(1)
    assert logged(tmp_path) == wanted


def test_accumulated_gradients_without_a_trainer(tmp_path, recwarn, monkeypatch):
    """Nobody announces their update: they are not logged, with one warning."""
    monkeypatch.setattr(_warnings, "_issued", set())
    net = mx.gluon.nn.Dense(1, use_bias=False, in_units=3)
    net.initialize(mx.init.One())
    parameter, = net.collect_params().values()
    parameter.grad_req = "add"
    with FileWriter(tmp_path) as writer, watch(net, writer, every=1, parameters=False):
        for _ in range(4):
            with mx.autograd.record():
                loss = net(xp.ones((2, 3))).sum()
            loss.backward()
    assert not list(tmp_path.rglob("*tfevents*"))
    told = [str(one.message) for one in recwarn if "are not logged" in str(one.message)]
    assert len(told) == 1 and "call log_gradients before it" in told[0]


def test_accumulated_gradients_that_an_update_leaves_out(tmp_path):
    """A parameter that no pass before the update has used has no gradient at that step."""
    net, trainer, run = linear()
    parameter, = net.collect_params().values()
    parameter.grad_req = "add"
    with FileWriter(tmp_path) as writer, watch(net, writer, every=2):
        with mx.autograd.record():
            net(xp.ones((2, 3)))
        trainer.step(1, ignore_stale_grad=True)
        run()
        trainer.step(1)
        parameter.grad()[:] = 0
        wanted = run(3)
        trainer.step(1)
    assert logged(tmp_path) == [(2, wanted)]


def test_parameters_that_a_loss_does_not_use(tmp_path):
    """A parameter without a backward pass in a step has no gradient there; that of an earlier step
    is not logged again."""
    nets = [linear()[0] for _ in range(2)]
    parameters = [parameter for net in nets for parameter in net.collect_params().values()]
    trainer = mx.gluon.Trainer({str(index): parameter for index, parameter
                                in enumerate(parameters)}, "sgd", {"learning_rate": 0.5})
    other = {"other": parameters[1]}
    with FileWriter(tmp_path) as writer, watch(nets[0], writer.sub_run("first"), every=1):
        gradients = StepGradients(lambda: other, lambda name, gradient, step: writer.add(
            summary.histogram(f"gradients/{name}", gradient), step))
        for step in range(4):
            gradients.begin(step)
            with mx.autograd.record():
                loss = nets[0](xp.ones((2, 3))).sum()
                if step != 2:
                    loss = loss + nets[1](xp.ones((step + 1, 3))).sum()
            loss.backward()
            trainer.step(1, ignore_stale_grad=True)
        gradients.finish()
    assert [step for step, _ in logged(tmp_path, "first")] == [0, 1, 2, 3]
    assert logged(tmp_path) == [(0, 1), (1, 2), (3, 4)]


def test_two_trainers_of_one_network(tmp_path):
    """Whichever Trainer updates: `watch` logs the gradients that it used."""
    net, first, run = linear()
    second = mx.gluon.Trainer(net.collect_params(), "adam", {"learning_rate": 0.5})
    with FileWriter(tmp_path) as writer, watch(net, writer, every=1):
        wanted = []
        for step in range(4):
            wanted.append((step, run(step + 1)))
            (second if step % 2 else first).step(1)
    assert logged(tmp_path) == wanted


def test_a_trainer_made_after_the_pass(tmp_path):
    """A Trainer that does not exist yet when the step begins announces its update, too."""
    net, _, run = linear()
    with FileWriter(tmp_path) as writer, watch(net, writer, every=1):
        wanted = run()
        mx.gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.5}).step(1)
        list(net.collect_params().values())[0].grad()[:] = 0
    assert logged(tmp_path) == [(0, wanted)]


def test_a_loop_that_updates_by_hand(tmp_path):
    """Without a Trainer gradients are logged when the next pass begins."""
    net, _, run = linear()
    parameter, = net.collect_params().values()
    with FileWriter(tmp_path) as writer, watch(net, writer, every=1):
        wanted = []
        for step in range(3):
            wanted.append((step, run(step + 1)))
            parameter.data()[:] = parameter.data() - 0.1 * parameter.grad()
    assert logged(tmp_path) == wanted


def test_a_trainer_still_refuses_stale_gradients(tmp_path):
    """While a net is watched, MXNet's own warnings about gradients without a backward pass are as
    before.
    """
    net, trainer, run = linear()
    with FileWriter(tmp_path) as writer, watch(net, writer, every=1):
        run()
        trainer.step(1)
        with pytest.raises(UserWarning, match="has not been updated"):
            trainer.step(1)


@needs_module
@pytest.mark.parametrize("kind", ["module", "buckets", "sequence"])
def test_modules_of_two_devices_without_update_on_the_kvstore(tmp_path, monkeypatch, kind):
    """The sum over the devices is not summed again: the gradients of a Module, of the buckets that
    share them, and of all modules of a sequence."""
    monkeypatch.setenv("MXNET_UPDATE_ON_KVSTORE", "0")
    devices = [mx.cpu(0), mx.cpu(1)]

    def net(name, label):
        x = mx.sym.FullyConnected(mx.sym.var("data"), num_hidden=1, no_bias=True, name=name)
        return mx.sym.MakeLoss(x + 0 * mx.sym.reshape(mx.sym.var("softmax_label"), (-1, 1))) \
            if label else x
    if kind == "module":
        module = mx.mod.Module(net("fc", True), context=devices)
    elif kind == "buckets":
        module = mx.mod.BucketingModule(
            lambda key: (net("fc", True), ("data",), ("softmax_label",)), 3, context=devices)
    else:
        module = mx.mod.SequentialModule()
        module.add(mx.mod.Module(net("first", False), label_names=(), context=devices))
        module.add(mx.mod.Module(net("fc", True), context=devices), take_labels=True,
                   auto_wiring=True)
    data = np.stack([np.full(3, 1 + row, "float32") for row in range(8)])
    batches = mx.io.NDArrayIter(data, np.zeros(8, "float32"), 4)
    batches.default_bucket_key = 3
    if kind == "buckets":
        following = batches.next
        batches.next = lambda: _with_key(following(), batches)
    with FileWriter(tmp_path) as writer:
        module.fit(batches, eval_metric=mx.metric.Loss(), num_epoch=1, kvstore="device",
                   initializer=mx.init.One(), optimizer_params={"learning_rate": 0.0},
                   **fit_callbacks(writer, gradients=1, parameters=0, pattern="fc"))
    rows = data if kind != "sequence" else data.sum(1, keepdims=True)
    assert logged(tmp_path, "train") == [(0, rows[:4, 0].sum()), (1, rows[4:, 0].sum())]


def _with_key(batch, batches):
    batch.bucket_key, batch.provide_data = 3, batches.provide_data
    batch.provide_label = batches.provide_label
    return batch


@needs_module
def test_a_loop_that_calls_the_callback_before_the_update(tmp_path):
    """The gradients of the batch, not of the one before."""
    x = mx.sym.FullyConnected(mx.sym.var("data"), num_hidden=1, no_bias=True, name="fc")
    module = mx.mod.Module(mx.sym.MakeLoss(x), label_names=None)
    module.bind([("data", (2, 3))])
    module.init_params(mx.init.One())
    module.init_optimizer(optimizer_params={"learning_rate": 0.1})
    self = module
    with FileWriter(tmp_path) as writer:
        callback = GradientHistograms(writer, 1, run="")
        for nbatch in range(3):
            module.forward_backward(mx.io.DataBatch([mx.nd.ones((2, 3)) * (nbatch + 1)], None))
            callback(mx.model.BatchEndParam(0, nbatch, None, {"self": self}))
            module.update()
    assert logged(tmp_path) == [(0, 2), (1, 4), (2, 6)]


@needs_module
@pytest.mark.parametrize("every", [1, 2])
@pytest.mark.parametrize("before", [False, True])
def test_a_module_that_accumulates(tmp_path, every, before):
    """Only whole gradients, at the batch of the update; one batch later where the callback is
    called before it."""
    x = mx.sym.FullyConnected(mx.sym.var("data"), num_hidden=1, no_bias=True, name="fc")
    module = mx.mod.Module(mx.sym.MakeLoss(x), label_names=None)
    module.bind([("data", (2, 3))], grad_req="add")
    module.init_params(mx.init.One())
    module.init_optimizer(optimizer_params={"learning_rate": 0.1})
    with FileWriter(tmp_path) as writer:
        callback = GradientHistograms(writer, every, run="")
        for nbatch in range(5):
            module.forward_backward(mx.io.DataBatch([mx.nd.ones((2, 3)) * (nbatch + 1)], None))
            param = mx.model.BatchEndParam(0, nbatch, None, {"self": module})
            if before:
                callback(param)
            if nbatch % 2:
                module.update()
                module._exec_group.grad_arrays[0][0][:] = 0
            if not before:
                callback(param)
    assert logged(tmp_path) == [(1 + before, 6), (3 + before, 14)]
