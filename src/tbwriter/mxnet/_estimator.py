"""Gluon's Estimator in TensorBoard: one event handler for training and validation.

An Estimator checks the class of its handlers, so MXNet is imported here.
"""
from __future__ import annotations

from typing import Any, List, Optional, Tuple

from mxnet.gluon.contrib.estimator import (
    BatchBegin, BatchEnd, EpochBegin, EpochEnd, TrainBegin, TrainEnd)

from .._proto import schema, wire
from .._proto.messages import Summary, Value
from .._parts import Parts
from .._values.number import as_step
from .._warnings import whole
from ._arguments import (
    as_interval, as_pair_of_batches, as_run, as_sample, as_writer, is_disabled)
from ._callback import run_of
from ._gluon import log_parameters, show_gradient
from ._gradients import StepGradients, parameters_of
from ._metrics import metric_values
from ._profile_estimator import EstimatorBatches
from ._progress import Rate

# The methods that an Estimator calls.
_EVENTS = ("train_begin", "train_end", "epoch_begin", "epoch_end", "batch_begin", "batch_end")


class EstimatorHandler(TrainBegin, EpochBegin, BatchBegin, BatchEnd,  # type: ignore[misc]
                       EpochEnd, TrainEnd):  # type: ignore[misc]
    """An event handler for `Estimator.fit` that logs training and validation.

        estimator.fit(train_data, val_data, epochs=5, event_handlers=[EstimatorHandler(writer)])

    Training and validation are two runs with the same tags, so that their curves share a chart:
    `loss`, the metrics under their own names, and of training `learning_rate`,
    `speed/samples_per_second`, `parameters/<name>` and `gradients/<name>`. A step is a training
    batch, counted from 0; a validation has the step of the last batch before it.

    writer: a FileWriter or SummaryWriter.
    metrics: how many batches apart to log metrics and loss; 0 is never, here and below. The loss is
        the mean of the samples since the previous value, a metric the Estimator's value for the
        epoch so far.
    speed, learning_rate, parameters, gradients: how many batches apart to log each.
    train, validation: the names of the runs below the writer's log directory.
    start: the step of the first batch, after a resume.
    max_values: of each larger array, count a sample of this size, see `summary.histogram`; None
        counts all values.
    profile: the first and last batch to profile, such as (10, 20), counted from 0 in this process,
        shown in the Profile dashboard; MXNet then executes no operators in bulk, see
        `tbwriter.mxnet.profile`. None profiles none.

    Validation is logged at the end of each epoch. For validation at other times, and for its loss
    with metrics of your own, give the same handler to it:
    `ValidationHandler(val_data, estimator.evaluate, event_handlers=[handler])`.

    Raises TypeError or ValueError for other arguments.
    """

    def __init__(self, writer: Any, *, metrics: int = 1, speed: int = 50, learning_rate: int = 50,
                 parameters: int = 100, gradients: int = 100, train: str = "train",
                 validation: str = "validation", start: int = 0, max_values: Optional[int] = None,
                 profile: Optional[Tuple[int, int]] = None) -> None:
        self._writer = as_writer(writer)
        # The Estimator takes attributes whose names contain "metric" for metrics.
        self._scalars = as_interval(metrics, "metrics", 0)
        self._learning_rate = as_interval(learning_rate, "learning_rate", 0)
        self._parameters = as_interval(parameters, "parameters", 0)
        self._every_gradients = as_interval(gradients, "gradients", 0)
        self._gradients: Optional[StepGradients] = None
        self._max_values = as_sample(max_values)
        self._train = as_run(train, "train")
        self._validation = as_run(validation, "validation")
        self._next = as_step(start)
        self._training = _Loss()
        self._evaluation = _Loss()
        self._speed = Rate(as_interval(speed, "speed", 0))
        self._phase = _Phase()
        self._profile = None if profile is None else EstimatorBatches(
            writer, *as_pair_of_batches(profile, 0))
        if is_disabled(writer):
            self.__dict__.update(dict.fromkeys(_EVENTS, _nothing))

    def train_begin(self, estimator: Any, *args: Any, **kwargs: Any) -> None:
        self._phase = _Phase(fitting=True)
        if self._every_gradients:
            self._gradients = StepGradients(lambda: parameters_of(estimator.net, ".*"),
                                            self._show_gradient)

    def train_end(self, estimator: Any, *args: Any, **kwargs: Any) -> None:
        self._phase.fitting = False
        if self._profile:
            self._profile.close()
        self._gradients = None

    def epoch_begin(self, estimator: Any, *args: Any, **kwargs: Any) -> None:
        if self._phase.begin_epoch():
            self._evaluation = _Loss()
        else:
            self._speed.pause()
            if self._profile:
                self._profile.epoch_begin(estimator.net)

    def batch_begin(self, estimator: Any, *args: Any, **kwargs: Any) -> None:
        if self._phase.evaluating:
            return
        if self._profile:
            self._profile.batch_begin(self._next)
        if self._gradients and _due(self._next, self._every_gradients):
            self._gradients.begin(self._next)

    @whole
    def batch_end(self, estimator: Any, *args: Any, **kwargs: Any) -> None:
        loss: List[Any] = kwargs["loss"]
        if self._phase.evaluating:
            self._evaluation.add(loss)
            return
        step = self._next
        self._next += 1
        if self._profile:
            self._profile.batch_end()
        run = run_of(self._writer, self._train)
        self._training.add(loss)
        speed = self._speed.batch(sum(len(part) for part in loss))
        if _due(step, self._scalars):
            run.add(self._training.summary(), step)
            self._training = _Loss()
            _log_metrics(run, estimator.train_metrics, step)
        if speed is not None:
            run.add_scalar("speed/samples_per_second", speed, step)
        if _due(step, self._learning_rate):
            run.add_scalar("learning_rate", estimator.trainer.learning_rate, step)
        if _due(step, self._parameters):
            log_parameters(run, estimator.net, step, max_values=self._max_values)
        if self._gradients:
            self._gradients.end_pass()

    @whole
    def epoch_end(self, estimator: Any, *args: Any, **kwargs: Any) -> None:
        step = max(self._next - 1, 0)
        if self._phase.end_epoch():
            run = run_of(self._writer, self._validation)
            if self._evaluation.samples:
                run.add(self._evaluation.summary(), step)
            _log_metrics(run, estimator.val_metrics, step)
            return
        # The Estimator's own validation, which comes first, does not call this handler.
        if not self._phase.evaluated and any(metric.num_inst for metric in estimator.val_metrics):
            _log_metrics(run_of(self._writer, self._validation), estimator.val_metrics, step)

    def _show_gradient(self, name: str, gradient: Any, step: int) -> None:
        show_gradient(run_of(self._writer, self._train), self._max_values, name, gradient, step)


class _Phase:
    """Whether `fit` or `evaluate` calls the handler: `evaluate` too calls the methods of an epoch,
    even within an epoch of `fit`.

    evaluated: whether this handler has logged a validation since the training began.
    """

    def __init__(self, fitting: bool = False) -> None:
        self.fitting = fitting
        self.evaluating = self.evaluated = False
        self._in_epoch = False

    def begin_epoch(self) -> bool:
        """Whether it is one of `evaluate`."""
        self.evaluating = not self.fitting or self._in_epoch
        self._in_epoch = self._in_epoch or not self.evaluating
        return self.evaluating

    def end_epoch(self) -> bool:
        """Whether it was one of `evaluate`."""
        ended, self.evaluating = self.evaluating, False
        if ended:
            self.evaluated = self.fitting
        else:
            self._in_epoch = False
        return ended


class _Loss:
    """The mean loss of the samples of some batches, added up by MXNet's engine."""

    def __init__(self) -> None:
        self.samples = 0
        self._sums: List[Any] = []

    def add(self, loss: List[Any]) -> None:
        """The losses of one batch: an array for each device, an element for each sample."""
        sums = [part.sum() for part in loss]
        self._sums = [old + new for old, new in zip(self._sums, sums)] + sums[len(self._sums):]
        self.samples += sum(part.size for part in loss)

    def summary(self) -> Summary:
        sums, samples = self._sums, self.samples

        def encode() -> Parts:
            total = sum(float(part.asnumpy().sum()) for part in sums)
            return [wire.float_field(schema.Value.SIMPLE_VALUE, total / samples)]
        return Summary([Value("loss", encode, 4 * len(sums), waits=True)])


def _nothing(estimator: Any, *args: Any, **kwargs: Any) -> None:
    """The methods of a handler whose writer is disabled."""


def _due(step: int, every: int) -> bool:
    return bool(every) and step % every == 0


def _log_metrics(run: Any, metrics: List[Any], step: int) -> None:
    for name, value in metric_values(*metrics):
        if value is not None:
            run.add_scalar(_plain(name), value, step)


def _plain(name: str) -> str:
    """A metric's name without the Estimator's prefix."""
    for prefix in ("training ", "validation "):
        if name.startswith(prefix):
            return name[len(prefix):]
    return name
