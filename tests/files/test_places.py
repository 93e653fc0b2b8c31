"""Patterns of names, and which directories are runs."""
from __future__ import annotations

import fnmatch
import random
import time

import pytest

from tbwriter._files.places import matches


def test_patterns_fit_as_those_of_a_shell() -> None:
    """"*" is any text and "?" any character, also a newline."""
    chosen = random.Random(7)
    for _ in range(3000):
        pattern = "".join(chosen.choice("ab*?\n") for _ in range(chosen.randrange(8)))
        name = "".join(chosen.choice("ab\n") for _ in range(chosen.randrange(10)))
        assert matches(pattern, name) == fnmatch.fnmatchcase(name, pattern), (pattern, name)


@pytest.mark.parametrize("pattern", ["*a*b*", "*a*a*a*b*", "*a?*?a*b", "a*b*a", "?*a*?b*"])
def test_a_long_name_takes_a_time_in_proportion(pattern: str) -> None:
    """Eight times the name takes about eight times as long, not 64 times."""
    def seconds(length: int) -> float:
        taken = []
        for _ in range(3):
            begin = time.perf_counter()
            assert not matches(pattern, "a" * length)
            taken.append(time.perf_counter() - begin)
        return min(taken)
    matches(pattern, "a")
    assert seconds(16_000) < 30 * max(seconds(2_000), 2e-5)
