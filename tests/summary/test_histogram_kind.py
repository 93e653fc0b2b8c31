"""histogram, histogram_raw: what real protobuf and both loaders give of them."""
from __future__ import annotations

import warnings

import numpy as np
import pytest
from tests.support import judges
from tests.support.judges import board, both_loaders

from tbwriter import FileWriter, summary
from tbwriter._values.lookup import default_edges

RNG = np.random.default_rng(0)
DATA = {
    "normal": RNG.normal(size=1000).astype(np.float32),
    "negative": -RNG.random(100),
    "integers": RNG.integers(-50, 50, (10, 20)),
    "bools": np.array([True, False, True]),
    "constant": np.full(7, 0.25),
    "zeros": np.zeros((3, 3), np.float32),
    "one": 3.5,
    "list": [1, 2.5, -3],
    "huge": np.array([-3e38, 1e25, 3e38], np.float32),
    "tiny": np.array([1e-30, -1e-38, 0], np.float32),
    "two crowds": np.concatenate([RNG.normal(1e-6, 1e-8, 50), RNG.normal(1e6, 1e4, 50)]),
}


def parsed(made):
    """The only value, as real protobuf reads it."""
    (value,) = judges.values(made)
    return value


@pytest.mark.parametrize("name", DATA)
def test_message(name):
    """Real protobuf finds min, max, sums and buckets from the first to the last that is filled."""
    value = parsed(summary.histogram("a/b", DATA[name], display_name="N", description="*d*"))
    want = np.asarray(DATA[name], np.float64).ravel()
    histo = value.histo
    assert value.tag == "a/b"
    assert (histo.min, histo.max, histo.num) == (want.min(), want.max(), want.size)
    assert histo.sum == pytest.approx(want.sum())
    assert histo.sum_squares == pytest.approx((want * want).sum())
    assert len(histo.bucket) == len(histo.bucket_limit)
    assert histo.bucket[0] > 0 and histo.bucket[-1] > 0
    counts, edges = np.histogram(want, default_edges())
    edges = np.minimum(edges, np.finfo(np.float32).max)
    assert {limit: count for limit, count in zip(histo.bucket_limit, histo.bucket) if count} == {
        limit: count for limit, count in zip(edges[1:], counts) if count}
    assert (value.metadata.plugin_data.plugin_name, value.metadata.display_name,
            value.metadata.summary_description) == ("histograms", "N", "*d*")


@both_loaders
def test_both_loaders(tmp_path, loader):
    """Both loaders give rows (left, right, count) from min to max that hold every value."""
    with FileWriter(tmp_path) as writer:
        for name, values in DATA.items():
            writer.add(summary.histogram(name, values), step=3)
    with board(tmp_path, loader) as b:
        assert set(b.tags("histograms")) == set(DATA)
        for name, values in DATA.items():
            want = np.asarray(values, np.float64).ravel()
            ((step, rows),) = b.tensors("histograms", ".", name)
            left, right, count = np.asarray(rows, np.float64).T
            assert step == 3 and count.sum() == want.size
            assert left[0] == pytest.approx(want.min()) and right[-1] == pytest.approx(want.max())
            assert (left <= right).all() and np.array_equal(left[1:], right[:-1])
            inside = [((want >= low) & (want < high)).sum() for low, high in zip(left, right)]
            assert np.abs(np.cumsum(inside) - np.cumsum(count)).max() <= max(1, count[-1])


@both_loaders
def test_beyond_float32(tmp_path, loader):
    """Doubles that float32 does not hold are shown at its end: no edge is infinite."""
    with FileWriter(tmp_path) as writer:
        writer.add(summary.histogram("far", [-1e300, 1.0, 1e300]), step=0)
    with board(tmp_path, loader) as b:
        ((_, rows),) = b.tensors("histograms", ".", "far")
        assert np.isfinite(rows).all() and rows[:, 2].sum() == 3
        assert rows[0][0] == -rows[-1][1] == -np.finfo(np.float32).max


@both_loaders
def test_not_finite(tmp_path, loader):
    """NaN and infinities are left out, with one warning a tag; what is left is shown as usual."""
    values = np.array([1, np.nan, 2, np.inf, -np.inf, 2.5])
    with pytest.warns(RuntimeWarning) as record:
        with FileWriter(tmp_path, asynchronous=False) as writer:
            for step in range(3):
                writer.add(summary.histogram(f"some {loader}", values), step=step)
                writer.add(summary.histogram(f"all {loader}", [np.nan, np.inf]), step=step)
    texts = [str(warning.message) for warning in record]
    assert len(texts) == 2
    assert f"the histogram 'some {loader}' leaves out 3 values of 6" in texts[0]
    with board(tmp_path, loader) as b:
        for step, rows in b.tensors("histograms", ".", f"some {loader}"):
            assert rows[0][0] == 1 and rows[-1][1] == 2.5 and rows[:, 2].sum() == 3
        empty = b.tensors("histograms", ".", f"all {loader}")
        assert [step for step, _ in empty] == [0, 1, 2]
        assert all(np.asarray(rows).size == 0 for _, rows in empty)


@pytest.mark.parametrize("bins", [8, "auto", [0, 0.5, 1.0], np.array([-1, 1.0])])
def test_bins(bins):
    """Own buckets hold np.histogram's counts; what lies beyond them is counted too."""
    values = np.append(RNG.normal(size=200), np.nan)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        histo = parsed(summary.histogram("bins", values, bins)).histo
    counts, edges = np.histogram(values[:-1], bins)
    found = dict(zip(histo.bucket_limit, histo.bucket))
    assert sum(histo.bucket) == 200
    for limit, count in zip(edges[1:], counts):
        assert found.get(limit, 0) == count


def test_max_bins():
    """No more than max_bins buckets are written, and none of the values is lost."""
    histo = parsed(summary.histogram("most", RNG.normal(size=500), max_bins=10)).histo
    assert len(histo.bucket) <= 10 and sum(histo.bucket) == 500


@pytest.mark.parametrize("size", [1000, 2_000_000])
def test_snapshot(size):
    """The values are those of the call, whether they are copied or counted there."""
    values = np.linspace(1, 2, size)
    made = summary.histogram("snap", values)
    values[:] = 7
    histo = parsed(made).histo
    assert (histo.min, histo.max, histo.num) == (1, 2, size)


def test_large_array_is_not_held():
    """A large array is counted in the call: what waits for the writer is small."""
    assert summary.histogram("large", np.zeros(17_000_000, np.float32)).nbytes < 100_000


@pytest.mark.parametrize("kwargs, error, text", [
    ({"values": []}, ValueError, r"got an empty array of shape \(0,\) as values, want"),
    ({"values": np.zeros((0, 3))}, ValueError, "got an empty array"),
    ({"values": "text"}, TypeError, "want integers, floats or bools"),
    ({"values": [1j]}, TypeError, "want integers, floats or bools"),
    ({"bins": "best"}, ValueError, "got the bins 'best', want 'tensorflow', a number, edges or"),
    ({"bins": 0}, ValueError, "got 0 bins, want 1 to"),
    ({"bins": [1]}, ValueError, "want two or more edges in rising order"),
    ({"bins": [2, 1]}, ValueError, "want two or more edges in rising order"),
    ({"bins": [0, np.nan]}, ValueError, "want two or more edges in rising order"),
    ({"max_bins": 0}, ValueError, "got max_bins=0, want 1 or more"),
])
def test_mistakes(kwargs, error, text):
    """A mistake is an error at the call that says got and want."""
    with pytest.raises(error, match=text):
        summary.histogram("tag", **{"values": [1.0], **kwargs})


@both_loaders
def test_raw(tmp_path, loader):
    """Buckets that were counted elsewhere come out without the empty ones at both ends."""
    with FileWriter(tmp_path) as writer:
        writer.add(summary.histogram_raw("raw", 0.5, 3, 6, 9, 20, [0, 1, 2, 3, 4], [0, 2, 0, 4, 0]),
                   step=1)
    with board(tmp_path, loader) as b:
        ((step, rows),) = b.tensors("histograms", ".", "raw")
        assert np.asarray(rows).tolist() == [[0.5, 1, 2], [1, 2, 0], [2, 3, 4]]


@pytest.mark.parametrize("limits, counts", [([], []), ([1, 2], [0, 0])])
def test_raw_of_nothing(limits, counts):
    """Without buckets, or with empty ones only, the histogram is that of no values."""
    value = parsed(summary.histogram_raw("raw", 0, 0, 0, 0, 0, limits, counts))
    assert not value.histo.bucket_limit and not value.histo.bucket and value.histo.num == 0


@pytest.mark.parametrize("change, text", [
    ({"bucket_limits": [1]}, "got 1 bucket_limits and 2 bucket_counts, want"),
    ({"bucket_limits": [2, 1]}, "want them in rising order"),
    ({"bucket_counts": [1, np.nan]}, "want finite numbers"),
    ({"min": np.nan}, "got min nan, max 2.0 and counts"),
])
def test_raw_mistakes(change, text):
    """Values that TensorBoard could not show are refused."""
    raw = {"min": 0, "max": 2, "num": 3, "sum": 4, "sum_squares": 5, "bucket_limits": [1, 2],
           "bucket_counts": [1, 2]}
    with pytest.raises(ValueError, match=text):
        summary.histogram_raw("raw", **{**raw, **change})


@pytest.mark.parametrize("values", [
    np.ma.array([1.0, 999.0, 2.0, 3.0], mask=[0, 1, 0, 0]),
    np.ma.array([1, 999, 2, 3], mask=[0, 1, 0, 0]),
    [np.ma.array([1, 999], mask=[0, 1]), np.array([2, 3])],
])
def test_masked_elements_are_left_out(recwarn, values):
    """Elements that numpy.ma masks are not counted, with one warning for a tag."""
    tag = f"masked {values}"
    for _ in range(2):
        made = summary.histogram(tag, values)
    histo = parsed(made).histo
    assert (histo.num, histo.min, histo.max, histo.sum) == (3, 1, 3, 6)
    texts = [str(w.message) for w in recwarn if repr(tag) in str(w.message)]
    assert len(texts) == 1 and "leaves out 1 masked values of 4" in texts[0]


def test_all_masked():
    """Where nothing is left, the histogram is empty, as it is for NaN alone."""
    made = summary.histogram("all masked", np.ma.array([1.0, 2.0], mask=True))
    assert parsed(made).histo == parsed(summary.histogram("nan", [np.nan])).histo


def test_a_large_masked_array():
    """Also where the array is counted in the call."""
    values = np.ma.array(np.arange(2_000_000.0), mask=False)
    values[1000:] = np.ma.masked
    assert parsed(summary.histogram("large masked", values)).histo.num == 1000


@both_loaders
def test_a_sample_of_a_large_array(tmp_path, loader):
    """With `max_values`, counts are scaled to the size of the array, TensorBoard shows them, and
    the description says how many values were counted."""
    values = np.random.default_rng(4).normal(size=1_000_000).astype(np.float32)
    with FileWriter(tmp_path) as writer:
        writer.add(summary.histogram("sample", values, max_values=50_000, description="*W*"), 1)
    with board(tmp_path, loader) as b:
        (_, shown), = b.tensors("histograms", ".", "sample")
        said = b.tags("histograms")["sample"].description
    assert "*W*" in said and "a sample of 49,984 of 1,000,000 values" in said
    assert shown[:, 2].sum() == pytest.approx(1_000_000, rel=1e-6)
    for limit in shown[:, 1]:
        share = shown[shown[:, 1] <= limit][:, 2].sum() / 1e6
        assert abs(share - (values < limit).mean()) <= 0.01


def test_a_sample_is_all_of_a_small_array():
    """An array that is not larger than `max_values` is counted whole, and nothing is said."""
    values = np.arange(1000.0)
    assert summary.histogram("a", values, max_values=1000).SerializeToString() == \
        summary.histogram("a", values).SerializeToString()
    with pytest.raises(ValueError, match="got .*0.* want"):
        summary.histogram("a", values, max_values=0)


def test_a_sample_counts_what_is_not_finite():
    """NaN in a sample represent those of the array."""
    values = np.full(100_000, np.nan)
    values[::2] = 1.0
    value = parsed(summary.histogram("nan", values, max_values=10_000))
    assert value.histo.num == pytest.approx(50_000, rel=0.02)
