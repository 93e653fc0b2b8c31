"""Histograms: how values are distributed. Shown in Time Series, Histograms and Distributions."""
from __future__ import annotations

from struct import Struct
from sys import getsizeof
from typing import Any, Optional, Sequence, Tuple

import numpy as np

from .._foreign import checked, exact, let_signals, shown
from .._parts import Parts, total
from .._proto import messages, schema, wire
from .._proto.messages import Summary, Value
from .._proto.schema import Histogram as HistogramField
from .._values.array import Snapshot, as_array, as_doubles, listed, masked, snapshot
from .._values.buckets import SMALL, Bins, Histogram, histograms, merged, trimmed
from .._values.buckets import histogram as count
from .._values.number import as_count, as_float
from .._values.sample import sample, sample_mxnet
from .._warnings import once

__all__ = ["histogram", "histogram_raw"]

# From this size (bytes) an array that numpy sees in place is counted in the call, without a copy:
# it would fill a quarter of the buffer.
_COUNT_IN_CALL = 64 << 20

# np.histogram's strategies. Checked at the call: no mistake may surface on the writer's thread.
_STRATEGIES = ("auto", "doane", "fd", "rice", "scott", "sqrt", "stone", "sturges")
_MOST_BINS = 1_000_000

# Edges are float32 in TensorBoard's Python loader: values further out are shown here, not at an
# infinity that breaks the chart.
_LARGEST = float(np.finfo(np.float32).max)


@checked
def histogram(tag: str, values: Any, bins: Bins = "tensorflow", *,
              max_bins: Optional[int] = None, max_values: Optional[int] = None,
              display_name: str = "", description: str = "") -> Summary:
    """How often values of each size occur. Shown in Time Series, Histograms and Distributions.

    values: numbers or bools of any shape, at least one (numpy, MXNet, torch, jax, lists). NaN,
        infinities and elements masked by numpy.ma are left out, with one warning per tag.
    bins: "tensorflow" (buckets that grow by a tenth, from 1e-12 to 1e20 on both sides of 0), the
        number of equally wide buckets, edges in rising order, or one of numpy's strategies: "auto",
        "doane", "fd", "rice", "scott", "sqrt", "stone", "sturges". Values beyond the outermost
        edges are counted too.
    max_bins: neighbouring buckets are joined until there are no more than these.
    max_values: of a larger array, at most this many values from all parts of it are counted, and
        the counts are scaled to its size; the description states it. With 50,000, the share below
        each limit is right to within a hundredth. `min` and `max` are those of the sample.
    display_name, description: shown with the chart; the description is Markdown.

    Raises TypeError for values that are not numbers, ValueError for an empty array or unusable
    bins.

    Example: `histogram("weights/dense0", weights)`.

    Source: HistogramProto in TensorFlow's summary.proto; the limits of its histogram.cc.
    """
    _metadata(display_name, description)  # raises for arguments that are not texts
    counting = Counting(tag, checked_bins(bins),
                        None if max_bins is None else as_count(max_bins, "max_bins"),
                        None if max_values is None else as_count(max_values, "max_values"),
                        (display_name, description))
    counting.hold(_present(tag, values))
    return Summary([Value(tag, counting, counting.nbytes, counting.waits)])


class Counting:
    """A histogram that is counted later: called, it gives the fields of Summary.Value.

    nbytes: the memory held until then.
    """

    __slots__ = ("nbytes", "_tag", "_bins", "_max_bins", "_max_values", "_texts", "_size", "_held",
                 "_shown")

    def __init__(self, tag: str, bins: Bins, max_bins: Optional[int], max_values: Optional[int],
                 texts: Tuple[str, str]) -> None:
        self.nbytes = sum([getsizeof(text) for text in texts if text])
        self._tag = tag
        self._bins = bins
        self._max_bins = max_bins
        self._max_values = max_values
        self._texts = texts
        self._size = 0
        self._held: Optional[Snapshot] = None
        self._shown: Optional[Histogram] = None

    def hold(self, values: Any) -> None:
        """Keep a snapshot of `values` or of a sample, or count them now where that takes less."""
        in_place = type(values) is np.ndarray or not (
            hasattr(values, "asnumpy") or isinstance(values, Snapshot))
        if in_place and self._max_values is not None:
            array = as_array(values)
            self._size = array.size
            self._held = held = snapshot(sample(array, self._max_values), pooled=True)
        elif in_place and _nbytes(values) >= _COUNT_IN_CALL:
            array = as_array(values)
            self._size = array.size
            self._shown = shown = trimmed(count(array, self._bins))
            self.nbytes += shown.counts.nbytes + shown.limits.nbytes
            return
        elif self._max_values is not None and hasattr(values, "as_nd_ndarray"):
            self._size = int(np.prod(values.shape))
            self._held = held = snapshot(sample_mxnet(values, self._max_values))
        else:
            self._held = held = snapshot(values, pooled=True)
            self._size = held.size
        if not self._size:
            raise ValueError(f"got an empty array of shape {held.shape} as values, want at least "
                             "one number")
        self.nbytes += held.nbytes

    @property
    def waits(self) -> bool:
        """Whether counting may wait for a device."""
        return self._held is not None and self._held.waits

    def __call__(self) -> Parts:
        shown = self._counted()
        if shown.not_finite:
            once(("histogram", self._tag), f"the histogram {self._tag!r} leaves out "
                 f"{shown.not_finite} values of {shown.num + shown.not_finite} that are NaN or "
                 "infinite; reported once per tag")
        counted = shown.num + shown.not_finite
        name, description = self._texts
        if counted < self._size:
            shown = _scaled(shown, self._size / counted)
            said = f"Counted from a sample of {counted:,} of {self._size:,} values."
            description = f"{exact(description)}\n\n{said}" if description else said
        if self._max_bins:
            shown = merged(shown, self._max_bins)
        return _parts(shown, _metadata(name, description))

    @property
    def small(self) -> bool:
        """Whether it is worth counting together with others."""
        return self._shown is None and self._held is not None and self._held.size <= SMALL \
            and isinstance(self._bins, str) and self._bins == "tensorflow"

    @staticmethod
    def prepare(waiting: "Sequence[Counting]") -> None:
        """Count small ones that wait at the same time together, which costs less."""
        for one, counted in zip(waiting, histograms([one._numbers() for one in waiting])):
            one._keep(counted)

    def _numbers(self) -> Any:
        assert self._held is not None
        numbers = self._held.numpy()
        return numbers if self._max_values is None else sample(numbers, self._max_values)

    def _counted(self) -> Histogram:
        shown = self._shown
        return self._keep(trimmed(count(self._numbers(), self._bins))) if shown is None else shown

    def _keep(self, shown: Histogram) -> Histogram:
        self._shown = shown
        if self._held is not None:
            self._held.release()
            self._held = None
        return shown


def _scaled(shown: Histogram, factor: float) -> Histogram:
    """The histogram of `factor` times as many values."""
    return shown._replace(num=shown.num * factor, sum=shown.sum * factor,
                          sum_squares=shown.sum_squares * factor, counts=shown.counts * factor)


def _present(tag: str, values: Any) -> Any:
    """`values` without those that numpy.ma masks; NaN, which is left out later, if none is left."""
    values = listed(values)
    hidden = masked(values)
    if hidden is None:
        return values
    once(("masked", "histogram", tag), f"the histogram {tag!r} leaves out "
         f"{hidden.size - hidden.count()} masked values of {hidden.size}; reported once per tag")
    return hidden.compressed() if hidden.count() else np.array([np.nan])


@checked
def histogram_raw(tag: str, min: float, max: float, num: float, sum: float, sum_squares: float,
                  bucket_limits: Any, bucket_counts: Any, *, display_name: str = "",
                  description: str = "") -> Summary:
    """A histogram that was counted elsewhere. Shown in Time Series, Histograms and Distributions.

    min, max, num, sum, sum_squares: of all values.
    bucket_limits: the right edge of each bucket, rising; bucket_counts: how many values are in
        each. Empty buckets at both ends are dropped.
    display_name, description: shown with the chart; the description is Markdown.

    Raises ValueError unless limits and counts are of one length, and everything is finite.

    Example: `histogram_raw("ages", 0, 9, 5, 20, 120, [5, 10], [3, 2])`.
    """
    limits = as_doubles(bucket_limits, "bucket_limits").ravel()
    counts = as_doubles(bucket_counts, "bucket_counts").ravel()
    if len(limits) != len(counts):
        raise ValueError(f"got {len(limits)} bucket_limits and {len(counts)} bucket_counts, want "
                         "equal numbers of each")
    min, max = as_float(min, "min"), as_float(max, "max")
    num, sum = as_float(num, "num"), as_float(sum, "sum")
    sum_squares = as_float(sum_squares, "sum_squares")
    if not np.isfinite([min, max]).all() or not np.isfinite(counts).all():
        raise ValueError(f"got min {min}, max {max} and counts {counts}, want finite numbers")
    if np.isnan(limits).any() or (limits[1:] < limits[:-1]).any():
        raise ValueError(f"got the bucket_limits {limits}, want them in rising order")
    shown = trimmed(Histogram(min, max, num, sum, sum_squares, limits, counts))
    parts = _parts(shown, _metadata(display_name, description))
    return Summary([Value(tag, parts, total(parts))])


def _nbytes(values: Any) -> int:
    """The size of an array; 0 for objects that don't know theirs, such as sparse tensors."""
    if type(values) is np.ndarray:
        return int(values.nbytes)
    try:
        return int(values.nbytes)
    except Exception as error:
        let_signals(error)
        return 0


def checked_bins(bins: Any) -> Bins:
    """`bins` as it is, with edges as an array of their own; ValueError or TypeError."""
    if isinstance(bins, str):
        if bins != "tensorflow" and bins not in _STRATEGIES:
            raise ValueError(f"got the bins {shown(bins)}, want 'tensorflow', a number, edges or "
                             f"one of {', '.join(_STRATEGIES)}")
        if bins != "tensorflow":
            np.ma  # numpy loads it for these: not on the thread, see `_loading`
        return bins
    if isinstance(bins, (int, np.integer)) and not isinstance(bins, bool):
        if not 1 <= bins <= _MOST_BINS:
            raise ValueError(f"got {bins} bins, want 1 to {_MOST_BINS}")
        return int(bins)
    edges = as_doubles(bins, "bins")
    if edges.ndim != 1 or len(edges) < 2 or not (edges[1:] >= edges[:-1]).all():
        raise ValueError(f"got the bins {shown(bins)}, want two or more edges in rising order")
    return edges


def _metadata(display_name: str, description: str) -> bytes:
    return messages.metadata(schema.HISTOGRAMS, display_name=display_name, description=description)


# min, max, num, sum, sum_squares: doubles, each after its key.
_totals = Struct("<" + "cd" * 5).pack
_KEYS = [wire.key(number, wire.FIXED64) for number in (
    HistogramField.MIN, HistogramField.MAX, HistogramField.NUM, HistogramField.SUM,
    HistogramField.SUM_SQUARES)]
_DOUBLES = np.dtype("<f8")


def _parts(shown: Histogram, metadata: bytes) -> Parts:
    """The fields of Summary.Value: HistogramProto, then its metadata."""
    message: Parts = []
    if len(shown.counts):
        limits = shown.limits
        if limits[-1] > _LARGEST or limits[0] < -_LARGEST:
            limits = limits.clip(-_LARGEST, _LARGEST)
        numbers = (max(shown.min, -_LARGEST), min(shown.max, _LARGEST), shown.num, shown.sum,
                   shown.sum_squares)
        totals = _totals(*[item for pair in zip(_KEYS, numbers) for item in pair])
        message = [b"".join([totals, *_packed(HistogramField.BUCKET_LIMIT, limits),
                             *_packed(HistogramField.BUCKET, shown.counts)])]
    return [*wire.message_field(schema.Value.HISTO, message), metadata]


def _packed(number: int, numbers: Any) -> Tuple[bytes, bytes]:
    data = numbers.astype(_DOUBLES, copy=False).tobytes()
    return wire.length_prefix(number, len(data)), data
