"""hparams: start, end and experiment against the real messages, both loaders and the dashboard."""
from __future__ import annotations

import argparse
import dataclasses
import enum
import pathlib
import re

import numpy as np
import pytest
from tests.support import judges
from tests.support.judges import board, both_loaders, events, http
from tensorboard.compat.proto import summary_pb2
from tensorboard.plugins.hparams import plugin_data_pb2, summary_v2

from tbwriter import FileWriter, SummaryWriter, summary

STATUSES = ["STATUS_UNKNOWN", "STATUS_SUCCESS", "STATUS_FAILURE", "STATUS_RUNNING"]
START, END, EXPERIMENT = ("_hparams_/session_start_info", "_hparams_/session_end_info",
                          "_hparams_/experiment")


def parsed(kind):
    """(tag, HParamsPluginData) as real protobuf reads them."""
    value, = judges.values(kind)
    assert value.metadata.plugin_data.plugin_name == "hparams"
    assert value.metadata.data_class == summary_pb2.DATA_CLASS_TENSOR
    content = plugin_data_pb2.HParamsPluginData.FromString(value.metadata.plugin_data.content)
    return value.tag, content


def started(kind):
    """SessionStartInfo of hparams."""
    return parsed(kind)[1].session_start_info


def plain(value):
    return getattr(value, value.WhichOneof("kind"))


def test_types_are_kept():
    """Bools stay bools, numbers numbers and texts texts, whichever package they come from."""
    given = {"bool": True, "np_bool": np.bool_(False), "int": 3, "float": 0.5, "str": "relu",
             "np_int": np.int64(7), "np_float": np.float32(0.25), "one": np.array([2.0]),
             "np_str": np.str_("tanh"), "zero": 0, "empty": ""}
    tag, content = parsed(summary.hparams(given))
    found = {name: plain(value) for name, value in content.session_start_info.hparams.items()}
    assert tag == START
    assert found == {"bool": True, "np_bool": False, "int": 3.0, "float": 0.5, "str": "relu",
                     "np_int": 7.0, "np_float": 0.25, "one": 2.0, "np_str": "tanh", "zero": 0.0,
                     "empty": ""}
    assert found["bool"] is True and found["np_bool"] is False


def test_what_has_no_cell():
    """None, NaN and infinities are left out, as TensorBoard's table itself does."""
    content = parsed(summary.hparams({"a": None, "b": float("nan"), "c": np.inf, "d": 1}))[1]
    assert list(content.session_start_info.hparams) == ["d"]


def test_equals_tensorboards_own():
    """Value and metadata equal those of tensorboard.plugins.hparams.summary_v2.hparams_pb, but for
    the group name, which that makes up from a hash."""
    theirs = summary_v2.hparams_pb({"lr": 0.1, "bn": True, "act": "relu"}, trial_id="g",
                                   start_time_secs=12.5)
    ours = summary.hparams({"lr": 0.1, "bn": True, "act": "relu"}, group_name="g", start_time=12.5)
    our, = judges.values(ours)
    their, = theirs.value
    assert parsed(ours)[1] == plugin_data_pb2.HParamsPluginData.FromString(
        their.metadata.plugin_data.content)
    assert (our.tag, our.tensor.dtype, our.tensor.tensor_shape) == \
        (their.tag, their.tensor.dtype, their.tensor.tensor_shape)


@both_loaders
def test_a_single_trial_in_the_log_directory_itself(tmp_path, loader):
    """TensorBoard leaves its metrics out; started on the directory above, it shows them."""
    with FileWriter(tmp_path / "trial") as writer:
        writer.add(summary.hparams({"lr": 0.1}))
        writer.add_scalar("loss", 0.5, 1)
    for logdir, metrics in ((tmp_path / "trial", []), (tmp_path, ["loss"])):
        with http(logdir, loader) as h:
            group, = ask(h).values()
            assert group["hparams"] == {"lr": 0.1}
            assert [metric["name"]["tag"] for metric in group["metricValues"]] == metrics


def test_end():
    """Each status has its own number, and the time is kept."""
    for number, status in enumerate(("UNKNOWN", "SUCCESS", "FAILURE", "RUNNING")):
        tag, content = parsed(summary.hparams_end(status, end_time=5))
        assert (tag, content.session_end_info.status) == (END, number)
        assert content.session_end_info.end_time_secs == 5


def test_experiment():
    """Domains, types, metrics and texts are in the real Experiment message."""
    from tbwriter.summary import Interval, Metric
    tag, content = parsed(summary.hparams_experiment(
        {"lr": Interval(0.001, 1), "bn": [True, False], "act": ["relu", "tanh"], "n": [1, 2.5],
         "free": float, "unknown": None},
        ["loss", Metric("acc", "val", "Accuracy", "*top 1*", "validation")],
        name="e", description="d", user="u", time_created=3))
    experiment = content.experiment
    assert tag == EXPERIMENT
    infos = {info.name: info for info in experiment.hparam_infos}
    assert [info.type for info in experiment.hparam_infos] == [3, 2, 1, 3, 3, 0]
    interval = infos["lr"].domain_interval
    assert (interval.min_value, interval.max_value) == (0.001, 1)
    assert [list(infos[name].domain_discrete) for name in ("bn", "act", "n")] == \
        [[True, False], ["relu", "tanh"], [1, 2.5]]
    loss, acc = experiment.metric_infos
    assert (loss.name.tag, acc.name.group, acc.name.tag) == ("loss", "val", "acc")
    assert (acc.display_name, acc.description, acc.dataset_type) == ("Accuracy", "*top 1*", 2)
    assert (experiment.name, experiment.description, experiment.user,
            experiment.time_created_secs) == ("e", "d", "u", 3)


def test_an_interval_of_one_number():
    """Smallest and largest value may be the same number."""
    _, content = parsed(summary.hparams_experiment({"lr": summary.Interval(1, 1)}))
    info, = content.experiment.hparam_infos
    assert (info.domain_interval.min_value, info.domain_interval.max_value) == (1, 1)


TRIALS = {"a": ({"lr": 0.1, "bn": True}, {"loss": 3.0}, "SUCCESS"),
          "b": ({"lr": 0.01, "act": "relu"}, {"loss": 2.0, "acc": 0.5}, "FAILURE"),
          "c": ({"depth": np.int32(4), "bn": False}, {"loss": 1.0}, "RUNNING")}


def write_trials(path, experiment=None):
    for run, (values, metrics, status) in TRIALS.items():
        with FileWriter(path / run) as writer:
            writer.add(summary.hparams(values, start_time=1))
            if experiment:
                writer.add(experiment)
            for tag, value in metrics.items():
                writer.add_scalar(tag, value, 0)
            writer.add(summary.hparams_end(status, end_time=2))


def ask(h, **more):
    answer = h.post("hparams/session_groups",
                    json={"startIndex": 0, "sliceSize": 10, "allowedStatuses": STATUSES, **more})
    return {group["sessions"][0]["name"]: group for group in answer["sessionGroups"]}


@both_loaders
def test_trials_in_one_table(tmp_path, loader):
    """Three trials with differing hyperparameters and metrics: every column of every trial is
    there, each with its own type, and so is each status."""
    write_trials(tmp_path)
    events(tmp_path)
    with board(tmp_path, loader) as b:
        assert set(b.tags("hparams", "a")) == {START, END}
    with http(tmp_path, loader) as h:
        experiment = h.post("hparams/experiment", json={})
        assert {info["name"]: info["type"] for info in experiment["hparamInfos"]} == {
            "lr": "DATA_TYPE_FLOAT64", "bn": "DATA_TYPE_BOOL", "act": "DATA_TYPE_STRING",
            "depth": "DATA_TYPE_FLOAT64"}
        assert {info["name"]["tag"] for info in experiment["metricInfos"]} == {"loss", "acc"}
        groups = ask(h)
        for run, (values, metrics, status) in TRIALS.items():
            assert groups[run]["hparams"] == values
            assert {metric["name"]["tag"]: metric["value"]
                    for metric in groups[run]["metricValues"]} == metrics
            assert groups[run]["sessions"][0]["status"] == "STATUS_" + status


@both_loaders
@pytest.mark.parametrize("in_each", [True, False])
def test_given_columns(tmp_path, loader, in_each):
    """With one experiment for all, in each run or in the directory above, its domains and metrics
    are the columns, and all others are hidden."""
    experiment = summary.hparams_experiment(
        {"lr": summary.Interval(0, 1), "bn": [True, False]}, ["loss"])
    write_trials(tmp_path, experiment if in_each else None)
    if not in_each:
        with FileWriter(tmp_path) as writer:
            writer.add(experiment)
    with http(tmp_path, loader) as h:
        experiment = h.post("hparams/experiment", json={})
        infos = {info["name"]: info for info in experiment["hparamInfos"]}
        assert set(infos) == {"lr", "bn"}
        assert infos["lr"]["domainInterval"] == {"minValue": 0.0, "maxValue": 1.0}
        assert sorted(infos["bn"]["domainDiscrete"]) == [False, True]
        assert [info["name"]["tag"] for info in experiment["metricInfos"]] == ["loss"]
        assert set(ask(h)) == set(TRIALS)


@both_loaders
def test_group_name(tmp_path, loader):
    """Runs of one group name are one row, with their metrics averaged when asked for."""
    for seed in range(2):
        with FileWriter(tmp_path / str(seed)) as writer:
            writer.add(summary.hparams({"lr": 0.1}, group_name="same"))
            writer.add_scalar("loss", seed, 0)
    with http(tmp_path, loader) as h:
        answer = h.post("hparams/session_groups",
                        json={"startIndex": 0, "sliceSize": 10, "allowedStatuses": STATUSES,
                              "aggregationType": "AGGREGATION_AVG"})
        group, = answer["sessionGroups"]
        assert group["name"] == "same" and len(group["sessions"]) == 2


@both_loaders
def test_one_writer_for_all_trials(tmp_path, loader):
    """Torch's own example, one writer with a trial a turn, gives a row for each trial; the first is
    in the writer's run, and a named one has that name."""
    with SummaryWriter(tmp_path) as writer:
        for number in range(3):
            writer.add_hparams({"lr": 0.1 * number, "bsize": number, "bn": number == 1},
                               {"hparam/accuracy": 10 * number, "hparam/loss": 5.0})
        writer.add_hparams({"lr": 7.0}, {"hparam/loss": 1.0}, run_name="named")
    with http(tmp_path, loader) as h:
        groups = ask(h)
        assert len(groups) == 4 and {".", "named"} <= set(groups)
        shown = sorted((group["hparams"]["lr"], group["hparams"].get("bn"),
                        {metric["name"]["tag"]: metric["value"]
                         for metric in group["metricValues"]}) for group in groups.values())
        assert shown == [
            (0.0, False, {"hparam/accuracy": 0.0, "hparam/loss": 5.0}),
            (0.1, True, {"hparam/accuracy": 10.0, "hparam/loss": 5.0}),
            (0.2, False, {"hparam/accuracy": 20.0, "hparam/loss": 5.0}),
            (7.0, None, {"hparam/loss": 1.0})]


@both_loaders
def test_metrics_that_are_curves(tmp_path, loader):
    """Hyperparameters that are written after training leave its curves unchanged: without a step
    the last value of a curve is the metric, with a step the curve continues there."""
    with SummaryWriter(tmp_path / "run") as writer:
        for step in range(5):
            writer.add_scalar("accuracy", step, step)
            writer.add_values({"loss": 9 - step}, step)
            writer.add_scalar("automatic", step)
        metrics = {"accuracy": 4, "loss": 5, "automatic": 7, "best": 4}
        writer.add_hparams({"lr": 0.1}, metrics)
        writer.add_hparams({"lr": 0.1}, {"accuracy": 8}, global_step=5)
    with board(tmp_path, loader) as b:
        assert b.scalars("run", "accuracy") == [*[(step, step) for step in range(5)], (5, 8)]
        assert b.scalars("run", "loss") == [(step, 9 - step) for step in range(5)]
        assert b.scalars("run", "automatic")[-1][1] == 7 and len(b.scalars("run", "automatic")) == 6
        assert [value for _, value in b.scalars("run", "best")] == [4]
    with http(tmp_path, loader) as h:
        shown = {metric["name"]["tag"]: metric["value"] for metric in ask(h)["run"]["metricValues"]}
        assert shown == {**metrics, "accuracy": 8}


def test_arguments_of_tensorboardx(tmp_path):
    """The third and fourth argument may be the name of the run and the step."""
    with SummaryWriter(tmp_path) as writer:
        writer.add_hparams({"lr": 0.1}, {"loss": 2.0}, "trial", 7)
        with pytest.raises(TypeError, match="want str"):
            writer.add_hparams({"lr": 0.1}, {"loss": 2.0}, None, 7)
    steps = [event.step for event in events(tmp_path / "trial")
             if any(value.tag == "loss" for value in event.summary.value)]
    assert steps == [7]


class Mute:
    """An object without a text."""

    def __str__(self):
        raise RuntimeError("mute")


class Size(enum.Enum):
    """A choice."""

    SMALL = 1


class Name(str, enum.Enum):
    """A choice that is a text too."""

    NET = "net"


@dataclasses.dataclass
class Config:
    """A configuration."""

    lr: float
    sizes: list


ENDLESS = {}
ENDLESS["again"] = ENDLESS


@pytest.mark.parametrize("value, text", [
    ([1, 2], "[1, 2]"), ((1, "a"), "(1, 'a')"), ([], "[]"), ({}, "{}"), ({1}, "{1}"),
    (Size.SMALL, "Size.SMALL"), (Name.NET, str(Name.NET)), (pathlib.PurePosixPath("a/b"), "a/b"),
    (Config(0.1, [1]), "Config(lr=0.1, sizes=[1])"), (argparse.Namespace(a=1), "Namespace(a=1)"),
    (np.dtype("f4"), "float32"), (np.float32, "float32"), (b"caf\xc3\xa9", "café"), (1j, "1j"),
    (np.zeros(2), "[0. 0.]"), (["\ud800"], "['\\ud800']"), (print, str(print)),
])
def test_config_objects_are_texts(value, text):
    """A value that is no bool, text or number is written as its text."""
    data = started(summary.hparams({"a": value}))
    assert {name: one.string_value for name, one in data.hparams.items()} == {"a": text}


def test_nested_configs_are_flattened():
    """A dict in a dict, a Namespace and a dataclass become one row of names with "/"."""
    nested = {"net": {"layers": 3, "act": {"kind": "relu"}}, 0: True, "none": None}
    data = started(summary.hparams(nested)).hparams
    assert set(data) == {"net/layers", "net/act/kind", "0"}
    assert data["net/layers"].number_value == 3 and data["0"].bool_value
    assert data["net/act/kind"].string_value == "relu"
    for config in (argparse.Namespace(lr=0.1, sizes=[1]), Config(0.1, [1])):
        data = started(summary.hparams(config)).hparams
        assert (data["lr"].number_value, data["sizes"].string_value) == (0.1, "[1]")


def test_deeply_nested_configs():
    """50 dicts in each other are taken."""
    nested = 1
    for _ in range(50):
        nested = {"a": nested}
    assert list(started(summary.hparams(nested)).hparams) == ["/".join("a" * 50)]


@pytest.mark.parametrize("call, error, message", [
    (lambda: summary.hparams([("a", 1)]), TypeError,  # type: ignore[arg-type]
     "got hparams of type list, want a dict"),
    (lambda: summary.hparams(Mute()), TypeError,  # type: ignore[arg-type]
     "got hparams of type Mute, want a dict"),
    (lambda: summary.hparams({"a": Mute()}), TypeError, "got the value of 'a' of type Mute"),
    (lambda: summary.hparams({"a": {"b": 1}, "a/b": 2}), ValueError, "called ['a/b'], want one"),
    (lambda: summary.hparams(ENDLESS), ValueError, "nested more than 50 deep, want a dict"),
    (lambda: summary.hparams({"a": "\ud800"}), ValueError, "lone surrogate"),
    (lambda: summary.hparams({}, start_time=float("nan")), ValueError, "want finite seconds"),
    (lambda: summary.hparams_end("DONE"), ValueError, "got the status 'DONE'"),
    (lambda: summary.hparams_experiment({"a": [1, "x"]}), ValueError, "want values of one type"),
    (lambda: summary.hparams_experiment({"a": []}), ValueError, "want values of one type"),
    (lambda: summary.hparams_experiment({"a": 5}), TypeError,  # type: ignore[dict-item]
     "got the domain 5 for 'a'"),
    (lambda: summary.hparams_experiment({"a": list}), TypeError, "got the type list for 'a'"),
    (lambda: summary.hparams_experiment({"a": summary.Interval(2, 1)}), ValueError,
     "want the smaller first"),
    (lambda: summary.hparams_experiment({}, "loss"), TypeError, "want a list of tags"),
    (lambda: summary.hparams_experiment({}, [summary.Metric("a", dataset="x")]), ValueError,
     "got the dataset 'x'"),
])
def test_bad_input(call, error, message):
    """Mistakes raise at the call, with what was given and what is wanted."""
    with pytest.raises(error, match=re.escape(message)):
        call()
