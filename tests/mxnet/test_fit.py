"""fit_callbacks and its parts in Module.fit, as stock TensorBoard sees what they wrote."""
from __future__ import annotations

import gc
import inspect
import logging
import math
import re
import sys
import weakref
from collections import namedtuple
from io import BytesIO
from types import SimpleNamespace

import numpy as np
import pytest

mx = pytest.importorskip("mxnet", reason="MXNet is not installed")
if not hasattr(mx, "mod"):
    pytest.skip("MXNet 2.0 has no Module", allow_module_level=True)

from tests.support.judges import LOADERS, board, both_loaders, events
from tests.mxnet.networks import BATCHES, buckets, data, fit, mlp, module
from PIL import Image

from tbwriter import FileWriter, SummaryWriter
from tbwriter.mxnet import (BatchMetrics, EvalMetrics, GradientHistograms, LearningRate,
                            LogMetricsCallback, ParameterHistograms, ParameterImages, Speed, Steps,
                            fit_callbacks)
from tbwriter.mxnet import _progress
from tbwriter.mxnet._parameters import weight_picture
from tbwriter.summary import _histogram

Param = namedtuple("Param", ["epoch", "nbatch", "eval_metric", "locals"])


def steps(points):
    return [step for step, *_ in points]


class Recorder:
    """A callback that keeps the metric's values as MXNet would print them."""

    def __init__(self):
        self.values = []

    def __call__(self, param):
        self.values.append(float(np.float32(param.eval_metric.get_global_name_value()[0][1])))


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Two epochs with everything switched on."""
    logdir = tmp_path_factory.mktemp("fit")
    train, validation = Recorder(), Recorder()
    with FileWriter(logdir) as writer:
        callbacks = fit_callbacks(writer, speed=2, learning_rate=1, parameters=3, gradients=3,
                                  images=".*weight", monitor=4, eval_batches=1)
        callbacks["batch_end_callback"].append(train)
        callbacks["eval_end_callback"].append(validation)
        net = module()
        fit(net, callbacks, optimizer_params={
            "learning_rate": 0.1, "lr_scheduler": mx.lr_scheduler.FactorScheduler(4, 0.5)})
    return logdir, net, train.values, validation.values


@both_loaders
def test_metrics_of_training_and_validation(trained, loader):
    """One tag in two runs: each batch of training, and validation at the epoch's last batch."""
    logdir, _, train, validation = trained
    with board(logdir, loader) as b:
        assert b.scalars("train", "accuracy") == list(zip(range(2 * BATCHES), train))
        assert b.scalars("validation", "accuracy") \
            == list(zip([BATCHES - 1, 2 * BATCHES - 1], validation))
        assert steps(b.scalars("validation_batches", "accuracy")) == list(range(2 * BATCHES))
        assert set(b.runs()) == {"train", "validation", "validation_batches"}


@both_loaders
def test_learning_rate_and_speed(trained, loader):
    """The scheduler's rate of each update; speed as the mean of so many batches, without the
    first of each epoch."""
    rates = [0.1 * 0.5 ** ((update - 1) // 4) for update in range(1, 2 * BATCHES + 1)]
    with board(trained[0], loader) as b:
        points = b.scalars("train", "learning_rate")
        assert steps(points) == list(range(2 * BATCHES))
        assert np.allclose([value for _, value in points], rates)
        speeds = b.scalars("train", "speed/samples_per_second")
        assert steps(speeds) == [2, 4, 7, 9] and all(value > 0 for _, value in speeds)


@both_loaders
def test_histograms_of_parameters_and_gradients(trained, loader):
    """All of them every so many batches, with as many values as the parameter has; the last are
    those of the module."""
    logdir, net, *_ = trained
    arguments, _ = net.get_params()
    with board(logdir, loader) as b:
        tags = set(b.tags("histograms", "train"))
        for name, array in arguments.items():
            for kind in ("parameters", "gradients"):
                points = b.tensors("histograms", "train", f"{kind}/{name}")
                assert steps(points) == [0, 3, 6, 9]
                assert points[-1][1][:, 2].sum() == array.size
            low, high = points[-1][1][0, 0], points[-1][1][-1, 1]
            last = b.tensors("histograms", "train", f"parameters/{name}")[-1][1]
            assert np.isclose(last[0, 0], array.asnumpy().min(), atol=1e-6)
            assert np.isclose(last[-1, 1], array.asnumpy().max(), atol=1e-6)
            assert low <= high
        assert "fc1_backward_weight" in tags
        assert steps(b.tensors("histograms", "train", "fc1_backward_weight")) == [0, 4, 8]


@both_loaders
def test_pictures_of_weights(trained, loader):
    """One 16-bit picture a weight and epoch, at the step of the epoch's last batch."""
    logdir, net, *_ = trained
    weight = net.get_params()[0]["fc1_weight"].asnumpy()
    with board(logdir, loader) as b:
        points = b.blobs("images", "train", "images/fc1_weight")
        assert steps(points) == [BATCHES - 1, 2 * BATCHES - 1]
        picture = np.asarray(Image.open(BytesIO(points[-1][1][2])))
        assert picture.shape == weight.shape
        expected = (weight - weight.min()) / (weight.max() - weight.min()) * 65535
        assert np.abs(picture - expected).max() <= 1


def test_a_training_metric_is_what_mxnet_prints(tmp_path, caplog):
    """At the end of an epoch it is MXNet's own `Train-accuracy`, the mean over the epoch."""
    with FileWriter(tmp_path) as writer, caplog.at_level(logging.INFO):
        fit(module(), fit_callbacks(writer), evaluate=False)
    printed = [float(text) for text in re.findall(r"Train-accuracy=([\d.]+)", caplog.text)]
    with board(tmp_path, "fast") as b:
        points = dict(b.scalars("train", "accuracy"))
    assert [points[BATCHES - 1], points[2 * BATCHES - 1]] == pytest.approx(printed, abs=1e-6)


def test_pattern_and_names_of_the_runs(tmp_path):
    """pattern chooses among parameters, gradients and what the monitor sees; the runs have the
    names that were given."""
    with FileWriter(tmp_path) as writer:
        fit(module(), fit_callbacks(writer, parameters=5, gradients=5, monitor=5, eval_batches=5,
                                    pattern="fc1", train="t", validation="v"))
    with board(tmp_path, "fast") as b:
        assert set(b.runs()) == {"t", "v", "v_batches"}
        tags = set(b.tags("histograms", "t"))
    assert {"parameters/fc1_bias", "gradients/fc1_weight", "fc1_output"} <= tags
    assert not [tag for tag in tags if not tag.rpartition("/")[2].startswith("fc1")]


def test_the_log_directory_itself(tmp_path):
    """run="" is no run below."""
    with FileWriter(tmp_path) as writer:
        fit(module(), {"batch_end_callback": BatchMetrics(writer, run="")}, epochs=1)
    with board(tmp_path, "fast") as b:
        assert b.runs() == ["."] and len(b.scalars(".", "accuracy")) == BATCHES


def test_pictures_that_are_given_the_steps(tmp_path):
    """If they share a Steps object with a callback of the module, their step is that of the last
    batch of the epoch."""
    counted = Steps()
    with FileWriter(tmp_path) as writer:
        fit(module(), {"batch_end_callback": BatchMetrics(writer, steps=counted),
                       "epoch_end_callback": ParameterImages(writer, "fc1_weight", steps=counted)})
    with board(tmp_path, "fast") as b:
        assert steps(b.blobs("images", "train", "images/fc1_weight")) == [4, 9]


@pytest.mark.parametrize("first", [True, False])
def test_beside_a_speedometer_that_resets(tmp_path, first):
    """MXNet's Speedometer, before or after in the list, changes no value and makes no NaN."""
    recorder = Recorder()
    with FileWriter(tmp_path) as writer:
        ours, theirs = BatchMetrics(writer), mx.callback.Speedometer(8, 1)
        fit(module(), {"batch_end_callback": [ours, theirs, recorder] if first
                       else [theirs, ours, recorder]}, evaluate=False)
    with board(tmp_path, "fast") as b:
        assert b.scalars("train", "accuracy") == list(zip(range(2 * BATCHES), recorder.values))


def test_metric_without_global_statistics(tmp_path):
    """A user's metric that the Speedometer has just reset is read one batch later."""
    class Seen(mx.metric.EvalMetric):
        def update(self, labels, preds):
            self.num_inst += 1
            self.sum_metric += 3

    with FileWriter(tmp_path) as writer:
        fit(module(), {"batch_end_callback": [mx.callback.Speedometer(8, 2),
                                              BatchMetrics(writer, every=2)]},
            epochs=1, evaluate=False, eval_metric=Seen("seen"))
    with board(tmp_path, "python") as b:
        assert b.scalars("train", "seen") == [(0, 3.0), (3, 3.0)]


def test_metrics_of_other_types(tmp_path):
    """An array of one element is a number, None is nothing yet, one metric may give several."""
    class Odd(mx.metric.EvalMetric):
        def update(self, labels, preds):
            pass

        def get(self):
            return ["array", "none", "number"], [mx.nd.array([2.5]), None, 4]

    with FileWriter(tmp_path) as writer:
        fit(module(), {"batch_end_callback": BatchMetrics(writer),
                       "eval_end_callback": EvalMetrics(writer)}, eval_metric=Odd("odd"), epochs=1)
    with board(tmp_path, "fast") as b:
        assert set(b.tags("scalars", "train")) == {"array", "number"}
        assert b.scalars("train", "array") == [(step, 2.5) for step in range(BATCHES)]
        assert b.scalars("validation", "number") == [(BATCHES - 1, 4.0)]


def test_values_are_those_that_mxnet_gives(tmp_path):
    """Whatever a metric does between its sum and its value, in its class, below it, or in one
    object only; a metric inside two composites is found."""
    class Doubled(mx.metric.Accuracy):
        def get_global(self):
            name, value = super().get_global()
            return name, 2 * value

    class Pair(mx.metric.Accuracy):
        def get_global_name_value(self):
            return [*super().get_global_name_value(), ("samples", self.global_num_inst)]

    own = mx.metric.Accuracy(name="own")
    own.get_global = lambda: ("own", 7.0)
    metric = mx.metric.CompositeEvalMetric([
        "acc", "ce", mx.metric.Perplexity(None), mx.metric.TopKAccuracy(2), mx.metric.PCC(),
        Doubled(name="doubled"), Pair(name="pair"), own, mx.metric.create(["mse", "rmse"])])
    expected = {}

    def record(param):
        for name, value in param.eval_metric.get_global_name_value():
            expected.setdefault(name, []).append((param.nbatch, float(np.float32(value))))

    with FileWriter(tmp_path) as writer:
        fit(module(), {"batch_end_callback": [mx.callback.Speedometer(8, 2), BatchMetrics(writer),
                                              record]},
            epochs=1, evaluate=False, eval_metric=metric)
    with board(tmp_path, "python") as b:
        assert set(b.tags("scalars", "train")) == {*expected, "samples"}
        for name, points in expected.items():
            assert b.scalars("train", name) == points
        assert b.scalars("train", "samples")[-1] == (BATCHES - 1, 8 * BATCHES)


def test_nan_of_a_diverged_loss_is_kept(tmp_path):
    """NaN that was measured is a value; NaN of a metric without samples is not."""
    loss = mx.metric.Loss()
    with FileWriter(tmp_path) as writer:
        callback = BatchMetrics(writer)
        callback(Param(0, 0, loss, None))
        loss.update(None, [mx.nd.array([math.nan])])
        callback(Param(0, 1, loss, None))
    with board(tmp_path, "python") as b:
        (step, value), = b.scalars("train", "loss")
        assert step == 1 and math.isnan(value)


def test_composite_metrics_of_the_same_name(tmp_path):
    """Each gets a tag of its own."""
    metric = mx.metric.create(["acc", "acc", "ce"])
    with FileWriter(tmp_path) as writer:
        fit(module(), {"batch_end_callback": BatchMetrics(writer, prefix="net/"),
                       "eval_end_callback": EvalMetrics(writer)}, epochs=1, eval_metric=metric)
    for loader in LOADERS:
        with board(tmp_path, loader) as b:
            names = {"accuracy", "accuracy_1", "cross-entropy"}
            assert set(b.tags("scalars", "train")) == {"net/" + name for name in names}
            assert set(b.tags("scalars", "validation")) == names
            assert len(b.scalars("train", "net/accuracy_1")) == BATCHES


def test_numbers_of_metrics_leave_others_alone(tmp_path):
    """A metric whose own name is that of a numbered one keeps it; the number is another one."""
    metric = mx.metric.CompositeEvalMetric([
        mx.metric.Accuracy(), mx.metric.Accuracy(), mx.metric.Accuracy(name="accuracy_1")])
    for value, one in enumerate(metric.metrics):
        one.sum_metric = one.global_sum_metric = value
        one.num_inst = one.global_num_inst = 1
    with FileWriter(tmp_path) as writer:
        BatchMetrics(writer, run="")(Param(0, 0, metric, None))
    with board(tmp_path, "python") as b:
        assert {tag: b.scalars(".", tag) for tag in b.tags("scalars", ".")} == {
            "accuracy": [(0, 0)], "accuracy_2": [(0, 1)], "accuracy_1": [(0, 2)]}


@pytest.mark.parametrize("result, text", [
    (None, "got TypeError .* from get_name_value.. of the metric Own, want a list of .name, value"),
    (5, "got TypeError .* of the metric Own"),
    ([("a", 1, 2)], "got ValueError .* of the metric Own"),
    ([5], "got TypeError .* of the metric Own"),
    ([(5, 1.0)], "got a name of type int .5. from the metric Own, want str"),
    ([(None, 1.0)], "got a name of type NoneType .* from the metric Own, want str"),
    ([("a", np.zeros(2))], "got .* want"), ([("a", "x")], "got .* want")], ids=repr)
@pytest.mark.parametrize("num_inst", [0, 1])
def test_metrics_that_return_something_else(tmp_path, result, text, num_inst):
    """A metric that does not return names and numbers is an error that names the metric."""
    class Own:
        def get_name_value(self):
            return result

    metric = Own()
    metric.num_inst = num_inst
    param = Param(0, 0, metric, None)
    with FileWriter(tmp_path) as writer:
        for callback in (BatchMetrics(writer), EvalMetrics(writer)):
            with pytest.raises((TypeError, ValueError), match=text):
                callback(param)


def resume(tmp_path, begin_step=None, trained=None, iterator=None, **more):
    """The third and fourth epoch of training, by a new process's callbacks."""
    with FileWriter(tmp_path) as writer:
        callbacks = fit_callbacks(writer, monitor=2, images="fc1_weight", begin_step=begin_step)
        fit(trained or module(), callbacks, epochs=4, begin_epoch=2, iterator=iterator, **more)
    return list(range(2 * BATCHES, 4 * BATCHES))


def assert_resumed(tmp_path, expected):
    for loader in LOADERS:
        with board(tmp_path, loader) as b:
            assert steps(b.scalars("train", "accuracy")) == expected
            ends = [expected[BATCHES - 1], expected[-1]]
            assert steps(b.scalars("validation", "accuracy")) == ends
            assert steps(b.blobs("images", "train", "images/fc1_weight")) == ends
            assert steps(b.tensors("histograms", "train", "fc1_output")) == expected[::2]
            assert b.tensors("histograms", "train", "fc1_output")[0][1][:, 2].sum() == 8 * 4


def test_resume_with_a_new_optimizer(tmp_path):
    """begin_epoch=2 in a new process: the first epoch's length gives the step, nothing is lost, and
    wall times are those of the batches."""
    expected = resume(tmp_path)
    assert_resumed(tmp_path, expected)
    with board(tmp_path, "python") as b:
        times = [time for *_, time in b.scalars("train", "accuracy", wall_times=True)]
        assert times == sorted(times) and len(set(times)) > BATCHES


def test_steps_of_a_loop_that_does_not_mark_its_last_batch():
    """Resumed at epoch 2, an epoch of 5 batches begins at step 10 once it has ended."""
    counted = Steps()
    for nbatch in range(5):
        counted.batch_end(Param(2, nbatch, None, {"begin_epoch": 2}))
    assert counted.epoch_end() == 14 and counted.start == 10


@pytest.mark.parametrize("begin_step", [None, 2 * BATCHES])
def test_values_wait_until_the_step_is_known(tmp_path, begin_step):
    """With begin_epoch and a new optimizer, those of the first epoch are held until it ends; with
    begin_step nothing is."""
    written = []
    with FileWriter(tmp_path) as writer:
        callbacks = fit_callbacks(writer, begin_step=begin_step)

        def count(param):
            writer.flush()
            written.append(sum(value.tag == "accuracy" for event in events(tmp_path)
                               for value in event.summary.value))
        callbacks["batch_end_callback"].append(count)
        fit(module(), callbacks, epochs=4, begin_epoch=2, evaluate=False)
    at_once = list(range(1, 2 * BATCHES + 1))
    assert written == (at_once if begin_step else [0] * (BATCHES - 1) + at_once[BATCHES - 1:])


@both_loaders
def test_a_training_that_was_stopped_in_an_epoch(tmp_path, loader):
    """If training continues from the beginning of that epoch with purge_step, all curves have each
    step
    once: the second try's."""
    def stop(param):
        if param.epoch == 1 and param.nbatch == 2:
            raise KeyboardInterrupt

    with SummaryWriter(tmp_path) as writer, pytest.raises(KeyboardInterrupt):
        callbacks = fit_callbacks(writer)
        callbacks["batch_end_callback"].append(stop)
        fit(module(), callbacks)
    recorder = Recorder()
    with SummaryWriter(tmp_path, purge_step=BATCHES) as writer:
        callbacks = fit_callbacks(writer, begin_step=BATCHES)
        callbacks["batch_end_callback"].append(recorder)
        fit(module(), callbacks, begin_epoch=1)
    with board(tmp_path, loader) as b:
        shown = b.scalars("train", "accuracy")
        assert steps(shown) == list(range(2 * BATCHES))
        assert [value for _, value in shown[BATCHES:]] == recorder.values
        assert steps(b.scalars("validation", "accuracy")) == [BATCHES - 1, 2 * BATCHES - 1]


def test_resume_of_the_same_module(tmp_path):
    """A module that continues knows its updates: they are the step, from the first batch on."""
    net = module()
    fit(net, {}, epochs=2)
    seen = []
    with FileWriter(tmp_path) as writer:
        counted = Steps()
        fit(net, {"batch_end_callback": [
            counted.batch_end, lambda param: counted.write(counted.last, seen.append),
            BatchMetrics(writer)]}, epochs=3, begin_epoch=2)
    assert seen == list(range(2 * BATCHES, 3 * BATCHES))
    with board(tmp_path, "fast") as b:
        assert steps(b.scalars("train", "accuracy")) == seen


def test_resume_with_begin_num_update(tmp_path):
    """The optimizer's `begin_num_update` gives the step."""
    expected = resume(tmp_path, optimizer_params={"learning_rate": 0.1, "begin_num_update": 700})
    assert_resumed(tmp_path, [step - 2 * BATCHES + 700 for step in expected])


def test_resume_with_begin_step(tmp_path):
    """The argument takes precedence over everything else."""
    expected = resume(tmp_path, begin_step=1000)
    assert_resumed(tmp_path, [step - 2 * BATCHES + 1000 for step in expected])


@pytest.mark.parametrize("kvstore", ["local", "device", None])
def test_two_devices(tmp_path, kvstore):
    """Steps and numbers of values are those of one device; gradients are summed over both. With a
    kvstore, it is the store that updates the parameters."""
    grads = []
    with FileWriter(tmp_path) as writer:
        callbacks = fit_callbacks(writer, parameters=1, gradients=1)
        callbacks["batch_end_callback"].append(lambda param: grads.append(sum(
            each.asnumpy() for each in param.locals["self"]._exec_group.grad_arrays[0])))
        fit(module(2), callbacks, kvstore=kvstore)
    with board(tmp_path, "fast") as b:
        assert steps(b.scalars("train", "accuracy")) == list(range(2 * BATCHES))
        assert steps(b.scalars("validation", "accuracy")) == [BATCHES - 1, 2 * BATCHES - 1]
        points = b.tensors("histograms", "train", "gradients/fc1_weight")
        assert steps(points) == list(range(2 * BATCHES))
        for (_, rows), grad in zip(points, grads):
            assert rows[:, 2].sum() == 24
            assert np.isclose(rows[0, 0], grad.min()) and np.isclose(rows[-1, 1], grad.max())


def test_parameters_without_gradients(tmp_path):
    """Fixed parameters have a histogram of values, and none of gradients."""
    with FileWriter(tmp_path) as writer:
        fit(module(fixed_param_names=["fc1_bias"]), {"batch_end_callback": [
            ParameterHistograms(writer, pattern="fc1"), GradientHistograms(writer)]}, epochs=1)
    with board(tmp_path, "fast") as b:
        assert set(b.tags("histograms", "train")) == {
            "parameters/fc1_weight", "parameters/fc1_bias", "gradients/fc1_weight",
            "gradients/fc2_weight", "gradients/fc2_bias"}


def test_bucketing_module(tmp_path):
    """Buckets alternate: steps continue, and the shared parameters are logged once per step."""
    net, iterator = buckets()
    with FileWriter(tmp_path) as writer:
        fit(net, fit_callbacks(writer, parameters=1, gradients=1, speed=1, learning_rate=1),
            iterator=iterator, evaluate=False)
    for loader in LOADERS:
        with board(tmp_path, loader) as b:
            for tag in ("parameters/fc1_weight", "gradients/fc1_weight"):
                assert steps(b.tensors("histograms", "train", tag)) == list(range(12))
            assert steps(b.scalars("train", "learning_rate")) == list(range(12))


def test_feed_forward(tmp_path):
    """MXNet's oldest interface counts batches from 1; the steps are the same."""
    with FileWriter(tmp_path) as writer:
        callbacks = fit_callbacks(writer, parameters=2, gradients=2, learning_rate=1)
        net = mx.model.FeedForward(mlp(), ctx=mx.cpu(), num_epoch=2, learning_rate=0.1)
        net.fit(data(), eval_data=data(), **callbacks)
    with board(tmp_path, "fast") as b:
        assert steps(b.scalars("train", "accuracy")) == list(range(2 * BATCHES))
        assert steps(b.scalars("validation", "accuracy")) == [BATCHES - 1, 2 * BATCHES - 1]
        assert steps(b.tensors("histograms", "train", "parameters/fc1_weight")) == [0, 2, 4, 6, 8]
        assert len(b.scalars("train", "learning_rate")) == 2 * BATCHES


def test_feed_forward_evaluates_in_the_function_that_trains(tmp_path):
    """Its batches of evaluation are counted from 0, on their own; a callback that may be of either
    kind distinguishes training and evaluation, also in later epochs."""
    with FileWriter(tmp_path) as writer:
        train, evaluate = (LogMetricsCallback(str(tmp_path / name)) for name in ("log", "log_eval"))
        net = mx.model.FeedForward(mlp(), ctx=mx.cpu(), num_epoch=3, learning_rate=0.1)
        net.fit(data(), eval_data=data(), batch_end_callback=[BatchMetrics(writer), train],
                eval_end_callback=evaluate,
                eval_batch_end_callback=BatchMetrics(writer, run="batches"))
        train.summary_writer.close()
        evaluate.summary_writer.close()
    with board(tmp_path, "fast") as b:
        for run in "train", "batches", "log":
            assert steps(b.scalars(run, "accuracy")) == list(range(3 * BATCHES))
        assert steps(b.scalars("log_eval", "accuracy")) == [4, 9, 14]


def test_batches_that_are_evaluated_are_no_steps(tmp_path):
    """A part that logs evaluation batch by batch counts them for itself: those of training are
    what they are without it."""
    with FileWriter(tmp_path) as writer:
        fit(module(), {"batch_end_callback": BatchMetrics(writer),
                       "eval_batch_end_callback": BatchMetrics(writer, run="batches"),
                       "eval_end_callback": EvalMetrics(writer)})
    with board(tmp_path, "fast") as b:
        assert steps(b.scalars("train", "accuracy")) == list(range(2 * BATCHES))
        assert steps(b.scalars("batches", "accuracy")) == list(range(2 * BATCHES))
        assert steps(b.scalars("validation", "accuracy")) == [BATCHES - 1, 2 * BATCHES - 1]


def test_parts_one_by_one_agree_about_the_step(tmp_path):
    """Callbacks of one module share its steps without an argument, also when training is
    resumed."""
    with FileWriter(tmp_path) as writer:
        fit(module(), {"batch_end_callback": [Speed(writer, 1), BatchMetrics(writer, 2)],
                       "eval_end_callback": EvalMetrics(writer)}, epochs=4, begin_epoch=2)
    with board(tmp_path, "fast") as b:
        assert steps(b.scalars("train", "accuracy")) == [10, 12, 14, 16, 18]
        assert steps(b.scalars("validation", "accuracy")) == [14, 19]
        assert steps(b.scalars("train", "speed/samples_per_second")) \
            == [11, 12, 13, 14, 16, 17, 18, 19]


def test_score_alone(tmp_path):
    """An evaluation after training is at the step of the last update, one before any at 0."""
    net, metric = module(), mx.metric.create("acc")
    net.bind(data().provide_data, data().provide_label)
    net.init_params()
    with FileWriter(tmp_path) as writer:
        net.score(data(), metric, score_end_callback=EvalMetrics(writer, run="before"))
        fit(net, {}, epochs=1, force_rebind=True, force_init=True)
        net.score(data(), metric, score_end_callback=EvalMetrics(writer, run="after"))
    with board(tmp_path, "fast") as b:
        assert steps(b.scalars("before", "accuracy")) == [0]
        assert steps(b.scalars("after", "accuracy")) == [BATCHES - 1]


def test_home_made_loops(tmp_path):
    """Tuples without locals, even without an epoch, give metrics: a batch number that falls back
    is a new epoch. Values that can't be found are requested as arguments."""
    metric = mx.metric.create("acc")
    metric.update([mx.nd.array([1])], [mx.nd.array([[0, 1]])])
    Bare = namedtuple("Bare", ["nbatch", "eval_metric"])
    with FileWriter(tmp_path) as writer:
        ours = BatchMetrics(writer)
        for _ in range(3):
            for nbatch in range(4):
                ours(Bare(nbatch, metric))
        other = BatchMetrics(writer, run="other")

        class Loop:  # takes no weak reference
            __slots__ = ()
        inside = BatchMetrics(writer, run="inside")
        for nbatch in range(2):
            inside(Param(0, nbatch, metric, {"self": Loop()}))
        for epoch in (1, 2):
            other(Param(epoch, 0, metric, None))
        with pytest.raises(ValueError, match="optimizer"):
            LearningRate(writer)(Bare(0, metric))
        with pytest.raises(ValueError, match="module"):
            ParameterHistograms(writer)(Bare(0, metric))
        speed = Speed(writer, 1)
        speed(Bare(0, metric))
        with pytest.raises(ValueError, match="batch_size"):
            speed(Bare(1, metric))
    with board(tmp_path, "fast") as b:
        assert b.scalars("train", "accuracy") == [(step, 1.0) for step in range(12)]
        assert steps(b.scalars("other", "accuracy")) == [0, 1]
        assert steps(b.scalars("inside", "accuracy")) == [0, 1]


def test_nothing_of_the_loop_is_kept(tmp_path):
    """When fit has returned, batches, module and iterator are freed although the callbacks
    exist."""
    kept = []
    with FileWriter(tmp_path) as writer:
        callbacks = fit_callbacks(writer, parameters=1, gradients=1, speed=1, learning_rate=1,
                                  images=".*", eval_batches=1)
        net, iterator = module(), data()
        seen = callbacks["batch_end_callback"] + [
            lambda param: kept.append(weakref.ref(param.locals["data_batch"]))]
        fit(net, {**callbacks, "batch_end_callback": seen}, iterator=iterator)
        kept += [weakref.ref(net), weakref.ref(iterator)]
        writer.flush()
        del net, iterator
        gc.collect()
        assert len(kept) == 2 * BATCHES + 2 and [ref() for ref in kept] == [None] * len(kept)


def test_speed_counts_samples_and_time(tmp_path, monkeypatch):
    """Samples without padding, by the clock between two batches; the pause between epochs is not
    counted."""
    clock = iter([0.0, 1.0, 3.0, 100.0, 102.0])
    monkeypatch.setattr(_progress, "perf_counter", lambda: next(clock))
    with FileWriter(tmp_path) as writer:
        speed = Speed(writer, every=3)
        for epoch, nbatch, pad in ((0, 0, 0), (0, 1, 0), (0, 2, 6), (1, 0, 0), (1, 1, 0)):
            batch = mx.io.DataBatch([mx.nd.zeros((8, 6))], [], pad=pad)
            speed(Param(epoch, nbatch, None, {"data_batch": batch, "train_data": data()}))
    with board(tmp_path, "fast") as b:
        assert b.scalars("train", "speed/samples_per_second") \
            == [(4, pytest.approx((8 + 2 + 8) / (1 + 2 + 2)))]
    # An iterator without a batch_size: the batch itself has one.
    batch = mx.io.DataBatch([mx.nd.zeros((8, 6))], [], pad=3)
    assert _progress._samples({"data_batch": batch, "train_data": [batch]}, None) == 5


def test_log_metrics_callback(tmp_path):
    """The signature of mxnet.contrib's: tags `prefix-name`, each batch at its own step, and
    evaluation over the last batch of training."""
    train = LogMetricsCallback(str(tmp_path / "train"), prefix="mlp")
    evaluate = LogMetricsCallback(str(tmp_path / "eval"), prefix="mlp")
    plain = LogMetricsCallback(str(tmp_path / "plain"))
    assert (train.prefix, plain.prefix) == ("mlp", None)  # as that of mxnet.contrib's
    recorder = Recorder()
    fit(module(), {"batch_end_callback": [mx.callback.Speedometer(8, 1), train, plain, recorder],
                   "eval_end_callback": evaluate}, epochs=4, begin_epoch=2)
    for callback in (train, evaluate, plain):
        callback.summary_writer.close()
    for loader in LOADERS:
        with board(tmp_path, loader) as b:
            assert b.scalars("train", "mlp-accuracy") \
                == list(zip(range(2 * BATCHES, 4 * BATCHES), recorder.values))
            assert steps(b.scalars("eval", "mlp-accuracy")) == [14, 19]
            assert len(b.scalars("plain", "accuracy")) == 2 * BATCHES


def test_steps_of_mxnets_own_callback(monkeypatch):
    """mxnet.contrib's has the same arguments, and puts all batches of an epoch on one step."""
    contrib = pytest.importorskip("mxnet.contrib.tensorboard")
    ours, theirs = (list(inspect.signature(each).parameters.values())
                    for each in (LogMetricsCallback, contrib.LogMetricsCallback))
    assert [(one.name, one.default) for one in ours] == [(one.name, one.default) for one in theirs]
    points = []

    class Writer:
        def __init__(self, logging_dir):
            pass

        def add_scalar(self, name, value, global_step):
            points.append((name, global_step))
    monkeypatch.setitem(sys.modules, "mxboard", SimpleNamespace(SummaryWriter=Writer))
    callback = contrib.LogMetricsCallback("logs", prefix="mlp")
    fit(module(), {"batch_end_callback": callback}, epochs=2)
    assert points == [("mlp-accuracy", epoch) for epoch in (0, 1) for _ in range(BATCHES)]


@pytest.mark.parametrize("shape, expected", [
    ((2, 3), (2, 3)), ((4, 2, 3, 3), (4 * 4 - 1, 2 * 4 - 1)), ((4, 2, 5), (4 * 2 - 1, 2 * 6 - 1)),
    ((2, 3, 4, 5, 6), (2 * 6 - 1, 12 * 7 - 1))])
def test_shape_of_pictures(shape, expected):
    """A matrix as it is; a convolution's filters as a grid, a row of tiles for each output."""
    picture = weight_picture(np.arange(np.prod(shape)).reshape(shape))
    assert picture.shape == expected and picture.dtype == np.uint16
    assert picture.min() == 0 and picture.max() == 65535


def test_pictures_of_odd_values():
    """Constant, infinite and NaN weights give a picture, without warnings."""
    assert not weight_picture(np.full((2, 2), 3.0)).any()
    assert weight_picture(np.array([[np.nan, 1], [2, np.inf]])).ravel().tolist() == [0, 0, 65535, 0]
    assert not weight_picture(np.full((2, 2), np.nan)).any()


def test_epoch_is_the_step_of_pictures_alone(tmp_path):
    """An epoch_end_callback on its own knows no more than the epoch."""
    with FileWriter(tmp_path) as writer:
        fit(module(), {"epoch_end_callback": ParameterImages(writer, "fc1_weight")})
    with board(tmp_path, "fast") as b:
        assert steps(b.blobs("images", "train", "images/fc1_weight")) == [0, 1]


@pytest.mark.parametrize("every", [0, -1, 1.5, True, None])
def test_intervals_are_numbers_of_batches(tmp_path, every):
    """Anything but a positive integer is refused when the callback is made."""
    with FileWriter(tmp_path) as writer, pytest.raises(ValueError, match="want a number of batch"):
        BatchMetrics(writer, every)


def test_everything_off(tmp_path):
    """Only validation metrics are left, at the right steps; nothing else is written."""
    with FileWriter(tmp_path) as writer:
        callbacks = fit_callbacks(writer, metrics=0, speed=0, learning_rate=0, parameters=0,
                                  gradients=0)
        assert "monitor" not in callbacks and "eval_batch_end_callback" not in callbacks
        fit(module(), callbacks)
    tags = [(event.step, event.summary.value[0].tag) for event in events(tmp_path)
            if event.HasField("summary")]
    assert tags == [(4, "accuracy"), (9, "accuracy")]


def test_a_disabled_writer(tmp_path, monkeypatch):
    """Processes that should be silent write nothing and copy no array."""
    monkeypatch.setattr(_histogram, "snapshot", lambda *args: pytest.fail("an array was copied"))
    writer = FileWriter(tmp_path / "logs", disabled=True)
    fit(module(), fit_callbacks(writer, monitor=1, eval_batches=1))
    writer.close()
    assert not (tmp_path / "logs").exists()


def test_sequential_module(tmp_path):
    """A chain of modules: the parameters of all of them, at consecutive steps."""
    chain = mx.mod.SequentialModule()
    lower = mx.sym.FullyConnected(mx.sym.var("data"), num_hidden=4, name="fc1")
    upper = mx.sym.FullyConnected(mx.sym.var("data"), num_hidden=2, name="fc2")
    chain.add(mx.mod.Module(lower, label_names=[]))
    chain.add(mx.mod.Module(mx.sym.SoftmaxOutput(upper, name="softmax")), take_labels=True,
              auto_wiring=True)
    with FileWriter(tmp_path) as writer:
        fit(chain, fit_callbacks(writer, parameters=5, gradients=5, learning_rate=1, monitor=5))
    with board(tmp_path, "fast") as b:
        names = {f"{layer}_{what}" for layer in ("fc1", "fc2") for what in ("weight", "bias")}
        for name in names:
            for kind in ("parameters", "gradients"):
                assert steps(b.tensors("histograms", "train", f"{kind}/{name}")) == [0, 5]
        assert {"fc1_output", "fc2_output"} <= set(b.tags("histograms", "train"))
        assert steps(b.scalars("train", "accuracy")) == list(range(2 * BATCHES))
        assert len(b.scalars("train", "learning_rate")) == 2 * BATCHES


def test_a_run_may_be_the_log_directory(tmp_path):
    """The empty name is that of the log directory, for the monitor too."""
    with FileWriter(tmp_path) as writer:
        fit(module(), fit_callbacks(writer, train="", monitor=5))
    with board(tmp_path, "fast") as b:
        assert steps(b.scalars(".", "accuracy")) == list(range(2 * BATCHES))
        assert {"fc1_output", "parameters/fc1_weight"} <= set(b.tags("histograms", "."))


def test_summary_writer(tmp_path):
    """SummaryWriter works like FileWriter."""
    with SummaryWriter(tmp_path) as writer:
        fit(module(), fit_callbacks(writer, images="fc1"))
    with board(tmp_path, "fast") as b:
        assert steps(b.scalars("validation", "accuracy")) == [BATCHES - 1, 2 * BATCHES - 1]
        assert set(b.tags("images", "train")) == {"images/fc1_weight"}
