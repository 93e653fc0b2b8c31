"""tensorboardX, with the crc32c package, which it uses if installed."""
from __future__ import annotations

from typing import Any, Iterable, Sequence

import crc32c  # noqa: F401  without it tensorboardX is several times slower
from tensorboardX import SummaryWriter, crc32c as checksums
from tensorboardX import summary as kinds
from tensorboardX.proto.event_pb2 import Event
from tensorboardX.proto.summary_pb2 import Summary

from . import tensorflow_edges
from ._torch_like import (  # noqa: F401
    audio, close, embedding, histogram, image, scalar, scalar_tags, text)

_EDGES = tensorflow_edges()


def open(logdir: str) -> SummaryWriter:
    return SummaryWriter(logdir)


def scalars_message(writer: SummaryWriter, tags: Sequence[str], values: Iterable[float]) -> None:
    """Messages made by hand, since `add_scalars` makes a file per tag."""
    for step, value in enumerate(values):
        writer.file_writer.add_summary(
            Summary(value=[Summary.Value(tag=tag, simple_value=value) for tag in tags]), step)


def count(values: Any) -> None:
    kinds.histogram("values", values, _EDGES).SerializeToString()


def serialize(tag: str, values: Sequence[float]) -> None:
    for step, value in enumerate(values):
        Event(wall_time=1e9, step=step, summary=kinds.scalar(tag, value)).SerializeToString()


def checksum(data: bytes) -> None:
    checksums.crc32c(data)


def png(pixels: Any) -> None:
    kinds.image("image", pixels, dataformats="HWC").SerializeToString()
