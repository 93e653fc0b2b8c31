"""Files and directories that cannot be read: a finding or a line reports them; no traceback, no
command that waits for ever, and everything else is read. Root may read everything, so the tests use
what fails for root too."""
from __future__ import annotations

import errno
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any, Callable, Dict, List

import pytest

from tests.check.broken import BROKEN
from tests.check.broken.files import LFS
from tests.check.making import graph
from tests.support.data import event_of, scalar_event, written
from tests.support.judges import board
from tbwriter import reader, summary
from tbwriter.check import check
from tbwriter.cli import main

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no such files")


def a_socket(path: Path) -> None:
    here = os.getcwd()
    os.chdir(path.parent)  # the whole path may be too long for a socket
    try:
        socket.socket(socket.AF_UNIX).bind(path.name)
    finally:
        os.chdir(here)


KINDS: Dict[str, Callable[[Path], Any]] = {
    "pipe": lambda path: os.mkfifo(path),
    "socket": a_socket,
    "device": lambda path: path.symlink_to("/dev/zero"),
    "link to nothing": lambda path: path.symlink_to("nowhere"),
    "link to itself": lambda path: path.symlink_to(path.name),
    "file below a file": lambda path: path.symlink_to(Path("events.out.tfevents.1600000000", "x")),
}
COMMANDS = ("show", "check", "tail --once", "export", "repair", "merge", "select", "thin", "reduce",
            "repair --jobs 2", "check --jobs 2")
COPY = ("repair", "merge", "select", "thin", "reduce")


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    for run in ("a/x", "b/x"):
        written(tmp_path / "logs" / run, [scalar_event("loss", 1.0, step) for step in range(9)])
    return tmp_path / "logs"


@pytest.mark.parametrize("kind", KINDS)
def test_every_command_says_what_it_could_not_read(kind: str, logs: Path, tmp_path: Path) -> None:
    """Each command names the file and reads the others, in the same run as well."""
    path = logs / "b" / "x" / "events.out.tfevents.1600000001"
    KINDS[kind](path)
    program = "import sys; from tbwriter.cli import main\n" \
        "for command in sys.argv[3:]:\n" \
        "    copies = command.split()[0] in %r\n" \
        "    out = sys.argv[2] + '/' + command.replace(' ', '')\n" \
        "    code = main([*command.split(), sys.argv[1], *([out] if copies else [])])\n" \
        "    print('EXIT', code, flush=True)\n" % (COPY,)
    done = subprocess.run(
        [sys.executable, "-c", program, str(logs), str(tmp_path / "out"), *COMMANDS],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120, text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(map(os.path.abspath, sys.path))})
    assert done.returncode == 0 and "Traceback" not in done.stdout, done.stdout
    *reports, rest = done.stdout.split("EXIT ")
    for command, report in zip(COMMANDS, reports):
        assert path.name in report, (command, report)
    codes = [line[0] for line in [*reports[1:], rest]]
    assert dict(zip(COMMANDS, codes)) == {
        command: "0" if command == "export" else "1" for command in COMMANDS}
    copies = [name.replace(" ", "") for name in COMMANDS if name.split()[0] in COPY[:4]]
    for name in copies:
        with board(tmp_path / "out" / name, "fast") as shown:
            assert [len(shown.scalars(run, "loss")) for run in ("a/x", "b/x")] == [9, 9]
    assert [finding.rule for finding in check(str(logs))] == ["unreadable"]


@pytest.mark.parametrize("fault, said, rule", [
    ("git pointer", "is a pointer of Git LFS, want the file itself", "git pointer"),
    ("unlisted directory", "File name too long", "unlisted directory")])
@pytest.mark.parametrize("command", COMMANDS)
def test_runs_that_are_not_here(command: str, fault: str, said: str, rule: str, logs: Path,
                                tmp_path: Path, capfd: Any) -> None:
    """Each command reports a pointer of Git LFS, and a directory that cannot be listed, once and
    reads the other runs."""
    BROKEN[fault](logs / "b" / "x")
    out = tmp_path / "out"
    code = main([*command.split(), str(logs), *([str(out)] if command.split()[0] in COPY else [])])
    printed = "".join(capfd.readouterr())
    assert said in printed and "Traceback" not in printed
    assert code == (0 if command == "export" else 1)
    if command.split()[0] in COPY[:4]:
        with board(out, "fast") as shown:
            assert [len(shown.scalars(run, "loss")) for run in ("a/x", "b/x")] == [9, 9]
    assert [finding.rule for finding in check(str(logs))] == [rule]


def test_a_pointer_beside_events_is_copied(logs: Path, tmp_path: Path) -> None:
    """A pointer that is no event file is a file like others."""
    (logs / "b" / "x" / "tensors.tsv").write_bytes(LFS)
    assert main(["repair", str(logs), str(tmp_path / "out")]) == 0
    assert (tmp_path / "out" / "b" / "x" / "tensors.tsv").read_bytes() == LFS


def test_a_file_that_may_not_be_opened(logs: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
                                       ) -> None:
    """EACCES is a finding."""
    begin = open

    def refused(path: Any, *arguments: Any, **named: Any) -> Any:
        if "b/x/" in str(path):
            raise PermissionError(errno.EACCES, "Permission denied", path)
        return begin(path, *arguments, **named)
    monkeypatch.setattr("builtins.open", refused)
    assert main(["check", str(logs)]) == 1
    assert "error: unreadable: 1 in 1 run" in capsys.readouterr().out


@pytest.mark.parametrize("error", [errno.EACCES, errno.EIO, errno.ENOENT])
@pytest.mark.parametrize("name, rule", [
    ("projector_config.pbtxt", "projector config"), ("numbers", "projector tensor"),
    ("host.xplane.pb", "profile content")])
def test_check_of_a_side_file(name: str, rule: str, error: int, logs: Path,
                              monkeypatch: pytest.MonkeyPatch) -> None:
    """A side file that cannot be read is a finding, and so is what is wrong with the others."""
    (logs / "a" / "x" / "numbers").write_text("1\t2\t3\n4\t5\t6\n")
    (logs / "a" / "x" / "projector_config.pbtxt").write_text(
        'embeddings { tensor_name: "e" tensor_path: "numbers" }')
    session = logs / "a" / "x" / "plugins" / "profile" / "2026_01_02_03_04_05"
    session.mkdir(parents=True)
    (session / "host.xplane.pb").write_bytes(b"")
    BROKEN["profile session"](logs / "b" / "x")
    begin = open

    def refused(path: Any, *arguments: Any, **named: Any) -> Any:
        if os.path.basename(str(path)) == name:
            raise OSError(error, os.strerror(error), path)
        return begin(path, *arguments, **named)
    monkeypatch.setattr("builtins.open", refused)
    found = {finding.rule: finding.what for finding in check(str(logs))}
    assert set(found) == {rule, "profile session"}
    assert os.strerror(error) in found[rule]


def test_check_of_a_profile_that_is_a_pointer(logs: Path) -> None:
    """It is a finding."""
    BROKEN["profile content"](logs / "b" / "x")
    path, = logs.rglob("*.xplane.pb")
    path.write_bytes(LFS)
    finding, = check(str(logs))
    assert finding.rule == "profile content" and "pointer of Git LFS" in finding.what


@pytest.mark.parametrize("command", ["export", "repair", "merge"])
def test_a_file_that_is_deleted_while_it_is_read(command: str, logs: Path, tmp_path: Path,
                                                 capfd: Any, monkeypatch: pytest.MonkeyPatch
                                                 ) -> None:
    """What is read a second time, such as texts and graphs, is missing; the file is named, and
    everything else is there."""
    for run in ("a", "b"):
        path = written(logs / run / "x", [
            event_of(summary.text("note", f"of {run}")), scalar_event("more", 1.0, 1), graph(b"")],
            "1600000001")
    shutil.copytree(logs / "b", logs / "a" / "y")
    begin = open
    seen: List[Path] = []

    def refused(path_: Any, *arguments: Any, **named: Any) -> Any:
        if str(path_) == str(path):
            seen.append(path)
            if len(seen) > (1 if command == "export" else 2):
                raise OSError(errno.ESTALE, os.strerror(errno.ESTALE), path_)
        return begin(path_, *arguments, **named)
    monkeypatch.setattr("builtins.open", refused)
    out = [str(tmp_path / "out")] if command != "export" else []
    sources = [str(logs / "a"), str(logs / "b")] if command == "merge" else [str(logs)]
    assert main([command, *sources, *out]) == (0 if command == "export" else 1)
    printed = "".join(capfd.readouterr())
    assert os.strerror(errno.ESTALE) in printed and "tbwriter: [Errno" not in printed
    if command == "export":
        assert "of a" in printed and "a/x,loss,8," in printed and "b/x,more,1," in printed
    else:
        runs = reader.read(str(tmp_path / "out")).values()
        assert [len(run.scalars("loss").steps) for run in runs] == [9, 9, 9]


def test_a_tensor_that_is_a_pointer(logs: Path) -> None:
    """It is reported as the tensor that it is not; the config is right."""
    (logs / "a" / "x" / "numbers").write_bytes(LFS)
    (logs / "a" / "x" / "projector_config.pbtxt").write_text(
        'embeddings { tensor_name: "e" tensor_path: "numbers" }')
    finding, = check(str(logs))
    assert finding.rule == "projector tensor" and "pointer of Git LFS" in finding.what


@pytest.mark.parametrize("command", COMMANDS)
def test_a_log_directory_that_may_not_be_listed(command: str, logs: Path, tmp_path: Path,
                                                capsys: Any, monkeypatch: pytest.MonkeyPatch
                                                ) -> None:
    """One line on stderr, and exit code 2."""
    def refused(path: Any) -> Any:
        raise PermissionError(errno.EACCES, "Permission denied", path)
    monkeypatch.setattr(os, "scandir", refused)
    out = [str(tmp_path / "out")] if command.split()[0] in COPY else []
    assert main([*command.split(), str(logs), *out]) == 2
    assert capsys.readouterr().err.splitlines() == [
        f"tbwriter: [Errno 13] Permission denied: '{logs}'"]
