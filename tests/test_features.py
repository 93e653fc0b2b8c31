"""The feature table tells the truth about its own column: a test stands behind every row."""
from __future__ import annotations

import ast
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
TABLE = TESTS.parent / "docs" / "features.md"
WRITERS = ["tbwriter", "torch", "tensorboardX", "mxboard", "tf.summary"]


def rows():
    """The cells of every row, without the heads of the tables."""
    lines = [line for line in TABLE.read_text(encoding="utf-8").splitlines()
             if line.startswith("|")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [row for row in cells if row[0] and not set(row[0]) <= {"-"}]


def test_heads():
    """Every table compares the same writers."""
    heads = [line for line in TABLE.read_text(encoding="utf-8").splitlines()
             if line.startswith("| |")]
    assert len(heads) >= 3
    for head in heads:
        assert [cell.strip() for cell in head.strip("|").split("|")] == ["", *WRITERS, "test"]


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
