"""Images: one a step, a grid of several, or several a step. Shown in Images and Time Series."""
from __future__ import annotations

from typing import Any, List, Optional, Tuple

from .._proto import messages, schema
from .._proto.messages import Summary, Value
from .._values.pixels import Array, File, Picture, as_png, grid_size, image_value, pictures, tile
from .._parts import Parts

# TensorBoard shows a picture in its own size: eight columns fit on a screen.
COLUMNS = 8


def image(tag: str, data: Any, *, dataformats: Optional[str] = None, columns: int = COLUMNS,
          display_name: str = "", description: str = "") -> Summary:
    """One picture; several become one, in a grid.

    data: an array (height, width), with 1 to 4 channels before or behind these (grey, grey and
        alpha, RGB, RGBA), and with their number first if it is several; or a PNG, JPEG, GIF or BMP
        file as bytes, which is kept as it is; or a list of arrays or of one file.
    dataformats: which axis is which, as letters of "NCHW" in any order. None finds it out: the
        channels are the first axis of a picture if that has 1 to 4 elements, else the last.
    columns: pictures in a row of the grid; it has no gaps, and empty places are black.
    display_name, description: shown with the picture; the description is Markdown.

    uint8 and bool are taken as they are; floats are scaled from 0 to 1 and clipped, with NaN as
    black; uint16, and int16 as the same bits, become a picture of 16 bits a channel; other integers
    are clipped to 0 to 255. The file is a lossless PNG.

    Raises TypeError or ValueError for what is no picture, or for a grid of unlike ones.
    """
    found = pictures(data, dataformats)
    if columns < 1:
        raise ValueError(f"got columns={columns}, want 1 or more")
    if len(found) == 1 and isinstance(found[0], File):
        file = found[0]
        return Summary([image_value(tag, lambda: (file.width, file.height, 3, file.data),
                                    len(file.data), display_name, description)])
    _check_alike(found)
    nbytes = sum(one.data.nbytes for one in found)
    return Summary([image_value(tag, lambda: as_png(_in_grid(found, columns)), nbytes,
                                display_name, description)])


def images(tag: str, data: Any, *, dataformats: Optional[str] = None, display_name: str = "",
           description: str = "") -> Summary:
    """Several pictures under one tag; the dashboard shows them as samples of each step.

    data: as for `image`; a list may also hold several files, and pictures of different sizes and
        types.
    dataformats, display_name, description: as for `image`.

    Raises TypeError or ValueError for what is no picture.
    """
    found = pictures(data, dataformats)
    metadata = messages.metadata(schema.IMAGES, display_name=display_name,
                                 description=description)

    def encode() -> Parts:
        files = [file for one in found for file in _files(one)]
        # "[width, height, encoded...]": the size is that of the first.
        strings = [str(files[0][0]).encode(), str(files[0][1]).encode(),
                   *(data for _, _, data in files)]
        return [*messages.string_tensor([len(strings)], strings), metadata]

    nbytes = sum(len(one.data) if isinstance(one, File) else one.data.nbytes for one in found)
    return Summary([Value(tag, encode, nbytes)])


def _check_alike(found: List[Any]) -> None:
    forms = {f"{one.length('C')} channels of {one.depth} bits" if isinstance(one, Picture)
             else "an encoded file" for one in found}
    if len(forms) > 1 or "an encoded file" in forms:
        raise ValueError(f"got a grid of {' and '.join(sorted(forms))}, want arrays with one "
                         "number of channels and one depth (summary.images takes any)")


def _in_grid(found: List[Picture], columns: int) -> Array:
    pixels: List[Array] = []
    for one in found:
        pixels.extend(one.pixels() if "N" in one.layout else [one.pixels()])
    return pixels[0] if len(pixels) == 1 else tile(pixels, grid_size(len(pixels), columns)[1])


def _files(one: Any) -> List[Tuple[int, int, bytes]]:
    """(width, height, file) of each picture in it."""
    if isinstance(one, File):
        return [(one.width, one.height, one.data)]
    pixels = one.pixels()
    encoded = [as_png(single) for single in (pixels if "N" in one.layout else [pixels])]
    return [(width, height, data) for width, height, _, data in encoded]
