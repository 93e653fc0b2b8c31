"""The examples of Gluon, Estimator, graphs and audio, run as they are, and what they show."""
from __future__ import annotations

import io
import os
import subprocess
import sys
import wave
from pathlib import Path

import numpy as np
import pytest

mx = pytest.importorskip("mxnet", reason="MXNet is not installed")
if not mx.__version__.startswith("1."):
    pytest.skip("the examples are written for MXNet 1.x", allow_module_level=True)

from google.protobuf import text_format
from tests.support.judges import board, both_loaders, http
from tensorboard.compat.proto.graph_pb2 import GraphDef

from tbwriter import FileWriter, summary

ROOT = Path(__file__).parent.parent.parent


def run(name, logdir):
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    subprocess.run([sys.executable, str(ROOT / "examples" / name), str(logdir)], check=True,
                   cwd=logdir, env=environment, timeout=300)


@both_loaders
def test_gluon_loop(tmp_path, loader):
    """It learns; there are histograms at every 50th step, and the graph."""
    run("gluon_loop.py", tmp_path)
    with board(tmp_path, loader) as b:
        accuracy = b.scalars(".", "accuracy")
        assert [step for step, _ in accuracy] == list(range(9, 200, 10))
        assert accuracy[-1][1] > 0.85 > accuracy[0][1]
        tags = b.tags("histograms")
        assert set(tags) == {f"{kind}/circle_dense{layer}_{name}" for layer in range(3)
                             for kind in ("parameters", "gradients") for name in ("weight", "bias")}
        for tag in tags:
            assert [step for step, _ in b.tensors("histograms", ".", tag)] == [0, 50, 100, 150]
        assert len(b.tags("graphs")) == 1


@both_loaders
def test_estimator(tmp_path, loader):
    """Training and validation share tags, three validations at the ends of three epochs."""
    run("estimator.py", tmp_path)
    with board(tmp_path, loader) as b:
        assert set(b.runs()) == {"train", "validation"}
        assert [step for step, _ in b.scalars("train", "loss")] == list(range(96))
        validation = b.scalars("validation", "accuracy")
        assert [step for step, _ in validation] == [31, 63, 95] and validation[-1][1] > 0.7
        assert all(value == pytest.approx(0.01)
                   for _, value in b.scalars("train", "learning_rate"))


@both_loaders
def test_graph(tmp_path, loader):
    """Three runs with a graph each; without MXNet's inference, the file lacks only shapes."""
    run("graph.py", tmp_path)
    with http(tmp_path, loader) as h:
        nodes = {}
        for name in "resnet", "lenet", "file":
            text = h.bytes("/data/plugin/graphs/graph", run=name, conceptual="false")
            nodes[name] = {node.name: node for node in text_format.Parse(text, GraphDef()).node}
    assert set(nodes["file"]) == set(nodes["lenet"])
    assert {name: list(node.input) for name, node in nodes["file"].items()} \
        == {name: list(node.input) for name, node in nodes["lenet"].items()}
    assert "_output_shapes" in nodes["lenet"]["conv2"].attr
    assert "_output_shapes" not in nodes["file"]["conv2"].attr
    assert "features/4_HybridSequential/0_BottleneckV1/_plus0" in nodes["resnet"]


def heard(blob):
    """(frames a second, samples (frames, channels)) of a WAV."""
    with wave.open(io.BytesIO(blob)) as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2")
        return file.getframerate(), samples.reshape(-1, file.getnchannels())


def sounds(b, tag):
    """The only clip of each step."""
    return [(step, heard(files[0])) for step, files in b.blobs("audio", ".", tag)]


@both_loaders
def test_audio(tmp_path, loader):
    """Stereo: left stays the target, right comes nearer to it."""
    run("audio.py", tmp_path)
    with board(tmp_path, loader) as b:
        (_, (rate, target)), = sounds(b, "target")
        learnt = sounds(b, "learnt")
    assert rate == 8000 and target.shape == (8000, 1)
    assert [step for step, _ in learnt] == [0, 10, 20, 30]
    errors = []
    for _, (rate, samples) in learnt:
        assert rate == 8000 and samples.shape == (8000, 2)
        assert np.array_equal(samples[:, :1], target)
        errors.append(np.abs(samples[:, 1].astype(float) - samples[:, 0]).max())
    assert errors[-1] < errors[0] / 4


@both_loaders
@pytest.mark.parametrize("shape", [(800,), (800, 1), (1, 800), (800, 2), (2, 800)])
def test_sound_from_an_ndarray(tmp_path, loader, shape):
    """Mono and stereo, frames first or channels first: the samples of the array at the call."""
    values = np.linspace(-1, 1, 1600, dtype="float32")[:int(np.prod(shape))].reshape(shape)
    array = mx.nd.array(values)
    with FileWriter(tmp_path) as writer:
        writer.add(summary.audio("sound", array, sample_rate=8000), 3)
        array[:] = 0
    frames = values.reshape(800, -1) if shape[0] == 800 else values.T
    with board(tmp_path, loader) as b:
        (step, (rate, samples)), = sounds(b, "sound")
    assert (step, rate, samples.shape) == (3, 8000, frames.shape)
    assert np.abs(samples / 32767 - frames).max() < 1e-4
