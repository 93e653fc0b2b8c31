"""A forked child that logs its parent's tags is warned once how TensorBoard shows them."""
from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.judges import board

SOURCE = Path(__file__).parents[2] / "src"

HEAD = """
import os, sys, numpy, multiprocessing
from tbwriter import SummaryWriter
writer = SummaryWriter(sys.argv[1])
def child(log):
    process = multiprocessing.get_context("fork").Process(target=log)
    process.start()
    process.join()
    assert process.exitcode == 0
"""

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")


def run(tmp_path: Path, program: str) -> str:
    """The text that a program writes to stderr."""
    done = subprocess.run([sys.executable, "-W", "always", "-c", HEAD + program, str(tmp_path)],
                          text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120,
                          env=dict(os.environ, PYTHONPATH=str(SOURCE)))
    assert done.returncode == 0, done.stderr
    return done.stderr


LOGS = {
    "scalars": "writer.add_scalar('loss', 1.0, step)",
    "without steps": "writer.add_scalar('loss', 1.0)",
    "histograms": "writer.add_histogram('loss', numpy.arange(9.0), step)",
    "many": "writer.add_values({'loss': 1.0, 'speed': 2.0}, step)",
    "series": "writer.add_scalar_series('loss', [1.0, 2.0], [2 * step, 2 * step + 1])",
}


@pytest.mark.parametrize("kind", LOGS)
def test_a_child_is_warned_once(tmp_path: Path, kind: str) -> None:
    """One warning for each such process, whatever it logs and however often; it names the tag and
    what to do. Both processes' values are in files."""
    told = run(tmp_path, f"""
def log():
    for step in range(5):
        {LOGS[kind]}
log()
child(log)
child(log)
writer.close()
""")
    assert told.count("LogWarning: this process was forked, and logs 'loss'") == 2
    assert "sub_run('worker 1')" in told and "GlobalSummaryWriter" in told
    assert len(list(tmp_path.glob("*tfevents*"))) == 3


@pytest.mark.parametrize("program", [
    # Other tags, another run, a parent that logged nothing, a writer of the child.
    "writer.add_scalar('a', 1, 1)\nchild(lambda: writer.add_scalar('b', 1, 1))",
    "writer.add_scalar('a', 1, 1)\nchild(lambda: writer.sub_run('w').add_scalar('a', 1, 1))",
    "child(lambda: writer.add_scalar('a', 1, 1))",
    "writer.add_scalar('a', 1, 1)\n"
    "child(lambda: SummaryWriter(sys.argv[1] + '/x').add_scalar('a', 1, 1))",
    "from tbwriter.compat.tensorboardX import GlobalSummaryWriter as G\n"
    "writer = G(sys.argv[1])\nwriter.add_scalar('a', 1)\nchild(lambda: writer.add_scalar('a', 1))",
])
def test_others_are_not(tmp_path: Path, program: str) -> None:
    """There is no warning where TensorBoard shows everything."""
    assert "forked" not in run(tmp_path, program + "\nwriter.close()")


def test_the_cure(tmp_path: Path) -> None:
    """The warning is true: the default loader loses values of the first file, and shows all with
    sub_run."""
    program = """
def log(writer, steps):
    for step in steps:
        writer.add_scalar('loss', 1.0, step)
log(writer, range(10))
writer.flush()
child(lambda: log({}, range(5, 15)))
writer.close()
"""
    run(tmp_path / "two", program.format("writer"))
    run(tmp_path / "cured", program.format("writer.sub_run('worker 1')"))
    with board(tmp_path / "two", "fast") as seen:
        assert len(seen.scalars(".", "loss")) == 15
    with board(tmp_path / "cured", "fast") as seen:
        assert len(seen.scalars(".", "loss")) == len(seen.scalars("worker 1", "loss")) == 10


def test_steps_continue_in_the_child(tmp_path: Path) -> None:
    """Automatic steps continue from the parent's, and those that were given stay given."""
    told = run(tmp_path, """
from tbwriter import reader
writer.add_scalar('numbered', 1.0)
writer.add_scalar('given', 1.0, 7)
writer.flush()
def log():
    writer.add_scalar('numbered', 2.0)
    writer.add_hparams({'a': 1}, {'given': 3.0})
    writer.flush()
child(log)
run = reader.read(sys.argv[1])['.']
assert run.scalars('numbered').steps.tolist() == [0, 1]
assert run.scalars('given').steps.tolist() == [7]
writer.close()
""")
    assert told.count("forked") == 1
