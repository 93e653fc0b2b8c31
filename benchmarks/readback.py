"""Read event files strictly, without code of any writer.

A TFRecord is a length, its masked CRC-32C, data, and its masked CRC. The data is a protobuf Event.
Every checksum is verified, and every byte of a message must belong to a field.
"""
from __future__ import annotations

import os
import struct
from typing import Any, Callable, Dict, Iterator, List, NamedTuple, Tuple


class Found(NamedTuple):
    """One value: `content` is a float, a dict of a HistogramProto's fields, an (n, 3) list of
    histogram buckets, or bytes (a PNG, a WAV, a text)."""

    tag: str
    step: int
    content: Any


def _crc32c() -> Callable[[bytes], int]:
    try:
        import google_crc32c
        return google_crc32c.value  # type: ignore[no-any-return]
    except ImportError:
        import crcmod.predefined
        return crcmod.predefined.mkPredefinedCrcFun("crc-32c")  # type: ignore[no-any-return]


crc32c = _crc32c()
_uint64 = struct.Struct("<Q").unpack_from
_uint32 = struct.Struct("<I").unpack_from


def event_files(directory: str) -> List[str]:
    return sorted(os.path.join(at, name) for at, _, names in os.walk(directory)
                  for name in names if "tfevents" in name)


def records(path: str) -> Iterator[bytes]:
    """The records of a file. ValueError if it is damaged or truncated."""
    with open(path, "rb") as file:
        data = file.read()
    at = 0
    while at < len(data):
        head = data[at:at + 12]
        length = _uint64(head)[0] if len(head) == 12 else 0
        end = at + 12 + length
        if len(head) < 12 or end + 4 > len(data):
            raise ValueError(f"{path} ends within a record")
        record = data[at + 12:end]
        if _masked(head[:8]) != _uint32(head, 8)[0] or _masked(record) != _uint32(data, end)[0]:
            raise ValueError(f"{path} has a wrong checksum at byte {at}")
        yield record
        at = end + 4


def _masked(data: bytes) -> int:
    crc = crc32c(data)
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def values(directory: str) -> Iterator[Found]:
    """The values of all event files in and below `directory`."""
    for path in event_files(directory):
        for record in records(path):
            step = 0
            for number, content in fields(record):
                if number == 2:
                    step = content
                elif number == 5:
                    for _, value in fields(content):
                        yield _value(step, value)


def _value(step: int, data: bytes) -> Found:
    tag, content = "", None
    for number, field in fields(data):
        if number in (1, 7):  # 7: node_name, which mxboard writes for texts
            tag = field.decode()
        elif number == 2:
            content = struct.unpack("<f", field)[0]
        elif number in (4, 6):  # image, audio: the file is field 4 of both
            content = dict(fields(field))[4]
        elif number == 5:
            content = {key: _floats(part) for key, part in fields(field)}
        elif number == 8:
            content = _tensor(field)
    return Found(tag, step, content)


def _floats(data: bytes) -> List[float]:
    return list(struct.unpack(f"<{len(data) // 8}d", data))


def _tensor(data: bytes) -> Any:
    """The content of a tensor: a float, the first string that is no number, or the rows of a
    histogram.
    """
    parts: Dict[int, Any] = {}
    strings: List[bytes] = []
    for number, field in fields(data):
        if number == 8:
            strings.append(field)
        parts[number] = field
    if strings:
        return next(string for string in strings if not string.isdigit() and string)
    if parts[1] == 1:  # DT_FLOAT
        return struct.unpack("<f", parts.get(4) or parts[5])[0]
    numbers = _floats(parts.get(4) or parts[6])
    return [numbers[at:at + 3] for at in range(0, len(numbers), 3)]


def fields(data: bytes) -> Iterator[Tuple[int, Any]]:
    """(number, int or bytes) of each field of a protobuf message."""
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        kind = key & 7
        if kind == 0:
            content, at = _varint(data, at)
            yield key >> 3, content
            continue
        if kind == 2:
            length, at = _varint(data, at)
        elif kind in (1, 5):
            length = 8 if kind == 1 else 4
        else:
            raise ValueError(f"wire type {kind} in {data[:50]!r}")
        if at + length > len(data):
            raise ValueError(f"a field that is longer than its message in {data[:50]!r}")
        yield key >> 3, data[at:at + length]
        at += length


def _varint(data: bytes, at: int) -> Tuple[int, int]:
    result = shift = 0
    while True:
        byte = data[at]
        result |= (byte & 0x7F) << shift
        at += 1
        if byte < 0x80:
            return result, at
        shift += 7
