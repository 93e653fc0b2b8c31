"""The contents of one session while it is recorded: spans, counters and memory, up to a limit."""
from __future__ import annotations

import threading
import time
from itertools import count
from typing import Any, List, NamedTuple, Optional, Tuple

from . import names
from .xplane import Stats

now = time.perf_counter_ns

_EVENT = 250  # bytes that an event takes, with its numbers


class Lane:
    """A thread that has recorded something."""

    def __init__(self, number: int) -> None:
        self.number = number
        self._thread = threading.current_thread()

    @property
    def name(self) -> str:
        return names.sound(self._thread.name)


class Record:
    """A span of time; `start` and `end` in nanoseconds of the clock, 0 until they are known.

    number: that of a step; None for other spans.
    task: the id and name of the asyncio task in which it began.
    around: the step that ran when it began.
    """

    __slots__ = ("name", "op", "input", "number", "lane", "task", "start", "end", "around")

    name: str
    op: str
    input: bool
    number: Optional[int]
    lane: Lane
    task: Optional[Tuple[int, str]]
    start: int
    end: int
    around: Optional["Record"]


class Count(NamedTuple):
    """The values of a counter's series from `time` on."""

    name: str
    time: int
    series: Tuple[Tuple[str, float], ...]


class Memory(NamedTuple):
    """Bytes of a pool in use from `time` on. peak: -1 where it was not given."""

    pool: str
    time: int
    in_use: int
    peak: int
    more: Stats


class Window:
    """The events recorded from `begin` to `end`, in nanoseconds of the clock.

    since_1970: `begin` in nanoseconds since 1970. limit: how many events of each kind are kept.
    """

    __slots__ = ("begin", "end", "since_1970", "limit", "spans", "counts", "memory", "left_out",
                 "step")

    def __init__(self, limit: int) -> None:
        self.since_1970 = time.time_ns()
        self.begin = now()
        self.end = 0
        self.limit = limit
        self.spans: List[Record] = []
        self.counts: List[Count] = []
        self.memory: List[Memory] = []
        self.left_out = count()  # next() is atomic
        self.step: Optional[Record] = None  # the one that runs now

    def take(self, events: List[Any], event: Any) -> None:
        """Keep an event, or only count it if there are too many."""
        if len(events) < self.limit:
            events.append(event)
        else:
            next(self.left_out)

    @property
    def nbytes(self) -> int:
        """The memory that the events take, about."""
        return _EVENT * (len(self.spans) + len(self.counts) + len(self.memory))
