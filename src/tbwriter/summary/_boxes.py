"""Images with boxes and labels drawn on them. Shown in Images and Time Series."""
from __future__ import annotations

from typing import Any, List, Optional, Sequence, Tuple

import numpy as np
from PIL import Image, ImageDraw

from .._foreign import checked
from .._parts import texts_size
from .._values.array import as_doubles
from .._proto.messages import Summary
from .._values.number import as_float, items
from .._values.depth import to_8_bits
from .._values.lettering import font as default_font
from .._values.lettering import load, measured
from .._values.pixels import Array, as_png, image_value, picture

_COLOR = (255, 0, 0)
_LINE = 2    # pixels of a box's line, more in large pictures
_MARGIN = 2  # pixels around a label's text


@checked
def image_with_boxes(tag: str, data: Any, boxes: Any, *, labels: Optional[Sequence[str]] = None,
                     rescale: float = 1, dataformats: Optional[str] = None, display_name: str = "",
                     description: str = "") -> Summary:
    """One picture with red boxes on it. Shown in Images and Time Series.

    data, dataformats: one picture as for `summary.image`. It becomes RGB of 8 bits per channel, and
        keeps its alpha.
    boxes: (n, 4), each xmin, ymin, xmax, ymax in pixels from the top left, fractions cut off; the
        parts outside the picture are not drawn. (4,) is one box.
    labels: a text for each box, drawn at its top left.
    rescale: enlarges (or reduces) picture and boxes; labels and lines keep their size.
    display_name, description: shown with the picture; the description is Markdown.

    Raises TypeError or ValueError for anything but a picture, boxes of another shape, NaN in
    them, and another number of labels than of boxes.

    Example: `image_with_boxes("found", picture, [[10, 10, 60, 90]], labels=["cat 0.9"])`.
    """
    shown = picture(data, dataformats, tag=tag)
    if "N" in shown.layout:
        raise ValueError(f"got pictures of shape {shown.data.shape}, want one")
    corners = _corners(boxes)
    texts = _texts(labels, len(corners))
    factor = as_float(rescale, "rescale")
    width, height = _scaled(shown.length("W"), shown.length("H"), factor)
    load()

    def encode() -> Any:
        canvas = _canvas(to_8_bits(shown.pixels()))
        if factor != 1:
            canvas = canvas.resize((width, height))
        with np.errstate(all="ignore"):
            _draw(canvas, corners * factor, texts)
        return as_png(np.asarray(canvas))

    nbytes = shown.data.nbytes + corners.nbytes + texts_size(texts)
    return Summary([image_value(tag, encode, nbytes, display_name, description)])


def _scaled(width: int, height: int, rescale: float) -> Tuple[int, int]:
    # False for NaN too.
    if not (rescale > 0 and max(width, height) * rescale < 1 << 16):
        raise ValueError(f"got rescale={rescale} for a picture of {width} x {height}, want one "
                         "that gives at most 65535 pixels a side")
    return max(1, round(width * rescale)), max(1, round(height * rescale))


def _corners(boxes: Any) -> Array:
    corners = as_doubles(boxes, "boxes")
    if corners.shape == (4,):
        corners = corners[None]
    if corners.shape == (0,):
        corners = corners.reshape(0, 4)
    if corners.ndim != 2 or corners.shape[1] != 4:
        raise ValueError(f"got boxes of shape {corners.shape}, want (n, 4): xmin, ymin, xmax, ymax")
    if not np.isfinite(corners).all():
        raise ValueError("got boxes with NaN or infinities, want pixels")
    return corners


def _texts(labels: Optional[Sequence[str]], number: int) -> List[str]:
    if labels is None:
        return []
    if isinstance(labels, (str, bytes)):
        raise TypeError(f"got labels of type {type(labels).__name__}, want a list of str")
    labels = items(labels, "labels")
    if len(labels) != number:
        raise ValueError(f"got {len(labels)} labels for {number} boxes, want one for each")
    return [str(label) for label in labels]


def _canvas(pixels: Array) -> Image.Image:
    """The picture in colour, so that red is red."""
    channels = pixels.shape[2]
    if channels < 3:
        pixels = np.concatenate([pixels[:, :, :1]] * 3 + [pixels[:, :, 1:]], axis=2)
    return Image.fromarray(np.ascontiguousarray(pixels))


def _draw(canvas: Image.Image, corners: Array, texts: List[str]) -> None:
    draw = ImageDraw.Draw(canvas)
    font = default_font()
    line = max(_LINE, round(max(canvas.size) / 300))
    for number, (x1, y1, x2, y2) in enumerate(_whole(corners, canvas.size)):
        # As one line around, as the other writers draw it: Pillow's own rectangle is another one.
        draw.line([(x1, y1), (x1, y2), (x2, y2), (x2, y1), (x1, y1)], fill=_COLOR, width=line)
        if texts:
            _label(draw, font, canvas.size, x1, y1, texts[number])


def _whole(corners: Array, size: Any) -> List[List[int]]:
    """Smaller corner first, in whole pixels, and not far outside, which would only take time."""
    width, height = size
    first, second = corners[:, :2], corners[:, 2:]
    low, high = np.minimum(first, second), np.maximum(first, second)
    limits = np.array([width, height, width, height], np.float64)
    whole = np.trunc(np.clip(np.concatenate([low, high], axis=1), -limits, 2 * limits))
    return whole.astype(int).tolist()  # type: ignore[no-any-return]


def _label(draw: Any, font: Any, size: Any, x: int, y: int, text: str) -> None:
    """`text` on red, above the corner (x, y), or as far inside the picture as it needs."""
    text, box = measured(draw, text[:size[0]], font)  # the rest is outside: a character has a pixel
    width, height = box[2] - box[0] + 2 * _MARGIN, box[3] - box[1] + 2 * _MARGIN
    left = max(0, min(x, size[0] - width))
    top = max(0, min(y - height, size[1] - height))
    draw.rectangle((left, top, left + width - 1, top + height - 1), fill=_COLOR)
    draw.text((left + _MARGIN - box[0], top + _MARGIN - box[1]), text, fill=(255, 255, 255),
              font=font)
