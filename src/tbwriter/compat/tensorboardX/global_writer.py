"""tensorboardX.global_writer: one writer for all modules and processes of a program.

The process that makes the writer writes the file and counts the steps. Those that it forks or
spawns send their values to it; where it has ended, each continues in a run of its own.
"""
from __future__ import annotations

import json
import os
import threading
import time
import weakref
from multiprocessing import parent_process
from typing import Any, Dict, List, Optional, Tuple

from ..._proto import wellformed  # noqa: F401 - for `add_summary`: the threads load nothing
from ..._proto.messages import Summary
from ..._values.number import as_wall_time
from ..._warnings import once
from ...summary_writer import SummaryWriter as _SummaryWriter
from .._processes import Link, Server
from .._writers import PEERS_FLUSH_SECS, Path, guarded, seconds
from . import summary
from .writer import SummaryWriter

# Environment variable by which spawned processes find the writers of those before them:
# {log directory or comment: [log directory, address]}.
_ENVIRONMENT = "TBWRITER_GLOBAL_WRITERS"
# In place of an address: the processes write nothing, or each a file of its own.
_SILENT, _APART = "silent", "apart"

_writer: Optional["GlobalSummaryWriter"] = None
_writers: "weakref.WeakSet[GlobalSummaryWriter]" = weakref.WeakSet()


@guarded
class GlobalSummaryWriter:
    """A writer that numbers the values of each tag 0, 1, 2, ... in the order in which they arrive,
    from all threads, modules and processes of a program, and writes them into one file.

        writer = GlobalSummaryWriter("runs/pool")
        with multiprocessing.Pool() as pool:
            pool.map(train, range(100))     # each calls writer.add_scalar("loss", ...)

    logdir to log_dir: as for `SummaryWriter`.
    coalesce_process: False lets each process write a file of its own, with steps of its own.
    kwargs: accepted, without effect.

    Works for forked processes and for those that `multiprocessing` spawns, whether they get the
    writer as an argument or make it again with the same `logdir`. A value is in the file when the
    call returns; so nothing is lost when a process dies. When the process that writes has ended,
    each of the others warns once and continues in the run `process_<pid>` below the log directory,
    with the steps that follow those it knows.

    Raises OSError when the directory can't be written; the add methods raise TypeError or
    ValueError.
    """

    smw: Any                # the SummaryWriter, in the process that writes
    _steps: Dict[str, int]  # of each tag, the next one that is known here
    _server: Optional[Server]
    _place: Tuple[str, str]  # log directory and address of the process that writes
    _link: Optional[Link]
    _linked: bool            # whether that is another process

    def __init__(self, logdir: Optional[Path] = None, comment: str = "",
                 purge_step: Optional[int] = None, max_queue: int = 10, flush_secs: float = 120,
                 filename_suffix: str = "", write_to_disk: bool = True,
                 log_dir: Optional[Path] = None, coalesce_process: bool = True, **kwargs: Any
                 ) -> None:
        logdir = logdir or log_dir or None
        key = f"comment {comment}" if logdir is None else os.path.abspath(os.fspath(logdir))
        self._begin()
        place = _known().get(key)
        if coalesce_process and write_to_disk and place and place[1] not in (_SILENT, _APART) \
                and self._found(*place):
            _keep(self)
            return
        at_once = flush_secs == PEERS_FLUSH_SECS and "://" not in str(logdir)
        writer = _SummaryWriter(logdir, comment or "", purge_step, max_queue, seconds(flush_secs),
                                filename_suffix or "", write_to_disk,
                                asynchronous=not (at_once and coalesce_process))
        self.smw = SummaryWriter._over(writer, logdir)
        address = _APART if write_to_disk else _SILENT
        if coalesce_process and write_to_disk:
            self._server = Server(self._handle)
            address = self._server.address
        self._place = (writer.get_logdir(), address)
        os.environ[_ENVIRONMENT] = json.dumps({**_known(), key: self._place})
        _keep(self)

    def _begin(self) -> None:
        self._lock = threading.RLock()
        self._steps = {}
        self.smw = self._server = self._link = None
        self._place = ("", "")
        self._linked = False
        _writers.add(self)

    def _found(self, directory: str, address: str) -> bool:
        """Whether another process writes there, to which this one sends its values from now on."""
        if any(writer._place == (directory, address) and not writer._linked
               for writer in list(_writers)):
            return False  # this process does
        try:
            self._link = Link(address)
        except OSError:
            if parent_process() is None:
                return False  # the address is of another program
            # It ended before this process was spawned; the first value finds that out.
        self._place, self._linked = (directory, address), True
        return True

    def add_scalar(self, tag: str, scalar_value: Any, walltime: Optional[float] = None) -> None:
        """Write one number; its step is the next one of the tag."""
        self._add(summary.scalar(tag, scalar_value), walltime)

    def add_image(self, tag: str, img_tensor: Any, walltime: Optional[float] = None,
                  dataformats: str = "CHW") -> None:
        """Write a picture; its step is the next one of the tag."""
        self._add(summary.image(tag, img_tensor, dataformats=dataformats), walltime)

    def add_text(self, tag: str, text_string: Any, walltime: Optional[float] = None) -> None:
        """Write a text as Markdown; its step is the next one of the tag."""
        self._add(summary.text(tag, text_string), walltime)

    @staticmethod
    def getSummaryWriter() -> "GlobalSummaryWriter":
        """The writer of this program: the first one that was made, here or in the process that
        forked or spawned this one. If there is none, it is made with default arguments."""
        return _writer or _keep(_spawned() or GlobalSummaryWriter())

    @property
    def file_writer(self) -> Any:
        """The FileWriter of the process that writes; None in the others."""
        return None if self.smw is None else self.smw._get_file_writer()

    def close(self) -> None:
        """Flush and close the file. A later add opens another one."""
        with self._lock:
            if self._link is not None:
                self._link.close()
                self._link = None
            elif self.smw is not None and not self._linked:
                self.smw.close()

    def _add(self, one: Summary, walltime: Optional[float]) -> None:
        wall_time = time.time() if walltime is None else as_wall_time(walltime)
        tag, = one.tags
        with self._lock:
            if self._linked:
                try:
                    if self._link is None:
                        self._link = Link(self._place[1])
                    step = self._link.send(tag, one.SerializeToString(), wall_time)
                    self._steps[tag] = step + 1
                    return
                except OSError as error:
                    self._continue_alone(error)
            self._write(tag, one, wall_time)

    def _write(self, tag: str, one: Any, wall_time: float) -> int:
        step = self._steps.get(tag, 0)
        self.smw.add_summary(one, step, wall_time)
        self._steps[tag] = step + 1
        return step

    def _handle(self, tag: str, data: bytes, wall_time: float) -> int:
        """Write what another process sent; returns its step."""
        with self._lock:
            return self._write(tag, data, as_wall_time(wall_time))

    def _continue_alone(self, error: OSError) -> None:
        directory = f"{self._place[0]}/process_{os.getpid()}"
        once(("GlobalSummaryWriter", directory), "the process that writes the file of "
             f"GlobalSummaryWriter cannot be reached ({error}): this one continues in the run "
             f"{directory}")
        self._link, self._linked, self._place = None, False, (directory, _APART)
        self.smw = SummaryWriter._over(_SummaryWriter(directory, asynchronous=False))

    def _after_fork(self) -> None:
        """In the child: the parent writes."""
        self._lock = threading.RLock()
        self._link = None
        if self._server is not None:
            self._server, self._linked = None, True
            self.smw = None

    def __reduce__(self) -> Tuple[Any, ...]:
        return _unpickled, self._place


def _keep(writer: GlobalSummaryWriter) -> GlobalSummaryWriter:
    """Make `writer` the program's writer, unless there is one."""
    global _writer
    _writer = _writer or writer
    return _writer


def _spawned() -> Optional[GlobalSummaryWriter]:
    """A writer that sends to the first one of the process that spawned this one, if it has any;
    or one like it, if that one serves no other process."""
    ended = None
    for directory, address in _known().values():
        writer = None
        if address not in (_SILENT, _APART):
            writer = GlobalSummaryWriter.__new__(GlobalSummaryWriter)
            writer._begin()
            if not writer._found(directory, address):
                continue
            if writer._link is None:  # perhaps of the parent of the parent
                ended = ended or writer
                continue
        elif parent_process() is not None:
            writer = _like(directory, address)
        if writer is not None:
            return writer
    return ended


def _like(directory: str, address: str) -> GlobalSummaryWriter:
    """A writer of the same directory that serves no other process."""
    return GlobalSummaryWriter(directory, write_to_disk=address != _SILENT, coalesce_process=False)


def _unpickled(directory: str, address: str) -> GlobalSummaryWriter:
    """The writer that was pickled, in the process that loads it."""
    for writer in list(_writers):
        if writer._place == (directory, address):
            return writer
    if address in (_SILENT, _APART):
        return _like(directory, address)
    writer = GlobalSummaryWriter.__new__(GlobalSummaryWriter)
    writer._begin()
    writer._place, writer._linked = (directory, address), True  # connects at the first value
    return writer


def _known() -> Dict[str, List[str]]:
    """The writers of this process and those before it."""
    try:
        known = json.loads(os.environ.get(_ENVIRONMENT, "{}"))
    except ValueError:
        return {}
    return {key: place for key, place in known.items()
            if isinstance(place, list) and len(place) == 2} if isinstance(known, dict) else {}


def _after_fork() -> None:
    for writer in list(_writers):
        writer._after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
