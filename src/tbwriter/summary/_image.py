"""Images: one per step, a grid of several, or several per step. Shown in Images and Time Series."""
from __future__ import annotations

from typing import Any, List, Optional, Tuple

from .._foreign import checked
from .._parts import Parts
from .._proto import messages, schema
from .._proto.messages import Summary, Value
from .._proto.wire import check_size
from .._values.encoded import File
from .._values.number import as_count, as_flag
from .._values.pixels import Array, Picture, as_png, grid, image_value, pictures, tile

# TensorBoard shows a picture in its own size: eight columns fit on a screen.
COLUMNS = 8


@checked
def image(tag: str, data: Any, *, dataformats: Optional[str] = None,
          columns: Optional[int] = COLUMNS, padding: int = 0, normalize: bool = False,
          display_name: str = "", description: str = "") -> Summary:
    """One picture; several become one, in a grid. Shown in Images and Time Series.

    data: an array (height, width), with 1 to 4 channels before or after these (grey, grey and
        alpha, RGB, RGBA), and with their number first if there are several; a PIL image of any
        mode; a PNG, JPEG, GIF or BMP file as bytes, which is kept unchanged; or a list of arrays,
        of PIL images, or of one file.
    dataformats: which axis is which, as letters of "NCHW" in any order. None finds it out: the
        channels are the first axis of a picture if that has 1 to 4 elements, else the last. PIL
        images have a layout of their own.
    columns: pictures per row of the grid; None makes it as near to a square as possible.
    padding: black pixels between neighbours in the grid. Empty places are black.
    normalize: show each picture from its smallest to its largest value as black to white.
    display_name, description: shown with the picture; the description is Markdown.

    uint8 and bool are kept unchanged; floats are 0 to 1, NaN is black; uint16, and int16 as the
    same bits, become a picture of 16 bits per channel; other integers are 0 to 255. Values beyond
    are clipped, with one warning per tag. Elements masked by numpy.ma are black. The file is a
    lossless PNG.

    Raises TypeError or ValueError for anything but a picture, for a layout that contradicts
    the array, and for a grid of unlike pictures.

    Example: `image("digits", batch, columns=None, padding=1)` with a batch (n, 28, 28).
    """
    found = pictures(data, dataformats, tag=tag, normalize=as_flag(normalize, "normalize"))
    columns = None if columns is None else as_count(columns, "columns")
    padding = as_count(padding, "padding", 0)
    if len(found) == 1 and isinstance(found[0], File):
        file = found[0]
        return Summary([image_value(tag, lambda: (file.width, file.height, 3, file.data),
                                    len(file.data), display_name, description)])
    _check_grid(found, columns, padding)
    nbytes = sum(one.data.nbytes for one in found)
    return Summary([image_value(tag, lambda: as_png(_in_grid(found, columns, padding)), nbytes,
                                display_name, description)])


@checked
def images(tag: str, data: Any, *, dataformats: Optional[str] = None, normalize: bool = False,
           display_name: str = "", description: str = "") -> Summary:
    """Several pictures under one tag. Shown in Images as samples of each step.

    data: as for `image`; a list may also hold several files, and pictures of different sizes and
        types.
    dataformats, normalize, display_name, description: as for `image`.

    Raises TypeError or ValueError for anything but a picture.

    Example: `images("inputs", [picture, mask])`.
    """
    found = pictures(data, dataformats, tag=tag, normalize=as_flag(normalize, "normalize"))
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


def _check_grid(found: List[Any], columns: Optional[int], padding: int) -> None:
    """ValueError for pictures that are unlike, and for a grid of 2 GiB and more."""
    if len(found) == 1 and "N" not in found[0].layout:  # a Picture: a file is passed on before
        return
    forms = {f"{one.length('C')} channels of {one.depth} bits" if isinstance(one, Picture)
             else "an encoded file" for one in found}
    if len(forms) > 1 or "an encoded file" in forms:
        raise ValueError(f"got a grid of {' and '.join(sorted(forms))}, want arrays with one "
                         "number of channels and one depth (summary.images takes any)")
    height, width = grid(sum(one.length("N") for one in found),
                         max(one.length("H") for one in found),
                         max(one.length("W") for one in found), columns, padding).size
    check_size(height * width * found[0].length("C") * found[0].depth // 8, "a grid of pictures")


def _in_grid(found: List[Picture], columns: Optional[int], padding: int) -> Array:
    pixels: List[Array] = []
    for one in found:
        pixels.extend(one.pixels() if "N" in one.layout else [one.pixels()])
    return tile(pixels, columns, padding)


def _files(one: Any) -> List[Tuple[int, int, bytes]]:
    """(width, height, file) of each picture in it."""
    if isinstance(one, File):
        return [(one.width, one.height, one.data)]
    pixels = one.pixels()
    encoded = [as_png(single) for single in (pixels if "N" in one.layout else [pixels])]
    return [(width, height, data) for width, height, _, data in encoded]
