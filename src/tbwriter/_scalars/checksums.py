"""CRC-32C of many messages of one length, from the linearity of the CRC.

For messages of one length, crc(a ^ b) = crc(a) ^ crc(b) ^ crc(0). So the CRC of a template, whose
varying bytes are zero, is computed once, and each varying byte adds a number that depends on the
byte and on its distance from the end of the message. The encoder and the decoder of scalars look
these numbers up in the tables made here.
"""
from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

Array = Any  # np.ndarray, whose generic form numpy 1.19 does not have

_POLYNOMIAL = np.uint32(0x82F63B78)
# How many table entries to look up per call: the indices stay in the processor's cache.
_BLOCK = 1 << 15
# Up to this distance, all tables are made together.
_NEAR = 384


def byte_tables(distances: Array) -> Array:
    """uint32 [n, 256]: the contribution of each value of a byte to the CRC, at n distances.

    distances: how many bytes of the message follow the byte.
    """
    if len(distances) and distances.max() < _NEAR:
        near: Array = _near_tables()[distances]
        return near
    return _made(distances)


@lru_cache(maxsize=1)
def _near_tables() -> Array:
    return _made(np.arange(_NEAR))


def _made(distances: Array) -> Array:
    bits = _bits(distances)
    tables = np.zeros((len(bits), 256), np.uint32)
    for bit in range(8):
        size = 1 << bit
        tables[:, size:2 * size] = tables[:, :size] ^ bits[:, bit, None]
    return tables


def added(rows: Array, columns: Array, tables: Array) -> Array:
    """uint32 [n]: the contribution of some columns of each row to the CRC of the row.

    rows: uint8 [n, length]. columns: [k]. tables: [k, 256], those of the columns' distances.
    """
    found = np.empty(len(rows), np.uint32)
    flat = tables.reshape(-1)
    first = np.arange(len(columns)) * 256
    size = max(16, _BLOCK // max(1, len(columns)))
    for begin in range(0, len(rows), size):
        index = rows[begin:begin + size, columns] + first
        np.bitwise_xor.reduce(flat[index], axis=1, out=found[begin:begin + size])
    return found


@lru_cache(maxsize=1024)  # of 8 kB each
def bits_table(first: int, count: int, group: int, distance: int) -> Array:
    """uint32 [2**count]: what `count` bits of a number, from bit `first` on, add to the CRC.

    group: how many bits of the number are in each byte. distance: how many bytes of the message
    follow the byte with the lowest bits.
    """
    bits = range(first, first + count)
    table = np.zeros(1, np.uint32)
    for bit, row in zip(bits, _bits([distance - bit // group for bit in bits])):
        table = np.concatenate([table, table ^ row[bit % group]])
    return table


@lru_cache(maxsize=1)
def _table() -> Array:
    """The contribution of the last byte of a message to the CRC."""
    table = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        table = np.where(table & 1, table >> 1 ^ _POLYNOMIAL, table >> 1).astype(np.uint32)
    return table


def _bits(distances: Array) -> Array:
    """uint32 [n, 8]: the contribution of each bit of a byte to the CRC, at n distances."""
    left = np.array(distances, np.int64)
    bits = np.repeat(_table()[1 << np.arange(8)][None, :], len(left), axis=0)
    for power in range(int(left.max()).bit_length() if len(left) else 0):
        far = np.flatnonzero(left >> power & 1)
        bits[far] = _shifted(bits[far], power)
    return bits


def _shifted(crcs: Array, power: int) -> Array:
    """`crcs` after 2**power more bytes, all of them zero."""
    lanes = _lanes(power)
    return (lanes[0][crcs & 0xFF] ^ lanes[1][crcs >> np.uint32(8) & 0xFF]
            ^ lanes[2][crcs >> np.uint32(16) & 0xFF] ^ lanes[3][crcs >> np.uint32(24)])


@lru_cache(maxsize=64)
def _lanes(power: int) -> Array:
    """uint32 [4, 256]: each of a CRC's four bytes as it is after 2**power zero bytes."""
    if power:
        return _shifted(_lanes(power - 1), power - 1)
    values = np.arange(256, dtype=np.uint32)
    return np.stack([_table(), values, values << np.uint32(8), values << np.uint32(16)])
