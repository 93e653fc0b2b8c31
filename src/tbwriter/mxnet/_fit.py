"""All callbacks for training with Module.fit, in one call."""
from __future__ import annotations

from typing import Any, Dict, List, Optional, Tuple

from ._arguments import as_interval, as_pair_of_batches, as_pattern, as_run, as_sample
from ._callback import run_of
from ._metrics import BatchMetrics, EvalMetrics
from ._monitor import Monitor
from ._parameters import GradientHistograms, ParameterHistograms, ParameterImages
from ._profile_batches import ProfileBatches
from ._progress import LearningRate, Speed
from ._steps import Steps


def fit_callbacks(writer: Any, *, metrics: int = 1, speed: int = 50, learning_rate: int = 50,
                  parameters: int = 100, gradients: int = 100, images: str = "", monitor: int = 0,
                  pattern: str = ".*", eval_batches: int = 0, begin_step: Optional[int] = None,
                  train: str = "train", validation: str = "validation",
                  profile: Optional[Tuple[int, int]] = None,
                  max_values: Optional[int] = None) -> Dict[str, Any]:
    """The keyword arguments for `module.fit(..., **fit_callbacks(writer))`.

    All callbacks are in lists, to which others may be added. Steps are true global steps: the
    first batch is step 0, and steps continue over epochs and when training is resumed.

    writer: a FileWriter or SummaryWriter; the caller closes it.
    metrics, speed, learning_rate, parameters, gradients: how many batches apart to log each; 0 is
        never. See BatchMetrics, Speed, LearningRate, ParameterHistograms, GradientHistograms.
    images: a regular expression of the weights to show as pictures after each epoch
        (ParameterImages); an empty one shows none.
    monitor: how many batches apart to log histograms of all tensors that a Monitor sees; 0 is
        never. A monitor slows MXNet down.
    pattern: a regular expression of the names that parameters, gradients and monitor log.
    eval_batches: how many batches apart to log metrics within an evaluation too, in a run
        `<validation>_batches` whose steps are evaluated batches.
    begin_step: the global step of the first batch. It is needed if training is resumed with a new
        optimizer in the middle of an epoch. None finds the step, see Steps.
    train, validation: the names of the runs below the writer's log directory. Training and
        validation are two curves in one chart.
    max_values: of each larger array, count a sample of this size, see `summary.histogram`; None
        counts all values.
    profile: the first and last batch to profile, such as (10, 20), for the Profile dashboard; see
        ProfileBatches. MXNet then executes no operators in bulk. None profiles none.

    Raises ValueError for an interval that is not an int of 0 or more, TypeError or ValueError for
    other arguments.
    """
    steps = Steps(begin_step)
    on_batch: List[Any] = []
    as_pattern(pattern)
    max_values = as_sample(max_values)
    train, validation = as_run(train, "train"), as_run(validation, "validation")
    for kind, what, every in ((BatchMetrics, "metrics", metrics), (Speed, "speed", speed),
                              (LearningRate, "learning_rate", learning_rate)):
        if as_interval(every, what, 0):
            on_batch.append(kind(writer, every, run=train, steps=steps))
    for histograms, what, every in ((ParameterHistograms, "parameters", parameters),
                                    (GradientHistograms, "gradients", gradients)):
        if as_interval(every, what, 0):
            on_batch.append(histograms(writer, every, pattern, train, steps, max_values))
    on_batch.append(steps.batch_end)  # counts, even if nothing is logged
    callbacks: Dict[str, Any] = {
        "batch_end_callback": on_batch,
        "epoch_end_callback": [ParameterImages(writer, images, train, steps)]
        if as_pattern(images, "images").pattern else [],
        "eval_end_callback": [EvalMetrics(writer, validation, steps=steps)],
    }
    if as_interval(eval_batches, "eval_batches", 0):
        callbacks["eval_batch_end_callback"] = [
            BatchMetrics(writer, eval_batches, f"{validation}_batches", steps=Steps())]
    if as_interval(monitor, "monitor", 0):
        callbacks["monitor"] = Monitor(run_of(writer, train), monitor, pattern=pattern, steps=steps,
                                       max_values=max_values)
    # Last: it turns MXNet's bulk execution off.
    if profile is not None:
        on_batch.append(ProfileBatches(writer, *as_pair_of_batches(profile, 1), steps=steps))
    return callbacks
