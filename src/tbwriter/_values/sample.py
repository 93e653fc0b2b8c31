"""A spread sample of a large array, for histograms whose exact counts are not worth their time."""
from __future__ import annotations

from typing import Any

import numpy as np

Array = Any  # np.ndarray[Any, Any], which old numpy cannot subscript

# Values that are next to each other in memory are read together.
BLOCK = 64
# The golden ratio: its multiples, modulo 1, are spread evenly and repeat no pattern.
_GOLDEN = 0.6180339887498949


def sample(values: Array, most: int) -> Array:
    """At most `most` of `values` (any shape), in one axis: all of them, or blocks from all parts.

    The array is cut into equal parts, and of each part one block is taken. Where it begins varies
    from part to part: blocks at equal distances would see only some columns of a matrix whose rows
    are as long as the distance.
    """
    flat = values.ravel(order="K")
    if flat.size <= most:
        return flat
    blocks = most // BLOCK
    if not blocks:
        return flat[_starts(flat.size, most, 1)]
    starts = _starts(flat.size, blocks, BLOCK)
    stride, = flat.strides
    shape = flat.size - BLOCK + 1, BLOCK
    every = np.lib.stride_tricks.as_strided(flat, shape, (stride, stride), writeable=False)
    return every[starts].ravel()


def _starts(size: int, parts: int, block: int) -> Array:
    """Where the block of each of `parts` equal parts begins."""
    edges = np.arange(parts + 1) * size // parts
    free = np.diff(edges) - block + 1
    return edges[:-1] + (np.arange(parts) * _GOLDEN % 1 * free).astype(np.int64)
