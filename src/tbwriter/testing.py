"""A writer that keeps what it writes in memory, for tests of code that logs.

    from tbwriter.testing import MemoryWriter

    writer = MemoryWriter()
    train(writer)
    assert writer.run.scalars("loss").values[-1] < 0.1

Nothing is faked: the bytes are those of a file, read back by `tbwriter.reader`.
"""
from __future__ import annotations

from itertools import count
from typing import Any, Callable, Dict, Iterator, List, Optional
from weakref import WeakValueDictionary

from ._log import SCHEMES
from ._parts import Parts, total
from .reader import Event, Run, events
from .summary_writer import SummaryWriter

_SCHEME = "tbwriter-testing"
_numbers = count()


class _Memory:
    """All that is below one log directory. runs: the event file of each; files: side files."""

    def __init__(self) -> None:
        self.runs: Dict[str, List[bytes]] = {}
        self.files: Dict[str, bytes] = {}


# Those of all writers that live, by the number in their URL.
_memories: "WeakValueDictionary[str, _Memory]" = WeakValueDictionary()


class _MemoryLog:
    """A run's part of a _Memory."""

    def __init__(self, url: str, suffix: str, header: Callable[[], bytes],
                 max_file_bytes: Optional[int] = None) -> None:
        number, _, run = url.partition("://")[2].partition("/")
        self.directory = self.path = url
        self.notice = ""
        self._below = run + "/" if run else ""
        self._memory = _memories[number]
        self._records = self._memory.runs.setdefault(run or ".", [header()])
        self._queued: Parts = []

    @property
    def pending(self) -> int:
        return total(self._queued)

    def probe(self) -> None:
        pass

    def append(self, records: Parts) -> None:
        self._queued += records

    def write(self) -> None:
        self._records.append(b"".join(self._queued))
        self._queued = []

    def sync(self) -> None:
        pass

    def read(self, name: str) -> Optional[bytes]:
        return self._memory.files.get(self._below + name)

    def put(self, name: str, data: bytes) -> None:
        self._memory.files[self._below + name] = bytes(data)

    def earlier(self) -> Iterator[bytes]:
        return iter(())

    def close(self) -> None:
        pass

    def detach(self) -> None:
        pass


SCHEMES[_SCHEME] = _MemoryLog


class MemoryWriter(SummaryWriter):
    """A SummaryWriter without a directory.

    options: as for SummaryWriter. It is not asynchronous unless asked to be, so all that was added
    can be read at once.
    """

    def __init__(self, **options: Any) -> None:
        number = str(next(_numbers))
        self._memory = _memories[number] = _Memory()
        options.setdefault("asynchronous", False)
        super().__init__(f"{_SCHEME}://{number}", **options)

    @property
    def runs(self) -> Dict[str, Run]:
        """{run: what was written to it so far}; "." is the writer's own."""
        self.flush()
        return {name: Run(name, [b"".join(records)])
                for name, records in self._memory.runs.items()}

    @property
    def run(self) -> Run:
        """What was written so far to the writer's own run."""
        return self.runs["."]

    @property
    def events(self) -> List[Event]:
        """The events of the writer's own run, the first being the file's version."""
        self.flush()
        return list(events(b"".join(self._memory.runs["."])))

    @property
    def files(self) -> Dict[str, bytes]:
        """Side files by their path, such as those of embeddings."""
        self.flush()
        return dict(self._memory.files)
