"""`tbwriter check`: levels, sums, exit codes, and output as it comes."""
from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any, List

import pytest

from tbwriter import check
from tbwriter.cli import main
from tests.check.broken import BROKEN
from tests.check.making import FULL, plugin, raw, rows, tensor, value_event
from tests.support.data import scalar_event, written


def run(capsys: Any, *arguments: Any) -> Any:
    """(exit code, lines) of one command."""
    code = main([str(argument) for argument in arguments])
    return code, capsys.readouterr().out.splitlines()


@pytest.mark.parametrize("rule", sorted(BROKEN))
def test_exit_codes(rule: str, tmp_path: Path, capsys: Any) -> None:
    """Errors give exit code 1; warnings only with --strict."""
    BROKEN[rule](tmp_path)
    error = check.RULES[rule].level == check.ERROR
    code, lines = run(capsys, "check", tmp_path)
    assert code == int(error)
    assert lines[-1] == f"{int(error)} error{'s' * (not error)} and " \
        f"{int(not error)} warning{'s' * error} in {tmp_path}"
    assert run(capsys, "check", "--strict", tmp_path)[0] == 1


def test_many_runs_fit_on_a_screen(tmp_path: Path, capsys: Any) -> None:
    """Three runs are named as they come, all are counted, and errors come before warnings."""
    for number in range(40):
        directory = tmp_path / f"run{number:02}"
        written(directory, rows())
        (directory / "events.out.tfevents.9").write_bytes(b"")
    raw(tmp_path / "torn", *FULL[:2], FULL[2][:20], *FULL[3:])
    code, lines = run(capsys, "check", tmp_path)
    assert code == 1 and len(lines) < 24
    assert [line for line in lines if line.startswith("warning: no events: ")][-1] \
        == "warning: no events: 40 in 40 runs"
    assert len([line for line in lines if "no events" in line]) == 4
    heads = [line for line in lines if line.endswith((" runs", " run", " tag"))]
    assert [head.partition(":")[0] for head in heads] == sorted(
        head.partition(":")[0] for head in heads)
    found = json.loads("\n".join(run(capsys, "check", "--json", tmp_path)[1]))
    assert len([one for one in found if one["rule"] == "no events"]) == 40
    assert found[0]["level"] == "error" and found[-1]["level"] == "warning"
    every = run(capsys, "check", "--all", tmp_path)[1]
    assert len([line for line in every if "no events" in line]) == 41


def test_findings_come_run_by_run(tmp_path: Path) -> None:
    """The first run's findings are there before the second run is read."""
    for name in "ab":
        raw(tmp_path / name, *FULL[:2], FULL[2][:20], *FULL[3:])
    done: List[int] = []
    directory = check.Directory(str(tmp_path))
    first = next(iter(directory.findings(done.append)))
    assert first.run == "a" and 0 < sum(done) < directory.total_bytes


def test_names_cannot_write_to_the_terminal(tmp_path: Path, capsys: Any) -> None:
    """Escape sequences and newlines of tags are shown escaped, on one line."""
    tag = "a\x1b]52;c;Zm9v\x07\nerror: b"
    written(tmp_path, [scalar_event(tag, float(i), 1) for i in range(3)])
    code, lines = run(capsys, "check", tmp_path)
    assert code == 1 and not [line for line in lines if "\x1b" in line or "\x07" in line]
    assert not [line for line in lines if line.startswith("error: b")]


def test_the_tree_is_listed_once(tmp_path: Path, monkeypatch: Any, capsys: Any) -> None:
    """One listing serves the progress bar, the runs and the side files."""
    from tbwriter import check as package

    listed = []
    real = package.tree  # type: ignore[attr-defined]
    monkeypatch.setattr(package, "tree", lambda logdir: listed.append(logdir) or real(logdir))
    written(tmp_path, rows())
    assert run(capsys, "check", tmp_path)[0] == 0
    assert listed == [str(tmp_path)]


def test_every_scalar_of_a_wrong_type_is_counted(tmp_path: Path) -> None:
    """Values that are decoded in columns count like those that are read one by one."""
    events = [value_event("d", tensor(2, (), struct.pack("<d", i)), plugin("scalars", b"", 1),
                          step=i + 1) for i in range(200)]
    written(tmp_path, events)
    finding, = check.check(str(tmp_path))
    assert (finding.rule, finding.times) == ("scalar type", 200)
