"""Results as text: lines of JSON, tables, and the targets with the values reached."""
from __future__ import annotations

import os
import platform
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Tuple

from .cases import TARGETS, Case, Target
from .race import Result, fastest, ratio
from .peers import OURS, WRITERS

Row = Sequence[str]

# With crcmod as the only CRC-32C, at least this share of each target must be reached.
CRCMOD_SHARE = 0.7


class Met(NamedTuple):
    """A target and its measured value, which is None if the case did not run."""

    title: str
    aim: float
    measured: Optional[float]
    at_most: bool
    unit: str
    otherwise: bool = False  # met by another measure

    @property
    def met(self) -> bool:
        if self.measured is None:
            return False
        if self.otherwise:
            return True
        return self.measured <= self.aim if self.at_most else self.measured >= self.aim

    def row(self) -> Row:
        sign = "<=" if self.at_most else ">="
        measured = "-" if self.measured is None else f"{number(self.measured)} {self.unit}"
        verdict = "not measured" if self.measured is None else "yes" if self.met else "NO"
        return [self.title, f"{sign} {number(self.aim)} {self.unit}", measured, verdict]


CASE_HEAD = ("writer", "call", "on disk", "CPU", "memory", "bytes", "ratio", "spread", "n")
PACED_HEAD = ("writer", "p50", "p99", "p99.9", "empty", "memory", "ratio", "spread", "n")
TARGET_HEAD = ("target", "aim", "measured", "met")


def case_rows(case: Case, results: Dict[str, Result]) -> List[Row]:
    """A row for each writer of `results`. A failed one has its error and "-"."""
    winner = fastest(results)
    rows: List[Row] = []
    for writer, result in results.items():
        title = WRITERS[writer].title + (" *" if writer == winner else "")
        if "error" in result:
            rows.append([title, f"failed: {result['error']}"[:60], *["-"] * 7])
            continue
        ours = WRITERS[writer].module == WRITERS[OURS].module
        shown = ratio(results, writer) if ours else ratio(results, OURS, writer)
        times = [duration(result[key]) for key in
                 (("p50_us", "p99_us", "p99.9_us", "empty_us") if case.pace
                  else ("call_us", "disk_us", "cpu_us"))]
        sizes = [f"{max(0.0, result['peak_mb']):.1f} MB"]
        if not case.pace:
            sizes.append(number(result["bytes"]))
        spread = f"±{100 * result['spread']:.0f} %" if "spread" in result else "-"
        rows.append([title, *times, *sizes, "-" if shown is None else f"{number(shown)}x", spread,
                     f"{result['rounds']} x {result['times']}"])
    return rows


def absent_rows(case: Case, writers: Sequence[str], results: Dict[str, Result]) -> List[Row]:
    """A row of "-" for each writer that lacks the function of the case."""
    head = PACED_HEAD if case.pace else CASE_HEAD
    return [[WRITERS[writer].title, *["-"] * (len(head) - 1)] for writer in writers
            if writer not in results and writer != "crcmod"
            and (not case.only or writer in case.only)]


def targets(cases: Dict[str, Dict[str, Result]]) -> List[Met]:
    """Each target whose case ran, also with crcmod as the only CRC-32C."""
    rows: List[Met] = []
    for target in TARGETS:
        results = cases.get(target.case)
        if results is None:
            continue
        rows.append(Met(target.title, target.aim, _measured(target, results), target.at_most,
                        target.unit, _otherwise(target, results.get(OURS, {}))))
        if "crcmod" in results and target.measure is None:
            slow = ratio(results, "crcmod")
            rows.append(Met(f"{target.title}, crcmod only", target.aim * CRCMOD_SHARE, slow,
                            False, target.unit,
                            _otherwise(target, results["crcmod"], CRCMOD_SHARE)))
    return rows


def _otherwise(target: Target, result: Result, share: float = 1.0) -> bool:
    if target.also is None or "disk_us" not in result:
        return False
    aim, measure = target.also
    return measure(result) >= aim * share


def _measured(target: Target, results: Dict[str, Result]) -> Optional[float]:
    if target.measure is not None:
        return target.measure(results)
    return ratio(results)


def number(value: float) -> str:
    """`value` with three significant digits."""
    if value >= 1000:
        return f"{value:,.0f}".replace(",", " ")
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def duration(us: float) -> str:
    if us >= 1e6:
        return f"{us / 1e6:.3g} s"
    return f"{us / 1000:.3g} ms" if us >= 1000 else f"{us:.3g} us"


def table(head: Row, rows: Sequence[Row], markdown: bool) -> str:
    """`rows` below `head`, in columns; the first is text, the others are numbers."""
    if markdown:
        lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
        return "\n".join(f"| {' | '.join(line)} |" for line in lines)
    widths = [max(len(line[i]) for line in [head, *rows]) for i in range(len(head))]
    lines = [head, ["-" * width for width in widths], *rows]
    return "\n".join("  ".join(cell.ljust(width) if i == 0 else cell.rjust(width)
                               for i, (cell, width) in enumerate(zip(line, widths))).rstrip()
                     for line in lines)


def titled(title: str, text: str, markdown: bool) -> str:
    return f"\n### {title}\n\n{text}" if markdown else f"\n{title}\n{text}"


def machine() -> List[Tuple[str, str]]:
    """The versions and the machine on which the numbers depend."""
    model = platform.processor() or platform.machine()
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            model = next((line.split(":", 1)[1].strip() for line in file
                          if line.startswith("model name")), model)
    except OSError:
        pass
    return [("machine", f"{model}, {os.cpu_count()} cores, {platform.system()}"),
            ("Python", platform.python_version())]


def versions(cases: Dict[str, Dict[str, Result]]) -> str:
    found: Dict[str, Any] = {}
    for results in cases.values():
        for writer, result in results.items():
            if "version" in result:
                found[WRITERS[writer].package] = result["version"]
    return ", ".join(f"{package} {version}" for package, version in sorted(found.items()))
