"""The door for pictures: whatever shows one becomes rows of pixels, or stays an encoded file.

At the call, `pictures` finds out which axis is which, raises on mistakes and keeps snapshots.
Later, on the writer's thread, `Picture.pixels()` gives uint8 or uint16 of shape (height, width,
channels): 1 channel is grey, 2 are grey and alpha, 3 red, green, blue, 4 those and alpha.

    uint8        as it is                       bool   black and white
    float        0 to 1 is black to white; beyond is clipped, NaN is black
    uint16       as it is, 16 bits a channel    int16  the same bits read as uint16
    other ints   0 to 255, clipped
"""
from __future__ import annotations

from typing import Any, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from .._proto import messages, schema, wire
from . import png
from .array import Snapshot, snapshot
from .._proto.messages import Value
from .._parts import Parts

Array = Any  # np.ndarray, whose generic form numpy 1.19 does not have

# PNG holds lengths up to 2**31 - 1; a picture of that length is a mistake.
_MAX_LENGTH = 1 << 24


class Picture(NamedTuple):
    """One picture, or several of one array, as they were at the call.

    layout: which axis of `data` is which: "H", "W", "C", and "N" where it is several.
    """

    data: Snapshot
    layout: str

    def length(self, axis: str) -> int:
        """Elements along `axis`; 1 for an axis that is not there."""
        return self.data.shape[self.layout.index(axis)] if axis in self.layout else 1

    @property
    def depth(self) -> int:
        """Bits per channel."""
        return 16 if _is_deep(self.data.dtype) else 8

    def pixels(self) -> Array:
        """(height, width, channels), or (number, height, width, channels) for several."""
        pixels = to_depth(in_order(self.data.numpy(), self.layout, "NHWC"))
        return pixels if "N" in self.layout else pixels[0]


class File(NamedTuple):
    """A picture that is already encoded, with what its header says."""

    data: bytes
    width: int
    height: int


def find_layout(shape: Sequence[int], dataformats: Optional[str], batch: str = "N") -> str:
    """Which axis is which, e.g. "CHW" for (3, 20, 30).

    dataformats: says it, in any order and case. Where the array has an axis more, that is a leading
        N, and where it has one less, C is missing. None: two axes are HW, three CHW or HWC, four
        NCHW or NHWC, whichever has 1 to 4 channels; where both have, the channels come first.
    batch: axes that may stand before those of a picture: "N", or "NT" for videos.

    Raises ValueError where they don't fit `shape`.
    """
    if dataformats is None:
        layout = _guess(shape, batch)
    else:
        layout = _fitted(dataformats, len(shape), batch)
    if layout is None or ("C" in layout and not 1 <= shape[layout.index("C")] <= 4):
        time = batch[1:]
        wanted = dataformats or f"{time}HW, {time}CHW, {time}HWC, {batch}CHW or {batch}HWC"
        raise ValueError(f"got shape {tuple(shape)}, want {wanted} with 1 to 4 channels (C); "
                         "dataformats= says which axis is which")
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
    """`dataformats` with as many axes as there are; None where it can't be."""
    if not isinstance(dataformats, str):
        raise TypeError(f"got dataformats of type {type(dataformats).__name__}, want str")
    layout = dataformats.upper()
    if not ({"H", "W"} <= set(layout) <= {*batch, *"CHW"} and len(set(layout)) == len(layout)):
        raise ValueError(f"got dataformats {dataformats!r}, want H and W, and perhaps C and "
                         f"{' and '.join(batch)}, each once")
    if len(layout) == rank + 1:
        # One axis less: a single picture where several are expected, or grey ones.
        layout = layout.replace("N", "") if "N" in layout else layout.replace("C", "")
    elif len(layout) == rank + 2 and "N" in layout:
        layout = layout.replace("N", "").replace("C", "")
    elif len(layout) == rank - 1 and "N" not in layout:
        layout = "N" + layout
    return layout if len(layout) == rank else None


def picture(data: Any, dataformats: Optional[str], batch: str = "N") -> Picture:
    """`data` as a picture or several. TypeError or ValueError for what is none."""
    held = snapshot(data, "a picture")
    return Picture(held, find_layout(held.shape, dataformats, batch))


def pictures(data: Any, dataformats: Optional[str]) -> List[Any]:
    """`data` as Pictures and Files: an array, an encoded file, or a list of these.

    In a list, each array is a single picture.
    """
    if isinstance(data, (bytes, bytearray, memoryview)):
        return [encoded(bytes(data))]
    if isinstance(data, (list, tuple)) and (not data or any(map(_is_picture, data))):
        if not data:
            raise ValueError("got an empty list of pictures, want at least one")
        single = dataformats.upper().replace("N", "") if isinstance(dataformats, str) \
            else dataformats
        found = [one for item in data for one in pictures(item, single)]
        for one in found:
            if isinstance(one, Picture) and "N" in one.layout:
                raise ValueError(f"got an array of shape {one.data.shape} in a list of pictures, "
                                 "want a single picture")
        return found
    return [picture(data, dataformats)]


def _is_picture(item: Any) -> bool:
    return isinstance(item, (bytes, bytearray)) or len(getattr(item, "shape", ())) > 1


def in_order(array: Array, layout: str, wanted: str) -> Array:
    """`array` with the axes of `wanted`; those that `layout` does not have get length 1."""
    missing = [axis for axis in wanted if axis not in layout]
    array = array.reshape(array.shape + (1,) * len(missing))
    axes = layout + "".join(missing)
    return array.transpose([axes.index(axis) for axis in wanted])


def to_depth(array: Array) -> Array:
    """Numbers as uint8 or uint16, as the table above says, C-contiguous."""
    kind = array.dtype.kind
    if kind == "f":
        return _from_float(array)
    if kind == "b":
        return array.astype(np.uint8, order="C") * np.uint8(255)
    if _is_deep(array.dtype):
        return array.astype(array.dtype.newbyteorder("="), order="C", copy=False).view(np.uint16)
    if array.dtype == np.uint8:
        return np.ascontiguousarray(array)
    # numpy 2.0 does not compare int8 with 255.
    return np.clip(array, 0, min(255, np.iinfo(array.dtype).max)).astype(np.uint8, order="C")


def _is_deep(dtype: "np.dtype[Any]") -> bool:
    return dtype.kind in "ui" and dtype.itemsize == 2


def to_8_bits(pixels: Array) -> Array:
    return (pixels >> 8).astype(np.uint8) if pixels.dtype == np.uint16 else pixels


def _from_float(array: Array) -> Array:
    with np.errstate(all="ignore"):
        scaled = array.astype(np.float32, order="C")
        # fmax takes the other one for a NaN.
        np.fmax(scaled, 0, out=scaled)
        np.fmin(scaled, 1, out=scaled)
        scaled *= 255
        scaled += 0.5
        return scaled.astype(np.uint8)


def tile(pixels: Sequence[Array], columns: int) -> Array:
    """Pictures of one dtype and number of channels side by side, row after row, on black."""
    rows = -(-len(pixels) // columns)
    height = max(one.shape[0] for one in pixels)
    width = max(one.shape[1] for one in pixels)
    canvas = np.zeros((rows * height, columns * width, pixels[0].shape[2]), pixels[0].dtype)
    for number, one in enumerate(pixels):
        top, left = number // columns * height, number % columns * width
        canvas[top:top + one.shape[0], left:left + one.shape[1]] = one
    return canvas


def grid_size(number: int, columns: int) -> Tuple[int, int]:
    """(rows, columns) of `number` pictures in at most so many columns."""
    columns = min(number, columns)
    return -(-number // columns), columns


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

    return Value(tag, parts, nbytes)


def as_png(pixels: Array) -> Tuple[int, int, int, bytes]:
    """(width, height, channels, PNG file) of pixels (height, width, channels)."""
    height, width, channels = pixels.shape
    return width, height, channels, png.encode(pixels)


def encoded(data: bytes) -> File:
    """An encoded picture with its size. ValueError unless PNG, JPEG, GIF or BMP: TensorBoard serves
    others as mere bytes."""
    size = None
    if data[:8] == b"\x89PNG\r\n\x1a\n" and data[12:16] == b"IHDR":
        size = _numbers(data, 16, 4, 4, "big")
    elif data[:6] in (b"GIF87a", b"GIF89a"):
        # "Logical Screen Descriptor": width and height, low byte first
        size = _numbers(data, 6, 2, 2, "little")
    elif data[:2] == b"BM":
        size = _bmp_size(data)
    elif data[:2] == b"\xff\xd8":
        size = _jpeg_size(data)
    if size is None or not min(size):
        raise ValueError(f"got {len(data)} bytes that begin with {data[:8]!r}, want a PNG, JPEG, "
                         "GIF or BMP file")
    return File(data, *size)


def _numbers(data: bytes, at: int, width: int, step: int, order: Any) -> Optional[Tuple[int, int]]:
    if len(data) < at + step + width:
        return None
    first, second = data[at:at + width], data[at + step:at + step + width]
    return int.from_bytes(first, order), int.from_bytes(second, order)


def _bmp_size(data: bytes) -> Optional[Tuple[int, int]]:
    if data[14:18] == b"\x0c\0\0\0":  # BITMAPCOREHEADER of OS/2: 16 bits each
        return _numbers(data, 18, 2, 2, "little")
    size = _numbers(data, 18, 4, 4, "little")
    # "If biHeight is negative, the bitmap is top-down"
    return size and (size[0], size[1] if size[1] < 1 << 31 else (1 << 32) - size[1])


def _jpeg_size(data: bytes) -> Optional[Tuple[int, int]]:
    """From the frame header, SOF0 to SOF15 (ITU T.81, B.2.2), behind other marker segments."""
    at = 2
    while at + 9 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            size = _numbers(data, at + 5, 2, 2, "big")
            return size and (size[1], size[0])
        if marker == 0xFF:  # "any marker may optionally be preceded by fill bytes"
            at += 1
        elif marker == 0x01 or 0xD0 <= marker <= 0xD8:  # without parameters
            at += 2
        else:
            at += 2 + int.from_bytes(data[at + 2:at + 4], "big")
    return None
