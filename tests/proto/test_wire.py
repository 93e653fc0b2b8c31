"""Protobuf wire format: single fields, there and back."""
from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tbwriter._proto import wire

int64s = st.integers(-(1 << 63), (1 << 63) - 1)


@pytest.mark.parametrize("value, encoded", [
    # "Base 128 Varints" in protobuf's encoding guide.
    (1, "01"), (150, "9601"),
    # Dumped from protobuf 7.36.
    (0, "00"), (127, "7f"), (128, "8001"), (300, "ac02"),
    (-1, "ffffffffffffffffff01"), (-2, "feffffffffffffffff01"),
    (2 ** 63 - 1, "ffffffffffffffff7f"), (-2 ** 63, "80808080808080808001"),
    (2 ** 64 - 1, "ffffffffffffffffff01"),
])
def test_varint_known_answers(value: int, encoded: str) -> None:
    """Varints are those of the encoding guide and of protobuf itself."""
    assert wire.varint(value).hex() == encoded


@pytest.mark.parametrize("value", [1 << 64, -(1 << 63) - 1])
def test_varint_refuses_more_than_64_bits(value: int) -> None:
    """A number that 64 bits do not hold is an error that names it."""
    with pytest.raises(ValueError, match=f"got the integer {value}"):
        wire.varint(value)


@given(int64s)
def test_int_field_matches_protobuf(value: int) -> None:
    """An int64 field has the bytes that real protobuf writes for it."""
    event_pb2 = pytest.importorskip("tensorboard.compat.proto.event_pb2")
    expected = event_pb2.Event(step=value).SerializeToString()
    assert (wire.int_field(2, value) if value else b"") == expected


@given(int64s)
def test_varint_round_trip(value: int) -> None:
    """A varint read back is the number that was written."""
    [(number, wire_type, integer, data)] = wire.fields(wire.int_field(3, value))
    assert (number, wire_type, data) == (3, wire.VARINT, b"")
    assert wire.signed(integer) == value


@given(st.floats(allow_nan=False))
def test_double_round_trip(value: float) -> None:
    """A double field keeps every bit."""
    [(_, wire_type, _, data)] = wire.fields(wire.double_field(1, value))
    assert wire_type == wire.FIXED64
    assert struct.pack("<d", wire.as_double(data)) == struct.pack("<d", value)


@given(st.floats(allow_nan=False, width=32))
def test_float_round_trip(value: float) -> None:
    """A float field keeps every bit of a single."""
    [(_, wire_type, _, data)] = wire.fields(wire.float_field(1, value))
    assert wire_type == wire.FIXED32
    assert wire.as_float(data) == value


@pytest.mark.parametrize("value, expected", [(1e39, float("inf")), (-1e300, float("-inf"))])
def test_float_overflows_to_infinity(value: float, expected: float) -> None:
    """A number that a single can't hold becomes infinite, as in a C cast."""
    assert wire.float32(value) == struct.pack("<f", expected)


@given(st.binary(max_size=300), st.text(max_size=50))
def test_length_delimited_round_trip(data: bytes, text: str) -> None:
    """Bytes and text come back as they were."""
    first, second = wire.fields(wire.bytes_field(4, data) + wire.string_field(5, text))
    assert first == (4, wire.LENGTH, 0, data)
    assert second[0] == 5 and str(second[3], "utf-8") == text


def test_message_field_does_not_copy() -> None:
    """A large payload stays the same object inside its message."""
    payload = bytes(1000)
    parts = wire.message_field(4, [b"ab", payload])
    assert parts[-1] is payload
    assert b"".join(parts) == wire.bytes_field(4, b"ab" + payload)


@pytest.mark.parametrize("data, message", [
    (b"\x08", "inside a varint"),
    (b"\x08" + b"\xff" * 11, "more than ten bytes"),
    (b"\x0a\x05ab", "got 2 bytes at byte 2, want 5"),
    (b"\x09abc", "want 8"),
    (b"\x0dab", "want 4"),
    (b"\x0b", "wire type 3"),
    (b"\x00\x00", "field number 0"),
])
def test_what_is_no_message(data: bytes, message: str) -> None:
    """Bytes that stop being a message are a WireError that says where."""
    with pytest.raises(wire.WireError, match=message):
        list(wire.fields(data))


@given(st.binary(max_size=200))
def test_any_bytes(data: bytes) -> None:
    """Any bytes give fields or a WireError, and nothing else."""
    try:
        list(wire.fields(data))
    except wire.WireError:
        pass
