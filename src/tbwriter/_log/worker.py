"""The one background thread of a process, the end of the program, and the fork.

The thread serves channels (`channel` has the rules). It starts with the first item and ends after
some idle seconds. While a call to one channel's storage does not return, the thread can do nothing
else: then the next caller that needs it starts another thread in its place (`relieve`), and the
first one ends when its call returns. If there are several log directories, a second thread does
the same while no caller comes (`_watch`). Channels that wait for a network are flushed at the
same time (`assist`).

The thread imports modules only `with loading`, for which a fork waits (see `_loading`). What others
import to encode a value is imported by the call that adds it.

A program ends in three steps, and each may bring further values:

1. The main thread returns. Other threads may continue for hours: nothing changes for them.
   `threading._register_atexit` calls us before thread pools close, which object stores need.
2. The functions of `atexit` run, ours last of those registered since this module was imported.
   From then on a call waits until its value is written (`awaited`).
3. The interpreter is finalized: threads stop where they are, and a call does the work itself.

All waiting in these steps together takes at most EXIT_SECS.
"""
from __future__ import annotations

import atexit
import os
import sys
import threading
import time
from _thread import LockType, allocate_lock, get_ident, start_new_thread
from _weakrefset import WeakSet  # which `threading` loads; `weakref` takes 0.5 ms more
from functools import lru_cache
from types import FrameType
from typing import TYPE_CHECKING, Any, Callable, List, Optional, Sequence, Set, Tuple

from .queue import Task
from .._foreign import let_signals
from .._memory import free_unused
from .._warnings import show

if TYPE_CHECKING:
    from .contract import Served, Work

IDLE_SECS = 5.0     # the thread ends after this time without work
EXIT_SECS = 5.0     # how long the end of the program may wait for the storage
_GRACE_SECS = 0.25  # how long it may wait for files to be cut after their last whole record
_POOL_SECS = 1.0    # how long a call in a worker of a pool waits for its value to be written
STUCK_SECS = 0.25   # how long the thread may be in one channel while others need it
_START_SECS = 1.0   # after so long without running, another thread is started in its place
_MOST_THREADS = 8   # the thread, those that take its place, and those that assist
_NEVER = float("-inf")  # before any time: tests of programs let clocks stand still at 0


class Worker:
    """The thread.

    idents: its identity while it runs, and those of the threads that are blocked or assist.
    encoding: whether it encodes. over: whether the program has reached its second step.
    """

    def __init__(self) -> None:
        self._all: "WeakSet[Served]" = WeakSet()  # also closed ones, which may be opened again
        self.reset()

    def reset(self) -> None:
        """The state of a process without the thread."""
        self.idents: Set[int] = set()
        self.encoding = False
        self.over = False
        self._stays = False     # whether it no longer ends when it is idle
        self._pooled: Optional[bool] = None  # whether this process is a worker of a pool
        self._left = EXIT_SECS
        self._fork_secs = EXIT_SECS
        self._channels: Set[Served] = set()
        self._bell = allocate_lock()
        self._bell.acquire()
        self._running = allocate_lock()  # another one for each thread that takes the place
        self._starting = _NEVER  # when it was started, while it does not run yet
        self._entered = 0.0     # when the thread began to serve a channel; 0 between them
        self._watching = False
        self._hooked = False

    def serve(self, channel: Served) -> bool:
        """Make the thread look at `channel` now. False if no thread can be started."""
        self._channels.add(channel)
        try:
            self._bell.release()
        except RuntimeError:  # rung before, and not yet heard
            pass
        self.relieve()
        if not self._running.locked() and time.monotonic() - self._starting > _START_SECS:
            if not self._hooked:
                self.hook()
            try:
                self._starting = time.monotonic()
                # If two threads are started, the second ends immediately.
                if not _start(self._run):
                    self._starting = _NEVER
                    return False
            except BaseException:  # it may have been started or not
                self._starting = _NEVER
                raise
        return True

    def relieve(self) -> None:
        """Replace a thread that is blocked in a channel, so that the other channels are served."""
        now = time.monotonic()
        if not self._entered or now - self._entered <= STUCK_SECS or \
                len(self.idents) >= _MOST_THREADS:
            return
        self._entered = now  # no sooner again
        if _start(self._take_place, self._running) and not self._watching:
            self._watching = _start(self._watch)

    def assist(self, channels: Sequence[Served]) -> None:
        """Serve channels that wait for a network at the same time, if there are several."""
        for _ in range(min(len(channels), _MOST_THREADS - len(self.idents)) - 1):
            if not _start(self._assist, channels):
                return

    def join(self, channel: Served) -> None:
        self._all.add(channel)
        self._channels.add(channel)

    def leave(self, channel: Served) -> None:
        self._channels.discard(channel)

    @property
    def pooled(self) -> bool:
        """Whether this process is a worker of a pool, which is ended by SIGTERM."""
        if self._pooled is None:
            self._pooled = _is_pooled()
        return self._pooled

    def awaits(self, flush_secs: float) -> bool:
        """Whether a call should wait until its value is written, since there may be no later
        chance: in the second step, and in a worker of a pool. There a storage that is written
        seldom (an object store) is written when a writer is closed or dropped."""
        return self.over or _in_exit_function() or self.pooled and flush_secs <= _POOL_SECS

    def patience(self) -> float:
        """How long such a call may wait."""
        return _POOL_SECS if self._pooled and not self.over else self._left

    def spent(self, seconds: float) -> None:
        if self.over or not self._pooled:
            self._left = max(self._left - seconds, 0.0)

    def hook(self) -> None:
        """Register for the first step of the end.

        `threading._register_atexit` is private, hence the guard; after the main thread has returned
        it raises RuntimeError. A child of multiprocessing leaves without atexit.
        """
        try:
            threading._register_atexit(self.main_returned)  # type: ignore[attr-defined]
        except (AttributeError, RuntimeError):
            self._stays = not threading.main_thread().is_alive()
        processes = sys.modules.get("multiprocessing.process")
        if processes is not None and processes.parent_process() is not None:
            from multiprocessing.util import Finalize
            Finalize(None, self.at_exit, exitpriority=100)
        self._hooked = True  # last: twice does no harm

    def main_returned(self) -> None:
        """The first step: write what is queued. The thread stays, since others may log."""
        self._stays = True
        self._finish(2 * _GRACE_SECS)  # the rest is tried again, and reported, in the second step

    def at_exit(self) -> None:
        """The second step: write what is queued, and let later calls wait for theirs."""
        self._stays = True
        failed = self._finish()
        self.over = True
        channels = list(self._channels)
        for channel in channels:
            channel.queue.wake_at = 0
        if not failed and any([len(channel.queue) for channel in channels]):
            failed = self._finish()  # what daemon threads have added until now
        for channel, error in failed[:3]:
            _print(f"tbwriter: {error}; {len(channel.queue)} items and {channel.log.pending} bytes "
                   "were not written")
        if len(failed) > 3:
            _print(f"tbwriter: the same of {len(failed) - 3} other runs")

    def before_fork(self) -> None:
        """Begin the runs that have not begun: TensorBoard reads a file of the child after theirs,
        and a START that came later, in a file with a later name, would purge the child's values."""
        starting = [channel for channel in list(self._all) if channel.queue.starting]
        if starting:
            failed = settle([(channel, None) for channel in starting], self._fork_secs, False)
            # A storage that hangs is waited for once.
            self._fork_secs = STUCK_SECS if failed else EXIT_SECS

    def after_fork(self) -> None:
        """In a child: forget the parent's thread, queues and files. The child gets its own when it
        logs."""
        self.reset()
        for channel in list(self._all):
            channel.abandon()

    def _finish(self, reserved: float = 0.0) -> "List[Tuple[Served, Exception]]":
        """Write what is queued; cut files that cannot be completed after their last whole record.
        Returns the channels that have something left. reserved: the seconds for a later step."""
        start = time.monotonic()
        channels = list(self._channels)
        failed = settle([(channel, None) for channel in channels],
                        max(self._left - _GRACE_SECS - reserved, _GRACE_SECS), True)
        for channel in channels:
            for text in channel.retry.take() if channel.retry.error is None else []:
                show(text)
        deadline = time.monotonic() + _GRACE_SECS
        for task in [channel.end_whole() for channel, _ in failed]:
            if self.serve(failed[0][0]):
                task.wait(max(deadline - time.monotonic(), 0.0))
        self._left = max(self._left - (time.monotonic() - start), 0.0)
        return failed

    def _run(self) -> None:
        running = self._running
        while running.acquire(False):
            self._starting = _NEVER
            self.idents.add(get_ident())
            try:
                self._loop(running)
            finally:
                self.idents.discard(get_ident())
                running.release()
            if self._running is not running:
                return  # another thread has the place
            for free in free_unused:
                free()
            # A caller that appended while the thread was about to end saw it running.
            if not any(channel.active for channel in list(self._channels)):
                return
        self._starting = _NEVER

    def _take_place(self, stuck: LockType) -> None:
        if self._running is stuck and stuck.locked():
            self._running = allocate_lock()
            self._run()

    def _watch(self) -> None:
        """Replace a blocked thread even while no caller comes."""
        time.sleep(STUCK_SECS)
        while len(self.idents) > 1 or self.idents and _are_apart(list(self._channels)):
            self.relieve()
            time.sleep(STUCK_SECS)
        self._watching = False

    def _assist(self, channels: Sequence[Served]) -> None:
        self.idents.add(get_ident())
        try:
            for channel in channels:
                channel.serve(time.monotonic())
        finally:
            self.idents.discard(get_ident())

    def _loop(self, running: LockType) -> None:
        idle_since = time.monotonic()
        while True:
            now = time.monotonic()
            channels = list(self._channels)
            if not self._watching and _are_apart(channels):
                self._watching = _start(self._watch)
            next_due = min((channel.due for channel in channels if channel.active),
                           default=now + IDLE_SECS)
            rung = self._bell.acquire(timeout=min(max(next_due - now, 0.0), IDLE_SECS))
            now = time.monotonic()
            for channel in self._by_progress():
                if not (rung or channel.due <= now):
                    continue
                self._entered = time.monotonic()
                if channel.serve(now):
                    idle_since = now
                elif channel.queue.wake_at and channel.due <= now:
                    channel.queue.wake_at = 0  # it sleeps: from now on an append wakes it
                    if channel.queue.items:
                        channel.serve(now)
                if self._running is not running:
                    return
                self._entered = 0.0
            if now - idle_since >= IDLE_SECS and not self._stays:
                return

    def _by_progress(self) -> "List[Served]":
        """The channels. While threads are blocked, those written most recently come first, since
        there are fewer threads than channels that may block."""
        channels = list(self._channels)
        if len(self.idents) > 1:
            channels.sort(key=lambda channel: channel.progress, reverse=True)
        return channels


def settle(jobs: Sequence[Tuple[Served, Work]], timeout: float, patient: bool
           ) -> List[Tuple[Served, Exception]]:
    """Wait, by one deadline, until all queued items of the channels are written and the work of
    each is done. Returns the channels that are not finished, each with its error.
    """
    deadline = time.monotonic() + timeout
    tasks: List[Tuple[Served, Task]] = []
    failed: List[Tuple[Served, Exception]] = []
    try:
        for channel, work in jobs:
            task = channel.begin(work, patient)
            if task is not None:
                tasks.append((channel, task))
        worker.assist([channel for channel, _ in tasks if channel.log.remote])
        for channel, task in tasks:
            try:
                channel.wait(task, deadline)
            except Exception as error:
                let_signals(error)
                failed.append((channel, error))
    finally:
        for channel, task in tasks:
            channel.end(task)
    return failed


def flush_all(jobs: Sequence[Tuple[Served, Work]], timeout: float, patient: bool = False) -> None:
    """Flush several channels and do the work of each, by one deadline. Raises the first error."""
    _raise_first(settle(jobs, timeout, patient))
    _report([channel for channel, _ in jobs])


def close_all(channels: Sequence[Served], timeout: float) -> None:
    """Flush and close several logs by one deadline. Raises the first error."""
    failed = settle([(channel, channel.log.close) for channel in channels], timeout, True)
    left = {id(channel) for channel, _ in failed}
    for channel, _ in failed:
        channel.end_whole()
        worker.serve(channel)
    for channel in channels:
        if id(channel) not in left:
            try:
                worker.leave(channel)
            finally:
                channel.queue.wake_at = 0
            if channel.queue.items:  # another thread continues
                worker.serve(channel)
    _raise_first(failed)
    _report(channels)


def _raise_first(failed: Sequence[Tuple[Served, Exception]]) -> None:
    """Raise the first of the errors that `settle` has returned, in place of the warnings."""
    for channel, _ in failed:
        channel.retry.tell()
    for _, error in failed:
        raise error


def _report(channels: Sequence[Served]) -> None:
    for channel in channels:
        if channel.retry.outage or channel.retry.notices:
            channel.report()


def _are_apart(channels: Sequence[Served]) -> bool:
    """Whether there are several log directories, none of them below another: those may be on
    different disks."""
    directories = [channel.log.directory for channel in channels]
    top = min(directories, key=len, default="")
    return any(not directory.startswith(top) or directory[len(top):len(top) + 1] not in "/\\"
               for directory in directories)


def _start(function: Callable[..., None], *args: Any) -> bool:
    """Start a thread. Not a threading.Thread, whose start() waits and takes locks: a signal handler
    that logs may interrupt it. False if no thread can be started."""
    if _in_subinterpreter():
        return False
    try:
        start_new_thread(function, args)
    except RuntimeError:  # none left, or the interpreter ends
        return False
    return True


@lru_cache(maxsize=None)
def _in_subinterpreter() -> bool:
    """Whether this is a subinterpreter of Python 3.12 or later: the process aborts if a thread
    outlives it. Python 3.11 starts no threads there."""
    try:
        interpreters: Any
        if sys.version_info >= (3, 13):
            import _interpreters as interpreters
        elif sys.version_info >= (3, 12):
            import _xxsubinterpreters as interpreters
        else:
            return False
        current, main = interpreters.get_current(), interpreters.get_main()
    except Exception:  # private to Python
        return False
    return bool(current != main)


def _is_pooled() -> bool:
    """Whether this is a daemonic child of multiprocessing: such a child is ended by SIGTERM, by
    its pool or by its parent when that ends."""
    processes = sys.modules.get("multiprocessing.process")
    return processes is not None and processes.parent_process() is not None \
        and bool(processes.current_process().daemon)


def _in_exit_function() -> bool:
    """Whether a function of `atexit` is the caller: the main thread has returned, but runs this."""
    main = threading.main_thread()
    return main.ident == get_ident() and (
        not main.is_alive() or time.monotonic() < _late_until)


def _called_from_c() -> bool:
    """Whether no module's own code is on the stack: so it is in a function of `atexit`, and in the
    callbacks of a program that embeds Python."""
    frame: Optional[FrameType] = sys._getframe()
    name = ""
    while frame is not None:
        name, frame = frame.f_code.co_name, frame.f_back
    return name not in ("<module>", "_run_module_as_main")


def _print(text: str) -> None:
    try:
        sys.stderr.write(text + "\n")
    except Exception:  # no stderr, or a closed one
        pass


# Functions registered by an exit function are not called, and `threading`, if first imported there,
# believes that the main thread is alive. So if this module is imported from C, calls wait for a
# while.
_late_until = time.monotonic() + 2 * EXIT_SECS if _called_from_c() else 0.0

worker = Worker()
atexit.register(worker.at_exit)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=worker.before_fork, after_in_child=worker.after_fork)
