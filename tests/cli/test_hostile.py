"""Small files that claim much: every command, in the memory and time that their bytes deserve."""
from __future__ import annotations

import gzip
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Callable, Dict, List

import pytest

from tbwriter import reader
from tbwriter._files.records import Fault
from tbwriter._proto import schema, wire
from tests.check.making import plugin, value_event
from tests.check.test_hostile import shape, tensor
from tests.cli.bounds import PEAK
from tests.support.data import VERSION, record_of, written

COMMANDS: Dict[str, List[str]] = {
    "check": ["check", "LOGS"], "show": ["show", "LOGS"], "tail": ["tail", "LOGS", "--once"],
    "export": ["export", "LOGS"], "files": ["export", "LOGS", "--files", "OUT"],
    "repair": ["repair", "LOGS", "OUT"], "merge": ["merge", "LOGS", "OTHER", "OUT"],
    "select": ["select", "LOGS", "OUT", "--tag", "t"],
    "thin": ["thin", "LOGS", "OUT", "--points", "3"],
    "reduce": ["reduce", "LOGS", "OTHER", "OUT"],
}
PROGRAM = PEAK + """code = tbwriter.cli.main(sys.argv[1:])
print("grown", (peak() - before) // 1024, "code", code, file=sys.stderr)
"""


def text_event(length: int) -> bytes:
    return value_event("t", tensor(7, shape(1), wire.bytes_field(8, b"A" * length)),
                       plugin("text", b"", schema.PLUGINS["text"].data_class))


def large_record(directory: Path) -> None:
    """0.2 MB that are a text of 150 MB."""
    (directory / "events.out.tfevents.1600000000.gz").write_bytes(
        gzip.compress(record_of(VERSION) + record_of(text_event(150 << 20))))


def many_members(directory: Path) -> None:
    """50 000 gzip files of nothing in one."""
    (directory / "events.out.tfevents.1600000000.gz").write_bytes(
        gzip.compress(record_of(VERSION)) + gzip.compress(b"") * 50_000)


def many_values(directory: Path) -> None:
    """One event of a million values of seven bytes."""
    written(directory, [wire.double_field(1, 1.6e9) + wire.bytes_field(
        schema.Event.SUMMARY, wire.bytes_field(1, b"\x15" + bytes(4)) * 10 ** 6)])


def long_strings(directory: Path) -> None:
    """A projector's configuration with a string of 600 000 escapes."""
    written(directory, [text_event(10)])
    (directory / "projector_config.pbtxt").write_text(
        'embeddings { tensor_name: "' + "\\x41" * 600_000 + '" }')


def large_shapes(directory: Path) -> None:
    """Tensors whose shapes say more than their bytes hold."""
    events = []
    for number, lengths in enumerate([(1 << 26, 3), (1 << 40, 3), (1 << 62, 1 << 62, 3), (-1,)]):
        for name in schema.PLUGINS:
            events.append(value_event(f"{name}{number}", tensor(
                1, shape(*lengths), wire.bytes_field(schema.Tensor.FLOAT_VAL, bytes(4))),
                plugin(name, b"", schema.PLUGINS[name].data_class)))
    written(directory, events)


HOSTILE: List[Callable[[Path], None]] = [large_record, many_members, many_values, long_strings,
                                         large_shapes]


@pytest.fixture(scope="module")
def made() -> Dict[Any, Path]:
    """The directories that are made, by the function that makes them."""
    return {}


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="needs /proc")
@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("make", HOSTILE)
def test_memory_of_commands(make: Callable[[Path], None], command: str, tmp_path: Path,
                            made: Dict[Any, Path]) -> None:
    """Each command ends without a traceback, and takes less than 50 MB more than the file has
    bytes."""
    if make is many_values and command not in ("check", "repair"):
        pytest.skip("takes half a minute, and is the same code as repair's")
    other = tmp_path / "other"
    other.mkdir()
    written(other, [text_event(10)])
    if make not in made:
        made[make] = tmp_path / "logs"
        made[make].mkdir()
        make(made[make])
    logs = made[make]
    size = sum(path.stat().st_size for path in logs.iterdir())
    places = {"LOGS": str(logs), "OTHER": str(other), "OUT": str(tmp_path / "out")}
    done = subprocess.run([sys.executable, "-c", PROGRAM,
                           *(places.get(word, word) for word in COMMANDS[command])],
                          text=True, timeout=200, stdout=subprocess.DEVNULL,
                          stderr=subprocess.PIPE, errors="replace")
    assert done.returncode == 0, done.stderr[-2000:]
    grown, code = done.stderr.split("grown ")[-1].split(" code ")
    assert int(grown) < 50 + size // 1_000_000
    assert code.strip() in ("0", "1")


def test_a_large_record_of_a_compressed_file(tmp_path: Path) -> None:
    """It is reported with the remedy; the records after it are read, and so is one that is a few
    times as large as its file."""
    path = tmp_path / "events.out.tfevents.1600000000.gz"
    path.write_bytes(gzip.compress(b"".join(
        record_of(data) for data in (VERSION, text_event(40 << 20), text_event(10 << 20)))))
    faults: List[Fault] = []
    found = list(reader.events(str(path), faults))
    assert [len(event.values) for event in found] == [0, 1]
    [fault] = faults
    assert "decompress it" in str(fault) and fault.nbytes > 40 << 20


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="needs a limit of memory")
def test_not_enough_memory(tmp_path: Path) -> None:
    """A log that needs more memory than is available ends a command with one line that reports
    it."""
    written(tmp_path, [wire.double_field(1, 1.6e9) + wire.bytes_field(
        schema.Event.SUMMARY, b"".join(wire.bytes_field(1, wire.bytes_field(1, b"%06x" % number)
                                                        + b"\x15" + bytes(4))
                                       for number in range(first, first + 1000)))
        for first in range(0, 200_000, 1000)])
    limit = """
import resource, tbwriter.reader, tbwriter.cli.show
pages = int(open("/proc/self/statm").read().split()[0])
limit = pages * resource.getpagesize() + (16 << 20)
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
"""
    done = subprocess.run([sys.executable, "-c", limit + "from tbwriter.cli import main\n"
                           "import sys\nsys.exit(main(sys.argv[1:]))", "show", str(tmp_path)],
                          text=True, timeout=100, capture_output=True)
    assert done.returncode == 2
    assert "memory" in done.stderr and "Traceback" not in done.stderr
    assert len(done.stderr.splitlines()) == 1
