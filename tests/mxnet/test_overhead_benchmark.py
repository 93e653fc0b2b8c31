"""The benchmark of the cost of logging: it runs, and all writers do the same work."""
from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

mx = pytest.importorskip("mxnet", reason="MXNet is not installed")
if not hasattr(mx, "mod"):
    pytest.skip("the benchmark trains with Module, which MXNet 2 has not", allow_module_level=True)
pytest.importorskip("tensorboardX", reason="tensorboardX is not installed")

from tests.support.judges import events

ROOT = Path(__file__).parent.parent.parent
BATCHES, ROUNDS, PARAMETERS = 3, 2, {"mlp": 6, "convnet": 8}


def test_a_resnet_is_logged_by_all(tmp_path):
    """Both writers log the parameters and gradients of the same batches; a line for each states the
    time of a step."""
    output = subprocess.run(
        [sys.executable, "-m", "benchmarks.mxnet_resnet", "--smoke", "--json", "--rounds", "1",
         "--logdir", str(tmp_path)], check=True, cwd=ROOT, stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")}, timeout=300, text=True).stdout
    lines = [json.loads(line) for line in output.splitlines() if line.startswith("{")]
    assert [line["writer"] for line in lines[:2]] == ["tbwriter", "tensorboardX"]
    assert all(line["step"] > 0 and {"extra", "next"} <= set(line) for line in lines)
    shown = {}
    for writer in "tbwriter", "tensorboardX":
        shown[writer] = sorted((value.tag, value.histo.num)
                               for event in events(tmp_path / writer)
                               for value in event.summary.value)
    assert shown["tbwriter"] == shown["tensorboardX"] and len(shown["tbwriter"]) == 124


def test_writers_do_the_same_work(tmp_path):
    """A line for each network and writer; two metrics a batch, histograms of all parameters at the
    first batch, a picture an epoch in each writer's log. "nothing" is there to compare with."""
    output = subprocess.run(
        [sys.executable, "-m", "benchmarks.mxnet_overhead", "--smoke", "--json", "--rounds",
         str(ROUNDS), "--logdir", str(tmp_path)], check=True, cwd=ROOT, stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")}, timeout=300, text=True).stdout
    lines = [json.loads(line) for line in output.splitlines() if line.startswith("{")]
    assert [(line["network"], line["writer"]) for line in lines] == [
        (network, writer) for network in PARAMETERS
        for writer in ("tbwriter", "tensorboardX", "nothing")]
    assert all(line["rounds"] == ROUNDS and line["step_ms"] > 0 for line in lines)
    for network, parameters in PARAMETERS.items():
        for writer in "tbwriter", "tensorboardX":
            counts = {}
            for event in events(tmp_path / network / writer):
                for value in event.summary.value:
                    counts[value.tag] = counts.get(value.tag, 0) + 1
            batches = ROUNDS * BATCHES
            assert counts.pop("accuracy") == counts.pop("cross-entropy") == batches
            assert counts.pop("picture") == ROUNDS
            assert len(counts) == parameters and set(counts.values()) == {1}
