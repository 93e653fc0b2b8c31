"""XSpace: what is encoded is what real protobuf reads."""
from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tbwriter.profile.xplane import Event, Line, Plane, Space, encode

from tests.profile.messages import events_of, parsed, stats_of

names = st.text(st.characters(blacklist_categories=["Cs"]), max_size=12)
values = st.one_of(st.integers(-(1 << 63), (1 << 64) - 1), st.floats(), names,
                   st.binary(max_size=9))
stats = st.lists(st.tuples(names, values), max_size=3, unique_by=lambda one: one[0]).map(tuple)
events = st.builds(Event, names, st.integers(0, (1 << 63) - 1), st.integers(0, (1 << 63) - 1),
                   stats)
lines = st.builds(Line, st.integers(0, (1 << 63) - 1), names, st.lists(events, max_size=4))
planes = st.builds(Plane, names, st.lists(lines, max_size=3), stats.map(dict))
spaces = st.builds(Space, st.lists(planes, max_size=3), st.lists(names, max_size=2),
                   st.lists(names, max_size=2))


def same(value):
    """A value that equals itself also where it is a NaN."""
    return struct.pack("<d", value) if isinstance(value, float) else value


def comparable(found):
    return [(name, start, duration, {key: same(value) for key, value in dict(given).items()})
            for name, start, duration, given in found]


@given(spaces)
def test_protobuf_reads_what_was_encoded(space):
    """Every name, time and statistic of a space arrives in real protobuf, events by start and then
    the longest first."""
    data = b"".join(encode(space))
    if not data:
        return
    found = parsed(data)
    assert list(found.hostnames) == space.hostnames
    assert list(found.warnings) == space.warnings
    assert [plane.name for plane in found.planes] == [plane.name for plane in space.planes]
    for plane, given_plane in zip(found.planes, space.planes):
        assert {key: same(value) for key, value in stats_of(plane, plane).items()} == \
            {key: same(value) for key, value in given_plane.stats.items()}
        assert [(line.id, line.name, line.timestamp_ns) for line in plane.lines] == \
            [(line.id, line.name, 0) for line in given_plane.lines]
        for line, given_line in zip(plane.lines, given_plane.lines):
            assert comparable(events_of(plane, line)) == comparable(
                sorted(given_line.events, key=lambda event: (event.start, -event.duration)))


def test_names_are_written_once():
    """A name, and a text among the statistics, is in the file once per plane."""
    events = [Event("a long name", start, 1, (("kind", "a long text"),)) for start in range(100)]
    data = b"".join(encode(Space([Plane("p", [Line(1, "l", events)])])))
    assert data.count(b"a long name") == data.count(b"a long text") == data.count(b"kind") == 1


@pytest.mark.parametrize("event, error", [
    (Event("a", 0, 1 << 64), "got the integer 18446744073709551616, want one of 64 bits"),
    (Event("\ud800", 0, 1), "surrogates not allowed"),
])
def test_refused(event, error):
    """Integers beyond 64 bits and lone surrogates, which the format does not hold, are errors."""
    with pytest.raises(ValueError, match=error):
        encode(Space([Plane("p", [Line(1, "l", [event])])]))
