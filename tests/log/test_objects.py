"""Remote storage, in memory and against an S3 server and a GCS emulator on the loopback."""
from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import time
from typing import Any, Callable, Dict, Iterator, List, Tuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

fsspec = pytest.importorskip("fsspec", reason="fsspec is not installed")

from tests.log.test_local import HOSTILE, header, record, scan

from tbwriter import _fsspec
from tbwriter._fsspec import Store
from tbwriter._log import objects
from tbwriter._log.objects import MOST_SENT, RemoteLog
from tbwriter._log import open_log


class Memory:
    """fsspec's file system in memory, read like a store."""

    url = "memory://bucket"

    def objects(self) -> Dict[str, bytes]:
        system = fsspec.filesystem("memory")
        return {path[len("/bucket/"):]: system.cat_file(path)
                for path in sorted(system.find("/bucket"))}


@pytest.fixture
def memory() -> Iterator[Memory]:
    yield Memory()
    fsspec.filesystem("memory").store.clear()


@pytest.fixture(scope="module")
def s3() -> Iterator[Any]:
    pytest.importorskip("moto", reason="moto's S3 server is not installed")
    pytest.importorskip("s3fs", reason="s3fs is not installed")
    from tests.support import stores
    with stores.s3() as store:
        yield store


@pytest.fixture(scope="module")
def gcs() -> Iterator[Any]:
    pytest.importorskip("gcp_storage_emulator", reason="the GCS emulator is not installed")
    if importlib.util.find_spec("gcsfs") is None:  # which reads the environment when imported
        pytest.skip("gcsfs is not installed")
    from tests.support import stores
    with stores.gcs() as store:
        yield store


@pytest.fixture(params=["memory", "s3", "gcs"])
def store(request: pytest.FixtureRequest) -> Any:
    return request.getfixturevalue(request.param)


def new_log(store: Any, name: str, limit: Any = None) -> RemoteLog:
    log = open_log(f"{store.url}/{name}", "", header, limit)
    assert isinstance(log, RemoteLog)
    return log


def segments(store: Any, name: str) -> Dict[str, bytes]:
    return {path: content for path, content in store.objects().items()
            if path.startswith(name + "/") and "tfevents" in path}


def steps(store: Any, name: str) -> List[int]:
    """The steps in all segments in their order; each begins with a header and is whole."""
    found = []
    for path, content in segments(store, name).items():
        events, tail = scan(content)
        assert not tail and events[0].file_version == "brain.Event:2", path
        found += [event.step for event in events[1:]]
    return found


def test_segments_only_grow(store: Any) -> None:
    """After each write all is readable, in order; only the last segment ever changes, by growing,
    until the next one exists; names sort in the order of writing."""
    log = new_log(store, "grow")
    before = segments(store, "grow")
    assert len(before) == 1 and steps(store, "grow") == []
    for step in range(20):
        log.append(record(step, 100))
        assert log.pending > 0
        log.write()
        assert log.pending == 0
        now = segments(store, "grow")
        assert steps(store, "grow") == list(range(step + 1))
        assert list(now)[:len(before)] == list(before) and len(now) <= len(before) + 1
        for path in list(before)[:-1]:
            assert now[path] == before[path]
        last = list(before)[-1]
        assert now[last].startswith(before[last])
        assert len(now) == len(before) or now[last] == before[last]
        before = now
    assert 3 < len(before) < 10
    log.close()
    assert segments(store, "grow") == before


def test_any_bytes_are_stored(store: Any) -> None:
    """An object holds exactly what was put, also where its client sends it inside of a message."""
    log = new_log(store, "exact")
    for number, data in enumerate([
            b"ends in a return\r", b"\r", b"in two\r\n", b"\n", b"", b"\n--==0==--\nand more",
            b"before\n--==0==\n\nafter", b"\r\n--==0==\r\n\r\nafter\r"]):
        log.put(f"{number}", data)
        assert log.read(f"{number}") == data
        assert log.put_new(f"new {number}", data)
        assert log.read(f"new {number}") == data


def test_side_files(store: Any) -> None:
    """Side files are put as a whole and read back."""
    log = new_log(store, "side")
    assert log.read("a/b.txt") is None
    log.put("a/b.txt", b"1")
    log.put("a/b.txt", b"22")
    assert log.read("a/b.txt") == b"22"
    assert store.objects()["side/a/b.txt"] == b"22"
    log.close()


def test_new_logs_sort_after_the_old_ones(store: Any) -> None:
    """Logs opened within a second in one directory: as many rows of segments, in order."""
    for number in range(5):
        log = new_log(store, "twice")
        log.append(record(number))
        log.write()
        log.close()
        log.append(record(number + 100))  # a closed log continues in another segment
        log.write()
        log.close()
    assert steps(store, "twice") == [0, 100, 1, 101, 2, 102, 3, 103, 4, 104]
    assert len(segments(store, "twice")) == 10


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_forked_child(s3: Any) -> None:
    """A child that does not log sends no request; one that logs has segments of its own. The parent
    continues with its client."""
    log = new_log(s3, "fork")
    log.append(record(0))
    log.write()
    log.append(record(1))
    requests = len(s3.proxy.requests)
    for logs in (False, True):
        child = os.fork()
        if child == 0:
            code = 1
            try:
                log.detach()
                if logs:
                    log.append(record(100))
                    log.write()
                    log.close()
                code = 0
            finally:
                os._exit(code)
        assert os.waitpid(child, 0)[1] == 0
        if not logs:
            assert len(s3.proxy.requests) == requests
    for step in range(2, 12):
        log.append(record(step))
        log.write()
    log.close()
    assert sorted(steps(s3, "fork")) == [*range(12), 100]
    found = segments(s3, "fork")
    assert sum(100 in [event.step for event in scan(content)[0]]
               for content in found.values()) == 1


@given(st.lists(st.integers(0, 5000), min_size=1, max_size=60))
@settings(max_examples=60)
def test_bytes_and_requests(sizes: List[int]) -> None:
    """For any sizes and numbers of writes, at most three times the kept bytes are sent, in at most
    one request per write and one per segment."""
    sent = []
    with pytest.MonkeyPatch.context() as patch:
        call = Store.call

        def counted(self: Store, method: str, *args: Any, **options: Any) -> Any:
            if method == "pipe_file":
                sent.append(len(args[1]))
            return call(self, method, *args, **options)
        patch.setattr(Store, "call", counted)
        log = new_log(Memory, "cost")
        for step, size in enumerate(sizes):
            log.append(record(step, size))
            log.write()
        log.close()
        kept = segments(Memory(), "cost")
        try:
            assert steps(Memory(), "cost") == list(range(len(sizes)))
            assert sum(sent) <= MOST_SENT * sum(map(len, kept.values()))
            assert len(sent) <= len(sizes) + len(kept)
        finally:
            fsspec.filesystem("memory").store.clear()


def test_when_a_run_reaches_the_store(memory: Memory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Within flush_secs, at flush() and at close(); nothing is sent while nothing is logged."""
    from tbwriter import FileWriter
    sent: List[str] = []
    call = Store.call

    def counted(self: Store, method: str, *args: Any, **options: Any) -> Any:
        sent.append(method)
        return call(self, method, *args, **options)
    monkeypatch.setattr(Store, "call", counted)
    with FileWriter("memory://bucket/when", flush_secs=0.05) as writer:
        writer.add_scalar("x", 0, 0)
        end = time.monotonic() + 30
        while steps(memory, "when") != [0]:
            assert time.monotonic() < end, "nothing comes"
            time.sleep(0.02)
        before = len(sent)
        time.sleep(0.5)
        assert len(sent) == before
        writer.flush()
        assert len(sent) == before
    with FileWriter("memory://bucket/later") as writer:  # with flush_secs of 10 s
        writer.add_scalar("x", 0, 0)
        writer.flush()
        assert steps(memory, "later") == [0]
        writer.add_scalar("x", 1, 1)
    assert steps(memory, "later") == [0, 1]


def test_bytes_on_the_wire(s3: Any) -> None:
    """30 writes of 100 scalars' size cost 3 times their bytes at most, counted by the server."""
    before = len(s3.proxy.requests)
    log = new_log(s3, "wire")
    for step in range(30):
        log.append([piece for number in range(100) for piece in record(step * 100 + number)])
        log.write()
    log.close()
    requests = s3.proxy.requests[before:]
    kept = segments(s3, "wire")
    puts = [request for request in requests if request.method == "PUT"]
    assert sum(request.size for request in puts) <= MOST_SENT * sum(map(len, kept.values()))
    assert len(puts) <= 30 + len(kept)
    assert len(requests) - len(puts) <= 2, "more than a look at the directory"


def test_size_of_files(memory: Memory) -> None:
    """With max_file_bytes no segment is larger, unless by a single record."""
    log = new_log(memory, "limit", 1000)
    for step in range(10):
        log.append([piece for number in range(5) for piece in record(step * 5 + number, 100)])
        log.write()
    log.append(record(50, 3000))
    log.append(record(51))
    log.write()
    log.close()
    assert steps(memory, "limit") == list(range(52))
    sizes = [len(content) for content in segments(memory, "limit").values()]
    assert sum(size > 1000 for size in sizes) == 1


def test_large_records(memory: Memory, monkeypatch: pytest.MonkeyPatch) -> None:
    """A record that is larger than a segment is put once and then no longer kept in memory."""
    monkeypatch.setattr(objects, "SEGMENT_SIZE", 10_000)
    log = new_log(memory, "large")
    for step in range(3):
        log.append(record(step, 50_000))
        log.append(record(step, 10))
        log.write()
    assert log._sent < 1.2 * log._kept
    assert steps(memory, "large") == [0, 0, 1, 1, 2, 2]
    log.append(record(3, 50_000))
    log.write()
    assert log._segment is None
    log.close()


@pytest.mark.parametrize("fault", ["503", "close", "hang"])
def test_outage(s3: Any, monkeypatch: pytest.MonkeyPatch, fault: str) -> None:
    """While the store fails, a write raises OSError in time, and shows no credentials; afterwards
    all lands, once and in order."""
    monkeypatch.setattr(_fsspec, "PATIENCE", 2.0)
    name = "outage" + fault
    log = new_log(s3, name)
    log.append(record(0))
    log.write()
    s3.proxy.fault = fault
    try:
        for step in range(1, 3):
            log.append(record(step))
            start = time.monotonic()
            with pytest.raises(OSError) as caught:
                log.write()
            assert time.monotonic() - start < 30  # the client's own limits are minutes
            assert "very-secret" not in str(caught.value) + repr(caught.value)
    finally:
        s3.proxy.fault = ""
    for step in range(3, 10):
        log.append(record(step))
        written(log)
    log.close()
    assert steps(s3, name) == list(range(10))


def written(log: RemoteLog) -> None:
    """Write as the queue does, which tries again: a connection of before may still break."""
    for _ in range(5):
        try:
            return log.write()
        except OSError:
            time.sleep(0.5)
    log.write()


def test_foreign_bytes_in_an_object(memory: Memory) -> None:
    """Bytes that another program writes into the growing object are replaced by the run's own
    records, since the object is put as a whole."""
    log = new_log(memory, "foreign")
    log.append(record(0))
    log.write()
    name, = segments(memory, "foreign")
    client = fsspec.filesystem("memory")
    path, = (path for path in client.find("/") if path.endswith(name.rpartition("/")[2]))
    client.pipe_file(path, client.cat_file(path) + b"abcd")
    log.append(record(1))
    log.write()
    assert steps(memory, "foreign") == [0, 1]


def test_a_put_that_comes_late(memory: Memory, monkeypatch: pytest.MonkeyPatch) -> None:
    """A put that was given up, and that the store carries out after a longer one, is repaired when
    the segment ends."""
    log = new_log(memory, "late")
    call = Store.call
    late: List[Tuple[Any, ...]] = []

    def giving_up(self: Store, method: str, *args: Any, **options: Any) -> Any:
        if method == "pipe_file" and not late:
            late.append(args)
            raise TimeoutError("no answer")
        return call(self, method, *args, **options)
    log.append(record(0))
    monkeypatch.setattr(Store, "call", giving_up)
    with pytest.raises(TimeoutError):
        log.write()
    log.append(record(1))
    log.write()
    fsspec.filesystem("memory").pipe_file(*late[0])
    assert steps(memory, "late") == [0]
    log.close()
    assert steps(memory, "late") == [0, 1]


def test_live_tensorboard(s3: Any) -> None:
    """Stock TensorBoard, reading s3:// itself while the run grows, sees each of 30 writes."""
    from tensorboard.backend.event_processing import plugin_event_multiplexer

    from tbwriter import summary
    from tbwriter._proto.messages import event
    from tbwriter._tfrecord.frame import frame
    log = new_log(s3, "tb/live")
    watching = plugin_event_multiplexer.EventMultiplexer(
        size_guidance={"tensors": 0}, tensor_size_guidance={"scalars": 0})
    seen = []
    for flush in range(30):
        for step in range(flush * 10, flush * 10 + 10):
            log.append(frame(event(1.0, step, summary.scalar("x", step).event_field())))
        log.write()
        watching.AddRunsFromDirectory(s3.url + "/tb")
        watching.Reload()
        seen.append([point.step for point in watching.Tensors("live", "x")])
    assert seen == [list(range(count * 10 + 10)) for count in range(30)]
    assert len(segments(s3, "tb/live")) > 3


@pytest.mark.parametrize("url", ["nonsense://x/y", "://x", "s4://bucket/x", "a::b://x",
                                 "file://host/x"])
def test_unknown_scheme(url: str) -> None:
    """An unknown scheme is refused at once."""
    with pytest.raises(ValueError, match="got a URL with"):
        open_log(url, "", header)


def test_missing_bucket(s3: Any) -> None:
    """A bucket that does not exist is refused at once."""
    with pytest.raises(OSError, match="bucket"):
        open_log("s3://no-such-bucket/run", "", header)


def test_missing_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a scheme's own package is missing, the error says how to get it."""
    def missing(protocol: str) -> Any:
        raise ImportError("Install s3fs to access S3")
    monkeypatch.setattr(fsspec, "get_filesystem_class", missing)
    with pytest.raises(ImportError, match=r"s3fs.*tbwriter\[remote\]"):
        open_log("s3://bucket/x", "", header)


def test_missing_fsspec() -> None:
    """Without fsspec a URL is refused with advice, and a local log neither needs nor loads it."""
    program = """
import sys, tempfile
from tbwriter._log import open_log
open_log(tempfile.mkdtemp(), "", lambda: b"x").close()
assert "fsspec" not in sys.modules
sys.modules["fsspec"] = None
try:
    open_log("memory://x", "", lambda: b"x")
except ImportError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True,
                          timeout=60, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)})
    assert "pip install 'tbwriter[remote]'" in done.stdout, done


def test_password_in_the_url(memory: Memory, monkeypatch: pytest.MonkeyPatch) -> None:
    """A password in the URL is seen neither in the directory's name nor in errors."""
    options: List[Dict[str, Any]] = []

    class Ftp(type(fsspec.filesystem("memory"))):  # type: ignore[misc]
        protocol = "ftp"

        def __init__(self, **given: Any) -> None:
            options.append(given)
            super().__init__()

        @classmethod
        def _get_kwargs_from_urls(cls, url: str) -> Dict[str, Any]:
            return {"password": "p%40ss"} if "p%40ss" in url else {}

        def pipe_file(self, path: str, value: bytes, **options: Any) -> None:
            raise failure("ftp://me:p%40ss@host refused p@ss")
    failure: Callable[[str], Exception] = OSError
    monkeypatch.setattr(fsspec, "get_filesystem_class", lambda protocol: Ftp)
    for failure in (OSError, RuntimeError, PermissionError, NotImplementedError):
        with pytest.raises((OSError, ValueError)) as caught:
            open_log("ftp://me:p%40ss@host/dir", "", header)
        text = str(caught.value) + repr(caught.value) + repr(caught.value.__cause__)
        assert "p%40ss" not in text and "p@ss" not in text and "***" in text
    assert options[0]["password"] == "p%40ss"


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_side_files(memory: Memory, name: str) -> None:
    """A side file lies below the directory and is no event file."""
    log = new_log(memory, "hostile")
    with pytest.raises(ValueError, match="file name"):
        log.put(name, b"x")
    with pytest.raises(ValueError, match="file name"):
        log.read(name)
    log.close()
    assert len(memory.objects()) == 1


def test_clients_have_short_patience(s3: Any) -> None:
    """The S3 client has time-outs and few retries of its own, and keeps what the user set."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(fsspec.config.conf, "s3", {"config_kwargs": {"signature_version": "s3v4"}})
        log = new_log(s3, "patience")
    settings = log._store.client.config_kwargs
    assert settings["read_timeout"] <= 15 and settings["retries"]["total_max_attempts"] <= 2
    assert settings["signature_version"] == "s3v4"
    assert log._store.client is not new_log(s3, "patience")._store.client


def test_resume_in_a_bucket(memory: Memory) -> None:
    """With resume, automatic steps continue where the objects of the earlier writers end."""
    from tbwriter import FileWriter
    for value in range(0, 9, 3):
        with FileWriter(memory.url + "/run", resume=True) as writer:
            for i in range(3):
                writer.add_scalar("x", value + i)
    found = []
    for content in memory.objects().values():
        events, rest = scan(content)
        assert not rest
        found += [event.step for event in events if event.summary.value]
    assert found == list(range(9))


def _logged(url: str) -> None:
    """A run with scalars and a picture, and a run of another name that begins alike."""
    import numpy as np

    from tbwriter import SummaryWriter
    with SummaryWriter(url + "/run") as writer:
        for step in range(200):
            writer.add_scalar("loss", 1 / (step + 1), step, walltime=1.6e9 + step)
        writer.add_image("picture", np.zeros((3, 5, 7)), 0)
        writer.add_embedding(np.eye(4), metadata=list("abcd"), global_step=1)
    with SummaryWriter(url + "/run2") as writer:
        writer.add_scalar("other", 1.0, 1)


def test_what_is_written_is_read(store: Any) -> None:
    """The reader takes a URL wherever it takes a directory: of logs, of a run, of one object."""
    from tbwriter import reader
    url = store.url + "/read"
    _logged(url)
    runs = reader.read(url)
    assert list(runs) == ["run", "run2"] and not runs["run"].faults
    assert runs["run"].scalars("loss").values[99] == pytest.approx(0.01)
    picture, = runs["run"].images("picture").values
    assert (picture.width, picture.height) == (7, 5)
    alone = reader.read(url + "/run")
    assert list(alone) == ["."] and alone["."].tags == runs["run"].tags
    path = str(runs["run"].files[0])
    assert path.startswith(url + "/run/events.out.tfevents.")
    assert reader.read(path)["."].tags["loss"] == "scalar"
    assert sum(len(event.values) for event in reader.events(path)) == 201
    with pytest.raises(FileNotFoundError, match="want a log directory"):
        reader.read(store.url + "/nothing")


@pytest.mark.parametrize("store", ["s3", "gcs"], indirect=True)
def test_only_what_is_asked_for_is_loaded(store: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """One listing, then one request for each small event file of the chosen runs; no side files."""
    from tbwriter import reader
    from tbwriter.cli import main
    url = store.url + "/asked"
    _logged(url)
    reader.read(url)  # the client's first questions are not counted
    before = len(store.proxy.requests)
    reader.read(url)
    assert len(store.proxy.requests) - before == 3
    before = len(store.proxy.requests)
    assert main(["show", url, "--run", "run2"]) == 0
    assert "other" in capsys.readouterr().out
    asked = [request.path for request in store.proxy.requests[before:]]
    assert len(asked) == 2 and "run2" in asked[1]


def test_a_large_object_is_read_in_pieces(s3: Any) -> None:
    """A file that is larger than one request is fetched by several, and is whole."""
    import numpy as np

    from tbwriter import SummaryWriter, reader
    url = s3.url + "/large"
    noise = np.random.RandomState(0).randint(0, 256, (3, 1500, 1500), np.uint8)
    with SummaryWriter(url) as writer:
        writer.add_image("noise", noise, 0)
        writer.add_scalar("x", 1.0, 1)
    before = len(s3.proxy.requests)
    run = reader.read(url)["."]
    assert len(s3.proxy.requests) - before >= len(run.files) + 2
    assert len(run.images("noise").values[0].encoded[0]) > 6_000_000 and not run.faults
    assert run.scalars("x").steps.tolist() == [1]


def test_commands_on_a_url(store: Any, capsys: pytest.CaptureFixture[str], tmp_path: Any) -> None:
    """show, check, export and tail take URLs; repair, merge and thin read them."""
    from tbwriter import reader
    from tbwriter.cli import main
    url = store.url + "/commands"
    _logged(url)
    assert main(["show", url]) == 0 and "loss" in capsys.readouterr().out
    assert main(["check", url]) == 0 and f"nothing found in {url}" in capsys.readouterr().out
    assert main(["tail", url, "--once"]) == 0 and "█" in capsys.readouterr().out
    assert main(["export", url, "--run", "run", "--tag", "loss"]) == 0
    assert capsys.readouterr().out.count("\n") == 201
    assert main(["repair", url, str(tmp_path / "copy")]) == 0
    copied = reader.read(str(tmp_path / "copy"))
    assert copied["run"].scalars("loss").steps.tolist() == list(range(200))
    assert (tmp_path / "copy" / "run" / "projector_config.pbtxt").is_file()
    capsys.readouterr()
    for arguments, code in ((["show", store.url + "/nothing"], 1),
                            (["show", "nonsense://bucket/x"], 2),
                            (["merge", url, store.url + "/out"], 2)):
        assert main(arguments) == code
        assert capsys.readouterr().err.startswith("tbwriter: got ")


def test_check_looks_at_what_a_projector_config_names(memory: Memory) -> None:
    """Missing labels, labels outside and bad numbers are found at a URL too."""
    from tbwriter.check import check
    _logged(memory.url + "/run")
    system = fsspec.filesystem("memory")
    system.pipe_file("/bucket/run/run/numbers.tsv", b"1\t2\n3\n")
    for named, wrong in ((b'metadata_path: "missing.tsv"', "'missing.tsv' does not exist"),
                         (b'bookmarks_path: "../x"', "outside")):
        system.pipe_file("/bucket/run/run/projector_config.pbtxt",
                         b'embeddings { tensor_path: "numbers.tsv" ' + named + b" }")
        tensor, config = check(memory.url + "/run")
        assert (tensor.rule, config.rule) == ("projector tensor", "projector config")
        assert wrong in config.what


def test_tail_follows_an_object_that_grows(memory: Memory) -> None:
    """Each look lists the objects, and reads on where it had stopped."""
    from tbwriter import FileWriter
    from tbwriter.cli._follow import Follower
    with FileWriter(memory.url + "/run") as writer:
        writer.add_scalar("x", 1.0, 1)
        writer.flush()
        follower = Follower(memory.url)
        assert follower.read() and not follower.read()
        writer.add_scalar("x", 2.0, 2)
        writer.flush()
        assert follower.read()
    assert next(follower.lines(60)).split() == ["run", "x", "2", "2", "▁█"]


def test_reading_without_fsspec(tmp_path: Any) -> None:
    """The command says what is missing, and how to get it."""
    program = """
import sys
sys.modules["fsspec"] = None
from tbwriter.cli import main
sys.exit(main(["show", "s3://bucket/logs"]))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True,
                          timeout=60, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)})
    assert done.returncode == 2 and "pip install 'tbwriter[remote]'" in done.stderr, done
    assert "Traceback" not in done.stderr
