"""A fork waits for imports on threads."""
from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from tbwriter import _loading

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


def test_a_block_that_is_never_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thread that was interrupted at the beginning of a block, and never leaves it, delays others
    once, not at each import; its late exit does no harm."""
    monkeypatch.setattr(_loading, "_PATIENCE", 0.2)
    loading = _loading._Loading()
    loading.__enter__()
    taken = []

    def load() -> None:
        for _ in range(20):
            start = time.monotonic()
            with loading:
                taken.append(time.monotonic() - start)

    threads = [threading.Thread(target=load) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(taken) == 60 and sum(taken) < 3
    loading.__exit__()
    with loading:
        pass
    assert loading._lock.acquire(blocking=False)
