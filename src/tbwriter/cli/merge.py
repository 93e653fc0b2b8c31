"""`tbwriter merge DIR... OUT`: several log directories in one."""
from __future__ import annotations

import argparse

from ._arguments import add_json, add_out
from ._report import rewritten

HELP = "Combine log directories in one: runs of one name become one file."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_json(parser)
    parser.add_argument("dirs", metavar="DIR", nargs="+", help="log directories")
    add_out(parser)


def run(options: argparse.Namespace) -> int:
    return rewritten(options.dirs, options)
