"""Mutants: change one operator or constant of the source and see whether a test fails.

    python -m tests.mutants [--count 300] [--seed 0] [--in _proto summary] [--mirror] [--minutes 60]

Each mutant differs from the package in one place: a comparison, an arithmetic or boolean operator,
a number, a condition or a `not`. Annotations and the texts of errors and warnings are left alone.
The tests named after the changed file run first and stop at the first failure; if they pass, the
other tests of its folder follow, unless --mirror is given. Mutants that no test notices are printed
as in the source; the same seed makes the same mutants. All of it happens in a copy: the checkout
itself does not change.

A survivor is either a test that is missing, or a change that no user notices: of speed, of a limit
that is a matter of taste. docs/contributing.md lists those with the reason.
Needs Python 3.9, and Linux or macOS.
"""
from __future__ import annotations

import argparse
import ast
import importlib.util
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from copy import deepcopy
from itertools import islice
from pathlib import Path
from typing import Iterable, Iterator, List, NamedTuple, Set, Tuple

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "src" / "tbwriter"
# What is copied for the mutants: the package, its tests, and the files that the tests read.
COPIED = ["benchmarks", "docs", "examples", "src", "tests", "setup.cfg", "README.md",
          "CHANGELOG.md"]
# The tests of each folder: those below tests/ that mirror it, and others that exercise it.
TESTS = {
    "_proto": ["tests/proto", "tests/test_writer.py", "tests/test_reader.py"],
    "_tfrecord": ["tests/tfrecord", "tests/files"],
    "_values": ["tests/values", "tests/summary"],
    "_scalars": ["tests/scalars", "tests/files", "tests/test_reader.py", "tests/test_writer.py"],
    "_log": ["tests/log", "tests/test_writer.py"],
    "_files": ["tests/files", "tests/test_reader.py", "tests/cli"],
    "summary": ["tests/summary", "tests/test_summary_writer.py"],
    "check": ["tests/check"],
    "mxnet": ["tests/mxnet", "tests/profile"],
}
# The tests of files that have none of their own name. Other files have their whole folder's.
MIRRORS = {
    "_files/objects.py": ["tests/files/test_objects.py", "tests/log/test_objects.py"],
    "_log/contract.py": ["tests/log/test_contract.py", "tests/log/test_local.py"],
    "_log/event_file.py": ["tests/log/test_local.py"],
    "_log/naming.py": ["tests/log/test_local.py"],
    "_log/queue.py": ["tests/log/test_channel.py"],
    "_log/retry.py": ["tests/log/test_retry.py", "tests/log/test_channel.py"],
    "_log/worker.py": ["tests/log/test_channel.py", "tests/log/test_worker.py",
                       "tests/values/test_pool.py"],
    "_scalars/decode.py": ["tests/scalars", "tests/files/test_stream.py"],
    "_scalars/encode.py": ["tests/scalars", "tests/test_summary_writer.py"],
    "_scalars/layout.py": ["tests/scalars", "tests/files/test_stream.py"],
    "_scalars/shapes.py": ["tests/scalars", "tests/files/test_stream.py"],
    "_proto/tensors.py": ["tests/proto", "tests/test_reader.py"],
    "_proto/plugin_schema.py": ["tests/proto", "tests/summary/test_hparams.py",
                                "tests/summary/test_mesh.py", "tests/profile/test_recorder.py"],
    "_proto/schema.py": ["tests/proto", "tests/summary/test_text.py"],
    "mxnet/_boxes.py": ["tests/mxnet/test_symbol_graph.py"],
    "mxnet/_callback.py": ["tests/mxnet/test_fit.py"],
    "mxnet/_gluon.py": ["tests/mxnet/test_gluon.py", "tests/mxnet/test_activations.py"],
    "mxnet/_graph.py": ["tests/mxnet/test_symbol_graph.py"],
    "mxnet/_metrics.py": ["tests/mxnet/test_metrics.py", "tests/mxnet/test_fit.py",
                          "tests/mxnet/test_estimator.py"],
    "mxnet/_module_gradients.py": ["tests/mxnet/test_gradients.py"],
    "mxnet/_parameters.py": ["tests/mxnet/test_fit.py", "tests/mxnet/test_gluon.py"],
    "mxnet/_profile.py": ["tests/profile/test_mxnet_profile.py"],
    "mxnet/_profile_batches.py": ["tests/profile/test_mxnet_profile.py"],
    "mxnet/_profile_convert.py": ["tests/profile/test_mxnet_profile.py"],
    "mxnet/_profile_estimator.py": ["tests/profile/test_mxnet_profile.py"],
    "mxnet/_profile_nodes.py": ["tests/profile/test_mxnet_profile.py"],
    "mxnet/_progress.py": ["tests/mxnet/test_fit.py"],
    "mxnet/_steps.py": ["tests/mxnet/test_fit.py", "tests/mxnet/test_gluon.py"],
    "mxnet/_symbol_json.py": ["tests/mxnet/test_symbol_graph.py"],
    "mxnet/_trace.py": ["tests/mxnet/test_symbol_graph.py"],
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
    """Each node with its number in `ast.walk`.

    Annotations, imports of type checkers and the texts of errors and warnings are left out.
    """
    skipped = set()
    for number, node in enumerate(ast.walk(tree)):
        for name in ("annotation", "returns"):
            skipped.update(map(id, ast.walk(getattr(node, name, None) or ast.Pass())))
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            skipped.update(map(id, ast.walk(node)))
        if isinstance(node, (ast.Raise, ast.JoinedStr)) or _warns(node):
            skipped.update(map(id, ast.walk(node)))
        if id(node) not in skipped and isinstance(node, (ast.expr, ast.stmt)):
            yield number, node


def _warns(node: ast.AST) -> bool:
    called = node.func if isinstance(node, ast.Call) else None
    return getattr(called, "attr", getattr(called, "id", "")).startswith("warn")


def mutants(folders: List[str], source: random.Random) -> Iterator[Mutant]:
    """Mutants without end, each file as often as it has places."""
    trees = {path: ast.parse(path.read_text(encoding="utf-8"))
             for folder in folders for path in sorted((PACKAGE / folder).rglob("*.py"))}
    found = [(path, number) for path, tree in trees.items() for number, node in places(tree)
             if changed(deepcopy(node))]
    source.shuffle(found)
    for path, number in found:
        tree = deepcopy(trees[path])
        node = list(ast.walk(tree))[number]
        line = getattr(node, "lineno")
        before = ast.unparse(node).splitlines()[0]
        changed(node)
        ast.fix_missing_locations(tree)
        yield Mutant(path.relative_to(PACKAGE), line, before, ast.unparse(node).splitlines()[0],
                     ast.unparse(tree))


def mirror(path: Path) -> List[str]:
    """The tests named after a file of the package, or those of its folder."""
    folder = path.parts[0]
    named = sorted((ROOT / "tests" / folder.strip("_")).glob(f"test_{path.stem.strip('_')}*.py"))
    return MIRRORS.get(path.as_posix()) \
        or [str(test.relative_to(ROOT)) for test in named] or TESTS[folder][:1]


class _Plugin:
    """Runs the tests of both loaders last, since they start servers; notes the one that fails."""

    def __init__(self, failed: Path) -> None:
        self._failed = failed
        failed.write_text("", encoding="utf-8")

    def pytest_collection_modifyitems(self, items: List[pytest.Item]) -> None:
        items.sort(key=lambda item: "loader" in getattr(item, "fixturenames", ()))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self._failed.write_text(report.nodeid, encoding="utf-8")


class Copy:
    """A copy of the checkout below `directory`, in which one file at a time is changed.

    Each run of the tests is a fork of this process, which has imported the judges already: that
    saves most of the time of a run.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.failed = directory / "failed"  # holds the name of the last test that failed
        self.sound: Set[str] = set()  # tests that pass without a change
        for name in COPIED:
            if (ROOT / name).is_dir():
                shutil.copytree(ROOT / name, directory / name,
                                ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(ROOT / name, directory / name)

    def survives(self, mutant: Mutant, timeout: float, wide: bool = True) -> bool:
        """Whether its tests pass. Without an answer in time it counts as noticed: it hangs."""
        changed = self.directory / "src" / "tbwriter" / mutant.path
        first = mirror(mutant.path)
        before = changed.read_bytes()
        changed.write_text(mutant.source, encoding="utf-8")
        try:
            lives = self.passes(first, timeout) and (
                not wide or self.passes(TESTS[mutant.path.parts[0]], timeout, first))
        finally:
            changed.write_bytes(before)
        if not lives:
            self._check(timeout)
        return lives

    def _check(self, timeout: float) -> None:
        """RuntimeError if the test that noticed the change fails without it too."""
        test = self.failed.read_text(encoding="utf-8")
        if test and test not in self.sound:
            if not self.passes([test], timeout):
                raise RuntimeError(f"{test} fails without a change: it would notice everything")
            self.sound.add(test)

    def passes(self, tests: List[str], timeout: float, ignored: Iterable[str] = ()) -> bool:
        """Whether these tests pass in the copy, but for the `ignored` files."""
        options = ["-x", "-q", "-p", "no:cacheprovider", *(f"--ignore={name}" for name in ignored)]
        child = os.fork()
        if not child:
            os._exit(self._run([*options, *tests]))
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            pid, status = os.waitpid(child, os.WNOHANG)
            if pid:
                # Exit status 5: no test is left once the ignored files are gone.
                return os.WIFEXITED(status) and os.WEXITSTATUS(status) in (0, 5)
            time.sleep(0.05)
        os.killpg(child, signal.SIGKILL)  # with the servers that its tests have started
        os.waitpid(child, 0)
        return False

    def _run(self, arguments: List[str]) -> int:
        os.setsid()
        silent = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(silent, descriptor)
        os.chdir(self.directory)
        paths = [str(self.directory / "src"), str(self.directory)]
        os.environ.update(PYTHONDONTWRITEBYTECODE="1", PYTHONPATH=os.pathsep.join(paths))
        ours = {"", str(ROOT), str(ROOT / "src")}
        sys.path[:] = paths + [path for path in sys.path if path not in ours]
        sys.dont_write_bytecode = True
        for name in [name for name in sys.modules if name.split(".")[0] in ("tests", "tbwriter")]:
            del sys.modules[name]
        try:
            return int(pytest.main(arguments, [_Plugin(self.failed)]))
        except BaseException:
            return 1


def warm(folders: Iterable[str]) -> None:
    """Import the other packages that the tests import, so that each fork has them."""
    importlib.import_module("tests.support.judges")
    if "mxnet" in folders and importlib.util.find_spec("mxnet"):
        importlib.import_module("mxnet")


def main() -> None:
    parser = argparse.ArgumentParser(description="Change the source, and see whether a test fails.")
    parser.add_argument("--count", type=int, default=300, help="how many mutants")
    parser.add_argument("--seed", type=int, default=0, help="the same seed makes the same mutants")
    parser.add_argument("--in", nargs="+", dest="folders", choices=TESTS, default=list(TESTS))
    parser.add_argument("--timeout", type=float, default=300, help="seconds for the tests of one")
    parser.add_argument("--mirror", action="store_true",
                        help="run only the tests named after the changed file")
    parser.add_argument("--minutes", type=float, default=float("inf"),
                        help="begin no other mutant after so many minutes")
    options = parser.parse_args()
    end = time.monotonic() + 60 * options.minutes
    warm(options.folders)
    with tempfile.TemporaryDirectory() as directory:
        copied = Copy(Path(directory))
        made = lived = 0
        for mutant in islice(mutants(options.folders, random.Random(options.seed)), options.count):
            if time.monotonic() > end:
                break
            made += 1
            if copied.survives(mutant, options.timeout, not options.mirror):
                lived += 1
                print(f"{mutant.path}:{mutant.line}: {mutant.before}  ->  {mutant.after}",
                      flush=True)
            print(f"\r{made} mutants, {lived} survived", end="", file=sys.stderr, flush=True)
    print(f"{made} mutants, {lived} survived")


if __name__ == "__main__":
    main()
