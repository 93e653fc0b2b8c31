"""Writers of compat: attributes, tags and what differs from the originals, as docs/migrating.md has
it."""
from __future__ import annotations

import json
import logging
import pickle
import time
from pathlib import Path
from typing import Any, List

import numpy as np
import pytest
from tensorboard.compat.proto import event_pb2, graph_pb2, node_def_pb2, summary_pb2

from tbwriter import LogWarning, SummaryWriter
from tbwriter.compat import mxboard, tensorboard, tensorboardX, torch
from tbwriter.compat.tensorboard import event_file_writer
from tests.support.judges import board, both_loaders, events


def test_attributes(tmp_path: Path) -> None:
    """Those that programs ask the originals for are there, with the values that were given."""
    writer = torch.SummaryWriter(str(tmp_path), "", 3, 5, 60, ".end")
    assert (writer.log_dir, writer.purge_step, writer.max_queue) == (str(tmp_path), 3, 5)
    assert (writer.flush_secs, writer.filename_suffix) == (60, ".end")
    assert writer.get_logdir() == writer.file_writer.get_logdir() == str(tmp_path)
    assert writer._get_file_writer() is writer.file_writer
    assert len(writer.default_bins) == 1549 and writer.default_bins[774] == 0
    writer.add_scalars("loss", {"a": 1.0}, 1)
    assert list(writer.all_writers or {}) == [str(tmp_path), f"{tmp_path}/loss_a"]
    writer.add_scalar("loss", 1.0, 4)
    writer.flush()
    name = writer.file_writer.event_writer._ev_writer._file_name
    assert Path(name).exists() and name.endswith(".end")
    writer.close()
    assert writer.file_writer is None and writer.all_writers is None
    with tensorboardX.SummaryWriter(log_dir=str(tmp_path / "x")) as other:
        assert other.logdir == str(tmp_path / "x") and other.scalar_dict == {}
    assert other.file_writer is None


@pytest.mark.parametrize("module", [torch, tensorboardX, tensorboard])
def test_the_directory_that_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: Any
                                    ) -> None:
    """Without a directory it is `runs/<date>_<host><comment>`; all that tbwriter's writer has
    beyond can be called."""
    monkeypatch.chdir(tmp_path)
    with module.SummaryWriter(comment="_LR") as writer:
        writer.add_values({"a": 1.0, "b": 2.0}, 1)
        writer.sub_run("below").add_scalar("c", 3.0, 1)
        with pytest.raises(AttributeError):
            writer.no_such_method
    made, = (tmp_path / "runs").iterdir()
    assert made.name.endswith("_LR") and len(events(made)) == 4


@pytest.mark.parametrize("module", [torch, tensorboardX, mxboard])
def test_flush_secs(tmp_path: Path, module: Any) -> None:
    """With the originals' default, 120, a value is in the file within a second, without flush."""
    writer = module.SummaryWriter(str(tmp_path), flush_secs=120)
    writer.add_scalar("a", 1.0, 1)
    time.sleep(1)
    assert len(events(tmp_path)) == 2
    writer.close()


def test_the_name_of_the_event_file(tmp_path: Path) -> None:
    """Who asks for it before the first event gets the name of the file that is there then, and that
    takes the events; an EventFileWriter makes its file at once."""
    for module in (torch, tensorboardX, tensorboard):
        writer = module.SummaryWriter(str(tmp_path / module.__name__))
        name = writer.file_writer.event_writer._ev_writer._file_name
        assert len(events(name)) == 1
        writer.add_scalar("a", 1.0, 1)
        writer.close()
        assert len(events(name)) == 2 and len(list(Path(name).parent.iterdir())) == 1
    low = tensorboardX.event_file_writer.EventFileWriter(str(tmp_path / "low"),
                                                         filename_suffix=".end")
    low.close()
    file, = (tmp_path / "low").iterdir()
    assert file.name.endswith(".end") and events(file)[0].file_version == "brain.Event:2"


@both_loaders
@pytest.mark.parametrize("module", [torch, tensorboardX])
def test_opened_again(tmp_path: Path, module: Any, loader: str) -> None:
    """A writer that was closed continues in another file when something is added, and so does
    another writer of the same second: nothing is overwritten."""
    writer = module.SummaryWriter(str(tmp_path))
    for step in range(3):
        writer.add_scalar("loss", 1.0, step)
        writer.close()
    with module.SummaryWriter(str(tmp_path)) as other:
        other.add_scalar("loss", 1.0, 3)
    with board(tmp_path, loader) as seen:
        assert [step for step, _ in seen.scalars(".", "loss")] == [0, 1, 2, 3]


@both_loaders
def test_tags_as_there(tmp_path: Path, loader: str) -> None:
    """tensorboardX, mxboard and the tensorboard of 2017 write "_" for blanks and brackets, with one
    warning for each tag; torch and tbwriter keep them. Texts end in "/text_summary" where they do
    there."""
    tag = f"/train loss [{loader}]"
    there = f"train_loss__{loader}_"
    for module, wanted, text in ((torch, tag, "n n/text_summary"),
                                 (tensorboardX, there, "n n/text_summary"),
                                 (mxboard, there, "n n"), (tensorboard, there, "n n")):
        where = tmp_path / module.__name__.rpartition(".")[2]
        with module.SummaryWriter(str(where)) as writer:
            if module is torch:
                writer.add_scalar(tag, 1.0, 1)
            else:
                with pytest.warns(LogWarning, match=f"is written as '{there}'"):
                    writer.add_scalar(tag, 1.0, 1)
            writer.add_scalar(tag, 1.0, 2)
            writer.add_histogram(tag + "h", np.arange(9.0), 1)
            writer.add_text("n n", "text", 1)
        with board(where, loader) as seen:
            assert list(seen.tags("scalars")) == [wanted]
            assert list(seen.tags("histograms")) == [wanted + "h"]
            assert list(seen.tags("text")) == [text]


def test_arguments_of_tensorboardx(tmp_path: Path) -> None:
    """logdir and log_dir are one, the first counts; write_to_disk=False writes nothing; unknown
    arguments are taken; use_metadata gives way to a call's own step and time."""
    with tensorboardX.SummaryWriter(str(tmp_path / "a"), log_dir="b", visdom=1) as writer:
        assert writer.logdir == str(tmp_path / "a") and writer.kwargs == {"visdom": 1}
        with writer.use_metadata(global_step=17, walltime=13.0):
            writer.add_scalar("a", 0.1)
            writer.add_scalar("b", 0.2, global_step=7)
            writer.add_scalar("c", 0.3, walltime=18.0)
            writer.add_histogram("h", np.arange(5.0))
        writer.add_scalar("d", 0.4)
    found = {event.summary.value[0].tag: event for event in events(tmp_path / "a")[1:]}
    assert [(found[tag].step, found[tag].wall_time) for tag in "abch"] == \
        [(17, 13.0), (7, 13.0), (17, 18.0), (17, 13.0)]
    assert found["d"].step == 0 and found["d"].wall_time > 1e9
    with tensorboardX.SummaryWriter("/", write_to_disk=False) as silent:
        silent.add_scalar("a", 1)
        silent.add_scalars("b", {"c": 1.0}, 1)
        silent.add_hparams({"a": 1}, {"b": 1})
        silent.flush()


def test_metadata_of_add_scalars(tmp_path: Path) -> None:
    """The step and time of use_metadata hold for curves of one chart too."""
    with tensorboardX.SummaryWriter(str(tmp_path)) as writer:
        with writer.use_metadata(global_step=5, walltime=9.0):
            with writer.use_metadata(walltime=10.0):
                writer.add_scalars("loss", {"a": 1.0})
            writer.add_scalars("loss", {"a": 2.0}, 6)
    found = events(tmp_path / "loss" / "a")[1:]
    assert [(event.step, event.wall_time) for event in found] == [(5, 10.0), (6, 9.0)]


def test_curves_of_equal_names(tmp_path: Path) -> None:
    """Names that are equal as text are an error, and neither value is written."""
    values: Any = {1: 0.5, "1": 0.7}
    calls: List[Any] = [
        torch.SummaryWriter(tmp_path).add_scalars,
        tensorboardX.SummaryWriter(str(tmp_path)).add_scalars,
        mxboard.SummaryWriter(str(tmp_path)).add_scalar]
    for call in calls:
        with pytest.raises(ValueError, match="got a tag_scalar_dict with names that are equal as"):
            call("m", values, 1)
    assert not list(tmp_path.glob("m*"))


def test_an_exported_curve_and_a_tag(tmp_path: Path) -> None:
    """A curve whose name a tag has too is numbered in the JSON."""
    files = str(tmp_path / "x"), str(tmp_path / "mx")
    with tensorboardX.SummaryWriter(files[0]) as writer:
        writer.add_scalars("m", {"x": 1.0}, 1)
        writer.add_scalar("m/x", 2.0, 1)
        writer.export_scalars_to_json(files[0] + ".json")
    with mxboard.SummaryWriter(files[1]) as other:
        other.add_scalar("m", {"x": 1.0}, 1)
        other.add_scalar("m/x", 2.0, 1)
        other.export_scalars(files[1] + ".json")
    for path in files:
        found = json.loads(Path(path + ".json").read_text())
        assert {name: points[0][2] for name, points in found.items()} == {
            f"{path}/m/x": 2.0, f"{path}/m/x_1": 1.0}


def test_more_is_accepted(tmp_path: Path) -> None:
    """Lists as values, pictures of embeddings that are not square, numbers in every guise."""
    assert torch.summary.histogram("h", [1, 3, 4, 5, 6], "tensorflow").value[0].histo.num == 5
    with torch.SummaryWriter(tmp_path) as writer:
        writer.add_embedding(np.random.rand(3, 4), label_img=np.random.rand(3, 3, 8, 16))
        writer.add_scalar("a", np.float16(0.5), np.int64(1))  # type: ignore[arg-type]
    with mxboard.SummaryWriter(str(tmp_path / "mx")) as other:
        other.add_embedding("e", np.random.rand(3, 4), images=np.random.rand(3, 3, 8, 16))
        other.add_embedding("f", np.ones((2, 3)) * [[1], [2]],
                            [["name", "kind"], ["a", "x"], ["b", "y"]])
        with pytest.raises(ValueError, match="want \\(name, number\\)"):
            other.add_scalar("a", (1.0, 2.0, 3.0))
    labels = next((tmp_path / "mx").rglob("*f/**/metadata.tsv")).read_text()
    assert labels.splitlines() == ["name\tkind", "a\tx", "b\ty"]


def test_what_is_not_here(tmp_path: Path) -> None:
    """ONNX, OpenVINO, Comet, and graphs found from an output: NotImplementedError gives advice."""
    torch_writer = torch.SummaryWriter(tmp_path)
    x_writer = tensorboardX.SummaryWriter(str(tmp_path))
    old_writer = tensorboard.SummaryWriter(str(tmp_path))

    class Module:
        """The part of a torch module that is used."""
        named_modules = None

    for call, advice in [
            (lambda: torch_writer.add_onnx_graph("m.onnx"), "add_graph"),
            (lambda: x_writer.add_onnx_graph("m.onnx"), "add_graph"),
            (lambda: x_writer.add_openvino_graph("m.xml"), "add_graph"),
            (lambda: tensorboardX.SummaryWriter(str(tmp_path), comet_config={"disabled": False}),
             "comet_ml"),
            (lambda: old_writer.add_graph_onnx("m.onnx"), "add_graph"),
            (lambda: old_writer.add_graph(Module(), None), "add_graph")]:
        with pytest.raises(NotImplementedError, match=advice):
            call()
    tensorboardX.SummaryWriter(str(tmp_path), comet_config=None).close()


@pytest.mark.parametrize("module", [torch, tensorboardX])
def test_models_that_do_not_compute(tmp_path: Path, module: Any) -> None:
    """They raise what programs catch with torch, a RuntimeError, and what tbwriter raises."""
    real = pytest.importorskip("torch", reason="torch is not installed")
    with module.SummaryWriter(str(tmp_path)) as writer:
        for kind in (RuntimeError, ValueError):
            with pytest.raises(kind, match="shapes cannot be multiplied"):
                writer.add_graph(real.nn.Linear(3, 5), real.rand(1, 9))
        writer.add_graph(real.nn.Linear(3, 5), real.rand(1, 3))
    assert [event.WhichOneof("what") for event in events(tmp_path)] == \
        ["file_version", "graph_def"]


@pytest.mark.parametrize("module", [torch, tensorboardX, mxboard, tensorboard])
def test_pickled(tmp_path: Path, module: Any) -> None:
    """A writer that is passed to another process writes a file of its own there."""
    with module.SummaryWriter(str(tmp_path)) as writer:
        writer.add_scalar("a", 1.0, 1)
        with pickle.loads(pickle.dumps(writer)) as other:
            other.add_scalar("b", 2.0, 1)
    found = {value.tag for event in events(tmp_path) for value in event.summary.value}
    assert found == {"a", "b"} and len(list(tmp_path.iterdir())) == 2


def test_verbose(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """verbose=True reports the directory to a logger of its own, at level INFO."""
    with caplog.at_level(logging.INFO):
        mxboard.SummaryWriter(str(tmp_path), verbose=False).close()
        assert not caplog.records
        mxboard.SummaryWriter(str(tmp_path)).close()
    assert [(one.name, one.levelname) for one in caplog.records] == \
        [("tbwriter.compat.mxboard.writer", "INFO")]


def test_records_and_events(tmp_path: Path) -> None:
    """Event files record by record, events as they are, session logs, and a graph at the start."""
    event = event_pb2.Event(wall_time=3.0, step=2, file_version="brain.Event:2")
    for number, module in enumerate((tensorboard, tensorboardX)):
        path = tmp_path / f"{number}.tfevents"
        records = module.RecordWriter(str(path))
        records.write(event.SerializeToString())
        assert events(path) == [event]
        records.flush()
        records.close()
    with pytest.raises(OSError):
        tensorboard.RecordWriter(str(tmp_path / "nowhere" / "file"))

    graph = graph_pb2.GraphDef(node=[node_def_pb2.NodeDef(name="a", op="b")])
    writer = tensorboard.FileWriter(str(tmp_path / "graph"), graph=graph)
    start = event_pb2.SessionLog(status=event_pb2.SessionLog.START)
    writer.add_session_log(start, 7)
    writer.add_graph_onnx(graph)
    with pytest.raises(TypeError, match="got a session_log of type int"):
        writer.add_session_log(3)
    writer.close()
    found = events(tmp_path / "graph")[1:]
    assert [one.WhichOneof("what") for one in found] == ["graph_def", "session_log", "graph_def"]
    assert (found[1].session_log, found[1].step) == (start, 7)
    assert graph_pb2.GraphDef.FromString(found[0].graph_def) == graph

    value = summary_pb2.Summary(value=[summary_pb2.Summary.Value(tag="a", simple_value=1)])
    low = event_file_writer.EventFileWriter(str(tmp_path / "low"), 10, 120)
    low.add_event(event_pb2.Event(summary=value, wall_time=1.0))
    low.close()
    low.add_event(event_pb2.Event(summary=value))
    low.close()
    assert abs(events(tmp_path / "low")[-1].wall_time - time.time()) < 60
    lower = event_file_writer.EventsWriter(str(tmp_path / "lower" / "events"))
    lower.write_event(event_pb2.Event(summary=value, wall_time=1.0))
    assert lower.flush() and lower.close()
    assert events(tmp_path / "low")[1].summary == events(tmp_path / "lower")[1].summary == value
    event_file_writer.directory_check(str(tmp_path / "made" / "below"))
    assert (tmp_path / "made" / "below").is_dir()


def test_helpers_of_records() -> None:
    """masked_crc32c is TensorBoard's, u32 keeps 32 bits, make_valid_tf_name replaces the rest."""
    from tensorboard.compat.tensorflow_stub.pywrap_tensorflow import masked_crc32c

    from tbwriter.compat.tensorboard import record_writer
    assert record_writer.masked_crc32c(b"tbwriter") == masked_crc32c(b"tbwriter")
    assert record_writer.u32(1 << 32 | 5) == 5
    assert record_writer.make_valid_tf_name("a b(c)") == "a_b_c"
    assert record_writer.make_valid_tf_name("-a") == ".-a"


def test_graphs_with_costs(tmp_path: Path) -> None:
    """FileWriter.add_graph takes (GraphDef, StepStats), as torch hands them over."""
    graph = graph_pb2.GraphDef(node=[node_def_pb2.NodeDef(name="a", op="b")])
    with torch.FileWriter(str(tmp_path)) as writer:
        writer.add_graph((graph, graph_pb2.GraphDef()))
        writer.add_onnx_graph(graph)
    found = events(tmp_path)[1:]
    assert [one.WhichOneof("what") for one in found] == \
        ["graph_def", "tagged_run_metadata", "graph_def"]
    assert found[1].tagged_run_metadata.tag == "step1"


def test_logging_stays_outside(tmp_path: Path) -> None:
    """Text that the program logs with `logging` does not get into the event file."""
    writer = tensorboard.FileWriter(str(tmp_path))
    logging.getLogger().warning("a line")
    writer.add_summary(tensorboard.summary.scalar("a", 1), 1)
    writer.close()
    assert len(events(tmp_path)) == 2


def test_values_are_tbwriters(tmp_path: Path) -> None:
    """All four write what tbwriter's own writer writes."""
    found: List[Any] = []
    writer: Any
    for number, writer in enumerate((
            SummaryWriter(str(tmp_path / "0")), torch.SummaryWriter(str(tmp_path / "1")),
            tensorboardX.SummaryWriter(str(tmp_path / "2")),
            mxboard.SummaryWriter(str(tmp_path / "3")),
            tensorboard.SummaryWriter(str(tmp_path / "4")))):
        with writer:
            writer.add_scalar("a", 0.1, 3)
            writer.add_histogram("h", np.arange(100.0), 3)
            writer.add_audio("s", np.linspace(-1, 1, 99), global_step=3)
        found.append([(event.step, event.summary) for event in events(tmp_path / str(number))[1:]])
    assert all(one == found[0] for one in found)


def test_exported_json_is_strict(tmp_path: Path) -> None:
    """No NaN or Infinity in the JSON, which its readers refuse."""
    with tensorboard.SummaryWriter(str(tmp_path)) as writer:
        writer.add_scalar("a", float("inf"), 1)
        writer.export_scalars_to_json(tmp_path / "all.json")
    content = json.loads((tmp_path / "all.json").read_text(), parse_constant=lambda _: 1 / 0)
    assert content["a"][0][1:] == [1, "Infinity"]


class _Raises:
    """An object of another package that fails in its own way."""

    def __iter__(self) -> Any:
        raise KeyError("no data")

    def SerializeToString(self) -> bytes:
        raise RuntimeError("no data")


def test_whatever_an_argument_raises(tmp_path: Path) -> None:
    """Also what these modules do themselves with an argument raises TypeError or ValueError with a
    text "got ..."; the next value is written."""
    for module in (torch, tensorboardX, mxboard, tensorboard):
        with module.SummaryWriter(str(tmp_path / module.__name__)) as writer:
            file_writer: Any = getattr(writer, "file_writer", None)
            calls: Any = [lambda: writer.add_embedding(*[_Raises()] * 3)]
            if module is not mxboard:
                calls += [lambda: module.summary.text(_Raises(), "text"),
                          lambda: writer.add_scalars("a", _Raises()),
                          lambda: file_writer.add_graph((_Raises(), _Raises())),
                          lambda: file_writer.add_graph(_Raises())]
            if module is tensorboard:
                calls.append(lambda: file_writer.add_session_log(_Raises()))
            for call in calls:
                with pytest.raises((TypeError, ValueError), match="^got "):
                    call()
            writer.add_scalar("after", 1.0, 1)
        (value,) = [value for event in events(tmp_path / module.__name__)
                    for value in event.summary.value]
        assert value.tag == "after"


def test_bytes_that_are_no_message(tmp_path: Path) -> None:
    """They are refused as a graph, as its costs and as a session log; a part of them that would be
    right is not written either."""
    garbage = b"\xff\n\x01"
    with tensorboard.FileWriter(str(tmp_path / "2017")) as writer:
        with pytest.raises(ValueError, match="^got "):
            writer.add_session_log(garbage)
    with torch.FileWriter(str(tmp_path / "torch")) as writer:
        for graph in ((garbage, b""), (b"", garbage)):
            with pytest.raises(ValueError, match="^got "):
                writer.add_graph(graph)
        writer.add_graph((b"", b""))
    assert [event.WhichOneof("what") for event in events(tmp_path / "torch")] == [
        "file_version", "graph_def", "tagged_run_metadata"]


def test_a_sparse_picture_of_2017() -> None:
    """`make_image` takes a sparse array of MXNet, as the other functions do."""
    mxnet = pytest.importorskip("mxnet")
    picture = tensorboard.summary.make_image(mxnet.nd.ones((2, 3)).tostype("csr"))
    assert (picture.height, picture.width) == (2, 3)


def test_torchvis(tmp_path: Path) -> None:
    """TorchVis calls its writer's methods; Visdom is not here, and another name is a mistake."""
    vis = tensorboardX.TorchVis(tensorboard={"logdir": str(tmp_path)})
    vis.add_scalar("loss", 0.5, 3)
    for attribute in ("add_sclar", "_private"):
        with pytest.raises(AttributeError, match=attribute):
            getattr(vis, attribute)
    with pytest.raises(NotImplementedError, match="visdom.Visdom"):
        vis.register("visdom")
    with pytest.raises(ValueError, match="want 'tensorboard'"):
        tensorboardX.TorchVis("tensorbord")
    vis.unregister("tensorboard")
    with pytest.raises(AttributeError):
        vis.add_scalar("loss", 0.25, 4)
    assert [event.step for event in events(tmp_path)] == [0, 3]
