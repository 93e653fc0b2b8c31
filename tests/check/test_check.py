"""check: every fault of deliberately broken directories, and nothing in good ones.

What a finding says about TensorBoard is asked of TensorBoard itself, in both loaders.
"""
from __future__ import annotations

import math
import struct
import time
from pathlib import Path
from typing import Any, Callable, Dict, List

import numpy as np
import pytest

from google.protobuf.message import DecodeError

from tests.support.judges import board, both_loaders, http
from tbwriter import SummaryWriter, reader, summary
from tbwriter._proto import messages, wire
from tbwriter._tfrecord import frame
from tbwriter._tfrecord.crc32c import crc32c
from tbwriter.cli._rewrite import places, rewrite
from tbwriter.check import RULES, Finding, check, total_bytes
from tests.support.data import DATA, VERSION, event_of, record_of, scalar_event, written


def value_event(tag: str, *fields: bytes, step: int = 1, wall_time: float = 1.6e9) -> bytes:
    """An event of one Summary.Value with these fields behind the tag."""
    value = wire.string_field(1, tag) + b"".join(fields)
    parts = wire.bytes_field(5, wire.bytes_field(1, value))
    return wire.double_field(1, wall_time) + wire.int_field(2, step) + parts


def tensor(dtype: int, shape: Any, content: bytes) -> bytes:
    return b"".join(messages.tensor(dtype, shape, content))


def strings(shape: Any, items: Any) -> bytes:
    return b"".join(messages.string_tensor(shape, items))


def start(step: int) -> bytes:
    return (wire.double_field(1, 1.6e9) + wire.int_field(2, step)
            + wire.bytes_field(7, messages.SESSION_START))


def plugin(name: str, content: bytes = b"", data_class: int = 0) -> bytes:
    return messages.metadata(name, content, data_class=data_class)


def rows(count: int = 5) -> List[bytes]:
    return [scalar_event("x", float(i), i, 1.6e9 + i) for i in range(count)]


def raw(directory: Path, *records: bytes, name: str = "1600000000") -> None:
    directory.mkdir(exist_ok=True)
    path = directory / f"events.out.tfevents.{name}"
    path.write_bytes(b"".join([record_of(VERSION), *records]))


def _header(length: int) -> bytes:
    data = struct.pack("<Q", length)
    return data + struct.pack("<I", frame.masked(crc32c(data)))


def _flipped(at: int) -> List[bytes]:
    records = [record_of(event) for event in rows()]
    hurt = bytearray(records[2])
    hurt[at] ^= 1
    return [*records[:2], bytes(hurt), *records[3:]]


def _hparams_pair(directory: Path) -> None:
    for name in ("a", "b"):
        written(directory / name, [
            event_of(summary.hparams_experiment({name: float})),
            event_of(summary.hparams({name: 1}))])


def _projector(directory: Path, text: str) -> None:
    written(directory, rows())
    (directory / "projector_config.pbtxt").write_text(text)


def _tensors(directory: Path, content: bytes, shape: str = "") -> None:
    """A projector config with one embedding."""
    (directory / "numbers").write_bytes(content)
    _projector(directory, f'embeddings {{ tensor_name: "e" {shape} tensor_path: "numbers" }}')


def graph(data: bytes) -> bytes:
    return wire.double_field(1, 1.6e9) + wire.bytes_field(4, data)


def layout(content: bytes) -> bytes:
    return value_event("custom_scalars__config__", strings((), [content]),
                       plugin("custom_scalars", b"", 2))


def histo(*limits: float, values: Any = (-1.0, 1.0)) -> bytes:
    """A HistogramProto with all its counts in the last bucket but one."""
    counts = [0.0] * (len(limits) - 2) + [5.0, 0.0]
    return wire.bytes_field(5, b"".join([
        *(wire.double_field(i, value) for i, value in enumerate(values, 1)),
        wire.bytes_field(6, struct.pack(f"<{len(limits)}d", *limits)),
        wire.bytes_field(7, struct.pack(f"<{len(limits)}d", *counts))]))


MESH = (wire.string_field(2, "m") + wire.int_field(3, 1) + wire.bytes_field(6, b"\1\4\3")
        + wire.int_field(7, 2))
FULL = [record_of(event) for event in rows()]
PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)
FLOAT6 = np.full((6, 4), np.nan, "<f4").tobytes()

# Rule -> what makes a directory that breaks it, and no other.
BROKEN: Dict[str, Callable[[Path], Any]] = {
    "torn tail": lambda d: raw(d, *FULL, FULL[0][:20]),
    "torn record": lambda d: raw(d, *FULL[:2], FULL[2][:20], *FULL[3:]),
    "bad length": lambda d: raw(d, *_flipped(1)),
    "huge length": lambda d: raw(d, *FULL, _header(1 << 40)),
    "bad data": lambda d: raw(d, *_flipped(-6)),
    "bad event": lambda d: raw(d, *FULL, record_of(
        value_event("x", wire.bytes_field(9, b"\xff")))),
    "zero bytes": lambda d: raw(d, *FULL, bytes(40)),
    "no events": lambda d: (d / "events.out.tfevents.1").write_bytes(b""),
    "no file version": lambda d: written(d, rows(), version=False),
    "wall_time NaN": lambda d: written(d, [*rows(), scalar_event("x", 1.0, 9, math.nan)]),
    "wall_time infinite": lambda d: written(d, [*rows(), scalar_event("x", 1.0, 9, math.inf)]),
    "directory name": lambda d: written(d / "my.tfevents", rows()),
    "file order": lambda d: (written(d, [scalar_event("y", 1.0, 1, 1.6e9)], "10"),
                             raw(d, name="9"), _later(d / "events.out.tfevents.10")),
    "two writers": lambda d: (written(d, rows()), _overlap(d)),
    "repeated steps": lambda d: written(d, [*rows(), rows()[-1]]),
    "decreasing steps": lambda d: written(d, [*rows(), scalar_event("x", 1.0, 2)]),
    "restart not seen": lambda d: written(d, [*rows(), start(2), scalar_event("x", 9.0, 2)]),
    "kind changes": lambda d: written(d, [
        *rows(), value_event("x", wire.bytes_field(4, wire.bytes_field(4, PNG)), step=9)]),
    "late metadata": lambda d: written(d, [
        value_event("t", strings((), [b"a"]), plugin("text", b"", 2), step=i) if i == 2
        else value_event("t", strings((), [b"a"]), plugin(""), step=i) for i in (1, 2)]),
    "no plugin": lambda d: written(d, [*rows(), value_event("t", strings((), [b"a"]))]),
    "no value": lambda d: written(d, [*rows(), value_event("t", plugin("text", b"", 2))]),
    "scalar type": lambda d: written(d, [
        value_event("d", tensor(2, (), struct.pack("<d", 1.5)), plugin("scalars", b"", 1))]),
    "plugin content": lambda d: written(d, [
        value_event("t", strings((), [b"a"]), plugin("text", b"\xff\xff", 2))]),
    "data class": lambda d: written(d, [
        value_event("t", strings((), [b"a"]), plugin("text", b"", 3))]),
    "plugin version": lambda d: written(d, [
        value_event("t", strings((), [b"a"]), plugin("text", b"\x08\x01", 2))]),
    "lost metadata": lambda d: written(d, [
        value_event("x", wire.float_field(2, 1.0),
                    messages.metadata("scalars", data_class=0, description="d"))]),
    "tensor elements": lambda d: written(d, [
        value_event("t", strings((3,), [b"a", b"b"]), plugin("text", b"", 2))]),
    "image shape": lambda d: written(d, [
        value_event("i", strings((1, 3), [b"1", b"1", PNG]), plugin("images", b"", 3))]),
    "image format": lambda d: written(d, [
        value_event("i", strings((3,), [b"1", b"1", b"<svg/>"]), plugin("images", b"", 3))]),
    "audio shape": lambda d: written(d, [
        value_event("a", strings((1, 3), [b"1", b"1", b""]), plugin("audio", b"\x10\x0b"))]),
    "audio clips": lambda d: written(d, [
        value_event("a", strings((i,), [b"RIFF"] * i), plugin("audio", b"\x10\x0b", 3), step=i)
        for i in (1, 2)]),
    "histogram shape": lambda d: written(d, [
        value_event("h", wire.bytes_field(5, wire.bytes_field(6, bytes(16))
                                          + wire.bytes_field(7, bytes(8))))]),
    "histogram range": lambda d: written(d, [
        value_event("h", wire.bytes_field(5, wire.double_field(1, math.nan)
                                          + wire.bytes_field(6, struct.pack("<d", 1.0))
                                          + wire.bytes_field(7, struct.pack("<d", 1.0))))]),
    "curve shape": lambda d: written(d, [
        value_event("p", tensor(1, (4, 6), FLOAT6), plugin("pr_curves", b"\x10\x04", 2))]),
    "curve NaN": lambda d: written(d, [
        value_event("p", tensor(1, (6, 4), FLOAT6), plugin("pr_curves", b"\x10\x04", 2))]),
    "text encoding": lambda d: written(d, [
        value_event("t", strings((), [b"\xff"]), plugin("text", b"", 2))]),
    "mesh parts": lambda d: written(d, [
        value_event("m_VERTEX", tensor(1, (1, 1, 3), bytes(12)), plugin(
            "mesh", wire.string_field(2, "m") + wire.int_field(3, 1) + wire.int_field(7, 2), 2)),
        ]),
    "mesh shape": lambda d: written(d, [
        value_event("m_VERTEX", tensor(1, (4, 3), bytes(48)), plugin("mesh", MESH, 2))]),
    "layout content": lambda d: written(d, [layout(b"\xff\xff")]),
    "graph content": lambda d: written(d, [graph(b"\xff\xff")]),
    "histogram edges": lambda d: written(d, [value_event("h", histo(-1e20, -1.0, 1.0, 1e20))]),
    "hparams tag": lambda d: written(d, [
        value_event("hp", plugin("hparams", wire.bytes_field(3, b""), 2))]),
    "projector tensor": lambda d: _tensors(d, np.full(8, 2, "<f4").tobytes(),
                                           "tensor_shape: 4 tensor_shape: 2"),
    "no runs": lambda d: (d / "notes.txt").write_text("no events"),
    "layout tag": lambda d: written(d, [
        value_event("layout", strings((), [b""]), plugin("custom_scalars", b"", 2))]),
    "hparams experiments": _hparams_pair,
    "hparams hidden": lambda d: written(d, [event_of(summary.hparams_experiment({"a": float})),
                                            event_of(summary.hparams({"b": 1}))]),
    "projector config": lambda d: _projector(
        d, 'embeddings { tensor_name: "e" tensor_path: "missing.tsv" }'),
    "unreadable": lambda d: (d / "events.out.tfevents.1").symlink_to("/proc/self/mem"),
}


def _later(path: Path) -> None:
    """Moves the first event of a file an hour on, so that its name sorts too early."""
    late = messages.file_version(1.6e9 + 3600, "tests")
    path.write_bytes(record_of(late) + path.read_bytes()[len(record_of(VERSION)):])


def _overlap(directory: Path) -> None:
    """A second writer that begins while the first goes on, and takes the steps in between."""
    path = directory / "events.out.tfevents.1600000001"
    path.write_bytes(record_of(messages.file_version(1.6e9 + 1, "tests"))
                     + record_of(scalar_event("x", 1.0, 7, 1.6e9 + 1)))


def rules(findings: List[Finding]) -> List[str]:
    return [finding.rule for finding in findings]


def test_each_rule_has_a_broken_directory():
    """No rule is without a test."""
    assert set(BROKEN) == set(RULES)


@pytest.mark.parametrize("rule", sorted(BROKEN))
def test_broken(rule, tmp_path):
    """The fault is found once, is the only thing found, and says how it is shown and mended."""
    BROKEN[rule](tmp_path)
    findings = check(str(tmp_path))
    assert rules(findings) == [rule]
    text = str(findings[0])
    assert rule in text and "fast loader: " in text and "mend: " in text
    assert findings[0].what and findings[0].path.startswith(str(tmp_path))


@pytest.mark.parametrize("writer", ["tensorflow", "tensorboardX", "tensorboard"])
def test_nothing_in_recorded_directories_of_other_writers(writer):
    """What these write is complete in both loaders."""
    assert check(str(DATA / writer)) == []


def test_nothing_in_what_this_package_writes(tmp_path):
    """All kinds, runs below, trials, a purged and a resumed run."""
    with SummaryWriter(str(tmp_path / "a")) as writer:
        for step in range(20):
            writer.add_scalar("loss", 1 / (step + 1), step)
            writer.add_scalars("both", {"x": step, "y": -step}, step)
            writer.add_histogram("weights", np.arange(10.0) * step, step)
        writer.add_scalar("nan", math.nan, 0)
        writer.add_text("notes", "**text**", 0)
        writer.add_images("images", np.zeros((2, 3, 8, 8)), 0)
        writer.add_audio("sound", np.zeros(100), 0)
        writer.add_pr_curve("pr", [0, 1, 1], [0.1, 0.9, 0.4], 0)
        writer.add_embedding(np.eye(4), metadata=list("abcd"), global_step=1)
        writer.add_hparams({"lr": 0.1, "b": True}, {"best": 1.0})
        writer.add_hparams({"lr": 0.2, "c": "s"}, {"best": 2.0})
        writer.add_custom_scalars({"a": {"b": ["Multiline", ["loss"]]}})
    with SummaryWriter(str(tmp_path / "a"), purge_step=10) as writer:
        for step in range(10, 15):
            writer.add_scalar("loss", step, step)
    with SummaryWriter(str(tmp_path / "a"), resume=True) as writer:
        writer.add_scalar("loss", 1.0)
        writer.add_scalar("loss", 2.0)
    assert check(str(tmp_path)) == []
    assert reader.last_steps(str(tmp_path / "a"))["loss"] == 16


def test_torch_is_good_but_for_its_double_scalar():
    """Of what torch wrote, only double_precision=True is invisible in the fast loader."""
    findings = check(str(DATA / "torch"))
    assert [(finding.rule, finding.tag) for finding in findings] == [("scalar type", "double")]


def test_a_missing_directory_is_an_error(tmp_path):
    """FileNotFoundError names it."""
    with pytest.raises(FileNotFoundError, match="missing"):
        check(str(tmp_path / "missing"))


def test_progress_adds_up(tmp_path):
    """All bytes are reported once."""
    written(tmp_path, [scalar_event("x", 1.0, i) for i in range(40000)])
    done: List[int] = []
    check(str(tmp_path), done.append)
    assert sum(done) == total_bytes(str(tmp_path)) and len(done) > 1


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


# What shows a value of each plugin, with the store that `board` finds it in.
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
    """The Python loader goes by the form of a value that is no tensor, the fast one does not."""
    written(tmp_path, [value_event("t", b"\x15" + bytes(4), plugin("scalars", b"", data_class))])
    fits = data_class == 1
    assert rules(check(str(tmp_path))) == ([] if fits else ["data class"])
    with board(tmp_path, loader) as shown:
        assert len(shown.scalars(".", "t")) == (loader == "python" or fits)


@both_loaders
def test_late_metadata_hides_what_it_would_describe(loader, tmp_path):
    """The same values with metadata from the first on are shown."""
    written(tmp_path, [value_event("t", strings((), [b"a"]), plugin("text", b"", 2), step=i)
                       for i in (1, 2)])
    assert check(str(tmp_path)) == []
    with http(tmp_path, loader) as shown:
        assert shown.json("/data/plugin/text/tags") == {".": ["t"]}


@pytest.mark.parametrize("rule", sorted(
    set(BROKEN) - {"unreadable", "no events", "huge length", "directory name", "no runs"}))
def test_our_reader_reads_on(rule, tmp_path):
    """A broken directory never stops the reader."""
    BROKEN[rule](tmp_path)
    assert all(run.tags for run in reader.read(str(tmp_path)).values()
               if run.name != "." or rule != "file order")


def test_the_documentation_lists_every_rule():
    """docs/command-line.md has the table of what both loaders show."""
    page = (Path(__file__).parents[2] / "docs" / "command-line.md").read_text(encoding="utf-8")
    for name, rule in RULES.items():
        assert f"| {name} | {rule.fast} | {rule.python} |" in page


REFUSED = [
    # Rule, what is asked, and whether each loader answers it with an error.
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
    with http(tmp_path, loader) as shown:
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
        with pytest.raises((AssertionError, IsADirectoryError)), board(tmp_path, loader) as shown:
            assert shown.runs() == ["my.tfevents"] and shown.scalars("my.tfevents", "x")


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
def test_nothing_behind_damage_is_shown(rule, loader, tmp_path):
    """The loaders stop where the finding says, and complain; repair brings the rest back."""
    (tmp_path / "logs").mkdir()
    BROKEN[rule](tmp_path / "logs")
    with pytest.raises((AssertionError, ValueError, DecodeError)), \
            board(tmp_path / "logs", loader) as shown:
        steps = [step for step, _ in shown.scalars(".", "x")]
        assert rule in ("zero bytes", "bad event") or steps == [0, 1, 2, 3, 4]
        assert loader == "fast"  # which says so in its log, the other stops silently
    rewrite(places([str(tmp_path / "logs")]), str(tmp_path / "new"))
    found = {"torn record": [0, 1, 3, 4], "bad length": [0, 1, 3, 4]}.get(rule, [0, 1, 2, 3, 4])
    assert _shown(tmp_path / "new", loader) == found


def _behind(*records: bytes) -> List[bytes]:
    """Records with good ones before and behind them."""
    return [*FULL[:2], *records, *FULL[2:]]


def _no_event() -> bytes:
    """A whole record but for one byte, so that it is no event any more."""
    hurt = bytearray(FULL[2])
    hurt[12] ^= 3
    return bytes(hurt)


NAN = record_of(scalar_event("x", 1.0, 2, math.nan))
BAD_EVENT = record_of(value_event("x", wire.bytes_field(9, b"\xff")))
# What makes a fault, and what the loaders show of "x": steps, or the error that ends the loading.
ROWS = [
    ("torn tail", lambda d: raw(d, *FULL, FULL[0][:20]), [0, 1, 2, 3, 4], [0, 1, 2, 3, 4]),
    ("bad data", lambda d: raw(d, *_flipped(-6)), [0, 1, 2, 3, 4], [0, 1]),
    ("bad data: no event", lambda d: raw(d, *_behind(_no_event())), [0, 1], [0, 1]),
    ("bad event", lambda d: raw(d, *_behind(BAD_EVENT)), [0, 1], DecodeError),
    ("huge length", BROKEN["huge length"], AssertionError, (MemoryError, OverflowError)),
    ("12 zero bytes", lambda d: raw(d, *_behind(bytes(12))), [0, 1], [0, 1]),
    ("unreadable", BROKEN["unreadable"], [], []),
    ("no file version", lambda d: written(d, [*rows(), scalar_event("x", 9.0, 2),
                                              scalar_event("x", 9.0, 3)], version=False),
     [0, 1, 2, 3], [0, 1, 2, 3]),
    ("wall_time NaN", lambda d: raw(d, *_behind(NAN)), [0, 1], [0, 1, 2, 2, 3, 4]),
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
    """What is shown of a file that grows goes on where its torn record is completed."""
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
    """Text without a value, images that are none, layouts and hyperparameters that are not seen,
    a mesh without a shape, a projector config that names what is not there."""
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
    (tmp_path / "numbers").write_text("1\t2\n3\t4\n")
    _projector(tmp_path, 'embeddings { tensor_name: "e" tensor_path: "numbers" '
                         'metadata_path: "no.tsv" }')
    assert rules(check(str(tmp_path))) == ["projector config"]
    with http(tmp_path, loader) as shown:
        assert len(shown.bytes("projector/tensor", run=".", name="e")) == 16
        with pytest.raises(AssertionError, match="HTTP 400"):
            shown.bytes("projector/metadata", run=".", name="e")


# Other forms of the same faults: the rule, what makes them, and what TensorBoard is asked.
FORMS = {
    "a version below 2": ("no file version", lambda d: raw_version(d, "brain.Event:1"), None, {}),
    "no text in the version": ("no file version", lambda d: raw_version(d, "Event"), None, {}),
    "a value without anything": ("no plugin", lambda d: written(d, [*rows(), value_event("v")]),
                                 None, {}),
    "a scalar of rank 1": ("scalar type", lambda d: written(d, [
        value_event("x", tensor(1, (1,), bytes(4)), plugin("scalars", b"", 1))]), None, {}),
    "no element": ("tensor elements", lambda d: written(d, [
        value_event("t", tensor(1, (2,), b""), plugin("text", b"", 2))]),
        "text/text", {"run": ".", "tag": "t"}),
    "hparams damaged inside": ("plugin content", lambda d: written(d, [value_event(
        "_hparams_/session_start_info",
        plugin("hparams", wire.bytes_field(3, b"\x0a\x05\xff"), 2))]),
        "hparams/experiment", {"request": "{}"}),
    "a mesh whose name is no text": ("plugin content", lambda d: written(d, [
        value_event("m_VERTEX", tensor(1, (1, 4, 3), bytes(48)),
                    plugin("mesh", b"\x12\x01\xff" + MESH[3:], 2))]), "mesh/tags", {}),
    "a trace's content": ("plugin content", lambda d: written(d, [
        value_event("g", strings((1,), [b""]), plugin("graph_run_metadata", b"2", 3))]), None, {}),
    "a chart's title that is no text": ("layout content", lambda d: written(d, [
        layout(wire.bytes_field(2, wire.bytes_field(1, b"\xff")))]), "custom_scalars/layout", {}),
    "a node's name that is no text": ("graph content", lambda d: written(d, [
        graph(wire.bytes_field(1, wire.bytes_field(1, b"\xff")))]), "graphs/graph", {"run": "."}),
    "costs that are none": ("graph content", lambda d: written(d, [
        wire.double_field(1, 1.6e9) + wire.bytes_field(
            8, wire.string_field(1, "b") + wire.bytes_field(2, b"\xff"))]),
        "graphs/run_metadata", {"run": ".", "tag": "b"}),
    "a projector config that is none": ("projector config", lambda d: _projector(d, "garbage {"),
                                        "projector/info", {"run": "."}),
    "a projector config that ends early": ("projector config", lambda d: _projector(
        d, 'embeddings { tensor_name: "e"'), "projector/info", {"run": "."}),
    "labels outside": ("projector config", lambda d: _outside(d), "projector/metadata",
                       {"run": ".", "name": "e"}),
    "float32 without a shape": ("projector tensor", lambda d: _tensors(
        d, np.full(8, np.pi, "<f4").tobytes()), "projector/tensor", {"run": ".", "name": "e"}),
    "rows of unequal length": ("projector tensor", lambda d: _tensors(d, b"1\t2\n3\n"),
                               "projector/tensor", {"run": ".", "name": "e"}),
    "words among the numbers": ("projector tensor", lambda d: _tensors(d, b"a\tb\n1\t2\n"),
                                "projector/tensor", {"run": ".", "name": "e"}),
    "a wall_time of NaN in a tensor": ("wall_time NaN", lambda d: written(d, [value_event(
        "t", strings((), [b"a"]), plugin("text", b"", 2), wall_time=math.nan)]), None, {}),
    "one tag twice in an event": ("repeated steps", lambda d: written(d, [
        event_of(summary.scalar("x", 1) + summary.scalar("x", 2))]), None, {}),
    "fewer than 12 zeros": ("torn tail", lambda d: raw(d, *FULL, bytes(5)), None, {}),
    "a tag that is no text": ("bad event", lambda d: raw(d, *FULL, record_of(
        wire.bytes_field(5, wire.bytes_field(1, b"\x0a\x01\xff\x15" + bytes(4))))), None, {}),
}


def raw_version(directory: Path, version: str) -> None:
    head = wire.double_field(1, 1.6e9) + wire.string_field(3, version)
    written(directory, [head, *rows()], version=False)


def _outside(directory: Path) -> None:
    """A config in a run below, that names the labels beside it."""
    (directory.parent / "labels.tsv").write_text("a\nb\n")
    (directory / "numbers").write_text("1\t2\n3\t4\n")
    _projector(directory, 'embeddings { tensor_name: "e" tensor_path: "numbers" '
                          'metadata_path: "../labels.tsv" }')


@pytest.mark.parametrize("form", FORMS)
def test_other_forms(form, tmp_path):
    """A fault is known by each of its forms, and nothing else is found."""
    (tmp_path / "logs").mkdir()
    rule, make, _, _ = FORMS[form]
    make(tmp_path / "logs")
    assert rules(check(str(tmp_path / "logs"))) == [rule]


@pytest.mark.parametrize("form", [form for form, row in FORMS.items() if row[2]])
def test_tensorboard_refuses_other_forms(form, tmp_path):
    """What is found is no false alarm: stock TensorBoard answers with an error."""
    (tmp_path / "logs").mkdir()
    _, make, path, question = FORMS[form]
    make(tmp_path / "logs")
    with http(tmp_path / "logs", "python") as shown:
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
    """It disturbs nobody: nothing is found, and both loaders show the runs beside and below it."""
    written(tmp_path, rows())
    (tmp_path / "old.tfevents" / "a").mkdir(parents=True)
    written(tmp_path / "old.tfevents" / "a", rows())
    assert check(str(tmp_path)) == []
    for loader in ("fast", "python"):
        with http(tmp_path, loader) as shown:
            assert set(shown.json("/data/runs")) == {".", "old.tfevents/a"}


def test_a_good_projector(tmp_path):
    """Text and float32, comments and both quotes, are as TensorBoard wants them."""
    (tmp_path / "a.tsv").write_text("1\t2\n3\t4e-1\n")
    (tmp_path / "b.bin").write_bytes(np.full((3, 2), np.pi, "<f4").tobytes())
    _projector(tmp_path, """# two of them
        embeddings { tensor_name: "a" tensor_path: "a.tsv" }
        embeddings < tensor_name: 'b'; tensor_path: 'b.bin' tensor_shape: 3, tensor_shape: 2 >
    """)
    assert check(str(tmp_path)) == []
    with http(tmp_path, "python") as shown:
        first, second = shown.json("projector/info", run=".")["embeddings"]
        assert first["tensorShape"] == [2, 2] and second["tensorShape"] == [3, 2]
        assert len(shown.bytes("projector/tensor", run=".", name="b")) == 24


def test_two_files_that_grow_at_the_same_time(tmp_path):
    """Live, the Python loader never goes back to the first file once there is a second."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    first = written(tmp_path, [scalar_event("x", 1.0, 1)], "1600000000")
    second = written(tmp_path, [scalar_event("y", 1.0, 1)], "1600000001")
    live = EventAccumulator(str(tmp_path), {"tensors": 0}).Reload()
    for path, tag in ((first, "x"), (second, "y")):
        with open(path, "ab") as file:
            file.write(record_of(scalar_event(tag, 2.0, 2)))
    live.Reload()
    assert [len(live.Scalars(tag)) for tag in "xy"] == [1, 2]
