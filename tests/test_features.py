"""The feature table tells the truth about its own column: a test stands behind every row."""
from __future__ import annotations

import ast
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
PAGES = [TESTS.parent / "README.md", TESTS.parent / "docs" / "features.md"]
WRITERS = ["tbwriter", "torch", "tensorboardX", "mxboard", "tf.summary"]


def tables():
    """The lines of every table that compares the writers, its head first."""
    found = []
    for page in PAGES:
        for paragraph in page.read_text(encoding="utf-8").split("\n\n"):
            if paragraph.lstrip().startswith("| | tbwriter"):
                found.append([[cell.strip() for cell in line.strip("|").split("|")]
                              for line in paragraph.strip().splitlines()])
    return found


def rows():
    """The cells of every row, without the heads of the tables."""
    return [row for head, rule, *table in tables() for row in table]


def test_heads():
    """Every table compares the same writers."""
    assert len(tables()) >= 5
    for head, *_ in tables():
        assert head == ["", *WRITERS, "test"]


@pytest.mark.parametrize("row", rows(), ids=lambda row: row[0])
def test_row(row):
    """Our column says yes, the others yes, no or partly, and the named test exists."""
    feature, ours, *peers, test = row
    assert ours == "yes", feature
    assert len(peers) == len(WRITERS) - 1 and set(peers) <= {"yes", "no", "partly"}
    path, _, name = test.strip("`").partition("::")
    tree = ast.parse((TESTS / path).read_text(encoding="utf-8"))
    assert name in {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def test_rows_are_unique():
    """No feature is listed twice."""
    features = [row[0] for row in rows()]
    assert len(features) == len(set(features)) > 40
