"""Runs below that are made before a fork, and pickled writers: they begin as others do."""
from __future__ import annotations

import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import List

import pytest
from tests.support.judges import board, both_loaders, events

from tbwriter import SummaryWriter

SOURCE = Path(__file__).parents[1] / "src"

# The parent's thread is slow, as on a busy machine or a network file system.
HEAD = """
import os, sys, time
from tbwriter import SummaryWriter
from tbwriter._log import local
parent = os.getpid()
def slowly(real):
    def call(*args):
        if os.getpid() == parent:
            time.sleep(delay)
        return real(*args)
    return call
delay = 0.0
local.LocalLog.write = slowly(local.LocalLog.write)
local.LocalLog.earlier = slowly(local.LocalLog.earlier)

def child(work):
    pid = os.fork()
    if not pid:
        try:
            work()
        except BaseException:
            sys.excepthook(*sys.exc_info())
            os._exit(1)
        os._exit(0)
    return lambda: os.waitpid(pid, 0)[1] and sys.exit("the child failed")

"""

with_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
ways = pytest.mark.parametrize("asynchronous", [True, False])


def run(logdir: Path, program: str) -> str:
    done = subprocess.run([sys.executable, "-c", HEAD + program, str(logdir)], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120,
                          env=dict(os.environ, PYTHONPATH=str(SOURCE)))
    assert done.returncode == 0, done.stderr
    return done.stdout


def steps(directory: Path) -> List[List[int]]:
    """The steps of each file that has values."""
    found = [[event.step for event in events(path) if event.summary.value]
             for path in sorted(directory.glob("*tfevents*"))]
    return [one for one in found if one]


@with_fork
@ways
@both_loaders
@pytest.mark.parametrize("name", ["w1", None])
def test_a_purge_comes_before_the_values_of_a_child(tmp_path, loader, asynchronous, name):
    """A run that was purged before the fork is purged once, also where a child logs to it at
    once and the parent never does."""
    run(tmp_path, f"""
def of(writer):
    return writer.sub_run({name!r}) if {name!r} else writer
with SummaryWriter(sys.argv[1]) as writer:
    for step in range(10):
        of(writer).add_scalar("x", 1.0, step)
delay = 0.2
writer = SummaryWriter(sys.argv[1], purge_step=6, asynchronous={asynchronous})
run = of(writer)
def log():
    for step in range(6, 12):
        run.add_scalar("x", 2.0, step)
    run.flush()
wait = child(log)
writer.close()
wait()
""")
    with board(tmp_path, loader) as b:
        assert b.scalars(name or ".", "x") == \
            [(step, 1.0) for step in range(6)] + [(step, 2.0) for step in range(6, 12)]


@with_fork
@ways
@pytest.mark.parametrize("patience", [5.0, 0.0])
def test_a_child_resumes(tmp_path, asynchronous, patience):
    """Steps continue in a child that logs at once, also where the fork has not waited for the
    parent's thread: then the child reads the files itself."""
    run(tmp_path, f"""
with SummaryWriter(sys.argv[1]) as writer:
    for step in range(10):
        writer.sub_run("w1").add_scalar("x", 1.0)
        writer.sub_run("w2").add_scalar("x", 1.0)
from tbwriter._log.worker import worker
worker._fork_secs = {patience}
delay = 0.3
writer = SummaryWriter(sys.argv[1], resume=True, asynchronous={asynchronous})
waits = []
for run in [writer.sub_run("w1"), writer.sub_run("w2")]:
    def log():
        for _ in range(3):
            run.add_scalar("x", 2.0)
        run.flush()
    waits.append(child(log))
for wait in waits:
    wait()
writer.close()
""")
    for name in ("w1", "w2"):
        assert steps(tmp_path / name) == [list(range(10)), [10, 11, 12]]


@with_fork
def test_a_fork_beside_a_storage_that_hangs(tmp_path):
    """It waits once, for at most five seconds; a child that does not log ends at once."""
    spent = run(tmp_path, """
delay = 30
writer = SummaryWriter(sys.argv[1], purge_step=1)
writer.sub_run("w1")
for _ in range(3):
    start = time.monotonic()
    child(lambda: None)()
    print(time.monotonic() - start)
sys.stdout.flush()
os._exit(0)
""")
    first, second, third = map(float, spent.split())
    assert first < 7 and second < 1 and third < 1


@with_fork
def test_a_silent_child_makes_no_file(tmp_path):
    """Nor does a fork make the parent's run: its directory is made with its first value."""
    run(tmp_path, """
writer = SummaryWriter(sys.argv[1], resume=True)
run = writer.sub_run("w1")
child(lambda: None)()
child(lambda: writer.close())()
writer.close()
""")
    assert not list(tmp_path.rglob("*tfevents*")) and not (tmp_path / "w1").exists()


@pytest.mark.parametrize("below", [False, True])
def test_a_pickled_writer_resumes(tmp_path, below):
    """Where it is loaded its steps continue after those of the files, as do those of the runs
    below; it does not purge again."""
    def of(writer):
        return writer.sub_run("run") if below else writer
    with SummaryWriter(tmp_path) as writer:
        for _ in range(10):
            of(writer).add_scalar("x", 1.0)
    with SummaryWriter(tmp_path, resume=True, purge_step=8) as writer:
        of(writer).add_scalar("x", 1.0)
        writer.flush()
        for way in (lambda: of(pickle.loads(pickle.dumps(writer))),
                    lambda: pickle.loads(pickle.dumps(of(writer)))):
            with way() as other:
                other.add_scalar("x", 2.0)
    assert steps(tmp_path / "run" if below else tmp_path) == [list(range(10)), [10], [11], [12]]
    assert sum(bool(event.session_log.status)
               for event in events(tmp_path / "run" if below else tmp_path)) == 2
