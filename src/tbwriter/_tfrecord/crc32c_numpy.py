"""CRC-32C of long buffers by XOR of whole slices. Python and numpy only, some GB/s.

A CRC is the remainder of the message, read as a polynomial over GF(2), after division by a
polynomial P of degree 32. Some multiples of P have only four terms, a whole number of bytes apart:

    x**(8 * 6777) + x**(8 * 484) + x**(8 * 100) + 1   =   0   modulo P

So the remainder does not change if a byte is removed from the message and XORed into the three
bytes 6293, 6677 and 6777 places after it. A slice of 6293 bytes does not overlap its targets, so
three XORs of slices remove it. This leaves the last 6777 bytes. A table holds the remainder of each
bit in them, and the XOR of the entries of the set bits is the CRC.
"""
from __future__ import annotations

from functools import lru_cache
from typing import Any, Union

import numpy as np

Array = Any  # np.ndarray[Any, Any], which old numpy cannot subscript

# 6777 - 484, 6777 - 100 and 6777, found by search; the tests check the equation above. Multiples
# with so few terms are rare. This one is short, so the tail is, and its first distance is long, so
# the slices are.
DISTANCES = (6293, 6677, 6777)
TAIL = DISTANCES[-1]

# How many bytes are processed at a time: they fit into a core's second-level cache.
_PIECE = 1 << 17

_POLYNOMIAL = 0x82F63B78


def crc32c(data: Union[bytes, memoryview], crc: int = 0) -> int:
    """The CRC-32C of at least four bytes. `crc`: the CRC of the bytes that precede them."""
    message = np.frombuffer(data, np.uint8)
    work = np.empty(TAIL + min(_PIECE, len(message)), np.uint8)
    tail = work[:min(TAIL, len(message))]
    tail[:] = message[:len(tail)]
    # XORing the register into the first four bytes continues the CRC of the preceding bytes.
    tail[:4] ^= np.frombuffer((crc ^ 0xFFFF_FFFF).to_bytes(4, "little"), np.uint8)
    for start in range(TAIL, len(message), _PIECE):
        piece = message[start:start + _PIECE]
        work[TAIL:TAIL + len(piece)] = piece
        _fold(work, len(piece))
        tail[:] = work[len(piece):len(piece) + TAIL]
    return _remainder(tail) ^ 0xFFFF_FFFF


def _fold(work: Array, length: int) -> None:
    """Fold the first `length` bytes of `work` into the TAIL bytes that follow them."""
    for start in range(0, length, DISTANCES[0]):
        end = min(start + DISTANCES[0], length)
        for distance in DISTANCES:
            target = work[start + distance:end + distance]
            np.bitwise_xor(target, work[start:end], target)


def _remainder(tail: Array) -> int:
    """The remainder of a message of at most TAIL bytes."""
    bits = np.unpackbits(tail, bitorder="little")
    return int(np.bitwise_xor.reduce(_bit_table()[-len(bits):] * bits))


@lru_cache(maxsize=None)
def _bit_table() -> Array:
    """The remainder of each bit of TAIL bytes; those of the last byte are last."""
    # The shift by one byte as a matrix: for each bit of a register, the register it becomes.
    shift = np.array([_shifted_by_a_byte(1 << bit) for bit in range(32)], np.uint32)
    table = shift[:8]
    while len(table) < 8 * TAIL:
        # `shift` shifts by as many bytes as the table covers: each step doubles both.
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
