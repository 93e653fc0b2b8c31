"""Pixels to PNG, lossless.

Source: https://www.w3.org/TR/png-3/
"""
from __future__ import annotations

import zlib
from struct import pack
from typing import Any

import numpy as np

Array = Any  # np.ndarray[Any, Any], which old numpy cannot subscript

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
# "Colour type" by the number of channels: grey, grey + alpha, RGB, RGB + alpha.
_COLOUR_TYPE = {1: 0, 2: 4, 3: 2, 4: 6}


def encode(pixels: Array) -> bytes:
    """The PNG file that shows `pixels`: uint8 or uint16, shape (height, width, 1 to 4 channels)."""
    height, width, channels = pixels.shape
    depth = 8 * pixels.dtype.itemsize
    # "Multi-byte integers are in network byte order"
    rows = pixels.astype(pixels.dtype.newbyteorder(">")).view(np.uint8).reshape(height, -1)
    filtered = np.zeros((height, rows.shape[1] + 1), np.uint8)
    filtered[:, 1:] = rows
    head = pack(">IIBBBBB", width, height, depth, _COLOUR_TYPE[channels], 0, 0, 0)
    return b"".join([_SIGNATURE, _chunk(b"IHDR", head),
                     _chunk(b"IDAT", zlib.compress(filtered.data, 6)), _chunk(b"IEND", b"")])


def _chunk(name: bytes, data: bytes) -> bytes:
    return b"".join([pack(">I", len(data)), name, data,
                     pack(">I", zlib.crc32(data, zlib.crc32(name)))])
