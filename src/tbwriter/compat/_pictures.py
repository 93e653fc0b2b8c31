"""Integers as the pictures that torch, tensorboardX and the tensorboard of 2017 make of them."""
from __future__ import annotations

from typing import Any

import numpy as np

from .._values.array import as_array, masked
from .._values.pixels import is_picture


def black_and_white(data: Any) -> Any:
    """`data`, but integers as bools where all of them are 0 or 1.

    Those writers multiply everything but uint8 by 255, so that such a mask is black and white. Of
    larger integers there is nothing to see after that, so they stay 0 to 255.

    data: anything that `summary.image` takes. A list of pictures is judged as a whole.
    """
    several = isinstance(data, (list, tuple)) and any(map(is_picture, data))
    items = list(data) if several else [data]
    found = [_integers(item) for item in items]
    if not all(one is None or one.min() >= 0 and one.max() <= 1 for one in found):
        return data
    shown = [item if one is None else one.astype(bool) for item, one in zip(items, found)]
    return shown if several else shown[0]


def _integers(data: Any) -> Any:
    """`data` as an array if it holds integers other than uint8, else None."""
    dtype = getattr(data, "dtype", None)
    name = str(getattr(dtype, "name", dtype)).lower()  # numpy's, torch's, MXNet's
    if isinstance(data, (list, tuple)) or "int" in name and "uint8" not in name:
        hidden = masked(data)
        array = as_array(data, "a picture") if hidden is None else hidden
        if array.dtype.kind in "iu" and array.dtype != np.uint8 and array.size:
            return array
    return None
