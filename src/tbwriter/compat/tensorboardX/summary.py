"""tensorboardX.summary: its functions, with their arguments.

Each returns a Summary for `FileWriter.add_summary`, whose values can be read
(`summary.value[0].simple_value`). Tags are written as tensorboardX writes them: "_" instead of
blanks and brackets, except those of texts, sounds, curves and meshes.
"""
from __future__ import annotations

from typing import Any, Mapping, Optional, Sequence, Tuple

from .. import _kinds
from .._messages import Summary
from .._tags import clean

_API = "tensorboardX"

# The same in torch and tensorboardX.
audio = _kinds.audio
compute_curve = _kinds.compute_curve
custom_scalars = _kinds.custom_scalars
draw_boxes = _kinds.draw_boxes
make_histogram = _kinds.make_histogram
make_image = _kinds.make_image
make_video = _kinds.make_video
text = _kinds.text


def hparams(hparam_dict: Optional[Mapping[str, Any]] = None,
            metric_dict: Optional[Mapping[str, Any]] = None
            ) -> Tuple[Summary, Summary, Summary]:
    """The three Summaries of a trial: its columns, its start, its end.

    Raises TypeError for what is no dict.
    """
    return _kinds.hparams(hparam_dict, metric_dict)


def scalar(name: str, scalar: Any, display_name: str = "", summary_description: str = ""
           ) -> Summary:
    """One number; name and description (Markdown) are shown in both of TensorBoard's loaders."""
    return _kinds.scalar(clean(name, _API), scalar, display_name, summary_description)


def histogram_raw(name: str, min: float, max: float, num: float, sum: float, sum_squares: float,
                  bucket_limits: Any, bucket_counts: Any) -> Summary:
    """A histogram that was counted elsewhere."""
    return _kinds.histogram_raw(name, min, max, num, sum, sum_squares, bucket_limits,
                                bucket_counts)


def histogram(name: str, values: Any, bins: Any, max_bins: Optional[int] = None) -> Summary:
    """How `values` are distributed."""
    return _kinds.histogram(clean(name, _API), values, bins, max_bins)


def image(tag: str, tensor: Any, rescale: float = 1, dataformats: str = "CHW") -> Summary:
    """A picture, or a batch as a grid."""
    return _kinds.image(clean(tag, _API), tensor, rescale, dataformats)


def image_boxes(tag: str, tensor_image: Any, tensor_boxes: Any, rescale: float = 1,
                dataformats: str = "CHW", labels: Optional[Sequence[str]] = None) -> Summary:
    """A picture with boxes on it: (n, 4), each xmin, ymin, xmax, ymax in pixels."""
    return _kinds.image_boxes(tag, tensor_image, tensor_boxes, rescale, dataformats, labels)


def video(tag: str, tensor: Any, fps: float = 4, dataformats: str = "NTCHW") -> Summary:
    """A clip as a GIF."""
    return _kinds.video(clean(tag, _API), tensor, fps, dataformats)


def pr_curve_raw(tag: str, tp: Any, fp: Any, tn: Any, fn: Any, precision: Any, recall: Any,
                 num_thresholds: int = 127, weights: Any = None) -> Summary:
    """A precision-recall curve that was counted elsewhere; the arrays give the thresholds."""
    return _kinds.pr_curve_raw(tag, tp, fp, tn, fn, precision, recall)


def pr_curve(tag: str, labels: Any, predictions: Any, num_thresholds: int = 127,
             weights: Any = None) -> Summary:
    """A precision-recall curve; any number of thresholds."""
    return _kinds.pr_curve(tag, labels, predictions, num_thresholds, weights)


def mesh(tag: str, vertices: Any, colors: Any, faces: Any,
         config_dict: Optional[Mapping[str, Any]] = None) -> Summary:
    """Points or surfaces in space."""
    return _kinds.mesh(tag, vertices, colors, faces, config_dict)
