"""torch.utils.tensorboard.summary: its functions, with their arguments.

Each returns a Summary for `FileWriter.add_summary`, whose values can be read
(`summary.value[0].simple_value`).
"""
from __future__ import annotations

from struct import pack, unpack
from typing import Any, Mapping, Optional, Sequence, Tuple

from ... import summary
from ..._foreign import checked
from .. import _kinds
from .._messages import Summary, readable

# The same in torch and tensorboardX.
audio = _kinds.audio
compute_curve = _kinds.compute_curve
custom_scalars = _kinds.custom_scalars
draw_boxes = _kinds.draw_boxes
histogram = _kinds.histogram
histogram_raw = _kinds.histogram_raw
image_boxes = _kinds.image_boxes
make_histogram = _kinds.make_histogram
make_image = _kinds.make_image
make_video = _kinds.make_video
pr_curve = _kinds.pr_curve
pr_curve_raw = _kinds.pr_curve_raw
text = _kinds.text


@checked
def half_to_int(f: float) -> int:
    """The bits of a float32 as an int."""
    return int(unpack("i", pack("f", f))[0])


@checked
def int_to_half(i: int) -> float:
    """The float32 whose bits are `i`: the inverse of `half_to_int`."""
    return float(unpack("f", pack("i", i))[0])


@checked
def hparams(hparam_dict: Optional[Mapping[str, Any]] = None,
            metric_dict: Optional[Mapping[str, Any]] = None,
            hparam_domain_discrete: Optional[Mapping[str, Sequence[Any]]] = None
            ) -> Tuple[Summary, Summary, Summary]:
    """The three Summaries of a trial: its columns, its start, its end.

    hparam_dict, metric_dict, hparam_domain_discrete: as for `SummaryWriter.add_hparams`.

    Raises TypeError for anything but dicts.
    """
    return _kinds.hparams(hparam_dict, metric_dict, hparam_domain_discrete)


@checked
def scalar(name: str, tensor: Any, collections: Any = None, new_style: bool = False,
           double_precision: bool = False) -> Summary:
    """One number.

    collections, new_style, double_precision: accepted, without effect. All loaders show the one
        form that is written.
    """
    return _kinds.scalar(name, tensor)


@checked
def tensor_proto(tag: str, tensor: Any) -> Summary:
    """An array."""
    return readable(summary.tensor(tag, tensor))


@checked
def image(tag: str, tensor: Any, rescale: float = 1, dataformats: str = "NCHW") -> Summary:
    """A picture, or a batch as a grid."""
    return _kinds.image(tag, tensor, rescale, dataformats)


@checked
def video(tag: str, tensor: Any, fps: float = 4) -> Summary:
    """A clip (n, time, channels, height, width) as a GIF."""
    return _kinds.video(tag, tensor, fps)


@checked
def mesh(tag: str, vertices: Any, colors: Any, faces: Any,
         config_dict: Optional[Mapping[str, Any]], display_name: Optional[str] = None,
         description: Optional[str] = None) -> Summary:
    """Points or surfaces in space."""
    return _kinds.mesh(tag, vertices, colors, faces, config_dict, display_name or "",
                       description or "")
