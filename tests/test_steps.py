"""Steps that the writer gives: their order in the file, their end, and their warning."""
from __future__ import annotations

import sys
import threading
import warnings
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List

import numpy as np
import pytest

from tbwriter import LogWarning, SummaryWriter, summary
from tests.support import judges

LAST = 2 ** 63 - 1


def steps_of(path: Path) -> Dict[str, List[int]]:
    """{tag: its steps, in the order of the file}."""
    found: Dict[str, List[int]] = {}
    for event in judges.events(str(path)):
        for value in event.summary.value:
            found.setdefault(value.tag, []).append(event.step)
    return found


@pytest.fixture
def restless() -> Iterator[None]:
    """Threads that take turns all the time."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


def on_threads(work: Callable[[int], object], count: int = 4) -> None:
    start = threading.Barrier(count)

    def run(number: int) -> None:
        start.wait()
        work(number)
    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


@pytest.mark.usefixtures("restless")
@pytest.mark.parametrize("resumed", [False, True])
@pytest.mark.parametrize("add, points", [
    (lambda writer: writer.add_scalar("a", 1.0), 1),
    (lambda writer: writer.add_scalar("a", 1.0, display_name="x"), 1),
    (lambda writer: writer.add_values({"a": 1.0, "b": 2.0}), 1),
    (lambda writer: writer.add_scalar_series("a", [1.0, 2.0, 3.0]), 3),
    (lambda writer: writer.add_text("a", "text"), 1),
    (lambda writer: writer.add_histogram("a", [1.0, 2.0]), 1),
    (lambda writer: writer.add(summary.scalar("a", 1.0) + summary.scalar("b", 2.0)), 1)])
def test_several_threads(add: Callable[[Any], object], points: int, resumed: bool, tmp_path: Path,
                         recwarn: pytest.WarningsRecorder) -> None:
    """Values without a step get 0, 1, 2, ... in the order of the file, whichever thread adds
    them: TensorBoard's default loader drops the points before a step that goes back."""
    with SummaryWriter(tmp_path, resume=resumed) as writer:
        run = writer.sub_run("run") if resumed else writer
        on_threads(lambda number: [add(run) for _ in range(100)])
    for steps in steps_of(tmp_path / "run" if resumed else tmp_path).values():
        assert steps == list(range(400 * points))
    assert not [one for one in recwarn if one.category is LogWarning]


@pytest.mark.usefixtures("restless")
def test_threads_that_make_a_run(tmp_path: Path) -> None:
    """A run that several threads ask for at once is purged before it has values."""
    for at in range(20):
        with SummaryWriter(tmp_path / str(at), purge_step=0) as writer:
            on_threads(lambda number: writer.sub_run("x").add_scalar("m", 1.0, number))
        kinds = [bool(event.session_log.status) for event in judges.events(
            str(tmp_path / str(at) / "x")) if not event.file_version]
        assert kinds == [True, True, False, False, False, False]


def test_the_warning_as_an_error(tmp_path: Path) -> None:
    """A curve that starts again warns once; the warning is raised under `-W error` after its value
    is queued."""
    with warnings.catch_warnings(), SummaryWriter(tmp_path) as writer:
        warnings.simplefilter("error")
        for tag in ("a", "b", "c"):
            writer.add_scalar(tag, 1.0, 0)
        for add in (lambda: writer.add_scalar("a", 2.0),
                    lambda: writer.add_scalar_series("b", [2.0, 3.0]),
                    lambda: writer.add_values({"c": 2.0, "d": 2.0})):
            with pytest.raises(LogWarning, match="had steps before"):
                add()
            add()
    assert steps_of(tmp_path) == {"a": [0, 0, 1], "b": [0, 0, 1, 2, 3], "c": [0, 0, 1],
                                  "d": [0, 1]}


@pytest.mark.parametrize("add", [
    lambda writer: writer.add_scalar("a", 1.0), lambda writer: writer.add_text("a", "b"),
    lambda writer: writer.add_scalar_series("a", [1.0, 2.0])])
def test_after_the_last_step(add: Callable[[Any], object], tmp_path: Path) -> None:
    """After step 2**63 - 1 there is none: a value without one is refused, and does not wrap."""
    with SummaryWriter(tmp_path) as writer:
        writer.add_scalar("a", 1.0, LAST)
    with SummaryWriter(tmp_path, resume=True) as writer:
        with pytest.raises(ValueError, match="want"):
            add(writer)
    assert steps_of(tmp_path) == {"a": [LAST]}


@pytest.mark.parametrize("value", [
    np.complex64(1 + 2j), np.array(1j), np.array("3.5"), np.array(["3.5"]), np.array(b"3.5"),
    np.array("3.5", object), np.datetime64(3, "s"), "3.5"])
def test_what_is_no_number(value: Any, tmp_path: Path) -> None:
    """A value that a new tag refuses is refused by a known one too, with a step and without."""
    with SummaryWriter(tmp_path) as writer:
        for tag in ("new", "known"):
            writer.add_scalar("known", 1.0, 0)
            with pytest.raises(TypeError, match="want a number"):
                writer.add_scalar(tag, value, 1)
            with pytest.raises(TypeError, match="want a number"):
                writer.add_scalar(tag, value)
    assert steps_of(tmp_path) == {"known": [0, 0]}
