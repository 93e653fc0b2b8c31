"""Values to buckets: counts, smallest and largest value, sum and sum of squares in one pass.

The buckets are TensorFlow's, unless edges are given. NaN and infinities are counted apart. Knows
numpy arrays only, and works in chunks, so that an array of any size costs little memory.
"""
from __future__ import annotations

import math
from typing import Any, Iterator, NamedTuple, Optional, Sequence, Tuple, Union

import numpy as np

from .._parallel import both

Array = Any  # np.ndarray[Any, Any], which old numpy cannot subscript
Bins = Union[int, str, Sequence[float], Array]

# A chunk and what is made of it stay in a core's second-level cache.
CHUNK = 1 << 15
# For vectors of this length BLAS starts no threads of its own.
_NO_THREADS = 1 << 13
# From this many values on, a second core is worth a thread.
_TWO_CORES = 1 << 18


class Histogram(NamedTuple):
    """What a histogram event shows.

    min, max, num, sum, sum_squares: of the finite values; min > max if there is none.
    limits: the right edge of each bucket; the first bucket begins at `min`.
    counts: how many values, for each bucket: `limits[i - 1] <= value < limits[i]`.
    not_finite: how many NaN and infinities were left out.
    """

    min: float
    max: float
    num: float
    sum: float
    sum_squares: float
    limits: Array
    counts: Array
    not_finite: int = 0


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


class _Lookup:
    """Which of TensorFlow's buckets a value is in, found without a search.

    The upper half of a float32 (sign, exponent, 7 bits of mantissa) is a code of 16 bits. Values
    of one code differ by less than a hundredth, limits by a tenth: so a code holds one limit at
    most, and tables of 65536 entries give the bucket.

    A float32 is moved up by so many units in the last place that the limit in its code, if there
    is one, comes to lie where the next code begins: then codes hold no limits any more.

    A double is rounded to float32 for its code only, and compared with the limit there. Rounding
    keeps order, so this is exact.
    """

    def __init__(self) -> None:
        edges = default_edges()
        inner = edges[1:-1]
        self.limits = edges[1:]
        self._of_singles(inner)
        self._of_doubles(inner)

    def _of_singles(self, inner: Array) -> None:
        first = (np.arange(1 << 16, dtype=np.uint32) << 16).view(np.float32)
        with np.errstate(invalid="ignore"):  # some are NaN
            self.bucket = np.searchsorted(inner, first.astype(np.float64), side="right")
        # "At or above the limit" begins with the smallest float32 that is.
        limit = inner.astype(np.float32)
        limit = np.where(limit < inner, np.nextafter(limit, np.float32(np.inf)), limit)
        bits = limit.view(np.uint32)
        # Of negative ones, the bits grow towards lower values: so those behind the limit's own
        # are below it. The limit 0 has them too, in -0.0.
        bits = np.where(limit > 0, bits, (bits | np.uint32(1 << 31)) + np.uint32(1))
        code = bits >> 16
        self.shift = np.zeros(1 << 16, np.uint32)
        # A limit that is the first of its code divides nothing.
        self.shift[code] = np.where(bits & 0xFFFF, np.uint32(1 << 16) - (bits & 0xFFFF), 0)

    def _of_doubles(self, inner: Array) -> None:
        rank_of_code = np.arange(1 << 16)
        # Negative values have the sign bit set and are ordered backwards.
        rank_of_code = np.where(rank_of_code < 1 << 15, rank_of_code, (1 << 15) - 1 - rank_of_code)
        code_of_edge = _codes(inner.astype(np.float32))
        # -0.0, which is not below 0, shares its code with values that are.
        code_of_edge[inner == 0] = 1 << 15
        self.lower = np.searchsorted(rank_of_code[code_of_edge], rank_of_code)
        self.edge = np.full(1 << 16, np.inf)
        self.edge[code_of_edge] = inner

    def buckets(self, values: Array) -> Array:
        """The bucket of each of `values`, finite, float32 or float64."""
        if values.dtype == np.float32:
            shifted = _gather(self.shift, _codes(values))
            shifted += values.view(np.uint32)
            shifted >>= 16
            return _gather(self.bucket, shifted)
        code = _codes(values.astype(np.float32))
        bucket = _gather(self.lower, code)
        bucket += values >= _gather(self.edge, code)
        return bucket


def _codes(values: Array) -> Array:
    """Sign, exponent and the upper 7 bits of the mantissa of float32 values."""
    return values.view(np.uint32) >> 16


def _gather(table: Array, index: Array) -> Array:
    """table[index], by the quicker of two ways: they have changed places in numpy 2. There, "wrap"
    spares a look at the range first; no index is outside."""
    if _TAKE:
        return table.take(index, mode="wrap")
    return table[index.astype(np.intp)]


_TAKE = np.__version__ >= "2"


class _Search:
    """Which bucket a value is in, for edges of any kind; one bucket more on both sides."""

    def __init__(self, edges: Array) -> None:
        self.limits = np.append(edges, np.inf)
        self._inner = edges

    def buckets(self, values: Array) -> Array:
        """The bucket of each of `values`. "All but the last bin is half-open", as in numpy."""
        bucket = np.searchsorted(self._inner, values, side="right")
        return bucket - (values == self._inner[-1])


_lookup: Optional[_Lookup] = None


def histogram(values: Array, bins: Bins = "tensorflow") -> Histogram:
    """The histogram of `values`, an array of numbers or bools of any shape.

    bins: "tensorflow", edges, a number of buckets between the smallest and the largest value, or
        one of numpy's strategies ("auto", "doane", ...). What lies beyond the outermost edge is
        counted in a bucket of its own.
    """
    flat = values.ravel(order="K")
    place = _default_lookup() if isinstance(bins, str) and bins == "tensorflow" \
        else _Search(_edges(flat, bins))
    if flat.size < _TWO_CORES:
        return _counted(flat, place)
    half = flat.size // 2
    return _joined(*both(lambda: _counted(flat[:half], place),
                         lambda: _counted(flat[half:], place)))


def _counted(flat: Array, place: Union[_Lookup, _Search]) -> Histogram:
    limits = place.limits
    counts: Optional[Array] = None
    low, high = np.inf, -np.inf
    num = 0
    total = squares = 0.0
    # Doubles may be too large for float32, and for their sums.
    with np.errstate(all="ignore"):
        for chunk, doubles, chunk_total in _chunks(flat):
            found = np.bincount(place.buckets(chunk), minlength=len(limits))
            counts = found if counts is None else np.add(counts, found, out=counts)
            # Without what np.min adds for its other arguments.
            low = min(low, float(np.minimum.reduce(chunk)))
            high = max(high, float(np.maximum.reduce(chunk)))
            num += len(doubles)
            total += chunk_total
            for start in range(0, len(doubles), _NO_THREADS):
                piece = doubles[start:start + _NO_THREADS]
                squares += float(np.dot(piece, piece))
    if counts is None:
        counts = np.zeros(len(limits), np.int64)
    return Histogram(low, high, num, total, squares, limits, counts, len(flat) - num)


def _joined(one: Histogram, other: Histogram) -> Histogram:
    """Of the values of both, in the same buckets."""
    return Histogram(min(one.min, other.min), max(one.max, other.max), one.num + other.num,
                     one.sum + other.sum, one.sum_squares + other.sum_squares, one.limits,
                     one.counts + other.counts, one.not_finite + other.not_finite)


def _default_lookup() -> _Lookup:
    global _lookup
    if _lookup is None:
        _lookup = _Lookup()
    return _lookup


def _chunks(flat: Array) -> Iterator[Tuple[Array, Array, float]]:
    """The finite part of `flat` in pieces: as float32 if it is that, as float64, and the sum."""
    single = flat.dtype == np.float32
    for start in range(0, flat.size, CHUNK):
        chunk = flat[start:start + CHUNK]
        doubles = chunk.astype(np.float64)
        total = float(np.add.reduce(doubles))
        # Quicker than to look at each value. A sum of finite values may be infinite too.
        if not math.isfinite(total):
            finite = np.isfinite(doubles)
            chunk, doubles = chunk[finite], doubles[finite]
            total = float(np.add.reduce(doubles))
        if doubles.size:
            yield chunk if single else doubles, doubles, total


# Freedman and Diaconis' rule divides by the quartiles' distance: one far value in a narrow crowd,
# and it asks for billions of buckets.
_TOO_MANY = 10_000


def _edges(flat: Array, bins: Bins) -> Array:
    if not isinstance(bins, (str, int)):
        return np.asarray(bins, np.float64)
    with np.errstate(all="ignore"):
        finite = np.concatenate([np.zeros(0), *(doubles for _, doubles, _ in _chunks(flat))])
    if bins in ("auto", "fd") and finite.size:
        low, first, third, high = np.percentile(finite, [0, 25, 75, 100])
        width = 2 * (third - first) / np.cbrt(finite.size)
        if high - low > _TOO_MANY * width:
            bins = "sturges"
    return np.histogram_bin_edges(finite, bins)


def trimmed(whole: Histogram) -> Histogram:
    """Without empty buckets at both ends; a run of them inside becomes one.

    The outermost edges are the smallest and largest value in both of TensorBoard's loaders, so an
    empty first bucket would end where it should begin.
    """
    kept = whole.counts != 0
    # TensorFlow keeps the last bucket of each run of empty ones behind the first that is not.
    first = kept.argmax() if len(kept) else 0
    kept[first:-1] |= kept[first + 1:]
    return whole._replace(limits=whole.limits[kept], counts=whole.counts[kept])


def merged(whole: Histogram, max_bins: int) -> Histogram:
    """With neighbours joined so that at most `max_bins` buckets are left."""
    step = -(-len(whole.counts) // max_bins)
    if step <= 1:
        return whole
    starts = np.arange(0, len(whole.counts), step)
    last = np.minimum(starts + step, len(whole.counts)) - 1
    return whole._replace(limits=whole.limits[last], counts=np.add.reduceat(whole.counts, starts))
