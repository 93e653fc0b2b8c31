"""An example of every kind that TensorBoard shows, computed from formulas: `tbwriter demo DIR`.

Every dashboard has data to show. The values are the same on every run.
"""
from __future__ import annotations

import os
from typing import Any, List, Tuple

import numpy as np

from . import summary
from .profile import names
from .profile.drawing import Drawing
from .profile.session import Session
from .profile.xplane import Event
from .summary import Cost, Node, Summary
from .writer import FileWriter

# The invented training run: its start in seconds since 1970, and the seconds per step.
START = 1_700_000_000.0
STEP = 6.0

POINTS = 200
PICTURES = 5
TRIALS = 12

_COLORS = ((230, 85, 60), (70, 140, 220), (90, 180, 110), (240, 190, 70))


def demo(logdir: str) -> None:
    """Write the runs train, validation and hparams/00, ... into the new directory `logdir`.

    Raises FileExistsError if `logdir` is a file or a directory that is not empty.
    """
    if os.path.exists(logdir) and (not os.path.isdir(logdir) or os.listdir(logdir)):
        raise FileExistsError(f"got {logdir!r}, which is not empty, want a new directory")
    for name, lag in (("train", 0.0), ("validation", 0.25)):
        with FileWriter(os.path.join(logdir, name)) as writer:
            _scalars(writer, lag)
            if name == "train":
                _train(writer)
                writer.add(_profile(), 0)
    for trial in range(TRIALS):
        with FileWriter(os.path.join(logdir, "hparams", f"{trial:02d}")) as writer:
            _trial(writer, trial)


def _add(writer: FileWriter, payload: Any, step: int = 0) -> None:
    writer.add(payload, step, START + STEP * step)


def _train(writer: FileWriter) -> None:
    _add(writer, summary.graph(_network()))
    _add(writer, summary.costs("step 100", _costs()), 100)
    _add(writer, summary.text("notes", NOTES))
    _add(writer, summary.text("settings", SETTINGS))
    _add(writer, summary.custom_scalars(LAYOUT))
    _add(writer, summary.mesh("torus", *_torus()))
    _add(writer, _digits_embedding())
    for i in range(21):
        _histograms(writer, i * 10)
    for i in range(PICTURES):
        step = i * 50
        _pictures(writer, step)
        _add(writer, summary.audio("chord", _chord(i), sample_rate=16000), step)
        _add(writer, summary.pr_curve("detection", *_detections(i)), step)


def _scalars(writer: FileWriter, lag: float) -> None:
    noise = np.random.RandomState(int(lag * 100)).normal(size=(POINTS, 2))
    for step in range(POINTS):
        loss = 2.3 * np.exp(-step / 40) + lag * (0.4 + step / 1000) + 0.04 * noise[step, 0]
        accuracy = 0.97 - lag * 0.1 - 0.85 * np.exp(-step / 30) + 0.008 * noise[step, 1]
        scalars = (summary.scalar("loss/total", loss) + summary.scalar("accuracy", accuracy)
                   + summary.scalar("loss/lower", loss - 0.15)
                   + summary.scalar("loss/upper", loss + 0.15))
        if not lag:
            rate = 0.1 * min(1.0, (step + 1) / 20) * (1 + np.cos(np.pi * step / POINTS)) / 2
            scalars += summary.scalar("learning_rate", rate)
        _add(writer, scalars, step)


LAYOUT = {
    "Training": {
        "loss and accuracy": ["Multiline", ["loss/total", "accuracy"]],
        "loss with its margin": ["Margin", ["loss/total", "loss/lower", "loss/upper"]],
    },
}

NOTES = """### An invented training

Everything in this log directory comes from **formulas**:

* curves, with and without noise
* pictures, sounds and a torus
* twelve trials of *nothing at all*

`tbwriter demo` writes it again.
"""

SETTINGS = """| setting | value |
| --- | --- |
| batch size | 64 |
| optimizer | sgd |
| epochs | 10 |
"""


def _histograms(writer: FileWriter, step: int) -> None:
    random = np.random.RandomState(step)
    spread = 0.2 + step / 250
    _add(writer, summary.histogram("weights/dense", random.normal(step / 100, spread, 2000))
         + summary.histogram("gradients/dense", random.standard_t(5, 2000) / (20 + step)), step)


def _pictures(writer: FileWriter, step: int) -> None:
    y, x = np.mgrid[0:96, 0:96] / 96
    waves = np.stack([np.sin(6 * x + step / 30), np.sin(6 * y + step / 20),
                      np.sin(9 * (x + y) - step / 25)], axis=-1) / 2 + 0.5
    tinted = [waves * np.array(color) / 255 for color in _COLORS]
    _add(writer, summary.images("samples", np.stack(tinted)), step)
    _add(writer, summary.image("grid", np.stack(tinted), columns=2), step)
    depth = np.hypot(x - 0.5, y - 0.5 + step / 1000)
    _add(writer, summary.image("depth, 16 bits", (depth * 65535).astype(np.uint16)), step)
    corners = np.array([[12, 12, 50, 44], [40, 50, 88, 90]]) + step / 50
    _add(writer, summary.image_with_boxes("boxes", waves, corners, labels=["one", "two"]), step)
    _add(writer, summary.video("video", _ball(step)), step)


def _ball(step: int) -> "np.ndarray[Any, Any]":
    """A bouncing ball: uint8 [1, time, channels, height, width], as `summary.video` takes it."""
    y, x = np.mgrid[0:48, 0:64]
    frames = []
    for i in range(16):
        height = 38 - 28 * abs(np.sin(np.pi * (i + step / 10) / 8))
        inside = np.hypot(x - 8 - 3 * i, y - height) < 7
        frames.append(np.where(inside[None], np.array(_COLORS[0]).reshape(3, 1, 1), 245))
    clip: "np.ndarray[Any, Any]" = np.stack(frames)[None].astype(np.uint8)
    return clip


def _chord(i: int) -> "np.ndarray[Any, Any]":
    """One second of three notes; a higher `i` gives higher notes."""
    seconds = np.arange(16000) / 16000
    notes = 220 * 2 ** ((np.array([0, 4, 7]) + 2 * i) / 12)
    sound: "np.ndarray[Any, Any]" = np.sin(2 * np.pi * notes[:, None] * seconds).mean(axis=0)
    sound *= np.exp(-2 * seconds)
    return sound


def _detections(i: int) -> Tuple["np.ndarray[Any, Any]", "np.ndarray[Any, Any]"]:
    random = np.random.RandomState(i)
    labels = random.rand(500) < 0.4
    scores = 1 / (1 + np.exp(-random.normal(size=500) - (labels - 0.5) * (1 + i)))
    return labels, scores


def _torus() -> Tuple["np.ndarray[Any, Any]", "np.ndarray[Any, Any]", "np.ndarray[Any, Any]"]:
    """The vertices, colors and faces of a torus."""
    around, across = 48, 24
    u, v = np.meshgrid(np.arange(around) * 2 * np.pi / around,
                       np.arange(across) * 2 * np.pi / across, indexing="ij")
    vertices = np.stack([(2 + np.cos(v)) * np.cos(u), (2 + np.cos(v)) * np.sin(u), np.sin(v)], -1)
    colors = np.stack([128 + 127 * np.cos(u), 128 + 127 * np.sin(v), 128 + 127 * np.sin(u)], -1)
    at = np.arange(around * across).reshape(around, across)
    right, below = np.roll(at, -1, 0), np.roll(at, -1, 1)
    both = np.roll(right, -1, 1)
    faces = np.concatenate([np.stack([at, right, both], -1).reshape(-1, 3),
                            np.stack([at, both, below], -1).reshape(-1, 3)])
    return vertices.reshape(-1, 3), colors.astype(np.uint8).reshape(-1, 3), faces


def _digits_embedding() -> Any:
    """One cloud of points per color. Each point has a picture and two labels."""
    random = np.random.RandomState(7)
    centers = random.normal(scale=3, size=(len(_COLORS), 16))
    group = np.arange(120) % len(_COLORS)
    points = centers[group] + random.normal(size=(120, 16))
    pictures = np.array(_COLORS)[group][:, :, None, None] * np.linspace(0.4, 1, 16)[:, None]
    labels = [[f"point {i}", f"cloud {group[i]}"] for i in range(120)]
    return summary.embedding("clouds", points, metadata=labels, metadata_header=["name", "cloud"],
                             label_img=np.broadcast_to(pictures, (120, 3, 16, 16)).astype(np.uint8))


def _network() -> List[Node]:
    nodes = [Node("data", "Placeholder", output_shapes=[(64, 1, 28, 28)], dtype="float32")]
    last = "data"
    for i, channels in enumerate((32, 64), 1):
        scope = f"features/stage{i}"
        side = 28 >> i
        nodes += [
            Node(f"{scope}/conv", "Convolution", [last], attrs={"kernel": [3, 3]},
                 output_shapes=[(64, channels, side * 2, side * 2)]),
            Node(f"{scope}/relu", "Activation", [f"{scope}/conv"],
                 output_shapes=[(64, channels, side * 2, side * 2)]),
            Node(f"{scope}/pool", "Pooling", [f"{scope}/relu"],
                 output_shapes=[(64, channels, side, side)])]
        last = f"{scope}/pool"
    return nodes + [
        Node("classifier/flatten", "Flatten", [last], output_shapes=[(64, 3136)]),
        Node("classifier/dense", "FullyConnected", ["classifier/flatten"],
             attrs={"num_hidden": 10}, output_shapes=[(64, 10)]),
        Node("softmax", "SoftmaxOutput", ["classifier/dense"], output_shapes=[(64, 10)])]


def _costs() -> List[Cost]:
    start = 0.0
    costs = []
    for i, node in enumerate(_network()):
        micros = 40.0 + 97 * i % 350
        costs.append(Cost(node.name, micros, 4096 * (i + 1), start))
        start += micros
    return costs


def _trial(writer: FileWriter, trial: int) -> None:
    rate, optimizer = 10.0 ** -(1 + trial % 4), ("sgd", "adam", "rmsprop")[trial // 4]
    dropout = trial % 2 == 0
    settings = {"learning_rate": rate, "optimizer": optimizer, "dropout": dropout,
                "layers": 2 + trial % 3}
    _add(writer, summary.hparams(settings, start_time=START))
    best = 0.95 - 0.06 * abs(trial % 4 - 1.5) - 0.01 * (trial // 4) + 0.015 * dropout
    for step in range(0, 50, 5):
        quality: Summary = summary.scalar("quality", best * (1 - np.exp(-(step + 5) / 12)))
        _add(writer, quality + summary.scalar("cost", 2 * np.exp(-step / 15) / best), step)
    _add(writer, summary.hparams_end("SUCCESS", end_time=START + 50 * STEP), 50)


_LAYERS = (("stage1/conv", "Convolution", 5.0), ("stage2/conv", "Convolution", 7.0),
           ("classifier/dense", "FullyConnected", 2.0))


def _profile() -> Session:
    """Twelve training steps that spend most of their time waiting for input."""
    begin = int((START + 1000 * STEP) * 1e9)
    return Session(begin, begin + int(12 * 50e6), lambda: [_drawing()], host="demo")


def _drawing() -> Drawing:
    main: List[Event] = []
    loader: List[Event] = []
    queue: List[Event] = []
    memory: List[Event] = []
    for step in range(12):
        start = 50.0 * step
        wait = 25 + 5 * np.sin(step)
        main += [_span("train", start, 49, names.step(step, 100 + step)),
                 _span("load", start, wait, names.waits_for_input("load"))]
        loader += [_span("decode", start + 2, wait - 4), _span("augment", start + wait + 1, 12)]
        at = start + wait
        for name, kind, length in _LAYERS:
            main.append(_span(name, at, length, names.operator(name, kind)))
            at += length + 0.2
        queue += [names.counter("queue", _ps(start), (("batches", step % 3),))]
        memory += [names.memory("pool", _ps(start + wait), 96 << 20, 64 << 20, 96 << 20),
                   names.memory("pool", _ps(start + 45), 32 << 20, -64 << 20, 96 << 20)]
    return Drawing([("MainThread", main), ("loader", loader)], memory, queue)


def _span(name: str, start: float, length: float, stats: Any = ()) -> Event:
    return Event(name, _ps(start), _ps(length), stats)


def _ps(milliseconds: float) -> int:
    return round(milliseconds * 1000) * 1_000_000
