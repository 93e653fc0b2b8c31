"""A fork waits for imports on threads."""
from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import os, sys, threading, time
from tbwriter._loading import loading

def load():
    with loading:
        begun.set()
        import slow

begun = threading.Event()
thread = threading.Thread(target=load)
thread.start()
begun.wait()
time.sleep(0.05)
pid = os.fork()
if not pid:
    import slow
    with loading:  # is free here, too
        os._exit(0)
_, status = os.waitpid(pid, 0)
thread.join()
start = time.monotonic()
with loading, loading:
    pass
assert time.monotonic() - start < 1
sys.exit(status)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="Windows has no fork")
def test_a_fork_waits_for_an_import(tmp_path: Path) -> None:
    """A child that is forked while a thread imports a module imports it, too, and ends; both
    processes can enter `loading` again."""
    (tmp_path / "slow.py").write_text("import time\ntime.sleep(0.5)\n")
    source = Path(__file__).parents[1] / "src"
    subprocess.run([sys.executable, "-c", PROGRAM], check=True, timeout=60,
                   env=dict(os.environ, PYTHONPATH=os.pathsep.join([str(source), str(tmp_path)])))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="Windows has no fork")
def test_a_fork_does_not_wait_for_ever(tmp_path: Path) -> None:
    """A thread that never leaves `loading` delays a fork by a few seconds."""
    (tmp_path / "slow.py").write_text("import time\ntime.sleep(1000)\n")
    program = PROGRAM.replace("    import slow\n    with", "    with").replace(
        "thread.join()", "os._exit(status)").replace("target=load", "target=load, daemon=True")
    source = Path(__file__).parents[1] / "src"
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60,
                   env=dict(os.environ, PYTHONPATH=os.pathsep.join([str(source), str(tmp_path)])))
