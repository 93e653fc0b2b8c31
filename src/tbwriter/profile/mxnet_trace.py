"""Dumps of MXNet's profiler as tracks of the trace viewer. Works without MXNet.

The JSON of `mx.profiler.dump` holds each operator twice: as "B" and "E" of the device that ran it,
which MXNet's own table adds up and which are used here, and once more as "b" and "e". Times are
microseconds since 1970; events are in no order; processes and threads are hashes.

Tried with dumps of MXNet 1.9.1 and 2.0.0b1.
"""
from __future__ import annotations

import json
import os
import re
from bisect import bisect_right
from typing import (Any, Dict, Iterable, Iterator, List, Mapping, NamedTuple, Optional, Sequence,
                    Tuple, Union)

from . import names
from .drawing import Drawing, Track
from .layout import Bounds, nested
from .session import Session, check_host, check_name
from .xplane import Event, Stats

OPERATOR, API, MEMORY = "operator", "MXNET_C_API", "Device Storage"
_MEMORY_PREFIX = "Memory: "
_BACKWARD = "_backward_"
# Not work, but the caller's wait for it: belongs to no step's compute time.
_WAITS = ("WaitForVar", "WaitForAll")

_PS = 1_000_000   # picoseconds in a microsecond
_LATEST = 1 << 53  # microseconds: 285 years after 1970
_LONGEST = (1 << 63) // _PS - 1  # 106 days
_MOST = 1 << 63
_ENDS = {"B": "E", "b": "e", "(": ")"}
_BEGINS = {end: begin for begin, end in _ENDS.items()}

_HEAD = re.compile(r'\s*\{\s*"traceEvents"\s*:\s*\[')
_BETWEEN = re.compile(r'[\s,]*(?:\]\s*,\s*"displayTimeUnit"\s*:\s*"ms"\s*\}[\s,]*)?')


class Span(NamedTuple):
    """An operator, a call, a task, a frame or an event; microseconds since 1970."""

    start: int
    end: int
    name: str
    category: str
    device: str   # "" if no device ran it
    thread: int


class Sample(NamedTuple):
    """A counter's value, or the bytes that a device has in use, from `time` on."""

    time: int
    name: str
    category: str
    value: float


class Trace(NamedTuple):
    """The records of one dump. unfinished: spans that had not ended. devices: by their pids."""

    spans: List[Span]
    samples: List[Sample]
    unfinished: int
    devices: Dict[int, str]


def read(text: str, devices: Optional[Mapping[int, str]] = None) -> Trace:
    """The records of a dump: a whole one, the beginning of one, or, where a program dumped several
    times, what a later dump appended, which lacks the names of devices.

    devices: the names of devices from an earlier dump.
    Raises ValueError for a text that is not a dump.
    """
    try:
        events = list(_objects(text))
        known = dict(devices or ())
        known.update((int(one["pid"]), names.sound(one["args"]["name"])) for one in events
                     if one["ph"] == "M" and one["name"] == "process_name" and "/" in
                     one["args"]["name"])
        return _collect(events, known)
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError
            ) as error:
        raise ValueError("got a file that is not a dump of mx.profiler "
                         f"({type(error).__name__}: {error!s:.80})") from None


def draw(trace: Trace, begin: int, steps: Sequence[Bounds] = (),
         nodes: Optional[Mapping[Span, str]] = None) -> Drawing:
    """The threads, memory and counters of a dump.

    begin: where the profile begins, in nanoseconds since 1970. nodes: the names of operators in
    the graph, where they are certain.
    """
    drawer = _Drawer(trace, begin, steps, nodes or {})
    warnings = [f"left out, since they have no end: {trace.unfinished} of MXNet's records"] \
        if trace.unfinished else []
    return Drawing(list(drawer.tracks()), drawer.memory(), drawer.counters(), warnings)


def session(path: Union[str, "os.PathLike[str]"], name: str = "", host: str = "") -> Session:
    """A dump as a session for `FileWriter.add`.

    Raises ValueError for a file that is not a dump or has no records, OSError if it can't be read.
    """
    name, host = check_name(name), check_host(host)
    with open(path, encoding="utf-8", errors="surrogateescape") as file:
        trace = read(file.read())
    begin, end = _extent(trace)
    return Session(begin, end, lambda: [draw(trace, begin)], name, host)


def _extent(trace: Trace) -> Tuple[int, int]:
    """The first and last moment of a dump, in nanoseconds since 1970."""
    times = [one.start for one in trace.spans] + [one.end for one in trace.spans] \
        + [one.time for one in trace.samples]
    if not times:
        raise ValueError("got a dump of mx.profiler without records, want some")
    first, last = min(times), max(times)
    if last - first > _LONGEST:
        raise ValueError(f"got a dump of mx.profiler over {last - first} microseconds, want at most"
                         f" {_LONGEST}")
    return first * 1000, last * 1000


def _objects(text: str) -> Iterator[Dict[str, Any]]:
    """The events of a dump, one by one if it is an incomplete JSON document."""
    try:
        document = json.loads(text)
    except ValueError:
        yield from _pieces(text)
        return
    yield from document["traceEvents"]


def _pieces(text: str) -> Iterator[Dict[str, Any]]:
    decode = json.JSONDecoder().raw_decode
    head = _HEAD.match(text)
    if head is None and not text.lstrip().startswith((",", "{")):
        raise ValueError(f"it begins with {text[:20]!r}")
    at = head.end() if head else 0
    while True:
        between = _BETWEEN.match(text, at)
        at = between.end() if between else at
        if at >= len(text):
            return
        try:
            event, at = decode(text, at)
        except ValueError:
            if text.find("}", at) < 0 or text.find("\n    {", at) < 0:  # cut off in the last event
                return
            raise
        yield event


def _collect(events: Iterable[Mapping[str, Any]], devices: Dict[int, str]) -> Trace:
    spans: List[Span] = []
    samples: List[Sample] = []
    begun: Dict[Tuple[Any, ...], List[int]] = {}
    for event in events:
        phase = event["ph"]
        if not isinstance(phase, str):
            raise TypeError(f"a phase of type {type(phase).__name__}")
        category = names.sound(event.get("cat", ""))
        if category == OPERATOR and phase in "be":
            continue
        if phase in _ENDS or phase in _BEGINS:
            key = (_BEGINS.get(phase, phase), category, event["name"], event["pid"], event["tid"])
            starts = begun.setdefault(key, [])
            if phase in _ENDS:
                starts.append(_time(event))
            elif starts:
                device = devices.get(event["pid"], "") if category == OPERATOR else ""
                spans.append(Span(starts.pop(), _time(event), names.sound(event["name"]),
                                  category, device, _thread(event)))
        elif phase == "n":
            moment = _time(event)
            spans.append(Span(moment, moment, names.sound(event["name"]), category, "",
                              _thread(event)))
        elif phase == "C":
            [value] = event["args"].values()
            samples.append(Sample(_time(event), names.sound(event["name"]), category,
                                  _value(value)))
    samples.sort()
    return Trace(spans, samples, sum(map(len, begun.values())), devices)


def _time(event: Mapping[str, Any]) -> int:
    time = int(event["ts"])
    if not 0 <= time < _LATEST:
        raise ValueError(f"a time of {time} microseconds")
    return time


def _thread(event: Mapping[str, Any]) -> int:
    thread = event["tid"]
    if not isinstance(thread, int):
        raise TypeError(f"a thread of type {type(thread).__name__}")
    return thread


def _value(value: Any) -> float:
    if not isinstance(value, (int, float)):
        raise TypeError(f"a value of type {type(value).__name__}")
    if not abs(value) < _MOST:
        raise ValueError(f"the value {value:.3g}")
    return value


class _Drawer:
    """The events of a dump, with times in picoseconds from the beginning of the profile."""

    def __init__(self, trace: Trace, begin: int, steps: Sequence[Bounds],
                 nodes: Mapping[Span, str]) -> None:
        self._trace = trace
        self._begin = begin * 1000
        self._steps = sorted(steps)
        self._starts = [step.start for step in self._steps]
        self._nodes = nodes

    def tracks(self) -> Iterator[Track]:
        """The operators of each thread, then its other records."""
        numbers: Dict[int, int] = {}
        groups: Dict[Tuple[int, str], List[Span]] = {}
        for span in sorted(self._trace.spans, key=lambda span: (span.start, -span.end)):
            number = numbers.setdefault(span.thread, len(numbers) + 1)
            groups.setdefault((number, self._kind(span)), []).append(span)
        for (number, kind), group in sorted(groups.items()):
            for copy, track in enumerate(nested(group), 1):
                name = f"MXNet thread {number}: {kind}"
                yield (f"{name} ({copy})" if copy > 1 else name), list(map(self._event, track))

    def memory(self) -> List[Event]:
        events = []
        in_use: Dict[str, int] = {}
        peaks: Dict[str, int] = {}
        for one in self._trace.samples:
            if one.category != MEMORY:
                continue
            pool = one.name[len(_MEMORY_PREFIX):] if one.name.startswith(_MEMORY_PREFIX) \
                else one.name
            now = max(int(one.value), 0)
            peaks[pool] = max(peaks.get(pool, 0), now)
            events.append(names.memory(pool, one.time * _PS - self._begin, now,
                                       now - in_use.get(pool, 0), peaks[pool]))
            in_use[pool] = now
        return events

    def counters(self) -> List[Event]:
        return [names.counter(one.name if one.category == MEMORY else f"{one.category}: {one.name}",
                              one.time * _PS - self._begin, (("value", one.value),))
                for one in self._trace.samples]

    @staticmethod
    def _kind(span: Span) -> str:
        if span.category == OPERATOR:
            return span.device or "operators"
        return "C API" if span.category == API else span.category

    def _event(self, span: Span) -> Event:
        start, duration = span.start * _PS - self._begin, (span.end - span.start) * _PS
        if span.category != OPERATOR:
            return Event(span.name, start, duration)
        name = self._nodes.get(span) or readable(span.name)
        stats = names.operator(name, _op_type(span.name))
        if span.name not in _WAITS:
            stats += self._step(start // 1000)
        return Event(name, start, duration, stats)

    def _step(self, start: int) -> Stats:
        """The step that ran when an operator began."""
        number = bisect_right(self._starts, start) - 1
        if number < 0 or start >= self._steps[number].end:
            return ()
        return names.part_of_step(self._steps[number].place)


def readable(name: str) -> str:
    """An operator's readable name: `backward_Convolution`."""
    return name[1:] if name.startswith(_BACKWARD) else name


def _op_type(name: str) -> str:
    """The operator's type for XProf's table; that of a list of operators is `Bulk`."""
    if name.startswith("["):
        return "Bulk"
    return name if names.is_kind(name) else "_" + re.sub(r"\W", "_", name)
