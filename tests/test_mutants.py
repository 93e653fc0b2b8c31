"""The mutants: each differs from the source in one place, and a seed makes the same ones again."""
from __future__ import annotations

import ast
import random
import sys
from itertools import islice

import pytest

from tests import mutants as module

pytestmark = pytest.mark.skipif(sys.version_info < (3, 9), reason="ast.unparse is of Python 3.9")


def test_a_seed_makes_the_same_mutants() -> None:
    """Each mutant is valid, differs from its file, and comes again with its seed."""
    made, again, others = (list(islice(module.mutants(["_tfrecord"], random.Random(seed)), 20))
                           for seed in (1, 1, 2))
    assert made == again != others
    for mutant in made:
        source = (module.PACKAGE / mutant.path).read_text(encoding="utf-8")
        assert ast.dump(ast.parse(mutant.source)) != ast.dump(ast.parse(source))
        assert mutant.before != mutant.after


@pytest.mark.parametrize("source, want", [
    ("a < b", "a <= b"), ("a and b", "a or b"), ("1", "2"), ("True", "False"), ("a + b", "a - b"),
    ("a is None", "a is not None"), ("a if b else c", "a if not b else c")])
def test_changes(source: str, want: str) -> None:
    """An operator, a number or a condition becomes another."""
    node = ast.parse(source, mode="eval").body
    assert module.changed(node)
    assert ast.unparse(ast.fix_missing_locations(node)) == want


def test_every_folder_has_its_tests() -> None:
    """The tests that are to notice a mutant exist."""
    for folder, tests in module.TESTS.items():
        assert (module.PACKAGE / folder).is_dir()
        assert all((module.ROOT / path).exists() for path in tests)


def test_the_tests_of_a_file_are_among_those_that_run_first() -> None:
    """A file that has tests of its own name is not sent to others alone."""
    for name, tests in module.MIRRORS.items():
        folder, _, file = name.partition("/")
        assert (module.PACKAGE / name).is_file()
        assert all((module.ROOT / path).exists() for path in tests)
        own = f"tests/{folder.strip('_')}/test_{file.strip('_')}"
        assert not (module.ROOT / own).exists() or {own, own.rpartition("/")[0]} & set(tests), name
