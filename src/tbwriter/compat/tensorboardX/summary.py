"""tensorboardX.summary: its functions, with their arguments.

Each returns a Summary for `FileWriter.add_summary`, whose values can be read
(`summary.value[0].simple_value`). Tags are written as tensorboardX writes them: "_" instead of
blanks and brackets, except those of texts, sounds, curves and meshes.
"""
from __future__ import annotations

from typing import Any, Mapping, Optional, Tuple

from ..._foreign import checked
from .. import _kinds
from .._messages import Summary
from .._tags import clean

_API = "tensorboardX"

# The same in torch and tensorboardX.
audio = _kinds.audio
compute_curve = _kinds.compute_curve
custom_scalars = _kinds.custom_scalars
draw_boxes = _kinds.draw_boxes
histogram_raw = _kinds.histogram_raw
image_boxes = _kinds.image_boxes
make_histogram = _kinds.make_histogram
make_image = _kinds.make_image
make_video = _kinds.make_video
pr_curve = _kinds.pr_curve
pr_curve_raw = _kinds.pr_curve_raw
text = _kinds.text


@checked
def hparams(hparam_dict: Optional[Mapping[str, Any]] = None,
            metric_dict: Optional[Mapping[str, Any]] = None
            ) -> Tuple[Summary, Summary, Summary]:
    """The three Summaries of a trial: its columns, its start, its end.

    Raises TypeError for anything but dicts.
    """
    return _kinds.hparams(hparam_dict, metric_dict)


@checked
def scalar(name: str, scalar: Any, display_name: str = "", summary_description: str = ""
           ) -> Summary:
    """One number; name and description (Markdown) are shown in both of TensorBoard's loaders."""
    return _kinds.scalar(clean(name, _API), scalar, display_name, summary_description)


@checked
def histogram(name: str, values: Any, bins: Any, max_bins: Optional[int] = None) -> Summary:
    """How `values` are distributed."""
    return _kinds.histogram(clean(name, _API), values, bins, max_bins)


@checked
def image(tag: str, tensor: Any, rescale: float = 1, dataformats: str = "CHW") -> Summary:
    """A picture, or a batch as a grid."""
    return _kinds.image(clean(tag, _API), tensor, rescale, dataformats)


@checked
def video(tag: str, tensor: Any, fps: float = 4, dataformats: str = "NTCHW") -> Summary:
    """A clip as a GIF."""
    return _kinds.video(clean(tag, _API), tensor, fps, dataformats)


@checked
def mesh(tag: str, vertices: Any, colors: Any, faces: Any,
         config_dict: Optional[Mapping[str, Any]] = None) -> Summary:
    """Points or surfaces in space."""
    return _kinds.mesh(tag, vertices, colors, faces, config_dict)
