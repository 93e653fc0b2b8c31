"""The judges themselves: they see what others' writers write, and refuse what is damaged."""
from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.support.judges import board, both_loaders, events, http
from tensorboard.compat.proto import event_pb2, summary_pb2, types_pb2
from tensorboard.summary.writer.event_file_writer import EventFileWriter
from tensorboard.util import tensor_util


@pytest.fixture
def logdir(tmp_path: Path) -> Path:
    """1500 scalars, a text and an image, written by TensorBoard's own writer."""
    writer = EventFileWriter(str(tmp_path / "run"))
    for step in range(1500):
        value = summary_pb2.Summary.Value(tag="loss", simple_value=step / 2)
        writer.add_event(event_pb2.Event(wall_time=100.0 + step, step=step,
                                         summary=summary_pb2.Summary(value=[value])))
    for plugin, data_class, strings in (("text", 2, [b"hello"]), ("images", 3, [b"1", b"2", b"x"])):
        value = summary_pb2.Summary.Value(
            tag=plugin, tensor=tensor_util.make_tensor_proto(strings, types_pb2.DT_STRING))
        value.metadata.plugin_data.plugin_name = plugin
        value.metadata.data_class = data_class
        value.metadata.summary_description = "said"
        writer.add_event(event_pb2.Event(wall_time=5.0, step=7,
                                         summary=summary_pb2.Summary(value=[value])))
    writer.close()
    return tmp_path


def test_events_are_all_seen(logdir: Path) -> None:
    """Every record of every file below a directory is given, the first being the version."""
    seen = events(logdir)
    assert len(seen) == 1503 and seen[0].file_version == "brain.Event:2"


@pytest.mark.parametrize("logdir, fast", [
    ("logs", True), ("gs://bucket/logs", True), ("s3://bucket/logs", False),
    ("memory://bucket/logs", False)])
def test_which_loader_tensorboard_takes(logdir: str, fast: bool) -> None:
    """By itself, where its data server is installed: the fast one for directories and gs://, the
    Python one for other URLs."""
    from tensorboard import program
    from tensorboard.plugins.core import core_plugin
    board = program.TensorBoard(plugins=[core_plugin.CorePluginLoader()])
    board.configure(argv=["tensorboard", "--logdir", logdir])
    assert board.flags.load_fast == "auto"
    assert program._should_use_data_server(board.flags) == fast


@pytest.mark.parametrize("at", [3, 9, 14, -1])
def test_events_refuse_damage(logdir: Path, at: int) -> None:
    """A changed byte in a length, a checksum or the data is an error."""
    file = next(logdir.rglob("*tfevents*"))
    content = bytearray(file.read_bytes())
    content[at] ^= 1
    file.write_bytes(content)
    with pytest.raises(AssertionError):
        events(logdir)


def test_events_refuse_a_cut_record(logdir: Path) -> None:
    """A file that ends inside a record is an error."""
    file = next(logdir.rglob("*tfevents*"))
    file.write_bytes(file.read_bytes()[:-3])
    with pytest.raises(AssertionError):
        events(logdir)


@both_loaders
def test_board_gives_everything(logdir: Path, loader: str) -> None:
    """A board gives each point unsampled, in all three forms, with times and descriptions."""
    with board(logdir, loader) as b:
        assert b.runs() == ["run"]
        assert b.plugins() == ["images", "scalars", "text"]
        assert b.scalars("run", "loss") == [(step, step / 2) for step in range(1500)]
        assert b.scalars("run", "loss", wall_times=True)[3] == (3, 1.5, 103.0)
        assert b.tags("text", "run")["text"].description == "said"
        (step, text), = b.tensors("text", "run", "text")
        assert step == 7 and np.array_equal(text, [b"hello"])
        assert b.blobs("images", "run", "images") == [(7, [b"1", b"2", b"x"])]


def test_board_refuses_a_damaged_file(logdir: Path) -> None:
    """A file that the fast loader gives up on makes the board fail."""
    file = next(logdir.rglob("*tfevents*"))
    content = bytearray(file.read_bytes())
    content[2] ^= 1
    file.write_bytes(content)
    with pytest.raises(AssertionError, match="Read error"), board(logdir, "fast"):
        pass


@both_loaders
def test_http_gives_everything(logdir: Path, loader: str) -> None:
    """The endpoints of a running TensorBoard give every point; an unknown tag is an error."""
    with http(logdir, loader) as h:
        assert len(h.json("scalars/scalars", run="run", tag="loss")) == 1500
        answer = h.post("scalars/scalars_multirun", form={"tag": "loss", "runs": ["run"]})
        assert answer["run"][3] == [103.0, 3, 1.5]
        with pytest.raises(AssertionError, match="HTTP 404"):
            h.json("scalars/scalars", run="run", tag="nothing")
