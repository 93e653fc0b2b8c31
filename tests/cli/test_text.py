"""Text from logs in terminals and spreadsheets: nothing of it is run."""
from __future__ import annotations

import csv
import io
import json
import os
import re
import subprocess
import sys
import tracemalloc

import pytest

from tbwriter import summary
from tbwriter.cli import main
from tbwriter.cli._arguments import matcher, steps
from tbwriter.cli._long_text import csv_pieces
from tbwriter.cli._text import (
    as_json, csv_line, csv_text, json_pieces, number, print_json, shown)
from tests.support.data import event_of, scalar_event, written

# OSC 52 writes the clipboard, a newline fakes a row, U+202E reverses the line, U+009B begins a
# sequence of its own.
EVIL = ["\x1b]52;c;ZXZpbA==\x07", "a\nrun  fake", "\u202egnp.exe", "\x9b2J", "\x7f", "\r", "\u2028"]


@pytest.mark.parametrize("text", EVIL)
def test_shown(text):
    """Every character that does not print is escaped; others stay, in every script."""
    assert shown(text).isprintable() and "\\" in shown(text)
    assert shown("Verlust ü 損失 🎉 a\\b") == "Verlust ü 損失 🎉 a\\b"


def test_memory_of_what_is_escaped():
    """A long text takes little more than what it becomes."""
    text, known = "\x01" * 1_000_000, "\\x01" * 1_000_000
    tracemalloc.start()
    try:
        assert shown(text) == known
        assert tracemalloc.get_traced_memory()[1] < 25_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("value", ["a", "\x1b[2J", "\u202e\U000e0001", "🎉", "\n\t\"\\"])
def test_json_keeps_its_values(value):
    """JSON escapes what does not print, and reads back as it was."""
    text = as_json({value: [value]})
    assert text.isprintable() and json.loads(text) == {value: [value]}


@pytest.mark.parametrize("text", ["\x1b", "\U000e0001é", "🎉\n", "\t\"\\", "=,;", " +"])
def test_long_texts_in_pieces(text):
    """A long text is the same in a line of CSV and in JSON, whether it is printed in pieces or as
    a whole."""
    text *= 70_000
    for raw in (False, True):
        for cells in ([text, "short", 1, 0.5], ["short"] * 20, [text] * 20):
            assert "".join(csv_pieces(cells, raw)) == csv_line(cells, raw)
    for value in (text, {text: [text, {"a": text}], "b": 0.5}, [[]], [text], {}):
        assert "".join(json_pieces(value)) == as_json(value)
        assert "".join(json_pieces(value, "\n")) == as_json(value, 2)


def test_json_item_by_item(capsys):
    """Large values are printed as the json module indents them."""
    rows = [{"tag": f"\n{at}", "steps": (1, at), "time": 0.5, "none": [], "map": {}}
            for at in range(20)]
    value = [{"run": "a", "tags": rows, "hparams": {str(at): at for at in range(20)}}, None]
    print_json(value)
    assert capsys.readouterr().out == json.dumps(value, indent=2) + "\n"


@pytest.mark.parametrize("command", ["show", "show --all", "tail --once", "check", "export",
                                     "export --format jsonl", "repair", "merge", "select", "thin",
                                     "export --hparams", "reduce"])
def test_no_command_prints_a_control_character(command, tmp_path, capsys):
    """Hostile names of runs, tags, texts, files and hyperparameters are shown escaped by every
    command, also in its errors."""
    for at, evil in enumerate(EVIL):
        name = evil.replace("/", "")
        written(tmp_path / "logs" / f"run{at}{name}", [
            scalar_event(evil, 1.0, 1), scalar_event(evil, 1.0, 1),
            event_of(summary.text("text" + evil, evil)), event_of(summary.hparams({evil: evil}))],
            name).open("ab").write(b"torn" + evil.encode())
    name, *options = command.split()
    out = [str(tmp_path / "out")] if name in ("repair", "merge", "select", "thin", "reduce") else []
    main([name, *options, str(tmp_path / "logs"), *out])
    shown_text = capsys.readouterr()
    for line in (shown_text.out + shown_text.err).split("\n"):
        assert line.replace("\t", "").isprintable(), line
    main([name, *options, str(tmp_path / EVIL[0]), *out])
    assert "\x1b" not in capsys.readouterr().err


FORMULAS = ["=1+1", "+1", "-1+1", "@SUM(A1)", "\t=1", " =1", "＝1", *"﹦﹢﹣﹫",
            '=HYPERLINK("http://x")']


@pytest.mark.parametrize("formula", FORMULAS)
def test_cells_that_a_spreadsheet_would_run(formula, tmp_path, capsys):
    """Runs, tags and texts that begin like a formula get a quote; --raw leaves them as they are;
    numbers stay numbers."""
    written(tmp_path / "logs" / formula.replace("/", ""), [
        scalar_event(formula, -1.0, -1), event_of(summary.text("t" + formula, formula))])
    assert main(["export", str(tmp_path / "logs")]) == 0
    rows = list(csv.reader(io.StringIO(capsys.readouterr().out)))[1:]
    for row in rows:
        assert row[0].startswith("'") and row[0][1:2].strip("\\") in formula
    assert rows[0][1] == csv_text(formula) != formula and rows[0][2:] == ["-1", "1600000000.0",
                                                                          "-1.0"]
    assert rows[1][4] == csv_text(formula)
    assert main(["export", "--raw", str(tmp_path / "logs")]) == 0
    rows = list(csv.reader(io.StringIO(capsys.readouterr().out)))[1:]
    assert rows[0][1] == formula and rows[1][4] == formula


@pytest.mark.parametrize("separator", [";", "\t", ","])
def test_cells_end_at_commas_only(separator, tmp_path, capsys):
    """What follows a separator of some spreadsheets is in quotes, in a tag and in texts of any
    length."""
    text = f"a{separator}=1+1"
    written(tmp_path, [scalar_event(text, 1.0, 1), event_of(summary.text("t", text)),
                       event_of(summary.text("long", text + "x" * 70_000))])
    assert main(["export", str(tmp_path)]) == 0
    lines = capsys.readouterr().out.splitlines()[1:]
    assert lines[0].startswith(f'.,"{text}",1,')
    assert lines[1].endswith(f',"{text}"') and f',"{text}xx' in lines[2]
    for line in lines:
        assert len(next(csv.reader([line]))) == 5


def test_lines_of_a_text_stay(tmp_path, capsys):
    """A text of several lines is one cell with its newlines."""
    written(tmp_path, [event_of(summary.text("t", "one\n\ttwo"))])
    assert main(["export", str(tmp_path)]) == 0
    assert list(csv.reader(io.StringIO(capsys.readouterr().out)))[1][4] == "one\n\ttwo"


@pytest.mark.parametrize("arguments", [
    ["check", "LOGS", "EVIL"], ["EVIL"], ["show", "--EVIL", "LOGS"], ["show", "--jobs", "EVIL", ""],
    ["thin", "--points", "EVIL", "LOGS", "OUT"], ["select", "--steps", "EVIL", "LOGS", "OUT"],
    ["select", "--rename", "EVIL", "LOGS", "OUT"], ["export", "--format", "EVIL", "LOGS"],
    ["tail", "--interval", "EVIL", "LOGS"], ["export", "--step", "EVIL", "LOGS"],
    ["show", "--json=EVIL", "LOGS"]], ids=" ".join)
def test_arguments_in_errors(arguments, capsys):
    """A wrong argument, such as a name from a log, is printed escaped and on one line."""
    evil = re.sub("[= ]", "", "".join(EVIL))
    with pytest.raises(SystemExit) as ended:
        main([argument.replace("EVIL", evil) for argument in arguments])
    assert ended.value.code == 2
    out, err = capsys.readouterr()
    assert not out and "".join(err.split("\n")).isprintable()
    assert err.rpartition("error: ")[2].count("\n") == 1 and "\\x1b]52" in err


def test_only_two_characters_of_a_pattern_are_special():
    """"*" and "?" match other characters, "[" matches itself."""
    assert matcher("loss[0]")("loss[0]") and not matcher("loss[0]")("loss0")
    assert matcher("*/w?")("a/b/w\n") and not matcher("w?")("w")
    assert matcher("a.b")("a.b") and not matcher("a.b")("axb")


@pytest.mark.parametrize("text, wanted", [
    ("5", (5, 6)), ("-5", (-5, -4)), ("1:3", (1, 3)), (":3", (None, 3)), ("1:", (1, None)),
    (":", (None, None))])
def test_steps(text, wanted):
    """One step, or a range without its end, as in Python."""
    assert steps(text) == wanted


@pytest.mark.parametrize("value, text", [
    (2.0, "2"), (0.1, "0.1"), (1e300, "1e+300"), (True, "True"), ("2.0", "2.0"),
    (float("nan"), "nan")])
def test_numbers(value, text):
    """Integers have no decimal point, whatever they are stored as."""
    assert number(value) == text


def test_without_arguments(capsys):
    """The help is printed."""
    assert main([]) == 0
    assert "Exit codes" in capsys.readouterr().out


def test_a_run_that_is_no_utf8(tmp_path):
    """A directory whose name is no text is listed and exported, with its bytes escaped."""
    if sys.platform != "linux":
        pytest.skip("only Linux has such names")
    name = os.fsencode(str(tmp_path)) + b"/r\xff"
    os.mkdir(name)
    written(tmp_path / "one", [scalar_event("x", 1.0, 1)])
    os.rename(tmp_path / "one" / "events.out.tfevents.1600000000",
              name + b"/events.out.tfevents.1600000000")
    for command in (["show"], ["export"], ["export", "--raw"], ["show", "--json"]):
        done = subprocess.run([sys.executable, "-m", "tbwriter", *command, str(tmp_path)],
                              capture_output=True, timeout=60)
        assert done.returncode == 0 and b"\\udcff" in done.stdout, done.stderr
