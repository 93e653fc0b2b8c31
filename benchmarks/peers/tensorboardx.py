"""tensorboardX, with the crc32c package that it uses when it is there."""
from __future__ import annotations

from typing import Any, Iterable, Sequence

import crc32c  # noqa: F401  without it tensorboardX is several times slower
from tensorboardX import SummaryWriter, crc32c as checksums
from tensorboardX import summary as kinds
from tensorboardX.proto.event_pb2 import Event
from tensorboardX.proto.summary_pb2 import Summary

from . import AUDIO_RATE, tensorflow_edges

_EDGES = tensorflow_edges()


def open(logdir: str) -> SummaryWriter:
    return SummaryWriter(logdir)


def scalar(writer: SummaryWriter, tag: str, values: Iterable[float]) -> None:
    for step, value in enumerate(values):
        writer.add_scalar(tag, value, step)


def scalar_tags(writer: SummaryWriter, tags: Sequence[str], values: Iterable[float]) -> None:
    for step, value in enumerate(values):
        for tag in tags:
            writer.add_scalar(tag, value, step)


def scalars_message(writer: SummaryWriter, tags: Sequence[str], values: Iterable[float]) -> None:
    """`add_scalars` would make a file for every tag."""
    for step, value in enumerate(values):
        writer.file_writer.add_summary(
            Summary(value=[Summary.Value(tag=tag, simple_value=value) for tag in tags]), step)


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
    kinds.histogram("values", values, _EDGES).SerializeToString()


def serialize(tag: str, values: Sequence[float]) -> None:
    for step, value in enumerate(values):
        Event(wall_time=1e9, step=step, summary=kinds.scalar(tag, value)).SerializeToString()


def checksum(data: bytes) -> None:
    checksums.crc32c(data)


def png(pixels: Any) -> None:
    kinds.image("image", pixels, dataformats="HWC").SerializeToString()
