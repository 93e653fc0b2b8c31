"""Huffman codes: zlib is the judge, which inflates what is packed."""
from __future__ import annotations

import zlib
from typing import List, Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tbwriter._values.deflate import Code, Packer, code_lengths

EVEN = Code([1] * 256)


def pack(code: Code, pieces: Sequence[bytes], mode: int = zlib.Z_FINISH) -> bytes:
    """`pieces` as one part of a deflate stream."""
    packer = Packer(code)
    packed = [packer.compress(np.frombuffer(piece, np.uint8)) for piece in pieces]
    return b"".join([*packed, packer.flush(mode)])


def inflate(stream: bytes) -> bytes:
    """zlib's output for a whole deflate stream; no byte may follow its end."""
    unpacker = zlib.decompressobj(-15)
    data = unpacker.decompress(stream) + unpacker.flush()
    assert unpacker.eof and not unpacker.unused_data
    return data


def test_lengths_of_the_paper() -> None:
    """The example of Huffman's paper of 1952: 13 messages take 3.42 bits in the mean."""
    hundredths = [20, 18, 10, 10, 10, 6, 6, 4, 4, 4, 4, 3, 1]
    lengths = code_lengths(hundredths)
    assert sum(map(int.__mul__, hundredths, lengths)) == 342


@given(st.lists(st.integers(1, 1 << 40), min_size=2, max_size=300))
def test_lengths_are_those_of_a_code(weights: List[int]) -> None:
    """No length is beyond 15, and the code is complete: Kraft's sum is 1."""
    lengths = code_lengths(weights)
    assert 1 <= min(lengths) and max(lengths) <= 15
    assert sum(1 << 15 - length for length in lengths) == 1 << 15


@given(st.lists(st.integers(1, 100), min_size=2, max_size=100))
def test_frequent_symbols_have_short_codes(weights: List[int]) -> None:
    """A byte that occurs more often does not have a longer code."""
    lengths = [length for _, length in sorted(zip(weights, code_lengths(weights)),
                                              key=lambda pair: (-pair[0], pair[1]))]
    assert lengths == sorted(lengths)


def test_lengths_are_limited() -> None:
    """Weights that grow like Fibonacci's numbers want codes of 39 bits; they get 15."""
    weights = [1, 1]
    while len(weights) < 40:
        weights.append(weights[-1] + weights[-2])
    lengths = code_lengths(weights)
    assert max(lengths) == 15
    assert sum(1 << 15 - length for length in lengths) == 1 << 15


@given(st.lists(st.integers(0, 1 << 30), min_size=256, max_size=256),
       st.lists(st.binary(max_size=300), max_size=5))
def test_any_bytes(counts: List[int], pieces: List[bytes]) -> None:
    """Whatever the counts say and however the bytes are cut, zlib gives them back."""
    assert inflate(pack(Code(counts), pieces)) == b"".join(pieces)


@given(st.lists(st.binary(max_size=50), min_size=1, max_size=5))
def test_parts_follow_each_other(parts: List[bytes]) -> None:
    """Parts that end with Z_SYNC_FLUSH, and a last one, are one stream."""
    stream = b"".join(pack(EVEN, [part], zlib.Z_SYNC_FLUSH) for part in parts[:-1])
    assert inflate(stream + pack(EVEN, parts[-1:])) == b"".join(parts)


@pytest.mark.parametrize("spread", [0.3, 3, 30, 300])
def test_as_small_as_zlib(spread: float) -> None:
    """Large data: right to the last bit, and at most 1 % larger than zlib's Z_HUFFMAN_ONLY."""
    data = np.random.default_rng(0).normal(0, spread, 300_001).astype(np.int64).astype(np.uint8)
    packed = pack(Code(np.bincount(data[::7], minlength=256).tolist()),
                  [data[:100_003].tobytes(), data[100_003:].tobytes()])
    assert inflate(packed) == data.tobytes()
    packer = zlib.compressobj(1, zlib.DEFLATED, -15, 8, zlib.Z_HUFFMAN_ONLY)
    assert len(packed) <= 1.01 * len(packer.compress(data.tobytes()) + packer.flush())


@pytest.mark.parametrize("byte", [0, 255])
def test_what_the_sample_does_not_hold(byte: int) -> None:
    """Bytes that never occur in the sample can be packed, in any number."""
    counts = [0] * 256
    counts[7] = 1000
    data = bytes([byte]) * 1001 + bytes([7])
    assert inflate(pack(Code(counts), [data])) == data
