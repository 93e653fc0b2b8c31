"""Deflate without a search for repetitions: numpy replaces each byte by its Huffman code.

The result is as small as that of zlib's Z_HUFFMAN_ONLY and takes about half the time. One table
look-up codes two bytes, two such pairs are joined into a group of four, and a running sum of the
groups' lengths gives the word of 64 bits in which each group starts. This serves noisy pictures,
which contain no repetitions and take most of the time of encoding.

Source: RFC 1951; Huffman, "A Method for the Construction of Minimum-Redundancy Codes" (1952).
"""
from __future__ import annotations

import zlib
from functools import lru_cache
from heapq import heapify, heappop, heapreplace
from typing import Any, List, Sequence, Tuple

import numpy as np

Array = Any  # np.ndarray[Any, Any], which old numpy cannot subscript

# "Code lengths 0 - 15": so four codes fit into a word of 64 bits.
_LONGEST = 15
_END_OF_BLOCK = 256
# In the entries of a table the lower 58 bits are the code, the upper 6 its length.
_LENGTH_AT = np.uint64(58)
_CODE = np.uint64((1 << 58) - 1)


Bits = Tuple[int, int]  # (bits, the first one lowest; their number)


class Code:
    """A Huffman code for each of the 256 bytes.

    counts: how often each byte occurs in the data, or in a sample of it.
    """

    def __init__(self, counts: Sequence[int]) -> None:
        # No weight is 0, since bytes that the sample lacks need a code too. With weights of this
        # scale, codes are seldom longer than allowed.
        scale = (1 << _LONGEST - 1) / max(sum(counts), 1)
        lengths = code_lengths([int(count * scale) + 1 for count in counts] + [1])
        codes = _codes(lengths)
        self.head = _header(lengths)
        self.single: List[Bits] = list(zip(codes.tolist(), lengths))
        self.pairs = _pairs(codes[:256], np.array(lengths[:256], np.uint64))


class Packer:
    """Write one block of a deflate stream, in place of `zlib.compressobj` with negative `wbits`."""

    def __init__(self, code: Code) -> None:
        self._code = code
        # The last bits, which do not fill a word yet, and their number.
        self._bits = 0
        self._count = 0
        self._head = self._put(code.head)

    def compress(self, data: Array) -> bytes:
        """The codes of `data`, an array of uint8. Bits that fill no whole word are kept back."""
        flat = data.reshape(-1)
        whole = flat.size & ~3
        packed, self._head = self._head, b""
        if whole:
            packed += self._pack(flat[:whole])
        return packed + self._put([self._code.single[byte] for byte in flat[whole:].tolist()])

    def flush(self, mode: int = zlib.Z_FINISH) -> bytes:
        """The bits kept back, and the end of the block.

        mode: Z_FINISH ends the stream; after Z_SYNC_FLUSH another block can follow.
        """
        # "BFINAL is set if and only if this is the last block", and the length of this one was
        # unknown at its start. So an empty block follows: with fixed codes at the end of the
        # stream, else stored: "any bits up to the next byte boundary are ignored", LEN, NLEN.
        empty = (0b0000000_01_1, 10) if mode == zlib.Z_FINISH else (0b00_0, 3)
        packed = self._head + self._put([self._code.single[_END_OF_BLOCK], empty])
        packed += self._bits.to_bytes((self._count + 7) // 8, "little")
        self._head = b""
        self._bits = self._count = 0
        return packed if mode == zlib.Z_FINISH else packed + b"\0\0\xff\xff"

    def _put(self, codes: Sequence[Bits]) -> bytes:
        """Append a few codes one by one; return the words that are full."""
        for bits, count in codes:
            self._bits |= bits << self._count
            self._count += count
        whole = self._count // 64
        packed = (self._bits & (1 << 64 * whole) - 1).to_bytes(8 * whole, "little")
        self._bits >>= 64 * whole
        self._count -= 64 * whole
        return packed

    def _pack(self, flat: Array) -> bytes:
        """Append the codes of many bytes, a multiple of four; return the words that are full."""
        pairs = self._code.pairs.take(np.ascontiguousarray(flat).view("<u2").astype(np.intp))
        first, second = pairs[::2], pairs[1::2]
        length = first >> _LENGTH_AT
        codes = second & _CODE
        codes <<= length
        codes |= first & _CODE
        length += second >> _LENGTH_AT
        # Where the code of each group of four bytes starts: the word, and the bit in it.
        start = np.cumsum(length.view(np.int64))
        end = int(start[-1]) + self._count
        start -= length.view(np.int64)
        start += self._count
        place = (start & 63).view(np.uint64)
        start >>= 6
        # The last group that starts in a word may extend beyond bit 63, into the next word.
        last = np.append((start[1:] != start[:-1]).nonzero()[0], len(start) - 1)
        beyond = codes[last] >> np.uint64(1) >> (np.uint64(63) - place[last])
        # The groups in one word share no bits, so their sum joins them.
        codes <<= place
        words = np.cumsum(codes)[last]
        words[1:] -= words[:-1].copy()
        words[1:] += beyond[:-1]
        words[0] += np.uint64(self._bits)
        full = end // 64
        self._bits = int(words[-1] if full < len(words) else beyond[-1])
        self._count = end % 64
        return bytes(words[:full].astype("<u8", copy=False).tobytes())


def code_lengths(weights: Sequence[int]) -> List[int]:
    """The length of each symbol's code, at most 15 bits.

    weights: how often each symbol occurs, for two symbols or more.
    """
    # Node `i` is symbol `i`; inner nodes follow. An entry of the heap is (weight, node) in one
    # number, which compares faster than a tuple.
    heap = [weight << 10 | node for node, weight in enumerate(weights)]
    heapify(heap)
    parent = [0] * (2 * len(weights) - 1)
    for node in range(len(weights), len(parent)):
        one = heappop(heap)
        two = heap[0]
        parent[one & 1023] = parent[two & 1023] = node
        heapreplace(heap, (one >> 10) + (two >> 10) << 10 | node)
    depth = [0] * len(parent)
    for node in range(len(parent) - 2, -1, -1):
        depth[node] = depth[parent[node]] + 1
    lengths = depth[:len(weights)]
    if max(lengths) <= _LONGEST:
        return lengths
    # Halving the weights makes them more alike, and so the lengths.
    return code_lengths([weight // 2 + 1 for weight in weights])


def _codes(lengths: Sequence[int]) -> Array:
    """The codes of symbols with these lengths, with the first bit in the stream lowest.

    "All codes of a given bit length have lexicographically consecutive values, in the same order as
    the symbols they represent".
    """
    length = np.array(lengths)
    order = np.argsort(length, kind="stable")
    share = 1 << _LONGEST - length[order]
    codes = np.empty(len(lengths), np.uint64)
    # Zeros follow the bits of a code up to 15 bits, so the reversed code needs no shift.
    codes[order] = _reversed()[np.cumsum(share) - share]
    return codes


@lru_cache(maxsize=None)
def _reversed() -> Array:
    """Each number of 15 bits with its bits in reverse order."""
    numbers = np.arange(1 << _LONGEST)
    return sum((numbers >> bit & 1) << _LONGEST - 1 - bit for bit in range(_LONGEST))


def _pairs(codes: Array, lengths: Array) -> Array:
    """The joined code of two bytes, with its length, for each number of 16 bits."""
    with_length = codes + (lengths << _LENGTH_AT)
    pairs = codes[:, None] << lengths  # the first byte is the lower half
    pairs += (lengths << _LENGTH_AT)[:, None]
    pairs += with_length
    return pairs.reshape(-1)


def _header(lengths: Sequence[int]) -> List[Bits]:
    """The header of a block with dynamic codes, which gives each length as a number of four bits.

    "HLIT, # of literal/length codes - 257; HDIST, # of distance codes - 1; HCLEN, # of code length
    codes - 4". Of the code length codes, 16 to 18 (repetitions) are unused, and 0 to 15 take four
    bits each.
    """
    head = [(0b10_0, 3), (len(lengths) - 257, 5), (0, 5), (19 - 4, 4)]
    head += [(0, 3)] * 3 + [(4, 3)] * 16
    # "One distance code of zero bits means that there are no distance codes used at all".
    numbers = _reversed()[np.array([*lengths, 0]) << _LONGEST - 4]
    return head + [(int.from_bytes((numbers[::2] | numbers[1::2] << 4).astype(np.uint8).tobytes(),
                                   "little"), 4 * len(numbers))]
