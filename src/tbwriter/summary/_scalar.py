"""Scalars: one number per step. Shown in Time Series, Scalars, Custom Scalars and HParams."""
from __future__ import annotations

from functools import lru_cache
from typing import Any, List, Mapping, Union

from .._foreign import checked, let_signals
from .._proto import messages, schema, wire
from .._proto.messages import Message, Summary, Value
from .._values.number import as_float

_KEY = wire.key(schema.Value.SIMPLE_VALUE, wire.FIXED32)
_FLOAT_SIZE = 4
_FLOATS = {float}


@checked
def scalar(tag: str, value: Any, *, display_name: str = "", description: str = "") -> Summary:
    """One number. Shown in Time Series, Scalars, Custom Scalars and HParams.

    value: a Python or numpy number, or an array of one element (numpy, MXNet, torch, jax). NaN and
        infinities are kept; TensorBoard draws NaN as triangles. An element masked by numpy.ma is
        NaN. It is stored as float32.
    display_name, description: shown with the chart; the description is Markdown.

    Raises TypeError if `value` is not a number, ValueError if it holds several.

    Example: `scalar("loss", 0.5)`.
    """
    # simple_value is the one form that every reader shows; with data_class set, the fast loader
    # keeps name and description too.
    described = messages.metadata(schema.SCALARS, display_name=display_name,
                                  description=description
                                  ) if _is_given(display_name, description) else b""
    number = taken(value)
    if not isinstance(number, float):
        return Summary([Value(tag, lambda: [_field(number) + described])])
    return Summary([Value(tag, [_field(number) + described])])


def taken(value: Any) -> Any:
    """The number of a scalar, as a float; or a copy of an MXNet array. MXNet computes in the
    background: a copy joins its queue, and the call does not wait."""
    return value.copy() if _is_dense_number(value) else as_float(value)


def _is_given(display_name: Any, description: Any) -> bool:
    """Whether one of the texts was passed. An object without a truth value counts as one, and is
    refused later."""
    try:
        return bool(display_name or description)
    except Exception as error:
        let_signals(error)
        return True


def _is_dense_number(value: Any) -> bool:
    """Whether `value` is a dense MXNet array of one element; a sparse one has no `size`."""
    return (hasattr(value, "asnumpy") and hasattr(value, "copy")
            and getattr(value, "stype", "default") == "default"
            and getattr(value, "size", 0) == 1)


def _field(value: Any) -> bytes:
    return _KEY + wire.float32(as_float(value))


@checked
def scalars(values: Mapping[str, Any]) -> Union[Message, Summary]:
    """One number for each of several tags, in one event: {tag: number}. Shown as `scalar` is.

    The same as the sum of their `scalar`s, at a fraction of the cost.

    Raises TypeError or ValueError for a wrong tag or number.

    Example: `scalars({"train/loss": 0.5, "train/accuracy": 0.9})`.
    """
    if not _FLOATS.issuperset(map(type, values.values())) \
            and any(hasattr(value, "asnumpy") for value in values.values()):
        return Summary([value for tag in values for value in scalar(tag, values[tag]).values])
    tags: List[str] = []
    parts: List[bytes] = []
    for tag, value in values.items():
        if type(tag) is not str:
            tag = messages.check_tag(tag)
        tags.append(tag)
        parts += _before(tag), wire.float32(as_float(value))
    return Message(schema.Event.SUMMARY, b"".join(parts), tags)


def _before(tag: str) -> bytes:
    """The bytes of a value of Summary that precede its number."""
    return (_kept_before if len(tag) <= messages.KEPT else _kept_before.__wrapped__)(tag)


@lru_cache(maxsize=16384)
def _kept_before(tag: str) -> bytes:
    field = messages.tag_field(tag) + _KEY
    return wire.length_prefix(schema.Summary.VALUE, len(field) + _FLOAT_SIZE) + field
