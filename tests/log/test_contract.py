"""The contract of a storage, for each that the package has: disk, object store, memory."""
from __future__ import annotations

import sys
from pathlib import Path
from types import FrameType
from typing import Any, Callable, Iterator, List

import pytest

from tests.support.judges import masked_crc32c
from tbwriter import testing
from tbwriter._log import open_log
from tbwriter._log.contract import Log
from tbwriter._tfrecord.frame import frame

HEADER = b"".join(frame([b"header"]))
RECORDS = [b"".join(frame([b"record %d" % number])) for number in range(4)]


Open = Callable[..., Log]


@pytest.fixture(params=["disk", "memory://", "tbwriter-testing://"])
def opened(request: Any, tmp_path: Path) -> Iterator[Open]:
    """Opens a log, in one of the directories of this test."""
    place, kept = f"{tmp_path}/", testing._Memory()
    if request.param == "memory://":
        pytest.importorskip("fsspec")
        place = f"memory://{tmp_path.name}/"
    elif request.param == "tbwriter-testing://":
        testing._memories["contract"] = kept
        place = "tbwriter-testing://contract/"
    yield lambda name="logs", probe=True: open_log(place + name, "", lambda: HEADER, probe=probe)


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


def expected(records: List[bytes]) -> List[bytes]:
    return [b"header", *(data for record in records for data in frames(record))]


def test_members(opened: Open) -> None:
    """A storage has every method and attribute of `Log`."""
    log = opened()
    wanted = {*Log.__annotations__, *(name for name in vars(Log) if not name.startswith("_"))}
    assert len(wanted) >= 16
    assert not [name for name in sorted(wanted) if not hasattr(log, name)]


def test_records_are_written_once(opened: Open) -> None:
    """Records that `append` took are pending until `write`, and then in the directory: once, in
    order."""
    log = opened()
    for record in RECORDS:
        log.append([record[:5], record[5:]])
        assert log.pending >= len(record)
        log.write()
        assert log.pending == 0
    log.sync()
    log.close()
    assert content(opened(probe=False)) == expected(RECORDS)


def test_an_interrupted_write_is_repeated(opened: Open) -> None:
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


def test_side_files(opened: Open) -> None:
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
