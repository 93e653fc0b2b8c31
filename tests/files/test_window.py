"""Event files as bytes at any place."""
from __future__ import annotations

import gc
import io
import os
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from tbwriter._files import window
from tbwriter._files.anywhere import Anywhere
from tbwriter._reading import ahead


class Failing(io.BytesIO):
    """A file of which some reads succeed; later ones raise."""

    good = 0

    def read(self, size: Any = -1) -> bytes:
        self.good -= 1
        if self.good < 0:
            raise OSError(5, "Input/output error")
        return super().read(size)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes")
def test_a_file_that_a_pipe_replaces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pipe that takes the place of a file between the look at it and its opening is refused, like
    one that was there before. A writer opens it later, so that a failure of this test ends, too."""
    path = tmp_path / "events.out.tfevents.1"
    path.write_bytes(b"")
    found = os.stat(path)
    path.unlink()
    os.mkfifo(path)
    monkeypatch.setattr(os, "stat", lambda *args, **options: found)
    writer = threading.Timer(5, lambda: os.close(os.open(path, os.O_RDWR)))
    writer.start()
    try:
        with pytest.raises(window.ReadError, match="not a regular file"):
            window.Window(str(path))
        assert writer.is_alive(), "it waited"
    finally:
        writer.cancel()


@pytest.mark.parametrize("begin", [b"\x1f\x8b\x08" + bytes(97), bytes(100), bytes(5000)],
                         ids=["gzip", "small", "large"])
@pytest.mark.parametrize("opened, good", [
    (window.contents, 0), (ahead._opened, 0), (ahead._opened, 1),
    (lambda place: Anywhere(lambda _: place).window(0), 0)])
def test_a_file_that_fails_is_closed(opened: Any, begin: bytes, good: int,
                                     monkeypatch: pytest.MonkeyPatch) -> None:
    """Whichever read fails, the file is closed when the error arrives."""
    file = Failing(begin)
    file.good = good
    monkeypatch.setattr(window, "_open", lambda place: file)
    with pytest.raises(OSError, match="Input/output error"):
        opened("s3://bucket/events.gz")
    assert file.closed


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc/self/mem, whose reads fail")
@pytest.mark.filterwarnings("error")
def test_no_descriptor_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that opens but gives EIO leaves nothing to a finalizer, which would warn."""
    told = []
    monkeypatch.setattr(sys, "unraisablehook", told.append)
    os.symlink("/proc/self/mem", tmp_path / "events.out.tfevents.1")
    with pytest.raises(OSError):
        window.Window(str(tmp_path / "events.out.tfevents.1"))
    gc.collect()
    assert not told
