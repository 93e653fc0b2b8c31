"""The templates of records with scalars, kept for the next chunk and the next file.

Templates are looked up by their own CRC. By linearity (see `checksums`) it follows from the CRC
that is stored in a record and from the bytes that vary, so one pass finds the template of a record
and checks its CRC.
"""
from __future__ import annotations

from typing import Any, Dict, List, NamedTuple, Optional, Tuple

import numpy as np

from . import checksums
from .layout import Layout, layout_of, template_of
from .._proto import parse
from .._tfrecord.frame import HEADER, OVERHEAD, header, is_sound, unmasked

Array = Any  # np.ndarray, whose generic form numpy 1.19 does not have

# How many bytes of templates to keep for the next chunk and the next file.
_MAX_KEPT = 1 << 25
# How many CRCs of records that occurred once to keep for each shape.
_MOST_SEEN = 1 << 16


class Known(NamedTuple):
    """The templates of a shape.

    crcs: uint32 [n], sorted; order: which template each belongs to. words: uint64 [n, k], their
    bytes. templates: the scalars of each, as in `Decoder.values`.
    """

    crcs: Array
    order: Array
    words: Array
    templates: List[Tuple[parse.Value, ...]]

    def find(self, rows: "Rows", shape: "Shape") -> Tuple[Array, Array]:
        """For each row, the number of its template and whether it has one."""
        if not self.templates:
            return np.zeros(len(rows), np.intp), np.zeros(len(rows), bool)
        crcs = shape.crcs(rows)
        if len(self.templates) == 1:
            at = np.zeros(len(rows), np.intp)
            return at, rows.equal(self.words[0], shape.mask) & (crcs == self.crcs[0])
        found: Array = np.searchsorted(self.crcs, crcs)
        found[found == len(self.crcs)] = 0
        at = self.order[found]
        # Only the words that differ between rows are compared row by row.
        same = rows.differ & shape.mask == 0
        fits = (self.words[:, same] == (rows.words[0] & shape.mask)[same]).all(axis=1)
        good = (self.crcs[found] == crcs) & fits[at]
        for number in (~same).nonzero()[0].tolist():
            good &= rows.words[:, number] & shape.mask[number] == self.words[at, number]
        return at, good


class Rows:
    """Records of one length, at least one.

    data: uint8 [n, size]; words: the same as uint64 [n, size / 8]. differ: uint64 [size / 8], the
    bits in which a row differs from the first one.
    """

    def __init__(self, data: Array) -> None:
        self.data = data
        self.words = data.view(np.uint64)
        self.differ = np.bitwise_or.reduce(self.words ^ self.words[:1], axis=0)

    def __len__(self) -> int:
        return len(self.data)

    def taken(self, index: Array) -> "Rows":
        """Some of the rows, in their order."""
        return self if len(index) == len(self.data) else Rows(self.data[index])

    def equal(self, words: Array, mask: Array) -> Array:
        """Which rows have the bits `mask` as `words` has them, a uint64 [size / 8] like `mask`."""
        if ((self.words[0] ^ words) & mask & ~self.differ).any():
            return np.zeros(len(self.data), bool)
        good = np.ones(len(self.data), bool)
        for number in (self.differ & mask).nonzero()[0].tolist():
            good &= (self.words[:, number] ^ words[number]) & mask[number] == 0
        return good


class Shape:
    """Where the numbers are in records of one length: the same for all tags of equal lengths.

    step, width: of the varint, which is missing at step 0. spans: (where, how wide) each scalar is.
    mask: uint64 [k], the bits of a record that are the same in all records of a template. frame:
    uint64 [k], those that are the same in all records of the shape.
    """

    def __init__(self, data: bytes, layout: Layout) -> None:
        length = len(data)
        size = -(length + OVERHEAD) % 8 + length + OVERHEAD
        self._end = HEADER + length
        self.step, self.width = layout.step, layout.width
        self.spans = layout.spans
        # Where the tags are if records of this shape differ in nothing else, and one of them.
        self._names = layout.names
        self._sample: Optional[Tuple[parse.Value, ...]] = None
        varying = [range(HEADER + 1, HEADER + 9), range(self.step, self.step + self.width)]
        varying += [range(at, at + width) for at, width in self.spans]
        self._columns = np.concatenate(varying).astype(np.intp)
        self._tables = checksums.byte_tables(self._end - 1 - self._columns)
        begin, end = 8, 8 + self.width  # of a step, seven bits in each byte vary
        self._tables[begin:end] = np.tile(self._tables[begin:end, :128], 2)
        mask = np.zeros(size, np.uint8)
        mask[:self._end] = 255
        mask[self._columns] = 0
        mask[self.step:self.step + self.width] = 128
        self.mask = mask.view(np.uint64)
        free = mask.copy()
        for at, end in layout.free:
            free[at:end] = 0
        self.frame = free.view(np.uint64)
        self._framed = _padded(data).view(np.uint64) & self.frame
        # The CRCs of templates of which one record was seen.
        self._seen = np.zeros(0, np.uint32)
        self.known = Known(np.zeros(0, np.uint32), np.zeros(0, np.intp),
                           np.zeros((0, size // 8), np.uint64), [])

    def alike(self, rows: Rows) -> Array:
        """Which rows are of this shape."""
        return rows.equal(self._framed, self.frame)

    def crcs(self, rows: Rows) -> Array:
        """The CRC of each row's template, if the row's own CRC is right."""
        varying = rows.differ.view(np.uint8)[self._columns] != 0
        columns, tables = self._columns, self._tables
        crcs: Array = unmasked(_column(rows.data, self._end, "<u4"))
        if not varying.all():
            bytes_ = rows.data[0, columns[~varying]]
            crcs ^= np.bitwise_xor.reduce(tables[~varying, bytes_])
            columns, tables = columns[varying], tables[varying]
        crcs ^= checksums.added(rows.data, columns, tables)
        return crcs

    def learn(self, rows: Rows, most: int, once: int) -> None:
        """Make templates of rows of this shape, at most `most`: of those that occur again, and of
        `once` others. A template takes ten times the memory of a record, and a log may have a
        million tags with one value each."""
        crcs, first, counts = np.unique(self.crcs(rows), return_index=True, return_counts=True)
        known = self.known
        new = ~np.isin(crcs, known.crcs)
        again = (counts > 1) | np.isin(crcs, self._seen)
        others = (new & ~again).nonzero()[0]
        chosen = np.concatenate([(new & again).nonzero()[0], others[:once]])[:most]
        self._seen = np.concatenate([self._seen, crcs[others[once:]]])[-_MOST_SEEN:]
        crcs_found, words, templates = [], [], []
        for crc, row in zip(crcs[chosen].tolist(), rows.data[first[chosen]]):
            data = row[HEADER:self._end].tobytes()
            template = self._template(data)
            if template and is_sound(row[:self._end + 4].tobytes()):
                crcs_found.append(crc)
                words.append(row.view(np.uint64) & self.mask)
                templates.append(template)
        if not templates:
            return
        _remember(len(templates) * self.mask.nbytes)
        every = np.concatenate([known.crcs[np.argsort(known.order)],
                                np.array(crcs_found, np.uint32)])
        order = np.argsort(every, kind="stable")
        self.known = Known(every[order], order, np.concatenate([known.words, np.stack(words)]),
                           known.templates + templates)

    def _template(self, data: bytes) -> Optional[Tuple[parse.Value, ...]]:
        """The scalars of a record of this shape, without their numbers."""
        if not self._names or self._sample is None:
            self._sample = template_of(data, self.spans)
            return self._sample
        try:
            tags = [str(data[at - HEADER:end - HEADER], "utf-8") for at, end in self._names]
        except UnicodeDecodeError:
            return None
        return tuple([parse.Value(tag, value.number, value.data, value.metadata)
                      for tag, value in zip(tags, self._sample)])

    def wall_times(self, rows: Array) -> Array:
        return _column(rows, HEADER + 1, "<f8")

    def steps(self, rows: Array) -> Array:
        steps = np.zeros(len(rows), np.uint64)
        for i in range(self.width):
            group = (rows[:, self.step + i] & 0x7F).astype(np.uint64)
            steps |= group << np.uint64(7 * i)
        return steps.view(np.int64)

    def values(self, rows: Array) -> Array:
        """float64 [scalars of a record, n]."""
        values = np.empty((len(self.spans), len(rows)), np.float64)
        for i, (at, width) in enumerate(self.spans):
            values[i] = _column(rows, at, f"<f{width}")
        return values


# The shapes of each length, and how many bytes their templates have.
_shapes: Dict[int, Dict[Shape, None]] = {}
_by_frame: Dict[Any, Shape] = {}
_kept = [0]


def known_shapes(length: int) -> Tuple[Shape, ...]:
    """The shapes found so far among records with `length` bytes of data."""
    return tuple(_shapes.get(length, ()))


def _remember(size: int) -> None:
    _kept[0] += size
    if _kept[0] > _MAX_KEPT:
        _kept[0] = size
        _shapes.clear()
        _by_frame.clear()


def shape_of(data: bytes) -> Optional[Shape]:
    """The shape of a record with this data; None unless it holds scalars only."""
    layout = layout_of(data)
    if layout is None:
        return None
    frame = bytearray(data)
    for at, width in [(HEADER + 1, 8), *layout.spans]:
        frame[at - HEADER:at - HEADER + width] = bytes(width)
    for at in range(layout.step - HEADER, layout.step - HEADER + layout.width):
        frame[at] &= 128
    for at, end in layout.free:
        frame[at - HEADER:end - HEADER] = bytes(end - at)
    key = bytes(frame), layout
    shape = _by_frame.get(key)
    if shape is None:
        shape = _by_frame[key] = Shape(data, layout)
    _shapes.setdefault(len(data), {})[shape] = None
    return shape


def _padded(data: bytes) -> Array:
    """A record with this data, up to a whole word."""
    record = header(len(data)) + data + bytes(4)
    return np.frombuffer(record + bytes(-len(record) % 8), np.uint8)


def _column(rows: Array, at: int, dtype: str) -> Array:
    """The numbers at byte `at` of each row, wherever that is in memory."""
    return np.ndarray((len(rows),), dtype, rows, at, (rows.shape[1],)).astype(dtype[1:])
