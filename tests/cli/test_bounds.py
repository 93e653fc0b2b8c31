"""The memory that commands take for large records, and the time that many small things take."""
from __future__ import annotations

import json
import os
import random
import re
import subprocess
import sys
import time
import tracemalloc
import weakref
from collections import Counter
from pathlib import Path
from typing import Any, Callable, Counter as Counts, Dict, Iterable, Iterator, List, Set
from typing import Tuple

import numpy as np
import pytest

from tbwriter import check, reader, summary
from tbwriter._files.stream import ScalarStream
from tbwriter._files.window import Window
from tbwriter._proto import messages, parse, schema, tensors, wire
from tbwriter.check.hparams import HParams
from tbwriter.check.order import Restarts, Series
from tbwriter.check.run import Run
from tbwriter.cli import export, main
from tbwriter.cli._follow import Follower
from tbwriter.cli._index import Index, Source, purged, writers
from tbwriter.cli._renaming import NewNames
from tbwriter.cli._tags import Tags
from tests.check.making import plugin, start, value_event
from tests.cli.bounds import LOGS, PEAK, framed, of_plugin, size_of
from tests.cli.bounds import tensor as tensor_of
from tests.support.data import event_of, record_of, scalar_event, written

PROGRAM = PEAK + """for command in (["check"], ["show"], ["tail", "--once"], ["export"],
                ["export", "--format", "jsonl"], ["export", "--files", "files"]):
    assert tbwriter.cli.main([*command, "logs"]) in (0, 1)
assert tbwriter.cli.main(["repair", "logs", "out"]) == 0
print((peak() - before) / 1024, file=sys.stderr)
"""
# How large a part of each of `LOGS`: about 10 MB.
LARGE = {"a text of 50 MB": 0.25, "two texts of 20 MB": 0.25, "a string of 100 MB": 0.1,
         "20 million halves": 0.4, "20 images of 1 MB": 0.4}


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="needs /proc")
@pytest.mark.parametrize("log", LARGE)
def test_memory_of_large_records(log: str, tmp_path: Path) -> None:
    """No command holds a record of 10 MB twice: less than 15 MB over the size of the log."""
    LOGS[log](tmp_path / "logs", LARGE[log])
    size = size_of(tmp_path / "logs")
    done = subprocess.run([sys.executable, "-c", PROGRAM], text=True, timeout=100, cwd=tmp_path,
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    assert "Traceback" not in done.stderr
    assert float(done.stderr.split()[-1]) < size + 15


# Logs of about 10 MB of characters that are shown as four or more, and commands that print them.
LONG: Dict[str, Tuple[str, Callable[[], bytes]]] = {
    "a tag": ("show", lambda: scalar_event("\x1b" * 10_000_000, 0.5, 1)),
    "a tag in CSV": ("export", lambda: scalar_event("\x1b" * 10_000_000, 0.5, 1)),
    "a tag in JSON": ("show --json", lambda: scalar_event("\U000e0001" * 2_500_000, 0.5, 1)),
    "the tag of a text": ("export --format jsonl", lambda: value_event(
        "\x85" * 5_000_000, tensor_of(7, [], wire.bytes_field(8, b"A")), of_plugin("text"))),
    "the tag of an image": ("export --files files", lambda: value_event(
        "\x1b" * 10_000_000, tensor_of(7, [3], b"".join(
            wire.bytes_field(8, one) for one in (b"9", b"9", b"\x89PNG\r\n\x1a\n"))),
        of_plugin("images"))),
    "the tag of a bad value": ("check", lambda: value_event(
        "\x1b" * 9_000_000, tensor_of(1, [], wire.bytes_field(5, bytes(4))))),
    "a hyperparameter": ("export --hparams", lambda: hparam(
        "\x1b" * 10_000_000, wire.double_field(2, 0.5))),
    "a hyperparameter's text": ("show --json", lambda: hparam(
        "h", wire.string_field(3, "\x1b" * 10_000_000))),
}
PRINTING = PEAK + """assert tbwriter.cli.main([*sys.argv[1:], "logs"]) in (0, 1)
print((peak() - before) / 1024, file=sys.stderr)
"""


def hparam(name: str, value: bytes) -> bytes:
    entry = wire.string_field(1, name) + wire.bytes_field(2, value)
    return value_event(schema.SESSION_START_TAG, of_plugin(
        "hparams", wire.bytes_field(3, wire.bytes_field(1, entry))))


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="needs /proc")
@pytest.mark.parametrize("text", LONG)
def test_memory_of_long_texts(text: str, tmp_path: Path) -> None:
    """No command takes more than 50 MB over the size of a log with about 10 MB of characters
    that are shown escaped, whatever they name."""
    command, event = LONG[text]
    framed(tmp_path / "logs", [event(), scalar_event("s", 0.5, 1)])
    done = subprocess.run([sys.executable, "-c", PRINTING, *command.split()], text=True,
                          timeout=100, cwd=tmp_path, stdout=subprocess.DEVNULL,
                          stderr=subprocess.PIPE)
    assert "Traceback" not in done.stderr
    assert float(done.stderr.split()[-1]) < size_of(tmp_path / "logs") + 50


def test_one_run_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A copied run is not kept while the next one is read."""
    made: List[Any] = []

    class Noted(Index):
        def __init__(self, *arguments: Any) -> None:
            assert not any(one() for one in made)
            made.append(weakref.ref(self))
            super().__init__(*arguments)

    monkeypatch.setattr("tbwriter.cli._rewrite.Index", Noted)
    for run in "ab":
        written(tmp_path / "logs" / run, [scalar_event("s", 0.5, 1)])
    assert main(["repair", str(tmp_path / "logs"), str(tmp_path / "out")]) == 0
    assert len(made) == 2


def followed(path: str) -> Follower:
    follower = Follower(path)
    follower.read()
    return follower


def checked(path: str) -> Run:
    run = Run("run", HParams())
    run.read(path, None)
    return run


@pytest.mark.parametrize("read, most", [
    (reader.read, 95), (followed, 75), (checked, 75), (lambda path: Index([Source(path)]), 75)])
def test_memory_of_many_tags(read: Callable[[str], object], most: int, tmp_path: Path,
                             monkeypatch: pytest.MonkeyPatch) -> None:
    """What commands keep of a log takes so many bytes at most for each tag of one value, but for
    the first tags, whose names are in a dict as well."""
    monkeypatch.setattr("tbwriter._files.names._QUICK", 100)
    LOGS["a million tags in 1000 events"](tmp_path, 0.006)
    [path] = tmp_path.iterdir()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        kept = read(str(path))
        taken = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert kept and taken < 6000 * most


def test_many_findings(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A log in which every tag of two runs has a fault: the first 2000 findings of the rule are
    listed, and one more counts all others; they take less than 2 MB."""
    unnamed = b"".join(messages.string_tensor([], [b"a"]))
    for run in "ab":
        framed(tmp_path / run, (value_event(f"{at:06d}", unnamed) for at in range(3000)))
    tracemalloc.start()
    try:
        found = check.check(str(tmp_path))
        taken, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert taken < 2_000_000
    assert len(found) == 2001
    assert {one.rule for one in found} == {"no plugin"}
    assert [one.tag for one in found[:2000]] == [f"{at:06d}" for at in range(2000)]
    others = found[-1]
    assert (others.times, others.path, others.tag, others.run) == (4000, "", "", "a")
    assert re.fullmatch(r"not listed one by one, such as \S+, tag '002000': .*", others.what)
    assert main(["check", "--all", str(tmp_path)]) == 1
    printed = capsys.readouterr().out
    assert f"{others}\n" in printed
    assert "error: no plugin: 6000 in 1 run, 2000 tags or more" in printed


def test_kinds_of_tags_that_occur_once() -> None:
    """Of 20 000 tags with one value each few are learned, and all of them with the second value."""
    data = b"".join(record_of(scalar_event(f"once{at:06d}", 0.5, 1)) for at in range(20_000))
    for times, learned in ((1, range(1, 4000)), (2, range(20_000, 20_001))):
        with Window(data * times) as window:
            stream = ScalarStream(window)
            parts = list(stream)
        assert len(stream.values) in learned
        assert sum([len(part.scalars.tags) + len(part.others) for part in parts]) == 20_000 * times


def texts() -> List[bytes]:
    """Values of text, each with something that a cell must not hold as it is."""
    found = [b"", b"plain", b"=1+2", b" \n\t =1", b"\n\n", b'say "hi", twice', b"a\r\nb",
             b"\x1b]52;c;\x07\xc2\x9b", "\u202eä😀".encode(), b"cut \xff\xf0\x9f", b"-" * 300]
    events = [value_event(f"t{at}", tensor([], [item])) for at, item in enumerate(found)]
    for at, lengths in enumerate(([4], [2, 2], [1, 2, 2], [0], [2, 0], [1 << 40, 0])):
        items = found[1:5] if 0 not in lengths else []
        events.append(value_event(f"table{at}", tensor(lengths, items)))
    return events


def tensor(lengths: List[int], items: List[bytes]) -> bytes:
    return b"".join(messages.string_tensor(lengths, items)) + plugin("text", b"", 2)


@pytest.mark.parametrize("options", [[], ["--raw"], ["--format", "jsonl"]])
def test_texts_piece_by_piece(options: List[str], tmp_path: Path, capsys: Any,
                              monkeypatch: pytest.MonkeyPatch) -> None:
    """A long text has the row that it would have as one string. A table of no strings is [],
    whatever its shape says."""
    written(tmp_path, texts())
    assert main(["export", str(tmp_path), *options]) == 0
    whole = capsys.readouterr().out
    monkeypatch.setattr(export, "_SHORT", -1)
    monkeypatch.setattr("tbwriter.cli._long_text.PIECE", 2)
    assert main(["export", str(tmp_path), *options]) == 0
    assert capsys.readouterr().out == whole
    assert whole.count("table") == 6 and "[]" in whole


def test_blocks_of_a_tensor() -> None:
    """Tensors of all types have the same elements block by block as at once."""
    source = np.random.default_rng(1)
    for number, known in schema.DATA_TYPES.items():
        if number == schema.DT_STRING or not known.listed:
            continue
        width = np.dtype(known.stored).itemsize
        content = source.integers(0, 255, 100_000 * width, np.uint8).tobytes()
        field = b"".join(messages.tensor(number, (100_000,), content))
        one = tensors.Tensor(parse.bytes_of(field, schema.Value.TENSOR) or b"")
        joined = np.concatenate(list(one.blocks()))
        assert joined.tobytes() == one.array().tobytes() and joined.dtype == one.array().dtype
    listed = wire.int_field(1, schema.DT_HALF) + wire.bytes_field(
        schema.Tensor.TENSOR_SHAPE, wire.bytes_field(2, wire.int_field(1, 3))) + wire.bytes_field(
        schema.Tensor.HALF_VAL, wire.varint(0x3C00) + wire.varint(0x7E00) + b"\0")
    [block] = tensors.Tensor(listed).blocks()
    assert block.tolist()[::2] == [1.0, 0.0] and np.isnan(block[1])


def damaged(directory: Path, count: int) -> None:
    """Every second record has a wrong byte."""
    bad = bytearray(record_of(scalar_event("loss", 0.5, 1)))
    bad[20] ^= 1
    path = written(directory, [])
    with open(path, "ab") as file:
        file.write(b"".join(bytes(bad) + record_of(scalar_event("loss", 0.5, step))
                            for step in range(count)))


def test_many_faults(tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first faults are listed, all are counted, and every sound value is read."""
    monkeypatch.setattr("tbwriter._files.records.MOST_LISTED", 100)
    damaged(tmp_path / "logs", 110)
    run = reader.read(str(tmp_path / "logs"))["."]
    assert len(run.faults) == 100 and run.faults.more == 10
    assert len(run.scalars("loss").steps) == 110
    [found] = [one for one in check.check(str(tmp_path / "logs")) if one.rule == "bad data"]
    assert found.times == 110
    for command in ("show", "export"):
        main([command, str(tmp_path / "logs")])
        said = capsys.readouterr()
        assert "damaged: 10 more places" in said.out + said.err
    assert main(["repair", str(tmp_path / "logs"), str(tmp_path / "out"), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["left_out"] == {"damaged": 110}
    assert len(told["faults"]) == 100 and told["more_faults"] == 10


def test_values_that_restarts_purge(tmp_path: Path) -> None:
    """Those that one restart after the other purges, also with many restarts and directories."""
    source = random.Random(5)
    for case in range(20):
        logs = []
        for number in range(2):
            events: List[bytes] = []
            for _ in range(60):
                step = source.randrange(20)
                events.append(start(step) if source.random() < 0.1
                              else scalar_event(source.choice("ab"), 0.5, step))
            path = written(tmp_path / f"{case}-{number}", events, f"160000000{number}")
            logs.append(Source(str(path), number))
        index = Index(logs)
        assert purged(index).tolist() == one_by_one(index)


def one_by_one(index: Index) -> List[bool]:
    """The expected result of `purged`, value by value."""
    rows = [(int(tag), int(index.step[event]), index.files[int(index.file[event])].source)
            for tag, event in zip(index.tag, index.event)]
    gone = [False] * len(rows)
    seen: Set[int] = set()
    for restart in index.restarts:
        for at, (tag, step, source) in enumerate(rows[:restart.at]):
            after = [other for name, other, where in rows[restart.at:]
                     if name == tag and where == source]
            limit = restart.step if restart.source in seen else max(
                [restart.step, min(after, default=1 << 62)])
            gone[at] |= source == restart.source and step >= limit
        seen.add(restart.source)
    return gone


def test_writers_of_many_files(tmp_path: Path) -> None:
    """Files of one time are of different writers exactly where they share a tag and a step."""
    source = random.Random(9)
    for case in range(15):
        paths = []
        for number in range(source.randrange(1, 9)):
            begin = source.randrange(40)
            paths.append(written(tmp_path / str(case), [
                scalar_event(source.choice("ab"), 0.5, source.randrange(12), 1.6e9 + begin + at)
                for at in range(source.randrange(8))], f"160000000{number}", version=False))
        index = Index([Source(str(path)) for path in paths])
        of_file: Dict[int, Set[Any]] = {file: set() for file in range(len(index.files))}
        for tag, event in zip(index.tag.tolist(), index.event.tolist()):
            of_file[int(index.file[event])].add((tag, int(index.step[event])))
        want: List[List[int]] = []
        for file in of_file:
            least, end = index.times[file]
            for group in want:
                if not any(of_file[file] & of_file[other] and max(least, index.times[other][0]) + 2
                           < min(end, index.times[other][1]) for other in group):
                    group.append(file)
                    break
            else:
                want.append([file])
        assert writers(index, np.zeros(len(index.tag), bool)) == want


def growth(work: Callable[[int], Callable[[], object]], count: int) -> float:
    """How many times as long the work takes for 16 times the count: 16 if it is in proportion, 256
    if it grows with the square. Only this process counts: others may be busy."""
    def best(count: int) -> float:
        done, taken = work(count), []
        for _ in range(3):
            begun = time.process_time()
            done()
            taken.append(time.process_time() - begun)
        return min(taken)
    return best(16 * count) / best(count)


def restarted(count: int) -> Callable[[], object]:
    def work() -> None:
        restarts = Restarts()
        series = Series(restarts)
        for step in range(count):
            series.add(2 * step)
            restarts.add(2 * step)
        assert series.stale() == count - 1
    return work


def test_time_of_restarts() -> None:
    """A restart costs the same whether it is the first or the thousandth."""
    assert growth(restarted, 1000) < 80


def test_tags_are_gone_through_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """merge and reduce ask a run for all of its tags as often for 50 tags as for 5."""
    whole_run: Any = Index.whole_run
    names: Any = Tags.names
    counted: Counts[str] = Counter()

    def counting_whole_run(index: Index) -> Any:
        counted["whole_run"] += 1
        return whole_run(index)

    def counting_names(tags: Tags) -> Iterator[str]:
        counted["names"] += 1
        found: Iterator[str] = names(tags)
        return found

    monkeypatch.setattr(Index, "whole_run", counting_whole_run)
    monkeypatch.setattr(Tags, "names", counting_names)
    found = []
    for count in (5, 50):
        for seed in "ab":
            written(tmp_path / str(count) / seed, [
                scalar_event(f"t{at:02d}", 0.5, 1) for at in range(count)])
        logs = [str(tmp_path / str(count) / seed) for seed in "ab"]
        for command in ("merge", "reduce"):
            assert main([command, *logs, str(tmp_path / f"{command}{count}")]) == 0
        found.append(dict(counted))
        counted.clear()
    assert found[0] == found[1] and set(found[0]) == {"whole_run", "names"}


def tags_called(names: Iterable[str], metadata: parse.Metadata = parse.NO_METADATA) -> Tags:
    tags = Tags()
    for name in names:
        tags.number(parse.Value(name, schema.Value.SIMPLE_VALUE, bytes(4), metadata))
    return tags


def renamed(count: int) -> Callable[[], object]:
    tags = tags_called(f"t{at}" for at in range(count))

    def work() -> None:
        assert len(NewNames(tags, np.arange(count), {"t*": "u*"})) == count
    return work


def test_time_of_new_names() -> None:
    """A tag costs the same to rename whether it is the first or the thousandth."""
    assert growth(renamed, 250) < 80


def test_many_notes(tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first notes are printed, and all are counted."""
    monkeypatch.setattr("tbwriter._files.records.MOST_LISTED", 5)
    written(tmp_path / "logs", [scalar_event(f"t{at}", 0.5, 1) for at in range(9)])
    rename = ["--rename", "t*=same", "--rename", "x=y"]
    assert main(["select", str(tmp_path / "logs"), str(tmp_path / "a"), *rename, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert len(told["notes"]) == 5 and told["more_notes"] == 4
    assert main(["select", str(tmp_path / "logs"), str(tmp_path / "b"), *rename]) == 0
    assert "note: 4 more notes" in capsys.readouterr().out


def test_a_long_name_in_a_table(tmp_path: Path, capsys: Any) -> None:
    """One tag of 100 000 characters does not make the rows of the other tags as long."""
    written(tmp_path, [event_of(summary.scalar(tag, 0.5))
                       for tag in ("n" * 100_000, *map(str, range(100)))])
    assert main(["show", str(tmp_path), "--all"]) == 0
    out = capsys.readouterr().out
    assert "n" * 100_000 in out and len(out) < 200_000
