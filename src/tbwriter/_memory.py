"""The memory that this process may use, and memory that it keeps but could free."""
from __future__ import annotations

import os
from contextlib import suppress
from typing import Callable, List

# A container's limit, in cgroup v2 and v1; "max" or a huge number if there is no limit.
_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")
_UNKNOWN = 1 << 32
# Functions that free memory kept for later use: each cache adds its own when it is loaded, and the
# writer's thread calls all of them before it ends.
free_unused: List[Callable[[], object]] = []


def memory() -> int:
    """The bytes of memory of this machine or container; 4 GiB where neither is known."""
    found = _UNKNOWN
    with suppress(AttributeError, OSError, ValueError):  # Windows has no sysconf
        found = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for path in _LIMITS:
        with suppress(OSError, ValueError):
            with open(path) as file:
                found = min(found, int(file.read()))
    return found if found > 0 else _UNKNOWN
