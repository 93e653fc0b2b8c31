"""`tbwriter repair DIR OUT`: a copy with every value that can be read, in order."""
from __future__ import annotations

import argparse

from ._arguments import add_dir, add_jobs, add_json, add_out
from ._report import rewritten
from ._rewrite import places

HELP = ("Write a repaired copy: every value that can be read, in order, scalars as float32. The "
        "original is not changed.")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_json(parser)
    add_dir(parser)
    add_jobs(parser)
    add_out(parser)


def run(options: argparse.Namespace) -> int:
    return rewritten(places([options.dir]), options)
