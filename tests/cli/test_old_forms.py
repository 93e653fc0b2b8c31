"""Copies of tags that begin in a form that is older than plugins: TensorBoard infers the plugin."""
from __future__ import annotations

from typing import Any, Dict, List, Optional

import numpy as np
import pytest
from tensorboard.compat.proto import event_pb2, summary_pb2
from tensorboard.util import tensor_util

from tbwriter.check import check
from tbwriter.cli import main
from tests.cli.test_copies import report_of
from tests.support.data import scalar_event, written
from tests.support.judges import board, both_loaders

COMMANDS = ("repair", "thin", "merge", "select")
CURVE = np.zeros((6, 4), np.float32)
PICTURE = [b"1", b"1", b"\x89PNG"]
OLD: Dict[str, Dict[str, Any]] = {
    "scalars": {"simple_value": 1.0},
    "histograms": {"histo": summary_pb2.HistogramProto(
        min=0, max=1, num=2, bucket_limit=[0.5, 1.0], bucket=[1.0, 1.0])},
    "images": {"image": summary_pb2.Summary.Image(
        width=1, height=1, encoded_image_string=PICTURE[2])},
}
NEW = {"scalars": np.float32(2.0), "histograms": np.array([[0.0, 1.0, 2.0]]), "images": PICTURE}


def event(step: int, plugin: Optional[str] = None, data_class: int = 2, description: str = "",
          content: bytes = b"", **value: Any) -> bytes:
    """An event of the tag x, with metadata if a plugin is given."""
    found = summary_pb2.Summary.Value(tag="x", **value)
    if plugin is not None:
        found.metadata.plugin_data.plugin_name = plugin
        found.metadata.plugin_data.content = content
        found.metadata.data_class = data_class
        found.metadata.summary_description = description
    made = event_pb2.Event(wall_time=1.6e9 + step, step=step,
                           summary=summary_pb2.Summary(value=[found]))
    encoded: bytes = made.SerializeToString()
    return encoded


def tensor(step: int, array: Any, plugin: Optional[str] = None, data_class: int = 2,
           **described: Any) -> bytes:
    return event(step, plugin, data_class, tensor=tensor_util.make_tensor_proto(array), **described)


def shown(directory: Any, loader: str, plugin: str = "scalars") -> List[int]:
    """The steps of the tag x."""
    with board(directory, loader) as one:
        if plugin == "scalars":
            return [step for step, _ in one.scalars(".", "x")]
        read = one.blobs if plugin == "images" else one.tensors
        return [step for step, _ in read(plugin, ".", "x")]


@both_loaders
@pytest.mark.parametrize("other", ["pr_curves", "text", "flight"])
def test_a_value_of_another_kind_gives_no_metadata(other, loader, tmp_path, capsys):
    """Scalars without metadata stay scalars where a value of another plugin has their tag: it is
    left out, and the others are shown, without a finding of `check`."""
    array = b"note" if other == "text" else CURVE
    later = tensor(1, array, other)
    written(tmp_path / "one", [scalar_event("x", 1.0, 0), later, scalar_event("x", 2.0, 2)])
    written(tmp_path / "two", [scalar_event("x", 1.0, 0), scalar_event("x", 2.0, 2)])
    written(tmp_path / "two", [later], "1600000100")
    for name in ("one", "two"):
        for command in COMMANDS:
            out = tmp_path / f"{command} {name}"
            report = report_of(capsys, command, tmp_path / name, out)
            assert report["left_out"] == {"another kind": 1}
            assert shown(out, loader) == [0, 2] and check(str(out)) == []


@both_loaders
def test_metadata_of_the_other_log_directory(loader, tmp_path, capsys):
    """`merge` joins two parts of a run whose second has another kind of the tag: the first is
    shown."""
    written(tmp_path / "a", [scalar_event("x", 1.0, step) for step in (0, 1)])
    written(tmp_path / "b", [tensor(step, NEW["histograms"], "histograms") for step in (2, 3)],
            "1600000100")
    report = report_of(capsys, "merge", tmp_path / "a", tmp_path / "b", tmp_path / "out")
    assert report["left_out"] == {"another kind": 2}
    assert shown(tmp_path / "out", loader) == [0, 1]


@both_loaders
@pytest.mark.parametrize("plugin", OLD)
@pytest.mark.parametrize("command", COMMANDS)
def test_tensors_without_metadata_after_an_old_form(command, plugin, loader, tmp_path, capsys):
    """They belong to the plugin of the first value's form, as in both loaders."""
    written(tmp_path / "logs", [event(0, **OLD[plugin]), tensor(1, NEW[plugin]),
                                event(2, **OLD[plugin]), tensor(3, NEW[plugin])])
    assert shown(tmp_path / "logs", loader, plugin) == [0, 1, 2, 3]
    report = report_of(capsys, command, tmp_path / "logs", tmp_path / "out")
    assert report["written"] == 4 and report["left_out"] == {}
    assert shown(tmp_path / "out", loader, plugin) == [0, 1, 2, 3]


def test_metadata_alone_replaces_no_value(tmp_path, capsys):
    """A value without a number is of another kind than a scalar, also at the same step."""
    for name in ("", "flight", "pr_curves"):
        written(tmp_path / f"a{name}", [scalar_event("x", 1.0, 0), event(0, name, 1)])
        report = report_of(capsys, "thin", tmp_path / f"a{name}", tmp_path / f"out {name}")
        assert report["written"] == 1 and report["left_out"] == {"another kind": 1}


@both_loaders
@pytest.mark.parametrize("plugin", OLD)
@pytest.mark.parametrize("named", [None, "flight"])
def test_the_first_value_that_is_kept_is_described(named, plugin, loader, tmp_path, capsys):
    """Where the value in the old form is not selected, the plugin that it stood for is written with
    the first tensor, in place of metadata that TensorBoard passes over there."""
    written(tmp_path / "logs", [
        event(0, **OLD[plugin]), *(tensor(step, NEW[plugin], named, 1, content=b"\xff\xff")
                                   for step in (1, 2))])
    assert shown(tmp_path / "logs", loader, plugin) == [0, 1, 2]
    report_of(capsys, "select", "--steps", "1:", tmp_path / "logs", tmp_path / "out")
    assert shown(tmp_path / "out", loader, plugin) == [1, 2]


@both_loaders
def test_a_tensor_that_names_another_plugin_is_still_a_number(loader, tmp_path, capsys):
    """TensorBoard shows a number with a foreign plugin's metadata in a tag of scalars, and so it
    does in a copy."""
    written(tmp_path / "logs", [scalar_event("x", 1.0, 0), tensor(1, np.float32(2.0), "flight"),
                                scalar_event("x", 3.0, 2)])
    assert shown(tmp_path / "logs", loader) == [0, 1, 2]
    assert report_of(capsys, "repair", tmp_path / "logs", tmp_path / "out")["left_out"] == {}
    assert shown(tmp_path / "out", loader) == [0, 1, 2]


@both_loaders
@pytest.mark.parametrize("plugin", OLD)
@pytest.mark.parametrize("foreign", ["pr_curves", "flight", ""])
def test_foreign_metadata_of_an_old_form_is_replaced(foreign, plugin, loader, tmp_path, capsys):
    """The fast loader hides a tag that begins so, and shows its copy."""
    written(tmp_path / "logs", [event(step, foreign, 2, content=b"\xff\xff", **OLD[plugin])
                                for step in (0, 1)])
    assert shown(tmp_path / "logs", loader, plugin) == ([0, 1] if loader == "python" else [])
    report_of(capsys, "repair", tmp_path / "logs", tmp_path / "out")
    assert shown(tmp_path / "out", loader, plugin) == [0, 1]


@both_loaders
@pytest.mark.parametrize("plugin", OLD)
def test_later_metadata_of_the_same_plugin_does_not_hide_a_tag(plugin, loader, tmp_path, capsys):
    """Its description goes to the first value, not its version and data_class, which TensorBoard
    would refuse there."""
    written(tmp_path / "logs", [event(0, **OLD[plugin]), tensor(
        1, NEW[plugin], plugin, 1 + (plugin != "images"), description="d", content=b"\x08\x01")])
    report_of(capsys, "repair", tmp_path / "logs", tmp_path / "out")
    assert shown(tmp_path / "out", loader, plugin) == [0, 1]
    with board(tmp_path / "out", loader) as one:
        assert one.tags(plugin)["x"].description == "d"


def test_unchanged_records_of_old_forms(tmp_path, capsys):
    """What TensorBoard infers is not written: the copy has the records of the source."""
    path = written(tmp_path / "logs", [
        event(0, **OLD["scalars"]), tensor(1, NEW["scalars"]), event(2, **OLD["scalars"])])
    assert main(["repair", str(tmp_path / "logs"), str(tmp_path / "out")]) == 0
    copy, = (tmp_path / "out").glob("*tfevents*")
    assert copy.read_bytes() == path.read_bytes()
