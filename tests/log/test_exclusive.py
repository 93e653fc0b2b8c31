"""One writer at a time for a side file that is read, changed and written again."""
from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
import warnings
from pathlib import Path
from typing import Any, Callable, Dict, List

import numpy as np
import pytest

from tests.log.test_local import header

from tbwriter import SummaryWriter
from tbwriter._log import exclusive, open_log
from tbwriter._log.exclusive import FileLock, KernelLock, holding
from tbwriter._log.local import LocalLog

CONFIG = "projector_config.pbtxt"
COUNT = 8

PROGRAM = """
import os, sys, time
import numpy as np
from tbwriter import SummaryWriter
from tbwriter._log import exclusive
logdir, number, lock = sys.argv[1:4]
if lock == "file":
    exclusive.fcntl = None
writer = SummaryWriter(logdir, asynchronous=number != "1")
print("ready", flush=True)
sys.stdin.readline()
for step in range(8):
    writer.add_embedding(np.eye(3), tag=f"process{number}", global_step=step)
    if number == "2" and step == 5:
        writer.flush()
        os.kill(os.getpid(), 9)
writer.close()
"""


def tensors(content: bytes) -> List[str]:
    """The names of the embeddings, as TensorBoard reads them."""
    from google.protobuf import text_format
    projector = pytest.importorskip("tensorboard.plugins.projector.projector_config_pb2",
                                    reason="tensorboard is not installed")
    config = text_format.Parse(content.decode(), projector.ProjectorConfig())
    return sorted(embedding.tensor_name for embedding in config.embeddings)


def expected(kind: str, number: int, count: int = COUNT) -> List[str]:
    return [f"{kind}{number}:{step:05d}" for step in range(count)]


@pytest.mark.parametrize("lock", ["kernel", "file"])
def test_processes_add_embeddings(tmp_path: Path, lock: str) -> None:
    """Processes that add embeddings to one directory at once lose none, also where one of them is
    killed meanwhile."""
    processes = [subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(tmp_path), str(number), lock], text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(Path(exclusive.__file__).parents[2])})
        for number in range(3)]
    for process in processes:
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    codes = [process.wait(60) for process in processes]
    for process in processes:
        process.communicate()
    assert codes == [0, 0, -9]
    found = tensors((tmp_path / CONFIG).read_bytes())
    wanted = [name for number in range(2) for name in expected("process", number)]
    assert set(found) >= {*wanted, *expected("process", 2, 6)} and len(set(found)) == len(found)
    assert not list(tmp_path.glob(".tbwriter*")) and not (tmp_path / f"{CONFIG}.lock").exists()


def in_threads(works: List[Callable[[], None]]) -> None:
    threads = [threading.Thread(target=work) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)


@pytest.mark.parametrize("lock", ["kernel", "file", "memory"])
def test_threads_and_writers_add_embeddings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                            lock: str) -> None:
    """Synchronous writers of one process, each in a thread of its own, lose none."""
    logdir = str(tmp_path)
    if lock == "memory":
        fsspec = pytest.importorskip("fsspec", reason="fsspec is not installed")
        logdir = "memory://embeddings/run"
    elif lock == "file":
        monkeypatch.setattr(exclusive, "fcntl", None)

    def work(number: int) -> None:
        with SummaryWriter(logdir, asynchronous=False) as writer:
            for step in range(COUNT):
                writer.add_embedding(np.eye(3), tag=f"thread{number}", global_step=step)

    in_threads([lambda number=number: work(number) for number in range(4)])  # type: ignore[misc]
    content = fsspec.filesystem("memory").cat_file(f"/embeddings/run/{CONFIG}") \
        if lock == "memory" else (tmp_path / CONFIG).read_bytes()
    assert tensors(content) == [
        name for number in range(4) for name in expected("thread", number)]


class Files(Dict[str, bytes]):
    """Side files in memory. deletes: whether they can be removed."""

    directory = "files"
    deletes = True

    def read(self, name: str) -> Any:
        return self.get(name)

    def put(self, name: str, data: bytes) -> None:
        self[name] = data

    def put_new(self, name: str, data: bytes) -> bool:
        return self.setdefault(name, data) is data

    def remove(self, name: str) -> None:
        if not self.deletes:
            raise PermissionError("AccessDenied")
        del self[name]


def test_a_lock_file_of_a_process_that_was_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is taken over once it has stayed the same for a while, and not before."""
    monkeypatch.setattr(exclusive, "STALE_SECS", 0.1)
    files = Files(lock=b"of another")
    start = time.monotonic()
    with holding(FileLock(files, "lock")):
        assert time.monotonic() - start > 0.1
        assert files["lock"] != b"of another"
    assert not files


def test_a_lock_file_of_a_living_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """No writer waits for ever, and the lock of another one is not touched."""
    monkeypatch.setattr(exclusive, "LOCK_SECS", 0.1)
    files = Files(lock=b"of another")
    with holding(FileLock(files, "lock")):
        pass
    assert files == {"lock": b"of another"}


@pytest.mark.parametrize("failing", ["read", "remove"])
def test_a_release_that_fails(monkeypatch: pytest.MonkeyPatch, failing: str) -> None:
    """A lock file whose release failed is taken over at once by this process; another process
    waits until it is stale."""
    files = Files()

    def refuse(*args: Any) -> Any:
        raise ConnectionError("no answer")

    lock = FileLock(files, "config.lock")
    assert lock.acquire()
    with monkeypatch.context() as outage:
        for name in ("remove", "put") if failing == "remove" else ("read",):
            outage.setattr(files, name, refuse)
        lock.release()
    assert files["config.lock"] == lock._content
    with monkeypatch.context() as process:
        process.setattr(exclusive, "_held", {})
        process.setattr(exclusive, "_left", {})
        assert not FileLock(files, "config.lock").acquire()
    for _ in range(2):
        next_one = FileLock(files, "config.lock")
        assert next_one.acquire() and files["config.lock"] == next_one._content
        next_one.release()
        assert "config.lock" not in files
    assert lock._key not in exclusive._left


def test_where_nothing_can_be_deleted() -> None:
    """An empty lock file is free: a writer that may not delete objects does not wait."""
    files = Files()
    files.deletes = False
    start = time.monotonic()
    for _ in range(3):
        with holding(FileLock(files, "lock")):
            assert files["lock"]
        assert files == {"lock": b""}
    assert time.monotonic() - start < 1


def test_a_directory_that_is_locked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another program that locks the directory for good delays an embedding and loses none."""
    pytest.importorskip("fcntl", reason="no locks of the kernel on this system")
    monkeypatch.setattr(exclusive, "LOCK_SECS", 0.1)
    other = KernelLock(str(tmp_path))
    assert other.acquire()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with SummaryWriter(tmp_path) as writer:
            writer.add_embedding(np.eye(3), tag="e", global_step=0)
    assert tensors((tmp_path / CONFIG).read_bytes()) == ["e:00000"]
    other.release()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_child_that_is_forked_inside(tmp_path: Path) -> None:
    """It does not keep the lock of its parent."""
    log = open_log(str(tmp_path), "", header)
    assert isinstance(log, LocalLog)
    reading, writing = os.pipe()
    with log.exclusive("name"):
        child = os.fork()
        if child == 0:
            os.read(reading, 1)
            os._exit(0)
    start = time.monotonic()
    with log.exclusive("name"):
        assert time.monotonic() - start < 1
    os.write(writing, b"x")
    os.waitpid(child, 0)
    os.close(reading), os.close(writing)
