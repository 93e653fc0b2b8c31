"""Videos as animated GIFs. Shown in Images and Time Series, where they play."""
from __future__ import annotations

from io import BytesIO
from typing import Any, List, Optional, Tuple

import numpy as np
from PIL import Image

from .._foreign import checked
from .._proto.messages import Summary
from .._proto.wire import check_size
from .._values.number import as_count, as_flag, as_float
from .._values.depth import normalized, to_8_bits, to_depth
from .._values.pixels import Array, Picture, grid, image_value, in_order, picture, tile

# GIF counts in hundredths of a second; browsers play anything below two of them at ten.
_SHORTEST = 2
_LONGEST = 65535


@checked
def video(tag: str, data: Any, *, fps: float = 4, dataformats: Optional[str] = None,
          padding: int = 0, normalize: bool = False, display_name: str = "",
          description: str = "") -> Summary:
    """A clip; several play side by side in one picture. Shown in Images and Time Series.

    data: an array (time, height, width), with 1 to 4 channels before or after height and width,
        and with the number of clips first if there are several; or a list of PIL images, the
        frames of one clip. Types as for `summary.image`; alpha is left out, and 16 bits become 8.
    fps: frames per second; the average is exact. Above 50, which browsers don't show, frames are
        left out. Frames of more than 256 colours get the 256 that fit best.
    dataformats: which axis is which, as letters of "NTCHW" in any order. None finds it out: the
        channels are the first axis of a frame if that has 1 to 4 elements, else the last.
    padding: black pixels between neighbouring clips.
    normalize: show each clip from its smallest to its largest value as black to white.
    display_name, description: shown with the clip; the description is Markdown.

    Raises TypeError or ValueError for anything but a clip, for a layout that contradicts the
    array, and for an fps that is not a positive number.

    Example: `video("episode", frames, fps=10)` with uint8 frames (time, height, width, 3).
    """
    clips = _clips(tag, data, dataformats, as_flag(normalize, "normalize"))
    rate = as_float(fps, "fps")
    if not 100 / _LONGEST <= rate < float("inf"):
        raise ValueError(f"got fps={fps}, want frames per second, at least 1 in 11 minutes")
    gap = as_count(padding, "padding", 0)
    columns = _columns(clips.length("N"))
    height, width = grid(clips.length("N"), clips.length("H"), clips.length("W"), columns, gap).size
    if width > 65535 or height > 65535:
        raise ValueError(f"got a video of {width} x {height}, want at most 65535 x 65535, the "
                         "limit of GIF")
    check_size(width * height * 3, "a frame")
    Image.preinit()  # loads the formats: not on the thread, see `_loading`

    def encode() -> Tuple[int, int, int, bytes]:
        shown = _frames(clips)
        numbers, durations = _timing(len(shown), rate)
        frames = [_frame(shown[number], columns, gap) for number in numbers]
        return width, height, 3, _gif(frames, durations)

    return Summary([image_value(tag, encode, clips.data.nbytes, display_name, description)])


def _clips(tag: str, data: Any, dataformats: Optional[str], normalize: bool) -> Picture:
    clips = picture(data, dataformats, "NT", tag=tag, normalize=normalize)
    if "T" not in clips.layout:
        raise ValueError(f"got a video of shape {clips.data.shape}, want (time, height, width), "
                         "optionally with channels and a number of clips")
    return clips


def _frames(clips: Picture) -> Array:
    """(time, number of clips, height, width, channels)"""
    array = clips.numbers()
    if clips.normalize:
        array = np.stack(list(map(normalized, in_order(array, clips.layout, "NTHWC"))))
        return array.swapaxes(0, 1)
    return in_order(array, clips.layout, "TNHWC")


def _columns(number: int) -> int:
    """The clips per row, as torch arranges them: 1 x 2, 1 x 3, 2 x 2, 2 x 3, ..."""
    rows = 1 << (number.bit_length() - 1) // 2
    return -(-number // rows)


def _timing(frames: int, fps: float) -> Tuple[List[int], List[int]]:
    """Numbers of the frames to show, and how long each, in hundredths of a second."""
    starts = [round(number * 100 / fps) for number in range(frames + 1)]
    shown: List[int] = []
    for number in range(frames):
        if not shown or starts[number] - starts[shown[-1]] >= _SHORTEST:
            shown.append(number)
    ends = [starts[number] for number in shown[1:]] + [starts[frames]]
    return shown, [max(_SHORTEST, end - starts[number]) for number, end in zip(shown, ends)]


def _frame(clips: Array, columns: int, padding: int) -> Image.Image:
    pixels = tile(list(to_8_bits(to_depth(clips))), columns, padding)
    if pixels.shape[2] < 3:
        return Image.fromarray(np.ascontiguousarray(pixels[:, :, 0]))
    return _with_palette(np.ascontiguousarray(pixels[:, :, :3]))


def _with_palette(pixels: Array) -> Image.Image:
    """The picture in its own colours if they are few, in the 256 best ones otherwise."""
    packed = pixels.astype(np.uint32) @ np.array([1 << 16, 1 << 8, 1], np.uint32)
    colors, indices = np.unique(packed, return_inverse=True)
    if len(colors) > 256:
        return Image.fromarray(pixels).quantize(256)
    frame = Image.fromarray(indices.reshape(packed.shape).astype(np.uint8))
    palette = np.stack([colors >> 16, colors >> 8 & 255, colors & 255], axis=1).astype(np.uint8)
    frame.putpalette(palette.tobytes())
    return frame


def _gif(frames: List[Image.Image], durations: List[int]) -> bytes:
    """An endless GIF; Pillow takes the durations in milliseconds."""
    out = BytesIO()
    frames[0].save(out, "GIF", save_all=True, append_images=frames[1:], loop=0, optimize=False,
                   duration=[10 * hundredths for hundredths in durations])
    return out.getvalue()
