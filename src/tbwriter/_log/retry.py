"""Retry: the error of the storage, the time of the next try, and the warnings for the next call."""
from __future__ import annotations

import time
from typing import List, Optional

from .._warnings import fail, show, warn

FIRST_BACKOFF, LAST_BACKOFF = 0.1, 2.0
_MOST_NOTICES = 20


class Retry:
    """The state of a storage: whether it fails, when to try again, and what to report.

    error: the error with which it refuses records, or None. at: the time of the next try.
    outage: a message about `error` that no call has reported yet. notices: other such messages.
    """

    def __init__(self) -> None:
        self.error: Optional[OSError] = None
        self.at = 0.0
        self.outage = ""
        self.notices: List[str] = []
        self._backoff = 0.0
        self._outages = 0

    def failed(self, error: OSError, text: str) -> None:
        if self.error is None:
            self._outages += 1
            # Python shows equal warnings of a line once.
            self.outage = text if self._outages == 1 else f"{text} (outage {self._outages})"
        self.error = error
        self._backoff = min(self._backoff * 2 or FIRST_BACKOFF, LAST_BACKOFF)
        self.at = time.monotonic() + self._backoff

    def recovered(self) -> None:
        self.error = None
        self._backoff = 0.0

    def note(self, text: str) -> None:
        if text not in self.notices and len(self.notices) < _MOST_NOTICES:
            self.notices.append(text)

    def take(self) -> List[str]:
        """All messages that were not reported yet."""
        outage, self.outage = self.outage, ""
        notices, self.notices = self.notices, []
        return [*filter(None, [outage]), *notices]

    def report(self, strict: bool) -> None:
        """Issue these messages as warnings, at the line of the user's call. Strict: raise the error
        of the storage instead, if it still fails."""
        texts = self.take()
        if not texts:
            return
        if strict and self.error:
            return fail(self.error)
        for text in texts[:-1]:
            show(text)
        warn(texts[-1])
