"""Measures the columns of the feature tables: each cell is an answer that a run of the writer gave.

    python -m tests.peers.measure --python WRITER=PATH ... [--rows REGEX] [--no-faults]
                                  [--write | --compare]

PATH is an interpreter that has the writer: torch, tensorboardX, mxboard or tf.summary; the videos
of the first two need moviepy 1, too. tbwriter itself is asked the same, as a control: it must have
everything. Prints the answers with their reasons. --write puts them into tests/data/features.json
and the pages; --compare lists the differences to these.

The interpreter that runs this is the judge: it has stock TensorBoard and its data server. On Linux,
as root: a full disk is a small file system, and a container a process namespace.
"""
from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple

from tests.faults import scenarios
from tests.peers.cells import PAGES, RECORD, Parts, answer, filled, recorded
from tests.support.judges import LOADERS, board
from tests.peers.rows import ROWS, Part, Shown

ROOT = Path(__file__).resolve().parent.parent.parent
OURS = "tbwriter"
MODULES = {OURS: "tests.peers.tbwriter_", "torch": "tests.peers.torch_",
           "tensorboardX": "tests.peers.tensorboardx", "mxboard": "tests.peers.mxboard_",
           "tf.summary": "tests.peers.tf_summary"}
PATIENCE = 300

Said = Dict[str, Any]


def measure(writer: str, python: str, rows: Dict[str, List[Part]]
            ) -> Tuple[str, Dict[str, Parts]]:
    """(version of the writer, {row: its parts})."""
    with tempfile.TemporaryDirectory(prefix="features_") as root:
        said = ask(writer, python, [part for parts in rows.values() for part in parts], root)
        version = next((one["version"] for one in said.values() if "version" in one), "")
        judgements = {row: {part.name: judged(part, Path(root), said[_key(part)])
                            for part in parts} for row, parts in rows.items()}
        return version.partition("+")[0], judgements


def ask(writer: str, python: str, parts: List[Part], root: str) -> Dict[str, Said]:
    """{key: what came of the question}. Parts that ask the same are asked once."""
    unique = {_key(part): part for part in parts}
    said: Dict[str, Said] = {}
    together = [part for part in unique.values() if not part.alone and not part.fault]
    while together:
        done = _child(writer, python, together, root)
        said.update(done)
        left = [part for part in together if _key(part) not in said]
        if left:  # it took the process with it
            said[_key(left[0])] = {"error": "the process died or hung"}
        together = left[1:]
    for key, part in unique.items():
        if part.alone:
            said.update(_child(writer, python, [part], root))
        elif part.fault:
            said[key] = _fault(writer, python, part, Path(root, key))
    return said


def _child(writer: str, python: str, parts: List[Part], root: str) -> Dict[str, Said]:
    answers = Path(root, "answers")
    answers.write_text("")
    questions = json.dumps([[_key(part), part.ask, part.args] for part in parts])
    command = [python, "-W", "ignore", "-m", "tests.peers.child", MODULES[writer], root,
               *parts[0].alone]
    try:
        done = subprocess.run(command, input=questions, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=PATIENCE,
                              env=_environment())
        if done.returncode > 0:  # a question that can't be asked so
            raise SystemExit(f"{writer}: {done.stdout[-3000:]}")
    except subprocess.TimeoutExpired:
        pass
    lines = [json.loads(line) for line in answers.read_text().splitlines()]
    return {line["key"]: line for line in lines}


def _environment() -> Dict[str, str]:
    """That of a program that may log: no accelerator, few words, and tbwriter is found."""
    return {**os.environ, "CUDA_VISIBLE_DEVICES": "", "TF_CPP_MIN_LOG_LEVEL": "3",
            "MPLBACKEND": "Agg", "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)])}


def _fault(writer: str, python: str, part: Part, directory: Path) -> Said:
    logdir = directory / "logs"
    logdir.mkdir(parents=True)
    needs = {"small_disk": ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(logdir)],
             "both_containers": ["unshare", "-pf", "true"]}.get(part.ask, ["true"])
    if subprocess.run(needs, stderr=subprocess.DEVNULL).returncode:
        return {"missing": f"the right to {needs[0]}"}
    # Who runs a scenario is asked from the environment.
    os.environ.update(_environment(), TBWRITER_PEERS=python)
    try:
        return {"said": scenarios.run(part.ask, writer, directory, timeout=part.fault,
                                      program="tests.peers.faults")}
    finally:
        if needs[0] == "mount":
            subprocess.run(["umount", "-l", str(logdir)], check=True)


def _key(part: Part) -> str:
    """A name for what is asked, of which a directory can be made."""
    words = [part.ask, *(str(arg).replace(".", "dot") for arg in part.args), *part.alone[:1]]
    return re.sub(r"\W+", "-", " ".join(words)).strip("-")


def judged(part: Part, root: Path, said: Said) -> str:
    """ "yes", "partly: ..", "no: why", or "?: what is missing". """
    if "missing" in said:
        return f"?: needs {said['missing']}"
    wrong = [said["error"]] if "error" in said else [
        why for why in (_wrong(part, root / _key(part), said, loader) for loader in
                        (LOADERS[:1] if hasattr(part.judge, "once") else LOADERS))]
    reasons = [_plain(why, root) for why in wrong if why is not None]
    if not reasons:
        return "partly: by TensorFlow's API of version 1" if said.get("version_1") else "yes"
    if len(reasons) < len(wrong):
        right = LOADERS[wrong.index(None)]
        return f"partly: only in the {right} loader"
    return f"no: {reasons[0]}"


def _wrong(part: Part, logdir: Path, said: Said, loader: str) -> Optional[str]:
    """The judge's reason to refuse it."""
    logdir.mkdir(exist_ok=True)
    with board(logdir, loader, plugins=["mine", "tensor"], strict=False) as shown:
        try:
            part.judge(Shown(logdir, shown, said.get("said")), *part.args, *part.wanted)
        except Exception as error:
            return f"{type(error).__name__}: {error}"
    return None


def _plain(why: str, root: Path) -> str:
    """A reason that is the same on every machine and day."""
    line = " ".join(why.replace(str(root), "LOGDIR").split())
    return re.sub(r" at 0x[0-9a-f]+|(?<=tfevents)[\w.]+", "", line)[:120]


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure the columns of the feature tables.")
    parser.add_argument("--python", action="append", default=[], metavar="WRITER=PATH")
    parser.add_argument("--rows", default="", help="a regular expression")
    parser.add_argument("--no-faults", action="store_true")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--compare", action="store_true")
    asked = parser.parse_args()
    pythons = dict(one.split("=", 1) for one in asked.python)
    rows = {row: parts for row, parts in ROWS.items() if re.search(asked.rows, row)
            and not (asked.no_faults and any(part.fault for part in parts))}
    start = time.monotonic()
    versions: Dict[str, str] = {}
    found: Dict[str, Dict[str, Parts]] = {row: {} for row in rows}
    for writer, python in {OURS: sys.executable, **pythons}.items():
        began = time.monotonic()
        versions[writer], measured = measure(writer, python, rows)
        print(f"{writer} {versions[writer]}: {time.monotonic() - began:.0f} s")
        for row, parts in measured.items():
            found[row][writer] = parts
            print(f"{writer:12} {answer(parts):6} {row}", flush=True)
            for name, state in parts.items():
                if state != "yes":
                    print(f"{'':20}{name + ': ' if name else ''}{state}", flush=True)
    print(f"{time.monotonic() - start:.0f} s")
    short = [row for row in rows if answer(found[row][OURS]) not in ("yes", "?")]
    if short:
        print(f"The control has not got: {short}")
        return 1
    for writers in (versions, *found.values()):
        del writers[OURS]  # type: ignore[attr-defined]
    if asked.write:
        write({**versions, "tensorboard": importlib.metadata.version("tensorboard")}, found)
    return compare(found) if asked.compare else 0


def write(versions: Dict[str, str], found: Dict[str, Dict[str, Parts]]) -> None:
    unmeasured = [row for row, writers in found.items() for parts in writers.values()
                  if answer(parts) == "?"]
    if unmeasured or list(found) != list(ROWS):
        raise SystemExit(f"not written: {unmeasured or 'some rows'} were not measured")
    record = {"date": time.strftime("%Y-%m-%d"), "versions": versions, "rows": found}
    RECORD.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    for page in PAGES:
        page.write_text(filled(page.read_text(encoding="utf-8"), record), encoding="utf-8")


def compare(found: Dict[str, Dict[str, Parts]]) -> int:
    """List the differences to the record; 1 if there are any. Cells that could not be measured are
    left out."""
    rows = recorded()["rows"]
    wrong = [(row, writer, answer(parts)) for row, writers in found.items()
             for writer, parts in writers.items()
             if answer(parts) not in ("?", answer(rows[row][writer]))]
    for row, writer, got in wrong:
        print(f"{writer}, {row}: got {got}, recorded is {answer(rows[row][writer])}")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
