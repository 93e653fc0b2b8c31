"""The measurements, in the words of the pages. tests/data/features.json is the record."""
from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Dict, List

ROOT = Path(__file__).resolve().parent.parent.parent
RECORD = ROOT / "tests" / "data" / "features.json"
PAGES = [ROOT / "README.md", ROOT / "docs" / "features.md"]
PEERS = ["torch", "tensorboardX", "mxboard", "tf.summary"]
BEGIN, END = "<!-- partly -->\n", "<!-- end of partly -->\n"

Parts = Dict[str, str]  # {name: "yes", "no: why", "partly: how", or "?: what is missing"}


def recorded() -> Dict[str, Any]:
    return json.loads(RECORD.read_text(encoding="utf-8"))


def answer(parts: Parts) -> str:
    """The cell: "yes", "no", "partly", or "?" where a part could not be measured."""
    states = {state.partition(":")[0] for state in parts.values()}
    if "?" in states:
        return "?"
    return states.pop() if len(states) == 1 else "partly"


def restriction(parts: Parts) -> str:
    """The meaning of "partly": the part that has the feature; then its presence or absence, in
    fewer words."""
    how = [f"{name}: {state[8:]}".lstrip(": ") for name, state in parts.items()
           if state.startswith("partly")]
    there = [name for name, state in parts.items() if state == "yes"]
    lacking = [name for name, state in parts.items() if state.startswith("no")]
    if there and lacking:
        how.append(f"only {', '.join(there)}" if len(there) <= len(lacking) else
                   f"not {', '.join(lacking)}")
    return "; ".join(how)


def filled(page: str, record: Dict[str, Any]) -> str:
    """A page with the cells that were measured, what "partly" means between its marks, the date."""
    rows = record["rows"]
    lines = []
    for line in page.split("\n"):
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        if cells[0] in rows and len(cells) == len(PEERS) + 3:
            cells[2:-1] = [answer(rows[cells[0]][peer]) for peer in PEERS]
            line = f"| {' | '.join(cells)} |"
        lines.append(line)
    dated = re.sub(r"(?<=that writer gave on\s)\d{4}-\d\d-\d\d", record["date"], "\n".join(lines))
    return re.sub(f"{BEGIN}.*?{END}", lambda _: BEGIN + _table(rows) + END, dated, flags=re.DOTALL)


def _table(rows: Dict[str, Dict[str, Parts]]) -> str:
    lines: List[str] = ["", "| feature | writer | |", "| --- | --- | --- |"]
    for row, writers in rows.items():
        told: Dict[str, List[str]] = {}
        for peer in PEERS:
            if answer(writers[peer]) == "partly":
                told.setdefault(restriction(writers[peer]), []).append(peer)
        lines += [f"| {row} | {', '.join(peers)} | {how} |" for how, peers in told.items()]
    return "\n".join([*lines, "", ""])
