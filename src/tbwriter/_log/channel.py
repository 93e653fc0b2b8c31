"""From the call to the disk: the one background thread of a process, and a queue for each writer.

A call appends to its writer's queue and goes on; appending to a list is atomic, so threads, signal
handlers and `__del__` may do it anywhere. The thread takes what has come, has it encoded, and
writes it in one piece. It knows nothing of what it carries.

What holds for whoever changes this file:

1. The thread takes no lock that a caller may hold. So a caller that waits for it, be it a signal
   handler in the middle of another call, never waits for itself.
2. Only who holds a channel's `_busy` takes from its queue and touches its log.
3. First append, then look whether to wake the thread; the thread first says that it sleeps, then
   looks at the queue. So nothing is left lying.
4. A forked child starts with empty queues and no thread: what was queued is the parent's.
5. A signal handler may raise wherever a function of Python begins or one of C ends. So a lock is
   acquired inside the `try` that releases it, in one call; an RLock knows whether it was acquired.
"""
from __future__ import annotations

import atexit
import os
import sys
import threading
import time
from _thread import allocate_lock, get_ident, start_new_thread
from typing import Any, Callable, List, Optional, Set, Tuple
from weakref import WeakSet

from .contract import Log, SyncError
from .._parts import Parts
from .._warnings import warn

BATCH = 8192        # so many items wake the thread before its time
MUCH = 1 << 20      # and so do so many bytes of heavy ones
ROW_COST = 96       # bytes that a queued scalar takes: its row, the object around it, its place
IDLE_SECS = 5.0     # the thread ends after so long without work
EXIT_SECS = 5.0     # how long the end of the program may wait for the storage
STALL_SECS = 1.0    # how long a full queue may wait for a storage that does not move
FIRST_BACKOFF, LAST_BACKOFF = 0.1, 2.0


Encoded = Tuple[Parts, int, int]


class Task:
    """A queued piece of work that is done on the thread when all before it is written."""

    __slots__ = ("_work", "_done", "error", "patient")
    nbytes = 0

    def __init__(self, work: Optional[Callable[[], None]] = None, patient: bool = False) -> None:
        self._work = work
        self._done = allocate_lock()
        self._done.acquire()
        self.error: Optional[BaseException] = None
        self.patient = patient  # waits through failures until its time is over

    def run(self) -> None:
        """Do the work; an OSError goes to the caller, who tries again where that helps."""
        try:
            if self._work is not None:
                self._work()
        except SyncError as error:
            self.finish(error)
        except OSError:
            raise
        except Exception as error:
            warn(f"something could not be written: {type(error).__name__}: {error}")
            self.finish(error)
        else:
            self.finish()

    def finish(self, error: Optional[BaseException] = None) -> None:
        self.error = error
        try:
            self._done.release()
        except RuntimeError:  # finished before
            pass

    def wait(self, timeout: float) -> bool:
        return self._done.acquire(timeout=timeout) if timeout > 0 else self._done.acquire(False)


class Channel:
    """One writer's way to its log.

    items: the queue. A caller appends, and calls `wake()` if its length has reached `limit`.
    encode: called with a run of items; gives the records of some of them, from the first on, how
        many items those were, and the sum of their `nbytes`; ([], 0, 0) where the first one is a
        Task. Raises nothing.
    """

    def __init__(self, log: Log, encode: Callable[[List[Any]], Encoded],
                 flush_secs: float,
                 max_buffer: int, *, asynchronous: bool = True, strict: bool = False) -> None:
        self.items: List[Any] = []
        self.limit = 0
        self.log = log
        self.error: Optional[OSError] = None
        self.dropped = 0
        self.encoding = False
        self.max_buffer = max_buffer
        self._batch = min(BATCH, max(max_buffer // (8 * ROW_COST), 1))
        self._encode = encode
        self._flush_secs = flush_secs
        self._asynchronous = asynchronous
        self._strict = strict
        self._busy = threading.RLock()
        self._cutting = threading.RLock()  # while items leave the queue at one of its ends
        self._owner = 0
        self._draining: Set[int] = set()  # threads that do the work in the call, or wait to
        # What has left the queue and is not yet all in the log, and the records of its first items.
        self._taken: Tuple[List[Any], Optional[Encoded]] = ([], None)
        # Bytes of heavy items: what came (counted by callers), what is done (by the owner).
        self._came = 0
        self._gone = 0
        self._counting = threading.RLock()
        self._tasks: List[Task] = []
        self._notice = ""
        self._told_drops = False
        self._progress = 0.0
        self._backoff = 0.0
        self._retry_at = 0.0
        self._given_up = False
        self.due = 0.0
        _worker.join(self)
        _all.add(self)

    # The caller's side.

    @property
    def crowded(self) -> bool:
        """Whether so much waits to be encoded that the caller had better do it itself."""
        return self._came - self._gone > self.max_buffer // 8

    def put(self, item: Any) -> None:
        """Queue a heavy item, one with `nbytes`; dropped and counted where the storage stands
        still and the buffer is full. One that is larger than the buffer waits until it is empty."""
        nbytes = item.nbytes
        with self._counting:
            fits = self._came + nbytes - self._gone <= self.max_buffer
            if fits:
                self._came += nbytes
        if not fits and not self._room(lambda: self._enters(nbytes)):
            self._drop()
            return
        items = self.items
        items.append(item)
        if len(items) >= self.limit or self._came % MUCH < nbytes:
            self.wake()

    def wake(self) -> None:
        """What a call does when its append has reached the limit."""
        if self._notice:
            self._warn()
        if self._synchronous:
            if not self._written_through():
                _worker.join(self)
                self._drain_here()
            return
        if self._full:
            # Full of scalars: rows are dropped one by one, the newest first.
            if not self._room(lambda: not self._full):
                self._drop_newest()
        else:
            self.limit = len(self.items) + self._batch
        try:
            _worker.serve(self)
        except BaseException:
            self.limit = 0  # maybe it was not woken
            raise

    def flush(self, timeout: float, work: Optional[Callable[[], None]] = None,
              patient: bool = False) -> None:
        """Return when all that was queued before is written and `work` is done.

        Raises the OSError that stands in the way, TimeoutError after `timeout` seconds. Patient:
        goes on trying until then.
        """
        if self._inside:
            return  # the work goes on by itself
        task = Task(work, patient)
        deadline = time.monotonic() + timeout
        try:
            self._tasks.append(task)
            self.items.append(task)
            while True:
                left = max(deadline - time.monotonic(), 0.0)
                if self._synchronous or not _worker.serve(self):
                    self._drain_here(left, urgent=True)
                    left = min(left, FIRST_BACKOFF)
                if task.wait(left):
                    break
                if time.monotonic() >= deadline:
                    raise self.error or TimeoutError(
                        f"{self.log.directory}: not written within {timeout} s; it is kept "
                        "and tried again")
            if task.error:
                raise task.error
        except OSError:
            self._notice = ""  # told by the exception
            raise
        finally:
            if task in self._tasks:
                self._tasks.remove(task)
        if self._notice:
            self._warn()

    def close(self, timeout: float) -> None:
        """Flush, trying until `timeout`, and close the log; an item put later opens a new file."""
        try:
            self.flush(timeout, self.log.close, patient=True)
        except OSError:
            self._leave_whole()
            raise
        try:
            _worker.leave(self)
        finally:
            self.limit = 0
        if self.items:  # another thread goes on
            self.wake()

    def close_soon(self) -> None:
        """`close()` without waiting: for a writer that nobody holds any more."""
        self.items.append(Task(self._leave))
        if self._synchronous or not _worker.serve(self):
            self._drain_here()

    def _leave(self) -> None:
        try:
            self.log.close()
        except SyncError as error:
            warn(str(error))
        _worker.leave(self)

    def abandon(self) -> None:
        """Forget everything, in a forked child: it belongs to the parent."""
        self.items.clear()
        self._taken = ([], None)
        self._tasks.clear()
        self.limit = 0
        self._busy = threading.RLock()
        self._cutting = threading.RLock()
        self._owner = 0
        self._draining = set()
        self.encoding = False
        self._counting = threading.RLock()
        self._came = self._gone = 0
        self.error = None
        self.log.detach()

    def give_up(self) -> None:
        """Let no later call wait for the storage: the program ends."""
        self._given_up = True
        self._leave_whole()

    def _leave_whole(self) -> None:
        """Close a file that does not take its rest, so that it ends with a whole record."""
        try:
            if self._busy.acquire(timeout=0.05):
                self.log.close()
        except OSError:
            pass  # the caller raises or tells the error that led here
        finally:
            try:
                self._busy.release()
            except RuntimeError:  # not taken
                pass

    @property
    def active(self) -> bool:
        """Whether the thread has to look at it by itself."""
        return bool(self.limit or self.waiting or self.log.pending)

    @property
    def waiting(self) -> int:
        """How many items are not yet in the log."""
        return len(self.items) + len(self._taken[0])

    @property
    def _synchronous(self) -> bool:
        return not self._asynchronous or _worker.over

    @property
    def _full(self) -> bool:
        return max(self._came - self._gone, 2 * ROW_COST * self.waiting) > self.max_buffer

    def _enters(self, nbytes: int) -> bool:
        """Count so many bytes more, if there is room for them, or nothing else there."""
        with self._counting:
            waiting = self._came - self._gone
            fits = not waiting or waiting + nbytes <= self.max_buffer or self._inside
            if fits:
                self._came += nbytes
            return fits

    def _room(self, entered: Callable[[], bool]) -> bool:
        """Wait until `entered()`; False once the storage has stood still for too long."""
        if self._inside:
            return True
        moved = time.monotonic()
        if self.error or (self._told_drops and self._progress < moved - STALL_SECS):
            return False
        _worker.serve(self)
        pending = self.log.pending
        while not entered():
            now = time.monotonic()
            # A large record takes its time to encode, and to be written piece by piece.
            if _worker.encoding or self.encoding or self.log.pending != pending:
                moved, pending = now, self.log.pending
            if self.error or now - max(moved, self._progress) > STALL_SECS:
                return False
            time.sleep(0.001)
        return True

    @property
    def _inside(self) -> bool:
        """Whether the caller is a finalizer or signal handler inside the work itself."""
        return get_ident() in (self._owner, _worker.ident)

    def _drop_newest(self) -> None:
        row = False
        try:
            # Who does not get the lock keeps its row: nobody waits here.
            if self._cutting.acquire(False) and self.items and type(self.items[-1]) is bytes:
                row = True
                self.items.pop()
        finally:
            try:
                self._cutting.release()
            except RuntimeError:
                pass
        if row:
            self._drop()

    def _drop(self) -> None:
        self.dropped += 1
        if not self._told_drops:
            self._told_drops = True
            self._notice = (f"{self.log.directory}: the storage does not take what is logged and "
                            f"{self.max_buffer >> 20} MiB wait; what is added now is dropped")
            self._warn()

    def _warn(self) -> None:
        notice, self._notice = self._notice, ""
        if self.limit == 0:
            self.limit = self._batch
        if notice:
            if self._strict and self.error:
                raise self.error
            warn(notice)

    def _written_through(self) -> bool:
        """The short way of a synchronous writer, where nobody else is at work and nothing waits or
        is wrong. Returns whether that was so, and all is written."""
        me = get_ident()
        if self.error or me == self._owner or self._taken[0] or self.log.pending:
            return False
        try:
            if not self._busy.acquire(False):
                return False
            self._owner = me
            if self.items:  # a signal handler may have written them until now
                self._take()
        except OSError as error:
            self._failed(error)
            return False
        except Exception:  # it is met again, and told, on the long way
            return False
        finally:
            if self._owner == me:
                self._owner = 0
            try:
                self._busy.release()
            except RuntimeError:
                pass
        return not (self.waiting or self._notice)

    def _drain_here(self, timeout: float = EXIT_SECS, urgent: bool = False) -> None:
        """Do the thread's work in this one."""
        me, draining = get_ident(), self._draining
        if me == self._owner or me in draining and not urgent:
            return  # a signal handler or finalizer inside the work: the outer call goes on
        try:
            draining.add(me)
            while not self._given_up:
                try:
                    # Also where nothing is queued: another thread may be about to write what was.
                    if not self._busy.acquire(timeout=timeout):
                        return
                    self._owner = me
                    done = self.work(urgent)
                finally:
                    if self._owner == me:
                        self._owner = 0
                    try:
                        self._busy.release()
                    except RuntimeError:
                        pass
                if not done:
                    if self._strict and self.error and not urgent:
                        raise self.error
                    if self._notice and not urgent:
                        self._warn()
                    return
                if not (self.waiting or self.log.pending):
                    break
        finally:
            draining.discard(me)
        if self.items and not self._given_up:  # from a signal handler, just before the end
            self._drain_here(timeout, urgent)

    # The thread's side: only who holds `_busy`.

    def serve(self, now: float) -> bool:
        """Take and write what has come. Returns whether there was anything."""
        if not (self.waiting or self.log.pending):
            return False
        if not self._busy.acquire(False):
            return True
        try:
            self._owner = get_ident()
            self.work()
        finally:
            self._owner = 0
            self._busy.release()
        if self.limit:
            self.limit = self._batch
        self.due = now + self._flush_secs
        if self.error:
            self.due = min(self.due, self._retry_at) if self._tasks else self._retry_at
        return True

    def work(self, urgent: bool = False) -> bool:
        """One pass over the queue. Returns whether the log took everything."""
        if self.error and not urgent and not self._tasks and time.monotonic() < self._retry_at:
            return False
        try:
            if self._taken[1] is None and self.log.pending:
                self.log.write()
            while self.waiting:
                self._take()
        except OSError as error:
            self._failed(error)
            return False
        except Exception as error:  # nothing ends the thread
            self._failed(OSError(f"{type(error).__name__}: {error}"))
            return False
        self._recovered()
        return True

    def _take(self) -> None:
        """Bring some items from the queue into the log.

        Each step can be repeated: an exception from a signal handler may come behind any of them.
        """
        if not self._taken[0]:
            self._cut()
        items, encoded = self._taken
        if encoded is None:
            busy = _worker if get_ident() == _worker.ident else self
            busy.encoding = True
            try:
                encoded = self._encode(items)
                self._taken = items, encoded
            finally:
                busy.encoding = False
        records, count, nbytes = encoded
        if not count:
            items[0].run()
            count = 1
        elif not self.log.pending:  # all before is written: so these are not yet there
            self.log.append(records)
        self._gone += nbytes
        self._taken = items[count:], None
        self.log.write()
        self._progress = time.monotonic()
        if self.log.notice:
            self._tell(self.log.notice)
            self.log.notice = ""

    def _cut(self) -> None:
        """Take the first items off the queue."""
        try:
            while not self._cutting.acquire(False):
                time.sleep(0)  # no blocking: rule 1
            items = self.items[:4 * BATCH]
            count = len(items)
            self._taken = items, None
            del self.items[:count]
        finally:
            try:
                self._cutting.release()
            except RuntimeError:
                pass

    def _failed(self, error: OSError) -> None:
        if not self.error:
            self._tell(f"{self.log.directory}: {error}; what is logged is kept "
                       f"(up to {self.max_buffer >> 20} MiB) and tried again")
        self.error = error
        self._backoff = min(self._backoff * 2 or FIRST_BACKOFF, LAST_BACKOFF)
        self._retry_at = time.monotonic() + self._backoff
        for task in list(self._tasks):
            if not task.patient:
                task.finish(error)

    def _tell(self, notice: str) -> None:
        """Let the next call warn: a warning belongs to the program's own thread."""
        self._notice = notice
        self.limit = 0

    def _recovered(self) -> None:
        if not self.items:
            self._gone = self._came  # one who was interrupted may have counted and not queued
        self.error = None
        self._backoff = 0.0
        self._told_drops = False


class _Worker:
    """The thread. It starts with the first item and ends after a while without any."""

    def __init__(self) -> None:
        self.ident = 0
        self.encoding = False
        self.over = False  # the program ends: calls do the work themselves
        self._channels: Set[Channel] = set()
        self._bell = allocate_lock()
        self._bell.acquire()
        self._running = allocate_lock()
        self._starting = False
        self._hooked = False

    def serve(self, channel: Channel) -> bool:
        """See to it that the thread looks at `channel` now. False where no thread can be had."""
        self._channels.add(channel)
        try:
            self._bell.release()
        except RuntimeError:  # it has been rung and not yet heard
            pass
        if not self._running.locked() and not self._starting:
            if not self._hooked:
                self.hook()
            try:
                self._starting = True
                # Not a threading.Thread: its start() waits and takes locks, and a signal handler
                # that logs may come in between. Of two threads started at once, one ends at once.
                start_new_thread(self._run, ())
            except RuntimeError:  # none left, or the interpreter ends
                self._starting = False
                return False
            except BaseException:  # it may have been started or not
                self._starting = False
                raise
        return True

    def join(self, channel: Channel) -> None:
        self._channels.add(channel)

    def leave(self, channel: Channel) -> None:
        self._channels.discard(channel)

    def hook(self) -> None:
        """Register what happens at the end of the program.

        `threading._register_atexit` runs before thread pools close, which object stores still
        need; plain atexit would be too late for them. It is private, hence the guard.
        """
        try:
            threading._register_atexit(_at_exit)  # type: ignore[attr-defined]
        except (AttributeError, RuntimeError):
            atexit.register(_at_exit)
        # A child of multiprocessing leaves without atexit.
        processes = sys.modules.get("multiprocessing.process")
        if processes is not None and processes.parent_process() is not None:
            from multiprocessing.util import Finalize
            Finalize(None, _at_exit, exitpriority=100)
        self._hooked = True  # last: twice does no harm

    def _run(self) -> None:
        while self._running.acquire(False):
            self._starting = False
            self.ident = get_ident()
            try:
                self._loop()
            finally:
                self.ident = 0
                self._running.release()
            # Who appended while the thread was about to end saw it running.
            if not any(channel.active for channel in list(self._channels)):
                return
        self._starting = False

    def _loop(self) -> None:
        idle_since = time.monotonic()
        while True:
            now = time.monotonic()
            next_due = min((channel.due for channel in list(self._channels) if channel.active),
                           default=now + IDLE_SECS)
            rung = self._bell.acquire(timeout=min(max(next_due - now, 0.0), IDLE_SECS))
            now = time.monotonic()
            for channel in list(self._channels):
                if not (rung or channel.due <= now):
                    continue
                if channel.serve(now):
                    idle_since = now
                elif channel.limit and channel.due <= now:
                    channel.limit = 0  # it sleeps, from now on an append wakes it
                    if channel.items:
                        channel.serve(now)
            if now - idle_since >= IDLE_SECS:
                return


def _at_exit() -> None:
    """Write what is queued, and let what still comes be written in the call."""
    deadline = time.monotonic() + EXIT_SECS
    for channel in list(_worker._channels):
        try:
            channel.flush(max(deadline - time.monotonic(), 0.01), patient=True)
        except OSError as error:
            print(f"tbwriter: {error}; {channel.waiting} items and {channel.log.pending} bytes "
                  "were not written", file=sys.stderr)
            channel.give_up()
    _worker.over = True
    for channel in list(_worker._channels):
        channel.limit = 0


def _after_fork() -> None:
    """A child's first act: its own thread when it logs, its own files, nothing of the parent's."""
    global _worker
    channels = list(_all)
    _worker = _Worker()
    for channel in channels:
        channel.abandon()


_worker = _Worker()
_all: "WeakSet[Channel]" = WeakSet()  # also those that are closed, and may be opened again
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
