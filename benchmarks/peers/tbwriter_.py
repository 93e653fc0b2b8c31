"""tbwriter, through the class that its users know."""
from __future__ import annotations

from typing import Any, Iterable, Sequence

from tbwriter import SummaryWriter, summary
from tbwriter._tfrecord.crc32c import crc32c
from tbwriter._values.png import encode
from tbwriter._scalars.rows import ROW, RowEncoder, Tags

from . import AUDIO_RATE


def open(logdir: str) -> SummaryWriter:
    return SummaryWriter(logdir)


def open_write_through(logdir: str) -> SummaryWriter:
    return SummaryWriter(logdir, asynchronous=False)


def scalar(writer: SummaryWriter, tag: str, values: Iterable[float]) -> None:
    for step, value in enumerate(values):
        writer.add_scalar(tag, value, step)


def scalar_tags(writer: SummaryWriter, tags: Sequence[str], values: Iterable[float]) -> None:
    for step, value in enumerate(values):
        for tag in tags:
            writer.add_scalar(tag, value, step)


def scalars_dict(writer: SummaryWriter, tags: Sequence[str], values: Iterable[float]) -> None:
    for step, value in enumerate(values):
        writer.add_values({tag: value for tag in tags}, step)


scalars_message = scalars_dict


def series(writer: SummaryWriter, tag: str, values: Any) -> None:
    writer.add_scalar_series(tag, values)


def histogram(writer: SummaryWriter, tag: str, arrays: Iterable[Any]) -> None:
    for step, array in enumerate(arrays):
        writer.add_histogram(tag, array, step)


def image(writer: SummaryWriter, tag: str, images: Iterable[Any]) -> None:
    for step, pixels in enumerate(images):
        writer.add_image(tag, pixels, step, dataformats="HWC")


def audio(writer: SummaryWriter, tag: str, clips: Iterable[Any]) -> None:
    for step, clip in enumerate(clips):
        writer.add_audio(tag, clip, step, sample_rate=AUDIO_RATE)


def text(writer: SummaryWriter, tag: str, texts: Iterable[str]) -> None:
    for step, words in enumerate(texts):
        writer.add_text(tag, words, step)


def embedding(writer: SummaryWriter, tag: str, matrices: Iterable[Any]) -> None:
    for step, matrix in enumerate(matrices):
        writer.add_embedding(matrix, global_step=step, tag=tag)


def close(writer: SummaryWriter) -> None:
    writer.close()


def count(values: Any) -> None:
    summary.histogram("values", values).SerializeToString()


def serialize(tag: str, values: Sequence[float]) -> None:
    """As the writer does it: rows, then their records, frames and checksums included."""
    tags = Tags()
    number = tags.number(tag)
    rows = [ROW.pack(1e9, step, value, number) for step, value in enumerate(values)]
    RowEncoder(tags).records(b"".join(rows))


def checksum(data: bytes) -> None:
    crc32c(data)


def png(pixels: Any) -> None:
    encode(pixels)
