"""Object stores as log directories: whatever a key looks like, its object can be read."""
from __future__ import annotations

from pathlib import Path
from typing import Iterator

import pytest

from tbwriter import reader
from tbwriter.cli import main
from tests.support.data import VERSION, record_of, scalar_event

KEYS = ("logs//x/", "logs/y//", "logs/z/", "logs/z//")


@pytest.fixture
def slashes() -> Iterator[str]:
    """A store whose keys have empty names between their slashes."""
    fsspec = pytest.importorskip("fsspec", reason="needs fsspec")
    store = fsspec.filesystem("memory")
    for number, key in enumerate(KEYS):
        data = record_of(VERSION) + record_of(scalar_event("a", float(number), 1))
        store.pipe_file(f"/slashes/{key}events.out.tfevents.1600000000", data)
    yield "memory://slashes/logs"
    store.rm("/slashes", recursive=True)


def test_keys_with_double_slashes_are_read(slashes: str) -> None:
    """Each key is a run of its own, and no slash of it is lost."""
    found = {name: run.scalars("a").values.tolist() for name, run in reader.read(slashes).items()}
    assert found == {"/x": [0.0], "y/": [1.0], "z": [2.0], "z/": [3.0]}


@pytest.mark.parametrize("command", ["show", "check", "export", "tail --once", "repair"])
def test_an_object_whose_size_is_not_known(command: str, slashes: str, tmp_path: Path,
                                           monkeypatch: pytest.MonkeyPatch,
                                           capsys: pytest.CaptureFixture[str]) -> None:
    """Servers may answer without a Content-Length: a command ends with an error that names it."""
    from fsspec.implementations.memory import MemoryFileSystem
    found = MemoryFileSystem.find
    monkeypatch.setattr(MemoryFileSystem, "find", lambda *args, **options: {
        path: {**info, "size": None} for path, info in found(*args, **options).items()})
    info = MemoryFileSystem.info
    monkeypatch.setattr(MemoryFileSystem, "info", lambda *args, **options: {
        **info(*args, **options), "size": None})
    out = [str(tmp_path / "out")] if command == "repair" else []
    assert main([*command.split(), slashes, *out]) == 2
    assert "got memory://slashes/logs//x/events.out.tfevents.1600000000, whose size the server " \
        "does not say" in capsys.readouterr().err


def test_a_copy_of_such_runs_stays_below_its_directory(slashes: str, tmp_path: Path) -> None:
    """`repair` writes every value of them, and nothing outside OUT."""
    assert main(["repair", slashes, str(tmp_path / "out")]) == 0
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    copied = reader.read(str(tmp_path / "out")).values()
    assert sorted(run.scalars("a").values[-1] for run in copied) == [0.0, 1.0, 2.0, 3.0]
