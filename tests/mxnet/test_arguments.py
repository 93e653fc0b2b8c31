"""Wrong arguments raise in the call that is given them."""
from __future__ import annotations

from typing import Any

import pytest

mx = pytest.importorskip("mxnet", reason="MXNet is not installed")

import numpy as np
from mxnet import gluon

from tbwriter import FileWriter, SummaryWriter
from tbwriter import mxnet as ours
from tbwriter.mxnet import (
    BatchMetrics, EstimatorHandler, EvalMetrics, GradientHistograms, LearningRate,
    ParameterHistograms, ParameterImages, Speed, Steps, convert_profile, distributed_writer,
    fit_callbacks, graph, log_gradients, log_parameters, mean_over_workers, watch)

MXNET_1 = mx.__version__.startswith("1.")
BOTH = (TypeError, ValueError)


def dense():
    net = gluon.nn.Dense(2, in_units=2)
    net.initialize()
    return net


def watched(writer, **options):
    return watch(dense(), writer, **options)


def logged(writer, **options):
    log_parameters(writer, dense(), **options)


def gradients(writer, **options):
    log_gradients(writer, dense(), **options)


def monitor(writer, **options):
    return ours.Monitor(writer, **{"interval": 1, **options})


def profiled(writer, **options):
    return ours.profile(writer, **options)


def batches(writer, **options):
    return ours.ProfileBatches(writer, **options)


CALLBACKS = [BatchMetrics, EvalMetrics, GradientHistograms, LearningRate, ParameterHistograms,
             ParameterImages, Speed]
MONITORS = [monitor] if MXNET_1 else []
WRITE = [*CALLBACKS, *MONITORS, EstimatorHandler, fit_callbacks, watched, logged, gradients,
         profiled, batches]


@pytest.mark.parametrize("call", WRITE, ids=lambda call: call.__name__)
@pytest.mark.parametrize("writer", [None, "logs", 3, {}, FileWriter], ids=repr)
def test_writers(call, writer):
    """Only a FileWriter or SummaryWriter is one."""
    with pytest.raises(TypeError, match="got a writer of type .*, want a FileWriter or Summary"):
        call(writer)


PATTERNS = [ParameterHistograms, GradientHistograms, ParameterImages, *MONITORS, fit_callbacks,
            watched, logged, gradients]
PARTS: Any = {
    ("pattern", "(", ValueError, "got pattern='\\(', want a regular expression"): PATTERNS,
    ("pattern", 3, TypeError, "got pattern of type int, want a regular exp"): PATTERNS,
    ("pattern", b"a", TypeError, "got pattern of type bytes, want a regular exp"): PATTERNS,
    ("images", "(", ValueError, "got images='\\(', want a regular expression"): [fit_callbacks],
    ("images", 3, TypeError, "got images of type int, want a regular expr"): [fit_callbacks],
    **{("max_values", value, error, "got max_values.*, want"): [
        ParameterHistograms, GradientHistograms, *MONITORS, fit_callbacks, EstimatorHandler,
        watched, logged, gradients] for value, error in ((0, ValueError), ("a", TypeError))},
    **{("every", value, ValueError, "got every=.*, want a number of batches, 1 or more"): [
        BatchMetrics, Speed, LearningRate, ParameterHistograms, GradientHistograms, watched]
       for value in (0, -1, 1.5, True, "a", None)},
    **{(name, value, ValueError, f"got {name}=.*, want a number of batches, 0 or more"): [
        EstimatorHandler, fit_callbacks]
       for name in ("metrics", "speed", "learning_rate", "parameters", "gradients")
       for value in (-1, "a", 0.5, True, None)},
    **{(name, value, ValueError, f"got {name}=.*, want a number of batches, 0 or more"): [
        fit_callbacks] for name in ("monitor", "eval_batches") for value in (-1, "a")},
    **{("start", value, BOTH, "got .*step.*, want"): [EstimatorHandler, watched]
       for value in ("a", None, float("nan"))},
    ("begin_step", "a", BOTH, "got .*step.*, want"): [fit_callbacks, *MONITORS],
    ("step", "a", BOTH, "got .*step.*, want"): [logged, gradients],
    **{("run", value, BOTH, "got .*run.*, want"): [*CALLBACKS, batches]
       for value in (3, None, "..", "a/../b")},
    **{(name, value, BOTH, "got .*, want"): [fit_callbacks, EstimatorHandler]
       for name in ("train", "validation") for value in (3, None, "..")},
    ("prefix", 3, TypeError, "got prefix of type int .*, want str"): [BatchMetrics, EvalMetrics],
    ("steps", 3, TypeError, "got steps of type int, want .*Steps"): [
        *CALLBACKS, *MONITORS, batches],
    **{("profile", value, TypeError, "got profile=.*, want the first and last batch"): [
        fit_callbacks, EstimatorHandler] for value in ((1, 2, 3), 5, (), (1,), True)},
    **{("profile", value, BOTH, "got (first|last|the batches).*, want"): [
        fit_callbacks, EstimatorHandler] for value in ((2, 1), ("a", 2), (1, 2.5), (-1, 2))},
    ("first", "a", TypeError, "got first of type str"): [batches],
    ("last", True, TypeError, "got last=True, want an integer"): [batches],
    **{(name, value, BOTH, f"got {name}.*, want"): [profiled]
       for name in ("every", "steps", "max_events") for value in (-1, 1.5, True, None, int)},
    **{(name, value, BOTH, "got .*, want"): [profiled]
       for name in ("name", "host") for value in (3, "/", b"a")},
    ("batch_size", "a", TypeError, "got batch_size of type str"): [Speed],
    ("batch_size", 0, ValueError, "got batch_size=0, want 1 or more"): [Speed],
    ("stat_func", 3, TypeError, "got stat_func of type int, want a function"): MONITORS,
    ("tag", "a", TypeError, "got tag of type str, want a function"): MONITORS,
    ("interval", "a", ValueError, "got interval='a', want a number of batches"): MONITORS,
    ("symbol", 3, TypeError, "got a symbol of type int, want"): [profiled],
}
FLAGS = {"sort": MONITORS, "monitor_all": MONITORS, "histograms": MONITORS, "parameters": [watched],
         "gradients": [watched], "activations": [watched], "reduced": [gradients],
         "operators": [profiled, batches], "memory": [profiled, batches],
         "api": [profiled, batches]}
WRONG = [(call, *wrong) for wrong, calls in PARTS.items() for call in calls]
WRONG += [(call, name, np.zeros(2), TypeError, f"got {name} of type ndarray, want True or False")
          for name, calls in FLAGS.items() for call in calls]


@pytest.mark.parametrize("call, name, value, error, text", WRONG, ids=lambda part: str(
    getattr(part, "__name__", part)))
def test_mistakes_are_refused_at_the_call(tmp_path, call, name, value, error, text):
    """Each argument that MXNet would meet later, inside the training."""
    with FileWriter(tmp_path) as writer, pytest.raises(error, match=text):
        call(writer, **{name: value})


@pytest.mark.parametrize("kind", [int, np.int64, np.uint8])
def test_integers_of_any_kind(tmp_path, kind):
    """An interval, a batch and a size may be an integer of numpy."""
    with SummaryWriter(tmp_path) as writer:
        for call in (BatchMetrics, Speed, LearningRate, ParameterHistograms, GradientHistograms):
            call(writer, kind(2))
        fit_callbacks(writer, metrics=kind(2), speed=kind(0), parameters=kind(3), eval_batches=kind(
            2), begin_step=kind(5), max_values=kind(10), monitor=kind(2 if MXNET_1 else 0))
        EstimatorHandler(writer, metrics=kind(2), speed=kind(0), profile=(kind(1), kind(2)))
        Speed(writer, batch_size=kind(8))
        watched(writer, every=kind(2), start=kind(4)).detach()
        for call in MONITORS:
            call(writer, interval=kind(2))


def test_compiled_patterns(tmp_path):
    """A pattern may be compiled already."""
    import re
    with FileWriter(tmp_path) as writer:
        for call in PATTERNS:
            call(writer, pattern=re.compile(".*weight"))


@pytest.mark.parametrize("net", [3, None, "net", gluon.nn.Dense, {"a": 3}, {3: None}], ids=str)
@pytest.mark.parametrize("log", [log_parameters, log_gradients])
def test_nets(tmp_path, log, net):
    """Neither a block nor its parameters."""
    with FileWriter(tmp_path) as writer, pytest.raises(
            TypeError, match="got a net of type .*, want a Gluon block or its collect_params"):
        log(writer, net, 0)


def test_parameters_are_a_net(tmp_path):
    """The result of `collect_params()`, and a dict of some of them, is logged as a block is."""
    net = dense()
    with FileWriter(tmp_path) as writer:
        log_parameters(writer, net.collect_params(), 0)
        log_parameters(writer, dict(net.collect_params().items()), 0)


@pytest.mark.parametrize("kvstore, values, text", [
    (3, {"a": 1}, "got a kvstore of type int, want one from mx.kv.create, or None"),
    ("dist_sync", {"a": 1}, "got a kvstore of type str, want one from mx.kv.create, or None"),
    (None, 3, "got values of type int, want a dict of numbers"),
    (None, [1], "got values of type list, want a dict of numbers")])
def test_means(kvstore, values, text):
    """A mean needs a store and named values."""
    with pytest.raises(TypeError, match=text):
        mean_over_workers(kvstore, values)


@pytest.mark.parametrize("shapes", [
    5, [("data",)], {"data": 5}, {"data": (1 << 70, 2)},
    {"data": type("Odd", (), {"shape": (1, 2), "dtype": "nothing"})()}])
def test_shapes_of_graphs(shapes):
    """Input shapes that are none."""
    symbol = mx.sym.FullyConnected(mx.sym.var("data"), num_hidden=2, name="fc1")
    with pytest.raises(BOTH, match="got .*, want|don't fit"):
        graph(symbol, shapes)


@pytest.mark.parametrize("network", [b"net", "a\0b", "{" * 100_000, '{"nodes": ' + "[" * 100_000])
def test_texts_of_graphs(network):
    """Texts that are neither JSON nor a path."""
    with pytest.raises(BOTH, match="got .*, want"):
        graph(network)


def test_files_of_graphs(tmp_path):
    """A file that is no text."""
    (tmp_path / "net-symbol.json").write_bytes(b"\xff\xfe{")
    with pytest.raises(ValueError, match="got .*, want the JSON of a Symbol"):
        graph(str(tmp_path / "net"))


@pytest.mark.parametrize("path", [3, None, b"dump.json"], ids=repr)
def test_paths_of_dumps(tmp_path, path):
    """A path is a str or PathLike; a number is no open file."""
    with pytest.raises(TypeError, match="got a path of type .*, want"):
        convert_profile(path, tmp_path)


def test_other_arguments(tmp_path):
    """The first step of Steps, and a worker's store."""
    with pytest.raises(TypeError, match="got a step of type str"):
        Steps("a")
    with pytest.raises(TypeError, match="got a kvstore of type int, want one from mx.kv.create"):
        distributed_writer(str(tmp_path), 3)
