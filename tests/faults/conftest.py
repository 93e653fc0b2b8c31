"""A compiled shim for what a disk may do, and which writers the promises are measured for."""
from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.faults.peers import writers


@pytest.fixture(scope="session")
def shim(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The library that is put between a writer and the disk."""
    if sys.platform != "linux" or shutil.which("gcc") is None:
        pytest.skip("needs Linux and gcc, for a library that plays a broken disk")
    library = tmp_path_factory.mktemp("shim") / "shim.so"
    subprocess.run(["gcc", "-shared", "-fPIC", "-O1", "-w", "-o", str(library),
                    str(Path(__file__).with_name("shim.c")), "-ldl"], check=True)
    return str(library)


def pytest_generate_tests(metafunc: Any) -> None:
    """Each promise is tested for this package, and measured for its peers."""
    if "writer" in metafunc.fixturenames:
        metafunc.parametrize("writer", writers())
