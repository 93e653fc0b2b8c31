"""Scalars out of records, thousands at a time.

Records of one length that hold scalars of the same tags differ only in wall_time, step, values and
checksum. The first of them is decoded byte by byte and becomes a template; the others are compared
with the template, all bytes at once, and their numbers are read as columns. A record whose bytes
equal no template is left to the caller, so what is decoded here never depends on a guess.

Templates are looked up by their own CRC. By linearity (see `checksums`) it follows from the CRC
that is stored in a record and from the bytes that vary, so one pass finds the template of a record
and checks its CRC.
"""
from __future__ import annotations

from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Tuple

import numpy as np

from . import checksums
from .walk import walk
from .._proto import parse, schema, tensors, wire
from .._proto.wire import WireError
from .._tfrecord.crc32c import crc32c
from .._tfrecord.frame import HEADER, OVERHEAD, header, masked, unmasked

Array = Any  # np.ndarray, whose generic form numpy 1.19 does not have

# Fewer rows are decoded faster one by one, and longer records are rarely scalars.
_MIN_ROWS = 12
_MAX_LENGTH = 1 << 14
# How many new shapes to look for among the records of one length, in one chunk.
_MAX_SHAPES = 12
# From how many rows of a shape the templates are made at first: most shapes have few tags.
_SAMPLE = 256
# How many bytes of templates to keep for the next chunk and the next file.
_MAX_KEPT = 1 << 25

# (field number, wire type); and those with where a field begins and ends.
_Key = Tuple[int, int]
_Spans = List[Tuple[_Key, int, int]]
# The fields of an event of scalars.
_TIME = schema.Event.WALL_TIME, wire.FIXED64
_STEP = schema.Event.STEP, wire.VARINT
_SUMMARY = schema.Event.SUMMARY, wire.LENGTH
_VALUE = schema.Summary.VALUE, wire.LENGTH
_SIMPLE = schema.Value.SIMPLE_VALUE, wire.FIXED32
_TENSOR = schema.Value.TENSOR, wire.LENGTH
_TAG = schema.Value.TAG, wire.LENGTH
_FREE = {_TAG, (schema.Value.METADATA, wire.LENGTH),
         (schema.Value.NODE_NAME, wire.LENGTH)}
# By DataType: how wide an element is, and the fields that hold the one element of a scalar.
_CONTENT = schema.Tensor.TENSOR_CONTENT, wire.LENGTH
_ELEMENTS = {
    schema.DT_FLOAT: (4, (_CONTENT, (schema.Tensor.FLOAT_VAL, wire.LENGTH),
                          (schema.Tensor.FLOAT_VAL, wire.FIXED32))),
    schema.DT_DOUBLE: (8, (_CONTENT, (schema.Tensor.DOUBLE_VAL, wire.LENGTH),
                           (schema.Tensor.DOUBLE_VAL, wire.FIXED64))),
}


class Scalars(NamedTuple):
    """Scalars in the order of the file.

    tags: int32 [n], the numbers that `Decoder.values` has for them. records: int64 [n], which
    record of the chunk holds the scalar. places: int32 [n], its position in the record's Summary.
    steps: int64 [n]. wall_times, values: float64 [n].
    """

    tags: Array
    records: Array
    places: Array
    steps: Array
    wall_times: Array
    values: Array


class Chunk(NamedTuple):
    """The sound records at the start of a chunk of bytes.

    offsets: int64 [n], where they begin. end: where the last one ends. scalars: those that were
    decoded. others: (number, data) of all other records. whole: whether the chunk ends there, but
    for a record that continues after it; otherwise the record at `end` is damaged.
    """

    offsets: Array
    end: int
    scalars: Optional[Scalars]
    others: List[Tuple[int, bytes]]
    whole: bool


class Decoder:
    """Decodes chunks of one file.

    values: each kind of scalar found so far: tag and metadata, with zero for the number. Records
    of one tag whose metadata differ are of two kinds. A tensor of one number without metadata is
    a scalar only if the first value of its tag is one: TensorFlow describes a tag but once.
    """

    def __init__(self) -> None:
        self.values: List[parse.Value] = []
        self._numbers: Dict[Any, int] = {}
        self._tags: Dict["_Shape", Array] = {}

    def decode(self, chunk: bytes) -> Chunk:
        """`chunk` begins with a record."""
        offsets, lengths = walk(chunk)
        pieces, rest = self._pieces(chunk, offsets, lengths)
        others, bad = _others(chunk, offsets, lengths, rest)
        end = int(offsets[bad - 1] + lengths[bad - 1]) + OVERHEAD if bad else 0
        pieces = [piece.before(bad) for piece in pieces] if bad < len(offsets) else pieces
        pieces = [piece for piece in pieces if len(piece.records)]
        return Chunk(offsets[:bad], end, _joined(pieces, bad) if pieces else None, others,
                     bad == len(offsets))

    def _pieces(self, chunk: bytes, offsets: Array, lengths: Array
                ) -> Tuple[List["_Piece"], List[int]]:
        """The scalars found, and the numbers of all other records."""
        padded = np.frombuffer(chunk + bytes(8), np.uint8)
        pieces: List[_Piece] = []
        rest: List[Array] = []
        for length, numbers in _by_length(lengths):
            if len(numbers) < _MIN_ROWS or length > _MAX_LENGTH:
                rest.append(numbers)
                continue
            rows = _rows(padded, offsets[numbers], length)
            found, left = self._of_length(rows, length)
            pieces += [piece._replace(records=numbers[piece.records]) for piece in found]
            rest.append(numbers[left])
        return pieces, np.sort(np.concatenate(rest)).tolist() if rest else []

    def _of_length(self, rows: Array, length: int) -> Tuple[List["_Piece"], Array]:
        """The scalars in records of one length, and the rows of all others."""
        found: List[_Piece] = []
        left = np.arange(len(rows))
        for shape in tuple(_shapes.get(length, ())):
            if len(left) < _MIN_ROWS:
                break
            left = self._take(shape, rows, left, found)
        passed: List[Array] = []
        for _ in range(_MAX_SHAPES):
            if len(left) < _MIN_ROWS:
                break
            made = _shape(rows[left[0], HEADER:HEADER + length].tobytes())
            if made is None:
                passed.append(left[:1])
                left = left[1:]
                continue
            alike = made.alike(rows[left])
            same, left = left[alike], left[~alike]
            made.learn(rows[same[:_SAMPLE]])
            same = self._take(made, rows, same, found)
            if len(same):
                made.learn(rows[same])
                same = self._take(made, rows, same, found)
            passed.append(same)
        return found, np.concatenate([left, *passed])

    def _take(self, shape: "_Shape", rows: Array, left: Array, found: List["_Piece"]) -> Array:
        """Appends the scalars in those rows that equal a template; gives the other rows."""
        known = shape.known
        chosen = rows if len(left) == len(rows) else rows[left]
        at, good = known.find(chosen, shape)
        if not good.any():
            return left
        if not good.all():
            chosen, at = chosen[good], at[good]
        records = left[good]
        tags = self._tags_of(shape, at)[at]
        found.append(_Piece(records, tags, shape.steps(chosen),
                            _column(chosen, HEADER + 1, "<f8"), shape.values(chosen)))
        return left[~good]

    def _tags_of(self, shape: "_Shape", at: Array) -> Array:
        """int32 [templates, scalars of each]: this file's numbers of those that occur in `at`."""
        templates = shape.known.templates
        tags = self._tags.get(shape)
        if tags is None or len(tags) < len(templates):
            more = np.full((len(templates), len(shape.spans)), -1, np.int32)
            if tags is not None:
                more[:len(tags)] = tags
            tags = self._tags[shape] = more
        used = np.zeros(len(templates), bool)
        used[at] = True
        for number in np.flatnonzero(used & (tags[:, 0] < 0)).tolist():
            tags[number] = [self._number(value) for value in templates[number]]
        return tags

    def _number(self, value: parse.Value) -> int:
        number = self._numbers.setdefault(value, len(self.values))
        if number == len(self.values):
            self.values.append(value)
        return number


class _Piece(NamedTuple):
    """Scalars of records of one shape. tags, values: [n, scalars of each record]."""

    records: Array
    tags: Array
    steps: Array
    wall_times: Array
    values: Array

    def before(self, bad: int) -> "_Piece":
        """Without the records from number `bad` on."""
        good = self.records < bad
        return self if good.all() else _Piece(*(column[good] for column in self))


class _Known(NamedTuple):
    """The templates of a shape.

    crcs: uint32 [n], sorted; order: which template each belongs to. words: uint64 [n, k], their
    bytes. templates: the scalars of each, as in `Decoder.values`.
    """

    crcs: Array
    order: Array
    words: Array
    templates: List[Tuple[parse.Value, ...]]

    def find(self, rows: Array, shape: "_Shape") -> Tuple[Array, Array]:
        """For each row, the number of its template and whether it has one."""
        crcs = shape.crcs(rows)
        words = rows.view(np.uint64) & shape.mask
        if len(self.templates) == 1:
            at = np.zeros(len(rows), np.intp)
            wrong = np.bitwise_or.reduce(words ^ self.words[0], axis=1)
            return at, (crcs == self.crcs[0]) & (wrong == 0)
        if not self.templates:
            return np.zeros(len(rows), np.intp), np.zeros(len(rows), bool)
        found: Array = np.searchsorted(self.crcs, crcs)
        found[found == len(self.crcs)] = 0
        at = self.order[found]
        wrong = np.bitwise_or.reduce(words ^ self.words[at], axis=1)
        return at, (self.crcs[found] == crcs) & (wrong == 0)


class _Shape:
    """Where the numbers are in records of one length: the same for all tags of equal lengths.

    step, width: of the varint, which is missing at step 0. spans: (where, how wide) each scalar is.
    mask: uint64 [k], the bits of a record that are the same in all records of a template. frame:
    uint64 [k], those that are the same in all records of the shape.
    """

    def __init__(self, data: bytes, layout: "_Layout") -> None:
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
        self.known = _Known(np.zeros(0, np.uint32), np.zeros(0, np.intp),
                            np.zeros((0, size // 8), np.uint64), [])

    def alike(self, rows: Array) -> Array:
        """Which rows are of this shape."""
        wrong = np.bitwise_or.reduce((rows.view(np.uint64) & self.frame) ^ self._framed, axis=1)
        alike: Array = wrong == 0
        return alike

    def crcs(self, rows: Array) -> Array:
        """The CRC of each row's template, if the row's own CRC is right."""
        stored = unmasked(_column(rows, self._end, "<u4"))
        crcs: Array = stored ^ checksums.added(rows, self._columns, self._tables)
        return crcs

    def learn(self, rows: Array) -> None:
        """Make templates of rows of this shape, unless they are known."""
        crcs, first = np.unique(self.crcs(rows), return_index=True)
        crcs_found, words, templates = [], [], []
        known = self.known
        seen = set(known.crcs.tolist())
        for crc, row in zip(crcs.tolist(), rows[first]):
            data = row[HEADER:self._end].tobytes()
            template = None if crc in seen else self._template(data)
            if template and _is_sound(row[:self._end + 4].tobytes()):
                crcs_found.append(crc)
                words.append(row.view(np.uint64) & self.mask)
                templates.append(template)
        if not templates:
            return
        _remember(len(templates) * self.mask.nbytes)
        every = np.concatenate([known.crcs[np.argsort(known.order)],
                                np.array(crcs_found, np.uint32)])
        order = np.argsort(every, kind="stable")
        self.known = _Known(every[order], order, np.concatenate([known.words, np.stack(words)]),
                            known.templates + templates)

    def _template(self, data: bytes) -> Optional[Tuple[parse.Value, ...]]:
        """The scalars of a record of this shape, without their numbers."""
        if not self._names or self._sample is None:
            self._sample = _template(data, self.spans)
            return self._sample
        try:
            tags = [str(data[at - HEADER:end - HEADER], "utf-8") for at, end in self._names]
        except UnicodeDecodeError:
            return None
        return tuple([parse.Value(tag, value.number, value.data, value.metadata)
                      for tag, value in zip(tags, self._sample)])

    def steps(self, rows: Array) -> Array:
        steps = np.zeros(len(rows), np.uint64)
        for i in range(self.width):
            group = (rows[:, self.step + i] & 0x7F).astype(np.uint64)
            steps |= group << np.uint64(7 * i)
        return steps.view(np.int64)

    def values(self, rows: Array) -> Array:
        values = np.empty((len(rows), len(self.spans)), np.float64)
        for i, (at, width) in enumerate(self.spans):
            values[:, i] = _column(rows, at, f"<f{width}")
        return values


# The shapes of each length, and how many bytes their templates have.
_shapes: Dict[int, Dict["_Shape", None]] = {}
_by_frame: Dict[Any, "_Shape"] = {}
_kept = [0]


def _remember(size: int) -> None:
    _kept[0] += size
    if _kept[0] > _MAX_KEPT:
        _kept[0] = size
        _shapes.clear()
        _by_frame.clear()


def _shape(data: bytes) -> Optional[_Shape]:
    """The shape of a record with this data; None unless it holds scalars only."""
    layout = _layout(data)
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
        shape = _by_frame[key] = _Shape(data, layout)
    _shapes.setdefault(len(data), {})[shape] = None
    return shape


def _by_length(lengths: Array) -> Iterator[Tuple[int, Array]]:
    """(length, the numbers of the records of that length)."""
    short = np.minimum(lengths, 0xFFFF).astype(np.uint16)
    order = np.argsort(short, kind="stable")
    cuts = np.flatnonzero(np.diff(short[order])) + 1
    for numbers in np.split(order, cuts) if len(order) else []:
        yield int(short[numbers[0]]), numbers


def _rows(data: Array, offsets: Array, length: int) -> Array:
    """uint8 [n, size]: records of one length with the bytes after them, up to a whole word."""
    size = -(length + OVERHEAD) % 8 + length + OVERHEAD
    every: Array = np.ndarray((len(data) - size + 1,), f"V{size}", data, 0, (1,))
    return every[offsets].view(np.uint8).reshape(len(offsets), size)


def _padded(data: bytes) -> Array:
    """A record with this data, up to a whole word."""
    record = header(len(data)) + data + bytes(4)
    return np.frombuffer(record + bytes(-len(record) % 8), np.uint8)


def _column(rows: Array, at: int, dtype: str) -> Array:
    """The numbers at byte `at` of each row, wherever that is in memory."""
    return np.ndarray((len(rows),), dtype, rows, at, (rows.shape[1],)).astype(dtype[1:])


def _others(chunk: bytes, offsets: Array, lengths: Array, numbers: List[int]
            ) -> Tuple[List[Tuple[int, bytes]], int]:
    """(number, data) of these records, up to the first damaged one; and its number."""
    found: List[Tuple[int, bytes]] = []
    for number in numbers:
        at = int(offsets[number])
        record = chunk[at:at + int(lengths[number]) + OVERHEAD]
        if not _is_sound(record):
            return found, number
        found.append((number, record[HEADER:-4]))
    return found, len(offsets)


def _is_sound(record: bytes) -> bool:
    data = record[HEADER:-4]
    return record[:HEADER] == header(len(data)) \
        and masked(crc32c(data)).to_bytes(4, "little") == record[-4:]


def _joined(pieces: List[_Piece], count: int) -> Scalars:
    """All scalars of a chunk with `count` records, in the order of the file."""
    if len(pieces) == 1:
        piece, = pieces
        each = piece.values.shape[1]
        records, places = np.repeat(piece.records, each), np.arange(each, dtype=np.int32)
        return Scalars(piece.tags.reshape(-1), records, np.tile(places, len(piece.records)),
                       np.repeat(piece.steps, each), np.repeat(piece.wall_times, each),
                       piece.values.reshape(-1))
    counts = np.zeros(count, np.int64)
    for piece in pieces:
        counts[piece.records] = piece.values.shape[1]
    ends = np.cumsum(counts)
    total = int(ends[-1])
    found = Scalars(np.empty(total, np.int32), np.repeat(np.arange(count), counts),
                    np.empty(total, np.int32), np.empty(total, np.int64), np.empty(total),
                    np.empty(total))
    for piece in pieces:
        first = ends[piece.records] - piece.values.shape[1]
        for place in range(piece.values.shape[1]):
            at = first + place
            found.tags[at] = piece.tags[:, place]
            found.places[at] = place
            found.steps[at] = piece.steps
            found.wall_times[at] = piece.wall_times
            found.values[at] = piece.values[:, place]
    return found


class _Layout(NamedTuple):
    """Where things are in a record with scalars only, counted from its start.

    step, width: of the varint. spans: (where, how wide) each scalar is. free: (begin, end) of what
    may differ in records of one shape: tags and their metadata. names: those of the tags, if
    nothing else may differ.
    """

    step: int
    width: int
    spans: Tuple[Tuple[int, int], ...]
    free: Tuple[Tuple[int, int], ...]
    names: Tuple[Tuple[int, int], ...]


def _template(data: bytes, spans: Tuple[Tuple[int, int], ...]
              ) -> Optional[Tuple[parse.Value, ...]]:
    """The values of an event of scalars, without their numbers; None if one is no scalar."""
    empty = bytearray(data)
    for at, width in spans:
        empty[at - HEADER:at - HEADER + width] = bytes(width)
    try:
        values = parse.event(bytes(empty)).values
    except WireError:
        return None
    for value in values:
        plugin = value.metadata.plugin if value.metadata else ""
        # A number that another plugin owns is no scalar.
        if plugin != schema.SCALARS and (plugin or value.metadata and value.number != _SIMPLE[0]):
            return None
    return tuple(value._replace(data=bytes(value.data)) for value in values)


def _layout(data: bytes) -> Optional[_Layout]:
    """Where the numbers of an event of scalars are; None for every other event.

    Only the form that writers give it: wall_time, step unless it is 0, one summary.
    """
    try:
        event = _spans(data, 0, len(data))
        kinds = [key for key, _, _ in event]
        if kinds not in ([_TIME, _STEP, _SUMMARY], [_TIME, _SUMMARY]) or event[0][1] != 1:
            return None
        values = [_value_layout(data, *span[1:]) if span[0] == _VALUE else None
                  for span in _spans(data, *event[-1][1:])]
    except WireError:
        return None
    if not values or None in values:
        return None
    step, end = event[1][1:] if len(event) == 3 else (0, 0)
    found = [value for value in values if value is not None]
    free = [item for _, each in found for item in each.items()]
    only_tags = len(free) == len(found) and all(key == _TAG for key, _ in free)
    spans = tuple(span for _, span in free)
    return _Layout(HEADER + step, end - step, tuple(span for span, _ in found), spans,
                   spans if only_tags else ())


def _value_layout(data: bytes, start: int, end: int
                  ) -> Optional[Tuple[Tuple[int, int], Dict[_Key, Tuple[int, int]]]]:
    """((where, how wide) the number of a Summary.Value is, what may differ in its shape)."""
    fields: Dict[Tuple[int, int], Tuple[int, int]] = {}
    for key, begin, stop in _spans(data, start, end):
        if key in fields:
            return None
        fields[key] = (begin, stop)
    keys = set(fields) - _FREE
    free = {key: (HEADER + begin, HEADER + stop) for key, (begin, stop) in fields.items()
            if key in _FREE}
    if keys == {_SIMPLE}:
        return (HEADER + fields[_SIMPLE][0], 4), free
    if keys != {_TENSOR}:
        return None
    tensor = memoryview(data)[slice(*fields[_TENSOR])]
    # Other tensors of one number (text, integers) are decoded one by one.
    dtype, shape = tensors.shape_of(tensor)
    width, listed = _ELEMENTS.get(dtype, (0, ()))
    inside = _spans(data, *fields[_TENSOR])
    found = [(begin, stop) for key, begin, stop in inside if key in listed]
    if not width or shape or len(found) != 1 or found[0][1] - found[0][0] != width \
            or len(inside) != len({key for key, _, _ in inside}):
        return None
    return (HEADER + found[0][0], width), free


def _spans(data: bytes, at: int, end: int) -> _Spans:
    """The fields between two bytes of a message."""
    found: _Spans = []
    while at < end:
        tag, at = _varint(data, at, end)
        number, wire_type = tag >> 3, tag & 7
        begin = at
        if wire_type == wire.VARINT:
            at = _varint(data, at, end)[1]
        elif wire_type == wire.LENGTH:
            length, begin = _varint(data, at, end)
            at = begin + length
        elif wire_type in (wire.FIXED32, wire.FIXED64):
            at += 4 if wire_type == wire.FIXED32 else 8
        else:
            raise WireError(f"got wire type {wire_type}")
        if at > end:
            raise WireError("got a field that is longer than its message")
        found.append(((number, wire_type), begin, at))
    return found


def _varint(data: bytes, at: int, end: int) -> Tuple[int, int]:
    value = shift = 0
    while at < end and shift < 70:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        shift += 7
        at += 1
        if byte < 0x80:
            return value, at
    raise WireError("got a varint without an end")
