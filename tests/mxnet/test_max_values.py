"""`max_values`: histograms of samples, in everything of tbwriter.mxnet that logs histograms."""
from __future__ import annotations

import pytest

mx = pytest.importorskip("mxnet", reason="MXNet is not installed")

import numpy as np
from mxnet import autograd, gluon

from tensorboard.compat.proto.summary_pb2 import Summary as Protobuf

from tbwriter import FileWriter, summary
from tbwriter.mxnet import (
    EstimatorHandler, fit_callbacks, log_gradients, log_parameters, watch)
from tests.support.judges import board

MXNET_1 = mx.__version__.startswith("1.")
xp = mx.nd if MXNET_1 else mx.np
UNITS, INPUTS, MOST = 64, 256, 2000


def data(rows=8):
    return np.random.RandomState(0).randn(rows, INPUTS).astype("float32")


def expect_samples(logdir, run, large, values):
    """The histograms `large` say that they were counted from samples, others do not; all have the
    true number of values, and those of `values` also their distribution."""
    with board(logdir, "fast") as b:
        tags = b.tags("histograms", run)
        assert large <= set(tags)
        for tag, about in tags.items():
            assert ("sample of" in about.description) == (tag in large), tag
            for _, buckets in b.tensors("histograms", run, tag):
                if tag in large:
                    assert buckets[:, 2].sum() == pytest.approx(UNITS * INPUTS)
        for tag, exact in values.items():
            (_, buckets), *_ = b.tensors("histograms", run, tag)
            below = np.searchsorted(np.sort(exact.ravel()), buckets[:, 1], "right") / exact.size
            shown = buckets[:, 2].cumsum() / buckets[:, 2].sum()
            assert np.abs(below - shown).max() < 0.05  # of 2,000 values


def test_gluon(tmp_path):
    """log_parameters, log_gradients, and watch with its activations."""
    net = gluon.nn.Dense(UNITS, in_units=INPUTS)
    net.initialize(mx.init.Normal(1))
    trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.0})
    weight = next(name for name in net.collect_params() if name.endswith("weight"))
    with FileWriter(tmp_path) as writer:
        with watch(net, writer.sub_run("watch"), every=1, activations=True, max_values=MOST):
            with autograd.record():
                loss = (net(xp.array(data(INPUTS))) ** 2).sum()
            loss.backward()
            log_parameters(writer, net, 0, max_values=MOST)
            log_gradients(writer, net, 0, max_values=MOST)
            trainer.step(1)
    found = net.collect_params()[weight]
    exact = {f"parameters/{weight}": found.data().asnumpy(),
             f"gradients/{weight}": found.grad().asnumpy()}
    expect_samples(tmp_path, ".", set(exact), exact)
    expect_samples(tmp_path, "watch", {*exact, "activations"}, exact)


@pytest.mark.skipif(not MXNET_1, reason="MXNet 2 has no Module")
def test_module(tmp_path):
    """fit_callbacks: parameters, gradients and the monitor."""
    net = mx.sym.FullyConnected(mx.sym.var("data"), num_hidden=UNITS, name="fc1")
    net = mx.sym.SoftmaxOutput(net, name="softmax")
    with FileWriter(tmp_path) as writer:
        mx.mod.Module(net).fit(mx.io.NDArrayIter(data(4), np.zeros(4), 4), num_epoch=1,
                               **fit_callbacks(writer, monitor=1, max_values=MOST))
    expect_samples(tmp_path, "train", {
        "parameters/fc1_weight", "gradients/fc1_weight", "fc1_weight", "fc1_backward_weight",
        "fc1_backward_output1"}, {})


def test_estimator(tmp_path):
    """EstimatorHandler: parameters and gradients."""
    from mxnet.gluon.contrib.estimator import Estimator
    net = gluon.nn.Dense(UNITS, in_units=INPUTS)
    net.initialize(mx.init.Normal(1))
    fitted = Estimator(net, gluon.loss.SoftmaxCrossEntropyLoss(),
                       trainer=gluon.Trainer(net.collect_params(), "sgd"))
    batches = gluon.data.DataLoader(
        gluon.data.ArrayDataset(xp.array(data()), xp.array(np.zeros(8, "float32"))), 8)
    with FileWriter(tmp_path) as writer:
        fitted.fit(batches, epochs=1, event_handlers=[EstimatorHandler(writer, max_values=MOST)])
    weight = next(name for name in net.collect_params() if name.endswith("weight"))
    expect_samples(tmp_path, "train", {f"parameters/{weight}", f"gradients/{weight}"}, {})


@pytest.mark.parametrize("value, error", [(0, ValueError), ("many", TypeError)])
def test_mistakes(tmp_path, value, error):
    """An invalid number of values is refused at the call."""
    net = gluon.nn.Dense(1, in_units=2)
    net.initialize()
    with FileWriter(tmp_path) as writer, pytest.raises(error, match="max_values"):
        log_parameters(writer, net, 0, max_values=value)


def patterns():
    """Weights whose values depend on their place, in powers of two and not."""
    rows, columns = np.mgrid[:2048, :512].astype("float32")
    noise = np.random.RandomState(1).randn(2048, 512).astype("float32")
    return {"noise": noise, "columns": columns + noise, "rows": rows + noise,
            "stripes": columns % 64 + noise, "halves": (columns < 256) * 10 + noise,
            "lower": np.tril(noise) + 5, "odd": (noise + columns)[:2047, :509]}


@pytest.mark.parametrize("dtype", ["float32", "float16"])
@pytest.mark.parametrize("flavour", ["nd", "np"])
@pytest.mark.parametrize("name", patterns())
def test_samples_by_the_engine(name, flavour, dtype):
    """Of 50,000 values the distribution is right to a hundredth, also where values repeat with a
    period; only the sample is held, and it is that of the call."""
    values = patterns()[name].astype(dtype)
    array = getattr(mx, flavour).array(values, dtype=dtype)
    shown = summary.histogram("w", array, max_values=50_000)
    array[:] = 0
    assert shown.nbytes <= 50_000 * values.itemsize
    histo = Protobuf.FromString(shown.SerializeToString()).value[0].histo
    assert histo.num == pytest.approx(values.size)
    exact = np.sort(values.ravel().astype("float64"))
    below = np.searchsorted(exact, np.array(histo.bucket_limit), "right") / exact.size
    assert np.abs(below - np.cumsum(histo.bucket) / histo.num).max() <= 0.01


def test_arrays_that_the_engine_does_not_sample():
    """Small ones, sparse ones and few values: counted as others are."""
    exact = summary.histogram("w", mx.nd.ones(100), max_values=100).SerializeToString()
    assert exact == summary.histogram("w", mx.nd.ones(100)).SerializeToString()
    for array, most in ((mx.nd.ones((100, 100)).tostype("row_sparse"), 1000),
                        (mx.nd.ones((100, 100)), 10)):
        shown = Protobuf.FromString(
            summary.histogram("w", array, max_values=most).SerializeToString())
        assert shown.value[0].histo.num == pytest.approx(10_000)
        assert "sample of" in shown.value[0].metadata.summary_description
