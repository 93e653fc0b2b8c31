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
from ._log.naming import check_name, new_name
from ._parts import Parts, total
from ._family import Settings
from ._tfrecord.frame import split
from .reader import Event, Run, events
from .summary_writer import SummaryWriter

_SCHEME = "tbwriter-testing"
_numbers = count()


class _Memory:
    """The contents of one log directory, by path.

    events: event files, as pieces of records by number. files: the side files.
    """

    def __init__(self) -> None:
        self.events: Dict[str, Dict[int, bytes]] = {}
        self.files: Dict[str, bytearray] = {}

    def contents(self, run: str) -> List[bytes]:
        """The event files of a run, in their order."""
        return [b"".join(self.events[path].values()) for path in sorted(self.events)
                if path.rpartition("/")[0] == run]


# The memories of all writers in use, by the number in their URL.
_memories: "WeakValueDictionary[str, _Memory]" = WeakValueDictionary()


class _MemoryLog:
    """The storage of one run: a Log, as `_log.contract` describes it, in a _Memory.

    Pieces have numbers, under which a file keeps them: a write that is repeated after an exception
    from a signal handler changes nothing.
    """

    remote = False

    def __init__(self, url: str, suffix: str, header: Callable[[], bytes],
                 max_file_bytes: Optional[int] = None) -> None:
        number, _, self._run = url.partition("://")[2].partition("/")
        self.directory = url
        self.path = self.notice = ""
        self._memory = _memories[number]
        self._suffix = suffix
        self._header = header
        self._limit = max_file_bytes
        self._pieces: List[bytes] = []  # all that were appended
        self._written = 0               # how many of them are in files
        self._file: Optional[Dict[int, bytes]] = None
        self._size = 0                  # of the file

    @property
    def pending(self) -> int:
        return total(self._pieces[self._written:])

    def probe(self) -> None:
        if self._file is None:
            self._begin()

    def append(self, records: Parts) -> None:
        joined = b"".join(records)
        # A file ends between two records, so each may begin another one.
        pieces = [joined] if self._limit is None else split(joined, self._limit // 16)
        self._pieces += [piece for piece in pieces if piece]

    def write(self) -> None:
        while self._written < len(self._pieces):
            file, piece = self._file, self._pieces[self._written]
            if file is None or self._is_full(file, piece):
                file = self._begin()
            file[self._written] = piece
            self._size += len(piece)
            self._written += 1

    def sync(self) -> None:
        """Do nothing: memory survives no crash."""

    def read(self, name: str) -> Optional[bytes]:
        found = self._memory.files.get(self._beside(name))
        return None if found is None else bytes(found)

    def put(self, name: str, data: bytes) -> None:
        self._memory.files[self._beside(name)] = bytearray(data)

    def put_new(self, name: str, data: bytes) -> bool:
        new = bytearray(data)
        return self._memory.files.setdefault(self._beside(name), new) is new

    def remove(self, name: str) -> None:
        if self._memory.files.pop(self._beside(name), None) is None:
            raise FileNotFoundError(f"got {name!r}, want a file that exists")

    def exclusive(self, name: str) -> ContextManager[None]:
        return holding(FileLock(self, f"{name}.lock"))

    def earlier(self) -> Iterator[bytes]:
        return iter(self._memory.contents(self._run))

    def close(self) -> None:
        self.write()
        self._file = None

    def detach(self) -> None:
        del self._pieces[self._written:]
        self._file = None

    def _is_full(self, file: Dict[int, bytes], piece: bytes) -> bool:
        """Whether the next piece belongs in the next file: with it, this one gets too large."""
        return self._limit is not None and self._size + len(piece) > self._limit \
            and len(file) > 1 and self._written not in file

    def _begin(self) -> Dict[int, bytes]:
        """Begin a file, with the header in it."""
        names = [path[len(self._below):] for path in self._memory.events
                 if path.rpartition("/")[0] == self._run]
        name = new_name(names, self._suffix)
        self.path = f"{self.directory}/{name}"
        header = self._header()
        self._size = len(header)
        self._file = self._memory.events[self._below + name] = {-1: header}
        return self._file

    @property
    def _below(self) -> str:
        return f"{self._run}/" if self._run else ""

    def _beside(self, name: str) -> str:
        """The path of a side file."""
        return self._below + check_name(name)


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
        below = self._below
        written = [path.rpartition("/")[0] for path in list(self._memory.events)]
        found = [self._run, *(run for run in written if run.startswith(below))]
        return {name: Run(name, self._memory.contents(run))
                for name, run in {run[len(below):] or ".": run for run in found}.items()}

    @property
    def run(self) -> Run:
        """The writer's own run, with its values so far."""
        return self.runs["."]

    @property
    def events(self) -> List[Event]:
        """The events of the writer's own run; the first event is the file version."""
        self.flush()
        return [event for content in self._memory.contents(self._run) for event in events(content)]

    @property
    def files(self) -> Dict[str, bytes]:
        """{path in the writer's own run: content} of side files, such as those of embeddings."""
        self.flush()
        below = self._below
        return {path[len(below):]: bytes(data) for path, data in list(self._memory.files.items())
                if path.startswith(below)}

    @property
    def _below(self) -> str:
        return f"{self._run}/" if self._run else ""
