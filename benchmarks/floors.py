"""Lower bounds: the steps that no writer in Python can avoid, and the time of tbwriter's calls.

    python -m benchmarks.floors '{"seconds": 0.2, "directory": ...}'

measures them in one process and prints a line of JSON: {step: seconds}.
"""
from __future__ import annotations

import json
import os
import statistics
import sys
import time
import zlib
from importlib.util import find_spec
from itertools import cycle
from mmap import mmap
from struct import Struct
from typing import Any, Callable, Dict, List, Sequence, Tuple

from .interpreters import environ
from .race import Course, Result, ask, summed_up

Note = Callable[[str, Callable[[], Any]], None]

# (a whole call, its unavoidable steps). The rows named `fast` need isal.
WHOLES: Sequence[Tuple[str, Sequence[str]]] = (
    ("add_scalar, the call", ("an empty method", "time.time()", "Struct.pack of a row",
                              "a look at a dict", "append to a list")),
    ("add_scalar written through", ("add_scalar, the call", "into the queue and out of it",
                                    "one record in plain Python", "into the log and to the kernel",
                                    "os.write of 60 bytes")),
    ("histogram of 1 000 values to a record", ("numpy's sort of 1 000 values",
                                               "twenty numpy calls that add two numbers")),
    ("histogram of 100 000 values to a record",
     ("numpy's sort of 100 000 values", "cast, sum, minimum and maximum of 100 000 values",
      "two table lookups, and a count")),
    ("histogram of 1 M values, the snapshot", ("a copy of 4 MB that is not in the caches",)),
    ("picture 28x28 to a record", ("zlib of its bytes, set up and done",)),
    ("picture 224x224x3 to a record", ("zlib's Z_HUFFMAN_ONLY of 150 528 bytes",)),
    ("PNG of 1024x1024x3, one core", ("zlib's Z_HUFFMAN_ONLY of its bytes", "a copy of its bytes",
                                      "memory of its size, touched for the first time")),
    ("the same with `fast`", ("isal's deflate of its filtered bytes",)),
    ("1 s of sound to a record", ("scale, range, rounding and cast of 44 100 values",
                                  "a copy of 44 100 values")),
    ("text to a record", ("one record of its bytes",)),
)


def measure(course: Course) -> Dict[str, float]:
    """{name of a step: microseconds}, medians over the rounds."""
    job = {"seconds": 0.2 * min(1.0, course.share), "directory": course.directory}
    taken: List[Result] = [ask(course.pythons["main"], f"{__package__}.floors", job, environ({}))
                           for _ in range(course.rounds)]
    return dict(summed_up(taken))


def _quickest(call: Callable[[], Any], seconds: float) -> float:
    """Microseconds per call: the best of many short series, since other programs only add time."""
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
    job = json.loads(sys.argv[1])
    found: Dict[str, float] = {}

    def note(what: str, call: Callable[[], Any]) -> None:
        found[what] = _quickest(call, job["seconds"])

    _calls(note, found)
    _scalars(note, job["directory"])
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    _histograms(note)
    _pictures(note, found)
    _sound_and_text(note)
    print(json.dumps(found))


def _calls(note: Note, found: Dict[str, float]) -> None:
    empty, pack, numbers, rows = _Empty(), Struct("<dqfI").pack, {"loss": 0}, [b""]
    note("nothing", lambda: None)
    idle = found.pop("nothing")
    note("an empty method", lambda: empty.method("loss", 0.5, 3))
    note("time.time()", time.time)
    note("Struct.pack of a row", lambda: pack(1e9, 3, 0.5, 0))
    note("a look at a dict", lambda: numbers["loss"])
    note("append to a list", lambda: rows.append(b""))
    for what in found:
        if what != "time.time()":  # all others are measured with the call of a function
            found[what] -= idle


def _scalars(note: Note, directory: str) -> None:
    from tbwriter import SummaryWriter
    from tbwriter._log.channel import Channel
    from tbwriter._scalars.rows import ROW, RowEncoder, Tags
    from tbwriter._log.local import LocalLog

    tags = Tags()
    row = ROW.pack(1e9, 3, 0.5, tags.number("loss"))
    record = RowEncoder(tags).records(row)
    note("one record in plain Python", lambda: RowEncoder(tags).records(row))
    log = LocalLog(os.path.join(directory, "log"), "", lambda: b"")
    channel = Channel(log, lambda items: (record, len(items), 0), 1, 1 << 20, asynchronous=False)

    def queue() -> None:
        channel.queue.items.append(row)
        channel.queue.cut()

    def write() -> None:
        log.append(record)
        log.write()

    note("into the queue and out of it", queue)
    note("into the log and to the kernel", write)
    file = os.open(os.path.join(directory, "floor"), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    note("os.write of 60 bytes", lambda: os.write(file, bytes(60)))
    os.close(file)
    for what in ("add_scalar, the call", "add_scalar written through"):
        writer = SummaryWriter(os.path.join(directory, "floors"),
                               asynchronous=what.endswith("call"))
        writer.add_scalar("loss", 0.5, 0)
        note(what, lambda: writer.add_scalar("loss", 0.5, 3))
        writer.close()


def _histograms(note: Note) -> None:
    import numpy as np

    from tbwriter import summary
    from tbwriter._values.array import snapshot

    for size, named in ((1_000, "1 000"), (100_000, "100 000")):
        values = np.random.default_rng(0).standard_normal(size).astype(np.float32)
        note(f"numpy's sort of {named} values", lambda: np.sort(values))
        note(f"histogram of {named} values to a record",
             lambda: _made(summary.histogram("tag", values)))
    one = np.ones(2)
    note("twenty numpy calls that add two numbers",
         lambda: [np.add.reduce(one) for _ in range(20)])

    def sums() -> None:
        doubles = values.astype(np.float64)
        np.add.reduce(doubles), np.minimum.reduce(values), np.maximum.reduce(values)

    table, index = np.arange(1 << 16), np.abs(values * 1e4).astype(np.intp)
    note("cast, sum, minimum and maximum of 100 000 values", sums)
    note("two table lookups, and a count",
         lambda: np.bincount(table.take(table.take(index, mode="wrap"), mode="wrap")))
    many = cycle([np.ones(1_000_000, np.float32) for _ in range(16)])
    note("a copy of 4 MB that is not in the caches", lambda: next(many).copy())
    note("histogram of 1 M values, the snapshot", lambda: snapshot(next(many)))


def _pictures(note: Note, found: Dict[str, float]) -> None:
    import numpy as np

    from tbwriter import summary
    from tbwriter._values.png import encode

    from .arrays import digit, noisy_natural

    small, middle, pixels = digit(0), noisy_natural(224), noisy_natural(1024)
    few, more, data = small.tobytes(), middle.tobytes(), pixels.tobytes()
    note("zlib of its bytes, set up and done", lambda: _deflated(few, zlib.Z_DEFAULT_STRATEGY))
    note("picture 28x28 to a record",
         lambda: _made(summary.image("tag", small, dataformats="HWC")))
    note("zlib's Z_HUFFMAN_ONLY of 150 528 bytes", lambda: _deflated(more, zlib.Z_HUFFMAN_ONLY))
    note("picture 224x224x3 to a record",
         lambda: _made(summary.image("tag", middle, dataformats="HWC")))
    note("zlib's Z_HUFFMAN_ONLY of its bytes", lambda: _deflated(data, zlib.Z_HUFFMAN_ONLY))
    note("a copy of its bytes", pixels.copy)
    note("PNG of 1024x1024x3, one core", lambda: encode(pixels))
    if find_spec("isal"):
        _fast_picture(note, pixels)
    kept: List[Any] = []

    def touch_new() -> None:  # malloc may return memory that was touched before
        memory = mmap(-1, len(data))
        np.frombuffer(memory, np.uint8).fill(1)
        kept.append(memory)

    found["memory of its size, touched for the first time"] = statistics.median(
        _once(touch_new) for _ in range(11))


def _fast_picture(note: Note, pixels: Any) -> None:
    from isal import isal_zlib

    from tbwriter._values import png

    def deflate() -> None:
        packer = isal_zlib.compressobj(1, zlib.DEFLATED, -15)
        for block in filtered:
            packer.compress(block)
        packer.flush()

    filtered = list(png.Picture(pixels).blocks(png.AVERAGE, 0, pixels.shape[0]))
    note("isal's deflate of its filtered bytes", deflate)
    before, png._isal = png._isal, isal_zlib  # as TBWRITER_PNG=isal sets it
    note("the same with `fast`", lambda: png.encode(pixels))
    png._isal = before


def _sound_and_text(note: Note) -> None:
    import numpy as np

    from tbwriter import summary
    from tbwriter._parts import Parts
    from tbwriter._tfrecord.frame import frame

    sound = np.sin(np.arange(44_100) / 20).astype(np.float32)
    text = "step 12 345: **loss** 0.123" * 4
    data: Parts = [text.encode()]

    def passes() -> None:
        scaled = sound * np.float32(32767)
        np.minimum.reduce(scaled), np.maximum.reduce(scaled)
        np.rint(scaled, out=scaled)
        scaled.astype("<i2")

    note("scale, range, rounding and cast of 44 100 values", passes)
    note("a copy of 44 100 values", sound.copy)
    note("1 s of sound to a record", lambda: _made(summary.audio("tag", sound)))
    note("one record of its bytes", lambda: frame(data))
    note("text to a record", lambda: _made(summary.text("tag", text)))


def _made(payload: Any) -> Any:
    """The record of `payload`: all of an add but the queue and the file."""
    from tbwriter._proto import messages
    from tbwriter._tfrecord import frame

    return frame.frame(messages.event(1e9, 5, payload.event_field()))


def _deflated(data: bytes, strategy: int) -> bytes:
    packer = zlib.compressobj(1, zlib.DEFLATED, -15, 8, strategy)
    return packer.compress(data) + packer.flush()


def _once(call: Callable[[], Any]) -> float:
    start = time.perf_counter()
    call()
    return (time.perf_counter() - start) * 1e6


if __name__ == "__main__":
    main()
