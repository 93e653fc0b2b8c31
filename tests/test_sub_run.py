"""Runs below a writer's log directory: one writer object, several curves in one chart."""
from __future__ import annotations

import gc
import os
import pickle
import weakref

import pytest
from tests.support.judges import board, both_loaders, events

from tbwriter import FileWriter, SummaryWriter


@both_loaders
def test_runs_below_the_log_directory(tmp_path, loader):
    """The same tag in two runs below; the directory itself stays a run of its own."""
    with FileWriter(tmp_path) as writer:
        writer.add_scalar("loss", 0.5, 3)
        writer.sub_run("train").add_scalar("loss", 0.25, 3)
        writer.sub_run("validation/best").add_scalar("loss", 0.75, 4)
        assert writer.sub_run("train") is writer.sub_run("train")
    with board(tmp_path, loader) as b:
        assert b.runs() == [".", "train", "validation/best"]
        assert b.scalars(".", "loss") == [(3, 0.5)]
        assert b.scalars("train", "loss") == [(3, 0.25)]
        assert b.scalars("validation/best", "loss") == [(4, 0.75)]


@pytest.mark.parametrize("order", [0, 1])
def test_one_writer_for_each_run(tmp_path, order):
    """Whichever writer above it is asked, by whatever method: values without a step are numbered
    once, in one file; flush() and close() cover each run once."""
    with SummaryWriter(tmp_path) as writer:
        ways = [lambda: writer.sub_run("a/b"), lambda: writer.sub_run("a").sub_run("b")]
        first, second = (way() for way in (ways[order], ways[1 - order]))
        assert first is second
        deep = writer.sub_run("a").sub_run("b/c")
        assert deep is first.sub_run("c") is writer.sub_run("a/b/c")
        for _ in range(3):
            first.add_scalar("m", 1.0)
            second.add_scalar("m", 2.0)
        writer.sub_run("a").add_hparams({"lr": 1}, {"h": 1.0}, run_name="b")
        writer.add_hparams({"lr": 1}, {"h": 1.0}, run_name="a/b")
        for _ in range(2):
            writer.sub_run("a").add_scalars("m", {"x": 1.0})
            writer.sub_run("a/m_x").add_scalar("m", 2.0)
        family = [writer, *map(writer.sub_run, ("a", "a/b", "a/m_x", "a/b/c"))]
        for above, size in ((writer, 5), (family[1], 4), (first, 2), (deep, 1)):
            found = above._family()
            assert len(found) == len(set(found)) == size and set(found) <= set(family)
    for name, count in (("a/b", 3), ("a/m_x", 2)):
        assert len(list((tmp_path / name).glob("*tfevents*"))) == 1
        assert [event.step for event in events(tmp_path / name) for value in event.summary.value
                if value.tag == "m"] == list(range(2 * count))


def test_a_dropped_writer_is_closed_at_once(tmp_path):
    """Without the collector, also one with runs below; a run that is still held goes on."""
    gc.disable()
    try:
        writer = SummaryWriter(tmp_path, resume=True, purge_step=0)
        held = writer.sub_run("a")
        gone = [weakref.ref(one) for one in (
            writer, writer.sub_run("a/b/c"), writer.sub_run("d"), writer.sub_run("d").sub_run("e"))]
        del writer
        assert [one() is None for one in gone] == [True, False, True, True]
        assert held.sub_run("b").sub_run("c") is gone[1]() is held.sub_run("b/c")
        held.close()
    finally:
        gc.enable()


@pytest.mark.skipif(os.sep == "/", reason="here it is a character like others")
def test_a_backslash_separates(tmp_path):
    """On Windows, where both slashes do."""
    with SummaryWriter(tmp_path) as writer:
        assert writer.sub_run("a\\b") is writer.sub_run("a/b")


@both_loaders
def test_a_directory_of_runs_is_none_itself(tmp_path, loader):
    """Where all values go to runs below, TensorBoard lists these alone; a value of its own makes
    the directory a run again."""
    with FileWriter(tmp_path) as writer:
        writer.sub_run("train").add_scalar("loss", 0.25, 3)
        writer.flush()
        assert not writer.path and not list(tmp_path.glob("*tfevents*"))
        with board(tmp_path, loader) as b:
            assert b.runs() == ["train"]
        writer.add_scalar("loss", 0.5, 4)
        writer.sub_run("validation").add_scalar("loss", 0.75, 3)
    with board(tmp_path, loader) as b:
        assert b.runs() == [".", "train", "validation"]
        assert b.scalars(".", "loss") == [(4, 0.5)]


@pytest.mark.parametrize("first", ["embedding", "run"])
def test_an_embedding_keeps_the_directory_a_run(tmp_path, first):
    """Side files are shown only beside an event file: there is one, whatever came first."""
    with SummaryWriter(tmp_path / "logs") as writer:
        if first == "embedding":
            writer.add_embedding([[1.0, 2.0], [3.0, 4.0]], tag="points")
        writer.sub_run("train").add_scalar("loss", 0.25, 3)
        if first == "run":
            writer.flush()
            assert not writer.path
            writer.add_embedding([[1.0, 2.0], [3.0, 4.0]], tag="points")
    with board(tmp_path, "fast") as b:
        assert b.runs() == ["logs", "logs/train"]


@both_loaders
def test_flush_and_later_use(tmp_path, loader):
    """flush() of the writer has the runs below on disk; after close() they continue in a new
    file."""
    writer = FileWriter(tmp_path, flush_secs=60)
    writer.sub_run("a").add_scalar("x", 1, 0)
    writer.flush()
    with board(tmp_path, loader) as b:
        assert b.scalars("a", "x") == [(0, 1.0)]
    writer.close()
    writer.sub_run("a").add_scalar("x", 2, 1)
    writer.close()
    with board(tmp_path, loader) as b:
        assert b.scalars("a", "x") == [(0, 1.0), (1, 2.0)]


@pytest.mark.parametrize("name", ["", ".", "..", "a/../b", "/a", "a//b", "\\a",
                                  "./a", "a/.", "a/", "a\\"])
def test_names_that_lead_elsewhere(tmp_path, name):
    """A run can't be made outside the log directory, nor be the directory itself."""
    with FileWriter(tmp_path) as writer, pytest.raises(ValueError, match="below the log dir"):
        writer.sub_run(name)


@pytest.mark.parametrize("name", ["a\0b", "a" * 256, "b/" + "\u00e9" * 128, "\ud800",
                                  "a/" * 600 + "a", "x.tfevents", "tfevents/x"])
@pytest.mark.parametrize("options", [{}, {"disabled": True}])
def test_names_that_no_file_system_takes(tmp_path, name, options):
    """They are refused at the call: the thread would try to make such a directory for ever."""
    with SummaryWriter(tmp_path, **options) as writer:
        with pytest.raises(ValueError, match="got the run name"):
            writer.sub_run(name)


@pytest.mark.parametrize("key", ["..\\..\\x", "\\\\host\\share", "C:\\x", "a\0b", "a" * 300,
                                 "x.tfevents"])
def test_keys_of_any_text_make_runs(tmp_path, key):
    """Curves and trials have runs of escaped names below the log directory, and are written."""
    with SummaryWriter(tmp_path / "logs") as writer:
        writer.add_scalars("m", {key: 1.0}, 1)
        writer.add_scalars(key, {"a": 1.0}, 1)
        writer.add_hparams({"a": 1}, {"m": 1.0}, run_name=key)
    assert [path.name for path in tmp_path.iterdir()] == ["logs"]
    assert len([path for path in (tmp_path / "logs").rglob("*tfevents*") if path.is_file()]) >= 3


def test_attributes_of_a_subclass(tmp_path):
    """A method of a subclass that uses what its `__init__` sets works in the runs below, which keep
    their own steps, times and files."""
    class Scaled(SummaryWriter):
        factor = 1.0

        def __init__(self, logdir, factor):
            super().__init__(logdir)
            self.factor, self._calls = factor, []

        def add_scaled(self, tag, value, step=None):
            self._calls.append(tag)
            self.add_scalar(tag, self.factor * value, step)

    with Scaled(tmp_path, 2.0) as writer:
        writer.add_scaled("loss", 1.0)
        with writer.use_metadata(global_step=7, walltime=1e9):
            run = writer.sub_run("train")
            writer.add_scalar("timed", 1.0)
        run.add_scaled("loss", 3.0)
        run.sub_run("deep").add_scaled("loss", 4.0)
        assert writer._calls == ["loss"] * 3 and run.default_step is None
    written = [sorted((value.tag, event.step, value.simple_value, event.wall_time == 1e9)
                      for event in events(directory) for value in event.summary.value)
               for directory in (tmp_path / "train" / "deep", tmp_path / "train", tmp_path)]
    deep, train = ("loss", 0, 8.0, False), ("loss", 0, 6.0, False)
    assert written == [[deep], [train, deep],
                       [("loss", 0, 2.0, False), train, deep, ("timed", 7, 1.0, True)]]


def test_a_name_is_text(tmp_path):
    """A number is no name."""
    with FileWriter(tmp_path) as writer, pytest.raises(TypeError, match="want str"):
        writer.sub_run(3)


def test_disabled_and_pickled(tmp_path):
    """A disabled writer has no runs below; a pickled one opens its own where it is loaded."""
    silent = FileWriter(tmp_path / "silent", disabled=True)
    silent.sub_run("a").add_scalar("x", 1)
    silent.close()
    assert not (tmp_path / "silent").exists()
    with FileWriter(tmp_path / "loud") as writer:
        writer.sub_run("a").add_scalar("x", 1)
        with pickle.loads(pickle.dumps(writer)) as copy:
            copy.sub_run("a").add_scalar("x", 2)
            copy.flush()
            writer.flush()
            assert copy.sub_run("a").path != writer.sub_run("a").path
