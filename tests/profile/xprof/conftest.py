"""XProf needs an environment of its own: elsewhere these tests are skipped, with this reason."""
from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from typing import Any, List

import pytest

HERE = Path(__file__).parent
RECORDED = HERE.parent.parent / "data" / "profile"


def made() -> List[Path]:
    """Folders that `make` has written: one of this run, or those that are recorded."""
    given = os.environ.get("TBWRITER_PROFILES", "")
    return [Path(folder) for folder in given.split(os.pathsep)] if given \
        else sorted(RECORDED.iterdir())


def pytest_collection_modifyitems(items: Any) -> None:
    """Skip tests without an XProf to judge them."""
    missing = importlib.util.find_spec("xprof") is None
    for item in items:
        if missing and Path(str(item.fspath)).parent == HERE:
            item.add_marker(pytest.mark.skip(reason="needs xprof"))
