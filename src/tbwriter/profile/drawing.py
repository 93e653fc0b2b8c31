"""A drawing: the tracks, memory and counters of one source. Several make one host of a session."""
from __future__ import annotations

from typing import List, NamedTuple, Sequence, Tuple

from . import names
from .xplane import Event, Line

Track = Tuple[str, List[Event]]


class Drawing(NamedTuple):
    """(name, events) of each track, events of memory and of counters, and warnings to show."""

    tracks: Sequence[Track] = ()
    memory: Sequence[Event] = ()
    counters: Sequence[Event] = ()
    warnings: Sequence[str] = ()


def assembled(drawings: Sequence[Drawing]) -> Tuple[List[Line], List[str]]:
    """The lines of one host, and the warnings."""
    tracks = [track for one in drawings for track in one.tracks]
    memory = [event for one in drawings for event in one.memory]
    counters = [event for one in drawings for event in one.counters]
    if memory:
        tracks.append((names.MEMORY_LINE, memory))
    if counters:
        tracks.append((names.COUNTERS_LINE, counters))
    lines = [Line(number, name, events) for number, (name, events) in enumerate(tracks, 1)]
    return lines, [text for one in drawings for text in one.warnings]
