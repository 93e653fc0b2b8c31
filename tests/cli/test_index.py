"""The index of a run from columns of scalars, against that from its records one by one."""
from __future__ import annotations

import random
import timeit
from pathlib import Path
from typing import Any, Dict, Iterator, List

import numpy as np
import pytest

from tests.files.test_stream import FORMS, harmed, value_of
from tests.cli import bounds
from tests.support.data import VERSION, event_of, record_of
from tbwriter import summary
from tbwriter._files.records import records
from tbwriter._files.stream import Part, ScalarStream
from tbwriter._proto import messages, schema, wire
from tbwriter._proto.parse import Metadata, Value
from tbwriter.cli import _index
from tbwriter.cli._index import PLAIN, Index, Source
from tbwriter.cli._renaming import NewNames, _renamed
from tbwriter.cli._tags import Tags
from tbwriter.cli._values import NAMELESS, kind


class OneByOne(ScalarStream):
    """A stream that never finds a column."""

    def __iter__(self) -> Iterator[Part]:
        for record in records(self._window, self._faults):
            yield Part(np.zeros(0, np.int64), [], [record], record.end)


def a_file(source: random.Random) -> bytes:
    """Events of a writer that changes its mind: about kinds, forms, times and restarts."""
    tags, forms = "abcd"[:source.randrange(1, 5)], source.sample(FORMS, source.randrange(1, 4))
    made = [VERSION]
    for step in range(source.choice((30, 400, 1200))):
        time = 1.6e9 + step if source.random() < 0.97 else source.choice((np.nan, np.inf, -np.inf))
        dice = source.random()
        if dice < 0.02:
            content = wire.bytes_field(schema.Event.SESSION_LOG, messages.SESSION_START)
        elif dice < 0.04:
            made.append(event_of(summary.text(source.choice(tags), "x"), step, time))
            continue
        elif dice < 0.06:
            content = wire.bytes_field(source.choice((4, 6, 9, 14)), b"\n\x01x")
        elif dice < 0.07:
            made.append(bytes(source.randrange(256) for _ in range(20)))
            continue
        else:
            content = wire.bytes_field(schema.Event.SUMMARY, b"".join(
                wire.bytes_field(schema.Summary.VALUE, value_of(
                    source.choice(tags), source.random(), source.choice(forms)))
                for _ in range(source.choice((1, 1, 1, 2, 3)))))
        made.append(wire.double_field(1, time) + wire.int_field(2, step // 3) + content)
    data = b"".join(map(record_of, made))
    return harmed(data, source) if source.random() < 0.4 else data


def facts(sources: List[Source]) -> Dict[str, Any]:
    """All that an index knows; a plain value is the first of its event."""
    index = Index(sources)
    return {"faults": sorted(map(str, index.faults)), "left out": +index.left_out,
            "tags": [(tag.name, tag.kind, tag.metadata) for tag in index.tags],
            "header": index.header, "restarts": index.restarts, "times": index.times,
            "file": index.file.tolist(), "offset": index.offset.tolist(),
            "step": index.step.tolist(), "tag": index.tag.tolist(),
            "event": index.event.tolist(),
            "place": np.where(index.place == PLAIN, 0, index.place).tolist()}


@pytest.mark.parametrize("seed", range(40))
def test_columns_are_the_records(seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
                                 ) -> None:
    """Tags, rows, restarts, faults and counts are those of each record taken by itself, whatever
    kinds, forms and damage the files of a run have."""
    source = random.Random(seed)
    sources = []
    for number in range(source.randrange(1, 4)):
        path = tmp_path / f"events.out.tfevents.{source.choice((number, 1600000000))}.{number}"
        path.write_bytes(a_file(source))
        sources.append(Source(str(path), source.randrange(2)))
    found = facts(sources)
    monkeypatch.setattr(_index, "ScalarStream", OneByOne)
    assert found == facts(sources)


def test_scalars_between_histograms_take_no_longer_than_apart(tmp_path: Path) -> None:
    """Where every second event is a histogram, an index takes less than twice the time of one where
    all histograms follow the scalars."""
    scalars = [event_of(summary.scalar("a", step), step) for step in range(1500)]
    others = [event_of(summary.histogram("h", [0.0, 1.0, 3.0]), step) for step in range(1500)]
    mixed = [event for pair in zip(scalars, others) for event in pair]
    places = []
    for name, events in (("mixed", mixed), ("apart", scalars + others)):
        path = tmp_path / name
        path.write_bytes(b"".join(map(record_of, [VERSION, *events])))
        places.append(Source(str(path)))
    times = [[timeit.timeit(lambda: Index([place]), number=1) for place in places]
             for _ in range(9)]
    assert min(mixed for mixed, _ in times) < 2 * min(apart for _, apart in times)


def test_most_scalars_are_plain(tmp_path: Path) -> None:
    """Scalars alone in their events are copied without being parsed; not those with a time that is
    no number, or with a neighbour."""
    def event(time: float, *tags: str) -> bytes:
        return record_of(wire.double_field(1, time) + wire.int_field(2, 1) + wire.bytes_field(
            schema.Event.SUMMARY, b"".join(
                wire.bytes_field(schema.Summary.VALUE, value_of(tag, 1.0, "simple"))
                for tag in tags)))
    path = tmp_path / "events.out.tfevents.1"
    for events, places in (([event(1.0, "a")] * 20, [PLAIN] * 20),
                           ([event(np.nan, "a")] * 20, [0] * 20),
                           ([event(1.0, "a", "b")] * 20, [0, 1] * 20)):
        path.write_bytes(b"".join([record_of(VERSION), *events]))
        assert Index([Source(str(path))]).place.tolist() == places


def described(tag: str, number: int = schema.Value.SIMPLE_VALUE, *metadata: Any) -> Value:
    return Value(tag, number, bytes(4), Metadata(*metadata) if metadata else None)


def test_tags_by_number() -> None:
    """A tag has the kind of its first value and the first metadata that names its plugin, whatever
    it holds and however long it is. A tag of RunMetadata is apart from others of its name."""
    tags = Tags()
    long = "scalars", b"\xff\0" * 900, "d" * 1200, "ä\U0001f600", 1
    values = [described("a"), described("b", 8), described("b", 8, "text", b"\x80", "B", "ß", 2),
              described("b", 8, "other"), described("a", 8, schema.TAGGED_RUN_METADATA),
              described("c", 2, *long), described("c", 2, "scalars"), described("d", 8, *long)]
    assert [tags.number(value) for value in values] == [0, 1, 1, 1, 2, 3, 3, 4]
    assert list(tags.names()) == [tag.name for tag in tags] == ["a", "b", "a", "c", "d"]
    assert [tag.metadata for tag in tags] == [
        Metadata(), Metadata("text", b"\x80", "B", "ß", 2), Metadata(schema.TAGGED_RUN_METADATA),
        Metadata(*long), Metadata(*long)]
    assert [tag.kind for tag in tags] == [kind(value, (value.metadata or Metadata()).plugin)
                                          for value in (values[at] for at in (0, 2, 4, 5, 7))]
    assert (tags.find("a"), tags.find("x"), tags.all_called("a")) == (0, None, [0, 2])
    for number in range(5):
        assert tags.of_kinds({tags[number].kind}).tolist() == [
            tag.kind == tags[number].kind for tag in tags]


def test_many_descriptions() -> None:
    """Each of 10 000 tags has its own description."""
    tags = Tags()
    for at in range(10_000):
        assert tags.number(described(f"t{at}", 2, "scalars", b"", "", f"about {at}", 1)) == at
    assert all(tags[at].metadata.description == f"about {at}" for at in range(0, 10_000, 7))


def test_new_names_of_tags() -> None:
    """New names are given as by a table of all names that are taken, whatever the patterns."""
    source = random.Random(3)
    names = ["".join(source.choice("ab") for _ in range(source.randrange(1, 5)))
             for _ in range(400)]
    for _ in range(60):
        tags = Tags()
        for name in source.sample(names, 12):
            plugin = source.choice(["", "", "", schema.GRAPHS, schema.TAGGED_RUN_METADATA])
            tags.number(described(name, 8, plugin))
        rename = {source.choice(("a*", "*b", "*", "b*a", name)): source.choice(
            ("b*", "*a", "ab", "aa*", "same")) for name in names[:source.randrange(1, 4)]}
        numbers = [number for number in range(len(tags)) if source.random() < 0.9]
        found = NewNames(tags, np.array(numbers, np.int64), rename)
        want = by_table(tags, numbers, rename)
        assert {number: found.get(number) for number in range(len(tags))
                if found.get(number)} == want
        assert len(found) == len(want)


def test_names_that_wait_for_one_another(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where each tag asks for the name of the next, and the last one keeps its own, all keep
    theirs, in time in proportion to their number."""
    calls = []

    def counted(name: str, rename: Dict[str, str]) -> Any:
        calls.append(name)
        return _renamed(name, rename)

    monkeypatch.setattr("tbwriter.cli._renaming._renamed", counted)
    tags = Tags()
    for length in range(1, 301):
        tags.number(described("x" * length, 8, schema.GRAPHS if length == 300 else ""))
    names = NewNames(tags, np.arange(300), {"x*": "xx*"})
    assert len(names) == 0
    assert len(list(names.refused())) == 300
    assert len(calls) < 300 * 10


def by_table(tags: Tags, numbers: List[int], rename: Dict[str, str]) -> Dict[int, str]:
    """{number of a tag: its new name}."""
    asked = {number: _renamed(tags[number].name, rename)[1] for number in numbers}
    kept = {name for number, name in asked.items() if name == tags[number].name}
    asked = {number: new for number, new in asked.items() if new != tags[number].name}
    while True:
        taken, refused = set(kept), set()
        for number, new in asked.items():
            if tags[number].kind in NAMELESS or new in taken:
                refused.add(number)
            taken |= set() if number in refused else {new}
        if {tags[number].name for number in refused} <= kept:
            return {number: new for number, new in asked.items() if number not in refused}
        kept |= {tags[number].name for number in refused}


def test_places_beyond_two_bytes(tmp_path):
    """Values keep their places in an event of more than 32 767 values."""
    values = [bounds.short(b"%05d" % at) for at in range(33_000)]
    bounds.framed(tmp_path, [bounds.summary(values, step) for step in (3, 4)])
    [path] = tmp_path.iterdir()
    index = Index([Source(str(path))])
    assert index.place.tolist() == [*range(33_000)] * 2
    assert index.steps(np.arange(66_000)).tolist() == [3] * 33_000 + [4] * 33_000
