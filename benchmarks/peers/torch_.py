"""torch.utils.tensorboard."""
from __future__ import annotations

import sys
from typing import Any, Iterable, Sequence

# TensorBoard writes more slowly if TensorFlow is installed: measure the faster way.
sys.modules["tensorflow"] = None  # type: ignore[assignment]

from tensorboard.compat.proto.event_pb2 import Event  # noqa: E402
from tensorboard.compat.proto.summary_pb2 import Summary  # noqa: E402
from torch.utils.tensorboard import SummaryWriter  # noqa: E402
from torch.utils.tensorboard import summary  # noqa: E402

from . import tensorflow_edges  # noqa: E402
from ._torch_like import (  # noqa: E402,F401
    audio, close, embedding, histogram, image, scalar, scalar_tags, text)

kinds: Any = summary  # untyped
_EDGES = tensorflow_edges()


def open(logdir: str) -> SummaryWriter:
    return SummaryWriter(logdir)


def scalars_message(writer: SummaryWriter, tags: Sequence[str], values: Iterable[float]) -> None:
    """Messages made by hand, since `add_scalars` makes a file per tag."""
    file_writer: Any = writer.file_writer
    for step, value in enumerate(values):
        file_writer.add_summary(
            Summary(value=[Summary.Value(tag=tag, simple_value=value) for tag in tags]), step)


def count(values: Any) -> None:
    kinds.histogram("values", values, _EDGES).SerializeToString()


def serialize(tag: str, values: Sequence[float]) -> None:
    for step, value in enumerate(values):
        Event(wall_time=1e9, step=step, summary=kinds.scalar(tag, value)).SerializeToString()


def png(pixels: Any) -> None:
    kinds.image("image", pixels, dataformats="HWC").SerializeToString()
