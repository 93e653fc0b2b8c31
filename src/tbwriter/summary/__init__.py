"""What TensorBoard can show: one function a kind, each giving a Summary for one event.

    from tbwriter import summary
    writer.add(summary.scalar("loss", 0.5), step=3)

A function raises on mistakes when it is called, and keeps a snapshot of what it was given; the
bytes are made when the event is written (or by `SerializeToString()`). Nothing here knows files,
clocks or threads. A kind of your own is any function that returns a Summary.
"""
from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, List

from .._event import Summary, Value

if TYPE_CHECKING:
    from ._scalar import scalar as scalar

# Where each kind lives. Loaded when first used: a program that logs only scalars does not wait
# for numpy.
_KINDS = {
    "scalar": "_scalar",
}

__all__ = ["Summary", "Value", *_KINDS]


def __getattr__(name: str) -> Any:
    if name not in _KINDS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    kind = getattr(import_module(f"{__name__}.{_KINDS[name]}"), name)
    globals()[name] = kind
    return kind


def __dir__() -> List[str]:
    return __all__
