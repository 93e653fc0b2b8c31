"""Events whose members are given twice, against real protobuf."""
from __future__ import annotations

import itertools
import time

import pytest

from tbwriter._proto import parse, tensors, wire

event_pb2 = pytest.importorskip("tensorboard.compat.proto.event_pb2")
from google.protobuf.message import DecodeError  # noqa: E402

VALUE = wire.bytes_field(1, wire.string_field(1, "tag") + wire.float_field(2, 1.0))
# Members of the oneof `what`, by name: sound ones, and ones that protobuf refuses.
SOUND = {
    "version": wire.string_field(3, "brain.Event:2"), "graph": wire.bytes_field(4, b"\x80"),
    "summary": wire.bytes_field(5, VALUE), "session": wire.bytes_field(7, wire.int_field(1, 1)),
}
BROKEN = {
    "a summary that is cut": wire.bytes_field(5, VALUE[:-1]),
    "a value that is cut": wire.bytes_field(5, wire.bytes_field(1, b"\x0a\x09ta")),
    "a tag that is not UTF-8": wire.bytes_field(5, wire.bytes_field(1, b"\x0a\x01\xff")),
    "a session that is cut": wire.bytes_field(7, b"\x08"),
    "a message that is cut": wire.bytes_field(6, b"\x0a\x09"),
    "a version that is not UTF-8": wire.bytes_field(3, b"\xff"),
    "a message that is not UTF-8": wire.bytes_field(6, b"\x12\x01\xff"),
    "a path of a session that is not UTF-8": wire.bytes_field(7, b"\x12\x01\xff"),
    "run metadata that are cut": wire.bytes_field(8, b"\x0a\x09"),
    "a tag of run metadata that is not UTF-8": wire.bytes_field(8, b"\x0a\x01\xff"),
}


def refused(data: bytes) -> bool:
    try:
        event_pb2.Event.FromString(data)
    except DecodeError:
        return True
    return False


@pytest.mark.parametrize("broken, last", [*itertools.product(BROKEN, SOUND)])
def test_a_member_that_a_later_one_replaces(broken: str, last: str) -> None:
    """An event is refused for any member that protobuf refuses, also one that does not count."""
    data = wire.int_field(2, 7) + BROKEN[broken] + SOUND[last]
    assert refused(data)
    with pytest.raises(wire.WireError):
        parse.event(data)


@pytest.mark.parametrize("broken", BROKEN)
def test_a_broken_member(broken: str) -> None:
    """An event is refused for a member that protobuf refuses, alone or after a sound one."""
    for data in [BROKEN[broken], *(sound + BROKEN[broken] for sound in SOUND.values())]:
        assert refused(data)
        with pytest.raises(wire.WireError):
            parse.event(data)


@pytest.mark.parametrize("cut", [1, 2, 5, 7, 9])
def test_pieces_of_a_message(cut: int) -> None:
    """A message in two fields is two messages that are merged: where the first is cut, protobuf
    refuses it, although the bytes of both together are one."""
    for pieces in (wire.bytes_field(5, VALUE[:cut]) + wire.bytes_field(5, VALUE[cut:]),
                   wire.bytes_field(5, wire.bytes_field(1, VALUE[2:2 + cut]) + wire.bytes_field(
                       1, VALUE[2 + cut:]))):
        if refused(pieces):
            with pytest.raises(wire.WireError):
                parse.event(pieces)
        else:
            found = parse.event(pieces).values
            want = event_pb2.Event.FromString(pieces).summary.value
            assert [value.tag for value in found] == [value.tag for value in want]


TENSOR = wire.int_field(1, 1) + wire.bytes_field(4, bytes(4))
DIM = wire.bytes_field(2, wire.int_field(1, 1))
# A piece that an event may hold any number of, as its fields stand in the event.
PIECES = {
    "summaries": lambda many: wire.bytes_field(5, wire.bytes_field(1, b"")) * many,
    "messages": lambda many: wire.bytes_field(6, wire.int_field(1, 1)) * many,
    "tensors": lambda many: of_value(wire.bytes_field(8, TENSOR) * many),
    "metadata": lambda many: of_value(wire.bytes_field(9, wire.int_field(4, 1)) * many),
    "shapes": lambda many: of_value(wire.bytes_field(8, wire.bytes_field(2, DIM) * many)),
}


def of_value(data: bytes) -> bytes:
    return wire.bytes_field(5, wire.bytes_field(1, data))


@pytest.mark.parametrize("kind", PIECES)
def test_many_pieces(kind: str) -> None:
    """A message in many pieces is read as protobuf reads it, in a time in proportion to them: 32
    times as many take less than 150 times as long (when they were joined one by one: 500 times)."""
    few, many = PIECES[kind](5_000), PIECES[kind](160_000)
    want = event_pb2.Event.FromString(few).summary.value
    found = parse.event(few).values
    assert len(found) == len(want)
    if kind == "shapes":
        assert tensors.Tensor(found[0].data).shape == (1,) * 33
        assert len(want[0].tensor.tensor_shape.dim) == 5_000
    assert min(seconds(few) for _ in range(3)) * 150 > seconds(many)


def seconds(data: bytes) -> float:
    started = time.process_time()
    for value in parse.event(data).values:
        if value.number == 8:
            tensors.Tensor(value.data)
    return time.process_time() - started


@pytest.mark.parametrize("first, last", [*itertools.permutations(SOUND, 2)])
def test_the_last_member_counts(first: str, last: str) -> None:
    """Of two sound members the last one counts, and its values alone are given."""
    data = SOUND[first] + SOUND[last]
    want = event_pb2.Event.FromString(data)
    found = parse.event(data)
    assert found.file_version == want.file_version
    assert found.session_status == want.session_log.status
    assert [value.tag for value in found.values] == [value.tag for value in want.summary.value]
    assert want.WhichOneof("what") == event_pb2.Event.DESCRIPTOR.fields_by_number[
        found.number].name
