"""The contract of a storage, for each that the package has: disk, object store, memory."""
from __future__ import annotations

import os
import sys
import threading
from importlib import import_module
from pathlib import Path
from types import FrameType
from typing import Any, Callable, Dict, Iterator, List, Optional, Tuple

import pytest

from tests.support.judges import masked_crc32c
from tbwriter import testing
from tbwriter._log import SCHEMES, open_log
from tbwriter._log.contract import Log
from tbwriter._tfrecord.frame import frame

HEADER = b"".join(frame([b"header"]))
RECORDS = [b"".join(frame([b"record %d" % number])) for number in range(4)]
# The names of the files in a log directory, given its path or URL. FileNotFoundError where it does
# not exist.
Names = Callable[[str], List[str]]


class Opened:
    """Opens logs in the directories of one test."""

    def __init__(self, place: str, names: Names) -> None:
        self._place, self._names = place, names

    def __call__(self, name: str = "logs", *, suffix: str = "", most: Optional[int] = None,
                 probe: bool = True) -> Log:
        return open_log(self._place + name, suffix, lambda: HEADER, most, probe=probe)

    def names(self, name: str = "logs") -> List[str]:
        return sorted(self._names(self._place + name))


def _in_store(url: str) -> List[str]:
    return [str(path).rpartition("/")[2]
            for path in import_module("fsspec").filesystem("memory").ls(url, detail=False)]


def _in_memory(url: str) -> List[str]:
    run = url.partition("://")[2].partition("/")[2]
    kept = testing._memories["contract"]
    found = [path[len(run) + 1:] for path in [*kept.events, *kept.files]
             if path.startswith(run + "/")]
    if not found:
        raise FileNotFoundError(url)
    return found


# How a place begins, and the names of its files, for each storage.
STORAGES: Dict[str, Tuple[Callable[[Path], str], Names]] = {
    "disk": (lambda path: f"{path}/", os.listdir),
    "memory": (lambda path: f"memory://{path.name}/", _in_store),
    "tbwriter-testing": (lambda path: "tbwriter-testing://contract/", _in_memory),
}


@pytest.fixture(params=STORAGES)
def opened(request: Any, tmp_path: Path) -> Iterator[Opened]:
    """Opens a log, in one of the directories of this test."""
    kept = testing._memories["contract"] = testing._Memory()
    if request.param == "memory":
        pytest.importorskip("fsspec")
    begin, names = STORAGES[request.param]
    yield Opened(begin(tmp_path), names)
    del kept


def frames(file: bytes) -> Iterator[bytes]:
    """The data of each record, whose checksums are right."""
    while file:
        length = int.from_bytes(file[:8], "little")
        data = file[12:12 + length]
        for start, checked in ((8, file[:8]), (12 + length, data)):
            stored = int.from_bytes(file[start:start + 4], "little")
            assert stored == masked_crc32c(checked)
        yield data
        file = file[16 + length:]


def content(log: Log) -> List[bytes]:
    """The data of all records in the directory, by the frames alone."""
    return [data for file in log.earlier() for data in frames(
        file if isinstance(file, bytes) else Path(file).read_bytes())]


def records(opened: Opened, name: str = "logs") -> List[bytes]:
    """The records in a directory, but for the headers."""
    return [b"".join(frame([data])) for data in content(opened(name, probe=False))
            if data != b"header"]


def test_every_storage_is_tested() -> None:
    """A storage that is registered for writing is among those of this file."""
    assert set(SCHEMES) <= set(STORAGES)


def test_members(opened: Opened) -> None:
    """A storage has every method and attribute of `Log`."""
    log = opened()
    wanted = {*Log.__annotations__, *(name for name in vars(Log) if not name.startswith("_"))}
    assert len(wanted) >= 16
    assert not [name for name in sorted(wanted) if not hasattr(log, name)]


def test_records_are_written_once(opened: Opened) -> None:
    """Records that `append` took are pending until `write`, and then in the directory: once, in
    order."""
    log = opened()
    for number, record in enumerate(RECORDS):
        log.append([record[:5], record[5:]])
        assert log.pending >= len(record)
        assert records(opened) == RECORDS[:number]
        log.write()
        assert log.pending == 0
        assert records(opened) == RECORDS[:number + 1]
    log.sync()
    log.close()
    assert records(opened) == RECORDS
    assert content(log).count(b"header") == 1


def test_an_interrupted_write_is_repeated(opened: Opened) -> None:
    """A signal handler raises at any line of `append` and `write`: called again as the thread does,
    they lose no record and write none twice."""
    for line in range(1, 1000):
        log = opened(str(line))
        interrupted = [_interrupted(line, lambda: log.append([RECORDS[0]]))]
        if not log.pending:
            log.append([RECORDS[0]])
        interrupted.append(_interrupted(line, log.write))
        log.write()
        log.close()
        found = content(opened(str(line), probe=False))
        assert [data for data in found if data != b"header"] == [b"record 0"], line
        if not any(interrupted):
            return
    raise AssertionError("more lines than were tried")


def _interrupted(number: int, work: Callable[[], None]) -> bool:
    """Call `work` and raise at its line `number`, of ours. False if it has fewer."""
    left = number

    def trace(frame: FrameType, event: str, argument: Any) -> Any:
        nonlocal left
        name = frame.f_code.co_filename
        if "/tbwriter/_log/" not in name and not name.endswith("tbwriter/testing.py"):
            return None
        if event == "line":
            left -= 1
            if not left:
                raise KeyboardInterrupt
        return trace

    former = sys.gettrace()
    sys.settrace(trace)
    try:
        work()
        return False
    except KeyboardInterrupt:
        return True
    finally:
        sys.settrace(former)


def test_side_files(opened: Opened) -> None:
    """`put` replaces, `put_new` does not, `read` gives the bytes or None, `remove` deletes; one
    writer at a time is in `exclusive`."""
    log = opened()
    assert log.read("a.txt") is None
    log.put("a.txt", b"one")
    log.put("a.txt", b"two")
    assert not log.put_new("a.txt", b"three")
    assert log.put_new("b.txt", b"four")
    with log.exclusive("a.txt"):
        assert (log.read("a.txt"), log.read("b.txt")) == (b"two", b"four")
    log.remove("b.txt")
    assert log.read("b.txt") is None
    assert log.put_new("b.txt", b"five")
    assert log.put_new("empty.txt", b"") and not log.put_new("empty.txt", b"")
    assert log.read("empty.txt") == b""
    log.put("below/c.txt", b"six")
    assert opened(probe=False).read("below/c.txt") == b"six"
    with pytest.raises(OSError):
        log.remove("none.txt")


@pytest.mark.parametrize("name", ["../a.txt", "/a.txt", "a/../b.txt", "", "events.out.tfevents.1"])
def test_names_of_side_files(opened: Opened, name: str) -> None:
    """A name outside the directory, or that of an event file, is refused."""
    log = opened()
    before = opened.names()
    for write in (log.put, log.put_new):
        with pytest.raises(ValueError, match="want"):
            write(name, b"")
    assert set(opened.names()) - set(before) <= {log.path.rpartition("/")[2]}


def test_one_writer_at_a_time(opened: Opened) -> None:
    """While one log is in `exclusive`, another one of the directory waits for its end; one of
    another directory does not."""
    first, second, other = opened(), opened(), opened("other")
    entered: List[str] = []

    def enter(log: Log, name: str) -> None:
        with log.exclusive("a.txt"):
            entered.append(name)

    thread = threading.Thread(target=enter, args=(second, "second"))
    with first.exclusive("a.txt"):
        thread.start()
        thread.join(0.3)
        enter(other, "other")
        entered.append("first")
    thread.join(30)
    assert entered == ["other", "first", "second"]


def test_probe(opened: Opened) -> None:
    """The constructor does no I/O; `probe` makes the directory."""
    log = opened(probe=False)
    with pytest.raises(FileNotFoundError):
        opened.names()
    assert (log.path, log.pending, log.notice) == ("", 0, "")
    log.probe()
    opened.names()


def test_path(opened: Opened) -> None:
    """`path` is that of the event file, in the directory; its name ends in the suffix."""
    log = opened(suffix=".mine")
    log.append([RECORDS[0]])
    log.write()
    directory, _, name = log.path.replace(os.sep, "/").rpartition("/")
    assert directory == log.directory.replace(os.sep, "/")
    assert opened.names() == [name]
    assert "tfevents" in name and name.endswith(".mine")


def test_files_are_in_their_order(opened: Opened) -> None:
    """After `close` a later write begins another file, with a header; its name sorts after those
    that are there, and `earlier` has that order. So does a second log of the directory."""
    paths = []
    for _ in range(2):
        log = opened(probe=False)
        for record in RECORDS:
            log.append([record])
            log.write()
            log.close()
            paths.append(log.path)
    assert paths == sorted(set(paths))
    assert records(opened) == RECORDS * 2
    assert content(log).count(b"header") == len(paths) == len(opened.names())


@pytest.mark.parametrize("at_once", [False, True])
def test_the_size_of_files(opened: Opened, at_once: bool) -> None:
    """A file is no larger than `max_file_bytes` unless it has a single record, and as many records
    go into one as fit about; also when they come at once."""
    most = len(HEADER) + 3 * len(RECORDS[0]) + 1
    log = opened(most=most, probe=False)
    for number in range(0, 24, 24 if at_once else 1):
        log.append([RECORDS[at % 4] for at in range(number, 24 if at_once else number + 1)])
        log.write()
    log.close()
    files = [file if isinstance(file, bytes) else Path(file).read_bytes()
             for file in log.earlier()]
    assert max(map(len, files)) <= most
    assert 8 <= len(files) <= 24
    assert records(opened) == RECORDS * 6


def test_a_child_begins_a_new_file(opened: Opened) -> None:
    """After `detach` nothing of the parent is pending, and its file is not written any more."""
    log = opened()
    log.append([RECORDS[0]])
    log.write()
    path = log.path
    log.append([RECORDS[1]])
    log.detach()
    assert log.pending == 0
    log.append([RECORDS[2]])
    log.write()
    assert log.path != path
    assert records(opened) == [RECORDS[0], RECORDS[2]]
    assert len(opened.names()) == content(log).count(b"header") == 2
