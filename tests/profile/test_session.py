"""Where sessions are written: disks and object stores, later where the storage fails."""
from __future__ import annotations

import errno
import os
import subprocess
import sys
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

    def put_new(self, name, data):
        if self.failures:
            self.failures -= 1
            raise OSError(errno.ENOSPC, "full")
        return self.files.setdefault(name, data) is data


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
    that begin meanwhile are not profiled, with a warning."""
    from tbwriter._log.local import LocalLog
    put_new, failing = LocalLog.put_new, threading.Event()
    failing.set()

    def fails(log, name, data):
        if failing.is_set():
            raise OSError(errno.ENOSPC, "No space left on device")
        return put_new(log, name, data)
    monkeypatch.setattr(LocalLog, "put_new", fails)
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


PROCESS = """
import sys, time
from tbwriter import FileWriter
from tbwriter.profile.drawing import Drawing
from tbwriter.profile.session import Session
from tbwriter._log.local import LocalLog

read = LocalLog.read

def slowly(log, name):
    found = read(log, name)
    time.sleep(0.2)
    return found

LocalLog.read = slowly
with FileWriter(sys.argv[1]) as writer:
    for number in range(3):
        begin = 10 ** 18 + int(sys.argv[2]) + number
        writer.add(Session(begin, begin + 5, lambda: [Drawing()], "x", "h"), 0)
"""


def test_processes_with_sessions_of_one_second(tmp_path):
    """Sessions of one second, host and name in several processes are files of their own."""
    children = [subprocess.Popen([sys.executable, "-c", PROCESS, str(tmp_path), str(100 * number)])
                for number in range(4)]
    assert [child.wait(100) for child in children] == [0] * 4
    found = sorted(tmp_path.rglob("*.xplane.pb"))
    assert len(found) == 12 == len({path.read_bytes() for path in found})
    assert not list(tmp_path.rglob(".tbwriter*"))


@pytest.mark.parametrize("links", [True, False])
def test_a_name_that_is_taken(tmp_path, monkeypatch, links):
    """A session whose name is taken gets another one, also where there are no hard links, and the
    file that was there stays as it is."""
    if not links:
        def link(*args):
            raise OSError(errno.EPERM, "Operation not permitted")
        monkeypatch.setattr(os, "link", link)
    begins = [10 ** 18, 10 ** 18 + 1, 10 ** 18 + 2]
    for begin in begins:
        with FileWriter(tmp_path) as writer:
            writer.add(Session(begin, begin, lambda: [Drawing()], "x", "h"), 0)
    names = sorted(path.parent.name[19:] for path in tmp_path.rglob("h.xplane.pb"))
    assert names == ["_x", "_x_2", "_x_3"]
    assert not list(tmp_path.rglob(".tbwriter*"))


def test_a_store_that_others_write(tmp_path, monkeypatch):
    """On a store, an object that another process makes between look and write is not replaced."""
    pytest.importorskip("fsspec", reason="fsspec is not installed")
    from tbwriter._log.objects import RemoteLog
    monkeypatch.setattr(RemoteLog, "_size", lambda log, name: -1)
    for begin in (10 ** 18, 10 ** 18 + 1):
        with FileWriter("memory://bucket/raced") as writer:
            writer.add(Session(begin, begin, lambda: [Drawing()], "x", "h"), 0)
    import fsspec
    found = [path for path in fsspec.filesystem("memory").find("/bucket/raced") if "xplane" in path]
    assert len(found) == 2


def test_no_event_file_for_a_profile(tmp_path):
    """XProf finds a session without an event file, so a writer that only profiles makes none, and
    TensorBoard lists no run without values."""
    with FileWriter(tmp_path / "run") as writer:
        with writer.profile(host="h") as profile, profile.span("work"):
            pass
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["h.xplane.pb"]
