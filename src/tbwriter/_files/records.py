"""Records of event files, one after another, whatever the bytes are.

Nothing read here is trusted. A length is compared with the bytes that are left before memory is
allocated for it, so memory stays within one chunk and the largest whole record; time grows with
the size of the file. Damage is reported as a `Fault`, and reading continues at the next whole
record after it, which TensorBoard does not do.
"""
from __future__ import annotations

import re
from struct import Struct
from typing import Iterable, Iterator, List, NamedTuple, Optional, Tuple, TypeVar, Union

from .window import ReadError, Window
from .._tfrecord.crc32c import crc32c
from .._tfrecord.frame import HEADER as HEADER, MAX_LENGTH, OVERHEAD, header, masked

# How many bytes are searched at a time for the next record after damage.
_STEP = 1 << 16

_uint64 = Struct("<Q").unpack
_uint32 = Struct("<I").unpack

# The kinds of faults (Fault.kind).
TAIL = "torn tail"
TORN = "torn record"
ZEROS = "zero bytes"
LENGTH = "bad length"
HUGE = "huge length"
UNREADABLE = "unreadable"
DATA = "bad data"
EVENT = "bad event"

MOST_LISTED = 10_000

Item = TypeVar("Item")

_FOUR_ZEROS = bytes(4)
_NOT_ZERO = re.compile(rb"[^\0]")


class Fault(NamedTuple):
    """A fault of a file at one place.

    kind: "torn tail" (the last record is not finished; normal in a run that is still being
        written), "torn record" (one in the middle that is not finished), "zero bytes", "bad
        length", "huge length" (more than a record may have), "bad data" (a checksum differs, or a
        compressed file that cannot be decompressed), "bad event" (no protobuf message),
        "unreadable" (the file, which cannot be opened or read).
    offset: where in the file; nbytes: how many bytes were lost.
    """

    path: str
    kind: str
    offset: int
    nbytes: int
    reason: str

    def __str__(self) -> str:
        return f"{self.path}, byte {self.offset}: {self.kind}, {self.reason}"


class First(List[Item]):
    """The first 10 000 of facts that a log may have by the million. more: the others' number."""

    more = 0

    def append(self, item: Item) -> None:
        if len(self) < MOST_LISTED:
            super().append(item)
        else:
            self.more += 1

    def add(self, others: Iterable[Item]) -> None:
        """Those of another file or run."""
        for item in others:
            self.append(item)
        self.more += getattr(others, "more", 0)

    @property
    def total(self) -> int:
        """The number of all."""
        return len(self) + self.more


class Faults(First[Fault]):
    """The faults of files: there may be one for each 17 bytes."""


class Record(NamedTuple):
    """One record: the offset of its frame, and its data."""

    offset: int
    data: bytes

    @property
    def end(self) -> int:
        return self.offset + OVERHEAD + len(self.data)


def records(window: Window, faults: Optional[List[Fault]] = None, start: int = 0
            ) -> Iterator[Record]:
    """The records of one file from byte `start` on.

    faults: collects the faults; reading continues after each. Without it the first damage raises
        ReadError; a torn tail only ends the records, as it does in TensorBoard.
    """
    at = start
    while at < window.size:
        found = record_at(window, at)
        if isinstance(found, Record):
            at = found.end
            yield found
            del found  # it may be large, and so may the next
            continue
        if faults is None:
            if found.kind == TAIL and not window.damage:
                return
            raise ReadError(str(found))
        fault, at = _extent(window, found)
        faults.append(fault)
    check_end(window, faults)


def check_end(window: Window, faults: Optional[List[Fault]]) -> None:
    """Report once that bytes of a compressed file cannot be decompressed."""
    if window.damage:
        fault = Fault(window.name, DATA, window.size, 0, window.damage)
        if faults is None:
            raise ReadError(str(fault))
        if not faults or faults[-1] != fault:
            faults.append(fault)


def record_at(window: Window, at: int) -> Union[Record, Fault]:
    """The record whose frame begins at byte `at`, or its fault."""
    left = window.size - at
    head = window.read(at, HEADER)
    if len(head) < HEADER:
        return Fault(window.name, TAIL, at, left, f"got {left} bytes of a header, want {HEADER}")
    length = _uint64(head[:8])[0]
    if head != header(length):
        if not any(head):
            return Fault(window.name, ZEROS, at, left, "got zero bytes, want a record")
        return Fault(window.name, LENGTH, at, left,
                     f"got a header {head.hex()} whose checksum is wrong, want a record")
    if length > MAX_LENGTH:
        return Fault(window.name, HUGE, at, left,
                     f"got a record of {length} bytes, want at most {MAX_LENGTH}")
    if length + OVERHEAD > left:
        return Fault(window.name, TAIL, at, left,
                     f"got {left - HEADER} bytes of a record of {length} bytes")
    if length > window.longest:
        return Fault(window.name, DATA, at, length + OVERHEAD,
                     f"got a record of {length} bytes in a compressed file, want at most "
                     f"{window.longest} in one of this size: decompress it to read the record")
    data = window.read(at + HEADER, length)
    footer = window.read(at + HEADER + length, 4)
    if len(data) < length or len(footer) < 4:
        return Fault(window.name, TAIL, at, left, "the file became shorter while it was read")
    crc = masked(crc32c(data))
    if crc != _uint32(footer)[0]:
        return Fault(window.name, DATA, at, length + OVERHEAD,
                     f"got the checksum {_uint32(footer)[0]:08x} of {length} bytes, "
                     f"want {crc:08x}")
    return Record(at, data)


def raw_record(window: Window, at: int) -> Optional[bytes]:
    """A record with its frame, if there is a valid header at byte `at`; its data is not checked."""
    head = window.read(at, HEADER)
    if len(head) < HEADER:
        return None
    length = _uint64(head[:8])[0]
    raw = window.read(at, length + OVERHEAD) if length <= window.longest else b""
    return raw if head == header(length) and len(raw) == length + OVERHEAD else None


def _extent(window: Window, fault: Fault) -> Tuple[Fault, int]:
    """The fault with its true extent, and the offset at which reading continues."""
    if fault.kind == DATA:
        # The length has a checksum of its own: if a header follows, only the data is damaged.
        end = fault.offset + fault.nbytes
        head = window.read(end, HEADER)
        if not head or len(head) == HEADER and head == header(_uint64(head[:8])[0]):
            return fault, end
    end = _next_record(window, fault.offset + 1)
    kind = fault.kind
    if end < window.size:
        kind = TORN if kind in (TAIL, DATA) else kind
    return fault._replace(kind=kind, nbytes=end - fault.offset), end


def _next_record(window: Window, at: int) -> int:
    """Where the next whole record begins, found byte by byte; the file's end without one."""
    while at + OVERHEAD < window.size:
        chunk = window.read(at, _STEP)
        zeros = len(chunk) - len(chunk.lstrip(b"\0"))
        if zeros > HEADER and at + zeros < window.size:  # a length has three at the front at most
            at += zeros - 3
            continue
        for begin in _candidates(chunk):
            head = chunk[begin:begin + HEADER]
            if len(head) < HEADER:
                break
            length = _uint64(head[:8])[0]
            if length > window.size - at - begin - OVERHEAD or head[8:] != _checksum(head[:8]):
                continue
            window.budget -= length
            if window.budget < 0:
                return window.size
            if isinstance(record_at(window, at + begin), Record):
                return at + begin
        if len(chunk) < _STEP:
            break
        at += len(chunk) - HEADER
    return window.size


def _candidates(chunk: bytes) -> Iterator[int]:
    """Where a record of 1 to 2**32 - 1 bytes may begin: its length ends in four zero bytes."""
    zeros = chunk.find(_FOUR_ZEROS)
    while zeros >= 0:
        other = _NOT_ZERO.search(chunk, zeros + 4)
        end = other.start() if other else len(chunk)
        yield from range(max(zeros - 4, 0), min(zeros - 1, end - 8) + 1)
        zeros = chunk.find(_FOUR_ZEROS, end)


def _checksum(data: bytes) -> bytes:
    return masked(crc32c(data)).to_bytes(4, "little")
