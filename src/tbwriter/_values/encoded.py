"""Pictures that are encoded already: PNG, JPEG, GIF and BMP files, kept byte for byte.

Only their size is read from them.
"""
from __future__ import annotations

from typing import Any, NamedTuple, Optional, Tuple


class File(NamedTuple):
    """An encoded picture, with the size its header states."""

    data: bytes
    width: int
    height: int


def encoded(data: bytes) -> File:
    """An encoded picture with its size.

    Raises ValueError unless it is PNG, JPEG, GIF or BMP: TensorBoard serves other files as mere
    bytes, which no browser shows.
    """
    size = None
    if data[:8] == b"\x89PNG\r\n\x1a\n" and data[12:16] == b"IHDR":
        size = _numbers(data, 16, 4, 4, "big")
    elif data[:6] in (b"GIF87a", b"GIF89a"):
        # "Logical Screen Descriptor": width and height, low byte first
        size = _numbers(data, 6, 2, 2, "little")
    elif data[:2] == b"BM":
        size = _bmp_size(data)
    elif data[:2] == b"\xff\xd8":
        size = _jpeg_size(data)
    if size is None or not min(size):
        raise ValueError(f"got {len(data)} bytes that begin with {data[:8]!r}, want a PNG, JPEG, "
                         "GIF or BMP file, or an array of pixels")
    return File(data, *size)


def _numbers(data: bytes, at: int, width: int, step: int, order: Any) -> Optional[Tuple[int, int]]:
    if len(data) < at + step + width:
        return None
    first, second = data[at:at + width], data[at + step:at + step + width]
    return int.from_bytes(first, order), int.from_bytes(second, order)


def _bmp_size(data: bytes) -> Optional[Tuple[int, int]]:
    if data[14:18] == b"\x0c\0\0\0":  # BITMAPCOREHEADER of OS/2: 16 bits each
        return _numbers(data, 18, 2, 2, "little")
    size = _numbers(data, 18, 4, 4, "little")
    # "If biHeight is negative, the bitmap is top-down"
    return size and (size[0], size[1] if size[1] < 1 << 31 else (1 << 32) - size[1])


def _jpeg_size(data: bytes) -> Optional[Tuple[int, int]]:
    """From the frame header, SOF0 to SOF15 (ITU T.81, B.2.2), after other marker segments."""
    at = 2
    while at + 9 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            size = _numbers(data, at + 5, 2, 2, "big")
            return size and (size[1], size[0])
        if marker == 0xFF:  # "any marker may optionally be preceded by fill bytes"
            at += 1
        elif marker == 0x01 or 0xD0 <= marker <= 0xD8:  # without parameters
            at += 2
        else:
            at += 2 + int.from_bytes(data[at + 2:at + 4], "big")
    return None
