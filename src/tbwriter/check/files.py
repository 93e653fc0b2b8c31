"""Files and records: damage, times, versions, and names that TensorBoard misinterprets."""
from __future__ import annotations

import math
import os
from collections import Counter
from typing import Counter as Counts, List

from .finding import ERROR, WARNING, Findings, Rule, rule
from .._files import records
from .._files.records import Fault
from .._files.places import Unlisted, base_name
from .._files.window import PointerError
from .._proto.parse import Event

_REPAIR = "tbwriter repair writes a copy with every record that can be found"

TORN_TAIL = rule("torn tail", WARNING, "everything before it; waits for the rest",
                 "nothing while the run continues; after that, " + _REPAIR)
TORN_RECORD = rule("torn record", ERROR, "nothing after it, ever", _REPAIR)
BAD_LENGTH = rule("bad length", ERROR, "nothing after it, ever", _REPAIR)
HUGE_LENGTH = Rule("huge length", ERROR,
                   "the data server allocates that much memory and may die, with all runs",
                   "MemoryError or OverflowError, nothing after it", _REPAIR)
BAD_DATA = Rule("bad data", ERROR,
                "the record with its wrong bytes, or nothing after it if it is not an event",
                "nothing after it, ever", _REPAIR)
BAD_EVENT = Rule("bad event", ERROR, "nothing after it in this file",
                 "loading stops, for every run", _REPAIR)
BAD_FIELD = Rule("bad field", ERROR, "nothing after it in this file",
                 "the event without this field", _REPAIR)
ZERO_BYTES = rule("zero bytes", ERROR, "nothing after them, ever (12 or more of them)",
                  "let only the writer extend its files; " + _REPAIR)
GZIPPED = rule("gzipped", ERROR, "nothing of it", "unpack the file with gunzip")
POINTER = rule("git pointer", ERROR, "nothing of it",
               "fetch the file itself: git lfs pull, or git annex get")
UNREADABLE = Rule("unreadable", ERROR, "not this file",
                  "not this file, or HTTP 500; nothing at all while it waits for a pipe",
                  "correct its permissions, or remove it")
UNLISTED = rule("unlisted directory", ERROR, "nothing below it",
                "correct its permissions, or shorten its path")
NO_RUNS = rule("no runs", ERROR, "nothing", "name the directory that holds the runs")
NO_EVENTS = Rule("no events", WARNING,
                 "the other files of the run; no run if there are none",
                 "the other files of the run; an empty run if there are none",
                 "delete the file, unless the run has just begun")
NO_EVENT_FILE = rule("no event file", ERROR, "nothing of it",
                     "rename it so that its name does not contain tfevents, or delete it")
NO_FILE_VERSION = Rule(
    "no file version", WARNING, "all points",
    "all points, unless a step is less than the one before: then it purges the points of the tag "
    "from that step on",
    "begin each file with file_version brain.Event:2, as tbwriter repair does")
TIME_NAN = Rule("wall_time NaN", ERROR, "nothing after it in this file",
                "the point, without a time", _REPAIR)
TIME_INFINITE = Rule("wall_time infinite", ERROR, "not this event", "the point, without a time",
                     _REPAIR)
DIRECTORY_NAME = Rule(
    "directory name", ERROR, "its runs",
    "HTTP 500 instead of the list of runs: it opens the directory as an event file",
    "rename the directory so that its name does not contain tfevents")

RULES = (TORN_TAIL, TORN_RECORD, BAD_LENGTH, HUGE_LENGTH, BAD_DATA, BAD_EVENT, BAD_FIELD,
         ZERO_BYTES, GZIPPED, POINTER, UNREADABLE, UNLISTED, NO_RUNS, NO_EVENTS, NO_EVENT_FILE,
         NO_FILE_VERSION, TIME_NAN, TIME_INFINITE, DIRECTORY_NAME)

_KINDS = {records.TAIL: TORN_TAIL, records.TORN: TORN_RECORD, records.LENGTH: BAD_LENGTH,
          records.HUGE: HUGE_LENGTH, records.DATA: BAD_DATA, records.EVENT: BAD_EVENT,
          records.ZEROS: ZERO_BYTES}


class Damage(List[Fault]):
    """The faults of one file: the first of each rule. times: how many there are, by rule."""

    def __init__(self) -> None:
        super().__init__()
        self.times: Counts[Rule] = Counter()

    def append(self, fault: Fault) -> None:
        self.times[_KINDS[fault.kind]] += 1
        if self.times[_KINDS[fault.kind]] == 1:
            super().append(fault)


def check_faults(faults: Damage, path: str, empty: bool, found: Findings) -> None:
    """Report the damage that was found in a file. empty: whether no record was found."""
    if empty and faults and _no_header(faults[0]):
        found.add(NO_EVENT_FILE, path, "", f"no record in it: {faults[0].reason}")
        return
    if empty:
        found.add(NO_EVENTS, path, "", "no record in it")
    for fault in faults:
        found.add(_KINDS[fault.kind], path, "", f"byte {fault.offset}, {fault.nbytes} bytes: "
                  f"{fault.reason}", faults.times[_KINDS[fault.kind]])


def _no_header(fault: Fault) -> bool:
    return fault.kind == records.LENGTH and fault.offset == 0


def reason(path: str, error: Exception) -> Rule:
    """The rule of a file that cannot be opened."""
    if isinstance(path, Unlisted):
        return UNLISTED
    return POINTER if isinstance(error, PointerError) else UNREADABLE


def check_version(event: Event, path: str, found: Findings) -> None:
    """The first event of a file."""
    if _version(event.file_version) < 2:
        found.add(NO_FILE_VERSION, path, "",
                  f"its first event has the file_version {event.file_version!r:.40}")


def _version(text: str) -> float:
    """The number in "brain.Event:2", as TensorBoard reads it; -1 for none."""
    try:
        return float(text.rpartition("brain.Event:")[2])
    except ValueError:
        return -1


def check_time(wall_time: float, step: int, path: str, found: Findings, count: int = 1) -> None:
    """A wall_time that is not finite."""
    found.add(TIME_NAN if math.isnan(wall_time) else TIME_INFINITE, path, "",
              f"wall_time {wall_time} at step {step}", count)


def check_directory(paths: List[str], found: Findings) -> None:
    """The name of a run's directory."""
    directory = os.path.dirname(paths[0])
    if "tfevents" in base_name(directory):
        found.add(DIRECTORY_NAME, directory, "", "a run that is named like an event file")
