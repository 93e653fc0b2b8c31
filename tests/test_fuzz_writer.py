"""Any arguments: an error at the call or a value in the file, which is always whole."""
from __future__ import annotations

import re

import pytest

from tests import fuzz_writer


def test_every_method_is_called():
    """Each `add_*` method of a SummaryWriter is among those that the fuzz calls."""
    methods = {name for name in dir(fuzz_writer.SummaryWriter) if name.startswith("add")}
    assert methods == set(fuzz_writer.METHODS)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_any_arguments(seed):
    """Thousands of random calls, many of them nearly right, keep the contract of fuzz_writer."""
    calls, refused = fuzz_writer.main(1500, seed)
    assert calls == 1500 and 0.1 < refused / calls < 0.95


def test_the_seed_of_what_is_found_is_printed(monkeypatch, capsys):
    """Also where no call does it alone; the same seed makes the same calls."""
    seen = []

    def fails(calls, directory, kind):
        seen.append(re.sub(r"0x\w+|_plus\w+", "", str(list(map(
            fuzz_writer.described, calls)))))  # addresses, and MXNet's names
        assert len(calls) == 1, "only together"
    monkeypatch.setattr(fuzz_writer, "contract", fails)
    for _ in range(2):
        with pytest.raises(AssertionError, match="only together"):
            fuzz_writer.main(60, 77)
        assert "seed 77" in capsys.readouterr().out
    assert seen[:len(seen) // 2] == seen[len(seen) // 2:]


def test_a_broken_contract_is_found(tmp_path, monkeypatch):
    """The fuzz notices a method that raises something else, and one that raises late."""
    def raises(self, *args, **kwargs):
        raise KeyError("no such thing")
    monkeypatch.setattr(fuzz_writer.SummaryWriter, "add_text", raises)
    with pytest.raises(KeyError):
        fuzz_writer.contract([("add_text", ("a", "b"), {})], tmp_path / "else")
    monkeypatch.setattr(fuzz_writer.SummaryWriter, "add_text", lambda self, *args: self.add(
        fuzz_writer.Late()))
    with pytest.raises(AssertionError, match="found out after the call"):
        fuzz_writer.contract([("add_text", ("a", "b"), {})], tmp_path / "late")
