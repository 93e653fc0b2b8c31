"""Pictures: arrays, PIL images and encoded files become rows of pixels, or stay an encoded file.

At the call, `pictures` finds out which axis is which, raises on mistakes and keeps snapshots.
Later, on the writer's thread, `Picture.pixels()` gives uint8 or uint16 of shape (height, width,
channels): 1 channel is grey, 2 are grey and alpha, 3 red, green, blue, 4 those and alpha.
"""
from __future__ import annotations

import math
import os
from typing import Any, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from .._foreign import let_signals, shown
from .._parts import Parts
from .._proto import messages, schema, wire
from .._proto.messages import Value
from .._warnings import once
from . import png
from .array import Snapshot, listed, masked, snapshot
from .depth import is_deep, normalized, to_depth, warn_of_range
from .encoded import encoded

Array = Any  # np.ndarray, whose generic form numpy 1.19 does not have

# PNG holds lengths up to 2**31 - 1; a picture of that length is a mistake.
_MAX_LENGTH = 1 << 24


class Picture(NamedTuple):
    """One picture, or several of one array, as they were at the call.

    layout: which axis of `data` is which: "H", "W", "C", and "N" where there are several.
    tag: names them in warnings. normalize: show each from its smallest to its largest value.
    """

    data: Snapshot
    layout: str
    tag: str = ""
    normalize: bool = False

    def length(self, axis: str) -> int:
        """Elements along `axis`; 1 for an axis that is not there."""
        return self.data.shape[self.layout.index(axis)] if axis in self.layout else 1

    @property
    def depth(self) -> int:
        """Bits per channel."""
        return 16 if is_deep(self.data.dtype) and not self.normalize else 8

    def pixels(self) -> Array:
        """(height, width, channels), or (number, height, width, channels) for several."""
        array = in_order(self.numbers(), self.layout, "NHWC")
        pixels = np.stack(list(map(normalized, array))) if self.normalize else to_depth(array)
        return pixels if "N" in self.layout else pixels[0]

    def numbers(self) -> Array:
        """The values, after the warnings about them were issued."""
        array = self.data.numpy()
        if not self.normalize:
            warn_of_range(array, f"the picture {self.tag!r}")
        return array


def find_layout(shape: Sequence[int], dataformats: Optional[str], batch: str = "N") -> str:
    """Which axis is which, e.g. "CHW" for (3, 20, 30).

    dataformats: states it, in any order and case. Where the array has one axis less, N or else C
        is missing. "CHW", the default of torch's `add_image`, may have a leading N too. None: two
        axes are HW, three CHW or HWC, four NCHW or NHWC, whichever has 1 to 4 channels; where both
        have, the channels come first.
    batch: axes that may precede those of a picture: "N", or "NT" for videos.

    Raises ValueError if they don't fit `shape`.
    """
    if dataformats is None:
        layout = _guess(shape, batch)
    else:
        layout = _fitted(dataformats, len(shape), batch)
    if layout is None or ("C" in layout and not 1 <= shape[layout.index("C")] <= 4):
        time = batch[1:]
        wanted = dataformats or f"{time}HW, {time}CHW, {time}HWC, {batch}CHW or {batch}HWC"
        raise ValueError(f"got shape {tuple(shape)}, want {wanted} with 1 to 4 channels (C); "
                         "dataformats= states which axis is which")
    if not all(0 < length < _MAX_LENGTH for length in shape):
        raise ValueError(f"got a picture of shape {tuple(shape)}, want lengths of 1 to "
                         f"{_MAX_LENGTH - 1}")
    return layout


def _guess(shape: Sequence[int], batch: str) -> Optional[str]:
    needed = batch[1:]  # a video has its time even where it is one
    if len(shape) == len(needed) + 2:
        return needed + "HW"
    lead = len(shape) - 3
    if not len(needed) <= lead <= len(batch):
        return None
    order = "CHW" if 1 <= shape[lead] <= 4 else "HWC"
    return batch[len(batch) - lead:] + order


def _fitted(dataformats: str, rank: int, batch: str) -> Optional[str]:
    """`dataformats` with as many axes as the array has; None if it contradicts them."""
    if not isinstance(dataformats, str):
        raise TypeError(f"got dataformats of type {type(dataformats).__name__}, want str")
    layout = dataformats.upper()
    if not ({"H", "W"} <= set(layout) <= {*batch, *"CHW"} and len(set(layout)) == len(layout)):
        raise ValueError(f"got dataformats {shown(dataformats)}, want H and W, and optionally C "
                         f"and {' and '.join(batch)}, each once")
    if len(layout) == rank + 1:
        # One axis less: a single picture where several are expected, or grey ones.
        layout = layout.replace("N", "") if "N" in layout else layout.replace("C", "")
    elif len(layout) == rank + 2 and "N" in layout:
        layout = layout.replace("N", "").replace("C", "")
    elif len(layout) == rank - 1 and layout == "CHW" and batch == "N":
        layout = "NCHW"
    return layout if len(layout) == rank else None


def picture(data: Any, dataformats: Optional[str], batch: str = "N", *, tag: str = "",
            normalize: bool = False) -> Picture:
    """`data` as a picture or several.

    data: an array; a PIL image, or a list of those of one size, whose layout is their own.

    Raises TypeError or ValueError if it is not a picture.
    """
    if isinstance(data, (str, os.PathLike)):
        raise TypeError(f"got a picture of type {type(data).__name__} ({shown(data)}), want an "
                        "array, a PIL image or an encoded file. If it is the name of a file, pass "
                        "its bytes: Path(name).read_bytes()")
    if is_pil(data):
        data = _from_pil(data)
        dataformats = "HWC"[:data.ndim]
    elif isinstance(data, (list, tuple)) and data and all(map(is_pil, data)):
        data = _stacked(data)
        dataformats = batch[-1] + "HWC"[:data.ndim - 1]
    held = snapshot(unmasked(data, tag, normalize), "a picture")
    return Picture(held, find_layout(held.shape, dataformats, batch), tag, normalize)


def unmasked(data: Any, tag: str, normalize: bool = False) -> Any:
    """`data` with black in place of elements masked by numpy.ma."""
    data = listed(data)
    hidden = masked(data)
    if hidden is None:
        return data
    once(("masked", "picture", tag), f"the picture {tag!r} has masked elements, which are shown "
         "black; reported once per tag")
    if normalize:
        with np.errstate(all="ignore"):
            hidden = hidden.astype(np.float64)
    return hidden.filled(np.nan if hidden.dtype.kind == "f" else 0)


def pictures(data: Any, dataformats: Optional[str], *, tag: str = "", normalize: bool = False
             ) -> List[Any]:
    """`data` as Pictures and Files: an array, a PIL image, an encoded file, or a list of these.

    In a list, each array is a single picture.
    """
    if isinstance(data, (bytes, bytearray, memoryview)):
        return [encoded(bytes(data))]
    if isinstance(data, (list, tuple)) and (not data or any(map(is_picture, data))):
        if not data:
            raise ValueError("got an empty list of pictures, want at least one")
        single = dataformats.upper().replace("N", "") if isinstance(dataformats, str) \
            else dataformats
        found = [one for item in data
                 for one in pictures(item, single, tag=tag, normalize=normalize)]
        for one in found:
            if isinstance(one, Picture) and "N" in one.layout:
                raise ValueError(f"got an array of shape {one.data.shape} in a list of pictures, "
                                 "want a single picture")
        return found
    return [picture(data, dataformats, tag=tag, normalize=normalize)]


def is_picture(item: Any) -> bool:
    """Whether an item of a list is a picture of its own, and not a row or a plane of one."""
    shape = getattr(item, "shape", None)
    return isinstance(item, (bytes, bytearray, str, os.PathLike)) or is_pil(item) \
        or isinstance(shape, tuple) and len(shape) > 1


def is_pil(data: Any) -> bool:
    """Whether it is an image of PIL, which is recognized by its methods."""
    return hasattr(data, "getbands") and hasattr(data, "convert")


# Modes of PIL whose arrays are pictures as they are.
_PLAIN = ("1", "L", "LA", "RGB", "RGBA")


def _from_pil(image: Any) -> Array:
    """The pixels of a PIL image: (height, width), or (height, width, channels)."""
    mode = image.mode
    if mode == "F" or mode == "I" or mode.startswith("I;16"):
        return _from_numbers(np.asarray(image))
    if mode not in _PLAIN:
        wanted = "RGBA" if _is_transparent(image) else "LA" if mode == "La" else "RGB"
        try:
            image = image.convert(wanted)
        except Exception as error:
            let_signals(error)
            raise ValueError(f"got a PIL image of mode {mode!r}, which Pillow can't convert here "
                             f"({error}), want one of {', '.join(_PLAIN)}") from error
    return np.asarray(image)


def _is_transparent(image: Any) -> bool:
    palette = getattr(image, "palette", None)
    return image.mode in ("PA", "RGBa") or image.mode == "P" and (
        "transparency" in image.info or getattr(palette, "mode", "") == "RGBA")


def _from_numbers(array: Array) -> Array:
    """Pixels of PIL's modes F, I and I;16.

    Pillow takes 0 to 255 for black to white in F and I, but reads files of 16 bits as I too, and
    makes F out of arrays from 0 to 1: so the largest value decides.
    """
    finite = array[np.isfinite(array)]
    high = finite.max() if finite.size else 0
    if array.dtype.kind == "f":
        return array / np.float32(255) if high > 1 else array
    if array.dtype.kind == "i" and 255 < high < 1 << 16 and array.min() >= 0:
        return array.astype(np.uint16)
    return array


def _stacked(images: Any) -> Array:
    arrays = list(map(_from_pil, images))
    shapes = sorted({array.shape for array in arrays})
    if len(shapes) > 1:
        raise ValueError(f"got PIL images of the shapes {shapes}, want equal ones")
    return np.stack(arrays)


def in_order(array: Array, layout: str, wanted: str) -> Array:
    """`array` with the axes of `wanted`; those that `layout` does not have get length 1."""
    missing = [axis for axis in wanted if axis not in layout]
    array = array.reshape(array.shape + (1,) * len(missing))
    axes = layout + "".join(missing)
    return array.transpose([axes.index(axis) for axis in wanted])


class Grid(NamedTuple):
    """How pictures are laid out row after row.

    columns: pictures per row. cell: (height, width) from one picture to the next. size: (height,
    width) of the whole.
    """

    columns: int
    cell: Tuple[int, int]
    size: Tuple[int, int]


def grid(number: int, height: int, width: int, columns: Optional[int], padding: int = 0) -> Grid:
    """The grid of `number` pictures, the largest of which have this height and width.

    columns: at most; None makes the grid as near to a square as possible. padding: pixels between
    neighbours.
    """
    columns = min(number, math.ceil(math.sqrt(number)) if columns is None else columns)
    rows = -(-number // columns)
    down, across = height + padding, width + padding
    return Grid(columns, (down, across), (rows * down - padding, columns * across - padding))


def tile(pixels: Sequence[Array], columns: Optional[int], padding: int = 0) -> Array:
    """Pictures of one dtype and number of channels in a grid, on black. One stays as it is."""
    if len(pixels) == 1:
        return pixels[0]
    layout = grid(len(pixels), max(one.shape[0] for one in pixels),
                  max(one.shape[1] for one in pixels), columns, padding)
    canvas = np.zeros((*layout.size, pixels[0].shape[2]), pixels[0].dtype)
    for number, one in enumerate(pixels):
        row, column = divmod(number, layout.columns)
        top, left = row * layout.cell[0], column * layout.cell[1]
        canvas[top:top + one.shape[0], left:left + one.shape[1]] = one
    return canvas


def image_value(tag: str, encode: Any, nbytes: int, display_name: str, description: str) -> Value:
    """A value of the Images dashboard.

    encode: gives (width, height, channels, encoded file), on the writer's thread.
    """
    metadata = messages.metadata(schema.IMAGES, display_name=display_name,
                                 description=description)

    def parts() -> Parts:
        width, height, channels, data = encode()
        head = b"".join([wire.int_field(schema.Image.HEIGHT, height),
                         wire.int_field(schema.Image.WIDTH, width),
                         wire.int_field(schema.Image.COLORSPACE, channels),
                         wire.length_prefix(schema.Image.ENCODED_IMAGE_STRING, len(data))])
        return [*wire.message_field(schema.Value.IMAGE, [head, data]), metadata]

    return Value(tag, parts, nbytes + len(metadata))


def as_png(pixels: Array) -> Tuple[int, int, int, bytes]:
    """(width, height, channels, PNG file) of pixels (height, width, channels)."""
    height, width, channels = pixels.shape
    return width, height, channels, png.encode(pixels)
