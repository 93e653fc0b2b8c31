"""tensorboard.summary of 2017: its functions, with their arguments.

Each returns a Summary for `FileWriter.add_summary`, whose values can be read
(`summary.value[0].simple_value`). Tags are written as that package wrote them: "_" instead of
blanks and brackets, except those of texts and sounds.
"""
from __future__ import annotations

from typing import Any

import numpy as np

from ... import summary
from ..._foreign import checked
from ..._values.array import as_array
from .._messages import Message, Summary, readable
from .._pictures import black_and_white
from .._tags import clean

API = "the tensorboard of 2017"


@checked
def scalar(name: str, scalar: Any, collections: Any = None) -> Summary:
    """One number. collections: accepted, without effect."""
    return readable(summary.scalar(clean(name, API), scalar))


@checked
def histogram(name: str, values: Any, bins: Any = "tensorflow", collections: Any = None
              ) -> Summary:
    """How `values` are distributed. collections: accepted, without effect.

    bins: the package's last version wants it, and its notebooks leave it out.
    """
    return readable(summary.histogram(clean(name, API), values, bins))


@checked
def make_histogram(values: Any, bins: Any) -> Message:
    """The HistogramProto of `values`."""
    return histogram("histogram", values, bins).value[0].histo  # type: ignore[no-any-return]


@checked
def image(tag: str, tensor: Any) -> Summary:
    """A picture: NumPy's (H, W, C), those of MXNet and torch (C, H, W) or (N, C, H, W)."""
    ndim = getattr(tensor, "ndim", 0)
    axes = {2: "HW", 3: "HWC" if isinstance(tensor, np.ndarray) else "CHW", 4: "NCHW"}
    return readable(summary.image(clean(tag, API), black_and_white(tensor),
                                  dataformats=axes.get(ndim)))


@checked
def make_image(tensor: Any) -> Message:
    """The Image message of an array (H, W, C)."""
    return image("image", as_array(tensor)).value[0].image  # type: ignore[no-any-return]


@checked
def audio(tag: str, tensor: Any, sample_rate: int = 44100) -> Summary:
    """A sound."""
    return readable(summary.audio(tag, tensor, sample_rate=sample_rate))


@checked
def text(tag: str, text: Any) -> Summary:
    """A text as Markdown; TensorBoard shows it under its tag."""
    return readable(summary.text(tag, text))
