"""Single numbers: values, steps and times as Python numbers. Works without numpy.

Anything that holds one number is accepted: Python and numpy numbers, and arrays of one element from
numpy, MXNet, torch or jax. Anything else raises here, in the caller's frame.
"""
from __future__ import annotations

from itertools import islice
from operator import index
from typing import Any, List, Set

from .._foreign import let_signals, shown
from .._warnings import once

# Types that `float` accepts although their values are not numbers, and dtypes of such elements:
# texts, complex numbers, dates and durations.
_OTHERS = (str, bytes, bytearray, complex)
_OTHER_KINDS = tuple("SUcMm")

INT64_MIN, INT64_MAX = -(1 << 63), (1 << 63) - 1
NAN, INF = float("nan"), float("inf")  # without `math`, which takes 0.3 ms to load


def as_float(value: Any, what: str = "value") -> float:
    """One number as a float; NaN and infinities are kept, a masked element is NaN.

    Raises TypeError if `value` holds no number, ValueError if it holds several.
    """
    if type(value) is float:
        return value
    try:
        return _as_float(value, what)
    except (TypeError, ValueError):
        raise
    except Exception as error:  # a foreign object that fails in its own way, e.g. a meta tensor
        let_signals(error)
        raise TypeError(f"got a {what} of type {type(value).__name__} that gives no number "
                        f"({type(error).__name__}), want a number") from error


def _as_float(value: Any, what: str) -> float:
    if hasattr(value, "list_arguments"):  # an MXNet Symbol has the methods of an array
        raise _no_number(value, what, "a Symbol")
    if hasattr(value, "asnumpy"):  # MXNet 1.x: float(NDArray) raises
        value = value.asnumpy()
    size = getattr(value, "size", 1)
    if callable(size):  # torch: a method
        size = value.numel()
    if size != 1:
        raise _wrong_size(value, size, what)
    kind = getattr(getattr(value, "dtype", None), "kind", "")
    if isinstance(value, _OTHERS) or value is None or kind in _OTHER_KINDS:
        raise _no_number(value, what)
    if _is_masked(value):
        once(("masked", what), f"got a masked {what}, which is written as NaN; reported once")
        return NAN
    item = value.item() if hasattr(value, "item") else value
    if kind == "O":  # an array or a column of any objects
        return _as_float(item, what)
    if isinstance(item, _OTHERS):
        raise _no_number(value, what)
    try:
        return float(item)
    except OverflowError:
        return INF if value > 0 else -INF
    except (TypeError, ValueError, AttributeError):
        raise _no_number(value, what) from None


def _wrong_size(value: Any, size: Any, what: str) -> Exception:
    if isinstance(size, int):
        return ValueError(f"got a {what} of {size} elements, want one number")
    return _no_number(value, what)  # e.g. the (width, height) of a PIL image


def _no_number(value: Any, what: str, text: str = "") -> TypeError:
    return TypeError(f"got a {what} of type {type(value).__name__} "
                     f"({text or shown(value)}), want a number")


def _is_masked(value: Any) -> bool:
    """Whether the one element of an array of numpy.ma is masked."""
    return hasattr(value, "filled") and hasattr(value, "mask") and bool(value.mask.any())


# Types whose values are all plain; those of numpy join when they come.
_PLAIN: Set[type] = {bool, float, int}


def is_plain(value: Any) -> bool:
    """Whether `float(value)` is `as_float(value)`, without a warning from the array's package.

    It is not for texts and complex numbers in arrays, for an element masked by numpy.ma, and for a
    torch tensor that requires gradients.
    """
    kind = type(value)
    if kind in _PLAIN:
        return True
    if isinstance(value, _OTHERS) or hasattr(value, "filled") \
            or getattr(value, "requires_grad", False) \
            or getattr(getattr(value, "dtype", None), "kind", "") in (*_OTHER_KINDS, "O"):
        return False
    if kind.__module__ == "numpy" and not hasattr(kind, "__setitem__"):  # no array: one dtype
        _PLAIN.add(kind)
    return True


def as_step(step: Any) -> int:
    """A step as int64. A fraction is cut off, as torch does, with one warning.

    Raises TypeError if `step` is not a number, ValueError for NaN and numbers beyond 64 bits.
    """
    if type(step) is int and INT64_MIN <= step <= INT64_MAX:
        return step
    number = _as_integer(step)
    if not INT64_MIN <= number <= INT64_MAX:
        raise ValueError(f"got the step {number}, want -2**63 to 2**63 - 1")
    return int(number)


def _as_integer(step: Any) -> int:
    number = NAN
    try:
        if not _is_masked(step):
            return index(step)
    except Exception as error:  # no integer; arrays of other packages raise errors of their own
        let_signals(error)
        number = as_float(step, "step")
    if not -INF < number < INF:
        raise ValueError(f"got the step {number}, want an integer")
    if number != int(number):
        warn_of_fraction(number)
    return int(number)


def warn_of_fraction(step: float) -> None:
    """Warn once that steps are integers."""
    once("fraction", f"got the step {step:g}, which is cut to {int(step)}: TensorBoard's steps are "
         "integers (for parts of an epoch, multiply by the steps per epoch); reported once")


def as_wall_time(wall_time: Any) -> float:
    """Seconds since 1970.

    Raises ValueError unless finite: a NaN ends the file in TensorBoard's default loader.
    """
    seconds = as_float(wall_time, "wall_time")
    if not -INF < seconds < INF:
        raise ValueError(f"got the wall_time {seconds}, want finite seconds since 1970")
    return seconds


def as_count(value: Any, what: str, least: int = 1) -> int:
    """A whole number of at least `least`. Raises TypeError or ValueError for anything else."""
    try:
        number = index(value)
    except Exception as error:
        let_signals(error)
        raise TypeError(f"got {what} of type {type(value).__name__} ({shown(value)}), want an "
                        "integer") from None
    if not least <= number <= INT64_MAX:
        raise ValueError(f"got {what}={number}, want {least} or more")
    return number


def as_timeout(value: Any) -> float:
    """Seconds to wait, also infinitely many. Raises ValueError for NaN, which no clock reaches."""
    seconds = as_float(value, "timeout")
    if seconds != seconds:
        raise ValueError(f"got the timeout {seconds}, want seconds")
    return seconds


def as_flag(value: Any, what: str) -> bool:
    """True or False. Raises TypeError for anything without a truth value, such as an array."""
    try:
        return bool(value)
    except Exception as error:
        let_signals(error)
        raise TypeError(f"got {what} of type {type(value).__name__}, want True or False") from None


def listed(values: Any, what: str) -> Any:
    """`values.tolist()` where it has that, as arrays of all packages do. TypeError if it fails."""
    if not hasattr(values, "tolist"):
        return values
    try:
        return values.tolist()
    except Exception as error:
        let_signals(error)
        raise TypeError(f"got {what} of type {type(values).__name__} that can't be read "
                        f"({type(error).__name__}), want an array with data") from error


# More items than any argument has: an endless object is not a list.
_MOST_ITEMS = 1 << 24


def items(values: Any, what: str) -> List[Any]:
    """The items of `values` as a list. TypeError where it has none, they can't be read, or they do
    not end."""
    try:
        # A sparse MXNet array can be indexed without end.
        held = values.asnumpy() if hasattr(values, "asnumpy") else values
        found = list(islice(held, _MOST_ITEMS + 1))
        if len(found) > _MOST_ITEMS:
            raise OverflowError
        return found
    except Exception as error:
        let_signals(error)
        raise TypeError(f"got {what} of type {type(values).__name__} that can't be read "
                        f"({type(error).__name__}), want a list") from error
