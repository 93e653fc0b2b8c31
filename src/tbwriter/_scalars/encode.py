"""Many scalars together: rows to finished records with numpy, byte for byte those that `rows` makes
of them one by one.

Records of equal length differ only in the bytes of wall_time, step and value and in the tag. So a
template is laid out for all of them, the varying bytes are put in, and the checksums follow from
the linearity of the CRC (see `checksums`).
"""
from __future__ import annotations

from functools import lru_cache
from typing import Any, Callable, Optional, Sequence, Tuple

import numpy as np

from .checksums import bits_table
from .._values.array import as_array
from .._tfrecord.crc32c import crc32c
from .._values.number import INT64_MAX
from .._tfrecord.frame import header, masked
from .._parts import Parts
from .._proto import schema
from .._proto.messages import SIMPLE_VALUE_KEY, STEP_KEY, WALL_TIME_KEY
from .._proto.wire import bytes_field, varint

Array = Any  # np.ndarray, whose generic form numpy 1.19 does not have

# rows.ROW, and the same with the numbers as their bits.
_FIELDS = np.dtype([("wall_time", "<f8"), ("step", "<i8"), ("value", "<f4"), ("tag", "<u4")])
_ROWS = np.dtype([("wall_time", "<u8"), ("step", "<i8"), ("value", "<u4"), ("tag", "<u4")])

_SLICE = 11        # bits of a number per table lookup: such tables stay in the cache

_HEAD = 12         # length and its CRC, before the data
_WALL = _HEAD + 1  # where the eight bytes of wall_time start, after their key
_STEP = _WALL + 9  # where the varint of step starts, after wall_time and its own key


def records(rows: bytes, prefixes: Sequence[bytes]) -> Parts:
    """The records of `rows`, in their order. prefixes: the field of each tag's number."""
    table = np.frombuffer(rows, _ROWS)
    tags, steps = table["tag"], np.ascontiguousarray(table["step"])
    widths = _varint_lengths(steps)
    if tags[0] == tags[-1] and (tags == tags[0]).all():
        form = widths
    else:
        lengths = np.fromiter(map(len, prefixes), np.int64, len(prefixes))
        form = lengths[tags] * 16 + widths
    cuts = np.flatnonzero(form[1:] != form[:-1]) + 1
    if len(cuts) * 64 <= len(table):
        bounds = [0, *cuts.tolist(), len(table)]
        return [memoryview(_alike(table[start:end], int(widths[start]), prefixes)).cast("B")
                for start, end in zip(bounds, bounds[1:])]
    return [_interleaved(table, form, widths, prefixes)]


def as_rows(number: Callable[[], int], values: Any, steps: Any, wall_times: Any,
            unnumbered: Callable[[], object]) -> bytes:
    """Rows of one tag from arrays, as `FileWriter.add_scalar_series` takes them.

    number: gives the tag's. values: (n,). steps: integers (n,); None is 0, 1, ..., after a call
        of `unnumbered`.
    wall_times: seconds since 1970, (n,) or one.

    Raises TypeError or ValueError for values that are not numbers and for unequal lengths.
    """
    held = _axis(values, "values", None)
    seconds = _as_seconds(_axis(wall_times, "wall_times", len(held)))
    if not np.isfinite(seconds).all():
        raise ValueError("got wall_times with NaN or infinities, want finite seconds since 1970")
    table = np.empty(len(held), _FIELDS)
    if steps is None:
        unnumbered()
        table["step"] = np.arange(len(held))
    else:
        table["step"] = _as_steps(_axis(steps, "steps", len(held)))
    with np.errstate(all="ignore"):  # beyond float32 is infinite
        table["value"] = held
    table["wall_time"] = seconds
    table["tag"] = number()
    return table.tobytes()


def raised(rows: bytes, by: int) -> bytes:
    """The same rows, with `by` added to each step."""
    table = np.frombuffer(rows, _FIELDS).copy()
    table["step"] += by
    return table.tobytes()


def _axis(values: Any, what: str, length: Optional[int]) -> Array:
    """`values` as one axis, of that length; a single number is as many as are wanted."""
    array = as_array(values, what)
    if array.ndim == 0 and length is not None:
        return np.full(length, array)
    if array.ndim != 1 or not len(array) or length not in (None, len(array)):
        raise ValueError(f"got {what} of shape {array.shape}, want ({length or 'n'},)")
    return array


def _as_seconds(wall_times: Array) -> Array:
    """As float64, where numbers beyond it are infinite."""
    with np.errstate(all="ignore"):
        return wall_times.astype(np.float64, copy=False)


def _as_steps(steps: Array) -> Array:
    limit = INT64_MAX if steps.dtype.kind in "bui" else 2.0 ** 63
    if steps.dtype == np.float16:  # which does not hold the limit
        steps = steps.astype(np.float64)
    # False for NaN too. Integers are compared as integers.
    if steps.dtype.kind == "f" and not (np.abs(steps) < limit).all() \
            or steps.dtype.kind == "u" and (steps > limit).any():
        raise ValueError("got steps with NaN or beyond 64 bits, want -2**63 to 2**63 - 1")
    return steps.astype(np.int64)


def _interleaved(table: Array, form: Array, widths: Array, prefixes: Sequence[bytes]) -> bytes:
    """Records of alternating lengths: padded to the longest, then the padding is cut out."""
    groups = []
    for one in np.flatnonzero(np.bincount(form)):
        where = np.flatnonzero(form == one)
        groups.append((where, _alike(table[where], int(widths[where[0]]), prefixes)))
    padded = np.empty((len(table), max(block.shape[1] for _, block in groups)), np.uint8)
    lengths = np.empty(len(table), np.int64)
    for where, block in groups:
        padded[where, :block.shape[1]] = block
        lengths[where] = block.shape[1]
    return bytes(padded[np.arange(padded.shape[1]) < lengths[:, None]].tobytes())


def _varint_lengths(steps: Array) -> Array:
    """Bytes of each step's varint; 0 for step 0, which is not written at all."""
    low, high = int(steps.min()), int(steps.max())
    if low > 0 and len(varint(low)) == len(varint(high)):
        return np.full(len(steps), len(varint(low)), np.int64)
    # "Negative numbers": as unsigned they need ten bytes, as 2**63 and more do.
    limits = np.array([1 << 7 * i for i in range(10)], np.uint64)
    return np.searchsorted(limits, steps.astype(np.uint64), side="right")


def _alike(table: Array, width: int, prefixes: Sequence[bytes]) -> Array:
    """Records of one length, one a line: all steps have `width` bytes, all tags one length."""
    out, crc = _laid_out(table["tag"], width, prefixes)
    length = out.shape[1]
    end = length - 4
    wall_times, steps = (np.ascontiguousarray(table[name]).view(np.int64)
                         for name in ("wall_time", "step"))
    values = table["value"].astype(np.int64)
    _column(out, _WALL, "<i8")[:] = wall_times
    _column(out, end - 4, "<u4")[:] = table["value"]
    crc = _added(crc, wall_times, 64, 8, end - 1 - _WALL)
    crc = _added(crc, values, 32, 8, 3)
    if width:
        for at in range(width):
            group = (steps.view(np.uint64) >> np.uint64(7 * at)).astype(np.uint8)
            _column(out, _STEP + at, "u1")[:] = group & 0x7F if at == width - 1 else group | 0x80
        crc = _added(crc, steps, min(7 * width, 64), 7, end - 1 - _STEP)
    _column(out, end, "<u4")[:] = masked(crc)
    return out


def _laid_out(tags: Array, width: int, prefixes: Sequence[bytes]) -> Tuple[Array, Array]:
    """Records with zeros for all that varies but the tag, a line for each row, and their CRCs."""
    present = np.flatnonzero(np.bincount(tags))
    templates = [_template(prefixes[tag], width) for tag in present.tolist()]
    if len(templates) == 1:
        record, crc = templates[0]
        out = np.frombuffer(bytearray(record) * len(tags), np.uint8)
        return out.reshape(len(tags), -1), np.full(len(tags), crc, np.uint32)
    place = np.empty(int(present[-1]) + 1, np.intp)
    place[present] = np.arange(len(present))
    places = place[tags]
    lines = np.frombuffer(b"".join([record for record, _ in templates]), np.uint8)
    crcs = np.array([crc for _, crc in templates], np.uint32)
    return lines.reshape(len(present), -1)[places], crcs[places]


def _column(out: Array, at: int, dtype: str) -> Array:
    """The numbers at byte `at` of each row, aligned or not."""
    return np.ndarray(len(out), dtype, out, at, (out.shape[1],))


def _added(crc: Array, numbers: Array, bits: int, group: int, distance: int) -> Array:
    """`crc` with the contribution of the low `bits` of `numbers`, `group` of them in each byte.

    numbers: int64. distance: how many bytes of data follow the one with the lowest bits.
    """
    differing = int(np.bitwise_or.reduce(numbers ^ numbers[0]))
    for first in range(0, bits, _SLICE):
        count = min(_SLICE, bits - first)
        mask = (1 << count) - 1
        table = bits_table(first, count, group, distance)
        if differing >> first & mask:
            crc ^= table[numbers >> first & mask]
        else:  # as the high bits of the time in nearly every batch
            crc ^= table[int(numbers[0]) >> first & mask]
    return crc


@lru_cache(maxsize=65536)
def _template(prefix: bytes, width: int) -> Tuple[bytes, int]:
    """A record with zeros for all that varies, and its CRC."""
    step = STEP_KEY + bytes([0x80] * (width - 1) + [0]) if width else b""
    summary = bytes_field(schema.Summary.VALUE, prefix + SIMPLE_VALUE_KEY + bytes(4))
    data = WALL_TIME_KEY + bytes(8) + step + bytes_field(schema.Event.SUMMARY, summary)
    return header(len(data)) + data + bytes(4), crc32c(data)
