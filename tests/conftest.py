"""Where TensorBoard is missing, the tests that need it as a judge are left out and reported.

So the core can be tested on every Python and numpy, also those that TensorBoard does not run on.
"""
from __future__ import annotations

import importlib.util
import os
import re
from pathlib import Path
from typing import List

import pytest
from hypothesis import settings

TESTS = Path(__file__).parent
# For the programs that tests start: the package, and the modules of the tests.
os.environ["PYTHONPATH"] = os.pathsep.join([str(TESTS.parent / "src"), str(TESTS.parent),
                                            os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)


# A limit in milliseconds says more about the machine than about the code.
settings.register_profile("tbwriter", deadline=None)
settings.load_profile("tbwriter")


def _without_judges() -> List[str]:
    """The test files that import TensorBoard, themselves or through another file of the tests."""
    if importlib.util.find_spec("tensorboard"):
        return []
    texts = {path: path.read_text(encoding="utf-8") for path in TESTS.rglob("*.py")}
    judged = {"tensorboard", "google.protobuf"}
    while True:
        imports = re.compile("|".join(map(_import_of, sorted(judged))), re.MULTILINE)
        found = {path for path, text in texts.items() if imports.search(text)}
        modules = {".".join(path.relative_to(TESTS.parent).with_suffix("").parts) for path in found}
        if judged >= modules:
            return sorted(str(path.relative_to(TESTS)) for path in found)
        judged |= modules


def _import_of(module: str) -> str:
    package, _, name = module.rpartition(".")
    return (rf"^\s*(?:from|import) {re.escape(module)}\b"
            rf"|^\s*from {re.escape(package)} import .*\b{name}\b")


collect_ignore = _without_judges()


def pytest_report_header(config: pytest.Config) -> str:
    """The modules that are left out, and the reason."""
    if collect_ignore:
        return f"without TensorBoard: {len(collect_ignore)} test files that need it are left out"
    return "judged by an installed TensorBoard"
