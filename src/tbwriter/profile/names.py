"""The names and statistics by which the Profile dashboard (XProf) recognizes steps, operators,
input, memory and counters. Everything else is drawn and not analyzed.

Tried with xprof 2.24.2.
"""
from __future__ import annotations

import re
from typing import Any, List, Tuple, Union

from .xplane import Event, Line, Plane, Stats

PLUGIN_DIRECTORY = "plugins/profile"
FILE_ENDING = ".xplane.pb"

HOST_PLANE = "/host:CPU"
TIMES_PLANE = "Task Environment"

COUNTERS_LINE = "_counters_"
MEMORY_LINE = "memory"
# XProf treats lines of these names in a special way: the first drops the names of steps.
_RESERVED_LINES = ("Steps", COUNTERS_LINE)

ALLOCATION, DEALLOCATION = "MemoryAllocation", "MemoryDeallocation"

# The context that ties work on other lines to its step.
_STEP_CONTEXT = 1
# Statistics that name a stage of the input share their ids with the metadata of events.
_INPUT_STAGE = 1 << 40
# The picosecond before a step ends, for steps that hold only input: XProf counts only steps
# that hold something else.
STEP_END = "end of step"

_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9_./>-]")
_OPERATOR_TYPE = re.compile(r"[A-Z_][A-Za-z0-9_]*|[a-z][a-z0-9_]*")

Number = Union[int, float]


def step(index: int, number: int) -> Stats:
    """Statistics of a step. index: differs for each step of the file. number: is shown."""
    return (("_r", 1), ("step_num", number), ("_pt", _STEP_CONTEXT), ("_p", index))


def part_of_step(index: int) -> Stats:
    """Statistics of an event on another line that belongs to the step of this index."""
    return (("_ct", _STEP_CONTEXT), ("_c", index))


def operator(name: str, kind: str) -> Stats:
    """Statistics of an operator. Names hold only what XProf's table accepts; see `is_kind`."""
    # A leading underscore makes XProf ignore the kind.
    plain = _NOT_IN_NAMES.sub("_", name).lstrip("_-/>") or "operator"
    return (("tf_op", f"{plain}:{kind}"),)


def is_kind(kind: str) -> bool:
    """Whether XProf accepts this as the type of an operator."""
    return bool(_OPERATOR_TYPE.fullmatch(kind))


def waits_for_input(name: str, stage: int = 0) -> Stats:
    """Statistics of time in which a step waits for its input."""
    return (("_ipl_stage_name", name), ("_ipl_stage_id", _INPUT_STAGE + stage),
            ("_ipl_stage_cat", "unknown"))


def memory(pool: str, start: int, in_use: int, change: int, peak: int,
           more: Stats = ()) -> Event:
    """The bytes that a pool has in use from now on, and how they changed."""
    return Event(DEALLOCATION if change < 0 else ALLOCATION, start, 0, (
        ("allocator_name", pool), ("bytes_allocated", in_use), ("peak_bytes_in_use", peak),
        ("requested_bytes", abs(change)), ("allocation_bytes", abs(change)), *more))


def counter(name: str, start: int, series: Tuple[Tuple[str, Number], ...]) -> Event:
    """The values of a counter's series from now on; drawn as a track of its own."""
    return Event(name, start, 0, series)


def sound(name: Any) -> str:
    """A name that is not checked, such as a thread's, as valid Unicode: a lone surrogate becomes
    the text of its escape, such as `\\udcff`."""
    return str(name).encode("utf-8", "backslashreplace").decode("utf-8")


def line_name(name: str) -> str:
    """A thread's name as that of its line."""
    return f"{name} (thread)" if name in _RESERVED_LINES else name


def planes(lines: List[Line], begin: int, end: int) -> List[Plane]:
    """The planes of one host. begin, end: of the profile, in nanoseconds since 1970."""
    times = {"profile_start_time": begin, "profile_stop_time": end}
    return [Plane(HOST_PLANE, lines), Plane(TIMES_PLANE, stats=times)]
