"""Training speed and learning rate."""
from __future__ import annotations

from time import perf_counter
from typing import Any, Mapping, Optional

from .._values.number import as_count
from ._callback import BatchCallback
from ._steps import Steps, optimizer_of, scope_of


class Rate:
    """Samples per second over `every` batches, without pauses; 0 is never.

    The first batch after a pause is not counted: its beginning is not known.
    """

    def __init__(self, every: int) -> None:
        self._every = every
        self._since: Optional[float] = None
        self._clear()

    def pause(self) -> None:
        """The next batch does not begin where the last one has ended."""
        self._since = None

    def batch(self, samples: int) -> Optional[float]:
        """Count a batch that has ended; returns the speed if it is due."""
        since, self._since = self._since, perf_counter()
        if since is None or not self._every:
            return None
        self._batches += 1
        self._samples += samples
        self._seconds += self._since - since
        if self._batches < self._every or not self._seconds:
            return None
        speed = self._samples / self._seconds
        self._clear()
        return speed

    def _clear(self) -> None:
        self._batches = self._samples = 0
        self._seconds = 0.0


class Speed(BatchCallback):
    """Training speed in samples per second, as the scalar `speed/samples_per_second`.

    A `batch_end_callback`. Neither padding nor the time between epochs, in which MXNet evaluates,
    is counted; nor is the first batch of an epoch, whose time includes the evaluation.

    writer, run, steps: see `fit_callbacks`. every: log the mean speed of this many batches.
    batch_size: None takes it from the data iterator.

    Raises TypeError or ValueError for other arguments, and ValueError at the first batch that is
    counted if neither gives a batch size.
    """

    _again = True  # each batch is counted

    def __init__(self, writer: Any, every: int = 50, run: str = "train",
                 batch_size: Optional[int] = None, steps: Optional[Steps] = None) -> None:
        super().__init__(writer, every, run, steps)
        self._batch_size = None if batch_size is None else as_count(batch_size, "batch_size")
        self._nbatch = -1
        self._rate = Rate(self._every)

    def _log(self, param: Any, steps: Steps, batch: int) -> None:
        first = param.nbatch <= self._nbatch or self._nbatch < 0
        self._nbatch = param.nbatch
        if first:
            self._rate.pause()
        speed = self._rate.batch(0 if first else _samples(scope_of(param), self._batch_size))
        if speed is not None:
            steps.write(batch, self._to.add_scalar, "speed/samples_per_second", speed)


class LearningRate(BatchCallback):
    """The optimizer's learning rate, as the scalar `learning_rate`. A `batch_end_callback`.

    It is the rate of the last update, scheduler included. With an optimizer on parameter servers,
    this process knows only the initial rate.

    writer, run, steps: see `fit_callbacks`. every: log one batch in `every`.

    Raises TypeError or ValueError for other arguments, and ValueError at the first batch if no
    optimizer is found.
    """

    def __init__(self, writer: Any, every: int = 50, run: str = "train",
                 steps: Optional[Steps] = None) -> None:
        super().__init__(writer, every, run, steps)

    def _log(self, param: Any, steps: Steps, batch: int) -> None:
        optimizer = optimizer_of(scope_of(param))
        if optimizer is None:
            raise ValueError("got a batch without `locals` that lead to an optimizer, "
                             "want that of Module.fit")
        steps.write(batch, self._to.add_scalar, "learning_rate", optimizer.learning_rate)


def _samples(scope: Mapping[str, Any], batch_size: Optional[int]) -> int:
    """The number of samples in the batch."""
    data = scope.get("data_batch")
    if batch_size is None:
        batch_size = getattr(scope.get("train_data"), "batch_size", None)
    if not batch_size and data is not None and not isinstance(data, list):
        batch_size = data.data[0].shape[0]
    if not batch_size:
        raise ValueError("got a data iterator without a batch_size, want Speed(batch_size=...)")
    return batch_size - (getattr(data, "pad", 0) or 0)
