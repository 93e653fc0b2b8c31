"""The rules of the package: who may import what, and what belongs to a kind and to a test."""
from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Dict, Iterator, List, NamedTuple, Set, Tuple

import pytest

from tbwriter import SummaryWriter, summary

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "src" / "tbwriter"

# The order of the folders and of the files beside them: each imports only what precedes it.
# Files of one line do not import each other.
ORDER: List[Set[str]] = [
    {"_loading", "_foreign"},
    {"_version", "_warnings", "_parallel", "_parts", "_names", "_memory"},
    {"_proto"},
    {"_tfrecord"},
    {"_values"},
    {"_scalars"},
    {"_fsspec"},
    {"_log"},
    {"_files"},
    {"_reading"},
    {"summary"},
    {"profile"},
    {"_entries", "_steps", "_layout", "_metadata", "_family"},
    {"_side_files"},
    {"writer", "reader"},
    {"_add_kinds", "_scalars_json"},
    {"summary_writer"},
    {"check", "demo", "ranks"},
    {"testing", "torch", "mxnet", "cli", "compat"},
    {"__init__", "__main__"},
]
# Values become bytes on the left, bytes reach the disk on the right: they meet in the writer.
LEFT = {"_proto", "_values", "summary"}
RIGHT = {"_tfrecord", "_log"}
SHARED = {"_parts", "_names", "_warnings", "_parallel", "_fsspec", "_foreign",
          "_loading", "_memory"}
# Folders that know nothing of each other although one precedes the other.
STRANGERS = [("_files", "_log")]

# The packages a file imports that are neither Python's nor ours; all others import none.
NUMPY = {"numpy"}
FOREIGN: Dict[str, Set[str]] = {
    **{name: NUMPY for name in (
        "_values/array", "_scalars/encode", "_scalars/decode",
        "_scalars/shapes", "_scalars/pieces", "_scalars/checksums", "_scalars/walk",
        "_files/stream", "_reading/kinds",
        "_reading/columns", "_reading/run", "_tfrecord/crc32c_numpy",
        "_values/buckets", "_values/lookup", "_values/sample", "_values/depth",
        "_values/deflate", "_values/pixels", "_values/png",
        "cli/_combine", "cli/_copy", "cli/_index", "cli/_points", "cli/_renaming", "cli/_rewrite",
        "cli/_tags", "cli/reduce",
        "_proto/tensors", "check/media", "check/numbers", "check/order", "check/projector",
        "check/run", "demo", "summary/_audio",
        "summary/_embedding", "summary/_figure", "summary/_histogram", "summary/_mesh",
        "summary/_pr_curve", "summary/_tensor", "mxnet/_distributed", "mxnet/_gradients",
        "mxnet/_graph", "mxnet/_late", "mxnet/_parameters")},
    "compat/_messages": NUMPY, "compat/_pictures": NUMPY, "compat/tensorboard/summary": NUMPY,
    "summary/_boxes": {"numpy", "PIL"}, "summary/_confusion_matrix": {"numpy", "PIL"},
    "_values/lettering": {"PIL"}, "summary/_video": {"numpy", "PIL"},
    "_fsspec": {"fsspec"}, "_reading/frames": {"numpy", "pandas"},
    "mxnet/_profile": {"mxnet"}, "mxnet/_profile_batches": {"mxnet"},
    "mxnet/_estimator": {"mxnet"}, "mxnet/_monitor": {"mxnet", "numpy"}, "torch": {"torch"},
}
# Imports inside functions: optional packages, in the one file that owns them, ...
OPTIONAL: Dict[str, Set[str]] = {
    "_tfrecord/crc32c": {"google_crc32c", "crc32c", "crcmod"}, "_values/png": {"isal"},
    "cli/_progress": {"tqdm"}, "_reading/frames": {"pyarrow"},
    "summary/_figure": {"matplotlib"}, "mxnet/_distributed": {"mxnet"}, "compat/_kinds": {"PIL"},
    "check/media": {"PIL"},
}
# ... and what a program that logs only scalars should not wait for, or what Ctrl-C may interrupt.
LAZY: Dict[str, Set[str]] = {
    "__init__": {"importlib", "summary_writer", "writer"},
    "summary/__init__": {"importlib"}, "_add_kinds": {"importlib"},
    "__main__": {"cli"}, "_foreign": {"inspect"}, "_warnings": {"linecache"},
    "_tfrecord/crc32c": {"_tfrecord/crc32c_numpy"}, "_scalars/rows": {"_scalars/encode"},
    "_log/__init__": {"_log/objects", "urllib"},
    "_files/places": {"importlib", "urllib"},
    "_names": {"hashlib"}, "_log/local": {"_log/beside", "_log/exclusive"},
    "_log/worker": {"multiprocessing", "_interpreters", "_xxsubinterpreters"},
    "_entries": {"_scalars/encode", "_proto/wellformed"},
    "writer": {"_side_files", "profile/recorder"}, "_steps": {"_files/stream"},
    "reader": {"_reading/frames"}, "cli/export": {"_reading/frames"},
    "summary_writer": {"_layout", "_metadata", "_scalars/encode", "_scalars_json",
                       "summary/_hparams"},
}


class Import(NamedTuple):
    """`origin` imports `module`, or the package `foreign`; inside a function or not."""

    origin: str
    module: str
    foreign: str
    inside: bool


def modules() -> Iterator[Tuple[str, Path]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        yield path.relative_to(PACKAGE).with_suffix("").as_posix(), path


def imports() -> Iterator[Import]:
    for origin, path in modules():
        tree = ast.parse(path.read_text(encoding="utf-8"))
        yield from _imports(origin, tree, False)


def _imports(origin: str, node: ast.AST, inside: bool) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test):
            continue
        if isinstance(child, ast.Import):
            for alias in child.names:
                yield Import(origin, "", alias.name.partition(".")[0], inside)
        elif isinstance(child, ast.ImportFrom) and not child.level:
            yield Import(origin, "", (child.module or "").partition(".")[0], inside)
        elif isinstance(child, ast.ImportFrom):
            above = origin.split("/")[:-child.level]
            for alias in child.names:
                named = [*above, *filter(None, (child.module or "").split(".")), alias.name]
                found = named if is_module(named) else named[:-1]
                yield Import(origin, "/".join(found), "", inside)
        yield from _imports(origin, child, inside or isinstance(child, ast.FunctionDef))


def is_module(parts: List[str]) -> bool:
    """Whether a file or folder of the package has this name."""
    path = PACKAGE.joinpath(*parts)
    return path.is_dir() or path.with_suffix(".py").is_file()


IMPORTS = list(imports())


def place(origin: str) -> int:
    """Where in the order the folder of a file, or a file of the top level, is."""
    top = origin.partition("/")[0]
    found = [number for number, line in enumerate(ORDER) if top in line]
    assert found, f"{top} is in no line of ORDER: add it after all that it imports"
    return found[0]


def test_everything_has_its_place() -> None:
    """Each folder, and each file beside the folders, has one place in the order."""
    found = {origin.partition("/")[0] for origin, _ in modules()}
    assert found <= set().union(*ORDER), "a new folder or file needs a place in ORDER"
    assert sum(map(len, ORDER)) == len(set().union(*ORDER))


def test_imports_follow_the_order() -> None:
    """A file imports only what precedes it, and inside a folder no two files import each other."""
    wrong = [one for one in IMPORTS if one.module
             and one.origin.partition("/")[0] != one.module.partition("/")[0]
             and place(one.module) >= place(one.origin)]
    assert not wrong
    below: Dict[str, Set[str]] = {}
    for one in IMPORTS:
        if one.module and not one.inside:
            below.setdefault(one.origin, set()).add(one.module)
    for origin in below:
        reached, fringe = set(), set(below[origin])
        while fringe:
            reached |= fringe
            fringe = set().union(*(below.get(one, set()) for one in fringe)) - reached
        assert origin not in reached


def test_kinds_do_not_import_kinds() -> None:
    """A kind imports no other kind."""
    wrong = [one for one in IMPORTS if one.origin.startswith("summary/_") and one.module
             and "__init__" not in one.origin and one.module.startswith("summary")]
    assert not wrong


def test_the_two_groups_are_separate() -> None:
    """Whatever makes bytes knows no file and no clock; whatever writes them knows no message; the
    readers of files know nothing of the log that writes them."""
    for one in IMPORTS:
        origin, module = one.origin.partition("/")[0], one.module.partition("/")[0]
        assert (origin, module) not in STRANGERS, one
        if origin in LEFT:
            assert module not in RIGHT, one
            assert one.foreign not in {"time", "datetime", "pathlib", "shutil", "tempfile"}, one
        if origin in RIGHT and module:
            assert module in RIGHT | SHARED, one


def test_foreign_packages() -> None:
    """A file imports the packages that are listed for it, each of them, and no others."""
    found: Dict[str, Set[str]] = {}
    for one in IMPORTS:
        if one.foreign and not one.inside and one.foreign not in _STANDARD:
            found.setdefault(one.origin, set()).add(one.foreign)
    assert found == FOREIGN


def test_imports_inside_functions() -> None:
    """Nothing is imported in a function but optional packages, in the file that owns them, what
    programs that log only scalars should not wait for, and the command line."""
    found: Dict[str, Set[str]] = {}
    for one in IMPORTS:
        if one.inside:
            found.setdefault(one.origin, set()).add(one.foreign or one.module)
    allowed = {origin: OPTIONAL.get(origin, set()) | LAZY.get(origin, set()) for origin in
               {*OPTIONAL, *LAZY}}
    assert found == allowed


# sys.stdlib_module_names is of Python 3.10.
_STANDARD = set(getattr(sys, "stdlib_module_names", ())) or {
    one.foreign for one in IMPORTS} - {"numpy", "PIL", "fsspec", "mxnet", "torch", "isal", "tqdm",
                                       "pandas", "pyarrow", "matplotlib", "crcmod",
                                       "crc32c", "google_crc32c"}

HEAVY = ("mxnet", "PIL", "fsspec", "google.protobuf", "tensorboard", "tensorflow", "torch", "numpy",
         "matplotlib", "ssl", "asyncio",
         "tbwriter._log.contract")  # only for type checkers


@pytest.mark.parametrize("program", [
    "import tbwriter",
    "import tbwriter; tbwriter.SummaryWriter; tbwriter.summary.scalar",
    "import tbwriter\nw = tbwriter.SummaryWriter('logs')\n"
    "for i in range(9): w.add_scalar('a', i, i)\nw.close()",
])
def test_what_a_fresh_process_loads(tmp_path: Path, program: str) -> None:
    """Neither the import nor logging scalars loads what takes long, or serves type checkers."""
    program += f"\nimport sys\nprint([name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], cwd=str(tmp_path), text=True,
                          capture_output=True, env=dict(os.environ, PYTHONPATH=str(PACKAGE.parent)))
    assert done.stdout.strip() == "[]", done.stdout + done.stderr


KINDS = sorted(origin for origin, _ in modules() if re.match("summary/_[a-z]", origin))


@pytest.mark.parametrize("origin", KINDS)
def test_what_belongs_to_a_kind(origin: str) -> None:
    """A kind has its file of tests, with both loaders as judges, a method of SummaryWriter, and for
    each of its functions a line in the guide and in the imports for type checkers."""
    name = origin.rpartition("_")[2] if origin.count("_") == 1 else origin[len("summary/_"):]
    tests = {path.name for path in (ROOT / "tests" / "summary").glob("test_*.py")}
    assert {f"test_{name}.py", f"test_{name}_kind.py"} & tests
    for test in {f"test_{name}.py", f"test_{name}_kind.py"} & tests:
        assert "both_loaders" in (ROOT / "tests" / "summary" / test).read_text(encoding="utf-8")
    functions = [function for function, file in summary._KINDS.items() if file == f"_{name}"]
    assert any(hasattr(SummaryWriter, f"add_{function}") for function in functions)
    guide = (ROOT / "docs" / "kinds.md").read_text(encoding="utf-8")
    checked = (PACKAGE / "summary" / "__init__.py").read_text(encoding="utf-8")
    for function in functions:
        assert re.search(rf"\bsummary\.{function}\b|`{function}`", guide), function
        assert f"    from ._{name} import {function} as {function}\n" in checked


def test_syntax_of_the_oldest_python() -> None:
    """Every file is Python 3.8."""
    for folder in ("src", "tests", "benchmarks", "examples", "docs"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            ast.parse(path.read_text(encoding="utf-8"), str(path), feature_version=(3, 8))


def test_every_test_says_what_it_expects() -> None:
    """Each test function has a docstring."""
    silent = []
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_") \
                    and not ast.get_docstring(node):
                silent.append(f"{path.relative_to(ROOT)}::{node.name}")
    assert not silent
