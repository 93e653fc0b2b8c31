"""Many runs at once: few open files, one event file a run, nothing lost."""
from __future__ import annotations

import errno
import os
import time
import warnings

import pytest
from tests.support.judges import board, events

from tbwriter import FileWriter, SummaryWriter, summary
from tbwriter._log import event_file


def open_files(directory):
    links = "/proc/self/fd"
    paths = (os.path.join(links, name) for name in os.listdir(links))
    return sum(os.path.realpath(path).startswith(os.path.realpath(directory)) for path in paths)


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="counts open files through /proc")
def test_few_files_are_open(tmp_path):
    """However many runs are written in turns, a bounded number of files is open, and each run has
    one event file with all its points."""
    runs = 2 * event_file.MAX_OPEN
    with FileWriter(tmp_path) as writer:
        for step in range(5):
            for number in range(runs):
                writer.sub_run(f"r{number:03d}").add_scalar("x", number, step)
            writer.flush()
            assert open_files(tmp_path) <= event_file.MAX_OPEN + 1
    assert open_files(tmp_path) == 0
    assert len(list(tmp_path.rglob("*tfevents*"))) == runs
    assert len(events(tmp_path)) == runs * 6
    with board(tmp_path, "fast") as b:
        assert b.scalars("r100", "x") == [(step, 100.0) for step in range(5)]


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="counts open files through /proc")
def test_few_files_are_open_beside_embeddings(tmp_path):
    """Nor are more open where runs have nothing but side files."""
    with SummaryWriter(tmp_path) as writer:
        for number in range(2 * event_file.MAX_OPEN):
            run = writer.sub_run(f"r{number:03d}")
            run.add(summary.embedding("e", [[1.0, 2.0], [3.0, 4.0]]), 0)
        writer.flush()
        assert open_files(tmp_path) <= event_file.MAX_OPEN + 1
    assert len(list(tmp_path.rglob("*tfevents*"))) == 2 * event_file.MAX_OPEN


@pytest.mark.parametrize("asynchronous", [True, False])
@pytest.mark.parametrize("runs", [1, 2, 100])
def test_one_warning_per_outage(tmp_path, monkeypatch, runs, asynchronous):
    """A full disk causes one warning, however many runs a writer has below it; so does the next
    one. No value is lost."""
    real = event_file._write
    curves = {str(number): 1.0 for number in range(runs)}

    def refuse(descriptor, parts):
        raise OSError(errno.ENOSPC, "full")

    with SummaryWriter(tmp_path, asynchronous=asynchronous, flush_secs=0.01) as writer:
        writer.add_scalars("x", curves, 0)
        for outage in (1, 2):
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                monkeypatch.setattr(event_file, "_write", refuse)
                for step in range(4):
                    writer.add_scalars("x", curves, 10 * outage + step)
                    time.sleep(0.1)
                monkeypatch.setattr(event_file, "_write", real)
                writer.flush()
            assert [str(warning.message)[-40:] for warning in caught] == [
                str(caught[0].message)[-40:]]
            assert "full" in str(caught[0].message)
    assert len(events(tmp_path)) == runs * (1 + 9)


@pytest.mark.parametrize("replaced", [False, True])
def test_a_file_that_is_gone(tmp_path, monkeypatch, replaced):
    """A file that was removed or replaced while it was closed is left alone; the run continues in
    another one, with a warning."""
    monkeypatch.setattr(event_file, "MAX_OPEN", 0)
    writer = FileWriter(tmp_path)
    writer.add_scalar("x", 1, 1)
    writer.flush()
    first = writer.path
    os.rename(first, tmp_path / "elsewhere")
    if replaced:
        with open(first, "xb"):
            pass
    with pytest.warns(RuntimeWarning, match="has been re(mov|plac)ed"):
        for step in range(2, 60):  # the call after the write warns
            writer.add_scalar("x", step, step)
            time.sleep(0.01)
    writer.close()
    assert writer.path != first
    assert [event.step for event in events(writer.path)[1:]] == list(range(2, 60))
    assert not replaced or os.path.getsize(first) == 0
