"""Retry: the error of the storage, the time of the next try, and the warnings for the next call."""
from __future__ import annotations

import errno
import time
from typing import Dict, List, Optional, Set

from .._warnings import fail, show, warn

FIRST_BACKOFF, LAST_BACKOFF = 0.1, 2.0
_MOST_NOTICES = 20
# Errors of one directory; all others are those of a disk or a store, which has many runs.
_OF_ONE_RUN = (errno.EACCES, errno.EPERM, errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.EEXIST,
               errno.ELOOP, errno.ENAMETOOLONG)


class SyncError(OSError):
    """Records or a side file written since the last sync may not survive a crash of the machine.
    Trying again would prove nothing, since the kernel reports a lost page once. Later records go
    into a new file if it was the event file."""


class Outage:
    """Some runs fail with one error. failing: their ids. told: whether a run has reported it."""

    def __init__(self) -> None:
        self.failing: Set[int] = set()
        self.told = False


class Retry:
    """The state of a storage: whether it fails, when to try again, and what to report.

    error: the error with which it refuses records, or None. at: the time of the next try.
    outage: a message about `error` that no call has reported yet. notices: other such messages.
    outages: those of now, by errno. The runs of a family share them: one run reports each.
    """

    def __init__(self, outages: Optional[Dict[Optional[int], Outage]] = None) -> None:
        self.error: Optional[OSError] = None
        self.at = 0.0
        self.outage = ""
        self.notices: List[str] = []
        self.outages = {} if outages is None else outages
        self._errno: Optional[int] = None
        self._shared = Outage()
        self._backoff = 0.0
        self._outages = 0

    def failed(self, error: OSError, text: str) -> None:
        if self.error is None:
            self._outages += 1
            self._errno = error.errno
            self._shared = Outage() if error.errno in _OF_ONE_RUN \
                else self.outages.setdefault(error.errno, Outage())
            self._shared.failing.add(id(self))
            # Python shows equal warnings of a line once.
            self.outage = text if self._outages == 1 else f"{text} (outage {self._outages})"
        self.error = error
        self._backoff = min(self._backoff * 2 or FIRST_BACKOFF, LAST_BACKOFF)
        self.at = time.monotonic() + self._backoff

    def recovered(self) -> None:
        if self.error is not None:
            self._shared.failing.discard(id(self))
            if not self._shared.failing and self.outages.get(self._errno) is self._shared:
                del self.outages[self._errno]
        self.error = None
        self._backoff = 0.0

    def note(self, text: str) -> None:
        if text not in self.notices and len(self.notices) < _MOST_NOTICES:
            self.notices.append(text)

    def take(self) -> List[str]:
        """All messages that were not reported yet; that of an outage also not by another run."""
        outage = "" if self._shared.told else self.outage
        if self.outage:
            self.tell()
        notices, self.notices = self.notices, []
        return [*filter(None, [outage]), *notices]

    def tell(self) -> None:
        """Note that the outage was reported."""
        self.outage = ""
        self._shared.told = True

    def report(self, strict: bool) -> None:
        """Issue these messages as warnings, at the line of the user's call. Strict: raise the error
        of the storage instead, if it still fails."""
        pending = self.outage or self.notices
        texts = self.take()
        if pending and strict and self.error:
            return fail(self.error)
        if not texts:
            return
        for text in texts[:-1]:
            show(text)
        warn(texts[-1])
