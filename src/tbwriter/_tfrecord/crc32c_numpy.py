"""CRC-32C of long buffers by XOR of whole slices. Pure Python and numpy, some GB/s.

A CRC is the remainder of the message, read as a polynomial over GF(2), divided by a polynomial P
of degree 32. Among P's multiples there are some of only four terms, all of them a whole number of
bytes apart:

    x**(8 * 6777) + x**(8 * 484) + x**(8 * 100) + 1   =   0   modulo P

So a byte may be taken out of the message if it is XORed into the three bytes 6293, 6677 and 6777
places further on: the remainder stays. 6293 bytes at a time do not touch each other, and are moved
by three XORs of slices. What is left in the end, 6777 bytes, is folded by a table that holds what
each of their bits adds to the remainder.
"""
from __future__ import annotations

from functools import lru_cache
from typing import Any, Union

import numpy as np

Array = Any  # np.ndarray[Any, Any], which old numpy cannot subscript

# 6777 - 484, 6777 - 100, 6777: found by search; the tests check the equation above. Multiples of
# so few terms are rare. This one is short, and its first distance is nearly as long as all of it.
DISTANCES = (6293, 6677, 6777)
TAIL = DISTANCES[-1]

# How many bytes are worked on at a time: they fit into a core's second-level cache.
_PIECE = 1 << 17

_POLYNOMIAL = 0x82F63B78


def crc32c(data: Union[bytes, memoryview], crc: int = 0) -> int:
    """The CRC-32C of at least four bytes; `crc` is that of what came before."""
    message = np.frombuffer(data, np.uint8)
    work = np.empty(TAIL + min(_PIECE, len(message)), np.uint8)
    tail = work[:min(TAIL, len(message))]
    tail[:] = message[:len(tail)]
    # What came before adds to the first four bytes.
    tail[:4] ^= np.frombuffer((crc ^ 0xFFFF_FFFF).to_bytes(4, "little"), np.uint8)
    for start in range(TAIL, len(message), _PIECE):
        piece = message[start:start + _PIECE]
        work[TAIL:TAIL + len(piece)] = piece
        _fold(work, len(piece))
        tail[:] = work[len(piece):len(piece) + TAIL]
    return _remainder(tail) ^ 0xFFFF_FFFF


def _fold(work: Array, length: int) -> None:
    """Take the first `length` bytes out of `work`, which has TAIL bytes more."""
    for start in range(0, length, DISTANCES[0]):
        end = min(start + DISTANCES[0], length)
        for distance in DISTANCES:
            target = work[start + distance:end + distance]
            np.bitwise_xor(target, work[start:end], target)


def _remainder(tail: Array) -> int:
    """The remainder of at most TAIL bytes."""
    bits = np.unpackbits(tail, bitorder="little")
    return int(np.bitwise_xor.reduce(_bit_table()[-len(bits):] * bits))


@lru_cache(maxsize=None)
def _bit_table() -> Array:
    """What each bit of TAIL bytes adds to the remainder; the last byte's bits come last."""
    # A register with one bit set, shifted by one byte: for each of its 32 bits.
    shift = np.array([_shifted_by_a_byte(1 << bit) for bit in range(32)], np.uint32)
    table = shift[:8]
    while len(table) < 8 * TAIL:
        # `shift` spans as many bytes as the table has: so a table of twice the length.
        table = np.concatenate([_apply(shift, table), table])
        shift = _apply(shift, shift)
    return table[-8 * TAIL:]


def _shifted_by_a_byte(register: int) -> int:
    for _ in range(8):
        register = register >> 1 ^ (_POLYNOMIAL if register & 1 else 0)
    return register


def _apply(matrix: Array, registers: Array) -> Array:
    """A matrix over GF(2), given by its 32 columns, times each of `registers`."""
    product = np.zeros_like(registers)
    for bit, column in enumerate(matrix):
        product ^= (registers >> np.uint32(bit) & np.uint32(1)) * column
    return product
