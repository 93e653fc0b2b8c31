"""The start-up time of a program that logs: whole processes, from start to end, in turns."""
from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import time
from typing import Dict, List, Optional, Sequence, Tuple

from .interpreters import environ
from .race import Course, Result

# The log directory is the program's argument.
_LOG = """
import sys
from {package} import SummaryWriter
writer = SummaryWriter(sys.argv[1])
for step in range({count}):
    writer.add_scalar("loss", 0.5, step)
writer.close()
"""

# {name: (title, program)}
PROGRAMS: Dict[str, Tuple[str, str]] = {
    "bare": ("bare Python", "pass"),
    "python": ("the modules of Python that tbwriter imports, typing above all",
               "import typing, re, threading, contextlib, weakref, struct"),
    "import": ("from tbwriter import SummaryWriter", "from tbwriter import SummaryWriter"),
    "ten": ("ten scalars with tbwriter", _LOG.format(package="tbwriter", count=10)),
    "numpy": ("import numpy", "import numpy"),
    "beside": ("import numpy, then tbwriter", "import numpy\nfrom tbwriter import SummaryWriter"),
    "1000": ("1000 scalars with tbwriter",
             _LOG.format(package="tbwriter", count=1000)),
    "1000-tensorboardX": ("1000 scalars with tensorboardX",
                          _LOG.format(package="tensorboardX", count=1000)),
    "1000-torch": ("1000 scalars with torch",
                   _LOG.format(package="torch.utils.tensorboard", count=1000)),
}


def measure(course: Course, writers: Sequence[str]) -> Dict[str, Result]:
    """{name of a program: its median in ms, and its spread}."""
    names = [name for name in PROGRAMS if "-" not in name or name.split("-")[1] in writers]
    taken: Dict[str, List[float]] = {name: [] for name in names}
    # The first round fills the disk cache and is not counted.
    for number in range(3 * course.rounds + 1):
        for name in names:
            slow = name == "1000-torch" and number > course.rounds
            ms = None if slow else _run(course, PROGRAMS[name][1])
            if ms is not None and number:
                taken[name].append(ms)
    return {name: {"program": PROGRAMS[name][0], "ms": statistics.median(times),
                   "spread": (max(times) - min(times)) / 2 / statistics.median(times),
                   "rounds": len(times)}
            for name, times in taken.items() if times}


def _run(course: Course, program: str) -> Optional[float]:
    logdir = os.path.join(course.directory, "startup")
    start = time.perf_counter()
    done = subprocess.run([course.pythons["main"], "-c", program, logdir],
                          env=environ({}), capture_output=True)
    taken = time.perf_counter() - start
    shutil.rmtree(logdir, ignore_errors=True)
    return None if done.returncode else taken * 1000


def targets(results: Dict[str, Result]) -> List[Tuple[str, float, Optional[float], bool, str]]:
    """(title, aim, measured value, whether the aim is an upper limit, unit) of each target."""
    def over(name: str, base: str) -> Optional[float]:
        if name not in results or base not in results:
            return None
        return float(results[name]["ms"] - results[base]["ms"])

    ours, theirs = results.get("1000"), results.get("1000-tensorboardX")
    faster = theirs["ms"] / ours["ms"] if ours and theirs else None
    return [("ten scalars over the modules of Python", 15, over("ten", "python"), True, "ms"),
            ("import of tbwriter beside numpy", 15, over("beside", "numpy"), True, "ms"),
            ("a process with 1000 scalars against tensorboardX", 3, faster, False, "x")]
