"""The promises for one writer hold for many, and for their sub-runs: no call waits or raises.

Each program runs in a process of its own, on a disk that is played in Python below the writer's
thread, and prints what it saw as one line of JSON.
"""
from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import time
import warnings
from pathlib import Path
from typing import Any, Dict, List

import pytest
from tests.faults.figures import record
from tests.support.judges import events

from tbwriter import LogWarning, SummaryWriter, _steps
from tbwriter._log import event_file

START = """
import errno, json, os, sys, threading, time, warnings
from tbwriter import SummaryWriter, summary
from tbwriter._log import event_file, local
logdir, count = sys.argv[1], int(sys.argv[2])
result = {"slowest": 0.0, "raised": []}
real_write, real_fsync, real_open = event_file._write, event_file._fsync, os.open
me = threading.get_ident()
touched = set()

def stall(*args):
    time.sleep(3600)

def full(fd, *args):
    touched.add(threading.get_ident())
    raise OSError(errno.ENOSPC, "No space left on device")

def timed(call, *args, **options):
    start = time.monotonic()
    try:
        call(*args, **options)
    except OSError as error:
        result["raised"].append(type(error).__name__)
    return time.monotonic() - start

def add(call, *args, **options):
    result["slowest"] = max(result["slowest"], timed(call, *args, **options))

def log(writers, first, last):
    for step in range(first, last):
        for writer in writers:
            add(writer.add_scalar, "x", float(step), step)

def end():
    print(json.dumps(result), flush=True)
"""


def run(tmp_path: Path, program: str, count: int = 1, timeout: float = 60, code: int = 0,
        **environ: str) -> Dict[str, Any]:
    """The output of a program, its standard error and the time it took to end after that."""
    root = Path(__file__).parents[2]
    process = subprocess.Popen(
        [sys.executable, "-c", START + program, str(tmp_path / "logs"), str(count)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": f"{root / 'src'}{os.pathsep}{root}", **environ})
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        ended = time.monotonic()
        _, stderr = process.communicate(timeout=timeout)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == code, stderr
    return {**json.loads(line or "{}"), "exit": time.monotonic() - ended, "stderr": stderr}


def steps(directory: Path, tag: str = "x") -> List[int]:
    """The steps of a tag in all files below a directory, sorted."""
    return sorted(event.step for path in directory.rglob("*tfevents*") for event in events(path)
                  if any(value.tag == tag for value in event.summary.value))


FAULTS = {"write stalls": "event_file._write = stall", "fsync stalls": "event_file._fsync = stall",
          "full": "event_file._write = full"}
SHAPES = {
    "writers": "writers = [SummaryWriter(f'{logdir}/{n}') for n in range(count)]",
    "sub-runs": "top = SummaryWriter(logdir)\n"
                "writers = [top] + [top.sub_run(str(n)) for n in range(count - 1)]",
}


@pytest.mark.parametrize("count", [1, 2, 100])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("fault", FAULTS)
def test_deadlines(tmp_path: Path, fault: str, shape: str, count: int) -> None:
    """However many writers hang or fail: adds return at once, flush(timeout=1) and close(timeout=1)
    within 1.2 s, and the program ends within 6 s."""
    seen = run(tmp_path, f"""
{SHAPES[shape]}
{FAULTS[fault]}
log(writers, 0, 3)
result["flush"] = timed(writers[0].flush, timeout=1.0)
result["close"] = timed(writers[0].close, timeout=1.0)
log(writers, 3, 5)
end()
""", count)
    if (shape, fault) == ("sub-runs", "write stalls"):
        record(9, f"stuck for ever, a writer with {count} runs: flush(1) and close(1) return "
                  "within 1.2 s, exit takes <= 6 s",
               f"flush {seen['flush']:.2f} s, close {seen['close']:.2f} s, exit {seen['exit']:.1f}"
               " s")
    # As on a machine three times slower; a stall would be an hour, a deadline for each run minutes.
    assert seen["slowest"] < 0.5
    assert seen["flush"] < 3 and seen["close"] < 3, seen
    assert seen["exit"] < 10, seen
    assert len(seen["raised"]) == (1 if fault == "fsync stalls" else 2), seen


NEIGHBOURS = """
stuck = [SummaryWriter(f"{{logdir}}/still{{n}}") for n in range(count)]
well = SummaryWriter(f"{{logdir}}/well")
class Disk(event_file.EventFile):
    def {method}(self, *args):
        if "/logs/still" in self.path:
            stall()
        return getattr(real, "{method}")(self, *args)
real, local.EventFile = event_file.EventFile, Disk
"""


@pytest.mark.parametrize("count", [1, 4])
@pytest.mark.parametrize("method", ["write", "sync"])
def test_a_stuck_neighbour(tmp_path: Path, method: str, count: int) -> None:
    """A writer whose storage hangs delays the others by a moment: their flush and close return,
    their values reach the file by themselves, and none of them is lost at the end."""
    seen = run(tmp_path, NEIGHBOURS.format(method=method) + """
log(stuck, 0, 1)
for writer in stuck:
    timed(writer.flush, timeout=0.1, fsync=True)
log([well], 0, 10)
result["flush"] = timed(well.flush)
size = os.path.getsize(well.path)
log(stuck + [well], 10, 20)
for _ in range(500):
    time.sleep(0.01)
    if os.path.getsize(well.path) > size:
        break
else:
    result["raised"].append("not written by itself")
result["close"] = timed(well.close)
log(stuck + [well], 20, 30)
end()
""", count, timeout=30)
    assert seen["raised"] == ["TimeoutError"] * count and seen["slowest"] < 0.5, seen
    assert seen["flush"] < 10 and seen["close"] < 10 and seen["exit"] < 10, seen  # 30 s in vain
    assert steps(tmp_path / "logs" / "well") == list(range(30))


@pytest.mark.parametrize("number", [1, 100])
def test_a_stuck_neighbour_and_one_value(tmp_path: Path, number: int) -> None:
    """A value reaches its file by itself while the thread hangs in another writer, also without a
    further call."""
    seen = run(tmp_path, "from tbwriter._log.worker import worker\n"
               + NEIGHBOURS.format(method="write") + f"""
log([well], 0, 1)
while not well.path or os.path.getsize(well.path) < 80:
    time.sleep(0.001)
log(stuck, 0, 1)
while not worker._entered:
    time.sleep(0.001)
log([well], 1, 1 + {number})
start = time.monotonic()
size = os.path.getsize(well.path)
while os.path.getsize(well.path) == size and time.monotonic() < start + 20:
    time.sleep(0.01)
result["seconds"] = time.monotonic() - start
end()
os._exit(0)
""")
    assert seen["seconds"] < 5, seen


def test_a_stuck_neighbour_and_a_full_buffer(tmp_path: Path) -> None:
    """No value of a writer whose own storage works is dropped while another one's hangs."""
    seen = run(tmp_path, NEIGHBOURS.format(method="write") + """
import numpy as np
well = SummaryWriter(f"{logdir}/well", max_buffer=1 << 20)
log(stuck, 0, 1)
for step in range(100):
    well.add_audio("x", np.zeros(50_000), step)
result["dropped"] = well.dropped
well.close()
end()
os._exit(0)
""")
    assert seen["dropped"] == 0, seen
    assert steps(tmp_path / "logs" / "well") == list(range(100))


def test_runs_of_a_store_are_flushed_at_the_same_time(tmp_path: Path) -> None:
    """A flush of many runs on an object store takes as long as some of its requests, not as long
    as all of them."""
    pytest.importorskip("fsspec", reason="fsspec is not installed")
    seen = run(tmp_path, """
from tbwriter._fsspec import Store
real = Store.call
def call(self, method, *args, **options):
    if method == "pipe_file":
        time.sleep(0.3)
    return real(self, method, *args, **options)
top = SummaryWriter("memory://neighbours/run", flush_secs=100)
Store.call = call
writers = [top] + [top.sub_run(str(n)) for n in range(15)]
log(writers, 0, 3)
result["flush"] = timed(top.flush)
result["close"] = timed(top.close)
import fsspec
result["found"] = len(fsspec.filesystem("memory").find("/neighbours"))
end()
""")
    assert seen["found"] == 16 and seen["flush"] < 16 * 0.3 / 2, seen


@pytest.mark.parametrize("adding", [
    "top.add_scalars('acc', {str(step): 1.0}, step)",
    "top.sub_run(str(step)).add_scalar('x', 1.0, step)",
    "top.add_hparams({'lr': step}, {'x': 1.0}, run_name=str(step))",
    "top.sub_run(str(step)).add(summary.embedding('e', [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]), step)",
    "top.sub_run(str(step)).add(summary.image('i', [[[0.5]]]), step)"])
@pytest.mark.parametrize("options", ["", "resume=True", "purge_step=0"])
def test_sub_runs_are_opened_on_the_thread(tmp_path: Path, adding: str, options: str) -> None:
    """A call that needs a new run does no I/O: on a disk where nothing can be made it returns, and
    once there is room all of it is there."""
    seen = run(tmp_path, f"""
import builtins
top = SummaryWriter(logdir, {options})
top.add_scalar("x", 0.0, 0)
top.flush()
broken = True

class Disk:
    def __getattr__(self, name):
        real = getattr(os, name)
        if name not in ("open", "makedirs", "mkdir", "unlink", "listdir", "fstat", "stat", "write",
                        "scandir", "close", "replace"):
            return real
        def call(*args, **options):
            touched.add(threading.get_ident())
            if broken and name in ("open", "makedirs", "mkdir", "write"):
                raise OSError(errno.ENOSPC, "No space left on device")
            return real(*args, **options)
        return call

event_file.os = local.os = Disk()
warnings.simplefilter("ignore")
for step in range(1, 21):
    add(lambda: {adding})
result["here"] = me in touched
time.sleep(0.3)
result["tried"] = bool(touched)
broken = False
top.close()
end()
""")
    assert seen["raised"] == [] and not seen["here"] and seen["tried"], seen
    if "embedding" not in adding:
        assert len([path for path in (tmp_path / "logs").iterdir() if path.is_dir()]) == 20
        found = [event.step for path in (tmp_path / "logs").rglob("*tfevents*")
                 for event in events(path) if event.summary.value]
        assert len(found) >= 20
    else:
        assert len(list((tmp_path / "logs").rglob("tensors*"))) == 20


def test_errors_and_dropped_values_of_runs_below(tmp_path: Path, monkeypatch: pytest.MonkeyPatch
                                                 ) -> None:
    """A writer that logs into runs below it alone reports their error, and what they dropped."""
    def full(fd: int, pieces: Any) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    real = event_file._write
    monkeypatch.setattr(event_file, "_write", full)
    writer = SummaryWriter(tmp_path, max_buffer=100_000, asynchronous=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for step in range(2000):
            writer.add_scalars("x", {"a": 1.0, "b": 2.0}, step)
        assert writer.error is not None and writer.error.errno == errno.ENOSPC
        monkeypatch.setattr(event_file, "_write", real)
        writer.close()
    assert writer.error is None
    kept = len([event for event in events(tmp_path) if event.summary.value])
    assert writer.dropped > 1000 and kept + writer.dropped == 4000


def test_resumed_sub_runs_continue(tmp_path: Path) -> None:
    """A sub-run of a resumed writer numbers on where its files end, in scalars, events of several
    tags and series."""
    program = """
with SummaryWriter(logdir, resume=True) as writer:
    run = writer.sub_run("a")
    for _ in range(3):
        run.add_scalar("x", 1.0)
    run2 = SummaryWriter(logdir + "/b", resume=True)
    run2.add_values({"x": 1.0, "y": 2.0})
    run2.add_scalar_series("x", [1.0, 2.0])
    run2.close()
end()
"""
    for _ in range(2):
        run(tmp_path, program)
    assert steps(tmp_path / "logs" / "a") == list(range(6))
    assert steps(tmp_path / "logs" / "b") == list(range(6))


@pytest.mark.parametrize("asynchronous", [True, False])
def test_a_resumed_sub_run_whose_files_may_not_be_read(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asynchronous: bool) -> None:
    """A sub-run with a file of another user writes its values all the same, with one warning."""
    def refuse(files: Any) -> Any:
        raise PermissionError(errno.EACCES, "Permission denied")

    writer = SummaryWriter(tmp_path, resume=True, asynchronous=asynchronous)
    monkeypatch.setattr(_steps, "_last_steps", refuse)
    with pytest.warns(LogWarning, match="can't be read.*Permission denied") as caught:
        writer.add_scalars("x", {"a": 1.0}, 7)
        writer.sub_run("x_a").add_scalar("y", 1.0)
        writer.close(timeout=5)
    assert len(caught) == 1
    assert [(event.step, event.summary.value[0].tag) for event in events(tmp_path)
            if event.summary.value] == [(7, "x"), (0, "y")]


@pytest.mark.parametrize("shape", SHAPES)
def test_after_main_has_returned(tmp_path: Path, shape: str) -> None:
    """A thread that trains on after the main thread has returned waits for no write, has a bounded
    buffer, and loses nothing."""
    seen = run(tmp_path, f"""
{SHAPES[shape]}

def slow(fd, pieces):
    time.sleep(0.5)
    return real_write(fd, pieces)

def train():
    while threading.main_thread().is_alive():
        time.sleep(0.01)
    time.sleep(0.3)
    event_file._write = slow
    result["slowest"] = 0.0
    log(writers, 0, 1000)
    end()

threading.Thread(target=train).start()
log(writers, 1000, 1001)
""", 2)
    assert seen["slowest"] < 0.4, seen  # none waits for a write
    assert steps(tmp_path / "logs") == sorted([*range(1001)] * 2)


def test_bound_after_main_has_returned(tmp_path: Path) -> None:
    """The buffer of such a thread is bounded: what is beyond it is dropped and counted."""
    seen = run(tmp_path, """
writer = SummaryWriter(logdir, max_buffer=1 << 20)
import numpy as np

def train():
    while threading.main_thread().is_alive():
        time.sleep(0.01)
    time.sleep(0.3)
    event_file._write = full
    warnings.simplefilter("ignore")
    for step in range(200):
        writer.add_audio("a", np.ones(50_000), step)
    result["waiting"] = writer._queue.nbytes + writer._log.pending
    result["dropped"] = writer.dropped
    end()

threading.Thread(target=train).start()
writer.add_scalar("x", 1.0, 0)
""")
    assert seen["waiting"] < 2 << 20 and seen["dropped"] > 150, seen


@pytest.mark.parametrize("fault", FAULTS)
def test_exit_functions_after_a_stall(tmp_path: Path, fault: str) -> None:
    """Functions of atexit that log to a disk that hangs let the program end in time, too."""
    seen = run(tmp_path, f"""
import atexit
writers = []
def late():
    for n in range(20):
        writers[0].add_scalar("late", n, n)
    end()
atexit.register(late)  # runs after those of the package, which were registered by the import
from tbwriter._log.worker import worker
atexit.unregister(worker.at_exit)
atexit.register(worker.at_exit)
writers = [SummaryWriter(f"{{logdir}}/{{n}}") for n in range(count)]
{FAULTS[fault]}
log(writers, 0, 3)
before = time.monotonic()
atexit.register(lambda: result.update(begun=time.monotonic()))
""", 20, timeout=30)
    assert seen["exit"] < 6, seen  # a second for each of the calls would be 20


def test_exit_prints_what_is_left(tmp_path: Path) -> None:
    """Standard error says which runs could not be written, in a few lines."""
    seen = run(tmp_path, f"""
{SHAPES['writers']}
event_file._write = stall
log(writers, 0, 3)
end()
""", 100)
    lines = seen["stderr"].strip().splitlines()
    assert len(lines) <= 5 and "not written" in lines[0] and "other runs" in lines[-1], lines
