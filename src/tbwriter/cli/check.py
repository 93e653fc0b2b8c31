"""`tbwriter check DIR`: what TensorBoard would hide or show wrongly, and how to fix it."""
from __future__ import annotations

import argparse
import sys
from typing import Dict, Iterable, List

from ..check import ERROR, WARNING, Directory, Finding, Sum, summed, worst_first
from ..check.finding import MOST, parts
from ._arguments import add_dir, add_jobs, add_json
from ._exit import FOUND, GOOD
from ._progress import bar
from ._text import plural, print_json, say

HELP = "Report what TensorBoard would hide or show wrongly, and how to fix it."

# In how many runs a rule is reported as it is found; all are counted in the summary.
_RUNS = 3


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_json(parser)
    parser.add_argument("--all", action="store_true",
                        help="print findings as they come, not only those of the first runs")
    parser.add_argument("--strict", action="store_true",
                        help="exit with 1 for warnings too, not for errors only")
    add_jobs(parser)
    add_dir(parser)


def run(options: argparse.Namespace) -> int:
    directory = Directory(options.dir)
    with bar(directory.total_bytes, "check") as done:
        found = directory.findings(done, options.jobs)
        findings = list(found if options.json else _said(found, options.all))
    if options.json:
        print_json([finding._asdict() for finding in worst_first(findings)])
    else:
        _summary(findings, options.dir)
    wrong = findings if options.strict else [one for one in findings if one.level == ERROR]
    return FOUND if wrong else GOOD


def _said(findings: Iterable[Finding], everything: bool) -> Iterable[Finding]:
    """Print the findings as they come: one line per run and rule, for the first runs of a rule."""
    runs: Dict[str, List[str]] = {}
    for finding in findings:
        yield finding
        seen = runs.setdefault(finding.rule, [])
        if everything or finding.run not in seen and len(seen) < _RUNS:
            _clear_bar()
            say(parts(finding))
        if finding.run not in seen[-1:]:
            seen.append(finding.run)


def _clear_bar() -> None:
    """Wipe the line of the progress bar, which is drawn again with the next step."""
    if sys.stderr.isatty():
        print("\r\x1b[K", end="", file=sys.stderr, flush=True)


def _summary(findings: List[Finding], logdir: str) -> None:
    """One paragraph per rule, the worst first."""
    for one in summed(findings):
        say()
        for line in _paragraph(one):
            say(line)
    errors = sum([one.times for one in findings if one.level == ERROR])
    warnings = sum([one.times for one in findings if one.level == WARNING])
    if findings:
        say()
    say(f"{plural(errors, 'error')} and {plural(warnings, 'warning')} in {logdir}"
        if findings else f"nothing found in {logdir}")


def _paragraph(one: Sum) -> List[str]:
    first = one.first
    of = f", {plural(one.tags, 'tag')}" if one.tags else ""
    if one.tags >= MOST:
        of += " or more"
    head = f"{first.level}: {first.rule}: {one.times} in {plural(one.runs, 'run')}{of}"
    shown = [f"  TensorBoard shows: {first.fast}"] if first.fast == first.python else [
        f"  the fast loader shows: {first.fast}", f"  the Python loader shows: {first.python}"]
    return [head, *shown, f"  fix: {first.fix}"]
