"""Where sessions are written: disks and object stores, later where the storage fails."""
from __future__ import annotations

import errno
import threading
import warnings

import pytest

from tbwriter import FileWriter, LogWarning
from tbwriter.profile.drawing import Drawing
from tbwriter.profile.session import Session

from tests.profile.messages import Written, parsed


def test_object_store(tmp_path):
    """On an object store a session is one object below the log directory."""
    fsspec = pytest.importorskip("fsspec", reason="fsspec is not installed")
    with FileWriter("memory://bucket/profiled") as writer:
        for _ in range(2):
            with writer.profile(host="h") as profile, profile.span("work"):
                pass
    store = fsspec.filesystem("memory")
    found = [path for path in store.find("/bucket/profiled") if path.endswith("h.xplane.pb")]
    assert len(found) == 2 and all("/plugins/profile/" in path for path in found)
    for path in found:
        assert [line.name for line in parsed(store.cat(path)).planes[0].lines] == ["MainThread"]


class Storage:
    """Side files in memory, after some failures."""

    def __init__(self, failures):
        self.failures = failures
        self.files = {}

    def read(self, name):
        return self.files.get(name)

    def put(self, name, data):
        if self.failures:
            self.failures -= 1
            raise OSError(errno.ENOSPC, "full")
        self.files[name] = data


def test_repeated_until_it_is_stored():
    """A session is drawn once, and stored under one name however often that fails."""
    drawn = []
    session = Session(10 ** 18, 10 ** 18 + 5, lambda: drawn.append(1) or [Drawing()], "x", "h")
    storage = Storage(3)
    for _ in range(3):
        with pytest.raises(OSError):
            session.store(storage)
        assert not session.stored
    session.store(storage)
    assert session.stored and drawn == [1]
    [(name, data)] = storage.files.items()
    assert name.startswith("plugins/profile/2001_09_0") and name.endswith("_x/h.xplane.pb")
    assert [plane.name for plane in parsed(data).planes] == ["/host:CPU", "Task Environment"]


def test_a_full_disk(tmp_path, monkeypatch):
    """While the storage fails, no call raises; the session is there once it works again. Windows
    that begin meanwhile are not profiled, and a warning says so."""
    from tbwriter._log.local import LocalLog
    put, failing = LocalLog.put, threading.Event()
    failing.set()

    def fails(log, name, data):
        if failing.is_set():
            raise OSError(errno.ENOSPC, "No space left on device")
        put(log, name, data)
    monkeypatch.setattr(LocalLog, "put", fails)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        with FileWriter(tmp_path) as writer:
            with writer.profile(every=3, steps=1) as profile:
                for number in range(9):
                    with profile.step(number), profile.span("work"):
                        pass
            failing.clear()
            writer.flush()
    [event] = [event for event in Written(tmp_path).lines["MainThread"] if event[0] == "train"]
    assert event[3]["step_num"] == 0
    assert any("the storage has not taken the last profile" in str(one.message) for one in told
               if issubclass(one.category, LogWarning))


def test_work_is_done_on_the_writers_thread(tmp_path):
    """Drawing and encoding are not the caller's work."""
    threads = []

    def draw():
        threads.append(threading.get_ident())
        return [Drawing()]
    with FileWriter(tmp_path) as writer:
        writer.add(Session(10 ** 18, 10 ** 18, draw, host="h"), 0)
        writer.flush()
    assert len(threads) == 1 and threads[0] != threading.get_ident()
