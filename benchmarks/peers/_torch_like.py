"""The methods that tbwriter, tensorboardX and torch have in common; mxboard has some of them.

A peer imports the functions that fit its writer and defines the others itself.
"""
from __future__ import annotations

from typing import Any, Iterable, Sequence

from . import AUDIO_RATE


def scalar(writer: Any, tag: str, values: Iterable[float]) -> None:
    for step, value in enumerate(values):
        writer.add_scalar(tag, value, step)


def scalar_tags(writer: Any, tags: Sequence[str], values: Iterable[float]) -> None:
    for step, value in enumerate(values):
        for tag in tags:
            writer.add_scalar(tag, value, step)


def histogram(writer: Any, tag: str, arrays: Iterable[Any]) -> None:
    for step, array in enumerate(arrays):
        writer.add_histogram(tag, array, step)


def image(writer: Any, tag: str, images: Iterable[Any]) -> None:
    for step, pixels in enumerate(images):
        writer.add_image(tag, pixels, step, dataformats="HWC")


def audio(writer: Any, tag: str, clips: Iterable[Any]) -> None:
    for step, clip in enumerate(clips):
        writer.add_audio(tag, clip, step, sample_rate=AUDIO_RATE)


def text(writer: Any, tag: str, texts: Iterable[str]) -> None:
    for step, words in enumerate(texts):
        writer.add_text(tag, words, step)


def embedding(writer: Any, tag: str, matrices: Iterable[Any]) -> None:
    for step, matrix in enumerate(matrices):
        writer.add_embedding(matrix, global_step=step, tag=tag)


def close(writer: Any) -> None:
    writer.close()
