"""`tbwriter check DIR`: what TensorBoard would hide or show wrongly, and how to fix it."""
from __future__ import annotations

import argparse

from .. import check as checks
from ._arguments import add_dir, add_json
from ._exit import FOUND, GOOD
from ._progress import bar
from ._text import print_json, say

HELP = "Report what TensorBoard would hide or show wrongly, and how to fix it."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_json(parser)
    add_dir(parser)


def run(options: argparse.Namespace) -> int:
    with bar(checks.total_bytes(options.dir), "check") as done:
        findings = checks.check(options.dir, done)
    if options.json:
        print_json([finding._asdict() for finding in findings])
        return FOUND if findings else GOOD
    for finding in findings:
        for line in str(finding).split("\n"):
            say(line)
        say()
    say(f"{len(findings) or 'nothing'} found in {options.dir}")
    return FOUND if findings else GOOD
