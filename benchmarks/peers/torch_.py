"""torch.utils.tensorboard."""
from __future__ import annotations

import sys
from typing import Any, Iterable, Sequence

# TensorBoard's files are slower where it finds TensorFlow: raced is the faster way.
sys.modules["tensorflow"] = None  # type: ignore[assignment]

from tensorboard.compat.proto.event_pb2 import Event  # noqa: E402
from tensorboard.compat.proto.summary_pb2 import Summary  # noqa: E402
from torch.utils.tensorboard import SummaryWriter  # noqa: E402
from torch.utils.tensorboard import summary  # noqa: E402

from . import AUDIO_RATE, tensorflow_edges  # noqa: E402

kinds: Any = summary  # it has no types
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
    file_writer: Any = writer.file_writer
    for step, value in enumerate(values):
        file_writer.add_summary(
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


def png(pixels: Any) -> None:
    kinds.image("image", pixels, dataformats="HWC").SerializeToString()
