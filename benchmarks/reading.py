"""The speed of reading event files with tbwriter.reader, TensorBoard's EventAccumulator, its
compiled data server, and tbparse.

    python -m benchmarks.reading [--rounds N] [--share X]

measures all of them in turns, each in a process of its own, and prints the tables of
docs/reader.md. Readers that are not installed are not measured, and the tables report that.

    python -m benchmarks.reading '{"reader": ..., "logdir": ...}'

is the process in which one of them reads.
"""
from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import time
from importlib import import_module
from typing import Any, Callable, Dict, Iterator, List, NamedTuple, Optional, Sequence

from .cases import CASES
from .interpreters import environ
from .race import Course, Result, ask, summed_up

READERS = {"tbwriter": "tbwriter.reader", "EventAccumulator": "tensorboard's EventAccumulator"}


def measure(course: Course) -> List[Result]:
    """A result for each reader: the time per scalar, of a million scalars."""
    case = next(case for case in CASES if case.name == "memory")
    directory = os.path.join(course.directory, "reading")
    job = {"case": case.name, "writer": "tbwriter", "times": max(1, int(1e6 * course.share)),
           "arrays": course.arrays, "directory": directory}
    python = course.pythons["main"]
    try:
        ask(python, f"{__package__}.child", job, environ({}))
        rounds: Dict[str, List[Result]] = {reader: [] for reader in READERS}
        for number in range(min(3, course.rounds)):
            for reader in READERS if not number else ["tbwriter"]:
                try:
                    taken = ask(python, f"{__package__}.reading",
                                {"reader": reader, "logdir": os.path.join(directory, "log")},
                                environ({"TF_CPP_MIN_LOG_LEVEL": "3"}))
                except RuntimeError as error:
                    taken = {"error": str(error)}
                if taken.get("values", job["times"]) != job["times"]:
                    taken = {"error": f"got {taken['values']} values, want {job['times']}"}
                rounds[reader].append(taken)
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    return [{"reader": READERS[reader], **summed_up(results)}
            for reader, results in rounds.items()]


class Logs(NamedTuple):
    """Logs to be read. make: writes them into a directory and returns the number of scalars."""

    name: str
    readers: Sequence[str]
    make: Callable[[str, float], int]


def _single(directory: str, share: float) -> int:
    return _interleaved(os.path.join(directory, "run"), 20, max(2, int(5000 * share)))


def _tens(directory: str, share: float) -> int:
    return _events(os.path.join(directory, "run"), max(30, int(10_000 * share)), 10)


def _tree(directory: str, share: float) -> int:
    """100 runs of 20 tags and 500 steps, and 5 of 2000 events with ten scalars each."""
    count = sum(_interleaved(os.path.join(directory, f"one{i:03d}"), 20, max(2, int(500 * share)))
                for i in range(max(2, int(100 * share))))
    return count + sum(_events(os.path.join(directory, f"ten{i}"), max(30, int(2000 * share)), 10)
                       for i in range(5))


def _of(each: int) -> Callable[[str, float], int]:
    return lambda directory, share: _events(
        os.path.join(directory, "run"), max(30, int(30_000 * share) // each), each)


ALL = ("tbwriter", "server", "EventAccumulator", "tbparse")
LOGS = [
    Logs("105 runs, 1.1 million scalars", ("tbwriter", "server"), _tree),
    Logs("20 tags in turns, 100 000 scalars", ("tbwriter", "server"), _single),
    Logs("10 000 events of ten scalars", ("tbwriter", "server"), _tens),
    *(Logs(f"30 000 scalars, {each} per event", ALL, _of(each)) for each in (1, 3, 10, 100)),
]
NAMES = {"tbwriter": "tbwriter", "server": "data server, one thread",
         "EventAccumulator": "EventAccumulator", "tbparse": "tbparse"}


def _interleaved(directory: str, tags: int, steps: int) -> int:
    """Events of one scalar each; the tags have different lengths."""
    names = [f"{'train/' * (i % 3)}layer{i}/loss" for i in range(tags)]
    _write(directory, ([(names[i], step * 0.5 + i)] for step in range(steps) for i in range(tags)),
           tags)
    return tags * steps


def _events(directory: str, count: int, each: int) -> int:
    names = [f"metrics/{i}" for i in range(each)]
    _write(directory, ([(name, step + 0.5) for name in names] for step in range(count)), 1)
    return count * each


def _write(directory: str, events: "Iterator[List[Any]]", per_step: int) -> None:
    """Write an event file event by event, in the form that other writers use."""
    frame = import_module("tbwriter._tfrecord.frame").frame
    wire = import_module("tbwriter._proto.wire")
    os.makedirs(directory)
    with open(os.path.join(directory, "events.out.tfevents.1700000000.host"), "wb") as file:
        head = wire.double_field(1, 1.7e9) + wire.string_field(3, "brain.Event:2")
        file.write(b"".join(frame([head])))
        for number, values in enumerate(events):
            data = b"".join(wire.bytes_field(1, wire.string_field(1, tag) + b"\x15"
                                             + struct.pack("<f", value)) for tag, value in values)
            file.write(b"".join(frame([wire.double_field(1, 1.7e9 + number / 8),
                                       wire.int_field(2, number // per_step),
                                       wire.bytes_field(5, data)])))


def seconds(reader: str, logdir: str) -> float:
    """The time of a reader. RuntimeError if it is not installed or fails."""
    if reader == "server":
        return _server(logdir)
    return _asked({"reader": reader, "logdir": logdir, "all": True})["seconds"]


def _server(logdir: str) -> float:
    """The time of TensorBoard's data server: the sum of the times that it prints for the runs."""
    try:
        binary = import_module("tensorboard_data_server").server_binary()
    except ImportError as error:
        raise RuntimeError(str(error)) from None
    if binary is None:
        raise RuntimeError("no data server for this platform")
    units = {"ns": 1e-9, "µs": 1e-6, "ms": 1e-3, "s": 1.0}
    total = 0.0
    with subprocess.Popen([binary, "--logdir", logdir, "--reload", "once", "--port", "0", "-vv"],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        assert process.stdout is not None
        for line in process.stdout:
            text = line.decode("utf-8", "replace").strip()
            found = re.search(r"Finished load for run .*\(([\d.]+)(ns|µs|ms|s)\)$", text)
            if found:
                total += float(found.group(1)) * units[found.group(2)]
            if "Finished load cycle" in text:
                break
        process.kill()
    return total


def table(rounds: int, share: float) -> Iterator[str]:
    """The lines of the table: the best time of each reader, and its ratio to ours."""
    missing: Dict[str, str] = {}
    yield f"| logs | {' | '.join(NAMES[name] for name in ALL)} |"
    yield "| --- |" + " ---: |" * len(ALL)
    for logs in LOGS:
        with tempfile.TemporaryDirectory() as directory:
            logs.make(directory, share)
            best: Dict[str, float] = {}
            for _ in range(rounds):
                for reader in logs.readers:
                    try:
                        best[reader] = min(seconds(reader, directory), best.get(reader, 1e9))
                    except RuntimeError as error:
                        missing[reader] = str(error)
        cells = [_cell(best.get(reader), best["tbwriter"]) for reader in ALL]
        yield f"| {logs.name} | {' | '.join(cells)} |"
    for reader, reason in missing.items():
        yield f"\n{NAMES[reader]}: not measured ({reason})."


def commands(rounds: int, share: float) -> Iterator[str]:
    """The times of commands that read the 105 runs, and their ratios to that of reading them."""
    jobs: Dict[str, Dict[str, Any]] = {
        "`reader.read`": {"reader": "tbwriter", "all": True},
        "`tbwriter check`": {"command": ["check"]},
        "`tbwriter export`": {"command": ["export"]},
    }
    best: Dict[str, float] = {}
    with tempfile.TemporaryDirectory() as directory:
        _tree(directory, share)
        for _ in range(rounds):
            for name, job in jobs.items():
                taken = _asked({**job, "logdir": directory})["seconds"]
                best[name] = min(taken, best.get(name, taken))
    for name, taken in best.items():
        yield f"{name} of 105 runs: {_cell(taken, best['`reader.read`'])}."


def _asked(job: Dict[str, Any]) -> Dict[str, float]:
    """The last line that a process of this module prints. RuntimeError where it fails."""
    done = subprocess.run([sys.executable, "-m", "benchmarks.reading", json.dumps(job)],
                          capture_output=True, text=True,
                          env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"})
    if done.returncode:
        raise RuntimeError((done.stderr.strip() or "failed").splitlines()[-1])
    found: Dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def _cell(taken: Optional[float], ours: float) -> str:
    if taken is None:
        return ""
    shown = f"{taken:.2f} s" if taken >= 1 else f"{taken * 1000:.3g} ms"
    return shown if taken == ours else f"{shown} ({taken / ours:.1f}x)"


def limits(share: float) -> Iterator[str]:
    """The time and memory for many scalars and for many tags."""
    with tempfile.TemporaryDirectory() as directory:
        count = _events(os.path.join(directory, "run"), int(4_000_000 * share), 1)
        taken = _asked({"reader": "tbwriter", "logdir": directory, "all": True})
        yield (f"{count} scalars of one tag: {taken['nbytes'] / 2 ** 20:.0f} MiB, of which "
               f"{24 * count / 2 ** 20:.0f} are 24 bytes a scalar; {taken['seconds']:.2f} s.")
    with tempfile.TemporaryDirectory() as directory:
        tags = int(100_000 * share)
        _interleaved(os.path.join(directory, "run"), tags, 1)
        for command in (["show"], ["export"]):
            program = ("import resource, sys; from tbwriter.cli import main; main(sys.argv[1:]); "
                       "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr)")
            begin = time.perf_counter()
            done = subprocess.run([sys.executable, "-c", program, *command, directory], check=True,
                                  stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
            yield (f"`tbwriter {command[0]}` of {tags} tags: {time.perf_counter() - begin:.1f} s, "
                   f"{int(done.stderr.split()[-1]) / 1024:.0f} MiB.")


def main(arguments: Sequence[str]) -> None:
    if arguments and arguments[0].startswith("{"):
        _child(json.loads(arguments[0]))
        return
    parser = argparse.ArgumentParser(description="Measures how fast event files are read.")
    parser.add_argument("--rounds", type=int, default=3,
                        help="rounds, of which the best counts (3)")
    parser.add_argument("--share", type=float, default=1.0,
                        help="share of the scalars to read (1.0)")
    options = parser.parse_args(arguments)
    for lines in (table(options.rounds, options.share), [""],
                  commands(options.rounds, options.share), limits(options.share)):
        for line in lines:
            print(line, flush=True)


def _child(job: Dict[str, Any]) -> None:
    if "command" in job:
        print(json.dumps({"seconds": _run(job["command"], job["logdir"])}))
        return
    if job.get("all"):
        print(json.dumps(_read_all(job["reader"], job["logdir"])))
        return
    if job["reader"] == "tbwriter":
        reader = import_module("tbwriter.reader")
        start = time.perf_counter()
        values = reader.read(job["logdir"])["."].scalars("loss").values
    else:
        accumulator = import_module("tensorboard.backend.event_processing.event_accumulator")
        start = time.perf_counter()
        loaded = accumulator.EventAccumulator(job["logdir"], size_guidance={"scalars": 0})
        values = loaded.Reload().Scalars("loss")
    taken = time.perf_counter() - start
    print(json.dumps({"disk_us": taken / len(values) * 1e6, "values": len(values)}))


def _read_all(reader: str, logdir: str) -> Dict[str, float]:
    """The seconds and the peak bytes of reading all scalars below a directory."""
    if reader == "tbwriter":
        module, read = import_module("tbwriter.reader"), _ours
    elif reader == "tbparse":
        module, read = import_module("tbparse"), _tbparse
    else:
        module = import_module("tensorboard.backend.event_processing.event_accumulator")
        read = _accumulator
    before = _peak()
    start = time.perf_counter()
    kept = read(module, logdir)
    taken = {"seconds": time.perf_counter() - start, "nbytes": _peak() - before}
    del kept
    return taken


def _run(command: List[str], logdir: str) -> float:
    """The seconds of a command of `tbwriter`, whose output is not kept."""
    run = import_module("tbwriter.cli").main
    import_module("tbwriter.reader")  # as where it is measured alone
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):
        start = time.perf_counter()
        code = run([*command, logdir])
        taken = time.perf_counter() - start
    if code not in (0, None):
        raise RuntimeError(f"`tbwriter {command[0]}` ended with {code}")
    return taken


def _ours(module: Any, logdir: str) -> Any:
    return module.read(logdir)


def _tbparse(module: Any, logdir: str) -> Any:
    return module.SummaryReader(logdir, extra_columns={"dir_name"}).scalars


def _accumulator(module: Any, logdir: str) -> Any:
    return [module.EventAccumulator(os.path.join(logdir, run), size_guidance={"scalars": 0}
                                    ).Reload() for run in os.listdir(logdir)]


def _peak() -> int:
    """The largest number of bytes that this process has held."""
    try:
        import resource
    except ImportError:  # not on Windows
        return 0
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


if __name__ == "__main__":
    main(sys.argv[1:])
