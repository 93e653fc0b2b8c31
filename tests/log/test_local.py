"""Local storage: files that only grow, over a disk that fails at every operation in turn."""
from __future__ import annotations

import errno
import os
import random
import shutil
import struct
import subprocess
import sys
import threading
import time
import warnings
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Optional, Set, Tuple

import numpy as np
from tests.support import judges
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tensorboard.compat.proto import event_pb2
from tensorboard.compat.tensorflow_stub.pywrap_tensorflow import masked_crc32c

from tbwriter import LogWarning, SummaryWriter, SyncError
from tbwriter._log import beside, event_file, local
from tbwriter._proto import messages
from tbwriter._tfrecord.frame import frame
from tbwriter._log import naming, open_log
from tbwriter._log.event_file import open_apart
from tbwriter._log.local import LocalLog
from tbwriter._log.naming import new_name
from tbwriter._parts import Parts


def header() -> bytes:
    return b"".join(frame([messages.file_version(1.0, "test")]))


def record(step: int, size: int = 20) -> Parts:
    """One event of that step, about `size` bytes long, in pieces."""
    graph: Parts = [b"\x22" + _varint(size), bytes(size)]
    return frame(messages.event(1.0, step, graph))


def _varint(value: int) -> bytes:
    from google.protobuf.internal.encoder import _VarintBytes
    return bytes(_VarintBytes(value))


@pytest.fixture(autouse=True)
def always_look(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each write looks after the file's name, so that the numbers of operations are known."""
    monkeypatch.setattr(event_file, "LOOK_SECS", 0.0)
    monkeypatch.setattr(event_file, "SEEN_SECS", 0.0)


def scan(content: bytes) -> Tuple[List[Any], bytes]:
    """The events before the first damage, and all that follows."""
    events, at = [], 0
    while at + 12 <= len(content):
        length, crc = struct.unpack("<QI", content[at:at + 12])
        end = at + 12 + length + 4
        if masked_crc32c(content[at:at + 8]) != crc or end > len(content):
            break
        data = content[at + 12:end - 4]
        if struct.unpack("<I", content[end - 4:end])[0] != masked_crc32c(data):
            break
        events.append(event_pb2.Event.FromString(data))
        at = end
    return events, content[at:]


def files(directory: Path) -> List[Path]:
    """The event files in TensorBoard's order."""
    return sorted(directory.glob("*tfevents*"))


def steps(directory: Path, torn: bool = True) -> List[int]:
    """The steps in all files. Each file begins with the header, and what follows its last whole
    record is the beginning of one record, and nothing after it."""
    found = []
    for file in files(directory):
        events, tail = scan(file.read_bytes())
        assert events and events[0].file_version == "brain.Event:2", f"{file} has no header"
        if tail[12:]:
            length, crc = struct.unpack("<QI", tail[:12])
            assert masked_crc32c(tail[:8]) == crc and len(tail) < length + 16, \
                f"{file}: bytes after a torn record"
        assert torn or not tail, f"{file} has a torn tail"
        found += [event.step for event in events[1:]]
    return found


class Disk:
    """The module `os` as storage sees it, with a fault at the operation of a given number.

    fault(name, call): is called then, instead of `call()`. lasting: from then on, until `heal()`.
    """

    OPERATIONS = ("open", "write", "writev", "fsync", "close", "fstat", "stat", "ftruncate",
                  "listdir", "makedirs")

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0
        self.number = 0
        self.lasting = False
        self.fault: Callable[..., Any] = lambda name, call, *args: call(*args)
        self.fired = 0
        self.broken = False
        self.after: Callable[..., None] = lambda name, *args: None
        for module in (event_file, local):
            monkeypatch.setattr(module, "os", self)

    def __getattr__(self, name: str) -> Any:
        # A test that fails hundreds of operations does not wait for a disk.
        real = getattr(os, name) if name != "fsync" else os.fstat
        if name not in self.OPERATIONS:
            return real

        def operation(*args: Any, **options: Any) -> Any:
            self.count += 1
            if self.count == self.number:
                self.broken = True
            if self.broken:
                self.broken = self.lasting
                self.fired += 1
                return self.fault(name, lambda *a: real(*a, **options), *args)
            result = real(*args, **options)
            self.after(name, result, *args)
            return result
        return operation

    def arm(self, number: int, fault: Callable[..., Any], lasting: bool) -> None:
        self.count = self.fired = 0
        self.number, self.fault, self.lasting, self.broken = number, fault, lasting, False

    def heal(self) -> None:
        self.number, self.broken = 0, False


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    monkeypatch.setattr(local, "_LARGE", 1000)
    return Disk(monkeypatch)


def failing(code: int) -> Callable[..., Any]:
    """The operation fails with the error; a close takes effect all the same."""
    def fault(name: str, call: Callable[..., Any], *args: Any) -> Any:
        if name == "close":
            call(*args)  # "the state of fildes is unspecified": Linux has closed it
        raise OSError(code, os.strerror(code))
    return fault


def tearing(code: int) -> Callable[..., Any]:
    """A write takes half of the bytes and fails."""
    def fault(name: str, call: Callable[..., Any], *args: Any) -> Any:
        if name in ("write", "writev"):
            _half(call, *args)
        return failing(code)(name, call, *args)
    return fault


def short(name: str, call: Callable[..., Any], *args: Any) -> Any:
    """A write takes half of the bytes, or at least one, and returns their number."""
    return _half(call, *args) if name in ("write", "writev") else call(*args)


def _half(call: Callable[..., Any], fd: int, data: Any) -> int:
    whole = b"".join(data) if isinstance(data, list) else bytes(data)
    return os.write(fd, whole[:max(len(whole) // 2, 1)])


def interrupted_after(name: str, call: Callable[..., Any], *args: Any) -> Any:
    """The operation is carried out, and a signal handler raises before its result is seen."""
    call(*args)
    raise KeyboardInterrupt


FAULTS = {
    "ENOSPC": failing(errno.ENOSPC), "EIO": failing(errno.EIO), "EDQUOT": failing(errno.EDQUOT),
    "EINTR": failing(errno.EINTR), "EMFILE": failing(errno.EMFILE), "EFBIG": failing(errno.EFBIG),
    "ESTALE": failing(errno.ESTALE), "short": short, "torn ENOSPC": tearing(errno.ENOSPC),
    "torn EIO": tearing(errno.EIO), "Ctrl-C": interrupted_after,
}


def go_on(disk: Disk, work: Callable[[], Any], tries: int = 3) -> Any:
    """`work()`, tried again after errors as the queue does; the disk recovers after `tries`."""
    while True:
        try:
            return work()
        except (OSError, KeyboardInterrupt):
            tries -= 1
            if tries == 0:
                disk.heal()
            assert tries > -5, "no recovery"


@pytest.mark.parametrize("max_file_bytes", [None, 200])
@pytest.mark.parametrize("lasting", [False, True], ids=["once", "lasting"])
@pytest.mark.parametrize("fault", FAULTS)
def test_fail_at_every_operation(tmp_path: Path, disk: Disk, fault: str, lasting: bool,
                                 max_file_bytes: Any) -> None:
    """Whichever operation fails, once or for a while: all appended records are in the files, once
    and in order, and no byte follows a torn record."""
    number = 0
    while True:
        number += 1
        directory = tmp_path / str(number)
        disk.arm(number, FAULTS[fault], lasting)
        log = go_on(disk, lambda: open_log(directory, "", header, max_file_bytes))
        for step in range(8):
            log.append(record(step, 20 if step % 3 else 1500))
            go_on(disk, log.write)
            if step % 4 == 3:
                go_on(disk, log.sync)
        log.append([piece for step in range(8, 12) for piece in record(step)])
        go_on(disk, log.write)
        go_on(disk, log.close)
        assert log.pending == 0
        if fault == "Ctrl-C":
            # In the moment of opening a file it may leave one that is empty and open.
            for fd in _event_files_open(directory).values():
                os.close(fd)
            for file in files(directory):
                if len(file.read_bytes()) == 0:
                    file.unlink()
        assert steps(directory) == list(range(12)), (number, fault)
        if not disk.fired:
            break
    assert number > 30


@pytest.mark.skipif(os.name == "nt", reason="Windows does not sync directories")
def test_power_loss(tmp_path: Path, disk: Disk) -> None:
    """After a loss of power at any moment, with unsynced pages gone or zero and unsynced names
    gone, everything before the last `sync()` is read, and all records before a rotation: those of
    directories that were new, too, and side files of any depth."""
    random_ = random.Random(1)
    directory = tmp_path / "new" / "run"
    contents: Dict[Tuple[str, int], bytes] = {}  # those that were synced, by path and inode
    names: Dict[str, int] = {}                   # the inodes of the names that were synced
    opened: Dict[int, str] = {}
    present: Dict[str, bytes] = {}
    safe: Dict[str, bytes] = {}
    safe_step = -1
    crashes = 0

    def named(path: str) -> bool:
        return path == str(tmp_path) or names.get(path) == os.stat(path).st_ino \
            and named(os.path.dirname(path))

    def synced(path: str) -> bytes:
        return contents.get((path, os.stat(path).st_ino), b"")

    def crash() -> None:
        nonlocal crashes
        crashes += 1
        found = []
        for path in filter(named, map(str, files(directory))):
            content = bytearray(Path(path).read_bytes())
            start = len(synced(path))
            end = random_.randrange(start, len(content) + 1)
            for page in range(start - start % 64, end, 64):
                if random_.random() < 0.3:
                    first, last = max(page, start), min(page + 64, end)
                    content[first:last] = bytes(last - first)
            found += [event.step for event in scan(bytes(content[:end]))[0][1:]]
        assert found[:safe_step + 1] == list(range(safe_step + 1))
        for path, data in safe.items():
            assert named(path) and synced(path) == data, path

    def after(name: str, result: Any, *args: Any) -> None:
        if name == "open":
            opened[result] = os.path.abspath(args[0])
        elif name == "fsync":
            path = opened[args[0]]
            if os.path.isdir(path):
                names.update({entry.path: entry.inode() for entry in os.scandir(path)})
            else:
                contents[path, os.fstat(args[0]).st_ino] = Path(path).read_bytes()
        crash()

    def put(name: str, data: bytes, new: bool = False) -> None:
        present[str(directory / name)] = data
        safe.pop(str(directory / name), None)  # either is found until the next sync
        log.put_new(name, data) if new else log.put(name, data)

    disk.after = after
    log = LocalLog(str(directory), "", header, 2000)
    put("plugins/profile/s/host.xplane.pb", b"before the first record", new=True)
    log.sync()
    safe.update(present)
    for step in range(60):
        log.append(record(step, random_.randrange(10, 300)))
        log.write()
        if step % 5 == 4:
            put(f"embeddings/e/{step:05d}/tensors.bytes", b"tensors %d" % step)
            put("projector_config.pbtxt", b"config %d" % step)
            put(f"plugins/{step}", b"new %d" % step, new=True)
        if step % 7 == 6:
            log.sync()
            safe.update(present)
            safe_step = step
    put("projector_config.pbtxt", b"the last")
    log.close()
    safe.update(present)
    safe_step = 59
    crash()
    assert len(files(directory)) > 4 and crashes > 200 and len(safe) == 26


@pytest.mark.skipif(os.name == "nt", reason="Windows does not sync directories")
def test_side_files_are_synced_when_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A plain flush syncs no side file; flush(fsync=True) and close() sync each file of an
    embedding and of a profile and the directories above it, once, on the writer's thread."""
    synced: List[str] = []
    threads: Set[int] = set()
    real = event_file._fsync

    def fsync(descriptor: int) -> None:
        synced.append(os.readlink(f"/proc/self/fd/{descriptor}"))
        threads.add(threading.get_ident())
        real(descriptor)

    def taken() -> List[str]:
        found = [os.path.relpath(path, tmp_path) for path in synced]
        synced.clear()
        return found
    if not os.path.isdir("/proc/self/fd"):
        pytest.skip("names descriptors by /proc")
    monkeypatch.setattr(event_file, "_fsync", fsync)
    with SummaryWriter(tmp_path / "a" / "run") as writer:
        for step in (1, 2):
            writer.add_embedding(np.eye(3), ["x", "y", "z"], np.ones((3, 1, 2, 2)), step, "e")
            with writer.profile(name=str(step), host="h") as profile, profile.step(step):
                pass
            writer.flush()
            assert taken() == []
            session, = {path.parent for path in (tmp_path / "a" / "run").rglob(f"*_{step}/h.*")}
            beside_it = str(session.relative_to(tmp_path))
            writer.flush(fsync=True)
            place, event = f"a/run/embeddings/e/{step:05d}", os.path.relpath(writer.path, tmp_path)
            above = ["."] if step == 1 else []
            found = taken()
            assert sorted(found) == sorted([
                event, f"{place}/tensors_3x3.bytes", f"{place}/metadata.tsv", f"{place}/sprite.png",
                "a/run/projector_config.pbtxt", f"{beside_it}/h.xplane.pb",
                place, "a/run/embeddings/e", "a/run/embeddings", beside_it, "a/run/plugins/profile",
                "a/run/plugins", "a", *above, *["a/run"] * (2 if step == 1 else 1)]), found
            writer.flush(fsync=True)
            assert taken() == [event]
        writer.sub_run("b").add_embedding(np.eye(3), tag="e", global_step=1)
    assert {"a/run/b", "a/run/b/projector_config.pbtxt", "a/run"} <= set(taken())
    assert threading.get_ident() not in threads
    with SummaryWriter(tmp_path / "only", asynchronous=False) as writer:
        with writer.profile() as profile, profile.step(1):
            pass
    assert any(path.endswith(".xplane.pb") for path in taken())


def test_a_name_that_is_free_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that was taken, and whose file another process has removed since then, was taken."""
    def link(*args: Any, **options: Any) -> None:
        raise FileExistsError(errno.EEXIST, "File exists")

    log = open_log(str(tmp_path), "", header)
    with monkeypatch.context() as taken:
        taken.setattr(os, "link", link)
        assert not log.put_new("config.lock", b"one")
    assert log.put_new("config.lock", b"two")
    assert not [path for path in tmp_path.iterdir() if path.name != "config.lock"]


def test_side_files_that_are_gone_when_synced(tmp_path: Path) -> None:
    """Side files that were deleted or replaced by something else since they were written are no
    error of a sync, nor are those whose directory was deleted."""
    log = LocalLog(str(tmp_path / "run"), "", header)
    for name in ("deleted", "directory", "pipe", "link", "tree/a/b", "tree/c", "replaced"):
        log.put(name, b"x")
    for name in ("deleted", "directory", "pipe", "link"):
        os.unlink(tmp_path / "run" / name)
    os.mkdir(tmp_path / "run" / "directory")
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "run" / "pipe")
        (tmp_path / "run" / "link").symlink_to("link")
    shutil.rmtree(tmp_path / "run" / "tree")
    (tmp_path / "replaced").write_bytes(b"another")
    os.replace(tmp_path / "replaced", tmp_path / "run" / "replaced")
    log.sync()
    shutil.rmtree(tmp_path / "run")
    log.put_new("again", b"x")
    shutil.rmtree(tmp_path / "run")
    log.close()


@pytest.mark.parametrize("call", ["flush", "close", "a later close"])
def test_a_failed_fsync_of_a_side_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
                                       ) -> None:
    """It is raised by the flush or close that asked for it, once, and names the file; the other
    files are synced and the event file is closed all the same."""
    real, done = event_file._fsync, []

    def fsync(descriptor: int) -> None:
        path = os.readlink(f"/proc/self/fd/{descriptor}")
        if path.endswith("tensors_3x3.bytes"):
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        real(descriptor)
        done.append(os.path.basename(path))
    if not os.path.isdir("/proc/self/fd"):
        pytest.skip("names descriptors by /proc")
    monkeypatch.setattr(event_file, "_fsync", fsync)
    writer = SummaryWriter(tmp_path)
    writer.add_embedding(np.eye(3), ["x", "y", "z"], tag="e", global_step=1)
    if call == "a later close":
        writer.flush()
    with pytest.raises(SyncError, match=r"fsync.*tensors_3x3\.bytes"):
        writer.flush(fsync=True) if call == "flush" else writer.close()
    assert {"metadata.tsv", "projector_config.pbtxt"} < set(done)
    assert not _event_files_open(tmp_path) or call == "flush"
    writer.add_scalar("x", 1.0, 1)
    writer.flush(fsync=True)
    writer.close()
    assert len(files(tmp_path)) == (1 if call == "flush" else 2)


def test_a_side_file_that_cannot_be_opened_for_a_moment(tmp_path: Path,
                                                        monkeypatch: pytest.MonkeyPatch) -> None:
    """While the process has no descriptors left a sync fails, and the next one syncs the file."""
    synced: List[str] = []
    log = LocalLog(str(tmp_path), "", header)
    log.put("a/b", b"x")
    real = event_file.open_apart

    def full(path: str, flags: int) -> int:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE), path)

    def noted(path: str, flags: int) -> int:
        synced.append(path)
        return real(path, flags)
    monkeypatch.setattr(event_file, "open_apart", full)
    with pytest.raises(SyncError, match="Too many open files"):
        log.sync()
    monkeypatch.setattr(event_file, "open_apart", noted)
    log.sync()
    assert os.path.realpath(tmp_path / "a" / "b") in synced
    synced.clear()
    log.sync()
    log.close()
    assert synced == []


def test_many_side_files_between_two_syncs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The paths of a bounded number of files are kept: beyond it the oldest is synced at once, and
    an error of that is raised by the next sync."""
    synced: List[str] = []

    def noted(path: str) -> None:
        synced.append(path)
        if path.endswith("3"):
            raise OSError(errno.EIO, os.strerror(errno.EIO))
    monkeypatch.setattr(event_file, "MOST_UNSYNCED", 5)
    monkeypatch.setattr(event_file, "sync_path", noted)
    log = LocalLog(str(tmp_path), "", header)
    for number in range(10):
        log.put(f"files/{number}", b"x")
        log.put("files/config", b"%d" % number)  # one path, however often it is written
    names = [os.path.relpath(path, tmp_path) for path in synced]
    assert [name for name in names if name[-1].isdigit()] == [f"files/{n}" for n in range(6)]
    assert names[:3] == ["files/0", "files", "."]
    with pytest.raises(SyncError, match="fsync.*3"):
        log.sync()
    assert {f"files/{number}" for number in range(10)} | {"files/config"} <= {
        os.path.relpath(path, tmp_path) for path in synced}
    synced.clear()
    log.close()
    assert synced == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_forked_child_syncs_no_side_files_of_its_parent(tmp_path: Path,
                                                          monkeypatch: pytest.MonkeyPatch) -> None:
    """What the parent wrote is synced by the parent."""
    writer = SummaryWriter(tmp_path)
    writer.add_embedding(np.eye(3), tag="e", global_step=1)
    writer.flush()
    child = os.fork()
    if child == 0:
        try:
            synced: List[str] = []
            monkeypatch.setattr(event_file, "sync_path", synced.append)
            writer.add_scalar("x", 1.0, 1)
            writer.flush(fsync=True)
            os._exit(0 if synced and not any("embeddings" in path for path in synced) else 2)
        finally:
            os._exit(1)
    assert os.waitpid(child, 0)[1] == 0
    writer.close()


def test_pieces_are_joined_or_kept(tmp_path: Path, disk: Disk) -> None:
    """Small pieces leave in one call to the kernel; a large one is written from where it is."""
    calls: List[Any] = []
    disk.after = lambda name, result, *args: calls.append((name, args))
    log = LocalLog(str(tmp_path), "", header)
    log.append(record(0))
    log.write()
    del calls[:]
    log.append([piece for step in range(1, 100) for piece in record(step)])
    log.write()
    assert [name for name, _ in calls if name.startswith("write")] == ["write"]
    large = record(100, 100_000)
    log.append(large + record(101))
    del calls[:]
    log.write()
    (_, (_, pieces)), = [call for call in calls if call[0].startswith("write")]
    assert any(piece.obj is max(large, key=len) for piece in pieces)
    log.close()
    assert [event.step for event in judges.events(tmp_path)[1:]] == list(range(102))


@given(st.lists(st.integers(0, 200_000), min_size=1, max_size=8),
       st.lists(st.integers(1, 70_000), min_size=1, max_size=5),
       st.sampled_from([None, 1, 1000, 100_000]))
@settings(max_examples=40)
def test_any_sizes_and_short_writes(sizes: List[int], shorts: List[int], limit: Any) -> None:
    """Records of any size arrive whole through writes of any length; no file is larger than asked
    unless by a single record."""
    import tempfile
    with tempfile.TemporaryDirectory() as directory, pytest.MonkeyPatch.context() as patch:
        log = LocalLog(directory, "", header, limit)
        turn = iter(shorts)

        def write(fd: int, pieces: List[memoryview]) -> int:
            data = b"".join(pieces)
            return os.write(fd, data[:next(turn, len(data))])
        patch.setattr(event_file, "_write", write)
        for step, size in enumerate(sizes):
            log.append(record(step, size))
        log.write()
        log.close()
        assert steps(Path(directory), torn=False) == list(range(len(sizes)))
        for file in files(Path(directory)):
            if limit is not None and len(judges.events(file)) > 2:
                assert file.stat().st_size <= limit


def test_partial_tail_is_cut_at_close(tmp_path: Path, disk: Disk) -> None:
    """A log closed while the disk is full ends in a whole record; the rest goes into a new file."""
    log = LocalLog(str(tmp_path), "", header)
    log.append(record(0))
    log.write()
    disk.arm(1, tearing(errno.ENOSPC), lasting=True)
    log.append(record(1, 5000))
    disk.count = -2  # fstat and stat pass
    with pytest.raises(OSError, match="No space"):
        log.write()
    disk.heal()
    assert scan(files(tmp_path)[0].read_bytes())[1]
    log.close()
    assert steps(tmp_path, torn=False) == [0] and log.pending == sum(map(len, record(1, 5000)))
    log.write()
    log.close()
    assert steps(tmp_path, torn=False) == [0, 1]


def test_resumes_at_the_next_byte(tmp_path: Path, disk: Disk) -> None:
    """After a full disk the same file continues where it stopped: nothing is cut or rewritten."""
    log = LocalLog(str(tmp_path), "", header)
    log.append(record(0))
    log.write()
    log.append(record(1, 5000))
    disk.arm(1, tearing(errno.ENOSPC), lasting=False)
    disk.count = -2
    with pytest.raises(OSError, match="No space"):
        log.write()
    before = files(tmp_path)[0].read_bytes()
    log.write()
    log.close()
    file, = files(tmp_path)
    assert file.read_bytes().startswith(before) and steps(tmp_path, torn=False) == [0, 1]


def test_failed_fsync(tmp_path: Path, disk: Disk) -> None:
    """A failed fsync is raised once, and what follows goes into another file."""
    log = LocalLog(str(tmp_path), "", header)
    log.append(record(0))
    log.write()
    disk.arm(2, failing(errno.EIO), lasting=False)
    with pytest.raises(OSError, match="Input/output"):
        log.sync()
    log.sync()
    log.append(record(1))
    log.write()
    log.close()
    assert len(files(tmp_path)) == 2 and steps(tmp_path, torn=False) == [0, 1]


def test_file_systems_without_fsync(tmp_path: Path, disk: Disk) -> None:
    """Where the file system has no fsync, there is nothing to complain about."""
    log = LocalLog(str(tmp_path), "", header)
    log.append(record(0))
    log.write()
    disk.arm(2, failing(errno.EINVAL), lasting=False)
    log.sync()
    log.close()
    assert len(files(tmp_path)) == 1 and steps(tmp_path, torn=False) == [0]


def _delete(log: LocalLog) -> None:
    os.unlink(log.path)


def _link_to_itself(log: LocalLog) -> None:
    os.unlink(log.path)
    os.symlink(os.path.basename(log.path), log.path)


def _delete_directory(log: LocalLog) -> None:
    os.unlink(log.path)
    os.rmdir(log.directory)


def _move_directory(log: LocalLog) -> None:
    os.rename(log.directory, log.directory + ".old")


def _replace(log: LocalLog) -> None:
    other = os.path.join(log.directory, "other")
    Path(other).write_bytes(Path(log.path).read_bytes() + b"more")
    os.replace(other, log.path)


def _replace_by_equal(log: LocalLog) -> None:
    other = os.path.join(log.directory, "other")
    Path(other).write_bytes(Path(log.path).read_bytes())
    os.replace(other, log.path)


def _truncate(log: LocalLog) -> None:
    os.truncate(log.path, 3)


def _close_descriptor(log: LocalLog) -> None:
    assert log._file
    os.close(log._file.fd)


def _reuse_descriptor(log: LocalLog) -> None:
    assert log._file
    fd = log._file.fd
    os.close(fd)
    victim = os.open(os.path.join(log.directory, "victim"), os.O_CREAT | os.O_WRONLY)
    if victim != fd:
        os.dup2(victim, fd)
        os.close(victim)


@pytest.mark.skipif(os.name == "nt", reason="Windows does not remove open files")
@pytest.mark.parametrize("damage, want", [
    (_delete, "REMOVED"), (_replace, "REPLACED"), (_truncate, "CHANGED"),
    (_reuse_descriptor, "CLOSED"), (lambda log: None, None)])
def test_what_has_become_of_a_file(tmp_path: Path, damage: Callable[[LocalLog], None],
                                   want: Optional[str]) -> None:
    """An event file says by a constant why it takes nothing more."""
    log = LocalLog(str(tmp_path), "", header)
    log.append(record(0))
    log.write()
    file = log._file
    assert file
    size = file.size()
    damage(log)
    assert file.trouble(size) is (None if want is None else getattr(event_file, want))
    log.detach()


@pytest.mark.skipif(os.name == "nt", reason="Windows does not remove open files")
@pytest.mark.parametrize("damage", [
    _delete, _link_to_itself, _delete_directory, _move_directory, _replace, _replace_by_equal,
    _truncate, _close_descriptor, _reuse_descriptor])
def test_file_taken_away(tmp_path: Path, damage: Callable[[LocalLog], None]) -> None:
    """Whatever others do to the file is noticed at the next write: the run continues in a new file
    with a header, in the directory made again, with one report."""
    log = LocalLog(str(tmp_path / "run"), "", header)
    log.append(record(0))
    log.write()
    old = log.path
    damage(log)
    log.append(record(1))
    log.write()
    assert log.notice.startswith(old) and log.path != old
    log.notice = ""
    log.append(record(2))
    log.write()
    log.close()
    assert log.notice == ""
    events = judges.events(log.path)
    assert events[0].file_version and [event.step for event in events[1:]] == [1, 2]
    victim = tmp_path / "run" / "victim"
    assert not victim.exists() or victim.read_bytes() == b""
    if damage is _reuse_descriptor:
        os.close(os.open(victim, os.O_RDONLY))


@pytest.mark.skipif(os.name == "nt", reason="Windows does not remove open files")
def test_a_deleted_file_at_a_path_that_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch
                                             ) -> None:
    """A file without a name is left also where its path gives another error than "no such file":
    nobody would ever find what is written into it."""
    log = LocalLog(str(tmp_path), "", header)
    log.append(record(0))
    log.write()
    old, stat = log.path, os.stat
    os.unlink(old)

    def refuse(path: Any, **options: Any) -> os.stat_result:
        if path == old:
            raise OSError(errno.EACCES, "not yours")
        return stat(path, **options)
    monkeypatch.setattr(os, "stat", refuse)
    log.append(record(1))
    log.write()
    monkeypatch.undo()
    assert "removed" in log.notice
    log.close()
    assert steps(tmp_path) == [1]


def test_sizes_that_are_not_true(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the file system shows no true sizes of open files, this costs one new file, not one a
    write."""
    class Liar:
        def __getattr__(self, name: str) -> Any:
            return getattr(os, name)

        def fstat(self, fd: int) -> os.stat_result:
            fields = list(os.fstat(fd))
            fields[6] = 0
            return os.stat_result(fields)
    log = LocalLog(str(tmp_path), "", header)
    monkeypatch.setattr(event_file, "os", Liar())
    for step in range(10):
        log.append(record(step))
        log.write()
    log.close()
    assert len(files(tmp_path)) == 2 and steps(tmp_path, torn=False) == list(range(10))


def test_largest_file(tmp_path: Path, disk: Disk) -> None:
    """At the file system's own limit (EFBIG) the run continues in the next file; a record that no
    file can hold does not create one file after another."""
    def limited(name: str, call: Callable[..., Any], fd: Any, *args: Any) -> Any:
        if name not in ("write", "writev"):
            return call(fd, *args)
        data = b"".join(args[0]) if isinstance(args[0], list) else bytes(args[0])
        room = 300 - os.fstat(fd).st_size
        if room <= 0:
            raise OSError(errno.EFBIG, os.strerror(errno.EFBIG))
        return os.write(fd, data[:room])
    disk.arm(1, limited, lasting=True)
    log = LocalLog(str(tmp_path), "", header)
    for step in range(20):
        log.append(record(step))
        go_on(disk, log.write, tries=1000)
    assert len(files(tmp_path)) > 3
    log.append(record(20, 1000))
    before = len(files(tmp_path))
    for _ in range(5):
        with pytest.raises(OSError, match="File too large"):
            log.write()
    assert len(files(tmp_path)) <= before + 1
    disk.heal()
    log.write()
    log.close()
    assert steps(tmp_path) == list(range(21))


def test_absolute_from_the_beginning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A relative directory stays where it was when the program goes elsewhere."""
    monkeypatch.chdir(tmp_path)
    log = open_log(Path("logs"), "", header)
    (tmp_path / "elsewhere" / "logs").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "elsewhere")
    log.append(record(0))
    log.write()
    log.put("a.txt", b"a")
    log.close()
    log.append(record(1))
    log.write()
    log.close()
    assert steps(tmp_path / "logs") == [0, 1] and (tmp_path / "logs" / "a.txt").exists()
    assert not os.listdir(tmp_path / "elsewhere" / "logs")


def test_file_url(tmp_path: Path) -> None:
    """file:// is the local file system, percent signs decoded."""
    log = open_log((tmp_path / "a b").as_uri(), "", header)
    assert isinstance(log, LocalLog) and log.directory == str(tmp_path / "a b")
    log.close()


@pytest.mark.parametrize("code", [errno.EACCES, errno.EROFS, errno.ENOSPC, errno.EMFILE])
def test_bad_directory(tmp_path: Path, disk: Disk, code: int) -> None:
    """Whatever hinders the first record is raised at once, and no half file is left."""
    for number in range(1, 5):
        disk.arm(number, tearing(code), lasting=False)
        with pytest.raises(OSError) as caught:
            open_log(tmp_path, "", header)
        assert caught.value.errno == code and not os.listdir(tmp_path)


def test_directory_that_is_a_file(tmp_path: Path) -> None:
    """A file in the place of the directory is refused at once."""
    (tmp_path / "file").write_text("x")
    with pytest.raises(OSError):
        open_log(tmp_path / "file", "", header)
    with pytest.raises(OSError):
        open_log(tmp_path / "file" / "below", "", header)


@pytest.mark.parametrize("suffix", ["/x", "a\\b", "\0", "../x"])
def test_bad_suffix(tmp_path: Path, suffix: str) -> None:
    """A suffix is part of a name, not a path."""
    with pytest.raises(ValueError, match="filename_suffix"):
        open_log(tmp_path, suffix, header)


@pytest.mark.parametrize("limit", [0, -1])
def test_bad_limit(tmp_path: Path, limit: int) -> None:
    """A file holds at least a byte."""
    with pytest.raises(ValueError, match="max_file_bytes"):
        open_log(tmp_path, "", header, limit)


def test_names_within_a_second(tmp_path: Path) -> None:
    """150 logs opened after each other in one directory, with two at a time: as many files, in the
    order in which they were opened."""
    paths = []
    for step in range(0, 150, 2):
        logs = [open_log(tmp_path, ".suffix", header) for _ in range(2)]
        for offset, log in enumerate(logs):
            log.append(record(step + offset))
            log.write()
            paths.append(log.path)
            log.close()
    assert [str(path) for path in files(tmp_path)] == paths and len(set(paths)) == 150
    assert steps(tmp_path) == list(range(150))
    assert all(path.endswith(".suffix") for path in paths)


def test_name_taken(tmp_path: Path, disk: Disk) -> None:
    """A name that another process takes first is left to it."""
    disk.arm(3, failing(errno.EEXIST), lasting=False)
    log = open_log(tmp_path, "", header)
    assert disk.fired == 1
    log.append(record(0))
    log.write()
    log.close()
    assert len(files(tmp_path)) == 1


NOW = int(time.time())


@pytest.mark.parametrize("present", [
    [f"events.out.tfevents.{NOW + 5:010d}.zz.1.000000"],
    [f"events.out.tfevents.{NOW + 100000:010d}.zz.99999.0.v2"],
    [f"events.out.tfevents.{NOW:010d}.~.1", f"events.out.tfevents.{NOW + 1:010d}.~"],
    ["events.out.tfevents.0000000001.a"]])
def test_names_sort_after_the_present_ones(present: List[str]) -> None:
    """A new file's name is greater than those present, be the clock or the host as it may."""
    name = new_name(present, "")
    assert name > max(present)
    assert len(name.split(".")[3]) == 10


@pytest.mark.parametrize("ahead, want", [(-100, 0), (-1, 0), (1, 2), (5, 6), (100_000, 100_001)])
def test_the_time_in_a_name(monkeypatch: pytest.MonkeyPatch, ahead: int, want: int) -> None:
    """A name has the time of its log; after a file of a later time, one second more than that."""
    monkeypatch.setattr(time, "time", lambda: NOW + 0.9)
    name = new_name([f"events.out.tfevents.{NOW + ahead:010d}.zz.1.000000"], "")
    assert name.split(".")[3] == f"{NOW + want:010d}"


def test_the_last_time_in_a_name() -> None:
    """A name keeps ten digits, also after the last second that they can hold."""
    for second in (9_999_999_998, 9_999_999_999):
        assert new_name([f"events.out.tfevents.{second}.a"], "").split(".")[3] == "9999999999"


@pytest.mark.parametrize("present", [
    ["zzz.tfevents.5"], ["my.tfevents.99999999999.x"], ["events.out.tfevents.9999999999.x"],
    ["events.out.tfevents.x"], ["projector_config.pbtxt", "zzz"], []])
def test_names_of_others(present: List[str]) -> None:
    """Names that no later one of ours could follow don't spoil ours."""
    name = new_name(present, ".v2")
    assert name.startswith("events.out.tfevents.") and len(name.split(".")[3]) == 10
    assert name.endswith(".v2")


def test_host_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """A host name is data: nothing in it leaves the directory or gets too long."""
    monkeypatch.setattr(naming, "host_name", lambda: "../ho st/ü" + "x" * 300)
    name = new_name([], "")
    assert "/" not in name and name.isascii() and len(name) < 200


HOSTILE = ["", ".", "..", "/", "/etc/x", "../x", "a/../../x", "a/..", "a//b", "a/./b", "..\\x",
           "a\\..\\..\\x", "C:\\x", "C:/x", "a\0b", "x.tfevents", "a/tfevents.1/b", "a/", "//x/y"]


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_side_files(tmp_path: Path, name: str) -> None:
    """A side file lies below the directory and is no event file."""
    directory = tmp_path / "logs"
    log = LocalLog(str(directory), "", header)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(ValueError, match="file name"):
        log.put(name, b"x")
    with pytest.raises(ValueError, match="file name"):
        log.read(name)
    assert sorted(tmp_path.rglob("*")) == before
    log.close()


@pytest.mark.skipif(os.name == "nt", reason="symbolic links need a privilege on Windows")
def test_symbolic_links(tmp_path: Path) -> None:
    """A link out of the directory is not followed; the directory may be a link itself."""
    (tmp_path / "outside").mkdir()
    (tmp_path / "real").mkdir()
    (tmp_path / "logs").symlink_to(tmp_path / "real")
    (tmp_path / "real" / "way").symlink_to(tmp_path / "outside")
    log = LocalLog(str(tmp_path / "logs"), "", header)
    with pytest.raises(ValueError, match="inside"):
        log.put("way/x", b"x")
    log.put("a/b.txt", b"x")
    log.close()
    assert not os.listdir(tmp_path / "outside")
    assert (tmp_path / "real" / "a" / "b.txt").read_bytes() == b"x"


def test_side_files(tmp_path: Path) -> None:
    """Side files are written as a whole, replaced as a whole, and read back."""
    log = LocalLog(str(tmp_path), "", header)
    assert log.read("a/b.txt") is None
    log.put("a/b.txt", b"1")
    log.put("a/b.txt", b"22")
    assert log.read("a/b.txt") == b"22"
    log.close()
    assert sorted(os.listdir(tmp_path / "a")) == ["b.txt"]


def test_a_side_file_before_the_first_record(tmp_path: Path) -> None:
    """A side file has an event file beside it, without which TensorBoard would not show it: one is
    begun for the first side file, unless there is one already; the records go into the same."""
    log = LocalLog(str(tmp_path), "", header)
    log.put("a.txt", b"a")
    begun = files(tmp_path)
    assert len(begun) == 1 and log.path == str(begun[0])
    log.put("b.txt", b"b")
    log.append(record(0))
    log.write()
    log.put("c.txt", b"c")
    log.close()
    assert files(tmp_path) == begun and steps(tmp_path) == [0]


def test_side_file_that_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A side file that can't be written leaves the old one, and no other file."""
    log = LocalLog(str(tmp_path), "", header)
    log.put("a.txt", b"old")

    def replace(source: str, target: str) -> None:
        assert "tfevents" not in source and os.path.exists(source)
        raise OSError(errno.ENOSPC, "full")
    monkeypatch.setattr(os, "replace", replace)
    with pytest.raises(OSError, match="full"):
        log.put("a.txt", b"new")
    log.close()
    assert log.read("a.txt") == b"old"
    assert sorted(path.name for path in tmp_path.iterdir() if "tfevents" not in path.name) \
        == ["a.txt"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_forked_child(tmp_path: Path) -> None:
    """After `detach()` a child writes a file of its own; the parent's has its own records alone."""
    log = LocalLog(str(tmp_path), "", header)
    log.append(record(0))
    log.write()
    parents = log.path
    log.append(record(1))
    child = os.fork()
    if child == 0:
        try:
            log.detach()
            assert log.pending == 0
            log.append(record(100))
            log.write()
            log.close()
            os._exit(0 if log.path != parents else 2)
        finally:
            os._exit(1)
    assert os.waitpid(child, 0)[1] == 0
    log.write()
    log.close()
    assert [event.step for event in judges.events(parents)[1:]] == [0, 1]
    assert steps(tmp_path) == [0, 1, 100]


@pytest.fixture(autouse=True)
def no_descriptors_left() -> Iterator[None]:
    """No test leaves a file open."""
    before = set(_event_files_open())
    yield
    assert set(_event_files_open()) <= before


def _event_files_open(directory: Path = Path("/")) -> Dict[str, int]:
    """Descriptors of event files by their paths."""
    found = {}
    for fd in os.listdir("/proc/self/fd") if os.path.isdir("/proc/self/fd") else ():
        try:
            target = os.readlink(f"/proc/self/fd/{fd}")
        except OSError:
            continue
        if "tfevents" in target and target.startswith(str(directory)):
            found[target] = int(fd)
    return found


def _whole_record() -> bytes:
    return b"".join(record(7))


@pytest.mark.parametrize("foreign", [b"\0\0\0\0", b"x", bytes(5000), _whole_record(),
                                     _whole_record() + b"x"],
                         ids=["zeros", "byte", "many", "record", "record and more"])
@pytest.mark.parametrize("seen", [0.0, 3600.0], ids=["looked", "not looked"])
@pytest.mark.parametrize("size", [20, 5000])
def test_foreign_bytes_at_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, foreign: bytes,
                                  seen: float, size: int) -> None:
    """Bytes that another program has appended are never taken for ours: the run continues in a new
    file with one notice, and all of ours is read, once."""
    monkeypatch.setattr(event_file, "SEEN_SECS", seen)
    log = LocalLog(str(tmp_path), "", header)
    log.append(record(0))
    log.write()
    old = Path(log.path)
    with old.open("ab") as file:
        file.write(foreign)
    told = []
    for step in range(1, 4):
        log.append(record(step, size))
        log.write()
        told.append(log.notice)
        log.notice = ""
    log.close()
    assert [bool(text) for text in told].count(True) == 1 and "another program" in "".join(told)
    first, second = files(tmp_path)
    assert foreign in old.read_bytes()
    mine = [event.step for file in (first, second) for event in scan(file.read_bytes())[0][1:]
            if event.step != 7]
    assert mine == [0, 1, 2, 3]


def test_foreign_bytes_at_close(tmp_path: Path) -> None:
    """Bytes that others have appended are not cut off when the file is closed."""
    log = LocalLog(str(tmp_path), "", header)
    log.append(record(0))
    log.write()
    with open(log.path, "ab") as file:
        file.write(b"foreign")
    log.close()
    assert files(tmp_path)[0].read_bytes().endswith(b"foreign")


@pytest.mark.parametrize("code", [errno.ESTALE, errno.EBADF, errno.EIO, errno.ENXIO, errno.EPERM])
@pytest.mark.parametrize("written", [0, 3])
def test_a_descriptor_that_fails_for_good(tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                          code: int, written: int) -> None:
    """Where a file takes nothing any more and its directory takes a new one, the run continues
    there after a few tries, with one notice, and leaves no file without records."""
    log = LocalLog(str(tmp_path), "", header)
    log.append([])
    for step in range(written):
        log.append(record(step))
        log.write()
    write, broken = event_file._write, set()

    def failing_write(fd: int, pieces: Any) -> int:
        broken.add(fd) if not broken else None
        if fd in broken:
            raise OSError(code, os.strerror(code))
        return write(fd, pieces)

    monkeypatch.setattr(event_file, "_write", failing_write)
    log.append([part for step in range(written, 10) for part in record(step)])
    tries = 0
    while log.pending:
        tries += 1
        try:
            log.write()
        except OSError as error:
            assert error.errno == code and tries <= 4
    assert "continues in a new file" in log.notice
    log.close()
    assert steps(tmp_path, torn=False) == list(range(10))
    assert len(files(tmp_path)) == 1 + bool(written)


@pytest.mark.parametrize("code", [errno.ESTALE, errno.EIO])
def test_a_directory_that_fails_for_good(tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                         code: int) -> None:
    """Where new files fail as the old one does, nothing piles up, and the log continues once the
    storage is back."""
    log = LocalLog(str(tmp_path), "", header)
    log.append(record(0))
    log.write()
    log.append(record(1))

    def failing_write(fd: int, pieces: Any) -> int:
        raise OSError(code, os.strerror(code))

    with monkeypatch.context() as patch:
        patch.setattr(event_file, "_write", failing_write)
        for _ in range(20):
            with pytest.raises(OSError):
                log.write()
    assert len(files(tmp_path)) <= 2
    log.write()
    log.close()
    assert steps(tmp_path, torn=False) == [0, 1]


def test_names_of_twins(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two containers with one host name, one process id and one second have different names, which
    sort by time all the same."""
    monkeypatch.setattr(naming, "host_name", lambda: "trainer")
    monkeypatch.setattr(os, "getpid", lambda: 1)
    monkeypatch.setattr(time, "time", lambda: 1_700_000_000.0)
    names = []
    for _ in range(1000):
        monkeypatch.setattr(naming, "_numbers", iter([0]))
        names.append(new_name([], ""))
    assert len(set(names)) == 1000
    monkeypatch.setattr(naming, "_numbers", iter(range(100)))
    monkeypatch.setattr(time, "time", lambda: 1_700_000_001.0)
    later = [new_name([], "") for _ in range(100)]
    assert max(names) < min(later) and later == sorted(later)


@pytest.mark.parametrize("name, make", [
    ("projector_config.pbtxt", os.mkdir), ("embeddings", lambda path: open(path, "w").close()),
    ("embeddings/e", lambda path: (os.mkdir(os.path.dirname(path)), open(path, "w").close())),
    ("embeddings/e/00001/tensors_3x3.bytes", os.makedirs)])
def test_side_files_whose_place_is_taken(tmp_path: Path, name: str,
                                         make: Callable[[str], Any]) -> None:
    """A directory in place of a side file, or a file in place of a directory, costs that side file
    alone: no later try would succeed."""
    make(str(tmp_path / name))
    with pytest.warns(LogWarning, match="want one that is free"):
        with SummaryWriter(tmp_path) as writer:
            writer.add_embedding(np.eye(3), tag="e", global_step=1)
            writer.add_scalar("x", 1.0, 1)
            writer.flush(timeout=5)
    assert [event.step for path in files(tmp_path) for event in judges.events(path)
            if event.summary.value] == [1]


@pytest.mark.parametrize("asynchronous", [True, False])
@pytest.mark.parametrize("number", [errno.EACCES, errno.EPERM, errno.EROFS, errno.EFBIG])
def test_side_files_that_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int,
                                     asynchronous: bool) -> None:
    """A side file whose own place refuses it, such as a directory of another user, costs itself
    alone; where the log directory takes nothing either, it is tried again."""
    refused = [True]

    def refuse(path: str, flags: int) -> int:
        if refused[0] and "embeddings" in path:
            raise OSError(number, os.strerror(number), path)
        return open_apart(path, flags)
    monkeypatch.setattr(beside, "open_apart", refuse)
    with pytest.warns(LogWarning, match="embeddings/e/00001.* want one that can be written"):
        with SummaryWriter(tmp_path, asynchronous=asynchronous) as writer:
            writer.add_embedding(np.eye(3), tag="e", global_step=1)
            writer.add_scalar("x", 1.0, 1)
            writer.flush(timeout=5)
            assert writer.error is None
    assert [event.step for path in files(tmp_path) for event in judges.events(path)
            if event.summary.value] == [1]
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with SummaryWriter(tmp_path / "later", asynchronous=asynchronous) as writer:
            writer.add_embedding(np.eye(3), tag="e", global_step=1)
            with pytest.raises(OSError, match=os.strerror(number)):
                writer.flush(timeout=0.5)
            refused[0] = False
    assert (tmp_path / "later" / "embeddings" / "e" / "00001" / "tensors_3x3.bytes").exists()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes in directories on this system")
def test_a_pipe_in_place_of_a_side_file(tmp_path: Path) -> None:
    """A pipe with the name of a side file is replaced; no call waits for its other end."""
    os.mkfifo(tmp_path / "projector_config.pbtxt")
    with SummaryWriter(tmp_path) as writer:
        writer.add_embedding(np.eye(3), tag="e", global_step=1)
        writer.flush(timeout=5)
    assert b"e:00001" in (tmp_path / "projector_config.pbtxt").read_bytes()


def test_closed_standard_streams(tmp_path: Path) -> None:
    """A program that has closed its standard streams and still writes to them does not write into
    the event file or a side file."""
    done = subprocess.run([sys.executable, "-c", """
import os, sys
import numpy as np
os.closerange(0, 3)
from tbwriter import SummaryWriter
with SummaryWriter(sys.argv[1]) as writer:
    for step in range(50):
        writer.add_scalar("x", step, step)
        writer.add_embedding(np.eye(3), tag="e", global_step=step)
        if step == 25:
            os.closerange(0, 100)  # as a daemon does
        for fd in (0, 1, 2):
            try:
                os.write(fd, b"foreign bytes")
            except OSError:
                pass
        writer.flush()
""", str(tmp_path)], timeout=60, env={
        **os.environ, "PYTHONPATH": str(Path(local.__file__).parents[2])})
    assert done.returncode == 0
    found = []
    for path in sorted(tmp_path.glob("*tfevents*")):
        events, tail = scan(path.read_bytes())
        assert not tail
        found += [event.step for event in events[1:]]
    assert found == list(range(50))
    assert not any(b"foreign" in path.read_bytes()
                   for path in tmp_path.rglob("*.*") if path.is_file())


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("last", ["close", "fsync", "drop", "fork"])
def test_descriptors_that_the_program_has_closed_and_uses(tmp_path: Path, last: str) -> None:
    """A descriptor that has become another file's is not closed with the event file, nor synced in
    its place, nor closed in a forked child."""
    done = subprocess.run([sys.executable, "-c", """
import os, sys
from tbwriter import SummaryWriter
from tbwriter._log import event_file
logdir, last = sys.argv[1:]
writer = SummaryWriter(logdir)
writer.add_scalar("x", 0, 0)
writer.flush()
os.closerange(3, 100)
fds = [os.open(f"{logdir}/other{n}", os.O_CREAT | os.O_RDWR) for n in range(50)]
synced, fsync = [], os.fsync
def noted(fd):
    synced.append(os.readlink(f"/proc/self/fd/{fd}"))
    fsync(fd)
os.fsync = noted
if last == "close":
    writer.close()
elif last == "fsync":
    writer.flush(fsync=True)
elif last == "drop":
    del writer
    import time
    time.sleep(0.3)
else:
    child = os.fork()
    if child:
        assert os.waitpid(child, 0)[1] == 0
for fd in fds:
    os.write(fd, b"own")
assert not any("other" in path for path in synced), synced
if last in ("close", "fsync"):
    assert any("tfevents" in path for path in synced), synced
if last == "fork":
    os._exit(0)
""", str(tmp_path), last], timeout=60, env={
        **os.environ, "PYTHONPATH": str(Path(local.__file__).parents[2])})
    assert done.returncode == 0
    path, = tmp_path.glob("*tfevents*")
    assert [event.step for event in scan(path.read_bytes())[0][1:]] == [0]
