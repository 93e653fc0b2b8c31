"""Precision-recall curves of a binary classifier. Shown in PR Curves.

Source: tensorboard/plugins/pr_curve/summary.py and plugin_data.proto of TensorBoard 2.21.
"""
from __future__ import annotations

from typing import Any, Dict, List, Tuple

import numpy as np

from .._foreign import checked
from .._parts import Parts
from .._proto import messages, schema, wire
from .._proto.messages import Summary, Value
from .._proto.plugin_schema import PrCurvePluginData
from .._values.array import Snapshot, as_array, masked, snapshot
from .._values.number import as_float
from .._warnings import once


@checked
def pr_curve(tag: str, labels: Any, predictions: Any, num_thresholds: int = 127,
             weights: Any = None, *, display_name: str = "", description: str = "") -> Summary:
    """Precision and recall at evenly spaced thresholds from 0 to 1. Shown in PR Curves.

    labels: bools or 0 and 1, any shape; a number between counts as partly true.
    predictions: probabilities from 0 to 1, one per label.
    num_thresholds: at least 1; TensorBoard takes any number.
    weights: how much each prediction counts, 0 or more: one per label, or one number.
    display_name, description: shown with the chart; the description is Markdown.

    Elements that numpy.ma masks in labels, predictions or weights are left out, with one warning
    per tag.

    Raises ValueError for unequal lengths, values outside these ranges, and NaN; TypeError for
    values that are not numbers.

    Example: `pr_curve("test", labels == 3, probabilities[:, 3])`.
    """
    number = as_float(num_thresholds, "number of thresholds")
    if not 1 <= number < 1 << 31:
        raise ValueError(f"got {number:g} thresholds, want at least 1")
    weights = 1.0 if weights is None else weights
    if not all(masked(values) is None for values in (labels, predictions, weights)):
        labels, predictions, weights = _present(tag, labels, predictions, weights)
    truth, scores = snapshot(labels, "labels"), snapshot(predictions, "predictions")
    if truth.size != scores.size or not truth.size:
        raise ValueError(f"got {truth.size} labels and {scores.size} predictions, want equal "
                         "numbers of each and at least one")
    factors = snapshot(weights, "weights")
    if factors.size not in (1, scores.size):
        raise ValueError(f"got {factors.size} weights for {scores.size} predictions, want one for "
                         "each or one number")
    _check_range("labels", truth.numpy(), 1)
    _check_range("predictions", scores.numpy(), 1)
    _check_range("weights", factors.numpy(), float(np.finfo(np.float32).max))

    metadata = _metadata(int(number), display_name, description)

    def encode() -> Parts:
        with np.errstate(all="ignore"):  # sums beyond float32 are infinite
            return _parts(_rows(truth, scores, factors, int(number)), metadata)
    nbytes = truth.nbytes + scores.nbytes + factors.nbytes + len(metadata)
    return Summary([Value(tag, encode, nbytes)])


def _present(tag: str, *given: Any) -> "List[np.ndarray[Any, Any]]":
    """The arrays without the elements that are masked in any of them."""
    ma: Any = np.ma  # partly without types
    hidden = [masked(values) for values in given]
    arrays = [as_array(values, "values").reshape(-1) if one is None else one.reshape(-1)
              for values, one in zip(given, hidden)]
    size = arrays[0].size
    if arrays[2].size == 1:
        arrays[2] = ma.resize(arrays[2], size)
    if {array.size for array in arrays} != {size}:
        raise ValueError(f"got arrays of {[array.size for array in arrays]} elements, want equal "
                         "lengths, or one weight")
    dropped = np.any([ma.getmaskarray(array) for array in arrays], axis=0)
    if size and dropped.all():
        raise ValueError("got labels and predictions of masked elements alone, want at least one "
                         "that is not masked")
    once(("masked", "pr_curve", tag), f"the curve {tag!r} leaves out {dropped.sum()} masked "
         f"elements of {size}; reported once per tag")
    return [np.asarray(array)[~dropped] for array in arrays]


@checked
def pr_curve_raw(tag: str, true_positive_counts: Any, false_positive_counts: Any,
                 true_negative_counts: Any, false_negative_counts: Any, precision: Any,
                 recall: Any, *, display_name: str = "", description: str = "") -> Summary:
    """A curve that is already computed. Shown in PR Curves.

    Six arrays of one length (n,), an element per threshold; the thresholds are evenly spaced from
    0 to 1. Counts are 0 or more, precision and recall from 0 to 1; NaN there (0 of 0) is written
    as 0, as in TensorBoard's own curves.
    display_name, description: shown with the chart; the description is Markdown.

    Raises ValueError for unequal lengths or other values, TypeError for values that are not
    numbers.

    Example: `pr_curve_raw("test", tp, fp, tn, fn, tp / (tp + fp), tp / (tp + fn))`.
    """
    counts = {"true_positive_counts": true_positive_counts,
              "false_positive_counts": false_positive_counts,
              "true_negative_counts": true_negative_counts,
              "false_negative_counts": false_negative_counts}
    rates = {"precision": precision, "recall": recall}
    with np.errstate(all="ignore"):  # beyond float32 is infinite, which is refused below
        given = {name: np.array(as_array(values, name), np.float32)
                 for name, values in {**counts, **rates}.items()}
    _check_lengths(given)
    for name in counts:
        _check_range(name, given[name], float(np.finfo(np.float32).max))
    for name in rates:
        given[name][np.isnan(given[name])] = 0
        _check_range(name, given[name], 1)
    rows = np.stack(list(given.values()))
    metadata = _metadata(rows.shape[1], display_name, description)
    return Summary([Value(tag, lambda: _parts(rows, metadata), rows.nbytes + len(metadata))])


def _check_lengths(given: "Dict[str, np.ndarray[Any, Any]]") -> None:
    shapes = {name: values.shape for name, values in given.items()}
    length = given["recall"].size
    if length < 1 or set(shapes.values()) != {(length,)}:
        raise ValueError(f"got arrays of shapes {shapes}, want six of one length, at least 1")


def _check_range(what: str, values: "np.ndarray[Any, Any]", most: float) -> None:
    lowest, highest = values.min(), values.max()
    with np.errstate(all="ignore"):  # numpy 2 makes a float16 of the limit, too
        inside = lowest >= 0 and highest <= most  # false for NaN too
    if not inside:
        raise ValueError(f"got {what} from {lowest} to {highest}, want 0 to {most:g}")


def _rows(truth: Snapshot, scores: Snapshot, factors: Snapshot, num_thresholds: int) -> Any:
    """[6, num_thresholds] float64, as TensorBoard's own summary computes them."""
    predictions = scores.numpy().reshape(-1)
    if predictions.dtype != np.float32:  # a product of float16 would be rounded to other buckets
        predictions = predictions.astype(np.float64)
    buckets = np.floor(predictions * (num_thresholds - 1)).astype(np.intp)
    labels = truth.numpy().reshape(-1).astype(np.float64)
    weights = factors.numpy().reshape(-1).astype(np.float64)
    # At a threshold, the values in its bucket and in all higher ones count as positive.
    tp = np.bincount(buckets, labels * weights, num_thresholds)[::-1].cumsum()[::-1]
    fp = np.bincount(buckets, (1 - labels) * weights, num_thresholds)[::-1].cumsum()[::-1]
    tn, fn = fp[0] - fp, tp[0] - tp
    return np.stack([tp, fp, tn, fn, *_rates(tp, fp, fn)])


def _rates(tp: Any, fp: Any, fn: Any) -> Tuple[Any, Any]:
    """Precision and recall; 0 where TensorBoard's own "minimum count" of 1e-7 makes it so."""
    return tp / np.maximum(1e-7, tp + fp), tp / np.maximum(1e-7, tp + fn)


def _metadata(num_thresholds: int, display_name: str, description: str) -> bytes:
    content = wire.int_field(PrCurvePluginData.NUM_THRESHOLDS, num_thresholds)
    return messages.metadata(schema.PR_CURVES, content, display_name=display_name,
                             description=description)


def _parts(rows: Any, metadata: bytes) -> Parts:
    data = np.ascontiguousarray(rows, "<f4").tobytes()
    return [*messages.tensor(schema.DT_FLOAT, rows.shape, data), metadata]
