"""What docs/migrating.md states of other writers: their own scripts, with one line changed.

The behaviour of the others was recorded (tests/data/make.py): event files, and
the arguments of all methods.
"""
from __future__ import annotations

import importlib.util
import inspect
import json
import re
import sys
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Dict

import numpy as np
import pytest
from tests.support.judges import board, both_loaders, events, http
from PIL import Image
from tensorboard.plugins.hparams import plugin_data_pb2

from tbwriter import SummaryWriter, summary
from tests.support.data import DATA, SIGNATURES

PAGE = (Path(__file__).parent.parent / "docs" / "migrating.md").read_text(encoding="utf-8")


def section(title: str) -> str:
    found, = re.findall(rf"^## {re.escape(title)}$(.*?)(?=^## |\Z)", PAGE, re.DOTALL | re.MULTILINE)
    return str(found)


def cells(title: str) -> Dict[str, str]:
    """The table of a section: {what was called: what is called here}."""
    rows = re.findall(r"^\| (.*?) \| (.*?) \|$", section(title), re.MULTILINE)
    return dict(rows[2:])


# Arguments.

def test_methods_of_mxboard() -> None:
    """Those of its methods whose arguments differ in tbwriter's SummaryWriter are the ones that the
    page names."""
    named = re.findall(r"`(?:add_)?(\w+)\(|`(export_scalars)`", section("mxboard").rpartition(
        "With `tbwriter.SummaryWriter` itself")[2])
    told = {"add_" + one if one else other for one, other in named}
    differ = set()
    for name, arguments in SIGNATURES["mxboard"].items():
        ours = getattr(SummaryWriter, name, None)
        if ours is None:
            differ.add(name)
        elif name.startswith("add_"):
            found = list(inspect.signature(ours).parameters)[1:]
            steps = [one for one, _ in arguments].index("global_step") if "global_step" in [
                one for one, _ in arguments] else None
            if steps is not None and found.index("global_step") != steps:
                differ.add(name)
    assert differ == told | {"clear_scalar_dict"}


def test_rows_name_their_tests() -> None:
    """Each row that says what is the same, better or different names a test that exists."""
    rows = [row for row in re.findall(r"^\| .* \|$", PAGE, re.MULTILINE)
            if row.startswith(("| same", "| better", "| differs", "| not here"))
            or row.endswith("` |") and ".py::" in row]
    assert len(rows) > 50
    for row in rows:
        path, function = re.findall(r"`([\w/]+\.py)::(\w+)` \|$", row)[0]
        code = (Path(__file__).parent / path).read_text(encoding="utf-8")
        assert re.search(rf"^def {function}\(", code, re.MULTILINE), row


def test_methods_only_in_tbwriter() -> None:
    """No other has a call for many values, nor, as the changelog says, `sub_run` and `resume`."""
    told = re.findall(r"writer\.(add_\w+)", section("Only in tbwriter"))
    assert told == ["add_scalar_series", "add_values"]
    for methods in SIGNATURES.values():
        assert not {*told, "sub_run"} & set(methods)
        assert "resume" not in [name for name, _ in methods["__init__"]]


LINES = re.findall(r"^\| `from [^|]*\| `(from [^|`]*)` \|$", PAGE, re.MULTILINE)


@pytest.mark.parametrize("line", LINES)
def test_lines_to_import(line: str) -> None:
    """Each line of the first table works."""
    assert len(LINES) == 6
    if "tbwriter.mxnet" in line:
        pytest.importorskip("mxnet.base", reason="MXNet is not installed")
    exec(line, {})


# The scripts of tests/data/make.py, which the others ran.

@pytest.fixture(name="scripts")
def _scripts(monkeypatch: pytest.MonkeyPatch) -> Any:
    """make.py, whose torch, tensorboardX and mxboard are this package."""
    spec = importlib.util.spec_from_file_location("make", DATA / "make.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    ours = SimpleNamespace(SummaryWriter=SummaryWriter, arange=np.arange)
    for name in ("torch", "torch.utils", "torch.utils.tensorboard", "tensorboardX", "mxboard"):
        monkeypatch.setitem(sys.modules, name, ours)
    return module


def seen(logdir: Path, loader: str) -> Dict[str, Any]:
    """The data of such a script in the dashboards, with any writer."""
    with board(logdir, loader) as b:
        pictures = b.blobs("images", ".", "samples")
        return {
            "loss": b.scalars(".", "loss"),
            "weights": [(step, rows[0, 0], rows[-1, 1], rows[:, 2].sum())
                        for step, rows in b.tensors("histograms", ".", "weights")],
            "pictures": [(step, [np.asarray(Image.open(BytesIO(file))).tolist()
                                 for file in files[2:]]) for step, files in pictures],
            "sounds": [(step, [np.frombuffer(file[44:], "<i2").astype(int) for file in files])
                       for step, files in b.blobs("audio", ".", "sound")],
            "curves": b.tensors("pr_curves", ".", "pr"),
        }


def assert_alike(ours: Dict[str, Any], theirs: Dict[str, Any]) -> None:
    for exact in ("loss", "weights", "pictures"):
        assert ours[exact] == theirs[exact] and ours[exact]
    assert [step for step, _ in ours["sounds"]] == [step for step, _ in theirs["sounds"]]
    for (_, one), (_, other) in zip(ours["sounds"], theirs["sounds"]):
        for clip, their_clip in zip(one, other):
            # They scale to 32767 or 32768, and cut the fraction of a step off or round it.
            assert len(clip) == len(their_clip) and np.abs(clip - their_clip).max() <= 2
    assert [step for step, _ in ours["curves"]] == [step for step, _ in theirs["curves"]]
    for (_, one), (_, other) in zip(ours["curves"], theirs["curves"]):
        assert np.allclose(one, other, atol=1e-6)


def hparams(logdir: Path) -> Dict[str, Any]:
    """{name: value} of the trial, by real protobuf."""
    content, = [value.metadata.plugin_data.content for event in events(logdir / "trial")
                for value in event.summary.value if value.tag == "_hparams_/session_start_info"]
    found = plugin_data_pb2.HParamsPluginData.FromString(content).session_start_info.hparams
    return {name: getattr(value, value.WhichOneof("kind")) for name, value in found.items()}


@both_loaders
@pytest.mark.parametrize("writer", ["torch", "tensorboardX"])
def test_the_same_script(tmp_path: Path, scripts: Any, writer: str, loader: str) -> None:
    """With the import changed, the dashboards get what they got of the other; texts keep their
    tag, and torch's bools, which became numbers, are bools."""
    getattr(scripts, writer)(tmp_path)
    assert_alike(seen(tmp_path, loader), seen(DATA / writer, loader))
    with board(tmp_path, loader) as ours, board(DATA / writer, loader) as theirs:
        assert ours.runs() == theirs.runs() == [".", "trial"]
        assert list(ours.tags("text")) == ["notes"]
        assert list(theirs.tags("text")) == ["notes/text_summary"]
    assert hparams(tmp_path) == hparams(DATA / writer)
    assert hparams(tmp_path)["nesterov"] is True
    assert (hparams(DATA / writer)["nesterov"] is True) == (writer == "tensorboardX")


@both_loaders
def test_the_script_of_mxboard(tmp_path: Path, scripts: Any, loader: str) -> None:
    """So with mxboard's, whose texts, besides, are now shown under their tag."""
    pytest.importorskip("mxnet.base", reason="MXNet is not installed")
    scripts.mxboard(tmp_path)
    assert_alike(seen(tmp_path, loader), seen(DATA / "mxboard", loader))
    with http(tmp_path, loader) as h:
        text, = h.json("text/text", run=".", tag="notes")
        assert "<strong>bold</strong>" in text["text"]
    with http(DATA / "mxboard", loader) as h:
        if loader == "fast":
            assert h.json("text/tags") == {".": [""]}
        else:
            with pytest.raises(AssertionError, match="HTTP 500"):
                h.json("text/tags")


def test_buckets_of_mxboard(tmp_path: Path) -> None:
    """bins="default" has another name here, which the error gives."""
    with SummaryWriter(tmp_path) as writer:
        with pytest.raises(ValueError, match="got the bins 'default', want 'tensorflow'"):
            writer.add_histogram("weights", [1.0, 2.0], 0, "default")


def test_scalars_that_are_exported(tmp_path: Path) -> None:
    """All of them; tensorboardX exports those of add_scalars only."""
    their = pytest.importorskip("tensorboardX", reason="tensorboardX is not installed")
    exported = []
    for number, writer_class in enumerate((SummaryWriter, their.SummaryWriter)):
        with writer_class(str(tmp_path / str(number))) as writer:
            writer.add_scalar("loss", 0.5, 3)
            writer.add_scalars("both", {"a": 1.0}, 3)
            writer.export_scalars_to_json(str(tmp_path / "scalars.json"))
        exported.append(json.loads((tmp_path / "scalars.json").read_text()))
    ours, theirs = ([[point[1:] for point in points] for points in scalars.values()]
                    for scalars in exported)
    assert list(exported[0]) == ["loss", "both_a/both"]
    assert ours == [[[3, 0.5]], [[3, 1.0]]] and theirs == [[[3, 1.0]]]


@both_loaders
def test_calls_of_tf_summary(tmp_path: Path, scripts: Any, loader: str) -> None:
    """The calls that the page gives for those of tf.summary show what TensorFlow's showed."""
    table = {left.strip("`").partition("(")[0]: right.split("`")[1]
             for left, right in cells("tf.summary").items() if "`" in right}
    picture = scripts.IMAGE
    calls = [("scalar", {"name": "loss", "data": 1 / (step + 1), "step": step})
             for step in scripts.STEPS]
    calls += [("histogram", {"name": "weights", "data": scripts.VALUES}),
              ("image", {"name": "samples", "data": np.stack([picture, picture[::-1]])}),
              ("audio", {"name": "sound", "data": scripts.SOUND.reshape(1, -1, 1)}),
              ("text", {"name": "notes", "data": "**bold**"})]
    with SummaryWriter(tmp_path) as writer:
        for call, names in calls:
            code = table[call].replace("description=...", "description='of the training'")
            exec(code.replace("bins=30", "bins=10"), {
                "writer": writer, "summary": summary, "sample_rate": 8000, "step": 1, **names})
    ours, theirs = seen(tmp_path, loader), seen(DATA / "tensorflow", loader)
    assert_alike(ours, theirs)
    with board(tmp_path, loader) as one, board(DATA / "tensorflow", loader) as other:
        for plugin, tag in (("scalars", "loss"), ("text", "notes")):
            assert one.tags(plugin)[tag].description == other.tags(plugin)[tag].description
        assert [(step, str(text)) for step, text in one.tensors("text", ".", "notes")] == \
            [(step, str(text)) for step, text in other.tensors("text", ".", "notes")]
        rows, their_rows = (each.tensors("histograms", ".", "weights")[0][1]
                            for each in (one, other))
        assert len(rows) == len(their_rows) == 10 and np.allclose(rows[:, :2], their_rows[:, :2])
        # A value on an edge falls to either side of it.
        assert np.abs(np.cumsum(rows[:, 2] - their_rows[:, 2])).max() <= 1


def test_names_for_those_of_tf_summary() -> None:
    """Whatever the page names instead of something of TensorFlow's is here."""
    rights = cells("tf.summary").values()
    assert re.findall(r"\bwriter\.\w+", " ".join(rights))
    for right in rights:
        for owner, name in re.findall(r"\b(writer|summary)\.(\w+)", right):
            assert hasattr(SummaryWriter if owner == "writer" else summary, name), name
        for code in re.findall(r"`(\w+)\(", right):
            assert code in ("SummaryWriter", "with"), code
