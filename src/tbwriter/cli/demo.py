"""`tbwriter demo DIR`: one of everything that TensorBoard shows."""
from __future__ import annotations

import argparse

from .. import demo as demos
from ._exit import GOOD
from ._text import say

HELP = "Write one of everything that TensorBoard shows."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("dir", metavar="DIR", help="a new or empty directory")


def run(options: argparse.Namespace) -> int:
    if not options.dir:
        raise ValueError("got '', want a directory")
    demos.demo(options.dir)
    say("Written. To see it:")
    say()
    say(f"    tensorboard --logdir {options.dir}")
    return GOOD
