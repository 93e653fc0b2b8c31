"""Find the bucket of a double among TensorFlow's, without a search and without a comparison.

The key of a double is its upper 16 bits: the sign, the exponent and four bits of the mantissa.
Doubles with the same key differ by at most a sixteenth, and the limits of the buckets by a tenth.
So at most one limit divides the doubles of a key.

A table holds, for each key, a number to add to the bits of the double. The addition moves the limit
within the key, if there is one, to the start of the next key. It also closes the gaps between keys,
so that only a few thousand remain between the outermost limits. The upper 16 bits of the sum are
the code of the double. All doubles with one code are in one bucket, so it is enough to count codes.
"""
from __future__ import annotations

from typing import Any, List, Optional

import numpy as np

Array = Any  # np.ndarray[Any, Any], which old numpy cannot subscript

_SHIFT = np.uint64(48)
_KEYS = 1 << 16
_SIGN = np.uint64(1 << 63)
_BIAS = 1023
# The magnitudes of all limits but the outermost lie between 2 to the power of these two numbers.
_LOWEST, _HIGHEST = -40, 67


def default_edges() -> Array:
    """TensorFlow's 1551 limits: 0, +-1e-12 and so on up to +-1e20 in steps of 10 %, and +-DBL_MAX.

    "for (double v = 1.0e-12; v < 1.0e20; v *= 1.1)": a running product, which rounds differently
    from a power.
    """
    positive = []
    limit = 1.0e-12
    while limit < 1.0e20:
        positive.append(limit)
        limit *= 1.1
    positive.append(float(np.finfo(np.float64).max))
    return np.array([-limit for limit in reversed(positive)] + [0.0] + positive)


class Lookup:
    """Give doubles their codes, and codes their buckets.

    limits: the right edge of each bucket. bucket: the bucket of each code. size: the number of
    codes.
    """

    def __init__(self) -> None:
        edges = default_edges()
        self.limits = edges[1:]
        inner = edges[1:-1]
        # The bits at which each limit divides the doubles. A positive double below the limit has
        # lower bits. The bits of negative doubles decrease as the double grows: those below the
        # limit start one after its bits. The limit 0 is treated as -0.0, which is not below 0.
        bits = inner.view(np.uint64)
        bits = np.where(inner > 0, bits, (bits | _SIGN) + np.uint64(1))
        divided = (bits >> _SHIFT).astype(np.intp)
        up = np.zeros(_KEYS, np.uint64)
        up[divided] = -bits & np.uint64((1 << 48) - 1)  # 0 if the limit is the first of its key
        codes = _codes_of_keys()
        keys = np.arange(_KEYS)
        self._add = up + ((codes - keys).astype(np.uint64) << _SHIFT)
        self.size = int(codes.max()) + 2
        self.bucket = np.zeros(self.size, np.intp)
        # One double per code is enough to find its bucket: the first double of each key, and the
        # first one after a limit that divides a key.
        first = keys.astype(np.uint64) << _SHIFT
        self._set_buckets(codes, first, inner)
        parted = up != 0
        self._set_buckets(codes[parted] + 1, first[parted] + (np.uint64(1 << 48) - up[parted]),
                          inner)

    def _set_buckets(self, codes: Array, bits: Array, inner: Array) -> None:
        """Set the bucket of each of `codes`, given the bits of one double that has this code."""
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
            # No key is out of range; "wrap" omits the check, which would cost another pass.
            self._add.take(codes, out=sums, mode="wrap")
        else:
            sums = self._add[codes]
        np.add(sums, bits, out=sums)
        np.right_shift(sums, _SHIFT, out=unsigned)
        return codes


# Both ways give the same result: `take` is the faster one in numpy 2, indexing before it.
_TAKE = np.__version__ >= "2"


def _codes_of_keys() -> Array:
    """The code of the first double of each key. Keys beyond the outermost limits share a code."""
    magnitudes = np.arange(_KEYS // 2)
    lowest, highest = ((_BIAS + power) << 4 for power in (_LOWEST, _HIGHEST + 1))
    codes = np.clip(magnitudes, lowest - 1, highest) - (lowest - 1)
    negative = codes + int(codes.max()) + 2
    # Of the doubles with a sign, only -0.0 is not below the limit 0: it has a code of its own.
    negative[1:] += 1
    return np.concatenate([codes, negative])


class Scratch:
    """Memory for one chunk of values, reused, since allocating it costs more than the counting.

    A signal handler may interrupt a count and count values itself. So a count takes an object from
    the free list and gives it back at its end; the handler finds the list empty and makes its own.
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
    """The lookup for TensorFlow's buckets, made when it is first needed."""
    global _lookup
    if _lookup is None:
        _lookup = Lookup()
    return _lookup
