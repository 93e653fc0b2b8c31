"""Broken directories for the rules of tbwriter.check.order."""
from __future__ import annotations

from pathlib import Path
from typing import Any, Callable, Dict, List

from tbwriter import summary
from tbwriter._proto import messages
from tests.check.making import raw, rows, start
from tests.support.data import VERSION, event_of, record_of, scalar_event, written


def _points(tag: str, *steps: int) -> List[bytes]:
    return [scalar_event(tag, 1.0, step) for step in steps]


def _later(path: Path) -> None:
    """Moves the first event of a file an hour on, so that its name sorts too early."""
    late = messages.file_version(1.6e9 + 3600, "tests")
    path.write_bytes(record_of(late) + path.read_bytes()[len(record_of(VERSION)):])


def _overlap(directory: Path) -> None:
    """A second writer that begins while the first continues, and takes the steps in between."""
    path = directory / "events.out.tfevents.1600000001"
    path.write_bytes(record_of(messages.file_version(1.6e9 + 1, "tests"))
                     + record_of(scalar_event("x", 1.0, 7, 1.6e9 + 1)))


# Rule -> the function that makes a directory which breaks it, and no other.
BROKEN: Dict[str, Callable[[Path], Any]] = {
    "repeated steps": lambda d: written(d, [*rows(), scalar_event("x", 9.0, 4)]),
    "decreasing steps": lambda d: written(d, [*rows(), scalar_event("x", 1.0, 2)]),
    "restart not seen": lambda d: written(d, [*rows(), start(2), scalar_event("x", 9.0, 2)]),
    "stale points": lambda d: (
        written(d, [start(0), *_points("a", 1, 101), *_points("b", 101)]),
        written(d, [start(2), *_points("a", 2, 102), *_points("b", 102)], "1600000001")),
    "file order": lambda d: (written(d, [scalar_event("y", 1.0, 1, 1.6e9)], "10"),
                             raw(d, name="9"), _later(d / "events.out.tfevents.10")),
    "two writers": lambda d: (written(d, rows()), _overlap(d)),
}

# Other forms of these faults: the rule, a function that makes them, and the request to TensorBoard.
FORMS: Dict[str, Any] = {
    "one tag twice in an event": ("repeated steps", lambda d: written(d, [
        event_of(summary.scalar("x", 1) + summary.scalar("x", 2))]), None, {}),
}
