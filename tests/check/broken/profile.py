"""Broken directories for the rules of tbwriter.check.profile."""
from __future__ import annotations

from pathlib import Path
from typing import Any, Callable, Dict

from tbwriter._proto import wire


def _session(directory: Path, name: str, data: bytes) -> None:
    session = directory / "plugins" / "profile" / "2026_01_02_03_04_05"
    session.mkdir(parents=True)
    (session / name).write_bytes(data)


def _empty(directory: Path, below: str = "") -> None:
    """A session without files of its own."""
    (directory / "plugins" / "profile" / "2026_01_02_03_04_05" / below).mkdir(parents=True)


# Rule -> the function that makes a directory which breaks it, and no other.
BROKEN: Dict[str, Callable[[Path], Any]] = {
    "profile session": lambda d: _session(d, "host.trace.json", b"{}"),
    "profile content": lambda d: _session(d, "host.xplane.pb", b"\xff\xff"),
}

FORMS: Dict[str, Any] = {
    "a session without files": ("profile session", lambda d: _empty(d), None, {}),
    "a session of directories": ("profile session", lambda d: _empty(d, "below"), None, {}),
    "a plane whose name is no text": ("profile content", lambda d: _session(
        d, "host.xplane.pb", wire.bytes_field(1, wire.bytes_field(2, b"\xff"))), None, {}),
}
