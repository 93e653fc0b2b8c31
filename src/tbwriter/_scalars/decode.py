"""Many scalars at once: what `_scan` and `_decode` do for one record, for all of a chunk.

Most files are long rows of scalars, and records of one tag have the same length and the same
bytes but for wall_time, step, value and checksum. Records of equal length are laid out as the
rows of a matrix; their checksums and numbers are then computed a column at a time. Whatever does
not fit is left to the caller, record by record.
"""
from __future__ import annotations

from struct import Struct
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

import numpy as np

from .._proto import parse, schema, tensors, wire
from .._tfrecord.crc32c import crc32c
from .._tfrecord.frame import OVERHEAD, header
from .._proto.messages import STEP_KEY
from .._proto.wire import WireError

HEADER = 12
# Fewer rows are quicker one by one, and longer records are no scalars.
_MIN_ROWS = 24
_MAX_LENGTH = 1024
# How many layouts (lengths of tag and step) to look for among the records of one length.
_MAX_LAYOUTS = 8

_uint64 = Struct("<Q").unpack_from

# The (field number, wire type) of the fields of a scalar's event.
_TIME = schema.Event.WALL_TIME, wire.FIXED64
_STEP = schema.Event.STEP, wire.VARINT
_SUMMARY = schema.Event.SUMMARY, wire.LENGTH
_VALUE = schema.Summary.VALUE, wire.LENGTH
_SIMPLE = schema.Value.SIMPLE_VALUE, wire.FIXED32
_TENSOR = schema.Value.TENSOR, wire.LENGTH
_METADATA = schema.Value.METADATA, wire.LENGTH
_NAMES = {(schema.Value.TAG, wire.LENGTH), (schema.Value.NODE_NAME, wire.LENGTH)}
# Those of a tensor's elements: all of them in one field, or a single one.
_PACKED = {(schema.Tensor.TENSOR_CONTENT, wire.LENGTH), (schema.Tensor.FLOAT_VAL, wire.LENGTH),
           (schema.Tensor.DOUBLE_VAL, wire.LENGTH)}
_SINGLE = {(schema.Tensor.FLOAT_VAL, wire.FIXED32), (schema.Tensor.DOUBLE_VAL, wire.FIXED64)}
# ((field number, wire type), begin, end) of fields.
_Spans = List[Tuple[Tuple[int, int], int, int]]


class Rows(NamedTuple):
    """Scalars of one tag. order: which records of the chunk they are."""

    value: parse.Value
    order: "np.ndarray[Any, Any]"
    steps: "np.ndarray[Any, Any]"
    wall_times: "np.ndarray[Any, Any]"
    values: "np.ndarray[Any, Any]"


class Chunk(NamedTuple):
    """offsets of the records in the chunk, the scalars found, the indices of all other records,
    and where the good records end."""

    offsets: List[int]
    rows: List[Rows]
    others: List[int]
    end: int


class _Layout(NamedTuple):
    """Where the numbers stand in a scalar's event, counted from the start of the record."""

    step: int
    step_width: int
    value: int
    value_width: int


def scan(chunk: bytes) -> Chunk:
    """All whole and sound records of `chunk`, which begins with one."""
    offsets, lengths = walk(chunk)
    rows: List[Rows] = []
    found_matrices, others, bad = matrices(chunk, offsets, lengths)
    for matrix, index in found_matrices:
        found, rest = _scalars(matrix, index)
        rows += found
        others += rest
    others = sorted(i for i in others if i < bad)
    end = offsets[bad] if bad < len(offsets) else (
        offsets[-1] + lengths[-1] + OVERHEAD if offsets else 0)
    return Chunk(offsets, [_before(part, bad) for part in rows], others, end)


def matrices(chunk: bytes, offsets: List[int], lengths: List[int]
             ) -> Tuple[List[Tuple["np.ndarray[Any, Any]", "np.ndarray[Any, Any]"]],
                        List[int], int]:
    """Records of equal length as matrices, with the index of each row; the index of all other
    records; and that of the first record whose checksums are wrong."""
    length_of = np.array(lengths, np.int64)
    offset_of = np.array(offsets, np.int64)
    data = np.frombuffer(chunk, np.uint8)
    matrices, others, bad = [], [], len(offsets)
    for length in np.unique(length_of):
        index = np.flatnonzero(length_of == length)
        if len(index) < _MIN_ROWS or length > _MAX_LENGTH:
            others += index.tolist()
            continue
        matrix = data[offset_of[index][:, None] + np.arange(int(length) + OVERHEAD)]
        sound = _sound(matrix, int(length))
        if not sound.all():
            bad = min(bad, int(index[np.argmin(sound)]))
        matrices.append((matrix, index))
    others = sorted(i for i in others if i < bad)
    for i in others:
        if not _is_sound(chunk, offsets[i], lengths[i]):
            bad = i
            break
    return matrices, others, bad


def walk(chunk: bytes) -> Tuple[List[int], List[int]]:
    """Where records begin and how long they are, if all lengths are right."""
    offsets, lengths = [], []
    at, last = 0, len(chunk) - OVERHEAD
    while at <= last:
        length = _uint64(chunk, at)[0]
        if length > last - at:
            break
        offsets.append(at)
        lengths.append(length)
        at += length + OVERHEAD
    return offsets, lengths


def _is_sound(chunk: bytes, at: int, length: int) -> bool:
    begin, end = at + HEADER, at + HEADER + length
    crc = crc32c(chunk[begin:end])
    return (chunk[at:begin] == header(length)
            and _masked(np.array([crc], np.uint32)).astype("<u4").tobytes() == chunk[end:end + 4])


def _before(part: Rows, bad: int) -> Rows:
    if not len(part.order) or part.order.max() < bad:
        return part
    keep = part.order < bad
    return Rows(part.value, *(column[keep] for column in part[1:]))


def _crc_table() -> "np.ndarray[Any, Any]":
    table = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        table = np.where(table & 1, table >> 1 ^ np.uint32(0x82F63B78), table >> 1)
    return table.astype(np.uint32)


_TABLE = _crc_table()


def _masked(crc: "np.ndarray[Any, Any]") -> "np.ndarray[Any, Any]":
    return (crc >> np.uint32(15) | crc << np.uint32(17)) + np.uint32(0xA282EAD8)


def _sound(matrix: "np.ndarray[Any, Any]", length: int) -> "np.ndarray[Any, Any]":
    """Which rows have right checksums."""
    columns = np.ascontiguousarray(matrix[:, HEADER:-4].T)
    crc = np.full(len(matrix), 0xFFFF_FFFF, np.uint32)
    for column in columns:
        crc = _TABLE[(crc ^ column) & np.uint32(0xFF)] ^ crc >> np.uint32(8)
    stored = np.ascontiguousarray(matrix[:, -4:]).view("<u4")[:, 0]
    head = np.frombuffer(header(length), np.uint8)
    same: "np.ndarray[Any, Any]" = (matrix[:, :HEADER] == head).all(axis=1)
    same &= _masked(~crc) == stored
    return same


def _scalars(matrix: "np.ndarray[Any, Any]", index: "np.ndarray[Any, Any]"
             ) -> Tuple[List[Rows], List[int]]:
    """The scalars among records of one length, and the indices of the rest."""
    found: List[Rows] = []
    rest: List[int] = []
    for _ in range(_MAX_LAYOUTS):
        if len(index) < _MIN_ROWS:
            break
        first = matrix[0, HEADER:-4].tobytes()
        layout = _layout(first)
        if layout is None:  # no scalar: neither are others that begin like it
            same = (matrix[:, HEADER + 9:HEADER + 11] == matrix[0, HEADER + 9:HEADER + 11]
                    ).all(axis=1)
            rest += index[same].tolist()
        else:
            step = matrix[:, layout.step:layout.step + layout.step_width] & 0x80
            same = (step == step[0]).all(axis=1) & (matrix[:, layout.step - 1] == STEP_KEY[0])
            parts, left = _tags(matrix[same], index[same], layout)
            found += parts
            rest += left
        matrix, index = matrix[~same], index[~same]
    return found, rest + index.tolist()


def _tags(matrix: "np.ndarray[Any, Any]", index: "np.ndarray[Any, Any]", layout: _Layout
          ) -> Tuple[List[Rows], List[int]]:
    """Rows of one layout, told apart by all bytes that are not numbers."""
    constant = np.ones(matrix.shape[1], bool)
    constant[HEADER + 1:HEADER + 9] = False
    constant[layout.step:layout.step + layout.step_width] = False
    constant[layout.value:layout.value + layout.value_width] = False
    constant[-4:] = False
    keys = np.ascontiguousarray(matrix[:, constant])
    if (keys == keys[0]).all():
        groups = [np.arange(len(index))]
    else:
        voids = keys.view(np.dtype((np.void, keys.shape[1])))[:, 0]
        inverse = np.unique(voids, return_inverse=True)[1].reshape(-1)
        order = np.argsort(inverse, kind="stable")
        groups = np.split(order, np.flatnonzero(np.diff(inverse[order])) + 1)
    found: List[Rows] = []
    rest: List[int] = []
    for group in groups:
        data = matrix[group[0], HEADER:-4].tobytes()
        value = _scalar(data) if _layout(data) == layout else None
        if value is None:
            rest += index[group].tolist()
        else:
            found.append(_numbers(matrix[group], index[group], layout, value))
    return found, rest


def _scalar(data: bytes) -> Optional[parse.Value]:
    """The value of an event of one scalar; None for a number that some other plugin owns."""
    try:
        value = parse.event(data).values[0]
    except WireError:
        return None
    plugin = value.metadata.plugin if value.metadata else ""
    return value if plugin == schema.SCALARS or not plugin and value.number == _SIMPLE[0] else None


def _numbers(matrix: "np.ndarray[Any, Any]", index: "np.ndarray[Any, Any]", layout: _Layout,
             value: parse.Value) -> Rows:
    def column(at: int, width: int, dtype: str) -> "np.ndarray[Any, Any]":
        return np.ascontiguousarray(matrix[:, at:at + width]).view(dtype)[:, 0]

    steps = np.zeros(len(matrix), np.uint64)
    for i in range(layout.step_width):
        group = (matrix[:, layout.step + i] & 0x7F).astype(np.uint64)
        steps |= group << np.uint64(7 * i)
    values = column(layout.value, layout.value_width, f"<f{layout.value_width}")
    return Rows(value, index, steps.view(np.int64),
                column(HEADER + 1, 8, "<f8"), values.astype(np.float64))


def _layout(data: bytes) -> Optional[_Layout]:
    """Where the numbers of an event with one scalar stand, None for every other event.

    Only the form that writers give a scalar: wall_time, step, one value.
    """
    try:
        event = list(_spans(data, 0, len(data)))
        if [field[0] for field in event] != [_TIME, _STEP, _SUMMARY] or event[2][2] != len(data):
            return None
        values = list(_spans(data, *event[2][1:]))
        if [field[0] for field in values] != [_VALUE]:
            return None
        found = _value_span(data, *values[0][1:])
    except WireError:
        return None
    step, end = event[1][1:]
    if found is None or event[0][1] != 1 or data[step - 1] != STEP_KEY[0]:
        return None
    return _Layout(HEADER + step, end - step, HEADER + found[0], found[1])


def _value_span(data: bytes, start: int, end: int) -> Optional[Tuple[int, int]]:
    """(where, how wide) of the number in a Summary.Value."""
    fields: Dict[Tuple[int, int], Tuple[int, int]] = {}
    for key, begin, stop in _spans(data, start, end):
        if key in fields:
            return None
        fields[key] = (begin, stop)
    keys = set(fields) - {_METADATA} - _NAMES
    if keys == {_SIMPLE}:
        return fields[_SIMPLE][0], 4
    if keys != {_TENSOR} or _METADATA not in fields:
        return None
    tensor = memoryview(data)[slice(*fields[_TENSOR])]
    # Other tensors of one number (text, integers) are read one by one.
    dtype, shape = tensors.shape_of(tensor)
    width = {schema.DT_FLOAT: 4, schema.DT_DOUBLE: 8}.get(dtype)
    found = [(begin, stop) for key, begin, stop in _spans(data, *fields[_TENSOR])
             if key in _PACKED]
    single = [(begin, stop) for key, begin, stop in _spans(data, *fields[_TENSOR])
              if key in _SINGLE]
    span = (found + single)[0] if len(found + single) == 1 else (0, 0)
    if width is None or shape or span[1] - span[0] != width:
        return None
    return span[0], width


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
