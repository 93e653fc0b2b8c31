"""The benchmark of readers, in small."""
from __future__ import annotations

from benchmarks import reading


def test_the_table() -> None:
    """Each reader that is installed is measured for each kind of log; the others are named."""
    lines = list(reading.table(1, 0.004))
    assert lines[0].startswith("| logs | tbwriter |")
    rows = lines[2:2 + len(reading.LOGS)]
    assert [row.split("|")[1].strip() for row in rows] == [logs.name for logs in reading.LOGS]
    assert all("s" in row.split("|")[2] for row in rows)
    missing = "".join(lines[2 + len(rows):])
    for at, reader in enumerate(reading.ALL):
        measured = rows[-1].split("|")[2 + at].strip()
        assert measured or f"{reading.NAMES[reader]}: not measured" in missing


def test_the_limits() -> None:
    """Memory of many scalars, and time and memory of many tags."""
    lines = list(reading.limits(0.002))
    assert "8000 scalars of one tag" in lines[0] and "MiB" in lines[0]
    assert "`tbwriter export` of 200 tags" in lines[2]


def test_the_commands() -> None:
    """check and export are compared with reading."""
    lines = list(reading.commands(1, 0.004))
    assert [line.split(" of ")[0] for line in lines] == [
        "`reader.read`", "`tbwriter check`", "`tbwriter export`"]
    assert all(line.endswith("x).") for line in lines[1:])
