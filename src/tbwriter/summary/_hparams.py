"""Hyperparameters: one trial per run, compared in one table. Shown in HParams and in Time Series.

A trial is a run with a session start (`hparams`); its metrics are the last scalars of that run.
TensorBoard makes the table's columns out of all trials, unless one of them holds an experiment
(`hparams_experiment`): "ONE defines all columns; hparams and metrics not in it are hidden". So an
experiment is written only on request, and then the same for all.

Source: tensorboard/plugins/hparams/plugin_data.proto, api.proto and summary_v2.py of 2.21.
"""
from __future__ import annotations

import math
from enum import Enum
from typing import Any, List, Mapping, NamedTuple, Sequence, Tuple, Union

from .._foreign import checked, exact, let_signals, shown
from .._proto import messages, schema, wire
from .._proto.messages import Summary, Value, check_tag
from .._proto.plugin_schema import (HPARAM_TYPES, METRIC_DATASETS, SESSION_STATUSES, Experiment,
                                    HParamInfo, HParamsPluginData, JsonList, JsonValue, MetricInfo,
                                    MetricName, SessionEndInfo, SessionStartInfo)
from .._proto.plugin_schema import Interval as IntervalMessage
from .._values.number import as_float, as_wall_time, items

_DEEPEST = 50  # levels of dicts in dicts


class Interval(NamedTuple):
    """The domain of a number: from `min_value` to `max_value`, both included."""

    min_value: float
    max_value: float


class Metric(NamedTuple):
    """A column with the last value of a scalar.

    tag: of the scalar. group: the sub-run that it is in, "" for the trial's own run.
    display_name, description: of the column. dataset: "", "training" or "validation".
    """

    tag: str
    group: str = ""
    display_name: str = ""
    description: str = ""
    dataset: str = ""


Domain = Union[None, type, Interval, Sequence[Any]]


@checked
def hparams(values: Mapping[str, Any], *, group_name: str = "", start_time: float = 0,
            model_uri: str = "", monitor_url: str = "") -> Summary:
    """The hyperparameters a run was trained with, once per run. Shown in HParams.

    values: {name: value}, or a Namespace or dataclass. A bool, a str, a number, or an array of one
        number (numpy, MXNet, torch) keeps its type. A dict becomes "name/key" for each of its
        items; any other object is written as its text, `str(value)`. None, NaN and infinities are
        left out: TensorBoard has no cell for them.
    group_name: trials of one name are one row, e.g. repetitions with other seeds.
    start_time: seconds since 1970. model_uri, monitor_url: shown with the trial.

    Raises TypeError if `values` is not a mapping or an object has no text, ValueError for two
    hyperparameters of one name.

    Example: `hparams({"lr": 0.1, "net": {"layers": 3, "norm": True}})`.
    """
    message = b"".join(
        wire.bytes_field(SessionStartInfo.HPARAMS, wire.string_field(schema.MapEntry.KEY, name)
                         + wire.bytes_field(schema.MapEntry.VALUE, value))
        for name, value in _fields(values))
    for number, text in ((SessionStartInfo.MODEL_URI, model_uri),
                         (SessionStartInfo.MONITOR_URL, monitor_url),
                         (SessionStartInfo.GROUP_NAME, group_name)):
        if text:
            message += wire.string_field(number, check_tag(text))
    message += _time(SessionStartInfo.START_TIME_SECS, start_time)
    return _summary(schema.SESSION_START_TAG,
                    wire.bytes_field(HParamsPluginData.SESSION_START_INFO, message))


@checked
def hparams_end(status: str = "SUCCESS", *, end_time: float = 0) -> Summary:
    """How a run with hyperparameters ended. Shown in HParams.

    status: "SUCCESS", "FAILURE", "RUNNING" or "UNKNOWN". end_time: seconds since 1970; 0 is
        unknown.

    Raises ValueError for another status.

    Example: `hparams_end("FAILURE", end_time=time.time())`.
    """
    if not isinstance(status, str) or status not in SESSION_STATUSES:
        raise ValueError(f"got the status {shown(status)}, want one of "
                         f"{', '.join(SESSION_STATUSES)}")
    message = (wire.int_field(SessionEndInfo.STATUS, SESSION_STATUSES[status])
               + _time(SessionEndInfo.END_TIME_SECS, end_time))
    return _summary(schema.SESSION_END_TAG,
                    wire.bytes_field(HParamsPluginData.SESSION_END_INFO, message))


@checked
def hparams_experiment(domains: Mapping[str, Domain], metrics: Sequence[Union[str, Metric]] = (),
                       *, name: str = "", description: str = "", user: str = "",
                       time_created: float = 0) -> Summary:
    """The columns of the table of all trials; others are hidden. Shown in HParams.

    One of these in any run of the log directory is enough.

    domains: {hyperparameter: a list of its values, all of one type; an Interval; only its type
        (str, bool, float); None where nothing is known}.
    metrics: tags of scalars, or Metrics.
    name, description, user: of the experiment. time_created: seconds since 1970; 0 is unknown.

    Raises ValueError or TypeError for other domains and metrics.

    Example: `hparams_experiment({"lr": Interval(1e-4, 0.1), "net": ["a", "b"]}, ["accuracy"])`.
    """
    if isinstance(metrics, str):
        raise TypeError(f"got the metrics {metrics!r}, want a list of tags")
    infos = [wire.bytes_field(Experiment.HPARAM_INFOS, _hparam_info(hparam, domain))
             for hparam, domain in domains.items()]
    infos += [wire.bytes_field(Experiment.METRIC_INFOS, _metric_info(metric))
              for metric in metrics]
    head = wire.string_field(Experiment.DESCRIPTION, check_tag(description)) \
        if description else b""
    head += wire.string_field(Experiment.USER, check_tag(user)) if user else b""
    tail = wire.string_field(Experiment.NAME, check_tag(name)) if name else b""
    message = head + _time(Experiment.TIME_CREATED_SECS, time_created) + b"".join(infos) + tail
    return _summary(schema.EXPERIMENT_TAG,
                    wire.bytes_field(HParamsPluginData.EXPERIMENT, message))


def _summary(tag: str, content: bytes) -> Summary:
    # The dashboard reads the metadata alone; "both loaders insert a [0] float tensor" where a
    # value is missing, so it is written here.
    parts = [*messages.tensor(schema.DT_FLOAT, (0,), b""),
             messages.metadata(schema.HPARAMS, content)]
    return Summary([Value(tag, parts, len(content))])


def _time(number: int, seconds: float) -> bytes:
    return wire.double_field(number, as_wall_time(seconds)) if seconds else b""


def _fields(values: Any) -> List[Tuple[str, bytes]]:
    """[(name, google.protobuf.Value)]"""
    fields = []
    for name, value in flat(values).items():
        check_tag(name)
        plain = plain_value(name, value)
        if plain is not None and not (isinstance(plain, float) and not math.isfinite(plain)):
            fields.append((name, _value(plain)))
    return fields


def flat(values: Any) -> Mapping[str, Any]:
    """{name: value} without dicts inside: {"a": {"b": 1}} becomes {"a/b": 1}.

    values: a mapping, a Namespace or a dataclass. Raises TypeError for anything else, ValueError
    for two values of one name and for a dict that contains itself.
    """
    if not isinstance(values, Mapping):
        held = getattr(values, "__dict__", None)
        if not isinstance(held, dict) or isinstance(values, type) or not _is_config(values):
            raise TypeError(f"got hparams of type {type(values).__name__}, want a dict, a "
                            "Namespace or a dataclass")
        values = held
    found: List[Tuple[str, Any]] = []
    _flatten("", values, found, 0)
    if len(dict(found)) < len(found):
        names = [name for name, _ in found]
        twice = sorted({name for name in names if names.count(name) > 1})
        raise ValueError(f"got several hyperparameters called {twice}, want one of each name")
    return dict(found)


def _is_config(values: Any) -> bool:
    return hasattr(values, "__dataclass_fields__") or type(values).__name__ == "Namespace"


def _flatten(prefix: str, values: Mapping[Any, Any], found: List[Tuple[str, Any]], depth: int
             ) -> None:
    if depth > _DEEPEST:
        raise ValueError(f"got hyperparameters nested more than {_DEEPEST} deep, want a dict "
                         "without itself in it")
    for key, value in values.items():
        # Of an enum that is a str too, Python's versions show the name or the text.
        plain = isinstance(key, str) and not isinstance(key, Enum)
        name = prefix + (exact(key) if plain else f"{key}")
        if isinstance(value, Mapping) and value:
            _flatten(name + "/", value, found, depth + 1)
        else:
            found.append((name, value))


def plain_value(name: str, value: Any) -> Union[None, bool, str, float]:
    """`value` as None, bool, str or float, which a hyperparameter can be.

    Numbers and arrays of one number are numbers; any other object becomes its text. Raises
    TypeError if it has none.
    """
    if value is None or isinstance(value, (bool, str)) and not isinstance(value, Enum):
        return value if not isinstance(value, str) else check_tag(value)
    kind = getattr(getattr(value, "dtype", None), "kind", "")
    if kind == "b" or str(getattr(value, "dtype", "")) == "torch.bool":
        try:
            return bool(as_float(value, f"value of {name!r}"))
        except ValueError:  # several
            return _text(name, value)
    if not isinstance(value, Enum):
        try:
            return as_float(value, f"value of {name!r}")
        except (TypeError, ValueError):
            pass
    return _text(name, value)


def _text(name: str, value: Any) -> str:
    try:
        text = bytes(value).decode("utf-8", "replace") if isinstance(value, (bytes, bytearray)) \
            else value.__name__ if isinstance(value, type) else str(value)
        return str.encode(text, "utf-8", "replace").decode("utf-8")
    except Exception as error:
        let_signals(error)
        raise TypeError(f"got the value of {name!r} of type {type(value).__name__} without a text "
                        f"({type(error).__name__}), want bool, str, a number or None") from error


def _value(value: Union[bool, str, float]) -> bytes:
    """google.protobuf.Value. A bool is an int in Python, so it is tested first."""
    if isinstance(value, bool):
        return wire.int_field(JsonValue.BOOL_VALUE, value)
    if isinstance(value, str):
        return wire.string_field(JsonValue.STRING_VALUE, value)
    return wire.double_field(JsonValue.NUMBER_VALUE, value)


def _hparam_info(name: str, domain: Domain) -> bytes:
    message = wire.string_field(HParamInfo.NAME, check_tag(name))
    if domain is None:
        return message
    if isinstance(domain, type):
        if domain not in HPARAM_TYPES:
            raise TypeError(f"got the type {domain.__name__} for {name!r}, want str, bool or float")
        return message + wire.int_field(HParamInfo.TYPE, HPARAM_TYPES[domain])
    if isinstance(domain, Interval):
        return (message + wire.int_field(HParamInfo.TYPE, HPARAM_TYPES[float])
                + _interval(name, domain))
    return message + _discrete(name, domain)


def _interval(name: str, domain: Interval) -> bytes:
    low, high = as_float(domain.min_value), as_float(domain.max_value)
    if not low <= high:
        raise ValueError(f"got the interval {low} to {high} for {name!r}, want the smaller first")
    return wire.bytes_field(HParamInfo.DOMAIN_INTERVAL,
                            wire.double_field(IntervalMessage.MIN_VALUE, low)
                            + wire.double_field(IntervalMessage.MAX_VALUE, high))


def _discrete(name: str, domain: Any) -> bytes:
    if isinstance(domain, (str, bytes, Mapping)) or not hasattr(domain, "__iter__"):
        raise TypeError(f"got the domain {shown(domain)} for {name!r}, want a list of values, an "
                        "Interval, a type or None")
    values = [plain_value(name, value) for value in items(domain, "a domain")]
    types = {type(value) for value in values}
    if len(types) != 1 or None in values:
        raise ValueError(f"got the domain {shown(domain)} for {name!r}, want values of one type: "
                         "bool, str or numbers")
    listed = b"".join(wire.bytes_field(JsonList.VALUES, _value(value))
                      for value in values if value is not None)
    return (wire.int_field(HParamInfo.TYPE, HPARAM_TYPES[types.pop()])
            + wire.bytes_field(HParamInfo.DOMAIN_DISCRETE, listed))


def _metric_info(metric: Union[str, Metric]) -> bytes:
    metric = Metric(metric) if isinstance(metric, str) else metric
    if metric.dataset not in METRIC_DATASETS:
        raise ValueError(f"got the dataset {metric.dataset!r} for the metric {metric.tag!r}, want "
                         "'', 'training' or 'validation'")
    group = wire.string_field(MetricName.GROUP, check_tag(metric.group)) if metric.group else b""
    name = group + wire.string_field(MetricName.TAG, check_tag(metric.tag))
    message = wire.bytes_field(MetricInfo.NAME, name)
    for number, text in ((MetricInfo.DISPLAY_NAME, metric.display_name),
                         (MetricInfo.DESCRIPTION, metric.description)):
        if text:
            message += wire.string_field(number, check_tag(text))
    dataset = METRIC_DATASETS[metric.dataset]
    return message + wire.int_field(MetricInfo.DATASET_TYPE, dataset) if dataset else message
