"""ScalarStream against the records one by one: the same values, order and faults, on any bytes."""
from __future__ import annotations

import random
import struct
from typing import Any, Dict, List, Tuple

import pytest

from tests.support.data import VERSION, event_of, record_of
from tbwriter import summary
from tbwriter._files.records import Fault, Record, records
from tbwriter._files.stream import ScalarStream
from tbwriter._files.window import CHUNK, ReadError, Window
from tbwriter._proto import messages, parse, tensors, wire
from tbwriter._reading.run import Run, axes

# offset, position in the Summary, tag, metadata, step, wall_time, the number's bits (so that NaN
# is equal to itself); or offset and data of any other record.
Found = Tuple[Any, ...]


def value_of(tag: str, number: float, form: str) -> bytes:
    """Summary.Value in the forms that writers give a scalar."""
    name = wire.string_field(1, tag)
    if form == "simple":
        return name + wire.float_field(2, number)
    if form == "reversed":
        return wire.float_field(2, number) + name
    metadata = messages.metadata("scalars" if form != "foreign" else "flight", b"")
    dtype, data = (2, struct.pack("<d", number)) if form == "double" else (
        1, struct.pack("<f", number))
    tensor = wire.int_field(1, dtype) + wire.bytes_field(2, b"") + wire.bytes_field(4, data)
    if form == "listed":
        tensor = wire.int_field(1, 1) + wire.bytes_field(5, data)
    return name + wire.bytes_field(8, tensor) + (b"" if form == "bare" else metadata)


FORMS = ("simple", "simple", "simple", "reversed", "double", "content", "listed", "bare", "foreign")


def a_file(source: random.Random) -> List[bytes]:
    """Records of a writer with habits of its own."""
    names = [source.choice("abcdefgh") * source.randrange(4) + str(i % source.choice((3, 50)))
             for i in range(source.choice((1, 3, 20)))]
    each = source.choice((1, 1, 2, 10))
    form = source.choice(FORMS)
    first = source.choice((0, 0, 100, 16000, -5, 2 ** 40))
    made = [VERSION]
    for i in range(source.choice((5, 300, 1500))):
        step = first + i // source.choice((1, len(names)))
        chosen = names[:each] if source.random() < 0.95 else source.sample(names, 1)
        if each == 1:
            chosen = [names[i % len(names)]]
        values = b"".join(wire.bytes_field(1, value_of(name, source.random(), form))
                          for name in chosen)
        made.append(wire.double_field(1, 1.7e9 + i) + (wire.int_field(2, step) if step else b"")
                    + wire.bytes_field(5, values))
        if source.random() < 0.02:
            made.append(event_of(summary.text("text", "x" * source.randrange(99)), step))
    return [record_of(event) for event in made]


def harmed(data: bytes, source: random.Random) -> bytes:
    """`data` with bytes changed, taken out or put in."""
    out = bytearray(data)
    for _ in range(source.choice((0, 1, 1, 3, 30))):
        at = source.randrange(len(out))
        how = source.randrange(5)
        if how < 2:
            out[at] ^= 1 << source.randrange(8)
        elif how == 2:
            del out[at:at + source.randrange(1, 90)]
        elif how == 3:
            out[at:at] = bytes(source.choice((1, 12, 100)))
        else:
            out[at:at] = out[at:at + source.randrange(1, 200)]
    return bytes(out)


def one_by_one(data: bytes) -> Tuple[List[Found], List[Fault]]:
    found: List[Found] = []
    faults: List[Fault] = []
    with Window(data) as window:
        for record in records(window, faults):
            found += as_found(record.offset, record.data)
    return found, faults


def as_found(offset: int, data: bytes) -> List[Found]:
    """The scalars of a record, if it holds nothing else; else the record."""
    try:
        event = parse.event(data)
        return [(offset, place, value.tag, value.metadata, event.step,
                 struct.pack("<d", event.wall_time), struct.pack("<d", number_of(value)))
                for place, value in enumerate(event.values)] or [(offset, data)]
    except ValueError:
        return [(offset, data)]


def number_of(value: parse.Value) -> float:
    plugin = value.metadata.plugin if value.metadata else "scalars"
    if plugin not in ("scalars", "") or plugin == "" and value.number != 2:
        raise ValueError("no scalar")
    if value.number == 2:
        return wire.as_float(value.data)
    if value.number != 8:
        raise ValueError("no scalar")
    return tensors.scalar_of(value.data)


def streamed(data: bytes) -> Tuple[List[Found], List[Fault], int]:
    found: List[Found] = []
    faults: List[Fault] = []
    columns = 0
    with Window(data) as window:
        stream = ScalarStream(window, faults)
        for part in stream:
            columns += len(part.scalars.tags)
            for tag, offset, place, step, wall_time, number in zip(*part.scalars):
                value = stream.values[tag]
                found.append((offset, place, value.tag, value.metadata, step,
                              struct.pack("<d", wall_time), struct.pack("<d", number)))
            for record in part.others:
                found += as_found(record.offset, record.data)
            assert all(found[-1][0] < part.end for _ in part.others)
    return sorted(found, key=lambda item: item[:2] if len(item) > 2 else (item[0], 0)), \
        faults, columns


@pytest.mark.parametrize("seed", range(60))
def test_whole_files(seed: int) -> None:
    """Every writer's scalars, in every form, are found with the same numbers in the same order."""
    data = b"".join(a_file(random.Random(seed)))
    want, faults = one_by_one(data)
    found, none, columns = streamed(data)
    assert found == want and none == faults == []
    if len(want) > 1000:  # a number of another plugin is no scalar
        assert columns > len(want) // 2 or b"flight" in data


@pytest.mark.parametrize("seed", range(200))
def test_damaged_files(seed: int) -> None:
    """Only damaged records are lost: the same records and faults as one by one, for any bytes."""
    source = random.Random(1000 + seed)
    data = harmed(b"".join(a_file(source)), source)
    want, faults = one_by_one(data)
    found, noted, _ = streamed(data)
    assert found == want and noted == faults


@pytest.mark.parametrize("seed", range(40))
def test_strict(seed: int) -> None:
    """Without a list for faults, everything before the first damage is found, then it raises."""
    source = random.Random(5000 + seed)
    data = harmed(b"".join(a_file(source)), source)
    with Window(data) as window:
        want, wrong = [], ""
        try:
            for record in records(window):
                want.append(record.offset)
        except ReadError as error:
            wrong = str(error)
    with Window(data) as window:
        offsets, raised = set(), ""
        try:
            for part in ScalarStream(window):
                offsets |= {*part.scalars.offsets.tolist(), *(one.offset for one in part.others)}
        except ReadError as error:
            raised = str(error)
    assert sorted(offsets) == want and raised == wrong


@pytest.mark.parametrize("kinds", ["", "s", "t", "st", "ts", "stt", "tst", "sts", "ststs"])
def test_parts_in_order(kinds: str) -> None:
    """Scalars come together up to the record that follows them, and never as an empty piece."""
    made = [event for kind in kinds for event in (
        [event_of(summary.scalar("a", i), 1000 + i) for i in range(300)] if kind == "s"
        else [event_of(summary.text("t", "x"))])]
    data = b"".join(map(record_of, [VERSION, *made]))
    with Window(data) as window:
        want = [record.offset for record in records(window, [])]
    with Window(data) as window:
        pieces = [piece for part in ScalarStream(window) for piece in part.in_order()]
    found = [[piece.offset] if isinstance(piece, Record) else piece.offsets.tolist()
             for piece in pieces]
    assert all(found) and sum(found, []) == want
    assert sum(not isinstance(piece, Record) for piece in pieces) == kinds.count("s")


@pytest.mark.parametrize("where", ["start", "middle", "end"])
def test_a_record_larger_than_a_chunk(where: str) -> None:
    """A record of more than 4 MiB among scalars, and a chunk that ends within a record."""
    small = [record_of(event_of(summary.scalar(f"tag{i % 3}", i), i)) for i in range(120_000)]
    large = record_of(event_of(summary.text("t", "x" * (CHUNK + 5))))
    small.insert({"start": 0, "middle": 60_000, "end": 120_000}[where], large)
    data = b"".join(small)
    found, faults, columns = streamed(data)
    assert len(found) == len(small) and not faults and columns > 119_000


def test_every_second_record_damaged() -> None:
    """Time is proportional to the size of the file, however much is damaged."""
    sound = bytearray()
    for i in range(40_000):
        record = bytearray(record_of(event_of(summary.scalar("tag", i), i)))
        record[-7] ^= i % 2
        sound += record
    found, faults, _ = streamed(bytes(sound))
    assert len(found) == len(faults) == 20_000
    assert {fault.kind for fault in faults} == {"bad data"}


def test_by_tag() -> None:
    """The scalars of one tag, in the order of the file, also of more than 65 536 tags."""
    events = [event_of(summary.scalar(f"tag{i % 70_000}", i), i) for i in range(80_000)]
    found: Dict[str, List[int]] = {}
    with Window(b"".join(map(record_of, events))) as window:
        stream = ScalarStream(window)
        for part in stream:
            for record in part.others:  # the first chunk's first steps, of one and two digits
                event = parse.event(record.data)
                found.setdefault(event.values[0].tag, []).append(event.step)
            for tag, scalars in part.scalars.by_tag():
                found.setdefault(stream.values[tag].tag, []).extend(scalars.steps.tolist())
    assert found == {f"tag{i}": [i, i + 70_000] if i < 10_000 else [i] for i in range(70_000)}


@pytest.mark.parametrize("seed", range(40))
def test_columns_of_a_run(seed: int) -> None:
    """A run has its tags in the order in which they first come, and the values of each in the order
    of the file, whatever mixture of tags, lengths and forms a file has."""
    source = random.Random(seed)
    made = [record for _ in range(3) for record in a_file(source)[bool(_):]]
    if seed % 2:
        source.shuffle(made)
    data = b"".join(made)
    want: Dict[str, List[Any]] = {}
    kinds: Dict[str, Any] = {}
    with Window(data) as window:
        for record in records(window, []):
            event = parse.event(record.data)
            for value in event.values:
                plugin = value.metadata.plugin if value.metadata else ""
                simple = value.number == 2
                scalar = kinds.setdefault(value.tag, simple or plugin == "scalars")
                if scalar or not simple:
                    want.setdefault(value.tag, []).append((event.step, event.wall_time))
    run = Run("run", [data])
    assert list(run.tags) == list(want)
    for tag, rows in want.items():
        assert (run.tags[tag] == "scalar") is kinds[tag]
        steps, wall_times = axes(run, tag)
        assert list(zip(steps.tolist(), wall_times.tolist())) == rows


@pytest.mark.parametrize("damaged", [False, True])
def test_events_of_several_scalars_that_take_turns(damaged: bool) -> None:
    """Events of equal length with several scalars, of other tags in turn, such as those of training
    and evaluation; and the same after a damaged record and across a restart."""
    def event(step: int) -> bytes:
        names = ("train/a", "train/b") if step % 2 else ("valid/a", "valid/b")
        return record_of(wire.double_field(1, 1.7e9) + wire.int_field(2, 1000 + step)
                         + wire.bytes_field(5, b"".join(
                             wire.bytes_field(1, value_of(name, step + place / 2, "simple"))
                             for place, name in enumerate(names))))
    made = [event(step) for step in range(100)]
    if damaged:
        made[60] = made[60][:-1] + bytes([made[60][-1] ^ 1])
        made.insert(70, record_of(wire.double_field(1, 1.7e9) + wire.int_field(2, 1000)
                                  + wire.bytes_field(7, messages.SESSION_START)))
    run = Run("run", [b"".join(made)])
    for name, first in (("train/a", 1.0), ("train/b", 1.5), ("valid/a", 0.0), ("valid/b", 0.5)):
        steps = [step for step in range(int(first), 100, 2) if step != 60 or not damaged]
        series = run.scalars(name)
        assert series.steps.tolist() == [1000 + step for step in steps]
        assert series.values.tolist() == [step + first % 1 for step in steps]
