"""Programs of each API, with the import changed: both loaders show what the originals showed."""
from __future__ import annotations

import json
from io import BytesIO
from pathlib import Path
from typing import Any, Dict, List

import numpy as np
import pytest
from PIL import Image

from tbwriter.compat import mxboard, tensorboard, tensorboardX, torch
from tests.compat import programs
from tests.support.judges import Board, board, both_loaders, http

PLUGINS = ("scalars", "histograms", "text", "images", "audio", "pr_curves", "custom_scalars",
           "mesh", "hparams")
CLOSE = {"pr_curves": 1e-6, "images": 1}


def shown(logdir: Path, loader: str, bins: float = 0) -> Dict[Any, Any]:
    """{(plugin, run, tag): its points}, as far as two writers can be alike."""
    with board(logdir, loader) as seen:
        return {(plugin, run, tag): points(seen, plugin, run, tag)
                for run in seen.runs() for plugin in PLUGINS for tag in seen.tags(plugin, run)}


def points(seen: Board, plugin: str, run: str, tag: str) -> List[Any]:
    if plugin == "scalars":
        return seen.scalars(run, tag)
    if plugin == "images":
        return [(step, [np.asarray(Image.open(BytesIO(file)).convert("RGB")).tolist()
                        for file in files[2:]])
                for step, files in seen.blobs(plugin, run, tag)]
    if plugin == "audio":  # they round the last bit in different ways
        return [(step, [len(file) for file in files])
                for step, files in seen.blobs(plugin, run, tag)]
    if plugin == "histograms":
        return [(step, rows[0, 0], rows[-1, 1], rows[:, 2].sum(), len(rows[rows[:, 2] > 0]))
                for step, rows in seen.tensors(plugin, run, tag)]
    if plugin == "text":  # theirs has an axis more
        return [(step, np.asarray(value).ravel().tolist())
                for step, value in seen.tensors(plugin, run, tag)]
    if plugin in ("custom_scalars", "hparams"):
        return [step for step, _ in seen.tensors(plugin, run, tag)]
    return [(step, np.asarray(value).tolist()) for step, value in seen.tensors(plugin, run, tag)]


def assert_alike(ours: Dict[Any, Any], theirs: Dict[Any, Any]) -> None:
    assert set(ours) == set(theirs)
    for key, found in theirs.items():
        if key[0] in CLOSE:  # the others cut what we round
            for (step, rows), (its_step, its_rows) in zip(ours[key], found):
                assert step == its_step and np.allclose(rows, its_rows, atol=CLOSE[key[0]])
            assert len(ours[key]) == len(found)
        else:
            assert ours[key] == found, key


@both_loaders
@pytest.mark.parametrize("program", ["torch_tutorial", "torch_hparams"])
def test_torch(tmp_path: Path, program: str, loader: str) -> None:
    """torch's guide: the same runs, tags, steps and values as torch writes."""
    real = pytest.importorskip("torch.utils.tensorboard", reason="torch is not installed")
    for name, module in (("ours", torch), ("theirs", real)):
        getattr(programs, program)(module, str(tmp_path / name))
    ours, theirs = shown(tmp_path / "ours", loader), shown(tmp_path / "theirs", loader)
    if program == "torch_hparams":
        # torch writes the columns into each trial, which hides those of other trials.
        theirs = {key: found for key, found in theirs.items() if key[2] != "_hparams_/experiment"}
        ours = {key: found for key, found in ours.items() if key[2] != "_hparams_/experiment"}
    assert_alike(ours, theirs)


@both_loaders
def test_tensorboardx(tmp_path: Path, loader: str) -> None:
    """tensorboardX's demo: the same runs, tags, steps and values as tensorboardX writes; name and
    description are shown in both loaders."""
    real = pytest.importorskip("tensorboardX", reason="tensorboardX is not installed")
    if not hasattr(real.SummaryWriter, "use_metadata"):
        pytest.skip("this tensorboardX is older than 2.6.3")
    for name, module in (("ours", tensorboardX), ("theirs", real)):
        programs.tensorboardx_demo(module, str(tmp_path / name))
    theirs = {key: found for key, found in shown(tmp_path / "theirs", loader).items()
              if key[2] != "_hparams_/experiment"}
    assert_alike(shown(tmp_path / "ours", loader), theirs)
    with board(tmp_path / "ours", loader) as seen:
        named = seen.tags("scalars")["named"]
        assert (named.display_name, named.description) == ("My name", "My *text*")


@both_loaders
def test_mxboard(tmp_path: Path, loader: str) -> None:
    """mxboard's README, its runs `<tag>/<name>`, the positions of sample rate and thresholds."""
    programs.mxboard_readme(mxboard, str(tmp_path))
    with board(tmp_path, loader) as seen:
        assert set(seen.runs()) == {".", "cross_entropy/train", "curves/sin", "curves/cos x",
                                    "curves/exp"}
        assert seen.scalars("cross_entropy/train", "cross_entropy") == \
            [(i, np.float32(1 / (i + 1))) for i in range(10)]
        assert seen.scalars("curves/cos x", "curves") == [(3, 0.25)]
        assert seen.scalars(".", "curves") == [(3, 2.5)]
        counts = [(step, rows[:, 2].sum()) for step, rows in
                  seen.tensors("histograms", ".", "norml_dist")]
        assert counts == [(i, 1920) for i in range(10)]
        sound, = seen.blobs("audio", ".", "uniform")
        assert sound[0] == 3 and int.from_bytes(sound[1][0][24:28], "little") == 8000
        (step, curve), = seen.tensors("pr_curves", ".", "pr")
        assert step == 4 and curve.shape == (6, 100)
        (_, picture), = seen.blobs("images", ".", "minibatch")
        assert picture[:2] == [b"38", b"8"]  # four of eight pixels, two between neighbours
        (_, text), = seen.tensors("text", ".", "text")
        assert np.asarray(text).ravel().tolist() == [b"Hello MXNet!"]
    with http(tmp_path, loader) as served:
        config = served.json("projector/info", run=".")
        assert config["embeddings"][0]["tensorShape"] == [5, 3]


@both_loaders
def test_the_tensorboard_of_2017(tmp_path: Path, loader: str) -> None:
    """Cells of 2017: Summaries that can be read, written at the steps that were given."""
    programs.notebook_of_2017(tensorboard, str(tmp_path))
    with board(tmp_path, loader) as seen:
        assert seen.runs() == [".", "second", "second/both/a", "second/both/b"]
        assert seen.scalars(".", "accuracy") == [(i + 1, np.float32(i / 10)) for i in range(5)]
        assert [step for step, _ in seen.tensors("histograms", ".", "fc_backward_weight")] == \
            [1, 2, 3, 4, 5]
        sizes = [files[:2] for _, files in seen.blobs("images", ".", "mnist/0")]
        assert sizes == [[b"28", b"28"]] * 5
        assert seen.scalars("second/both/b", "both") == [(1, 2.0)]
        assert list(seen.tags("text")) == ["notes"]


def test_exports(tmp_path: Path) -> None:
    """export_scalars of mxboard gives what was logged since clear_scalar_dict(), under its names;
    that of 2017 and tensorboardX all of it; nothing is kept in memory."""
    logdir, path = str(tmp_path / "mx"), tmp_path / "scalars.json"
    with mxboard.SummaryWriter(logdir, verbose=False) as writer:
        writer.add_scalar("loss", 1.0, 1)
        writer.add_scalar("both", {"a": 2.0}, 1)
        writer.export_scalars(path)
        names = json.loads(path.read_text())
        assert {name: points[0][1:] for name, points in names.items()} == \
            {f"{logdir}/loss": [1, 1.0], f"{logdir}/both/a": [1, 2.0]}
        writer.clear_scalar_dict()
        writer.add_scalar("loss", float("nan"), 2)
        writer.export_scalars(path)
        assert [points[0][1:] for points in json.loads(path.read_text()).values()] == [[2, "NaN"]]
    with tensorboardX.SummaryWriter(str(tmp_path / "x")) as other:
        other.add_scalars("both", {"a": 2.0}, 1)
        assert list(other.scalar_dict) == [f"{tmp_path}/x/both/a"]
        other.export_scalars_to_json(path)
        assert json.loads(path.read_text()) == other.scalar_dict


def test_names_of_exports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The names begin with the log directory as it was given, and that of a curve ends with its
    name: also where a tag has several parts."""
    monkeypatch.chdir(tmp_path)
    with mxboard.SummaryWriter("./runs/mx", verbose=False) as writer:
        writer.add_scalar("data/loss", 1.0, 1)
        writer.add_scalar("data/both", {"a": 2.0}, 1)
        writer.export_scalars("mx.json")
    assert list(json.loads(Path("mx.json").read_text())) == [
        "./runs/mx/data/loss", "./runs/mx/data/both/a"]
    with tensorboardX.SummaryWriter("runs/x") as other:
        other.add_scalar("data/loss", 1.0, 1)
        other.add_scalars("data/both", {"a": 2.0, "b c": 3.0}, 1)
        other.export_scalars_to_json("x.json")
    assert list(json.loads(Path("x.json").read_text())) == [
        "runs/x/data/loss", "runs/x/data/both/a", "runs/x/data/both/b c"]
