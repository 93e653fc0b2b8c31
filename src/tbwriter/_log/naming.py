"""Names of event files and side files."""
from __future__ import annotations

import os
import re
import time
from itertools import count
from typing import Iterable

_NAME = re.compile(r"events\.out\.tfevents\.(\d{10})\.")
_LAST_SECOND = 9_999_999_999
_numbers = count()


def host_name() -> str:
    """What this machine calls itself; `socket` would cost more to import than it is worth."""
    return os.uname().nodename if hasattr(os, "uname") else os.environ.get("COMPUTERNAME", "")


def new_name(names: Iterable[str], suffix: str) -> str:
    """A name for an event file that sorts behind all of `names`: readers go by that order."""
    last = max((name for name in names if _NAME.match(name)), default="")
    seconds = int(time.time())
    host = re.sub(r"[^A-Za-z0-9._-]", "_", host_name())[:64] or "localhost"
    tail = f"{host}.{os.getpid()}.{next(_numbers):06d}{suffix}"
    name = f"events.out.tfevents.{seconds:010d}.{tail}"
    match = _NAME.match(last)
    if match and name <= last:
        seconds = min(int(match.group(1)) + 1, _LAST_SECOND)
        name = f"events.out.tfevents.{seconds:010d}.{tail}"
    return name


def temporary_name() -> str:
    """A name for a file that is still incomplete. TensorBoard reads every file with "tfevents" in
    its name, so this one is without."""
    return f".tbwriter.{os.getpid()}.{next(_numbers)}"


def check_name(name: str) -> str:
    """The name of a side file: a relative path with "/". ValueError for one that leaves the
    directory, or that TensorBoard would take for an event file."""
    parts = name.replace("\\", "/").split("/")
    if "" in parts or "." in parts or ".." in parts or "\0" in name or ":" in parts[0]:
        raise ValueError(f"got the file name {name!r}, want a path inside the log directory")
    if "tfevents" in name:
        raise ValueError(f"got the file name {name!r}, want one without 'tfevents': TensorBoard "
                         "would read it as events")
    return name
