"""How fast event files are read: tbwriter.reader and TensorBoard's EventAccumulator.

    python -m benchmarks.reading '{"reader": ..., "logdir": ...}'

is the process in which one of them reads.
"""
from __future__ import annotations

import json
import os
import shutil
import sys
import time
from importlib import import_module
from typing import Any, Dict, List

from .cases import CASES
from .interpreters import environ
from .race import Course, Result, ask, summed_up

READERS = {"tbwriter": "tbwriter.reader", "EventAccumulator": "tensorboard's EventAccumulator"}


def measure(course: Course) -> List[Result]:
    """A result for each reader, of the time for one of a million scalars."""
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


def main() -> None:
    job: Dict[str, Any] = json.loads(sys.argv[1])
    if job["reader"] == "tbwriter":
        reader = import_module("tbwriter.reader")
        start = time.perf_counter()
        values = reader.read(job["logdir"])["."].scalars("loss").values
    else:
        accumulator = import_module("tensorboard.backend.event_processing.event_accumulator")
        start = time.perf_counter()
        loaded = accumulator.EventAccumulator(job["logdir"], size_guidance={"scalars": 0})
        values = loaded.Reload().Scalars("loss")
    seconds = time.perf_counter() - start
    print(json.dumps({"disk_us": seconds / len(values) * 1e6, "values": len(values)}))


if __name__ == "__main__":
    main()
