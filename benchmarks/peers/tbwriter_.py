"""tbwriter, by its SummaryWriter."""
from __future__ import annotations

from typing import Any, Iterable, Sequence

from tbwriter import SummaryWriter, summary
from tbwriter._tfrecord.crc32c import crc32c
from tbwriter._values.png import encode
from tbwriter._scalars.rows import ROW, RowEncoder, Tags

from ._torch_like import (  # noqa: F401
    audio, close, embedding, histogram, image, scalar, scalar_tags, text)


def open(logdir: str) -> SummaryWriter:
    return SummaryWriter(logdir)


def open_write_through(logdir: str) -> SummaryWriter:
    return SummaryWriter(logdir, asynchronous=False)


def scalars_dict(writer: SummaryWriter, tags: Sequence[str], values: Iterable[float]) -> None:
    for step, value in enumerate(values):
        writer.add_values({tag: value for tag in tags}, step)


scalars_message = scalars_dict


def series(writer: SummaryWriter, tag: str, values: Any) -> None:
    writer.add_scalar_series(tag, values)


def count(values: Any) -> None:
    summary.histogram("values", values).SerializeToString()


def serialize(tag: str, values: Sequence[float]) -> None:
    """As the writer does it: rows, then their records with frames and checksums."""
    tags = Tags()
    number = tags.number(tag)
    rows = [ROW.pack(1e9, step, value, number) for step, value in enumerate(values)]
    RowEncoder(tags).records(b"".join(rows))


def checksum(data: bytes) -> None:
    crc32c(data)


def png(pixels: Any) -> None:
    encode(pixels)
