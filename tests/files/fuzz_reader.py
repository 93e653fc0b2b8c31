"""Fuzz target: any bytes give events or a ReadError and a report, in bounded time and memory.

    PYTHONPATH=src python -m tests.files.fuzz_reader [SECONDS [SEED]]

Runs for so many seconds (10) and prints how many files it made; a file that breaks the contract
is printed in hex, with the seed that makes it again. tests/test_fuzz_reader.py runs it briefly,
with its memory limited.
"""
from __future__ import annotations

import argparse
import random
import struct
import tempfile
import time
from pathlib import Path

from tbwriter import check, reader
from tbwriter._tfrecord.crc32c import crc32c
from tbwriter._tfrecord.frame import masked
from tbwriter._files.stream import last_steps

DATA = Path(__file__).parent.parent / "data"
# Seconds that one file of a few kB may take; the slowest take some milliseconds.
PATIENCE = 20.0


def seeds():
    """Events of every writer, small ones."""
    found = []
    for path in sorted(DATA.rglob("*tfevents*")):
        data = path.read_bytes()
        at = 0
        while at < len(data):
            length = struct.unpack_from("<Q", data, at)[0]
            found.append(data[at + 12:at + 12 + length])
            at += length + 16
    return [event for event in found if len(event) < 4000]


def record(event, length=None):
    head = struct.pack("<Q", len(event) if length is None else length)
    return (head + struct.pack("<I", masked(crc32c(head))) + event
            + struct.pack("<I", masked(crc32c(event))))


def mutated(data, source):
    """`data` with a few bytes changed, taken out, doubled or put in."""
    data = bytearray(data)
    for _ in range(source.choice((0, 1, 1, 2, 8))):
        at = source.randrange(len(data) + 1)
        how = source.randrange(5)
        if how == 0 and at < len(data):
            data[at] = source.randrange(256)
        elif how == 1:
            del data[at:at + source.randrange(1, 20)]
        elif how == 2:
            data[at:at] = data[at:at + source.randrange(1, 60)]
        elif how == 3:
            data[at:at] = bytes(source.choice((1, 8, 12, 40)))
        else:
            data[at:at] = source.choice((b"\xff" * 10, b"\x80" * 9, struct.pack("<Q", 1 << 62)))
    return bytes(data)


def made(source, events):
    """One file: mutated events in good frames, lengths that lie, and damage on top."""
    records = []
    harm = source.choice((0.0, 0.05, 0.5))
    for _ in range(source.randrange(1, 60)):
        event = source.choice(events)
        if source.random() < harm:
            event = mutated(event, source)
        length = source.choice((1 << 40, (1 << 64) - 4, 1 << 63, 1 << 33, len(event) + 9)) \
            if source.random() < harm / 10 else None
        records += [record(event, length)] * source.choice((1, 1, 1, 40))
    data = b"".join(records)
    return mutated(data, source) if source.random() < harm else data


def contract(data, directory):
    """Everything that reads, on one file."""
    path = Path(directory, "events.out.tfevents.1")
    path.write_bytes(data)
    try:
        strict = [event.step for event in reader.events(data)]
    except reader.ReadError:
        strict = None
    faults = []
    tolerant = sum(1 for _ in reader.events(data, faults))
    assert strict is None or tolerant >= len(strict)
    assert strict is not None or faults
    run = reader.Run(".", [data])
    for tag, kind in run.tags.items():
        read = {"scalar": run.scalars, "histogram": run.histograms, "image": run.images,
                "audio": run.audio, "text": run.text}.get(kind, run.tensors)
        try:
            series = read(tag)
        except reader.ReadError:
            continue
        assert len(series.steps) == len(series.wall_times) == len(series.values)
        assert len(series.steps) == run.tag(tag).n or run.faults
    try:
        run.hparams  # noqa: B018
    except reader.ReadError:
        pass
    last_steps(str(directory))
    for finding in check.check(str(directory)):
        assert str(finding)


def main(seconds, seed, most=1 << 60):
    """At most so many files, or seconds."""
    source = random.Random(seed)
    events = seeds()
    end = time.monotonic() + seconds
    count = 0
    with tempfile.TemporaryDirectory() as directory:
        while time.monotonic() < end and count < most:
            data = made(source, events)
            begin = time.monotonic()
            try:
                contract(data, directory)
            except BaseException:
                print(f"seed {seed}, file {count}: {data.hex()}")
                raise
            assert time.monotonic() - begin < PATIENCE, f"seed {seed}, file {count} is slow"
            count += 1
    print(f"{count} files, seed {seed}")
    return count


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Read arbitrary bytes.")
    parser.add_argument("seconds", nargs="?", type=float, default=10.0)
    parser.add_argument("seed", nargs="?", type=int, default=random.randrange(1 << 32))
    asked = parser.parse_args()
    main(asked.seconds, asked.seed)
