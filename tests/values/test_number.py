"""Single numbers: values, steps, times and counts, from any package, and errors for the rest."""
from __future__ import annotations

import itertools
import math
import subprocess
import sys
import warnings
from decimal import Decimal

import numpy as np
import pytest

from tbwriter._values.number import as_count, as_float, as_step, as_wall_time, is_plain, items

MASKED = [np.ma.masked, np.ma.array([2.0], mask=[1]), np.ma.array(3, mask=True)]


class Failing:
    """A foreign array that raises an error of its own for everything."""

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        raise RuntimeError("no data")

    def __float__(self):
        raise RuntimeError("no data")


@pytest.mark.parametrize("value", MASKED)
def test_masked_is_nan(value):
    """A masked element is NaN as a value, and no step, time or count."""
    assert math.isnan(as_float(value))
    with pytest.raises(ValueError, match="got the step nan, want an integer"):
        as_step(value)
    with pytest.raises(ValueError, match="got the wall_time nan, want finite"):
        as_wall_time(value)
    assert not is_plain(value)


def test_a_mask_without_a_masked_element():
    """Arrays of numpy.ma are numbers where nothing is masked."""
    assert as_float(np.ma.array([2.5], mask=[0])) == 2.5
    assert as_step(np.ma.array(3)) == 3


@pytest.mark.parametrize("value", [
    Failing(), {}, {1: 2}, iter([1]), object, print, [], [1], {1}, "1", b"1", 1j, None, ...])
def test_anything_else_is_a_type_error(value):
    """Whatever a foreign object raises, the caller gets a TypeError that says got and want."""
    for convert in (as_float, as_wall_time, as_step):
        with pytest.raises(TypeError, match="(?s)got .* want a number"):
            convert(value)
    with pytest.raises(TypeError, match="(?s)got columns .* want an integer"):
        as_count(value, "columns")


@pytest.mark.parametrize(("step", "wanted"), [
    (0.5, 0), (-0.5, 0), (2.999, 2), (np.float32(7.5), 7), (Decimal("3.2"), 3), (4.0, 4),
    (np.array([5]), 5), (True, 1), (np.uint8(9), 9)])
def test_fractions_of_steps_are_cut(step, wanted):
    """A step is cut to an integer, as torch cuts it."""
    assert as_step(step) == wanted


def test_fractions_are_reported_once():
    """The first fraction is reported, at the user's line, and no whole number."""
    program = ("import warnings\n"
               "from tbwriter import SummaryWriter\n"
               "from tbwriter.testing import MemoryWriter\n"
               "warnings.simplefilter('always')\n"
               "writer = MemoryWriter()\n"
               "writer.add_scalar('a', 1, 3.0)\n"
               "for step in (4.5, 5.5, 6.5):\n"
               "    writer.add_scalar('a', 1, step)\n"
               "print(writer.run.scalars('a').steps.tolist())\n")
    done = subprocess.run([sys.executable, "-c", program], text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, check=True)
    assert done.stdout == "[3, 4, 5, 6]\n"
    assert done.stderr.count("LogWarning: got the step 4.5, which is cut to 4") == 1
    assert done.stderr.startswith("<string>:8:") and done.stderr.count("Warning") == 1


def test_gradients_without_a_warning():
    """A torch tensor that requires gradients is a number, and torch does not warn of it."""
    torch = pytest.importorskip("torch", reason="torch is not installed")
    from tbwriter.testing import MemoryWriter
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        writer = MemoryWriter()
        for step in range(3):
            writer.add_scalar("loss", torch.tensor(float(step), requires_grad=True), step)
    assert writer.run.scalars("loss").values.tolist() == [0, 1, 2]


@pytest.mark.parametrize("value", MASKED)
def test_masked_scalars_are_nan_at_every_step(value):
    """Also after the first value of a tag, which takes another path."""
    from tbwriter.testing import MemoryWriter
    writer = MemoryWriter()
    for step in range(3):
        writer.add_scalar("mean", value, step)
    assert np.isnan(writer.run.scalars("mean").values).tolist() == [True] * 3


def test_counts():
    """Counts are integers from a least one."""
    assert as_count(np.int64(3), "columns") == 3 and as_count(0, "padding", 0) == 0
    for value in (0, -1, 1 << 64):
        with pytest.raises(ValueError, match="got columns=.*, want 1 or more"):
            as_count(value, "columns")


class Endless:
    """Can be indexed without end, as a sparse MXNet array can."""

    def __getitem__(self, at):
        return at


def test_items():
    """The items of lists, arrays, generators; TypeError for objects without an end."""
    assert items((1, "a"), "tags") == [1, "a"]
    assert items((letter for letter in "ab"), "tags") == ["a", "b"]
    assert items(np.arange(3), "tags") == [0, 1, 2]
    for wrong in (Endless(), itertools.count(), 3, None, Failing()):
        with pytest.raises(TypeError, match="got tags of type .* want a list"):
            items(wrong, "tags")
