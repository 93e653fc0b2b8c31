"""Events, values and files for broken directories."""
from __future__ import annotations

import struct
from pathlib import Path
from typing import Any, Iterable, List

import numpy as np

from tbwriter._proto import messages, wire
from tbwriter._tfrecord import frame
from tbwriter._tfrecord.crc32c import crc32c
from tbwriter.check import Finding
from tests.support.data import VERSION, record_of, scalar_event


def rules(findings: Iterable[Finding]) -> List[str]:
    return [finding.rule for finding in findings]


def value_event(tag: str, *fields: bytes, step: int = 1, wall_time: float = 1.6e9) -> bytes:
    """An event of one Summary.Value with these fields after the tag."""
    value = wire.string_field(1, tag) + b"".join(fields)
    parts = wire.bytes_field(5, wire.bytes_field(1, value))
    return wire.double_field(1, wall_time) + wire.int_field(2, step) + parts


def tensor(dtype: int, shape: Any, content: bytes) -> bytes:
    return b"".join(messages.tensor(dtype, shape, content))


def strings(shape: Any, items: Any) -> bytes:
    return b"".join(messages.string_tensor(shape, items))


def start(step: int) -> bytes:
    return (wire.double_field(1, 1.6e9) + wire.int_field(2, step)
            + wire.bytes_field(7, messages.SESSION_START))


def plugin(name: str, content: bytes = b"", data_class: int = 0) -> bytes:
    return messages.metadata(name, content, data_class=data_class)


def rows(count: int = 5) -> List[bytes]:
    return [scalar_event("x", float(i), i, 1.6e9 + i) for i in range(count)]


def raw(directory: Path, *records: bytes, name: str = "1600000000") -> None:
    directory.mkdir(exist_ok=True)
    path = directory / f"events.out.tfevents.{name}"
    path.write_bytes(b"".join([record_of(VERSION), *records]))


def header(length: int) -> bytes:
    data = struct.pack("<Q", length)
    return data + struct.pack("<I", frame.masked(crc32c(data)))


def flipped(at: int) -> List[bytes]:
    records = [record_of(event) for event in rows()]
    hurt = bytearray(records[2])
    hurt[at] ^= 1
    return [*records[:2], bytes(hurt), *records[3:]]


def graph(data: bytes) -> bytes:
    return wire.double_field(1, 1.6e9) + wire.bytes_field(4, data)


def layout(content: bytes) -> bytes:
    return value_event("custom_scalars__config__", strings((), [content]),
                       plugin("custom_scalars", b"", 2))


def histo(*limits: float, values: Any = (-1.0, 1.0)) -> bytes:
    """A HistogramProto with all its counts in the last bucket but one."""
    counts = [0.0] * (len(limits) - 2) + [5.0, 0.0]
    return wire.bytes_field(5, b"".join([
        *(wire.double_field(i, value) for i, value in enumerate(values, 1)),
        wire.bytes_field(6, struct.pack(f"<{len(limits)}d", *limits)),
        wire.bytes_field(7, struct.pack(f"<{len(limits)}d", *counts))]))


MESH = (wire.string_field(2, "m") + wire.int_field(3, 1) + wire.bytes_field(6, b"\1\4\3")
        + wire.int_field(7, 2))
FULL = [record_of(event) for event in rows()]
PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)
FLOAT6 = np.full((6, 4), np.nan, "<f4").tobytes()
