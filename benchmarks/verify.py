"""Verify that a writer wrote the values it was given. A time is printed only after that."""
from __future__ import annotations

import io
import os
import wave
from collections import defaultdict
from typing import Any, Callable, Dict, List, Sequence

import numpy as np
from PIL import Image

from .cases import Case, expected
from .readback import Found, values


class WrongValues(Exception):
    """A writer did not write the values it was given."""


def verify(case: Case, times: int, arrays: Sequence[Any], logdir: str) -> None:
    """Compare the values in `logdir` with those that `case` logs. WrongValues if they differ."""
    if case.kind == "embedding":
        _embeddings(times, arrays[0], logdir)
        return
    found: Dict[str, Dict[int, Any]] = defaultdict(dict)
    count = 0
    for tag, step, content in values(logdir):
        if content is not None:
            found[tag][step] = content
            count += 1
    wanted = 0
    same = _SAME[case.kind]
    for tag, step, value in expected(case, case.calls(times, arrays)):
        wanted += 1
        content = _of_tag(found, tag).get(step)
        if content is None or not same(content, value):
            raise WrongValues(f"{tag!r} at step {step}: got {_short(content)}, "
                              f"want {_short(value)}")
    if count != wanted:
        raise WrongValues(f"got {count} values, want {wanted}")


def _of_tag(found: Dict[str, Dict[int, Any]], tag: str) -> Dict[int, Any]:
    """Some writers append to the tags of texts, images and sounds."""
    if tag in found:
        return found[tag]
    return next((steps for name, steps in found.items() if name.startswith(tag)), {})


def _short(content: Any) -> str:
    return repr(content)[:60]


def _same_scalar(content: Any, value: float) -> bool:
    return bool(content == value)


def _same_histogram(content: Any, array: Any) -> bool:
    """Compare the number of values, and with bucket limits each count with that of numpy.

    Of the tensor form, whose rows are (left, right, count), the number and the ends are compared.
    """
    if isinstance(content, list):
        return bool(sum(row[2] for row in content) == array.size
                    and np.isclose(content[0][0], array.min())
                    and np.isclose(content[-1][1], array.max()))
    limits, counts = np.array(content[6]), np.array(content[7])
    low, high = float(array.min()), float(array.max())
    plain = (content[1][0] == low and content[2][0] == high and content[3][0] == array.size
             and counts.sum() == array.size and np.isclose(
                 content[4][0], array.sum(dtype=np.float64), rtol=1e-6, atol=1e-3))
    if not plain:
        return False
    # A value on an edge belongs to the upper bucket, at the ends of the range to either.
    before = np.searchsorted(np.sort(array, axis=None), limits[:-1], side="left")
    return bool((np.cumsum(counts)[:-1] == before).all())


def _same_image(content: bytes, pixels: Any) -> bool:
    shown = np.asarray(Image.open(io.BytesIO(content)))
    if shown.ndim == 2:
        shown = shown[..., None]
    if shown.shape[2] != pixels.shape[2]:  # mxboard makes grey pictures RGB
        pixels = np.repeat(pixels, 3, axis=2)
    return bool(shown.shape == pixels.shape and (shown == pixels).all())


def _same_audio(content: bytes, clip: Any) -> bool:
    """Equal within two steps of 16 bits, since writers round differently."""
    with wave.open(io.BytesIO(content)) as file:
        if (file.getframerate(), file.getnchannels(), file.getsampwidth()) != (44100, 1, 2):
            return False
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2")
    return bool(samples.shape == clip.shape
                and np.abs(samples / 32768.0 - clip).max() <= 2 / 32768.0)


def _same_text(content: bytes, words: str) -> bool:
    return content.decode() == words


_SAME: Dict[str, Callable[[Any, Any], bool]] = {
    "scalar": _same_scalar, "histogram": _same_histogram,
    "image": _same_image, "audio": _same_audio, "text": _same_text}


def _embeddings(times: int, matrix: Any, logdir: str) -> None:
    """Compare the number of tensor files and their values: raw float32 or tab-separated text."""
    paths = [os.path.join(at, name) for at, _, names in os.walk(logdir) for name in names
             if "tensor" in name and "tfevents" not in name]
    if len(paths) != times:
        raise WrongValues(f"got {len(paths)} embeddings, want {times}")
    for path in paths:
        if os.path.getsize(path) == matrix.nbytes:
            shown = np.fromfile(path, "<f4").reshape(matrix.shape)
        else:
            shown = np.loadtxt(path, np.float32, delimiter="\t")
        if shown.shape != matrix.shape or not np.allclose(shown, matrix, rtol=1e-5, atol=1e-7):
            raise WrongValues(f"{path} has other values")


def size(logdir: str) -> int:
    """The total size of all files in a log directory, in bytes."""
    return sum(os.path.getsize(os.path.join(at, name)) for at, _, names in os.walk(logdir)
               for name in names)


def pillow_ratio(pictures: Sequence[Any], logdir: str) -> float:
    """The size of the pictures in `logdir` divided by that of Pillow's files, in bytes."""
    written: List[Found] = [one for one in values(logdir) if isinstance(one.content, bytes)]
    sizes = []
    for pixels in pictures:
        file = io.BytesIO()
        Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels).save(file, "PNG")
        sizes.append(len(file.getvalue()))
    theirs = sum(sizes[i % len(sizes)] for i in range(len(written)))
    return sum(len(one.content) for one in written) / theirs
