"""The time of a span, during a session and outside of one.

    python -m benchmarks.profile_spans

Prints the best of many repetitions, per span, in nanoseconds, without the empty loop.
"""
from __future__ import annotations

import argparse
import tempfile
import timeit
from typing import Dict

from tbwriter import FileWriter

SPANS = 20_000
REPEATS = 40

CASES = {
    "span": "with profile.span('load'): pass",
    "span, input": "with profile.span('load', input=True): pass",
    "span, op": "with profile.span('dense', op='FullyConnected'): pass",
    "step": "with profile.step(3): pass",
    "counter": "profile.counter('queue', 3)",
    "memory": "profile.memory('pool', in_use=3)",
    "decorated function": "decorated()",
}


def measure() -> Dict[str, Dict[str, float]]:
    """{case: {"recording": ns, "idle": ns}}."""
    found: Dict[str, Dict[str, float]] = {case: {} for case in CASES}
    with tempfile.TemporaryDirectory() as folder, FileWriter(folder) as writer:
        for state in ("recording", "idle"):
            for case, statement in CASES.items():
                found[case][state] = _best(writer, statement, state == "recording")
    return found


def _best(writer: FileWriter, statement: str, recording: bool) -> float:
    best = float("inf")
    for _ in range(REPEATS):
        profile = writer.profile(max_events=2 * SPANS)
        names = {"profile": profile, "decorated": profile.span("decorated")(_nothing)}
        if recording:
            profile.__enter__()
        timer = timeit.Timer(statement, globals=names)
        best = min(best, timer.timeit(SPANS) - timeit.timeit("pass", number=SPANS))
        profile._window = None  # discard the session instead of writing it
    return best / SPANS * 1e9


def _nothing() -> None:
    pass


if __name__ == "__main__":
    argparse.ArgumentParser(description="Measure the time of a span.").parse_args()
    print(f"{'':20}{'recording':>12}{'idle':>12}   ns")
    for name, costs in measure().items():
        print(f"{name:20}{costs['recording']:12.0f}{costs['idle']:12.0f}")
