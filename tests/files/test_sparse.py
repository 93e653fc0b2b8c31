"""Columns of integers whose last ones are not stored."""
from __future__ import annotations

from typing import Dict, List, Tuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tbwriter._files.sparse import Narrow, Places, Sparse


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(-3, 3)), max_size=30))
def test_as_a_dict(changes: List[Tuple[int, int]]) -> None:
    """Each place holds what was put there last, all others the usual number."""
    column = Sparse("i", -1)
    want: Dict[int, int] = {}
    for at, number in changes:
        column[at] = want[at] = number
    assert [column[at] for at in range(50)] == [want.get(at, -1) for at in range(50)]
    assert all(want.get(at, -1) == -1 for at in range(len(column), 50))


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 50)), max_size=30))
def test_places_as_a_dict(changes: List[Tuple[int, int]]) -> None:
    """Each place holds what was put there last, all others themselves."""
    column = Places()
    want: Dict[int, int] = {}
    for at, number in changes:
        column[at] = want[at] = number
    assert [column[at] for at in range(50)] == [want.get(at, at) for at in range(50)]


def test_usual_numbers_take_no_memory() -> None:
    """A column of a million usual numbers stores none of them."""
    column = Sparse("q", 5)
    for at in range(0, 1_000_000, 1000):
        column[at] = 5
    assert len(column) == 0
    column[9] = 1
    assert len(column) == 10


@given(st.lists(st.integers(-(1 << 63), (1 << 63) - 1) | st.integers(-40_000, 40_000)))
def test_narrow_columns_as_a_list(numbers: List[int]) -> None:
    """Any integers of 64 bits come back, in the narrowest of the types that holds all of them."""
    column = Narrow("hiq")
    for number in numbers:
        column.append(number)
    assert column.stored.tolist() == numbers and len(column) == len(numbers)
    bits = max([number.bit_length() if number >= 0 else (~number).bit_length()
                for number in numbers], default=0)
    assert column.stored.typecode == ("h" if bits < 16 else "i" if bits < 32 else "q")


def test_too_wide_for_a_narrow_column() -> None:
    """A number that fits no type is an OverflowError; the others stay."""
    column = Narrow("hi")
    column.append(70_000)
    with pytest.raises(OverflowError):
        column.append(1 << 40)
    assert column.stored.tolist() == [70_000]
