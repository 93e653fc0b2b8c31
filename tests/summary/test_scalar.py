"""Scalars against real protobuf, and in both loaders."""
from __future__ import annotations

import math

import numpy as np
import pytest
from tests.support.judges import board, both_loaders
from tensorboard.compat.proto import summary_pb2

from tbwriter import FileWriter, summary


def parsed(made):
    return summary_pb2.Summary.FromString(made.SerializeToString())


def test_message():
    """A scalar is a simple_value of float32; name and description come with their plugin."""
    value, = parsed(summary.scalar("a/b", 0.1)).value
    assert value.tag == "a/b" and value.simple_value == np.float32(0.1)
    assert not value.HasField("metadata")
    value, = parsed(summary.scalar("a", 1, display_name="A", description="*what*")).value
    assert value.metadata.plugin_data.plugin_name == "scalars"
    assert (value.metadata.display_name, value.metadata.summary_description) == ("A", "*what*")


def test_several():
    """Scalars of several tags in one event are the sum of single ones, byte for byte."""
    several = {"a": 1.5, "b": np.float16(2), "c": math.inf, "ä": 10 ** 400}
    summed = sum((summary.scalar(tag, value) for tag, value in several.items()),
                 summary.Summary([]))
    assert summary.scalars(several).SerializeToString() == summed.SerializeToString()


@both_loaders
def test_shown(tmp_path, loader):
    """Both loaders show the numbers, the name and the description."""
    with FileWriter(tmp_path) as writer:
        for step, value in enumerate((1.5, -math.inf, math.nan)):
            writer.add(summary.scalar("a", value, display_name="A", description="what"), step)
    with board(tmp_path, loader) as b:
        shown = b.scalars(".", "a")
        assert [step for step, _ in shown] == [0, 1, 2]
        np.testing.assert_array_equal([value for _, value in shown], [1.5, -math.inf, math.nan])
        assert b.tags("scalars")["a"].display_name == "A"


@pytest.mark.parametrize("value, error", [
    ("1", TypeError), (None, TypeError), (1j, TypeError), ([1, 2], TypeError), ({}, TypeError),
    (np.zeros(2), ValueError), (np.zeros(0), ValueError),
])
def test_bad_input(value, error):
    """Anything but a single number is an error at the call, alone and among others."""
    for call in (lambda: summary.scalar("a", value), lambda: summary.scalars({"b": 1, "a": value})):
        with pytest.raises(error, match="got .*, want one number|got .*, want a number"):
            call()
