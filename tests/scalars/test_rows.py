"""Scalars as rows, encoded one by one and in bulk."""
from __future__ import annotations

import subprocess
import sys
from typing import List, Tuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tbwriter._scalars import rows as module
from tbwriter._scalars.encode import records
from tbwriter._proto.messages import event
from tbwriter._tfrecord.frame import frame
from tbwriter._scalars.rows import ROW, RowEncoder, Tags
from tbwriter.summary import scalar

Row = Tuple[str, int, float, float]

tags = st.one_of(st.sampled_from(["loss", "acc", "train/lr", ""]), st.text(max_size=300))
steps = st.one_of(st.sampled_from([0, 1, 127, 128, -1, 2 ** 63 - 1, -2 ** 63]),
                  st.integers(-(1 << 63), (1 << 63) - 1), st.integers(0, 20000))
rows = st.lists(st.tuples(tags, steps, st.floats(width=32),
                          st.floats(allow_nan=False, allow_infinity=False)),
                min_size=1, max_size=60)


def pack(table: List[Row], numbers: Tags) -> bytes:
    return b"".join(ROW.pack(wall_time, step, value, numbers.number(tag))
                    for tag, step, value, wall_time in table)


def one_by_one(table: List[Row]) -> bytes:
    """The records as the general way makes them: the kind, the event, the frame."""
    return b"".join(part for tag, step, value, wall_time in table
                    for part in frame(event(wall_time, step, scalar(tag, value).event_field())))


@given(rows)
def test_plain_records(table: List[Row]) -> None:
    """Rows encoded without numpy are the bytes of scalar, event and frame."""
    numbers = Tags()
    assert b"".join(RowEncoder(numbers)._one_by_one(pack(table, numbers))) == one_by_one(table)


@settings(max_examples=300)
@given(rows)
def test_bulk_records(table: List[Row]) -> None:
    """Rows encoded in bulk are byte for byte the same, whatever tags and steps come in turns."""
    numbers = Tags()
    assert b"".join(records(pack(table, numbers), numbers.prefixes)) == one_by_one(table)


@pytest.mark.parametrize("names", [["loss"], ["a", "bb", "ccc"], [f"tag/{i}" for i in range(1000)]])
@pytest.mark.parametrize("first", [0, 100, 16000, -5])
def test_many_rows(names: List[str], first: int) -> None:
    """Thousands of rows, of one tag or of many, across the lengths of their steps."""
    numbers = Tags()
    table = [(names[i % len(names)], first + i // len(names), i * 0.5, 1.7e9 + i * 1e-6)
             for i in range(20000)]
    assert b"".join(RowEncoder(numbers).records(pack(table, numbers))) == one_by_one(table)


def test_equal_values() -> None:
    """Rows that agree in every byte are encoded right too."""
    numbers = Tags()
    table = [("t", 7, 1.0, 1.7e9)] * 100
    assert b"".join(records(pack(table, numbers), numbers.prefixes)) == one_by_one(table)


def test_numbers_of_tags() -> None:
    """Each tag has one number and its prefix."""
    numbers = Tags()
    assert [numbers.number(tag) for tag in "aba"] == [0, 1, 0]
    assert numbers.prefixes == [b"\x0a\x01a", b"\x0a\x01b"]


def test_numpy_is_left_alone_for_few_scalars() -> None:
    """A program that logs a thousand scalars does not import numpy; one that logs many does."""
    code = ("import sys; from tbwriter._scalars.rows import ROW, RowEncoder, Tags; t = Tags();"
            "e = RowEncoder(t); "
            "r = b''.join(ROW.pack(1.5, i, i, t.number('x')) for i in range(1000));"
            "a = e.records(r); assert 'numpy' not in sys.modules;"
            f"e._encoded = {module._NUMPY_PAYS}; b = e.records(r); assert 'numpy' in sys.modules;"
            "assert b''.join(a) == b''.join(b); print('same')")
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout == "same\n"
