"""The memory from which the size of the buffer follows."""
from __future__ import annotations

import os
from pathlib import Path

import pytest

from tbwriter import _memory


def test_this_machine() -> None:
    """A positive number of bytes, at most the memory of the machine."""
    assert 1 << 20 < _memory.memory()
    if hasattr(os, "sysconf"):
        assert _memory.memory() <= os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


@pytest.mark.parametrize("text, limit", [("1048576\n", 1 << 20), ("max\n", None), ("", None)])
def test_a_container(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str,
                     limit: int) -> None:
    """A container's limit counts where it has one; an unreadable one changes nothing."""
    without = tmp_path / "missing"
    monkeypatch.setattr(_memory, "_LIMITS", (str(without),))
    machine = _memory.memory()
    (tmp_path / "limit").write_text(text)
    monkeypatch.setattr(_memory, "_LIMITS", (str(tmp_path / "limit"), str(without)))
    assert _memory.memory() == (limit or machine)


def test_an_unknown_system(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nothing is known, 4 GiB are assumed."""
    monkeypatch.setattr(_memory, "_LIMITS", ())
    monkeypatch.delattr(os, "sysconf", raising=False)
    assert _memory.memory() == 4 << 30
