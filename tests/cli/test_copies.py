"""repair, merge, select and thin: which values are kept, which are left out, and the report."""
from __future__ import annotations

import json

import numpy as np
import pytest

from tbwriter import reader, summary
from tbwriter._proto import messages, wire
from tbwriter.cli import main
from tests.support.data import event_of, record_of, scalar_event, written
from tests.support.judges import board, both_loaders


def report_of(capsys, *arguments, code=0):
    """The JSON report of a command."""
    capsys.readouterr()
    assert main([*map(str, arguments), "--json"]) == code
    return json.loads(capsys.readouterr().out)


def start(step, wall_time=1.6e9):
    """A SessionLog.START."""
    return (wire.double_field(1, wall_time) + wire.int_field(2, step)
            + wire.bytes_field(7, messages.SESSION_START))


def tensor_event(tag, tensor, plugin, step=1):
    """An event with any bytes as its TensorProto."""
    value = (wire.string_field(1, tag) + wire.bytes_field(8, tensor)
             + b"".join([messages.metadata(plugin)]))
    return (wire.double_field(1, 1.6e9) + wire.int_field(2, step)
            + wire.bytes_field(5, wire.bytes_field(1, value)))


def dims(*sizes):
    """TensorShapeProto."""
    return wire.bytes_field(2, b"".join(
        wire.bytes_field(2, wire.int_field(1, size)) for size in sizes))


@both_loaders
def test_the_second_restart_purges(loader, tmp_path, capsys):
    """As the Python loader has it: START(0), a and b, then START(2) in a later file purges their
    values from step 2 on, also those that nothing replaces."""
    written(tmp_path / "logs", [start(0), scalar_event("a", 1.0, 1), scalar_event("a", 1.0, 101),
                                scalar_event("b", 1.0, 101)])
    written(tmp_path / "logs", [start(2, 1.6e9 + 10), *(
        scalar_event(tag, 2.0, step, 1.6e9 + 10) for tag, step in
        (("a", 2), ("a", 102), ("b", 102)))], "1600000010")
    report = report_of(capsys, "repair", tmp_path / "logs", tmp_path / "out")
    assert report["left_out"] == {"session log": 2, "purged by a restart": 2}
    with board(tmp_path / "out", loader) as shown:
        assert shown.scalars(".", "a") == [(1, 1.0), (2, 2.0), (102, 2.0)]
        assert shown.scalars(".", "b") == [(102, 2.0)]


@both_loaders
def test_the_first_restart_keeps_what_nothing_replaces(loader, tmp_path, capsys):
    """Values before a run's only START that are not written again stay, as in both loaders."""
    written(tmp_path / "logs", [event_of(summary.text("notes", "kept"), 0),
                                scalar_event("once", 1.0, 5), scalar_event("again", 1.0, 5),
                                start(0), scalar_event("again", 2.0, 3)])
    report = report_of(capsys, "repair", tmp_path / "logs", tmp_path / "out")
    assert report["left_out"] == {"session log": 1, "purged by a restart": 1}
    with board(tmp_path / "out", loader) as shown:
        assert shown.scalars(".", "once") == [(5, 1.0)]
        assert shown.scalars(".", "again") == [(3, 2.0)]
        assert len(shown.tensors("text", ".", "notes")) == 1


@both_loaders
def test_merge_of_seeds_keeps_every_curve(loader, tmp_path, capsys):
    """Runs of one name with equal steps stay apart, each below a directory of its log directory,
    with their side files, and are reported. Other runs keep their names."""
    for seed in (0, 1):
        for run in (".", "train"):
            written(tmp_path / f"seed{seed}" / run,
                    [start(0), *(scalar_event("x", seed + 0.5, step) for step in range(5))])
        (tmp_path / f"seed{seed}" / "train" / "notes.tsv").write_text(str(seed))
    written(tmp_path / "other" / "eval", [scalar_event("x", 9.0, 1)])
    report = report_of(capsys, "merge", *(tmp_path / name for name in ("seed0", "seed1", "other")),
                       tmp_path / "out")
    assert report["written"] == 21 and report["left_out"] == {"session log": 4}
    assert len(report["notes"]) == 2 and "at the same steps" in report["notes"][0]
    assert (tmp_path / "out" / "seed1" / "train" / "notes.tsv").read_text() == "1"
    with board(tmp_path / "out", loader) as shown:
        assert shown.runs() == ["eval", "seed0", "seed0/train", "seed1", "seed1/train"]
        for seed in (0, 1):
            for run in (f"seed{seed}", f"seed{seed}/train"):
                assert shown.scalars(run, "x") == [(step, seed + 0.5) for step in range(5)]


@pytest.mark.parametrize("first", [0, (1 << 31) - 3, -(1 << 31) - 3, 1 << 40, -(1 << 63)])
def test_merge_of_large_steps(first, tmp_path, capsys):
    """Steps beyond 32 bits are compared as they are: two parts of a run become one, and runs that
    share one step stay apart."""
    for name, steps in (("a", (0, 1, 2)), ("b", (3, 4, 5)), ("c", (2, 3))):
        written(tmp_path / name, [scalar_event("x", 1.0, first + step) for step in steps])
    report_of(capsys, "merge", tmp_path / "a", tmp_path / "b", tmp_path / "parts")
    series = reader.read(str(tmp_path / "parts"))["."].scalars("x")
    assert series.steps.tolist() == [first + step for step in range(6)]
    report_of(capsys, "merge", tmp_path / "a", tmp_path / "c", tmp_path / "apart")
    assert set(reader.runs(str(tmp_path / "apart"))) == {"a", "c"}


def test_log_directories_of_one_name(tmp_path, capsys):
    """Where the last parts of the paths are equal, as much of them as differs is the name."""
    for first in "ab":
        written(tmp_path / first / "logs", [scalar_event("x", 1.0, 1)])
    report_of(capsys, "merge", tmp_path / "a" / "logs", tmp_path / "b" / "logs", tmp_path / "out")
    assert set(reader.runs(str(tmp_path / "out"))) == {"a/logs", "b/logs"}


def test_merge_join(tmp_path, capsys):
    """--join makes one run: restarts of the second log directory purge, later values replace
    earlier ones, and all of it is counted."""
    written(tmp_path / "a", [start(0), *(scalar_event("x", 1.0, step) for step in range(5))])
    written(tmp_path / "b", [start(3, 1.6e9 + 9), *(scalar_event("x", 2.0, step, 1.6e9 + 9)
                                                    for step in (3, 4, 5))], "1600000009")
    report = report_of(capsys, "merge", "--join", tmp_path / "a", tmp_path / "b", tmp_path / "out")
    assert report["left_out"] == {"session log": 2, "purged by a restart": 2}
    series = reader.read(str(tmp_path / "out"))["."].scalars("x")
    assert series.steps.tolist() == list(range(6)) and series.values.tolist() == [1, 1, 1, 2, 2, 2]


def test_a_renamed_directory_is_in_the_report(tmp_path, capsys):
    """A run directory called like an event file gets another name, and the report says which."""
    written(tmp_path / "logs" / "tfevents", [scalar_event("x", 1.0, 1)])
    for command in ("repair", "merge", "select", "thin"):
        assert main([command, str(tmp_path / "logs"), str(tmp_path / command)]) == 0
        assert "renamed: tfevents -> %74fevents\n" in capsys.readouterr().out


HUGE = {
    "negative dims": tensor_event("x", wire.int_field(1, 2) + dims(-1) + wire.bytes_field(
        6, bytes(8)), "scalars"),
    "too many": tensor_event("x", wire.int_field(1, 2) + dims(1 << 26, 3) + wire.bytes_field(
        6, bytes(8)), "scalars"),
    "beyond": tensor_event("x", wire.int_field(1, 1) + dims(1 << 40, 3) + wire.bytes_field(
        5, bytes(4)), "scalars"),
    "text": tensor_event("x", wire.int_field(1, 7) + dims(1 << 33) + wire.bytes_field(8, b"t"),
                         "text"),
    "tensor": tensor_event("x", wire.int_field(1, 1) + dims(1 << 26, 3) + wire.bytes_field(
        5, bytes(4)), "mesh"),
    "picture": tensor_event("x", wire.int_field(1, 7) + dims(3) + wire.bytes_field(8, b"?"),
                            "images"),
}


@pytest.mark.parametrize("command", ["show", "tail --once", "export", "export --files", "repair",
                                     "merge", "select", "thin", "reduce"])
@pytest.mark.parametrize("damage", HUGE)
def test_one_damaged_value_costs_itself(damage, command, tmp_path, capsys):
    """A tensor whose shape says more than its bytes hold, or makes no sense, ends no command: the
    values around it are shown, exported and copied, and no memory is taken for it."""
    import tracemalloc
    for seed in "ab":
        written(tmp_path / "logs" / seed, [scalar_event("good", 1.0, 1), HUGE[damage],
                                           scalar_event("good", 2.0, 2)])
    name, *options = command.split()
    arguments = [name, *options]
    if options == ["--files"]:
        arguments.append(str(tmp_path / "files"))
    arguments.append(str(tmp_path / "logs"))
    if name in ("repair", "merge", "select", "thin", "reduce"):
        arguments.append(str(tmp_path / "out"))
    main(["show", str(tmp_path / "logs")])  # loads what is loaded once
    capsys.readouterr()
    tracemalloc.start()
    code = main(arguments)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    out = capsys.readouterr().out
    # `show` and `tail` say with 1 that something is wrong with the logs.
    assert code in ((0, 1) if name in ("show", "tail") else (0,)) and peak < 20 << 20
    if name in ("show", "tail", "export"):
        assert "good" in out
    else:
        for run in reader.read(str(tmp_path / "out")).values():
            assert run.scalars("good").steps.tolist() == [1, 2]


@both_loaders
@pytest.mark.parametrize("command", ["repair", "merge", "select", "thin"])
def test_no_copy_has_a_value_that_ends_its_file(command, loader, tmp_path, capsys):
    """A value whose tensor or picture is no message is left out and reported; the values before and
    after it, and in the same event, are shown."""
    simple = wire.string_field(1, "good") + wire.float_field(2, 2.0)
    broken = (wire.string_field(1, "x") + wire.bytes_field(8, b"\x0f")
              + b"".join([messages.metadata("mesh")]))
    picture = wire.string_field(1, "y") + wire.bytes_field(4, b"\x08")
    together = (wire.double_field(1, 1.6e9) + wire.int_field(2, 2) + wire.bytes_field(
        5, b"".join([wire.bytes_field(1, value) for value in (broken, simple, picture)])))
    written(tmp_path / "logs", [scalar_event("good", 1.0, 1), tensor_event("z", b"\x0b", "text"),
                                together, scalar_event("good", 3.0, 3)])
    report = report_of(capsys, command, tmp_path / "logs", tmp_path / "out")
    assert report["read"] == 6 and report["left_out"] == {"damaged": 3}
    assert len(report["faults"]) == 3
    with board(tmp_path / "out", loader) as shown:
        assert shown.scalars(".", "good") == [(1, 1.0), (2, 2.0), (3, 3.0)]


@both_loaders
@pytest.mark.parametrize("command", ["repair", "merge", "select", "thin"])
def test_no_copy_has_an_event_that_ends_its_file(command, loader, tmp_path, capsys):
    """An event whose step or session has another wire type is left out and reported."""
    summary = wire.bytes_field(5, wire.bytes_field(
        1, wire.string_field(1, "good") + wire.float_field(2, 9.0)))
    written(tmp_path / "logs", [
        scalar_event("good", 1.0, 1),
        wire.double_field(1, 1.6e9) + wire.double_field(2, 2.0) + summary,
        wire.double_field(1, 1.6e9) + wire.int_field(2, 2) + wire.int_field(7, 1),
        scalar_event("good", 3.0, 3)])
    report = report_of(capsys, command, tmp_path / "logs", tmp_path / "out")
    assert len(report["faults"]) == 2
    with board(tmp_path / "out", loader) as shown:
        assert shown.scalars(".", "good") == [(1, 1.0), (3, 3.0)]


def test_values_of_another_kind_are_counted(tmp_path, capsys):
    """Values that TensorBoard shows under no kind of tag are left out and reported."""
    written(tmp_path / "logs", [scalar_event("x", 1.0, 1),
                                event_of(summary.histogram("x", [1.0, 2.0]), 2)])
    report = report_of(capsys, "repair", tmp_path / "logs", tmp_path / "out")
    assert report["left_out"] == {"another kind": 1} and report["read"] == 2


def test_an_unreadable_file_does_not_end_the_command(tmp_path, capsys):
    """The other files are copied; the exit code says that something was left."""
    written(tmp_path / "logs", [scalar_event("x", 1.0, 1)])
    (tmp_path / "logs" / "events.out.tfevents.0").symlink_to(tmp_path / "logs" / "nowhere")
    (tmp_path / "logs" / "events.out.tfevents.1").write_bytes(b"\x1f\x8b" + bytes(30))
    report = report_of(capsys, "repair", tmp_path / "logs", tmp_path / "out", code=1)
    assert report["written"] == 1 and report["faults"]


def test_a_table_ends_the_command(tmp_path, capsys):
    """Runs with losses have a row each, the others one together, and the last row is the sum."""
    for name in "abc":
        written(tmp_path / "logs" / name, [
            scalar_event("x", float(i), i) for i in (1, 2, *([2] * (name == "b")))])
    assert main(["repair", str(tmp_path / "logs"), str(tmp_path / "out")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split() for line in lines[:4]] == [
        ["run", "read", "written", "same", "step"], ["b", "3", "2", "1"],
        ["(2", "other", "runs)", "4", "4", "0"], ["all", "runs", "7", "6", "1"]]
    assert lines[-1] == f"6 values of 3 runs written to {tmp_path / 'out'}"


@both_loaders
def test_select(loader, tmp_path, capsys):
    """Runs, tags and steps that are wanted, of every kind, with new names; the rest is counted."""
    picture = np.zeros((2, 2, 3), np.uint8)
    for run in ("train", "eval"):
        written(tmp_path / "logs" / run, [
            event_of(summary.graph([summary.Node("n", "Op")]), 0),
            *(event_of(summary.scalar("loss", 0.5) + summary.scalar("rate", 0.1), step)
              for step in range(10)),
            *(event_of(summary.image("picture", picture), step) for step in range(0, 10, 5))])
    report = report_of(capsys, "select", "--run", "tr*", "--drop", "rate", "--rename", "loss=Loss",
                       "--rename", "picture=p/q", "--steps", "5:8", tmp_path / "logs",
                       tmp_path / "out")
    assert (report["read"], report["written"]) == (23, 5)
    assert report["left_out"] == {"not selected": 18}
    assert report["notes"] == ["1 run not selected"]
    with board(tmp_path / "out", loader) as shown:
        assert shown.runs() == ["train"]
        assert shown.scalars("train", "Loss") == [(5, 0.5), (6, 0.5), (7, 0.5)]
        assert set(shown.tags("scalars", "train")) == {"Loss"}
        assert [step for step, _ in shown.blobs("images", "train", "p/q")] == [5]
        assert len(shown.tags("graphs", "train")) == 1


def test_a_new_name_that_is_taken(tmp_path, capsys):
    """Two tags never become one: the old name stays, and is reported."""
    written(tmp_path / "logs", [scalar_event(tag, 1.0, 1) for tag in "abc"])
    report = report_of(capsys, "select", "--rename", "a=b", "--rename", "none=d", tmp_path / "logs",
                       tmp_path / "out")
    assert set(reader.read(str(tmp_path / "out"))["."].tags) == {"a", "b", "c"}
    assert report["notes"] == ["a is not renamed to b: the run . has a tag of this name already",
                               "none is not renamed: no run has this tag"]
    report_of(capsys, "select", "--rename", "a=b", "--rename", "b=a", tmp_path / "logs",
              tmp_path / "swapped")
    assert set(reader.read(str(tmp_path / "swapped"))["."].tags) == {"a", "b", "c"}


def test_new_names_of_metadata_that_comes_once(tmp_path, capsys):
    """A tag whose first value alone says its plugin keeps it under the new name."""
    written(tmp_path / "logs", [tensor_event("x", wire.int_field(1, 1) + dims() + wire.bytes_field(
        4, bytes(4)), "scalars", step) for step in (1, 2)])
    report_of(capsys, "select", "--rename", "x=y", "--steps", "2:", tmp_path / "logs",
              tmp_path / "out")
    assert reader.read(str(tmp_path / "out"))["."].tags == {"y": "scalar"}


def test_records_after_a_damaged_one_are_copied(tmp_path, capsys):
    """Damage is counted once, with its place."""
    path = written(tmp_path / "logs", [scalar_event("x", 1.0, 1)])
    path.write_bytes(path.read_bytes() + b"damage" + record_of(scalar_event("x", 2.0, 2)))
    report = report_of(capsys, "thin", tmp_path / "logs", tmp_path / "out")
    assert report["left_out"] == {"damaged": 1} and report["written"] == 2
    assert f"{path}, byte " in report["faults"][0]


def test_select_renames_by_pattern(tmp_path, capsys):
    """A "*" matches the same text in the old and the new name; a tag that is named exactly comes
    first, and no two tags get one name."""
    tags = ("train/loss", "train/acc", "train/", "train", "a*b", "axb")
    written(tmp_path / "logs", [scalar_event(tag, 1.0, 1) for tag in tags])
    for number, (rename, want) in enumerate([
            (["train/*=*"], {"loss", "acc", "train/", "train", "a*b", "axb"}),
            (["train/*=x/*", "train/acc=best"], {"x/loss", "best", "x/", "train", "a*b", "axb"}),
            (["a*b=star"], {"train/loss", "train/acc", "train/", "train", "star", "axb"}),
            (["t*=same"], {"same", "train/acc", "train/", "train", "a*b", "axb"})]):
        options = [part for one in rename for part in ("--rename", one)]
        report_of(capsys, "select", *options, tmp_path / "logs", tmp_path / str(number))
        assert set(reader.read(str(tmp_path / str(number)))["."].tags) == want
    report = report_of(capsys, "select", "--rename", "q*=*", tmp_path / "logs", tmp_path / "none")
    assert report["notes"] == ["q* is not renamed: no run has this tag"]


@pytest.mark.parametrize("tags", ["abc", "cba", "bac"])
def test_select_leaves_the_name_of_a_tag_that_keeps_it(tags, tmp_path, capsys):
    """A tag whose new name is taken keeps its own, and no other tag gets that."""
    written(tmp_path / "logs", [scalar_event(tag, 1.0, 1) for tag in tags])
    report = report_of(capsys, "select", "--rename", "a=b", "--rename", "c=a", tmp_path / "logs",
                       tmp_path / "out")
    assert set(reader.read(str(tmp_path / "out"))["."].tags) == {"a", "b", "c"}
    assert sorted(report["notes"]) == [
        "a is not renamed to b: the run . has a tag of this name already",
        "c is not renamed to a: the run . has a tag of this name already"]


@pytest.mark.parametrize("command", ["repair", "merge", "select", "thin"])
def test_scalars_that_are_rounded(command, tmp_path, capsys):
    """Scalars stored as double or integer become float32, which both loaders show; those that are
    another number then, and no others, are counted in a note."""
    given = [np.float64(0.1), np.float64(0.5), np.float64("nan"), np.float64("inf"),
             np.float64(1e300), np.int64(2 ** 40), np.int64(2 ** 60 + 1), np.bool_(True)]
    types = {"float64": 2, "int64": 9, "bool": 10}
    written(tmp_path / "logs", [tensor_event(
        "x", wire.int_field(1, types[number.dtype.name]) + wire.bytes_field(4, number.tobytes()),
        "scalars", step) for step, number in enumerate(given)])
    report = report_of(capsys, command, tmp_path / "logs", tmp_path / "out")
    assert report["notes"] == ["3 values rounded to float32: the run ."]
    assert report["written"] == len(given)
    for loader in ("fast", "python"):
        with board(tmp_path / "out", loader) as shown:
            values = [value for _, value in shown.scalars(".", "x")]
        with np.errstate(over="ignore"):
            assert np.array_equal(values, np.float32(given), equal_nan=True)
    again = report_of(capsys, command, tmp_path / "out", tmp_path / "again")
    assert again["notes"] == []
