"""Items of a writer's queue that are stored in other files than the event file.

Imported when the first of them is added, together with the modules that write them.
"""
from __future__ import annotations

from contextlib import ExitStack, contextmanager
from sys import getsizeof
from typing import TYPE_CHECKING, Any, Iterator, Optional

from ._entries import COST, nbytes_of
from ._foreign import of_signal
# Now: the thread loads nothing without a lock.
from ._log import beside as _beside, exclusive as _exclusive  # noqa: F401

if TYPE_CHECKING:
    from ._log.contract import Log


class SideFiles:
    """A payload that is stored in other files than the event file, between two records."""

    __slots__ = ("_payload", "_log", "nbytes")

    def __init__(self, payload: Any, log: Log) -> None:
        self._payload = payload
        self._log = log
        self.nbytes = nbytes_of(payload) + COST + sum([2 * getsizeof(tag) for tag in payload.tags])

    def run(self) -> None:
        """Write the files. OSError where the storage fails: it is called again."""
        if self._payload is None:
            return
        directory = _Directory(self._log)
        try:
            self._payload.store(directory)
        except OSError as error:
            if error is not directory.error and not of_signal(error):
                raise ValueError(f"{type(error).__name__}: {error}") from error
            raise

    def finish(self, error: Optional[BaseException] = None) -> None:
        self._payload = None


class _Directory:
    """The side files of a log. Remembers an error of the storage, to distinguish it from the
    payload's."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self.error: Optional[OSError] = None

    def read(self, name: str) -> Optional[bytes]:
        with self._noting():
            return self._log.read(name)

    def put(self, name: str, data: bytes) -> None:
        with self._noting():
            self._log.put(name, data)

    def put_new(self, name: str, data: bytes) -> bool:
        with self._noting():
            return self._log.put_new(name, data)

    @contextmanager
    def exclusive(self, name: str) -> Iterator[None]:
        with ExitStack() as stack:
            with self._noting():
                stack.enter_context(self._log.exclusive(name))
            yield

    @contextmanager
    def _noting(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            self.error = error
            raise
