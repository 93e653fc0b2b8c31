"""The short Module examples, run as they are, and asked for what they promise to show."""
from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

mx = pytest.importorskip("mxnet", reason="MXNet is not installed")
if not hasattr(mx, "mod"):
    pytest.skip("MXNet 2.0 has no Module", allow_module_level=True)

import tbwriter
from tests.support.judges import board, both_loaders

EXAMPLES = Path(__file__).parent.parent.parent / "examples"
SOURCE = str(Path(tbwriter.__file__).parent.parent)


def run(directory, name, *arguments):
    subprocess.run([sys.executable, str(EXAMPLES / name), *arguments], check=True, cwd=directory,
                   env={**os.environ, "PYTHONPATH": SOURCE}, timeout=300)


@pytest.fixture(scope="module")
def vanishing(tmp_path_factory):
    directory = tmp_path_factory.mktemp("vanishing")
    run(directory, "monitor_vanishing_gradient.py", "--epochs", "2")
    return directory / "runs" / "vanishing"


def width(board, run, layer):
    """From the lowest to the highest bucket of the last histogram of a layer's gradient."""
    histogram = board.tensors("histograms", run, f"fc{layer}_backward_weight")[-1][1]
    return histogram[-1, 1] - histogram[0, 0]


@both_loaders
def test_monitor_finds_the_vanishing_gradient(vanishing, loader):
    """With sigmoid, the gradient's histogram shrinks by orders of magnitude from the last layer to
    the first; with relu, all layers are about as wide."""
    with board(vanishing, loader) as b:
        assert set(b.runs()) == {"sigmoid", "relu"}
        widths = {run: np.array([width(b, run, layer) for layer in range(1, 10)])
                  for run in ("sigmoid", "relu")}
        assert [step for step, _ in b.tensors("histograms", "relu", "fc1_backward_weight")] \
            == [0, 10, 20, 30, 40, 50, 60]
    assert widths["sigmoid"][0] < widths["sigmoid"][-1] / 1000
    assert widths["relu"].min() > widths["relu"].max() / 10
    assert widths["sigmoid"][0] < widths["relu"][0] / 1000


def test_callbacks_in_three_lines(tmp_path):
    """Everything that its docstring names is there; loss falls and accuracy rises."""
    run(tmp_path, "module_callbacks.py", "--epochs", "3", "--digits", "10000", "1000")
    with board(tmp_path / "runs" / "module", "fast") as b:
        assert set(b.tags("scalars", "train")) == {
            "accuracy", "cross-entropy", "learning_rate", "speed/samples_per_second"}
        assert set(b.tags("histograms", "train")) == {
            f"{kind}/fc{layer}_{what}" for kind in ("parameters", "gradients")
            for layer in (1, 2) for what in ("weight", "bias")}
        assert set(b.tags("images", "train")) == {"images/fc1_weight"}
        accuracy = b.scalars("validation", "accuracy")
        assert [step for step, _ in accuracy] == [99, 199, 299] and accuracy[-1][1] > 0.9
        losses = [value for _, value in b.scalars("train", "cross-entropy")]
        assert len(losses) == 300 and losses[-1] < losses[0] / 3


@pytest.mark.parametrize("name", ["module_callbacks.py", "monitor_vanishing_gradient.py"])
def test_they_are_short(name):
    """An example fits on a page."""
    assert len((EXAMPLES / name).read_text().splitlines()) <= 60
