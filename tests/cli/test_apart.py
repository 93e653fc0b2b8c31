"""Different runs and embeddings never share a name in a copy; those of all parts are shown."""
from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Dict, List

import numpy as np
import pytest

from tbwriter import SummaryWriter
from tbwriter.cli import main
from tbwriter.cli._index import Source
from tests.support.data import scalar_event, written
from tests.support.judges import board, both_loaders

text_format = pytest.importorskip("google.protobuf.text_format")
projector_config_pb2 = pytest.importorskip(
    "tensorboard.plugins.projector.projector_config_pb2")
CONFIG = "projector_config.pbtxt"


def report_of(capsys: Any, *arguments: Any) -> Dict[str, Any]:
    capsys.readouterr()
    assert main([*map(str, arguments), "--json"]) == 0
    found: Dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def curve(value: float, start: float = 1.6e9) -> List[bytes]:
    return [scalar_event("x", value, step, start + 10 * step) for step in range(5)]


def shown_curves(logdir: Path, loader: str) -> Dict[str, float]:
    """The value of the curve of each run."""
    with board(logdir, loader) as shown:
        found = {run: shown.scalars(run, "x") for run in shown.runs()}
    assert all([step for step, _ in points] == list(range(5)) for points in found.values())
    return {run: points[0][1] for run, points in found.items()}


@both_loaders
@pytest.mark.parametrize("run, want", [
    ("seed1", "seed1-2"), ("seed1/deep", "seed1-2"), ("seed2/x", "seed1")])
def test_a_log_directory_gets_no_name_of_a_run(run: str, want: str, loader: str, tmp_path: Path,
                                               capsys: Any) -> None:
    """Of p/seed1 and p/seed2, which stay apart, neither joins nor surrounds the run `run` of q; the
    report says which has another name."""
    sources = [tmp_path / "p/seed1", tmp_path / "p/seed2", tmp_path / "q"]
    for number, (source, below) in enumerate(zip(sources, (".", ".", run))):
        written(source / below, curve(number, 1.6e9 + 1000 * number))
    report = report_of(capsys, "merge", *sources, tmp_path / "out")
    other = "seed2-2" if want == "seed1" else "seed2"
    assert shown_curves(tmp_path / "out", loader) == {want: 0.0, other: 1.0, run: 2.0}
    assert report["left_out"] == {}
    assert report["renamed"] == {
        str(source): name for source, name in zip(sources, (want, other)) if name[-2:] == "-2"}


def test_names_of_log_directories_within_each_other(tmp_path: Path, capsys: Any) -> None:
    """Where the short name of one log directory leads into another's, no run of both is one."""
    for place, value in (("a/b", 1.0), ("a/b/b", 2.0), ("b", 3.0)):
        written(tmp_path / place, curve(value))
    written(tmp_path / "b/b", curve(4.0))
    report = report_of(capsys, "merge", tmp_path / "a/b/b", tmp_path / "a/b", tmp_path / "b",
                       tmp_path / "out")
    assert report["left_out"] == {} and len({run["name"] for run in report["runs"]}) == 5


@both_loaders
@pytest.mark.parametrize("command", ["repair", "merge", "select", "thin --points 9",
                                     "repair --jobs 2"])
def test_a_second_writer_gets_no_name_of_a_run(command: str, loader: str, tmp_path: Path,
                                               capsys: Any) -> None:
    """A run of two writers becomes two, of which none has the name of another run."""
    for value, (run, name) in enumerate([(".", "1600000000"), (".", "1600000001"),
                                         ("writer2", "1600000000"), ("writer4", "1600000000")]):
        written(tmp_path / "logs" / run, curve(value), name)
    report = report_of(capsys, *command.split(), tmp_path / "logs", tmp_path / "out")
    assert shown_curves(tmp_path / "out", loader) == {
        ".": 0.0, "writer3": 1.0, "writer2": 2.0, "writer4": 3.0}
    assert "is now the run writer3" in report["notes"][0]
    assert all(len(list(path.glob("*tfevents*"))) == 1
               for path in [tmp_path / "out", *(tmp_path / "out").glob("writer*")])


def embedded(directory: Path, part: int, tag: str, seed: int = 0) -> None:
    """One part of a run with an embedding."""
    with SummaryWriter(directory) as writer:
        writer.add_scalar("x", 0.5, part)
        writer.add_embedding(np.random.default_rng(seed or part).random((5, 3)),
                             metadata=[f"{part} {row}" for row in range(5)], tag=tag)


def config_of(directory: Path) -> List[Any]:
    """The embeddings, as real protobuf reads them."""
    return list(text_format.Parse((directory / CONFIG).read_text(),
                                  projector_config_pb2.ProjectorConfig()).embeddings)


@pytest.mark.parametrize("second", ["one", "two"])
def test_embeddings_of_two_parts(second: str, tmp_path: Path, capsys: Any) -> None:
    """All embeddings are in the one configuration that TensorBoard reads, each with its own files;
    one whose name is taken gets another, and the report says so."""
    embedded(tmp_path / "a", 1, "one")
    embedded(tmp_path / "b", 2, second)
    report = report_of(capsys, "merge", tmp_path / "a", tmp_path / "b", tmp_path / "out")
    first, *others = config_of(tmp_path / "a") + config_of(tmp_path / "b")
    found = config_of(tmp_path / "out")
    same = first.tensor_name == others[0].tensor_name
    assert [one.tensor_name for one in found] == [
        first.tensor_name, others[0].tensor_name + ("-2" if same else "")]
    assert len(list((tmp_path / "out").glob("projector*"))) == 1
    for source, one, was in zip("ab", found, (first, others[0])):
        for path, before in ((one.tensor_path, was.tensor_path),
                             (one.metadata_path, was.metadata_path)):
            assert (tmp_path / "out" / path).read_bytes() == (tmp_path / source / before
                                                              ).read_bytes()
    assert any("is now" in note for note in report["notes"]) == same
    assert main(["check", str(tmp_path / "out")]) == 0


def test_the_configuration_of_one_part_stays_as_it_is(tmp_path: Path, capsys: Any) -> None:
    """Also with comments; and one that two parts have is there once."""
    for part in (1, 2):
        embedded(tmp_path / str(part), part, "e", seed=7)
        for path in (tmp_path / str(part)).rglob("metadata.tsv"):
            path.write_text("a\nb\nc\nd\ne\n")
        path = tmp_path / str(part) / CONFIG
        path.write_text("# by hand\n" + path.read_text())
    report = report_of(capsys, "merge", tmp_path / "1", tmp_path / "2", tmp_path / "out")
    assert (tmp_path / "out" / CONFIG).read_bytes() == (tmp_path / "1" / CONFIG).read_bytes()
    assert report["notes"] == [] and report["renamed"] == {}


def test_a_path_of_a_renamed_directory(tmp_path: Path, capsys: Any) -> None:
    """A configuration follows a file whose directory has another name in the copy."""
    written(tmp_path / "logs", curve(1.0))
    (tmp_path / "logs/tfevents").mkdir()
    (tmp_path / "logs/tfevents/numbers").write_text("1\t2\t3\n4\t5\t6\n")
    (tmp_path / "logs" / CONFIG).write_text('embeddings { tensor_path: "tfevents//numbers" }')
    report_of(capsys, "repair", tmp_path / "logs", tmp_path / "out")
    one, = config_of(tmp_path / "out")
    assert one.tensor_path == "%74fevents/numbers"


# Configurations of a second part: none of them may hide the embeddings of the first one.
HOSTILE = {
    "damaged": 'embeddings { tensor_name: "e"',
    "not UTF-8": b'embeddings { tensor_name: "\xff" }',
    "an unknown field": 'embeddings { color: "red" }',
    "a field twice": 'embeddings { tensor_name: "a" tensor_name: "b" }',
    "a large number": 'embeddings { tensor_shape: 4294967296 }',
    "deep": "embeddings {" * 200,
    "large": "#" * (1 << 20),
}


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("order", ["ab", "ba"])
def test_a_configuration_that_cannot_be_joined(order: str, content: Any, tmp_path: Path,
                                               capsys: Any) -> None:
    """It is copied under another name, and a note says that it is not shown."""
    embedded(tmp_path / "a", 1, "e")
    written(tmp_path / "b", [scalar_event("x", 1.0, 9, 2e9)])
    content = content if isinstance(content, bytes) else content.encode()
    (tmp_path / "b" / CONFIG).write_bytes(content)
    report = report_of(capsys, "merge", *(tmp_path / name for name in order), tmp_path / "out")
    assert (tmp_path / "out" / CONFIG).read_bytes() == (tmp_path / "a" / CONFIG).read_bytes()
    assert (tmp_path / "out" / "projector_config-2.pbtxt").read_bytes() == content
    note, = report["notes"]
    assert note.startswith(f"the Projector does not show {tmp_path / 'b' / CONFIG}, which is now "
                           "projector_config-2.pbtxt: ") and len(note) < 600


def test_fields_that_would_hide_the_other_part(tmp_path: Path, capsys: Any) -> None:
    """A checkpoint of a second part, without which TensorBoard hides the run, is left out with a
    note; paths that lead out stay as they are, and nothing outside is copied."""
    embedded(tmp_path / "a", 1, "e")
    written(tmp_path / "b", [scalar_event("x", 1.0, 9, 2e9)])
    (tmp_path / "secret").write_text("1\t2\t3\n")
    (tmp_path / "b" / CONFIG).write_text(
        'model_checkpoint_path: "gone" embeddings { tensor_name: "f" tensor_path: "../secret" '
        f'metadata_path: "{tmp_path / "secret"}" sprite {{ image_path: "/etc\\000/x" }} }}')
    report = report_of(capsys, "merge", tmp_path / "a", tmp_path / "b", tmp_path / "out")
    _, one = config_of(tmp_path / "out")
    assert (one.tensor_path, one.metadata_path) == ("../secret", str(tmp_path / "secret"))
    assert one.sprite.image_path == "/etc\0/x"
    note, = report["notes"]
    assert note.startswith('model_checkpoint_path: "gone" of')
    assert not list((tmp_path / "out").rglob("secret*"))


def test_work_for_many_writers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """For one writer no pass over all files is made: with four times as many files, each is asked
    for its place four times as often."""
    asked: List[str] = []

    def place(source: Source) -> str:
        asked.append(source.path)
        return source.path

    monkeypatch.setattr(Source, "place", property(place))
    counts = []
    for number in (50, 200):
        logs = tmp_path / str(number)
        for file in range(number):
            written(logs, curve(0.5), f"1600000000.{file}")
        asked.clear()
        assert main(["repair", str(logs), str(tmp_path / f"out{number}")]) == 0
        counts.append(len(asked))
    assert counts[1] == 4 * counts[0]
