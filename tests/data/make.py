"""Makes the recorded files of other implementations, which the reader's tests read.

    python tests/data/make.py WRITER     WRITER: tensorflow, torch, tensorboardX,
                                           tensorboard, mxboard, keras, signatures

Each is run where that package is installed and replaces tests/data/WRITER. The files in the
repository were written by tensorflow 2.21.0, torch 2.13.0, tensorboardX 2.6.5, tensorboard 2.21.0
and mxboard 0.1.0. All log the same things, as far as their writer has them; keras 3.15.1 gave the
JSON of a model, and signatures.json has what the methods of all the SummaryWriters at hand take.
"""
from __future__ import annotations

import argparse
import importlib
import inspect
import json
import shutil
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
STEPS = range(5)
IMAGE = (np.arange(6 * 8 * 3).reshape(6, 8, 3) % 256).astype(np.uint8)
SOUND = np.sin(np.arange(400) / 5.0).astype(np.float32)
VALUES = np.linspace(-1, 1, 101)


def tensorflow(directory: Path) -> None:
    import tensorflow as tf
    from tensorboard.plugins.hparams import api as hp

    with tf.summary.create_file_writer(str(directory)).as_default():
        for step in STEPS:
            tf.summary.scalar("loss", 1 / (step + 1), step=step, description="of the training")
        tf.summary.histogram("weights", VALUES, step=1, buckets=10)
        tf.summary.image("samples", np.stack([IMAGE, IMAGE[::-1]]), step=1, max_outputs=2)
        tf.summary.audio("sound", SOUND.reshape(1, -1, 1), 8000, step=1)
        tf.summary.text("notes", "**bold**", step=1)
        hp.hparams({"lr": 0.1, "optimizer": "sgd", "nesterov": True}, trial_id="trial")


def _torch_shaped(writer, sound) -> None:
    for step in STEPS:
        writer.add_scalar("loss", 1 / (step + 1), step)
    writer.add_histogram("weights", VALUES, 1)
    writer.add_image("samples", IMAGE, 1, dataformats="HWC")
    writer.add_audio("sound", sound, 1, sample_rate=8000)
    writer.add_text("notes", "**bold**", 1)
    writer.add_pr_curve("pr", np.array([0, 1, 1, 0]), np.array([0.1, 0.8, 0.6, 0.4]), 1)


def torch(directory: Path) -> None:
    from torch.utils.tensorboard import SummaryWriter

    with SummaryWriter(str(directory)) as writer:
        _torch_shaped(writer, SOUND.reshape(1, -1))
        writer.add_scalar("double", 1 / 3, 1, new_style=True, double_precision=True)
        writer.add_tensor("tensor", __import__("torch").arange(6.0).reshape(2, 3), 1)
        writer.add_hparams({"lr": 0.1, "optimizer": "sgd", "nesterov": True}, {"best": 0.2},
                           run_name="trial")


def tensorboardX(directory: Path) -> None:
    from tensorboardX import SummaryWriter

    with SummaryWriter(str(directory)) as writer:
        _torch_shaped(writer, SOUND.reshape(-1, 1))
        writer.add_hparams({"lr": 0.1, "optimizer": "sgd", "nesterov": True}, {"best": 0.2},
                           name="trial")


def tensorboard(directory: Path) -> None:
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.plugins.histogram import summary as histogram
    from tensorboard.plugins.scalar import summary as scalar
    from tensorboard.plugins.text import summary as text
    from tensorboard.summary.writer.event_file_writer import EventFileWriter

    writer = EventFileWriter(str(directory))
    for step in STEPS:
        summary = scalar.pb("loss", np.float32(1 / (step + 1))).SerializeToString()
        event = Event(wall_time=1.7e9 + step, step=step)
        event.summary.ParseFromString(summary)
        writer.add_event(event)
    for summary in (histogram.pb("weights", VALUES), text.pb("notes", "**bold**")):
        event = Event(wall_time=1.7e9, step=1)
        event.summary.ParseFromString(summary.SerializeToString())
        writer.add_event(event)
    writer.close()


def mxboard(directory: Path) -> None:
    import mxnet as mx
    from mxboard import SummaryWriter

    with SummaryWriter(str(directory)) as writer:
        for step in STEPS:
            writer.add_scalar("loss", 1 / (step + 1), step)
        writer.add_histogram("weights", mx.nd.array(VALUES), 1, bins=10)
        writer.add_image("samples", mx.nd.array(IMAGE.transpose(2, 0, 1)[None], dtype="uint8"), 1)
        writer.add_text("notes", "**bold**", 1)


def keras(directory: Path) -> None:
    import keras as their
    data = their.layers.Input((4,), name="data")
    branches = [their.layers.Dense(3, name=name)(data) for name in ("left", "right")]
    model = their.Model(data, their.layers.Add(name="sum")(branches), name="net")
    directory.mkdir()
    (directory / "model.json").write_text(model.to_json())


def signatures(directory: Path) -> None:
    """{writer: {method: [[name, default], ...]}}, the defaults as text."""
    path = directory.with_suffix(".json")
    known = json.loads(path.read_text()) if path.exists() else {}
    for writer, module in (("torch", "torch.utils.tensorboard"), ("tensorboardX", "tensorboardX"),
                           ("mxboard", "mxboard")):
        try:
            methods = vars(importlib.import_module(module).SummaryWriter)
        except (ImportError, AttributeError):  # not here, or the directory of that name
            continue
        known[writer] = {
            name: [[one.name, "" if one.default is one.empty else repr(one.default)]
                   for one in list(inspect.signature(method).parameters.values())[1:]
                   if one.kind is not one.VAR_KEYWORD]
            for name, method in methods.items()
            if callable(method) and (name == "__init__" or not name.startswith("_"))}
    lines = (f'"{writer}": {{\n' + ",\n".join(f' "{name}": {json.dumps(each)}'
                                             for name, each in known[writer].items()) + "\n}"
             for writer in sorted(known))
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n")


WRITERS = (tensorflow, torch, tensorboardX, tensorboard, mxboard, keras, signatures)

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Replace the recorded files of a writer.")
    parser.add_argument("writer", choices=[one.__name__ for one in WRITERS])
    asked = parser.parse_args().writer
    target = HERE / asked
    shutil.rmtree(target, ignore_errors=True)
    globals()[asked](target)
    # Without the name of the machine.
    for number, path in enumerate(sorted(target.rglob("*tfevents*"))):
        path.rename(path.with_name(f"events.out.tfevents.160000000{number}.machine"))
