"""image and images: what Pillow decodes from what real protobuf, both loaders and HTTP give."""
from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from tests.support import judges
from tests.support.judges import board, both_loaders, events, http
from PIL import Image
from tensorboard.backend.event_processing import event_accumulator
from tensorboard.compat.proto import summary_pb2

from tbwriter import FileWriter, summary
from tbwriter.testing import MemoryWriter

RNG = np.random.default_rng(0)
GREY = RNG.integers(0, 256, (20, 30), np.uint8)
RGB = RNG.integers(0, 256, (20, 30, 3), np.uint8)
RGBA = RNG.integers(0, 256, (20, 30, 4), np.uint8)
DEEP = RNG.integers(0, 1 << 16, (20, 30)).astype(np.uint16)
BATCH = RNG.integers(0, 256, (11, 3, 4, 5), np.uint8)


def parsed(kind):
    value, = judges.values(kind)
    assert value.metadata.plugin_data.plugin_name == "images"
    assert value.metadata.data_class == summary_pb2.DATA_CLASS_BLOB_SEQUENCE
    return value


def decoded(data):
    """Pixels by Pillow, which opens 16 bits of grey as "I;16"."""
    return np.asarray(Image.open(BytesIO(data)))


def shown(*args, **kwargs):
    """(pixels, the Image message) of summary.image."""
    image = parsed(summary.image("tag", *args, **kwargs)).image
    pixels = decoded(image.encoded_image_string)
    assert (image.height, image.width) == pixels.shape[:2]
    return pixels, image


@pytest.mark.parametrize(("data", "dataformats", "wanted", "channels"), [
    (GREY, None, GREY, 1), (GREY[None], None, GREY, 1), (GREY[:, :, None], None, GREY, 1),
    (GREY.T, "WH", GREY, 1), (RGB, None, RGB, 3), (RGB.transpose(2, 0, 1), None, RGB, 3),
    (RGB.transpose(1, 2, 0), "WCH", RGB, 3), (RGBA, "HWC", RGBA, 4), (RGBA[:, :, 2:], None,
                                                                     RGBA[:, :, 2:], 2),
    (RGB[::2, ::-1], None, RGB[::2, ::-1], 3), (GREY > 100, None, (GREY > 100) * 255, 1),
    (GREY.tolist(), None, GREY, 1), (DEEP, None, DEEP, 1), (DEEP.view(np.int16), None, DEEP, 1),
])
def test_pixels_come_back(data, dataformats, wanted, channels):
    """Every layout and every type of pixel is decoded by Pillow to the very values."""
    pixels, image = shown(data, dataformats=dataformats)
    assert np.array_equal(pixels, wanted)
    assert image.colorspace == channels


def test_16_bits_of_colour():
    """RGB of 16 bits has that depth in the file; Pillow reads the high bytes of it."""
    deep = RNG.integers(0, 1 << 16, (20, 30, 3)).astype(np.uint16)
    pixels, image = shown(deep)
    assert image.encoded_image_string[24:26] == bytes([16, 2])
    assert np.array_equal(pixels, deep >> 8)


def test_walkthrough_of_2017():
    """A weight matrix as int16 bit patterns becomes a 16-bit grey picture of the same bits."""
    weight = RNG.normal(size=(128, 784)).astype(np.float16).view(np.int16)
    pixels, _ = shown(weight.reshape(128, 784, 1))
    assert np.array_equal(pixels, weight.view(np.uint16))


def test_a_batch_is_a_grid():
    """Eleven pictures are drawn in rows of eight, without gaps, the empty places black."""
    pixels, _ = shown(BATCH)
    assert pixels.shape == (8, 40, 3)
    for number, one in enumerate(BATCH.transpose(0, 2, 3, 1)):
        top, left = number // 8 * 4, number % 8 * 5
        assert np.array_equal(pixels[top:top + 4, left:left + 5], one)
    assert not pixels[4:, 15:].any()
    assert shown(BATCH, columns=2)[0].shape == (24, 10, 3)
    assert np.array_equal(shown(list(BATCH))[0], pixels)


def test_snapshot():
    """The picture is that of the call, whatever happens to the array before it is written."""
    data = RGB.copy()
    kind = summary.image("tag", data)
    data[:] = 0
    assert np.array_equal(decoded(parsed(kind).image.encoded_image_string), RGB)


@pytest.mark.parametrize("form", ["PNG", "JPEG", "GIF", "BMP"])
def test_files_pass_through(form):
    """An encoded file is written as it is, with its size."""
    out = BytesIO()
    Image.fromarray(RGB).save(out, form)
    _, image = shown(out.getvalue())
    assert image.encoded_image_string == out.getvalue()


@pytest.mark.parametrize(("data", "error"), [
    (np.zeros((2, 3, 4, 5, 6)), ValueError), (np.zeros(3), ValueError), (3.0, ValueError),
    (np.zeros((0, 3)), ValueError), (np.zeros((5, 6, 7)), ValueError), ([], ValueError),
    ("picture.png", TypeError), (None, TypeError), (np.array([[None]]), TypeError),
    ([[1, 2], [3]], TypeError), (b"no picture", ValueError),
    ([GREY, RGB], ValueError), ([GREY, DEEP], ValueError),
])
def test_mistakes_are_refused(data, error):
    """An argument that is not a picture, and a grid of unlike ones, raise at the call: got and
    want."""
    with pytest.raises(error, match="(?s)got .*want "):
        summary.image("tag", data)


@both_loaders
def test_what_tensorboard_shows(tmp_path, loader):
    """Both loaders and the dashboard give the very files, one a step, with the description."""
    png = BytesIO()
    Image.fromarray(RGB).save(png, "PNG")
    with FileWriter(tmp_path) as writer:
        writer.add(summary.image("one", GREY, display_name="One", description="*grey*"), 3)
        writer.add(summary.image("one", RGB), 4)
        writer.add(summary.image("one", png.getvalue()), 5)
        writer.add(summary.images("many", [GREY, RGBA, png.getvalue()], description="all"), 7)
        writer.add(summary.images("many", BATCH), 8)
    assert len(events(tmp_path)) == 6
    with board(tmp_path, loader) as b:
        tags = b.tags("images")
        assert (tags["one"].display_name, tags["one"].description) == ("One", "*grey*")
        one = b.blobs("images", ".", "one")
        assert [step for step, _ in one] == [3, 4, 5]
        assert all(blobs[:2] == [b"30", b"20"] for _, blobs in one)
        assert [np.array_equal(decoded(blobs[2]), wanted)
                for (_, blobs), wanted in zip(one, [GREY, RGB, RGB])] == [True] * 3
        (_, first), (_, second) = b.blobs("images", ".", "many")
        assert np.array_equal(decoded(first[3]), RGBA) and first[4] == png.getvalue()
        assert len(second) == 2 + 11
        assert np.array_equal(decoded(second[5]), BATCH[3].transpose(1, 2, 0))
    with http(tmp_path, loader) as h:
        listed = h.json("images/tags")["."]
        assert listed["many"]["samples"] == 11
        assert "<em>grey</em>" in listed["one"]["description"]
        entries = h.json("images/images", run=".", tag="many", sample=1)
        assert entries[0]["step"] == 7
        body, kind = h.get("images/individualImage?" + entries[0]["query"])
        assert kind == "image/png" and np.array_equal(decoded(body), RGBA)


def test_older_readers(tmp_path):
    """The event accumulator that scripts use lists it under Images, with size and file."""
    with FileWriter(tmp_path) as writer:
        writer.add(summary.image("one", GREY), 3)
    accumulator = event_accumulator.EventAccumulator(str(tmp_path)).Reload()
    event, = accumulator.Images("one")
    assert (event.step, event.width, event.height) == (3, 30, 20)
    assert np.array_equal(decoded(event.encoded_image_string), GREY)


def test_gaps_and_squares():
    """padding= leaves black between neighbours, and columns=None makes a square."""
    pixels, _ = shown(BATCH[:9], columns=None, padding=2)
    assert pixels.shape == (3 * 4 + 2 * 2, 3 * 5 + 2 * 2, 3)
    for number, one in enumerate(BATCH[:9].transpose(0, 2, 3, 1)):
        top, left = number // 3 * 6, number % 3 * 7
        assert np.array_equal(pixels[top:top + 4, left:left + 5], one)
    assert not pixels[4:6].any() and not pixels[:, 5:7].any()
    for wrong in ({"columns": 0}, {"padding": -1}):
        with pytest.raises(ValueError, match="got .* want . or more"):
            summary.image("tag", BATCH, **wrong)
    for wrong in ({"columns": "all"}, {"padding": 0.5}):
        with pytest.raises(TypeError, match="got .* want an integer"):
            summary.image("tag", BATCH, **wrong)


def test_each_picture_is_normalized():
    """normalize=True shows each picture of a batch, list or samples from its least to its largest
    value."""
    batch = np.stack([np.linspace(-5, 5, 20), np.linspace(100, 900, 20)]).reshape(2, 1, 4, 5)
    for data in (batch, list(batch)):
        pixels, _ = shown(data, normalize=True)
        assert np.array_equal(pixels[:, :5], pixels[:, 5:])
        assert (pixels.min(), pixels.max()) == (0, 255)
    value = parsed(summary.images("tag", batch, normalize=True))
    _, _, first, second = value.tensor.string_val
    assert np.array_equal(decoded(first), decoded(second)) and decoded(first).max() == 255
    deep = parsed(summary.image("tag", DEEP, normalize=True)).image.encoded_image_string
    assert decoded(deep).dtype == np.uint8


def test_pil_images_with_default_arguments():
    """An image of PIL needs no layout, alone or in lists, in each function and method."""
    red = Image.new("RGB", (40, 30), (255, 0, 0))
    with MemoryWriter() as writer:
        writer.add_image("one", red)
        writer.add_image("one", red.convert("CMYK"))
        writer.add_images("grid", [red, red])
        writer.add_images("samples", [red, red.convert("L")], grid=False)
        writer.add_image_with_boxes("boxes", red, [])
        writer.add_video("video", [red, red])
    found = {tag: [list(map(decoded, picture.encoded)) for picture in writer.run.images(tag).values]
             for tag in writer.run.tags}
    assert {tag: files[0][0].shape[:2] for tag, files in found.items()} == {
        "one": (30, 40), "grid": (30, 80), "samples": (30, 40), "boxes": (30, 40),
        "video": (30, 40)}
    assert all((files[0] == [255, 0, 0]).all() for files in found["one"])


@pytest.mark.parametrize("kind", [summary.image, summary.video])
def test_a_padding_beyond_all_memory(kind):
    """A grid that no picture holds is refused at the call, not when it is encoded."""
    with pytest.raises(ValueError, match="got a .*, want "):
        kind("a", np.zeros((3, 2, 4, 5, 3), np.uint8) if kind is summary.video
             else np.zeros((3, 4, 5, 3), np.uint8), padding=1 << 31)
