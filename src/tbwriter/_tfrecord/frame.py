"""TFRecord: frame events as records, and split bytes into records.

    uint64  length
    uint32  masked CRC-32C of the length's eight bytes
    bytes   data
    uint32  masked CRC-32C of the data

Source: the "TFRecords format details" of TensorFlow's guide.
"""
from __future__ import annotations

from functools import lru_cache
from struct import Struct
from typing import Any, Iterator, overload

from .._parts import Parts, total
from .crc32c import crc32c

_uint32 = Struct("<I").pack
_uint64 = Struct("<Q").pack

MAX_LENGTH = (1 << 31) - 1  # readers hold a record as one protobuf message: "less than 2 GiB"
HEADER = 12    # the length and its CRC
OVERHEAD = 16
_SMALL = 16 << 10  # joining so few bytes is cheaper than another checksum call


@overload
def masked(crc: int) -> int: ...
@overload
def masked(crc: Any) -> Any: ...


def masked(crc: Any) -> Any:
    """A CRC, or a uint32 array of CRCs, in the form that records store.

    "Computing the CRC of a string that contains embedded CRCs" is problematic, so it is stored
    masked: rotated right by 15 bits and with a constant added.
    """
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFF_FFFF


def unmasked(stored: Any) -> Any:
    """The inverse of `masked`, for uint32 arrays."""
    rotated = stored - 0xA282EAD8
    return rotated << 15 | rotated >> 17


@lru_cache(maxsize=4096)
def header(length: int) -> bytes:
    """The twelve bytes before `length` bytes of data."""
    data = _uint64(length)
    return data + _uint32(masked(crc32c(data)))


def frame(event: Parts) -> Parts:
    """One whole record around `event`."""
    length = total(event)
    if length < _SMALL:
        return [framed(b"".join(event))]
    crc = 0
    for part in event:
        crc = crc32c(part, crc)
    return [header(length), *event, _uint32(masked(crc))]


def framed(event: bytes) -> bytes:
    """The same of an event that is one piece, as one."""
    return b"".join((header(len(event)), event, _uint32(masked(crc32c(event)))))


def is_sound(record: bytes) -> bool:
    """Whether the length and both CRCs of a record are right."""
    data = record[HEADER:-4]
    return record[:HEADER] == header(len(data)) \
        and _uint32(masked(crc32c(data))) == record[-4:]


def split(records: bytes, size: int) -> Iterator[bytes]:
    """Whole records in parts of at most `size` bytes, or of one record."""
    start = at = 0
    for length in sizes(records):
        if at > start and at + length - start > size:
            yield records[start:at]
            start = at
        at += length
    yield records[start:]


def sizes(records: bytes) -> Iterator[int]:
    """The size of each record, frame included."""
    at = 0
    while at < len(records):
        size = int.from_bytes(records[at:at + 8], "little") + OVERHEAD
        yield size
        at += size
