"""Events whose members are given twice, against real protobuf."""
from __future__ import annotations

import itertools

import pytest

from tbwriter._proto import parse, wire

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
}


def refused(data: bytes) -> bool:
    try:
        event_pb2.Event.FromString(data)
    except DecodeError:
        return True
    return False


@pytest.mark.parametrize("broken, last", [
    (broken, last) for broken in BROKEN for last in SOUND if last not in broken])
def test_a_member_that_a_later_one_replaces(broken: str, last: str) -> None:
    """An event is refused for any member that protobuf refuses, also one that does not count."""
    data = wire.int_field(2, 7) + BROKEN[broken] + SOUND[last]
    assert refused(data)
    with pytest.raises(wire.WireError):
        parse.event(data)


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
