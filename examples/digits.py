"""Handwritten digits for the examples: MNIST if its files exist, else digits in its format.

    directory = prepare("data")

returns a directory with MNIST's four idx files. Existing files are used (also MNIST's .gz files).
Otherwise digits are drawn in Pillow's default font, each with noise and with a random position,
angle, size and brightness.
"""
from __future__ import annotations

import argparse
import gzip
import struct
from pathlib import Path
from typing import Iterator, Tuple

import numpy as np
from PIL import Image, ImageDraw, ImageFont

SIDE = 28
ANGLES = np.linspace(-20, 20, 11)
HEIGHTS = np.linspace(14, 20, 4)
NAMES = [("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
         ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")]


def prepare(directory: str, train: int = 60000, test: int = 10000, seed: int = 0) -> Path:
    """Make sure that `directory` holds the four files. train, test: how many digits to render."""
    folder = Path(directory)
    names = [name for pair in NAMES for name in pair]
    for name in names:
        packed = folder / f"{name}.gz"
        if packed.exists() and not (folder / name).exists():
            (folder / name).write_bytes(gzip.decompress(packed.read_bytes()))
    if all((folder / name).exists() for name in names):
        print(f"Using the MNIST files in {folder}/")
        return folder
    print(f"No MNIST files in {folder}/: rendering {train} + {test} digits in their format instead")
    folder.mkdir(parents=True, exist_ok=True)
    random, bank = np.random.RandomState(seed), _bank()
    for (image_name, label_name), count in zip(NAMES, (train, test)):
        labels = random.randint(0, 10, count).astype(np.uint8)
        with open(folder / image_name, "wb") as images:
            images.write(struct.pack(">IIII", 0x803, count, SIDE, SIDE))
            for chunk in _chunks(labels, label_name):
                images.write(_digits(bank, chunk, random).tobytes())
        (folder / label_name).write_bytes(struct.pack(">II", 0x801, count) + labels.tobytes())
    return folder


def _chunks(labels: "np.ndarray", what: str, size: int = 2000) -> Iterator["np.ndarray"]:
    """`labels` in pieces, with a progress bar where tqdm is installed."""
    starts = range(0, len(labels), size)
    try:
        from tqdm import tqdm
    except ImportError:
        pass
    else:
        starts = tqdm(starts, what.split("-")[0], unit_scale=size, unit=" digits")
    for start in starts:
        yield labels[start:start + size]


def _bank() -> "np.ndarray":
    """(10, variants, SIDE, SIDE) float32 in 0..1: each digit at all angles and heights."""
    font = ImageFont.load_default()
    return np.array([[_glyph(str(digit), angle, height, font)
                      for angle in ANGLES for height in HEIGHTS] for digit in range(10)],
                    np.float32) / 255


def _glyph(text: str, angle: float, height: float, font: "ImageFont.ImageFont") -> "np.ndarray":
    canvas = Image.new("L", (40, 40))
    ImageDraw.Draw(canvas).text((10, 10), text, fill=255, font=font)
    glyph = canvas.crop(canvas.getbbox())
    width = max(1, round(glyph.width * height / glyph.height))
    glyph = glyph.resize((width, round(height)), Image.BICUBIC)
    page = Image.new("L", (SIDE, SIDE))
    page.paste(glyph, ((SIDE - glyph.width) // 2, (SIDE - glyph.height) // 2))
    return np.asarray(page.rotate(angle, Image.BICUBIC))


def _digits(bank: "np.ndarray", labels: "np.ndarray",
            random: "np.random.RandomState") -> "np.ndarray":
    """(n, SIDE, SIDE) uint8: a random variant of each label, shifted by up to three pixels."""
    count, margin = len(labels), 3
    glyphs = bank[labels, random.randint(0, bank.shape[1], count)]
    padded = np.pad(glyphs, ((0, 0), (margin, margin), (margin, margin)))
    along = np.arange(SIDE)
    rows = random.randint(0, 2 * margin + 1, count)[:, None, None] + along[:, None]
    columns = random.randint(0, 2 * margin + 1, count)[:, None, None] + along
    moved = padded[np.arange(count)[:, None, None], rows, columns]
    strength = random.uniform(0.6, 1.0, (count, 1, 1)).astype(np.float32)
    noise = random.standard_normal(moved.shape).astype(np.float32) * 0.08
    return (np.clip(moved * strength + noise, 0, 1) * 255).astype(np.uint8)


def mnist_iterators(folder: Path, batch_size: int) -> Tuple[object, object]:
    """(train, test) as mx.io.MNISTIter: flat images of 784 numbers in 0..1."""
    import mxnet as mx

    train, test = (mx.io.MNISTIter(image=str(folder / images), label=str(folder / labels),
                                   batch_size=batch_size, flat=True, silent=True, shuffle=shuffle,
                                   seed=10)
                   for (images, labels), shuffle in zip(NAMES, (True, False)))
    return train, test


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("directory", nargs="?", default="data")
    prepare(parser.parse_args().directory)
