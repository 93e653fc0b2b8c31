"""Counting values: np.histogram on the same edges is the judge."""
from __future__ import annotations

import math
import warnings
from typing import Any, List

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from tbwriter import _warnings
from tbwriter._values import buckets, lookup
from tbwriter._values.buckets import bucket_edges, histogram, histograms

FLOATS: List[Any] = [np.float16, np.float32, np.float64]
INTEGERS: List[Any] = [np.int8, np.uint8, np.int16, np.uint16, np.int32, np.uint32,
                       np.int64, np.uint64]
EDGES = lookup.default_edges()


def finite(values):
    """The finite part as float64."""
    values = np.asarray(values).ravel().astype(np.float64)
    return values[np.isfinite(values)]


def check(values, edges=EDGES, **kwargs):
    """Counts are np.histogram's; min, max, num and sums are numpy's in float64."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = histogram(values, **kwargs)
    want = finite(values)
    assert np.array_equal(found.counts, np.histogram(want, edges)[0])
    assert found.limits.tolist() == edges[1:].tolist()
    assert (found.num, found.not_finite) == (want.size, np.size(values) - want.size)
    if want.size:
        assert (found.min, found.max) == (want.min(), want.max())
        with np.errstate(all="ignore"):
            size, squares = np.abs(want).sum(), (want * want).sum()
        if math.isfinite(squares):
            assert found.sum == pytest.approx(want.sum(), abs=1e-12 * size)
            assert found.sum_squares == pytest.approx(squares, rel=1e-12)
    else:
        assert found.min > found.max


def test_one_code_holds_one_limit():
    """The upper 16 bits of a float32 distinguish values by less than a hundredth, and the limits of
    the default buckets from each other."""
    limits = EDGES[1:-1].astype(np.float32)
    assert len(np.unique(limits.view(np.uint32) >> 16)) == len(limits)
    firsts = (np.arange(0x0080, 0x7F80, dtype=np.uint32) << 16).view(np.float32).astype(float)
    assert (firsts[1:] / firsts[:-1]).max() < 1.01


def test_default_edges():
    """TensorFlow's limits: 1551, mirrored, with 0 and DBL_MAX; a running product, not a power."""
    # From TensorFlow's histogram.cc.
    assert len(EDGES) == 1551
    assert EDGES[775] == 0 and EDGES[776] == 1e-12
    assert EDGES[776 + 100] == 1.3780612339822385e-08 != 1e-12 * 1.1 ** 100
    assert EDGES[-2] == 9.920775621859783e+19 and EDGES[-1] == np.finfo(float).max
    assert np.array_equal(EDGES, -EDGES[::-1])


@given(st.data(), st.sampled_from(FLOATS + INTEGERS + [np.bool_]))
def test_any_values(data, dtype):
    """Any array of any type: NaN and infinities are left out and counted."""
    check(data.draw(arrays.arrays(dtype, arrays.array_shapes(min_dims=0, max_dims=3, min_side=0))))


@given(st.integers(0, 2**32 - 1), st.sampled_from(FLOATS + INTEGERS))
def test_random_bits(seed, dtype):
    """Arrays of random bits hold all there is: tiny, huge, denormal, NaN."""
    check(np.frombuffer(np.random.default_rng(seed).bytes(8 * 500), dtype))


@pytest.mark.parametrize("dtype", FLOATS + INTEGERS)
def test_many_random_bits(dtype):
    """The same of large arrays, which are counted by chunks or by value."""
    check(np.frombuffer(np.random.default_rng(3).bytes(8 * 50_000), dtype))


@pytest.mark.parametrize("dtype", FLOATS)
def test_around_every_edge(dtype):
    """Each limit, and the values next to it on both sides, go where np.histogram puts them."""
    with np.errstate(over="ignore"):
        edges = EDGES.astype(dtype)
        near = [edges, np.nextafter(edges, dtype(np.inf)), np.nextafter(edges, dtype(-np.inf))]
        check(np.concatenate(near))
        # float64 values that float32 rounds to a limit
        wide = EDGES.astype(np.float32).astype(np.float64)
        check(np.concatenate([wide, np.nextafter(wide, np.inf), np.nextafter(wide, -np.inf)]))


@pytest.mark.parametrize("dtype", FLOATS)
def test_denormals_and_zeros(dtype):
    """Values next to 0 are distinguished from it by their sign; -0.0 is not below 0."""
    tiny = np.finfo(dtype).tiny
    small = np.arange(-300, 300) * np.nextafter(dtype(0), dtype(1))
    check(np.concatenate([small.astype(dtype), [tiny, -tiny, 0.0, -0.0]]).astype(dtype))
    assert histogram(np.array([-0.0], dtype)).counts[775] == 1


def test_beyond_the_range_of_float32():
    """Doubles that float32 does not hold are counted in the outermost buckets, without warning."""
    big = np.finfo(np.float64).max
    check(np.array([1e39, -1e39, 1e300, -1e300, big, -big, 1e-320, -1e-320, np.inf, np.nan]))


@pytest.mark.parametrize("dtype", FLOATS + [np.int16, np.int32, np.uint8])
def test_large_arrays(dtype):
    """Chunks, and counting by value, do not change the counts."""
    values = (np.random.default_rng(1).normal(size=300_007) * 40).astype(dtype)
    if values.dtype.kind == "f":
        values[1000:1100] = np.nan
        values[-5:] = np.inf
    check(values)


def test_any_memory_layout():
    """Views count by their values."""
    values = np.random.default_rng(1).normal(size=(30, 40, 5))
    for view in (values[::2], values.T, values[:, ::-1], np.asfortranarray(values)):
        check(view)
    check(values.astype(">f4"))


@given(arrays.arrays(np.float64, st.integers(1, 50), elements=st.floats(-10, 10)),
       st.lists(st.floats(-12, 12), min_size=2, max_size=10).map(sorted))
def test_own_edges(values, edges):
    """Given edges: np.histogram's counts, and a bucket on either side for values beyond."""
    found = histogram(values, np.array(edges))
    assert found.counts[1:-1].tolist() == np.histogram(values, edges)[0].tolist()
    assert found.counts[0] == (values < edges[0]).sum()
    assert found.counts[-1] == (values > edges[-1]).sum()
    assert found.limits.tolist() == edges + [np.inf]


@pytest.mark.parametrize("bins", [1, 10, "auto", "doane", "fd", "rice", "scott", "sqrt", "stone",
                                  "sturges"])
def test_numpys_bins(bins):
    """A number of buckets or a strategy: np.histogram's buckets of the finite values."""
    values = np.append(np.random.default_rng(2).normal(size=400), [np.nan, np.inf])
    counts, edges = np.histogram(values[:-2], bins)
    found = histogram(values, bins)
    assert found.counts[1:-1].tolist() == counts.tolist()
    assert found.limits[:-1].tolist() == edges.tolist()
    assert found.counts[0] == found.counts[-1] == 0


@pytest.mark.parametrize("bins", ["auto", "fd"])
def test_one_far_value_does_not_ask_for_billions_of_buckets(bins):
    """A narrow crowd and one far value: a strategy that would need gigabytes is replaced."""
    values = np.append(np.linspace(0, 1e-6, 1000), 1e6)
    found = histogram(values, bins)
    assert len(found.counts) < 20_000 and found.counts.sum() == 1001


@pytest.mark.parametrize("bins", [1, 10, "doane", "scott", "sqrt"])
def test_one_far_value_changes_no_other_bins(bins):
    """A number of buckets, and a strategy that needs few of them, is kept as it was given."""
    values = np.append(np.linspace(0, 1e-6, 1000), 1e6)
    counts, edges = np.histogram(values, bins)
    found = histogram(values, bins)
    assert found.limits[:-1].tolist() == edges.tolist()
    assert found.counts[1:-1].tolist() == counts.tolist()


@pytest.mark.parametrize("bins", [10, "auto", "fd", "doane"])
@pytest.mark.parametrize("values", [[], [np.nan] * 3, [np.inf, -np.inf]])
def test_bins_of_nothing(values, bins):
    """Without a finite value there is nothing to count, whatever the bins; NaN are reported."""
    found = histogram(np.array(values, float), bins)
    assert (found.num, found.counts.sum(), found.not_finite) == (0, 0, len(values))
    assert found.limits[:-1].tolist() == np.histogram_bin_edges([], bins).tolist()


ALL_BINS = [1, 10, 1000, "auto", "doane", "fd", "rice", "scott", "sqrt", "stone", "sturges"]


@pytest.mark.parametrize("bins", ALL_BINS)
@pytest.mark.parametrize("values", [
    [1e16] * 5, [-1e16] * 5, [1e308] * 5, [-1e308] * 5, [2.0 ** 53] * 100,
    [1.7e18, np.nextafter(1.7e18, 2e18)], [1 + n * 2 ** -52 for n in (0, 1, 1, 2, 3)],
    [0.0, 5e-324], [5e-324, 1e-323, 2e-323], [np.finfo(float).max, np.finfo(float).min]])
def test_values_without_room_for_the_buckets(values, bins):
    """Where fewer numbers lie between the values than buckets are wanted, numpy 2 refuses: there
    are as many buckets as numbers, and each value is in one of them."""
    found = histogram(np.array(values), bins)
    assert found.counts.sum() == len(values) and np.isfinite(found.limits[:-1]).all()
    assert found.limits[0] <= min(values) and found.limits[-2] == max(values)
    assert found.counts[0] == found.counts[-1] == 0
    assert (np.diff(found.limits) > 0).all() or len(found.limits) == 3


@pytest.mark.parametrize("bins", ALL_BINS)
@pytest.mark.parametrize("scale", [2.0 ** 400, 2.0 ** 1015])
def test_buckets_of_large_values(bins, scale):
    """Those of numpy for the same values at a size whose range, sums and cubes are finite."""
    values = np.random.default_rng(3).normal(size=300)
    edges = np.histogram_bin_edges(values, bins) * scale
    assert histogram(values * scale, bins).limits[:-1].tolist() == edges.tolist()


def test_trimmed():
    """Empty buckets at both ends go; of a run inside only the last stays, as in TensorFlow."""
    whole = buckets.Histogram(0, 1, 6, 0, 0, np.arange(10.0),
                              np.array([0, 0, 1, 2, 0, 0, 0, 3, 0, 0]))
    found = buckets.trimmed(whole)
    assert found.limits.tolist() == [2, 3, 6, 7] and found.counts.tolist() == [1, 2, 0, 3]
    empty = buckets.trimmed(whole._replace(counts=np.zeros(10, int)))
    assert empty.limits.size == empty.counts.size == 0


@given(st.lists(st.integers(0, 5), min_size=1, max_size=40), st.integers(1, 50))
def test_merged(counts, most):
    """Joining neighbours keeps the total, the last limit, and the sum up to each limit."""
    whole = buckets.Histogram(0, 1, 0, 0, 0, np.arange(len(counts)) + 1.0, np.array(counts))
    found = buckets.merged(whole, most)
    assert len(found.counts) == len(found.limits) <= most
    assert found.limits[-1] == len(counts)
    assert np.cumsum(found.counts).tolist() == [sum(counts[:int(limit)]) for limit in found.limits]


def test_notice_is_given_once():
    """A warning for a key comes once, and where warnings are errors it does not stop the writer."""
    with pytest.warns(RuntimeWarning, match="^text$") as record:
        _warnings.once(("test", "key"), "text")
        _warnings.once(("test", "key"), "text")
    assert len(record) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        _warnings.once(("test", "other key"), "text")


@given(st.lists(st.tuples(st.integers(0, 9000), st.sampled_from(FLOATS + INTEGERS),
                          st.sampled_from([0.0, 1e-30, 1.0, 1e30]), st.booleans()), max_size=12),
       st.integers(0, 2 ** 32 - 1))
def test_many_arrays(shapes, seed):
    """Counted together, arrays of any sizes and types have the histograms they have alone."""
    source = np.random.default_rng(seed)
    with np.errstate(all="ignore"):
        made = [(source.normal(size=size) * scale).astype(dtype)
                for size, dtype, scale, _ in shapes]
    for values, (_, dtype, _, broken) in zip(made, shapes):
        if broken and values.size and np.dtype(dtype).kind == "f":
            values[source.integers(values.size)] = source.choice([np.nan, np.inf])
    for values, found in zip(made, histograms(made)):
        alone = buckets.trimmed(histogram(values))
        assert found.limits.tolist() == alone.limits.tolist()
        assert found.counts.tolist() == alone.counts.tolist()
        assert found[:3] == alone[:3] and found.not_finite == alone.not_finite
        # To the last bit: which arrays are counted together depends on time, and a log must not.
        assert np.array_equal(found[3:5], alone[3:5], equal_nan=True)


def test_a_count_inside_a_count(monkeypatch):
    """A signal handler that counts in the middle of a count changes nothing of it."""
    values = np.random.default_rng(5).normal(size=100_000)
    want = histogram(values)
    inner = []
    codes = lookup.Lookup.codes

    def interrupted(self, doubles, scratch):
        if not inner:
            inner.append(None)
            inner[0] = histogram(values * 1000)
        return codes(self, doubles, scratch)
    monkeypatch.setattr(lookup.Lookup, "codes", interrupted)
    found = histogram(values)
    assert np.array_equal(found.counts, want.counts) and found[:5] == want[:5]
    assert not np.array_equal(inner[0].counts, want.counts)


@pytest.mark.parametrize("most", [10 ** 4, 1548, 1547, 774, 773, 30, 1])
def test_joined_edges(most):
    """The edges of "tensorflow" are those of torch, without +-DBL_MAX; where they are joined, the
    first and the last stay, and so does every n-th between them."""
    edges = EDGES[1:-1].tolist()
    assert edges[0] == -edges[-1] and 9e19 < edges[-1] < 1e20
    step = max(1, (len(edges) - 1) // most)
    assert bucket_edges(np.zeros(3), "tensorflow", most).tolist() == [*edges[:-1:step], edges[-1]]
