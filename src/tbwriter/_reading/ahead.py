"""Reading several files or runs at the same time."""
from __future__ import annotations

import os
import signal
import sys
import tempfile
from collections import deque
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from typing import Any, Callable, Deque, Iterable, Iterator, List, TypeVar

from .._files.places import is_url
from .._files.window import CHUNK, Place, ReadError, Window, open_raw

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")

# How many objects are opened before they are needed: their first chunks are in memory.
OBJECTS = 12


class Ahead:
    """Opens objects in threads before they are needed, with the first chunk of each loaded.

    An object store answers many requests in the time of one; only the waiting is in threads.
    """

    def __init__(self, places: Iterable[Place]) -> None:
        self._pool = ThreadPoolExecutor(OBJECTS)
        self._opened = _ordered(_opened, places, self._pool, OBJECTS)

    def open(self, _: Place) -> Window:
        """The next of the places. Raises as `Window` does."""
        window: Window = next(self._opened).result()
        return window

    def close(self) -> None:
        self._opened.close()  # type: ignore[attr-defined]
        self._pool.shutdown()


def _opened(place: Place) -> Window:
    window = Window(place)
    try:
        window.read(0, CHUNK)
    except BaseException:
        window.close()
        raise
    return window


class Copies:
    """Files on this machine with the bytes of objects, for random access.

    Several objects are downloaded at a time, ahead of their use, in the order of `places`. A file
    that is on this machine is its own copy, and so is an object that cannot be read: opening it
    raises the error.
    """

    def __init__(self, places: Iterable[str]) -> None:
        self._directory = tempfile.TemporaryDirectory(prefix="tbwriter-")
        self._pool = ThreadPoolExecutor(OBJECTS)
        self._copied = _ordered(self._copy, filter(is_url, places), self._pool, OBJECTS)

    def __enter__(self) -> "Copies":
        return self

    def __exit__(self, *_: object) -> None:
        self._copied.close()  # type: ignore[attr-defined]
        self._pool.shutdown()
        self._directory.cleanup()

    def next(self, place: str) -> str:
        """The copy of the next of the places, which is `place`."""
        return str(next(self._copied).result()) if is_url(place) else place

    def drop(self, place: str, copy: str) -> None:
        """Release the copy of a place, which is no longer needed."""
        if copy != place:
            os.unlink(copy)

    def _copy(self, place: str) -> str:
        try:
            with open_raw(place) as source:
                number, path = tempfile.mkstemp(dir=self._directory.name)
                with os.fdopen(number, "wb") as file:
                    while file.write(source.read(CHUNK) or b""):
                        pass
        except (OSError, ReadError):
            return place
        return path


def in_processes(function: Callable[[_Item], _Result], items: Iterable[_Item], jobs: int
                 ) -> Iterator[_Result]:
    """`function` of each item, in the order of the items, in `jobs` processes.

    Ctrl-C is for this process alone, which then ends the others: SystemExit is raised in the calls
    of `function`, so that they leave nothing half-written.
    """
    pool = ProcessPoolExecutor(jobs, initializer=_begin)
    # Kept until the pool has ended: it cancels what is left, and where that happens while the pool
    # finds its processes ended, Python 3.9 prints an InvalidStateError.
    calls = _ordered(partial(_work, function), items, pool, 2 * jobs)
    try:
        for done in calls:
            yield done.result()
    except BaseException:  # also when the caller stops early
        for process in list((pool._processes or {}).values()):
            process.terminate()
        raise
    finally:
        pool.shutdown()


def _begin() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _end)


def _end(*_: object) -> None:
    if not _calls:
        os._exit(1)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # the pool sends another one
    sys.unraisablehook = _end_soon
    raise SystemExit(1)


def _end_soon(_: object) -> None:
    """The exception was raised in a finalizer, which ignores it."""
    signal.signal(signal.SIGALRM, _end)
    signal.setitimer(signal.ITIMER_REAL, 0.01)


# The call that this process is in, if any.
_calls: List[Any] = []


def _work(function: Callable[[_Item], _Result], item: _Item) -> _Result:
    _calls.append(item)
    try:
        return function(item)
    except SystemExit:  # the pool would catch it and begin the next item
        os._exit(1)
    finally:
        _calls.clear()


def _ordered(function: Callable[[_Item], Any], items: Iterable[_Item], pool: Executor, most: int
             ) -> "Iterator[Future[Any]]":
    """The calls in the order of the items. At most `most` of them have begun and are not returned.
    """
    begun: "Deque[Future[Any]]" = deque()
    left = iter(items)
    try:
        while True:
            for item in left:
                begun.append(pool.submit(function, item))
                if len(begun) >= most:
                    break
            if not begun:
                return
            yield begun.popleft()
    finally:
        for call in begun:
            call.cancel()
