"""Numbers to the brightness of pixels, as uint8 or uint16.

    uint8        unchanged
    bool         black and white
    float        0 to 1 is black to white; values beyond are clipped, NaN is black
    uint16       unchanged, 16 bits per channel
    int16        the same bits read as uint16
    other ints   0 to 255; values beyond are clipped
"""
from __future__ import annotations

from typing import Any

import numpy as np

from .._warnings import once
from .array import bounds

Array = Any  # np.ndarray, whose generic form numpy 1.19 does not have

# Half a level of 8 bits: a float that is less beyond 0 to 1 is only rounded.
_ROUNDING = 0.5 / 255


def to_depth(array: Array) -> Array:
    """Numbers as uint8 or uint16, as the table above says, C-contiguous."""
    kind = array.dtype.kind
    if kind == "f":
        return _from_float(array)
    if kind == "b":
        return array.astype(np.uint8, order="C") * np.uint8(255)
    if is_deep(array.dtype):
        return array.astype(array.dtype.newbyteorder("="), order="C", copy=False).view(np.uint16)
    if array.dtype == np.uint8:
        return np.ascontiguousarray(array)
    # numpy 2.0 does not compare int8 with 255.
    return np.clip(array, 0, min(255, np.iinfo(array.dtype).max)).astype(np.uint8, order="C")


def is_deep(dtype: "np.dtype[Any]") -> bool:
    """Whether pixels of this type have 16 bits per channel."""
    return dtype.kind in "ui" and dtype.itemsize == 2


def to_8_bits(pixels: Array) -> Array:
    return (pixels >> 8).astype(np.uint8) if pixels.dtype == np.uint16 else pixels


def _from_float(array: Array) -> Array:
    with np.errstate(all="ignore"):
        scaled = array.astype(np.float32, order="C")
        # fmax returns the other operand where one is NaN.
        np.fmax(scaled, 0, out=scaled)
        np.fmin(scaled, 1, out=scaled)
        scaled *= 255
        scaled += 0.5
        return scaled.astype(np.uint8)


def normalized(array: Array) -> Array:
    """One picture (..., channels) as uint8, black at its smallest value and white at its largest.

    The second of two channels and the fourth of four are alpha, converted as `to_depth` does. NaN
    is black, and infinities are clipped; a picture of one value is black.
    """
    colors = array.shape[-1] - (array.shape[-1] in (2, 4))
    pixels = np.empty(array.shape, np.uint8)
    pixels[..., colors:] = to_8_bits(to_depth(array[..., colors:]))
    with np.errstate(all="ignore"):
        values = array[..., :colors].astype(np.float64)
        finite = values[np.isfinite(values)]
        low, high = (finite.min(), finite.max()) if finite.size else (0.0, 0.0)
        half = high / 2 - low / 2  # of the range, which may be larger than any float
        scaled = (values / 2 - low / 2) / (half or 1.0)
    pixels[..., :colors] = _from_float(scaled)
    return pixels


def warn_of_range(array: Array, subject: str) -> None:
    """Warn once per `subject` of values that are clipped, and of integers that are nearly black.

    subject: names the picture in the warning, e.g. "the picture 'digits'".
    """
    if not array.size or array.dtype.kind == "b" or array.dtype == np.uint8 and array.max() != 1:
        return
    low, high = bounds(array)
    if array.dtype.kind == "f":
        if low < -_ROUNDING or high > 1 + _ROUNDING:
            _warn(subject, f"holds floats from {low:g} to {high:g}, want 0 to 1; values beyond are "
                  "clipped. Divide them by their largest possible value (such as 255), or pass "
                  "normalize=True where the function has it")
    elif high == 1 and low >= 0:
        _warn(subject, "holds integers that are all 0 or 1, want 0 to 255; it is shown nearly "
              "black. Multiply them by 255, or pass bools")
    elif not is_deep(array.dtype) and (low < 0 or high > 255):
        _warn(subject, f"holds integers from {low} to {high}, want 0 to 255; values beyond are "
              "clipped. Pass uint16, or normalize=True where the function has it")


def _warn(subject: str, text: str) -> None:
    once(("range", subject), f"{subject} {text}; reported once per tag")
