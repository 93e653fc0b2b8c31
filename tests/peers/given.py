"""The arguments for every writer, and the values that TensorBoard must then show."""
from __future__ import annotations

import io
from typing import Any

import numpy as np
from PIL import Image

CURVE = [1 / (step + 1) for step in range(5)]
VALUES = np.linspace(-1, 1, 101)
DESCRIPTION = "of the training"
TAG = "a b:c (%) ä"
TEXT = "It **converges**."
TABLE = [["layer", "size"], ["dense", "10"]]

RATE = 8000
SOUND = (0.5 * np.sin(np.arange(400) / 5)).astype(np.float32)
STEREO = np.stack([SOUND, -SOUND], axis=1)

# Counted elsewhere: true and false positives, true and false negatives, precision, recall.
COUNTS = np.array([[9, 7, 5, 2, 1], [6, 4, 2, 1, 0], [0, 2, 4, 5, 6], [0, 2, 4, 7, 8],
                   [0.6, 7 / 11, 5 / 7, 2 / 3, 1], [1, 7 / 9, 5 / 9, 2 / 9, 1 / 9]])
LABELS = np.random.RandomState(0).rand(500) > 0.4
PREDICTIONS = np.clip(0.3 * LABELS + 0.7 * np.random.RandomState(1).rand(500), 0.01, 0.99)

POINTS = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]], np.float32)
COLORS = np.array([[255, 0, 0], [0, 255, 0], [0, 0, 255], [9, 8, 7]], np.uint8)
FACES = np.array([[0, 1, 2], [0, 1, 3], [0, 2, 3]], np.int32)

HPARAMS = {"lr": 0.5, "net": "lenet", "nesterov": True}
METRICS = {"best": 0.25}
DOMAIN = {"lr": [0.25, 0.5]}
LAYOUT = {"losses": {"all": ["Multiline", ["loss"]], "band": ["Margin", ["mean", "low", "high"]]}}

# Five, so that they fill no square; each of one colour.
MATRIX = np.random.RandomState(0).randn(5, 3).astype(np.float32)
NAMES = ["one", "two", "three", "four", "five"]
TILES = np.array([[250, 0, 0], [0, 250, 0], [0, 0, 250], [250, 250, 0], [0, 250, 250]], np.uint8)
LARGE_MATRIX = np.random.RandomState(0).randn(60, 8).astype(np.float32)

BOX = [5, 4, 20, 15]  # left, top, right, bottom
FRAMES = TILES[:4]

HOSTILE = ["../out", "../../../out", "/../../../out", "a/../../../../out"]


def picture(channels: int, height: int = 6, width: int = 8) -> Any:
    """(height, width, channels), uint8; the fourth channel, and the second of two, is alpha."""
    size = height * width * channels
    return (np.arange(size).reshape(height, width, channels) * 37 % 256).astype(np.uint8)


def laid_out(layout: str, channels: int) -> Any:
    """The picture in a layout such as CHW; two of them where there is an N."""
    axes = {"H": 0, "W": 1, "C": 2, "N": 3}
    pixels = picture(channels)
    if "N" in layout:
        pixels = np.stack([pixels, pixels[::-1]], axis=3)
    if "C" not in layout:
        pixels = pixels[:, :, 0]
    return np.ascontiguousarray(pixels.transpose([axes[axis] for axis in layout]))


def several() -> Any:
    """Four pictures, NHWC."""
    return np.stack([np.roll(picture(3), shift, axis=1) for shift in range(4)])


def deep(channels: int) -> Any:
    """16 bits a channel, (height, width, channels)."""
    size = 6 * 8 * channels
    return (np.arange(size).reshape(6, 8, channels) * 1019 % 65536).astype(np.uint16)


def file(kind: str) -> bytes:
    """A picture as a file of that kind."""
    written = io.BytesIO()
    Image.fromarray(picture(3)).save(written, kind)
    return written.getvalue()


def tiles(height: int = 4, width: int = 4) -> Any:
    """A picture for each point of the embedding, (5, 3, height, width), from 0 to 1."""
    return np.broadcast_to(TILES[:, :, None, None] / np.float32(255), (5, 3, height, width)).copy()


def video() -> Any:
    """Four frames of one colour each, (1, time, channels, height, width)."""
    return np.broadcast_to(FRAMES[None, :, :, None, None], (1, 4, 3, 16, 16)).copy()
