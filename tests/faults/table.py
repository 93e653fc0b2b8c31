"""The table of docs/promises.md, measured: every promise, the figure of its test, and the peers'.

    PYTHONPATH=src python tests/faults/table.py [--figures FILE] [--no-peers] [--write]

Runs the tests of tests/faults, also for tensorboardX and torch, and prints the table as Markdown;
--figures takes the figures of an earlier run instead, --write puts the table into docs/promises.md.
"""
from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Dict, List, Tuple

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
PAGE = ROOT / "docs" / "promises.md"
BEGIN, END = "<!-- table -->\n", "<!-- end of table -->\n"

GROUPS = [(1, "Death and exit"), (7, "The caller is safe"), (15, "Threads, forks and names"),
          (23, "Data and security"), (32, "Object stores")]


def measure(figures: Path, peers: bool) -> bool:
    """Run the tests; whether all passed."""
    environment = dict(os.environ, TBWRITER_FIGURES=str(figures),
                       PYTHONPATH=os.pathsep.join([str(ROOT / "src"), str(ROOT / "tests")]))
    if peers:
        environment["TBWRITER_PEERS"] = "1"
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(HERE)],
        cwd=str(ROOT), env=environment, stdout=sys.stderr)
    return done.returncode == 0


def table(lines: List[Dict[str, Any]]) -> str:
    """Markdown of all figures; of what was measured twice, the later one."""
    measured: Dict[Tuple[int, str, str], Dict[str, str]] = {}
    for line in lines:
        key = line["number"], line["promise"], line["test"]
        measured.setdefault(key, {})[line["writer"]] = line["measured"]
    out: List[str] = []
    heads = dict(GROUPS)
    for number in range(1, 37):
        if number in heads:
            out += ["", f"### {heads[number]}", "",
                    "| | promise | tbwriter | tensorboardX | torch | test |",
                    "| --- | --- | --- | --- | --- | --- |"]
        for (found, promise, test), figures in measured.items():
            if found == number:
                cells = [figures.get(writer, "–") for writer in
                         ("tbwriter", "tensorboardX", "torch")]
                out.append("| " + " | ".join(
                    [str(number), *(_cell(cell) for cell in (promise, *cells)), f"`{test}`"])
                    + " |")
    return "\n".join(out).strip() + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure the promises.")
    parser.add_argument("--figures", type=Path)
    parser.add_argument("--no-peers", action="store_true")
    parser.add_argument("--write", action="store_true")
    asked = parser.parse_args()
    passed = True
    with tempfile.TemporaryDirectory() as scratch:
        figures = asked.figures or Path(scratch, "figures")
        if not asked.figures:
            passed = measure(figures, not asked.no_peers)
        text = table([json.loads(line) for line in figures.read_text().splitlines()])
    if asked.write:
        head, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
        _, _, tail = rest.partition(END)
        PAGE.write_text(head + BEGIN + "\n" + text + "\n" + END + tail, encoding="utf-8")
    else:
        print(text)
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
