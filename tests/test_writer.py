"""FileWriter: what is added is in the file, as stock TensorBoard reads it."""
from __future__ import annotations

import itertools
import math
import os
import pickle
import subprocess
import sys
import threading
import time
import warnings
from pathlib import Path
from typing import Any, Callable, Dict, List

import numpy as np
import pytest
from tests.support.judges import board, both_loaders, events

import tbwriter
from tbwriter import FileWriter, summary
from tbwriter._log import event_file
from tbwriter._parts import Parts
from tbwriter._proto.messages import Message

event_pb2 = pytest.importorskip("tensorboard.compat.proto.event_pb2")
summary_pb2 = pytest.importorskip("tensorboard.compat.proto.summary_pb2")


def points(logdir: Path) -> Dict[str, List[Any]]:
    """Each tag's (step, value) in the files, by real protobuf."""
    found: Dict[str, List[Any]] = {}
    for event in events(logdir):
        for value in event.summary.value:
            found.setdefault(value.tag, []).append((event.step, value.simple_value))
    return found


@both_loaders
def test_the_api_of_2017(tmp_path: Path, loader: str) -> None:
    """Code written for the MXNet TensorBoard of 2017 runs as it is, and each value has its step."""
    import tbwriter as tensorboard
    writer = tensorboard.FileWriter(str(tmp_path))
    for value in (0.25, 0.5, 0.75):
        writer.add_summary(tensorboard.summary.scalar("train-accuracy", value))
        writer.add_summary(tensorboard.summary.scalar("loss", -value),
                           global_step=7 + int(value * 4))
    writer.close()
    with board(tmp_path, loader) as judge:
        assert judge.scalars(".", "train-accuracy") == [(0, 0.25), (1, 0.5), (2, 0.75)]
        assert judge.scalars(".", "loss") == [(8, -0.25), (9, -0.5), (10, -0.75)]


def test_first_record(tmp_path: Path) -> None:
    """A file begins with its version and who wrote it."""
    writer = FileWriter(tmp_path)
    writer.add_scalar("x", 1, 1)
    writer.flush()
    first, _ = events(writer.path)
    assert first.file_version == "brain.Event:2"
    assert first.source_metadata.writer == f"tbwriter {tbwriter.__version__}"
    assert abs(first.wall_time - os.stat(writer.path).st_mtime) < 10
    writer.close()


def test_nothing_is_left_of_nothing(tmp_path: Path) -> None:
    """A writer that was given nothing has made sure that it could write, and leaves no file."""
    with FileWriter(tmp_path / "logs") as writer:
        writer.flush()
        assert writer.path == ""
    assert os.listdir(tmp_path / "logs") == []


@pytest.mark.parametrize("convert", [
    pytest.param(lambda s: s, id="own"),
    pytest.param(lambda s: s.SerializeToString(), id="bytes"),
    pytest.param(lambda s: summary_pb2.Summary.FromString(s.SerializeToString()), id="protobuf"),
])
def test_add_summary_takes(tmp_path: Path, convert: Callable[[Any], Any]) -> None:
    """add_summary takes a Summary, its bytes, or a real protobuf one; steps count by tag."""
    with FileWriter(tmp_path) as writer:
        writer.add_summary(convert(summary.scalar("a", 1)))
        writer.add_summary(convert(summary.scalar("a", 2) + summary.scalar("b", 3)))
        writer.add_summary(convert(summary.scalar("b", 4)))
        writer.add_summary(convert(summary.scalar("b", 5)), 9)
    assert points(tmp_path) == {"a": [(0, 1), (1, 2)], "b": [(1, 3), (2, 4), (9, 5)]}


@pytest.mark.parametrize("bad, error", [
    (5, TypeError), ("text", TypeError), (None, TypeError), (b"\x0a\x05ab", ValueError),
    (b"\x0a\x03\x0a\x01\xff", ValueError),
    pytest.param(b"\x0a\x06\x0a\x01x\x42\x01\xff", ValueError, id="tensor"),
    pytest.param(b"\x0a\x08\x0a\x01x\x4a\x03\x12\x01\xff", ValueError, id="display_name"),
    pytest.param(b"\x0a\x06\x0a\x01x\x22\x01\x08", ValueError, id="image"),
    pytest.param(b"\x0a\x05\x0a\x01x\x10\x01", ValueError, id="simple_value as varint"),
])
def test_add_summary_refuses(tmp_path: Path, bad: Any, error: type) -> None:
    """Anything but a Summary raises at the call, and the file stays whole."""
    with FileWriter(tmp_path) as writer:
        with pytest.raises(error):
            writer.add_summary(bad)
        writer.add_scalar("a", 1, 1)
    assert points(tmp_path) == {"a": [(1, 1)]}


class Nameless:
    """An object of which even the class can't be asked."""

    @property  # type: ignore[misc]
    def __class__(self) -> Any:  # type: ignore[override]
        raise RuntimeError("no class")


class Unmeasured(str):
    """A text without a length."""

    def __bool__(self) -> bool:
        raise RuntimeError("no truth")

    def __len__(self) -> int:
        raise RuntimeError("no length")


@pytest.mark.parametrize("name", ["tag", "scalar_value", "global_step", "walltime", "display_name",
                                  "description", "summary_description"])
def test_objects_without_a_class(tmp_path: Path, name: str) -> None:
    """An argument whose own methods raise is refused with TypeError; a text is taken."""
    arguments: Dict[str, Any] = {"tag": "a", "scalar_value": 1, "global_step": 1}
    with FileWriter(tmp_path) as writer:
        with pytest.raises(TypeError, match="^got"):
            writer.add_scalar(**{**arguments, name: Nameless()})
        if name in ("tag", "display_name", "description", "summary_description"):
            writer.add_scalar(**{**arguments, name: Unmeasured("x")})
    assert len(events(tmp_path)) in (0, 2)


def test_add_event(tmp_path: Path) -> None:
    """add_event takes a protobuf Event or its bytes; step and time may be replaced."""
    message = event_pb2.Event(wall_time=123.5, step=-4)
    message.summary.value.add(tag="x", simple_value=2)
    untimed = event_pb2.Event(step=3)
    untimed.summary.value.add(tag="x", simple_value=3)
    with FileWriter(tmp_path) as writer:
        writer.add_event(message)
        writer.add_event(message.SerializeToString(), step=8, walltime=9.5)
        writer.add_event(untimed)
        writer.add_event(event_pb2.Event())
    _, first, second, third, empty = events(tmp_path)
    assert first == message
    assert (second.step, second.wall_time, second.summary) == (8, 9.5, message.summary)
    assert third.wall_time > 1e9 and third.step == 3
    assert not empty.WhichOneof("what") and empty.wall_time > 1e9


@pytest.mark.parametrize("bad", [
    b"\x09", event_pb2.Event(wall_time=math.nan).SerializeToString(),
    event_pb2.Event(wall_time=math.inf).SerializeToString(), b"\x2a\x02\x0a\x05",
    pytest.param(b"\x98\x06\x01", id="varint of no field"),
    pytest.param(b"\x08\x01", id="wall_time as varint"),
    pytest.param(b"\x11" + bytes(8), id="step as double"),
    pytest.param(b"\x2d" + bytes(4), id="summary as float"),
    pytest.param(b"\x1a\x01\xff", id="file_version that is not UTF-8"),
    pytest.param(b"\x32\x01\xff", id="log_message"),
    pytest.param(b"\x3a\x01\xff", id="session_log"),
    pytest.param(b"\x42\x01\xff", id="tagged_run_metadata"),
    pytest.param(b"\x52\x01\xff", id="source_metadata"),
    pytest.param(b"\x4a\x01\xff", id="meta_graph_def"),
    pytest.param(b"\x4a\x03\x12\x01\xff", id="graph in meta_graph_def"),
    pytest.param(b"\x2a\x08\x0a\x06\x0a\x01x\x42\x01\xff", id="tensor"),
    pytest.param(b"\x0a\x01x", id="wall_time as bytes"),
])
def test_add_event_refuses(tmp_path: Path, bad: bytes) -> None:
    """An Event that would end the file in a loader is refused."""
    with FileWriter(tmp_path) as writer:
        with pytest.raises(ValueError):
            writer.add_event(bad)
    assert events(tmp_path) == []


@both_loaders
def test_scalars_of_every_type(tmp_path: Path, loader: str) -> None:
    """Whatever holds one number is taken; NaN and infinities are kept, too large is infinite."""
    from decimal import Decimal
    from fractions import Fraction
    values = [1, -2.5, True, np.float32(0.5), np.float64(1e-30), np.int64(-7), np.uint8(255),
              np.array(3.5), np.array([4.5]), np.array([[5.5]]), np.float16(0.25), np.bool_(True),
              Decimal("1.5"), Fraction(1, 4), math.nan, math.inf, -math.inf, 1e300, -1e300,
              10 ** 400]
    with FileWriter(tmp_path) as writer:
        for value in values:
            writer.add_scalar("v", value)
    with board(tmp_path, loader) as judge:
        shown = [value for _, value in judge.scalars(".", "v")]
    expected = [1, -2.5, 1, 0.5, float(np.float32(1e-30)), -7, 255, 3.5, 4.5, 5.5, 0.25, 1, 1.5,
                0.25, math.nan, math.inf, -math.inf, math.inf, -math.inf, math.inf]
    assert np.array_equal(shown, expected, equal_nan=True)


def test_arguments_that_do_nothing(tmp_path: Path) -> None:
    """new_style and double_precision are taken, and the value is the same float32."""
    with FileWriter(tmp_path) as writer:
        for step in range(3):
            writer.add_scalar("t", 1 / 3, 1, 5.0, new_style=step > 0, double_precision=step > 1)
    _, first, *others = events(tmp_path)
    assert first.summary.value[0].simple_value == np.float32(1 / 3)
    assert others == [first, first]


@pytest.mark.parametrize("arguments, error, text", [
    (("t", "1.5"), TypeError, "got a value of type str"),
    (("t", None), TypeError, "got a value of type NoneType"),
    (("t", 1j), TypeError, "got a value of type complex"),
    (("t", [1, 2]), TypeError, "got a value of type list"),
    (("t", np.zeros(3)), ValueError, "got a value of 3 elements"),
    (("t", np.zeros(0)), ValueError, "got a value of 0 elements"),
    (("t", object()), TypeError, "got a value of type object"),
    ((5, 1.0), TypeError, "got a tag of type int"),
    ((b"t", 1.0), TypeError, "got a tag of type bytes"),
    ((None, 1.0), TypeError, "got a tag of type NoneType"),
    ((["t"], 1.0), TypeError, "got a tag of type list"),
    (("\udc80", 1.0), ValueError, "lone surrogate"),
    (("t", 1.0, 2 ** 63), ValueError, "got the step 9223372036854775808"),
    (("t", 1.0, -2 ** 63 - 1), ValueError, "got the step"),
    (("t", 1.0, math.nan), ValueError, "got the step nan"),
    (("t", 1.0, math.inf), ValueError, "got the step inf"),
    (("t", 1.0, "1"), TypeError, "got a step of type str"),
    (("t", 1.0, 1, math.nan), ValueError, "got the wall_time nan"),
    (("t", 1.0, 1, -math.inf), ValueError, "got the wall_time -inf"),
    (("t", 1.0, 1, "now"), TypeError, "got a wall_time of type str"),
])
def test_add_scalar_refuses(tmp_path: Path, arguments: Any, error: type, text: str) -> None:
    """A bad tag, value, step or time is an error at the call, and the next value is written."""
    with FileWriter(tmp_path) as writer:
        with pytest.raises(error, match=text):
            writer.add_scalar(*arguments)
        writer.add_scalar("t", 1.5, 3)
    assert points(tmp_path) == {"t": [(3, 1.5)]}


@both_loaders
def test_steps(tmp_path: Path, loader: str) -> None:
    """All of int64 are steps; a fraction is cut off; objects with `__index__` are accepted."""
    given: List[Any] = [-2 ** 63, -5, 0, 1.0, 2.7, np.int64(3), np.float32(4), np.array(5),
                        2 ** 53 + 1, 2 ** 63 - 1]
    with FileWriter(tmp_path) as writer:
        for step in given:
            writer.add_scalar("t", 1, step)
    with board(tmp_path, loader) as judge:
        assert [step for step, _ in judge.scalars(".", "t")] == [
            -2 ** 63, -5, 0, 1, 2, 3, 4, 5, 2 ** 53 + 1, 2 ** 63 - 1]


@both_loaders
def test_tags_are_kept(tmp_path: Path, loader: str) -> None:
    """A tag is any text, and TensorBoard has it as it was given."""
    tags = ["loss", "a/b", "損失/🔥 ñ", "with space", "/lead", "a//b", ".", "..", "../up", "new\nline",
            "t" * 300, "q\"'<b>", "\0"]
    with FileWriter(tmp_path) as writer:
        for tag in tags:
            writer.add_scalar(tag, 1, 1)
    with board(tmp_path, loader) as judge:
        assert sorted(judge.tags("scalars")) == sorted(tags)


@both_loaders
def test_description(tmp_path: Path, loader: str) -> None:
    """A scalar's name and description show in both loaders."""
    with FileWriter(tmp_path) as writer:
        writer.add_scalar("t", 1.5, 2, display_name="Tee", summary_description="**bold**")
    with board(tmp_path, loader) as judge:
        metadata = judge.tags("scalars")["t"]
        assert (metadata.display_name, metadata.description) == ("Tee", "**bold**")
        assert judge.scalars(".", "t") == [(2, 1.5)]


def test_wall_time(tmp_path: Path) -> None:
    """The time is the one given, or that of the call."""
    with FileWriter(tmp_path) as writer:
        writer.add_scalar("t", 1, 1, 123.25)
        writer.add_scalar("t", 1, 2)
        writer.add(summary.scalar("t", 1), 3, 456.5)
    _, first, second, third = events(tmp_path)
    assert first.wall_time == 123.25 and third.wall_time == 456.5
    assert second.wall_time > 1.7e9


def test_synchronous_bytes(tmp_path: Path) -> None:
    """asynchronous=False writes the same bytes, in the call."""
    def log(writer: FileWriter) -> None:
        for step in range(300):
            writer.add_scalar("loss", step / 2, step, 1e9 + step)
            if step % 50 == 0:
                writer.add(summary.scalar("s", 1) + summary.scalar("u", 2), step, 1e9 + step)

    later, now = FileWriter(tmp_path / "a"), FileWriter(tmp_path / "b", asynchronous=False)
    log(now)
    written = Path(now.path).read_bytes()
    log(later)
    later.flush()
    header = len(Path(later.path).read_bytes()) - len(written)
    assert header == 0
    first = 16 + int.from_bytes(written[:8], "little")  # the first record has the time in it
    assert Path(later.path).read_bytes()[first:] == written[first:]
    now.close()
    later.close()


def test_order(tmp_path: Path) -> None:
    """Scalars and heavier kinds stay in the order of the calls."""
    with FileWriter(tmp_path) as writer:
        for step in range(2000):
            if step % 7 == 0:
                writer.add(summary.scalar("x", step), step)
            else:
                writer.add_scalar("x", step, step)
    assert points(tmp_path)["x"] == [(step, step) for step in range(2000)]


def test_flush_is_a_barrier(tmp_path: Path) -> None:
    """After flush() the file holds everything that was added before."""
    writer = FileWriter(tmp_path, flush_secs=1000)
    for step in range(5):
        writer.add_scalar("x", step, step)
        writer.flush(fsync=step % 2 == 0)
        assert points(tmp_path)["x"][-1] == (step, step)
    writer.close()


@pytest.mark.parametrize("asynchronous", [True, False])
@pytest.mark.parametrize("timeout, error", [
    (float("nan"), ValueError), (np.float32("nan"), ValueError), ("30", TypeError),
    (None, TypeError), ([1, 2], TypeError), (np.arange(2), ValueError)])
def test_wrong_timeouts(tmp_path: Path, timeout: Any, error: Any, asynchronous: bool) -> None:
    """What is no number of seconds is refused at the call, and costs nothing; infinity is
    one."""
    with FileWriter(tmp_path, asynchronous=asynchronous) as writer:
        for name in ("flush", "close"):
            writer.add_scalar("x", 1.0, 1)
            with pytest.raises(error, match="^got (the|a) timeout"):
                getattr(writer, name)(timeout)
        writer.flush(float("inf"))
        with pytest.raises(TypeError, match="^got fsync of type ndarray, want True or False"):
            writer.flush(fsync=np.arange(2))  # type: ignore[arg-type]
        writer.close(float("inf"))
    assert points(tmp_path)["x"] == [(1, 1), (1, 1)]


@pytest.mark.parametrize("asynchronous", [True, False])
def test_flush_syncs_when_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                asynchronous: bool) -> None:
    """flush(fsync=True) syncs the event file once everything is in it; a plain flush does not."""
    synced: List[Any] = []
    real = os.fsync

    def fsync(descriptor: int) -> None:
        synced.append((os.fstat(descriptor).st_ino, os.fstat(descriptor).st_size))
        real(descriptor)

    monkeypatch.setattr(event_file, "_fsync", fsync)
    with FileWriter(tmp_path, asynchronous=asynchronous) as writer:
        writer.add_scalar("x", 0, 0)
        writer.flush()
        assert synced == []
        for step in (1, 2):
            writer.add_scalar("x", step, step)
            writer.flush(fsync=True)
            found = os.stat(writer.path)
            assert synced[-1 if step == 2 else 0] == (found.st_ino, found.st_size)
            assert points(tmp_path)["x"][-1] == (step, step)


@pytest.mark.parametrize("end", [
    "os._exit(1)", "os.kill(os.getpid(), signal.SIGTERM)", "os.kill(os.getpid(), signal.SIGKILL)"])
def test_what_a_sudden_end_leaves(tmp_path: Path, end: str) -> None:
    """A program that ends without its exit handlers leaves all that was flushed, in whole records;
    what came later was in memory."""
    program = f"""
import os, signal
from tbwriter import FileWriter
writer = FileWriter({str(tmp_path)!r}, flush_secs=1000)
for step in range(50):
    writer.add_scalar("x", step, step)
writer.flush()
writer.add_scalar("x", 50, 50)
{end}
"""
    done = subprocess.run([sys.executable, "-c", program], timeout=60, stderr=subprocess.PIPE,
                          env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)})
    assert done.returncode and not done.stderr
    assert points(tmp_path) == {"x": [(step, step) for step in range(50)]}


def test_where_a_kind_is_encoded(tmp_path: Path) -> None:
    """On the writer's thread; in the call once nine tenths of the buffer wait, or with
    asynchronous=False."""
    here = threading.get_ident()
    encoded_by: List[int] = []
    gate = threading.Event()

    class Kind:
        tags = ("x",)
        nbytes = 10_000

        def event_field(self) -> Parts:
            encoded_by.append(threading.get_ident())
            if encoded_by[-1] != here:
                assert gate.wait(60)
            return list(summary.scalar("x", 1).event_field())

    with FileWriter(tmp_path, flush_secs=0.01, max_buffer=200_000) as writer:
        writer.add(Kind(), 0)
        end = time.monotonic() + 60
        while not encoded_by:
            assert time.monotonic() < end, "no thread takes it"
            time.sleep(0.01)
        assert encoded_by[0] != here
        for step in range(1, 19):
            writer.add(Kind(), step)
        assert encoded_by[1:] == [here]  # eighteen wait, then nine tenths are exceeded
        gate.set()
        writer.flush()
    assert [step for step, _ in points(tmp_path)["x"]] == list(range(19))
    with FileWriter(tmp_path / "now", asynchronous=False) as writer:
        writer.add(Kind(), 0)
        assert encoded_by[-1] == here


def test_every_cut_in_tensorflow(tmp_path: Path) -> None:
    """TensorFlow's own reader finds the whole records before any cut, and nothing else."""
    tf = pytest.importorskip("tensorflow", reason="TensorFlow is not installed")
    with FileWriter(tmp_path) as writer:
        for step in range(10):
            writer.add_scalar("x", step / 2, step)
    content = Path(writer.path).read_bytes()

    def read(cut: int) -> List[bytes]:
        (tmp_path / "cut").write_bytes(content[:cut])
        found: List[bytes] = []
        try:
            for record in tf.compat.v1.io.tf_record_iterator(str(tmp_path / "cut")):
                found.append(record)
        except tf.errors.DataLossError:  # its log line about a torn tail
            pass
        return found

    whole = read(len(content))
    assert [tf.compat.v1.Event.FromString(record).step for record in whole[1:]] == list(range(10))
    ends = list(itertools.accumulate(len(record) + 16 for record in whole))
    assert ends[-1] == len(content)
    for cut in range(len(content)):
        assert read(cut) == whole[:sum(end <= cut for end in ends)], cut


def test_tensorboard_follows(tmp_path: Path) -> None:
    """A TensorBoard that looks again and again sees each flush of a file that grows."""
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    with FileWriter(tmp_path) as writer:
        live = accumulator.EventAccumulator(str(tmp_path), {"tensors": 0})
        for step in range(5):
            writer.add_scalar("x", step, step)
            writer.flush()
            assert [point.step for point in live.Reload().Scalars("x")] == list(range(step + 1))


def test_close_and_continue(tmp_path: Path) -> None:
    """After close(), an add or reopen() continues in a new file that sorts after the first."""
    writer = FileWriter(tmp_path)
    files = []
    for step in range(3):
        writer.add_scalar("x", step, step)
        writer.flush()
        files.append(writer.path)
        writer.close()
        writer.close()
        writer.reopen()
    assert files == sorted(set(files))
    assert points(tmp_path)["x"] == [(0, 0), (1, 1), (2, 2)]


def test_log_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A relative directory is fixed when the writer is made; an invalid one is refused then."""
    monkeypatch.chdir(tmp_path)
    with FileWriter("logs") as writer:
        (tmp_path / "other").mkdir()
        monkeypatch.chdir(tmp_path / "other")
        writer.add_scalar("x", 1, 1)
    assert writer.get_logdir() == str(tmp_path / "logs")
    assert points(tmp_path / "logs") == {"x": [(1, 1)]}
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError):
        FileWriter(tmp_path / "file")
    with pytest.raises(ValueError, match="got the filename_suffix"):
        FileWriter(tmp_path, filename_suffix="/../x")
    seconds: Any = np.array([0.25])
    with FileWriter(tmp_path / "seconds", flush_secs=seconds) as writer:
        assert repr(writer.__reduce__()[1][2]["flush_secs"]) == "0.25"
    with pytest.raises(ValueError, match="got flush_secs=-1"):
        FileWriter(tmp_path, flush_secs=-1)


def test_filename_suffix(tmp_path: Path) -> None:
    """The suffix ends the file's name."""
    with FileWriter(tmp_path, filename_suffix=".v7") as writer:
        writer.add_scalar("x", 1, 1)
        writer.flush()
        assert writer.path.endswith(".v7")


def test_disabled(tmp_path: Path) -> None:
    """A disabled writer takes everything and leaves no trace."""
    with FileWriter(tmp_path / "none", disabled=True) as writer:
        writer.add_scalar("x", 1, 1)
        writer.add(summary.scalar("x", 1))
        writer.add_summary(b"not even a summary")
        writer.flush()
        assert (writer.dropped, writer.error, writer.path) == (0, None, "")
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("setting", ["max_buffer", "max_file_bytes", "filename_suffix"])
@pytest.mark.parametrize("value", [4e6, float("nan"), b"4", [4], -1])
def test_settings_of_other_types(tmp_path: Path, setting: str, value: Any) -> None:
    """The constructor refuses them: a buffer of 4e6 bytes would end the writer's thread as soon as
    the storage fails."""
    with pytest.raises((TypeError, ValueError), match=f"^got {setting}.*, want "):
        FileWriter(tmp_path / "none", **{setting: value})
    assert not (tmp_path / "none").exists()


def test_pickle(tmp_path: Path) -> None:
    """A pickled writer comes back as one that writes a file of its own in the same run."""
    writer = FileWriter(tmp_path, flush_secs=0.5, filename_suffix=".s")
    twin = pickle.loads(pickle.dumps(writer))
    writer.add_scalar("x", 1, 1)
    twin.add_scalar("y", 2, 2)
    writer.close()
    twin.close()
    assert writer.path != twin.path and twin.path.endswith(".s")
    assert points(tmp_path) == {"x": [(1, 1)], "y": [(2, 2)]}


def test_steps_given_and_not(tmp_path: Path) -> None:
    """A tag whose steps were given and now are not gets one warning, since its curve starts again;
    one that was always numbered, or always given, gets none."""
    with FileWriter(tmp_path) as writer, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for step in range(3):
            writer.add_scalar("given", 1.0, step)
            writer.add_scalar("numbered", 1.0)
        writer.add_scalar("both", 1.0, 100)
        assert not caught
        writer.add_scalar("both", 2.0)
        writer.add_scalar("both", 3.0)
    assert [str(w.message) for w in caught] == [
        "the values of 'both' had steps before and are numbered from 0 now, so that its curve "
        "starts again: give all steps, or none"]


def resumed_at_5(logdir: Path, points: Dict[int, float]) -> None:
    """A curve of ten points, and a resumed one with {step: value} from step 5 on."""
    with FileWriter(logdir) as writer:
        for step in range(10):
            writer.add_scalar("x", step, step)
    with FileWriter(logdir, purge_step=5) as writer:
        for step, value in points.items():
            writer.add_scalar("x", value, step)


@pytest.mark.parametrize("asynchronous", [True, False], ids=["thread", "synchronous"])
def test_numbered_and_timed_scalars(tmp_path: Path, asynchronous: bool) -> None:
    """A scalar without a step, or with a time of its own, is the event that its Summary makes: a
    refused call takes no step, and a default step holds until it is taken back."""
    def log(writer: FileWriter, add: Callable[..., None]) -> None:
        for step in (None, None, 5, None):
            add("loss", 0.1, step, 1.5)
        for bad in ("text", [1.0, 2.0], None):
            with pytest.raises((TypeError, ValueError)):
                add("loss", bad, None, 1.5)
        for value in (1e300, math.nan, np.float32(2), np.int64(3), True, 1 << 200):
            add("loss", value, None, 2.5)
        for seconds in (2, np.float32(2.5), np.array([3.0])):
            add("loss", 0.2, None, seconds)
        for wrong in (math.nan, math.inf, "now"):
            with pytest.raises((TypeError, ValueError)):
                add("loss", 0.2, None, wrong)
        writer.default_step = 40
        add("loss", 0.3, None, 4.5)
        add("loss", 0.3, -1, 4.5)
        writer.default_step = None
        add("loss", 0.4, None, 4.5)

    with FileWriter(tmp_path / "rows", asynchronous=asynchronous) as rows:
        log(rows, rows.add_scalar)
    with FileWriter(tmp_path / "summaries", asynchronous=asynchronous) as summaries:
        log(summaries, lambda tag, value, step, seconds: summaries.add(
            summary.scalar(tag, value), step, seconds))

    def written(name: str) -> List[bytes]:
        return [event.SerializeToString() for event in events(tmp_path / name)][1:]

    assert written("rows") == written("summaries") and len(written("rows")) == 16
    steps = [event.step for event in events(tmp_path / "rows")][1:]
    assert steps == [0, 1, 5, *range(2, 12), 40, -1, 12]


@both_loaders
def test_purge_step(tmp_path: Path, loader: str) -> None:
    """A first resume with purge_step drops the points from there on in both loaders."""
    resumed_at_5(tmp_path, {step: 100 + step for step in range(5, 8)})
    with board(tmp_path, loader) as judge:
        assert judge.scalars(".", "x") == [(i, i) for i in range(5)] + [
            (i, 100 + i) for i in range(5, 8)]


@both_loaders
def test_purge_step_and_a_tag_that_comes_later(tmp_path: Path, loader: str) -> None:
    """The default loader drops a tag's old points from its next point on, the other one all."""
    resumed_at_5(tmp_path, {8: 100})
    with board(tmp_path, loader) as judge:
        assert judge.scalars(".", "x") == [(i, i) for i in range(8 if loader == "fast" else 5)] + [
            (8, 100)]


@both_loaders
def test_resume(tmp_path: Path, loader: str) -> None:
    """With resume, automatic steps continue where the earlier files end, so nothing is wiped."""
    for first in (0, 3, 6):
        with FileWriter(tmp_path, resume=True) as writer:
            for value in range(first, first + 3):
                writer.add_scalar("x", value)
    with board(tmp_path, loader) as judge:
        assert judge.scalars(".", "x") == [(i, i) for i in range(9)]


def test_rotation(tmp_path: Path) -> None:
    """max_file_bytes starts another file, and the files in their order hold everything."""
    with FileWriter(tmp_path, max_file_bytes=2000, asynchronous=False) as writer:
        for step in range(200):
            writer.add_scalar("x", step, step)
    files = sorted(tmp_path.iterdir())
    assert len(files) > 3 and all(file.stat().st_size < 2100 for file in files)
    assert all(events(file)[0].file_version == "brain.Event:2" for file in files)
    assert points(tmp_path)["x"] == [(step, step) for step in range(200)]


def test_messages(tmp_path: Path) -> None:
    """A ready-made message goes into the field of Event that it names."""
    with FileWriter(tmp_path) as writer:
        writer.add(Message(4, b"graph"), 2)
    assert events(tmp_path)[1].graph_def == b"graph"


def test_a_kind_that_raises_late(tmp_path: Path) -> None:
    """A kind that breaks its word costs its own value, with a warning, and no other."""
    def broken() -> Parts:
        raise KeyError("oops")

    with FileWriter(tmp_path, asynchronous=False) as writer:
        writer.add_scalar("x", 1, 1)
        with pytest.warns(RuntimeWarning, match="could not be encoded.*oops"):
            writer.add(summary.Summary([summary.Value("bad", broken)]), 1)
        writer.add_scalar("x", 2, 2)
    assert points(tmp_path) == {"x": [(1, 1), (2, 2)]}


def test_too_large(tmp_path: Path) -> None:
    """A record that protobuf could not hold is refused before it is encoded."""
    with FileWriter(tmp_path) as writer:
        with pytest.raises(ValueError, match="want less than 2 GiB"):
            writer.add(summary.Summary([summary.Value("x", lambda: [], 1 << 31)]))


def test_what_is_imported() -> None:
    """A program that logs scalars loads neither numpy nor any framework."""
    code = ("import sys, tempfile, tbwriter; from tbwriter import summary\n"
            "d = tempfile.mkdtemp(); w = tbwriter.FileWriter(d)\n"
            "for i in range(1000): w.add_scalar('x', i, i)\n"
            "w.add_summary(summary.scalar('y', 1)); w.close()\n"
            "import shutil; shutil.rmtree(d)\n"
            "print([m for m in ('numpy', 'PIL', 'fsspec', 'mxnet', 'google.protobuf', 'torch',"
            " 'tensorboard', 'tensorflow', 'matplotlib', 'tqdm') if m in sys.modules])")
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout == "[]\n"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
@pytest.mark.parametrize("asynchronous", [True, False])
def test_a_fork_after_close_and_reopening(tmp_path: Path, asynchronous: bool) -> None:
    """A child leaves the file alone that its parent opened after a close()."""
    writer = FileWriter(tmp_path, asynchronous=asynchronous)
    writer.close()
    writer.add_scalar("parent", 1, 0)
    writer.flush()
    path = Path(writer.path)
    size = path.stat().st_size
    child = os.fork()
    if child == 0:
        writer.add_scalar("child", 1, 0)
        writer.close()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    assert path.stat().st_size == size
    writer.close()
    assert [value.tag for event in events(tmp_path) for value in event.summary.value] == \
        ["parent", "child"]
