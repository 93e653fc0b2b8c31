"""How a writer writes: the settings that it shares with the runs below it."""
from __future__ import annotations

from typing import Any, Optional

from ._memory import memory
from ._values.number import INF, as_count, as_flag, as_float

FLUSH_SECS = 0.1
REMOTE_FLUSH_SECS = 10.0
MAX_BUFFER = 256 << 20
# What one log of a network of 60 million parameters takes, or less on a small machine.
DEFAULT_BUFFER = min(MAX_BUFFER, memory() // 16)


class Settings:
    """Arguments of FileWriter, checked: TypeError or ValueError for those that can't be used. A
    writer that is disabled uses only the flags.

    remote: the log directory is a URL.
    """

    def __init__(self, remote: bool, *, flush_secs: Any, filename_suffix: Any, asynchronous: Any,
                 strict: Any, disabled: Any, max_buffer: Any, max_file_bytes: Any) -> None:
        self.asynchronous = as_flag(asynchronous, "asynchronous")
        self.strict = as_flag(strict, "strict")
        self.disabled = as_flag(disabled, "disabled")
        if flush_secs is None:
            flush_secs = REMOTE_FLUSH_SECS if remote else FLUSH_SECS
        self.flush_secs: float = flush_secs
        self.filename_suffix: str = "" if filename_suffix is None else filename_suffix
        self.max_buffer: int = max_buffer
        self.max_file_bytes: Optional[int] = max_file_bytes
        if not self.disabled:
            self._check()

    def _check(self) -> None:
        if not 0 <= as_float(self.flush_secs, "flush_secs") < INF:
            raise ValueError(f"got flush_secs={self.flush_secs}, want seconds, 0 or more")
        if not isinstance(self.filename_suffix, str):
            raise TypeError(f"got filename_suffix of type {type(self.filename_suffix).__name__}, "
                            "want str")
        self.max_buffer = as_count(self.max_buffer, "max_buffer", 0)
        if self.max_file_bytes is not None:
            self.max_file_bytes = as_count(self.max_file_bytes, "max_file_bytes")
