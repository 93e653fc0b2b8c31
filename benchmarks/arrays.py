"""The arrays that the cases log. They are seeded, so that every run logs the same values.

They are made once by one process and kept as .npy files in a directory, from where every writer's
process loads them:

    python -m benchmarks.arrays DIRECTORY NAME...

Noisy-natural pictures resemble those of a camera: smooth fields of colour (random values every 32
pixels, blown up bicubically) plus sensor noise (Gaussian, 3 levels of 255). A lossless encoder
cannot remove the noise: with it, a 1024 x 1024 picture takes 1.7 MB, as photographs do.
"""
from __future__ import annotations

import io
import os
import sys
from typing import Any, Callable, Dict, List

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from PIL.Image import Resampling

Array = Any  # np.ndarray[Any, Any], which old numpy cannot subscript


def noisy_natural(size: int, seed: int = 0) -> Array:
    """A picture like a photograph, (size, size, 3) uint8."""
    random = np.random.default_rng(seed)
    few = random.uniform(30, 225, (max(2, size // 32 + 1), max(2, size // 32 + 1), 3))
    planes = [Image.fromarray(plane).resize((size, size), Resampling.BICUBIC)
              for plane in few.astype(np.float32).transpose(2, 0, 1).copy()]
    smooth = np.stack([np.asarray(plane) for plane in planes], axis=-1)
    noisy = smooth + random.normal(0, 3, smooth.shape)
    return np.asarray(noisy.round().clip(0, 255).astype(np.uint8))


def noise(size: int, seed: int = 0) -> Array:
    """A picture that cannot be compressed, (size, size, 3) uint8."""
    random = np.random.default_rng(seed)
    return random.integers(0, 256, (size, size, 3)).astype(np.uint8)


def digit(seed: int) -> Array:
    """A handwriting-like digit as in MNIST: 28 x 28 grey, (28, 28, 1) uint8."""
    random = np.random.default_rng(seed)
    large = Image.new("L", (112, 112))
    font = ImageFont.load_default(size=90)
    ImageDraw.Draw(large).text((56, 56), str(seed % 10), 255, font=font, anchor="mm")
    turned = large.rotate(float(random.uniform(-20, 20)), Resampling.BILINEAR)
    return np.asarray(turned.resize((28, 28), Resampling.BOX))[..., None]


def digit_grid(seed: int) -> Array:
    """64 digits on one picture with borders of 2 pixels: (242, 242, 1) uint8."""
    grid = np.zeros((242, 242, 1), np.uint8)
    for i in range(64):
        top, left = 2 + 30 * (i // 8), 2 + 30 * (i % 8)
        grid[top:top + 28, left:left + 28] = digit(64 * seed + i)
    return grid


def plots() -> List[Array]:
    """Matplotlib figures as `add_figure` renders them, (480, 640, 3) uint8."""
    import matplotlib
    matplotlib.use("Agg")
    from matplotlib import pyplot

    random = np.random.default_rng(0)
    pictures = []
    for draw in ("plot", "scatter", "imshow"):
        figure, axes = pyplot.subplots()
        if draw == "imshow":
            axes.imshow(random.random((10, 10)))
        else:
            getattr(axes, draw)(np.arange(200), random.normal(size=200).cumsum())
        axes.set_title(draw)
        file = io.BytesIO()
        figure.savefig(file, format="png")
        pyplot.close(figure)
        pictures.append(np.asarray(Image.open(file).convert("RGB")))
    return pictures


def photographs() -> List[Array]:
    """Photographs from scikit-image and scikit-learn, (height, width, 3) uint8."""
    from skimage import data as skimage_data
    from sklearn.datasets import load_sample_images

    pictures = [skimage_data.astronaut(), skimage_data.coffee(), skimage_data.chelsea(),
                *load_sample_images().images]
    return [np.ascontiguousarray(picture, np.uint8) for picture in pictures]


def weights(size: int, seed: int = 0) -> Array:
    """Values distributed like the weights of a layer, float32."""
    return np.random.default_rng(seed).normal(0, 0.05, size).astype(np.float32)


def sound(seed: int) -> Array:
    """One second of a chord with noise at 44.1 kHz, float32 in -1..1."""
    random = np.random.default_rng(seed)
    at = np.arange(44100) / 44100
    chord = sum(np.sin(2 * np.pi * pitch * at) for pitch in (220, 277.2, 329.6))
    return np.asarray((0.25 * chord + random.normal(0, 0.02, at.shape)).clip(-1, 1), np.float32)


def _several(make: Callable[[int], Array], count: int = 4) -> List[Array]:
    return [make(seed) for seed in range(count)]


ARRAYS: Dict[str, Callable[[], List[Array]]] = {
    "digits": lambda: _several(digit, 16),
    "digit-grids": lambda: _several(digit_grid, 2),
    "natural-32": lambda: _several(lambda seed: noisy_natural(32, seed)),
    "natural-224": lambda: _several(lambda seed: noisy_natural(224, seed)),
    "natural-1024": lambda: _several(lambda seed: noisy_natural(1024, seed), 2),
    "natural-2048": lambda: _several(lambda seed: noisy_natural(2048, seed), 1),
    "natural-64": lambda: _several(lambda seed: noisy_natural(64, seed)),
    "natural-512": lambda: _several(lambda seed: noisy_natural(512, seed)),
    "noise-1024": lambda: _several(lambda seed: noise(1024, seed), 2),
    "photographs": photographs,
    "plots": plots,
    "weights-1e3": lambda: _several(lambda seed: weights(1000, seed), 16),
    "weights-1e4": lambda: _several(lambda seed: weights(10_000, seed)),
    "weights-1e5": lambda: _several(lambda seed: weights(100_000, seed)),
    "weights-1e6": lambda: _several(lambda seed: weights(1_000_000, seed), 2),
    "weights-1e7": lambda: _several(lambda seed: weights(10_000_000, seed), 1),
    "sounds": lambda: _several(sound),
    "matrix": lambda: [weights(10_000 * 128).reshape(10_000, 128)],
}


def make(directory: str, names: List[str]) -> None:
    """Make the arrays of `names` that are missing in `directory`."""
    os.makedirs(directory, exist_ok=True)
    for name in names:
        if not os.path.exists(_path(directory, name, 0)):
            for i, array in enumerate(ARRAYS[name]()):
                np.save(_path(directory, name, i), array)


def load(directory: str, name: str) -> List[Array]:
    """The arrays that `make` stored under `name`; an empty list for the name ""."""
    arrays: List[Array] = []
    while name and os.path.exists(_path(directory, name, len(arrays))):
        arrays.append(np.load(_path(directory, name, len(arrays))))
    if name and not arrays:
        raise FileNotFoundError(f"got no {name!r} in {directory}; was it made?")
    return arrays


def _path(directory: str, name: str, index: int) -> str:
    return os.path.join(directory, f"{name}.{index}.npy")


if __name__ == "__main__":
    make(sys.argv[1], sys.argv[2:])
