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
_JUDGED = re.compile(r"^\s*(from|import) (judges|tensorboard|google\.protobuf)\b", re.MULTILINE)


def _without_judges() -> List[str]:
    """The test files that import TensorBoard, in whole or through the judges."""
    if importlib.util.find_spec("tensorboard"):
        return []
    return [str(path.relative_to(TESTS)) for path in TESTS.rglob("test_*.py")
            if _JUDGED.search(path.read_text(encoding="utf-8"))]


collect_ignore = _without_judges()


def pytest_report_header(config: pytest.Config) -> str:
    """What is left out, and why."""
    if collect_ignore:
        return f"without TensorBoard: {len(collect_ignore)} test files that need it are left out"
    return "judged by an installed TensorBoard"
