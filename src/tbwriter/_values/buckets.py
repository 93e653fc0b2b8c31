"""Values to buckets: counts, smallest and largest value, sum and sum of squares in one pass.

The buckets are TensorFlow's, unless edges are given. NaN and infinities are counted apart. Knows
numpy arrays only, and works in chunks, so an array of any size costs little memory.
"""
from __future__ import annotations

import math
from typing import Any, Iterator, List, NamedTuple, Optional, Sequence, Tuple, Union

import numpy as np

from .lookup import Lookup, Scratch, default_edges, default_lookup

Array = Any  # np.ndarray[Any, Any], which old numpy cannot subscript
Bins = Union[int, str, Sequence[float], Array]

# A chunk and the arrays made of it stay in a core's second-level cache.
CHUNK = 1 << 15
# BLAS starts no threads of its own for vectors of this length.
_NO_THREADS = 1 << 13
# From this many values on, an array of a type with at most 65536 values is counted by value.
_BY_VALUE = 1 << 15
# Arrays of up to this many values are counted together, ...
SMALL = 1 << 13 if np.__version__ >= "2" else 1 << 12
# ... up to this many values in total.
_TOGETHER = 1 << 16
_ROWS, _FEW = 64, 3
_WHOLE = np.zeros(1, np.intp)  # where the rows of one array begin


class Histogram(NamedTuple):
    """The content of a histogram event.

    min, max, num, sum, sum_squares: of the finite values; min > max without any.
    limits: the right edge of each bucket; the first bucket begins at `min`.
    counts: the number of values in each bucket: `limits[i - 1] <= value < limits[i]`.
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


class _Search:
    """The bucket of a value, for edges of any kind; one bucket more on both sides."""

    def __init__(self, edges: Array) -> None:
        self.limits = np.append(edges, np.inf)
        self.bucket: Optional[Array] = None  # a code is a bucket already
        self.size = len(self.limits)
        self._inner = edges

    def codes(self, doubles: Array, scratch: Scratch) -> Array:
        """The bucket of each of `doubles`. "All but the last bin is half-open", as in numpy."""
        bucket = np.searchsorted(self._inner, doubles, side="right")
        return bucket - (doubles == self._inner[-1])


_Place = Union[Lookup, _Search]


def histogram(values: Array, bins: Bins = "tensorflow") -> Histogram:
    """The histogram of `values`, an array of numbers or bools of any shape.

    bins: "tensorflow", edges, a number of buckets between the smallest and the largest value, or
        one of numpy's strategies ("auto", "doane", ...). Values beyond the outermost edge are
        counted in a bucket of their own.
    """
    flat = values.ravel(order="K")
    place = default_lookup() if isinstance(bins, str) and bins == "tensorflow" \
        else _Search(_edges(flat, bins))
    if flat.dtype.itemsize <= 2 and flat.size >= _BY_VALUE:
        return _counted_by_value(flat, place)
    return _counted(flat, place)


def _counted(flat: Array, place: _Place) -> Histogram:
    scratch = Scratch.taken(CHUNK)
    counts: Optional[Array] = None
    low, high = np.inf, -np.inf
    num = 0
    total = squares = 0.0
    # The sums of doubles may be infinite.
    with np.errstate(all="ignore"):
        for chunk, doubles, chunk_total in _chunks(flat, scratch):
            codes = place.codes(doubles, scratch)
            if flat.size <= CHUNK:
                # The bucket of each value costs less than that of each code would.
                codes = codes if place.bucket is None else place.bucket[codes]
                counts = np.bincount(codes, minlength=len(place.limits))
            else:
                found = np.bincount(codes, minlength=place.size)
                counts = found if counts is None else np.add(counts, found, out=counts)
            # Without the default arguments that np.min passes on.
            low = min(low, float(np.minimum.reduce(chunk)))
            high = max(high, float(np.maximum.reduce(chunk)))
            num += len(doubles)
            total += chunk_total
            if flat.size <= SMALL:
                squares = _sum(doubles * doubles)
                continue
            for start in range(0, len(doubles), _NO_THREADS):
                piece = doubles[start:start + _NO_THREADS]
                squares += float(np.dot(piece, piece))
    scratch.give_back()
    if counts is None:
        counts = np.zeros(len(place.limits), np.int64)
    elif flat.size > CHUNK and place.bucket is not None:
        counts = _summed(place.bucket, counts, len(place.limits))
    return Histogram(low, high, num, total, squares, place.limits, counts, len(flat) - num)


def _summed(bucket: Array, counts: Array, size: int) -> Array:
    """`counts` of codes as counts of buckets. bincount adds doubles, exact up to 2**53."""
    return np.bincount(bucket, counts, minlength=size).astype(np.int64)


def _counted_by_value(flat: Array, place: _Place) -> Histogram:
    """The same for types of at most 16 bits: the count of each value determines the histogram."""
    width = flat.dtype.itemsize
    unsigned = np.dtype(f"u{width}")
    occurs = np.bincount(flat.view(unsigned), minlength=1 << 8 * width)
    present = np.flatnonzero(occurs)
    with np.errstate(invalid="ignore"):  # signalling NaN
        values = present.astype(unsigned).view(flat.dtype).astype(np.float64)
    finite = np.isfinite(values)
    values, occurs = values[finite], occurs[present[finite]]
    if not values.size:
        return _counted(flat[:0], place)._replace(not_finite=flat.size)
    codes = place.codes(values, Scratch.taken(max(CHUNK, values.size)))
    counts = _summed(codes if place.bucket is None else place.bucket[codes], occurs,
                     len(place.limits))
    num = int(occurs.sum())
    return Histogram(float(values.min()), float(values.max()), num, float((values * occurs).sum()),
                     float((values * values * occurs).sum()), place.limits, counts,
                     flat.size - num)


def _sum(doubles: Array) -> float:
    """As arrays that are counted together are summed, to the last bit: which ones are depends on
    time, and a log must not."""
    return float(np.add.reduceat(doubles, _WHOLE)[0])


def _chunks(flat: Array, scratch: Scratch) -> Iterator[Tuple[Array, Array, float]]:
    """The finite part of `flat` in pieces: of its own type or as float64, as float64, and the sum.

    float32 is kept in addition to float64, since its smallest and largest value are found faster.
    """
    single = flat.dtype == np.float32
    for start in range(0, flat.size, CHUNK):
        chunk = flat[start:start + CHUNK]
        doubles = scratch.doubles[:chunk.size]
        doubles[...] = chunk
        total = _sum(doubles)
        # Faster than testing each value. A sum of finite values may be infinite too.
        if not math.isfinite(total):
            finite = np.isfinite(doubles)
            chunk, doubles = chunk[finite], doubles[finite]
            total = _sum(doubles) if doubles.size else 0.0
        if doubles.size:
            yield chunk if single else doubles, doubles, total


def histograms(arrays: Sequence[Array]) -> List[Histogram]:
    """The trimmed histograms of `arrays` in TensorFlow's buckets. Small ones are counted together,
    as their fixed cost is several times that of their values."""
    found: List[Optional[Histogram]] = [None] * len(arrays)
    rows: List[int] = []
    waiting = 0
    for at, array in enumerate(arrays):
        if not 0 < array.size <= SMALL:
            continue
        if waiting + array.size > _TOGETHER or len(rows) == _ROWS:
            _count_together(arrays, rows, found)
            rows, waiting = [], 0
        rows.append(at)
        waiting += array.size
    _count_together(arrays, rows, found)
    return [trimmed(histogram(array)) if one is None else one
            for array, one in zip(arrays, found)]


def _count_together(arrays: Sequence[Array], rows: Sequence[int],
                    found: List[Optional[Histogram]]) -> None:
    """Put the histograms of the arrays at `rows` into `found`; those with NaN or infinities, and
    two rows or fewer, are left to be counted alone."""
    if len(rows) < _FEW:
        return
    place = default_lookup()
    sizes = np.array([arrays[at].size for at in rows])
    ends = np.cumsum(sizes)
    starts = ends - sizes
    scratch = Scratch.taken(max(CHUNK, int(ends[-1])))
    doubles = scratch.doubles[:ends[-1]]
    with np.errstate(all="ignore"):
        np.concatenate([arrays[at].ravel(order="K") for at in rows], out=doubles)
        totals = np.add.reduceat(doubles, starts)
        squares = np.add.reduceat(doubles * doubles, starts)
        sound = np.isfinite(totals)
        if not sound.all():
            doubles[np.repeat(~sound, sizes)] = 0.0  # any number will do: these rows are not used
    buckets = place.bucket[place.codes(doubles, scratch)]
    width = len(place.limits)
    buckets += np.repeat(np.arange(len(rows)) * width, sizes)
    counts = np.bincount(buckets, minlength=len(rows) * width)
    lows, highs = np.minimum.reduceat(doubles, starts), np.maximum.reduceat(doubles, starts)
    scratch.give_back()
    shown, cuts = _kept_of_rows(counts.reshape(-1, width))
    limits, counts = place.limits[shown % width], counts[shown]
    for row, at in enumerate(rows):
        if sound[row]:
            part = slice(cuts[row], cuts[row + 1])
            found[at] = Histogram(float(lows[row]), float(highs[row]), int(sizes[row]),
                                  float(totals[row]), float(squares[row]), limits[part],
                                  counts[part])


def _kept_of_rows(counts: Array) -> Tuple[Array, List[int]]:
    """The buckets that `trimmed` keeps, as places in all rows, and where each row begins."""
    filled = counts != 0
    kept = filled.copy()
    kept[:, :-1] |= filled[:, 1:] & np.maximum.accumulate(filled, axis=1)[:, :-1]
    return np.flatnonzero(kept), [0, *np.cumsum(np.count_nonzero(kept, axis=1)).tolist()]


# Freedman and Diaconis' rule divides by the distance of the quartiles: one outlier beside values
# that are close together would need billions of buckets.
_TOO_MANY = 10_000
# The range, the sum or the cubes of larger values may be infinite. The scale is a power of two, so
# the edges of values that are divided by it are exact.
_LARGE, _SCALE = 2.0 ** 330, 2.0 ** 700


def bucket_edges(flat: Array, bins: Bins, max_bins: int) -> Array:
    """The edges that `bins` means for the values `flat`, joined as torch joins them: each new
    bucket replaces (number // max_bins) old ones."""
    edges = default_edges()[1:-1] if isinstance(bins, str) and bins == "tensorflow" \
        else _edges(flat, bins)
    step = max(1, (len(edges) - 1) // max_bins)
    return np.append(edges[:-1:step], edges[-1])


def _edges(flat: Array, bins: Bins) -> Array:
    if not isinstance(bins, (str, int)):
        return np.asarray(bins, np.float64)
    with np.errstate(all="ignore"):
        scratch = Scratch.taken(CHUNK)
        finite = np.concatenate([np.zeros(0), *(doubles.copy() for _, doubles, _ in
                                                _chunks(flat, scratch))])
        scratch.give_back()
        if not finite.size:
            return np.histogram_bin_edges(finite, bins)
        low, high = finite.min(), finite.max()
        if max(-low, high) > _LARGE:
            return _edges(finite / _SCALE, bins) * _SCALE
        if bins in ("auto", "fd"):
            first, third = np.percentile(finite, [25, 75])
            width = 2 * (third - first) / np.cbrt(finite.size)
            if high - low > _TOO_MANY * width:
                bins = "sturges"
        try:
            edges = np.histogram_bin_edges(finite, bins)
        except (ValueError, IndexError):
            # "Too many bins for data range": the edges of values so close together are not all
            # different numbers. Their distances from the lowest have room for the same buckets.
            # numpy 1 fails with an IndexError, for "stone" and the smallest numbers.
            parts = np.histogram_bin_edges((finite - low) / (high - low), bins) \
                if low < high else np.zeros(1)
            edges = low + parts * (high - low)
        edges = np.unique(edges)
        return edges if len(edges) > 1 else np.repeat(edges, 2)


def trimmed(whole: Histogram) -> Histogram:
    """Without empty buckets at both ends; a run of them inside becomes one.

    The outermost edges are the smallest and largest value in both of TensorBoard's loaders, so an
    empty first bucket would end where it should begin.
    """
    kept = whole.counts != 0
    # After the first bucket with values, TensorFlow keeps the last of each run of empty buckets.
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
