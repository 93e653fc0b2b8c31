"""tf.summary of TensorFlow 2."""
from __future__ import annotations

import os
from typing import Any, Iterable, Sequence

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")

import tensorflow as tf  # noqa: E402
from tensorboard.compat.proto.summary_pb2 import Summary  # noqa: E402

from . import AUDIO_RATE  # noqa: E402


def open(logdir: str) -> Any:
    return tf.summary.create_file_writer(logdir)


def scalar(writer: Any, tag: str, values: Iterable[float]) -> None:
    with writer.as_default():
        for step, value in enumerate(values):
            tf.summary.scalar(tag, value, step)


def scalar_tags(writer: Any, tags: Sequence[str], values: Iterable[float]) -> None:
    with writer.as_default():
        for step, value in enumerate(values):
            for tag in tags:
                tf.summary.scalar(tag, value, step)


def scalars_message(writer: Any, tags: Sequence[str], values: Iterable[float]) -> None:
    with writer.as_default():
        for step, value in enumerate(values):
            message = Summary(value=[Summary.Value(tag=tag, simple_value=value) for tag in tags])
            tf.summary.experimental.write_raw_pb(message.SerializeToString(), step)


def histogram(writer: Any, tag: str, arrays: Iterable[Any]) -> None:
    with writer.as_default():
        for step, array in enumerate(arrays):
            tf.summary.histogram(tag, array, step)


def image(writer: Any, tag: str, images: Iterable[Any]) -> None:
    with writer.as_default():
        for step, pixels in enumerate(images):
            tf.summary.image(tag, pixels[None], step)


def audio(writer: Any, tag: str, clips: Iterable[Any]) -> None:
    with writer.as_default():
        for step, clip in enumerate(clips):
            tf.summary.audio(tag, clip[None, :, None], AUDIO_RATE, step)


def text(writer: Any, tag: str, texts: Iterable[str]) -> None:
    with writer.as_default():
        for step, words in enumerate(texts):
            tf.summary.text(tag, words, step)


def close(writer: Any) -> None:
    writer.close()


def png(pixels: Any) -> None:
    tf.image.encode_png(pixels).numpy()
