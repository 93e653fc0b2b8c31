"""The scalars of a log directory, read back from its event files."""
from __future__ import annotations

import math
from typing import Any, Dict, List

from ..reader import read
from ..writer import FileWriter

Points = List[List[Any]]

_NAMES = {math.inf: "Infinity", -math.inf: "-Infinity"}


def exported(writer: FileWriter, since: float = 0.0, by_run: bool = False) -> Dict[str, Points]:
    """{name: [[walltime, step, value], ...]} of the run of `writer` and those below it.

    since: leave out what is older, in seconds since 1970.
    by_run: the name of a run below is its directory, as in mxboard; else tags follow it.
    """
    found: Dict[str, Points] = {}
    if writer.disabled:
        return found
    writer.flush()
    top = writer.get_logdir()
    for name, run in read(top).items():
        where = top if name == "." else f"{top}/{name}"
        for tag, kind in run.tags.items():
            if kind == "scalar":
                series = run.scalars(tag)
                points = [[seconds, step, _plain(value)] for seconds, step, value in
                          zip(series.wall_times.tolist(), series.steps.tolist(),
                              series.values.tolist()) if seconds >= since]
                if points:
                    found[where if by_run and name != "." else f"{where}/{tag}"] = points
    return found


def _plain(value: float) -> Any:
    """`value` as TensorBoard's JSON has it."""
    return value if math.isfinite(value) else _NAMES.get(value, "NaN")
