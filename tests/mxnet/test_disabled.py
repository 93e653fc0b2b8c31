"""With a disabled writer, as on ranks that do not log, MXNet does the work of the training only."""
from __future__ import annotations

import logging
import os
import sys
from collections import Counter
from typing import Any

import pytest

mx = pytest.importorskip("mxnet", reason="MXNet is not installed")

import numpy as np
from mxnet import autograd, gluon
from mxnet.gluon.contrib.estimator import Estimator

import tbwriter
from tbwriter import FileWriter, mxnet as ours, summary
from tbwriter.mxnet import (
    EstimatorHandler, EvalMetrics, GradientHistograms, ParameterImages, fit_callbacks,
    log_gradients, log_parameters, watch)
from tbwriter.mxnet import _gradients, _module_gradients

MXNET_1 = mx.__version__.startswith("1.")
xp = mx.nd if MXNET_1 else mx.np
PACKAGE = os.path.dirname(tbwriter.__file__)
# What copies an array of MXNet, computes with it, or describes it.
METHODS = ("asnumpy", "copy", "copyto", "sum", "norm", "reshape", "astype", "asscalar", "item")
KINDS = ("histogram", "image", "scalar")


@pytest.fixture
def work(monkeypatch):
    """Counts the calls by files of the package that cost something."""
    counts: Any = Counter()

    def counting(name, function):
        def call(*args, **kwargs):
            if sys._getframe(1).f_code.co_filename.startswith(PACKAGE):
                counts[name] += 1
            return function(*args, **kwargs)
        return call
    for kind in {mx.nd.NDArray, type(xp.zeros(1))}:
        for name in METHODS:
            if hasattr(kind, name):
                monkeypatch.setattr(kind, name, counting(name, getattr(kind, name)))
    for name in KINDS:
        monkeypatch.setattr(summary, name, counting(name, getattr(summary, name)))
    return counts


def dense():
    net = gluon.nn.Dense(2, in_units=3)
    net.initialize()
    return net


def train(net, trainer=None):
    trainer = trainer or gluon.Trainer(net.collect_params(), "sgd")
    for _ in range(2):
        with autograd.record():
            loss = (net(xp.ones((4, 3))) ** 2).sum()
        loss.backward()
        trainer.step(4)


def parameters(writer):
    log_parameters(writer, dense(), 0)


def gradients(writer):
    net = dense()
    with autograd.record():
        loss = (net(xp.ones((4, 3))) ** 2).sum()
    loss.backward()
    log_gradients(writer, net, 0)


def watched(writer):
    net = dense()
    with watch(net, writer, every=1, activations=True):
        train(net)


def pictures(writer):
    ParameterImages(writer, ".*")(0, None, {"weight": xp.ones((4, 4))}, {})


def estimator(writer):
    net = dense()
    made = Estimator(net, gluon.loss.SoftmaxCrossEntropyLoss(),
                     trainer=gluon.Trainer(net.collect_params(), "sgd"))
    made.logger.setLevel(logging.ERROR)
    batches = gluon.data.DataLoader(gluon.data.ArrayDataset(
        xp.array(np.ones((8, 3), "float32")), xp.array(np.zeros(8, "float32"))), 4)
    made.fit(batches, batches, epochs=2, event_handlers=[EstimatorHandler(
        writer, parameters=1, gradients=1, speed=1, learning_rate=1)])


def fitted(writer):
    from tests.mxnet.networks import fit, module
    fit(module(), fit_callbacks(writer, images=".*", parameters=1, gradients=1, monitor=1,
                                eval_batches=1, speed=1, learning_rate=1))


CALLS = [parameters, gradients, watched, pictures, estimator, *([fitted] if MXNET_1 else [])]


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.__name__)
def test_nothing_is_fetched_or_computed(tmp_path, work, call):
    """The same calls with a writer that is not disabled show that the work is counted."""
    call(FileWriter(tmp_path / "disabled", disabled=True))
    assert not work and not (tmp_path / "disabled").exists()
    with FileWriter(tmp_path / "enabled") as writer:
        call(writer)
    assert work


def test_no_hooks(tmp_path):
    """A block that is watched is left as it is, and no update is announced to anybody."""
    writer = FileWriter(tmp_path, disabled=True)
    net = dense()
    before, waiting = dict(vars(net)), len(_gradients._waiting)
    with watch(net, writer, every=1, activations=True):
        assert vars(net) == before
        assert len(_gradients._waiting) == waiting
    assert GradientHistograms(writer) not in _module_gradients.waiting


@pytest.mark.skipif(not MXNET_1, reason="executors of MXNet 2 have no monitor callback")
def test_no_monitor_callback(tmp_path):
    """With a callback, MXNet would call Python for each tensor of each batch."""
    class Executor:
        def set_monitor_callback(self, *args):
            pytest.fail("a callback was set")
    monitor = ours.Monitor(FileWriter(tmp_path, disabled=True), 1)
    monitor.install(Executor())
    monitor.tic()
    assert monitor.toc() == []
    with pytest.raises(TypeError, match="want one of MXNet 1.x"):
        monitor.install(object())


def test_no_metric_is_asked(tmp_path):
    """The value of a metric may be on a device."""
    class Own:
        def get_name_value(self):
            pytest.fail("the metric was asked")

    class Param:
        epoch, nbatch, eval_metric, locals = 0, 0, Own(), {"eval_batch": None}
    EvalMetrics(FileWriter(tmp_path, disabled=True))(Param())


def test_wrong_arguments_are_still_refused(tmp_path):
    """A callback that a rank would refuse if it logged is refused by all ranks."""
    writer = FileWriter(tmp_path, disabled=True)
    for call, options in ((lambda writer, **options: watch(dense(), writer, **options),
                           {"pattern": "("}),
                          (EstimatorHandler, {"metrics": -1}), (EstimatorHandler, {"profile": 3}),
                          (GradientHistograms, {"max_values": "a"}), (EvalMetrics, {"run": ".."}),
                          (fit_callbacks, {"images": "("}), (fit_callbacks, {"profile": (2, 1)})):
        with pytest.raises((TypeError, ValueError), match="got .*, want"):
            call(writer, **options)
