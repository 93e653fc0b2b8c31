"""Names of runs are the peers', wherever a file system takes them."""
from __future__ import annotations

import os
from pathlib import Path
from typing import Any, List

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tbwriter import SummaryWriter
from tbwriter._names import run_name
from tbwriter.compat import mxboard, tensorboardX, torch
from tests.support.judges import board, both_loaders

KEPT = ["train loss", "lr=0.1,bs=32", "f(x) [a]{b}", "naïve ünïcode 木", "a/b", "100%", "~",
        ".hidden", "a:b*c?", "back\\slash", "new\nline", "-rf", "x" * 255]
ESCAPED = [("", "%"), (".", "%2E"), ("..", "%2E."), ("a/../b", "a/%2E./b"), ("/etc", "%/etc"),
           ("a\0b", "a%00b"), (" ", "%20"), ("x.tfevents.y", "x.%74fevents.y"), ("a//b", "a/%/b")]


@pytest.mark.skipif(os.name == "nt", reason="Windows takes fewer names")
@pytest.mark.parametrize("name", KEPT)
def test_kept(tmp_path: Path, name: str) -> None:
    """A name that a file system accepts is unchanged, and the run is in a directory of that
    name."""
    assert run_name(name) == name
    with SummaryWriter(tmp_path) as writer:
        writer.add_hparams({"a": 1}, {"b": 2}, run_name=name)
    assert [path.suffix for path in (tmp_path / name).iterdir()]


@pytest.mark.parametrize("name, path", ESCAPED)
def test_escaped(name: str, path: str) -> None:
    """A run name that cannot be a directory, or would leave this one, is escaped."""
    assert run_name(name) == path


@given(st.text(alphabet=st.characters(blacklist_categories=["Cs"]), max_size=400))
def test_any_text(name: str) -> None:
    """Any text gives directories below this one, each with a name that file systems take."""
    for part in run_name(name).split("/"):
        assert part and part.strip(". ") and "\0" not in part
        assert len(part.encode("utf-8")) <= 255 and "tfevents" not in part


def test_long_names_differ() -> None:
    """Names that are cut do not become one."""
    assert run_name("é" * 200 + "a") != run_name("é" * 200 + "b")


@both_loaders
@pytest.mark.parametrize("module, runs", [
    (torch.SummaryWriter, ["loss_all_lr=0.1, val loss", "trial [a]"]),
    (tensorboardX.SummaryWriter, ["loss/all/lr=0.1, val loss", "trial [a]"]),
    (SummaryWriter, ["loss_all_lr=0.1, val loss", "trial [a]"]),
    (mxboard.SummaryWriter, ["loss/all/lr=0.1, val loss"]),
])
def test_runs(tmp_path: Path, module: Any, runs: List[str], loader: str) -> None:
    """add_scalars and add_hparams make the runs that each API makes, in both loaders; a name that
    is no text becomes one."""
    with module(str(tmp_path)) as writer:
        if module is mxboard.SummaryWriter:
            writer.add_scalar("loss/all", {"lr=0.1, val loss": 1.0}, 1)
        else:
            writer.add_scalars("loss/all", {"lr=0.1, val loss": 1.0}, 1)
            writer.add_hparams({"a": 1}, {"b": 2}, None, "trial [a]") \
                if module is not tensorboardX.SummaryWriter else \
                writer.add_hparams({"a": 1}, {"b": 2}, "trial [a]")
    with board(tmp_path, loader) as seen:
        assert seen.runs() == sorted(runs)
        assert seen.scalars(runs[0], "loss/all") == [(1, 1.0)]


def test_nothing_and_numbers(tmp_path: Path) -> None:
    """An empty dict of curves writes nothing, and class numbers are names, as in the peers."""
    for number, module in enumerate((torch, tensorboardX)):
        with module.SummaryWriter(str(tmp_path / str(number))) as writer:
            writer.add_scalars("empty", {}, 1)
            writer.add_scalars("recall", {0: 0.5, 1: 0.75}, 1)
            with pytest.raises(TypeError, match="want a dict"):
                writer.add_scalars("recall", [1.0], 1)
    assert sorted(path.name for path in (tmp_path / "0").iterdir()) == ["recall_0", "recall_1"]
    assert sorted(path.name for path in (tmp_path / "1" / "recall").iterdir()) == ["0", "1"]
