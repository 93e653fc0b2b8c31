"""Progress bars: tqdm's where it is installed, nothing otherwise."""
from __future__ import annotations

import io
import sys

import pytest

from tbwriter.cli._progress import bar


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_bar_in_a_terminal(monkeypatch):
    """With tqdm, the bar counts the bytes that are reported."""
    pytest.importorskip("tqdm", reason="tqdm is optional")
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with bar(1000, "check") as done:
        done(500)
        done(500)
    assert "check" in terminal.getvalue()


def test_no_bar_in_a_file(monkeypatch):
    """Output into a file gets no bar."""
    out = io.StringIO()
    monkeypatch.setattr(sys, "stderr", out)
    with bar(1000, "check") as done:
        done(1000)
    assert out.getvalue() == ""


def test_without_tqdm(monkeypatch):
    """The work continues without a bar."""
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setitem(sys.modules, "tqdm", None)
    with bar(1000, "check") as done:
        done(1000)
    assert terminal.getvalue() == ""
