"""The numbers and texts that the cases log; made without numpy."""
from __future__ import annotations

from array import array
from typing import List


def scalars(count: int) -> List[float]:
    """A falling loss. The values are exact in float32, so that they can be compared with ==."""
    return array("f", (2 / (1 + step / 1000) + step * 2654435761 % 1000 / 10_000
                       for step in range(count))).tolist()


def texts(count: int) -> List[str]:
    return [f"Sample **{i}**: the quick brown fox jumps over the lazy dog, {'la ' * 20}"
            for i in range(count)]
