"""Pixels to PNG: lossless, about as small as the usual encoders, many times faster.

The usual encoders try five filters on every row, and search every row for repetitions, of which
noisy pictures have none. Here a sample of the picture decides once for the whole picture which
filter leaves the least entropy, and how hard a search for repetitions pays. Pixels are filtered and
compressed in blocks that stay in a core's cache; a large picture is encoded in two halves on two
cores.

Where python-isal is installed, it compresses a picture whose file grows by at most 6 % in the
sample: two to three times as fast. TBWRITER_PNG=zlib or TBWRITER_PNG=isal in the environment forces
one of them for all pictures.

Source: https://www.w3.org/TR/png-3/ and RFC 1950, 1951.
"""
from __future__ import annotations

import os
import zlib
from struct import pack
from typing import Any, Callable, Dict, Iterator, List, NamedTuple, Sequence, Tuple

import numpy as np

from .._parallel import both
from .deflate import Code
from .deflate import Packer as HuffmanPacker

Array = Any  # np.ndarray[Any, Any], which old numpy cannot subscript

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
# "Colour type" by the number of channels: grey, grey + alpha, RGB, RGB + alpha.
_COLOUR_TYPE = {1: 0, 2: 4, 3: 2, 4: 6}

# "Filter types": what each byte is predicted from.
NONE, SUB, UP, AVERAGE, PAETH = range(5)

# Bytes that are filtered and compressed at a time, and from which size on a second core is worth
# a thread.
_BLOCK = 1 << 16
# With numpy, longer steps: two threads that take short ones wait for the GIL between them.
_HUFFMAN_BLOCK = 1 << 18
_TWO_CORES = 1 << 18


class Deflate(NamedTuple):
    """How to compress: two arguments of zlib, or the level of python-isal."""

    level: int
    strategy: int = zlib.Z_DEFAULT_STRATEGY
    isal: bool = False


ISAL = Deflate(1, isal=True)
STORED = Deflate(0)
HUFFMAN = Deflate(1, zlib.Z_HUFFMAN_ONLY)
RUNS = Deflate(1, zlib.Z_RLE)
FAST, GOOD, BEST = Deflate(1), Deflate(4), Deflate(6)

# Below this size (bytes) a sample is not worth its price; it grows with the picture up to here.
_SMALL, _SAMPLE = 1 << 12, 1 << 15
# Bits of entropy a byte: above the one nothing can be saved, below the other are large even areas.
_NOISE, _FLAT = 7.95, 3.0
# How much larger than the smallest a file may get to be made faster, and how much smaller than in a
# sample the search for repetitions makes it.
_NEAR, _REPETITIONS = 1.06, 1.04
# A search that saves less than this in a sample is not worth a longer one.
_WORTHWHILE = 0.97
# Codes of whole bits are so much longer than the entropy.
_WHOLE_BITS = 1.016


class Picture:
    """The rows of an image as PNG wants them: bytes, samples of 16 bits "in network byte order"."""

    def __init__(self, pixels: Array) -> None:
        self.height, self.width, channels = pixels.shape
        self._pixels = pixels
        # "bpp": bytes per pixel, the distance to the byte that the one to the left is compared to.
        self.step = channels * pixels.dtype.itemsize
        self.row = self.width * self.step
        self.size = self.height * self.row

    def rows(self, start: int, stop: int) -> Array:
        """Bytes of the rows from `start` to `stop`."""
        part = self._pixels[start:stop]
        if part.dtype.itemsize == 2:
            part = part.astype(">u2")
        return part.reshape(stop - start, -1).view(np.uint8)

    def filtered(self, kind: int, start: int, stop: int) -> Array:
        """The rows from `start` to `stop` after the filter `kind`, its number before each."""
        out = np.empty((stop - start, self.row + 1), np.uint8)
        out[:, 0] = kind
        if kind == NONE:
            out[:, 1:] = self.rows(start, stop)
            return out
        # "For all x < 0 assume Raw(x) = 0", and so above the first row.
        padded = np.zeros((stop - start + 1, self.step + self.row), np.uint8)
        first = max(start - 1, 0)
        padded[first - start + 1:, self.step:] = self.rows(first, stop)
        np.subtract(padded[1:, self.step:], _PREDICTION[kind](padded, self.step), out[:, 1:])
        return out

    def changes(self) -> float:
        """Which part of the samples differ from the one above."""
        changed = np.count_nonzero(self._pixels[1:] != self._pixels[:-1])
        return float(changed / self._pixels.size)

    def blocks(self, kind: int, start: int, stop: int, size: int = _BLOCK) -> Iterator[Array]:
        """The same in pieces of about `size` bytes."""
        rows = max(1, size // (self.row + 1))
        for first in range(start, stop, rows):
            yield self.filtered(kind, first, min(first + rows, stop))

    def sample(self, kinds: Sequence[int], size: int) -> Array:
        """Four bands of rows, about `size` bytes together, after each of the filters `kinds`."""
        rows = -(-size // (4 * self.row))
        if 4 * rows >= self.height:
            return np.stack([self.filtered(kind, 0, self.height) for kind in kinds])
        starts = [max((2 * band + 1) * self.height // 8 - rows // 2, 1) for band in range(4)]
        # Each band with the row above it, which is dropped again: its own neighbour is missing.
        bands = Picture(np.concatenate([self._pixels[start - 1:start + rows] for start in starts]))
        shape = 4, rows + 1, self.row + 1
        return np.stack([bands.filtered(kind, 0, bands.height).reshape(shape)[:, 1:]
                         for kind in kinds])


def _sub(padded: Array, step: int) -> Array:
    return padded[1:, :-step]


def _up(padded: Array, step: int) -> Array:
    return padded[:-1, step:]


def _average(padded: Array, step: int) -> Array:
    """"floor((Recon(a) + Recon(b)) / 2)", without the ninth bit of the sum."""
    left, above = padded[1:, :-step], padded[:-1, step:]
    half = left ^ above
    half >>= 1
    half += left & above
    return half


def _paeth(padded: Array, step: int) -> Array:
    """The neighbour that is nearest to left + above - corner; in bytes, without signs.

    The corner is nearer than both others only if it lies between them. Its distance is then the
    difference of theirs.
    """
    left, above, corner = padded[1:, :-step], padded[:-1, step:], padded[:-1, :-step]
    to_left = np.maximum(above, corner) - np.minimum(above, corner)
    to_above = np.maximum(left, corner) - np.minimum(left, corner)
    nearer = np.minimum(to_left, to_above)
    to_corner = np.maximum(to_left, to_above) - nearer
    between = (left < corner) != (above < corner)
    between &= to_corner < nearer
    return _choice(between, corner, _choice(to_left <= to_above, left, above))


def _choice(condition: Array, yes: Array, no: Array) -> Array:
    """np.where for bytes, several times faster: by masks."""
    mask = np.negative(condition.view(np.uint8))
    mask &= yes ^ no
    mask ^= no
    return mask


_PREDICTION: Dict[int, Callable[[Array, int], Array]] = {
    SUB: _sub, UP: _up, AVERAGE: _average, PAETH: _paeth}


def encode(pixels: Array) -> bytes:
    """The PNG file that shows `pixels`: uint8 or uint16, shape (height, width, 1 to 4 channels)."""
    picture = Picture(pixels)
    head = pack(">IIBBBBB", picture.width, picture.height, 8 * pixels.dtype.itemsize,
                _COLOUR_TYPE[pixels.shape[2]], 0, 0, 0)
    return b"".join([_SIGNATURE, *_chunk(b"IHDR", [head]),
                     *_chunk(b"IDAT", _compressed(picture, *_method(picture))),
                     _END])


def _chunk(name: bytes, data: Sequence[bytes]) -> List[bytes]:
    crc = zlib.crc32(name)
    for part in data:
        crc = zlib.crc32(part, crc)
    return [pack(">I", sum(map(len, data))), name, *data, pack(">I", crc)]


_END = b"".join(_chunk(b"IEND", []))


def _method(picture: Picture) -> Tuple[int, Deflate]:
    """Filter and compression for `picture`."""
    if picture.size < _SMALL:
        return _small_method(picture)
    every = picture.sample(range(5), min(max(picture.size // 32, 1 << 12), _SAMPLE))
    bits = _entropies(every)
    kind = int(np.argmin(bits))
    if bits[kind] > _NOISE:
        return NONE, STORED
    if bits[kind] > _FLAT:
        return kind, _deflate(every[kind], bits[kind])
    return _flat_method(picture, kind)


def _small_method(picture: Picture) -> Tuple[int, Deflate]:
    """If samples often equal the one above, the picture is a drawing and no photograph."""
    if _forced:
        return (AVERAGE if picture.changes() > 0.7 else NONE), ISAL
    return (AVERAGE, RUNS) if picture.changes() > 0.7 else (NONE, FAST)


def _entropies(every: Array) -> Array:
    """Bits a byte that each filter leaves, when bytes are coded one by one."""
    residuals = every[..., 1:].reshape(5, -1)
    size = residuals.shape[1]
    codes = residuals + 256 * np.arange(5)[:, None]
    counts = np.bincount(codes.ravel(), minlength=5 * 256).reshape(5, 256)
    share = counts / size
    # A sample looks more regular than it is: the correction of Miller and Madow.
    bias = (np.count_nonzero(counts, axis=1) - 1) / (2 * np.log(2) * size)
    return bias - (share * np.log2(np.where(counts, share, 1))).sum(axis=1)


def _deflate(filtered: Array, bits: float) -> Deflate:
    """Compression for a picture with much detail, of which `filtered` is a sample."""
    if _forced:
        return ISAL
    sizes = {HUFFMAN: bits / 8 * filtered.size}
    if _isal:
        sizes[ISAL] = _size(filtered, ISAL)
        if sizes[ISAL] <= _NEAR * _WHOLE_BITS * sizes[HUFFMAN] and not _repeats(filtered):
            return ISAL
    sizes.update({RUNS: _size(filtered, RUNS), FAST: _size(filtered, FAST)})
    if sizes[FAST] < 0.95 * min(sizes[HUFFMAN], sizes[RUNS]):
        sizes.update({GOOD: _size(filtered, GOOD), BEST: _size(filtered, BEST)})
    return _quickest(sizes)


def _repeats(filtered: Array) -> bool:
    """Whether a search for repetitions would make the file smaller, by a small part of a sample.
    zlib also finds those of three bytes, as in a grey picture with three channels."""
    part = filtered.ravel()[:_SMALL]
    return _size(part, FAST) < 0.95 * _size(part, HUFFMAN)


def _flat_method(picture: Picture, kind: int) -> Tuple[int, Deflate]:
    """Filter and compression for a picture with large even areas."""
    kinds = sorted({kind, NONE, UP})
    samples = picture.sample(kinds, min(max(picture.size // 16, 1 << 13), 1 << 16))
    first = ISAL if _forced else FAST
    sizes = [_size(sample, first) for sample in samples]
    # PAETH takes several times as long as the others.
    best = int(np.argmin([size * (_NEAR if each == PAETH else 1)
                          for each, size in zip(kinds, sizes)]))
    if _forced:
        return kinds[best], ISAL
    if sizes[best] < samples[best].size / 32:
        # So little is left that a sample tells nothing more, and every method is fast.
        return kinds[best], BEST
    found = {deflate: _size(samples[best], deflate) for deflate in (HUFFMAN, RUNS, GOOD)}
    found[FAST] = sizes[best]
    if found[GOOD] < _WORTHWHILE * found[FAST]:
        found[BEST] = _size(samples[best], BEST)
    if _isal:
        found[ISAL] = _size(samples[best], ISAL)
    return kinds[best], _quickest(found)


def _size(filtered: Array, deflate: Deflate) -> float:
    packer = _packer(deflate, -15)
    return len(packer.compress(filtered)) + len(packer.flush())


def _quickest(sizes: Dict[Deflate, float]) -> Deflate:
    """The quickest of those whose size is not far from the smallest."""
    # In a sample, the long repetitions of the whole picture are missing.
    sizes = {deflate: size * (1 if deflate in (FAST, GOOD, BEST) else _REPETITIONS)
             for deflate, size in sizes.items()}
    smallest = min(sizes.values())
    # RUNS takes hardly longer than HUFFMAN.
    return next(deflate for deflate in (ISAL, HUFFMAN, RUNS, FAST, GOOD, BEST)
                if sizes.get(deflate, np.inf) <= (1.01 if deflate is HUFFMAN else _NEAR) * smallest)


def _compressed(picture: Picture, kind: int, deflate: Deflate) -> List[bytes]:
    """The zlib stream of all rows."""
    if picture.size < _TWO_CORES:
        window = 15 if picture.size > _SMALL else 12 if picture.size > 1 << 10 else 10
        packer = _packer(deflate, window)
        packed = [packer.compress(block) for block in picture.blocks(kind, 0, picture.height)]
        return packed + [packer.flush()]
    middle = picture.height // 2
    packer, size = _large_packer(picture, kind, deflate)
    upper, lower = both(lambda: _part(picture.blocks(kind, 0, middle, size), packer(),
                                      zlib.Z_SYNC_FLUSH),
                        lambda: _part(picture.blocks(kind, middle, picture.height, size), packer(),
                                      zlib.Z_FINISH))
    check = _joined_adler32(upper.adler32, lower.adler32, lower.length)
    # RFC 1950: deflate with a window of 32 KiB, no dictionary.
    return [b"\x78\x01", *upper.packed, *lower.packed, pack(">I", check)]


class _Part(NamedTuple):
    packed: List[bytes]
    adler32: int
    length: int


def _large_packer(picture: Picture, kind: int, deflate: Deflate) -> Tuple[Callable[[], Any], int]:
    """What makes a packer for a part of the picture, and how much to give it at a time."""
    if deflate is not HUFFMAN:
        return lambda: _packer(deflate, -15), _BLOCK
    code = Code(np.bincount(picture.sample([kind], _SAMPLE).ravel(), minlength=256).tolist())
    return lambda: HuffmanPacker(code), _HUFFMAN_BLOCK


def _part(blocks: Iterator[Array], packer: Any, flush: int) -> _Part:
    """A part of a deflate stream: "Z_SYNC_FLUSH" ends it at a byte, so that another can follow."""
    packed: List[bytes] = []
    adler32, length = 1, 0
    for block in blocks:
        adler32 = zlib.adler32(block, adler32)
        length += block.size
        packed.append(packer.compress(block))
    packed.append(packer.flush(flush))
    return _Part(packed, adler32, length)


def _joined_adler32(first: int, second: int, length: int) -> int:
    """Adler-32 of two parts together; `length` is that of the second. RFC 1950: s1 is the sum of
    the bytes and 1, s2 the sum of all s1, both modulo 65521.
    """
    s1 = (first & 0xFFFF) + (second & 0xFFFF) - 1
    s2 = (first >> 16) + (second >> 16) + ((first & 0xFFFF) - 1) * length
    return s2 % 65521 << 16 | s1 % 65521


def _packer(deflate: Deflate, wbits: int) -> Any:
    if deflate.isal:
        return _isal.compressobj(deflate.level, zlib.DEFLATED, wbits)
    # The tables of a small window are set up faster.
    memory = 5 if wbits == 10 else 8
    return zlib.compressobj(deflate.level, zlib.DEFLATED, wbits, memory, deflate.strategy)


def _accelerator(wanted: str) -> Any:
    """python-isal's zlib module where it is wanted and installed, else None.

    wanted: the value of TBWRITER_PNG. ValueError for an unknown one, ImportError where python-isal
    is forced and not installed.
    """
    if wanted not in ("", "zlib", "isal"):
        raise ValueError(f"got TBWRITER_PNG={wanted!r}, want 'zlib', 'isal' or nothing")
    if wanted == "zlib":
        return None
    try:
        from isal import isal_zlib
    except ImportError:
        if wanted:
            raise
        return None
    return isal_zlib


_wanted = os.environ.get("TBWRITER_PNG", "")
_isal = _accelerator(_wanted)
_forced = _wanted == "isal"
