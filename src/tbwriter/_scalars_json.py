"""The scalars of a log directory as a JSON file."""
from __future__ import annotations

import json
import os
from typing import Any, List, Optional, Tuple, Union

from ._names import distinct
from ._values.number import INF
from .reader import read

_NAMES = {INF: "Infinity", -INF: "-Infinity"}


def write(path: Union[str, "os.PathLike[str]"], logdir: Optional[str]) -> None:
    """Write {tag: [[walltime, step, value], ...], ...} of all runs, as
    `SummaryWriter.export_scalars_to_json` documents. logdir: None has no scalars."""
    names: List[str] = []
    points: List[Any] = []
    runs = {} if logdir is None else read(logdir)
    for name, run in sorted(runs.items(), key=_own_first):
        for tag, kind in run.tags.items():
            if kind == "scalar":
                names.append(tag if name == "." else f"{name}/{tag}")
                points.append(_points(run.scalars(tag)))
    with open(path, "w", encoding="utf-8") as file:
        json.dump(dict(zip(distinct(names), points)), file, allow_nan=False)


def _own_first(run: Tuple[str, Any]) -> Tuple[bool, str]:
    """The order in which runs, given as (name, content), keep the names of their tags."""
    return run[0] != ".", run[0]


def _points(series: Any) -> List[List[Any]]:
    return [[wall_time, step, value if -INF < value < INF else _NAMES.get(value, "NaN")]
            for wall_time, step, value in zip(series.wall_times.tolist(), series.steps.tolist(),
                                              series.values.tolist())]
