"""The numbers and texts that are logged in the race; made without numpy."""
from __future__ import annotations

from array import array
from typing import List


def scalars(count: int) -> List[float]:
    """As a loss falls; exact in float32, so that what was read compares with ==."""
    return array("f", (2 / (1 + step / 1000) + step * 2654435761 % 1000 / 10_000
                       for step in range(count))).tolist()


def texts(count: int) -> List[str]:
    return [f"Sample **{i}**: the quick brown fox jumps over the lazy dog, {'la ' * 20}"
            for i in range(count)]
