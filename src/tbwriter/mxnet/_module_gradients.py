"""Gradients of Module and FeedForward, as they are before the update that uses them.

A callback is called after the update. With a distributed kvstore, the gradient of a single device
then holds the weights that the servers sent back; without update on the kvstore, the gradients hold
the sum over all devices and workers. So they are copied before `Module.update` begins.

MXNet is not imported here but looked up: a program that trains a module has imported it.
"""
from __future__ import annotations

import sys
from functools import wraps
from typing import Any
from weakref import WeakSet

# Callbacks that want gradients. Each has `after_backward(group)` and `before_update(group)`, where
# a group holds the names and arrays of the parameters.
waiting: "WeakSet[Any]" = WeakSet()

# The attribute of a group: whether an update has used the gradients of the last backward pass.
_UPDATED = "_tbwriter_updated"
_MARK = "_tbwriter_announces"


def watch_modules() -> None:
    """Have all modules announce their updates, from now on."""
    mx = sys.modules.get("mxnet")
    if not hasattr(mx, "mod") or hasattr(mx.mod.Module.update, _MARK):  # type: ignore[union-attr]
        return
    executors = sys.modules["mxnet.module.executor_group"].DataParallelExecutorGroup
    manager = sys.modules["mxnet.executor_manager"].DataParallelExecutorManager
    _announce_update(sys.modules["mxnet"].mod.Module)
    _announce_backward(executors, _after_backward)
    _announce_backward(manager, _before_update)  # FeedForward has no method for its update


def is_updated(group: Any) -> bool:
    """Whether the gradients of a group are known to have been used by an update."""
    return bool(group.__dict__.get(_UPDATED))


def _announce_update(kind: Any) -> None:
    method = kind.update

    @wraps(method)
    def update(module: Any) -> Any:
        if getattr(module, "_exec_group", None) is not None:
            _before_update(module._exec_group)
        return method(module)
    setattr(update, _MARK, True)
    kind.update = update


def _announce_backward(kind: Any, announce: Any) -> None:
    method = kind.backward

    @wraps(method)
    def backward(group: Any, *args: Any, **kwargs: Any) -> Any:
        result = method(group, *args, **kwargs)
        announce(group)
        return result
    kind.backward = backward


def _after_backward(group: Any) -> None:
    for callback in list(waiting):
        callback.after_backward(group)
    group.__dict__[_UPDATED] = False


def _before_update(group: Any) -> None:
    for callback in list(waiting):
        callback.before_update(group)
    group.__dict__[_UPDATED] = True
