"""PNG: what is encoded is what Pillow and a decoder of this file's own read back."""
from __future__ import annotations

import io
import struct
import sys
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from tbwriter import _parallel
from tbwriter._values import png

CHANNELS = {0: 1, 4: 2, 2: 3, 6: 4}


def chunks(data):
    """Name and content of each chunk, lengths and CRCs checked."""
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    at = 8
    while at < len(data):
        length, name = struct.unpack_from(">I4s", data, at)
        content = data[at + 8:at + 8 + length]
        assert struct.unpack_from(">I", data, at + 8 + length)[0] == zlib.crc32(name + content)
        yield name, content
        at += 12 + length
    assert at == len(data)


def decode(data):
    """The pixels of a PNG without palette and interlacing, byte by byte as the standard says."""
    parts = list(chunks(data))
    assert [name for name, _ in parts] == [b"IHDR", b"IDAT", b"IEND"]
    width, height, depth, colour, *rest = struct.unpack(">IIBBBBB", parts[0][1])
    assert rest == [0, 0, 0]
    step = CHANNELS[colour] * depth // 8
    data = zlib.decompress(parts[1][1])
    row = width * step
    assert len(data) == height * (row + 1)
    above, rows = bytearray(row), []
    for start in range(0, len(data), row + 1):
        kind, now = data[start], bytearray(data[start + 1:start + 1 + row])
        for i in range(row):
            a, b, c = (now[i - step] if i >= step else 0, above[i],
                       above[i - step] if i >= step else 0)
            p = a + b - c
            paeth = min(((abs(p - a), 0, a), (abs(p - b), 1, b), (abs(p - c), 2, c)))[2]
            now[i] = (now[i] + (0, a, b, (a + b) // 2, paeth)[kind]) & 255
        rows.append(now)
        above = now
    pixels = np.frombuffer(b"".join(rows), ">u2" if depth == 16 else np.uint8)
    return pixels.reshape(height, width, CHANNELS[colour])


def pillow(data):
    """The picture as Pillow reads it: all of it, 8 bits per sample or 16 bits grey."""
    pixels = np.asarray(Image.open(io.BytesIO(data)))
    return pixels.reshape(*pixels.shape[:2], -1)


def drawn(kind, height, width, channels, dtype, seed=0):
    """An image of one kind of content."""
    rng = np.random.default_rng(seed)
    top = np.iinfo(dtype).max
    shape = (height, width, channels)
    y, x, z = np.mgrid[0:height, 0:width, 0:channels]
    if kind == "noise":
        pixels = rng.integers(0, top + 1, shape)
    elif kind == "smooth":
        pixels = (y * 3 + x * 5 + z * 40) % (top + 1)
    elif kind == "natural":
        pixels = np.clip(top * (0.5 + 0.4 * np.sin(x / 31 + z) * np.cos(y / 23))
                         + rng.normal(0, top / 64, shape), 0, top)
    elif kind == "constant":
        pixels = np.full(shape, rng.integers(0, top + 1))
    elif kind == "palette":
        pixels = rng.integers(0, top + 1, (4, channels))[rng.integers(0, 4, (height, width))]
    elif kind == "tiles":
        pixels = rng.integers(0, top + 1, (9, 9, channels))[y[..., 0] % 9, x[..., 0] % 9]
    else:
        pixels = np.broadcast_to(rng.integers(0, top + 1, (height, width, 1)), shape)
    return pixels.astype(dtype)


KINDS = ["noise", "smooth", "natural", "constant", "palette", "tiles", "grey"]


@given(kind=st.sampled_from(KINDS), height=st.integers(1, 40), width=st.integers(1, 40),
       channels=st.integers(1, 4), dtype=st.sampled_from([np.uint8, np.uint16]),
       seed=st.integers(0, 1000))
def test_every_pixel_comes_back(kind, height, width, channels, dtype, seed):
    """Any content, shape, number of channels and depth is read back as it was."""
    pixels = drawn(kind, height, width, channels, dtype, seed)
    data = png.encode(pixels)
    assert np.array_equal(decode(data), pixels)
    if dtype == np.uint8 or channels == 1:  # Pillow reads 16-bit colours as 8-bit ones
        assert np.array_equal(pillow(data), pixels)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("height, width, channels, dtype", [
    (200, 300, 1, np.uint8), (90, 120, 2, np.uint8), (301, 299, 3, np.uint8),
    (400, 500, 4, np.uint8), (500, 400, 1, np.uint16), (2, 70_000, 3, np.uint8),
    (100_000, 3, 1, np.uint8)])
def test_large_pictures(kind, height, width, channels, dtype):
    """So are pictures that are large enough for samples, for blocks and for two cores."""
    pixels = drawn(kind, height, width, channels, dtype)
    assert np.array_equal(pillow(png.encode(pixels)), pixels)


@pytest.mark.parametrize("cores", [1, 2])
def test_one_core_and_two(monkeypatch, cores):
    """With one core no thread is started; the pixels are the same."""
    monkeypatch.setattr(_parallel, "available", lambda: cores)
    pixels = drawn("natural", 400, 400, 3, np.uint8)
    assert np.array_equal(pillow(png.encode(pixels)), pixels)


@pytest.mark.parametrize("deflate", [png.STORED, png.HUFFMAN, png.RUNS, png.FAST, png.GOOD,
                                     png.BEST])
@pytest.mark.parametrize("kind", range(5))
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_every_method(monkeypatch, deflate, kind, dtype):
    """Each filter with each compression is undone by a decoder that goes byte by byte."""
    monkeypatch.setattr(png, "_method", lambda picture: (kind, deflate))
    pixels = drawn("natural", 30, 50, 3, dtype)
    assert np.array_equal(decode(png.encode(pixels)), pixels)


def test_any_memory_layout():
    """Views that are not contiguous are encoded by their values."""
    whole = drawn("natural", 120, 90, 3, np.uint8)
    for pixels in (whole[::-1], whole[:, ::2], whole.transpose(1, 0, 2), whole[..., ::-1],
                   np.asfortranarray(whole), whole[..., :1]):
        assert np.array_equal(pillow(png.encode(pixels)), pixels)
    big_endian = drawn("natural", 80, 90, 1, np.uint16).astype(">u2")
    assert np.array_equal(pillow(png.encode(big_endian)), big_endian)


@pytest.mark.parametrize("kind", ["natural", "noise", "constant", "palette", "grey"])
@pytest.mark.parametrize("shape", [(224, 224, 3), (300, 400, 1)])
def test_size(monkeypatch, kind, shape):
    """A file is at most a tenth larger than Pillow's, on natural content with noise no larger."""
    monkeypatch.setattr(png, "_isal", None)
    pixels = drawn(kind, *shape, np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels[..., 0] if shape[2] == 1 else pixels).save(file, "PNG")
    bound = 1 if kind == "natural" else 1.1
    assert len(png.encode(pixels)) <= bound * len(file.getvalue())


@given(first=st.binary(max_size=300), second=st.binary(max_size=300))
def test_joined_adler32(first, second):
    """The checksum of two parts is made of theirs."""
    joined = png._joined_adler32(zlib.adler32(first), zlib.adler32(second), len(second))
    assert joined == zlib.adler32(first + second)


@pytest.fixture(params=[False, True], ids=["chosen", "forced"])
def isal(request, monkeypatch):
    """python-isal, chosen by the sample or forced; the pixels are the same."""
    monkeypatch.setattr(png, "_isal", pytest.importorskip(
        "isal.isal_zlib", reason="python-isal is not installed"))
    monkeypatch.setattr(png, "_forced", request.param)
    return request.param


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", [(20, 30, 3), (224, 224, 3), (500, 600, 4)])
def test_with_isal(isal, kind, shape):
    """Pictures that python-isal compresses are read back as they were."""
    pixels = drawn(kind, *shape, np.uint8)
    assert np.array_equal(pillow(png.encode(pixels)), pixels)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", [(90, 120, 3), (224, 224, 3), (500, 600, 1)])
def test_isal_is_chosen_where_the_file_hardly_grows(monkeypatch, isal, kind, shape):
    """Unless it is forced, python-isal makes no file more than a tenth larger than zlib does; of
    natural pictures it makes all."""
    pixels = drawn(kind, *shape, np.uint8)
    size = len(png.encode(pixels))
    assert kind != "natural" or png._method(png.Picture(pixels))[1].isal
    monkeypatch.setattr(png, "_isal", None)
    monkeypatch.setattr(png, "_forced", False)
    assert isal or size <= 1.1 * len(png.encode(pixels))


def test_accelerators(monkeypatch):
    """'zlib' never uses python-isal, 'isal' needs it, any other word raises."""
    assert png._accelerator("zlib") is None
    monkeypatch.setitem(sys.modules, "isal", None)
    assert png._accelerator("") is None
    with pytest.raises(ImportError):
        png._accelerator("isal")
    with pytest.raises(ValueError, match="got TBWRITER_PNG='fast', want 'zlib', 'isal' or nothing"):
        png._accelerator("fast")
