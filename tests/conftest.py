"""Where TensorBoard is missing, the tests that need it as a judge are left out, and pytest says so.

So the core can be tested on every Python and numpy, also those that TensorBoard does not run on.
"""
from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from typing import List

import pytest

TESTS = Path(__file__).parent


def _without_judges() -> List[str]:
    """The test files that import TensorBoard, themselves or through another file of the tests."""
    if importlib.util.find_spec("tensorboard"):
        return []
    texts = {path: path.read_text(encoding="utf-8") for path in TESTS.rglob("*.py")}
    judged = {"tensorboard", "google.protobuf"}
    while True:
        imports = re.compile(rf"^\s*(from|import) ({'|'.join(sorted(judged))})\b", re.MULTILINE)
        found = {path for path, text in texts.items() if imports.search(text)}
        if judged >= {path.stem for path in found}:
            return sorted(str(path.relative_to(TESTS)) for path in found)
        judged |= {path.stem for path in found}


collect_ignore = _without_judges()


def pytest_report_header(config: pytest.Config) -> str:
    """What is left out, and why."""
    if collect_ignore:
        return f"without TensorBoard: {len(collect_ignore)} test files that need it are left out"
    return "judged by an installed TensorBoard"
