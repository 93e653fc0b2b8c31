"""Repeat one part of a writer's work in this process, and print the time per call.

    python -m benchmarks.part_child '{"part": ..., "module": ..., "arrays": ..., "seconds": ...}'
"""
from __future__ import annotations

import json
import sys
import time
from importlib import import_module
from typing import Any, Dict, NamedTuple, Sequence

from .values import scalars


class Part(NamedTuple):
    """One part. function: of a peer; amount: units in one call of it."""

    name: str
    title: str
    function: str
    unit: str
    amount: float
    arrays: str = ""


PARTS: Sequence[Part] = (
    Part("count", "histogram of 1 000 000 float32", "count", "M values/s", 1.0, "weights-1e6"),
    Part("count-few", "histogram of 1 000 float32", "count", "M values/s", 0.001, "weights-1e3"),
    Part("serialize", "scalars to events (tbwriter: with their frames)", "serialize",
         "M events/s", 0.01),
    Part("checksum", "CRC of 1 MiB", "checksum", "MB/s", 1.048576),
    Part("checksum-few", "CRC of 45 bytes", "checksum", "MB/s", 45e-6),
    Part("png", "PNG of 1024x1024x3 noisy-natural", "png", "MB/s of pixels", 3.145728,
         "natural-1024"),
)


def main() -> None:
    job: Dict[str, Any] = json.loads(sys.argv[1])
    part = next(part for part in PARTS if part.name == job["part"])
    function = getattr(import_module(f"{__package__}.peers.{job['module']}"), part.function)
    if part.function == "serialize":
        values = scalars(round(part.amount * 1e6))
        arguments: Sequence[Any] = ("loss", values)
    elif part.function == "checksum":
        arguments = (bytes(range(256)) * 4096,) if part.amount > 1 else (bytes(45),)
    else:
        arrays = import_module(f"{__package__}.arrays")
        arguments = (arrays.load(job["arrays"], part.arrays)[0],)
    function(*arguments)
    times, start = 0, time.perf_counter()
    while time.perf_counter() - start < job["seconds"]:
        # Short calls are timed by the hundred, since reading the clock takes as long as one.
        for _ in range(100 if part.amount < 0.0001 else 1):
            function(*arguments)
            times += 1
    print(json.dumps({"disk_us": (time.perf_counter() - start) / times * 1e6}))


if __name__ == "__main__":
    main()
