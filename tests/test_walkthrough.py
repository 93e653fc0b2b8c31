"""The whole walkthrough, with fewer digits and epochs, as a stock TensorBoard shows it."""
from __future__ import annotations

import csv
import gzip
import json
import os
import re
import shlex
import subprocess
import sys
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("mxnet.module", reason="MXNet with its Module API is not installed")

import tbwriter
from tests.support.judges import LOADERS, events, http

EXAMPLES = Path(__file__).parent.parent / "examples"
SOURCE = str(Path(tbwriter.__file__).parent.parent)
EPOCHS, TRAIN, TEST, BATCH, INTERVAL = 3, 10000, 1000, 100, 50
STEPS = list(range(EPOCHS))

# The example as it is, but for the weight that it ends with.
PROGRAM = """
import runpy, sys
sys.path.insert(0, sys.argv.pop(1))
result = runpy.run_path(sys.path[0] + "/mnist_module.py", run_name="__main__")
import numpy
numpy.save("weight.npy", result["module"].get_params()[0]["fc1_weight"].asnumpy())
"""

# Modules that must not be installed: the walkthrough works without them.
WITHOUT = """
import sys
for name in ("google.protobuf", "tensorflow", "tensorboard", "tensorboardX", "mxboard"):
    sys.modules[name] = None
"""


def walk(directory, program=PROGRAM, epochs=EPOCHS, train=TRAIN):
    """Run the walkthrough in `directory`; gives all that it printed."""
    done = subprocess.run(
        [sys.executable, "-c", program, str(EXAMPLES), "--epochs", str(epochs), "--digits",
         str(train), str(TEST), "--interval", str(INTERVAL), "--batch-size", str(BATCH)],
        cwd=directory, env={**os.environ, "PYTHONPATH": SOURCE}, timeout=300, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.fixture(scope="module")
def walked(tmp_path_factory):
    """(directory, printed text) of the walkthrough."""
    directory = tmp_path_factory.mktemp("walkthrough")
    return directory, walk(directory)


@pytest.fixture(scope="module")
def name(walked):
    """The name of its run."""
    run, = (walked[0] / "logs").iterdir()
    return run.name


@pytest.fixture(scope="module", params=LOADERS)
def shown(walked, request):
    """A TensorBoard that shows it."""
    with http(walked[0] / "logs", request.param) as h:
        yield h


def printed(text, name):
    """The values that MXNet itself printed."""
    return [float(value) for value in re.findall(rf"{name}-accuracy=([0-9.]+)", text)]


def test_scalars(walked, shown, name):
    """Accuracy of training and validation, one point an epoch, as MXNet printed it; the network
    has learnt its digits."""
    text = walked[1]
    assert set(shown.json("scalars/tags")[name]) == {"train-accuracy", "valid-accuracy"}
    for tag, label in (("train-accuracy", "Train"), ("valid-accuracy", "Validation")):
        points = shown.json("scalars/scalars", run=name, tag=tag)
        assert [step for _, step, _ in points] == STEPS
        values = [value for *_, value in points]
        assert values == pytest.approx(printed(text, label), abs=1e-6)
    assert printed(text, "Validation")[-1] > 0.9


def test_histograms_and_distributions(walked, shown, name):
    """The weight of fc1 and its gradient, one entry an interval, all 128 x 784 numbers in it."""
    count = EPOCHS * TRAIN // BATCH // INTERVAL
    expected = {"fc1-weight": list(range(count)),
                "fc1-backward-weight": [step * INTERVAL for step in range(count)]}
    for dashboard in ("histograms", "distributions"):
        assert set(shown.json(f"{dashboard}/tags")[name]) == set(expected)
        for tag, steps in expected.items():
            points = shown.json(f"{dashboard}/{dashboard}", run=name, tag=tag)
            assert [step for _, step, _ in points] == steps
            for *_, value in points:
                if dashboard == "histograms":
                    assert sum(bucket[2] for bucket in value) == 128 * 784
                assert value[0][0 if dashboard == "histograms" else 1] < 0 < value[-1][1]


def assert_is_last_weight(png, directory):
    """The picture is 16 bits of grey, with each weight at its place between the extremes."""
    weight = np.load(directory / "weight.npy")
    picture = Image.open(BytesIO(png))
    assert picture.format == "PNG" and picture.mode.startswith("I") and picture.size == (784, 128)
    grey = (weight - weight.min()) / (weight.max() - weight.min()) * 65535
    assert np.array_equal(np.asarray(picture), grey.astype(np.uint16))


def test_images(walked, shown, name):
    """One picture an epoch; the last one is the trained weight, pixel for pixel."""
    directory, _ = walked
    assert list(shown.json("images/tags")[name]) == ["fc1-weight-image"]
    points = shown.json("images/images", run=name, tag="fc1-weight-image", sample=0)
    assert [point["step"] for point in points] == STEPS
    path = "images/individualImage?" + points[-1]["query"]
    body, content_type = shown.get(path)
    assert content_type.startswith("image/png")
    assert_is_last_weight(body, directory)


def test_time_series(walked, shown, name):
    """The page that TensorBoard opens with has all of it: scalars, histograms and pictures."""
    directory, text = walked
    base = "/experiment/defaultExperimentId/data/plugin/timeseries/"
    wanted = [{"plugin": "scalars", "tag": "valid-accuracy"},
              {"plugin": "histograms", "tag": "fc1-backward-weight", "run": name},
              {"plugin": "images", "tag": "fc1-weight-image", "run": name, "sample": 0}]
    answers = shown.post(base + "timeSeries", form={"requests": json.dumps(wanted)})
    scalars, histograms, images = (answer["runToSeries"][name] for answer in answers)
    assert [point["value"] for point in scalars] \
        == pytest.approx(printed(text, "Validation"), abs=1e-6)
    assert [sum(each["count"] for each in point["bins"]) for point in histograms] \
        == [128 * 784] * (EPOCHS * TRAIN // BATCH // INTERVAL)
    assert [point["step"] for point in images] == STEPS
    assert_is_last_weight(shown.bytes(base + "imageData", imageId=images[-1]["imageId"]), directory)


def commands(text):
    """The commands that the walkthrough printed, in order."""
    return [line.strip() for line in text.splitlines() if re.match(r"    \S", line)]


def test_it_says_where_to_look(walked, name):
    """It begins with the run and the full command of this environment's own TensorBoard, before
    anything else is done, and ends with the same command and three of tbwriter."""
    _, text = walked
    first, *others = commands(text)
    assert text.startswith(f"Logging to {os.path.join('logs', name)}. ")
    assert text.index(first) < text.index(f"rendering {TRAIN} + {TEST} digits")
    program = shlex.split(first)
    assert program[-2:] == ["--logdir", "logs"]
    assert Path(program[0]).parent == Path(sys.executable).parent
    assert subprocess.run([*program[:-2], "--version"], check=True, timeout=120,
                          stdout=subprocess.PIPE).stdout
    assert others[0] == first and len(others) == 4


def test_the_commands_that_it_ends_with(walked, name):
    """Each works as it is printed, in the shell that ran the walkthrough: the run is shown, checked
    without a finding, and its accuracies are exported."""
    directory, text = walked
    show, check, export = (subprocess.run(
        command, shell=True, cwd=directory, env={**os.environ, "PYTHONPATH": SOURCE}, timeout=120,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        for command in commands(text)[-3:])
    assert show.returncode == 0 and name in show.stdout and "valid-accuracy" in show.stdout
    assert check.returncode == 0, check.stdout
    assert export.returncode == 0, export.stdout
    with open(directory / f"{name}.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [float(row["value"]) for row in rows if row["tag"] == "valid-accuracy"] \
        == pytest.approx(printed(text, "Validation"), abs=1e-6)


def test_five_epochs_are_the_default():
    """A first look takes a minute; the 20 epochs of the original are an option."""
    code = (EXAMPLES / "mnist_module.py").read_text(encoding="utf-8")
    assert '"--epochs", type=int, default=5)' in code and "--epochs 20" in code


def test_without_protobuf_tensorflow_tensorboard(tmp_path):
    """All of it is written where none of them can be imported; a second run finds its digits."""
    walk(tmp_path, WITHOUT + PROGRAM, epochs=1, train=2000)
    run, = (tmp_path / "logs").iterdir()
    tags = [value.tag for event in events(run) for value in event.summary.value]
    assert sorted(set(tags)) == ["fc1-backward-weight", "fc1-weight", "fc1-weight-image",
                                 "train-accuracy", "valid-accuracy"]
    assert "Using the MNIST files in data/" in walk(tmp_path, epochs=1, train=2000)


def test_digits_are_mnist_files(tmp_path, monkeypatch, capsys):
    """The idx files have MNIST's header, are the same for the same seed, and also come from .gz;
    each digit is drawn, and none is like another."""
    monkeypatch.syspath_prepend(EXAMPLES)
    import digits

    folder = digits.prepare(str(tmp_path / "data"), train=300, test=20)
    images = (folder / "train-images-idx3-ubyte").read_bytes()
    labels = (folder / "train-labels-idx1-ubyte").read_bytes()
    # Headers as at http://yann.lecun.com/exdb/mnist/: magic, number, rows, columns; big endian.
    assert images[:16] == bytes.fromhex("00000803 0000012c 0000001c 0000001c")
    assert labels[:8] == bytes.fromhex("00000801 0000012c")
    pixels = np.frombuffer(images[16:], np.uint8).reshape(300, 28, 28)
    assert set(labels[8:]) == set(range(10))
    assert (pixels.max(axis=(1, 2)) > 100).all() and len(np.unique(pixels, axis=0)) == 300

    again = digits.prepare(str(tmp_path / "again"), train=300, test=20)
    for name in [name for pair in digits.NAMES for name in pair]:
        assert (again / name).read_bytes() == (folder / name).read_bytes()
        (again / f"{name}.gz").write_bytes(gzip.compress((again / name).read_bytes()))
        (again / name).unlink()
    capsys.readouterr()
    assert digits.prepare(str(again)) == again and "Using" in capsys.readouterr().out
    assert (again / "train-images-idx3-ubyte").read_bytes() == images
