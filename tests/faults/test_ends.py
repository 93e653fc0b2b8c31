"""All ways in which a program ends: the values that were logged before, and during it, arrive."""
from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import List

import pytest
from tests.faults.test_many_writers import steps

ROOT = Path(__file__).parents[2]

# Each logs 100 values, from a function that the end of the program calls.
LATE = {
    "a writer made in an exit function": """
import atexit, tbwriter
tbwriter.SummaryWriter
def log():
    writer = tbwriter.SummaryWriter(logdir)
    for step in range(100):
        writer.add_scalar("x", step, step)
atexit.register(log)
""",
    "the package imported in an exit function": """
import atexit
def log():
    from tbwriter import SummaryWriter
    writer = SummaryWriter(logdir)
    for step in range(100):
        writer.add_scalar("x", step, step)
atexit.register(log)
""",
    "an exit function older than the package": """
import atexit
def log():
    for step in range(1, 100):
        writer.add_scalar("x", step, step)
atexit.register(log)
from tbwriter import SummaryWriter
writer = SummaryWriter(logdir)
writer.add_scalar("x", 0, 0)
""",
    "texts": """
import atexit
def log():
    for step in range(100):
        writer.add_text("x", str(step), step)
atexit.register(log)
from tbwriter import SummaryWriter
writer = SummaryWriter(logdir)
""",
    "sub-runs": """
import atexit
def log():
    for step in range(100):
        writer.add_scalars("x", {"a": step}, step)
atexit.register(log)
from tbwriter import SummaryWriter
writer = SummaryWriter(logdir)
""",
    "a synchronous writer": """
import atexit
def log():
    for step in range(100):
        writer.add_scalar("x", step, step)
atexit.register(log)
from tbwriter import SummaryWriter
writer = SummaryWriter(logdir, asynchronous=False)
""",
    "a thread that goes on": """
import threading, time
def log():
    while threading.main_thread().is_alive():
        time.sleep(0.01)
    from tbwriter import SummaryWriter
    writer = SummaryWriter(logdir)
    for step in range(100):
        writer.add_scalar("x", step, step)
threading.Thread(target=log).start()
""",
    "a finalizer while modules are torn down": """
from tbwriter import SummaryWriter
writer = SummaryWriter(logdir)
class Late:
    def __del__(self):
        for step in range(100):
            writer.add_scalar("x", step, step)
late = Late()
late.itself = late
""",
    "a writer made while modules are torn down": """
import tbwriter
SummaryWriter = tbwriter.SummaryWriter
class Late:
    def __del__(self):
        writer = SummaryWriter(logdir)
        for step in range(100):
            writer.add_scalar("x", step, step)
late = Late()
late.itself = late
""",
    "a writer that lives longer than the package's modules": """
import threading
from tbwriter import SummaryWriter
threading.kept = SummaryWriter(logdir)
for step in range(100):
    threading.kept.add_scalar("x", step, step)
""",
}
# Other interpreters than this one, where they are installed.
PYTHONS: List[str] = sorted({sys.executable, *filter(None, (
    shutil.which(f"python3.{minor}") for minor in range(8, 14)))})


def run_program(python: str, program: str, *arguments: str, timeout: float = 60
                ) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [python, "-c", program, *arguments], timeout=timeout, text=True, capture_output=True,
        env={**os.environ, "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}"})


@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("name", LATE)
def test_values_logged_while_the_program_ends(tmp_path: Path, name: str, python: str) -> None:
    """Values logged after the main thread has returned are in the file, on every interpreter."""
    if subprocess.run([python, "-c", ""], capture_output=True).returncode:
        pytest.skip(f"{python} does not start")
    done = run_program(python, "import sys\nlogdir = sys.argv[1]\n" + LATE[name], str(tmp_path))
    assert done.returncode == 0 and done.stderr == "", done.stderr
    assert steps(tmp_path) == list(range(100))


def test_a_daemon_thread_on_a_slow_disk(tmp_path: Path) -> None:
    """What a daemon thread adds while the end of the program waits for the disk is written."""
    done = run_program(sys.executable, """
import sys, threading, time
from tbwriter import SummaryWriter
from tbwriter._log import event_file
real = event_file._write

def slow(fd, pieces):
    time.sleep(0.3)
    return real(fd, pieces)

def log():
    for step in range(100_000):
        writer.add_scalar("x", step, step)
        added.seek(0)
        added.write(str(step).encode())
        time.sleep(0.002)

event_file._write = slow
writer = SummaryWriter(sys.argv[1])
added = open(sys.argv[2], "wb", buffering=0)
threading.Thread(target=log, daemon=True).start()
time.sleep(0.7)
""", str(tmp_path / "logs"), str(tmp_path / "added"))
    assert done.returncode == 0 and done.stderr == "", done.stderr
    added = int((tmp_path / "added").read_text())
    assert added > 100 and len(steps(tmp_path / "logs")) > added


POOL = """
import multiprocessing, sys
from tbwriter import SummaryWriter, summary
logdir, method, name = sys.argv[1:]
writer = None

def start():
    global writer
    writer = writer or SummaryWriter(logdir)

def dropped(step):
    SummaryWriter(f"{logdir}/{step}").add_scalar("x", step, step)

def kept(step):
    start()
    writer.add_scalar("x", step, step)

def sub_run(step):
    SummaryWriter(logdir).add_scalars("x", {str(step): step}, step)

def text(step):
    start()
    writer.add_text("x", str(step), step)

if __name__ == "__main__":
    jobs = {"dropped": dropped, "kept": kept, "sub_run": sub_run, "text": text}
    begin = {"kept": start}.get(name)
    with multiprocessing.get_context(method).Pool(3, begin) as pool:
        pool.map(jobs[name], range(20))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs a fork")
@pytest.mark.parametrize("method", ["fork", "spawn"])
@pytest.mark.parametrize("name", ["dropped", "kept", "sub_run", "text"])
def test_jobs_of_a_pool(tmp_path: Path, name: str, method: str) -> None:
    """A pool ends its workers by SIGTERM once the last job has returned: the values of finished
    jobs are in the files."""
    program = tmp_path / "program.py"
    program.write_text(POOL)
    done = subprocess.run(
        [sys.executable, str(program), str(tmp_path / "logs"), method, name], timeout=60, text=True,
        capture_output=True, env={**os.environ, "PYTHONPATH": str(ROOT / "src")})
    assert done.returncode == 0, done.stderr
    assert steps(tmp_path / "logs") == list(range(20))


def test_a_pool_on_a_disk_that_hangs(tmp_path: Path) -> None:
    """A job waits a second for such a disk, once, and then no more."""
    done = run_program(sys.executable, """
import multiprocessing, sys, time
from tbwriter import SummaryWriter
from tbwriter._log import event_file

def job(_):
    event_file._write = lambda fd, pieces: time.sleep(3600)
    writer = SummaryWriter(sys.argv[1])
    start = time.monotonic()
    for step in range(50):
        writer.add_scalar("x", step, step)
    keep.append(writer)
    return time.monotonic() - start

keep = []
with multiprocessing.get_context("fork").Pool(1) as pool:
    print(max(pool.map(job, [0])))
""", str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < 5  # a second for each of the calls would be 50


GREEN = {"gevent": "from gevent import monkey; monkey.patch_all()",
         "eventlet": "import eventlet; eventlet.monkey_patch()"}


@pytest.mark.parametrize("early", [True, False], ids=["patched first", "imported first"])
@pytest.mark.parametrize("package", GREEN)
def test_green_threads(tmp_path: Path, package: str, early: bool) -> None:
    """A program that is patched for green threads and ends without close() loses nothing."""
    pytest.importorskip(package, reason=f"{package} is not installed")
    lines = [GREEN[package], "from tbwriter import SummaryWriter; SummaryWriter"]
    done = run_program(sys.executable, "\n".join(lines if early else lines[::-1]) + """
import sys
writer = SummaryWriter(sys.argv[1])
for step in range(3000):
    writer.add_scalar("x", step, step)
""", str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert steps(tmp_path) == list(range(3000))


def test_native_threads_beside_green_ones(tmp_path: Path) -> None:
    """The values of gevent's native threads, which start no green thread that ever runs, are
    written by a flush of the main thread."""
    pytest.importorskip("gevent", reason="gevent is not installed")
    done = run_program(sys.executable, GREEN["gevent"] + """
import gevent, sys
from tbwriter import SummaryWriter
writer = SummaryWriter(sys.argv[1])
gevent.wait([gevent.get_hub().threadpool.spawn(writer.add_scalar, "x", step, step)
             for step in range(100)])
writer.flush(timeout=10)
""", str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert steps(tmp_path) == list(range(100))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_fork_while_the_thread_imports(tmp_path: Path) -> None:
    """A child can import the modules that the writer's thread imports at the moment of the fork:
    here numpy, for a writer that continues in a directory with files."""
    done = subprocess.run([sys.executable, "-c", """
import os, signal, sys, threading, time
from _thread import get_ident
from tbwriter import SummaryWriter

importing, main = threading.Event(), get_ident()

class Slow:
    def find_spec(self, name, path=None, target=None):
        if name == "numpy" and get_ident() != main:
            importing.set()
            time.sleep(0.5)

with SummaryWriter(sys.argv[1]) as writer:
    writer.add_scalar("loss", 1.0, 0)
assert "numpy" not in sys.modules
sys.meta_path.insert(0, Slow())
writer = SummaryWriter(sys.argv[1])
writer.add_scalar("loss", 1.0, 1)
assert importing.wait(30)
child = os.fork()
if child == 0:
    signal.alarm(20)
    import numpy
    os._exit(0)
print(os.waitpid(child, 0)[1])
""", str(tmp_path / "logs")], timeout=100, text=True, capture_output=True, env=dict(
        os.environ, PYTHONPATH=str(Path(__file__).parents[2] / "src")))
    assert done.stdout == "0\n", done.stderr


@pytest.mark.parametrize("last", ["", "writer.close(timeout=10)"])
@pytest.mark.parametrize("python", PYTHONS)
def test_subinterpreters(tmp_path: Path, python: str, last: str) -> None:
    """A writer in an interpreter that ends before the process loses nothing, and aborts nothing:
    Python does not allow a thread that outlives its interpreter."""
    done = run_program(python, f"""
import sys
if sys.version_info < (3, 11):
    sys.exit(9)
try:
    import _interpreters as interpreters
except ImportError:
    import _xxsubinterpreters as interpreters
one = interpreters.create()
interpreters.run_string(one, '''
import sys
sys.path.insert(0, {str(ROOT / "src")!r})
from tbwriter import SummaryWriter
writer = SummaryWriter({str(tmp_path)!r})
for step in range(100):
    writer.add_scalar("x", step, step)
{last}
''')
interpreters.destroy(one)
""")
    if done.returncode in (9, 127):
        pytest.skip(f"{python} does not start, or has no interpreters that may be tested")
    assert done.returncode == 0, done.stderr
    assert steps(tmp_path) == list(range(100))
