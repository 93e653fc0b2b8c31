"""Pieces of bytes: the type in which messages are handed to the modules that write files.

A large payload stays a piece of its own on its way to the disk, so it is copied at most once.
"""
from __future__ import annotations

from sys import getsizeof
from typing import List, Sequence, Union

Part = Union[bytes, memoryview]
Parts = List[Part]
_PLACE = 8   # bytes of an item in a list
_BYTES = 33  # those that a bytes object takes besides its own


def total(parts: Sequence[Part]) -> int:
    """The number of bytes in all of `parts`."""
    size = 0
    for part in parts:  # few: faster than sum and map
        size += len(part)
    return size


def bytes_size(texts: Sequence[bytes]) -> int:
    """About how much memory a list of bytes objects takes; faster than `texts_size`."""
    return total(texts) + (_BYTES + _PLACE) * len(texts)


def texts_size(texts: Sequence[Union[str, bytes]]) -> int:
    """The memory that a list of texts takes."""
    return sum(map(getsizeof, texts)) + _PLACE * len(texts)
