"""Run two functions in parallel if a second core is available."""
from __future__ import annotations

import os
import threading
from typing import Callable, List, Tuple, TypeVar

First = TypeVar("First")
Second = TypeVar("Second")


def both(first: Callable[[], First], second: Callable[[], Second]) -> Tuple[First, Second]:
    """Return the results of `first` and `second`, which run in parallel if this process may use two
    cores: `second` in a thread of its own. This helps if they run C code that releases the GIL.
    """
    results: List[Second] = []
    thread = threading.Thread(target=lambda: results.append(second()), name="tbwriter-second-core",
                              daemon=True)
    try:
        if available() > 1:
            thread.start()
    except RuntimeError:  # no thread can be started: at the end of the process, or past a limit
        pass
    answer = first()
    if thread.ident:
        thread.join()
    # `second` runs here if there was no thread, or again to raise the exception that ended it.
    return answer, results[0] if results else second()


def available() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
