"""The table of docs/promises.md, measured: every promise, the figure of its test, and the peers'.

    python -m tests.faults.table [--peers PYTHON] [--no-peers] [--only EXPRESSION]
                                 [--figures FILE] [--write]

Runs the tests of tests/faults, also for tensorboardX and torch, and prints the table as Markdown.
PYTHON is an interpreter that has them; without it, this one is asked. What fails is tried once
more, when nothing else runs. --only runs the tests that fit, as pytest's -k does, to try the
command. --figures takes the figures of an earlier run instead, --write puts the table into
docs/promises.md.
"""
from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Dict, List, Tuple

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
PAGE = ROOT / "docs" / "promises.md"
BEGIN, END = "<!-- table -->\n", "<!-- end of table -->\n"

GROUPS = [(1, "Death and exit"), (7, "The caller is safe"), (15, "Threads, forks and names"),
          (23, "Data and security"), (32, "Object stores")]


# Why a test has no figure of the others.
REASONS = {
    "test_interrupted_anywhere": "The places are those of this package's own code; "
    "`test_interrupts` presses Ctrl-C for all three.",
    "test_interrupted_and_not_closed": "The same.",
    "test_soak": "The model knows this package's rotation and runs; `test_random_faults` is the "
    "same from outside, for all three.",
    "test_custom_kinds": "They have no custom kinds.",
    "test_lengths_that_lie": "They have no reader.",
    "test_mutations": "They have no reader.",
    "test_network_file_systems": "They sync by number of records or never, see 6.",
}
_VERSIONS = """
import importlib.metadata as found
for name in ("tensorboardX", "torch", "tensorboard"):
    try:
        print(name, found.version(name))
    except found.PackageNotFoundError:
        pass
"""


def measure(figures: Path, peers: str, only: str) -> bool:
    """Run the tests, and those that fail once more; whether all passed. peers: an interpreter."""
    environment = dict(os.environ, TBWRITER_FIGURES=str(figures),
                       PYTHONPATH=os.pathsep.join([str(ROOT / "src"), str(ROOT)]))
    environment.pop("TBWRITER_PEERS", None)
    if peers:
        environment["TBWRITER_PEERS"] = peers
    with tempfile.TemporaryDirectory() as cache:
        command = [sys.executable, "-m", "pytest", "-q", "-o", f"cache_dir={cache}",
                   "--deselect", f"{HERE / 'test_table.py'}", "-k", only, str(HERE)]
        for more in ([], ["--last-failed", "--last-failed-no-failures", "none"]):
            done = subprocess.run(command + more, cwd=str(ROOT), env=environment, stdout=sys.stderr)
            if done.returncode == 0:
                return True
    return False


def measured_how(peers: str, seconds: float) -> str:
    """When, where, of what and by which command."""
    versions = subprocess.run([peers, "-c", _VERSIONS], stdout=subprocess.PIPE, text=True,
                              check=True).stdout.splitlines() if peers else []
    return (f"Measured on {time.strftime('%Y-%m-%d')} in {seconds / 60:.0f} minutes on "
            f"{os.cpu_count()} cores, {platform.system()}, Python "
            f"{platform.python_version()}" + "".join(f", {version}" for version in versions)
            + " (without TensorFlow)" * bool(versions)
            + f", by `python -m tests.faults.table{' --peers PYTHON' * bool(peers)} --write`.\n\n")


def table(lines: List[Dict[str, Any]]) -> str:
    """Markdown of all figures; of what was measured twice, the later one.

    A dash where there is none, with a note that says why.
    """
    notes: List[str] = []

    def dash(test: str) -> str:
        reason = REASONS.get(test)
        if reason is None:
            return "–"
        if reason not in notes:
            notes.append(reason)
        return f"– ({'abcdefgh'[notes.index(reason)]})"
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
                cells = [figures.get(writer) or dash(test) for writer in
                         ("tbwriter", "tensorboardX", "torch")]
                out.append("| " + " | ".join(
                    [str(number), *(_cell(cell) for cell in (promise, *cells)), f"`{test}`"])
                    + " |")
    out += [""] + [f"({letter}) {note}\n" for letter, note in zip("abcdefgh", notes)]
    return "\n".join(out).strip() + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure the promises.")
    parser.add_argument("--figures", type=Path)
    parser.add_argument("--peers", default=sys.executable)
    parser.add_argument("--no-peers", action="store_true")
    parser.add_argument("--only", default="", metavar="EXPRESSION")
    parser.add_argument("--write", action="store_true")
    asked = parser.parse_args()
    if asked.only and asked.write:
        parser.error("--write takes the whole table, not a part of it")
    peers = "" if asked.no_peers else asked.peers
    passed = True
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as scratch:
        figures = asked.figures or Path(scratch, "figures")
        if not asked.figures:
            passed = measure(figures, peers, asked.only)
        text = table([json.loads(line) for line in figures.read_text().splitlines()])
    if not asked.figures:
        text = measured_how(peers, time.monotonic() - start) + text
    if asked.write:
        head, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
        _, _, tail = rest.partition(END)
        PAGE.write_text(head + BEGIN + "\n" + text + "\n" + END + tail, encoding="utf-8")
    else:
        print(text)
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
