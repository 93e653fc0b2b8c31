"""`tbwriter demo DIR`: write an example of every kind that TensorBoard shows."""
from __future__ import annotations

import argparse
import sys
from importlib.util import find_spec
from runpy import run_module

from .. import demo as demos
from ._exit import GOOD
from ._text import say

HELP = "Write an example of every kind that TensorBoard shows."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("dir", metavar="DIR", help="a new or empty directory")
    parser.add_argument("--view", action="store_true",
                        help="start TensorBoard on this machine's loopback address and print "
                             "its URL; Ctrl-C stops it")


def run(options: argparse.Namespace) -> int:
    if not options.dir:
        raise ValueError("got '', want a directory")
    demos.demo(options.dir)
    if find_spec("tensorboard") is None:
        say("Written. To see it, install TensorBoard first:")
        say()
        say("    pip install tensorboard")
    elif options.view:
        say("Written. TensorBoard prints its URL; Ctrl-C stops it.")
        sys.stdout.flush()
        return _view(options.dir)
    else:
        say("Written. To see it:")
        say()
    say(f"    tensorboard --logdir {options.dir}")
    return GOOD


def _view(directory: str) -> int:
    """Become TensorBoard on `directory`. Its port is 6006, or the next free one.

    It runs in this process: a signal to the command reaches it, and it ends with the command.
    """
    sys.argv = ["tensorboard", "--logdir", directory, "--host", "127.0.0.1"]
    run_module("tensorboard.main", run_name="__main__", alter_sys=True)
    return GOOD
