"""Common libraries that do the parts of a writer's work: numpy, zlib and Pillow."""
from __future__ import annotations

import io
import zlib
from typing import Any

import numpy as np
from PIL import Image

from . import tensorflow_edges

_EDGES = np.array(tensorflow_edges())


def count(values: Any) -> None:
    """With 1549 edges, as most writers count."""
    np.histogram(values, _EDGES)


def checksum(data: bytes) -> None:
    """CRC-32, which every Python has. Event files need CRC-32C."""
    zlib.crc32(data)


def png(pixels: Any) -> None:
    Image.fromarray(pixels).save(io.BytesIO(), "PNG")
