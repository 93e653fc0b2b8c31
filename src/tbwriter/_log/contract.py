"""The contracts of the writer's thread: with a storage, and with a writer's channel.

Only type checkers load this file: making a Protocol takes long, and checks nothing.
"""
from __future__ import annotations

from typing import Callable, ContextManager, Iterator, Optional, Protocol, Union

from .queue import Queue, Task
from .retry import Retry
from .._parts import Parts

Work = Optional[Callable[[], None]]


class Log(Protocol):
    """The records of one run, and its other files.

    Making one does no I/O. All methods but `pending` and `detach` may block, so only the thread
    calls them; the constructor of a writer calls `probe`, and `earlier` where it resumes a run.
    Each may be called again after an exception from a signal handler, and continues there.

    directory: an absolute path, or a URL. path: the event file written now; "" before the first.
    pending: the bytes taken by `append` that are not yet written. notice: a text to report to the
    user once. remote: whether its calls wait for a network, so that several logs should be written
    at the same time.
    """

    remote: bool
    directory: str
    path: str
    notice: str

    @property
    def pending(self) -> int: ...

    def probe(self) -> None:
        """Make the directory, and raise OSError where it does not take files."""

    def append(self, records: Parts) -> None:
        """Take whole records, in pieces; they are written later."""

    def write(self) -> None:
        """Write all that is pending. OSError when that fails; the next call continues there."""

    def sync(self) -> None:
        """Make written records and side files survive a crash of the machine. SyncError if they
        may not."""

    def read(self, name: str) -> Optional[bytes]:
        """The content of a side file; None if it does not exist."""

    def put(self, name: str, data: bytes) -> None:
        """Write a side file, all or nothing. ValueError for a name outside the directory."""

    def put_new(self, name: str, data: bytes) -> bool:
        """Write a side file that is shown without an event file, all or nothing. False where one
        of this name exists, also where another process makes it at this moment (on stores: where
        those support it)."""

    def remove(self, name: str) -> None:
        """Delete a side file; OSError where that is not possible."""

    def exclusive(self, name: str) -> ContextManager[None]:
        """While it is entered, no other writer of any process can enter it for this directory and
        side file. Those that wait too long enter all the same."""

    def earlier(self) -> Iterator[Union[str, bytes]]:
        """The event files in the directory, in their order: their paths, or their contents."""

    def close(self) -> None:
        """Close the event file; a later write begins another one."""

    def detach(self) -> None:
        """In a forked child: leave the parent's file alone, and begin a new one when needed."""


class Served(Protocol):
    """A channel, as the thread and the end of the program see it."""

    log: Log
    queue: Queue
    retry: Retry
    due: float
    progress: float

    @property
    def active(self) -> bool: ...
    def serve(self, now: float) -> bool: ...
    def begin(self, work: Work, patient: bool) -> Optional[Task]: ...
    def wait(self, task: Task, deadline: float) -> None: ...
    def end(self, task: Task) -> None: ...
    def end_whole(self) -> Task: ...
    def report(self) -> None: ...
    def abandon(self) -> None: ...
