"""The door for single numbers: values, steps and times. Works without numpy.

Whatever has one number inside is taken: Python and numpy numbers, arrays of one element from
numpy, MXNet, torch or jax. What is wrong is refused here, at the call that brought it.
"""
from __future__ import annotations

import math
from operator import index
from typing import Any

INT64_MIN, INT64_MAX = -(1 << 63), (1 << 63) - 1


def as_float(value: Any, what: str = "value") -> float:
    """One number as a float; NaN and infinities are kept.

    Raises TypeError for what holds no number, ValueError for several.
    """
    if type(value) is float:
        return value
    if hasattr(value, "asnumpy"):  # MXNet 1.x: float(NDArray) raises
        value = value.asnumpy()
    size = getattr(value, "size", 1)
    if callable(size):  # torch: a method
        size = value.numel()
    if size != 1:
        raise ValueError(f"got a {what} of {size} elements, want one number")
    if isinstance(value, (str, bytes, bytearray, complex)) or value is None:
        raise TypeError(
            f"got a {what} of type {type(value).__name__} ({value!r:.50}), want a number")
    try:
        return float(value.item() if hasattr(value, "item") else value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf
    except (TypeError, ValueError):
        raise TypeError(
            f"got a {what} of type {type(value).__name__} ({value!r:.50}), want a number") from None


def as_step(step: Any) -> int:
    """A step as int64. A fraction is cut off, as torch does.

    Raises TypeError for what is no number, ValueError for NaN and what 64 bits don't hold.
    """
    if type(step) is int and INT64_MIN <= step <= INT64_MAX:
        return step
    try:
        step = index(step)
    except TypeError:
        number = as_float(step, "step")
        if not math.isfinite(number):
            raise ValueError(f"got the step {number}, want an integer") from None
        step = int(number)
    if not INT64_MIN <= step <= INT64_MAX:
        raise ValueError(f"got the step {step}, want -2**63 to 2**63 - 1")
    return int(step)


def as_wall_time(wall_time: Any) -> float:
    """Seconds since 1970. ValueError unless finite: a NaN ends the file in TensorBoard's default
    loader."""
    seconds = as_float(wall_time, "wall_time")
    if not math.isfinite(seconds):
        raise ValueError(f"got the wall_time {seconds}, want finite seconds since 1970")
    return seconds
