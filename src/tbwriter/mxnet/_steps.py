"""The global step, from the parameters of MXNet's callbacks.

`nbatch` restarts in every epoch and MXNet passes no global step, so it is counted here: the first
batch of training is step 0, and steps continue over epochs, calls of `fit`, and a resume.

All access to `param.locals`, the variables of MXNet's own loop, is here too. No reference to them
is kept: they hold the batch and all arrays.
"""
from __future__ import annotations

import logging
import time
from typing import Any, Callable, Dict, List, Mapping, Optional, Tuple
from weakref import WeakKeyDictionary

from .._proto import schema
from .._proto.messages import Message, Summary
from .._values.number import as_step
from .._warnings import whole

_log = logging.getLogger(__name__)


class Steps:
    """Counts the batches of training. Callbacks that share one use the same step.

    start: the step of the first batch. None until it is known. It is the optimizer's number of
        updates, if the module was trained before or the optimizer has a `begin_num_update`.
        Otherwise it is `begin_epoch` times the length of the first epoch; until that length is
        known, values are held in memory.
    """

    def __init__(self, start: Optional[int] = None) -> None:
        self.start = None if start is None else as_step(start)
        self._epoch: Any = None
        self._before = 0   # batches counted in the epochs before this one
        self._nbatch = -1  # the last batch of this epoch, from 0
        self._begin_epoch = 0
        self._held: List[Tuple[int, float, Callable[..., None], Tuple[Any, ...]]] = []

    @property
    def last(self) -> int:
        """The last batch that was counted, from 0; -1 before the first."""
        return self._before + self._nbatch

    def batch_end(self, param: Any) -> int:
        """Count the batch that has ended; the same one again changes nothing. Gives `last`."""
        scope = scope_of(param)
        return self.count(param, scope, evaluates(scope))

    def count(self, param: Any, scope: Mapping[str, Any], evaluated: bool) -> int:
        """As `batch_end`, for callers that have `scope` and `evaluated` already."""
        # FeedForward counts batches that it trains from 1.
        nbatch = int(param.nbatch) - ("executor_manager" in scope and not evaluated)
        epoch = getattr(param, "epoch", None)
        if nbatch < self._nbatch or (self._nbatch >= 0 and epoch != self._epoch):
            self.epoch_end()
            self._before += self._nbatch + 1
        self._epoch, self._nbatch = epoch, nbatch
        if self.start is None:
            self._find_start(scope)
        return self._before + nbatch

    def epoch_end(self, epoch: int = 0) -> int:
        """The step of the last batch, or the epoch if no batch was counted."""
        if self._nbatch < 0:
            return epoch
        if self.start is None:
            self._begin(self._begin_epoch * (self.last + 1))
        assert self.start is not None
        return self.start + self.last

    def eval_end(self, param: Any) -> int:
        """The step of the last batch that was trained before an evaluation."""
        updates = updates_of(scope_of(param)) if self._nbatch < 0 else 0
        return updates - 1 if updates else self.epoch_end(getattr(param, "epoch", 0))

    def write(self, batch: int, add: Callable[..., None], *what: Any) -> None:
        """Call `add(*what, step)` with the step of `batch`, once that is known."""
        if self.start is not None:
            add(*what, self.start + batch)
        else:
            # Encoded, a histogram takes a few hundred bytes instead of the size of its array.
            what = tuple(Message(schema.Event.SUMMARY, item.SerializeToString(), item.tags)
                         if isinstance(item, Summary) else item for item in what)
            self._held.append((batch, time.time(), add, what))

    def _find_start(self, scope: Mapping[str, Any]) -> None:
        trained = updates_of(scope) - 1 - self.last
        begin = getattr(optimizer_of(scope), "begin_num_update", 0)
        # If a server holds the optimizer, this copy of it counts no updates.
        fitting = "begin_epoch" in scope and not evaluates(scope)
        start = max(trained, begin) if fitting else 0
        self._begin_epoch = scope["begin_epoch"] if fitting else 0
        if start > 0 or not self._begin_epoch:
            self._begin(max(start, 0))
        elif scope.get("end_of_batch"):
            self._begin(self._begin_epoch * (self.last + 1))
        elif not self._nbatch:
            _log.info("resumed at epoch %d: the first epoch is logged once its length is known; "
                      "begin_step= gives the step at once", self._begin_epoch)

    @whole
    def _begin(self, start: int) -> None:
        self.start = start
        held, self._held = self._held, []
        for batch, seconds, add, what in held:
            add(*what, start + batch, seconds)


_of_module: "WeakKeyDictionary[Any, Steps]" = WeakKeyDictionary()


def shared(scope: Mapping[str, Any], own: Steps) -> Steps:
    """The Steps of the module that is trained, so that separate callbacks use the same step."""
    module = scope.get("self")
    try:
        return own if module is None else _of_module.setdefault(module, own)
    except TypeError:  # a user's loop in an object that takes no weak reference
        return own


def evaluates(scope: Mapping[str, Any]) -> bool:
    """Whether a callback was called in an evaluation, batch by batch or at its end."""
    if "executor_manager" in scope:
        # FeedForward trains and evaluates in one function; toc is when the epoch was trained.
        return "toc" in scope and bool(scope["toc"] >= scope["tic"])
    return "eval_batch" in scope or "actual_num_batch" in scope


def scope_of(param: Any) -> Mapping[str, Any]:
    """The variables of MXNet's loop; none in loops that pass tuples of their own."""
    scope: Optional[Dict[str, Any]] = getattr(param, "locals", None)
    return scope or {}


def modules_of(module: Any) -> List[Any]:
    """The plain modules inside `module`: of a BucketingModule, that of the current bucket."""
    if hasattr(module, "_curr_module"):
        return modules_of(module._curr_module)
    if hasattr(module, "_modules"):
        return [plain for part in module._modules for plain in modules_of(part)]
    return [] if module is None else [module]


def optimizer_of(scope: Mapping[str, Any]) -> Any:
    """The optimizer, or None."""
    for module in modules_of(scope.get("self")):
        optimizer = getattr(module, "_optimizer", None)
        if optimizer is not None:
            return optimizer
    # FeedForward's; in Module.fit this name holds what fit was given, often a string.
    optimizer = scope.get("optimizer")
    return optimizer if hasattr(optimizer, "num_update") else None


def updates_of(scope: Mapping[str, Any]) -> int:
    """The optimizer's number of updates."""
    return int(getattr(optimizer_of(scope), "num_update", 0))
