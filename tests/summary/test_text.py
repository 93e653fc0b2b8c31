"""text: what real protobuf, both loaders and the dashboard make of it."""
from __future__ import annotations

import numpy as np
import pytest
from tests.support import judges
from tests.support.judges import board, both_loaders, events, http
from tensorboard.util import tensor_util

from tbwriter import FileWriter, summary

TABLE = [["name", "value"], ["*lr*", "0.1"], ["é", "b"]]


def shown(data):
    value, = judges.values(summary.text("tag", data))
    assert value.metadata.plugin_data.plugin_name == "text"
    return tensor_util.make_ndarray(value.tensor)


@pytest.mark.parametrize(("data", "shape", "first"), [
    ("**bold** é", (), "**bold** é"), ("", (), ""), (b"bytes", (), "bytes"),
    (["a", "b"], (2,), "a"), (TABLE, (3, 2), "name"), (np.array(TABLE), (3, 2), "name"),
    (np.array(TABLE, dtype=object), (3, 2), "name"), (np.array("x"), (), "x"),
    (np.str_("x"), (), "x"), ([("a", 1), ("b", 0.5)], (2, 2), "a"), ([True, "b"], (2,), "True"),
    ("lone \ud800", (), "lone ?"), (b"\xff", (), "\ufffd"), ("x" * 100_000, (), "x" * 100_000),
    ([np.array(["p", "q"]), np.array(["r", "s"])], (2, 2), "p"),
])
def test_texts_come_back(data, shape, first):
    """Texts and tables keep shape and content; lone surrogates and invalid UTF-8 are replaced."""
    array = shown(data)
    assert array.shape == shape
    assert array.ravel()[0].decode() == first


@pytest.mark.parametrize(("data", "error"), [
    (3, TypeError), (None, TypeError), ([None], TypeError), ([], ValueError), ([[]], ValueError),
    ([["a"], ["b", "c"]], ValueError), ([["a"], "b"], ValueError), ([[["a"]]], ValueError),
    ({"a": "b"}, TypeError), (np.zeros((0, 2), str), ValueError), ([1j], TypeError),
])
def test_mistakes_are_refused(data, error):
    """Anything but a text or table is an error at the call that says got and want."""
    with pytest.raises(error, match="got .* want "):
        summary.text("tag", data)


@both_loaders
def test_what_tensorboard_shows(tmp_path, loader):
    """Both loaders give the texts, and the dashboard makes HTML and tables of the Markdown."""
    with FileWriter(tmp_path) as writer:
        writer.add(summary.text("note", "**bold** <script>", description="*what*"), 3)
        writer.add(summary.text("note", "second"), 4)
        writer.add(summary.text("table", TABLE), 5)
        writer.add(summary.text("column", ["a", "b"]), 5)
    assert len(events(tmp_path)) == 5
    with board(tmp_path, loader) as b:
        assert b.tags("text")["note"].description == "*what*"
        (first, text), (second, _) = b.tensors("text", ".", "note")
        assert (first, second, text.item()) == (3, 4, b"**bold** <script>")
        (_, table), = b.tensors("text", ".", "table")
        assert table.tolist() == [[cell.encode() for cell in row] for row in TABLE]
    with http(tmp_path, loader) as h:
        assert sorted(h.json("text/tags")["."]) == ["column", "note", "table"]
        note = h.json("text/text", run=".", tag="note")
        assert [entry["step"] for entry in note] == [3, 4]
        assert "<strong>bold</strong>" in note[0]["text"] and "<script>" not in note[0]["text"]
        table, = h.json("text/text", run=".", tag="table")
        assert table["text"].count("<tr>") == 3 and "<em>lr</em>" in table["text"]
