"""TensorFlow's buckets, found without a search and without a comparison.

The upper 16 bits of a double are its sign, its exponent and four bits of its mantissa. Doubles
that share them differ by at most a sixteenth, the limits of the buckets by a tenth: so of all
doubles with one such key, at most one limit divides them.

A table says how much to add to the bits of a double, by its key. The limit of the key, if there is
one, then comes to lie where the next key begins, and the keys are moved together, so that all that
occur between the outermost limits are a few thousand. The upper 16 bits of the sum are the code of
the double. All doubles of one code are in one bucket, so it is enough to count codes.
"""
from __future__ import annotations

from typing import Any, List, Optional

import numpy as np

Array = Any  # np.ndarray[Any, Any], which old numpy cannot subscript

_SHIFT = np.uint64(48)
_KEYS = 1 << 16
_SIGN = np.uint64(1 << 63)
_BIAS = 1023
# The magnitudes of all limits but the outermost are between 2 to these powers.
_LOWEST, _HIGHEST = -40, 67


def default_edges() -> Array:
    """TensorFlow's 1551 limits: +-1e-12, growing by a tenth up to 1e20, 0 and +-DBL_MAX.

    "for (double v = 1.0e-12; v < 1.0e20; v *= 1.1)": a running product, not a power.
    """
    positive = []
    limit = 1.0e-12
    while limit < 1.0e20:
        positive.append(limit)
        limit *= 1.1
    positive.append(float(np.finfo(np.float64).max))
    return np.array([-limit for limit in reversed(positive)] + [0.0] + positive)


class Lookup:
    """Codes of doubles, and the bucket of each code.

    limits: the right edge of each bucket. bucket: the bucket of each code. size: how many codes
    there are.
    """

    def __init__(self) -> None:
        edges = default_edges()
        self.limits = edges[1:]
        inner = edges[1:-1]
        # "Below the limit" ends before its bits; negative doubles grow downwards, so there it ends
        # after them. The limit 0 counts as -0.0, which is not below it.
        bits = inner.view(np.uint64)
        bits = np.where(inner > 0, bits, (bits | _SIGN) + np.uint64(1))
        divided = (bits >> _SHIFT).astype(np.intp)
        up = np.zeros(_KEYS, np.uint64)
        up[divided] = -bits & np.uint64((1 << 48) - 1)  # 0 for a limit that is the first of its key
        codes = _codes_of_keys()
        keys = np.arange(_KEYS)
        self._add = up + ((codes - keys).astype(np.uint64) << _SHIFT)
        self.size = int(codes.max()) + 2
        self.bucket = np.zeros(self.size, np.intp)
        # The first double of a key, and the first one that the limit in it divides from that.
        first = keys.astype(np.uint64) << _SHIFT
        self._tell(codes, first, inner)
        parted = up != 0
        self._tell(codes[parted] + 1, first[parted] + (np.uint64(1 << 48) - up[parted]), inner)

    def _tell(self, codes: Array, bits: Array, inner: Array) -> None:
        """Note the buckets of `codes`, in each of which is the double with these bits."""
        doubles = bits.view(np.float64)
        finite = np.isfinite(doubles)
        self.bucket[codes[finite]] = np.searchsorted(inner, doubles[finite], side="right")

    def codes(self, doubles: Array, scratch: "Scratch") -> Array:
        """The code of each of `doubles`, which are finite; valid until `scratch` is used again."""
        codes, sums = scratch.codes[:len(doubles)], scratch.sums[:len(doubles)]
        bits = doubles.view(np.uint64)
        unsigned = codes.view(np.uint64)
        np.right_shift(bits, _SHIFT, out=unsigned)
        if _TAKE:
            # "wrap" spares a look at the range first; no key is outside.
            self._add.take(codes, out=sums, mode="wrap")
        else:
            sums = self._add[codes]
        np.add(sums, bits, out=sums)
        np.right_shift(sums, _SHIFT, out=unsigned)
        return codes


# Both ways give the same; the faster one is another since numpy 2.
_TAKE = np.__version__ >= "2"


def _codes_of_keys() -> Array:
    """The code of the first double of each key: keys beyond the outermost limits share theirs."""
    magnitudes = np.arange(_KEYS // 2)
    lowest, highest = ((_BIAS + power) << 4 for power in (_LOWEST, _HIGHEST + 1))
    codes = np.clip(magnitudes, lowest - 1, highest) - (lowest - 1)
    negative = codes + int(codes.max()) + 2
    # Of the negative doubles, -0.0 alone is not below the limit 0: it has a code of its own.
    negative[1:] += 1
    return np.concatenate([codes, negative])


class Scratch:
    """Memory for one chunk, used again: new memory costs more than the work done in it.

    A signal handler may count in the middle of a count, so an object is taken by one of them and
    given back: the other finds none and makes its own.
    """

    _FREE: List["Scratch"] = []
    _MOST = 2

    def __init__(self, size: int) -> None:
        self.doubles = np.empty(size)
        self.codes = np.empty(size, np.int64)
        self.sums = np.empty(size, np.uint64)

    @classmethod
    def taken(cls, size: int) -> "Scratch":
        """Scratch for `size` values."""
        try:
            scratch = cls._FREE.pop()
        except IndexError:
            return cls(size)
        return scratch if len(scratch.doubles) >= size else cls(size)

    def give_back(self) -> None:
        if len(self._FREE) < self._MOST:
            self._FREE.append(self)


_lookup: Optional[Lookup] = None


def default_lookup() -> Lookup:
    """The lookup of TensorFlow's buckets, made when it is first needed."""
    global _lookup
    if _lookup is None:
        _lookup = Lookup()
    return _lookup
