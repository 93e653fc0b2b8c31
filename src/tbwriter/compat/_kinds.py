"""The functions that the modules `summary` of torch and tensorboardX share.

Each function is tbwriter's with the arguments that those pass on; the Summaries can be read.
"""
from __future__ import annotations

from io import BytesIO
from typing import Any, List, Mapping, Optional, Sequence, Tuple

from .. import summary
from .._foreign import checked
from .._values.array import as_array, masked
from .._values.buckets import Bins, bucket_edges
from .._values.number import as_count
from ..summary._histogram import checked_bins
from ._messages import Message, Summary, readable
from ._pictures import black_and_white


@checked
def hparams(hparam_dict: Any, metric_dict: Any,
            hparam_domain_discrete: Optional[Mapping[str, Sequence[Any]]] = None
            ) -> Tuple[Summary, Summary, Summary]:
    """The three Summaries of a trial: its columns, its start, its end."""
    for name, given in (("hparam_dict", hparam_dict), ("metric_dict", metric_dict),
                        ("hparam_domain_discrete", hparam_domain_discrete or {})):
        if not isinstance(given, Mapping):
            raise TypeError(f"got {name} of type {type(given).__name__}, want a dict")
    domains = dict(hparam_domain_discrete or {})
    unknown = [name for name in domains if name not in hparam_dict]
    if unknown:
        raise TypeError(f"got hparam_domain_discrete for {unknown}, want keys of hparam_dict")
    start = summary.hparams(hparam_dict)
    columns = {name: domains.get(name) for name in hparam_dict}
    return (readable(summary.hparams_experiment(columns, list(metric_dict))), readable(start),
            readable(summary.hparams_end()))


@checked
def scalar(name: str, value: Any, display_name: str = "", description: str = "") -> Summary:
    """One number."""
    return readable(summary.scalar(name, value, display_name=display_name,
                                   description=description))


@checked
def histogram_raw(name: str, min: float, max: float, num: float, sum: float, sum_squares: float,
                  bucket_limits: Any, bucket_counts: Any) -> Summary:
    """A histogram that was counted elsewhere."""
    return readable(summary.histogram_raw(name, min, max, num, sum, sum_squares, bucket_limits,
                                          bucket_counts))


@checked
def histogram(name: str, values: Any, bins: Any, max_bins: Optional[int] = None) -> Summary:
    """How `values` are distributed.

    max_bins: neighbouring buckets are joined in groups of (number of buckets // max_bins). So there
        may be more than `max_bins`.
    """
    if max_bins is not None:
        bins = _joined(values, checked_bins(bins), as_count(max_bins, "max_bins"))
    return readable(summary.histogram(name, values, bins))


def _joined(values: Any, bins: Bins, max_bins: int) -> Any:
    """The edges of the buckets that torch and tensorboardX join."""
    hidden = masked(values)
    numbers = as_array(values) if hidden is None else hidden.compressed()
    return bucket_edges(numbers.ravel(), bins, max_bins)


@checked
def make_histogram(values: Any, bins: Any, max_bins: Optional[int] = None) -> Message:
    """The HistogramProto of `values`."""
    counted: Message = first(histogram("histogram", values, bins, max_bins)).histo
    return counted


@checked
def image(tag: str, tensor: Any, rescale: float, dataformats: str) -> Summary:
    """A picture, or a batch as a grid."""
    if rescale == 1:
        return readable(summary.image(tag, black_and_white(tensor), dataformats=dataformats))
    return image_boxes(tag, tensor, [], rescale, dataformats, None)


@checked
def image_boxes(tag: str, tensor_image: Any, tensor_boxes: Any, rescale: float = 1,
                dataformats: str = "CHW", labels: Optional[Sequence[str]] = None) -> Summary:
    """A picture with boxes on it: (n, 4), each xmin, ymin, xmax, ymax in pixels."""
    return readable(summary.image_with_boxes(tag, black_and_white(tensor_image), tensor_boxes,
                                             labels=labels, rescale=rescale,
                                             dataformats=dataformats))


@checked
def draw_boxes(disp_image: Any, boxes: Any, labels: Optional[Sequence[str]] = None) -> Any:
    """`disp_image`, a picture of Pillow, with boxes on it."""
    from PIL import Image
    drawn = make_image(as_array(disp_image), 1, boxes, labels)
    return Image.open(BytesIO(drawn.encoded_image_string))


@checked
def make_image(tensor: Any, rescale: float = 1, rois: Any = None,
               labels: Optional[Sequence[str]] = None) -> Message:
    """The Image message of `tensor`: (height, width, channels)."""
    drawn = image("image", tensor, rescale, "HWC") if rois is None else \
        image_boxes("image", tensor, rois, rescale, "HWC", labels)
    picture: Message = first(drawn).image
    return picture


@checked
def video(tag: str, tensor: Any, fps: float, dataformats: str = "NTCHW") -> Summary:
    """A clip, or several side by side."""
    return readable(summary.video(tag, black_and_white(tensor), fps=fps, dataformats=dataformats))


@checked
def make_video(tensor: Any, fps: float) -> Message:
    """The Image message of a clip: (time, height, width, channels)."""
    clip: Message = first(video("video", tensor, fps, "THWC")).image
    return clip


@checked
def audio(tag: str, tensor: Any, sample_rate: int = 44100) -> Summary:
    """A sound."""
    return readable(summary.audio(tag, tensor, sample_rate=sample_rate))


@checked
def custom_scalars(layout: Mapping[str, Mapping[str, Sequence[Any]]]) -> Summary:
    """The charts of Custom Scalars."""
    return readable(summary.custom_scalars(layout))


@checked
def text(tag: str, text: Any) -> Summary:
    """A text as Markdown. The tag ends in "/text_summary", as torch and tensorboardX write it."""
    return readable(summary.text(tag + "/text_summary", text))


@checked
def pr_curve_raw(tag: str, tp: Any, fp: Any, tn: Any, fn: Any, precision: Any, recall: Any,
                 num_thresholds: int = 127, weights: Any = None) -> Summary:
    """A precision-recall curve that was counted elsewhere.

    num_thresholds, weights: accepted, without effect; the arrays state both.
    """
    return readable(summary.pr_curve_raw(tag, tp, fp, tn, fn, precision, recall))


@checked
def pr_curve(tag: str, labels: Any, predictions: Any, num_thresholds: int = 127,
             weights: Any = None) -> Summary:
    """A precision-recall curve; any number of thresholds."""
    return readable(summary.pr_curve(tag, labels, predictions, num_thresholds, weights))


@checked
def compute_curve(labels: Any, predictions: Any, num_thresholds: Optional[int] = None,
                  weights: Any = None) -> Any:
    """The array (6, thresholds) of a curve: true and false positives, true and false negatives,
    precision, recall."""
    curve = pr_curve("curve", labels, predictions, num_thresholds or 127, weights)
    tensor = first(curve).tensor
    return as_array(tensor.float_val).reshape([dim.size for dim in tensor.tensor_shape.dim])


@checked
def mesh(tag: str, vertices: Any, colors: Any, faces: Any,
         config_dict: Optional[Mapping[str, Any]], display_name: str = "", description: str = ""
         ) -> Summary:
    """Points or surfaces in space."""
    return readable(summary.mesh(tag, vertices, colors, faces, config_dict,
                                 display_name=display_name, description=description))


def first(one: Summary) -> Any:
    """The value of a Summary that has one."""
    values: List[Any] = one.value
    return values[0]
