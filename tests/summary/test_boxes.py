"""image_with_boxes: pixels decoded by Pillow, and both loaders."""
from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from tests.support import judges
from tests.support.judges import board, both_loaders
from PIL import Image

from tbwriter import FileWriter, summary

GREY = np.full((60, 80), 100, np.uint8)
RED = (255, 0, 0)


def decoded(kind):
    value, = judges.values(kind)
    pixels = np.asarray(Image.open(BytesIO(value.image.encoded_image_string)))
    assert (value.image.height, value.image.width, value.image.colorspace) == pixels.shape
    return pixels


def red(pixels):
    return (pixels[:, :, :3] == RED).all(axis=2)


def test_outlines():
    """A box is its outline in red, two pixels wide: the corners' own rows and columns, and those
    above and beside them that the peers draw; everything else is the picture."""
    pixels = decoded(summary.image_with_boxes("tag", GREY, [[10, 20, 30, 40]]))
    wanted = np.zeros((60, 80), bool)
    wanted[19:42, 10:31] = True
    wanted[21:40, 12:29] = False
    assert np.array_equal(red(pixels), wanted)
    assert (pixels[~wanted] == 100).all()


def test_drawn_as_the_others_draw():
    """The pixels of a box are those of tensorboardX, inside, across the border and far outside."""
    their = pytest.importorskip("tensorboardX.summary", reason="tensorboardX is not installed")
    random = np.random.RandomState(0)
    for number in range(100):
        corners = random.uniform(-20, 100, (2, 2))
        box = np.sort(np.floor(corners) if number % 2 else corners, axis=0).reshape(1, 4)
        made = their.image_boxes("tag", GREY, box, dataformats="HW").value[0].image
        wanted = np.asarray(Image.open(BytesIO(made.encoded_image_string)))
        assert np.array_equal(decoded(summary.image_with_boxes("tag", GREY, box)), wanted), box


@pytest.mark.parametrize("box", [[30, 40, 10, 20], [10.2, 20.8, 30.9, 40.4]])
def test_corners_in_any_order(box):
    """Corners are sorted, and their fractions cut off."""
    wanted = decoded(summary.image_with_boxes("tag", GREY, [10, 20, 30, 40]))
    assert np.array_equal(decoded(summary.image_with_boxes("tag", GREY, [box])), wanted)


def test_outside():
    """Parts outside the picture are not drawn, however far outside."""
    pixels = decoded(summary.image_with_boxes("tag", GREY, [[-1e30, 20, 1e30, 1e30],
                                                            [1e9, 1e9, 1e10, 1e10]]))
    wanted = np.zeros((60, 80), bool)
    wanted[19:21] = True
    assert np.array_equal(red(pixels), wanted)


@pytest.mark.parametrize("label", ["cat", "", "ünï 猫", "two\nlines", "x" * 500])
def test_labels(label):
    """A label is drawn on red near its box, and stays inside the picture."""
    pixels = decoded(summary.image_with_boxes("tag", np.zeros((200, 300, 3), np.uint8),
                                              [[50, 60, 90, 100]], labels=[label]))
    bare = decoded(summary.image_with_boxes("tag", np.zeros((200, 300, 3), np.uint8),
                                            [[50, 60, 90, 100]]))
    assert pixels.shape == bare.shape
    if label:
        assert not np.array_equal(pixels, bare)
        assert red(pixels)[40:60].any()


def letters_of(box):
    """Where the letters of a label are, as (first row, last row, first column, last column), and
    which pixels are the label's or the box's."""
    pixels = decoded(summary.image_with_boxes("tag", np.zeros((200, 300, 3), np.uint8), [box],
                                              labels=["HHH"]))
    letters = pixels[:, :, 1] > 0
    rows, columns = (np.flatnonzero(letters.any(axis=axis)) for axis in (1, 0))
    return (rows[0], rows[-1], columns[0], columns[-1]), letters | red(pixels)


@pytest.mark.parametrize(("box", "edge"), [([50, 60, 90, 100], 50), ([290, 60, 295, 100], 299)])
def test_places_of_labels(box, edge):
    """A label begins at the left of its box, or ends at the right of the picture, and is drawn on
    the box; its letters are in the middle of the red."""
    (top, bottom, first, last), label = letters_of(box)
    left, right = np.flatnonzero(label[top])[[0, -1]]
    assert edge in (left, right)
    assert 1 <= first - left <= 4 and abs((first - left) - (right - last)) <= 1
    above = np.flatnonzero(label[:, left])[0]
    assert 1 <= top - above <= 4 and abs((top - above) - (59 - bottom)) <= 1


def test_labels_at_the_top():
    """Where there is no room above a box, its label begins at the top of the picture."""
    (top, _, first, _), label = letters_of([50, 4, 90, 100])
    assert 1 <= top <= 4 and 1 <= first - 50 <= 4 and label[0, 50]


@pytest.mark.parametrize(("data", "channels"), [
    (GREY, 3), (np.zeros((3, 60, 80), np.float32), 3), (np.zeros((60, 80, 4), np.uint8), 4),
    (np.zeros((60, 80, 2), np.uint8), 4), (np.full((60, 80), 25700, np.uint16), 3),
])
def test_any_picture(data, channels):
    """Grey becomes colour, 16 bits become 8, alpha stays."""
    pixels = decoded(summary.image_with_boxes("tag", data, [[1, 2, 3, 4]]))
    assert pixels.shape == (60, 80, channels)
    if data.dtype == np.uint16:
        assert pixels[50, 50].tolist() == [100] * 3


def test_rescale():
    """Picture and boxes grow together."""
    pixels = decoded(summary.image_with_boxes("tag", GREY, [[10, 20, 30, 40]], rescale=2))
    assert pixels.shape == (120, 160, 3)
    rows, columns = np.nonzero(red(pixels))
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (39, 81, 20, 60)


@pytest.mark.parametrize(("data", "boxes", "more", "error"), [
    (GREY, [[1, 2, 3]], {}, ValueError), (GREY, np.zeros((2, 2, 4)), {}, ValueError),
    (GREY, [[1, 2, 3, np.nan]], {}, ValueError), (GREY, ["a"], {}, TypeError),
    (GREY, [[1, 2, 3, 4]], {"labels": ["a", "b"]}, ValueError),
    (GREY, [[1, 2, 3, 4]], {"labels": "a"}, TypeError),
    (GREY, [[1, 2, 3, 4]], {"rescale": 0}, ValueError),
    (GREY, [[1, 2, 3, 4]], {"rescale": 1e6}, ValueError),
    (GREY, [[1, 2, 3, 4]], {"rescale": float("nan")}, ValueError),
    (np.zeros((2, 3, 4, 5)), [[1, 2, 3, 4]], {}, ValueError),
])
def test_mistakes_are_refused(data, boxes, more, error):
    """Wrong boxes, labels, scales and pictures are errors at the call that say got and want."""
    with pytest.raises(error, match="got .* want "):
        summary.image_with_boxes("tag", data, boxes, **more)


@both_loaders
def test_what_tensorboard_shows(tmp_path, loader):
    """Both loaders give the picture with its boxes, also without any box."""
    kind = summary.image_with_boxes("boxes", GREY, [[10, 20, 30, 40]], description="D")
    with FileWriter(tmp_path) as writer:
        writer.add(kind, 3)
        writer.add(summary.image_with_boxes("none", GREY, []), 3)
    with board(tmp_path, loader) as b:
        assert b.tags("images")["boxes"].description == "D"
        (step, (width, height, file)), = b.blobs("images", ".", "boxes")
        assert (step, width, height) == (3, b"80", b"60")
        assert np.array_equal(np.asarray(Image.open(BytesIO(file))), decoded(kind))
        (_, (_, _, file)), = b.blobs("images", ".", "none")
        assert (np.asarray(Image.open(BytesIO(file))) == 100).all()
