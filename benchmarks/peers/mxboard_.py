"""mxboard, with the old protobuf that it needs."""
from __future__ import annotations

import logging
from typing import Any, Iterable, Sequence

from mxboard import SummaryWriter, summary as kinds
from mxboard._crc32c import crc32c
from mxboard.proto.event_pb2 import Event
from mxboard.proto.summary_pb2 import Summary

from . import AUDIO_RATE
from ._torch_like import (  # noqa: F401
    close, histogram, scalar, scalar_tags, text)

# mxboard warns at every call with a tag that it changes.
logging.disable(logging.WARNING)


def open(logdir: str) -> SummaryWriter:
    return SummaryWriter(logdir, verbose=False)


def scalars_message(writer: SummaryWriter, tags: Sequence[str], values: Iterable[float]) -> None:
    """Messages made by hand, since mxboard makes a file per tag of a dict."""
    for step, value in enumerate(values):
        writer._file_writer.add_summary(
            Summary(value=[Summary.Value(tag=tag, simple_value=value) for tag in tags]), step)


def image(writer: SummaryWriter, tag: str, images: Iterable[Any]) -> None:
    for step, pixels in enumerate(images):
        writer.add_image(tag, pixels.transpose(2, 0, 1), step)


def audio(writer: SummaryWriter, tag: str, clips: Iterable[Any]) -> None:
    for step, clip in enumerate(clips):
        writer.add_audio(tag, clip, AUDIO_RATE, step)


def embedding(writer: SummaryWriter, tag: str, matrices: Iterable[Any]) -> None:
    for step, matrix in enumerate(matrices):
        writer.add_embedding(tag, matrix, global_step=step)


def count(values: Any) -> None:
    kinds.histogram_summary("values", values, "default").SerializeToString()


def serialize(tag: str, values: Sequence[float]) -> None:
    for step, value in enumerate(values):
        event = Event(wall_time=1e9, step=step, summary=kinds.scalar_summary(tag, value))
        event.SerializeToString()


def checksum(data: bytes) -> None:
    crc32c(data)


def png(pixels: Any) -> None:
    kinds.image_summary("image", pixels.transpose(2, 0, 1)).SerializeToString()
