"""mxboard.summary: its functions, with their arguments.

Each returns a Summary for `FileWriter.add_summary`, whose values can be read
(`summary.value[0].simple_value`). Tags are written as mxboard writes them: "_" instead of blanks
and brackets, except those of texts and sounds.
"""
from __future__ import annotations

from typing import Any

from ... import summary
from ..._foreign import checked
from .._messages import Summary, readable
from .._tags import clean

API = "mxboard"
_PADDING = 2
_LAYOUTS = {2: "HW", 3: "CHW", 4: "NCHW"}


@checked
def scalar_summary(tag: str, scalar: Any) -> Summary:
    """One number."""
    return readable(summary.scalar(clean(tag, API), scalar))


@checked
def histogram_summary(tag: str, values: Any, bins: Any) -> Summary:
    """The distribution of `values`; bins="default" means TensorFlow's buckets."""
    bins = "tensorflow" if isinstance(bins, str) and bins == "default" else bins
    return readable(summary.histogram(clean(tag, API), values, bins))


@checked
def image_summary(tag: str, image: Any) -> Summary:
    """A picture (H, W) or (C, H, W), or a batch (N, C, H, W) as a grid, two pixels apart."""
    layout = _LAYOUTS.get(getattr(image, "ndim", 0))
    return readable(summary.image(clean(tag, API), image, dataformats=layout, padding=_PADDING))


@checked
def audio_summary(tag: str, audio: Any, sample_rate: int = 44100) -> Summary:
    """A sound."""
    return readable(summary.audio(tag, audio, sample_rate=sample_rate))


@checked
def text_summary(tag: str, text: Any) -> Summary:
    """A text as Markdown; TensorBoard shows it under its tag."""
    return readable(summary.text(tag, text))


@checked
def pr_curve_summary(tag: str, labels: Any, predictions: Any, num_thresholds: int,
                     weights: Any = None) -> Summary:
    """A precision-recall curve; any number of thresholds."""
    return readable(summary.pr_curve(tag, labels, predictions, num_thresholds, weights))
