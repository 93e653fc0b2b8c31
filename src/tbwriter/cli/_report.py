"""The report of a command that writes a log directory."""
from __future__ import annotations

import argparse
from types import MappingProxyType
from typing import List, Mapping, Sequence

from .._files.records import UNREADABLE, Faults
from ._exit import FOUND, GOOD
from ._progress import bar
from ._rewrite import Notes, Place, Report, RunReport, Selection, rewrite, total_bytes
from ._table import table
from ._text import plural, print_json, say

# The number of runs that have a row of their own.
_ROWS = 20


def rewritten(found: Sequence[Place], options: argparse.Namespace,
              selection: Selection = Selection(), notes: Sequence[str] = (),
              renamed: Mapping[str, str] = MappingProxyType({})) -> int:
    """Write log directories to options.out, print the report and return the exit code."""
    with bar(total_bytes(found), "read") as done:
        report = rewrite(found, options.out, selection, done, options.jobs)
    report.notes[:0] = notes
    report.renamed.update(renamed)
    if options.json:
        print_json(as_dict(report, options.out))
    else:
        print_report(report, options.out)
    unreadable = any(fault.kind == UNREADABLE for fault in report.faults)
    return GOOD if report.written and not unreadable else FOUND


def as_dict(report: Report, out: str) -> "dict[str, object]":
    """The report for JSON."""
    return {"out": out, "read": report.read, "written": report.written,
            "left_out": report.left_out, "runs": [run._asdict() for run in report.runs],
            "faults": list(map(str, report.faults)), "more_faults": report.faults.more,
            "renamed": report.renamed, "notes": report.notes, "more_notes": report.notes.more}


def print_report(report: Report, out: str) -> None:
    """Damage, names that were changed, and a table of values by run and reason."""
    for fault in report.faults:
        say(["damaged: ", str(fault)])
    if report.faults.more:
        say(f"damaged: {plural(report.faults.more, 'more place')}")
    for name, path in report.renamed.items():
        say(f"renamed: {name} -> {path}")
    for note in report.notes:
        say(["note: ", note])
    if report.notes.more:
        say(f"note: {plural(report.notes.more, 'more note')}")
    if report.faults or report.renamed or report.notes:
        say()
    reasons = list(report.left_out)
    told = [run for run in report.runs if run.left_out][:_ROWS]
    if len(report.runs) == 1:
        told = report.runs
    rows = [_row(run, reasons) for run in told]
    others = [run for run in report.runs if run not in told]
    if others and told:
        rows.append(_row(_sum(f"({plural(len(others), 'other run')})", others), reasons))
    if len(report.runs) != 1:
        rows.append(_row(_sum("all runs", report.runs), reasons))
    for line in table(["run", "read", "written", *reasons], lambda: rows,
                      "lrr" + "r" * len(reasons)):
        say(line)
    say()
    written = sum(run.written > 0 for run in report.runs)
    say(f"{plural(report.written, 'value')} of {plural(written, 'run')} written to {out}")


def _sum(name: str, runs: Sequence[RunReport]) -> RunReport:
    total = Report(list(runs), Faults(), {}, Notes(), set())
    return RunReport(name, total.read, total.written, total.left_out)


def _row(run: RunReport, reasons: Sequence[str]) -> List[str]:
    return [run.name, str(run.read), str(run.written),
            *(str(run.left_out.get(reason, 0)) for reason in reasons)]
