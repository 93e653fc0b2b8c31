"""Measure a case: one process per writer and round, in turns. The values written are verified."""
from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
from typing import Any, Dict, List, NamedTuple, Optional, Sequence

from . import arrays as made
from .cases import Case
from .interpreters import environ
from .peers import OURS, WRITERS, functions
from .verify import WrongValues, pillow_ratio, size, verify

Result = Dict[str, Any]

# A peer that takes longer than the fastest by this factor runs in the first round only.
_HOPELESS = 1.5
_PATIENCE = 300  # seconds


class Course(NamedTuple):
    """The settings of all cases in a run.

    pythons: {home: interpreter}; directory: for arrays and logs; rounds: how often each writer
    runs; share: the share of a case's events that is logged, from 0 to 1.
    """

    pythons: Dict[str, str]
    directory: str
    rounds: int
    share: float = 1.0

    @property
    def arrays(self) -> str:
        return os.path.join(self.directory, "arrays")

    def times(self, case: Case, writer: str) -> int:
        times = max(1, int(case.times(writer) * self.share))
        whole = case.tags if case.function == "scalar_tags" else case.threads
        return max(whole, times // whole * whole)

    def python(self, case: Case, writer: str) -> Optional[str]:
        home = WRITERS[writer].home
        return self.pythons.get(case.home if case.home and home == "main" else home)


def race(case: Case, writers: Sequence[str], course: Course) -> Dict[str, Result]:
    """{writer: medians over the rounds, and their spread}; {"error": the reason} if it failed."""
    make_arrays(course, [case.arrays] if case.arrays else [])
    results: Dict[str, List[Result]] = {writer: [] for writer in writers if can(writer, case)}
    for number in range(course.rounds):
        for writer in list(results):
            if number and not _worthwhile(writer, results):
                continue
            result = run(case, writer, course, checked=not number)
            if "error" in result and number:
                continue
            results[writer].append(result)
    return {writer: summed_up(rounds) for writer, rounds in results.items()}


def can(writer: str, case: Case) -> bool:
    """Whether the writer has the function of the case."""
    if case.only and writer not in case.only or writer == "crcmod" and not case.crcmod:
        return False
    return bool({case.function, case.instead} & functions(WRITERS[writer]))


def _worthwhile(writer: str, results: Dict[str, List[Result]]) -> bool:
    first = results[writer][0]
    if "error" in first:
        return False
    firsts = {name: rounds[0] for name, rounds in results.items()}
    best = cost(firsts.get(fastest(firsts), {})) or 0.0
    return (WRITERS[writer].module == WRITERS[OURS].module
            or (cost(first) or 0.0) <= _HOPELESS * best)


def make_arrays(course: Course, names: Sequence[str]) -> None:
    if names:
        done = subprocess.run([course.pythons["main"], "-m", f"{__package__}.arrays",
                               course.arrays, *names],
                              env=environ({}), capture_output=True, text=True)
        if done.returncode:
            raise FileNotFoundError(f"no {', '.join(names)}: {_last_line(done.stderr)}")


def run(case: Case, writer: str, course: Course, checked: bool = True,
        changed: Optional[Dict[str, Any]] = None) -> Result:
    """The result that one process printed, and the bytes per event. Or {"error": the reason}."""
    case = case._replace(**(changed or {}))
    python = course.python(case, writer)
    if python is None:
        return {"error": f"no interpreter for {case.home or WRITERS[writer].home}"}
    directory = os.path.join(course.directory, "run")
    logdir = os.path.join(directory, "log")
    shutil.rmtree(directory, ignore_errors=True)
    os.makedirs(directory)
    times = course.times(case, writer)
    job = {"case": case.name, "writer": writer, "times": times, "changed": changed or {},
           "arrays": course.arrays, "directory": directory}
    try:
        result = ask(python, f"{__package__}.child", job, _environ(case, writer))
        times = result["times"]
        if checked:
            loaded = made.load(course.arrays, case.arrays)
            verify(case, times, loaded, logdir)
            result["verified"] = True
            if case.kind == "image":
                result["size_ratio"] = pillow_ratio(loaded, logdir)
        result["bytes"] = size(logdir) / times
    except (RuntimeError, WrongValues, ValueError) as error:
        return {"error": str(error)}
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    return result


def _environ(case: Case, writer: str) -> Dict[str, str]:
    peer = WRITERS[writer]
    more = dict(peer.environ)
    if peer.module == WRITERS[OURS].module:
        more.update(case.environ)
    if case.pace:
        # One thread for the computation between the calls: more would delay the writer's thread.
        more.update(OPENBLAS_NUM_THREADS="1", OMP_NUM_THREADS="1", MKL_NUM_THREADS="1")
    return environ(more)


def ask(python: str, module: str, job: Dict[str, Any], environment: Dict[str, str]) -> Result:
    """The result that a new process prints for `job`. RuntimeError with its last line if it fails.
    """
    try:
        done = subprocess.run([python, "-m", module, json.dumps(job)], env=environment,
                              capture_output=True, text=True, timeout=_PATIENCE)
    except subprocess.TimeoutExpired:
        raise RuntimeError(f"took more than {_PATIENCE} seconds") from None
    if done.returncode:
        raise RuntimeError(_last_line(done.stderr))
    return dict(json.loads(done.stdout.splitlines()[-1]))


def _last_line(text: str) -> str:
    return (text.strip().splitlines() or ["it exited without output"])[-1]


def summed_up(rounds: Sequence[Result]) -> Result:
    """The median of each number. `spread`: half the range of the costs, divided by their median."""
    good = [one for one in rounds if "error" not in one]
    if not good:
        return dict(rounds[0])
    result: Result = {}
    for key, value in good[0].items():
        if isinstance(value, float):
            result[key] = statistics.median(one[key] for one in good if key in one)
        else:
            result[key] = value
    costs = [cost(one) or 0.0 for one in good]
    result["rounds"] = len(good)
    if len(costs) > 1:
        result["spread"] = (max(costs) - min(costs)) / 2 / (cost(result) or 1.0)
    return result


def cost(result: Result) -> Optional[float]:
    """The cost to compare: the time until all is on disk; at training pace, the median of calls."""
    return result.get("p50_us", result.get("disk_us"))


def fastest(results: Dict[str, Result]) -> str:
    """The peer with the lowest cost; "" without a peer."""
    costs = {name: cost(result) for name, result in results.items()
             if WRITERS[name].module != WRITERS[OURS].module}
    times = {name: us for name, us in costs.items() if us is not None}
    return min(times, key=times.__getitem__) if times else ""


def ratio(results: Dict[str, Result], ours: str = OURS, against: str = "") -> Optional[float]:
    """The cost of `against` (by default the fastest peer) divided by that of `ours`."""
    other = cost(results.get(against or fastest(results), {}))
    mine = cost(results.get(ours, {}))
    return other / mine if other and mine else None
