"""The runs below a log directory: each has one writer, whichever writer above it is asked."""
from __future__ import annotations

from typing import Any, Dict, Iterator, Optional

from ._log.channel import Channel
from ._names import path_below


class Runs:
    """The writers of the runs below one writer's directory.

    Those of all writers of a family form a tree, in which each holds what is below it, but neither
    itself nor what is above: so one that is dropped is closed at once, without the collector.

    channel: that of the topmost writer; its `placing` is held while a run is made.
    """

    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        self._writers: Dict[str, Any] = {}  # of the runs one level below, by name
        self._below: Dict[str, Runs] = {}   # what is below each of those names

    def find(self, path: str) -> Any:
        """The writer of the run `path`; None if it has none."""
        *above, name = path.split("/")
        runs: Optional[Runs] = self
        for part in above:
            runs = runs._below.get(part) if runs else None
        return runs._writers.get(name) if runs else None

    def put(self, path: str, writer: Any) -> None:
        above, _, name = path.rpartition("/")
        self.below(above)._writers[name] = writer

    def below(self, path: str) -> "Runs":
        """The runs below the run `path`, whether that has a writer or not."""
        runs = self
        for part in filter(None, path.split("/")):
            runs = runs._below.setdefault(part, Runs(self.channel))
        return runs

    def __iter__(self) -> Iterator[Any]:
        yield from list(self._writers.values())
        for runs in list(self._below.values()):
            yield from runs


def check_path(path: str) -> None:
    """ValueError for a name that is no path of a run below a log directory."""
    if not all(part.strip(". ") for part in path.replace("\\", "/").split("/")):
        raise ValueError(f"got the run name {path!r}, want a path below the log directory")
    if path_below(path) != path:
        raise ValueError(f"got the run name {path!r:.300}, want one that file systems take: "
                         "parts of at most 255 bytes, 1024 in all, without NUL, lone "
                         "surrogates and 'tfevents', which TensorBoard opens as a file")
