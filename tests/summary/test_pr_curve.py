"""pr_curve and pr_curve_raw: TensorBoard's own arithmetic, both loaders, the dashboard."""
from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support import judges
from tests.support.judges import board, both_loaders, events, http
from tensorboard.compat.proto import summary_pb2
from tensorboard.plugins.pr_curve import plugin_data_pb2
from tensorboard.util import tensor_util

from tbwriter import FileWriter, summary


def parsed(kind):
    """(Summary.Value, its array) as real protobuf reads them."""
    value, = judges.values(kind)
    return value, tensor_util.make_ndarray(value.tensor)


def by_threshold(labels, predictions, thresholds, weights):
    """The six rows, counted one threshold and one prediction at a time."""
    rows = []
    for threshold in range(thresholds):
        positive = np.floor(predictions * (thresholds - 1)) >= threshold
        tp = sum(w for w, p, t in zip(weights, positive, labels) if p and t)
        fp = sum(w for w, p, t in zip(weights, positive, labels) if p and not t)
        tn = sum(w for w, p, t in zip(weights, positive, labels) if not p and not t)
        fn = sum(w for w, p, t in zip(weights, positive, labels) if not p and t)
        rows.append([tp, fp, tn, fn, tp / max(1e-7, tp + fp), tp / max(1e-7, tp + fn)])
    return np.array(rows).T


def test_known_answer():
    """The example of tensorboard/plugins/pr_curve/summary_test.py (v1, `test_all_above_ninety` is
    its shape): two of three predictions are right; counted by hand at thresholds 0, 0.5, 1."""
    value, rows = parsed(summary.pr_curve("pr", [1, 0, 1], [0.9, 0.6, 0.2], 3))
    assert rows.dtype == np.float32
    np.testing.assert_array_equal(rows[:4], [[2, 1, 0], [1, 1, 0], [0, 0, 1], [0, 1, 2]])
    np.testing.assert_allclose(rows[4:], [[2 / 3, 0.5, 0], [1, 0.5, 0]], rtol=1e-6)
    content = plugin_data_pb2.PrCurvePluginData.FromString(value.metadata.plugin_data.content)
    assert (content.version, content.num_thresholds) == (0, 3)
    assert value.metadata.plugin_data.plugin_name == "pr_curves"
    assert value.metadata.data_class == summary_pb2.DATA_CLASS_TENSOR


@settings(max_examples=40)
@given(st.lists(st.tuples(st.booleans(), st.floats(0, 1, width=32), st.integers(0, 5)), min_size=1,
                max_size=30), st.integers(1, 40))
def test_equals_counting(points, thresholds):
    """For any labels, predictions and weights the rows are what counting one by one gives."""
    labels, predictions, weights = map(np.array, zip(*points))
    predictions = predictions.astype(np.float32)
    kind = summary.pr_curve("pr", labels, predictions, thresholds, weights)
    wanted = by_threshold(labels, predictions, thresholds, weights)
    np.testing.assert_allclose(parsed(kind)[1], wanted, rtol=1e-6)


def test_small_weights():
    """Precision and recall do not depend on the scale of the weights, down to sums of 1e-7."""
    _, rows = parsed(summary.pr_curve("pr", [1, 0], [1.0, 1.0], 2, [1e-4, 3e-4]))
    np.testing.assert_allclose(rows[4:], [[0.25, 0.25], [1, 1]], rtol=1e-6)


def test_name_and_description():
    """Display name and description are in the metadata."""
    kind = summary.pr_curve("pr", [1], [1.0], display_name="PR", description="*held out*")
    metadata = parsed(kind)[0].metadata
    assert (metadata.display_name, metadata.summary_description) == ("PR", "*held out*")


def test_keeps_a_snapshot():
    """Arrays that change after the call do not change what is written."""
    labels, predictions = np.array([1, 0]), np.array([1.0, 0.0])
    kind = summary.pr_curve("pr", labels, predictions, 2)
    labels[:], predictions[:] = 0, 1
    np.testing.assert_array_equal(parsed(kind)[1][0], [1, 1])


def test_raw_zero_of_zero():
    """NaN as precision, which 0 / 0 gives, is written as 0, like TensorBoard's own curves."""
    kind = summary.pr_curve_raw("pr", [2, 0], [1, 0], [0, 1], [0, 2], [2 / 3, np.nan], [1, 0])
    np.testing.assert_allclose(parsed(kind)[1][4], [2 / 3, 0], rtol=1e-6)


@both_loaders
def test_dashboard(tmp_path, loader):
    """300 thresholds, more than the 127 of other writers, come back from the loader and over HTTP;
    the dashboard's own thresholds are evenly spaced."""
    random = np.random.RandomState(0)
    labels = random.rand(1000) > 0.5
    predictions = np.clip(labels * 0.4 + random.rand(1000) * 0.6, 0, 1)
    wanted = by_threshold(labels, predictions, 300, np.ones(1000))
    with FileWriter(tmp_path) as writer:
        writer.add(summary.pr_curve("pr/test", labels, predictions, 300), step=3)
        writer.add(summary.pr_curve_raw("raw", *wanted), step=4)
    events(tmp_path)
    with board(tmp_path, loader) as b:
        (step, rows), = b.tensors("pr_curves", ".", "pr/test")
        assert step == 3
        np.testing.assert_allclose(rows, wanted, rtol=1e-6)
    with http(tmp_path, loader) as h:
        for tag, step in (("pr/test", 3), ("raw", 4)):
            entry, = h.json("pr_curves/pr_curves", tag=tag, run=".")["."]
            shown = len(entry["precision"])  # without the tail that has no positives
            assert shown >= 250 and entry["step"] == step
            np.testing.assert_allclose(entry["precision"], wanted[4][:shown], rtol=1e-6)
            np.testing.assert_allclose(entry["recall"], wanted[5][:shown], rtol=1e-6)
            assert entry["true_positives"] == wanted[0][:shown].tolist()
            np.testing.assert_allclose(entry["thresholds"],
                                       np.linspace(0, 1, 300)[:shown], atol=1e-6)


@pytest.mark.parametrize("arguments, error, message", [
    (([1, 0], [0.5]), ValueError, "got 2 labels and 1 predictions"),
    (([], []), ValueError, "at least one"),
    (([1], [1.5]), ValueError, "got predictions from 1.5 to 1.5, want 0 to 1"),
    (([1, 0], [0.5, float("nan")]), ValueError, "got predictions from nan"),
    (([2], [0.5]), ValueError, "got labels from 2 to 2, want 0 to 1"),
    (([1], [0.5], 0), ValueError, "got 0 thresholds, want at least 1"),
    (([1, 0], [0.5, 0.5], 5, [1, 2, 3]), ValueError, "got 3 weights for 2"),
    (([1], [0.5], 5, -1), ValueError, "got weights from -1"),
    (([1], ["high"]), TypeError, "got predictions of dtype"),
    (([None], [0.5]), TypeError, "got labels of dtype object"),
])
def test_bad_input(arguments, error, message):
    """Mistakes raise at the call, with what was given and what is wanted."""
    with pytest.raises(error, match=re.escape(message)):
        summary.pr_curve("pr", *arguments)


@pytest.mark.parametrize("rows, message", [
    ([[1, 0]] * 5 + [[1, 0, 0]], "want six of one length"),
    ([[]] * 6, "at least 1"),
    ([[-1, 0]] + [[1, 0]] * 5, "got true_positive_counts from -1.0"),
    ([[np.nan, 0]] + [[1, 0]] * 5, "got true_positive_counts from nan"),
    ([[1, 0]] * 4 + [[2, 0], [1, 0]], "got precision from 0.0 to 2.0, want 0 to 1"),
])
def test_bad_raw_input(rows, message):
    """Other lengths, negative or missing counts and rates above 1 raise at the call."""
    with pytest.raises(ValueError, match=re.escape(message)):
        summary.pr_curve_raw("pr", *rows)


@pytest.mark.parametrize("which", [0, 1, 2])
def test_masked_elements_are_left_out(recwarn, which):
    """An element that numpy.ma masks in labels, predictions or weights is left out of all three,
    with one warning for a tag."""
    arrays = [np.array([1, 0, 1, 1]), np.array([0.9, 0.1, 0.4, 0.2]), np.array([1.0, 2, 1, 1])]
    kept = [array[[0, 2, 3]] for array in arrays]
    wanted = summary.pr_curve("wanted", *kept[:2], 9, kept[2])
    arrays[which] = np.ma.array(arrays[which], mask=[0, 1, 0, 0])
    tag = f"masked {which}"
    for _ in range(2):
        made = summary.pr_curve(tag, *arrays[:2], 9, arrays[2])
    np.testing.assert_array_equal(parsed(made)[1], parsed(wanted)[1])
    assert sum(f"{tag!r} leaves out 1 masked" in str(w.message) for w in recwarn) == 1


@pytest.mark.parametrize("which", [0, 1, 2])
@pytest.mark.parametrize("hidden", [np.ma.masked, np.ma.array([1.0], mask=True)])
def test_nothing_but_masked_elements(recwarn, which, hidden):
    """It is refused, and no warning says that something was left out."""
    arrays = [np.array([1]), np.array([0.5]), np.array([1.0])]
    arrays[which] = hidden
    with pytest.raises(ValueError, match="got labels and predictions of masked elements alone"):
        summary.pr_curve("all masked", *arrays[:2], 9, arrays[2])
    assert not recwarn


def test_a_mask_does_not_repeat_a_label():
    """A masked array as predictions does not make one label that of all."""
    scores = np.ma.array([0.1, 0.2, 0.3], mask=[0, 1, 0])
    with pytest.raises(ValueError, match="want equal lengths"):
        summary.pr_curve("one label", [1], scores)


def test_the_number_of_thresholds_is_read_once():
    """An array of one element is a number; the call reads it, not the thread later."""
    number = np.array([5.0])
    made = summary.pr_curve("a", [0, 1], [0.1, 0.9], number)
    number[0] = 1e6
    assert len(made.SerializeToString()) < 1000
