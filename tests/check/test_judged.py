"""TensorBoard itself, in both loaders, shows what a finding says that it shows."""
from __future__ import annotations

import math
import struct
import time
from pathlib import Path
from typing import Any, List

import numpy as np
import pytest
import tensorboard
from google.protobuf.message import DecodeError

from tbwriter._files.projector import MOST_BYTES
from tbwriter._proto import wire
from tbwriter.check import check
from tbwriter.cli._rewrite import places, rewrite
from tests.check.broken import BROKEN, FORMS
from tests.check.broken.projector import config
from tests.check.making import (FULL, PNG, flipped, histo, plugin, raw, rows, rules, strings,
                                tensor, value_event)
from tests.support.data import VERSION, record_of, scalar_event, written
from tests.support.judges import board, both_loaders, http


# TensorBoard serves no files outside the directory of a projector config, since 2.21.
PATHS_ARE_CONFINED = [int(part) for part in tensorboard.__version__.split(".")[:2]] >= [2, 21]


def _shown(directory: Path, loader: str) -> List[Any]:
    with board(directory, loader) as shown:
        return [step for step, _ in shown.scalars(".", "x")]


@both_loaders
@pytest.mark.parametrize("rule, fast, python", [
    ("repeated steps", [0, 1, 2, 3, 4], [0, 1, 2, 3, 4, 4]),
    ("decreasing steps", [0, 1, 2], [0, 1, 2, 3, 4, 2]),
    ("restart not seen", [0, 1, 2], [0, 1, 2, 3, 4, 2]),
    ("wall_time infinite", [0, 1, 2, 3, 4], [0, 1, 2, 3, 4, 9]),
    ("no plugin", [0, 1, 2, 3, 4], [0, 1, 2, 3, 4]),
])
def test_what_tensorboard_shows(rule, fast, python, loader, tmp_path):
    """The claims about steps and times hold in stock TensorBoard."""
    BROKEN[rule](tmp_path)
    assert _shown(tmp_path, loader) == (fast if loader == "fast" else python)


@both_loaders
def test_a_double_scalar_is_shown_by_one_loader_only(loader, tmp_path):
    """As the finding says: not by the fast one."""
    BROKEN["scalar type"](tmp_path)
    with board(tmp_path, loader) as shown:
        assert ("d" in shown.tags("scalars")) == (loader == "python")


@both_loaders
@pytest.mark.parametrize("rule", ["late metadata", "no plugin", "plugin version", "data class"])
def test_a_tag_that_neither_loader_shows(rule, loader, tmp_path):
    """The text is in the file and in no dashboard."""
    BROKEN[rule](tmp_path)
    with http(tmp_path, loader) as shown:
        assert "t" not in shown.json("/data/plugin/text/tags").get(".", [])


# A value that each plugin shows, with the store in which `board` finds it.
CLASSES = {
    "scalars": (1, "scalars", tensor(1, [], struct.pack("<f", 1))),
    "histograms": (2, "tensors", tensor(2, [1, 3], struct.pack("<3d", 0, 1, 2))),
    "images": (3, "blobs", strings([3], [b"1", b"1", PNG])),
    "audio": (3, "blobs", strings([1], [b"RIFF"])),
    "text": (2, "tensors", strings([], [b"a"])),
    "pr_curves": (2, "tensors", tensor(1, [6, 4], bytes(96))),
    "custom_scalars": (2, "tensors", strings([], [b""])),
}


@both_loaders
@pytest.mark.parametrize("data_class", [0, 1, 2, 3])
def test_the_data_class_of_each_plugin(data_class, loader, tmp_path):
    """A tag of another class than its plugin's is in neither loader, and found; others are."""
    for name, (wanted, store, value) in CLASSES.items():
        tag = "custom_scalars__config__" if name == "custom_scalars" else "t"
        written(tmp_path / name, [value_event(tag, value, plugin(name, b"", data_class))])
        fits = data_class in (0, wanted)
        assert rules(check(str(tmp_path / name))) == ([] if fits else ["data class"])
        with board(tmp_path / name, loader) as shown:
            series = getattr(shown, store)(*[name] * (store != "scalars"), ".", tag)
        assert bool(series) == fits, name


@both_loaders
@pytest.mark.parametrize("data_class", [1, 2, 3])
def test_the_data_class_of_the_older_forms(data_class, loader, tmp_path):
    """The Python loader decides by the form of a value that is not a tensor, the fast one does
    not."""
    written(tmp_path, [value_event("t", b"\x15" + bytes(4), plugin("scalars", b"", data_class))])
    fits = data_class == 1
    assert rules(check(str(tmp_path))) == ([] if fits else ["data class"])
    with board(tmp_path, loader) as shown:
        assert len(shown.scalars(".", "t")) == (loader == "python" or fits)


@both_loaders
@pytest.mark.parametrize("data_class", [0, 1, 2, 3])
@pytest.mark.parametrize("name", ["pr_curves", "flight", ""])
def test_the_older_forms_with_metadata_of_another_plugin(name, data_class, loader, tmp_path):
    """The fast loader hides them if the metadata has a data_class, which is found; the Python
    loader shows them by their form."""
    forms = {"scalars": b"\x15" + bytes(4), "histograms": histo(0.5, 1.0),
             "images": wire.bytes_field(4, wire.bytes_field(4, PNG))}
    for form, value in forms.items():
        written(tmp_path / form, [value_event("t", value, plugin(name, b"", data_class))])
        assert rules(check(str(tmp_path / form))) == (["data class"] if data_class else [])
        with board(tmp_path / form, loader) as shown:
            assert ("t" in shown.tags(form)) == (loader == "python" or not data_class), form


@both_loaders
def test_late_metadata_hides_what_it_would_describe(loader, tmp_path):
    """The same values with metadata from the first on are shown."""
    written(tmp_path, [value_event("t", strings((), [b"a"]), plugin("text", b"", 2), step=i)
                       for i in (1, 2)])
    assert check(str(tmp_path)) == []
    with http(tmp_path, loader) as shown:
        assert shown.json("/data/plugin/text/tags") == {".": ["t"]}


REFUSED = [
    # Rule, request, and whether each loader answers it with an error.
    ("no value", "text/tags", {}, "python"),
    ("plugin content", "text/tags", {}, "both"),
    ("tensor elements", "text/text", {"run": ".", "tag": "t"}, "both"),
    ("text encoding", "text/text", {"run": ".", "tag": "t"}, "both"),
    ("curve NaN", "pr_curves/pr_curves", {"run": ".", "tag": "p"}, "both"),
    ("curve shape", "pr_curves/pr_curves", {"run": ".", "tag": "p"}, "both"),
    ("audio clips", "audio/audio", {"run": ".", "tag": "a", "sample": 1}, "both"),
    ("kind changes", "scalars/scalars", {"run": ".", "tag": "x"}, "python"),
    ("layout content", "custom_scalars/layout", {}, "both"),
    ("graph content", "graphs/graph", {"run": "."}, "both"),
    ("hparams tag", "hparams/experiment", {"request": "{}"}, "python"),
    ("projector tensor", "projector/tensor", {"run": ".", "name": "e"}, "both"),
]


@both_loaders
@pytest.mark.parametrize("rule, path, question, who", REFUSED, ids=[row[0] for row in REFUSED])
def test_what_tensorboard_refuses(rule, path, question, who, loader, tmp_path):
    """Where a finding speaks of an HTTP error, TensorBoard answers with one."""
    BROKEN[rule](tmp_path)
    with http(tmp_path, loader, strict=False) as shown:
        if who in ("both", loader):
            with pytest.raises(AssertionError, match="HTTP [45]0"):
                shown.bytes(path, **question)
        else:
            shown.bytes(path, **question)


@both_loaders
def test_a_histogram_of_integers(loader, tmp_path):
    """It is found, and Distributions answers with an error."""
    content = np.array([[0, 1, 2], [1, 2, 3]], "<i8").tobytes()
    written(tmp_path, [value_event("h", tensor(9, (2, 3), content), plugin("histograms", b"", 2))])
    assert rules(check(str(tmp_path))) == ["histogram shape"]
    with http(tmp_path, loader) as shown, pytest.raises(AssertionError, match="HTTP 50"):
        shown.json("distributions/distributions", run=".", tag="h")


@both_loaders
def test_a_directory_called_like_an_event_file(loader, tmp_path):
    """The Python loader does not even list the runs."""
    BROKEN["directory name"](tmp_path)
    if loader == "fast":
        with http(tmp_path, loader) as shown:
            assert shown.json("/data/runs") == ["my.tfevents"]
    else:
        with pytest.raises(IsADirectoryError), board(tmp_path, loader) as shown:
            shown.runs()


@pytest.mark.parametrize("rule, plugin, tag", [
    ("histogram shape", "histograms", "h"), ("image shape", "images", "i"),
    ("audio shape", "audio", "a")])
def test_points_that_the_fast_loader_drops(rule, plugin, tag, tmp_path):
    """Values of a wrong shape are not there in the fast loader."""
    BROKEN[rule](tmp_path)
    with board(tmp_path, "fast") as shown:
        read = shown.tensors if plugin == "histograms" else shown.blobs
        assert tag not in shown.tags(plugin) or read(plugin, ".", tag) == []


@both_loaders
@pytest.mark.parametrize("rule", ["torn record", "bad length", "zero bytes", "bad event"])
def test_nothing_after_damage_is_shown(rule, loader, tmp_path):
    """The loaders stop where the finding says, and complain; repair brings the rest back."""
    (tmp_path / "logs").mkdir()
    BROKEN[rule](tmp_path / "logs")
    with pytest.raises((AssertionError, ValueError, DecodeError)), \
            board(tmp_path / "logs", loader) as shown:
        steps = [step for step, _ in shown.scalars(".", "x")]
        assert rule in ("zero bytes", "bad event") or steps == [0, 1, 2, 3, 4]
        assert loader == "fast"  # which reports it in its log, the other stops silently
    rewrite(places([str(tmp_path / "logs")]), str(tmp_path / "new"))
    found = {"torn record": [0, 1, 3, 4], "bad length": [0, 1, 3, 4]}.get(rule, [0, 1, 2, 3, 4])
    assert _shown(tmp_path / "new", loader) == found


def _after(*records: bytes) -> List[bytes]:
    """Records with good ones before and after them."""
    return [*FULL[:2], *records, *FULL[2:]]


def _no_event() -> bytes:
    """A whole record except for one byte, so that it is no longer an event."""
    hurt = bytearray(FULL[2])
    hurt[12] ^= 3
    return bytes(hurt)


NAN = record_of(scalar_event("x", 1.0, 2, math.nan))


BAD_EVENT = record_of(value_event("x", wire.bytes_field(9, b"\xff")))


# The node's name is a number.
BAD_FIELD = record_of(value_event("x", wire.float_field(2, 5.0), wire.int_field(7, 1), step=2))


# The fault, and the steps of "x" that each loader shows, or the error that ends the loading.
ROWS = [
    ("torn tail", lambda d: raw(d, *FULL, FULL[0][:20]), [0, 1, 2, 3, 4], [0, 1, 2, 3, 4]),
    ("bad data", lambda d: raw(d, *flipped(-6)), [0, 1, 2, 3, 4], [0, 1]),
    ("bad data: no event", lambda d: raw(d, *_after(_no_event())), [0, 1], [0, 1]),
    ("bad event", lambda d: raw(d, *_after(BAD_EVENT)), [0, 1], DecodeError),
    ("bad field", lambda d: raw(d, *_after(BAD_FIELD)), [0, 1], [0, 1, 2, 2, 3, 4]),
    ("huge length", BROKEN["huge length"], AssertionError, (MemoryError, OverflowError)),
    ("12 zero bytes", lambda d: raw(d, *_after(bytes(12))), [0, 1], [0, 1]),
    ("unreadable", BROKEN["unreadable"], [], []),
    ("no file version", lambda d: written(d, [*rows(), scalar_event("x", 9.0, 2),
                                              scalar_event("x", 9.0, 3)], version=False),
     [0, 1, 2, 3], [0, 1, 2, 3]),
    ("wall_time NaN", lambda d: raw(d, *_after(NAN)), [0, 1], [0, 1, 2, 2, 3, 4]),
    ("file order", lambda d: (raw(d, *FULL[:3], name="9"), raw(d, *FULL[3:], name="10")),
     [0, 1, 2], [3, 4, 0, 1, 2]),
    ("two writers", lambda d: (raw(d, *FULL), raw(d, FULL[2], name="1600000001")),
     [0, 1, 2], [0, 1, 2, 3, 4, 2]),
    ("kind changes", BROKEN["kind changes"], [0, 1, 2, 3, 4], ValueError),
]


@both_loaders
@pytest.mark.parametrize("make, fast, python", [row[1:] for row in ROWS],
                         ids=[row[0] for row in ROWS])
def test_what_is_shown_of_damage(make, fast, python, loader, tmp_path):
    """The points that a finding leaves are shown by the loader as users have it, and no others."""
    make(tmp_path)
    shown = fast if loader == "fast" else python
    if not isinstance(shown, list):
        with pytest.raises(shown), board(tmp_path, loader, strict=False) as judge:
            judge.scalars(".", "x")
    else:
        with board(tmp_path, loader, strict=False) as judge:
            assert [step for step, _ in judge.scalars(".", "x")] == shown


@both_loaders
def test_a_torn_tail_is_waited_for(loader, tmp_path):
    """A growing file is shown further once its torn record is completed."""
    path = tmp_path / "events.out.tfevents.1"
    path.write_bytes(record_of(VERSION) + b"".join(FULL[:2]) + FULL[2][:20])
    if loader == "python":
        from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
        live = EventAccumulator(str(tmp_path), {"tensors": 0}).Reload()
        assert len(live.Scalars("x")) == 2
        path.write_bytes(path.read_bytes() + FULL[2][20:] + FULL[3])
        assert len(live.Reload().Scalars("x")) == 4
    else:
        with http(tmp_path, loader, reload=1) as shown:
            asked = {"run": ".", "tag": "x"}
            assert len(shown.json("scalars/scalars", **asked)) == 2
            path.write_bytes(path.read_bytes() + FULL[2][20:] + FULL[3])
            end = time.monotonic() + 60
            while len(shown.json("scalars/scalars", **asked)) < 4:
                assert time.monotonic() < end, "the fast loader has stopped"
                time.sleep(0.1)


@both_loaders
def test_runs_without_events(loader, tmp_path):
    """A directory without event files is no run; an empty file is one in the Python loader."""
    BROKEN["no runs"](tmp_path)
    with board(tmp_path, loader) as shown:
        assert shown.runs() == []
    BROKEN["no events"](tmp_path)
    with board(tmp_path, loader) as shown:
        assert shown.runs() == (["."] if loader == "python" else [])


@both_loaders
def test_which_of_two_images_is_shown(loader, tmp_path):
    """Of an image that comes twice at a step: the last in the fast loader, the first in the other.
    """
    written(tmp_path, [value_event("i", strings((3,), [b"1", b"1", b"BM" + text]),
                                   plugin("images", b"", 3)) for text in (b"first", b"last")])
    with board(tmp_path, loader) as shown:
        (_, blobs), = shown.blobs("images", ".", "i")
    assert blobs[2] == (b"BMlast" if loader == "fast" else b"BMfirst")


@both_loaders
def test_what_is_shown_of_wrong_values(loader, tmp_path):
    """No point in one loader, and a broken one in the other, or in both."""
    fast = loader == "fast"
    for rule in ("image shape", "audio shape", "histogram shape", "histogram range",
                 "lost metadata"):
        (tmp_path / rule).mkdir()
        BROKEN[rule](tmp_path / rule)
    with board(tmp_path, loader) as shown:
        if fast:
            assert shown.blobs("images", "image shape", "i") == []
        else:
            with pytest.raises(IndexError):
                shown.blobs("images", "image shape", "i")
        assert len(shown.blobs("audio", "audio shape", "a")) == (0 if fast else 1)
        for _, row in shown.tensors("histograms", "histogram shape", "h"):
            assert not fast and row.shape == (0, 3)
        (_, row), = shown.tensors("histograms", "histogram range", "h")
        assert math.isnan(row[0, 0])
        said = shown.tags("scalars", "lost metadata")["x"].description
        assert said == ("" if fast else "d")
        assert shown.scalars("lost metadata", "x") == [(1, 1.0)]


@both_loaders
@pytest.mark.parametrize("shape, clips, data_class, fast, python", [
    ((2, 3), [b"RIFF1", b"x", b"y", b"RIFF2", b"x", b"y"], 0, 0, [b"RIFF1", b"RIFF2"]),
    ((2, 2), [b"RIFF1", b"label", b"RIFF2", b"label"], 3, 2, [b"RI", b"RI"]),
    ((), [b"RIFF1"], 3, 0, None),
])
def test_clips_of_other_shapes(shape, clips, data_class, fast, python, loader, tmp_path):
    """The fast loader has clips of [clips, 2] only; the other serves the first of each row, cuts
    the clips, or answers with an error."""
    written(tmp_path, [value_event("a", strings(shape, clips),
                                   plugin("audio", b"\x10\x0b", data_class))])
    assert rules(check(str(tmp_path))) == ["audio shape"]
    if loader == "fast":
        with board(tmp_path, loader) as shown:
            points = shown.blobs("audio", ".", "a")
        assert points == ([(1, [b"RIFF1", b"RIFF2"])] if fast else [])
        return
    with http(tmp_path, loader) as shown:
        for sample, wanted in enumerate(python or [None]):
            entry, = shown.json("audio/audio", run=".", tag="a", sample=sample)
            question = "audio/individualAudio?" + entry["query"]
            if wanted is None:
                with pytest.raises(AssertionError, match="HTTP 500"):
                    shown.bytes(question)
            else:
                assert shown.bytes(question) == wanted


@both_loaders
def test_what_dashboards_answer(loader, tmp_path):
    """Text without a value, images that are not images, layouts and hyperparameters that are not
    found, a mesh without a shape, a projector config that names a missing file."""
    for rule in ("image format", "layout tag", "mesh parts", "projector config"):
        (tmp_path / rule).mkdir()
        BROKEN[rule](tmp_path / rule)
    if loader == "fast":
        written(tmp_path / "no value", [value_event("t", plugin("text", b"", 2)),
                                        value_event("i", plugin("images", b"", 3))])
    with http(tmp_path, loader) as shown:
        asked = {"run": "image format", "tag": "i", "sample": 0}
        image, = shown.json("images/images", **asked)
        assert shown.get("images/individualImage?" + image["query"]) == (
            b"<svg/>", "application/octet-stream")
        assert shown.json("custom_scalars/layout") == {}
        for path in ("mesh/tags", "projector/runs"):
            with pytest.raises(AssertionError, match="HTTP 500"):
                shown.bytes(path)
        if loader == "fast":
            text, = shown.json("text/text", run="no value", tag="t")
            assert "<td>" not in text["text"]
            assert "no value" not in shown.json("images/tags")


@both_loaders
@pytest.mark.parametrize("rule, columns", [
    ("hparams experiments", [{"a"}, {"b"}]), ("hparams hidden", [{"a"}]),
    ("hparams tag", [set()])])
def test_which_hyperparameters_are_shown(rule, columns, loader, tmp_path):
    """The columns of one experiment, whichever; none that it does not name."""
    BROKEN[rule](tmp_path)
    if (rule, loader) == ("hparams tag", "python"):
        return  # an error: test_what_tensorboard_refuses
    with http(tmp_path, loader) as shown:
        found = shown.json("hparams/experiment", request="{}")["hparamInfos"]
    assert {column["name"] for column in found} in columns


@both_loaders
def test_an_unreadable_file(loader, tmp_path):
    """The fast loader passes it over, with the runs beside it; the other answers with an error."""
    BROKEN["unreadable"](tmp_path)
    written(tmp_path / "good", rows())
    if loader == "fast":
        with board(tmp_path, loader, strict=False) as shown:
            assert len(shown.scalars("good", "x")) == 5
    else:
        with http(tmp_path, loader) as shown, pytest.raises(AssertionError, match="HTTP 500"):
            shown.bytes("/data/runs")


@both_loaders
def test_labels_that_are_not_there(loader, tmp_path):
    """The embedding is served without them."""
    (tmp_path / "numbers").write_text("1\t2\t3\n4\t5\t6\n")
    config(tmp_path, 'embeddings { tensor_name: "e" tensor_path: "numbers" '
                     'metadata_path: "no.tsv" }')
    assert rules(check(str(tmp_path))) == ["projector config"]
    with http(tmp_path, loader) as shown:
        assert len(shown.bytes("projector/tensor", run=".", name="e")) == 24
        with pytest.raises(AssertionError, match="HTTP 400"):
            shown.bytes("projector/metadata", run=".", name="e")


@both_loaders
def test_a_large_projector_config(loader, tmp_path):
    """TensorBoard shows its embeddings."""
    (tmp_path / "numbers").write_text("1\t2\t3\n4\t5\t6\n")
    config(tmp_path, 'embeddings { tensor_name: "e" tensor_path: "numbers" }' + " " * MOST_BYTES)
    assert rules(check(str(tmp_path))) == ["projector config size"]
    with http(tmp_path, loader) as shown:
        assert len(shown.bytes("projector/tensor", run=".", name="e")) == 24


@pytest.mark.parametrize("form", [form for form, row in FORMS.items() if row[2]])
def test_tensorboard_refuses_other_forms(form, tmp_path):
    """The finding is no false alarm: stock TensorBoard answers with an error."""
    (tmp_path / "logs").mkdir()
    _, make, path, question = FORMS[form]
    make(tmp_path / "logs")
    with http(tmp_path / "logs", "python", strict=False) as shown:
        if form == "labels outside" and not PATHS_ARE_CONFINED:
            assert shown.bytes(path, **question)
            return
        with pytest.raises(AssertionError, match="HTTP [45]0"):
            shown.bytes(path, **question)


def test_empty_buckets_around_the_values(tmp_path):
    """The fast loader keeps them; those that torch writes lie close to the values."""
    BROKEN["histogram edges"](tmp_path / "far")
    written(tmp_path / "near", [value_event("h", histo(-1.05, -1.0, 1.0, 1.05))])
    assert check(str(tmp_path / "near")) == []
    for loader, edges in (("fast", [-1.0, -1e20, -1e20, -1.0, -1.0, 1.0, 1.0, 1.0]),
                          ("python", [-1.0, 1.0])):
        with board(tmp_path / "far", loader) as shown:
            (_, rows_), = shown.tensors("histograms", ".", "h")
            assert rows_[:, :2].ravel().tolist() == edges


def test_mesh_of_another_rank(tmp_path):
    """TensorBoard serves the first point only, and says nothing."""
    BROKEN["mesh shape"](tmp_path)
    with http(tmp_path, "python") as shown:
        served = shown.bytes("mesh/data", run=".", tag="m", sample=0, step=1, content_type="VERTEX")
        assert len(served) == 12


def test_a_directory_called_like_an_event_file_that_is_no_run(tmp_path):
    """It has no effect: nothing is found, and both loaders show the runs beside and below it."""
    written(tmp_path, rows())
    (tmp_path / "old.tfevents" / "a").mkdir(parents=True)
    written(tmp_path / "old.tfevents" / "a", rows())
    assert check(str(tmp_path)) == []
    for loader in ("fast", "python"):
        with http(tmp_path, loader) as shown:
            assert set(shown.json("/data/runs")) == {".", "old.tfevents/a"}


def test_a_goodconfig(tmp_path):
    """Text and float32, comments and both quotes, are as TensorBoard wants them."""
    (tmp_path / "a.tsv").write_text("1\t2\t3\n3\t4e-1\t5\n")
    (tmp_path / "b.bin").write_bytes(np.full((3, 3), np.pi, "<f4").tobytes())
    config(tmp_path, """# two of them
        embeddings { tensor_name: "a" tensor_path: "a.tsv" }
        embeddings < tensor_name: 'b'; tensor_path: 'b.bin' tensor_shape: 3, tensor_shape: 3 >
    """)
    assert check(str(tmp_path)) == []
    with http(tmp_path, "python") as shown:
        first, second = shown.json("projector/info", run=".")["embeddings"]
        assert first["tensorShape"] == [2, 3] and second["tensorShape"] == [3, 3]
        assert len(shown.bytes("projector/tensor", run=".", name="b")) == 36


def test_two_files_that_grow_at_the_same_time(tmp_path):
    """While a run grows, the Python loader never returns to the first file once there is a
    second."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    first = written(tmp_path, [scalar_event("x", 1.0, 1)], "1600000000")
    second = written(tmp_path, [scalar_event("y", 1.0, 1)], "1600000001")
    live = EventAccumulator(str(tmp_path), {"tensors": 0}).Reload()
    for path, tag in ((first, "x"), (second, "y")):
        with open(path, "ab") as file:
            file.write(record_of(scalar_event(tag, 2.0, 2)))
    live.Reload()
    assert [len(live.Scalars(tag)) for tag in "xy"] == [1, 2]
