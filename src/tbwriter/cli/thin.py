"""`tbwriter thin DIR OUT`: a copy with fewer points."""
from __future__ import annotations

import argparse

from ._arguments import add_dir, add_jobs, add_json, add_out, whole_number
from ._report import rewritten
from ._rewrite import Selection, places

HELP = "Write a copy with fewer points. Scalars become float32."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_json(parser)
    parser.add_argument("--points", type=whole_number, default=1000, metavar="N",
                        help="keep at most N values of each tag (1000)")
    add_dir(parser)
    add_jobs(parser)
    add_out(parser)


def run(options: argparse.Namespace) -> int:
    return rewritten(places([options.dir]), options, Selection(points=options.points))
