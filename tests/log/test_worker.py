"""The one background thread of a process."""
from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_thread_loads_nothing(tmp_path: Path) -> None:
    """Whatever is logged, also where the directory has files of earlier writers, the thread imports
    modules only where a fork waits for it: otherwise a process that is forked meanwhile, such as a
    worker of a data loader, would wait for ever for the lock of a module."""
    program = str(Path(__file__).with_name("loaded_on_thread.py"))
    for how in ("new", "again", "resume"):
        done = subprocess.run(
            [sys.executable, program, str(tmp_path), how], text=True, timeout=300, check=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env=dict(os.environ, PYTHONPATH=os.pathsep.join([str(ROOT / "src"), str(ROOT)])))
        assert done.stdout == "", how
