"""A soak: millions of events of many kinds, from many threads, on a disk that keeps failing.

    PYTHONPATH=src python -m tests.faults.soak [--minutes 60] [--seed N] [--warnings error]

Threads log into several writers and their sub-runs, at random: all kinds, side files, values that
can't be encoded, bursts of scalars, flush, close, writers that are dropped, signal handlers, forked
children. Meanwhile writes fail, stop short or stall, descriptors run out or die, fsync fails, files
rotate. With `--warnings error` every warning is an exception of the call that notices.

A model keeps what was logged, and what was there when a flush() returned. Every few seconds the
disk is healed, everything is closed, and what real protobuf reads from the files has to be the
model: each event once, in its order, and what a flush() promised within the bytes that were there
then. Memory, threads and descriptors must not grow. A line per round; an AssertionError, with the
seed, for what does not hold.
"""
from __future__ import annotations

import argparse
import errno
import gc
import os
import random
import shutil
import signal
import struct
import sys
import tempfile
import threading
import time
import warnings
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Callable, Dict, Iterator, List, NamedTuple, Tuple

import numpy as np
from tensorboard.compat.proto import event_pb2

from tests.support.judges import masked_crc32c

from tbwriter import FileWriter, SummaryWriter, summary
from tbwriter._log import event_file
from tbwriter._log.worker import worker
from tbwriter._parts import Parts

THREADS, WRITERS, RUNS = 6, 3, 30  # more runs than files that may be open
ROUND_SECS = 8.0
FAULT_ERRNOS = (errno.ENOSPC, errno.EIO, errno.EDQUOT, errno.EINTR, errno.EAGAIN)

Model = Dict[Tuple[str, str], List[Tuple[int, float]]]


class Disk:
    """A layer between the writers' storage and the kernel, which fails on demand."""

    def __init__(self) -> None:
        self.fault = ""
        self.faults = 0
        self._write, self._fsync = event_file._write, event_file._fsync
        event_file._write, event_file._fsync = self.write, self.fsync
        # The whole module but one function.
        event_file.os = SimpleNamespace(**{**vars(os), "open": self.open})  # type: ignore

    def remove(self) -> None:
        event_file._write, event_file._fsync, event_file.os = (  # type: ignore[attr-defined]
            self._write, self._fsync, os)

    def write(self, fd: int, pieces: Parts) -> int:
        fault = self.fault
        if fault == "short":
            self.faults += 1
            return os.write(fd, pieces[0][:max(1, len(pieces[0]) // 3)])
        if fault == "stall":
            self.faults += 1
            time.sleep(0.3)
        elif fault == "dead":
            self.faults += 1
            raise OSError(errno.ESTALE, os.strerror(errno.ESTALE))
        elif fault == "flaky" and random.random() < 0.5 or fault == "broken":
            self._fail()
        return self._write(fd, pieces)

    def fsync(self, fd: int) -> None:
        if self.fault == "fsync":
            self._fail()
        self._fsync(fd)

    def open(self, path: str, flags: int, mode: int = 0o777) -> int:
        if self.fault == "open":
            self.faults += 1
            raise OSError(errno.EMFILE, "Too many open files")
        return os.open(path, flags, mode)

    def _fail(self) -> None:
        self.faults += 1
        number = random.choice(FAULT_ERRNOS)
        raise OSError(number, os.strerror(number))


class Promise(NamedTuple):
    """A flush() has returned: so many events of each tag are in the first bytes of these files."""

    run: str
    counts: Dict[str, int]
    sizes: Dict[str, int]


class Round:
    """Some seconds of logging, and their model."""

    def __init__(self, directory: Path, seed: int, disk: Disk) -> None:
        self.directory = directory
        self.disk = disk
        self.random = random.Random(seed)
        self.over = False
        self.model: Model = {}
        self.promises: List[Promise] = []
        self.errors: List[BaseException] = []
        self.refused = 0
        self.told = 0  # warnings that were raised
        self.writers = [self._open(number) for number in range(WRITERS)]
        self.runs: List[Tuple[str, FileWriter]] = [
            (f"w{number}/r{run}", writer.sub_run(f"r{run}"))
            for number, writer in enumerate(self.writers) for run in range(RUNS)]

    def _open(self, number: int) -> SummaryWriter:
        return SummaryWriter(
            self.directory / f"w{number}", flush_secs=self.random.choice((0.01, 0.1, 1.0)),
            max_file_bytes=self.random.choice((None, 20_000, 200_000)),
            asynchronous=number > 0 or self.random.random() < 0.5)

    def go(self) -> None:
        """Log for ROUND_SECS, then heal the disk and close everything."""
        threads = [threading.Thread(target=self._log, args=(number,)) for number in range(THREADS)]
        threads.append(threading.Thread(target=self._break))
        for thread in threads:
            thread.start()
        self._log_here()
        self.over = True
        for thread in threads:
            thread.join(60)
            assert not thread.is_alive(), "a thread hangs"
        self.disk.fault = ""
        for writer in self.writers:
            self._call(writer.close, timeout=60)
        _wait_for_dropped()
        if self.errors:
            raise self.errors[0]
        assert sum(writer.dropped for _, writer in self.runs) == 0, "dropped"

    # The threads that log.

    def _log(self, number: int) -> None:
        source = random.Random(self.random.random() + number)
        try:
            while not self.over:
                run, writer = source.choice(self.runs)
                source.choices(self._ACTIONS, self._WEIGHTS)[0](self, run, writer, number, source)
                time.sleep(source.random() * 0.004)
        except BaseException as error:
            self.errors.append(error)

    def _log_here(self) -> None:
        """In the program's own thread: signal handlers, which log too, and forks."""
        run, writer = self.runs[0]

        depth = 0

        def handler(*_: Any) -> None:
            # One handler may interrupt another: a tag for each depth, so that each has an order.
            nonlocal depth
            depth += 1
            try:
                self._scalar(run, writer, f"signal{depth}")
            finally:
                depth -= 1
        signal.signal(signal.SIGALRM, handler)
        signal.setitimer(signal.ITIMER_REAL, 0.05, 0.05)
        end = time.monotonic() + ROUND_SECS
        children: Dict[int, str] = {}
        while time.monotonic() < end:
            for _ in range(self.random.randrange(200)):
                self._scalar(run, writer, "main")
            if self.random.random() < 0.05:
                self._fork(*self.random.choice(self.runs), children)
            time.sleep(0.02)
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        for pid in children:
            _wait(pid)

    def _scalar(self, run: str, writer: FileWriter, tag: str) -> None:
        points = self.model.setdefault((run, tag), [])
        step = len(points)
        points.append((step, step % 1000 / 8))
        self._call(writer.add_scalar, tag, step % 1000 / 8, step)

    def _call(self, call: Callable[..., Any], *args: Any, **options: Any) -> None:
        """A call of a writer. A warning that is raised does not prevent the work of the call."""
        try:
            call(*args, **options)
        except Warning:
            self.told += 1

    def _scalars(self, run: str, writer: FileWriter, number: int, source: random.Random) -> None:
        for _ in range(source.randrange(1, 150)):
            self._scalar(run, writer, f"t{number}/scalar")

    def _heavy(self, run: str, writer: FileWriter, number: int, source: random.Random) -> None:
        kind = source.choice(list(KINDS))
        tag = f"t{number}/{kind}"
        points = self.model.setdefault((run, tag), [])
        step = len(points)
        payload, value = KINDS[kind](tag, step)
        self._call(writer.add, payload, step)
        points.append((step, value))

    def _poison(self, run: str, writer: FileWriter, number: int, source: random.Random) -> None:
        self._call(writer.add, Poison(), 0)

    def _files(self, run: str, writer: FileWriter, number: int, source: random.Random) -> None:
        self._call(writer.add, summary.embedding(f"e{number}", np.ones((3, 3)), step=0), 0)

    def _series(self, run: str, writer: FileWriter, number: int, source: random.Random) -> None:
        assert isinstance(writer, FileWriter)
        parent = self.writers[int(run[1:].partition("/")[0])]
        tag, run = f"t{number}/series", run.partition("/")[0]
        points = self.model.setdefault((run, tag), [])
        steps = np.arange(len(points), len(points) + source.randrange(1, 500))
        self._call(parent.add_scalar_series, tag, steps % 1000 / 8, steps)
        points += [(step, step % 1000 / 8) for step in steps.tolist()]

    def _flush(self, run: str, writer: FileWriter, number: int, source: random.Random) -> None:
        mine = f"t{number}/"
        counts = {tag: len(points) for (where, tag), points in self.model.copy().items()
                  if where == run and tag.startswith(mine)}
        try:
            self._call(writer.flush, timeout=5, fsync=source.random() < 0.2)
        except OSError:
            self.refused += 1
        else:
            self.promises.append(Promise(run, counts, _sizes(self.directory / run)))

    def _close(self, run: str, writer: FileWriter, number: int, source: random.Random) -> None:
        try:
            self._call(writer.close, timeout=0.5)
        except OSError:
            self.refused += 1

    def _drop(self, run: str, writer: FileWriter, number: int, source: random.Random) -> None:
        """A second writer, which is not closed."""
        try:
            dropped = FileWriter(self.directory / run)
        except OSError:
            self.refused += 1
            return
        tag = f"dropped{number}/{time.monotonic_ns()}"
        for _ in range(source.randrange(1, 20)):
            self._scalar(run, dropped, tag)

    def _fork(self, run: str, writer: FileWriter, children: Dict[int, str]) -> None:
        tag = f"child{len(children)}"
        points = [(step, step / 8) for step in range(20)]
        pid = os.fork()
        if pid == 0:
            self.disk.fault = ""
            for step, value in points:
                self._call(writer.add_scalar, tag, value, step)
            self._call(writer.close)
            os._exit(0)
        self.model[run, tag] = points
        children[pid] = tag

    _ACTIONS: List[Callable[..., None]] = [_scalars, _heavy, _series, _flush, _close, _drop,
                                           _poison, _files]
    _WEIGHTS = [60, 40, 4, 6, 1, 0.5, 1, 0.5]

    def _break(self) -> None:
        """The disk's part: well for a while, then not."""
        source = random.Random(self.random.random())
        while not self.over:
            time.sleep(source.random() * 0.5)
            self.disk.fault = source.choice(
                ("short", "stall", "flaky", "broken", "dead", "fsync", "open"))
            time.sleep(source.random() * source.choice((0.05, 0.6)))
            self.disk.fault = ""

    # The comparison.

    def check(self) -> int:
        """The number of events in the files, which are those of the model."""
        found: Model = {}
        places: Dict[Tuple[str, str], List[Tuple[str, int]]] = {}
        for path in sorted(self.directory.rglob("*tfevents*")):
            run = str(path.parent.relative_to(self.directory))
            for number, (end, event) in enumerate(_events(path)):
                assert bool(event.file_version) == (number == 0), f"{path}: no header"
                for value in event.summary.value:
                    found.setdefault((run, value.tag), []).append((event.step, _value_of(value)))
                    places.setdefault((run, value.tag), []).append((path.name, end))
        for key in set(found) | set(self.model):
            assert found.get(key, []) == self.model.get(key, []), \
                f"{key}: {_difference(found.get(key, []), self.model.get(key, []))}"
        for run, counts, sizes in self.promises:
            for tag, count in counts.items():
                for name, end in places.get((run, tag), [])[:count]:
                    assert end <= sizes.get(name, 0), f"{run} {tag}: not there when flush returned"
        return sum(map(len, found.values()))


class Poison:
    """A kind that breaks its word: it can't be encoded."""

    tags, nbytes, ready = ("poison",), 100, False

    def event_field(self) -> Any:
        raise random.choice((ValueError, OSError, RecursionError, MemoryError))("poison")


def _image(tag: str, step: int) -> Any:
    return summary.image(tag, np.full((2, 1 + step % 7), step % 256, np.uint8)), 1 + step % 7


KINDS: Dict[str, Callable[[str, int], Any]] = {
    "text": lambda tag, step: (summary.text(tag, str(step)), step),
    "long text": lambda tag, step: (summary.text(tag, str(step).zfill(20000)), step),
    "histogram": lambda tag, step: (summary.histogram(tag, [step, 1.0]), step + 1),
    "image": _image,
    "audio": lambda tag, step: (summary.audio(tag, np.zeros(1 + step % 50)), 1 + step % 50),
    "tensor": lambda tag, step: (summary.tensor(tag, np.float64(step)), step),
    "values": lambda tag, step: (summary.scalars({tag: step % 9}), step % 9),
}


def _value_of(value: Any) -> float:
    form = value.WhichOneof("value")
    if form == "histo":
        return float(value.histo.sum)
    if form == "image":
        return float(value.image.width)
    if form == "audio":
        return float(value.audio.length_frames)
    if form == "tensor" and value.tensor.string_val:
        return float(value.tensor.string_val[0])
    if form == "tensor":
        return float(struct.unpack("<d", value.tensor.tensor_content)[0])
    return float(value.simple_value)


def _events(path: Path) -> Iterator[Tuple[int, Any]]:
    """(where its record ends, event); AssertionError for any fault in the file."""
    data = path.read_bytes()
    at = 0
    while at < len(data):
        length, = struct.unpack_from("<Q", data, at)
        end = at + 16 + length
        assert end <= len(data), f"{path}: cut off at {at} of {len(data)}"
        body = data[at + 12:end - 4]
        assert struct.unpack_from("<I", data, at + 8)[0] == masked_crc32c(data[at:at + 8]), \
            f"{path}: wrong length checksum at {at}"
        assert struct.unpack_from("<I", data, end - 4)[0] == masked_crc32c(body), \
            f"{path}: wrong checksum at {at}"
        yield end, event_pb2.Event.FromString(body)
        at = end


def _difference(found: Any, wanted: Any) -> str:
    lost, more = [p for p in wanted if p not in found], [p for p in found if p not in wanted]
    return (f"{len(found)} events, want {len(wanted)}; lost {lost[:5]}, too many {more[:5]}, "
            f"order {'kept' if sorted(found) == found else 'not kept'}")


def _sizes(run: Path) -> Dict[str, int]:
    sizes: Dict[str, int] = {}
    for path in run.glob("*tfevents*"):
        with suppress(FileNotFoundError):  # another writer has tried the directory
            sizes[path.name] = path.stat().st_size
    return sizes


def _wait_for_dropped() -> None:
    """Wait until the writers that are not closed have written their values, which a disk that
    failed just now delays by the time between two tries."""
    end = time.monotonic() + 30
    while any(len(channel.queue) or channel.log.pending for channel in list(worker._channels)):
        assert time.monotonic() < end, "a writer that was dropped does not end"
        time.sleep(0.01)


def _wait(pid: int) -> None:
    end = time.monotonic() + 20
    while not os.waitpid(pid, os.WNOHANG)[0]:
        if time.monotonic() > end:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            raise AssertionError("a child hangs")
        time.sleep(0.01)


def resources() -> Dict[str, int]:
    """The resources of the process: MB of memory, threads, file descriptors."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return {"mb": pages * os.sysconf("SC_PAGE_SIZE") >> 20,
            "threads": len(os.listdir("/proc/self/task")), "fds": len(os.listdir("/proc/self/fd"))}


def soak(seconds: float, seed: int, tell: Callable[[str], None] = print,
         filtered: str = "ignore") -> Dict[str, int]:
    """Rounds until the time is over, two at least. Gives the sums, and what the process holds more
    at the end than after the first round."""
    warnings.simplefilter(filtered, RuntimeWarning)  # type: ignore[arg-type]
    end = time.monotonic() + seconds
    sums = dict(rounds=0, events=0, faults=0, promises=0, refused=0, told=0)
    first: Dict[str, int] = {}
    disk = Disk()
    try:
        while sums["rounds"] < 2 or time.monotonic() < end:
            with tempfile.TemporaryDirectory(prefix="soak_") as directory:
                one = Round(Path(directory), seed + sums["rounds"], disk)
                try:
                    one.go()
                    sums["events"] += one.check()
                except BaseException:
                    kept = tempfile.mkdtemp(prefix="soak_failed_")
                    shutil.copytree(directory, kept, dirs_exist_ok=True)
                    tell(f"seed {seed}, round {sums['rounds']}; its files are in {kept}")
                    raise
                sums["rounds"] += 1
                sums["promises"] += len(one.promises)
                sums["refused"] += one.refused
                sums["told"] += one.told
                sums["faults"] = disk.faults
                del one
            held = resources()
            first = first or held
            tell(f"{sums} {held}")
    finally:
        disk.remove()
    return {**sums, **{f"more_{name}": held[name] - first[name] for name in held}}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Log on a disk that keeps failing.")
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    parser.add_argument("--warnings", choices=("ignore", "error"), default="ignore")
    asked = parser.parse_args()
    print(f"seed {asked.seed}", flush=True)
    result = soak(asked.minutes * 60, asked.seed, lambda line: print(line, flush=True),
                  asked.warnings)
    print(result)
    sys.exit(result["more_mb"] > 100 or result["more_threads"] > 1 or result["more_fds"] > 8)
