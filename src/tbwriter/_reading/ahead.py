"""Reading several files or runs at once."""
from __future__ import annotations

from collections import deque
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from typing import Any, Callable, Deque, Iterable, Iterator, TypeVar

from .._files.window import CHUNK, Place, Window

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
    window.read(0, CHUNK)
    return window


def in_processes(function: Callable[[_Item], _Result], items: Iterable[_Item], jobs: int
                 ) -> Iterator[_Result]:
    """`function` of each item, in the order of the items, in `jobs` processes."""
    with ProcessPoolExecutor(jobs) as pool:
        for done in _ordered(function, items, pool, 2 * jobs):
            yield done.result()


def _ordered(function: Callable[[_Item], Any], items: Iterable[_Item], pool: Executor, most: int
             ) -> "Iterator[Future[Any]]":
    """The calls in the order of the items, of which at most so many have begun."""
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
