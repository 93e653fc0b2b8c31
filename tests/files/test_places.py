"""Patterns of names, and which directories are runs."""
from __future__ import annotations

import fnmatch
import os
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import List

import pytest

from tbwriter import reader
from tbwriter._files.places import event_files, matches
from tests.support.data import scalar_event, written
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
