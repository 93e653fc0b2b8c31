"""Two pieces of work at once, where there is a second core."""
from __future__ import annotations

import os
import threading
from typing import Callable, List, Tuple, TypeVar

First = TypeVar("First")
Second = TypeVar("Second")


def both(first: Callable[[], First], second: Callable[[], Second]) -> Tuple[First, Second]:
    """What `first` and `second` give. They run side by side if this process may use two cores:
    `second` in a thread that lives only for it. It helps where the work is in C, without the GIL.
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
    # Without a thread, and for the exception that ended it.
    return answer, results[0] if results else second()


def available() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
