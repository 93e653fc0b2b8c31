"""Patterns of names, and which directories are runs."""
from __future__ import annotations

import fnmatch
import io
import os
import random
import subprocess
import sys
import time
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Dict, List

import pytest

from tbwriter import _log, reader
from tbwriter._files import places
from tbwriter._files.places import event_files, matches
from tbwriter.cli import main
from tbwriter.testing import MemoryWriter
from tests.support.data import VERSION, record_of, scalar_event, written
from tests.support.judges import board


def test_patterns_fit_as_those_of_a_shell() -> None:
    """"*" is any text and "?" any character, also a newline."""
    chosen = random.Random(7)
    for _ in range(3000):
        pattern = "".join(chosen.choice("ab*?\n") for _ in range(chosen.randrange(8)))
        name = "".join(chosen.choice("ab\n") for _ in range(chosen.randrange(10)))
        assert matches(pattern, name) == fnmatch.fnmatchcase(name, pattern), (pattern, name)


@pytest.mark.parametrize("pattern", ["*a*b*", "*a*a*a*b*", "*a?*?a*b", "a*b*a", "?*a*?b*"])
def test_a_long_name_takes_a_time_in_proportion(pattern: str) -> None:
    """Eight times the name takes about eight times as long, not 64 times."""
    def seconds(length: int) -> float:
        taken = []
        for _ in range(3):
            begin = time.perf_counter()
            assert not matches(pattern, "a" * length)
            taken.append(time.perf_counter() - begin)
        return min(taken)
    matches(pattern, "a")
    assert seconds(16_000) < 30 * max(seconds(2_000), 2e-5)


def linked(top: Path, link: str, target: str) -> None:
    (top / link).parent.mkdir(parents=True, exist_ok=True)
    (top / link).symlink_to(target)


@pytest.mark.skipif(os.name == "nt", reason="links need a privilege on Windows")
@pytest.mark.parametrize("count, links", [(40, 1), (9, 8), (3, 300)])
def test_links_to_one_another(count: int, links: int, tmp_path: Path) -> None:
    """Directories that link to the others are listed once for each link, and no link is followed
    from there, nor one to the directory that it is in."""
    names = [f"d{number:03d}" for number in range(count)]
    for number, name in enumerate(names):
        written(tmp_path / "logs" / name, [scalar_event("x", 1.0, 1)])
        for other in range(1, links + 1):
            to = names[(number + other) % count]
            linked(tmp_path / "logs", f"{name}/{other}", f"../{to}")
        linked(tmp_path / "logs", f"{name}/out", str(tmp_path / "outside"))
    written(tmp_path / "outside" / "run", [scalar_event("x", 1.0, 1)])
    linked(tmp_path, "outside/back", str(tmp_path / "logs"))
    others = links - (links if count == 1 else links // count)
    assert len(reader.runs(tmp_path / "logs")) == count * (2 + others)


@pytest.mark.skipif(os.name == "nt", reason="links need a privilege on Windows")
@pytest.mark.parametrize("link, target, runs", [
    ("best", "a/b", ["a/b", "best"]),
    ("a/far", "../../outside", ["a/b", "a/far/one", "a/far/one/eval"]),
    ("c/one", "../../outside/one", ["a/b", "c/one", "c/one/eval"]),
    ("a/up", "../..", ["a/b", "a/up/outside/one", "a/up/outside/one/eval"]),
    ("a/dangling", "nowhere", ["a/b"])])
def test_a_linked_directory_is_shown(link: str, target: str, runs: List[str], tmp_path: Path
                                     ) -> None:
    """What TensorBoard shows through a link is read, and named as TensorBoard names it."""
    for name in ("logs/a/b", "outside/one", "outside/one/eval"):
        written(tmp_path / name, [scalar_event("x", 1.0, 1)])
    linked(tmp_path / "logs", link, target)
    assert list(event_files(str(tmp_path / "logs"))) == runs
    if target != "../..":  # in which TensorBoard does not end
        with board(tmp_path / "logs", "fast") as shown:
            assert set(runs) <= set(shown.runs())


@pytest.mark.skipif(sys.platform != "linux", reason="the length of a path is limited")
def test_many_directories_below_one_another(tmp_path: Path) -> None:
    """A path of more directories than Python has frames of calls is read."""
    here = os.getcwd()
    os.chdir(tmp_path)
    try:
        for _ in range(1200):
            os.mkdir("d")
            os.chdir("d")
        written(Path("."), [scalar_event("x", 1.0, 1)])
    finally:
        os.chdir(here)
    try:
        found = list(reader.runs(tmp_path))
    finally:  # shutil.rmtree has a call for each of them, too
        subprocess.run(["rm", "-rf", str(tmp_path / "d")], check=True, timeout=60)
    assert found == ["/".join(["d"] * 1200)]


def test_each_scheme_has_its_file() -> None:
    """What is written to a URL is read by the file of its scheme, or refused: a storage is in both
    registries, and the file has all that is called."""
    assert set(_log.SCHEMES) <= set(places.SCHEMES)
    for name in filter(None, {*places.SCHEMES.values(), "objects"}):
        if name == "objects":
            pytest.importorskip("fsspec")
        module = import_module(f"tbwriter._files.{name}")
        assert callable(module.open_file) and callable(module.Files.tree), name


def test_a_storage_is_its_file_and_a_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Runs, events, `show` and `check` use the file that is registered for a scheme, and import it
    when they meet a URL; the URL of one event file is opened too, without a listing."""
    data = record_of(VERSION) + record_of(scalar_event("x", 0.5, 1))
    url = "one-file://logs/run/events.out.tfevents.1600000000"

    class Files:
        def __init__(self, url: str) -> None:
            self.identity = url

        def tree(self, alone: str) -> Dict[str, List[str]]:
            return {".": [], "run": [url]}

    def open_file(place: str) -> io.BytesIO:
        if place != url:
            raise FileNotFoundError(place)
        return io.BytesIO(data)

    module = ModuleType("tbwriter._files.one_file")
    vars(module).update(Files=Files, open_file=open_file)
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setitem(places.SCHEMES, "one-file", "one_file")
    assert reader.read("one-file://logs")["run"].scalars("x").values.tolist() == [0.5]
    assert [event.step for event in reader.events(url)] == [0, 1]
    assert places.identity("one-file://logs") == "one-file://logs"
    assert main(["check", "one-file://logs"]) == 0
    assert main(["merge", "one-file://logs", str(tmp_path / "out")]) == 0
    assert reader.read(str(tmp_path / "out"))["run"].scalars("x").values.tolist() == [0.5]


@pytest.mark.parametrize("command", ["show", "tail --once", "check", "repair", "merge", "export"])
def test_a_place_that_can_only_be_written(command: str, tmp_path: Path,
                                          capsys: pytest.CaptureFixture[str]) -> None:
    """Reading the URL of a MemoryWriter says that this is not possible; nothing is written."""
    writer = MemoryWriter()
    with pytest.raises(ValueError, match="'tbwriter-testing', which can only be written"):
        reader.read(writer.logdir)
    with pytest.raises(ValueError, match="can only be written"):
        list(reader.events(writer.logdir + "/events.out.tfevents.1"))
    out = [str(tmp_path / "out")] if command in ("repair", "merge") else []
    assert main([*command.split(), writer.logdir, *out]) == 2
    assert "can only be written, want one that can be read" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
