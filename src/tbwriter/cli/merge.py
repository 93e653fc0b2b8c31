"""`tbwriter merge DIR... OUT`: several log directories in one."""
from __future__ import annotations

import argparse

from ._arguments import add_jobs, add_json, add_out
from ._combine import apart
from ._report import rewritten
from ._rewrite import places

HELP = ("Combine log directories. Parts of a run become one run; runs of one name whose steps "
        "overlap stay apart. Scalars become float32.")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_json(parser)
    parser.add_argument("--join", action="store_true",
                        help="make one run of all runs of one name: later values replace earlier "
                        "ones of the same tag and step")
    parser.add_argument("dirs", metavar="DIR", nargs="+", help="log directories")
    add_jobs(parser)
    add_out(parser)


def run(options: argparse.Namespace) -> int:
    found = places(options.dirs)
    if options.join:
        return rewritten([place._replace(source=0) for place in found], options)
    divided, reasons, renamed = apart(found)
    return rewritten(divided, options, notes=reasons, renamed=renamed)
