"""The queue and its thread, over a log in memory that fails on request."""
from __future__ import annotations

import errno
import signal
import struct
import threading
import time
import warnings
from types import SimpleNamespace
from typing import Any, Iterator, List, Optional, Tuple, Type

import pytest

from tbwriter._log import channel as module, queue, retry as retries, worker as threads
from tbwriter import LogWarning, _warnings
from tbwriter._log.channel import Channel


class MemoryLog:
    """Keeps the written records; fails or hangs on demand."""

    directory = path = "memory"
    notice = ""
    remote = False

    def __init__(self) -> None:
        self.queued: List[Any] = []
        self.written: List[bytes] = []
        self.error: Optional[OSError] = None
        self.gate = threading.Event()
        self.gate.set()
        self.closed = self.synced = 0

    @property
    def pending(self) -> int:
        return sum(map(len, self.queued))

    def append(self, records: Any) -> None:
        self.queued += records

    def write(self) -> None:
        self.gate.wait()
        while self.queued:
            if self.error:
                raise self.error
            self.written.append(self.queued.pop(0))

    def sync(self) -> None:
        self.synced += 1

    def close(self) -> None:
        self.closed += 1

    def detach(self) -> None:
        self.queued.clear()


class Heavy:
    def __init__(self, data: bytes) -> None:
        self.data = data
        self.nbytes = len(data)


def make(flush_secs: float = 0.02, max_buffer: int = 1 << 20, **options: Any
         ) -> Tuple[Channel, MemoryLog]:
    log = MemoryLog()

    def encode(items: List[Any]) -> queue.Encoded:
        records: Any = []
        nbytes = 0
        for item in items:
            if isinstance(item, queue.Task):
                break
            records.append(item if isinstance(item, bytes) else item.data)
            nbytes += getattr(item, "nbytes", 0)
        return records, len(records), nbytes

    return Channel(log, encode, flush_secs, max_buffer, **options), log  # type: ignore[arg-type]


def add(channel: Channel, item: bytes) -> None:
    """The steps of a writer's add_scalar with its row."""
    channel.queue.items.append(item)
    if len(channel.queue.items) >= channel.queue.wake_at:
        channel.wake()


@pytest.fixture(autouse=True)
def strict_warnings() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("always", LogWarning)
        yield


def wait_for(condition: Any, seconds: float = 5.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "nothing happened"
        time.sleep(0.002)


def test_an_idle_queue_is_written() -> None:
    """An added value is written soon, though nothing more comes."""
    channel, log = make()
    for round_ in range(3):
        add(channel, b"%d" % round_)
        wait_for(lambda: len(log.written) == round_ + 1)
        time.sleep(0.05)  # the channel falls asleep in between
    channel.close(5)


def test_flush_and_close() -> None:
    """flush() returns when all before it is written, close() closes the log then."""
    channel, log = make(flush_secs=1000)
    add(channel, b"1")
    channel.put(Heavy(b"2"))
    channel.flush(5)
    assert log.written == [b"1", b"2"] and not log.closed
    channel.flush(5, log.sync)
    assert log.synced == 1
    add(channel, b"3")
    channel.close(5)
    assert log.written == [b"1", b"2", b"3"] and log.closed == 1


@pytest.mark.parametrize("heavy", [False, True])
def test_an_item_put_while_close_runs(heavy: bool) -> None:
    """A value that another thread adds while close() closes the log is written, without a further
    call."""
    channel, log = make(flush_secs=0.02)
    closing, put = threading.Event(), threading.Event()
    close = log.close

    def slow() -> None:
        closing.set()
        assert put.wait(5)
        close()

    def other() -> None:
        assert closing.wait(5)
        if heavy:
            channel.put(Heavy(b"late"))
        else:
            add(channel, b"late")
        put.set()

    add(channel, b"early")
    log.close = slow  # type: ignore[method-assign]
    thread = threading.Thread(target=other)
    thread.start()
    channel.close(5)
    thread.join()
    wait_for(lambda: log.written == [b"early", b"late"])
    log.close = close  # type: ignore[method-assign]
    channel.close(5)


@pytest.mark.parametrize(("left", "failed", "written"), [
    (5.0, False, True), (0.0, False, True), (5.0, True, True), (0.0, True, False)])
def test_dropped_while_the_interpreter_ends(monkeypatch: pytest.MonkeyPatch, left: float,
                                            failed: bool, written: bool) -> None:
    """A writer that is dropped at the end of the interpreter writes and closes in that call, also
    where the time for the end is over; a storage that has failed is tried again only within it."""
    channel, log = make()
    channel.queue.items.append(b"x")
    if failed:
        channel.retry.failed(OSError("failed"), "failed")
        channel.retry.at = 0.0
    monkeypatch.setattr(module, "sys", SimpleNamespace(is_finalizing=lambda: True))
    monkeypatch.setattr(threads.worker, "patience", lambda: left)
    channel.close_soon()
    assert log.written == ([b"x"] if written else []) and log.closed == written
    assert (channel.retry.error is None) is written
    channel.abandon()
    threads.worker.leave(channel)


def test_a_call_while_the_interpreter_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """No thread runs any more: a call writes what is queued itself, without starting one."""
    channel, log = make()
    monkeypatch.setattr(module, "sys", SimpleNamespace(is_finalizing=lambda: True))
    monkeypatch.setattr(threads.worker, "serve", lambda _: pytest.fail("asked for the thread"))
    add(channel, b"1")
    assert log.written == [b"1"]
    channel.queue.items.append(b"2")
    channel.flush(5)
    assert log.written == [b"1", b"2"] and not log.closed
    channel.close(5)
    assert log.closed == 1


def test_one_thread_for_all() -> None:
    """A hundred channels share one thread, which ends after a while without work."""
    before = threading_tasks()
    channels = [make() for _ in range(100)]
    for channel, _ in channels:
        add(channel, b"x")
    for channel, log in channels:
        channel.flush(5)
        assert log.written == [b"x"]
    assert threading_tasks() <= before + 1
    for channel, _ in channels:
        channel.close(5)


def test_a_thread_that_starts_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """While the thread is on its way, calls start no other."""
    started: List[Any] = []
    monkeypatch.setattr(threads, "start_new_thread", lambda run, _: started.append(run))
    worker = threads.Worker()
    monkeypatch.setattr(module, "worker", worker)
    monkeypatch.setattr(worker, "hook", lambda: None)
    channel, log = make()
    for _ in range(100):
        add(channel, b"x")
        channel.queue.wake_at = 0
    assert len(started) == 1
    thread = threading.Thread(target=started[0], daemon=True)
    thread.start()
    wait_for(lambda: len(log.written) == 100)
    channel.close(5)


def test_a_thread_that_never_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another one is started after a while: gevent starts some that do not."""
    started: List[Any] = []

    def start(run: Any, arguments: Any) -> None:
        started.append(run)
        if len(started) > 1:
            threading.Thread(target=run, daemon=True).start()

    monkeypatch.setattr(threads, "start_new_thread", start)
    monkeypatch.setattr(threads, "_START_SECS", 0.05)
    worker = threads.Worker()
    monkeypatch.setattr(module, "worker", worker)
    monkeypatch.setattr(worker, "hook", lambda: None)
    channel, log = make()
    add(channel, b"x")
    time.sleep(0.1)
    channel.queue.wake_at = 0
    add(channel, b"y")
    wait_for(lambda: log.written == [b"x", b"y"])
    started[0]()  # it comes late, and ends at once
    channel.queue.wake_at = 0
    add(channel, b"z")
    wait_for(lambda: log.written == [b"x", b"y", b"z"])


def threading_tasks() -> int:
    import os
    return len(os.listdir("/proc/self/task"))


def test_a_clock_that_stands_still_at_zero(monkeypatch: pytest.MonkeyPatch) -> None:
    """freezegun's freeze_time("1970-01-01") stops the monotonic clock, too; the thread starts."""
    worker = threads.Worker()
    monkeypatch.setattr(module, "worker", worker)
    monkeypatch.setattr(threads, "worker", worker)
    monkeypatch.setattr(worker, "hook", lambda: None)
    with monkeypatch.context() as frozen:
        frozen.setattr(time, "monotonic", lambda: 0.0)
        channel, log = make()
        add(channel, b"x")
        flush = threading.Thread(target=channel.flush, args=(5,), daemon=True)
        flush.start()
        flush.join(5)
    assert not flush.is_alive() and log.written == [b"x"]
    channel.close(5)


def test_no_thread_can_be_started(monkeypatch: pytest.MonkeyPatch) -> None:
    """At a limit of threads each call writes its value: none waits for many others to come."""
    def start(run: Any, arguments: Any) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threads, "start_new_thread", start)
    worker = threads.Worker()
    monkeypatch.setattr(module, "worker", worker)
    monkeypatch.setattr(worker, "hook", lambda: None)
    channel, log = make()
    for count in range(1, 4):
        add(channel, b"x")
        assert len(log.written) == 2 * count - 1
        channel.put(Heavy(b"y"))
        assert len(log.written) == 2 * count


def test_failure_is_reported_once_and_recovered() -> None:
    """While the log fails, adding continues with one warning; then all is written in order."""
    channel, log = make()
    log.error = OSError(errno.ENOSPC, "No space left on device")
    told = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for i in range(100):
            add(channel, b"%d" % i)
            time.sleep(0.002)
        told = [str(w.message) for w in caught if issubclass(w.category, LogWarning)]
    assert len(told) == 1 and "No space left" in told[0]
    assert channel.retry.error is log.error
    with pytest.raises(OSError, match="No space left"):
        channel.flush(5)
    log.error = None
    channel.flush(5)
    assert log.written == [b"%d" % i for i in range(100)]
    assert channel.retry.error is None
    channel.close(5)


def test_each_outage_is_seen() -> None:
    """Two outages that are reported at one line are two warnings, with Python's own filters too."""
    channel, log = make()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        for number in range(2):
            log.error = OSError(errno.ENOSPC, "No space left on device")
            while len(caught) == number:
                add(channel, b"x")
                time.sleep(0.002)
            log.error = None
            channel.flush(5)
    assert "(outage 2)" in str(caught[1].message) and "outage" not in str(caught[0].message)
    channel.close(5)


def test_strict_raises() -> None:
    """With strict, an add raises the error of the storage."""
    channel, log = make(strict=True)
    log.error = OSError(errno.EIO, "bad disk")
    with pytest.raises(OSError, match="bad disk"):
        for _ in range(1000):
            add(channel, b"x")
            time.sleep(0.001)
    log.error = None
    channel.close(5)


def test_close_tries_until_its_time_is_over() -> None:
    """close() waits for a storage that comes back, and raises for one that does not."""
    channel, log = make()
    log.error = OSError(errno.EIO, "bad disk")
    add(channel, b"x")
    timer = threading.Timer(0.3, lambda: setattr(log, "error", None))
    timer.start()
    channel.close(5)
    assert log.written == [b"x"] and log.closed == 1
    timer.join()

    channel, log = make()
    log.error = OSError(errno.EIO, "bad disk")
    add(channel, b"x")
    with pytest.raises(OSError, match="bad disk"):
        channel.close(0.3)
    log.error = None
    channel.close(5)
    assert log.written == [b"x"]


def test_a_storage_that_never_returns() -> None:
    """While write() hangs, adds return, flush and close raise TimeoutError in time, and values
    beyond the buffer are dropped, counted and reported once."""
    channel, log = make(max_buffer=100_000)
    log.gate.clear()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _ in range(3000):
            add(channel, bytes(24))
        channel.put(Heavy(bytes(1000)))
    start = time.monotonic()
    with pytest.raises(TimeoutError):
        channel.flush(0.3)
    assert time.monotonic() - start < 2
    assert channel.queue.dropped > 0
    told = [w for w in caught if "dropped" in str(w.message)]
    assert len(told) == 1
    log.gate.set()
    channel.flush(5)
    assert len(log.written) + channel.queue.dropped == 3001
    add(channel, b"later")
    channel.close(5)
    assert log.written[-1] == b"later"


def test_flush_inside_the_work_of_the_thread() -> None:
    """flush() inside the thread's own work returns at once instead of waiting for itself."""
    channel, log = make()
    done: List[str] = []
    channel.queue.items.append(queue.Task(lambda: (channel.flush(5), done.append("back"))[0]))
    channel.flush(5)
    assert done == ["back"]
    channel.close(5)


def test_a_task_that_raises_is_left_out() -> None:
    """A step that can't be done is raised by the call that waits for it, or is a warning of the
    next call, and does not block the rest."""
    channel, log = make(asynchronous=False)

    def work() -> None:
        raise KeyError("no such thing")

    with pytest.raises(KeyError):
        channel.flush(5, work)
    with pytest.warns(LogWarning, match="no such thing"):
        channel.put(queue.Task(work))
    add(channel, b"x")
    assert log.written == [b"x"]


def test_synchronous() -> None:
    """Without the thread, an add has been written when it returns."""
    channel, log = make(asynchronous=False)
    for i in range(3):
        add(channel, b"%d" % i)
        assert log.written[-1] == b"%d" % i
    log.error = OSError(errno.EIO, "bad disk")
    with pytest.warns(LogWarning, match="bad disk"):
        add(channel, b"3")
    log.error = None
    channel.flush(5)
    assert log.written == [b"0", b"1", b"2", b"3"]
    channel.close(5)


def test_synchronous_after_an_outage() -> None:
    """What the storage refused is written without a further call once it works again."""
    channel, log = make(asynchronous=False)
    log.error = OSError(errno.EIO, "bad disk")
    with pytest.warns(LogWarning, match="bad disk"):
        add(channel, b"x")
    log.error = None
    wait_for(lambda: log.written == [b"x"])
    channel.close(5)


def test_bytes_in_the_log_count() -> None:
    """A heavy item has room only beside all bytes that wait: in the queue, and in the log."""
    waiting = queue.Queue(10_000)
    assert waiting.enter(SimpleNamespace(nbytes=4000), 0)
    assert not waiting.enter(SimpleNamespace(nbytes=4000), 4000)
    assert waiting.enter(SimpleNamespace(nbytes=4000), 0)


def test_pauses_between_tries(monkeypatch: pytest.MonkeyPatch) -> None:
    """A storage that fails is tried again after 0.1 s, then after pauses that double up to 2 s."""
    monkeypatch.setattr(retries, "time", SimpleNamespace(monotonic=lambda: 5.0))
    retry = retries.Retry()
    for _ in range(2):
        pauses = []
        for _ in range(7):
            retry.failed(OSError(), "")
            pauses.append(retry.at - 5)
        assert pauses == pytest.approx([0.1, 0.2, 0.4, 0.8, 1.6, 2.0, 2.0])
        retry.recovered()


def test_bounded_memory_of_heavy_items() -> None:
    """A full buffer makes a call wait for a storage that moves, and nothing is dropped."""
    channel, log = make(max_buffer=10_000)
    for i in range(200):
        channel.put(Heavy(b"%4d" % i * 250))
    channel.flush(5)
    assert channel.queue.dropped == 0
    assert [int(data[:4]) for data in log.written] == list(range(200))
    channel.close(5)


def test_much_is_not_left_lying() -> None:
    """A megabyte wakes the thread before its time: so the memory is free again before the next."""
    channel, log = make(flush_secs=60, max_buffer=64 << 20)
    channel.put(Heavy(b"first"))
    wait_for(lambda: log.written)
    channel.put(Heavy(b"little"))
    channel.put(Heavy(bytes(queue.MUCH)))
    wait_for(lambda: len(log.written) == 3)
    for _ in range(16):
        channel.put(Heavy(bytes(queue.MUCH // 16)))
    wait_for(lambda: len(log.written) == 19)
    channel.close(5)


def test_an_item_larger_than_the_buffer() -> None:
    """It waits until the buffer is empty, and is taken; others of other threads wait for it."""
    channel, log = make(max_buffer=10_000)

    def run(name: int) -> None:
        for size in (50_000, 3_000, 20_000):
            channel.put(Heavy(b"%d" % name * size))

    threads = [threading.Thread(target=run, args=(name,)) for name in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    channel.flush(5)
    assert channel.queue.dropped == 0
    assert sorted(map(len, log.written)) == [3_000] * 8 + [20_000] * 8 + [50_000] * 8
    channel.close(5)


def test_a_slow_kind_is_no_slow_storage(monkeypatch: pytest.MonkeyPatch) -> None:
    """While an item takes long to be encoded, what fills the buffer waits and is not dropped."""
    monkeypatch.setattr(module, "STALL_SECS", 0.05)
    channel, log = make(max_buffer=10_000)
    encode = channel._encode

    def slowly(items: List[Any]) -> queue.Encoded:
        time.sleep(0.2)
        return encode(items[:1])

    channel._encode = slowly  # type: ignore[method-assign]
    for _ in range(8):
        channel.put(Heavy(bytes(4_000)))
    channel.flush(10)
    assert channel.queue.dropped == 0 and len(log.written) == 8
    channel.close(5)


def test_a_slow_storage_that_was_full_before() -> None:
    """A queue that has dropped values waits again, and drops none, once its storage moves."""
    channel, log = make(max_buffer=10_000)
    write = log.write

    def slowly() -> None:
        time.sleep(0.1)
        write()

    channel.put(Heavy(bytes(4_000)))
    channel.flush(5)
    log.write = slowly  # type: ignore[method-assign]
    channel.queue.dropping = True
    for _ in range(4):
        channel.put(Heavy(bytes(4_000)))
    channel.flush(10)
    assert channel.queue.dropped == 0 and len(log.written) == 5
    channel.close(5)


def test_another_thread_fails_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    """A call that writes by itself loses nothing if the storage fails another thread's write
    between its look at the queue and its own turn."""
    channel, log = make(asynchronous=False)
    first = queue.Owner.do

    def later(owner: queue.Owner, timeout: float, work: Any) -> Any:
        monkeypatch.setattr(queue.Owner, "do", first)
        log.error = OSError(errno.ENOSPC, "full")
        other = threading.Thread(target=add, args=(channel, b"theirs"))
        other.start()
        other.join()
        log.error = None
        channel.queue.items.append(b"mine")
        return owner.do(timeout, work)

    monkeypatch.setattr(queue.Owner, "do", later)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        channel.wake()
        channel.close(5)
    assert log.written == [b"theirs", b"mine"]


def test_many_threads() -> None:
    """Nothing is lost or doubled between threads, and each thread's order is kept."""
    channel, log = make()

    def run(name: int) -> None:
        for i in range(500):
            add(channel, b"%d %d" % (name, i))

    threads = [threading.Thread(target=run, args=(name,)) for name in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    channel.close(5)
    assert len(log.written) == 16 * 500
    for name in range(16):
        mine = [int(item.split()[1]) for item in log.written if item.split()[0] == b"%d" % name]
        assert mine == list(range(500))


def test_the_thread_is_woken_again_and_again() -> None:
    """Each batch of items wakes the thread, so that a long flood never waits for its time."""
    channel, log = make(flush_secs=1000)
    add(channel, b"first")
    wait_for(lambda: log.written)
    for round_ in range(5):
        for _ in range(channel.queue.wake_at):
            add(channel, b"x")
        wait_for(lambda: len(channel.queue.items) < 100)
        assert channel.queue.wake_at <= 2 * queue.BATCH
    channel.close(5)


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs signal.setitimer")
def test_signal_handlers_while_a_call_waits() -> None:
    """Without the thread, a handler that logs while the interrupted call waits for another one
    returns at once; the interrupted call writes for both."""
    channel, log = make(asynchronous=False)
    returned: List[int] = []

    def handler(signum: int, frame: Any) -> None:
        add(channel, b"handler")
        returned.append(signum)
        if len(returned) == 3:
            log.gate.set()

    log.gate.clear()
    other = threading.Thread(target=add, args=(channel, b"other"))
    other.start()
    wait_for(lambda: channel._owner.ident)
    former = signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, 0.02, 0.02)
    try:
        add(channel, b"main")
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, former)
    other.join()
    assert sorted(log.written) == [*[b"handler"] * len(returned), b"main", b"other"]
    channel.close(5)


class Poison:
    """An item that can't be encoded."""

    nbytes = 10

    def __init__(self, error: BaseException) -> None:
        self.error = error

    @property
    def data(self) -> bytes:
        raise self.error


class Unspeakable(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text")


@pytest.mark.parametrize("asynchronous", [True, False])
@pytest.mark.parametrize("error", [
    ValueError("x"), RecursionError("x"), MemoryError(), OSError(errno.EIO, "looks like a disk"),
    UnicodeEncodeError("utf-8", "x", 0, 1, "x"), Unspeakable(), struct.error("x")])
def test_an_item_that_can_not_be_encoded(error: Exception, asynchronous: bool) -> None:
    """No other value is lost, and there is one warning, whatever it raises; nothing is tried
    again."""
    channel, log = make(asynchronous=asynchronous, flush_secs=0.01)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for step in range(10):
            add(channel, b"%d" % step)
            if step % 3 == 1:
                channel.put(Poison(error))
        channel.flush(5)
        assert channel.retry.error is None
        channel.close(5)
    assert log.written == [b"%d" % step for step in range(10)]
    told = [str(w.message) for w in caught]
    assert told and all("could not be encoded" in text for text in told), told
    assert channel.queue.nbytes == 0


@pytest.mark.parametrize("kind", [OSError, Exception])
def test_an_error_of_the_storage_without_a_text(kind: Type[Exception]) -> None:
    """It is reported by its name and tried again, as any other."""
    class Mute(kind):  # type: ignore[misc, valid-type]
        def __str__(self) -> str:
            raise RuntimeError("no text")

    channel, log = make(flush_secs=0.01)
    log.error = Mute()
    add(channel, b"x")
    wait_for(lambda: channel.retry.error is not None)
    with pytest.warns(LogWarning, match="Mute; values are kept"):
        channel.report()
    with pytest.raises(OSError, match="Mute"):
        channel.flush(5)
    log.error = None
    channel.close(5)
    assert log.written == [b"x"]


@pytest.mark.parametrize("error", [SystemExit(1), GeneratorExit(), KeyboardInterrupt()])
def test_what_ends_other_threads_does_not_end_this(error: BaseException) -> None:
    """Also an exception that would end the thread costs the item that raises it, alone."""
    channel, log = make()
    for step in range(3):
        add(channel, b"%d" % step)
        channel.put(Poison(error))
    with pytest.warns(LogWarning, match="could not be encoded"):
        channel.flush(5)
    assert log.written == [b"0", b"1", b"2"]
    channel.close(5)


def test_warnings_are_not_raised_on_the_thread() -> None:
    """Under `-W error` a failing storage and items that can't be encoded cost no other item; the
    call that notices raises the warning once its own item is queued, or its flush is done."""
    channel, log = make(flush_secs=0.01)
    raised = 0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        log.error = OSError(errno.EIO, "bad disk")
        for step in range(100):
            try:
                add(channel, b"%d" % step)
                channel.put(Poison(ValueError("x")))
            except LogWarning:
                raised += 1
            time.sleep(0.001)
        log.error = None
        for call in (channel.flush, channel.close):
            try:
                call(5)
            except LogWarning:
                raised += 1
    assert 1 <= raised < 10
    assert [int(data) for data in log.written] == list(range(100)) and log.closed == 1


@pytest.mark.parametrize("heavy", [True, False])
def test_a_synchronous_channel_is_bounded(heavy: bool) -> None:
    """While the storage fails, a channel without the thread keeps what fits, and drops and counts
    the rest, as the others do; later all that was kept is written."""
    channel, log = make(asynchronous=False, max_buffer=100_000)
    log.error = OSError(errno.EIO, "bad disk")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _ in range(3000):
            if heavy:
                channel.put(Heavy(bytes(1000)))
            else:
                add(channel, bytes(24))
    assert channel.queue.nbytes + log.pending <= 110_000
    assert channel.queue.dropped > 1500
    assert len([w for w in caught if "dropped" in str(w.message)]) == 1
    log.error = None
    channel.flush(5)
    assert len(log.written) + channel.queue.dropped == 3000
    channel.close(5)


def test_steps_count_as_items() -> None:
    """A step between records, such as side files, counts its bytes, and is dropped as items are."""
    channel, log = make(max_buffer=100_000)
    log.gate.clear()

    class Step(queue.Task):
        nbytes = 20_000

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        add(channel, b"x")
        for _ in range(50):
            channel.put(Step())
    assert channel.queue.dropped >= 45
    log.gate.set()
    channel.close(5)
    assert channel.queue.nbytes == 0


@pytest.mark.parametrize("count", [1, 2, 100])
def test_one_deadline_for_many(count: int) -> None:
    """Flushing many channels that hang takes as long as one, and the others are written."""
    made = [make() for _ in range(count)]
    for channel, log in made:
        log.error = OSError(errno.EIO, "bad disk")
        add(channel, b"x")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        start = time.monotonic()
        with pytest.raises(OSError):
            threads.flush_all([(channel, None) for channel, _ in made], 0.3, patient=True)
        assert 0.25 < time.monotonic() - start < 0.8
        for _, log in made:
            log.error = None
        threads.close_all([channel for channel, _ in made], 5)
    assert all(log.written == [b"x"] and log.closed for _, log in made)


def test_warnings_point_at_the_users_line() -> None:
    """A warning names the line of the call that issues it, however deep in the package it is."""
    log = MemoryLog()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        _warnings.warn("one")
        _warnings.once(object(), "two")
    assert {w.filename for w in caught} == {__file__} and log.pending == 0
