"""What the writers of one log directory share: their settings, and which run has which writer."""
from __future__ import annotations

from typing import Any, Dict, Iterator, Optional

from ._log.channel import Channel
from ._memory import memory
from ._names import path_below
from ._values.number import INF, as_count, as_flag, as_float

FLUSH_SECS = 0.1
REMOTE_FLUSH_SECS = 10.0
MAX_BUFFER = 256 << 20
# What one log of a network of 60 million parameters takes, or less on a small machine.
DEFAULT_BUFFER = min(MAX_BUFFER, memory() // 16)


class Settings:
    """Arguments of FileWriter, checked: TypeError or ValueError for those that can't be used. A
    writer that is disabled uses only the flags.

    remote: the log directory is a URL.
    """

    def __init__(self, remote: bool, *, flush_secs: Any, filename_suffix: Any, asynchronous: Any,
                 strict: Any, disabled: Any, max_buffer: Any, max_file_bytes: Any) -> None:
        self.asynchronous = as_flag(asynchronous, "asynchronous")
        self.strict = as_flag(strict, "strict")
        self.disabled = as_flag(disabled, "disabled")
        if flush_secs is None:
            flush_secs = REMOTE_FLUSH_SECS if remote else FLUSH_SECS
        self.flush_secs: float = flush_secs
        self.filename_suffix: str = "" if filename_suffix is None else filename_suffix
        self.max_buffer: int = max_buffer
        self.max_file_bytes: Optional[int] = max_file_bytes
        if not self.disabled:
            self._check()

    def _check(self) -> None:
        self.flush_secs = as_float(self.flush_secs, "flush_secs")
        if not 0 <= self.flush_secs < INF:
            raise ValueError(f"got flush_secs={self.flush_secs}, want seconds, 0 or more")
        if not isinstance(self.filename_suffix, str):
            raise TypeError(f"got filename_suffix of type {type(self.filename_suffix).__name__}, "
                            "want str")
        self.max_buffer = as_count(self.max_buffer, "max_buffer", 0)
        if self.max_file_bytes is not None:
            self.max_file_bytes = as_count(self.max_file_bytes, "max_file_bytes")


class Runs:
    """The writers of the runs below one writer's directory.

    Those of all writers of a family form a tree, in which each refers to the writers below it, but
    neither to its own writer nor to one above: so a writer that is no longer referenced is closed
    at once, without the garbage collector.

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
    """ValueError for a name that is not the path of a run below a log directory."""
    if not all(part.strip(". ") for part in path.replace("\\", "/").split("/")):
        raise ValueError(f"got the run name {path!r}, want a path below the log directory")
    if path_below(path) != path:
        raise ValueError(f"got the run name {path!r:.300}, want one that file systems take: "
                         "parts of at most 255 bytes, 1024 in all, without NUL, lone "
                         "surrogates and 'tfevents', which TensorBoard opens as a file")
