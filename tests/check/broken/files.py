"""Broken directories for the rules of tbwriter.check.files."""
from __future__ import annotations

import gzip
import math
import os
from pathlib import Path
from typing import Any, Callable, Dict

from tbwriter._proto import wire
from tests.check.making import FULL, flipped, header, plugin, raw, rows, strings, value_event
from tests.support.data import VERSION, record_of, scalar_event, written


def raw_version(directory: Path, version: str) -> None:
    head = wire.double_field(1, 1.6e9) + wire.string_field(3, version)
    written(directory, [head, *rows()], version=False)


# The pointer of Git LFS to a file.
LFS = (b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"a" * 64
       + b"\nsize 12345\n")


def alone(directory: Path, content: bytes) -> None:
    """A file with the name of an event file."""
    (directory / "events.out.tfevents.1").write_bytes(content)


def _unlisted(directory: Path) -> None:
    """A directory that root cannot list either: its path is too long."""
    here = os.getcwd()
    try:
        for _ in range(20):
            os.chdir(directory)
            os.mkdir("d" * 240)
            directory = Path("d" * 240)
    finally:
        os.chdir(here)


# Rule -> the function that makes a directory which breaks it, and no other.
BROKEN: Dict[str, Callable[[Path], Any]] = {
    "torn tail": lambda d: raw(d, *FULL, FULL[0][:20]),
    "torn record": lambda d: raw(d, *FULL[:2], FULL[2][:20], *FULL[3:]),
    "bad length": lambda d: raw(d, *flipped(1)),
    "huge length": lambda d: raw(d, *FULL, header(1 << 40)),
    "bad data": lambda d: raw(d, *flipped(-6)),
    "bad event": lambda d: raw(d, *FULL, record_of(
        value_event("x", wire.bytes_field(9, b"\xff")))),
    "bad field": lambda d: raw(d, *FULL, record_of(value_event(
        "x", wire.float_field(2, 5.0), wire.int_field(7, 1), step=5))),
    "zero bytes": lambda d: raw(d, *FULL, bytes(40)),
    "gzipped": lambda d: (d / "events.out.tfevents.1").write_bytes(
        gzip.compress(record_of(VERSION) + b"".join(FULL))),
    "unreadable": lambda d: (d / "events.out.tfevents.1").symlink_to("/proc/self/mem"),
    "git pointer": lambda d: alone(d, LFS),
    "unlisted directory": _unlisted,
    "no runs": lambda d: (d / "notes.txt").write_text("no events"),
    "no events": lambda d: (d / "events.out.tfevents.1").write_bytes(b""),
    "no event file": lambda d: alone(
        d, b"<!DOCTYPE html><html><body>Not found</body></html>"),
    "no file version": lambda d: written(d, rows(), version=False),
    "wall_time NaN": lambda d: written(d, [*rows(), scalar_event("x", 1.0, 9, math.nan)]),
    "wall_time infinite": lambda d: written(d, [*rows(), scalar_event("x", 1.0, 9, math.inf)]),
    "directory name": lambda d: written(d / "my.tfevents", rows()),
}

# Other forms of these faults: the rule, a function that makes them, and the request to TensorBoard.
FORMS: Dict[str, Any] = {
    "a version below 2": ("no file version", lambda d: raw_version(d, "brain.Event:1"), None, {}),
    "no text in the version": ("no file version", lambda d: raw_version(d, "Event"), None, {}),
    "a wall_time of NaN in a tensor": ("wall_time NaN", lambda d: written(d, [value_event(
        "t", strings((), [b"a"]), plugin("text", b"", 2), wall_time=math.nan)]), None, {}),
    "fewer than 12 zeros": ("torn tail", lambda d: raw(d, *FULL, bytes(5)), None, {}),
    "what macOS puts beside a file": ("no event file", lambda d: alone(d, bytes.fromhex(
        "00051607000200004d6163204f532058") + bytes(200)), None, {}),
    "a pointer of git-annex": ("git pointer", lambda d: alone(
        d, b"/annex/objects/MD5E-s345--abc\n"), None, {}),
    "a step of another type": ("bad field", lambda d: raw(d, *FULL, record_of(
        wire.double_field(2, 5.0) + wire.double_field(1, 1.6e9))), None, {}),
    "a step of more than 64 bits": ("bad field", lambda d: raw(d, *FULL, record_of(
        wire.key(2, wire.VARINT) + b"\x85" + b"\x80" * 8 + b"\x02")), None, {}),
    "a tag that is no text": ("bad event", lambda d: raw(d, *FULL, record_of(
        wire.bytes_field(5, wire.bytes_field(1, b"\x0a\x01\xff\x15" + bytes(4))))), None, {}),
}
