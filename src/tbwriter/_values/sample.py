"""A spread sample of a large array, for histograms whose exact counts are not worth their time."""
from __future__ import annotations

import sys
from typing import Any

import numpy as np

Array = Any  # np.ndarray[Any, Any], which old numpy cannot subscript

# Neighbouring values in memory are read together.
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


def sample_mxnet(values: Any, most: int) -> Any:
    """As `sample`, of an MXNet array, taken by MXNet's engine: only the sample is copied.

    Its blocks begin at multiples of their length, and the last values that fill no block are left
    out. Arrays that the engine can't sample are returned as they are.
    """
    size, blocks = int(np.prod(values.shape)), most // BLOCK
    if size <= most or not blocks or getattr(values, "stype", "default") != "default" \
            or np.dtype(values.dtype).kind not in "fiu":
        return values
    nd = sys.modules["mxnet"].nd
    flat = values.as_nd_ndarray().detach().reshape((-1,))
    table = flat[:size // BLOCK * BLOCK].reshape((-1, BLOCK))
    starts = nd.array(_starts(size // BLOCK, blocks, 1), dtype="int64",
                      ctx=values.device if hasattr(values, "device") else values.ctx)
    return table.take(starts)


def _starts(size: int, parts: int, block: int) -> Array:
    """Where the block of each of `parts` equal parts begins."""
    edges = np.arange(parts + 1) * size // parts
    free = np.diff(edges) - block + 1
    return edges[:-1] + (np.arange(parts) * _GOLDEN % 1 * free).astype(np.int64)
