"""A writer that keeps its event files in memory, for tests of code that logs.

    from tbwriter.testing import MemoryWriter

    writer = MemoryWriter()
    train(writer)
    assert writer.run.scalars("loss").values[-1] < 0.1

This is not a mock: the writer produces the same bytes as on disk, and `tbwriter.reader` reads them.
"""
from __future__ import annotations

from itertools import count
from typing import Any, Callable, ContextManager, Dict, Iterator, List, Optional
from weakref import WeakValueDictionary

from ._log import SCHEMES
from ._log.exclusive import FileLock, holding
from ._parts import Parts, total
from ._family import Settings
from .reader import Event, Run, events
from .summary_writer import SummaryWriter

_SCHEME = "tbwriter-testing"
_numbers = count()


class _Memory:
    """The contents of one log directory.

    runs: the event file of each run, as a list of its parts. files: the side files by path.
    """

    def __init__(self) -> None:
        self.runs: Dict[str, Parts] = {}
        self.files: Dict[str, bytes] = {}


# The memories of all writers in use, by the number in their URL.
_memories: "WeakValueDictionary[str, _Memory]" = WeakValueDictionary()


class _MemoryLog:
    """The storage of one run: a Log, as `_log.contract` describes it, in a _Memory."""

    remote = False

    def __init__(self, url: str, suffix: str, header: Callable[[], bytes],
                 max_file_bytes: Optional[int] = None) -> None:
        number, _, run = url.partition("://")[2].partition("/")
        self.directory = self.path = url
        self.notice = ""
        self._below = run + "/" if run else ""
        self._memory = _memories[number]
        found = self._memory.runs.get(run or ".")
        self._earlier = [] if found is None else [b"".join(found)]
        self._records: Parts = self._memory.runs.setdefault(run or ".", [header()])
        self._written = len(self._records)

    @property
    def pending(self) -> int:
        return total(self._records[self._written:])

    def probe(self) -> None:
        pass

    def append(self, records: Parts) -> None:
        self._records += records

    def write(self) -> None:
        self._written = len(self._records)

    def sync(self) -> None:
        pass

    def read(self, name: str) -> Optional[bytes]:
        return self._memory.files.get(self._below + name)

    def put(self, name: str, data: bytes) -> None:
        self._memory.files[self._below + name] = bytes(data)

    def put_new(self, name: str, data: bytes) -> bool:
        kept = bytes(data)
        return self._memory.files.setdefault(self._below + name, kept) is kept

    def exclusive(self, name: str) -> ContextManager[None]:
        return holding(FileLock(self, f"{name}.lock"))

    def remove(self, name: str) -> None:
        del self._memory.files[self._below + name]

    def earlier(self) -> Iterator[bytes]:
        return iter(self._earlier)

    def close(self) -> None:
        pass

    def detach(self) -> None:
        pass


SCHEMES[_SCHEME] = _MemoryLog


class MemoryWriter(SummaryWriter):
    """A SummaryWriter that writes to memory instead of a directory, with all methods of one.

        writer = MemoryWriter()
        writer.add_scalar("loss", 0.5, 1)
        assert writer.run.scalars("loss").values == [0.5]

    options: those of SummaryWriter. `asynchronous` is False by default, so every value can be read
        immediately after the call that adds it.
    """

    _run = ""

    def __init__(self, **options: Any) -> None:
        number = str(next(_numbers))
        self._memory = _memories[number] = _Memory()
        options.setdefault("asynchronous", False)
        super().__init__(f"{_SCHEME}://{number}", **options)

    def _open(self, logdir: str, settings: Settings, probe: bool = True) -> None:
        number, _, self._run = logdir.partition("://")[2].partition("/")
        self._memory = _memories[number]
        super()._open(logdir, settings, probe)

    @property
    def runs(self) -> Dict[str, Run]:
        """{name: the run with its values so far}. "." is the writer's own run, the other names
        are relative to it.
        """
        self.flush()
        below = f"{self._run}/" if self._run else ""
        own = self._run or "."
        return {name: Run(name, [b"".join(records)])
                for name, records in [(found[len(below):] if found != own else ".", records)
                                      for found, records in self._memory.runs.items()
                                      if found == own or found.startswith(below)]}

    @property
    def run(self) -> Run:
        """The writer's own run, with its values so far."""
        return self.runs["."]

    @property
    def events(self) -> List[Event]:
        """The events of the writer's own run; the first event is the file version."""
        self.flush()
        return list(events(b"".join(self._memory.runs[self._run or "."])))

    @property
    def files(self) -> Dict[str, bytes]:
        """{path in the writer's own run: content} of side files, such as those of embeddings."""
        self.flush()
        below = f"{self._run}/" if self._run else ""
        return {name[len(below):]: data for name, data in self._memory.files.items()
                if name.startswith(below)}
