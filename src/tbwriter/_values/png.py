"""Encode pixels as PNG: about as small as other encoders do, and many times faster.

Other encoders try five filters on every row and search every row for repetitions, although noisy
pictures contain none. This encoder decides once per picture, from a sample of its rows, which
filter leaves the least entropy and how much searching for repetitions is worthwhile. It filters and
compresses blocks that fit into a core's cache. A large picture is encoded in two halves on two
cores.

If python-isal is installed, it compresses the pictures whose sample it makes at most 6 % larger
than the best method: it is two to three times as fast. TBWRITER_PNG=zlib or TBWRITER_PNG=isal in
the environment forces one of the two for all pictures.

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
# The "colour type" per number of channels: grey, grey + alpha, RGB, RGB + alpha.
_COLOUR_TYPE = {1: 0, 2: 4, 3: 2, 4: 6}

# The "filter types": from which neighbours each byte is predicted.
NONE, SUB, UP, AVERAGE, PAETH = range(5)

# How many bytes are filtered and compressed at a time.
_BLOCK = 1 << 16
# HuffmanPacker takes larger blocks: with small ones, two threads spend their time waiting for the
# GIL, which numpy releases only within a call.
_HUFFMAN_BLOCK = 1 << 18
# From this size on (bytes), a second thread saves more time than it costs.
_TWO_CORES = 1 << 18


class Deflate(NamedTuple):
    """A compression method: `level` and `strategy` of zlib, or `level` of python-isal."""

    level: int
    strategy: int = zlib.Z_DEFAULT_STRATEGY
    isal: bool = False


ISAL = Deflate(1, isal=True)
STORED = Deflate(0)
HUFFMAN = Deflate(1, zlib.Z_HUFFMAN_ONLY)
RUNS = Deflate(1, zlib.Z_RLE)
FAST, GOOD, BEST = Deflate(1), Deflate(4), Deflate(6)

# Sizes in bytes. A picture smaller than _SMALL is encoded without a sample, which would cost more
# time than it saves. The sample grows with the picture, up to _SAMPLE.
_SMALL, _SAMPLE = 1 << 12, 1 << 15
# Entropy in bits per byte. Above _NOISE, compression saves nothing. Below _FLAT, the picture has
# large even areas.
_NOISE, _FLAT = 7.95, 3.0
# _NEAR: a faster method is chosen if its file is at most this much larger than the smallest.
# _REPETITIONS: the search for repetitions saves this much more in the picture than in a sample.
_NEAR, _REPETITIONS = 1.06, 1.04
# BEST is tried only if GOOD makes the sample smaller than this share of the size of FAST.
_WORTHWHILE = 0.97
# Huffman codes have whole bits, which makes them longer than the entropy by this factor.
_WHOLE_BITS = 1.016


class Picture:
    """The rows of an image as bytes, with samples of 16 bits "in network byte order"."""

    def __init__(self, pixels: Array) -> None:
        self.height, self.width, channels = pixels.shape
        self._pixels = pixels
        # "bpp", bytes per pixel: the distance from a byte to its left neighbour.
        self.step = channels * pixels.dtype.itemsize
        self.row = self.width * self.step
        self.size = self.height * self.row

    def rows(self, start: int, stop: int) -> Array:
        """The rows from `start` to `stop`: uint8, shape (rows, bytes)."""
        part = self._pixels[start:stop]
        if part.dtype.itemsize == 2:
            part = part.astype(">u2")
        return part.reshape(stop - start, -1).view(np.uint8)

    def filtered(self, kind: int, start: int, stop: int) -> Array:
        """The rows from `start` to `stop` after the filter `kind`, whose number precedes each."""
        out = np.empty((stop - start, self.row + 1), np.uint8)
        out[:, 0] = kind
        if kind == NONE:
            out[:, 1:] = self.rows(start, stop)
            return out
        # "For all x < 0 assume Raw(x) = 0"; the same holds for the row above the first.
        padded = np.zeros((stop - start + 1, self.step + self.row), np.uint8)
        first = max(start - 1, 0)
        padded[first - start + 1:, self.step:] = self.rows(first, stop)
        np.subtract(padded[1:, self.step:], _PREDICTION[kind](padded, self.step), out[:, 1:])
        return out

    def changes(self) -> float:
        """The share of samples that differ from the sample above, from 0 to 1."""
        changed = np.count_nonzero(self._pixels[1:] != self._pixels[:-1])
        return float(changed / self._pixels.size)

    def blocks(self, kind: int, start: int, stop: int, size: int = _BLOCK) -> Iterator[Array]:
        """The rows of `filtered(kind, start, stop)`, in blocks of about `size` bytes."""
        rows = max(1, size // (self.row + 1))
        for first in range(start, stop, rows):
            yield self.filtered(kind, first, min(first + rows, stop))

    def sample(self, kinds: Sequence[int], size: int) -> Array:
        """Four bands of rows, `size` bytes in total or slightly more, after each filter of `kinds`.

        A picture without that many rows is returned whole.
        """
        rows = -(-size // (4 * self.row))
        if 4 * rows >= self.height:
            return np.stack([self.filtered(kind, 0, self.height) for kind in kinds])
        starts = [max((2 * band + 1) * self.height // 8 - rows // 2, 1) for band in range(4)]
        # Each band is filtered together with the row above it. That row is then dropped, since its
        # own upper neighbour is missing here.
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
    """Of left, above and corner, the one nearest to left + above - corner, in unsigned bytes.

    The corner is nearer than the other two only if its value is between theirs. Its distance is
    then the difference of their distances.
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
    """np.where for bytes; a mask makes it several times faster."""
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
    """The filter and the compression for `picture`."""
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
    """The method for a picture below _SMALL.

    A picture in which few samples differ from the sample above is a drawing, not a photograph: it
    needs no filter.
    """
    if _forced:
        return (AVERAGE if picture.changes() > 0.7 else NONE), ISAL
    return (AVERAGE, RUNS) if picture.changes() > 0.7 else (NONE, FAST)


def _entropies(every: Array) -> Array:
    """The entropy that each filter leaves, in bits per byte, if each byte is coded on its own."""
    residuals = every[..., 1:].reshape(5, -1)
    size = residuals.shape[1]
    codes = residuals + 256 * np.arange(5)[:, None]
    counts = np.bincount(codes.ravel(), minlength=5 * 256).reshape(5, 256)
    share = counts / size
    # The entropy of a sample is too low on average: apply the correction of Miller and Madow.
    bias = (np.count_nonzero(counts, axis=1) - 1) / (2 * np.log(2) * size)
    return bias - (share * np.log2(np.where(counts, share, 1))).sum(axis=1)


def _deflate(filtered: Array, bits: float) -> Deflate:
    """The compression for a picture with much detail. `filtered`: a sample of it."""
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
    """Whether a search for repetitions makes the first bytes of a sample smaller.

    python-isal misses repetitions of three bytes, as in a grey picture with three channels. zlib
    finds them.
    """
    part = filtered.ravel()[:_SMALL]
    return _size(part, FAST) < 0.95 * _size(part, HUFFMAN)


def _flat_method(picture: Picture, kind: int) -> Tuple[int, Deflate]:
    """The filter and the compression for a picture with large even areas."""
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
        # The data is so small that every method is fast, and the sample cannot rank them.
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
    """The fastest method whose size is near the smallest."""
    # A sample lacks the long repetitions of the whole picture.
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
    """A function that makes a packer for half a picture, and the size of the packer's blocks."""
    if deflate is not HUFFMAN:
        return lambda: _packer(deflate, -15), _BLOCK
    code = Code(np.bincount(picture.sample([kind], _SAMPLE).ravel(), minlength=256).tolist())
    return lambda: HuffmanPacker(code), _HUFFMAN_BLOCK


def _part(blocks: Iterator[Array], packer: Any, flush: int) -> _Part:
    """A part of a deflate stream. With Z_SYNC_FLUSH it ends at a byte, and another can follow."""
    packed: List[bytes] = []
    adler32, length = 1, 0
    for block in blocks:
        adler32 = zlib.adler32(block, adler32)
        length += block.size
        packed.append(packer.compress(block))
    packed.append(packer.flush(flush))
    return _Part(packed, adler32, length)


def _joined_adler32(first: int, second: int, length: int) -> int:
    """The Adler-32 of two parts joined. `length`: the bytes of the second part.

    RFC 1950: s1 is 1 plus the sum of the bytes, s2 the sum of all s1, both modulo 65521.
    """
    s1 = (first & 0xFFFF) + (second & 0xFFFF) - 1
    s2 = (first >> 16) + (second >> 16) + ((first & 0xFFFF) - 1) * length
    return s2 % 65521 << 16 | s1 % 65521


def _packer(deflate: Deflate, wbits: int) -> Any:
    if deflate.isal:
        return _isal.compressobj(deflate.level, zlib.DEFLATED, wbits)
    # A picture with a small window has little data: zlib sets up smaller tables faster.
    memory = 5 if wbits == 10 else 8
    return zlib.compressobj(deflate.level, zlib.DEFLATED, wbits, memory, deflate.strategy)


def _accelerator(wanted: str) -> Any:
    """python-isal's zlib module if it is wanted and installed, else None.

    wanted: the value of TBWRITER_PNG. Raises ValueError for an unknown value, and ImportError if
    the value is "isal" and python-isal is not installed.
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
