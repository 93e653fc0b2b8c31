"""The feature tables are true: every row of our own column has a test, and every other cell a
measurement."""
from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
from benchmarks import interpreters
from tests.peers.cells import BEGIN, END, PAGES, PEERS, answer, filled, recorded, restriction

WRITERS = ["tbwriter", *PEERS]


def tables(pages=PAGES):
    """The lines of every table that compares the writers, its head first."""
    found = []
    for page in pages:
        for paragraph in page.read_text(encoding="utf-8").split("\n\n"):
            if paragraph.lstrip().startswith("| | tbwriter"):
                found.append([[cell.strip() for cell in line.strip("|").split("|")]
                              for line in paragraph.strip().splitlines()])
    return found


def rows(pages=PAGES):
    """The cells of every row, without the heads of the tables."""
    return [row for head, rule, *table in tables(pages) for row in table]


def test_heads():
    """Every table compares the same writers."""
    assert len(tables()) >= 5
    for head, *_ in tables():
        assert head == ["", *WRITERS, "test"]


@pytest.mark.parametrize("row", rows(PAGES[1:]), ids=lambda row: row[0])
def test_row(row):
    """Our column says yes, the others what was measured, and the named test exists."""
    feature, ours, *peers, test = row
    assert ours == "yes", feature
    assert peers == [answer(recorded()["rows"][feature][peer]) for peer in PEERS]
    assert set(peers) <= {"yes", "no", "partly"}
    path, _, name = test.strip("`").partition("::")
    tree = ast.parse((TESTS / path).read_text(encoding="utf-8"))
    assert name in {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def test_rows_are_unique():
    """docs/features.md lists no feature twice."""
    features = [row[0] for row in rows(PAGES[1:])]
    assert len(features) == len(set(features)) > 40


def test_the_short_table():
    """README has at most a dozen rows, which are rows of the whole table."""
    short, = tables(PAGES[:1])
    assert 3 <= len(short[2:]) <= 12
    whole = rows(PAGES[1:])
    assert all(row in whole for row in short[2:])


def test_every_row_is_measured():
    """docs/features.md lists every feature that was measured, and no other."""
    assert {row[0] for row in rows(PAGES[1:])} == set(recorded()["rows"])


def test_pages_are_filled_in():
    """Cells, and the meanings of "partly", are those of the record."""
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        assert filled(text, recorded()) == text, page.name
    assert BEGIN in text and END in text


def test_versions():
    """docs/features.md names the date and the versions that were measured."""
    text = " ".join(PAGES[1].read_text(encoding="utf-8").split())
    assert recorded()["date"] in text
    for writer, version in recorded()["versions"].items():
        name = {"torch": r"torch\.utils\.tensorboard of torch", "tensorboard": "TensorBoard",
                "tf.summary": r"tf\.summary of TensorFlow"}.get(writer, writer)
        assert re.search(rf"{name} {re.escape(version)}\b", text), (writer, version)


@pytest.mark.parametrize("parts, cell, meaning", [
    ({"": "yes"}, "yes", ""), ({"": "no: why"}, "no", ""),
    ({"": "partly: only so"}, "partly", "only so"),
    ({"a": "yes", "b": "no: why", "c": "no: x"}, "partly", "only a"),
    ({"a": "yes", "b": "no: why", "c": "yes"}, "partly", "not b"),
    ({"a": "yes", "b": "partly: how"}, "partly", "b: how"),
    ({"a": "yes", "b": "?: needs x"}, "?", ""),
])
def test_cells(parts, cell, meaning):
    """A cell sums up its parts; one that is not known makes it unknown."""
    assert (answer(parts), restriction(parts)) == (cell, meaning)


def measured(*arguments, seconds):
    """The command gives what the record says, and tbwriter, its control, has everything."""
    done = subprocess.run([sys.executable, "-m", "tests.peers.measure", "--compare", *arguments],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          timeout=seconds, env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"})
    assert done.returncode == 0, done.stdout[-3000:]


def test_names_would_be_found():
    """Where "no" rests on there being no name like the feature's, tbwriter, which has it, has such
    a name."""
    pytest.importorskip("mxnet.base", reason="MXNet is not installed")
    program = ("import re\n"
               "from tests.peers import asked, tbwriter_\n"
               "names = asked.api(*tbwriter_.WRITER.modules())\n"
               "for feature, pattern in asked.NAMES.items():\n"
               "    assert any(re.search(pattern, name, re.I) for name in names), feature\n")
    done = subprocess.run([sys.executable, "-c", program], stderr=subprocess.PIPE, text=True)
    assert done.returncode == 0, done.stderr


def test_the_questions_can_be_answered():
    """Asked the same as the others, tbwriter has every feature, so no question is one that only
    fails. tensorboardX is asked, too, where it is installed."""
    pytest.importorskip("tensorboard", reason="TensorBoard is not installed")
    pytest.importorskip("mxnet.base", reason="MXNet is not installed")
    here = subprocess.run([sys.executable, "-c", "import tensorboardX"], stderr=subprocess.DEVNULL)
    peer = [] if here.returncode else ["--python", f"tensorboardX={sys.executable}"]
    measured("--no-faults", *peer, seconds=500)


@pytest.mark.skipif(interpreters.VARIABLE not in os.environ,
                    reason=f"set {interpreters.VARIABLE} to the homes of the other writers, which "
                    "python -m benchmarks.interpreters DIR makes")
@pytest.mark.timeout(1800)
def test_measured_anew():
    """All writers still give the answers that are recorded."""
    homes = interpreters.find(None)
    where = dict.fromkeys(PEERS, homes["main"])
    where["mxboard"] = homes["mxboard"]
    measured(*(word for peer, python in where.items()
               for word in ("--python", f"{peer}={python}")), seconds=1700)
