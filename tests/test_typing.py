"""Types: a program that uses each method of SummaryWriter inside `with` passes mypy --strict."""
from __future__ import annotations

import inspect
import os
import subprocess
import sys
from pathlib import Path

import pytest

import tbwriter
from tbwriter import SummaryWriter
from tbwriter.reader import read
from tbwriter.testing import MemoryWriter

PACKAGE = Path(tbwriter.__file__).parent

PROGRAM = '''
import warnings
from pathlib import Path

import numpy as np
from PIL import Image

import tbwriter
from tbwriter import FileWriter, LogWarning, ReadError, SummaryWriter, SyncError, WireError, summary
from tbwriter.summary import fields
from tbwriter.testing import MemoryWriter


def own(tag: str, data: object) -> summary.Summary:
    held = fields.snapshot(data, "own")
    described = fields.metadata("own", data_class=fields.DataClass.TENSOR, description="*own*")
    return summary.Summary([summary.Value(
        tag, lambda: [*fields.tensor(held.numpy()), described], held.nbytes)])


warnings.filterwarnings("ignore", category=LogWarning)
values = np.random.default_rng(0).random(60)
picture = values.reshape(3, 4, 5)
with SummaryWriter(Path(DIRECTORY) / "a", flush_secs=0.0) as writer:
    writer.add_scalar("scalar", 0.5, 1, description="*text*", display_name="A scalar")
    writer.add_scalars("scalars", {"a": 1, 2: 2.0}, 1)
    writer.add_values({"b": 1.0, "c": np.float32(2)}, 1, walltime=5.0)
    writer.add_scalar_series("series", [1.0, 2.0], [1, 2])
    writer.add_histogram("histogram", values, 1, bins="auto", max_bins=30, description="d")
    writer.add_histogram_raw("raw", 0, 2, 3, 3, 5, [1, 2], [1, 2], 1, description="d")
    writer.add_image("image", picture, 1, normalize=True, padding=1, columns=None)
    writer.add_image("PIL", Image.new("RGB", (4, 5)), 1, description="d")
    writer.add_images("images", [picture, picture], 1, grid=False, display_name="d")
    writer.add_image_with_boxes("boxes", picture, [[0, 0, 2, 2]], 1, labels=["cat"])
    writer.add_video("video", np.stack([picture, picture]), 1, fps=2, normalize=True)
    writer.add_audio("audio", values, 1, sample_rate=8000, description="d")
    writer.add_text("text", [["a", "b"]], 1, description="d")
    writer.add_tensor("tensor", values, 1, plugin_name="own", content=b"x")
    writer.add_graph([summary.Node("a", "A"), summary.Node("b", "B", ["a"])])
    writer.add_embedding(values.reshape(20, 3), metadata=list("abcdefghijklmnopqrst"), tag="e")
    writer.add_pr_curve("pr", values > 0.5, values, 1, description="d")
    writer.add_pr_curve_raw("pr/raw", [1, 1], [1, 0], [0, 1], [0, 0], [0.5, 1], [1, 1], 1)
    writer.add_confusion_matrix("classes", [0, 1, 1], [0, 1, 0], 1, ["x", "y"], normalize=True)
    writer.add_mesh("mesh", values.reshape(20, 3), description="d", global_step=1)
    writer.add_custom_scalars({"c": {"t": ["Multiline", ["scalar"]]}})
    writer.add_custom_scalars_multilinechart(["scalar"], "c", "u")
    writer.add_custom_scalars_marginchart(["b", "c", "scalar"], "c", "v")
    writer.add_hparams({"lr": 0.1, "net": {"layers": 3}}, {"accuracy": 0.5}, run_name="trial")
    writer.add_summary(summary.scalar("summary", 1), 1)
    writer.add_event(b"")
    writer.add(own("own", values) + summary.text("more", "x"), 1)
    with writer.use_metadata(global_step=7) as same:
        same.add_text("then", "x")
    run = writer.sub_run("below")
    run.add_image("image", picture, 1)
    reveal_type(run)
    reveal_type(writer)
with FileWriter(Path(DIRECTORY) / "b") as plain, MemoryWriter() as memory:
    plain.add(summary.scalar("a", 1), 1)
    reveal_type(plain.sub_run("below"))
    memory.sub_run("below").add_text("t", "x")
    reveal_type(memory.sub_run("below"))
errors: tuple[type[Exception], ...] = (ReadError, SyncError, WireError, tbwriter.LogWarning)
'''


def test_each_method_is_used() -> None:
    """No add method is left out of the program, nor any kind of its own."""
    for name, _ in inspect.getmembers(SummaryWriter, inspect.isfunction):
        # A figure needs matplotlib, which has no types for the oldest Python.
        if name.startswith("add") and name != "add_figure":
            assert f".{name}(" in PROGRAM, name


def test_program_passes_mypy(tmp_path: Path) -> None:
    """mypy --strict finds nothing, and knows the class that `with` and `sub_run` give."""
    pytest.importorskip("mypy", reason="mypy is not installed")
    program = tmp_path / "program.py"
    program.write_text(f"DIRECTORY = {str(tmp_path)!r}\n{PROGRAM}", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", "--cache-dir",
         str(tmp_path / "cache"), "--follow-imports=silent", str(program)], text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=tmp_path,
        env={**os.environ, "MYPYPATH": str(PACKAGE.parent)})
    found = [line.partition(": ")[2].replace("tbwriter.", "") for line in done.stdout.splitlines()]
    assert found == [f'note: Revealed type is "{name}"' for name in (
        "summary_writer.SummaryWriter", "summary_writer.SummaryWriter", "writer.FileWriter",
        "testing.MemoryWriter")], done.stdout


def test_program_runs(tmp_path: Path) -> None:
    """The same program writes what it says."""
    text = PROGRAM.replace("reveal_type", "repr").replace("tuple[type[Exception], ...]", "object")
    exec(compile(f"DIRECTORY = {str(tmp_path)!r}\n{text}", "program", "exec"), {})
    run = read(tmp_path)["a"]
    assert run.scalars("scalar").values.tolist() == [0.5]
    assert {"image", "PIL", "images", "boxes", "video", "classes", "own"} <= set(run.tags)
    assert set(read(tmp_path)) >= {"a", "a/below", "a/trial", "b"}


def test_classes_are_kept() -> None:
    """A run below has the class of its writer, and one writer per name; its name is in its repr."""
    with MemoryWriter() as writer:
        run = writer.sub_run("a/b")
        assert type(run) is MemoryWriter and writer.sub_run("a/b") is run
        run.add_image("i", [[0, 255]], 3)
        assert run.run.tags == writer.runs["a/b"].tags == {"i": "image"}
        assert repr(run).startswith("<MemoryWriter ") and "/a/b" in repr(run)


def test_reprs() -> None:
    """Summaries, values, graphs and embeddings say what they are."""
    summary = tbwriter.summary
    assert repr(summary.scalar("a", 1)) == "<Summary of 'a'>"
    assert repr(summary.scalar("a", 1) + summary.text("b", "x")) == "<Summary of 'a', 'b'>"
    assert repr(summary.text("b", "x").values[0]).startswith("<Value 'b'")
    assert repr(summary.graph([summary.Node("a", "A")])).startswith("<Message of ")
    assert repr(summary.embedding("e", [[1, 2, 3], [4, 5, 6]], step=7)) == \
        "<Embedding 'e:00007', 2 points of 3 numbers>"
