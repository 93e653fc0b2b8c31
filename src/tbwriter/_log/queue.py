"""Queue: the items of a writer, with their bound in bytes. Task: a step between records. Owner: the
thread that works on them.
"""
from __future__ import annotations

import threading
import time
from _thread import allocate_lock, get_ident
from typing import Any, Callable, List, Optional, Sequence, Tuple

from .._parts import Parts

BATCH = 8192        # the number of items that wakes the thread before its time
MUCH = 1 << 20      # the number of bytes of heavy items that does so
ROW_COST = 96       # bytes of a queued item: a scalar's row, the object around it, its place


# The records of the first items of a batch, the number of these items, the sum of their `nbytes`.
Encoded = Tuple[Parts, int, int]


class PartlyEncoded(Exception):
    """Raised by an encoder whose first item has values that can't be encoded.

    encoded: the item without them. errors: theirs.
    """

    def __init__(self, encoded: Encoded, errors: Sequence[Exception]) -> None:
        super().__init__(*errors)
        self.encoded = encoded
        self.errors = errors


class Task:
    """A step that is done on the thread once all before it is written, and can be waited for.

    patient: keeps waiting while the storage fails, until its time is over.
    """

    __slots__ = ("_work", "_done", "error", "patient")
    nbytes = 0

    def __init__(self, work: Optional[Callable[[], None]] = None, patient: bool = False) -> None:
        self._work = work
        self._done = allocate_lock()
        self._done.acquire()
        self.error: Optional[BaseException] = None
        self.patient = patient

    @property
    def done(self) -> bool:
        return not self._done.locked()

    def run(self) -> None:
        if self._work is not None:
            self._work()

    def finish(self, error: Optional[BaseException] = None) -> None:
        self.error = error
        try:
            self._done.release()
        except RuntimeError:  # finished before
            pass

    def wait(self, timeout: float) -> bool:
        return self._done.acquire(timeout=timeout) if timeout > 0 else self._done.acquire(False)


class Queue:
    """The items of one writer, in their order.

    A caller appends to `items`, which is atomic, and wakes the thread once there are `wake_at`.
    A heavy item, one with `nbytes`, first passes `enter`. `taken`: items that have left `items` and
    are not yet all in the log, and the records of the first of them. `interrupted`: whether their
    encoding has ended by an exception, which either a signal handler or an item has raised.
    `starts`: the tasks with which the run begins, for which a fork waits.
    """

    def __init__(self, max_buffer: int) -> None:
        self.items: List[Any] = []
        self.wake_at = 0
        self.taken: Tuple[List[Any], Optional[Encoded]] = ([], None)
        self.interrupted = False
        self.starts: List[Task] = []
        self.max_buffer = max_buffer
        self.batch = min(BATCH, max(max_buffer // (8 * ROW_COST), 1))
        self.dropped = 0
        self.dropping = False  # whether a warning about it was issued, and still holds
        # Bytes of heavy items: those that came (counted by callers), and those that are in the
        # log (counted by its owner).
        self._came = 0
        self._gone = 0
        self.placing = threading.RLock()  # held while an item gets its place, and its number
        self._cutting = threading.RLock()  # held while items leave the queue at one of its ends

    def __len__(self) -> int:
        return len(self.items) + len(self.taken[0])

    @property
    def nbytes(self) -> int:
        """The bytes of all that waits."""
        return max(self._came - self._gone, 0) + ROW_COST * len(self)

    def full(self, pending: int) -> bool:
        """Whether more waits than may. pending: the bytes that wait in the log."""
        return self.nbytes + pending > self.max_buffer

    @property
    def crowded(self) -> bool:
        """Whether so much waits to be encoded that the caller should encode its own item."""
        return self._came - self._gone > self.max_buffer - self.max_buffer // 10

    def enter(self, item: Any, pending: int, urgent: bool = False,
              place: Optional[Callable[[], object]] = None) -> bool:
        """Append a heavy item if there is room for it, or nothing else waits.

        pending: the bytes that wait in the log. urgent: append it even if there is no room. place:
        called once before it is appended, for steps in the order of the queue.
        """
        nbytes = item.nbytes
        with self.placing:
            # As in `nbytes`, without its calls: every heavy value comes here.
            waiting = self._came - self._gone + pending + ROW_COST * (
                len(self.items) + len(self.taken[0]))
            if waiting + nbytes + ROW_COST > self.max_buffer and waiting > 0 and not urgent:
                return False
            if place is not None:
                place()
                nbytes = item.nbytes
            self._came += nbytes
            self.items.append(item)
            return True

    def wakes(self, nbytes: int) -> bool:
        """Whether the thread must be woken after a heavy item has entered."""
        return len(self.items) >= self.wake_at or self._came % MUCH < nbytes

    def cut(self) -> None:
        """Take the first items."""
        try:
            while not self._cutting.acquire(False):
                time.sleep(0)  # no blocking: rule 1
            items = self.items[:4 * BATCH]
            count = len(items)
            self.taken = items, None
            del self.items[:count]
        finally:
            try:
                self._cutting.release()
            except RuntimeError:  # not acquired
                pass

    def drop_newest(self) -> bool:
        """Drop the newest row. If the lock is taken, the row is kept: this path must not block."""
        row = False
        try:
            if self._cutting.acquire(False) and self.items and type(self.items[-1]) is bytes:
                row = True
                self.items.pop()
        finally:
            try:
                self._cutting.release()
            except RuntimeError:
                pass
        return row

    def count_gone(self, nbytes: int) -> None:
        self._gone += nbytes

    def settle(self) -> None:
        """Correct the count once nothing waits: a call that was interrupted may have counted an
        item that it did not append."""
        try:
            if self.placing.acquire(False) and not len(self):
                self._gone = self._came
        finally:
            try:
                self.placing.release()
            except RuntimeError:
                pass

    @property
    def starting(self) -> bool:
        return not all([task.done for task in self.starts])

    def clear(self) -> None:
        """Forget everything, in a forked child, except what its own values need before them."""
        self.items[:] = [task for task in self.starts if not task.done]
        self.taken = ([], None)
        self.interrupted = False
        self.wake_at = 0
        self._came = self._gone = 0
        self.placing = threading.RLock()
        self._cutting = threading.RLock()


class Owner:
    """The thread that may touch the queue and the log of a channel.

    ident: its identity while it does.
    """

    __slots__ = ("ident", "_busy")

    def __init__(self) -> None:
        self.ident = 0
        self._busy = threading.RLock()

    def do(self, timeout: float, work: Callable[[], bool]) -> Optional[bool]:
        """Do `work` as the owner. None if another thread owns it for longer than `timeout`."""
        me = get_ident()
        try:
            if not self._busy.acquire(timeout=timeout):
                return None
            self.ident = me
            return work()
        finally:
            if self.ident == me:
                self.ident = 0
            try:
                self._busy.release()
            except RuntimeError:  # not acquired
                pass
