"""Values that can't be encoded, among others of one event."""
from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any, Callable, Dict, List

import numpy as np
import pytest
from tests.support.judges import events

from tbwriter import FileWriter, SummaryWriter, summary
from tbwriter._parts import Parts
from tbwriter._warnings import LogWarning


class Failed:
    """An array of MXNet whose computation has failed: that is noticed when it is read."""

    shape, size, dtype, stype = (1,), 1, "float32", "default"

    def copy(self) -> "Failed":
        return self

    def asnumpy(self) -> Any:
        raise RuntimeError("device error")


def own(tag: str, nbytes: int = 10) -> summary.Summary:
    """A value of one's own kind, which can't be encoded."""
    def encode() -> Parts:
        raise ZeroDivisionError
    return summary.Summary([summary.Value(tag, encode, nbytes)])


CALLS: Dict[str, Callable[[SummaryWriter], Any]] = {
    "values": lambda w: w.add_values({"a": 1.0, "bad": Failed(), "b": 0.1}, 1),
    "sum": lambda w: w.add(summary.scalar("a", 1) + own("bad") + summary.text("b", "x"), 1),
    "without a step": lambda w: w.add(summary.scalar("a", 1) + own("bad") + summary.text("b", "")),
    "large": lambda w: w.add(own("bad", 1 << 20) + summary.histogram("a", np.arange(1 << 20))
                             + summary.text("b", "x"), 1),
    "metrics": lambda w: w.add_hparams({}, {"a": 0.5, "bad": Failed(), "b": 1}, global_step=1),
}


def logged(directory: Path, call: Callable[[SummaryWriter], Any], **settings: Any
           ) -> List[List[str]]:
    """The tags of each event with values, of a run to which `last` is added after the call. The
    call issues one warning."""
    with pytest.warns(LogWarning, match="could not be encoded") as caught:
        with SummaryWriter(directory, **settings) as writer:
            call(writer)
            writer.add_scalar("last", 1, 1)
    assert len([one for one in caught if issubclass(one.category, LogWarning)]) == 1
    found = [[value.tag for value in event.summary.value] for event in events(directory)
             if event.HasField("summary")]
    return [tags for tags in found if not tags or "_hparams_" not in tags[0]]


@pytest.mark.parametrize("settings", [{}, {"asynchronous": False}, {"max_buffer": 1000},
                                      {"resume": True}], ids=str)
@pytest.mark.parametrize("name", CALLS)
def test_the_others_are_written(tmp_path: Path, name: str, settings: Dict[str, Any]) -> None:
    """A value that can't be encoded is left out with one warning; the others of its event are
    written, and so is what follows."""
    assert logged(tmp_path, CALLS[name], **settings) == [["a", "b"], ["last"]]


def test_only_values_that_fail(tmp_path: Path) -> None:
    """Of an event without a sound value nothing is written; equal reports are one warning."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with FileWriter(tmp_path) as writer:
            writer.add(own("a") + own("b"), 1)
            writer.add_scalar("last", 1, 1)
    assert sum(str(one.message).count("could not be encoded") for one in caught) == 1
    assert [[value.tag for value in event.summary.value] for event in events(tmp_path)[1:]] == [
        ["last"]]


def test_each_is_encoded_once(tmp_path: Path) -> None:
    """A value is encoded once, although another one of its event fails."""
    calls: List[int] = []

    def encode() -> Parts:
        calls.append(1)
        return []
    with pytest.warns(LogWarning, match="ZeroDivisionError"):
        with FileWriter(tmp_path) as writer:
            writer.add(summary.Summary([summary.Value("a", encode)]) + own("bad"), 1)
    assert calls == [1]


def test_a_message_of_its_own_raises() -> None:
    """A Summary that is serialized by its user raises the error of a value."""
    with pytest.raises(ZeroDivisionError):
        (own("bad") + summary.scalar("a", 1)).SerializeToString()
