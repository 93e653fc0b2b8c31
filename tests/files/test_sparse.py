"""Columns of integers whose last ones are not stored."""
from __future__ import annotations

from typing import Dict, List, Tuple

from hypothesis import given
from hypothesis import strategies as st

from tbwriter._files.sparse import Places, Sparse


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
