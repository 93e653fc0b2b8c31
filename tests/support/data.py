"""Event files for the tests of the reader, check and the commands, made without the writer; and the
recorded signatures of other writers.
"""
from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Dict, Iterable, List

from tbwriter import summary
from tbwriter._proto import messages
from tbwriter._tfrecord import frame

DATA = Path(__file__).parent.parent / "data"
# {writer: {method: [[name, default], ...]}}, as recorded by data/make.py.
SIGNATURES: Dict[str, Dict[str, List[List[str]]]] = json.loads(
    (DATA / "signatures.json").read_text(encoding="utf-8"))
VERSION = messages.file_version(1.6e9, "tests")


def scalar_event(tag: str, value: float, step: int, wall_time: float = 1.6e9) -> bytes:
    """An Event with one scalar, in the bytes that FileWriter writes."""
    return event_of(summary.scalar(tag, value), step, wall_time)


def event_of(payload: Any, step: int = 0, wall_time: float = 1.6e9) -> bytes:
    return b"".join(messages.event(wall_time, step, payload.event_field()))


def record_of(event: bytes) -> bytes:
    return b"".join(frame.frame([event]))


def written(directory: Path, events: Iterable[bytes], name: str = "1600000000",
            version: bool = True) -> Path:
    """The path of a new event file with these events, after the one with the file version."""
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / f"events.out.tfevents.{name}"
    head = [VERSION] if version else []
    path.write_bytes(b"".join(record_of(event) for event in [*head, *events]))
    return path
