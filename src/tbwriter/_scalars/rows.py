"""Scalars on their way: fixed-size rows, and how rows become records.

A scalar is the one kind that comes in millions, so it is not encoded in the call. The call packs a
row of 24 bytes; the rows that came between two writes become records together, in `encode` with
numpy, or one after another here if numpy is not loaded or the rows are few.
"""
from __future__ import annotations

import sys
from functools import lru_cache
from struct import Struct
from typing import Dict, List, Tuple

from .._tfrecord.crc32c import crc32c
from .._tfrecord.frame import header, masked
from .._loading import loading
from .._parts import Parts
from .._proto import schema
from .._proto.messages import SIMPLE_VALUE_KEY, STEP_KEY, WALL_TIME_KEY
from .._proto.wire import bytes_field, string_field, varint

# wall_time, step, value, number of the tag
ROW = Struct("<dqfI")
SIZE = ROW.size
_STEP = Struct("<q")
_BYTES = Struct("<8sq4sI")  # the same, with the bytes that the record stores unchanged

_FEW = 192             # below it numpy's fixed cost, in a cold cache, is larger than the work
_PIECE = 8192 * SIZE     # so many rows at a time stay in the processor's cache
_NUMPY_PAYS = 130_000  # rows whose plain encoding costs what importing numpy costs


def with_step(row: bytes, step: int) -> bytes:
    """`row` at another step."""
    return b"".join((row[:8], _STEP.pack(step), row[16:]))


LONG_TAG = 256         # characters; the values of longer tags are no rows, ...
_MANY_TAGS = 1 << 16   # and neither are those of further tags, all of which are kept


class Tags:
    """Each tag's number in a row, and the bytes of the tag in a record.

    numbers: {tag: number} of the tags that have one, looked up by every call.
    prefixes: at each number, the tag's field of Summary.Value. longest: the size of the longest.
    """

    def __init__(self) -> None:
        self.numbers: Dict[str, int] = {}
        self.prefixes: List[bytes] = []
        self.longest = 0

    def takes(self, tag: str) -> bool:
        """Whether the tag has a number, or may get one."""
        return tag in self.numbers or (
            len(tag) <= LONG_TAG and len(self.prefixes) < _MANY_TAGS)

    def number(self, tag: str) -> int:
        """The tag's number; it gets one if it has none."""
        if tag not in self.numbers:
            prefix = string_field(schema.Value.TAG, tag)
            # Two threads may come here with one tag, or with two: the one that appends owns the
            # place, and a tag that got two numbers is still the same tag in the record.
            self.longest = max(self.longest, len(prefix))
            self.prefixes.append(prefix)
            number = len(self.prefixes) - 1
            while self.prefixes[number] is not prefix:
                number -= 1
            self.numbers[tag] = number
        return self.numbers[tag]


class RowEncoder:
    """Rows to records, for the tags of one writer."""

    def __init__(self, tags: Tags) -> None:
        self._tags = tags
        self._encoded = 0

    def records(self, rows: bytes) -> Parts:
        """The records of `rows` (SIZE bytes each), in their order."""
        count = len(rows) // SIZE
        self._encoded += count
        if count >= _FEW and ("numpy" in sys.modules or self._encoded > _NUMPY_PAYS):
            with loading:
                from .encode import records
            return [part for at in range(0, len(rows), _PIECE)
                    for part in records(rows[at:at + _PIECE], self._tags.prefixes)]
        return self._one_by_one(rows)

    def _one_by_one(self, rows: bytes) -> Parts:
        out: Parts = []
        prefixes = self._tags.prefixes
        for wall_time, step, value, number in _BYTES.iter_unpack(rows):
            steps = STEP_KEY + varint(step) if step else b""
            head, tail = _around(prefixes[number], len(steps))
            data = b"".join((WALL_TIME_KEY, wall_time, steps, tail, value))
            out += (head, data, _uint32(masked(crc32c(data))))
        return out


@lru_cache(maxsize=16384)
def _around(prefix: bytes, step_length: int) -> Tuple[bytes, bytes]:
    """The bytes that are the same in all records of a tag: the frame's header, and those between
    step and value."""
    value = prefix + SIMPLE_VALUE_KEY
    summary = bytes_field(schema.Summary.VALUE, value + bytes(4))[:-4]
    tail = bytes_field(schema.Event.SUMMARY, summary + bytes(4))[:-4]
    return header(9 + step_length + len(tail) + 4), tail


_uint32 = Struct("<I").pack
