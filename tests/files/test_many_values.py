"""One event with millions of values: every command takes memory in proportion to its bytes."""
from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Dict, List

import pytest

from tbwriter._proto import parse, schema, wire
from tests.check.making import plugin, value_event
from tests.support.data import written

PROGRAM = """
import sys
from tbwriter import reader
from tbwriter.cli import main
def peak():
    lines = open("/proc/self/status").read().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1])
before = peak()
if sys.argv[1] == "read":
    reader.read(sys.argv[2])
else:
    main(sys.argv[1:])
print((peak() - before) // 1024, file=sys.stderr)
"""


def summary_of(value: bytes, count: int) -> bytes:
    return wire.double_field(1, 1.6e9) + wire.bytes_field(schema.Event.SUMMARY, value * count)


def texts(count: int) -> bytes:
    """A text of this many empty strings."""
    shape = wire.bytes_field(2, wire.int_field(1, count))
    tensor = (wire.int_field(1, schema.DT_STRING)
              + wire.bytes_field(schema.Tensor.TENSOR_SHAPE, shape)
              + wire.bytes_field(schema.Tensor.STRING_VAL, b"") * count)
    return value_event("t", wire.bytes_field(schema.Value.TENSOR, tensor),
                       plugin("text", b"", schema.PLUGINS["text"].data_class))


EVENTS: Dict[str, bytes] = {
    "empty values": summary_of(b"\x0a\x00", 1_500_000),
    "short values": summary_of(b"\x0a\x05\x15\0\0\0\0", 500_000),
    "empty histograms": summary_of(b"\x0a\x02\x2a\x00", 300_000),
    "empty strings": texts(3_000_000),
}
COMMANDS: Dict[str, List[str]] = {"show": [], "export": [], "repair": ["out"], "tail": ["--once"],
                                  "read": []}


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="needs /proc")
@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("case", EVENTS)
def test_memory_of_an_event_of_many_values(case: str, command: str, tmp_path: Path) -> None:
    """No command takes more than 50 MB over the size of the file."""
    size = written(tmp_path / "logs", [EVENTS[case]]).stat().st_size
    more = ["--once", "logs"] if command == "tail" else ["logs", *COMMANDS[command]]
    done = subprocess.run([sys.executable, "-c", PROGRAM, command, *more], text=True, timeout=100,
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd=tmp_path)
    assert "Traceback" not in done.stderr
    assert int(done.stderr.split()[-1]) < 50 + size // 1_000_000


def test_values_beyond_those_that_are_kept() -> None:
    """Of an event with 30 000 values, each is found by its place, in a walk, and by slices."""
    names = [str(number) for number in range(30_000)]
    event = parse.event(wire.bytes_field(schema.Event.SUMMARY, b"".join(
        wire.bytes_field(schema.Summary.VALUE, wire.string_field(1, name)) for name in names)))
    assert [value.tag for value in event.values] == names
    assert len(event.values) == 30_000
    assert [event.values[at].tag for at in (0, 9_999, 10_000, -1)] == [
        "0", "9999", "10000", "29999"]
    assert [value.tag for value in event.values[9_998:10_003:2]] == ["9998", "10000", "10002"]
    assert [value.tag for value in event.values[::-10_000]] == ["29999", "19999", "9999"]
    places = [3, 10_000, 10_001, 29_999]
    assert [value.tag for value in parse.picked(event.values, places)] == list(map(str, places))
    with pytest.raises(IndexError):
        list(parse.picked(event.values, [30_000]))
    with pytest.raises(IndexError):
        event.values[30_000]
