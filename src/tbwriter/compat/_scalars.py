"""The scalars of a log directory, read back from its event files."""
from __future__ import annotations

import json
import math
from typing import Any, Dict, List

from .._names import distinct
from ..reader import read
from ..writer import FileWriter

Points = List[List[Any]]

_NAMES = {math.inf: "Infinity", -math.inf: "-Infinity"}


def exported(writer: FileWriter, logdir: Any, since: float = 0.0) -> Dict[str, Points]:
    """{name: [[walltime, step, value], ...]} of the run of `writer` and those below it.

    logdir: the log directory as the user spelt it. It begins the names: `<logdir>/<tag>`, and for a
        curve of `add_scalars`, which is a run with one tag, `<logdir>/<tag>/<curve>`. Of several
        curves with one name, that of this run or the first run has it, and the others end in _1,
        _2, ...
    since: leave out older values, in seconds since 1970.
    """
    names: List[str] = []
    found: List[Points] = []
    if writer.disabled:
        return {}
    writer.flush()
    runs = read(writer.get_logdir()).items()
    for run_name, run in sorted(runs, key=lambda one: (one[0] != ".", one[0])):
        for tag, kind in run.tags.items():
            if kind == "scalar":
                series = run.scalars(tag)
                points = [[seconds, step, _plain(value)] for seconds, step, value in
                          zip(series.wall_times.tolist(), series.steps.tolist(),
                              series.values.tolist()) if seconds >= since]
                if points:
                    names.append(f"{logdir}/{_name(run_name, tag)}")
                    found.append(points)
    return dict(zip(distinct(names), found))


def export(path: Any, points: Dict[str, Points]) -> None:
    """Write what `exported` gives into a JSON file."""
    with open(path, "w", encoding="utf-8") as file:
        json.dump(points, file, allow_nan=False)


def _name(run: str, tag: str) -> str:
    """The tag; of a curve, the directory of its run, which begins with the tag."""
    if run == ".":
        return tag
    return run if run.startswith(f"{tag}/") else f"{run}/{tag}"


def _plain(value: float) -> Any:
    """`value` as TensorBoard's JSON has it."""
    return value if math.isfinite(value) else _NAMES.get(value, "NaN")
