"""Ctrl-C at every place: KeyboardInterrupt in whatever the caller's thread does inside a writer.

Python runs signal handlers when a function begins and when a call of C code ends, or while that
waits. A profiler is called at just these places, so it plays a handler that raises, at the first
of them, then the second, until a whole program passes without (as SQLite's tests let the n-th
operation fail). After each: what was added once is in the files once, they are whole, nobody waits
for ever, and the writer goes on, also for another thread.
"""
from __future__ import annotations

import os
import shutil
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any, Callable, Dict, List

import numpy as np
import pytest
from figures import record
from judges import events

import tbwriter
from tbwriter import SummaryWriter

PACKAGE = os.path.dirname(tbwriter.__file__)
PATIENCE = 10.0  # seconds after which something hangs


class Interrupt:
    """Raises KeyboardInterrupt at the `number`-th place of the block, once."""

    def __init__(self, number: int) -> None:
        self.left = number
        self.place = "nowhere"

    def __call__(self, frame: Any, event: str, argument: Any) -> None:
        if event in ("call", "c_call", "c_return") \
                and frame.f_code.co_filename.startswith(PACKAGE):
            self.left -= 1
            if self.left == 0:
                sys.setprofile(None)
                self.place = (f"{event} in {frame.f_code.co_name}, "
                              f"{os.path.basename(frame.f_code.co_filename)}:{frame.f_lineno}")
                raise KeyboardInterrupt

    def __enter__(self) -> "Interrupt":
        sys.setprofile(self)
        return self

    def __exit__(self, *exc_info: Any) -> None:
        sys.setprofile(None)


class Logged:
    """What a program has logged: the steps of scalars and texts whose add has returned."""

    def __init__(self, writer: SummaryWriter) -> None:
        self.writer = writer
        self.begun: List[int] = []
        self.returned: List[int] = []

    def scalar(self) -> None:
        self._add(lambda step: self.writer.add_scalar("x", step, step))

    def text(self) -> None:
        self._add(lambda step: self.writer.add_text("x", str(step), step))

    def _add(self, add: Callable[[int], None]) -> None:
        step = len(self.begun)
        self.begun.append(step)
        add(step)
        self.returned.append(step)


def scalars(log: Logged) -> None:
    for _ in range(3):
        log.scalar()


def flushes(log: Logged) -> None:
    log.scalar()
    log.writer.flush()
    log.writer.flush(fsync=True)
    log.scalar()


def texts(log: Logged) -> None:
    log.text()
    log.scalar()
    log.text()
    log.writer.flush()


def closes(log: Logged) -> None:
    log.scalar()
    log.writer.close()
    log.text()


def files(log: Logged) -> None:
    log.scalar()
    log.writer.add_embedding(np.ones((2, 2)), ["a", "b"], tag="e")
    log.scalar()


PROGRAMS: Dict[str, Callable[[Logged], None]] = {
    program.__name__: program for program in (scalars, flushes, texts, closes, files)}


def found(directory: Path) -> List[int]:
    """The steps in the files, in their order; AssertionError for a file that is not whole."""
    return [event.step for event in events(directory) if event.summary.value]


def hangs(call: Callable[[], Any]) -> bool:
    """Whether a call in another thread does not end."""
    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    thread.join(PATIENCE)
    return thread.is_alive()


def interrupted(directory: Path, program: Callable[[Logged], None], number: int,
                **options: Any) -> bool:
    """Run `program` with an interrupt at the `number`-th place, and see that nothing is amiss.
    Whether there was such a place."""
    writer = SummaryWriter(directory, **options)
    log = Logged(writer)
    try:
        with Interrupt(number) as interrupt:
            program(log)
    except KeyboardInterrupt:
        pass
    place = f"{program.__name__} {number}, {interrupt.place}"
    start = time.monotonic()
    if options["asynchronous"]:
        log.scalar()  # from now on all that has returned is written by itself
        while not set(log.returned) <= set(found_so_far(directory)):
            assert time.monotonic() < start + PATIENCE, f"{place}: not written by itself"
            time.sleep(0.002)
    else:
        log.scalar()
        assert set(log.returned) <= set(found(directory)), f"{place}: not written in the call"
    assert not hangs(log.scalar) and not hangs(writer.flush), f"{place}: another thread hangs"
    log.scalar()
    writer.close(timeout=PATIENCE / 2)
    assert time.monotonic() < start + PATIENCE / 2, f"{place}: waits"
    counts = Counter(found(directory))
    lost = [step for step in log.returned if not counts[step]]
    doubled = [step for step, count in counts.items() if count > 1]
    assert not lost and not doubled, f"{place}: lost {lost}, doubled {doubled}"
    assert sorted(counts) == list(dict.fromkeys(found(directory))), f"{place}: out of order"
    assert set(counts) <= set(log.begun)
    return interrupt.left <= 0


def found_so_far(directory: Path) -> List[int]:
    """The same while a file may be growing."""
    try:
        return found(directory)
    except AssertionError:
        return []


def places(directory: Path, program: Callable[[Logged], None], **options: Any) -> int:
    """Interrupt a program at each of its places; how many there are."""
    number = 0
    while True:
        number += 1
        run = directory / str(number)
        if not interrupted(run, program, number, **options):
            return number - 1
        shutil.rmtree(run)


@pytest.mark.parametrize("asynchronous", [False, True])
@pytest.mark.parametrize("program", sorted(PROGRAMS))
def test_interrupted_anywhere(tmp_path: Path, program: str, asynchronous: bool) -> None:
    """Wherever the interrupt comes: every add that returned is there once, and the writer lives."""
    number = places(tmp_path, PROGRAMS[program], asynchronous=asynchronous, flush_secs=0.01)
    record(17, f"KeyboardInterrupt at every place of {program} in the "
           f"{'caller of a thread' if asynchronous else 'synchronous writer'}: 0 lost, 0 doubled",
           f"0 lost, 0 doubled at {number} places")
    assert number > 10
