"""docs/command-line.md prints what the commands print."""
from __future__ import annotations

import re
import shlex
import time
from pathlib import Path

import pytest

from tbwriter.cli import main
from tbwriter.demo import demo
from tests.support.data import record_of, scalar_event, written

PAGE = Path(__file__).parents[2] / "docs" / "command-line.md"
# A command of the page, and what it prints there; "..." for lines that are left out.
SHOWN = re.compile(r"^\$ tbwriter (.*)\n((?:(?!\$ |```).*\n)*)", re.MULTILINE)


def prepare(monkeypatch, directory):
    """The directory in which the commands of the page run: a demo, and a damaged run."""
    monkeypatch.chdir(directory)
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.setenv("COLUMNS", "80")
    if hasattr(time, "tzset"):
        time.tzset()
    demo("runs/demo")
    records = [record_of(scalar_event("x", float(i), i)) for i in range(5)]
    path = written(Path("runs/broken"), [])
    path.write_bytes(path.read_bytes() + b"".join([*records[:2], records[2][:20], *records[3:]]))


def test_every_command_of_the_page(tmp_path, capsys, monkeypatch):
    """Each command of the page, one after another, prints the lines that the page shows."""
    prepare(monkeypatch, tmp_path)
    commands = SHOWN.findall(PAGE.read_text(encoding="utf-8"))
    assert len(commands) > 10
    for command, expected in commands:
        capsys.readouterr()
        main(shlex.split(command))
        out = capsys.readouterr().out.rstrip("\n")
        expected = expected.rstrip("\n")
        if expected.endswith("\n..."):
            expected = expected[:-3]
            out = out[:len(expected)]
        assert out == expected, command


@pytest.fixture(autouse=True)
def local_time_afterwards():
    """The time zone of other tests."""
    yield
    if hasattr(time, "tzset"):
        time.tzset()
