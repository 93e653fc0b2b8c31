"""show: one table of runs and tags as people know them; profiles; runs that are alike."""
from __future__ import annotations

import gc
import json
import time

import numpy as np

from tbwriter import summary
from tbwriter._proto import wire
from tbwriter.cli import main
from tbwriter.demo import demo
from tests.support.data import event_of, scalar_event, written


def lines_of(capsys, *arguments):
    """The output of a command that succeeds."""
    capsys.readouterr()
    assert main([*map(str, arguments)]) == 0
    return capsys.readouterr().out.splitlines()


def test_trials_are_a_table_of_their_own(tmp_path, capsys):
    """Twelve trials are twelve rows with a column per hyperparameter and scalar; integers are
    shown as integers."""
    demo(str(tmp_path / "logs"))
    lines = lines_of(capsys, "show", tmp_path / "logs", "--run", "hparams/*")
    assert lines[0].split() == ["run", "learning_rate", "optimizer", "dropout", "layers", "quality",
                                "cost", "values", "steps", "to"]
    assert len([line for line in lines if line.startswith("hparams/")]) == 12
    assert lines[1].split()[:5] == ["hparams/00", "0.1", "sgd", "True", "2"]
    assert lines[13] == "12 runs with 2 tags each: quality (scalar), cost (scalar)"
    assert len(lines) == 16


def test_columns_are_aligned_over_runs(tmp_path, capsys):
    """All runs are rows of one table with one header."""
    for name, tag in (("a", "short"), ("a much longer name", "a tag that is longer, too")):
        written(tmp_path / name, [scalar_event(tag, 1.0, step) for step in (1, 20)])
    head, *rows = lines_of(capsys, "show", tmp_path)[:3]
    for name in ("tag", "kind", "steps"):
        assert all(row[head.index(name) - 1] == " " != row[head.index(name)] for row in rows)


def test_internals_only_with_all(tmp_path, capsys):
    """Parts of a mesh are one row; tags of hyperparameters and layouts are hidden."""
    written(tmp_path, [event_of(summary.mesh("torus", np.zeros((3, 3)), faces=[[0, 1, 2]])),
                       event_of(summary.hparams({"layers": 3})),
                       event_of(summary.custom_scalars({"a": {"b": ["Multiline", ["x"]]}}))])
    text = "\n".join(lines_of(capsys, "show", tmp_path))
    assert " torus " in text and "layers=3 " in text
    assert "torus_VERTEX" not in text and "_hparams_" not in text and "custom_scalars" not in text
    text = "\n".join(lines_of(capsys, "show", "--all", tmp_path))
    assert "torus_VERTEX" in text and "_hparams_/session_start_info" in text
    assert "custom_scalars__config__" in text


def test_profiles_are_listed(tmp_path, capsys):
    """Sessions of the profiler, with and without an event file beside them."""
    written(tmp_path / "train", [scalar_event("x", 1.0, 1)])
    for run in ("train", "other"):
        session = tmp_path / run / "plugins" / "profile" / "2026_01_02"
        session.mkdir(parents=True)
        (session / "host.xplane.pb").write_bytes(bytes(1500))
    lines = lines_of(capsys, "show", tmp_path)
    assert [line.split() for line in lines if "2026" in line and "host" in line] == [
        [run, "2026_01_02", "host", "1.5", "kB"] for run in ("train", "other")]
    runs = json.loads("\n".join(lines_of(capsys, "show", "--json", tmp_path)))
    assert [run["profiles"][0]["hosts"] for run in runs] == [["host"], ["host"]]
    assert "other" not in "\n".join(lines_of(capsys, "show", tmp_path, "--run", "train"))


def test_many_tags_take_linear_time(tmp_path, capsys, request):
    """Four times the tags take about four times the time, in show and export; as growth with the
    square would take sixteen times, twelve leave room for a busy machine."""
    for name, count in (("one", 2000), ("two", 8000)):
        written(tmp_path / name, [scalar_event(f"tag{at}", 1.0, 1) for at in range(count)])
    gc.collect()
    gc.freeze()  # objects that other tests have left take time in every collection
    request.addfinalizer(gc.unfreeze)
    for command in ("show", "export"):
        seconds = []
        for name in ("one", "two"):
            begin = time.process_time()
            assert main([command, str(tmp_path / name)]) == 0
            seconds.append(time.process_time() - begin)
        capsys.readouterr()
        assert seconds[1] < 12 * seconds[0] + 0.2


def test_runs_without_values_have_no_time(tmp_path, capsys):
    """The end of a run of which no tag was chosen is an empty cell, not 1970."""
    for run in "abc":
        written(tmp_path / run, [scalar_event("x", 0.5, 1)])
    lines = lines_of(capsys, "show", tmp_path, "--tag", "nothing*")
    assert [line.split() for line in lines[1:4]] == [["a", "0"], ["b", "0"], ["c", "0"]]
    assert "19" not in "".join(lines[:4])


def test_events_of_a_few_bytes(tmp_path, capsys):
    """Events without a value, which may be as short as a field, are no scalars and do no harm."""
    short = [b"", wire.double_field(1, 1.6e9), wire.int_field(2, 7)]
    written(tmp_path, [scalar_event("loss", 1.0, 3), *short, scalar_event("loss", 2.0, 4)])
    line = lines_of(capsys, "show", tmp_path)[1]
    assert line.split()[:4] == [".", "loss", "scalar", "2"]
