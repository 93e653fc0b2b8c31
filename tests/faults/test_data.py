"""Data and security: values, times, names and sizes that are bad, odd or hostile.

With TBWRITER_PEERS the same programs (values.py) are measured for tensorboardX and torch, whose
figures are recorded and not judged.
"""
from __future__ import annotations

import ast
import functools
import io
import os
import re
import struct
import subprocess
import sys
import tempfile
import warnings
import wave
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Tuple

import numpy as np
import pytest
from tests.faults.figures import record
from tests.support.judges import LOADERS, board, events
from tests.faults.peers import PEERS, python_of
from PIL import Image
from tests.faults.scenarios import run
from tensorboard.plugins.hparams import plugin_data_pb2
from tests.faults.values import CASES, HOSTILE, INJECTING, STEPS

from tbwriter import FileWriter, SummaryWriter, summary

PACKAGE = Path(__file__).parent.parent.parent / "src" / "tbwriter"


def package_of(writer: str) -> Path:
    """The directory of the modules that a writer is made of."""
    if writer == "tbwriter":
        return PACKAGE
    program = f"import os, {PEERS[writer]} as found; print(os.path.dirname(found.__file__))"
    return Path(subprocess.run([python_of(writer), "-c", program], text=True, check=True,
                               stdout=subprocess.PIPE).stdout.strip())


linux = pytest.mark.skipif(sys.platform != "linux", reason="measured with Linux's means")

Shown = Callable[[Any, str], None]


# 23: bad and odd values.

def scalars(*points: Tuple[int, float], tag: str = "v", run: str = "") -> Shown:
    def check(b: Any, name: str) -> None:
        shown = b.scalars(name + run, tag)
        assert [step for step, _ in shown] == [step for step, _ in points]
        np.testing.assert_array_equal([v for _, v in shown],
                                      np.array([v for _, v in points], np.float32))
    return check


def histogram(*buckets: Tuple[float, float, float]) -> Shown:
    """The least and the largest value, and how many there are."""
    (low, high, number), = buckets

    def check(b: Any, name: str) -> None:
        (step, table), = b.tensors("histograms", name, "v")
        assert step == 1 and table[:, 2].sum() == number
        filled = table[table[:, 2] > 0]
        assert filled[0, 0] <= low <= filled[0, 1] and filled[-1, 0] <= high <= filled[-1, 1]
    return check


def image(pixels: int) -> Shown:
    def check(b: Any, name: str) -> None:
        (step, blobs), = b.blobs("images", name, "v")
        assert step == 1
        assert (np.array(Image.open(io.BytesIO(blobs[2])).convert("RGB")) == pixels).all()
    return check


def picture_of(width: int, height: int) -> Shown:
    def check(b: Any, name: str) -> None:
        (_, blobs), = b.blobs("images", name, "v")
        assert Image.open(io.BytesIO(blobs[2])).size == (width, height)
    return check


def sound(*samples: int) -> Shown:
    def check(b: Any, name: str) -> None:
        (_, (clip, *_)), = b.blobs("audio", name, "v")
        with wave.open(io.BytesIO(clip)) as file:
            assert file.getframerate() == 8000
            assert struct.unpack(f"<{len(samples)}h", file.readframes(10)) == samples
    return check


def tensor(plugin: str, expected: Any) -> Shown:
    def check(b: Any, name: str) -> None:
        (step, value), = b.tensors(plugin, name, "v")
        assert step == 1
        np.testing.assert_array_equal(value, expected)
    return check


def pr_curve(b: Any, name: str) -> None:
    (_, table), = b.tensors("pr_curves", name, "v")
    assert table.shape == (6, 127) and np.isfinite(table).all() and table[0, 0] == 2


def hparams_and(texts: Dict[str, str]) -> Shown:
    """Values for which TensorBoard has no cell are left out; the rest is written."""
    def check(b: Any, name: str) -> None:
        content = b.tags("hparams", name)["_hparams_/session_start_info"].plugin_content
        data = plugin_data_pb2.HParamsPluginData.FromString(content).session_start_info.hparams
        assert set(data) == {"b", *texts}
        assert {one: data[one].string_value for one in texts} == texts
        scalars((0, 2.5))(b, name)
    return check


def hparams_alone(b: Any, name: str) -> None:
    assert "_hparams_/session_start_info" in b.tags("hparams", name)


def time(seconds: float) -> Shown:
    return lambda b, name: np.testing.assert_array_equal(
        b.scalars(name, "v", wall_times=True), [(1, 2.5, seconds)])


def nothing(b: Any, name: str) -> None:
    assert list(b.tags("scalars", name)) == ["after"]


INF = float("inf")
SHOWN: Dict[str, Shown] = {
    **{f"scalar {name}": scalars((1, value)) for name, value in {
        "NaN": float("nan"), "inf": INF, "-inf": -INF, "1e300": INF, "1e-46": 0.0, "-0.0": -0.0,
        "10**400": INF, "True": 1, "float16": 0.25, "[[5.5]]": 5.5, "Decimal": 1.5,
        "Fraction": 0.25, "2**70": 2.0 ** 70}.items()},
    **{f"step {name}": scalars((step, 2.5)) for name, step in {
        "-5": -5, "2**63-1": 2 ** 63 - 1, "-2**63": -2 ** 63, "1.7": 1, "True": 1, "int64": 7,
        "array": 3, "None": 0}.items()},
    **{f"time {name}": time(seconds) for name, seconds in {
        "0": 0.0, "-1": -1.0, "1e300": 1e300, "float32": 1.5}.items()},
    **{name: scalars((1, 2.5), tag=case.arguments[0])
       for name, case in CASES.items() if name.startswith("tag ") and not case.error},
    "scalars, none": nothing, "scalars, a number as name": scalars((1, 1), tag="m", run="/m_3"),
    "hparams of a list": hparams_and({"lr": "[1]"}), "hparams without metrics": hparams_alone,
    "masked scalar": scalars((1, float("nan"))), "masked histogram": histogram((1, 1, 1)),
    "masked image": image(0), "masked sound": sound(0, 16384), "image in CMYK": image(255),
    "scalars of NaN": scalars((1, float("nan")), tag="m", run="/m_a"),
    "histogram of NaN and 1": histogram((1, 1, 1)),
    "histogram of 2**62": histogram((2.0 ** 62, 2.0 ** 62, 1)),
    "histogram of bools": histogram((0, 1, 2)),
    "histogram of float16": histogram((6e4, 6e4, 2)),
    "image of NaN": image(0), "image beyond 1": image(255), "image of bools": image(255),
    "image of one pixel": image(255), "boxes far away": picture_of(5, 4),
    "video of one frame": picture_of(5, 4),
    "sound of NaN": sound(0, 16384), "sound too loud": sound(32767, -32767),
    "text of nothing": tensor("text", b""), "text with zero": tensor("text", b"a\0b"),
    "text with half a character": tensor("text", b"a?"),
    "text that is a script": tensor("text", b"<script>x</script>"),
    "curve of one class": pr_curve, "hparams of NaN": hparams_and({}),
    "tensor of complex": tensor("tensor", [1j]),
    "series of NaN": scalars((1, 1.0), (2, float("nan"))), "event of nothing": nothing,
}


@functools.lru_cache(maxsize=None)
def odd_values(writer: str) -> Tuple[Path, Dict[str, Any]]:
    """All cases, once, with what they were answered. The process ends the directory's life."""
    directory = Path(_scratch.name, writer)
    return directory / "logs", run("odd_values", writer, directory, timeout=240,
                                   program="tests.faults.values")


_scratch = tempfile.TemporaryDirectory(prefix="odd_values_")


def whole(logdir: Path, number: int) -> bool:
    """Whether the case's files hold whole records only, with the scalar after it."""
    try:
        return any(value.tag == "after" and event.step == 9
                   for event in events(logdir / str(number)) for value in event.summary.value)
    except AssertionError:
        return False


def test_odd_values_are_refused_or_shown(writer: str) -> None:
    """Each bad value is refused at its call, and the next record is written after every one."""
    logdir, result = odd_values(writer)
    bad = [name for name, case in CASES.items() if case.error]
    refused = [name for name in bad if result.get(name, ["accepted"])[0] != "accepted"]
    odd = len(CASES) - len(bad)
    accepted = sum(result.get(name, [""])[0] == "accepted"
                   for name, case in CASES.items() if not case.error)
    lost = [name for number, name in enumerate(CASES) if not whole(logdir, number)]
    record(23, f"{len(bad)} bad values refused at the call, {odd} odd ones taken; the next record "
           "is written", f"{len(refused)} refused, {accepted} taken, {len(lost)} times the next "
           "record is lost" + ("; hangs" if result["hang"] else ""), writer)
    if writer == "tbwriter":
        assert not result["hang"] and not lost
        assert refused == bad and accepted == odd and len(CASES) >= 60


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.error])
def test_refused(name: str) -> None:
    """The error is a TypeError or ValueError with the given value and the wanted ones; nothing of
    the value is in the file."""
    logdir, result = odd_values("tbwriter")
    error, message = result[name]
    wanted = CASES[name].error
    assert wanted is not None
    assert error == wanted.__name__ or (error, wanted) == ("WireError", ValueError)
    assert re.match("(?s)got .*, want ", message) or error == "WireError", message
    number = list(CASES).index(name)
    assert [value.tag for event in events(logdir / str(number))
            for value in event.summary.value] == ["after"]


@pytest.fixture(scope="module", params=LOADERS)
def loaded(request: Any) -> Iterator[Any]:
    """All cases in one loader."""
    logdir, _ = odd_values("tbwriter")
    with board(logdir, request.param, plugins=["tensor"]) as b:
        yield b


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if not case.error])
def test_shown(loaded: Any, name: str) -> None:
    """Accepted values are shown correctly, and so are the values after them."""
    run_name = str(list(CASES).index(name))
    SHOWN[name](loaded, run_name)
    assert loaded.scalars(run_name, "after") == [(9, 2.5)]


# 24: times and steps.

def test_wall_times(tmp_path: Path, writer: str) -> None:
    """An invalid time is refused, and TensorBoard's default loader shows all records."""
    result = run("wall_times", writer, tmp_path, program="tests.faults.values")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with board(tmp_path / "logs", "fast") as b:
                shown = len(b.scalars(".", "v"))
        except AssertionError:  # the loader has logged a read error
            shown = sum(_fast_points(tmp_path / "logs"))
    record(24, "a wall_time of NaN among 100 scalars: refused, 100 shown in the default loader",
           f"{'refused' if result['raised'] else 'accepted'}, {shown} shown", writer)
    if writer == "tbwriter":
        assert result["raised"] == 1 and shown == 100


def _fast_points(logdir: Path) -> Iterator[int]:
    """Points before the first invalid time: "NaN wall time: the file is dead from there"."""
    for event in events(logdir):
        if event.wall_time != event.wall_time:
            return
        yield len(event.summary.value)


def test_steps_of_64_bits(tmp_path: Path, writer: str) -> None:
    """Every step of 64 bits is shown as it is; the first beyond at both ends is refused."""
    result = run("steps_of_64_bits", writer, tmp_path, program="tests.faults.values")
    shown = []
    for loader in LOADERS:
        with board(tmp_path / "logs", loader) as b:
            shown.append([step for step, _ in b.scalars(".", "v")])
    record(24, "steps of 64 bits, both loaders: 6 shown, 2 beyond refused",
           " and ".join(str(len(set(steps) & set(STEPS))) for steps in shown)
           + f" shown, {result['refused']} refused", writer)
    if writer == "tbwriter":
        assert shown == [STEPS, STEPS] and result["refused"] == 2
        for step in (-2 ** 63 - 1, 2 ** 63):
            with SummaryWriter(tmp_path / "beyond") as ours:
                with pytest.raises(ValueError, match="got the step .*, want"):
                    ours.add_scalar("v", 1, step)


# 25: tags.

def test_tags(tmp_path: Path, writer: str) -> None:
    """Ten tags that look alike stay ten, byte for byte."""
    result = run("tags", writer, tmp_path, program="tests.faults.values")
    record(25, "10 tags that look alike: 10 curves, byte for byte", f"{len(result['kept'])} curves",
           writer)
    if writer == "tbwriter":
        assert sorted(result["kept"]) == sorted(
            ("損失/🔥", "損失/_", "a b", "a_b", "é", "e\u0301", "x\0", "x", "/x", "a:b"))
        with SummaryWriter(tmp_path / "half") as ours:
            with pytest.raises(ValueError, match="lone surrogate"):
                ours.add_scalar("\udfff", 1)


# 26: sizes.

@linux
def test_too_large(tmp_path: Path, writer: str) -> None:
    """A value that no record can hold is refused before a byte of it is copied or encoded."""
    if os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") < 8 << 30:
        pytest.skip("needs 8 GB of free memory")
    result = run("too_large", writer, tmp_path, timeout=180, program="tests.faults.values")
    refused = result.get("refused", [])
    record(26, "more than 2 GiB: refused before it is encoded, within 0.1 s",
           "hangs" if result["hang"] else "dies" if result["code"] else
           f"{len(refused)} of {result['of']} refused, {result['secs_worst']:.3f} s, "
           f"{result['grown_mb']:.0f} MB more", writer)
    if writer == "tbwriter":
        assert not result["hang"] and result["code"] == 0, result["stderr"]
        assert len(refused) == result["of"] and all("2 GiB" in text for text in refused), result
        assert result["grown_mb"] < 220 and result["secs_worst"] < 1, result
        assert result["kept"] == {"after": 1}


@linux
def test_large(tmp_path: Path, writer: str) -> None:
    """1 GB of text is written while other threads continue to log."""
    result = run("large", writer, tmp_path, timeout=200, program="tests.faults.values")
    record(26, "1 GB of text: written within 10 s, other threads continue",
           "hangs" if result["hang"] else f"{result['flushed']:.1f} s, {result['adds']} adds "
           f"meanwhile, the longest {result['worst'] * 1000:.0f} ms", writer)
    if writer == "tbwriter":
        assert not result["hang"] and result["kept"]["big"] == 1
        assert result["kept"]["v"] == result["adds"] > 10
        assert result["flushed"] < 30 and result["worst"] < 5, result


# 27: the header.

@linux
def test_header_first(tmp_path: Path, writer: str) -> None:
    """Each file begins with the file's version, and only there: after rotation, reopening, a
    removed file and a fork."""
    result = run("headers", writer, tmp_path, timeout=30)
    files = sorted((tmp_path / "logs").rglob("*tfevents*"))
    first = 0
    for file in files:
        try:
            versions = [event.file_version for event in events(file)]
        except AssertionError:  # not even whole
            continue
        first += versions[:1] == ["brain.Event:2"] and not any(versions[1:])
    record(27, "the header is the first record of each file: rotated, reopened, recovered, forked",
           f"{first} of {len(files)} files" + ("; hangs" if result["hang"] else
                                               "; the child hangs" if result["hung"] else ""),
           writer)
    if writer == "tbwriter":
        assert not result["hang"] and not result["hung"], result
        assert first == len(files) >= 6
        assert result["kept"] == {"x": 303, "child": 1}


# 28: hostile names.

@linux
def test_hostile_names(tmp_path: Path, writer: str) -> None:
    """No name of a tag, curve, trial, embedding or run makes a file outside the log directory."""
    result = run("hostile_names", writer, tmp_path, timeout=240, program="tests.faults.values")
    record(28, f"{len(HOSTILE)} hostile names in 8 places: 0 files outside the log directory",
           "hangs" if result["hang"] else f"{result['outside']} files outside", writer)
    if writer == "tbwriter":
        assert result["code"] == 0 and result["outside"] == 0, result


def test_hostile_text_in_side_files(tmp_path: Path, writer: str) -> None:
    """A tag or label that looks like another field, line or column stays one tag and one label."""
    from google.protobuf import text_format
    from tensorboard.plugins.projector import projector_config_pb2
    run("side_files", writer, tmp_path, program="tests.faults.values")
    logdir = tmp_path / "logs"
    config = projector_config_pb2.ProjectorConfig()
    try:
        text_format.Parse((logdir / "projector_config.pbtxt").read_text(), config)
        labels = (logdir / config.embeddings[0].metadata_path).read_text().splitlines()
        figure = f"{len(config.embeddings)} embedding, {len(labels)} labels"
    except text_format.ParseError:
        figure = "cannot be read"
    record(28, "a tag and labels that inject fields, lines, columns: 1 embedding, 2 labels", figure,
           writer)
    if writer == "tbwriter":
        assert [info.tensor_name for info in config.embeddings] == [INJECTING]
        tensors = (logdir / config.embeddings[0].tensor_path).resolve()
        assert tensors.exists() and logdir.resolve() in tensors.parents
        assert labels == ["a\\tb\\nc", "\\r\\n"]


@linux
def test_symbolic_links(tmp_path: Path, writer: str) -> None:
    """A link in the log directory that leads outside is not followed by side files."""
    result = run("symbolic_links", writer, tmp_path, program="tests.faults.values")
    record(28, "a symbolic link that leads outside: 0 files written through it",
           f"{result['outside']} files", writer)
    if writer == "tbwriter":
        assert result["outside"] == 0 and result["told"] == 1
        assert result["kept"] == {"after": 1}


# 29: names that run code.

def test_nothing_runs_code(writer: str) -> None:
    """No module loads pickles or YAML, evaluates text, or starts a shell. One starts a program:
    `tbwriter demo --view` starts TensorBoard, by a list of arguments."""
    forbidden = {"eval", "exec", "compile", "__import__", "os.system", "os.popen", "os.startfile",
                 "np.load", "numpy.load", "builtins.eval", "builtins.exec"}
    packages = {"pickle", "cPickle", "marshal", "shelve", "yaml", "subprocess", "dill",
                "cloudpickle", "joblib"}
    files = sorted(package_of(writer).rglob("*.py"))
    found: List[str] = []
    for file in files:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            names: List[str] = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            if names == ["subprocess"] and file.parent.name == "cli" and file.name == "demo.py":
                continue
            if packages & {name.partition(".")[0] for name in names}:
                found.append(f"{file.name}: import {names}")
            if isinstance(node, ast.Call):
                called = ast.unparse(node.func)
                if called in forbidden or re.match(r"os\.(exec|spawn|posix_spawn)", called):
                    found.append(f"{file.name}: {called}")
    record(29, "no pickle, YAML, eval, exec, shell in the package",
           f"{len(found)} in {len(files)} files", writer)
    if writer == "tbwriter":
        assert not found and len(files) > 50


# 30: hostile files; the rest of it is tested in test_fuzz_reader.py.

@linux
def test_mutations() -> None:
    """A file with random bytes changed, taken out, doubled or put in, 100,000 times: each ends
    with events and a report, in little memory."""
    program = """
import random, resource, sys
from tests.files.fuzz_reader import mutated
from tests.support.data import scalar_event
from tbwriter import reader
from tbwriter._tfrecord.frame import frame
good = b"".join(b"".join(frame([scalar_event("x", float(i), i)])) for i in range(5))
source = random.Random(1)
list(reader.events(good, []))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
read = refused = 0
for _ in range(100_000):
    faults = []
    try:
        read += sum(1 for _ in reader.events(mutated(good, source), faults))
    except reader.ReadError:
        refused += 1
print(read, refused, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], text=True, timeout=300, capture_output=True)
    assert done.returncode == 0, done.stderr
    read, refused, more = map(int, done.stdout.split())
    record(30, "100000 mutations of a file of 5 events: no crash, at most 50 MB more",
           f"{read} events read, {more} MB more")
    assert read > 300_000 and refused < 100_000 and more < 50


@linux
def test_lengths_that_lie(tmp_path: Path) -> None:
    """A record that says it is longer than the file is cut off: no memory is taken for it."""
    program = """
import resource, sys
from tbwriter import reader
reader.events(b"")
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for path in sys.argv[1:]:
    faults = []
    assert sum(1 for _ in reader.events(open(path, "rb").read(), faults)) == 2 and faults
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""
    from tbwriter._tfrecord.crc32c import crc32c
    from tbwriter._tfrecord.frame import masked
    with FileWriter(tmp_path / "good") as writer:
        writer.add_scalar("x", 1, 1)
    good = Path(writer.path).read_bytes()
    files = []
    for power in (31, 33, 37, 40, 62, 63, 64):
        for less in (1, 4, 16):
            head = struct.pack("<Q", (1 << power) - less)
            files.append(tmp_path / f"{power}.{less}")
            files[-1].write_bytes(good + head + struct.pack("<I", masked(crc32c(head))) + bytes(99))
    done = subprocess.run([sys.executable, "-c", program, *map(str, files)], text=True, timeout=60,
                          capture_output=True, env=dict(os.environ, PYTHONPATH=str(PACKAGE.parent)))
    assert done.returncode == 0, done.stderr
    record(30, f"{len(files)} files with lengths up to 2**64: at most 50 MB more",
           f"{int(done.stdout)} MB more")
    assert int(done.stdout) < 50


# 31: credentials.

def test_no_credentials(tmp_path: Path, writer: str) -> None:
    """No exception, attribute, file name or warning shows the password of a URL or of the
    environment."""
    if writer == "tbwriter":
        pytest.importorskip("fsspec", reason="URLs need fsspec")
    result = run("credentials", writer, tmp_path, program="tests.faults.values")
    record(31, "a password in a URL: in 0 messages, paths and warnings",
           "hangs" if result["hang"] else f"{result['shown']} of {result['of']}", writer)
    if writer == "tbwriter":
        assert result["shown"] == 0 and result["of"] >= 8, result


def test_custom_kinds(tmp_path: Path) -> None:
    """A kind that breaks its word and raises late costs its own value only."""
    def raises() -> Any:
        raise RuntimeError("too late")
    with pytest.warns(RuntimeWarning, match="too late"):
        with SummaryWriter(tmp_path) as writer:
            writer.add(summary.Summary([summary.Value("bad", raises)]), 0)
            writer.add_scalar("after", 1, 1)
            writer.flush()
    record(23, "a custom kind that raises late: only its value is left out",
           f"{len(events(tmp_path)) - 1} of 1 other records")
    assert [event.step for event in events(tmp_path)] == [0, 1]
