"""Gradients of Gluon parameters, as they are before the update that uses them.

Whether an update destroys them depends on where it happens:

- A Trainer that updates on the workers exchanges gradients first: afterwards each device holds the
  sum over all devices and workers. Some optimizers also scale the gradients in place.
- A Trainer that updates on parameter servers pulls the new weights into the buffer that was pushed,
  which on a single device is the gradient itself.

So gradients are read before the Trainer begins. MXNet marks gradients that no update has used yet
(`_fresh_grad`), and clears the mark only where it updates on the workers. After other updates it is
cleared here, and set again before MXNet reads it.

MXNet is not imported here but looked up: a program that has a block has imported it.
"""
from __future__ import annotations

import os
import sys
from functools import wraps
from typing import Any, Callable, Dict, Iterator, List, Mapping, Tuple
from weakref import WeakKeyDictionary, WeakSet

import numpy as np

from .._values.array import as_array
from .._warnings import once
from ._arguments import as_pattern
from ._trace import is_block

# The methods of Trainer in which an update may begin. Subclasses override some of them and call
# the others.
_METHODS = ("step", "allreduce_grads", "update", "_allreduce_grads", "_update")

_CALL = "call log_gradients between backward() and trainer.step()"
_USED = f"no backward pass has computed them since the last update; {_CALL}"
_OVERWRITTEN = f"the kvstore has overwritten them with the weights; {_CALL}"
_ACCUMULATED = ("they are accumulated (grad_req=\"add\"), and no Trainer announces the update for "
                "which they are whole; call log_gradients before it")

# Called with the name of a parameter and its gradient.
Show = Callable[[str, Any], None]


class StepGradients:
    """Shows the gradients of one step: each before the update that uses it, the others at the end.

    Those that are accumulated (`grad_req="add"`) over several steps are shown before the update
    only, when they are whole, as those of the last of these steps.

    step: the step that began last.
    find: returns the parameters by name. show: logs one gradient, at the step of `begin`.
    """

    def __init__(self, find: Callable[[], Mapping[str, Any]], show: Callable[[str, Any, int], None]
                 ) -> None:
        self._find = find
        self._show = show
        self.step = 0
        self._left: Dict[str, Any] = {}
        _watch_trainers()
        _waiting.add(self)

    def begin(self, step: int) -> None:
        """The gradients that are computed from now on are those of `step`."""
        self.end_pass()
        self.step = step
        self._left = {name: parameter for name, parameter in self._find().items()
                      if parameter.grad_req != "null"}

    def before_update(self, trainer: Any) -> None:
        """Show the gradients that `trainer` is about to use."""
        if not self._left:
            return
        updated = set(map(id, trainer._params))
        for name, parameter in list(self._left.items()):
            if id(parameter) not in updated or not has_values(parameter):
                continue
            fresh = _is_fresh(parameter)
            if fresh or parameter.grad_req == "add":  # or its next gradients are of a later step
                del self._left[name]
            if fresh:
                self._show(name, summed(parameter.list_grad()), self.step)

    def end_pass(self) -> None:
        """Show gradients that no update has used and that the next pass overwrites."""
        parameters = {name: parameter for name, parameter in self._left.items()
                      if parameter.grad_req != "add"}
        for name in parameters:
            del self._left[name]
        # A parameter that no loss has used in this step has no gradient to show.
        show_gradients({name: parameter for name, parameter in parameters.items()
                        if not _is_used(parameter)},
                       lambda name, gradient: self._show(name, gradient, self.step))
        for name, parameter in self._left.items():
            if trainer_of(parameter) is None:
                once(("gradients", _ACCUMULATED), f"the gradients of {name!r} and others are not "
                     f"logged: {_ACCUMULATED}; reported once")

    def finish(self) -> None:
        """The last step has ended: wait for no update."""
        self.end_pass()
        self._left = {}


def show_gradients(parameters: Mapping[str, Any], show: Show, reduced: bool = False) -> None:
    """Show the gradients that still exist; one warning where an update has destroyed some."""
    _watch_trainers()
    for name, parameter in parameters.items():
        if parameter.grad_req == "null" or not has_values(parameter):
            continue
        gradient, problem = _gradient(parameter, reduced)
        if problem:
            once(("gradients", problem), f"the gradients of {name!r} and others are not logged: "
                 f"{problem}; reported once")
        else:
            show(name, gradient)


def parameters_of(net: Any, pattern: str) -> Dict[str, Any]:
    """The parameters of a block, or of its `collect_params()`, whose names match.

    Raises TypeError or ValueError for anything else.
    """
    matches = as_pattern(pattern).match
    found = net.collect_params() if is_block(net) else net
    if isinstance(found, type) or not hasattr(found, "items") or not all(
            isinstance(name, str) and hasattr(parameter, "list_grad")
            for name, parameter in found.items()):
        raise TypeError(f"got a net of type {type(net).__name__}, want a Gluon block or its "
                        "collect_params()")
    return {name: parameter for name, parameter in found.items() if matches(name)}


def has_values(parameter: Any) -> bool:
    """Whether a parameter is initialised: a deferred one is so after the first forward pass."""
    return parameter._data is not None


def trainer_of(parameter: Any) -> Any:
    """The Trainer made last for a parameter, or None; MXNet 2 keeps a weak reference."""
    trainer = parameter._trainer
    return trainer() if callable(trainer) else trainer


def overwritten(gradients: List[Any], weights: List[Any]) -> bool:
    """Whether a parameter server's answer, the weights, was received in place of the gradient.

    Only in a worker of a parameter server, where it waits for both.
    """
    if os.environ.get("DMLC_ROLE") != "worker" or len(gradients) > 1:
        return False
    values = as_array(gradients[0])
    return bool(values.any()) and np.array_equal(values, as_array(weights[0]))


def summed(arrays: List[Any]) -> Any:
    """The sum of arrays on several devices, on the first one, without waiting for it."""
    total = arrays[0]
    for array in arrays[1:]:
        total = total + array.copyto(device_of(total))
    return total


def device_of(array: Any) -> Any:
    """Where an array is: its `device`, which MXNet 1.x calls `ctx`."""
    return array.device if hasattr(array, "device") else array.ctx


def _gradient(parameter: Any, reduced: bool) -> Tuple[Any, str]:
    """The gradient, summed over the devices, or why it no longer exists."""
    arrays = parameter.list_grad()
    trainer = trainer_of(parameter)
    used = _is_used(parameter)
    if used and not reduced:
        return _after_update(trainer, arrays)
    # Updates by hand, or by a Trainer before updates were announced, leave no mark.
    if (used and trainer._update_on_kvstore) or trainer not in _trainers:
        if overwritten(arrays, parameter._data):
            return None, _OVERWRITTEN
    return arrays[0] if reduced else summed(arrays), ""


def _after_update(trainer: Any, arrays: List[Any]) -> Tuple[Any, str]:
    """The gradient after the update that used it, if that left it unchanged or summed it."""
    own = getattr(type(trainer), "_allreduce_grads", None)
    if trainer._distributed or not hasattr(own, _MARK) or not _keeps_gradients(trainer._optimizer):
        return None, _USED
    if trainer._kvstore is None or trainer._update_on_kvstore:
        return summed(arrays), ""
    return arrays[0], ""


def _keeps_gradients(optimizer: Any) -> bool:
    """Whether an optimizer is known not to scale gradients in place."""
    kind = type(optimizer)
    if not kind.__module__.startswith("mxnet."):
        return False
    return bool(getattr(optimizer, "use_fused_step", kind.__name__ != "AdaDelta"))


# The objects that wait for gradients.
_waiting: "WeakSet[StepGradients]" = WeakSet()

# The marks that were cleared after the last update of each Trainer.
_trainers: "WeakKeyDictionary[Any, List[Any]]" = WeakKeyDictionary()

# The attribute of methods that announce updates.
_MARK = "_tbwriter_announces"


def _watch_trainers() -> None:
    """Have all Trainers announce their updates, from now on."""
    kind = sys.modules["mxnet"].gluon.Trainer
    if hasattr(kind.step, _MARK):
        return
    for name in _METHODS:
        setattr(kind, name, _announcing(getattr(kind, name)))


def _announcing(method: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(method)
    def announced(trainer: Any, *args: Any, **kwargs: Any) -> Any:
        if trainer in _updating:  # one of the methods has called another one
            return method(trainer, *args, **kwargs)
        for one in list(_waiting):
            one.before_update(trainer)
        for array in _trainers.pop(trainer, ()):
            array._fresh_grad = True
        _updating.add(trainer)
        try:
            return method(trainer, *args, **kwargs)
        finally:
            _updating.discard(trainer)
            _trainers[trainer] = list(_cleared(trainer))
    setattr(announced, _MARK, True)
    return announced


_updating: "WeakSet[Any]" = WeakSet()


def _cleared(trainer: Any) -> Iterator[Any]:
    """Clear the marks of used gradients that MXNet leaves set; yields their arrays."""
    if trainer._kvstore is None:
        return
    for parameter in trainer._params:
        if parameter.grad_req != "null":
            for array in parameter._data or ():
                if array._fresh_grad:
                    array._fresh_grad = False
                    yield array


def _is_used(parameter: Any) -> bool:
    """Whether there was no backward pass after the last update by a Trainer."""
    trainer = trainer_of(parameter)
    return trainer is not None and bool(trainer._kv_initialized) and has_values(parameter) \
        and not _is_fresh(parameter)


def _is_fresh(parameter: Any) -> bool:
    """Whether a backward pass has computed gradients that no update has used."""
    return any(array._fresh_grad for array in parameter._data)
