"""Warnings that are raised, and the values of the calls that raise them."""
from __future__ import annotations

import warnings
from collections import Counter
from pathlib import Path
from typing import Any, Callable, Dict, List

import pytest

from tbwriter import LogWarning, SummaryWriter
from tbwriter._log.channel import Channel
from tbwriter._warnings import warn, whole
from tests.support import judges


@pytest.fixture
def noted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every call that queues a value has something to report, as during an outage."""
    wake = Channel.wake

    def with_a_warning(self: Channel) -> None:
        wake(self)
        warn("got an outage, want a disk")
    monkeypatch.setattr(Channel, "wake", with_a_warning)
    monkeypatch.setattr("tbwriter._log.queue.Queue.wakes", lambda self, nbytes: True)


def counts(path: Path) -> Dict[str, int]:
    """{run and tag: how many values}, without those that describe a trial."""
    found = Counter(f"{file.parent.relative_to(path)} {value.tag}"
                    for file in path.rglob("*tfevents*") for event in judges.events(str(file))
                    for value in event.summary.value if "_hparams_/" not in value.tag)
    return dict(found)


@pytest.mark.usefixtures("noted")
@pytest.mark.parametrize("add, want", [
    (lambda writer: writer.add_text("first", "value"), {". first": 1}),
    (lambda writer: writer.add_values({"a": 1.0, "b": 2.0}, 3), {". a": 1, ". b": 1}),
    (lambda writer: writer.add_scalars("m", {"a": 1.0, "b": 2.0}, 3), {"m_a m": 1, "m_b m": 1}),
    (lambda writer: writer.add_scalar_series("a", [1.0] * 100_000), {". a": 100_000}),
    (lambda writer: writer.add_hparams({"lr": 0.1}, {"a": 1.0}, run_name="r"), {"r a": 1})])
def test_warnings_as_errors(add: Callable[[Any], object], want: Dict[str, int], tmp_path: Path
                            ) -> None:
    """A call that raises a warning has done all its work before."""
    writer = SummaryWriter(tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(LogWarning, match="got an outage"):
            add(writer)
        warnings.simplefilter("ignore")
        writer.close()
    assert counts(tmp_path) == want


def test_calls_in_one_another(recwarn: pytest.WarningsRecorder) -> None:
    """The warnings of the inner call wait for the outer one; all are issued, at the user's line."""
    done: List[str] = []

    @whole
    def inner() -> None:
        warn("one")
        done.append("inner")

    @whole
    def outer() -> None:
        inner()
        warn("two")
        done.append(f"outer after {len(recwarn)}")
    outer()
    assert done == ["inner", "outer after 0"]
    assert sorted(str(one.message) for one in recwarn) == ["one", "two"]
    assert {one.filename for one in recwarn} == {__file__}


def test_a_call_that_fails(recwarn: pytest.WarningsRecorder) -> None:
    """An error inside comes out, and the warnings are issued."""
    @whole
    def failing() -> None:
        warn("noted")
        raise ValueError("got a, want b")
    with pytest.raises(ValueError, match="got a"):
        failing()
    warn("after")
    assert [str(one.message) for one in recwarn] == ["noted", "after"]
