"""Pictures: axes, numbers to pixels, sizes of encoded files."""
from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image, ImageCms

from tbwriter._values.depth import normalized, to_depth
from tbwriter._values.encoded import encoded
from tbwriter._values.pixels import find_layout, grid, picture, pictures, tile


@pytest.mark.parametrize(("shape", "layout"), [
    ((20, 30), "HW"), ((3, 20, 30), "CHW"), ((20, 30, 3), "HWC"), ((1, 20, 30), "CHW"),
    ((20, 30, 1), "HWC"), ((2, 20, 30), "CHW"), ((20, 30, 4), "HWC"), ((5, 3, 20, 30), "NCHW"),
    ((5, 20, 30, 3), "NHWC"), ((3, 8, 3), "CHW"), ((2, 2), "HW"),
])
def test_layout_is_found(shape, layout):
    """The channels are the axis of 1 to 4 elements, the first of them in doubt."""
    assert find_layout(shape, None) == layout


@pytest.mark.parametrize(("shape", "given_", "layout"), [
    ((20, 30, 3), "HWC", "HWC"), ((30, 20, 3), "WHC", "WHC"), ((3, 20, 30), "chw", "CHW"),
    ((20, 30), "CHW", "HW"), ((30, 20), "CWH", "WH"), ((5, 3, 20, 30), "CHW", "NCHW"),
    ((3, 20, 30), "NCHW", "CHW"), ((20, 30), "NHWC", "HW"),
    ((3, 5, 20, 30), "CNHW", "CNHW"), ((9, 20, 30), "NHW", "NHW"),
])
def test_layout_as_given(shape, given_, layout):
    """Any order of letters holds; a missing axis is N or C, and torch's default takes one more."""
    assert find_layout(shape, given_) == layout


@pytest.mark.parametrize(("shape", "layout"), [
    ((30,), None), ((), None), ((5, 20, 30), None), ((1, 2, 3, 4, 5), None), ((0, 4), None),
    ((3, 0, 4), None), ((20, 30, 5), "HWC"), ((20, 30, 3), "CHW"), ((20, 30), "HC"),
    ((20, 30), "HWX"), ((20, 30), "HHW"), ((3, 20, 30), "HW" * 2), ((5, 5, 20, 30), None),
    ((1 << 24, 1), None), ((32, 48, 3), "HW"), ((32, 48, 3, 1), "HWC"), ((5, 20, 30, 3), "HWC"),
    ((5, 3, 20, 30), "CWH"), ((2, 5, 3, 20, 30), "NCHW"),
])
def test_wrong_shapes_are_refused(shape, layout):
    """A shape that is no picture, or that contradicts the layout, raises an error that says got
    and want."""
    with pytest.raises(ValueError, match="got .* want "):
        find_layout(shape, layout)
    with pytest.raises(TypeError, match="got .* want "):
        find_layout((20, 30), 3)


@pytest.mark.parametrize("dtype", [object, "U3", complex])
def test_wrong_types_are_refused(dtype):
    """Anything but numbers is an error that says got and want."""
    with pytest.raises(TypeError, match="got .* want "):
        picture(np.zeros((4, 4), dtype), None)


@given(arrays.arrays(np.float32, (3, 4), elements=st.floats(width=32)))
def test_floats_never_wrap(values):
    """0 to 1 becomes 0 to 255, rounded; values beyond are clipped, NaN is 0."""
    wanted = [[0 if not value > 0 else 255 if value >= 1 else float(value) * 255 for value in row]
              for row in values.tolist()]
    pixels = to_depth(values)
    assert pixels.dtype == np.uint8
    assert np.abs(pixels - np.array(wanted)).max() <= 0.5001


def test_floats_beyond_the_range_in_tensorboardX():
    """There they wrap around: a little more than white is black."""
    their = pytest.importorskip("tensorboardX.summary", reason="tensorboardX is not installed")
    value, = their.image("i", np.full((1, 2, 2), 1.005, np.float32)).value
    with Image.open(BytesIO(value.image.encoded_image_string)) as picture:
        assert np.asarray(picture).max() == 0
    assert to_depth(np.full((2, 2), 1.005, np.float32)).min() == 255


@pytest.mark.parametrize("dtype", ["float16", "float64"])
def test_all_floats(dtype):
    """Half and double precision give the same pixels as single."""
    values = np.array([[-1, 0, 0.25, 0.5], [1, 2, np.inf, np.nan]], dtype)
    assert to_depth(values).tolist() == [[0, 0, 64, 128], [255, 255, 255, 0]]
    if dtype == "float64":
        assert to_depth(np.array([1e300, -1e300])).tolist() == [255, 0]


@pytest.mark.parametrize(("dtype", "values", "wanted"), [
    ("uint8", [0, 255], [0, 255]), ("bool", [False, True], [0, 255]),
    ("uint16", [0, 65535], [0, 65535]), ("int16", [-1, -32768, 5], [65535, 32768, 5]),
    ("int8", [-5, 127], [0, 127]), ("int32", [-5, 300, 255], [0, 255, 255]),
    ("int64", [-1 << 40, 1 << 40], [0, 255]), ("uint32", [300, 3], [255, 3]),
    ("uint64", [1 << 63, 3], [255, 3]), (">u2", [1, 256], [1, 256]), (">i2", [-2], [65534]),
])
def test_integers_never_wrap(dtype, values, wanted):
    """8 and 16 bits stay, int16 as the same bits; wider ones and int8 are clipped."""
    pixels = to_depth(np.array(values, dtype))
    assert pixels.tolist() == wanted
    assert pixels.dtype.itemsize == (2 if dtype[-2:] in ("16", "u2", "i2") else 1)


def test_normalized():
    """A picture reaches from black to white; alpha stays, NaN is black, infinities are clipped."""
    grey = np.array([[-3.0, 0.0], [1.0, 3.0]])[..., None]
    assert normalized(grey)[..., 0].tolist() == [[0, 128], [170, 255]]
    odd = np.array([[np.nan, 2.0], [np.inf, 4.0]])[..., None]
    assert normalized(odd)[..., 0].tolist() == [[0, 0], [255, 255]]
    alpha = np.array([[[7, 100], [9, 50]]], np.uint8)
    assert normalized(alpha).tolist() == [[[0, 100], [255, 50]]]
    assert normalized(np.full((2, 2, 1), 5))[..., 0].tolist() == [[0, 0], [0, 0]]
    assert normalized(np.array([[[-1e308], [1e308]]]))[..., 0].tolist() == [[0, 255]]
    assert normalized(np.full((1, 1, 1), np.nan)).tolist() == [[[0]]]


@pytest.mark.parametrize(("number", "columns", "wanted"), [
    (9, 8, (2, 8)), (3, 8, (1, 3)), (9, None, (3, 3)), (10, None, (3, 4)), (1, None, (1, 1)),
    (2, None, (1, 2)), (5, None, (2, 3)),
])
def test_grid(number, columns, wanted):
    """A grid has at most the columns that are given, or is as near to a square as possible."""
    rows, width = wanted
    made = grid(number, 5, 7, columns, 1)
    assert made == (width, (6, 8), (6 * rows - 1, 8 * width - 1))


def test_tile():
    """Pictures fill the rows one after another; around smaller and missing ones it is black."""
    one, other = np.full((2, 3, 1), 7, np.uint8), np.full((1, 1, 1), 9, np.uint8)
    assert tile([one, other, one], 2)[:, :, 0].tolist() == [
        [7, 7, 7, 9, 0, 0], [7, 7, 7, 0, 0, 0], [7, 7, 7, 0, 0, 0], [7, 7, 7, 0, 0, 0]]
    assert tile([other, other, other], 2, 1)[:, :, 0].tolist() == [[9, 0, 9], [0, 0, 0], [9, 0, 0]]


@pytest.mark.parametrize("form", ["PNG", "JPEG", "GIF", "BMP"])
@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_size_of_files_that_pillow_writes(form, mode):
    """The size comes from the header of each kind of file."""
    out = BytesIO()
    Image.new(mode, (321, 43)).save(out, form, **({"progressive": True} if mode == "L"
                                                  and form == "JPEG" else {}))
    assert encoded(out.getvalue()) == (out.getvalue(), 321, 43)


def test_odd_files():
    """Top-down BMP, the BMP of OS/2, and JPEG with fill bytes and other segments first."""
    windows = b"BM" + bytes(12) + b"\x28\0\0\0" + (5).to_bytes(4, "little") \
        + (-7 & 0xFFFF_FFFF).to_bytes(4, "little")
    assert encoded(windows)[1:] == (5, 7)
    assert encoded(b"BM" + bytes(12) + b"\x0c\0\0\0\x05\0\x07\0")[1:] == (5, 7)
    jpeg = b"\xff\xd8\xff\xe0\0\4ab\xff\xff\xfe\0\3c\xff\xc4\0\3d\xff\xc2\0\x11\x08\0\7\0\5\3"
    assert encoded(jpeg)[1:] == (5, 7)


@pytest.mark.parametrize("first", [
    pytest.param(b"\xff\xcc\0\4\x10\5", id="DAC"), pytest.param(b"\xff\xc4\0\3d", id="DHT"),
    pytest.param(b"\xff\xc8\0\x0b" + bytes(9), id="JPG"), pytest.param(b"\xff\x01", id="TEM"),
    pytest.param(b"\xff\xd0", id="RST0")])
@pytest.mark.parametrize("frame", [0xC0, 0xC1, 0xC2, 0xC3, 0xC5, 0xC9, 0xCA, 0xCF])
def test_jpeg_segments_before_the_frame_header(first, frame):
    """The size is that of the frame header, and not of a table that has a number like one."""
    picture = BytesIO()
    Image.new("L", (321, 43)).save(picture, "JPEG")
    data = picture.getvalue()
    at = data.index(b"\xff\xc0")
    changed = data[:2] + first + data[2:at] + bytes([0xFF, frame]) + data[at + 2:]
    assert encoded(changed)[1:] == (321, 43)


@pytest.mark.parametrize("data", [b"", b"RIFF\0\0\0\0WEBP", b"<svg/>", b"\x89PNG\r\n\x1a\n",
                                  b"GIF89a", b"BM", b"\xff\xd8\xff", b"GIF89a\0\0\0\0"])
def test_other_files_are_refused(data):
    """A picture that TensorBoard would not show is an error at the call."""
    with pytest.raises(ValueError, match="want a PNG, JPEG, GIF or BMP file"):
        encoded(data)


@given(st.binary(max_size=60))
def test_any_bytes(data):
    """No bytes do worse than ValueError, whatever they begin with."""
    for start in (b"", b"BM", b"\xff\xd8\xff", b"GIF89a", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"):
        try:
            assert encoded(start + data).width > 0
        except ValueError:
            pass


def test_lists():
    """A list of arrays is several pictures, a list of numbers is one."""
    assert len(pictures([np.zeros((3, 4, 5)), np.zeros((4, 5))], "CHW")) == 2
    assert pictures([[0, 1], [1, 0]], None)[0].pixels().shape == (2, 2, 1)
    with pytest.raises(ValueError, match="empty list"):
        pictures([], None)
    with pytest.raises(ValueError, match="want a single picture"):
        pictures([np.zeros((2, 3, 4, 5))], None)


@pytest.mark.parametrize("name", ["cat.png", Path("cat.png")])
def test_names_of_files(name):
    """The error for a file name says what to pass."""
    with pytest.raises(TypeError, match="got a picture of type .* want .* pass its bytes"):
        pictures(name, "CHW")
    with pytest.raises(TypeError, match="pass its bytes"):
        pictures([name], None)


def gradient():
    """A picture with many colours, some of them alike."""
    rows, columns = np.mgrid[:24, :32]
    return Image.fromarray(np.stack([rows * 10, columns * 7, 200 - rows * 5], 2).astype(np.uint8))


def in_lab(image):
    profiles = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
    return ImageCms.profileToProfile(image, *profiles, outputMode="LAB")


@pytest.mark.parametrize(("mode", "values", "wanted"), [
    ("I", [0, 255], [0, 255]), ("I", [0, 256], [0, 256]), ("I", [1, 65535], [1, 65535]),
    ("I", [1, 65536], [1, 255]), ("I", [-1, 300], [0, 255]),
    ("F", [0.0, 1.0], [0, 255]), ("F", [0.0, 2.0], [0, 2]), ("F", [51.0, 255.0], [51, 255]),
    ("F", [np.nan, 51.0, 255.0], [0, 51, 255]), ("F", [np.nan, 0.2, 1.0], [0, 51, 255]),
    ("F", [-np.inf, 0.2, np.inf], [0, 51, 255]), ("F", [np.nan, np.nan], [0, 0]),
])
def test_numbers_of_pil(mode, values, wanted):
    """Modes I and F have 8 bits, 16 bits or numbers from 0 to 1, as their largest value fits; NaN
    and infinities don't count."""""
    kind = np.int32 if mode == "I" else np.float32
    image = Image.fromarray(np.array([values], kind))
    assert image.mode == mode
    one, = pictures(image, None)
    assert to_depth(one.pixels()).ravel().tolist() == wanted


MODES = {
    **{mode: gradient().convert(mode) for mode in
       ("1", "L", "LA", "P", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr", "HSV", "I", "F")},
    "PA": gradient().convert("L").convert("PA"), "I;16": gradient().convert("I").convert("I;16"),
    "RGBa": gradient().convert("RGBA").convert("RGBa"), "LAB": in_lab(gradient()),
    "La": gradient().convert("LA").convert("La"),
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("dataformats", ["CHW", None])
def test_pil_images_of_every_mode(mode, dataformats):
    """An image of PIL is shown in its colours, whatever its mode, with its own layout."""
    image = MODES[mode]
    assert image.mode == mode
    straight = {"La": "LA", "RGBa": "RGBA"}.get(mode)
    shown = image.convert(straight) if straight else image
    wanted = np.asarray(shown.convert("RGB")).astype(int)
    one, = pictures(image, dataformats)
    pixels = one.pixels()
    if pixels.dtype == np.uint16:
        assert mode == "I;16" and np.array_equal(pixels[..., 0], np.asarray(image))
        return
    colors = pixels[..., :3] if pixels.shape[2] > 2 else pixels[..., :1].repeat(3, axis=2)
    assert np.abs(colors - wanted).max() <= 1


def test_pil_images_by_their_numbers():
    """Modes I and F, which also come from 16-bit files and arrays, go by their largest value."""
    deep = np.array([[0, 256], [40000, 65535]], np.int32)
    assert np.array_equal(picture(Image.fromarray(deep), None).pixels()[..., 0], deep)
    floats = np.array([[0, 0.5], [0.25, 1]], np.float32)
    assert picture(Image.fromarray(floats), None).pixels()[..., 0].tolist() == [[0, 128], [64, 255]]


def test_pil_images_with_transparency():
    """A palette with transparency becomes RGBA; a list of images of one size is several."""
    image = gradient().quantize(8)
    image.info["transparency"] = 3
    pixels = picture(image, None).pixels()
    assert np.array_equal(pixels, np.asarray(image.convert("RGBA")))
    assert 0 < (pixels[..., 3] == 0).mean() < 1
    several = picture([gradient(), gradient().convert("P")], None)
    assert several.layout == "NHWC" and several.pixels().shape == (2, 24, 32, 3)
    with pytest.raises(ValueError, match="got PIL images of the shapes .* want equal ones"):
        picture([gradient(), gradient().convert("L")], None)


@pytest.mark.parametrize(("data", "text"), [
    (np.eye(3, dtype=int), "integers that are all 0 or 1"),
    (np.eye(3, dtype=np.uint8), "Multiply them by 255, or pass bools"),
    (np.eye(3, dtype=np.uint16), "all 0 or 1"), (np.ones((2, 2), np.int8), "all 0 or 1"),
    (np.eye(3) * 255, "floats from 0 to 255, want 0 to 1"), (np.eye(3) * 1.01, "to 1.01"),
    (np.eye(3) - 0.5, "from -0.5 to 0.5"), (np.array([[np.nan, 3.0]]), "from 3 to 3"),
    (np.array([[0.0, np.inf]]), "to inf"), (np.eye(3, dtype=int) * 300, "from 0 to 300"),
    (-np.eye(3, dtype=int), "from -1 to 0"), (np.array([[2]], np.float16), "from 2 to 2"),
])
def test_warnings_of_range(recwarn, data, text):
    """Values that are clipped or nearly black are shown as ever, with one warning for a tag."""
    tag = f"range {data.dtype} {data.tolist()}"
    for _ in range(2):
        pixels = picture(data, None, tag=tag).pixels()
    assert np.array_equal(pixels[..., 0], to_depth(data))
    told = [str(w.message) for w in recwarn if repr(tag) in str(w.message)]
    assert len(told) == 1 and text in told[0]


@pytest.mark.parametrize("data", [
    np.zeros((2, 2), int), np.eye(3), np.eye(3) * 1.001, np.eye(3) - 0.001, np.eye(3, dtype=bool),
    np.eye(3, dtype=int) * 255, np.eye(3, dtype=np.uint16) * 9, np.full((2, 2), np.nan),
    np.array([[-1, 5]], np.int16), np.eye(3, dtype=np.uint8) * 2,
])
def test_no_warning_of_range(recwarn, data):
    """Black, bools, rounded floats and values in their range are nothing to warn of."""
    picture(data, None, tag="fine").pixels()
    picture(data * 1000.0, None, tag="fine", normalize=True).pixels()
    assert not [w for w in recwarn if "'fine'" in str(w.message)]


@pytest.mark.parametrize("dtype", ["float32", "uint8", "int64", "bool", "uint16"])
def test_masked_elements_are_black(recwarn, dtype):
    """Elements that numpy.ma masks are black, and don't count for the range, with one warning."""
    values = np.ma.array(np.array([[1, 0], [1, 1]], dtype), mask=[[1, 0], [0, 0]])
    pixels = picture(values, None, tag=f"masked {dtype}").pixels()[..., 0]
    assert pixels.tolist() == [[0, 0], to_depth(np.array([1, 1], dtype)).tolist()]
    wide = np.ma.array(np.array([[100, 0], [1, 1]], dtype), mask=[[1, 0], [0, 0]])
    pixels = picture(wide, None, tag=f"masked {dtype}", normalize=True).pixels()[..., 0]
    assert pixels.tolist() == [[0, 0], [255, 255]]
    told = [str(w.message) for w in recwarn if f"'masked {dtype}' has masked" in str(w.message)]
    assert len(told) == 1
