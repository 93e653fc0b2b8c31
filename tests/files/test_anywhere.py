"""Files that are read at any place: no command or call reads a file once for each of its tags."""
from __future__ import annotations

import gc
import gzip
import multiprocessing
import os
import pickle
import shutil
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Dict, Iterable, List

import pytest

from tbwriter import reader, summary
from tbwriter._files import window
from tbwriter._files.gzipped import Gunzip
from tbwriter._reading import run as run_module
from tbwriter.cli import main
from tests.support.data import event_of, written

TAGS, STEPS = 50, 40
EVENTS = [event_of(summary.text(f"tag{tag}", f"{step} of {tag}" + "." * 100), step)
          for step in range(STEPS) for tag in range(TAGS)]
# The texts of each tag.
WANTED = [[f"{step} of {tag}" + "." * 100 for step in range(STEPS)] for tag in range(TAGS)]


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Dict[str, int]:
    """How many bytes are decompressed, and how many are read of files that are not compressed."""
    found = {"decompressed": 0, "loaded": 0}
    piece, load = Gunzip._piece, window.Window._load

    def counted_piece(self: Gunzip, most: int) -> bytes:
        data = piece(self, most)
        found["decompressed"] += len(data)
        return data

    def counted_load(self: window.Window, at: int, length: int) -> bytes:
        data = load(self, at, length)
        found["loaded"] += len(data)
        return data

    monkeypatch.setattr(Gunzip, "_piece", counted_piece)
    monkeypatch.setattr(window.Window, "_load", counted_load)
    return found


def compressed(directory: Path, events: Iterable[bytes], name: str = "1600000000") -> int:
    """Write an event file, compressed. Its size before that."""
    path = written(directory, events, name)
    data = path.read_bytes()
    path.with_name(path.name + ".gz").write_bytes(gzip.compress(data))
    path.unlink()
    return len(data)


def texts(run: reader.Run) -> List[Any]:
    return [run.text(tag).values for tag in run.tags]


def test_a_run_decompresses_its_files_once(tmp_path: Path, counted: Dict[str, int]) -> None:
    """The values of all tags take the time of a few decompressions, not of one for each tag."""
    size = sum(compressed(tmp_path, EVENTS[at::3], f"{at}") for at in range(3))
    run = reader.read(str(tmp_path))["."]
    for tag in range(TAGS):
        assert sorted(run.text(f"tag{tag}").values) == sorted(WANTED[tag])
    assert counted["decompressed"] <= 4 * size


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_export_decompresses_once(form: str, tmp_path: Path, counted: Dict[str, int],
                                  capsys: pytest.CaptureFixture[str]) -> None:
    """As of the file that was compressed, with a few decompressions."""
    size = compressed(tmp_path / "gz", EVENTS)
    written(tmp_path / "plain", EVENTS)
    printed = []
    for name in ("gz", "plain"):
        assert main(["export", "--format", form, str(tmp_path / name)]) == 0
        printed.append(capsys.readouterr().out)
    assert printed[0] == printed[1] and printed[0].count("\n") >= TAGS * STEPS
    assert counted["decompressed"] <= 4 * size


def test_a_tag_reads_its_own_values(tmp_path: Path, counted: Dict[str, int]) -> None:
    """Of a file on a disk each value costs a short read, however many other tags there are."""
    size = written(tmp_path, EVENTS).stat().st_size
    assert texts(reader.read(str(tmp_path))["."]) == WANTED
    assert counted["loaded"] <= 6 * size


def test_an_object_is_not_read_for_each_tag(counted: Dict[str, int], tmp_path: Path) -> None:
    """Of an object no more is requested than a few times its size; of one small value a part."""
    fsspec = pytest.importorskip("fsspec")
    path = written(tmp_path, [event_of(summary.text("first", "A")),
                              event_of(summary.text("long", "." * (8 << 20))), *EVENTS])
    fsspec.filesystem("memory").pipe_file(f"/anywhere/{path.name}", path.read_bytes())
    size = path.stat().st_size
    run = reader.read("memory://anywhere")["."]
    counted["loaded"] = 0
    assert run.text("first").values == ["A"] and counted["loaded"] < size // 4
    assert [run.text(f"tag{tag}").values for tag in range(TAGS)] == WANTED
    assert counted["loaded"] <= 6 * size


def test_many_compressed_files_of_one_run(tmp_path: Path, counted: Dict[str, int]) -> None:
    """Where the steps of 20 files follow one another in turn, each is decompressed a few times."""
    size = sum(compressed(tmp_path / "in", EVENTS[at::20], f"{1600000000 + at}")
               for at in range(20))
    assert main(["repair", str(tmp_path / "in"), str(tmp_path / "out")]) == 0
    assert counted["decompressed"] <= 6 * size
    run = reader.read(str(tmp_path / "out"))["."]
    assert sorted(run.text("tag7").values) == sorted(WANTED[7])


def test_merge_of_many_graphs(tmp_path: Path, counted: Dict[str, int]) -> None:
    """Values that belong to a run as a whole are compared without a decompression for each."""
    events = [event_of(summary.op_graph(f"model{number}", [summary.Node("x" * 1000, "Input")]))
              for number in range(100)]
    size = sum(compressed(tmp_path / name, events) for name in "ab")
    assert main(["merge", *(str(tmp_path / name) for name in "ab"), str(tmp_path / "out")]) == 0
    assert counted["decompressed"] <= 12 * size


def test_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without room for what a file decompresses to, nothing is copied, and all is read."""
    compressed(tmp_path, EVENTS)
    run = reader.read(str(tmp_path))["."]
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(9, 0, 9))
    monkeypatch.setattr(tempfile, "TemporaryFile", None)
    assert texts(run) == WANTED


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_a_copy_that_fails(error: BaseException, tmp_path: Path,
                           monkeypatch: pytest.MonkeyPatch) -> None:
    """All is read without the copy; an interrupt leaves no file open, and the next call reads."""
    compressed(tmp_path, EVENTS)
    run = reader.read(str(tmp_path))["."]
    opened: List[Any] = []
    move = window.Window.move

    def failing(self: window.Window, to: Any) -> None:
        opened.append(self._file)
        to.write(b"some")
        raise error

    monkeypatch.setattr(window.Window, "move", failing)
    if isinstance(error, OSError):
        assert texts(run) == WANTED
    else:
        with pytest.raises(KeyboardInterrupt):
            run.text("tag3")
    assert all(one._file.closed for one in opened)
    monkeypatch.setattr(window.Window, "move", move)
    assert texts(run) == WANTED


def test_threads(tmp_path: Path) -> None:
    """Threads that read one run at the same time get their own values."""
    compressed(tmp_path, EVENTS)
    run = reader.read(str(tmp_path))["."]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(texts, [run] * 8)) == [WANTED] * 8


@pytest.mark.skipif(sys.platform == "win32", reason="needs fork")
def test_a_forked_process(tmp_path: Path) -> None:
    """A process that was forked reads at places of its own."""
    compressed(tmp_path, EVENTS)
    run = reader.read(str(tmp_path))["."]
    run.text("tag3")

    def read() -> None:
        assert all(texts(run) == WANTED for _ in range(2))

    children = [multiprocessing.get_context("fork").Process(target=read) for _ in range(2)]
    for child in children:
        child.start()
    read()
    for child in children:
        child.join(60)
        assert child.exitcode == 0


def test_copied_runs(tmp_path: Path) -> None:
    """A run can be pickled after its values were read."""
    compressed(tmp_path, EVENTS)
    run = reader.read(str(tmp_path))["."]
    run.text("tag3")
    assert texts(pickle.loads(pickle.dumps(run))) == WANTED


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="needs /proc")
@pytest.mark.filterwarnings("error")
def test_descriptors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of many runs, at most 16 keep a descriptor; one that is dropped keeps none."""
    for number in range(20):
        compressed(tmp_path / f"{number}", EVENTS[:TAGS])
    told: List[Any] = []
    monkeypatch.setattr(sys, "unraisablehook", told.append)
    gc.collect()
    before = len(os.listdir("/proc/self/fd"))
    runs = list(reader.read(str(tmp_path)).values())
    for run in runs:
        assert len(texts(run)) == TAGS
    assert len(os.listdir("/proc/self/fd")) <= before + run_module._MOST_KEPT
    del runs, run
    gc.collect()
    assert len(os.listdir("/proc/self/fd")) <= before and not told
