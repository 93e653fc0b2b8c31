"""TensorBoard's own EventFileWriter, with the messages of its plugins.

The plugins for images and audio need TensorFlow: `tf_summary` measures them.
"""
from __future__ import annotations

import sys
import time
from typing import Any, Iterable, Sequence

# TensorBoard writes more slowly if TensorFlow is installed: measure the faster way.
sys.modules["tensorflow"] = None  # type: ignore[assignment]

from tensorboard.compat.proto.event_pb2 import Event  # noqa: E402
from tensorboard.compat.proto.summary_pb2 import Summary  # noqa: E402
from tensorboard.compat.tensorflow_stub.pywrap_tensorflow import crc32c  # noqa: E402
from tensorboard.plugins.histogram.summary_v2 import histogram_pb  # noqa: E402
from tensorboard.plugins.scalar.summary_v2 import scalar_pb  # noqa: E402
from tensorboard.plugins.text.summary_v2 import text_pb  # noqa: E402
from tensorboard.summary.writer.event_file_writer import EventFileWriter  # noqa: E402


def open(logdir: str) -> EventFileWriter:
    return EventFileWriter(logdir)


def scalar(writer: EventFileWriter, tag: str, values: Iterable[float]) -> None:
    """With `simple_value`, which is cheaper than the tensor of `scalar_pb`."""
    for step, value in enumerate(values):
        summary = Summary(value=[Summary.Value(tag=tag, simple_value=value)])
        writer.add_event(Event(wall_time=time.time(), step=step, summary=summary))


def scalar_tags(writer: EventFileWriter, tags: Sequence[str], values: Iterable[float]) -> None:
    for step, value in enumerate(values):
        for tag in tags:
            summary = Summary(value=[Summary.Value(tag=tag, simple_value=value)])
            writer.add_event(Event(wall_time=time.time(), step=step, summary=summary))


def scalars_message(writer: EventFileWriter, tags: Sequence[str], values: Iterable[float]) -> None:
    for step, value in enumerate(values):
        summary = Summary(value=[Summary.Value(tag=tag, simple_value=value) for tag in tags])
        writer.add_event(Event(wall_time=time.time(), step=step, summary=summary))


def histogram(writer: EventFileWriter, tag: str, arrays: Iterable[Any]) -> None:
    for step, array in enumerate(arrays):
        summary = histogram_pb(tag, array)
        writer.add_event(Event(wall_time=time.time(), step=step, summary=summary))


def text(writer: EventFileWriter, tag: str, texts: Iterable[str]) -> None:
    for step, words in enumerate(texts):
        summary = text_pb(tag, words)
        writer.add_event(Event(wall_time=time.time(), step=step, summary=summary))


def close(writer: EventFileWriter) -> None:
    writer.close()


def count(values: Any) -> None:
    histogram_pb("values", values).SerializeToString()


def serialize(tag: str, values: Sequence[float]) -> None:
    for step, value in enumerate(values):
        Event(wall_time=1e9, step=step, summary=scalar_pb(tag, value)).SerializeToString()


def checksum(data: bytes) -> None:
    crc32c(data)
