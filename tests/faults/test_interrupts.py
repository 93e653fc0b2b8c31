"""Ctrl-C at every place: KeyboardInterrupt in whatever the caller's thread does inside a writer.

Python runs signal handlers when a function begins and when a call of C code ends, or while that
waits. A profiler is called at just these places, so it plays a handler that raises, at the first
of them, then the second, until a whole program passes without (as SQLite's tests let the n-th
operation fail). After each: a value that was added once is in the files once, they are whole, no
call waits for ever, and the writer continues, also for another thread.
"""
from __future__ import annotations

import itertools
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any, Callable, Dict, List

import numpy as np
import pytest
from tests.faults.figures import record
from tests.support.judges import events

import tbwriter
from tbwriter import SummaryWriter

PACKAGE = os.path.dirname(tbwriter.__file__)
PATIENCE = 10.0  # seconds after which something hangs
WAITING = {"acquire", "sleep", "open", "write", "writev", "fsync"}  # where handlers run meanwhile


def press() -> None:
    """Python's own reaction to Ctrl-C, if no other handler is installed."""
    raise KeyboardInterrupt


class Interrupt:
    """Calls a handler, as a signal does, at the `number`-th place of the block, once."""

    def __init__(self, number: int, handler: Callable[[], None] = press) -> None:
        self.left = number
        self.place = "nowhere"
        self._handler = handler

    def __call__(self, frame: Any, event: str, argument: Any) -> None:
        if (event in ("call", "c_return") or event == "c_call" and argument.__name__ in WAITING) \
                and (_ours(frame) or event == "call" and _ours(frame.f_back)):
            self.left -= 1
            if self.left == 0:
                sys.setprofile(None)
                self.place = (f"{event} in {frame.f_code.co_name}, "
                              f"{os.path.basename(frame.f_code.co_filename)}:{frame.f_lineno}")
                self._handler()

    def __enter__(self) -> "Interrupt":
        sys.setprofile(self)
        return self

    def __exit__(self, *exc_info: Any) -> None:
        sys.setprofile(None)


def _ours(frame: Any) -> bool:
    return frame is not None and frame.f_code.co_filename.startswith(PACKAGE)


class Logged:
    """The values that a program has logged: the steps of scalars and texts whose add has
    returned."""

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


KINDS: Dict[str, Dict[str, Any]] = {
    "thread": {"asynchronous": True}, "synchronous": {"asynchronous": False},
    "rotating": {"asynchronous": False, "max_file_bytes": 200}}


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("kind", sorted(KINDS))
def test_interrupted_anywhere(tmp_path: Path, kind: str) -> None:
    """Wherever the interrupt comes: the value of every add that returned is there once, and the
    writer still works."""
    number = sum(places(tmp_path / name, program, flush_secs=0.01, **KINDS[kind])
                 for name, program in PROGRAMS.items())
    record(17, f"KeyboardInterrupt at each place where Python runs handlers, {kind} writer: 0 "
           "lost, 0 doubled", f"0 lost, 0 doubled, at {number} places")
    assert number > 300


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_handlers_that_log_anywhere(tmp_path: Path, kind: str) -> None:
    """A signal handler that logs, at each place of adds and flushes: no call raises, and its value
    is there once, as all others are."""
    for number in itertools.count(1):
        run = tmp_path / str(number)
        log = Logged(SummaryWriter(run, flush_secs=0.01, **KINDS[kind]))
        with Interrupt(number, log.scalar) as interrupt:
            scalars(log)
            flushes(log)
        if kind != "thread":
            assert set(found(run)) == set(log.begun), interrupt.place
        log.writer.close(timeout=PATIENCE)
        assert sorted(found(run)) == log.begun == sorted(log.returned), interrupt.place
        if interrupt.left > 0:
            break
        shutil.rmtree(run)
    assert number > 100


def exits_interrupted(directory: Path) -> None:
    """In children: log as the first in this process, with an interrupt, then end without close."""
    for number in itertools.count(1):
        run = directory / str(number)
        child = os.fork()
        if child == 0:
            log = Logged(SummaryWriter(run))
            try:
                with Interrupt(number) as interrupt:
                    scalars(log)
            except KeyboardInterrupt:
                pass
            log.scalar()
            (run / "returned").write_text(json.dumps(log.returned))
            sys.exit(9 if interrupt.left > 0 else 0)
        if os.WEXITSTATUS(os.waitpid(child, 0)[1]) == 9:  # there was no such place
            return


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_interrupted_and_not_closed(tmp_path: Path) -> None:
    """An interrupt in the first adds of a process does not take its last ones their way out."""
    subprocess.run([sys.executable, "-m", __name__, str(tmp_path)], check=True, timeout=500)
    runs = sorted(tmp_path.iterdir())
    for run in runs:
        returned = json.loads((run / "returned").read_text())
        steps = found(run)
        assert set(returned) <= set(steps) and len(set(steps)) == len(steps), run
    record(17, "KeyboardInterrupt at each place of a process's first adds, exit without close: 0 "
           "lost", f"0 lost, at {len(runs) - 1} places")
    assert len(runs) > 20


if __name__ == "__main__":
    exits_interrupted(Path(sys.argv[1]))
