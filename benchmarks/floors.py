"""What no writer in Python can do without, beside what tbwriter takes: the floors of its calls.

    python -m benchmarks.floors '{"seconds": 0.2, "directory": ...}'

measures them in one process and prints a line of JSON: {what: seconds}.
"""
from __future__ import annotations

import json
import os
import statistics
import sys
import time
import zlib
from mmap import mmap
from struct import Struct
from typing import Any, Callable, Dict, List, Sequence, Tuple

from .interpreters import environ
from .race import Course, Result, ask, summed_up

# What is measured as a whole, and what of it is given.
WHOLES: Sequence[Tuple[str, Sequence[str]]] = (
    ("add_scalar, the call", ("an empty method", "time.time()", "Struct.pack of a row",
                              "a look at a dict", "append to a list")),
    ("add_scalar written through", ("add_scalar, the call", "one record in plain Python",
                                    "os.write of 60 bytes")),
    ("PNG of 1024x1024x3, one core", ("zlib's Z_HUFFMAN_ONLY of its bytes", "a copy of its bytes",
                                      "memory of its size, touched for the first time")),
)


def measure(course: Course) -> Dict[str, float]:
    """{what: microseconds}, medians."""
    job = {"seconds": 0.2 * min(1.0, course.share), "directory": course.directory}
    taken: List[Result] = [ask(course.pythons["main"], f"{__package__}.floors", job, environ({}))
                           for _ in range(course.rounds)]
    return dict(summed_up(taken))


def _quickest(call: Callable[[], Any], seconds: float) -> float:
    """Microseconds of one call: the best of many short series, as other programs only add."""
    best, times = float("inf"), 1
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        start = time.perf_counter()
        for _ in range(times):
            call()
        taken = time.perf_counter() - start
        best = min(best, taken / times)
        if taken < 0.0005:
            times *= 2
    return best * 1e6


class _Empty:
    def method(self, tag: str, value: float, step: int) -> None:
        pass


def main() -> None:
    import numpy as np

    from tbwriter import SummaryWriter
    from tbwriter._png import encode
    from tbwriter._rows import ROW, RowEncoder, Tags

    from .arrays import noisy_natural

    job = json.loads(sys.argv[1])
    found: Dict[str, float] = {}

    def note(what: str, call: Callable[[], Any]) -> None:
        found[what] = _quickest(call, job["seconds"])

    empty, pack, numbers, rows = _Empty(), Struct("<dqfI").pack, {"loss": 0}, [b""]
    idle = _quickest(lambda: None, job["seconds"])
    note("an empty method", lambda: empty.method("loss", 0.5, 3))
    note("time.time()", time.time)
    note("Struct.pack of a row", lambda: pack(1e9, 3, 0.5, 0))
    note("a look at a dict", lambda: numbers["loss"])
    note("append to a list", lambda: rows.append(b""))
    for what in found:
        if what != "time.time()":  # the others stand in a function that is called
            found[what] -= idle
    tags = Tags()
    row = ROW.pack(1e9, 3, 0.5, tags.number("loss"))
    note("one record in plain Python", lambda: RowEncoder(tags).records(row))
    file = os.open(os.path.join(job["directory"], "floor"), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    note("os.write of 60 bytes", lambda: os.write(file, bytes(60)))
    os.close(file)
    for what in ("add_scalar, the call", "add_scalar written through"):
        writer = SummaryWriter(os.path.join(job["directory"], "floors"),
                               asynchronous=what.endswith("call"))
        writer.add_scalar("loss", 0.5, 0)
        note(what, lambda: writer.add_scalar("loss", 0.5, 3))
        writer.close()
    pixels = noisy_natural(1024)
    data = pixels.tobytes()

    def pack_all() -> None:
        packer = zlib.compressobj(1, zlib.DEFLATED, -15, 8, zlib.Z_HUFFMAN_ONLY)
        packer.compress(data)

    def touch_new() -> None:  # malloc would give what was touched before
        memory = mmap(-1, len(data))
        np.frombuffer(memory, np.uint8).fill(1)
        kept.append(memory)

    kept: List[Any] = []
    note("zlib's Z_HUFFMAN_ONLY of its bytes", pack_all)
    note("a copy of its bytes", pixels.copy)
    found["memory of its size, touched for the first time"] = statistics.median(
        _once(touch_new) for _ in range(11))
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    note("PNG of 1024x1024x3, one core", lambda: encode(pixels))
    print(json.dumps(found))


def _once(call: Callable[[], Any]) -> float:
    start = time.perf_counter()
    call()
    return (time.perf_counter() - start) * 1e6


if __name__ == "__main__":
    main()
