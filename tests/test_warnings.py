"""Warnings that are raised, and the values of the calls that raise them."""
from __future__ import annotations

import errno
import warnings
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any, Callable, Dict, List

import pytest

from tbwriter import LogWarning, SummaryWriter
from tbwriter._log.channel import Channel
from tbwriter._log.local import LocalLog
from tbwriter._warnings import fail, warn, whole
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


def test_an_error_at_the_end(recwarn: pytest.WarningsRecorder) -> None:
    """An error of `fail` is raised after the work and after all warnings; outside of a call of
    `whole`, at once."""
    done: List[str] = []

    @whole
    def failing() -> None:
        fail(OSError("full"))
        warn("noted")
        done.append("all")
    with pytest.raises(OSError, match="full"):
        failing()
    assert done == ["all"] and [str(one.message) for one in recwarn] == ["noted"]
    with pytest.raises(OSError, match="now"):
        fail(OSError("now"))


@pytest.mark.parametrize("asynchronous", [True, False])
def test_strict_calls_are_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asynchronous: bool
                                ) -> None:
    """A strict writer raises the error of the storage after all values of a call are queued."""
    full = [True]
    write = LocalLog.write

    def failing(self: LocalLog) -> None:
        if full[0] and self.pending:
            raise OSError(errno.ENOSPC, "No space left")
        write(self)
    writer = SummaryWriter(tmp_path, strict=True, asynchronous=asynchronous)
    runs = [writer.sub_run(name) for name in ("m_a", "m_b", "r")]
    monkeypatch.setattr(LocalLog, "write", failing)
    raised = 0
    for step in range(5):
        for add in (lambda: writer.add_scalars("m", {"a": 1.0, "b": 2.0}, step),
                    lambda: writer.add_hparams({"lr": step}, {"a": 1.0}, run_name="r",
                                               global_step=step),
                    lambda: writer.add_scalars("c", {"a": 1.0}, step, overlay="custom")):
            try:
                add()
            except OSError as error:
                assert error.errno == errno.ENOSPC
                raised += 1
            for run in [writer, *runs] if asynchronous else []:
                with suppress(OSError):
                    run.flush(timeout=0.2)
    full[0] = False
    writer.close()
    assert raised or asynchronous
    assert counts(tmp_path) == {"m_a m": 5, "m_b m": 5, "r a": 5, ". c/a": 5,
                                ". custom_scalars__config__": 1}
