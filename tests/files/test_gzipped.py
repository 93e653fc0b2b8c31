"""Event files that were compressed by gzip."""
from __future__ import annotations

import gzip
import random
import time
from pathlib import Path
from typing import Any, List

import pytest

from tests.support.data import event_of, record_of, scalar_event, written
from tbwriter import reader, summary
from tbwriter._files.gzipped import Gunzip
from tbwriter._files.window import Window

EVENTS = [scalar_event(f"tag{i % 3}", float(i), i) for i in range(5000)]


def test_compressed_files_are_read(tmp_path: Path) -> None:
    """The same values as of the file that was compressed, with images read when asked for."""
    events = [*EVENTS, event_of(summary.text("notes", "**ready**"), 3)]
    path = written(tmp_path / "plain", events)
    (tmp_path / "gz").mkdir()
    (tmp_path / "gz" / (path.name + ".gz")).write_bytes(gzip.compress(path.read_bytes()))
    plain, found = (reader.read(str(tmp_path / name))["."] for name in ("plain", "gz"))
    assert found.faults == [] and found.tags == plain.tags
    assert found.scalars("tag1").values.tolist() == plain.scalars("tag1").values.tolist()
    assert found.text("notes").values == ["**ready**"]
    with Window(found.files[0]) as window:
        assert window.gzipped and window.size == path.stat().st_size


@pytest.mark.parametrize("members", [1, 3])
def test_any_place(members: int) -> None:
    """Every place can be read, forwards and backwards, also of several files in one."""
    source = random.Random(members)
    data = source.getrandbits(8 * 1000).to_bytes(1000, "little") * 30_000
    cut = len(data) // members
    packed = b"".join(gzip.compress(data[at:at + cut], 1) for at in range(0, len(data), cut))
    with Window(packed) as window:
        assert window.size == len(data) and window.damage == ""
        for _ in range(50):
            at, length = source.randrange(len(data)), source.randrange(1, 5_000_000)
            assert window.read(at, length) == data[at:at + length]


@pytest.mark.parametrize("how", ["cut", "changed"])
def test_damaged(how: str) -> None:
    """The bytes that can be decompressed are read, and the fault reports that there were more."""
    packed = bytearray(gzip.compress(b"".join(map(record_of, EVENTS))))
    if how == "cut":
        del packed[len(packed) // 2:]
    else:
        packed[len(packed) // 2] ^= 0xFF
    run = reader.Run(".", [bytes(packed)])
    assert len(run.scalars("tag0").steps) > 400
    kinds: List[str] = [fault.kind for fault in run.faults]
    assert "bad data" in kinds
    with pytest.raises(reader.ReadError):
        list(reader.events(bytes(packed)))


def test_a_bomb_takes_no_memory(tmp_path: Path) -> None:
    """A file that decompresses to 500 MB of zeros is read in proportion, and nothing is kept."""
    packed = gzip.compress(record_of(EVENTS[0]) + bytes(500_000_000), 1)
    begin = time.process_time()
    run = reader.Run(".", [packed])
    assert time.process_time() - begin < 30
    assert [fault.kind for fault in run.faults] == ["zero bytes"]
    assert len(run.scalars("tag0").steps) == 1


def test_a_record_that_begins_like_gzip() -> None:
    """The first record of an event file may have a length that looks like the mark of gzip."""
    long = int.from_bytes(b"\x1f\x8b\x08", "little")
    size = long - len(event_of(summary.text("t", ""))) - 9
    while True:
        record = record_of(event_of(summary.text("t", "x" * size)))
        if len(record) - 16 == long:
            break
        size += long - len(record) + 16
    assert record[:3] == b"\x1f\x8b\x08"
    assert reader.Run(".", [record]).tags == {"t": "text"}


def test_states_are_few() -> None:
    """However much is decompressed, a bounded number of states is kept."""
    import io
    found = Gunzip(io.BytesIO(gzip.compress(bytes(900_000_000), 1)))
    assert found.size == 900_000_000 and len(found._states) <= 65


def test_a_compressed_object_is_requested_in_large_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of an object on a store 1 MiB is requested at a time, since each request takes its time."""
    fsspec = pytest.importorskip("fsspec")
    from tbwriter._files.objects import Files
    data = random.Random(0).getrandbits(8 << 22).to_bytes(4 << 20, "little")
    packed = gzip.compress(data, 1)
    fsspec.filesystem("memory").pipe_file("/gzipped/events.out.tfevents.1.gz", packed)
    requests = []
    read = Files.read

    def counted(files: Files, one: Any, start: int, end: int) -> bytes:
        requests.append(end - start)
        return read(files, one, start, end)

    monkeypatch.setattr(Files, "read", counted)
    with Window("memory://gzipped/events.out.tfevents.1.gz") as window:
        assert window.read(0, len(data)) == data
    assert len(requests) <= 2 * (len(packed) // (1 << 20) + 2) + 1
