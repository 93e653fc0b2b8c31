"""Descriptions of tags, each with a number, of any text and bytes."""
from __future__ import annotations

from typing import Any, List, Tuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tbwriter._files.described import Described
from tbwriter._proto.parse import Metadata

PARTS = st.one_of(st.text(max_size=5), st.binary(max_size=5), st.integers(-1 << 70, 1 << 70))


@given(st.lists(st.lists(PARTS, max_size=4).map(tuple), max_size=12))
@pytest.mark.parametrize("quick", [0, 3])
def test_numbers_are_those_of_a_dict(quick: int, descriptions: List[Tuple[Any, ...]]) -> None:
    """Equal descriptions have one number, whether they are kept as objects or as text, and each
    comes back as it was."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tbwriter._files.described._QUICK", quick)
        described = Described()
        want: List[Tuple[Any, ...]] = []
        for description in descriptions:
            if description not in want:
                want.append(description)
            assert described.number(description) == want.index(description)
        assert [tuple(one) for one in described] == want
        assert [tuple(described[number]) for number in range(len(want))] == want


def test_long_descriptions() -> None:
    """Those of more than 1000 characters stay the objects that they are, with negative numbers."""
    described = Described()
    long = Metadata("hparams", bytes(2000))
    number = described.number(long)
    assert number < 0 and described[number] is long
    assert list(described) == [long]
