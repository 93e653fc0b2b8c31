"""`tbwriter tail DIR`: the scalars of a growing run as small charts."""
from __future__ import annotations

import argparse
import shutil
import sys
import time
from itertools import chain, islice

from ._arguments import add_dir, add_names, seconds
from ._exit import FOUND, GOOD
from ._follow import Follower, in_ascii
from ._text import shown

# How many lines are printed at a time.
_LINES = 1000

HELP = "Follow the scalars of a growing run with small charts."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--once", action="store_true", help="print once and end")
    parser.add_argument("--interval", type=seconds, metavar="S",
                        help="seconds between two reads (1); not with --once")
    add_names(parser)
    add_dir(parser)


def run(options: argparse.Namespace) -> int:
    if options.once and options.interval is not None:
        raise ValueError("got --interval with --once, want one of them")
    follower = Follower(options.dir, options.run, options.tag)
    clear = "\x1b[H\x1b[2J" if sys.stdout.isatty() and not options.once else ""
    try:
        while True:
            if follower.read(wait=not options.once) or options.once:
                _print(follower, clear)
            if options.once:
                return FOUND if follower.damaged else GOOD
            time.sleep(options.interval or 1.0)
    except KeyboardInterrupt:
        return GOOD


def _print(follower: Follower, clear: str) -> None:
    size = shutil.get_terminal_size()
    lines, left = follower.lines(size.columns), len(follower)
    if not left:
        lines = iter(["no scalars yet"])
    elif clear and left > size.lines - 1:
        count = max(1, size.lines - 2)
        lines = chain(islice(lines, count),
                      [f"and {left - count} more: choose with --run and --tag"])
    knows_bars = _knows_bars()
    # A screen of lines is one piece of text; a million lines are many.
    for text in iter(lambda: "\n".join(map(shown, islice(lines, _LINES))), ""):
        print(clear + (text if knows_bars else in_ascii(text)), flush=True)
        clear = ""


def _knows_bars() -> bool:
    try:
        return bool("▁█×…".encode(sys.stdout.encoding or "ascii"))
    except UnicodeEncodeError:
        return False
