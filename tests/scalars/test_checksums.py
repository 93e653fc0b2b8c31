"""CRCs of many messages, against the CRC of each by itself."""
from __future__ import annotations

import random
from typing import List

import numpy as np
import pytest

from tbwriter._scalars.checksums import added, bits_table, byte_tables
from tbwriter._tfrecord.crc32c import crc32c
from tbwriter._tfrecord.frame import masked, unmasked


@pytest.mark.parametrize("distance", [0, 1, 3, 255, 383, 384, 1000, 70_000])
def test_byte_tables(distance: int) -> None:
    """The contribution of a byte is the difference that it makes to the CRC of a message."""
    table, = byte_tables(np.array([distance]))
    for value in (0, 1, 0x80, 0xFF):
        one = crc32c(bytes([value]) + bytes(distance))
        assert one ^ crc32c(bytes(1 + distance)) == int(table[value])


@pytest.mark.parametrize("length", [1, 14, 45, 500])
def test_added(length: int) -> None:
    """The CRC of every row follows from that of its template and its varying bytes."""
    source = random.Random(length)
    columns = np.array(sorted(source.sample(range(length), min(length, 14))))
    rows = np.random.RandomState(0).randint(0, 256, (3000, length)).astype(np.uint8)
    rows[:, np.setdiff1d(np.arange(length), columns)] = 7
    template = rows[0].copy()
    template[columns] = 0
    found = added(rows, columns, byte_tables(length - 1 - columns)) ^ np.uint32(
        crc32c(template.tobytes()))
    assert found.tolist() == [crc32c(row.tobytes()) for row in rows]


@pytest.mark.parametrize("group", [7, 8])
def test_bits_table(group: int) -> None:
    """Some bits of a number, which are spread over bytes by 7 or 8."""
    first, count, distance = 11, 11, 30
    table = bits_table(first, count, group, distance)
    for value in (1, 2, 1 << 10, 1234):
        number = value << first
        groups: List[int] = []
        while number:
            groups.append(number & (1 << group) - 1)
            number >>= group
        message = bytes(groups) + bytes(distance + 1 - len(groups))
        assert crc32c(message) ^ crc32c(bytes(distance + 1)) == int(table[value])


def test_masked() -> None:
    """One function for a number and for an array, and its inverse."""
    crcs = np.array([0, 1, 0xE3069283, 0xFFFFFFFF], np.uint32)
    assert masked(0xE3069283) == 0xC78AB0E5
    assert masked(crcs).tolist() == [masked(crc) for crc in crcs.tolist()]
    assert masked(crcs).dtype == np.uint32 == unmasked(crcs).dtype
    assert unmasked(masked(crcs)).tolist() == crcs.tolist()
