"""--jobs: the same output, tables and exit codes from several processes as from one; objects are
requested several at a time; Ctrl-C leaves no half-written file and no process."""
from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Dict, List, Tuple

import pytest

from tests.cli.test_index import a_file
from tests.support.data import event_of, scalar_event, written
from tbwriter import summary
from tbwriter.cli import main

COMMANDS: Dict[str, List[str]] = {
    "repair": [], "thin": ["--points", "50"], "merge": [], "merge --join": [],
    "select": ["--run", "run*", "--tag", "[a-c]*", "--tag", "?", "--drop", "d",
               "--rename", "a=new", "--steps", "3:200"],
    "reduce": [], "check": ["--all"]}


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs with damage, restarts, side files, hyperparameters, two writers, names to be escaped."""
    top = tmp_path_factory.mktemp("logs")
    source = random.Random(7)
    for number in range(8):
        directory = top / f"run{number}"
        for file in range(source.randrange(1, 3)):
            directory.mkdir(exist_ok=True)
            name = f"events.out.tfevents.{1600000000 + file}.{number}"
            (directory / name).write_bytes(a_file(source))
        (directory / "notes.tsv").write_text(str(number))
        written(directory / "hparams", [event_of(summary.hparams({"lr": 0.1 * number}))])
    written(top / "tfevents", [scalar_event("a", 1.0, step) for step in range(9)])
    for host in "ab":  # two writers at the same time
        for run in ("both", "both/writer2"):
            written(top / run, [scalar_event("a", 1.0, step, 1.6e9 + step) for step in range(99)],
                    f"1600000000.{host}")
    return top


def outcome(command: str, source: str, out: Path, capsys: Any, *more: str
            ) -> Tuple[int, str, Dict[str, bytes]]:
    """The exit code of a command, its report and every file that it wrote."""
    name, *options = command.split()
    places = [source] if name == "check" else [source, str(out)]
    code = main([name, *options, *COMMANDS[command], *more, *places])
    report = capsys.readouterr().out.replace(str(out), "OUT")
    return code, report, {str(path.relative_to(out)): path.read_bytes()
                          for path in sorted(out.rglob("*")) if path.is_file()}


@pytest.mark.parametrize("command", COMMANDS)
def test_the_same_from_processes(command: str, logs: Path, tmp_path: Path, capsys: Any) -> None:
    """Files are equal byte for byte, and so are tables and JSON, in their order."""
    for form in ([], ["--json"]):
        one = outcome(command, str(logs), tmp_path / f"one{len(form)}", capsys, *form)
        two = outcome(command, str(logs), tmp_path / f"two{len(form)}", capsys, "--jobs", "2",
                      *form)
        assert one == two
        assert command == "check" or len(one[2]) > 3


@pytest.mark.parametrize("command", COMMANDS)
def test_the_same_from_objects(command: str, logs: Path, tmp_path: Path, capsys: Any) -> None:
    """A log directory at a URL gives the same files and counts, with one process or two."""
    fsspec = pytest.importorskip("fsspec", reason="object stores need fsspec")
    url = f"memory://{command.replace(' ', '')}"
    for path in sorted(logs.rglob("*")):
        if path.is_file():
            with fsspec.open(f"{url}/{path.relative_to(logs)}", "wb") as file:
                file.write(path.read_bytes())
    local = outcome(command, str(logs), tmp_path / "local", capsys, "--json")
    far = outcome(command, url, tmp_path / "far", capsys, "--json")
    assert far[2] == local[2] and far[0] == local[0]
    if command != "check":
        here, there = json.loads(local[1]), json.loads(far[1])
        assert here["runs"] == there["runs"]


class Slow:
    """A store that answers each request after a while, and counts those that wait at once."""

    def __init__(self) -> None:
        self.now = self.most = 0


@pytest.mark.parametrize("command", ["check", "repair", "reduce", "merge"])
def test_objects_are_requested_together(command: str, tmp_path: Path, capsys: Any,
                                        monkeypatch: pytest.MonkeyPatch) -> None:
    """While one object is on its way, others are asked for."""
    fsspec = pytest.importorskip("fsspec", reason="object stores need fsspec")
    from tbwriter._files.objects import Files
    url = f"memory://together{command}"
    for number in range(16):
        path = written(tmp_path / f"r{number}" / "a", [scalar_event("a", 1.0, 1)])
        with fsspec.open(f"{url}/r{number}/a/{path.name}", "wb") as file:
            file.write(path.read_bytes())
    slow, read = Slow(), Files.read

    def reading(*arguments: Any) -> bytes:
        slow.now += 1
        slow.most = max(slow.most, slow.now)
        time.sleep(0.05)
        slow.now -= 1
        return read(*arguments)
    monkeypatch.setattr(Files, "read", reading)
    places = [url] if command == "check" else [url, str(tmp_path / "out")]
    assert main([command, *places]) == 0
    capsys.readouterr()
    assert slow.most >= 6


PROGRAM = """
import os, sys, time
from tbwriter._reading import columns
from tbwriter.cli import _copy, reduce
from tbwriter.__main__ import main

def pause():
    open(os.path.join(sys.argv[-1] + ".begun", str(os.getpid())), "w").close()
    time.sleep(60)

def slow(records):
    def slowly(*arguments):
        for number, record in enumerate(records(*arguments)):
            yield record
            if number == 20:
                pause()
    return slowly

def slow_add(add):
    def slowly(*arguments):
        add(*arguments)
        pause()
    return slowly

_copy.Copier.records = slow(_copy.Copier.records)
reduce._Out.add = slow_add(reduce._Out.add)
sys.exit(main())
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT for one process")
@pytest.mark.parametrize("whom", ["group", "parent"])
@pytest.mark.parametrize("command", ["repair", "repair --jobs 2", "merge --jobs 2", "thin",
                                     "select --jobs 2", "reduce"])
def test_ctrl_c(command: str, whom: str, tmp_path: Path) -> None:
    """Exit code 130, no traceback, no half-written file, one line that reports it, and every
    process has ended; whether the terminal signals all processes or another program the first."""
    for number in range(6):
        written(tmp_path / "logs" / f"run{number}",
                [scalar_event("a", 1.0, step) for step in range(30)])
    begun, out = tmp_path / "out.begun", tmp_path / "out"
    begun.mkdir()
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *command.split(), str(tmp_path / "logs"), str(out)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        env={**os.environ, "PYTHONPATH": os.pathsep.join(map(os.path.abspath, sys.path))})
    try:
        end = time.monotonic() + 60
        while len(list(begun.iterdir())) < 1 + ("--jobs" in command):
            assert time.monotonic() < end and process.poll() is None, process.communicate()
            time.sleep(0.02)
        if whom == "group":
            os.killpg(process.pid, signal.SIGINT)
        else:
            os.kill(process.pid, signal.SIGINT)
        printed, errors = process.communicate(timeout=30)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
    assert (process.returncode, printed) == (130, b"")
    assert b"Traceback" not in errors, errors.decode()
    assert [path for path in out.rglob("*") if path.is_file()] == []
    for pid in (int(path.name) for path in begun.iterdir()):
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
