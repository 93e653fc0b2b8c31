"""Mutants: change one operator or constant of the source and see whether a test fails.

    python -m tests.mutants [--count 300] [--seed 0] [--in _proto summary] [--timeout 120]

Each mutant is a copy of the package in which one place differs: a comparison, an arithmetic or
boolean operator, a number, a condition or a `not`. The tests that mirror its file run against the
copy, and stop at the first failure. Mutants that no test notices are printed as they stand in the
source; the same seed makes the same ones again. The checkout itself is not changed.

A survivor is either a test that is missing, or a change that no user notices: of speed, of a limit
that is a matter of taste, of a text. Needs Python 3.9, and Linux or macOS.
"""
from __future__ import annotations

import argparse
import ast
import copy
import os
import random
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Iterator, List, NamedTuple, Tuple

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "src" / "tbwriter"
# The tests of each folder: those below tests/ that mirror it, and what else exercises it.
TESTS = {
    "_proto": ["tests/proto", "tests/test_writer.py", "tests/test_reader.py"],
    "_tfrecord": ["tests/tfrecord", "tests/files"],
    "_values": ["tests/values", "tests/summary"],
    "_scalars": ["tests/scalars", "tests/files", "tests/test_reader.py", "tests/test_writer.py"],
    "_log": ["tests/log", "tests/test_writer.py"],
    "_files": ["tests/files", "tests/test_reader.py"],
    "summary": ["tests/summary", "tests/test_summary_writer.py"],
    "check": ["tests/check"],
    "mxnet": ["tests/mxnet"],
}
COMPARED = {ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq,
            ast.NotEq: ast.Eq, ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn,
            ast.NotIn: ast.In}
COMPUTED = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Add, ast.FloorDiv: ast.Mult,
            ast.Div: ast.Mult, ast.Mod: ast.Mult, ast.LShift: ast.RShift, ast.RShift: ast.LShift,
            ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd, ast.BitXor: ast.BitOr}


class Mutant(NamedTuple):
    """A file of the package, a line of it, the line before and after, and the whole new source."""

    path: Path
    line: int
    before: str
    after: str
    source: str


def changed(node: ast.AST) -> bool:
    """Change `node` in place, in the one way that there is for it. False if there is none."""
    if isinstance(node, ast.Compare) and type(node.ops[0]) in COMPARED:
        node.ops[0] = COMPARED[type(node.ops[0])]()
    elif isinstance(node, (ast.BinOp, ast.AugAssign)) and type(node.op) in COMPUTED:
        node.op = COMPUTED[type(node.op)]()
    elif isinstance(node, ast.BoolOp):
        node.op = ast.Or() if isinstance(node.op, ast.And) else ast.And()
    elif isinstance(node, ast.Constant) and isinstance(node.value, bool):
        node.value = not node.value
    elif isinstance(node, ast.Constant) and isinstance(node.value, (int, float)):
        node.value += 1
    elif isinstance(node, (ast.If, ast.IfExp, ast.While)):
        node.test = ast.UnaryOp(ast.Not(), node.test)
    else:
        return False
    return True


def places(tree: ast.AST) -> Iterator[Tuple[int, ast.AST]]:
    """Each node with its number in `ast.walk`, but for annotations and imports of type checkers."""
    skipped = set()
    for number, node in enumerate(ast.walk(tree)):
        for name in ("annotation", "returns"):
            skipped.update(map(id, ast.walk(getattr(node, name, None) or ast.Pass())))
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            skipped.update(map(id, ast.walk(node)))
        if id(node) not in skipped and isinstance(node, (ast.expr, ast.stmt)):
            yield number, node


def mutants(folders: List[str], source: random.Random) -> Iterator[Mutant]:
    """Mutants without end, each file as often as it has places."""
    trees = {path: ast.parse(path.read_text(encoding="utf-8"))
             for folder in folders for path in sorted((PACKAGE / folder).rglob("*.py"))}
    found = [(path, number) for path, tree in trees.items() for number, node in places(tree)
             if changed(copy.deepcopy(node))]
    source.shuffle(found)
    for path, number in found:
        tree = copy.deepcopy(trees[path])
        node = list(ast.walk(tree))[number]
        line = getattr(node, "lineno")
        before = ast.unparse(node).splitlines()[0]
        changed(node)
        ast.fix_missing_locations(tree)
        yield Mutant(path.relative_to(PACKAGE), line, before, ast.unparse(node).splitlines()[0],
                     ast.unparse(tree))


def survives(mutant: Mutant, timeout: float) -> bool:
    """Whether its tests pass. Without an answer in time it counts as noticed: it hangs."""
    with tempfile.TemporaryDirectory() as directory:
        copied = Path(directory) / "src" / "tbwriter"
        shutil.copytree(PACKAGE, copied, ignore=shutil.ignore_patterns("__pycache__"))
        (copied / mutant.path).write_text(mutant.source, encoding="utf-8")
        # The option pythonpath of setup.cfg would put the unchanged package first.
        command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider",
                   "-o", f"pythonpath={copied.parent} {ROOT}", *TESTS[mutant.path.parts[0]]]
        environ = dict(os.environ, PYTHONDONTWRITEBYTECODE="1",
                       PYTHONPATH=os.pathsep.join([str(copied.parent), str(ROOT)]))
        process = subprocess.Popen(command, cwd=ROOT, env=environ, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL, start_new_session=True)
        try:
            return process.wait(timeout) == 0
        except subprocess.TimeoutExpired:
            return False
        finally:
            if process.poll() is None:
                os.killpg(process.pid, 9)  # with the servers that its tests have started
                process.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description="Change the source, and see whether a test fails.")
    parser.add_argument("--count", type=int, default=300, help="how many mutants")
    parser.add_argument("--seed", type=int, default=0, help="the same seed makes the same mutants")
    parser.add_argument("--in", nargs="+", dest="folders", choices=TESTS, default=list(TESTS))
    parser.add_argument("--timeout", type=float, default=600, help="seconds for the tests of one")
    options = parser.parse_args()
    for folder in options.folders:
        path = next((PACKAGE / folder).rglob("*.py"))
        same = Mutant(path.relative_to(PACKAGE), 0, "", "", path.read_text(encoding="utf-8"))
        if not survives(same, options.timeout):
            parser.error(f"the tests of {folder} fail without a change, or take longer than "
                         f"{options.timeout:g} s: they would notice everything")
    lived = made = 0
    for mutant in mutants(options.folders, random.Random(options.seed)):
        if made == options.count:
            break
        made += 1
        if survives(mutant, options.timeout):
            lived += 1
            print(f"{mutant.path}:{mutant.line}: {mutant.before}  ->  {mutant.after}", flush=True)
    print(f"{made} mutants, {lived} survived")


if __name__ == "__main__":
    main()
