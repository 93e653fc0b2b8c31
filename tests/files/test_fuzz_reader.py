"""Hostile files: every reader ends soon, in little memory, with a report."""
from __future__ import annotations

import random
import resource
import struct
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.files import fuzz_reader
from tests.files.fuzz_reader import contract, made, record, seeds
from tbwriter import reader
from tbwriter._proto import messages, wire
from tests.support.data import scalar_event

GOOD = b"".join(record(scalar_event("x", float(i), i)) for i in range(20))
EVENT = scalar_event("x", 1.0, 1)


def nested(depth):
    """Length-delimited fields one inside the other."""
    data = b""
    for _ in range(depth):
        data = wire.bytes_field(5, data)
    return data


def shape(*sizes):
    return b"".join(wire.bytes_field(2, wire.int_field(1, size)) for size in sizes)


def in_tensor(*fields):
    value = wire.string_field(1, "t") + wire.bytes_field(8, b"".join(fields))
    return record(wire.bytes_field(5, wire.bytes_field(1, value + messages.metadata("text"))))


def zip_of_headers():
    """Headers whose records lie inside each other: each claims all that follows."""
    data = b""
    for _ in range(3000):
        head = record(b"", len(data) + 4)[:12]
        data = head + data
    return GOOD + b"\1" + data + b"\0" * 64


CRAFTED = {
    "nothing": b"",
    "one byte": b"\0",
    "eleven bytes": GOOD[:11],
    "a header only": GOOD[:12],
    "text": b"not an event file\n" * 1000,
    "zeros": bytes(1 << 20),
    "ones": b"\xff" * (1 << 20),
    "gzip": b"\x1f\x8b\x08" + GOOD,
    "length 2**63": GOOD + record(EVENT, 1 << 63),
    "length 2**64 - 4": GOOD + record(EVENT, (1 << 64) - 4),
    "length 2**64 - 16": GOOD + record(EVENT, (1 << 64) - 16),
    "length 2**40": record(EVENT, 1 << 40) + GOOD,
    "length 16 GB": GOOD + record(EVENT, 16 << 30) + GOOD,
    "length 2**31 - 1": GOOD + record(EVENT, (1 << 31) - 1),
    "length too small": GOOD + record(EVENT, len(EVENT) - 3) + GOOD,
    "empty records": record(b"") * 50000,
    "no message": record(b"\xff" * 40) + GOOD,
    "deep messages": record(nested(2000)) + GOOD,
    "endless varint": record(b"\x10" + b"\x80" * 1000) + GOOD,
    "a tensor of 2**60 elements": in_tensor(
        wire.int_field(1, 1), wire.bytes_field(2, shape(1 << 30, 1 << 30)),
        wire.bytes_field(5, struct.pack("<f", 1.0))),
    "a shape of negative lengths": in_tensor(
        wire.int_field(1, 7), wire.bytes_field(2, shape(-1, -5))),
    "a shape of 10000 axes": in_tensor(
        wire.int_field(1, 1), wire.bytes_field(2, shape(*[1] * 10000)),
        wire.bytes_field(5, struct.pack("<f", 1.0))),
    "a tag of invalid UTF-8": record(wire.bytes_field(5, wire.bytes_field(
        1, wire.bytes_field(1, b"\xff\xfe") + wire.float_field(2, 1.0)))) + GOOD,
    "headers inside each other": zip_of_headers(),
    "damage every 20 bytes": b"".join(record(EVENT)[:20] for _ in range(20000)),
}


@pytest.mark.parametrize("name", sorted(CRAFTED))
def test_crafted(name, tmp_path):
    """Every way of reading ends with events or a report."""
    begin = time.monotonic()
    contract(CRAFTED[name], tmp_path)
    assert time.monotonic() - begin < fuzz_reader.PATIENCE  # a hang is many times that


@pytest.mark.parametrize("name", sorted(name for name, data in CRAFTED.items() if GOOD in data))
def test_good_records_are_found_among_them(name):
    """The 20 good records before or after the bad one are read."""
    assert set(range(20)) <= {event.step for event in reader.events(CRAFTED[name], [])}


def test_memory_is_bounded():
    """All crafted files, and mutated ones, are read with 150 MB more than the program has."""
    done = subprocess.run([sys.executable, "-m", __name__], capture_output=True, text=True,
                          timeout=300)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert "40 files" in done.stdout


def test_the_generator_makes_good_and_bad_files():
    """The target would prove nothing if all its files were refused, or none."""
    source, events = random.Random(0), seeds()
    outcomes = set()
    for _ in range(60):
        try:
            outcomes.add(len(list(reader.events(made(source, events)))) > 0)
        except reader.ReadError:
            outcomes.add("refused")
    assert {True, "refused"} <= outcomes


if __name__ == "__main__":
    import tempfile

    # The first use of numpy and the C libraries takes memory of its own.
    with tempfile.TemporaryDirectory() as scratch:
        contract(GOOD, scratch)
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        limit = pages * resource.getpagesize() + (150 << 20)
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        for crafted in CRAFTED.values():
            contract(crafted, scratch)
    fuzz_reader.main(200, 12, most=40)


def test_the_seed_of_what_is_found_is_printed(monkeypatch, capsys):
    """The same seed makes the same files."""
    seen = []

    def fails(data, directory):
        seen.append(data)
        assert len(seen) % 3, "the third"
    monkeypatch.setattr(fuzz_reader, "contract", fails)
    for _ in range(2):
        with pytest.raises(AssertionError, match="the third"):
            fuzz_reader.main(60, 77)
        assert "seed 77, file 2" in capsys.readouterr().out
    assert seen[:3] == seen[3:]
