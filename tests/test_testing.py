"""The writer for users' own tests: what it keeps in memory is what a file would hold."""
from __future__ import annotations

import numpy as np
import pytest

from tests.support.judges import events as judged
from tbwriter import SummaryWriter, summary
from tbwriter.testing import MemoryWriter


def _log(writer):
    for step in range(3):
        writer.add_scalar("loss", 1 / (step + 1), step, walltime=1.6e9)
    writer.add(summary.text("notes", "hello"), 1, 1.6e9)
    writer.add(summary.histogram("weights", np.arange(10.0)), 2, 1.6e9)


def test_series_are_read_back_at_once():
    """Scalars, text, histograms, without flush or close."""
    writer = MemoryWriter()
    _log(writer)
    assert writer.run.tags == {"loss": "scalar", "notes": "text", "weights": "histogram"}
    assert writer.run.scalars("loss").values.tolist() == [1.0, 0.5, float(np.float32(1 / 3))]
    assert writer.run.text("notes").values == ["hello"]
    assert [event.step for event in writer.events] == [0, 0, 1, 2, 1, 2]
    assert writer.events[0].file_version == "brain.Event:2"


def test_the_bytes_are_those_of_a_file(tmp_path):
    """Real protobuf reads the same events from a SummaryWriter's file and from memory."""
    writer = MemoryWriter()
    with SummaryWriter(str(tmp_path / "file")) as other:
        _log(writer), _log(other)
    (tmp_path / "memory.tfevents").write_bytes(*writer._memory.contents(""))
    assert judged(tmp_path / "memory.tfevents")[1:] == judged(tmp_path / "file")[1:]


def test_asynchronous_writing_works_too():
    """With the thread, reading waits for the added values."""
    writer = MemoryWriter(asynchronous=True)
    for step in range(1000):
        writer.add_scalar("x", step, step)
    assert writer.run.scalars("x").steps.tolist() == list(range(1000))
    writer.close()


def test_runs_below_and_side_files():
    """add_scalars makes runs; an embedding leaves its files."""
    writer = MemoryWriter()
    writer.sub_run("a/b").add_scalar("x", 1.0, 1)
    writer.add(summary.embedding("points", np.eye(3), ["a", "b", "c"]))
    assert writer.runs["a/b"].tags == {"x": "scalar"}
    assert any(name.endswith("projector_config.pbtxt") for name in writer.files)


def test_mistakes_raise_as_they_do_in_training():
    """Bad input is refused at the call, and what was written before stays."""
    writer = MemoryWriter()
    writer.add_scalar("x", 1.0, 1)
    with pytest.raises(TypeError, match="want"):
        writer.add_scalar("x", "text", 2)
    assert writer.run.tag("x").n == 1


def test_two_writers_share_nothing():
    """Each has its own memory."""
    first, second = MemoryWriter(), MemoryWriter()
    first.add_scalar("x", 1.0, 1)
    assert second.run.tags == {}


def test_a_writer_that_is_closed_and_written_again():
    """Its values are in a second event file, as on a disk; both are read."""
    writer = MemoryWriter()
    writer.add_scalar("x", 1.0, 1)
    first = writer.path
    writer.close()
    writer.add_scalar("x", 2.0, 2)
    assert writer.path > first
    assert writer.run.scalars("x").values.tolist() == [1.0, 2.0]
    assert [event.file_version for event in writer.events].count("brain.Event:2") == 2


def test_a_run_without_values():
    """It can be asked for, before anything is written to it and below a writer; it is not among the
    runs of that writer, as on a disk."""
    writer = MemoryWriter()
    assert writer.run.tags == writer.sub_run("a").run.tags == {}
    assert list(writer.runs) == ["."]


def test_names_of_files():
    """They have the suffix, and no more bytes than one may have; side files are no event files."""
    writer = MemoryWriter(filename_suffix=".mine", max_file_bytes=300)
    for step in range(30):
        writer.add_scalar("x", step, step)
    assert writer.path.endswith(".mine") and len(writer._memory.contents("")) > 3
    assert writer.run.scalars("x").steps.tolist() == list(range(30))
    assert not writer.files
