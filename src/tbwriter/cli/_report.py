"""What a command that writes a log directory reports."""
from __future__ import annotations

import argparse
from typing import List, Optional

from .. import check as checks
from ._exit import FOUND, GOOD
from ._progress import bar
from ._rewrite import rewrite
from ._text import plural, print_json, say


def rewritten(logdirs: List[str], options: argparse.Namespace, points: Optional[int] = None) -> int:
    """Write `logdirs` to options.out, print the report and return the exit code."""
    with bar(sum(map(checks.total_bytes, logdirs)), "read") as done:
        report = rewrite(logdirs, options.out, points, done)
    if options.json:
        print_json({"out": options.out, "runs": report.runs, "found": report.found,
                    "written": report.written, "faults": list(map(str, report.faults))})
    else:
        for fault in report.faults:
            say(f"passed over: {fault}")
        say(f"{report.written} of {report.found} values in {plural(report.runs, 'run')} written to "
            f"{options.out}")
    return GOOD if report.written else FOUND
