"""Text in pictures, drawn with Pillow."""
from __future__ import annotations

from typing import Any, NamedTuple, Optional, Tuple

from PIL import Image, ImageFont


class Measured(NamedTuple):
    """A text as it can be drawn, and its box around the origin: left, top, right, bottom."""

    text: str
    box: Tuple[int, int, int, int]


def load() -> None:
    """Have Pillow import what drawing needs: in the call, not on the thread (see `_loading`)."""
    Image.preinit()
    font()


def font(size: Optional[int] = None) -> Any:
    """Pillow's own font; before Pillow 10.1, and without FreeType, it has one size."""
    if size is not None:
        try:
            return ImageFont.load_default(size)
        except TypeError:
            pass
    return ImageFont.load_default()


def measured(draw: Any, text: str, face: Any) -> Measured:
    """`text` with its size. Pillow's bitmap font, which has Latin-1 only, gets "?" for the rest."""
    try:
        return Measured(text, draw.textbbox((0, 0), text, font=face))
    except (UnicodeEncodeError, ValueError):
        text = text.encode("latin-1", "replace").decode("latin-1").replace("\n", " ")
        return Measured(text, draw.textbbox((0, 0), text, font=face))
