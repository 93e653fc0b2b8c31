"""Values that are accepted and still hard to write: no other value is lost, and each is counted."""
from __future__ import annotations

import errno
import functools
import gc
import os
import signal
import subprocess
import sys
import threading
import time
import tracemalloc
import warnings
from pathlib import Path
from typing import Any, Dict, List

import numpy as np
import pytest
from tests.faults.test_many_writers import run, steps
from tests.support import judges

import tbwriter
from tbwriter import FileWriter, LogWarning, SummaryWriter, summary
from tbwriter._entries import Entry
from tbwriter._log import event_file
from tbwriter._side_files import SideFiles


class Bad:
    """A kind that breaks its word: it can't be encoded."""

    tags = ("bad",)
    nbytes = 10
    ready = False

    def __init__(self, error: BaseException = ValueError("bad kind")) -> None:
        self.error = error

    def event_field(self) -> Any:
        raise self.error


class BadFiles(Bad):
    """Side files that can't be made."""

    def store(self, directory: Any) -> None:
        directory.put("a/file", b"x")
        raise self.error


@pytest.mark.parametrize("asynchronous", [True, False])
@pytest.mark.parametrize("kind", [Bad, BadFiles])
@pytest.mark.parametrize("error", [ValueError("x"), OSError(errno.ENOSPC, "not the disk's"),
                                   RecursionError("x"), MemoryError()])
def test_a_poisoned_value(tmp_path: Path, kind: Any, error: Exception, asynchronous: bool) -> None:
    """No other value is lost, and there is one warning at the user's line."""
    writer = SummaryWriter(tmp_path, asynchronous=asynchronous)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for step in range(100):
            writer.add_scalar("x", step, step)
            if step == 50:
                writer.add(kind(error), step)
        writer.close()
    assert steps(tmp_path) == list(range(100))
    assert len(caught) == 1 and issubclass(caught[0].category, LogWarning)
    assert caught[0].filename == __file__


@pytest.mark.parametrize("length", [255, 256, 257, 5000, 70_000, 260_000, 5_000_000])
def test_long_tags(tmp_path: Path, length: int) -> None:
    """A tag of any length is written, in single values, series and events of several, beside those
    of short tags."""
    tag = "t" * length
    with SummaryWriter(tmp_path) as writer:
        for step in range(300 if length < 10_000 else 3):
            writer.add_scalar(tag, step, step)
        for step in range(2001):
            writer.add_scalar("x", step, step)
        writer.add_values({tag: 1.0, "y": 2.0}, 1000)
        writer.add_scalar_series(tag, [1.0, 2.0], [1001, 1002])
        writer.add_text("short", tag, 0)
    assert steps(tmp_path) == list(range(2001))
    assert steps(tmp_path, tag)[-3:] == [1000, 1001, 1002]


@pytest.mark.parametrize("nbytes", [float("nan"), -10 ** 12, 1.5, None, "1"])
@pytest.mark.parametrize("kind", [Bad, BadFiles])
def test_a_size_that_is_none(tmp_path: Path, kind: Any, nbytes: Any) -> None:
    """A kind whose nbytes is no number of bytes is refused at the call: else the buffer would have
    no bound, or never room again."""
    with SummaryWriter(tmp_path) as writer:
        bad = kind()
        bad.nbytes = nbytes
        with pytest.raises((TypeError, ValueError), match="nbytes|integer"):
            writer.add(bad, 1)


class Untold(BaseException):
    """An error whose text ends the program."""

    def __str__(self) -> str:
        raise SystemExit(3)


@pytest.mark.parametrize("kind", [Bad, BadFiles])
@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(3), GeneratorExit(), Untold()])
def test_a_value_that_would_end_the_thread(tmp_path: Path, kind: Any, error: BaseException) -> None:
    """Whatever a value raises on the thread, only that value is lost, and no other writer is
    affected."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with SummaryWriter(tmp_path / "one") as writer, SummaryWriter(tmp_path / "other") as other:
            for step in range(10):
                writer.add_scalar("x", step, step)
                other.add_scalar("x", step, step)
                if step == 5:
                    writer.add(kind(error), step)
                    writer.flush(timeout=5)
    assert steps(tmp_path / "one") == steps(tmp_path / "other") == list(range(10))
    assert len(caught) == 1 and issubclass(caught[0].category, LogWarning)


@pytest.mark.parametrize("in_thread", [False, True])
@pytest.mark.parametrize("options", [{"asynchronous": False}, {"flush_secs": 0}])
@pytest.mark.parametrize("kind", [Bad, BadFiles])
@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(3), GeneratorExit()])
def test_a_value_that_interrupts_a_synchronous_writer(
        tmp_path: Path, kind: Any, error: BaseException, options: Any, in_thread: bool) -> None:
    """An error that a value raises in the call reaches the caller once; the value is left out with
    one warning, and all others are written."""
    raised: List[int] = []

    def log() -> None:
        for step in range(10):
            try:
                if step == 5:
                    writer.add(kind(error), step)
                writer.add_scalar("x", step, step)
            except BaseException as caught:
                assert caught is error
                raised.append(step)
                writer.add_scalar("x", step, step)

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with SummaryWriter(tmp_path, **options) as writer:
            if in_thread:
                thread = threading.Thread(target=log)
                thread.start()
                thread.join()
            else:
                log()
    assert raised == [5] and steps(tmp_path) == list(range(10))
    assert len(caught) == 1 and type(error).__name__ in str(caught[0].message)
    assert writer.dropped == 0


class Interrupted(Bad):
    """A value during whose encoding a signal arrives, once."""

    came = False

    def event_field(self) -> Any:
        if not self.came:
            self.came = True
            signal.raise_signal(signal.SIGUSR1)
        return summary.scalar("x", 5.0).event_field()


@pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="no SIGUSR1 on this system")
@pytest.mark.parametrize("options", [{"asynchronous": False}, {"flush_secs": 0}])
@pytest.mark.parametrize("form", ["function", "method", "partial", "object"])
@pytest.mark.parametrize("error", [TimeoutError("too late"), ZeroDivisionError("own"),
                                   KeyboardInterrupt()])
def test_a_signal_during_a_synchronous_call(tmp_path: Path, error: BaseException, form: str,
                                            options: Any) -> None:
    """What a signal handler raises reaches the caller as it is, and the value is written."""
    class Limit:
        def __call__(self, number: int, frame: Any) -> None:
            raise error

        def passed(self, number: int, frame: Any) -> None:
            raise error

    def handler(number: int, frame: Any) -> None:
        raise error
    handlers: Dict[str, Any] = {"function": handler, "method": Limit().passed, "object": Limit(),
                                "partial": functools.partial(handler)}
    former = signal.signal(signal.SIGUSR1, handlers[form])
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            with SummaryWriter(tmp_path, **options) as writer:
                for step in range(10):
                    if step == 5:
                        with pytest.raises(type(error)) as raised:
                            writer.add(Interrupted(error), step)
                        assert raised.value is error
                    else:
                        writer.add_scalar("x", step, step)
                assert writer.error is None
    finally:
        signal.signal(signal.SIGUSR1, former)
    assert steps(tmp_path) == list(range(10))


def test_a_value_that_interrupts_and_no_later_call(tmp_path: Path) -> None:
    """The values around one that interrupts are written at the end of the program, which says that
    this one is left out."""
    done = subprocess.run([sys.executable, "-c", """
import sys
from tbwriter import SummaryWriter
class Bad:
    tags, nbytes, ready = ("bad",), 10, False
    def event_field(self):
        raise KeyboardInterrupt
writer = SummaryWriter(sys.argv[1], asynchronous=False)
writer.add_scalar("x", 1.0, 0)
try:
    writer.add(Bad(), 0)
except KeyboardInterrupt:
    print("once")
""", str(tmp_path)], text=True, capture_output=True, env={
        **os.environ, "PYTHONPATH": str(Path(tbwriter.__file__).parents[1])})
    assert done.returncode == 0 and done.stdout == "once\n", done.stderr
    assert done.stderr.count("KeyboardInterrupt") == 1, done.stderr
    assert steps(tmp_path) == [0]


class Nameless(type):
    """A class whose name ends in an error."""

    @property
    def __name__(cls) -> str:  # type: ignore[override]
        raise RuntimeError("no name")


class Unnamed(Exception, metaclass=Nameless):
    pass


@pytest.mark.parametrize("asynchronous", [True, False])
def test_an_error_that_cannot_be_named(tmp_path: Path, asynchronous: bool) -> None:
    """It costs its own value alone."""
    with pytest.warns(LogWarning, match="Unnamed"):
        with SummaryWriter(tmp_path, asynchronous=asynchronous) as writer:
            for step in range(5):
                writer.add_scalar("x", step, step)
                if step == 2:
                    writer.add(Bad(Unnamed("x")), step)
    assert steps(tmp_path) == list(range(5))


def _raise_anything(*args: Any, **options: Any) -> None:
    raise KeyError("the program's own")


@pytest.mark.parametrize("broken", ["showwarning", "formatwarning", "stderr", "no stderr"])
def test_warnings_that_cannot_be_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                       broken: str) -> None:
    """A showwarning or logging handler of the program that raises, or a stderr that is closed,
    stops no call that logs."""
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        if "warning" in broken:
            monkeypatch.setattr(warnings, broken, _raise_anything)
        else:
            stream = open(os.devnull, "w")
            stream.close()
            monkeypatch.setattr(sys, "stderr", stream if broken == "stderr" else None)
        with SummaryWriter(tmp_path, asynchronous=False) as writer:
            for step in range(5):
                writer.add(Bad(), step)
                writer.add_scalar("x", step, step)
    assert steps(tmp_path) == list(range(5))


@pytest.mark.parametrize("locked", ["with the writer", "beside the writer"])
def test_a_warning_that_waits_for_the_caller(tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                             locked: str) -> None:
    """A showwarning that waits for a lock of the program, or for the writer itself, keeps the
    writer's thread from nothing: a flush by the holder of the lock returns."""
    lock = threading.Lock()
    told = []

    def show(message: Any, *args: Any, **options: Any) -> None:
        with lock:
            told.append(str(message))
            if locked == "with the writer":
                writer.add_text("warnings", str(message), 1)
                writer.flush(timeout=20)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        monkeypatch.setattr(warnings, "showwarning", show)
        with SummaryWriter(tmp_path) as writer:
            with lock:
                writer.add_histogram(f"waits {locked}", [1.0, float("nan")], 1)
                writer.add_scalar("x", 1.0, 1)
                writer.flush(timeout=10)
    assert steps(tmp_path) == [1]
    wait_until = time.monotonic() + 10
    while not told and time.monotonic() < wait_until:
        time.sleep(0.01)
    assert len(told) == 1 and "leaves out 1 values" in told[0]


def test_long_tags_of_many_characters(tmp_path: Path) -> None:
    """The automatic steps of a long tag count on, and those of different ones are apart."""
    tags = ["é" * 300, "é" * 300 + "a", "é" * 301]
    with SummaryWriter(tmp_path) as writer:
        for _ in range(3):
            for tag in tags:
                writer.add_scalar(tag, 1.0)
    for tag in tags:
        assert steps(tmp_path, tag) == [0, 1, 2]


MEMORY = """
import resource, numpy as np
before = 0
def resident():
    return int(open("/proc/self/statm").read().split()[1]) * 4096
writer = SummaryWriter(logdir, max_buffer=4 << 20, asynchronous={asynchronous})
writer.add_scalar("x", 0.0, 0)
writer.add(summary.embedding("e", np.ones((4, 4))), 0)
writer.flush()
warnings.simplefilter("ignore")
event_file._write = full
writer.add_scalar("x", 1.0, 1)
time.sleep(0.3)
before = resident()
for step in range({calls}):
    {call}
result["grown"] = (resident() - before) >> 20
result["dropped"] = writer.dropped
end()
os._exit(0)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("asynchronous", [True, False])
@pytest.mark.parametrize("call, calls", [
    ("writer.add_scalar('x', step, step)", 300_000),
    ("writer.add_scalar(f'{step:0100000}', step, step)", 1000),
    ("writer.add_scalar('x' * 250_000, step, step)", 400),
    ("writer.add_values({f'{step:0100000}': 1.0, 'y': 2.0}, step)", 500),
    ("writer.add_text('t' * 100_000, 'text', step)", 1000),
    ("writer.add_scalar_series('s' * 300, np.ones(1000), np.arange(1000))", 500),
    ("writer.add_scalar_series('s', np.ones(10_000), np.arange(10_000))", 500),
    ("writer.add_histogram('h', np.ones(10_000), step)", 2000),
    ("writer.add_audio('a', np.ones(100_000), step)", 300),
    ("writer.add_text('t', 'x' * 100_000, step)", 1000)])
def test_memory_while_the_storage_fails(tmp_path: Path, call: str, calls: int,
                                        asynchronous: bool) -> None:
    """All waiting items are counted with their memory: a buffer of 4 MB grows the process by little
    more, and the rest is dropped and counted."""
    seen = run(tmp_path, MEMORY.format(call=call, calls=calls, asynchronous=asynchronous))
    assert seen["grown"] < 24, seen
    assert seen["dropped"] > calls // 20, seen


@pytest.mark.parametrize("asynchronous", [True, False])
@pytest.mark.parametrize("call, count", [
    (lambda writer, n: writer.add_scalar_series(f"s{n}", np.ones(100_000)), 100_000),
    (lambda writer, n: writer.add_values({f"t{k}": 1.0 for k in range(1000)}, n), 1000),
    (lambda writer, n: writer.add_text("t", "x" * 100_000, n), 1)])
def test_dropped_counts_values(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: Any,
                               count: int, asynchronous: bool) -> None:
    """`dropped` is the number of values, not of the calls or events that they came in."""
    real = event_file._write

    def full(fd: int, pieces: Any) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(event_file, "_write", full)
    writer = SummaryWriter(tmp_path, max_buffer=1 << 20, asynchronous=asynchronous)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for n in range(100):
            call(writer, n)
        monkeypatch.setattr(event_file, "_write", real)
        writer.close()
    kept = sum(len(event.summary.value) for event in judges.events(tmp_path))
    assert 0 < kept < 100 * count and kept + writer.dropped == 100 * count


TEXT = "a text of some length " * 200


@pytest.mark.parametrize("make", [
    lambda n: summary.audio("a", np.zeros(100, np.float32), description=f"{TEXT} {n}"),
    lambda n: summary.confusion_matrix("c", [0, 1], [0, 1], [f"{TEXT} {n}", "dog"]),
    lambda n: summary.embedding("e", np.eye(3), [f"{TEXT} {n}"] * 3),
    lambda n: summary.histogram("h", [1.0, n], description=f"{TEXT} {n}"),
    lambda n: summary.image("i", np.full((1, 8, 8), n, np.uint8)),
    lambda n: summary.image("i", np.zeros((1, 8, 8)), description=f"{TEXT} {n}"),
    lambda n: summary.image_with_boxes("b", np.zeros((3, 8, 8)), [[1, 1, 5, 5]] * 2,
                                       labels=[f"{TEXT} {n}", "dog"]),
    lambda n: summary.mesh("m", np.zeros((3, 3)), config_dict={"camera": f"{TEXT} {n}"}),
    lambda n: summary.pr_curve("p", [0, 1], [0.1, 0.9]),
    lambda n: summary.pr_curve("p", [0, 1], [0.1, 0.9], description=f"{TEXT} {n}"),
    lambda n: summary.scalar("s", n, description=f"{TEXT} {n}"),
    lambda n: summary.tensor("t", np.zeros(3), plugin_name="mine", content=f"{TEXT} {n}".encode()),
    lambda n: summary.tensor("t", [f"{n} {number}" for number in range(100)]),
    lambda n: summary.text("t", f"{n} {TEXT}" * 20, description=f"{n} {TEXT}" * 40),
    lambda n: summary.video("v", np.zeros((1, 2, 3, 8, 8), np.uint8))])
def test_a_value_counts_what_it_holds(make: Any) -> None:
    """Texts, names and settings of a value are counted, and so are the objects of a small one: the
    sum in `max_buffer` is about the memory that is taken."""
    def queued(number: int) -> Any:
        value = make(number)
        if hasattr(value, "store"):
            return SideFiles(value, None)  # type: ignore[arg-type]
        entry = Entry(value, 1.0, number)
        if entry.ready:
            entry.encode()
        return entry
    queued(0)
    gc.collect()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        items = [queued(number) for number in range(50)]
        gc.collect()
        taken = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert taken < 1.5 * sum(item.nbytes for item in items)


def test_side_files_are_bounded(tmp_path: Path) -> None:
    """Embeddings that wait count in max_buffer, are dropped beyond it, and are counted."""
    seen = run(tmp_path, """
import numpy as np
writer = SummaryWriter(logdir, max_buffer=1 << 20)
writer.add_scalar("x", 0.0, 0)
writer.flush()
warnings.simplefilter("ignore")
event_file._write = stall
writer.add_scalar("x", 1.0, 1)
time.sleep(0.3)
for step in range(99):
    writer.add_embedding(np.ones((4096, 64), np.float32), global_step=step)
result["waiting"], result["dropped"] = writer._queue.nbytes, writer.dropped
end()
os._exit(0)
""")
    assert seen["waiting"] < 2 << 20 and seen["dropped"] >= 97, seen


ERRORS = """
import numpy as np
class Bad:
    tags, nbytes, ready = ("bad",), 10, False
    def event_field(self):
        raise RuntimeError("bad kind")
top = SummaryWriter(logdir, {options})
writers = [top] + [top.sub_run(str(n)) for n in range(count - 1)]
raised = 0
def told(call, *args, **options):
    global raised
    try:
        call(*args, **options)
    except Warning:
        raised += 1
for step in range(100):
    if step == 20:
        event_file._write = full
    if step == 60:
        event_file._write = real_write
    for writer in writers:
        told(writer.add_scalar, "x", float(step), step)
        told(writer.add, Bad(), step)
        told(writer.add, summary.histogram("h", np.array([1.0, np.nan])), step)
    time.sleep(0.005)
for call in (top.flush, top.close):
    for _ in range(200):
        try:
            call()
            break
        except Warning:
            raised += 1
        except OSError:
            time.sleep(0.1)
result["told"] = raised
end()
"""


@pytest.mark.parametrize("options", ["", "asynchronous=False", "flush_secs=0"])
@pytest.mark.parametrize("count", [1, 2, 20])
def test_warnings_that_are_errors(tmp_path: Path, options: str, count: int) -> None:
    """With PYTHONWARNINGS=error, values that can't be encoded, histograms with NaN and a disk that
    is full for a while cost nothing: every scalar is there, and so is every histogram."""
    seen = run(tmp_path, ERRORS.format(options=options), count, PYTHONWARNINGS="error")
    assert seen["told"] >= 1
    directories = [tmp_path / "logs", *(tmp_path / "logs" / str(n) for n in range(count - 1))]
    for directory in directories:
        found = [event for path in sorted(directory.glob("*tfevents*"))
                 for event in judges.events(path)]
        for tag in ("x", "h"):
            assert [event.step for event in found if any(
                value.tag == tag for value in event.summary.value)] == list(range(100))


def test_errors_in_functions_at_exit_and_finalizers(tmp_path: Path) -> None:
    """Where warnings are errors, one that is left for the end of the program is printed."""
    done = subprocess.run([sys.executable, "-W", "error", "-c", """
import sys
from tbwriter import SummaryWriter
class Bad:
    tags, nbytes, ready = ("bad",), 10, False
    def event_field(self):
        raise RuntimeError("bad kind")
writer = SummaryWriter(sys.argv[1], flush_secs=100)
writer.add(Bad(), 0)
writer.add_scalar("x", 1.0, 0)
""", str(tmp_path)], text=True, capture_output=True, env={
        **os.environ, "PYTHONPATH": str(Path(tbwriter.__file__).parents[1])})
    assert done.returncode == 0 and "bad kind" in done.stderr, done.stderr
    assert steps(tmp_path) == [0]


def test_two_containers_on_a_store(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two writers with one host name, process id and second write two objects: nothing is lost."""
    fsspec = pytest.importorskip("fsspec", reason="fsspec is not installed")
    from tbwriter._log import naming
    found: List[str] = []
    for number in range(2):
        monkeypatch.setattr(naming, "host_name", lambda: "trainer")
        monkeypatch.setattr(naming, "_numbers", iter(range(100)))
        monkeypatch.setattr(time, "time", lambda: 1_700_000_000.0)
        # Neither sees the objects of the other: they begin at the same time.
        monkeypatch.setattr("tbwriter._log.objects.RemoteLog._names", lambda self: set())
        with FileWriter("memory://twins/run") as writer:
            writer.add_scalar("x", 1.0, number)
            found.append(writer.path)
    assert len(set(found)) == 2
    assert len(fsspec.filesystem("memory").ls("/twins/run")) == 2
