"""Base classes of the callbacks of Module.fit: their writer, interval and step."""
from __future__ import annotations

from typing import Any, Optional

from ._arguments import as_interval, as_run, as_steps, as_writer
from ._steps import Steps, evaluates, scope_of, shared


def run_of(writer: Any, run: str) -> Any:
    """The writer of a run; "" is the log directory itself."""
    return writer.sub_run(run) if run else writer


class Callback:
    """A callback that writes to one run of a writer.

    writer: a FileWriter or SummaryWriter.
    run: the run below the writer's log directory; "" is the log directory itself.
    steps: the Steps that it counts with; None shares those of the module that calls it.
    """

    def __init__(self, writer: Any, run: str, steps: Optional[Steps]) -> None:
        self._writer = as_writer(writer)
        self._run = as_run(run)
        self._given_steps = as_steps(steps)
        self._own_steps = steps or Steps()

    @property
    def _to(self) -> Any:
        """The writer of the run, made when first used: a run without values is not shown."""
        # As `run_of`, without its call: this is evaluated in every batch.
        return self._writer.sub_run(self._run) if self._run else self._writer

    def _steps(self, param: Any) -> Steps:
        return self._given_steps or shared(scope_of(param), self._own_steps)


class BatchCallback(Callback):
    """A batch_end_callback that logs one batch in `every`, beginning with the first."""

    _again = False  # whether the next batch is to be logged too

    def __init__(self, writer: Any, every: int, run: str, steps: Optional[Steps]) -> None:
        super().__init__(writer, run, steps)
        self._every = as_interval(every, "every")

    def __call__(self, param: Any) -> None:
        # Few functions are called here: a batch evicts this code from the processor's caches, so
        # each call takes ten times as long as in a loop of its own.
        scope = getattr(param, "locals", None) or {}
        # Batches that are evaluated are not steps of the training.
        evaluated = evaluates(scope)
        steps = self._own_steps if evaluated else (
            self._given_steps or shared(scope, self._own_steps))
        batch = steps.count(param, scope, evaluated)
        # In a silent process nothing is copied.
        if (self._again or not batch % self._every) \
                and not getattr(self._writer, "disabled", False):
            self._log(param, steps, batch)

    def _log(self, param: Any, steps: Steps, batch: int) -> None:
        raise NotImplementedError
