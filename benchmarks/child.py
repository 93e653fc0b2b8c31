"""Run one case with one writer in this process, and print the costs as a line of JSON.

    python -m benchmarks.child '{"case": ..., "writer": ..., "times": ..., "directory": ...}'

The parent (`race`) starts one such process at a time, with the interpreter that has the writer.
Before the clock starts, the writer is imported, all values are made, and a few of them are logged
to another log directory, so that caches are filled and lazy imports are done.
"""
from __future__ import annotations

import gc
import json
import os
import resource
import sys
import threading
import time
from importlib import import_module
from typing import Any, Callable, Dict, Iterable, Iterator, List, Sequence

from .cases import CASES, Calls, Case
from .peers import NOTHING, WRITERS


def main() -> None:
    job = json.loads(sys.argv[1])
    case = job_case(job)
    if case.cores:
        os.sched_setaffinity(0, set(sorted(os.sched_getaffinity(0))[:case.cores]))
    arrays = load(job["arrays"], case)
    peer = WRITERS[job["writer"]]
    result = race(case, import_module(f"{__package__}.peers.{peer.module}"), job["times"],
                  arrays, job["directory"])
    if case.pace:
        nothing = import_module(f"{__package__}.peers.{NOTHING.module}")
        empty = race(case, nothing, min(job["times"], 2000), arrays, job["directory"])
        result["empty_us"] = empty["p50_us"]
    result["version"] = version(peer.package)
    print(json.dumps(result))


def job_case(job: Dict[str, Any]) -> Case:
    """The case named in `job`, with the fields that `scaling` changes."""
    case = next(case for case in CASES if case.name == job["case"])
    return case._replace(**job.get("changed", {}))


def load(directory: str, case: Case) -> Sequence[Any]:
    """The arrays of `case`; and numpy, which nearly every training program has loaded."""
    if not case.numpy:
        return []
    loaded: Sequence[Any] = import_module(f"{__package__}.arrays").load(directory, case.arrays)
    return loaded


def race(case: Case, peer: Any, times: int, arrays: Sequence[Any], directory: str
         ) -> Dict[str, Any]:
    """Log `times` times to `directory`/log. Returns the costs; times are per call."""
    opened = getattr(peer, case.opened, peer.open)
    function = getattr(peer, case.function, None) or getattr(peer, case.instead)
    calls = case.calls(times, arrays)
    warm = case.calls(min(times, 1000 if case.kind in ("scalar", "text") else 2), arrays)
    warm_writer = opened(os.path.join(directory, "warm"))
    for tag, values in warm:
        function(warm_writer, tag, values)
    peer.close(warm_writer)
    taken: List[float] = []
    if case.pace:
        calls = [(tag, Paced(values, case.pace, taken.append)) for tag, values in calls]
    if function.__name__ == "series":
        calls = [(tag, import_module("numpy").asarray(values)) for tag, values in calls]
    count = times // case.tags * case.tags if case.function == "scalar_tags" else times

    writer = opened(os.path.join(directory, "log"))
    gc.collect()
    before = reset_peak()
    cpu, start = time.process_time(), time.perf_counter()
    run(function, writer, calls)
    returned = time.perf_counter()
    peer.close(writer)
    end, cpu = time.perf_counter(), time.process_time() - cpu
    result = {"times": count, "call_us": (returned - start) / count * 1e6,
              "disk_us": (end - start) / count * 1e6, "cpu_us": cpu / count * 1e6,
              "peak_mb": (peak() - before) / 1e6}
    if taken:
        result.update(percentiles(taken))
    return result


def run(function: Callable[..., None], writer: Any, calls: Calls) -> None:
    """All `calls`, each in a thread of its own if there are several."""
    if len(calls) == 1:
        function(writer, *calls[0])
        return
    threads = [threading.Thread(target=function, args=(writer, *call)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


class Paced:
    """`values` at the pace of a training loop: a computation precedes each value.

    `note` gets the time from giving a value until the loop asks for the next one. That is the time
    of the logging call, plus two dozen nanoseconds for the loop and the clock, which are measured
    with a writer that does nothing.
    """

    def __init__(self, values: Iterable[Any], seconds: float, note: Callable[[float], None]
                 ) -> None:
        self._values = values
        self._seconds = seconds
        self._note = note

    def __iter__(self) -> Iterator[Any]:
        import numpy as np

        clock, note = time.perf_counter, self._note
        matrix = np.random.default_rng(0).normal(size=(64, 64)).astype(np.float32)
        for value in self._values:
            until = clock() + self._seconds
            while clock() < until:
                # It releases the GIL, as training does.
                np.dot(matrix, matrix)
            start = clock()
            yield value
            note(clock() - start)


def percentiles(taken: List[float]) -> Dict[str, float]:
    taken = sorted(taken)
    return {f"p{percent:g}_us": taken[min(len(taken) - 1, int(len(taken) * percent / 100))] * 1e6
            for percent in (50, 99, 99.9)}


def reset_peak() -> int:
    """Reset `peak` (on Linux) and return it: the bytes that this process holds now."""
    try:
        with open("/proc/self/clear_refs", "w") as file:
            file.write("5")
    except OSError:
        pass
    return peak()


def peak() -> int:
    """The largest number of bytes that this process has held."""
    try:
        with open("/proc/self/status") as file:
            line = next(line for line in file if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024
    except OSError:
        scale = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * scale


def version(package: str) -> str:
    from importlib.metadata import PackageNotFoundError, version as installed

    try:
        return installed(package)
    except PackageNotFoundError:
        module = sys.modules.get(package)
        return str(getattr(module, "__version__", "?"))


if __name__ == "__main__":
    main()
