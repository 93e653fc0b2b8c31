"""Broken directories for the rules of tbwriter.check.media."""
from __future__ import annotations

import io
import wave
from pathlib import Path
from typing import Any, Callable, Dict

import numpy as np
from PIL import Image

from tests.check.making import PNG, plugin, strings, value_event
from tests.support.data import written


def png(pixels: Any) -> bytes:
    """A grey PNG of 8 bits, by Pillow."""
    out = io.BytesIO()
    Image.fromarray(np.asarray(pixels, np.uint8)).save(out, "PNG")
    return out.getvalue()


def wav(samples: Any) -> bytes:
    """A WAV of 16 bits of floats from -1 to 1, the rest cut off as torch does."""
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes((np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())
    return out.getvalue()


# Rule -> the function that makes a directory which breaks it, and no other.
BROKEN: Dict[str, Callable[[Path], Any]] = {
    "image shape": lambda d: written(d, [
        value_event("i", strings((1, 3), [b"1", b"1", PNG]), plugin("images", b"", 3))]),
    "image format": lambda d: written(d, [
        value_event("i", strings((3,), [b"1", b"1", b"<svg/>"]), plugin("images", b"", 3))]),
    "black image": lambda d: written(d, [
        value_event("i", strings((3,), [b"4", b"4", png(np.eye(4))]), plugin("images", b"", 3))]),
    "audio clipped": lambda d: written(d, [
        value_event("a", strings((1,), [wav(np.sin(np.arange(800) / 9) * 20000)]),
                    plugin("audio", b"\x10\x0b", 3))]),
    "audio shape": lambda d: written(d, [
        value_event("a", strings((1, 3), [b"1", b"1", b""]), plugin("audio", b"\x10\x0b"))]),
    "audio clips": lambda d: written(d, [
        value_event("a", strings((i,), [b"RIFF"] * i), plugin("audio", b"\x10\x0b", 3), step=i)
        for i in (1, 2)]),
}

# Other forms of these faults: the rule, a function that makes them, and the request to TensorBoard.
FORMS: Dict[str, Any] = {
}
