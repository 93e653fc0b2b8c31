"""From the call to the disk: one writer's queue, and the work that brings it into the log.

A call appends to its writer's queue and returns; appending to a list is atomic, so threads, signal
handlers and `__del__` may do it anywhere. The thread takes the items, has them encoded, and writes
them in one piece. Nothing here depends on what the items are.

Rules for changes to this file:

1. The thread takes no lock that a caller may hold. So a caller that waits for it, be it a signal
   handler in the middle of another call, never waits for itself.
2. Only the owner of a channel takes from its queue and touches its log (`Owner.do`).
3. A caller appends before it checks whether to wake the thread; the thread declares that it sleeps
   before it checks the queue. So no item is missed.
4. A forked child starts with empty queues and no thread: what was queued is the parent's. Only
   the tasks with which a run begins (`Queue.starts`) stay in its queue, if they are not done.
5. A signal handler may raise wherever a function of Python begins or one of C ends. So a lock is
   acquired inside the `try` that releases it, in one call; an RLock knows whether it was acquired.
6. For a warning that a later call can issue, the thread only leaves a message; that call issues
   it when its own work is done: so a warning that is raised (`-W error`) loses no value.
7. An error of the storage is tried again; an error of encoding is permanent, and loses only that
   value. The two are kept apart: `_encoded` and `_step` handle the second, `_failed` the first.
"""
from __future__ import annotations

import sys
import time
from _thread import get_ident
from typing import TYPE_CHECKING, Any, Callable, List, Optional, Set

from .queue import Encoded, Owner, PartlyEncoded, Queue, Task
from .retry import Retry, SyncError
from .worker import EXIT_SECS, STUCK_SECS, close_all, flush_all, settle, worker
from .._foreign import of_signal
from .._warnings import fail, show

if TYPE_CHECKING:
    from .contract import Log

STALL_SECS = 1.0    # how long a full queue may wait for a storage without progress
OWNED_SECS = 0.05   # when the thread looks again at a channel that another thread is working on
_NAME: Any = type.__dict__["__name__"]  # of any class, also with a metaclass


class Channel:
    """One writer's way to its log.

    encode: called with a batch of items, gives the records of some of them, from the first on;
        a count of 0 where the first one is a step, which has a method `run`. If it raises an
        error, the item at fault is left out; after PartlyEncoded, only a part of that item.
    """

    def __init__(self, log: Log, encode: Callable[[List[Any]], Encoded], flush_secs: float,
                 max_buffer: int, *, asynchronous: bool = True, strict: bool = False) -> None:
        self.log = log
        self.queue = Queue(max_buffer)
        self.retry = Retry()
        self.due = 0.0             # when the thread looks at the queue by itself
        self.progress = 0.0        # when something was last written
        self.encoding = False
        self._encode = encode
        self._flush_secs = flush_secs
        self._asynchronous = asynchronous
        self._strict = strict
        self._owner = Owner()
        self._draining: Set[int] = set()  # threads that do the work in the call, or wait to
        self._tasks: List[Task] = []      # those that are waited for
        self._leaving: Optional[Task] = None
        self._stalled = False      # whether the thread did not write a value that was waited for
        worker.join(self)

    # The caller's side.

    def put(self, item: Any, place: Optional[Callable[[], object]] = None) -> None:
        """Queue a heavy item, one with `nbytes`. It is dropped and counted if the buffer is full
        and the storage makes no progress: as many values as its `count` says, or one. One that is
        larger than the buffer waits until that is empty. place: called before it is appended, see
        `Queue.enter`.
        """
        queue = self.queue
        if not queue.enter(item, self.log.pending, False, place) and not self._wait_for_space(
                lambda: queue.enter(item, self.log.pending, self._inside, place)):
            self._drop(getattr(item, "count", 1))
        elif queue.wakes(item.nbytes):
            self.wake()

    def wake(self) -> None:
        """Let the thread look at the queue: called after an append that has reached `wake_at`."""
        if not self._asynchronous:
            self._write_here()
        elif sys.is_finalizing():
            self._drain_here(0.05)  # the thread runs no more
        else:
            self._call_thread()
        if self.retry.outage or self.retry.notices:
            self.report()
        elif self._strict and self.retry.error and not self._asynchronous:
            fail(self.retry.error)

    def flush(self, timeout: float, work: Optional[Callable[[], None]] = None,
              patient: bool = False) -> None:
        """Return once all that was queued before is written and `work` is done.

        Raises the OSError that prevents it, TimeoutError after `timeout` seconds. Patient: keeps
        trying until then.
        """
        flush_all([(self, work)], timeout, patient)

    def close(self, timeout: float) -> None:
        """Flush, trying until `timeout`, and close the log; an item put later opens a new file."""
        close_all([self], timeout)

    def close_soon(self) -> None:
        """`close()` for a writer that is no longer referenced. The call waits for it in a worker of
        a pool only, which may be ended once its job has returned."""
        if Task is None:  # the modules are torn down: what was queued is written
            return
        task = Task(self._leave)
        self.queue.items.append(task)
        if sys.is_finalizing():  # within what is left of the time for the end of the program
            start, left = time.monotonic(), worker.patience()
            if left or not self.retry.error:
                self._drain_here(left)
                worker.spent(time.monotonic() - start)
        elif not self._asynchronous or not worker.serve(self):
            self._drain_here()
        elif worker.pooled and not self.retry.error and not self._inside:
            task.wait(EXIT_SECS)

    def begin(self, work: Optional[Callable[[], None]], patient: bool) -> Optional[Task]:
        """Queue a task. None if there is nothing to wait for: also inside the work itself, which
        continues after the call."""
        if self._inside or work is None and not (
                len(self.queue) or self.log.pending or self.retry.error):
            return None
        worker.join(self)
        task = Task(work, patient)
        self._tasks.append(task)
        self.queue.items.append(task)
        return task

    def wait(self, task: Task, deadline: float) -> None:
        """Wait for a task. Raises its error, or at the deadline the error that prevents it."""
        while True:
            left = max(deadline - time.monotonic(), 0.0)
            if sys.is_finalizing() or not worker.serve(self):
                self._drain_here(left, urgent=True)
                left = min(left, 0.1)
            if task.wait(min(left, STUCK_SECS)):
                break
            if time.monotonic() >= deadline:
                raise self.retry.error or TimeoutError(
                    f"{self.log.directory}: not written in time; values are kept and tried again")
        if task.error:
            raise task.error

    def end(self, task: Task) -> None:
        """Forget a task, whether it was done or not."""
        if task in self._tasks:
            self._tasks.remove(task)

    def report(self) -> None:
        """Issue the warnings that the thread has left, at the line of the user's call."""
        self.retry.report(self._strict)

    def end_whole(self) -> Task:
        """Let the thread close a file that cannot be completed, truncated after its last whole
        record. To be followed by `worker.serve`."""
        self._leaving = task = Task()
        return task

    def abandon(self) -> None:
        """Forget everything, in a forked child: it belongs to the parent."""
        self.queue.clear()
        self.retry.recovered()
        self.retry = Retry(self.retry.outages)
        self._tasks.clear()
        self._leaving = None
        self._owner = Owner()
        self._draining = set()
        self._stalled = False
        self.encoding = False
        self.log.detach()

    @property
    def active(self) -> bool:
        """Whether the thread has to look at it by itself."""
        return bool(self.queue.wake_at or len(self.queue) or self.log.pending or self._leaving)

    @property
    def _inside(self) -> bool:
        """Whether the caller is a finalizer or signal handler inside the work itself."""
        return get_ident() == self._owner.ident or get_ident() in worker.idents

    def _call_thread(self) -> None:
        queue = self.queue
        awaited = worker.awaits(self._flush_secs)
        if queue.full(self.log.pending):
            # Full of scalars: rows are dropped one by one, the newest first.
            if not self._wait_for_space(lambda: not queue.full(self.log.pending)) \
                    and queue.drop_newest():
                self._drop()
        else:
            queue.wake_at = 0 if awaited else len(queue.items) + queue.batch
        try:
            served = worker.serve(self)
        except BaseException:
            queue.wake_at = 0  # maybe it was not woken
            raise
        if not served:
            queue.wake_at = 0  # nothing else would write the next value
            self._drain_here()
        elif awaited:
            self._hand_over()

    def _hand_over(self) -> None:
        """Wait for the thread where the process may end without a further call: at the end of the
        program, and in a worker of a pool. Not for a storage that fails or hangs."""
        left = worker.patience()
        if self.retry.error or self._stalled or not left:
            return
        task = self.begin(None, False)
        if task is None:
            return
        start = time.monotonic()
        try:
            worker.serve(self)
            self._stalled = not task.wait(left)
        finally:
            worker.spent(time.monotonic() - start)
            self.end(task)

    def _wait_for_space(self, entered: Callable[[], bool]) -> bool:
        """Wait until `entered()`; False once the storage has made no progress for too long."""
        if self._inside:
            return entered() or True
        moved = time.monotonic()
        if self.retry.error or self.queue.dropping and self.progress < moved - STALL_SECS:
            return False
        if not worker.serve(self):
            self._drain_here()
        pending = self.log.pending
        while not entered():
            now = time.monotonic()
            # A large record takes time to encode, and to be written piece by piece.
            if worker.encoding or self.encoding or self.log.pending != pending:
                moved, pending = now, self.log.pending
            if self.retry.error or now - max(moved, self.progress) > STALL_SECS:
                return False
            worker.relieve()
            time.sleep(0.001)
        return True

    def _drop(self, count: int = 1) -> None:
        before = self.queue.dropped
        self.queue.dropped += count
        if not self.queue.dropping:
            self.queue.dropping = True
            self.note(f"{self.log.directory}: the storage accepts no values and "
                      f"{self.queue.max_buffer >> 20} MiB wait; values added now are dropped"
                      f"{f', {before} were before' if before else ''}")
            self.report()

    # The work in the caller's thread: for a writer that is not asynchronous, and without a thread.

    def _write_here(self) -> None:
        queue = self.queue
        if queue.interrupted:
            # Signal handlers run in the main thread alone: what the thread meets is an item's own.
            queue.interrupted = False
            settle([(self, None)], EXIT_SECS, False)
        if self._written_through():
            return
        worker.join(self)
        self._drain_here()
        if self.retry.outage:  # there may be no later call
            worker.serve(self)
        if queue.full(self.log.pending) and self.retry.error and queue.drop_newest():
            self._drop()

    def _written_through(self) -> bool:
        """The fast path, if no other thread is at work, nothing waits and the storage works.
        Returns whether it was taken and everything is written."""
        if self.retry.error or get_ident() == self._owner.ident:
            return False
        queue = self.queue
        return bool(self._owner.do(0, self._take_once)) and not (queue.items or queue.taken[0])

    def _take_once(self) -> bool:
        # Only the owner may ask: another thread may have failed just now, and `_take` relies on it.
        if self.queue.taken[0] or self.log.pending:
            return False
        try:
            if self.queue.items:  # a signal handler may have written them until now
                self._take()
        except Exception as error:
            if self._foreign(error):
                raise
            if isinstance(error, OSError):
                self._failed(error)
            return False  # another one occurs again, and is reported, on the general path
        return True

    def _drain_here(self, timeout: float = EXIT_SECS, urgent: bool = False) -> None:
        """Do the thread's work in this one."""
        me, draining = get_ident(), self._draining
        if me == self._owner.ident or me in draining and not urgent:
            return  # a signal handler or finalizer inside the work: the outer call continues
        try:
            draining.add(me)
            # Also if nothing is queued: another thread may be about to write the items.
            while self._owner.do(timeout, lambda: self.work(urgent)):
                if not (len(self.queue) or self.log.pending):
                    break
            else:
                return
        finally:
            draining.discard(me)
        if self.queue.items:  # from a signal handler, just before the end
            self._drain_here(timeout, urgent)

    # The owner's side.

    def serve(self, now: float) -> bool:
        """Take and write what has come, on the thread. Returns whether there was anything."""
        if not (len(self.queue) or self.log.pending or self._leaving):
            return False
        if self._owner.do(0, self.work) is None:
            self.due = now + OWNED_SECS
            return True
        if self.queue.wake_at:
            self.queue.wake_at = self.queue.batch
        self.due = now + self._flush_secs
        if self.retry.error:
            self.due = min(self.due, self.retry.at) if self._tasks else self.retry.at
        return True

    def work(self, urgent: bool = False) -> bool:
        """One pass over the queue. Returns whether the log took everything."""
        if self._leaving is not None:
            self._end_now(self._leaving)
            return False
        if self.retry.error and not urgent and not self._tasks and time.monotonic() < self.retry.at:
            return False
        try:
            if self.queue.taken[1] is None and self.log.pending:
                self.log.write()
            while len(self.queue):
                self._take()
        except BaseException as error:  # nothing ends the thread: it serves all writers
            if self._foreign(error):
                raise
            self._failed(error)
            return False
        self.queue.settle()
        self.retry.recovered()
        self._stalled = self.queue.dropping = False
        return True

    def _take(self) -> None:
        """Bring some items from the queue into the log.

        Each step can be repeated: an exception from a signal handler may come after any of them.
        """
        queue = self.queue
        if not queue.taken[0]:
            queue.cut()
        items, encoded = queue.taken
        if encoded is None:
            encoded = self._encoded(items)
            queue.taken = items, encoded
        records, count, nbytes = encoded
        log = self.log
        if not count:
            self._step(items[0])
            count, nbytes = 1, items[0].nbytes
        elif not log.pending:  # earlier records are written, so these were not appended yet
            log.append(records)
        queue.count_gone(nbytes)
        queue.taken = items[count:], None
        log.write()
        self.progress = time.monotonic()
        if log.notice:
            self.note(log.notice)
            log.notice = ""

    def _encoded(self, items: List[Any]) -> Encoded:
        """The records of the first of `items`. One that can't be encoded is left out."""
        busy = worker if get_ident() in worker.idents else self
        busy.encoding = True
        try:
            while True:
                try:
                    return self._encode(items)
                except PartlyEncoded as partly:
                    for one in partly.errors:
                        self._leave_out(one)
                    return partly.encoded
                except BaseException as error:
                    if self._foreign(error):
                        raise
                    if len(items) == 1:
                        self._leave_out(error)
                        return [], 1, getattr(items[0], "nbytes", 0)
                    items = items[:len(items) // 2]
        finally:
            busy.encoding = False

    def _leave_out(self, error: BaseException) -> None:
        self.note(f"a value could not be encoded and is left out: {self._text_of(error)}")

    def _step(self, step: Any) -> None:
        """Run a step. OSError where it is to be tried again."""
        trouble: Optional[BaseException] = None
        try:
            step.run()
        except SyncError as error:
            trouble = error
        except OSError:
            raise
        except BaseException as error:
            if self._foreign(error):
                raise
            trouble = error
        if trouble is not None and step not in self._tasks:
            self.note(f"{self.log.directory}: {self._text_of(trouble)}")
        step.finish(trouble)

    def _foreign(self, error: BaseException) -> bool:
        """Whether an exception may come from a signal handler of the caller: it is raised there and
        the item is tried again by the thread."""
        if get_ident() in worker.idents or isinstance(error, Exception) and not of_signal(error):
            return False
        self.queue.interrupted = True
        return True

    def _text_of(self, error: BaseException) -> str:
        """The name and text of an error; of an OSError the text, which says all; the name alone
        where the text raises itself."""
        name = _NAME.__get__(type(error))
        try:
            return str(error) if isinstance(error, OSError) else f"{name}: {error}"
        except BaseException as second:
            if self._foreign(second):
                raise
            return str(name)

    def _failed(self, cause: BaseException) -> None:
        text = self._text_of(cause)
        mute = text == _NAME.__get__(type(cause))  # many places show its text
        error = cause if isinstance(cause, OSError) and not mute else OSError(text)
        retry = self.retry
        retry.failed(error, f"{self.log.directory}: {error}; values are kept "
                            f"(up to {self.queue.max_buffer >> 20} MiB) and tried again")
        if retry.outage:
            self.queue.wake_at = 0
        for task in list(self._tasks):
            if not task.patient:
                task.finish(error)

    def note(self, text: str) -> None:
        """Let the next call issue a warning."""
        self.retry.note(text)
        self.queue.wake_at = 0

    def _end_now(self, task: Task) -> None:
        try:
            self.log.close()
        except OSError:
            pass  # the error that led here was raised, or printed
        self._leaving = None
        task.finish()

    def _leave(self) -> None:
        try:
            self.log.close()
        except SyncError as error:
            show(str(error))  # no later call could report it
        worker.leave(self)
