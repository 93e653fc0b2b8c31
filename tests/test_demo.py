"""The demo: every dashboard is filled, in both loaders, the same each time."""
from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from tests.support.judges import board, both_loaders, events, http
from tbwriter import check
from tbwriter.cli import main
from tbwriter.demo import PICTURES, POINTS, TRIALS, demo


@pytest.fixture(scope="module")
def logdir(tmp_path_factory):
    path = tmp_path_factory.mktemp("demo") / "logs"
    demo(str(path))
    return path


def test_check_finds_nothing(logdir):
    """The demo's log breaks no rule."""
    assert check.check(str(logdir)) == []


@both_loaders
def test_every_dashboard_has_something(logdir, loader):
    """All plugins have tags, with as many points as were written."""
    with board(logdir, loader) as shown:
        trials = [f"hparams/{trial:02d}" for trial in range(TRIALS)]
        assert sorted(shown.runs()) == sorted(["train", "validation", *trials])
        for run in ("train", "validation"):
            assert len(shown.scalars(run, "loss/total")) == POINTS
        assert len(shown.tensors("histograms", "train", "weights/dense")) == 21
        for tag in ("samples", "grid", "depth, 16 bits", "boxes", "video"):
            assert len(shown.blobs("images", "train", tag)) == PICTURES
        assert len(shown.blobs("audio", "train", "chord")) == PICTURES
        assert len(shown.tensors("pr_curves", "train", "detection")) == PICTURES
        assert len(shown.tensors("text", "train", "notes")) == 1
        assert set(shown.tags("mesh", "train")) == {"torus_VERTEX", "torus_FACE", "torus_COLOR"}
        assert len(shown.blobs("graphs", "train", "__run_graph__")) == 1
        assert len(shown.tensors("custom_scalars", "train", "custom_scalars__config__")) == 1


@both_loaders
def test_tensorboard_serves_it(logdir, loader):
    """Trials with their columns, the projector's points and pictures, the layout, graph nodes."""
    with http(logdir, loader) as shown:
        everything = {"startIndex": 0, "sliceSize": 100, "allowedStatuses": [
            "STATUS_UNKNOWN", "STATUS_SUCCESS", "STATUS_FAILURE", "STATUS_RUNNING"]}
        groups = shown.post("/data/plugin/hparams/session_groups", json=everything)
        assert len(groups["sessionGroups"]) == TRIALS
        first = groups["sessionGroups"][0]
        assert set(first["hparams"]) == {"learning_rate", "optimizer", "dropout", "layers"}
        assert {metric["name"]["tag"] for metric in first["metricValues"]} == {"quality", "cost"}
        assert shown.json("/data/plugin/projector/runs") == ["train"]
        embedding, = shown.json("/data/plugin/projector/info", run="train")["embeddings"]
        assert embedding["tensorShape"] == [120, 16]
        layout = shown.json("/data/plugin/custom_scalars/layout")
        assert [chart["title"] for chart in layout["category"][0]["chart"]] == [
            "loss and accuracy", "loss with its margin"]
        graph = shown.bytes("/data/plugin/graphs/graph", run="train").decode()
        assert "features/stage1/conv" in graph and "softmax" in graph


# A debugger for TensorFlow, and signs to packages that are not installed.
NOT_OURS = {"debugger-v2", "profile_redirect", "wit_redirect"}


@both_loaders
def test_no_dashboard_is_left_out(logdir, loader):
    """Everything that stock TensorBoard has a page for is there to look at. The Projector looks
    for its files in the background."""
    with http(logdir, loader) as shown:
        end = time.monotonic() + 60
        while True:
            listed = shown.json("/data/plugins_listing")
            empty = {name for name, plugin in listed.items() if not plugin["enabled"]}
            if empty == NOT_OURS or time.monotonic() > end:
                break
            time.sleep(0.1)
    assert empty == NOT_OURS and len(listed) > 12


def test_it_is_the_same_each_time(logdir, tmp_path):
    """But for the names of the files and the time in their first event."""
    demo(str(tmp_path / "again"))
    assert _contents(logdir) == _contents(tmp_path / "again")


def _contents(directory):
    return [event for path in sorted(directory.rglob("*tfevents*")) for event in events(path)[1:]]


def test_the_command_prints_how_to_see_it(tmp_path, capsys):
    """`tbwriter demo DIR` ends with the command for TensorBoard."""
    assert main(["demo", str(tmp_path / "logs")]) == 0
    assert f"tensorboard --logdir {tmp_path / 'logs'}" in capsys.readouterr().out


def test_what_the_documentation_prints(logdir, capsys, monkeypatch):
    """The output in docs/command-line.md is that of the demo."""
    page = (Path(__file__).parent.parent / "docs" / "command-line.md").read_text(encoding="utf-8")
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    monkeypatch.setenv("COLUMNS", "80")
    for arguments in (["show", str(logdir), "--run", "validation"],
                      ["tail", str(logdir), "--once", "--run", "train", "--tag", "loss*"],
                      ["export", str(logdir), "--tag", "accuracy", "--run", "train"]):
        assert main(arguments) == 0
        lines = [line for line in capsys.readouterr().out.splitlines() if line][:5]
        for line in lines[1:3]:
            assert line in page


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_view(tmp_path, number):
    """--view starts TensorBoard on the loopback, which prints its address. Ctrl-C ends it, and so
    does each other end of the command: nothing that it started runs on."""
    pytest.importorskip("tensorboard", reason="TensorBoard is not installed")
    process = subprocess.Popen(
        [sys.executable, "-m", "tbwriter", "demo", str(tmp_path / "logs"), "--view"],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True)
    try:
        address = ""
        for line in process.stdout:
            found = re.search(r"http://127\.0\.0\.1:\d+/", line)
            if found:
                address = found.group()
                break
        with urllib.request.urlopen(address + "data/environment") as answer:
            assert json.load(answer)["data_location"] == str(tmp_path / "logs")
        process.send_signal(number)
        process.communicate(timeout=60)  # until no process holds the pipe
        assert process.returncode in (0, -number)
        with pytest.raises(ProcessLookupError):
            for _ in range(600):
                os.killpg(process.pid, 0)
                time.sleep(0.1)
        with pytest.raises(OSError):
            urllib.request.urlopen(address)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate(timeout=60)


def test_without_tensorboard(tmp_path, monkeypatch, capsys):
    """Where TensorBoard is missing, the command to install it is printed."""
    monkeypatch.setattr("tbwriter.cli.demo.find_spec", lambda name: None)
    assert main(["demo", str(tmp_path / "logs"), "--view"]) == 0
    assert "    pip install tensorboard\n" in capsys.readouterr().out
