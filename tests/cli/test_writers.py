"""Logs of other kinds of writers, and the copies by repair, merge, select and thin.

The files are made by tests/data/make_writers.py; stock TensorBoard is the judge, in both loaders.
"""
from __future__ import annotations

import json
import shutil
from typing import Any, Dict, List, Tuple

import numpy as np
import pytest

from tbwriter.cli import main
from tests.support.data import DATA
from tests.support.judges import board, both_loaders

WRITERS = DATA / "writers"
ONE_TENTH = [(step, step / 10) for step in range(10)]
LOSS = [(step, 1 / (step + 1)) for step in range(8)]

# {writer: {run: {tag: points in the copy}}}, and why how many values are not in it.
COPIES: Dict[str, Tuple[Dict[str, Dict[str, List[Any]]], Dict[str, int]]] = {
    "estimator": ({".": {"loss": LOSS[:5]}}, {"session log": 2}),
    # The second START purges steps 3, 4 and 5; the graph of the second file replaces the first.
    "restarted": ({".": {"loss": LOSS}},
                  {"session log": 4, "purged by a restart": 3, "same step": 1}),
    "merge_all": ({".": {"loss": [(step, 1 / (step + 1)) for step in range(30)],
                         "accuracy": [(step, step / 10) for step in range(30)],
                         "rate": [(step, 0.1) for step in range(30)]}}, {}),
    "two_writers": ({".": {"loss": ONE_TENTH},
                     "writer2": {"loss": [(step, 1 + value) for step, value in ONE_TENTH]}}, {}),
    "clock_set_back": ({".": {"loss": [(step, 1.0 + (step > 4)) for step in range(10)]}}, {}),
    "unknown_plugin": ({".": {"loss": [(step, 1.0) for step in range(3)]}}, {}),
    "empty_file": ({".": {"loss": [(step, 1.0) for step in range(3)]}}, {}),
}
COMMANDS = {"repair": ["repair"], "merge": ["merge"], "select": ["select"],
            "thin": ["thin", "--points", "1000"]}


def copied(command, source, out, capsys):
    """The report of one command that copies a log directory."""
    capsys.readouterr()
    assert main([*COMMANDS[command], "--json", str(source), str(out)]) == 0
    return json.loads(capsys.readouterr().out)


def name_of(command, run):
    """The name of a run of the copy that a command made in a directory of its own name."""
    return command if run == "." else f"{command}/{run}"


@both_loaders
@pytest.mark.parametrize("writer", COPIES)
def test_copies(writer, loader, tmp_path, capsys):
    """Each curve is in the copies as a person would expect it, the graph survives, and the report
    says what is left out."""
    runs, left_out = COPIES[writer]
    for command in COMMANDS:
        report = copied(command, WRITERS / writer, tmp_path / command, capsys)
        assert report["left_out"] == left_out
        assert report["read"] == report["written"] + sum(left_out.values())
    with board(tmp_path, loader) as shown:
        assert shown.runs() == sorted(name_of(command, run) for command in COMMANDS for run in runs)
        for command in COMMANDS:
            for run, tags in runs.items():
                assert set(shown.tags("scalars", name_of(command, run))) == set(tags)
                for tag, points in tags.items():
                    assert shown.scalars(name_of(command, run), tag) == [
                        (step, float(np.float32(value))) for step, value in points]
            assert len(shown.tags("graphs", command)) == (writer in ("estimator", "restarted"))


# Where the copy shows the same as the original, in both loaders.
SAME = ["estimator", "merge_all", "clock_set_back", "unknown_plugin", "empty_file"]


@both_loaders
@pytest.mark.parametrize("writer", SAME)
def test_both_loaders_show_the_same(writer, loader, tmp_path, capsys):
    """Where the report names nothing that is shown, the copies show what the original does."""
    shutil.copytree(WRITERS / writer, tmp_path / "original")
    for command in COMMANDS:
        copied(command, WRITERS / writer, tmp_path / command, capsys)
    with board(tmp_path, loader) as shown:
        assert shown.runs() == sorted(["original", *COMMANDS])
        seen = [({tag: shown.scalars(run, tag, wall_times=True)
                  for tag in shown.tags("scalars", run)},
                 {tag: shown.blobs("graphs", run, tag) for tag in shown.tags("graphs", run)})
                for run in ("original", *COMMANDS)]
        assert all(copy == seen[0] for copy in seen)


# Files that these packages wrote, by tests/data/make.py.
PACKAGES = ("torch", "tensorboardX", "tensorflow", "tensorboard")
PLUGINS = ("scalars", "histograms", "images", "audio", "text", "graphs", "pr_curves", "mesh",
           "hparams")


def all_shown(shown, run):
    """The tags of each plugin, and all points of the scalars, but for torch's scalar of double
    precision: the copies have it as simple_value."""
    tags = {plugin: set(shown.tags(plugin, run)) - {"double"} for plugin in PLUGINS}
    return tags, {tag: shown.scalars(run, tag, wall_times=True) for tag in tags["scalars"]}


@both_loaders
@pytest.mark.parametrize("package", PACKAGES)
def test_what_packages_wrote(package, loader, tmp_path, capsys):
    """Both loaders show the same tags of each plugin, and the same scalars, before and after each
    command that copies. A scalar of double precision, which the fast loader does not show, is shown
    by both in the copies."""
    shutil.copytree(DATA / package, tmp_path / "original")
    for command in COMMANDS:
        report = copied(command, DATA / package, tmp_path / command, capsys)
        assert report["read"] == report["written"] + sum(report["left_out"].values())
        assert set(report["left_out"]) <= {"session log", "same step"}
    with board(tmp_path, loader) as shown:
        runs = shown.runs()
        below = [run[len("original"):] for run in runs if run.startswith("original")]
        assert runs == sorted(name + end for name in ("original", *COMMANDS) for end in below)
        for end in below:
            want = all_shown(shown, "original" + end)
            assert all(all_shown(shown, command + end) == want for command in COMMANDS)
        for command in COMMANDS if package == "torch" else ():
            assert shown.scalars(command, "double") == [(1, float(np.float32(1 / 3)))]


@pytest.mark.parametrize("writer", COPIES)
def test_thin_never_makes_a_run_larger(writer, tmp_path, capsys):
    """A copy with fewer points has at most the bytes of the original, also of a small run and of
    events with several scalars."""
    for points in (1, 2, 1000):
        out = tmp_path / str(points)
        assert main(["thin", "--points", str(points), str(WRITERS / writer), str(out)]) == 0
        before, after = (sum(path.stat().st_size for path in directory.rglob("*tfevents*"))
                         for directory in (WRITERS / writer, out))
        assert after <= before


def test_events_with_several_scalars_stay_together(tmp_path):
    """The copy of such a log is not larger than it."""
    assert main(["repair", str(WRITERS / "merge_all"), str(tmp_path / "out")]) == 0
    before, = (WRITERS / "merge_all").iterdir()
    after, = (tmp_path / "out").iterdir()
    assert after.read_bytes() == before.read_bytes()
