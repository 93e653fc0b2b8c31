"""MXNet's evaluation metrics as scalars: of training, of validation, and as
mxnet.contrib.tensorboard logs them.
"""
from __future__ import annotations

import sys
from copy import copy
from typing import Any, Dict, FrozenSet, List, Mapping, Optional, Sequence, Tuple

from .._foreign import let_signals, shown
from .._names import distinct
from .._warnings import whole
from ..writer import FileWriter
from ._arguments import as_text, is_disabled
from ._callback import BatchCallback, Callback
from ._steps import Steps, evaluates, scope_of


class BatchMetrics(BatchCallback):
    """Training metrics: a `batch_end_callback`, one scalar per metric.

    A value is the mean over the epoch so far, as in the line `Train-accuracy=...` that MXNet logs
    at the end of the epoch. A Speedometer that resets the metric, before or after this callback,
    does not change the value. Where a metric's class overrides `get` but not `get_global`, as that
    of PearsonCorrelation, the value is that of `get`. A metric of your own without global
    statistics is read as it is, or one batch later if it has just been reset. Metrics of the same
    name are numbered: accuracy, accuracy_1, without the numbers that other metrics have in their
    names.

    writer, run, steps: see `fit_callbacks`. every: log one batch in `every`.
    prefix: precedes the metric's name in the tag.

    Raises TypeError or ValueError for other arguments.
    """

    def __init__(self, writer: Any, every: int = 1, run: str = "train", prefix: str = "",
                 steps: Optional[Steps] = None) -> None:
        super().__init__(writer, every, run, steps)
        self._prefix = as_text(prefix, "prefix")

    @whole
    def _log(self, param: Any, steps: Steps, batch: int) -> None:
        values = metric_values(param.eval_metric, overall=True)
        again, self._again = self._again, False
        add, prefix, start = self._to.add_scalar, self._prefix, steps.start
        for name, value in values:
            if value is None:
                self._again = not again
            elif start is None:  # the same without its call, for speed
                steps.write(batch, add, prefix + name, value)
            else:
                add(prefix + name, value, start + batch)


class EvalMetrics(Callback):
    """Validation metrics: an `eval_end_callback` (or `score_end_callback`).

    A value is that of the line `Validation-accuracy=...` that MXNet logs. The step is that of the
    last training batch, so that both curves share an axis.

    writer, run, steps: see `fit_callbacks`. prefix: precedes the metric's name in the tag.

    Raises TypeError or ValueError for other arguments.
    """

    def __init__(self, writer: Any, run: str = "validation", prefix: str = "",
                 steps: Optional[Steps] = None) -> None:
        super().__init__(writer, run, steps)
        self._prefix = as_text(prefix, "prefix")

    @whole
    def __call__(self, param: Any) -> None:
        step = self._steps(param).eval_end(param)
        if is_disabled(self._writer):
            return
        for name, value in metric_values(param.eval_metric):
            if value is not None:
                self._to.add_scalar(self._prefix + name, value, step)


class LogMetricsCallback:
    """Drop-in for mxnet.contrib.tensorboard.LogMetricsCallback: the training metrics.

    logging_dir: the log directory. If training and validation have one each below a common
        directory, their curves share a chart.
    prefix: the tags are `prefix-name`; with None, `name`.

    As a `batch_end_callback` it logs each batch at the global step (MXNet's puts a whole epoch on
    one step), as an `eval_end_callback` once at the step of the last training batch.
    """

    def __init__(self, logging_dir: str, prefix: Optional[str] = None) -> None:
        self.prefix = prefix
        self.summary_writer = FileWriter(logging_dir)
        start = "" if prefix is None else f"{prefix}-"
        self._train = BatchMetrics(self.summary_writer, run="", prefix=start)
        self._evaluate = EvalMetrics(self.summary_writer, run="", prefix=start)

    def __call__(self, param: Any) -> None:
        (self._evaluate if evaluates(scope_of(param)) else self._train)(param)


def metric_values(*metrics: Any, overall: bool = False) -> List[Tuple[str, Optional[float]]]:
    """(name, value) of each metric, under distinct names; None for a metric without samples.

    They are those of MXNet's `get_name_value()`, or with `overall` of `get_global_name_value()`,
    which differ for metrics that tell them apart. After `reset_local()`, they are still those of
    the whole epoch, if the metric has global statistics.
    """
    values: List[Tuple[str, Optional[float]]] = []
    for metric in metrics:
        parts = getattr(metric, "metrics", None)
        for part in parts if isinstance(parts, list) and _is_composite(metric) else (metric,):
            kind = type(part)
            plain = _plain.get(kind)
            if plain is None:
                plain = _plain[kind] = _has_methods_of("EvalMetric", kind)
            if overall and plain and getattr(part, "_has_global_stats", False) \
                    and part.global_num_inst and type(part.name) is str \
                    and part.__dict__.keys().isdisjoint(_METHODS):
                # The same value as by four calls of MXNet.
                values.append((part.name, part.global_sum_metric / part.global_num_inst))
            else:
                _ask(part, values, overall)
    if len(values) > 1 and len(dict(values)) < len(values):
        names = distinct([name for name, _ in values])
        values = list(zip(names, [value for _, value in values]))
    return values


def _ask(metric: Any, values: List[Tuple[str, Optional[float]]], overall: bool) -> None:
    if _is_composite(metric):
        for part in metric.metrics:
            _ask(part, values, overall)
    elif metric is not None:
        own = _is_local(metric, overall)
        if own:
            metric = _not_reset(metric)
        pairs = _pairs(metric, "get_name_value" if own else "get_global_name_value")
        # MXNet returns NaN for a metric without samples since its reset. The NaN of a loss is
        # kept. A metric may also return None, or an array of one element.
        if getattr(metric, "num_inst" if own else "global_num_inst", 1):
            values += pairs
        else:
            values += [(name, None if _is_nan(value) else value) for name, value in pairs]


def _is_local(metric: Any, overall: bool) -> bool:
    """Whether the value is that of `get`, and not of `get_global`."""
    if not getattr(metric, "_has_global_stats", False):
        return True
    holders = [metric.__dict__, *map(vars, type(metric).__mro__)]
    nearer = _first(holders, _LOCAL) - _first(holders, _GLOBAL)
    if nearer < 0:  # get_global is inherited from a class that knows nothing of this `get`
        return True
    if overall and nearer > 0:
        return False
    local, every = getattr(metric, "num_inst", 1), getattr(metric, "global_num_inst", 1)
    # Own `update` methods may leave the global statistics at zero.
    return bool(local) and (not every or (local == every and not overall))


def _not_reset(metric: Any) -> Any:
    """The metric as it is without EvalMetric's `reset_local`, if it has global statistics.

    That sets two attributes to zero, whose values for the whole epoch are in two others.
    """
    base = _class("EvalMetric")
    if base is None or not isinstance(metric, base):
        return metric
    if isinstance(metric, _class("CompositeEvalMetric")):
        metric = copy(metric)
        metric.metrics = [_not_reset(part) for part in metric.metrics]
    elif getattr(metric, "_has_global_stats", False) and metric.global_num_inst \
            and metric.num_inst != metric.global_num_inst \
            and type(metric).reset_local is base.reset_local:
        metric = copy(metric)
        metric.num_inst, metric.sum_metric = metric.global_num_inst, metric.global_sum_metric
    return metric


def _pairs(metric: Any, method: str) -> List[Tuple[str, Any]]:
    """(name, value) of one metric, by its method. Raises TypeError or ValueError for anything else.
    """
    try:
        pairs = [(name, value) for name, value in getattr(metric, method)()]
    except (TypeError, ValueError) as error:  # MXNet's own method raises it for what `get` returns
        kind = ValueError if isinstance(error, ValueError) else TypeError
        raise kind(f"got {type(error).__name__} ({error!s:.100}) from {method}() of the metric "
                   f"{type(metric).__name__}, want a list of (name, value)") from error
    for name, _ in pairs:
        if not isinstance(name, str):
            raise TypeError(f"got a name of type {type(name).__name__} ({shown(name)}) from the "
                            f"metric {type(metric).__name__}, want str")
    return pairs


def _is_nan(value: Any) -> bool:
    try:
        return bool(value != value)
    except Exception as error:  # several numbers, which `add_scalar` refuses
        let_signals(error)
        return False


# The methods by which MXNet asks for values, since the local reset and of the whole epoch.
_LOCAL = frozenset(("get", "get_name_value"))
_GLOBAL = frozenset(("get_global", "get_global_name_value"))
_METHODS = _LOCAL | _GLOBAL
_plain: Dict[type, bool] = {}
_composite: Dict[type, bool] = {}


def _is_composite(metric: Any) -> bool:
    """Whether the values of a metric are those of its `metrics`."""
    kind = type(metric)
    composite = _composite.get(kind)
    if composite is None:
        composite = _composite[kind] = _has_methods_of("CompositeEvalMetric", kind)
    return composite and metric.__dict__.keys().isdisjoint(_METHODS)


def _has_methods_of(name: str, kind: type) -> bool:
    """Whether a class overrides none of the methods of a class of MXNet's metrics."""
    base = _class(name)
    return base is not None and all(
        getattr(kind, method, None) is getattr(base, method, None) for method in _METHODS)


def _class(name: str) -> Any:
    """A class of MXNet's metrics, which are in mx.metric or, in MXNet 2, in mx.gluon.metric."""
    mx = sys.modules.get("mxnet")
    module = getattr(mx, "metric", None) or getattr(getattr(mx, "gluon", None), "metric", None)
    return getattr(module, name, None)


def _first(holders: Sequence[Mapping[str, Any]], names: FrozenSet[str]) -> int:
    """The index of the first namespace that has one of the names; their number without any."""
    return next((number for number, holder in enumerate(holders)
                 if not names.isdisjoint(holder)), len(holders))
