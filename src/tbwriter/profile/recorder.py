"""The recorder: steps, spans, counters and memory of a program, in bounded memory.

    with writer.profile() as profile:
        for number, batch in enumerate(profile.input(batches)):
            with profile.step(number):
                with profile.span("forward"):
                    ...

A span costs two readings of the clock and an append to a list that all threads share, which is
atomic: no lock is taken. `layout` interprets the records, on the writer's thread.
"""
from __future__ import annotations

import math
import os
import sys
import threading
from itertools import count
from typing import (Any, Callable, Dict, Iterable, Iterator, List, Optional, Protocol, Sequence,
                    Tuple, TypeVar)
from weakref import ref

from .._values.number import as_float, as_step
from .._warnings import once
from . import names
from .decorate import decorated
from .drawing import Drawing
from .layout import draw
from .session import Session, check_host, check_name
from .window import Count, Lane, Memory, Record, Window, now

MAX_EVENTS = 100_000
_MAX_NAME = 1000
_IDLE_NAMES = 1000  # while nothing is recorded, this many spans are kept to be used again
# XProf takes spans of these names for something else, and draws none.
_REFUSED = {names.ALLOCATION, names.DEALLOCATION}

_modules = sys.modules
_T = TypeVar("_T")
_Function = TypeVar("_Function", bound=Callable[..., Any])


class Writer(Protocol):
    """The writer that stores sessions."""

    disabled: bool

    def add(self, payload: Any, step: Optional[int] = None,
            wall_time: Optional[float] = None) -> None: ...


class Idle:
    """A span while nothing is recorded. It is shared, and holds nothing of its entries."""

    __slots__ = ("_profile", "_name", "op", "input")

    def __init__(self, profile: "Profile", name: str, op: str, input: bool) -> None:
        self._profile = profile
        self._name = name
        self.op = op
        self.input = input

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, value: Any, traceback: Any) -> None:
        return None

    def __call__(self, function: _Function) -> _Function:
        """`function`, of which each call is this span."""
        return decorated(function, lambda: self._profile.span(self._name, self.op, self.input))


class Span(Record):
    """A span that is recorded, from `with` until its block ends, however it ends."""

    __slots__ = ("_profile", "_again")

    def __init__(self, profile: "Profile", name: str, op: str, input: bool) -> None:
        self._profile = profile
        self.name = name
        self.op = op
        self.input = input
        self.number: Optional[int] = None
        self.start = self.end = 0
        self._again: Optional[List["Span"]] = None

    def __enter__(self) -> None:
        profile = self._profile
        window = profile._window
        if window is None:
            return
        if self.start:
            self._enter_again()
            return
        try:
            self.lane = profile._local.lane
        except AttributeError:
            self.lane = profile._new_lane()
        self.task = _task() if "asyncio.events" in _modules else None
        self.around = window.step
        spans = window.spans
        if len(spans) < window.limit:
            spans.append(self)
        else:
            next(window.left_out)
        self.start = now()

    def __exit__(self, kind: Any, value: Any, traceback: Any) -> None:
        if self._again:
            self._again.pop().__exit__(kind, value, traceback)
        else:
            self.end = now()

    def __call__(self, function: _Function) -> _Function:
        """`function`, of which each call is this span."""
        return decorated(function, lambda: self._profile.span(self.name, self.op, self.input))

    def _enter_again(self) -> None:
        """An object that was entered before, or still is: each entry is a span of its own."""
        span = Span(self._profile, self.name, self.op, self.input)
        span.__enter__()
        self._again = [*(self._again or ()), span]


class Step:
    """A step, recorded if it is inside a window."""

    def __init__(self, profile: "Profile", number: int, name: str) -> None:
        self._profile = profile
        self._number = number
        self._name = name
        self._record: Optional[Span] = None

    def __enter__(self) -> None:
        profile = self._profile
        profile._turn()
        window = profile._window
        if window is not None:
            self._record = span = Span(profile, self._name, "", False)
            span.number = self._number
            span.__enter__()
            window.step = span

    def __exit__(self, kind: Any, value: Any, traceback: Any) -> None:
        record, self._record = self._record, None
        if record is None:
            return
        record.__exit__(kind, value, traceback)
        window = self._profile._window
        if window is not None and window.step is record:
            window.step = record.around


class Profile:
    """Records where the time of a program goes, for TensorBoard's Profile dashboard.

    Made by `FileWriter.profile`, see there; records inside its `with` block. All methods may be
    called from any thread, also outside the block, where they do nothing.
    """

    def __init__(self, writer: Writer, name: str = "", host: str = "", *, every: int = 0,
                 steps: int = 10, max_events: int = MAX_EVENTS) -> None:
        self._writer = writer
        self._name = check_name(name)
        self._host = check_host(host)
        self._every = _whole(every, "every", 0)
        self._steps = _whole(steps, "steps", 1)
        self._limit = _whole(max_events, "max_events", 1)
        if every and steps >= every:
            raise ValueError(f"got steps={steps} of every={every}, want fewer")
        self._window: Optional[Window] = None
        self._idle: Dict[str, Idle] = {}
        self._local = threading.local()
        self._lanes = count(1)
        self._turning = threading.RLock()
        self._counted = 0  # steps that have begun, where `every` is given
        self._last: Optional["ref[Session]"] = None
        self._pid = 0      # of the process that is inside the block

    def __enter__(self) -> "Profile":
        self._pid = os.getpid()
        self._counted = 0
        if not self._every:
            self._open()
        return self

    def __exit__(self, *exc_info: object) -> None:
        with self._turning:
            self._close()
            self._pid = 0

    @property
    def recording(self) -> bool:
        """Whether a session is being recorded now."""
        return self._window is not None

    def step(self, number: int, name: str = "train") -> Step:
        """One training step, as a context manager; shown as `<name> <number>`.

        Overview and input pipeline analyze the time of steps. A step begins with the first span of
        input on the same thread after the previous step.

        number: an integer of 64 bits. name: 1 to 1000 characters.
        Raises TypeError or ValueError for others.

            with profile.step(7):
                train(batch)
        """
        return Step(self, as_step(number), _check_name(name))

    # Fast: called in inner loops. While nothing is recorded it is one lookup in a dictionary.
    def span(self, name: str, op: str = "", input: bool = False) -> Any:
        """A span of time, as a context manager or a decorator; drawn in the trace viewer.

        name: the text on it, 1 to 1000 characters. op: the kind of an operator, such as
            "FullyConnected": the span is also a row of the framework op table, where `_` replaces
            characters of its name other than letters, digits and `_./>-`. input: the step waits
            for its input meanwhile.

        A decorated function or coroutine is a span from its call to its end; a generator is a span
        for each of its items.

        Raises TypeError for a name that is not a str, ValueError for a name or an `op` that XProf
        does not draw.

            with profile.span("load", input=True):
                batch = next(batches)

            @profile.span("dense", op="FullyConnected")
            def dense(x): ...
        """
        if self._window is None:
            idle = self._idle.get(name)
            if idle is not None and idle.op == op and idle.input is input:
                return idle
            return self._new_idle(name, op, input)
        if type(name) is not str or not name or len(name) > _MAX_NAME or not name.isascii() \
                or name in _REFUSED:
            _check_name(name)
        if op:
            _check_op(op)
        return Span(self, name, op, input)

    def input(self, batches: Iterable[_T], name: str = "load") -> Iterator[_T]:
        """The items of `batches`; the time until each of them comes is a span of input.

        Raises TypeError for anything that has no items, and for a wrong name.

            for number, batch in enumerate(profile.input(batches)):
                with profile.step(number):
                    train(batch)
        """
        try:
            items = iter(batches)
        except TypeError:
            raise TypeError(f"got batches of type {type(batches).__name__}, want an iterable"
                            ) from None
        return self._input(items, _check_name(name))

    def counter(self, name: str, value: Optional[float] = None, **series: float) -> None:
        """Numbers from now on; drawn as a track of its own in the trace viewer.

        value: a finite number. series: several of them in one track, by name.
        Raises TypeError or ValueError for anything else.

            profile.counter("queue", 3)
            profile.counter("cache", hits=10, misses=2)
        """
        given = series if value is None else {"value": value, **series}
        if not given:
            raise TypeError("got no value, want a number, or several by name")
        values = tuple((_check_name(key), _finite(number, key)) for key, number in given.items())
        window = self._window
        if window is not None:
            window.take(window.counts, Count(_check_name(name), now(), values))

    def memory(self, pool: str, *, in_use: int, peak: Optional[int] = None,
               reserved: Optional[int] = None, available: Optional[int] = None) -> None:
        """Bytes of memory that `pool` has in use from now on; shown on the memory profile page.

        peak: the most that was ever in use; None takes the most that this session was given.
        reserved, available: bytes, where they are known.
        Raises TypeError or ValueError for anything but whole numbers of bytes.

            profile.memory("pool", in_use=20 << 20, peak=32 << 20)
        """
        more = tuple((stat, _whole(value, word, 0)) for stat, word, value in (
            ("bytes_reserved", "reserved", reserved),
            ("bytes_available", "available", available)) if value is not None)
        most = -1 if peak is None else _whole(peak, "peak", 0)
        now_in_use = _whole(in_use, "in_use", 0)
        window = self._window
        if window is not None:
            window.take(window.memory, Memory(_check_name(pool), now(), now_in_use, most, more))

    def _input(self, iterator: Iterator[_T], name: str) -> Iterator[_T]:
        while True:
            try:
                with self.span(name, input=True):
                    item = next(iterator)
            except StopIteration:
                return
            yield item

    def _new_idle(self, name: str, op: str, input: bool) -> Idle:
        _check_name(name)
        if op:
            _check_op(op)
        idle = Idle(self, name, op, bool(input))
        if len(self._idle) < _IDLE_NAMES:
            self._idle[name] = idle
        return idle

    def _new_lane(self) -> Lane:
        main = threading.current_thread() is threading.main_thread()
        lane = self._local.lane = Lane(0 if main else next(self._lanes))
        return lane

    def _turn(self) -> None:
        """At the beginning of a step: end the window or begin one, if that is due."""
        if not self._every or not self._pid:
            return
        with self._turning:
            place = self._counted % self._every
            self._counted += 1
            if place == self._steps:
                self._close()
            elif not place:
                self._open()

    def _open(self) -> None:
        if self._writer.disabled:
            return
        last = self._last() if self._last else None
        if last is not None and not last.stored:
            once(("profile", id(self)), "the storage has not taken the last profile yet: some "
                 "windows of steps are not profiled")
            return
        self._start()
        self._window = Window(self._limit)

    def _close(self) -> None:
        """End the window and give it to the writer, on whose thread it is drawn."""
        window = self._window
        if window is None or self._pid != os.getpid():  # a forked child has only a copy
            self._window = None
            return
        try:
            more = self._stop()
        finally:
            window.end = now()
            self._window = None
        end = window.since_1970 + window.end - window.begin
        session = Session(window.since_1970, end, lambda: [self._drawn(window), *more(window)],
                          self._name, self._host, window.nbytes)
        self._last = ref(session)
        self._writer.add(session, 0)

    def _start(self) -> None:
        """Start another source, for a subclass that has one."""

    def _stop(self) -> Callable[[Window], Sequence[Drawing]]:
        """Stop the other source; gives a function, called on the writer's thread, that draws it."""
        return lambda window: ()

    def _drawn(self, window: Window) -> Drawing:
        return draw(window, _left_out(next(window.left_out), self._limit))


def _left_out(events: int, limit: int) -> List[str]:
    """Report events beyond the limit: as a warning now, and in the file."""
    if not events:
        return []
    text = f"{events} events were left out of the profile, which holds {limit} of each kind"
    once(("profile", text), text + ": max_events raises that, every=... profiles fewer steps")
    return [text]


def _task() -> Optional[Tuple[int, str]]:
    """The asyncio task that runs on this thread."""
    if _modules["asyncio.events"]._get_running_loop() is None:
        return None
    task = _modules["asyncio.tasks"].current_task()
    return None if task is None else (
        id(task), names.sound(getattr(task, "get_name", lambda: "")()))


def _check_name(name: Any) -> str:
    if not isinstance(name, str):
        raise TypeError(f"got a name of type {type(name).__name__} ({name!r:.80}), want str")
    if not 0 < len(name) <= _MAX_NAME:
        raise ValueError(f"got a name of {len(name)} characters, want 1 to {_MAX_NAME}")
    try:
        name.encode()
    except UnicodeEncodeError:
        raise ValueError(f"got the name {name!r:.80} with a lone surrogate, want valid Unicode"
                         ) from None
    if name in _REFUSED:
        raise ValueError(f"got the name {name!r}, which XProf does not draw, want another")
    return name


def _check_op(op: Any) -> None:
    if not isinstance(op, str):
        raise TypeError(f"got an op of type {type(op).__name__}, want str")
    if not names.is_kind(op):
        raise ValueError(f"got the op {op!r:.80}, want a kind such as FullyConnected or conv2d")


def _finite(value: Any, what: str) -> float:
    number = as_float(value, what)
    if not math.isfinite(number):
        raise ValueError(f"got the {what} {number}, want a finite number")
    return number


def _whole(value: Any, what: str, least: int) -> int:
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise TypeError(f"got {what}={value!r:.80}, want a whole number")
    number = value.__index__()
    if not least <= number < 1 << 63:
        raise ValueError(f"got {what}={number}, want at least {least}")
    return int(number)
