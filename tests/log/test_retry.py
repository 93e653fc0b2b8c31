"""Retry: one report per outage, whichever run of a log directory makes it."""
from __future__ import annotations

import errno
from typing import List

import pytest

from tbwriter._log.retry import Retry

FULL = OSError(errno.ENOSPC, "full")


def family(number: int) -> List[Retry]:
    """The states of some runs of one log directory."""
    first = Retry()
    return [first, *(Retry(first.outages) for _ in range(number - 1))]


@pytest.mark.parametrize("number", [1, 2, 100])
def test_one_report_per_outage(number: int) -> None:
    """Of runs that fail with one error, the first that is asked reports it; after all have
    recovered, the next outage is reported again."""
    runs = family(number)
    for outage in ("first", "second"):
        for run in runs:
            run.failed(FULL, outage)
        texts = [run.take() for run in reversed(runs)]
        assert texts[0] == [outage if outage == "first" else "second (outage 2)"]
        assert not any(texts[1:])
        for run in runs:
            run.failed(FULL, outage)
            assert run.take() == []
            run.recovered()


def test_a_report_after_the_end() -> None:
    """An outage that is over when a run is asked is reported once, too."""
    runs = family(3)
    for run in runs:
        run.failed(FULL, "full")
    for run in runs:
        run.recovered()
    assert [run.take() for run in runs] == [["full"], [], []]
    runs[1].failed(FULL, "again")
    assert [run.take() for run in runs] == [[], ["again (outage 2)"], []]


def test_a_run_that_fails_on_and_one_that_recovers() -> None:
    """An outage ends with the last run that fails: one that fails again meanwhile is not new."""
    one, other = family(2)
    one.failed(FULL, "one")
    other.failed(FULL, "other")
    assert one.take() == ["one"] and other.take() == []
    other.recovered()
    other.failed(FULL, "other")
    assert other.take() == []


@pytest.mark.parametrize("number", [errno.EACCES, errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG])
def test_errors_of_one_directory(number: int) -> None:
    """An error that concerns one directory alone is reported for each run."""
    runs = family(3)
    for run in runs:
        run.failed(OSError(number, "no"), "no")
    assert [run.take() for run in runs] == [["no"]] * 3


def test_other_errors_are_other_outages() -> None:
    """Errors without an errno, as stores raise them, and with another one are told apart."""
    one, other, third = family(3)
    one.failed(FULL, "full")
    other.failed(OSError("no answer"), "no answer")
    third.failed(OSError("no answer"), "third")
    assert [run.take() for run in (one, other, third)] == [["full"], ["no answer"], []]


def test_strict_runs() -> None:
    """With strict each run raises the error, whoever has reported it."""
    runs = family(2)
    for run in runs:
        run.failed(FULL, "full")
        with pytest.raises(OSError, match="full"):
            run.report(strict=True)
        run.report(strict=True)
