"""Matplotlib figures as images. Shown in Images and Time Series."""
from __future__ import annotations

import sys
from typing import Any

import numpy as np

from .._foreign import checked
from .._proto.messages import Summary
from .._values.number import as_flag
from .._values.pixels import Array, as_png, image_value, tile

COLUMNS = 8


@checked
def figure(tag: str, figures: Any, *, close: bool = True, display_name: str = "",
           description: str = "") -> Summary:
    """A matplotlib figure as it looks now. Shown in Images and Time Series.

    figures: a `matplotlib.figure.Figure`, or a list of them, which becomes one picture in a grid of
        8 columns.
    close: close them, so that pyplot does not keep them.
    display_name, description: shown with the picture; the description is Markdown.

    Raises TypeError for anything but a figure, ValueError for an empty list.

    Example: `figure("loss", plt.gcf())`.
    """
    close = as_flag(close, "close")
    several = list(figures) if isinstance(figures, (list, tuple)) else [figures]
    if not several:
        raise ValueError("got an empty list of figures, want at least one")
    for one in several:
        if not hasattr(one, "savefig") or not hasattr(one, "set_canvas"):
            raise TypeError(f"got a figure of type {type(one).__name__}, want "
                            "matplotlib.figure.Figure")
    # A figure draws itself from artists that may change after the call: only pixels are a snapshot.
    drawn = [_drawn(one) for one in several]
    if close:
        _close(several)
    return Summary([image_value(tag, lambda: as_png(tile(drawn, COLUMNS)),
                                sum(pixels.nbytes for pixels in drawn), display_name,
                                description)])


def _drawn(one: Any) -> Array:
    """The figure's pixels as RGB, drawn by matplotlib's own renderer, not by that of its window."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # the caller has it: a figure came
    former = one.canvas
    try:
        canvas: Any = FigureCanvasAgg(one)
        canvas.draw()
        return np.array(np.asarray(canvas.buffer_rgba())[:, :, :3])
    finally:
        one.set_canvas(former)


def _close(several: Any) -> None:
    pyplot = sys.modules.get("matplotlib.pyplot")
    if pyplot is not None:
        for one in several:
            pyplot.close(one)
