"""Names of event files and side files."""
from __future__ import annotations

import os
import time
from itertools import count
from typing import Container, Iterable

# Without `re`: compiling a pattern takes longer than importing this module.
_START = "events.out.tfevents."
_DIGITS = 10
_LAST_SECOND = 9_999_999_999
_RANDOM_BYTES = 6
_numbers = count()


def host_name() -> str:
    """The name of this machine; importing `socket` would cost more than it is worth."""
    return os.uname().nodename if hasattr(os, "uname") else os.environ.get("COMPUTERNAME", "")


def new_name(names: Iterable[str], suffix: str) -> str:
    """A name for an event file that sorts after all of `names`: readers rely on that order.

    No other writer has it: two containers may agree in second, host name and pid, so the name ends
    in random digits.
    """
    names = set(names)
    last = max((name for name in names if _seconds(name)), default="")
    name = _name(int(time.time()), suffix, names)
    if name <= last:
        name = _name(min(int(_seconds(last)) + 1, _LAST_SECOND), suffix, names)
    return name


def _seconds(name: str) -> str:
    """The ten digits of the time in the name of an event file; "" where it has another form."""
    digits, dot, _ = name[len(_START):].partition(".")
    return digits if name.startswith(_START) and dot and len(digits) == _DIGITS \
        and digits.isdecimal() else ""


def _name(seconds: int, suffix: str, names: Container[str]) -> str:
    host = "".join([char if _is_plain(char) else "_" for char in host_name()[:64]]) or "localhost"
    while True:
        number, unique = next(_numbers), os.urandom(_RANDOM_BYTES).hex()
        name = (f"{_START}{seconds:0{_DIGITS}d}.{host}.{os.getpid()}.{number:06d}.{unique}"
                f"{suffix}")
        if name not in names:
            return name


def _is_plain(char: str) -> bool:
    return char.isascii() and (char.isalnum() or char in "._-")


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
