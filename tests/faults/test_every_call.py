"""Whichever call to the storage fails, a writer, the runs below it and their side files are whole.

A program logs scalars, texts and series into a writer and three runs below it, with embeddings and
a profile, which are side files. Call number N to the storage fails, once or from then on, for
N = 1, 2, ... until a program meets no fault; then the storage is well again and the writer closes.
"""
from __future__ import annotations

import builtins
import errno
import os
import time
import warnings
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Tuple

import numpy as np
import pytest

from tbwriter import SummaryWriter, summary
from tbwriter._log import event_file, local, retry
from tests.support.judges import events

STEPS = 4
CALLS = ("open", "write", "writev", "fsync", "close", "fstat", "stat", "ftruncate", "listdir",
         "makedirs", "replace", "lseek", "read")


class Calls:
    """Counts the calls to a storage, and lets one fail, or all from that one on."""

    def __init__(self) -> None:
        self.count = self.fired = 0
        self.number = -1
        self.lasting = False
        self.fault: Callable[..., Any] = lambda call, *args, **options: call(*args, **options)

    def arm(self, number: int, fault: Callable[..., Any], lasting: bool) -> None:
        self.count = self.fired = 0
        self.number, self.fault, self.lasting = number, fault, lasting

    def heal(self) -> None:
        self.number = -1

    def through(self, call: Callable[..., Any]) -> Callable[..., Any]:
        """`call`, counted."""
        def counted(*args: Any, **options: Any) -> Any:
            self.count += 1
            if 0 < self.number == self.count or self.lasting and 0 < self.number < self.count:
                self.fired += 1
                return self.fault(call, *args, **options)
            return call(*args, **options)
        return counted


class Kernel:
    """The module `os` for the writer of local files."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def __getattr__(self, name: str) -> Any:
        real = getattr(os, name if name != "fsync" else "fstat")  # no test waits for a disk
        return self._calls.through(real) if name in CALLS else real


class SideFile:
    """An open side file whose writes may fail."""

    def __init__(self, calls: Calls, *args: Any) -> None:
        self._file = builtins.open(*args)
        self.read, self.write = self._file.read, calls.through(self._file.write)

    def __enter__(self) -> "SideFile":
        return self

    def __exit__(self, *exc_info: Any) -> None:
        self._file.close()


def failing(code: int) -> Callable[..., Any]:
    def fault(call: Callable[..., Any], *args: Any, **options: Any) -> Any:
        if call is os.close:
            call(*args)
        raise OSError(code, os.strerror(code))
    return fault


def torn(call: Callable[..., Any], *args: Any, **options: Any) -> Any:
    """A write takes half of its bytes, and fails; so does anything else."""
    if call in (os.write, os.writev):
        data = b"".join(args[1]) if isinstance(args[1], list) else bytes(args[1])
        os.write(args[0], data[:len(data) // 2])
    raise OSError(errno.EIO, "Input/output error")


def unheard(call: Callable[..., Any], *args: Any, **options: Any) -> Any:
    """A request is carried out, and its answer is lost."""
    call(*args, **options)
    raise TimeoutError("no answer")


LOCAL = {"ENOSPC": failing(errno.ENOSPC), "EIO": failing(errno.EIO),
         "ESTALE": failing(errno.ESTALE), "EMFILE": failing(errno.EMFILE), "torn": torn}
REMOTE = {"refused": failing(errno.ECONNREFUSED), "unheard": unheard}


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Iterator[Calls]:
    """Retries come at once, and checks that are made seldom are made every time."""
    for name in ("FIRST_BACKOFF", "LAST_BACKOFF"):
        monkeypatch.setattr(retry, name, 0.001)
    for name in ("LOOK_SECS", "SEEN_SECS"):
        monkeypatch.setattr(event_file, name, 0.0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield Calls()


def tried(calls: Calls, work: Callable[[], Any], tries: int = 3) -> Any:
    """`work()`, again after an OSError; the storage is well after some tries."""
    for number in range(10):
        if number == tries:
            calls.heal()
        try:
            return work()
        except OSError:
            time.sleep(0.002)
    raise AssertionError("no recovery")


def log(place: str, calls: Calls, asynchronous: bool) -> SummaryWriter:
    writer: SummaryWriter = tried(calls, lambda: SummaryWriter(
        place, asynchronous=asynchronous, flush_secs=100))
    for step in range(STEPS):
        writer.add_scalar("x", float(step), step)
        writer.add_scalars("acc", {"a": 1.0, "b": 2.0}, step)
        run = writer.sub_run("below/run")
        run.add_text("text", "t" * 50 * step, step)
        if step % 2:
            for one in (writer, run):
                one.add(summary.embedding("points", np.full((3, 4), 1.5), ["a", "b", "c"],
                                          step=step), step)
            with writer.profile(name=str(step)) as profile:
                with profile.step(step), profile.span("train"):
                    pass
        run.add_scalar_series("y", [1.0, 2.0], [2 * step, 2 * step + 1])
        tried(calls, writer.flush)
    tried(calls, writer.close)
    return writer


def check(directory: Path) -> None:
    """Each value once and in its order; each side file whole, and none that is left over."""
    found: Dict[Tuple[str, str], List[int]] = {}
    for path in sorted(directory.rglob("*tfevents*")):
        run = str(path.parent.relative_to(directory))
        for number, event in enumerate(events(path)):
            assert bool(event.file_version) == (number == 0), path
            for value in event.summary.value:
                found.setdefault((run, value.tag), []).append(event.step)
    steps = list(range(STEPS))
    assert found == {
        (".", "x"): steps, ("acc_a", "acc"): steps, ("acc_b", "acc"): steps,
        ("below/run", "text"): steps, ("below/run", "y"): list(range(2 * STEPS))}
    others = [path for path in directory.rglob("*") if path.is_file()
              and "tfevents" not in path.name]
    for place in (directory, directory / "below/run"):
        config = (place / "projector_config.pbtxt").read_text()
        for step in range(1, STEPS, 2):
            tensors = [path for path in (place / f"embeddings/points/{step:05d}").iterdir()
                       if path.name.startswith("tensors")]
            assert len(tensors) == 1 and tensors[0].name in config
            if tensors[0].suffix == ".bytes":
                assert tensors[0].read_bytes() == np.full((3, 4), 1.5, "<f4").tobytes()
            assert len(tensors[0].with_name("metadata.tsv").read_text().split()) == 3
    assert len(list(directory.rglob("*.xplane.pb"))) == STEPS // 2
    assert not [path for path in others if path.name.startswith(".")], "left over"


def each_call(calls: Calls, fault: Callable[..., Any], lasting: bool, asynchronous: bool,
              place: Callable[[int], str], look: Callable[[int], None]) -> None:
    number = 0
    while True:
        number += 1
        calls.arm(number, fault, lasting)
        writer = log(place(number), calls, asynchronous)
        assert writer.dropped == 0 and writer.error is None
        fired = calls.fired
        calls.heal()
        try:
            look(number)
        except AssertionError as error:
            raise AssertionError(f"call number {number} of {calls.count}: {error}") from error
        if not fired:
            break
    assert number > 20


@pytest.mark.parametrize("asynchronous", [True, False], ids=["thread", "synchronous"])
@pytest.mark.parametrize("lasting", [False, True], ids=["once", "lasting"])
@pytest.mark.parametrize("fault", LOCAL)
def test_every_call_to_the_kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, calls: Calls,
                                  fault: str, lasting: bool, asynchronous: bool) -> None:
    """Nothing is lost, doubled or left over on a disk, whichever call fails."""
    if fault == "torn":
        # A file that is given up after some failures keeps its torn record while cuts fail, too.
        monkeypatch.setattr(local, "_FAILURES", 10_000)
    kernel: Any = Kernel(calls)
    monkeypatch.setattr(event_file, "os", kernel)
    monkeypatch.setattr(local, "os", kernel)
    monkeypatch.setattr(local, "open", calls.through(lambda *args: SideFile(calls, *args)),
                        raising=False)
    each_call(calls, LOCAL[fault], lasting, asynchronous, lambda n: str(tmp_path / str(n)),
              lambda n: check(tmp_path / str(n)))


@pytest.mark.parametrize("asynchronous", [True, False], ids=["thread", "synchronous"])
@pytest.mark.parametrize("lasting", [False, True], ids=["once", "lasting"])
@pytest.mark.parametrize("fault", REMOTE)
def test_every_request_to_a_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, calls: Calls,
                                  fault: str, lasting: bool, asynchronous: bool) -> None:
    """Nothing is lost or doubled on an object store, whichever request fails or stays unheard."""
    fsspec = pytest.importorskip("fsspec", reason="fsspec is not installed")
    from tbwriter._fsspec import Store
    counted = calls.through(Store.call)
    monkeypatch.setattr(Store, "call", lambda *args, **options: counted(*args, **options))
    memory = fsspec.filesystem("memory")

    def look(number: int) -> None:
        memory.get(f"/every{number}", str(tmp_path / str(number)), recursive=True)
        memory.rm(f"/every{number}", recursive=True)
        check(tmp_path / str(number))
    each_call(calls, REMOTE[fault], lasting, asynchronous, "memory://every{}".format, look)
