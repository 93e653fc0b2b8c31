"""GlobalSummaryWriter: one file and one count of steps for all processes of a program."""
from __future__ import annotations

import json
import multiprocessing
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, List

import pytest

from tbwriter.compat import _processes
from tbwriter.compat.tensorboardX import GlobalSummaryWriter, global_writer
from tests.support.judges import board, both_loaders, events

ROOT = Path(__file__).parents[2]
PROGRAM = Path(__file__).with_name("global_program.py")
METHODS = ["fork", "spawn"]
if sys.platform != "win32":
    METHODS.append("forkserver")


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """No writer of another test is found."""
    monkeypatch.setattr(global_writer, "_writer", None)
    monkeypatch.delenv("TBWRITER_GLOBAL_WRITERS", raising=False)


def run(logdir: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, str(PROGRAM), str(logdir), *arguments], text=True, timeout=300,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env=dict(os.environ, PYTHONPATH=os.pathsep.join([str(ROOT / "src"), str(ROOT)])))


def values_of(logdir: Path) -> List[float]:
    """Of the tag "loss", in all files below a directory."""
    return [value.simple_value for event in events(logdir) for value in event.summary.value
            if value.tag == "loss"]


@pytest.mark.parametrize("method", METHODS)
def test_processes_share_a_file(tmp_path: Path, method: str) -> None:
    """100 of 100 values in both loaders, numbered in the order in which they arrived, in one file;
    so with a writer that is passed as an argument, and with texts and pictures."""
    done = run(tmp_path, method)
    assert done.returncode == 0, done.stderr
    assert len(list(tmp_path.rglob("*tfevents*"))) == 1
    for loader in ("fast", "python"):
        with board(tmp_path, loader) as seen:
            points = seen.scalars(".", "loss")
            assert [step for step, _ in points] == list(range(100))
            assert sorted(value for _, value in points) == sorted(
                100.0 * n + i for n in range(4) for i in range(25))
            assert [step for step, _ in seen.scalars(".", "passed")] == list(range(50))
            assert [step for step, _ in seen.tensors("text", ".", "notes/text_summary")] == \
                [0, 1, 2]
            assert [step for step, _ in seen.blobs("images", ".", "picture")] == [0, 1, 2]


@pytest.mark.parametrize("method", METHODS[:2])
def test_a_child_dies(tmp_path: Path, method: str) -> None:
    """Values that a child logged before it was killed are in the file, and the others do not
    wait."""
    done = run(tmp_path, method, "die")
    assert done.returncode == 0, done.stderr
    with board(tmp_path, "fast") as seen:
        points = seen.scalars(".", "loss")
        assert [step for step, _ in points] == list(range(110))
        assert {900.0 + i for i in range(10)} <= {value for _, value in points}


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no fork")
def test_threads_load_nothing(tmp_path: Path) -> None:
    """The threads that answer other processes import no module: a process that is forked meanwhile
    would wait for ever for the lock of that module."""
    program = PROGRAM.with_name("loaded_on_threads.py")
    done = subprocess.run(
        [sys.executable, str(program), str(tmp_path)], text=True, timeout=300, check=True,
        stdout=subprocess.PIPE,
        env=dict(os.environ, PYTHONPATH=os.pathsep.join([str(ROOT / "src"), str(ROOT)])))
    assert done.stdout.split() == ["0"]


@pytest.mark.parametrize("method", METHODS)
def test_the_parent_does_not_wait(tmp_path: Path, method: str) -> None:
    """A program that ends without join() or close() takes the values of its children until they
    have ended, also of those that have only just been started."""
    done = run(tmp_path, method, "ends")
    assert done.returncode == 0 and done.stderr == ""
    assert len(list(tmp_path.rglob("*tfevents*"))) == 1
    with board(tmp_path, "fast") as seen:
        assert [step for step, _ in seen.scalars(".", "loss")] == list(range(100))


@pytest.mark.parametrize("method", METHODS[:2])
def test_the_parent_dies(tmp_path: Path, method: str) -> None:
    """Killed, it leaves all that it got in the file. Each child warns once, and continues in a run
    of its own with the steps that follow; nothing is lost, and both loaders show all."""
    errors = tmp_path.with_suffix(".err")
    with open(errors, "w") as stderr:
        process = subprocess.Popen(
            [sys.executable, str(PROGRAM), str(tmp_path), method, "orphan"], text=True,
            stdout=subprocess.PIPE, stderr=stderr,
            env=dict(os.environ, PYTHONPATH=os.pathsep.join([str(ROOT / "src"), str(ROOT)])))
        assert process.stdout
        pids = [int(pid) for pid in process.stdout.readline().split()]
        assert process.wait(60) == -signal.SIGKILL
        process.stdout.read()  # until the last child has ended
        process.stdout.close()
    wanted = sorted([*range(20), *range(100, 120), *range(1000, 1005)])
    assert sorted(values_of(tmp_path)) == wanted
    assert errors.read_text().count("continues in the run") == 2
    for loader in ("fast", "python"):
        with board(tmp_path, loader) as seen:
            assert seen.runs() == sorted([".", *(f"process_{pid}" for pid in pids)])
            assert [step for step, _ in seen.scalars(".", "loss")] == list(range(25))
            for pid in pids:
                steps = [step for step, _ in seen.scalars(f"process_{pid}", "loss")]
                assert len(steps) == 10 and steps == list(range(steps[0], steps[0] + 10))


def test_what_was_taken_is_in_the_file(tmp_path: Path) -> None:
    """A value is in the file when the call returns, without flush or close."""
    writer = GlobalSummaryWriter(str(tmp_path))
    for value in range(5):
        writer.add_scalar("loss", value)
        assert values_of(tmp_path) == list(range(value + 1))
    writer.close()


def test_threads(tmp_path: Path) -> None:
    """Threads of one process share steps in the order of the file."""
    writer = GlobalSummaryWriter(str(tmp_path))

    def log() -> None:
        for _ in range(50):
            writer.add_scalar("loss", 1.0)

    threads = [threading.Thread(target=log) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    writer.close()
    steps = [event.step for event in events(tmp_path)[1:]]
    assert steps == list(range(200))


@both_loaders
def test_modules_share_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, loader: str) -> None:
    """getSummaryWriter() gives the same writer everywhere, which counts for all."""
    monkeypatch.chdir(tmp_path)
    for _ in range(2):
        writer = GlobalSummaryWriter.getSummaryWriter()
        for value in range(10):
            writer.add_scalar("common", value)
        writer.add_text("my_log", "greeting")
    assert writer.file_writer.get_logdir().startswith(os.path.join("runs", ""))
    writer.close()
    run_, = (tmp_path / "runs").iterdir()
    with board(run_, loader) as seen:
        assert [step for step, _ in seen.scalars(".", "common")] == list(range(20))


@pytest.mark.parametrize("method", METHODS)
def test_the_first_writer_is_that_of_the_program(tmp_path: Path, method: str) -> None:
    """getSummaryWriter() gives the writer that the program made with its own log directory, also in
    the processes that it forks and spawns."""
    program = tmp_path / "program.py"
    program.write_text("""
import multiprocessing, sys
from tbwriter.compat.tensorboardX import GlobalSummaryWriter

def work(first):
    for value in range(first, first + 5):
        GlobalSummaryWriter.getSummaryWriter().add_scalar("loss", value)

if __name__ == "__main__":
    writer = GlobalSummaryWriter("mine")
    assert GlobalSummaryWriter.getSummaryWriter() is writer
    context = multiprocessing.get_context(sys.argv[1])
    children = [context.Process(target=work, args=(100 * number,)) for number in range(3)]
    for child in children:
        child.start()
    for child in children:
        child.join()
""")
    subprocess.run([sys.executable, str(program), method], cwd=tmp_path, timeout=300, check=True,
                   env=dict(os.environ, PYTHONPATH=str(ROOT / "src")))
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == ["mine"]
    assert sorted(values_of(tmp_path / "mine")) == [*range(5), *range(100, 105), *range(200, 205)]
    assert [event.step for event in events(tmp_path / "mine")[1:]] == list(range(15))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("option", ["write_to_disk", "coalesce_process"])
def test_the_first_writer_serves_no_other_process(tmp_path: Path, method: str, option: str) -> None:
    """Where the program's first writer writes nothing, or lets each process write for itself, its
    processes do the same, whether they ask for it or get it as an argument."""
    program = tmp_path / "program.py"
    program.write_text("""
import multiprocessing, sys
from tbwriter.compat.tensorboardX import GlobalSummaryWriter

def work(passed):
    GlobalSummaryWriter.getSummaryWriter().add_scalar("loss", 1)
    passed.add_scalar("loss", 2)
    GlobalSummaryWriter.getSummaryWriter().close()
    passed.close()

if __name__ == "__main__":
    writer = GlobalSummaryWriter("mine", **{sys.argv[2]: False})
    context = multiprocessing.get_context(sys.argv[1])
    children = [context.Process(target=work, args=(writer,)) for number in range(2)]
    for child in children:
        child.start()
    for child in children:
        child.join()
        assert child.exitcode == 0
    writer.add_scalar("loss", 0)
    writer.close()
""")
    done = subprocess.run([sys.executable, str(program), method, option], cwd=tmp_path, text=True,
                          timeout=300, check=True, stderr=subprocess.PIPE,
                          env=dict(os.environ, PYTHONPATH=str(ROOT / "src")))
    found = [path.name for path in tmp_path.iterdir() if path.is_dir()]
    if option == "write_to_disk":
        assert found == [] and done.stderr == ""
    else:
        assert found == ["mine"]
        assert sorted(values_of(tmp_path / "mine")) == [0, 1, 1, 2, 2]


def test_arguments(tmp_path: Path) -> None:
    """walltime comes third; mistakes raise at the call, also in another process."""
    writer = GlobalSummaryWriter(str(tmp_path))
    writer.add_scalar("loss", 0.5, 1e9)
    for wrong in (None, "text", [1, 2]):
        with pytest.raises((TypeError, ValueError)):
            writer.add_scalar("loss", wrong)
    with pytest.raises(TypeError):
        writer.add_scalar(3, 1.0)  # type: ignore[arg-type]
    writer.add_scalar("loss", 0.5)
    writer.close()
    assert [(event.step, event.wall_time == 1e9) for event in events(tmp_path)[1:]] == \
        [(0, True), (1, False)]


def test_silent(tmp_path: Path) -> None:
    """write_to_disk=False writes nothing, and coalesce_process=False starts no server."""
    silent = GlobalSummaryWriter(str(tmp_path / "a"), write_to_disk=False)
    silent.add_scalar("loss", 1)
    silent.close()
    assert not (tmp_path / "a").exists()
    alone = GlobalSummaryWriter(str(tmp_path / "b"), coalesce_process=False)
    alone.add_scalar("loss", 1)
    alone.close()
    assert alone._server is None and len(events(tmp_path / "b")) == 2


@pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="there are no Unix sockets here")
def test_strangers_are_turned_away(tmp_path: Path) -> None:
    """A client without the key of this program's processes gets no answer, whatever it sends, and
    the writer continues. The socket lies in a directory of this user alone."""
    writer = GlobalSummaryWriter(str(tmp_path))
    directory, address = writer._place
    assert os.stat(os.path.dirname(address)).st_mode & 0o077 == 0
    with pytest.raises(multiprocessing.AuthenticationError):
        multiprocessing.connection.Client(address, "AF_UNIX", b"another key")
    stranger = socket.socket(socket.AF_UNIX)
    stranger.connect(address)
    stranger.sendall(b"\x00\x00\x00\x10" + b"x" * 16)
    stranger.close()
    writer.add_scalar("loss", 1)
    writer.close()
    assert values_of(tmp_path) == [1.0]


def test_garbage_of_a_child(tmp_path: Path) -> None:
    """A request that is no value is refused with the reason, and changes nothing."""
    writer = GlobalSummaryWriter(str(tmp_path))
    link = _processes.Link(writer._place[1])
    for tag, summary in (("a", b"\xff\xff\xff"), ("\x00", b"\x0a")):
        with pytest.raises(ValueError):
            link.send(tag, summary, 1.0)
    with pytest.raises(ValueError):
        link.send("a", b"", float("nan"))
    link.close()
    writer.add_scalar("loss", 1)
    writer.close()
    assert values_of(tmp_path) == [1.0]


def test_a_writer_that_has_ended_is_not_waited_for(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An address in the environment where no process listens, or nonsense there, is ignored."""
    nobody = {str(tmp_path): [str(tmp_path), str(tmp_path / "nobody")]}
    for value in (json.dumps(nobody), "nonsense", "[1]", json.dumps({str(tmp_path): "x"})):
        monkeypatch.setenv("TBWRITER_GLOBAL_WRITERS", value)
        begin = time.monotonic()
        writer = GlobalSummaryWriter(str(tmp_path))
        writer.add_scalar("loss", 1)
        writer.close()
        assert time.monotonic() - begin < 5
    assert len(values_of(tmp_path)) == 4


def test_spawned_after_the_end(tmp_path: Path) -> None:
    """A process that gets a writer whose process has ended, or makes it again then, continues in a
    run of its own, so that it does not mix its steps into the other's."""
    place = [str(tmp_path), str(tmp_path / "nobody")]
    code = f"""
import multiprocessing, os
from tbwriter.compat import _processes
from tbwriter.compat.tensorboardX import GlobalSummaryWriter, global_writer
def again():
    GlobalSummaryWriter({str(tmp_path)!r}).add_scalar("loss", 1)
def passed():
    global_writer._unpickled(*{place!r}).add_scalar("loss", 1)
for target in (again, passed):
    process = multiprocessing.get_context("fork").Process(target=target)
    process.start()
    process.join()
    assert process.exitcode == 0
"""
    done = subprocess.run([sys.executable, "-c", code], text=True, stderr=subprocess.PIPE, env=dict(
        os.environ, PYTHONPATH=str(ROOT / "src"),
        TBWRITER_GLOBAL_WRITERS=json.dumps({str(tmp_path): place})))
    assert done.returncode == 0 and done.stderr.count("continues in the run") == 2, done.stderr
    assert len(list(tmp_path.glob("process_*/*tfevents*"))) == 2


def _log_in_pool(value: int) -> None:
    _pool_writer.add_scalar("loss", value)


_pool_writer: Any = None


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="no fork here")
def test_pool(tmp_path: Path) -> None:
    """A pool, as in tensorboardX's demo, and the next one of the same program."""
    global _pool_writer
    _pool_writer = GlobalSummaryWriter(str(tmp_path))
    for _ in range(2):
        with multiprocessing.get_context("fork").Pool(3) as pool:
            pool.map(_log_in_pool, range(60))
    _pool_writer.close()
    found = events(tmp_path)[1:]
    assert [event.step for event in found] == list(range(120))
    assert sorted(values_of(tmp_path)) == sorted([*range(60), *range(60)])
