"""Names of event files and side files."""
from __future__ import annotations

import os
import re
import time
from itertools import count
from typing import Container, Iterable

_NAME = re.compile(r"events\.out\.tfevents\.(\d{10})\.")
_LAST_SECOND = 9_999_999_999
_RANDOM_BYTES = 6
_numbers = count()


def host_name() -> str:
    """The name of this machine; importing `socket` would cost more than it is worth."""
    return os.uname().nodename if hasattr(os, "uname") else os.environ.get("COMPUTERNAME", "")


def new_name(names: Iterable[str], suffix: str) -> str:
    """A name for an event file that sorts after all of `names`: readers go by that order.

    No other writer has it: two containers may agree in second, host name and pid, so the name ends
    in random digits.
    """
    names = set(names)
    last = max((name for name in names if _NAME.match(name)), default="")
    seconds = int(time.time())
    name = _name(seconds, suffix, names)
    match = _NAME.match(last)
    if match and name <= last:
        name = _name(min(int(match.group(1)) + 1, _LAST_SECOND), suffix, names)
    return name


def _name(seconds: int, suffix: str, names: Container[str]) -> str:
    host = re.sub(r"[^A-Za-z0-9._-]", "_", host_name())[:64] or "localhost"
    while True:
        number, unique = next(_numbers), os.urandom(_RANDOM_BYTES).hex()
        name = (f"events.out.tfevents.{seconds:010d}.{host}.{os.getpid()}.{number:06d}.{unique}"
                f"{suffix}")
        if name not in names:
            return name


def temporary_name() -> str:
    """A name for a file that is still incomplete. TensorBoard reads every file with "tfevents" in
    its name, so this one is without."""
    return f".tbwriter.{os.getpid()}.{next(_numbers)}.{os.urandom(_RANDOM_BYTES).hex()}"


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
