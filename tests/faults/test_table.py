"""The page of promises: all are there, with figures, and with tests that measure them."""
from __future__ import annotations

import re
from pathlib import Path

from tests.faults.table import BEGIN, END, table

HERE = Path(__file__).parent
PAGE = (HERE.parent.parent / "docs" / "promises.md").read_text(encoding="utf-8")
SOURCES = "\n".join(path.read_text(encoding="utf-8") for path in sorted(HERE.glob("test_*.py")))
PROMISES = set(range(1, 37))


def rows():
    """The cells of the page's table, without its heads."""
    lines = PAGE.partition(BEGIN)[2].partition(END)[0].splitlines()
    return [[cell.strip() for cell in line.strip("|").split(" | ")]
            for line in lines if re.match(r"\| \d", line)]


def test_every_promise_is_measured():
    """For each promise some test records a figure."""
    measured = {int(number) for number in re.findall(r"\b(?:record|tell)\(\s*(\d+),", SOURCES)}
    assert measured == PROMISES


def test_every_promise_is_listed():
    """The page has each promise, with our figure and a test that exists."""
    assert {int(row[0]) for row in rows()} == PROMISES
    for number, promise, ours, _, _, test in rows():
        assert promise and ours != "–", number
        assert f"def {test.strip('`')}(" in SOURCES, test


def test_table():
    """A line for each promise of each test, with the later of two figures, by number."""
    lines = [dict(number=number, promise=promise, measured=measured, writer=writer, test="test_x")
             for number, promise, measured, writer in [
                 (7, "b", "1", "tbwriter"), (1, "a|c", "2", "tbwriter"), (7, "b", "3", "torch"),
                 (7, "b", "4", "tbwriter")]]
    made = [line for line in table(lines).splitlines() if re.match(r"\| \d", line)]
    assert made == ["| 1 | a\\|c | 2 | – | – | `test_x` |", "| 7 | b | 4 | – | 3 | `test_x` |"]
