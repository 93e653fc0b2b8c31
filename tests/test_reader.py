"""The reader: files of all writers, damaged and hostile ones."""
from __future__ import annotations

import os
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tbwriter import reader, summary
from tbwriter._proto import messages, wire
from tbwriter._tfrecord import frame
from tbwriter._tfrecord.crc32c import crc32c
from tests.support.data import DATA, event_of, scalar_event, written

from tests.support.judges import events as judged


def test_scalars_of_many_tags_and_layouts_are_those_of_real_protobuf(tmp_path):
    """Vectorised and single reading give the same points, in the file's order."""
    random = np.random.RandomState(0)
    tags = ["loss", "accuracy", "lr/a", "lr/b", "gradient norm of layer 12"]
    rows = [(tags[random.randint(len(tags))], int(random.choice([i, -i, i * 2**40])), i * 0.1)
            for i in range(4000)]
    path = written(tmp_path, [scalar_event(tag, value, step) for tag, step, value in rows])
    run = reader.read(str(tmp_path))["."]
    want = {tag: [] for tag in tags}
    for event in judged(path):
        for value in event.summary.value:
            want[value.tag].append((event.step, event.wall_time, value.simple_value))
    assert run.faults == []
    for tag in tags:
        assert list(zip(*map(list, run.scalars(tag)))) == want[tag]


@given(st.lists(st.tuples(st.sampled_from(["a", "b", "cc", ""]),
                          st.integers(-2**63, 2**63 - 1) | st.integers(0, 300),
                          st.floats(width=32, allow_nan=False)), max_size=120))
@settings(max_examples=40)
def test_any_row_of_scalars_comes_back(rows):
    """All written values are read, whatever steps and values are."""
    run = reader.Run(".", [b"".join(_record_of(scalar_event(tag, value, step))
                                    for tag, step, value in rows)])
    for tag in {row[0] for row in rows}:
        steps, _, values = run.scalars(tag)
        assert list(zip(steps, values)) == [(s, v) for t, s, v in rows if t == tag]


def _record_of(event):
    return b"".join(frame.frame([event]))


@pytest.mark.parametrize("writer", ["tensorflow", "torch", "tensorboardX", "tensorboard",
                                    "mxboard"])
def test_recorded_files_of_other_writers(writer):
    """The same things were logged with each: scalars, histogram, image, audio, text."""
    run = reader.read(str(DATA / writer))["."]
    assert run.faults == []
    first = {kind: tag for tag, kind in reversed(list(run.tags.items()))}
    steps, wall_times, values = run.scalars(first["scalar"])
    assert steps.tolist() == list(range(5))
    assert values.tolist() == [float(np.float32(1 / (step + 1))) for step in range(5)]
    assert (wall_times > 1.5e9).all()
    edges = run.histograms(first["histogram"]).values[0]
    assert edges.shape[1] == 3 and edges[:, 2].sum() == 101
    assert edges[0, 0] == -1 and edges[-1, 1] == 1
    if writer != "tensorboard":
        image = run.images(first["image"]).values[0]
        assert (image.width, image.height) == (8, 6)
        assert all(encoded.startswith(b"\x89PNG") for encoded in image.encoded)
    if writer in ("tensorflow", "torch", "tensorboardX"):
        assert run.audio("sound").values[0][0].startswith(b"RIFF")
    text = run.text(first["text"]).values[0]
    assert text == "**bold**" or text.tolist() == ["**bold**"]


def test_recorded_hparams_curves_and_tensors():
    """hparams with their types, PR curves [6, n], a double scalar to its last bit, a tensor."""
    for writer, name in [("tensorflow", "."), ("torch", "trial"), ("tensorboardX", "trial")]:
        hparams = reader.read(str(DATA / writer))[name].hparams
        assert hparams.values["lr"] == 0.1 and hparams.values["optimizer"] == "sgd"
        assert hparams.values["nesterov"] == 1
    run = reader.read(str(DATA / "torch"))["."]
    assert run.tensors("pr").values[0].shape == (6, 127)
    assert run.scalars("double").values.tolist() == [1 / 3]
    assert run.tensors("tensor/tensor" if "tensor/tensor" in run.tags else "tensor"
                       ).values[0].tolist() == [[0, 1, 2], [3, 4, 5]]
    assert reader.read(str(DATA / "torch"))["trial"].hparams.status in ("success", "unknown")


def test_runs_are_named_by_their_path(tmp_path):
    """Directories with event files are runs; cycles of links and other files are left alone."""
    for name in ["", "a", "a/b"]:
        (tmp_path / name).mkdir(exist_ok=True)
        written(tmp_path / name, [scalar_event("x", 1.0, 1)])
    (tmp_path / "notes.txt").write_text("no events")
    (tmp_path / "a" / "loop").symlink_to(tmp_path)
    assert sorted(reader.runs(str(tmp_path))) == [".", "a", "a/b"]
    with pytest.raises(FileNotFoundError, match="want a log directory"):
        reader.runs(str(tmp_path / "missing"))


@pytest.mark.parametrize("bad", [None, 5, 1.5, b"s", ["a"], ("s",), slice(1), bytearray(b"s")],
                         ids=repr)
def test_arguments_of_another_type(bad, tmp_path):
    """Every function and method raises TypeError at the call, with the value and the one wanted."""
    written(tmp_path, [scalar_event("s", 1.0, 1)])
    run = reader.read(tmp_path)["."]
    calls = [run.tag, run.scalars, run.histograms, run.images, run.audio, run.text, run.tensors,
             run.graph, reader.read, reader.runs, reader.last_steps,
             lambda pattern: reader.matches(pattern, "s"),
             lambda jobs: reader.read(tmp_path, jobs=jobs) if jobs != 5 else run.tag(5)]
    if not isinstance(bad, bytes):
        calls.append(reader.events)
    for call in calls:
        with pytest.raises(TypeError, match=r"got (?s:.*), want (a|an) (str|path|int)"):
            call(bad)


def test_a_path_may_be_a_pathlib_path(tmp_path):
    """Each function takes str and os.PathLike alike, and strings of numpy are tags."""
    written(tmp_path, [scalar_event("s", 1.0, 1)])
    path, = tmp_path.iterdir()
    assert [event.step for event in reader.events(path)] == [
        event.step for event in reader.events(str(path))]
    assert reader.last_steps(tmp_path) == {"s": 1}
    assert reader.read(path)["."].scalars(np.str_("s")).values.tolist() == [1]


def test_a_pipe_is_not_opened(tmp_path):
    """A pipe called like an event file would wait for ever: it is refused, or a fault of its run.
    """
    os.mkfifo(tmp_path / "events.out.tfevents.1.pipe")
    run = reader.read(str(tmp_path))["."]
    assert not run.tags and "not a regular file" in str(run.faults[0])
    with pytest.raises(reader.ReadError, match="not a regular file"):
        list(reader.events(str(tmp_path / "events.out.tfevents.1.pipe")))


def test_every_cut_reads_as_the_whole_records_before_it(tmp_path):
    """A torn tail ends the events without an error, and is reported with what it cost."""
    data = b"".join(_record_of(scalar_event("x", float(i), i)) for i in range(4))
    size = len(data) // 4 if len(data) % 4 == 0 else None
    ends = [record.end for record in _records(data)]
    for cut in range(len(data)):
        whole = sum(end <= cut for end in ends)
        assert len(list(reader.events(data[:cut]))) == whole
        faults = []
        assert len(list(reader.events(data[:cut], faults))) == whole
        torn = cut - ([0] + ends)[whole]
        assert [(fault.kind, fault.nbytes) for fault in faults] == (
            [("torn tail", torn)] if torn else [])
    assert size is None or size > 16


def _records(data):
    from tbwriter._files.records import records
    from tbwriter._files.window import Window

    with Window(data) as window:
        return list(records(window))


def _damaged(how):
    records = [_record_of(scalar_event("x", float(i), i)) for i in range(100)]
    middle = bytearray(records[50])
    if how == "torn":
        records[50] = bytes(middle[:20])
    elif how == "header":
        middle[0] ^= 1
        records[50] = bytes(middle)
    elif how == "data":
        middle[-8] ^= 1
        records[50] = bytes(middle)
    elif how == "zeros":
        records[50] += bytes(1000)
    elif how == "event":
        records[50] = _record_of(b"\xff\xff\xff")
    elif how == "huge":
        length = struct.pack("<Q", 1 << 40)
        records[50] = length + struct.pack("<I", frame.masked(crc32c(length)))
    return b"".join(records)


@pytest.mark.parametrize("how, kind, kept", [
    ("torn", "torn record", 99), ("header", "bad length", 99), ("data", "bad data", 99),
    ("zeros", "zero bytes", 100), ("event", "bad event", 99), ("huge", "huge length", 99),
])
def test_reading_continues_after_damage(how, kind, kept):
    """One bad place costs one record, is reported once, and raises in strict reading."""
    data = _damaged(how)
    faults = []
    steps = [event.step for event in reader.events(data, faults)]
    assert len(steps) == kept and steps == sorted(steps)
    assert [fault.kind for fault in faults] == [kind]
    run = reader.Run(".", [data])
    assert run.scalars("x").steps.tolist() == steps
    assert [fault.kind for fault in run.faults] == [kind]
    with pytest.raises(reader.ReadError, match=f"byte {faults[0].offset}: "):
        list(reader.events(data))


def test_every_wrong_byte_is_noticed():
    """Each of the file's bytes, changed, leads to a fault; at most one record is lost by it."""
    data = b"".join(_record_of(scalar_event("x", float(i), i)) for i in range(40))
    for at in range(0, len(data), 7):
        hurt = bytearray(data)
        hurt[at] ^= 0x41
        run = reader.Run(".", [bytes(hurt)])
        assert len(run.faults) == 1
        assert len(run.scalars("x").steps) == 39


def test_last_steps(tmp_path):
    """The step of each tag's last value, over all files of a run, damage passed over."""
    assert reader.last_steps(str(tmp_path / "missing")) == {}
    first = [scalar_event("a", 0.5, step) for step in range(200)] + [scalar_event("b", 1.0, 7)]
    written(tmp_path, first, "1")
    written(tmp_path, [scalar_event("a", 0.5, 200)], "2")
    with open(tmp_path / "events.out.tfevents.3", "wb") as file:
        file.write(_damaged("torn"))
    assert reader.last_steps(str(tmp_path)) == {"a": 200, "b": 7, "x": 99}


def test_last_steps_knows_restarts(tmp_path):
    """Values that a restart removed do not count: the next number is that of the restart."""
    first = [scalar_event("a", 0.5, step) for step in range(10)] + [scalar_event("b", 1.0, 2)]
    restart = wire.double_field(1, 1e9) + wire.int_field(2, 5) + wire.bytes_field(
        7, messages.SESSION_START)
    written(tmp_path, [*first, restart, scalar_event("c", 1.0, 5)])
    assert reader.last_steps(str(tmp_path)) == {"a": 4, "b": 2, "c": 5}


def test_unknown_tags_and_wrong_kinds_are_refused(tmp_path):
    """KeyError and ValueError name what was asked for and what is there."""
    written(tmp_path, [scalar_event("x", 1.0, 1)])
    run = reader.read(str(tmp_path))["."]
    with pytest.raises(KeyError, match="'y'"):
        run.scalars("y")
    with pytest.raises(ValueError, match="of kind scalar, want image"):
        run.images("x")
    assert run.tags == {"x": "scalar"} and run.tag("x").n == 1 and run.hparams is None


def test_tensors_of_every_type():
    """Each DataType is read from content and from lists as TensorBoard's make_ndarray reads it."""
    from tensorboard.compat.proto import types_pb2
    from tensorboard.compat.proto.tensor_pb2 import TensorProto
    from tensorboard.util.tensor_util import make_ndarray, make_tensor_proto

    from tbwriter._proto.tensors import array_of

    for name in ["float32", "float64", "int32", "uint8", "int16", "int8", "int64", "bool",
                 "uint16", "float16", "complex64", "complex128"]:
        want = np.array([[0, 1, 2], [3, 4, 100]]).astype(name)
        for proto in (make_tensor_proto(want), make_tensor_proto(want.tolist(), dtype=want.dtype)):
            got = array_of(proto.SerializeToString())
            assert got.dtype == want.dtype and (got == make_ndarray(proto)).all()
    # half_val holds bfloat16 as the upper half of a float32; numpy itself has no such type.
    proto = TensorProto(dtype=types_pb2.DT_BFLOAT16, half_val=[0x3F80, 0xBF00, 0x4049])
    proto.tensor_shape.dim.add(size=3)
    assert array_of(proto.SerializeToString()).tolist() == [1.0, -0.5, 3.140625]
    proto = make_tensor_proto(["a", "bc"])
    assert array_of(proto.SerializeToString()).tolist() == [b"a", b"bc"]
    assert types_pb2.DT_STRING == 7


def test_a_tensor_that_claims_a_huge_shape_takes_no_memory():
    """One element for all of a small shape is a view; a huge shape is refused, and so are more
    elements than the shape has."""
    from tbwriter._proto.tensors import array_of
    from tbwriter._proto.wire import WireError

    shape = b"".join(wire.bytes_field(2, wire.int_field(1, 1 << 20)) for _ in range(2))
    head = wire.int_field(1, 1) + wire.bytes_field(2, shape)
    one = struct.pack("<f", 2.0)
    with pytest.raises(WireError, match="1 element for all"):
        array_of(head + wire.bytes_field(5, one))
    small = wire.bytes_field(2, wire.bytes_field(2, wire.int_field(1, 1 << 10)))
    filled = array_of(wire.int_field(1, 1) + small + wire.bytes_field(5, one))
    assert filled.shape == (1 << 10,) and not any(filled.strides)
    with pytest.raises(WireError, match="2 elements"):
        array_of(head + wire.bytes_field(5, struct.pack("<2f", 2.0, 3.0)))
    assert summary.scalar("x", 1).tags == ("x",)


def test_an_image_is_read_from_its_file_when_asked(tmp_path):
    """A file that changed under a run gives ReadError, not other bytes."""
    import shutil

    shutil.copytree(DATA / "tensorflow", tmp_path / "run")
    run = reader.read(str(tmp_path / "run"))["."]
    path = Path(run.files[0])
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(reader.ReadError, match="changed"):
        run.images("samples")


def test_scalars_take_24_bytes_each_and_pictures_none(tmp_path):
    """A run holds the numbers of its scalars, and of everything else only the places."""
    import tracemalloc

    records = b"".join(_record_of(scalar_event("x", float(i), i)) for i in range(100_000))
    text = _record_of(b"".join(messages.event(1.6e9, 1, summary.text("t", "x" * 1_000_000)
                                            .event_field())))
    data = records + text * 5
    reader.Run(".", [records])  # what is imported and cached once is not counted
    tracemalloc.start()
    run = reader.Run(".", [data])
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert run.tag("x").n == 100_000 and run.tag("t").n == 5
    # Arrays grow by an eighth in advance.
    assert 24 * 100_000 <= held < 24 * 100_000 * 9 / 8 + 200_000


@pytest.mark.parametrize("kind", ["graph", "tag"])
def test_graphs(kind):
    """A run's graph is the GraphDef's own bytes; that of a tag is called by it."""
    nodes = [summary.Node("a", "Op")]
    if kind == "graph":
        made, name = summary.graph(nodes), reader.RUN_GRAPH
    else:
        made, name = summary.costs("step", [summary.Cost("a", 1.0, 2)]), "step"
    event = b"".join(messages.event(1.6e9, 0, made.event_field()))
    run = reader.Run(".", [_record_of(event)])
    assert run.graph(name) and run.graph(name) in event


@pytest.mark.parametrize("gap", [1, 15, 16, 17, 70_000, 5_000_000])
def test_a_gap_of_zeros(gap):
    """However many zero bytes are between two records, the second one is found."""
    record = _record_of(scalar_event("x", 1.0, 1))
    large = _record_of(_event_of_size(1 << 16))  # whose length begins with zeros itself
    for behind in (record, large):
        faults = []
        data = record + bytes(gap) + behind
        assert len(list(reader.events(data, faults))) == 2
        assert {fault.kind for fault in faults} <= {"zero bytes", "bad length"}


def _event_of_size(size):
    """An event of exactly this many bytes."""
    made = b"".join(messages.event(1.6e9, 1, summary.text("t", "x" * (size - 100)).event_field()))
    return b"".join(messages.event(1.6e9, 1, summary.text(
        "t", "x" * (size - 100 + size - len(made))).event_field()))


@given(st.binary(max_size=40) | st.lists(st.integers(0, 1), max_size=40).map(bytes))
def test_where_a_record_may_begin(data):
    """Wherever four bytes that are not all zero come before four zeros, and nowhere else."""
    from tbwriter._files.records import _candidates
    assert list(_candidates(data)) == [
        i for i in range(len(data) - 7) if any(data[i:i + 4]) and not any(data[i + 4:i + 8])]


def test_what_a_run_says_of_itself(tmp_path):
    """The repr says what there is and where; of a series, how much; of images, no bytes."""
    events = [scalar_event("loss", float(i), i) for i in range(3)]
    picture = event_of(summary.image("i", np.zeros((3, 4, 6), np.uint8)), 5)
    path = written(tmp_path / "train", [*events, picture])
    run = reader.read(str(tmp_path))["train"]
    assert repr(run) == f"<Run 'train': 1 scalar, 1 image; {path}>"
    assert repr(run.scalars("loss")) == "<Series: 3 values, steps 0 to 2>"
    assert repr(run.images("i").values[0]).startswith("<Images of 6 x 4: files of ")
    assert "in memory" in repr(reader.Run(".", [b""]))


def test_a_run_in_a_notebook(tmp_path):
    """The table names each tag with a chart, everything escaped: it is well-formed and has no
    element but its own, whatever tags and damage there are."""
    hostile = "<script>alert('&')</script>"
    events = [scalar_event(tag, value, step) for tag in (hostile, "flat", "nan")
              for step, value in enumerate([1.0, 1.0 if tag == "flat" else 2.0,
                                            float("nan") if tag == "nan" else 1.0])]
    data = b"".join(_record_of(event) for event in events) + b"torn"
    from xml.etree import ElementTree
    tree = ElementTree.fromstring(reader.Run(hostile, [data])._repr_html_())
    assert {element.tag for element in tree.iter()} == {
        "div", "b", "table", "thead", "tbody", "tr", "th", "td", "svg", "polyline"}
    cells = [["".join(cell.itertext()) for cell in row] for row in tree.iter("tr")]
    assert cells[1][:5] == [hostile, "scalar", "3", "0 to 2", "1"] and cells[3][4] == "nan"
    assert len(list(tree.iter("polyline"))) == 3 and "torn tail" in "".join(tree.itertext())
    many = [scalar_event(f"tag{i}", 1.0, 1) for i in range(100)]
    assert "and 60 more tags" in reader.Run(".", [b"".join(map(_record_of, many))])._repr_html_()


@pytest.mark.parametrize("kind", ["text", "image", "histogram"])
def test_a_damaged_value_costs_itself(kind):
    """The other values of its tag are read, and the fault is reported."""
    good = {"text": summary.text("t", "good"), "histogram": summary.histogram("t", [1.0, 2.0]),
            "image": summary.image("t", np.zeros((2, 2, 3), np.uint8))}[kind]
    events = [event_of(good, step) for step in range(3)]
    tensor = wire.int_field(1, 7) + wire.bytes_field(2, wire.bytes_field(2, wire.int_field(1, 9)))
    bad = wire.string_field(1, "t") + wire.bytes_field(8, tensor)
    events[1] = wire.double_field(1, 1.0) + wire.int_field(2, 1) + wire.bytes_field(
        5, wire.bytes_field(1, bad))
    run = reader.Run(".", [b"".join(map(_record_of, events))])
    read = {"text": run.text, "image": run.images, "histogram": run.histograms}[kind]
    assert read("t").steps.tolist() == [0, 2] and len(read("t").values) == 2
    assert [fault.kind for fault in run.faults] == ["bad event"] and "'t'" in str(run.faults[0])


def test_values_of_another_kind_are_reported():
    """A tag keeps the kind of its first value; how many others there are is said, by both ways of
    decoding."""
    for count in (1, 50):
        events = [event_of(summary.histogram("x", [1.0]), 0),
                  *(scalar_event("x", 1.0, step) for step in range(1, count + 1))]
        run = reader.Run(".", [b"".join(map(_record_of, events))])
        assert run.tags == {"x": "histogram"} and run.tag("x").n == 1
        assert f"got {count} values of tag 'x' of another kind" in str(run.faults)


@pytest.mark.parametrize("first, later, want", [
    (("", 2), ("pr_curves", 8), ("scalar", "")), (("", 2), ("text", 8), ("scalar", "")),
    (("", 2), ("pr_curves", 2), ("scalar", "")), (("", 2), ("flight", 8), ("scalar", "")),
    (("", 2), ("scalars", 8), ("scalar", "scalars")), (("", 8), ("text", 8), ("tensor", "text")),
    (("", 8), ("scalars", 2), ("tensor", "")), (("text", 8), ("mesh", 8), ("text", "text")),
])
def test_metadata_of_another_kind_is_not_the_tags(first, later, want):
    """A tag has the first metadata that names the plugin of its kind; tensors without metadata are
    described by the first that has some."""
    fields = {2: wire.float_field(2, 1.0), 8: wire.bytes_field(8, wire.int_field(1, 1)
                                                               + wire.bytes_field(5, bytes(4)))}
    events = [wire.int_field(2, step) + wire.bytes_field(5, wire.bytes_field(1, b"".join([
        wire.string_field(1, "x"), fields[form], messages.metadata(name) if name else b""])))
        for step, (name, form) in enumerate([first, later, first])]
    found = reader.Run(".", [b"".join(map(_record_of, events))]).tag("x")
    assert (found.kind, found.plugin) == want


def test_values_of_another_kind_of_many_tags(tmp_path, monkeypatch):
    """Where many tags have values of another kind, some are faults, and `more` counts others."""
    monkeypatch.setattr("tbwriter._files.records.MOST_LISTED", 5)
    monkeypatch.setattr("tbwriter._reading.columns.MOST_LISTED", 5)
    path = written(tmp_path, [event for at in range(20) for event in (
        event_of(summary.text(f"t{at}", "first"), 1), scalar_event(f"t{at}", 0.5, 2),
        scalar_event(f"t{at}", 0.5, 3))])
    run = reader.Run(".", [str(path)])
    assert [fault.kind for fault in run.faults] == ["bad event"] * 5
    assert all("got 2 values of tag 't" in str(fault) for fault in run.faults)
    assert run.faults.more == 15 * 2
    assert set(run.tags.values()) == {"text"}


@pytest.mark.parametrize("shape", [(1 << 26, 3), (1 << 40, 3), (1 << 33,), (-1,)])
@pytest.mark.parametrize("plugin", ["histograms", "text", "pr_curves", "scalars"])
def test_shapes_that_lie(shape, plugin):
    """One element for a huge shape takes neither memory nor time, whatever reads it."""
    dims = b"".join(wire.bytes_field(2, wire.int_field(1, size)) for size in shape)
    one = wire.bytes_field(8, b"a") if plugin == "text" else wire.bytes_field(5, bytes(4))
    tensor = wire.int_field(1, 7 if plugin == "text" else 1) + wire.bytes_field(2, dims) + one
    value = wire.string_field(1, "t") + wire.bytes_field(8, tensor) + messages.metadata(plugin, b"")
    data = _record_of(wire.double_field(1, 1.0) + wire.bytes_field(5, wire.bytes_field(1, value)))
    import tracemalloc
    tracemalloc.start()
    run = reader.Run(".", [data])
    for kind in run.tags.values():
        read = {"histogram": run.histograms, "text": run.text}.get(kind, run.tensors)
        assert read("t").values == []
    assert tracemalloc.get_traced_memory()[1] < 1 << 22
    tracemalloc.stop()
    assert run.faults
