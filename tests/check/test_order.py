"""Steps and restarts against a plain model of both loaders, and against the loaders."""
from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Dict, List, Tuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tbwriter._proto import messages, schema, wire
from tbwriter.check import check
from tbwriter.check.order import AllSeries, Restarts, Series, _natural
from tests.check.broken import BROKEN
from tests.check.making import graph, rules, start
from tests.support.data import scalar_event, written
from tests.support.judges import board, both_loaders

# A value of tag a or b at a step, or a START.
EVENTS = st.lists(st.tuples(st.sampled_from("abS"), st.integers(0, 12)), max_size=30)


def fast(events: List[Tuple[str, int]]) -> Dict[str, List[Tuple[int, int]]]:
    """(step, number of the event) of what the fast loader keeps."""
    kept: Dict[str, List[Tuple[int, int]]] = {"a": [], "b": []}
    for number, (kind, step) in enumerate(events):
        if kind != "S":
            kept[kind] = [one for one in kept[kind] if one[0] < step] + [(step, number)]
    return kept


def python(events: List[Tuple[str, int]]) -> Dict[str, List[Tuple[int, int]]]:
    """The same of the Python loader: the first START purges nothing, the others all tags."""
    kept: Dict[str, List[Tuple[int, int]]] = {"a": [], "b": []}
    starts = 0
    for number, (kind, step) in enumerate(events):
        if kind == "S":
            starts += 1
            if starts > 1:
                kept = {tag: [one for one in rows if one[0] < step] for tag, rows in kept.items()}
        else:
            kept[kind].append((step, number))
    return kept


@given(EVENTS, st.booleans())
@settings(max_examples=300)
def test_series_against_a_plain_model(events: List[Tuple[str, int]], bulk: bool) -> None:
    """Kept and stale values are those of the plain model, value by value and in columns."""
    restarts = Restarts()
    every = AllSeries(restarts)
    series = {"a": Series(restarts), "b": Series(restarts)}
    waiting: Dict[str, List[int]] = {"a": [], "b": []}

    def flush() -> None:
        for tag, steps in waiting.items():
            if steps:
                series[tag].extend(np.array(steps, np.int64))
                every.extend("ab".index(tag), np.array(steps, np.int64))
                steps.clear()

    for kind, step in events:
        if kind == "S":
            flush()
            restarts.add(step)
        elif bulk:
            waiting[kind].append(step)
        else:
            series[kind].add(step)
            every.add("ab".index(kind), step)
    flush()
    kept, present, suspect = fast(events), python(events), dict(every.suspect())
    for number, tag in enumerate("ab"):
        counted = series[tag].stale()
        assert list(series[tag].kept) == [step for step, _ in kept[tag]]
        assert counted == len(set(kept[tag]) - set(present[tag]))
        assert series[tag].count == sum(kind == tag for kind, _ in events)
        # As rows of columns, the tag has the same faults.
        found = suspect.get(number, Series(Restarts()))
        if number in suspect:
            assert list(found.kept) == list(series[tag].kept) and found.stale() == counted
        else:
            assert series[tag].count < 2
        assert [getattr(found, name) for name in FAULTS] == [
            getattr(series[tag], name) for name in FAULTS]
    assert every.rewound() == [number for number, tag in enumerate("ab") if series[tag].rewound]


FAULTS = "lost", "repeated", "decreasing", "rewound"


def test_equal_values_in_rows() -> None:
    """A tag of a few values keeps the checksums of the last ones: a graph that is written again
    with the same bytes repeats no step, one with other bytes does."""
    for digests, repeated in (([7, 7, 7], 0), ([7, 8, 7], 2), ([0, 0, 7], 2), ([7] * 12, 0)):
        every = AllSeries(Restarts())
        every.add(0, 1)
        for digest in digests:
            every.add(2, 5, digest)
        assert {tag: series.repeated for tag, series in every.suspect()} == {2: repeated}


@both_loaders
def test_stale_points(loader: str, tmp_path: Path) -> None:
    """After a restart the fast loader shows a point that the Python loader does not."""
    BROKEN["stale points"](tmp_path)
    with board(tmp_path, loader) as shown:
        steps = {tag: [step for step, _ in shown.scalars(".", tag)] for tag in "ab"}
    assert steps == {"a": [1, 2, 102], "b": [101, 102] if loader == "fast" else [102]}


@both_loaders
def test_the_first_start_purges_nothing(loader: str, tmp_path: Path) -> None:
    """The log of a TF1 session: graph, CHECKPOINT and START at step 0, then values. Nothing is
    found, and both loaders show all of it."""
    checkpoint = wire.double_field(1, 1.6e9) + wire.bytes_field(
        schema.Event.SESSION_LOG, wire.int_field(1, 3) + wire.string_field(2, "model.ckpt"))
    node = wire.bytes_field(1, wire.string_field(1, "a") + wire.string_field(2, "NoOp"))
    written(tmp_path, [graph(node), checkpoint, start(0),
                       *(scalar_event("loss", float(i), i) for i in range(5))])
    assert check(str(tmp_path)) == []
    with board(tmp_path, loader) as shown:
        assert len(shown.scalars(".", "loss")) == 5
        assert list(shown.tags("graphs")) == ["__run_graph__"]


def test_the_same_graph_twice(tmp_path: Path) -> None:
    """Equal graphs at one step hide nothing; different ones do."""
    written(tmp_path / "same", [graph(b""), graph(b"")])
    assert check(str(tmp_path / "same")) == []
    written(tmp_path / "other", [graph(b""), graph(b"\x18\x01")])
    assert rules(check(str(tmp_path / "other"))) == ["repeated steps"]


def test_a_clock_that_was_set_back(tmp_path: Path) -> None:
    """Files whose names sort as they were written are in order, whatever their times are."""
    for number, wall_time in enumerate((1.6e9 + 7200, 1.6e9 + 3600)):
        events = [messages.file_version(wall_time, "tests")]
        events += [scalar_event("x", 1.0, 3 * number + i, wall_time) for i in range(3)]
        written(tmp_path, events, f"1600007200.host.{number}", version=False)
    assert check(str(tmp_path)) == []


@both_loaders
def test_no_file_version(loader: str, tmp_path: Path) -> None:
    """Where steps rise, nothing is hidden: it is a warning."""
    BROKEN["no file version"](tmp_path)
    finding, = check(str(tmp_path))
    assert finding.level == "warning"
    with board(tmp_path, loader) as shown:
        assert len(shown.scalars(".", "x")) == 5


@both_loaders
def test_an_empty_file_beside_a_good_one(loader: str, tmp_path: Path) -> None:
    """The run is shown, as the finding says."""
    written(tmp_path, [scalar_event("x", 1.0, 1)])
    (tmp_path / "events.out.tfevents.9").write_bytes(b"")
    finding, = check(str(tmp_path))
    assert (finding.rule, finding.level) == ("no events", "warning")
    with board(tmp_path, loader) as shown:
        assert shown.scalars(".", "x") == [(1, 1.0)]


@given(st.lists(st.tuples(st.sampled_from("abS"), st.integers(0, 40)), min_size=60, max_size=200))
@settings(max_examples=20)
def test_a_file_against_a_plain_model(events: List[Tuple[str, int]]) -> None:
    """The findings of a file of scalars and restarts, read in columns, are those of the model."""
    with tempfile.TemporaryDirectory() as directory:
        written(Path(directory), [start(step) if kind == "S" else scalar_event(kind, 1.0, step)
                                  for kind, step in events])
        found = {one.tag: one.what for one in check(directory) if one.rule == "stale points"}
    kept, present = fast(events), python(events)
    for tag in "ab":
        stale = len(set(kept[tag]) - set(present[tag]))
        assert found.get(tag, "0 of").startswith(f"{stale} of {len(kept[tag])} " if stale else "0")


@pytest.mark.parametrize("starts", [2000])
def test_many_restarts_and_tags(starts: int, tmp_path: Path) -> None:
    """Time grows with the number of events, not with restarts times tags."""
    restarts = Restarts()
    tags = [Series(restarts) for _ in range(starts)]
    for step in range(starts):
        restarts.add(step)
        tags[step].add(step)
    assert sum(series.stale() for series in tags) == 0


def test_writers_that_begin_together(tmp_path: Path) -> None:
    """Two writers are reported although the second one began a second before the first."""
    for name, begin in (("1600000000.a", 1.6e9 + 1), ("1600000000.b", 1.6e9)):
        written(tmp_path, [scalar_event("loss", 1.0, step, begin + 10 * step)
                           for step in range(9)], name, version=False)
    assert "two writers" in rules(check(str(tmp_path)))


@pytest.mark.parametrize("first, expected", [([start(0)], []), ([], ["restart not seen"])])
def test_points_that_a_restart_deletes(tmp_path: Path, first: List[bytes], expected: List[str]
                                       ) -> None:
    """Points that a restart in the middle of a run deletes are not reported as decreasing steps."""
    before, after = ([scalar_event("loss", 1.0, step) for step in steps]
                     for steps in (range(10), range(5, 13)))
    written(tmp_path, [*first, *before, start(5), *after])
    assert rules(check(str(tmp_path))) == expected


@pytest.mark.parametrize("first, last, fault", [
    ("9", "10", True), ("9", "1" + "0" * 200, True),
    ("1\u00b23", "9", False), ("\u0b70", "\u2460", False), ("09", "0009", False)])
def test_numbers_in_names(first, last, fault, tmp_path):
    """Names whose numbers sort in another order than their digits are a finding; signs that are
    digits but no decimals, and the length of a number, are no error."""
    for step, name in enumerate(sorted([first, last])):
        time = 1.6e9 - step * 1e8
        written(tmp_path, [messages.file_version(time), scalar_event("y", 1.0, step, time)], name,
                version=False)
    assert rules(check(str(tmp_path))) == ["file order"] * fault


def test_a_number_of_thousands_of_digits():
    """Python refuses to convert it to an int."""
    assert _natural("logs/9") < _natural("logs/0" + "1" * 5000) < _natural("logs/" + "2" * 5000)
