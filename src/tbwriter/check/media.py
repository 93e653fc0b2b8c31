"""Pictures and sounds."""
from __future__ import annotations

from struct import Struct
from typing import Any, Iterator, Optional

import numpy as np

from .finding import ERROR, WARNING, Rule, rule
from .numbers import elements
from .value import Decoded, Problem
from .._proto import schema
from .._proto.parse import Data, Metadata

IMAGE_SHAPE = Rule("image shape", ERROR, "not the point", "broken images",
                   "write a string tensor of rank 1: width, height, then the images")
IMAGE_FORMAT = rule("image format", ERROR, "a broken image (application/octet-stream)",
                    "encode images as PNG, JPEG, GIF or BMP")
BLACK_IMAGE = rule(
    "black image", WARNING, "a black picture: its brightest channel is 1 of 255",
    "multiply pictures of 0 and 1 by 255, or write them as floats or bools")
AUDIO_SHAPE = Rule(
    "audio shape", ERROR, "not the clips, unless they are [clips, 2]",
    "the first column, broken clips or HTTP 500",
    "write a string tensor [clips], or [clips, 2] without data_class 3")
AUDIO_CLIPS = rule("audio clips", ERROR, "HTTP 500 for clips that some steps do not have",
                   "write the same number of clips at each step")
AUDIO_CLIPPED = rule(
    "audio clipped", WARNING, "a distorted sound, cut off at full scale",
    "scale sounds to -1 to 1 before they are written")

RULES = (IMAGE_SHAPE, IMAGE_FORMAT, BLACK_IMAGE, AUDIO_SHAPE, AUDIO_CLIPS, AUDIO_CLIPPED)

_PNG = b"\x89PNG\r\n\x1a\n"
_IMAGES = (_PNG, b"\xff\xd8\xff", b"GIF8", b"BM")
# The most bytes of a file that are decoded; a larger file is not judged. So many pixels, too, where
# a row counts more of them.
_MOST = 1 << 22
_ROW = 8
# Which part of a sound's samples may be at full scale: of a sine it is a third of a percent.
_FULL_SCALE = 0.01
_MIN_SAMPLES = 64

_chunk = Struct(">I4s").unpack_from
_header = Struct(">IIBBBBB").unpack_from
_riff = Struct("<4sI").unpack_from
_format = Struct("<HHIIHH").unpack_from
# PNG's colour types without a palette: Pillow's names, and how many of the channels are colours.
_MODES = {0: ("L", 1), 2: ("RGB", 3), 4: ("LA", 1), 6: ("RGBA", 3)}


def images(value: Decoded, first: Metadata, look: bool) -> Iterator[Problem]:
    """look: whether the pixels are decoded."""
    if value.tensor is None:
        files: Iterator[Data] = iter([value.fields.get(schema.Image.ENCODED_IMAGE_STRING, b"")])
    else:
        files = value.tensor.texts()
        size = [bytes(next(files, b"")), bytes(next(files, b""))]
        if value.tensor.dtype != schema.DT_STRING or len(value.tensor.shape) != 1 \
                or not all(text.isdigit() for text in size):
            yield IMAGE_SHAPE, value.described
            return
    for number, file in enumerate(files):
        head = bytes(file[:8])
        if not head.startswith(_IMAGES):
            yield IMAGE_FORMAT, f"begins with {head!r}"
            return
        if look and not number and head == _PNG and _is_black(file):
            yield BLACK_IMAGE, "all channels are 0 or 1 of 255"
    problem = elements(value.tensor) if value.tensor else None
    if problem:
        yield problem


def _is_black(file: Data) -> bool:
    """Whether a PNG has 8 bits per channel, and 1 is its brightest. False if in doubt."""
    try:
        return _brightest(bytes(file[:_MOST])) == 1
    except Exception:  # of a damaged header, or Pillow's of damaged data
        return False


def _brightest(file: bytes) -> Optional[int]:
    """The greatest number of the colours of a PNG with 8 bits per channel; None for others."""
    from PIL import Image
    data, at = [], len(_PNG)
    width, height, depth, colour, _, _, interlaced = _header(file, at + 8)
    if depth != 8 or colour not in _MODES or not 0 < height * (width + _ROW) <= _MOST:
        return None
    while at + 8 <= len(file):
        length, name = _chunk(file, at)
        if name == b"IDAT":
            data.append(file[at + 8:at + 8 + length])
        at += length + 12
    mode, colours = _MODES[colour]
    # Pillow's decoder of this data alone: of a whole file, it would keep compressed texts, too.
    picture = Image.frombytes(mode, (width, height), b"".join(data), "zip", mode, interlaced)
    extrema: Any = [picture.getchannel(number).getextrema() for number in range(colours)]
    return int(max(most for _, most in extrema))


def audio(value: Decoded, first: Metadata, look: bool) -> Iterator[Problem]:
    """look: whether the samples are decoded."""
    if value.tensor is None:
        files: Iterator[Data] = iter([value.fields.get(schema.Audio.ENCODED_AUDIO_STRING, b"")])
    else:
        shape = value.tensor.shape
        pairs = len(shape) == 2 and shape[1] == 2 \
            and first.data_class != schema.DataClass.BLOB_SEQUENCE
        if value.tensor.dtype != schema.DT_STRING or not (len(shape) == 1 or pairs):
            yield AUDIO_SHAPE, f"{value.described}, data_class {first.data_class}"
            return
        problem = elements(value.tensor)
        if problem:
            yield problem
            return
        files = value.tensor.texts()
    if look:
        share = _full_scale(bytes(next(files, b"")[:_MOST]))
        if share > _FULL_SCALE:
            yield AUDIO_CLIPPED, f"{share:.0%} of the samples are at full scale"


def clips_of(value: Decoded) -> int:
    """How many clips a value of Audio has."""
    return value.tensor.shape[0] if value.tensor and value.tensor.shape else 1


def _full_scale(file: bytes) -> float:
    """The part of the samples of a WAV of 16 bits that is at full scale; 0 for other files."""
    if file[:4] != b"RIFF" or file[8:12] != b"WAVE":
        return 0.0
    at, right = 12, False
    while at + 8 <= len(file):
        name, length = _riff(file, at)
        if name == b"fmt " and at + 24 <= len(file):
            code, _, _, _, _, bits = _format(file, at + 8)
            right = code == 1 and bits == 16
        elif name == b"data" and right:
            end = min(at + 8 + length, len(file))
            samples = np.frombuffer(file[at + 8:end - (end - at) % 2], "<i2")
            if len(samples) < _MIN_SAMPLES:
                return 0.0
            return float(np.count_nonzero((samples >= 32767) | (samples <= -32767)) / len(samples))
        at += 8 + length + length % 2
    return 0.0
