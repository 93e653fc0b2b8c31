"""Pieces of bytes: the one type that both pillars share.

A large payload stays a piece of its own on its way to the disk, so it is copied at most once.
"""
from __future__ import annotations

from typing import List, Sequence, Union

Part = Union[bytes, memoryview]
Parts = List[Part]


def total(parts: Sequence[Part]) -> int:
    """The number of bytes in all of `parts`."""
    size = 0
    for part in parts:  # few: faster than sum and map
        size += len(part)
    return size
