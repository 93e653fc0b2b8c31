"""Where the records of a chunk begin: one by one, or many together where their lengths repeat."""
from __future__ import annotations

from struct import Struct
from typing import Any, List, Tuple

import numpy as np

from .._tfrecord.frame import OVERHEAD

Array = Any  # np.ndarray, whose generic form numpy 1.19 does not have

# How many lengths to read one by one before looking for a period, at first and at most.
_FEW, _MANY = 64, 4096
# How many records to predict at first, and at most.
_BLOCK, _BLOCKS = 1024, 65536

_uint64 = Struct("<Q").unpack_from


def walk(chunk: bytes) -> Tuple[Array, Array]:
    """int64 [n], int64 [n]: where records begin and how long they are, if all lengths are right.

    A chunk that begins with a record; the walk ends at the first that is not wholly in the chunk.
    """
    parts: List[Array] = [np.zeros(0, np.int64)]
    at, count = 0, _FEW
    while True:
        lengths, at = _one_by_one(chunk, at, count)
        parts.append(np.array(lengths, np.int64))
        if len(lengths) < count:
            break
        period = _period(lengths)
        found = _predicted(chunk, at, parts[-1][-period:]) if period else parts[0]
        parts.append(found)
        at += int(found.sum()) + OVERHEAD * len(found)
        count = _FEW if len(found) > count else min(2 * count, _MANY)
    every = np.concatenate(parts)
    return np.cumsum(every + OVERHEAD) - every - OVERHEAD, every


def _one_by_one(chunk: bytes, at: int, count: int) -> Tuple[List[int], int]:
    """The lengths of at most `count` records from byte `at` on, and where they end."""
    lengths: List[int] = []
    last = len(chunk) - OVERHEAD
    while at <= last and len(lengths) < count:
        length = _uint64(chunk, at)[0]
        if length > last - at:
            break
        lengths.append(length)
        at += length + OVERHEAD
    return lengths, at


def _period(lengths: List[int]) -> int:
    """After how many records the lengths repeat, as the last half of them shows; or 0."""
    half = len(lengths) // 2
    for period in range(1, half + 1):
        if lengths[-1] == lengths[-1 - period] \
                and lengths[-half:] == lengths[-half - period:-period]:
            return period
    return 0


def _predicted(chunk: bytes, at: int, period: Array) -> Array:
    """The lengths from byte `at` on, as long as they repeat `period`."""
    stored: Array = np.ndarray((len(chunk) - 7,), "<u8", chunk, 0, (1,))
    starts = np.cumsum(period + OVERHEAD) - period - OVERHEAD
    size = int(starts[-1] + period[-1]) + OVERHEAD
    found, times = 0, -(-_BLOCK // len(period))
    while True:
        times = min(times, (len(chunk) - at) // size)
        offsets = (np.arange(times)[:, None] * size + starts + at).reshape(-1)
        wrong = (stored[offsets] != np.tile(period, times).view(np.uint64)).nonzero()[0]
        found += int(wrong[0]) if len(wrong) else len(offsets)
        if len(wrong) or not times:
            return np.tile(period, found // len(period) + 1)[:found]
        at += times * size
        times = min(4 * times, -(-_BLOCKS // len(period)))
