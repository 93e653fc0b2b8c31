"""Arguments of callbacks and functions, checked in the call that is given them.

MXNet calls the callbacks in the middle of the training, where an error is too late.
"""
from __future__ import annotations

import os
import re
from typing import Any, Optional, Pattern, Tuple

from .._family import check_path
from .._foreign import exact, let_signals, shown
from .._values.number import as_count
from ._steps import Steps

# What the functions here call of a writer.
_METHODS = ("add", "add_scalar", "sub_run")


def as_writer(writer: Any) -> Any:
    """A FileWriter or SummaryWriter. Raises TypeError for anything else."""
    if isinstance(writer, type) or not all(hasattr(writer, method) for method in _METHODS):
        raise TypeError(f"got a writer of type {type(writer).__name__}, want a FileWriter or "
                        "SummaryWriter of tbwriter")
    return writer


def is_disabled(writer: Any) -> bool:
    """Whether a writer writes nothing: for it nothing is copied or computed."""
    return bool(getattr(writer, "disabled", False))


def as_interval(value: Any, what: str, least: int = 1) -> int:
    """A number of batches. Raises ValueError for anything but an integer of `least` or more."""
    try:
        if value is not True:
            return as_count(value, what, least)
    except (TypeError, ValueError):
        pass
    raise ValueError(f"got {what}={shown(value)}, want a number of batches, {least} or more")


def as_integer(value: Any, what: str, least: int) -> int:
    """As `as_count`, but True and False are no numbers."""
    if isinstance(value, bool):
        raise TypeError(f"got {what}={value}, want an integer")
    return as_count(value, what, least)


def as_pattern(pattern: Any, what: str = "pattern") -> "Pattern[str]":
    """A regular expression, compiled. Raises TypeError or ValueError for anything else."""
    if not isinstance(getattr(pattern, "pattern", pattern), str):
        raise TypeError(f"got {what} of type {type(pattern).__name__}, want a regular expression")
    try:
        return re.compile(pattern)
    except Exception as error:  # RecursionError and OverflowError too
        let_signals(error)
        raise ValueError(f"got {what}={shown(pattern)}, want a regular expression "
                         f"({type(error).__name__}: {error})") from None


def as_sample(max_values: Any) -> Optional[int]:
    """The size of the sample of a larger array; None for no sample."""
    return None if max_values is None else as_count(max_values, "max_values")


def as_text(value: Any, what: str) -> str:
    """A text. Raises TypeError for anything else."""
    if not isinstance(value, str):
        raise TypeError(f"got {what} of type {type(value).__name__} ({shown(value)}), want str")
    return value


def as_run(run: Any, what: str = "run") -> str:
    """The name of a run, as `sub_run` takes it, or "" for the log directory itself. Raises
    TypeError or ValueError for anything else."""
    path = exact(as_text(run, what)).replace(os.sep, "/")
    if path:
        check_path(path)
    return path


def as_steps(steps: Any) -> Optional[Steps]:
    """The Steps of other callbacks, or None. Raises TypeError for anything else."""
    if steps is not None and not isinstance(steps, Steps):
        raise TypeError(f"got steps of type {type(steps).__name__}, want tbwriter.mxnet.Steps")
    return steps


def as_function(value: Any, what: str) -> Any:
    """A function. Raises TypeError for anything that can't be called."""
    if not callable(value):
        raise TypeError(f"got {what} of type {type(value).__name__}, want a function")
    return value


def as_batches(first: Any, last: Any, least: int) -> Tuple[int, int]:
    """The first and last batch to profile. Raises TypeError unless both are integers, ValueError
    unless least <= first <= last."""
    first, last = as_integer(first, "first", least), as_integer(last, "last", least)
    if last < first:
        raise ValueError(f"got the batches {first} to {last}, want the last not before the first")
    return first, last


def as_pair_of_batches(profile: Any, least: int) -> Tuple[int, int]:
    """As `as_batches`, of both in one argument."""
    try:
        first, last = profile
    except Exception as error:
        let_signals(error)
        raise TypeError(f"got profile={shown(profile)}, want the first and last batch, such as "
                        "(10, 20)") from None
    return as_batches(first, last, least)
