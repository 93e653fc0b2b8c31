"""Protobuf wire format: single fields to bytes, and back.

Knows numbers, lengths and wire types, and no message. The encoders write every value they are
given, default values too: the message decides whether to leave a field out.

Source: https://protobuf.dev/programming-guides/encoding/
"""
from __future__ import annotations

from functools import lru_cache
from struct import Struct
from typing import Iterator, Sequence, Tuple, Union

from .._parts import Part, Parts, total

VARINT, FIXED64, LENGTH, FIXED32 = 0, 1, 2, 5

# "Any serialized message must be less than 2 GiB."
MAX_SIZE = (1 << 31) - 1
Field = Tuple[int, int, int, memoryview]
Buffer = Union[bytes, bytearray, memoryview]  # what fields are read from

double = Struct("<d").pack
_float = Struct("<f").pack
_float_from = Struct("<f").unpack_from
_double_from = Struct("<d").unpack_from


class WireError(ValueError):
    """The bytes are not a protobuf message."""


def check_size(nbytes: int, what: str) -> None:
    """ValueError for more bytes than a message can hold. Called before anything is copied."""
    if nbytes > MAX_SIZE:
        raise ValueError(f"got {what} of {nbytes} bytes, want less than 2 GiB")


def varint(value: int) -> bytes:
    """`value` (-2**63 <= value < 2**64) in base 128, least significant group first.

    "Negative numbers are encoded as two's complement, unsigned 64-bit": always ten bytes.
    """
    if 0 <= value < 0x80:
        return _SHORT[value]
    if 0 <= value < 0x4000:
        return bytes((value & 0x7F | 0x80, value >> 7))
    if 0 <= value < 0x20_0000:
        return bytes((value & 0x7F | 0x80, value >> 7 & 0x7F | 0x80, value >> 14))
    if not -(1 << 63) <= value < 1 << 64:
        raise ValueError(f"got the integer {value}, want one of 64 bits")
    value &= 0xFFFF_FFFF_FFFF_FFFF
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


_SHORT = [bytes([value]) for value in range(0x80)]


def key(number: int, wire_type: int) -> bytes:
    """The key that precedes a field."""
    return varint(number << 3 | wire_type)


def int_field(number: int, value: int) -> bytes:
    """A field of type int32, int64, uint32, uint64, bool or enum."""
    return key(number, VARINT) + varint(value)


def double_field(number: int, value: float) -> bytes:
    return key(number, FIXED64) + double(value)


def float_field(number: int, value: float) -> bytes:
    return key(number, FIXED32) + float32(value)


def float32(value: float) -> bytes:
    """`value` as an IEEE 754 single; too large a value becomes infinite, as in a C cast."""
    try:
        return _float(value)
    except OverflowError:
        return _float(float("inf") if value > 0 else float("-inf"))


@lru_cache(maxsize=4096)
def length_prefix(number: int, length: int) -> bytes:
    """The key and length that precede a string, bytes, packed or message field."""
    return key(number, LENGTH) + varint(length)


def bytes_field(number: int, data: bytes) -> bytes:
    return length_prefix(number, len(data)) + data


def string_field(number: int, text: str) -> bytes:
    """A string field. UnicodeEncodeError (a ValueError) for a lone surrogate."""
    return bytes_field(number, str.encode(text, "utf-8"))


def message_field(number: int, parts: Sequence[Part]) -> Parts:
    """A field that holds the message `parts`. Nothing is copied."""
    return [length_prefix(number, total(parts)), *parts]


def fields(data: Buffer, strict: bool = False) -> Iterator[Field]:
    """The fields of a message, each as (number, wire type, integer, bytes).

    A VARINT gives the integer (unsigned, see `signed`), all other wire types give the bytes: the
    contents of LENGTH, the eight or four bytes of FIXED64 and FIXED32. The other of the two is 0 or
    empty. The bytes are views of `data`. Raises WireError where the bytes stop being a message.

    strict: refuse integers of more than 64 bits too. Protobuf cuts them; TensorBoard's default
        loader refuses the message.
    """
    view = memoryview(data)
    end = len(view)
    at = 0
    while at < end:
        key = view[at]
        if key < 0x80:
            at += 1
        else:
            begin = at
            key, at = _read_varint(view, at, end)
            if at - begin > _KEY_BYTES:
                raise _too_long("key", begin)
        number, wire_type = key >> 3, key & 7
        if not 0 < number < 1 << 29:
            raise WireError(f"got field number {number} before byte {at}, want 1 to 2**29 - 1")
        if wire_type == VARINT:
            value, at = _read_varint(view, at, end)
            if value > _MOST:
                if strict:
                    raise WireError(f"got an integer of more than 64 bits before byte {at}")
                value &= _MOST
            yield number, wire_type, value, _NOTHING
            continue
        if wire_type == LENGTH:
            if at < end and view[at] < 0x80:
                length = view[at]
                at += 1
            else:
                begin = at
                length, at = _read_varint(view, at, end)
                if at - begin > _KEY_BYTES:
                    raise _too_long("length", begin)
        elif wire_type in _WIDTHS:
            length = _WIDTHS[wire_type]
        else:
            # 3 and 4, the groups of proto1, occur in no message that TensorBoard reads.
            raise WireError(f"got wire type {wire_type} before byte {at}, want 0, 1, 2 or 5")
        if length > end - at:
            raise WireError(f"got {end - at} bytes at byte {at}, want {length}")
        yield number, wire_type, 0, view[at:at + length]
        at += length


_NOTHING = memoryview(b"")
_KEY_BYTES = 5  # of a key or a length; protobuf refuses more
_MOST = 0xFFFF_FFFF_FFFF_FFFF
_WIDTHS = {FIXED64: 8, FIXED32: 4}


def _read_varint(view: memoryview, at: int, end: int) -> Tuple[int, int]:
    """(the varint that begins at byte `at`, where it ends)."""
    value = shift = 0
    while at < end:
        byte = view[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
        if shift >= 70:
            raise WireError(f"got a varint of more than ten bytes before byte {at}")
    raise WireError(f"got the end of the message inside a varint, at byte {at}")


def _too_long(what: str, at: int) -> WireError:
    return WireError(f"got a {what} of more than {_KEY_BYTES} bytes at byte {at}")


def signed(value: int) -> int:
    """The int64 with the same 64 bits as the unsigned `value` of a varint."""
    return value - (1 << 64) if value >> 63 else value


def as_double(data: Union[bytes, memoryview]) -> float:
    """The number in the eight bytes of a FIXED64 field."""
    return float(_double_from(data)[0])


def as_float(data: Union[bytes, memoryview]) -> float:
    """The number in the four bytes of a FIXED32 field."""
    return float(_float_from(data)[0])
