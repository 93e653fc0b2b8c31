"""export: steps, hyperparameters, damage."""
from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
import threading

import numpy as np
import pytest

from tbwriter import summary
from tbwriter._proto import messages, wire
from tbwriter.cli import main
from tests.support.data import event_of, scalar_event, written


def rows_of(capsys, *arguments):
    """The rows that export prints, and its text on stderr."""
    capsys.readouterr()
    assert main(["export", *map(str, arguments)]) == 0
    out, err = capsys.readouterr()
    return list(csv.reader(io.StringIO(out)))[1:], err


@pytest.mark.parametrize("wanted, steps", [("3", [3]), ("2:4", [2, 3]), (":1", [0]), ("4:", [4])])
def test_steps(wanted, steps, tmp_path, capsys):
    """One step or a range, of scalars and of text."""
    written(tmp_path, [event_of(summary.scalar("x", 1.0) + summary.text("t", "text"), step)
                       for step in range(5)])
    rows, _ = rows_of(capsys, tmp_path, "--step", wanted)
    for tag in "xt":
        assert [int(row[2]) for row in rows if row[1] == tag] == steps


def test_wrong_steps(tmp_path):
    """argparse says what is wanted."""
    for wrong in ("a", "5:2", "1:2:3"):
        with pytest.raises(SystemExit) as stopped:
            main(["export", "--step", wrong, str(tmp_path)])
        assert stopped.value.code == 2


def test_hyperparameters(tmp_path, capsys):
    """A row per run, a column per name, nothing where a run lacks it; integers as integers."""
    for run, values in (("a", {"lr": 0.1, "layers": 2}), ("b", {"lr": 0.2, "bias": True}),
                        ("c", None)):
        written(tmp_path / run, [scalar_event("x", 1.0, 1), *(
            [event_of(summary.hparams(values))] if values else [])])
    capsys.readouterr()
    assert main(["export", "--hparams", str(tmp_path)]) == 0
    assert capsys.readouterr().out == "run,lr,layers,bias\na,0.1,2,\nb,0.2,,True\n"
    assert main(["export", "--hparams", "--format", "jsonl", str(tmp_path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert json.loads(lines[1]) == {"run": "b", "hparams": {"lr": 0.2, "bias": True}}


@pytest.mark.parametrize("options, wrong", [
    (["--hparams", "--tag", "x", "--step", "5"], "got --hparams with --tag and --step, want"),
    (["--hparams", "--step", "5:"], "got --hparams with --step, want"),
    (["--hparams", "--files", "OUT"], "got --hparams with --files, want"),
    (["--raw", "--format", "jsonl"], "got --raw with --format jsonl, want"),
    (["--raw", "--format", "parquet", "--output", "FILE"], "got --raw with --format parquet, want"),
    (["--format", "parquet"], "got --format parquet without --output")])
def test_options_that_do_not_go_together(options, wrong, tmp_path, capsys, monkeypatch):
    """None is ignored: the error names them, and nothing is written."""
    monkeypatch.chdir(tmp_path)
    written(tmp_path / "a", [scalar_event("x", 1.0, 1)])
    assert main(["export", *options, str(tmp_path)]) == 2
    out, err = capsys.readouterr()
    assert not out and wrong in err and len(err.splitlines()) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_hyperparameters_in_processes(tmp_path, capsys):
    """--jobs makes no difference in the rows."""
    for number in range(5):
        written(tmp_path / str(number), [event_of(summary.hparams({"lr": number / 2}))])
    rows, _ = rows_of(capsys, "--hparams", tmp_path)
    assert len(rows) == 5
    assert rows_of(capsys, "--hparams", "--jobs", "2", tmp_path)[0] == rows


def test_one_damaged_picture(tmp_path, capsys):
    """The pictures and texts around a damaged one are exported, and it is named."""
    broken = (wire.string_field(1, "p") + wire.bytes_field(8, wire.int_field(1, 7))
              + messages.metadata("images"))
    event = (wire.double_field(1, 1.6e9) + wire.int_field(2, 2)
             + wire.bytes_field(5, wire.bytes_field(1, broken)))
    pictures = [event_of(summary.image("p", np.full((2, 2, 3), 80 * at, np.uint8)), at)
                for at in (1, 3)]
    written(tmp_path / "logs", [pictures[0], event, pictures[1], scalar_event("x", 1.0, 1)])
    rows, err = rows_of(capsys, tmp_path / "logs", "--files", tmp_path / "out")
    assert [(row[1], row[2]) for row in rows] == [("p", "1"), ("p", "3"), ("x", "1")]
    assert "damaged" in err and "'p'" in err


def test_a_run_that_continues_is_not_damaged(tmp_path, capsys):
    """A record that is only half written is no fault."""
    path = written(tmp_path, [scalar_event("x", 1.0, 1)])
    path.write_bytes(path.read_bytes() + b"torn")
    assert rows_of(capsys, tmp_path)[1] == ""


def test_parquet(tmp_path, capsys):
    """The scalars as a file that pyarrow reads; without --output it is wrong usage."""
    try:
        from pyarrow import parquet
    except ImportError as error:  # also one that needs another numpy
        pytest.skip(f"no pyarrow: {error}")
    written(tmp_path / "logs" / "a", [scalar_event("x", 0.5, step) for step in range(3)])
    out = tmp_path / "out.parquet"
    command = ["export", "--format", "parquet", str(tmp_path / "logs")]
    assert main([*command, "--output", str(out)]) == 0
    table = parquet.read_table(out).to_pydict()
    assert table["step"] == [0, 1, 2] and table["value"] == [0.5] * 3 and table["run"] == ["a"] * 3
    assert main(command) == 2


@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet"])
def test_output_in_a_directory_that_is_missing(form, tmp_path, capsys):
    """A file that cannot be written is wrong usage, not a fault of the logs."""
    written(tmp_path / "logs", [scalar_event("x", 0.5, 1)])
    out = str(tmp_path / "nowhere" / "out")
    assert main(["export", "--format", form, "--output", out, str(tmp_path / "logs")]) == 2
    assert "want a file in a directory that exists" in capsys.readouterr().err


def test_jobs(tmp_path, capsys):
    """Runs that are read in processes are exported and shown in the same order."""
    for run in "abc":
        written(tmp_path / run, [scalar_event("x", 0.5, step) for step in range(3)])
    for command in ("export", "show"):
        outs = []
        for jobs in ("1", "2"):
            assert main([command, "--jobs", jobs, str(tmp_path)]) == 0
            outs.append(capsys.readouterr().out)
        assert outs[0] == outs[1] and outs[0].count("\n") > 4


FORMATS = ["csv", "jsonl", "parquet"]
LIMITED = """
import resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))
from tbwriter.cli import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit")
@pytest.mark.parametrize("form", FORMATS)
def test_output_that_cannot_be_written(form, tmp_path):
    """The error names the file, an earlier file stays as it was, and no other is left."""
    if form == "parquet":
        _needs_pyarrow()
    written(tmp_path / "logs", [scalar_event("x", 0.1 * step, step) for step in range(1000)])
    out = tmp_path / "out" / "file"
    out.parent.mkdir()
    for before in (None, "earlier"):
        if before:
            out.write_text(before)
        done = subprocess.run(
            [sys.executable, "-c", LIMITED, "export", "--format", form, "--output", str(out),
             str(tmp_path / "logs")], stderr=subprocess.PIPE, universal_newlines=True)
        assert done.returncode == 2 and "File too large" in done.stderr
        assert str(out) in done.stderr and ".part" not in done.stderr
        assert list(out.parent.iterdir()) == ([out] if before else [])
    assert out.read_text() == "earlier"


@pytest.mark.parametrize("form", FORMATS)
def test_output_of_nothing(form, tmp_path, capsys):
    """With nothing to export, exit code 1, an earlier file stays, and none is made."""
    if form == "parquet":
        _needs_pyarrow()
    written(tmp_path / "logs", [scalar_event("x", 0.5, 1)])
    out = tmp_path / "file"
    command = ["export", "--format", form, "--output", str(out), str(tmp_path / "logs")]
    assert main([*command, "--tag", "other"]) == 1 and not out.exists()
    assert main(command) == 0
    before = out.read_bytes()
    assert main([*command, "--tag", "other"]) == 1 and out.read_bytes() == before
    assert "nothing to export" in capsys.readouterr().err


@pytest.mark.parametrize("form", FORMATS)
def test_output_over_an_event_file(form, tmp_path, capsys):
    """It is refused with exit code 2, also through a link, and the event file stays."""
    if form == "parquet":
        _needs_pyarrow()
    path = written(tmp_path / "logs", [scalar_event("x", 0.5, 1)])
    before = path.read_bytes()
    (tmp_path / "link").symlink_to(path)
    for out in path, tmp_path / "link":
        assert main(["export", "--format", form, "--output", str(out), str(tmp_path / "logs")]) == 2
        assert f"got --output {out}, which is an event file" in capsys.readouterr().err
        assert path.read_bytes() == before


# The command, killed before its output has its name, as process 1 of a container.
KILLED = """
import os, sys
os.getpid = lambda: 1
os.replace = lambda *paths: os._exit(9)
from tbwriter.cli import main
main(sys.argv[1:])
"""


def test_a_part_that_a_killed_command_left(tmp_path, monkeypatch):
    """It does not keep the next command, which has the same process id, from writing."""
    written(tmp_path / "logs", [scalar_event("x", 0.5, 1)])
    command = ["export", "--output", str(tmp_path / "out"), str(tmp_path / "logs")]
    assert subprocess.run([sys.executable, "-c", KILLED, *command]).returncode == 9
    assert not (tmp_path / "out").exists() and len(list(tmp_path.iterdir())) == 2
    monkeypatch.setattr("os.getpid", lambda: 1)
    assert main(command) == 0 and (tmp_path / "out").exists()


def test_output_that_is_no_regular_file(tmp_path):
    """A pipe is written itself; of a link, the file that it leads to is replaced, which keeps its
    permissions."""
    written(tmp_path / "logs", [scalar_event("x", 0.5, 1)])
    expected = "run,tag,step,wall_time,value\n.,x,1,1600000000.0,0.5\n"
    os.mkfifo(tmp_path / "pipe")
    found = []
    reading = threading.Thread(target=lambda: found.append((tmp_path / "pipe").read_text()))
    reading.start()
    assert main(["export", "--output", str(tmp_path / "pipe"), str(tmp_path / "logs")]) == 0
    reading.join()
    assert found == [expected]
    (tmp_path / "file").write_text("earlier")
    (tmp_path / "file").chmod(0o640)
    (tmp_path / "link").symlink_to(tmp_path / "file")
    assert main(["export", "--output", str(tmp_path / "link"), str(tmp_path / "logs")]) == 0
    assert (tmp_path / "link").is_symlink() and (tmp_path / "file").read_text() == expected
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o640
    done = subprocess.run([sys.executable, "-m", "tbwriter", "export", "--output", "/dev/stdout",
                           str(tmp_path / "logs")], stdout=subprocess.PIPE)
    assert done.stdout.decode() == expected


def _needs_pyarrow():
    try:
        import pyarrow.parquet  # noqa: F401
    except ImportError as error:  # also one that needs another numpy
        pytest.skip(f"no pyarrow: {error}")
