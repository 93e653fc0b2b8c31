"""figure: the pixels that matplotlib draws, by Pillow, and both loaders."""
from __future__ import annotations

import subprocess
import sys
from io import BytesIO

import numpy as np
import pytest
from tests.support import judges
from tests.support.judges import board, both_loaders
from PIL import Image

from tbwriter import FileWriter, summary

matplotlib = pytest.importorskip("matplotlib", reason="matplotlib is what the caller brings")
matplotlib.use("Agg")
pyplot = pytest.importorskip("matplotlib.pyplot")


def decoded(kind):
    value, = judges.values(kind)
    pixels = np.asarray(Image.open(BytesIO(value.image.encoded_image_string)))
    assert (value.image.height, value.image.width, value.image.colorspace) == pixels.shape
    return pixels


def plot(height=2.0):
    figure = pyplot.figure(figsize=(3, height), dpi=50)
    figure.subplots().plot([1, 3, 2])
    return figure


def saved(figure):
    """The PNG that matplotlib itself saves, without alpha."""
    out = BytesIO()
    figure.savefig(out, format="png", dpi=figure.dpi)
    return np.asarray(Image.open(out))[:, :, :3]


def test_pixels():
    """The picture is what savefig gives; the figure is closed unless that is not wanted."""
    figure = plot()
    wanted, canvas = saved(figure), figure.canvas
    assert np.array_equal(decoded(summary.figure("tag", figure, close=False)), wanted)
    assert figure.canvas is canvas and pyplot.fignum_exists(figure.number)
    assert np.array_equal(decoded(summary.figure("tag", figure)), wanted)
    assert not pyplot.fignum_exists(figure.number)


def test_several():
    """A list of figures is a grid, of eight columns at most."""
    figures = [plot() for _ in range(9)]
    one = saved(figures[0])
    pixels = decoded(summary.figure("tag", figures))
    assert pixels.shape == (200, 8 * 150, 3)
    assert np.array_equal(pixels[:100, 1050:], one) and np.array_equal(pixels[100:, :150], one)
    assert not pixels[100:, 150:].any()
    assert not any(pyplot.fignum_exists(figure.number) for figure in figures)


def test_snapshot():
    """Lines drawn after the call are not in the picture."""
    figure = plot()
    wanted = saved(figure)
    kind = summary.figure("tag", figure, close=False)
    figure.axes[0].plot([3, 1, 2])
    assert np.array_equal(decoded(kind), wanted)
    pyplot.close(figure)


@pytest.mark.parametrize(("data", "error"), [
    (None, TypeError), ("plot", TypeError), ([], ValueError), ([3], TypeError),
    (np.zeros((3, 3)), TypeError),
])
def test_mistakes_are_refused(data, error):
    """Anything but a figure is an error at the call that says got and want."""
    with pytest.raises(error, match="got .* want "):
        summary.figure("tag", data)


def test_without_pyplot():
    """A figure made without pyplot needs none."""
    code = ("import sys\nfrom matplotlib.figure import Figure\nfrom tbwriter import summary\n"
            "summary.figure('t', Figure()).SerializeToString()\n"
            "assert 'matplotlib.pyplot' not in sys.modules\n")
    subprocess.run([sys.executable, "-c", code], check=True, timeout=100)


@both_loaders
def test_what_tensorboard_shows(tmp_path, loader):
    """Both loaders give the pixels of the figure."""
    figure = plot()
    wanted = saved(figure)
    with FileWriter(tmp_path) as writer:
        writer.add(summary.figure("plot", figure, description="D"), 3)
    with board(tmp_path, loader) as b:
        assert b.tags("images")["plot"].description == "D"
        (step, (_, _, file)), = b.blobs("images", ".", "plot")
        assert step == 3 and np.array_equal(np.asarray(Image.open(BytesIO(file))), wanted)
