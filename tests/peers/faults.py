"""The scenarios of `tests/faults` for all writers, and some more.

    python -m tests.peers.faults NAME WRITER DIRECTORY

as `scenarios.py` there.
"""
from __future__ import annotations

import importlib
import json
import os
import sys
import time
from pathlib import Path
from typing import Any, List

from tests.faults import scenarios

MODULES = {"mxboard": "tests.peers.mxboard_", "tf.summary": "tests.peers.tf_summary"}
THIS = [sys.executable, "-m", "tests.peers.faults"]
ALIVE: List[Any] = []
_theirs = scenarios.writer_class


def writer_class(name: str) -> Any:
    """Of every writer what has add_scalar, flush and close, and add_scalars if it can."""
    if name in ("mxboard", "tf.summary"):
        return importlib.import_module(MODULES[name]).Adapter
    return _theirs(name)


def ends(name: str, logdir: str) -> scenarios.Result:
    """1,000 scalars, and the program ends without close, or dropping the writer before."""
    ALIVE.append(scenarios.open_writer(name, logdir))
    return scenarios.adds(ALIVE[0], 1000)


def both_processes(name: str, logdir: str) -> scenarios.Result:
    """Two processes open the same directory in the same second."""
    return scenarios._together([*THIS, "one_of_both", name, logdir])


def both_containers(name: str, logdir: str) -> scenarios.Result:
    """The same, each the first process of its own container, with the same host name."""
    return scenarios._together(["unshare", "-pf", *THIS, "one_of_both", name, logdir])


def one_of_both(name: str, logdir: str) -> scenarios.Result:
    """One of those processes, which waits for the other."""
    scenarios.open_writer(name, logdir + "/warm").close()  # what it imports is there
    tag = os.environ["ONE_OF_TWO"]
    Path(logdir, tag).touch()
    while not (Path(logdir, "left").exists() and Path(logdir, "right").exists()):
        time.sleep(0.01)
    # One is at work when the other opens its file, in the same second.
    time.sleep(-time.time() % 1 + {"left": 1.1, "right": 1.5}[tag])
    writer = scenarios.open_writer(name, logdir)
    result = scenarios.adds(writer, 300, tag=tag)
    writer.close()
    return result


if __name__ == "__main__":
    scenarios.writer_class = writer_class
    more = {function.__name__: function for function in (
        ends, both_processes, both_containers, one_of_both)}
    seen = {**scenarios.SCENARIOS, **more}[sys.argv[1]](sys.argv[2], sys.argv[3])
    print(json.dumps({**seen, "done": time.time()}), flush=True)
