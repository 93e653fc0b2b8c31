"""Everything TensorBoard can show: one function per kind, each returns a Summary for one event.

    from tbwriter import summary
    writer.add(summary.scalar("loss", 0.5), step=3)

A function raises on mistakes when it is called, and keeps a snapshot of its arguments; the bytes
are made when the event is written (or by `SerializeToString()`). Nothing here knows files, clocks
or threads. A kind of your own is any function that returns a Summary; `fields` has its parts.
"""
from __future__ import annotations

from typing import TYPE_CHECKING, Any, List

from .._proto.messages import Summary, Value

if TYPE_CHECKING:
    from . import fields as fields
    from ._audio import audio as audio
    from ._boxes import image_with_boxes as image_with_boxes
    from ._confusion_matrix import confusion_matrix as confusion_matrix
    from ._custom_scalars import custom_scalars as custom_scalars
    from ._embedding import embedding as embedding
    from ._figure import figure as figure
    from ._graph import Cost as Cost
    from ._graph import costs as costs
    from ._graph import graph as graph
    from ._graph import keras_graph as keras_graph
    from ._graph import Node as Node
    from ._graph import op_graph as op_graph
    from ._histogram import histogram as histogram
    from ._histogram import histogram_raw as histogram_raw
    from ._hparams import hparams as hparams
    from ._hparams import hparams_end as hparams_end
    from ._hparams import hparams_experiment as hparams_experiment
    from ._hparams import Interval as Interval
    from ._hparams import Metric as Metric
    from ._image import image as image
    from ._image import images as images
    from ._mesh import mesh as mesh
    from ._pr_curve import pr_curve as pr_curve
    from ._pr_curve import pr_curve_raw as pr_curve_raw
    from ._scalar import scalar as scalar
    from ._scalar import scalars as scalars
    from ._tensor import tensor as tensor
    from ._text import text as text
    from ._video import video as video

# The file of each kind. Loaded when first used: a program that logs only scalars does not wait
# for numpy.
_KINDS = {
    "audio": "_audio",
    "image_with_boxes": "_boxes",
    "confusion_matrix": "_confusion_matrix",
    "custom_scalars": "_custom_scalars",
    "embedding": "_embedding",
    "figure": "_figure",
    "Cost": "_graph",
    "costs": "_graph",
    "graph": "_graph",
    "keras_graph": "_graph",
    "Node": "_graph",
    "op_graph": "_graph",
    "histogram": "_histogram",
    "histogram_raw": "_histogram",
    "hparams": "_hparams",
    "hparams_end": "_hparams",
    "hparams_experiment": "_hparams",
    "Interval": "_hparams",
    "Metric": "_hparams",
    "image": "_image",
    "images": "_image",
    "mesh": "_mesh",
    "pr_curve": "_pr_curve",
    "pr_curve_raw": "_pr_curve",
    "scalar": "_scalar",
    "scalars": "_scalar",
    "tensor": "_tensor",
    "text": "_text",
    "video": "_video",
}

__all__ = ["Summary", "Value", "fields", *_KINDS]


def __getattr__(name: str) -> Any:
    from importlib import import_module  # takes 0.3 ms, which logging scalars need not
    if name == "fields":
        return import_module(f"{__name__}.fields")
    if name not in _KINDS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    kind = getattr(import_module(f"{__name__}.{_KINDS[name]}"), name)
    globals()[name] = kind
    return kind


def __dir__() -> List[str]:
    return __all__
