"""A run as a small table of HTML, for notebooks: every text escaped, no script, nothing loaded."""
from __future__ import annotations

import math
from html import escape
from typing import TYPE_CHECKING, List, Sequence

if TYPE_CHECKING:
    from .run import Run

# How many tags and faults are listed.
_ROWS = 40
# The size of a chart in pixels, and how many points it has at most.
_WIDTH, _HEIGHT, _POINTS = 120, 20, 60


def table(run: "Run") -> str:
    """The table of a run: a row for each tag, with a chart of scalars."""
    rows = [_row(run, tag, kind) for tag, kind in list(run.tags.items())[:_ROWS]]
    if len(run.tags) > _ROWS:
        rows.append(f'<tr><td colspan="6">and {len(run.tags) - _ROWS} more tags</td></tr>')
    notes = [escape(str(fault)) for fault in run.faults[:_ROWS]]
    if len(run.faults) > _ROWS:
        notes.append(f"and {len(run.faults) - _ROWS} more faults")
    heads = "".join(f"<th>{name}</th>" for name in ("tag", "kind", "count", "steps", "last", ""))
    return (f"<div><b>{escape(run.name)}</b> {escape(run.where)}"
            f"<table><thead><tr>{heads}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
            f"{''.join(f'<div>damaged: {note}</div>' for note in notes)}</div>")


def _row(run: "Run", tag: str, kind: str) -> str:
    known = run.tag(tag)
    first, last = known.steps
    value, chart = "", ""
    if kind == "scalar":
        values = run.scalars(tag).values
        value, chart = f"{values[-1]:.5g}", sparkline(values)
    steps = f"{first} to {last}" if first != last else str(first)
    cells = [escape(tag), escape(kind), str(known.n), steps, value, chart]
    return f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"


def sparkline(values: Sequence[float]) -> str:
    """A line through the numbers, as SVG: means of neighbours where there are many. It has a gap
    where a number is not finite."""
    count = min(_POINTS, len(values))
    means = []
    for i in range(count):
        part = values[i * len(values) // count:(i + 1) * len(values) // count]
        means.append(float(sum(part)) / len(part))
    finite = [mean for mean in means if math.isfinite(mean)]
    if not finite:
        return ""
    low, high = min(finite), max(finite)
    size = high - low if 0 < high - low < math.inf else 1.0
    lines: List[List[str]] = [[]]
    for i, mean in enumerate(means):
        if not math.isfinite(mean):
            lines.append([])
            continue
        across = 1 + (_WIDTH - 2) * i / max(1, count - 1)
        down = _HEIGHT - 1 - (_HEIGHT - 2) * min(1.0, (mean - low) / size)
        lines[-1].append(f"{across:.1f},{down:.1f}")
    drawn = "".join(f'<polyline fill="none" stroke="currentColor" points="{" ".join(line)}"/>'
                    for line in lines if line)
    return f'<svg width="{_WIDTH}" height="{_HEIGHT}">{drawn}</svg>'
