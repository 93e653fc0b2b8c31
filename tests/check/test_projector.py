"""The files that a configuration of the Projector names."""
from __future__ import annotations

import ntpath
import os

import pytest

from tbwriter.check.projector import _asset


@pytest.mark.parametrize("name, problem", [
    (r"D:\labels.tsv", "is outside the directory of the config"),
    (r"..\labels.tsv", "is outside the directory of the config"),
    (r"C:\LOGS\labels.tsv", "does not exist"), ("labels.tsv", "does not exist")])
def test_drives_of_windows(name: str, problem: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file on another drive is outside; the case of letters makes no difference."""
    with monkeypatch.context() as patched:
        patched.setattr(os, "path", ntpath)
        found, _ = _asset(r"C:\logs", name, {})
    assert found == f"{name!r} {problem}"
