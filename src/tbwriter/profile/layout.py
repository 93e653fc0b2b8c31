"""From recorded events to the tracks of the trace viewer.

Each thread is a line. Spans of one line must lie inside one another or apart, which those of a
thread do; those of asyncio's tasks, which take turns on one thread, do not. So tasks have lines of
their own, as many as run at the same time.
"""
from __future__ import annotations

import math
from bisect import bisect_left
from itertools import groupby
from typing import Dict, Iterable, Iterator, List, NamedTuple, Protocol, Sequence, Tuple, TypeVar

from . import names
from .drawing import Drawing
from .window import Record, Window
from .xplane import Event, Stats

_PS = 1000  # picoseconds in a nanosecond
_NO_TASK = (0, "")
_STILL_OPEN: Stats = (("state", "still running when the profile ended"),)


class Span(NamedTuple):
    """A record whose ends are known, in nanoseconds of the clock."""

    start: int
    end: int
    record: Record
    stats: Stats


class _Timed(Protocol):
    @property
    def start(self) -> int: ...
    @property
    def end(self) -> int: ...


_AnySpan = TypeVar("_AnySpan", bound=_Timed)


class Step(NamedTuple):
    """A step in nanoseconds of the clock, and its place in the file."""

    start: int
    end: int
    place: int
    record: Record


class Bounds(NamedTuple):
    """A step in nanoseconds from the beginning of the profile, and its place in the file."""

    start: int
    end: int
    place: int


def draw(window: Window, warnings: Sequence[str] = ()) -> Drawing:
    """A window's threads and tasks, counters and memory."""
    indices = {id(step.record): step for step in steps(window)}
    tracks = [(names.line_name(name), _events(track, window, indices))
              for name, track in _tracks(_spans(window))]
    memory, in_use = _memory(window)
    counters = [names.counter(one.name, (one.time - window.begin) * _PS, one.series)
                for one in window.counts]
    return Drawing(tracks, memory, counters + in_use, warnings)


def steps(window: Window) -> List[Step]:
    """The steps of a window in their order, each from its first wait for input on."""
    found: List[Tuple[int, int, Record]] = []
    for _, track in groupby(sorted(_spans(window), key=_place), key=_place):
        found += _steps_of(sorted(track, key=_by_start))
    return [Step(start, end, index, record)
            for index, (start, end, record) in enumerate(sorted(found, key=lambda one: one[:2]))]


def bounds(window: Window) -> List[Bounds]:
    """The steps of a window, for events that another clock has timed."""
    return [Bounds(step.start - window.begin, step.end - window.begin, step.place)
            for step in steps(window)]


def _steps_of(track: List[Span]) -> Iterator[Tuple[int, int, Record]]:
    """(start, end, record) of the steps of one thread or task."""
    inside: List[Span] = []                 # the spans around the current one
    waits: List[Tuple[int, float]] = []     # since the last step: start, end of the span around
    for span in track:
        while inside and inside[-1].end <= span.start:
            inside.pop()
        if span.record.number is not None:
            starts = [start for start, around in waits if around > span.start]
            yield min(starts, default=span.start), span.end, span.record
            waits = []
        elif span.record.input and not any(one.record.number is not None for one in inside):
            waits.append((span.start, inside[-1].end if inside else math.inf))
        inside.append(span)


def _place(span: Span) -> Tuple[int, Tuple[int, str]]:
    """The thread and the task of a span. The id alone may have been another task's before."""
    return span.record.lane.number, span.record.task or _NO_TASK


def _by_start(span: Span) -> Tuple[int, int]:
    return span.start, -span.end


def _spans(window: Window) -> List[Span]:
    """All spans that began in the window; those still open end with it."""
    found = []
    for record in window.spans[:]:
        start, end = record.start, record.end
        if not start or start > window.end:
            continue
        closed = 0 < end <= window.end
        found.append(Span(start, end if closed else window.end, record,
                          () if closed else _STILL_OPEN))
    return found


def _tracks(spans: Iterable[Span]) -> List[Tuple[str, List[Span]]]:
    """(name, spans) of each line: the main thread, then others in the order in which they first
    recorded something, each followed by its tasks."""
    tracks: List[Tuple[str, List[Span]]] = []
    for _, thread in groupby(sorted(spans, key=_place), key=lambda span: span.record.lane.number):
        tasks: List[List[Span]] = []
        for (lane, task), group in groupby(thread, key=_place):
            track = sorted(group, key=_by_start)
            if task != _NO_TASK:
                tasks.append(track)
            else:
                tracks += _named(track[0].record.lane.name, nested(track))
        tracks += _task_tracks(tasks)
    return tracks


def _task_tracks(tasks: List[List[Span]]) -> List[Tuple[str, List[Span]]]:
    """Lines for the tasks of one thread; tasks that follow each other share one."""
    shared: List[List[Span]] = []
    ends: List[int] = []
    for task in sorted(tasks, key=lambda task: task[0].start):
        end = max(span.end for span in task)
        for number, free in enumerate(ends):
            if free <= task[0].start:
                shared[number] += task
                ends[number] = end
                break
        else:
            shared.append(list(task))
            ends.append(end)
    tracks = []
    for number, track in enumerate(shared, 1):
        titles = {span.record.task[1] for span in track if span.record.task}
        title = f"task {titles.pop()}" if len(titles) == 1 else f"tasks {number}"
        tracks += _named(f"{track[0].record.lane.name}: {title}", nested(track))
    return tracks


def _named(name: str, tracks: List[List[Span]]) -> List[Tuple[str, List[Span]]]:
    return [(f"{name} ({number})" if number > 1 else name, track)
            for number, track in enumerate(tracks, 1)]


def nested(spans: Iterable[_AnySpan]) -> List[List[_AnySpan]]:
    """Spans by start, the longest first, on as few lines as keep them nested.

    More than one only for a span that ended in another order than it began, such as that of a
    generator which another one interrupts.
    """
    tracks: List[Tuple[List[_AnySpan], List[int]]] = []
    for span in spans:
        for track, open_ends in tracks:
            while open_ends and open_ends[-1] <= span.start:
                open_ends.pop()
            if not open_ends or span.end <= open_ends[-1]:
                break
        else:
            track, open_ends = [], []
            tracks.append((track, open_ends))
        track.append(span)
        open_ends.append(span.end)
    return [track for track, _ in tracks]


def _events(track: List[Span], window: Window, indices: Dict[int, Step]) -> List[Event]:
    work = [span.start for span in track
            if not (span.record.input or span.record.number is not None)]
    events = []
    for span in track:
        record = span.record
        start, stats = span.start, span.stats
        if record.number is not None:
            step = indices[id(record)]
            start = step.start
            stats += names.step(step.place, record.number)
            if bisect_left(work, start) == bisect_left(work, span.end):
                events.append(Event(names.STEP_END, (span.end - window.begin) * _PS - 1, 1))
        else:
            stats += _meaning(record, indices)
        events.append(Event(record.name, (start - window.begin) * _PS, (span.end - start) * _PS,
                            stats))
    return events


def _meaning(record: Record, indices: Dict[int, Step]) -> Stats:
    if record.input:
        return names.waits_for_input(record.name)
    if not record.op:
        return ()
    stats = names.operator(record.name, record.op)
    step = record.around
    if step is not None and id(step) in indices and step.lane is not record.lane:
        stats += names.part_of_step(indices[id(step)].place)
    return stats


def _memory(window: Window) -> Tuple[List[Event], List[Event]]:
    """Events for the memory profile, and a counter of the bytes in use for the trace viewer."""
    changes, counters = [], []
    in_use: Dict[str, int] = {}
    peaks: Dict[str, int] = {}
    for one in sorted(window.memory, key=lambda one: one.time):
        start = (one.time - window.begin) * _PS
        peaks[one.pool] = max(peaks.get(one.pool, 0), one.in_use, one.peak)
        changes.append(names.memory(one.pool, start, one.in_use,
                                    one.in_use - in_use.get(one.pool, 0),
                                    one.peak if one.peak >= 0 else peaks[one.pool], one.more))
        in_use[one.pool] = one.in_use
        counters.append(names.counter(f"memory: {one.pool}", start, (("bytes", one.in_use),)))
    return changes, counters
