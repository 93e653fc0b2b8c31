"""The command line: what each command prints, writes and returns."""
from __future__ import annotations

import configparser
import csv
import errno
import io
import json
import math
import os
import random
import signal
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.support.judges import board, both_loaders, events as judged
from tbwriter import check, reader, summary
from tbwriter._proto import messages, parse, wire
from tbwriter.cli._rewrite import places, rewrite
from tbwriter.cli._follow import Follower, Points, sparkline
from tbwriter.cli import _follow, main
from tests.support.data import DATA, event_of, record_of, scalar_event, written


def run(*arguments):
    """Exit code of one command."""
    return main([str(argument) for argument in arguments])


def test_show_lists_runs_tags_kinds_and_counts(tmp_path, capsys):
    """One line for each tag, and the same as JSON."""
    written(tmp_path / "a", [scalar_event("loss", 1.0, step) for step in (3, 4)])
    assert run("show", tmp_path) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["run", "tag", "kind", "count", "steps", "from", "to"]
    assert lines[1].split()[:5] == ["a", "loss", "scalar", "2", "3..4"]
    assert lines[-1].startswith("1 run, 1 tag, 1 file, ")
    assert run("show", tmp_path, "--json") == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown[0]["run"] == "a"
    assert shown[0]["tags"] == [{"tag": "loss", "kind": "scalar", "count": 2, "steps": [3, 4],
                                 "wall_times": [1.6e9, 1.6e9], "last": 1.0}]


def test_show_of_damage_and_of_nothing_is_1(tmp_path, capsys):
    """Damage is printed with its place; a directory without runs is said to be one."""
    assert run("show", tmp_path) == 1
    assert "no runs" in capsys.readouterr().out
    path = written(tmp_path, [scalar_event("x", 1.0, 1)])
    path.write_bytes(path.read_bytes() + b"torn")
    assert run("show", tmp_path) == 1
    assert "torn tail" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [
    ["nonsense"], ["show"], ["export", ".", "--format", "xml"],
    ["thin", "a", "b", "--points", "0"], ["thin", "a", "b", "--points", "many"],
    ["tail", ".", "--interval", "-1"], ["tail", ".", "--interval", "soon"],
    ["thin", "a", "b", "--points", "²"], ["thin", "a", "b", "--points", "9" * 5000],
    *([*name, "missing", option, "a", option, "b"]
      for name in (["show"], ["tail", "--once"], ["export"]) for option in ("--run", "--tag")),
    ["reduce", "a", "b", "--run", "a", "--run", "b"],
    ["show", ".", "--jobs", "²"], ["export", ".", "--step", "9" * 5000],
    ["select", "a", "b", "--steps", "²:"], ["select", "a", "b", "--steps", ":" + "9" * 5000],
])
def test_wrong_usage_is_2(arguments, capsys):
    """argparse says what is wrong, and what is wanted."""
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2
    error = capsys.readouterr().err
    assert ", want " in error or arguments[0] in ("nonsense", "show") or "xml" in error


def test_a_missing_directory_is_1(tmp_path, capsys):
    """There are no logs: every command names the directory."""
    for command in (["show"], ["check"], ["tail", "--once"], ["export"]):
        assert run(*command, tmp_path / "missing") == 1
        out, err = capsys.readouterr()
        assert "missing" in err and not out
    for command in ("repair", "thin"):
        assert run(command, tmp_path / "missing", tmp_path / "out") == 1
    assert run("merge", tmp_path / "missing", tmp_path / "out") == 1
    assert run("demo", "") == 2
    assert not (tmp_path / "out").exists()


def test_check_says_what_is_wrong(tmp_path, capsys):
    """Exit code 1 with findings, 0 without; JSON has the same fields."""
    written(tmp_path, [scalar_event("x", 1.0, 1)])
    assert run("check", tmp_path) == 0
    assert "nothing found" in capsys.readouterr().out
    written(tmp_path, [scalar_event("x", 1.0, 1), scalar_event("x", 1.0, 1)])
    assert run("check", tmp_path) == 1
    out = capsys.readouterr().out
    assert "repeated steps" in out and "the fast loader shows: the last value" in out
    assert run("check", tmp_path, "--json") == 1
    assert json.loads(capsys.readouterr().out)[0]["rule"] == "repeated steps"


def _broken(directory: Path) -> None:
    """Two files whose names sort wrongly, damage, repeated and falling steps, a double scalar."""
    double = wire.string_field(1, "d") + b"".join(
        messages.tensor(2, (), np.float64(1.5).tobytes())) + messages.metadata("scalars")
    wrapped = (wire.double_field(1, 1.6e9) + wire.int_field(2, 1)
               + wire.bytes_field(5, wire.bytes_field(1, double)))
    first = written(directory, [scalar_event("x", float(i), i) for i in (0, 1, 2, 2, 3)], "9")
    first.write_bytes(first.read_bytes() + b"damage" + record_of(scalar_event("x", 4.0, 4)))
    written(directory, [wrapped, scalar_event("x", 20.0, 2), scalar_event("y", 1.0, 1, math.nan)],
            "95")


@both_loaders
def test_repair_writes_what_both_loaders_show(tmp_path, capsys, loader):
    """Every value that can be read is in the copy, which check finds good; the original stays."""
    _broken(tmp_path / "logs")
    before = {path.name: path.read_bytes() for path in (tmp_path / "logs").iterdir()}
    assert run("repair", tmp_path / "logs", tmp_path / "new") == 0
    assert "damaged" in capsys.readouterr().out
    assert {path.name: path.read_bytes() for path in (tmp_path / "logs").iterdir()} == before
    assert check.check(str(tmp_path / "new")) == []
    assert len(list((tmp_path / "new").iterdir())) == 1
    with board(tmp_path / "new", loader) as shown:
        assert shown.scalars(".", "x") == [(0, 0.0), (1, 1.0), (2, 20.0), (3, 3.0), (4, 4.0)]
        assert shown.scalars(".", "d") == [(1, 1.5)]
        assert shown.scalars(".", "y") == [(1, 1.0)]


@both_loaders
def test_repair_of_a_restarted_run_keeps_the_second_try(tmp_path, loader):
    """Values before a START, at its step or later ones, are purged, in both loaders."""
    start = (wire.double_field(1, 1.6e9) + wire.int_field(2, 2)
             + wire.bytes_field(7, messages.SESSION_START))
    written(tmp_path / "logs", [*(scalar_event("x", float(i), i) for i in range(5)), start,
                                scalar_event("x", 9.0, 2)])
    rewrite(places([str(tmp_path / "logs")]), str(tmp_path / "new"))
    with board(tmp_path / "new", loader) as shown:
        assert shown.scalars(".", "x") == [(0, 0.0), (1, 1.0), (2, 9.0)]


def test_repair_copies_other_values_bit_by_bit(tmp_path):
    """Images, text, curves and graphs of torch's file are the same messages in the copy."""
    rewrite(places([str(DATA / "torch")]), str(tmp_path / "new"))

    def values(directory):
        return sorted(value.SerializeToString() for event in judged(directory)
                      for value in event.summary.value if value.tag != "double")
    assert values(tmp_path / "new") == values(DATA / "torch")


def test_a_directory_called_like_a_file_gets_another_name(tmp_path):
    """The Python loader would open it as an event file."""
    written(tmp_path / "logs" / "my.tfevents", [scalar_event("x", 1.0, 1)])
    rewrite(places([str(tmp_path / "logs")]), str(tmp_path / "new"))
    assert list(reader.runs(str(tmp_path / "new"))) == ["my.%74fevents"]


def test_nothing_is_overwritten(tmp_path, capsys):
    """A target that holds something, or lies in the original, is refused."""
    written(tmp_path / "logs", [scalar_event("x", 1.0, 1)])
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").write_text("mine")
    assert run("repair", tmp_path / "logs", tmp_path / "full") == 2
    assert run("repair", tmp_path / "logs", tmp_path / "logs" / "new") == 2
    assert run("demo", tmp_path / "full") == 2
    assert "want a new directory" in capsys.readouterr().err
    assert sorted(path.name for path in (tmp_path / "full").iterdir()) == ["file"]


def test_merge_joins_runs_of_one_name(tmp_path, capsys):
    """Two halves of a run become one file; runs of other names stay apart; side files come along.
    """
    written(tmp_path / "a" / "run", [scalar_event("x", 1.0, step) for step in (1, 2)])
    written(tmp_path / "b" / "run", [scalar_event("x", 1.0, step) for step in (3, 4)])
    written(tmp_path / "b" / "other", [scalar_event("y", 1.0, 1)])
    (tmp_path / "b" / "other" / "notes.tsv").write_text("kept")
    assert run("merge", tmp_path / "a", tmp_path / "b", tmp_path / "out", "--json") == 0
    assert json.loads(capsys.readouterr().out)["written"] == 5
    runs = reader.read(str(tmp_path / "out"))
    assert runs["run"].scalars("x").steps.tolist() == [1, 2, 3, 4] and len(runs["run"].files) == 1
    assert runs["other"].scalars("y").steps.tolist() == [1]
    assert (tmp_path / "out" / "other" / "notes.tsv").read_text() == "kept"


def test_thin_keeps_first_and_last(tmp_path):
    """At most the given number of values of each tag, evenly spread."""
    written(tmp_path / "logs", [scalar_event("x", float(i), i) for i in range(1001)]
            + [scalar_event("y", 1.0, 1)])
    assert run("thin", tmp_path / "logs", tmp_path / "out", "--points", "11") == 0
    thinned = reader.read(str(tmp_path / "out"))["."]
    assert thinned.scalars("x").steps.tolist() == list(range(0, 1001, 100))
    assert thinned.scalars("y").steps.tolist() == [1]


def test_export_as_csv_and_json_lines(tmp_path, capsys):
    """Every point once, NaN as a word; filters choose runs and tags."""
    written(tmp_path / "a", [scalar_event("x", 0.5, 1), scalar_event("y", math.nan, 2)])
    written(tmp_path / "b", [scalar_event("x", 2.0, 1)])
    assert run("export", tmp_path) == 0
    rows = list(csv.reader(io.StringIO(capsys.readouterr().out)))
    assert rows == [["run", "tag", "step", "wall_time", "value"],
                    ["a", "x", "1", "1600000000.0", "0.5"], ["a", "y", "2", "1600000000.0", "nan"],
                    ["b", "x", "1", "1600000000.0", "2.0"]]
    assert run("export", tmp_path, "--format", "jsonl", "--run", "a", "--tag", "y") == 0
    assert json.loads(capsys.readouterr().out) == {
        "run": "a", "tag": "y", "step": 2, "wall_time": 1.6e9, "value": "NaN"}
    assert run("export", tmp_path, "--tag", "none") == 1
    assert run("export", tmp_path, "--output", tmp_path / "out.csv") == 0
    assert (tmp_path / "out.csv").read_text().count("\n") == 4


def test_export_writes_images_and_sounds_below_the_directory(tmp_path, capsys):
    """Each file is what the event holds; a hostile tag stays inside."""
    picture = np.zeros((4, 5, 3), np.uint8)
    written(tmp_path / "logs", [event_of(summary.image("../../evil", picture), 3),
                                event_of(summary.audio("sound", np.zeros(10)), 3)])
    out = tmp_path / "out"
    assert run("export", tmp_path / "logs", "--files", out) == 0
    files = sorted(path for path in out.rglob("*") if path.is_file())
    assert [path.suffix for path in files] == [".png", ".wav"]
    assert not (tmp_path / "evil").exists()
    run_ = reader.read(str(tmp_path / "logs"))["."]
    assert files[0].read_bytes() == run_.images("../../evil").values[0].encoded[0]
    assert files[1].read_bytes()[:4] == b"RIFF"


@pytest.mark.parametrize("values, width, chart", [
    ([], 10, ""), ([1.0], 10, "▁"), ([0.0, 1.0], 10, "▁█"), ([5.0] * 20, 4, "▁▁▁▁"),
    (list(range(8)), 8, "▁▂▃▄▅▆▇█"), ([0.0, math.nan, 1.0], 3, "▁×█"), ([math.inf, 1.0], 2, "×▁"),
    (list(range(100)), 2, "▁█"), ([0.0] * 3 + [sys.float_info.max] * 3, 2, "▁█"),
    ([0.0] * 3 + [-sys.float_info.max] * 3, 2, "█▁"),
])
def test_sparkline(values, width, chart):
    """Lowest to highest; means of neighbours; a value that is not finite is a cross."""
    assert sparkline(values, width) == chart


def test_tail_follows_what_is_added(tmp_path):
    """Only new records are read; a torn tail is taken up where it is completed."""
    written(tmp_path / "logs", [scalar_event("x", 1.0, 1)])
    follower = Follower(str(tmp_path / "logs"))
    assert follower.read() and not follower.read()
    record = record_of(scalar_event("x", 2.0, 2))
    path = tmp_path / "logs" / "events.out.tfevents.1600000000"
    with open(path, "ab", buffering=0) as file:
        file.write(record[:11])
        assert not follower.read()
        file.write(record[11:])
        assert follower.read()
    line, = follower.lines(60)
    assert line.split() == [".", "x", "2", "2", "▁█"] and len(line) <= 60
    written(tmp_path / "logs" / "new", [scalar_event("y", 1.0, 1)])
    assert follower.read() and len(list(follower.lines(60))) == 2


def test_tail_of_mixed_records(tmp_path):
    """Each chart shows its scalars in the order of the file, whether they are simple_values or
    tensors that only the first value of the tag describes, and whatever is between them; a tensor
    that nothing describes as a scalar, a histogram and a tag that was not asked for have no chart.
    """
    def tensor(tag, number, step, plugin=""):
        value = (wire.string_field(1, tag)
                 + wire.bytes_field(8, wire.int_field(1, 1) + wire.bytes_field(
                     5, struct.pack("<f", number))))
        if plugin:
            value += wire.bytes_field(9, wire.bytes_field(1, wire.string_field(1, plugin)))
        return (b"\x09" + struct.pack("<d", 1.6e9) + wire.int_field(2, step)
                + wire.bytes_field(5, wire.bytes_field(1, value)))

    events = [tensor("a", -1.0, 500, "scalars")]
    for step in range(1, 400):
        events += [scalar_event("a", float(step), step), tensor("a", float(-step), step),
                   scalar_event("no", 0.0, step), tensor("ab", 1.0, step)]
        if step % 50 == 0:
            events.append(event_of(summary.histogram("ah", [1.0, 2.0]), step))
    written(tmp_path, events)
    follower = Follower(str(tmp_path), tag="a*")
    assert follower.read()
    series = follower._series["."]
    [key], points = list(series.names), series.points(0)
    expected = [-1.0]
    for step in range(1, 400):
        expected += [float(step), float(-step)]
    assert key == "a" and points.step == 399 and points.values.tolist() == expected


def test_tail_keeps_the_latest_points(monkeypatch):
    """Of a long series, only the points that are drawn are kept, and a few more."""
    monkeypatch.setattr("tbwriter.cli._follow._POINTS", 5)
    points = Points()
    for step in range(23):
        points.add(step, float(step))
        assert len(points.values) < 10
    assert points.step == 22 and points.values.tolist()[-5:] == [18.0, 19.0, 20.0, 21.0, 22.0]


def test_tail_of_many_tags(tmp_path, monkeypatch):
    """Lines are in the order of the tags, however many are sorted at a time, and each tag has its
    own values, whether there are few or many."""
    monkeypatch.setattr("tbwriter.cli._follow._SORTED", 1000)
    source = random.Random(4)
    counts = {f"{source.choice('aäz')}{at}": source.randrange(1, 14) for at in range(150)}
    events = [scalar_event(tag, float(at % 7), at) for tag, count in counts.items()
              for at in range(count)]
    source.shuffle(events)
    written(tmp_path, events)
    follower = Follower(str(tmp_path))
    follower.read()
    want = {tag: ([], []) for tag in counts}
    for event in map(parse.event, events):
        for column, item in zip(want[event.values[0].tag], (event.step, event.values[0].data)):
            column.append(item)
    lines = list(follower.lines(80))
    assert len(lines) == len(follower) == 150
    assert [line.split()[1] for line in lines] == sorted(counts)
    for line in lines:
        tag, step, _, chart = line.split()[1:]
        steps, values = want[tag]
        assert step == str(steps[-1])
        assert chart == sparkline([wire.as_float(value) for value in values], 80)


def test_tail_reports_damage(tmp_path):
    """A damaged file is named, and the others are still followed."""
    path = written(tmp_path, [scalar_event("x", 1.0, 1)])
    path.write_bytes(path.read_bytes() + bytes(40))
    follower = Follower(str(tmp_path))
    follower.read()
    assert "zero bytes" in list(follower.lines(80))[-1]


def test_tail_once_has_no_interval(tmp_path, capsys):
    """The option would be ignored."""
    written(tmp_path, [scalar_event("loss", 1.0, 0)])
    assert run("tail", tmp_path, "--once", "--interval", "2") == 2
    assert capsys.readouterr() == ("", "tbwriter: got --interval with --once, want one of them\n")


def test_tail_tries_again(tmp_path, monkeypatch):
    """A file or a directory that cannot be read is reported for as long as that lasts, printed
    once, and read on from where it was."""
    path = written(tmp_path, [scalar_event("loss", 1.0, 0)])
    other = written(tmp_path / "b", [scalar_event("loss", 1.0, 0)])
    follower = Follower(str(tmp_path))
    assert follower.read() and not follower.damaged
    for place, name in ((_follow, "Window"), (os, "scandir")):
        good = getattr(place, name)

        def fails(which):
            if str(which) in (str(path), str(tmp_path)):
                raise OSError(errno.EIO, "Input/output error", str(which))
            return good(which)
        with monkeypatch.context() as patched:
            patched.setattr(place, name, fails)
            with open(path, "ab") as file:
                file.write(record_of(scalar_event("loss", 2.0, 1)))
            assert [follower.read(wait=True) for _ in range(3)] == [True, False, False]
            assert follower.damaged
            *charts, last = follower.lines(80)
            assert last.startswith("unreadable: [Errno 5]") and len(charts) == 2
            with open(other, "ab") as file:
                file.write(record_of(scalar_event("loss", 2.0, 1)))
            assert follower.read(wait=True) is (name == "Window")
        assert follower.read(wait=True) and not follower.damaged
        assert not follower.read(wait=True)
    assert [line.split()[2] for line in follower.lines(80)] == ["1", "1"]
    assert [len(follower._series[run].points(0).values) for run in (".", "b")] == [3, 3]


def test_tail_of_a_directory_that_is_deleted(tmp_path):
    """It is reported, and followed again once it is there."""
    directory = tmp_path / "logs"
    written(directory, [scalar_event("loss", 1.0, 0)])
    follower = Follower(str(directory))
    assert follower.read(wait=True)
    directory.rename(tmp_path / "away")
    assert [follower.read(wait=True) for _ in range(2)] == [True, False] and follower.damaged
    (tmp_path / "away").rename(directory)
    assert [follower.read(wait=True) for _ in range(2)] == [True, False] and not follower.damaged


def test_tail_once(tmp_path, capsys):
    """Prints the present values, and ends."""
    written(tmp_path, [scalar_event("x", float(i), i) for i in range(9)])
    assert run("tail", tmp_path, "--once") == 0
    out = capsys.readouterr().out
    assert out.split()[:4] == [".", "x", "8", "8"] and out.count("\n") == 1


def test_tail_once_of_a_damaged_file(tmp_path, capsys):
    """Values before the damage are shown, and the exit code reports the damage."""
    path = written(tmp_path, [scalar_event("x", float(i), i) for i in range(9)])
    path.write_bytes(path.read_bytes() + bytes(40))
    assert run("tail", tmp_path, "--once") == 1
    out = capsys.readouterr().out
    assert out.split()[:4] == [".", "x", "8", "8"] and "zero bytes" in out


def test_as_a_module():
    """`python -m tbwriter --help` names every command and the exit codes."""
    done = subprocess.run([sys.executable, "-m", "tbwriter", "--help"], capture_output=True,
                          text=True, timeout=60)
    assert done.returncode == 0
    for name in ("demo", "show", "tail", "check", "repair", "export", "merge", "thin",
                 "select", "reduce", "Exit codes"):
        assert name in done.stdout


def test_nothing_there_is_1(tmp_path, capsys):
    """A directory without event files is an error."""
    for arguments in (["show", tmp_path], ["check", tmp_path], ["export", tmp_path],
                      ["repair", tmp_path, tmp_path.parent / "mended"]):
        assert run(*arguments) == 1, arguments
    written(tmp_path, [scalar_event("x", 1.0, 1)])
    capsys.readouterr()
    assert run("show", tmp_path, "--run", "valid*") == 1
    assert capsys.readouterr().out == f"no runs like valid* in {tmp_path}\n"


def command(*arguments, **environment):
    """A command in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "tbwriter", *map(str, arguments)], stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, env={**os.environ, **environment})


def test_terminals_that_know_only_ascii(tmp_path):
    """Charts are drawn with other signs, names are escaped, and JSON stays JSON."""
    written(tmp_path, [scalar_event("verlust ü", float(i), i) for i in range(8)])
    out, err = command("tail", tmp_path, "--once", PYTHONIOENCODING="ascii").communicate(timeout=60)
    assert not err and out.split()[-1] == b"_.-=+*%#" and b"verlust \\xfc" in out
    out, err = command("show", tmp_path, PYTHONIOENCODING="ascii").communicate(timeout=60)
    assert not err and b"verlust \\xfc" in out
    out, _ = command("show", tmp_path, "--json", PYTHONIOENCODING="ascii").communicate(timeout=60)
    assert json.loads(out)[0]["tags"][0]["tag"] == "verlust ü"
    out, _ = command("export", tmp_path, PYTHONIOENCODING="ascii").communicate(timeout=60)
    assert "verlust ü" in out.decode("utf-8")


def test_a_reader_that_has_seen_enough(tmp_path):
    """Piping into `head` is no error."""
    written(tmp_path, [scalar_event("x", float(i), i) for i in range(20000)])
    process = command("export", tmp_path)
    assert process.stdout.readline() == b"run,tag,step,wall_time,value\n"
    process.stdout.close()
    assert process.wait(60) == 0 and not process.stderr.read()
    process.stderr.close()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no numbers of files to close")
def test_streams_that_are_closed(tmp_path):
    """Every command does its work without stdin, stdout and stderr: there is nobody to report to.
    No file that it opens takes their numbers."""
    written(tmp_path / "logs", [scalar_event("x", float(i), i) for i in range(9)])
    program = "import os, sys; from tbwriter.cli import main\n" \
        "sys.stdin = sys.stdout = sys.stderr = None; os.closerange(0, 3)\n" \
        "codes = []\n" \
        "for number, line in enumerate(sys.argv[2:]):\n" \
        "    line = line.replace('OUT', f'{sys.argv[1]}/out{number}')\n" \
        "    try:\n" \
        "        codes.append(main(line.replace('LOGS', sys.argv[1] + '/logs').split()))\n" \
        "    except SystemExit as end:\n" \
        "        codes.append(end.code)\n" \
        "open(sys.argv[1] + '/codes', 'w').write(repr(codes))\n"
    lines = {"show LOGS": 0, "export LOGS": 0, "check --json LOGS": 0, "tail --once LOGS": 0,
             "repair LOGS OUT": 0, "--help": 0, "show LOGS/missing": 1, "show": 2,
             "export LOGS --output OUT": 0, "thin LOGS OUT --points 3": 0}
    done = subprocess.run([sys.executable, "-W", "error", "-c", program, str(tmp_path), *lines],
                          capture_output=True, timeout=60)
    assert done.returncode == 0, done
    assert (tmp_path / "codes").read_text() == repr(list(lines.values()))
    assert (tmp_path / "out8").read_text().startswith("run,tag,step,wall_time,value\n.,x,0,")
    assert [len(run.scalars("x").steps) for run in reader.read(str(tmp_path / "out9")).values()] \
        == [3]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends no SIGINT to one process")
def test_ctrl_c_ends_tail(tmp_path):
    """`tail` ends well, without a traceback."""
    written(tmp_path, [scalar_event("x", 1.0, 1)])
    process = command("tail", tmp_path)
    assert b"x" in process.stdout.readline()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0 and not err


CTRL_C_AT_IMPORT = """
import os, signal, sys
class Finder:
    def find_spec(name, path, target=None):
        if name == "tbwriter.cli":
            os.kill(os.getpid(), signal.SIGINT)
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.meta_path.insert(0, Finder)
sys.argv = ["tbwriter", "--help"]
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends no SIGINT to one process")
@pytest.mark.parametrize("start", ["module", "script"])
def test_ctrl_c_while_modules_are_loaded(start):
    """The command ends with 130 and without a traceback, however it was started."""
    if start == "module":
        program = "import runpy; runpy.run_module('tbwriter', run_name='__main__')"
    else:
        setup = configparser.ConfigParser()
        setup.read(Path(__file__).parents[2] / "setup.cfg", encoding="utf-8")
        script = setup["options.entry_points"]["console_scripts"].partition("=")[2].strip()
        module, _, function = script.partition(":")
        program = f"from {module} import {function}; sys.exit({function}())"
    done = subprocess.run(
        [sys.executable, "-c", CTRL_C_AT_IMPORT + program], capture_output=True, timeout=60,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(map(os.path.abspath, sys.path))})
    assert (done.returncode, done.stdout, done.stderr) == (130, b"", b"")


def test_only_the_runs_that_are_named_are_read(tmp_path, monkeypatch):
    """--run saves the time for all others."""
    for name in ("a", "b"):
        written(tmp_path / name, [scalar_event("x", 1.0, 1)])
    opened, begin = [], reader.Window.__init__

    def noting(window, place):
        opened.append(place)
        begin(window, place)
    monkeypatch.setattr(reader.Window, "__init__", noting)
    assert run("show", tmp_path, "--run", "b") == 0
    assert [Path(place).parent.name for place in opened] == ["b"]


PAGE = Path(__file__).parents[2] / "docs" / "command-line.md"


def test_what_the_documentation_prints(tmp_path, capsys, monkeypatch):
    """The output of check and repair in docs/command-line.md is what they print."""
    monkeypatch.chdir(tmp_path)
    records = [record_of(scalar_event("x", float(i), i)) for i in range(5)]
    path = written(Path("runs/broken"), [])
    path.write_bytes(path.read_bytes() + b"".join([*records[:2], records[2][:20], *records[3:]]))
    page = PAGE.read_text(encoding="utf-8")
    for arguments in (["check", "runs/broken"], ["repair", "runs/broken", "runs/mended"]):
        main(arguments)
        assert f"$ tbwriter {' '.join(arguments)}\n{capsys.readouterr().out}" in page


def test_a_single_file(tmp_path, capsys):
    """A command takes an event file wherever it takes a log directory."""
    path = written(tmp_path / "logs", [scalar_event("x", 1.0, 1)])
    written(tmp_path / "logs", [scalar_event("y", 1.0, 1)], "1600000001")
    for arguments in (["show"], ["tail", "--once"], ["check"], ["export"]):
        assert run(*arguments, path) == 0
        out = capsys.readouterr().out
        assert "y" not in out.replace(str(path), "").split() and "1600000001" not in out
    for name in ("repair", "thin"):
        assert run(name, path, tmp_path / name) == 0
        assert list(reader.read(str(tmp_path / name))["."].tags) == ["x"]
    assert run("merge", path, tmp_path / "merged") == 0
    assert list(reader.read(str(tmp_path / "merged"))["."].tags) == ["x"]


@pytest.mark.parametrize("arguments", [["repair"], ["thin"]])
def test_copies_report_as_json(arguments, tmp_path, capsys):
    """Where, how many runs and values, and what was passed over."""
    path = written(tmp_path / "logs", [scalar_event("x", 1.0, 1)])
    path.write_bytes(path.read_bytes() + b"torn")
    assert run(*arguments, tmp_path / "logs", tmp_path / "out", "--json") == 0
    report = json.loads(capsys.readouterr().out)
    left_out = {"damaged": 1}
    assert report == {
        "out": str(tmp_path / "out"), "read": 2, "written": 1, "left_out": left_out,
        "runs": [{"name": ".", "read": 2, "written": 1, "left_out": left_out}],
        "faults": report["faults"], "more_faults": 0, "renamed": {}, "notes": [],
        "more_notes": 0}
    assert "torn tail" in report["faults"][0]


def test_without_tensorboard_tensorflow_protobuf(tmp_path):
    """Every command works where none of them can be imported."""
    program = """
import sys
for name in ("tensorboard", "tensorflow", "google", "google.protobuf", "fsspec", "tqdm"):
    sys.modules[name] = None
from tbwriter.cli import _follow, main
for line in ("demo logs", "show logs", "tail logs --once", "check logs", "repair logs mended",
             "merge logs mended joined",
             "select logs chosen --tag loss*", "reduce logs/hparams reduced",
             "thin logs thinned --points 5", "export logs --files out"):
    assert main(line.split()) == 0, line
"""
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=str(tmp_path), capture_output=True, timeout=120,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(map(os.path.abspath, sys.path))})
    assert done.returncode == 0 and not done.stderr, done.stderr
