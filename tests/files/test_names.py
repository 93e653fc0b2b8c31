"""Names and their numbers, as a dict would give them, in a tenth of its memory."""
from __future__ import annotations

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tbwriter._files.names import Names

# Any text that a tag or an argument may be: lone surrogates too.
TEXTS = st.text(st.characters(), max_size=6)


@given(st.lists(TEXTS, max_size=60), st.lists(TEXTS, max_size=10))
def test_numbers_are_those_of_a_dict(given_names, others):
    """A name has the same number each time, in the order of its first; others have none."""
    names, want = Names(), {}
    for name in given_names:
        assert names.number(name) == want.setdefault(name, len(want))
    assert list(names) == list(want)
    assert len(names) == len(want)
    for name in [*given_names, *others]:
        assert names.find(name) == want.get(name, -1)
    assert [names[number] for number in want.values()] == list(want)


def test_many_names():
    """Beyond those that are in a dict, and while the table grows, every name is found again."""
    names, texts = Names(), [f"layer{at % 97}/weight {at}" for at in range(20_000)]
    assert [names.number(text) for text in texts] == list(range(20_000))
    assert [names.number(text) for text in texts] == list(range(20_000))
    assert [names.find(text) for text in texts[::7]] == list(range(0, 20_000, 7))
    assert names.find("layer0") == -1
    assert list(names) == texts


def test_one_name_is_the_start_of_another():
    """Names are whole: "a", "ab" and "" differ wherever they meet."""
    names = Names()
    assert [names.number("a" * length) for length in range(3000)] == list(range(3000))
    assert [names.find("a" * length) for length in range(3000)] == list(range(3000))


def test_more_bytes_than_four_gigabytes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond 32 bits, places take 64 bits; here the limit is lower."""
    monkeypatch.setattr("tbwriter._files.names._NARROW", 1000)
    names, texts = Names(), [f"{at:010d}" for at in range(300)]
    assert [names.number(text) for text in texts] == list(range(300))
    assert list(names) == texts
    assert [names.find(text) for text in texts] == list(range(300))


def test_memory_of_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """100 000 names take at most 40 bytes each, of which their text is ten. Those that are in a
    dict as well take more."""
    monkeypatch.setattr("tbwriter._files.names._QUICK", 100)
    names = Names()
    tracemalloc.start()
    try:
        for at in range(100_000):
            names.number(f"{at:010d}")
        taken, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(names) == 100_000
    assert taken / 100_000 < 40
