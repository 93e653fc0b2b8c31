"""The contract of a log: what the writer's thread may ask of any storage."""
from __future__ import annotations

from typing import Iterator, Optional, Protocol, Union

from .._parts import Parts


class SyncError(OSError):
    """What was written since the last sync may not survive the machine. Trying again would prove
    nothing: the kernel reports a lost page once. What follows goes into a new file."""


class Log(Protocol):
    """Where the records of one run go.

    directory: an absolute path, or a URL. path: the event file written now; "" before the first.
    pending: bytes taken by `append` that are not yet written. notice: something the user should be
    told once.
    """

    directory: str
    path: str
    notice: str

    @property
    def pending(self) -> int: ...

    def append(self, records: Parts) -> None:
        """Take whole records, in pieces; they are written later."""

    def write(self) -> None:
        """Write all that is pending. OSError when that fails; the next call goes on from there."""

    def sync(self) -> None:
        """Let what is written survive the machine. SyncError when it may not."""

    def read(self, name: str) -> Optional[bytes]:
        """A side file; None where there is none."""

    def put(self, name: str, data: bytes) -> None:
        """Write a side file, all or nothing. ValueError for a name outside the directory."""

    def earlier(self) -> Iterator[Union[str, bytes]]:
        """The event files that lie there, in their order: their paths, or their contents."""

    def close(self) -> None:
        """Close the event file; a later write begins another one."""

    def detach(self) -> None:
        """In a forked child: leave the parent's file alone, and begin one's own at need."""
