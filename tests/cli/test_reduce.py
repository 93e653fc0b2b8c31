"""reduce: statistics of seeds, step by step, against numpy."""
from __future__ import annotations

import json
import math

import numpy as np
import pytest

from tbwriter import SummaryWriter, reader, summary
from tbwriter._proto import messages, schema, wire
from tbwriter.cli import _points, main
from tests.support.data import event_of, scalar_event, written
from tests.support.judges import board, both_loaders

VALUES = np.float32(np.random.RandomState(0).normal(size=(3, 10)))


def seeds(directory, run="."):
    """Three seeds, of which the last lacks the steps from 7 on."""
    for seed, values in enumerate(VALUES):
        written(directory / f"seed{seed}" / run, [
            scalar_event("loss", float(value), step) for step, value in enumerate(values)
            if seed < 2 or step < 7])
    return [str(directory / f"seed{seed}") for seed in range(3)]


@both_loaders
@pytest.mark.parametrize("one_directory", [False, True])
def test_statistics(one_directory, loader, tmp_path, capsys):
    """Each statistic is a run; at a step that a seed lacks it is that of the others, and these
    steps are counted. One directory of seeds is the same as the seeds."""
    given = seeds(tmp_path / "logs", "train")
    given = [str(tmp_path / "logs")] if one_directory else given
    assert main(["reduce", "--json", "--stat", "mean,std,min,max,median,count", *given,
                 str(tmp_path / "out")]) == 0
    run, = json.loads(capsys.readouterr().out)["runs"]
    assert (run["seeds"], run["read"], run["steps"], run["lacking"]) == (3, 27, 10, 3)
    assert run["written"] == 60
    with board(tmp_path / "out", loader) as shown:
        for name in ("mean", "std", "min", "max", "median"):
            points = shown.scalars(f"train/{name}", "loss")
            assert [step for step, _ in points] == list(range(10))
            for step, value in points:
                expected = getattr(np, name)(np.float64(VALUES[:3 if step < 7 else 2, step]))
                assert value == pytest.approx(expected, rel=1e-6)
        assert shown.scalars("train/count", "loss") == [
            (step, 3.0 if step < 7 else 2.0) for step in range(10)]


def test_complete(tmp_path, capsys):
    """Steps that a seed lacks are left out."""
    given = seeds(tmp_path / "logs")
    assert main(["reduce", "--complete", *given, str(tmp_path / "out")]) == 0
    assert "lack a seed, left out" in capsys.readouterr().out
    runs = reader.read(str(tmp_path / "out"))
    assert set(runs) == {"mean", "std", "min", "max"}
    assert runs["mean"].scalars("loss").steps.tolist() == list(range(7))


def test_the_last_value_of_a_step_counts(tmp_path, capsys):
    """A seed that repeats a step has one value there, and the report counts the other."""
    for seed, values in enumerate(([1.0, 3.0], [5.0])):
        written(tmp_path / f"{seed}", [scalar_event("x", value, 1) for value in values])
    assert main(["reduce", "--json", "--stat", "mean", str(tmp_path / "0"), str(tmp_path / "1"),
                 str(tmp_path / "out")]) == 0
    assert json.loads(capsys.readouterr().out)["runs"][0]["same_step"] == 1
    assert reader.read(str(tmp_path / "out"))["mean"].scalars("x").values.tolist() == [4.0]


def test_nan_is_not_hidden(tmp_path):
    """A seed that diverged makes the statistics of its steps NaN."""
    for seed, value in enumerate((1.0, math.nan)):
        written(tmp_path / f"{seed}", [scalar_event("x", value, 1), scalar_event("x", 1.0, 2)])
    assert main(["reduce", "--stat", "mean,median,min", str(tmp_path / "0"), str(tmp_path / "1"),
                 str(tmp_path / "out")]) == 0
    for run in reader.read(str(tmp_path / "out")).values():
        values = run.scalars("x").values
        assert math.isnan(values[0]) and values[1] == 1.0


def test_other_kinds_are_named(tmp_path, capsys):
    """Tags that are no scalars are counted, not reduced."""
    for seed in "01":
        written(tmp_path / seed, [scalar_event("x", 1.0, 1), event_of(summary.text("t", "t"), 1)])
    assert main(["reduce", str(tmp_path / "0"), str(tmp_path / "1"), str(tmp_path / "out")]) == 0
    assert "note: not in the output: 1 tag of other kinds of the run .\n" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [["--stat", "mode"], ["--stat", "mean,mean"]])
def test_unknown_statistics(arguments, tmp_path):
    """argparse says which there are."""
    with pytest.raises(SystemExit) as stopped:
        main(["reduce", *arguments, str(tmp_path), str(tmp_path / "out")])
    assert stopped.value.code == 2


@pytest.mark.parametrize("top", [False, True])
def test_event_files_beside_the_seeds(top, tmp_path, capsys):
    """One directory of seeds: a line on stderr says that event files in itself are in none."""
    for seed in ("a", "b", "." if top else "c"):
        written(tmp_path / "logs" / seed, [scalar_event("loss", 1.0, 1)])
    assert main(["reduce", str(tmp_path / "logs"), str(tmp_path / "out"), "--json"]) == 0
    found = capsys.readouterr()
    assert json.loads(found.out)["seeds"] == (2 if top else 3)
    assert found.err == (f"tbwriter: not a seed: the event files in {tmp_path / 'logs'} itself\n"
                         if top else "")


def test_a_single_seed(tmp_path, capsys):
    """One is no sample."""
    written(tmp_path / "logs" / "one", [scalar_event("x", 1.0, 1)])
    assert main(["reduce", str(tmp_path / "logs"), str(tmp_path / "out")]) == 2
    assert "got 1 seed, want at least 2" in capsys.readouterr().err


def test_what_a_restart_purged_does_not_count(tmp_path, capsys):
    """Seeds that resume with purge_step, or with a single START, count as both loaders show them:
    the abandoned steps are in no statistic, and the report counts them."""
    for seed in "01":
        with SummaryWriter(tmp_path / "purged" / seed) as writer:
            for step in range(10):
                writer.add_scalar("loss", 1.0, step)
        with SummaryWriter(tmp_path / "purged" / seed, purge_step=6) as writer:
            for step in range(6, 8):
                writer.add_scalar("loss", 0.5, step)
        start = wire.double_field(1, 1.6e9 + 100) + wire.int_field(2, 6) + wire.bytes_field(
            schema.Event.SESSION_LOG, messages.SESSION_START)
        written(tmp_path / "once" / seed, [scalar_event("loss", 1.0, step) for step in range(10)])
        written(tmp_path / "once" / seed, [start, *(
            scalar_event("loss", 0.5, step, 1.6e9 + 100) for step in (6, 7))], "1600000100")
    for name in "purged", "once":
        out = tmp_path / f"{name}-out"
        assert main(["reduce", "--json", "--stat", "mean", str(tmp_path / name), str(out)]) == 0
        run, = json.loads(capsys.readouterr().out)["runs"]
        assert (run["read"], run["purged"], run["same_step"], run["written"]) == (24, 8, 0, 8)
        for loader in ("fast", "python"):
            with board(out, loader) as shown:
                assert shown.scalars("mean", "loss") == [
                    (step, 1.0 if step < 6 else 0.5) for step in range(8)]


@pytest.mark.parametrize("most", [1, 2, 7, 1000])
def test_some_steps_at_a_time(most, tmp_path, monkeypatch):
    """However few points are read at a time, each step has the values of all seeds, also where
    seeds have different steps."""
    monkeypatch.setattr(_points, "_MOST", most)
    random = np.random.RandomState(1)
    expected = {}
    for seed in range(4):
        steps = np.unique(random.randint(0, 10 + 40 * seed, 30)).tolist()
        written(tmp_path / "logs" / str(seed), [
            scalar_event("x", float(seed + step), step) for step in random.permutation(steps)])
        for step in steps:
            expected.setdefault(step, []).append(float(seed + step))
    assert main(["reduce", "--stat", "mean,count", str(tmp_path / "logs"),
                 str(tmp_path / "out")]) == 0
    found = reader.read(str(tmp_path / "out"))
    for name, function in (("mean", np.mean), ("count", len)):
        series = found[name].scalars("x")
        assert dict(zip(series.steps.tolist(), series.values.tolist())) == pytest.approx(
            {step: function(values) for step, values in expected.items()})
        assert series.steps.tolist() == sorted(expected)
