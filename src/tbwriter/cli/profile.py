"""`tbwriter profile profile.json DIR`: a dump of MXNet's profiler for the Profile dashboard."""
from __future__ import annotations

import argparse

from ..profile.mxnet_trace import session
from ..writer import FileWriter
from ._exit import GOOD
from ._text import say

HELP = "Write a dump of MXNet's profiler as a session of the Profile dashboard."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("dump", metavar="DUMP", help="the JSON file that mx.profiler.dump() wrote")
    parser.add_argument("dir", metavar="DIR", help="a log directory, a path or a URL such as "
                        "s3://bucket/logs; made if it is missing")
    parser.add_argument("--name", default="", help="ends the session's name")
    parser.add_argument("--host", default="", help="the machine that was profiled (this one)")


def run(options: argparse.Namespace) -> int:
    dump = session(options.dump, options.name, options.host)
    with FileWriter(options.dir) as writer:
        writer.add(dump, 0)
    say("Written. To see it, where xprof is installed:")
    say()
    say(f"    tensorboard --logdir {options.dir} --load_fast=false")
    return GOOD
