"""The columns in which a run keeps its tags, beside lists that keep the same."""
from __future__ import annotations

import pickle
import random
import subprocess
import sys
from array import array
from pathlib import Path

import pytest

from tbwriter import reader
from tbwriter._proto.parse import Metadata
from tbwriter._reading.run import Tags, forget
from tbwriter._reading.store import Columns
from tests.check.making import value_event
from tests.cli.bounds import of_plugin, text_event
from tests.support.data import scalar_event, written


def test_values_of_many_tags() -> None:
    """Each tag has its values in their order, whether few or many, also where a tag that grows
    leaves its rows to others."""
    source, columns = random.Random(3), Columns()
    want = [([], [], []) for _ in range(60)]
    for tag in range(60):
        assert columns.new(f"t{tag}", "scalar" if tag % 2 else "text", None) == tag
    for step in range(900):
        tag = min(int(source.expovariate(0.08)), 59)
        count = source.choice((1, 1, 1, 12)) if tag % 2 else 1
        for at in range(count):
            want[tag][0].append(step)
            want[tag][1].append(1.6e9 + step)
            want[tag][2].extend([0.5 * step + at] if tag % 2 else (tag, 12 * step, at))
        if tag % 2 == 0:
            columns.add_place(tag, step, 1.6e9 + step, (tag, 12 * step, 0))
        elif count == 1:
            columns.add_scalar(tag, step, 1.6e9 + step, 0.5 * step)
        else:
            columns.extend_scalars(tag, *[memoryview(array(code, column[-count:]))
                                          for code, column in zip("qdd", want[tag])])
    for tag, rows in enumerate(want):
        assert tuple(list(column) for column in columns.arrays(tag)) == rows
    assert list(columns) == [tag for tag, rows in enumerate(want) if rows[0]]


@pytest.mark.parametrize("count", [3, 400])
def test_metadata_of_many_tags(count: int) -> None:
    """Each tag has its own metadata again, with any text and any bytes."""
    columns = Columns()
    made = [Metadata("text" * (at % 2), bytes([at % 256, 0, 255]), "ä\ud800\"", f"{at}\n", at % 4)
            for at in range(count)]
    for at, metadata in enumerate(made):
        columns.new(str(at), "text", metadata)
    assert [columns.metadata(at) for at in range(count)] == made


def test_a_run_in_another_process(tmp_path: Path) -> None:
    """A run is the same after it was pickled, in a process that has other hashes of names."""
    written(tmp_path, [scalar_event(f"t{at % 5000}", at, at) for at in range(5100)])
    run = reader.read(str(tmp_path))["."]
    (tmp_path / "pickled").write_bytes(pickle.dumps(run))
    done = subprocess.run([sys.executable, "-c", """
import pickle, sys
run = pickle.load(open(sys.argv[1], "rb"))
print([run.scalars(f"t{at}").values.sum() for at in range(5000)], run.tag("t99").n)
""", str(tmp_path / "pickled")], check=True, stdout=subprocess.PIPE, text=True)
    sums = [run.scalars(f"t{at}").values.sum() for at in range(5000)]
    assert done.stdout == f"{sums} {run.tag('t99').n}\n" and run.tag("t99").n == 2


def test_error_of_an_unknown_tag(tmp_path: Path) -> None:
    """It names the tags of a small run, and some of those of a large one with their number."""
    written(tmp_path, [scalar_event(f"t{at}", 0.5, 1) for at in range(3)])
    run = reader.read(str(tmp_path))["."]
    with pytest.raises(KeyError, match=r"got the tag 'no', want one of \['t0', 't1', 't2'\]\"$"):
        run.scalars("no")
    written(tmp_path, [scalar_event(f"t{at}", 0.5, 1) for at in range(3000)])
    with pytest.raises(KeyError, match="and others, 3000 in all") as caught:
        reader.read(str(tmp_path))["."].tag("no")
    assert len(str(caught.value)) < 400


def test_facts_without_values(tmp_path: Path) -> None:
    """What is known of tags stays when the values of those with many are forgotten."""
    written(tmp_path, [event for step in range(40) for event in (
        scalar_event("many", step, step), scalar_event(f"few{step // 8}", step, step),
        text_event("text", 3, step))])
    run = reader.read(str(tmp_path))["."]
    tags = Tags(run)
    before = [tags.facts(at) for at in range(len(tags))]
    forget(run)
    assert [tags.facts(at) for at in range(len(tags))] == before
    assert before[0][2][:2] == (40, (0, 39)) and before[0][2].last == 39.0
    assert run.tag("many").n == 40


def test_a_tag_without_a_sound_value(tmp_path: Path) -> None:
    """A tag whose values are all damaged is not there; its neighbours are."""
    bad = value_event("bad", b"\x42\x02\x08\x01", of_plugin("scalars"))
    written(tmp_path, [scalar_event("a", 0.5, 1), bad, scalar_event("b", 0.5, 1)])
    run = reader.read(str(tmp_path))["."]
    assert run.tags == {"a": "scalar", "b": "scalar"} and len(run.faults) == 1
    with pytest.raises(KeyError):
        run.tag("bad")
