"""Gluon's Estimator, on MXNet 1.x and 2: two runs with exact steps and values."""
from __future__ import annotations

import logging

import pytest

mx = pytest.importorskip("mxnet", reason="MXNet is not installed")

import numpy as np
from tests.support.judges import board, both_loaders
from mxnet.gluon import Trainer, data, loss, nn
from mxnet.gluon.contrib.estimator import (
    BatchEnd, CheckpointHandler, EarlyStoppingHandler, EpochEnd, Estimator, GradientUpdateHandler,
    LoggingHandler, ValidationHandler)

from tbwriter import FileWriter
from tbwriter.mxnet import EstimatorHandler

MXNET_1 = mx.__version__.startswith("1.")
xp = mx.nd if MXNET_1 else mx.np
metrics = mx.metric if MXNET_1 else mx.gluon.metric
BATCH = 4


def batches(samples):
    """Two classes that a line separates, always in the same order; the last batch is smaller."""
    x = np.random.RandomState(0).randn(samples, 3).astype("float32")
    y = (x.sum(1) > 0).astype("float32")
    return data.DataLoader(data.ArrayDataset(xp.array(x), xp.array(y)), BATCH)


def estimator(devices=1, own_metrics=(metrics.Accuracy,), update_on_kvstore=None):
    net = nn.HybridSequential()
    net.add(nn.Dense(4, activation="relu"), nn.Dense(2))
    where = [mx.cpu(index) for index in range(devices)]
    net.initialize(mx.init.Normal(1), ctx=where)
    trainer = Trainer(net.collect_params(), "sgd", {"learning_rate": 0.25},
                      update_on_kvstore=update_on_kvstore)
    made = Estimator(net, loss.SoftmaxCrossEntropyLoss(), trainer=trainer,
                     train_metrics=[kind() for kind in own_metrics] or None,
                     **{"context" if MXNET_1 else "device": where})
    made.logger.setLevel(logging.ERROR)
    return made


class Witness(BatchEnd, EpochEnd):
    """Records the events of training, by MXNet's own means."""

    priority = 1

    def __init__(self):
        self.loss, self.accuracy, self.validation, self.weights, self.gradients = [], [], [], [], []

    def batch_end(self, estimator, *args, **kwargs):
        self.loss.append(np.concatenate([part.asnumpy() for part in kwargs["loss"]]))
        self.accuracy.append(estimator.train_metrics[0].get()[1])
        weight = next(iter(estimator.net.collect_params().values()))
        self.weights.append(weight.list_data()[0].asnumpy())
        self.gradients.append([part.asnumpy() for part in weight.list_grad()])

    def epoch_end(self, estimator, *args, **kwargs):
        self.validation.append(estimator.val_metrics[0].get()[1])


def train(logdir, epochs=2, validate=True, devices=1, handlers=None, more=None, **options):
    """Three batches (4, 4, 2) an epoch; gives the witness and the names of the parameters."""
    made, witness = estimator(devices, **(more or {})), Witness()
    with FileWriter(logdir) as writer:
        handler = EstimatorHandler(writer, **options)
        own = handlers(made, handler) if handlers else [handler]
        made.fit(batches(10), batches(6) if validate else None, epochs=epochs,
                 event_handlers=[witness, *own])
    return witness, list(made.net.collect_params())


def near(values):
    return [(step, pytest.approx(value, rel=1e-6)) for step, value in enumerate(values)]


@both_loaders
def test_training_and_validation_share_charts(tmp_path, loader):
    """Loss and metric of each batch, validation at the last step of each epoch, the same tags."""
    witness, _ = train(tmp_path, learning_rate=2, speed=1, parameters=0, gradients=0)
    with board(tmp_path, loader) as b:
        assert set(b.runs()) == {"train", "validation"}
        assert b.scalars("train", "loss") == near([part.mean() for part in witness.loss])
        assert b.scalars("train", "accuracy") == near(witness.accuracy)
        assert b.scalars("validation", "accuracy") == [
            (2, pytest.approx(witness.validation[0])), (5, pytest.approx(witness.validation[1]))]
        assert b.scalars("train", "learning_rate") == [(0, 0.25), (2, 0.25), (4, 0.25)]
        # The first batch of an epoch is not timed.
        speed = b.scalars("train", "speed/samples_per_second")
        assert [step for step, _ in speed] == [1, 2, 4, 5] and all(value > 0 for _, value in speed)
        assert set(b.tags("scalars", "validation")) == {"accuracy"}
        assert not b.tags("histograms", "train")


def test_speed_of_several_batches(tmp_path):
    """With a speed each two batches, two batches of an epoch that are timed make a value."""
    train(tmp_path, speed=2, parameters=0, gradients=0)
    with board(tmp_path, "python") as b:
        assert [step for step, _ in b.scalars("train", "speed/samples_per_second")] == [2, 5]


def test_loss_is_the_mean_of_the_samples_between(tmp_path):
    """With a value each two batches, each sample counts the same."""
    witness, _ = train(tmp_path, validate=False, metrics=2)
    with board(tmp_path, "fast") as b:
        assert set(b.runs()) == {"train"}
        parts = [witness.loss[:1], witness.loss[1:3], witness.loss[3:5]]
        assert b.scalars("train", "loss") == [
            (2 * index, pytest.approx(np.concatenate(part).mean(), rel=1e-6))
            for index, part in enumerate(parts)]


@pytest.mark.parametrize("update_on_kvstore", [True, False])
def test_parameters_and_gradients(tmp_path, update_on_kvstore):
    """Histograms after the update; gradients are the sum over both devices, however kept."""
    witness, names = train(tmp_path, epochs=1, devices=2, parameters=2, gradients=2,
                           more={"update_on_kvstore": update_on_kvstore})
    with board(tmp_path, "fast") as b:
        tags = b.tags("histograms", "train")
        assert set(tags) == {f"{kind}/{name}" for name in names
                             for kind in ("parameters", "gradients")}
        shown = {kind: [(step, value[0][0], value[-1][1])
                        for step, value in b.tensors("histograms", "train", f"{kind}/{names[0]}")]
                 for kind in ("parameters", "gradients")}
    gradients = [sum(parts) if update_on_kvstore else parts[0] for parts in witness.gradients]
    for kind, values in ("parameters", witness.weights), ("gradients", gradients):
        assert shown[kind] == [(step, pytest.approx(values[step].min(), rel=1e-5),
                                pytest.approx(values[step].max(), rel=1e-5)) for step in (0, 2)]


def test_validation_that_is_given_the_handler(tmp_path):
    """Validation at other times is logged at its own step, with its loss, and not twice."""
    def handlers(made, handler):
        return [handler, ValidationHandler(batches(6), made.evaluate, epoch_period=None,
                                           batch_period=2, event_handlers=[handler])]
    train(tmp_path, validate=False, handlers=handlers, parameters=0, gradients=0)
    with board(tmp_path, "fast") as b:
        assert [step for step, _ in b.scalars("train", "loss")] == list(range(6))
        for tag in "loss", "accuracy":
            assert [step for step, _ in b.scalars("validation", tag)] == [0, 2, 4]


def test_evaluate_alone(tmp_path):
    """`evaluate` without training is a point of the validation run."""
    made = estimator()
    with FileWriter(tmp_path) as writer:
        made.evaluate(batches(6), event_handlers=[EstimatorHandler(writer)])
    with board(tmp_path, "fast") as b:
        assert set(b.runs()) == {"validation"}
        assert b.scalars("validation", "accuracy") == [
            (0, pytest.approx(made.val_metrics[0].get()[1]))]


def test_a_second_fit_continues(tmp_path):
    """Steps continue over calls of fit, and begin at `start` after a resume."""
    made = estimator()
    with FileWriter(tmp_path) as writer:
        handler = EstimatorHandler(writer, start=100)
        for _ in range(2):
            made.fit(batches(10), epochs=1, event_handlers=[handler])
    with board(tmp_path, "fast") as b:
        assert [step for step, _ in b.scalars("train", "loss")] == list(range(100, 106))


def test_an_evaluation_between_two_fits(tmp_path):
    """It is logged at its step, with its loss; each fit still shows its own validation."""
    made = estimator()
    with FileWriter(tmp_path) as writer:
        handler = EstimatorHandler(writer)
        made.fit(batches(10), batches(6), epochs=1, event_handlers=[handler])
        made.evaluate(batches(6), event_handlers=[handler])
        made.fit(batches(10), batches(6), epochs=1, event_handlers=[handler])
    with board(tmp_path, "fast") as b:
        assert [step for step, _ in b.scalars("validation", "accuracy")] == [2, 5]
        assert [step for step, _ in b.scalars("validation", "loss")] == [2]


def test_metrics_of_the_same_name(tmp_path):
    """Each gets a tag of its own, in both runs."""
    made = estimator(own_metrics=[metrics.Accuracy] * 2)
    with FileWriter(tmp_path) as writer:
        made.fit(batches(10), batches(6), epochs=1, event_handlers=[EstimatorHandler(writer)])
    with board(tmp_path, "fast") as b:
        for tag in "accuracy", "accuracy_1":
            assert [step for step, _ in b.scalars("train", tag)] == [0, 1, 2]
            assert [step for step, _ in b.scalars("validation", tag)] == [2]


def test_beside_other_handlers(tmp_path):
    """Checkpoints, early stopping, MXNet's log and handlers of one's own take and give nothing:
    the training stops where they say, and each batch of it is logged once."""
    class Stop(BatchEnd):
        def batch_end(self, estimator, *args, **kwargs):
            self.batches = getattr(self, "batches", 0) + 1
            return self.batches == 5

    def handlers(made, handler):
        return [handler, Stop(), LoggingHandler(log_interval=1, metrics=made.train_metrics),
                EarlyStoppingHandler(made.val_metrics[0]),
                CheckpointHandler(str(tmp_path), "net", monitor=made.val_metrics[0])]
    train(tmp_path / "logs", epochs=3, handlers=handlers)
    with board(tmp_path / "logs", "fast") as b:
        for tag in "loss", "accuracy":
            assert [step for step, _ in b.scalars("train", tag)] == list(range(5))
        assert [step for step, _ in b.scalars("validation", "accuracy")] == [2, 4]


def test_default_metrics(tmp_path):
    """The Estimator's own choice of metrics appears under the same names in both runs."""
    train(tmp_path, epochs=1, more={"own_metrics": ()})
    with board(tmp_path, "fast") as b:
        validation = set(b.tags("scalars", "validation"))
        assert "accuracy" in validation and len(validation) == 2
        assert validation < set(b.tags("scalars", "train"))


class EveryOther(GradientUpdateHandler):
    """Updates at every second batch, and keeps the greatest gradient of the first parameter."""

    def __init__(self):
        super().__init__()
        self.batches, self.used = 0, []

    def batch_end(self, estimator, *args, **kwargs):
        self.batches += 1
        if self.batches % 2 == 0:
            parameters = list(estimator.net.collect_params().values())
            self.used.append(parameters[0].grad().asnumpy().max())
            super().batch_end(estimator, *args, **kwargs)
            for parameter in parameters:
                parameter.grad()[:] = 0


@pytest.mark.parametrize("every, steps", [(1, [1, 3]), (2, [0, 2])])
def test_accumulated_gradients(tmp_path, every, steps):
    """The whole gradient of each update, once; that of the last batch has none."""
    made, update = estimator(), EveryOther()
    for parameter in made.net.collect_params().values():
        parameter.grad_req = "add"
    with FileWriter(tmp_path) as writer:
        made.fit(batches(20), epochs=1,
                 event_handlers=[update, EstimatorHandler(writer, gradients=every)])
    name = "gradients/" + next(iter(made.net.collect_params()))
    with board(tmp_path, "fast") as b:
        found = b.tensors("histograms", "train", name)
    assert [(step, buckets[-1][1]) for step, buckets in found] == [
        (step, pytest.approx(value, rel=1e-5)) for step, value in zip(steps, update.used)]


def test_a_run_may_be_the_log_directory(tmp_path):
    """With the empty name, as for the callbacks of Module.fit."""
    train(tmp_path, train="", gradients=1)
    with board(tmp_path, "fast") as b:
        assert [step for step, _ in b.scalars(".", "loss")] == list(range(6))
        assert any(tag.startswith("gradients/") for tag in b.tags("histograms", "."))
        assert b.scalars("validation", "accuracy")
