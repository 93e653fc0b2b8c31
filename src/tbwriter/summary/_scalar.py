"""Scalars: one number a step. Shown in Time Series, Scalars, Custom Scalars and HParams."""
from __future__ import annotations

from typing import Any

from .. import _event, _wire
from .._event import Summary, Value
from .._number import as_float


def scalar(tag: str, value: Any, *, display_name: str = "", description: str = "") -> Summary:
    """One number.

    value: a Python or numpy number, or an array of one element (numpy, MXNet, torch, jax). NaN and
        infinities are kept; TensorBoard draws NaN as triangles. It is stored as float32.
    display_name, description: shown with the chart; the description is Markdown.

    Raises TypeError for what is no number, ValueError for several.
    """
    number = as_float(value)
    # simple_value is the one form that every reader shows; with data_class set, the fast loader
    # keeps name and description too.
    described = _event.metadata("scalars", data_class=_event.SCALAR_CLASS,
                                display_name=display_name, description=description
                                ) if display_name or description else b""
    field = _wire.float_field(_event.SIMPLE_VALUE, number) + described
    return Summary([Value(tag, lambda: [field])])
