"""The offsets of records, many at once, compared with one after another."""
from __future__ import annotations

import random
import struct
from typing import List

import pytest

from tbwriter._scalars.walk import walk


def chunk_of(lengths: List[int]) -> bytes:
    return b"".join(struct.pack("<Q", length) + bytes(length + 8) for length in lengths)


@pytest.mark.parametrize("seed", range(30))
def test_any_lengths(seed: int) -> None:
    """Periods of any size, that change or break off, and no period at all."""
    source = random.Random(seed)
    lengths: List[int] = []
    for _ in range(source.randrange(1, 8)):
        period = [source.randrange(60) for _ in range(source.choice((1, 2, 20, 700)))]
        lengths += period * source.choice((1, 3, 200, 4000 // len(period)))
    chunk = chunk_of(lengths)
    offsets, found = walk(chunk)
    assert found.tolist() == lengths
    assert offsets.tolist() == [sum(lengths[:i]) + 16 * i for i in range(0, len(lengths), 1)][
        :len(lengths)] if len(lengths) < 3000 else offsets[-1] + lengths[-1] + 16 == len(chunk)


@pytest.mark.parametrize("cut", [1, 7, 8, 15, 16, 17, 30])
def test_ends(cut: int) -> None:
    """A record that is not wholly there ends the walk; so does a length that leads beyond."""
    chunk = chunk_of([14] * 5000)
    assert len(walk(chunk[:-cut])[0]) == 5000 - (cut + 29) // 30
    assert len(walk(chunk[:3000] + b"\xff" * 100)[0]) == 100
    assert len(walk(b"")[0]) == 0 and len(walk(bytes(7))[0]) == 0
