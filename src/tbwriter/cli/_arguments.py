"""The arguments that several commands share, and patterns of names."""
from __future__ import annotations

import argparse
import re
from functools import partial
from typing import Any, Callable, Optional, Tuple

from .._files.places import matches

Matcher = Callable[[str], bool]
# The first step, and the one after the last; None without a limit.
Steps = Tuple[Optional[int], Optional[int]]


def add_dir(parser: argparse.ArgumentParser) -> None:
    """DIR: the log directory to read."""
    parser.add_argument("dir", metavar="DIR", help="a log directory or an event file: a path, or "
                        "a URL such as s3://bucket/logs")


def add_out(parser: argparse.ArgumentParser) -> None:
    """OUT: the directory to write. Always the last argument."""
    parser.add_argument("out", metavar="OUT", help="a new or empty directory")


def add_json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print JSON")


def add_names(parser: argparse.ArgumentParser) -> None:
    """--run and --tag."""
    for name, of in (("--run", "runs"), ("--tag", "tags")):
        parser.add_argument(name, action=_Once, default="*", metavar="NAME",
                            help=f"only {of} like NAME (*, ?)")


class _Once(argparse.Action):
    """Stores an argument. The last of several would count, and the others be ignored."""

    _given = False

    def __call__(self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, values: Any,
                 option_string: Optional[str] = None) -> None:
        if self._given:
            raise argparse.ArgumentError(self, "got it twice, want one NAME, with * and ?")
        self._given = True
        setattr(namespace, self.dest, values)


def add_jobs(parser: argparse.ArgumentParser) -> None:
    """--jobs: the number of processes that read runs."""
    parser.add_argument("--jobs", type=whole_number, default=1, metavar="N",
                        help="how many processes read runs at a time (1)")


def every(name: str) -> bool:
    """The matcher of every name."""
    return True


def matcher(pattern: str) -> Matcher:
    """Whether a name fits `pattern`: "*" is any text, "?" any character, the rest is literal."""
    return partial(matches, pattern)


def whole_number(text: str) -> int:
    """An argument of at least 1."""
    number = int(text) if re.fullmatch(r"\d{1,18}", text) else 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"got {text}, want a whole number of at least 1")
    return number


def seconds(text: str) -> float:
    """An argument in seconds."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < 1e6:
        raise argparse.ArgumentTypeError(f"got {text}, want seconds above 0")
    return value


def steps(text: str) -> Steps:
    """An argument "N", "A:B", "A:" or ":B"; B is not included."""
    found = re.fullmatch(r"(-?\d{1,19})|(-?\d{1,19})?:(-?\d{1,19})?", text.strip())
    if found is None:
        raise argparse.ArgumentTypeError(f"got {text}, want a step N, or A:B, A: or :B")
    only, first, end = (int(part) if part else None for part in found.groups())
    if only is not None:
        return only, only + 1
    if first is not None and end is not None and first >= end:
        raise argparse.ArgumentTypeError(f"got {text}, want A below B")
    return first, end


def in_steps(given: Any, wanted: Steps) -> Any:
    """Which steps of an array are wanted, as an array of bool."""
    first, end = wanted
    inside = given == given
    if first is not None:
        inside = inside & (given >= first)
    if end is not None:
        inside = inside & (given < end)
    return inside
