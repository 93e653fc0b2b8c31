"""Errors of objects that are given as arguments: none of them reaches the caller as it is."""
from __future__ import annotations

import inspect
import os
import signal
import time
import warnings
from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from tbwriter import FileWriter, LogWarning, SummaryWriter, summary
from tbwriter._foreign import checked, shown
from tbwriter.ranks import rank_writer
from tests import fuzz_writer
from tests.fuzz_writer import GOOD
from tests.support import judges

UNTRUE = np.ones((2, 3))  # an array that has no truth value


class Broken:
    """An object of which every method raises something of its own."""

    def __bool__(self):
        raise RuntimeError("no truth value")

    def __eq__(self, other):
        raise KeyError("no equality")

    def __hash__(self):
        raise OSError("no hash")

    def __repr__(self):
        raise NotImplementedError("no repr")

    def __getattr__(self, name):
        raise BufferError("no attribute")


def arguments(method):
    """[(the name of an argument, all others as they should be)]"""
    names = list(inspect.signature(getattr(SummaryWriter, method)).parameters)[1:]
    good = dict(zip(names, GOOD[method]))
    return [(name, {other: value for other, value in good.items() if other != name})
            for name in names]


@pytest.mark.parametrize("method", sorted(GOOD))
def test_each_argument_of_each_method(tmp_path, method):
    """Broken objects, alone and in containers, and arrays where a flag or text belongs: a
    TypeError or ValueError that says what it got and what it wants, or the argument is not read."""
    with SummaryWriter(tmp_path) as writer:
        for name, others in arguments(method):
            for value in (Broken(), [Broken()], {"a": Broken()}, UNTRUE, "\ud800"):
                try:
                    getattr(writer, method)(**others, **{name: value})
                except (TypeError, ValueError) as error:
                    assert str(error).startswith("got ") and ", want " in str(error), (name, value)
                    assert "truth value of an array" not in str(error), (name, value)


@pytest.mark.parametrize("setting", ["name", "host", "every", "steps", "max_events"])
def test_each_setting_of_a_profile(tmp_path, setting):
    """Broken objects as settings of a profile are refused with TypeError or ValueError."""
    with SummaryWriter(tmp_path) as writer, pytest.raises((TypeError, ValueError), match="^got "):
        writer.profile(**{setting: Broken()})


@pytest.mark.parametrize("name, method, others", [
    ("display_name", "add_scalar", ("a", 1.0)), ("description", "add_scalar", ("a", 1.0)),
    ("grid", "add_images", ("a", np.zeros((2, 3, 4, 5)))), ("blobs", "add_tensor", ("a", [b"x"])),
    ("normalize", "add_image", ("a", np.zeros((3, 4, 5)))),
    ("normalize", "add_confusion_matrix", ("a", [0, 1], [1, 1]))])
def test_an_array_as_flag_or_text(tmp_path, name, method, others):
    """It is refused by its name and type."""
    with SummaryWriter(tmp_path) as writer:
        with pytest.raises(TypeError, match=rf"got (a )?{name} of type ndarray(?s:.*), want "):
            getattr(writer, method)(*others, **{name: UNTRUE})


NO_NUMBERS = {
    "text": np.array(["1.5"]), "bytes": np.array([b"1.5"]), "text as object":
    np.array(["1.5"], object), "complex": np.clongdouble(1j), "void": np.void(b"1"),
    "duration": np.timedelta64(3, "ns"), "date": np.datetime64("2020-01-01", "ns"),
    "date as object": np.array([np.datetime64("2020-01-01", "ns")], object),
}
NUMBERS = {"decimal": np.array([Decimal("1.5")], object), "half": np.float16(1.5),
           "quotient": np.array(Fraction(3, 2), object), "long": np.longdouble(1.5)}


@pytest.mark.parametrize("name", NO_NUMBERS)
def test_no_number_is_made_of_something_else(tmp_path, name):
    """Texts, dates, durations and complex numbers, of which `float` makes numbers, are refused as
    values, steps and times."""
    value = NO_NUMBERS[name]
    with SummaryWriter(tmp_path) as writer:
        for call in (lambda: writer.add_scalar("a", value, 0),
                     lambda: writer.add_scalar("a", 1.0, value),
                     lambda: writer.add_scalar("a", 1.0, 0, value),
                     lambda: writer.add_values({"a": value}, 0),
                     lambda: writer.add_scalars("a", {"b": value}, 0),
                     lambda: writer.add_scalar_series("a", [value, value]),
                     lambda: writer.add_hparams({"rate": 1}, {"loss": value}),
                     lambda: writer.add_histogram("a", [value, value])):
            with pytest.raises((TypeError, ValueError), match="got .*, want "):
                call()
    assert not list(tmp_path.rglob("*tfevents*"))


@pytest.mark.parametrize("name", NUMBERS)
def test_numbers_of_other_types(name):
    """Numbers of any type, alone or as the one object of an array, are taken."""
    value, = judges.values(summary.scalar("a", NUMBERS[name]))
    assert value.simple_value == 1.5


@pytest.mark.parametrize("kind", ["texts", "texts of pandas", "dates", "categories", "columns"])
def test_columns_without_numbers(kind):
    """Columns of texts and dates are no numbers, though pandas converts them."""
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    columns = {
        "texts": pandas.Series(["1", "2"], dtype=object),
        "texts of pandas": pandas.array(["1", "2"], dtype="string"),
        "dates": pandas.Series(pandas.date_range("2020", periods=2, tz="UTC")),
        "categories": pandas.Categorical(["1", "2"]),
        "columns": pandas.DataFrame({"a": ["1", "2"], "b": [1, 2]})}
    for make in (summary.histogram, summary.tensor, summary.audio):
        if (make, kind) != (summary.tensor, "texts"):
            with pytest.raises(TypeError, match="got .*, want "):
                make("a", columns[kind])


def test_columns_of_numbers():
    """Nullable numbers and objects that are numbers are taken; a missing one is NaN."""
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    for column in (pandas.array([1, None, 3], dtype="Int64"),
                   pandas.Series([1, None, 3], dtype="Float64"),
                   pandas.Series([Decimal(1), None, 3.0], dtype=object),
                   pandas.DataFrame({"a": pandas.array([1, None, 3], dtype="Int64")})):
        value, = judges.values(summary.histogram("a", column))
        assert (value.histo.num, value.histo.sum) == (2, 4)


def test_the_argument_at_fault_is_named(tmp_path):
    """With its type and its own error, which is the cause."""
    with pytest.raises(TypeError, match="got labels of type Broken that can't be used "
                                        r"\(\w+: no \w+.*want the arguments that pr_curve") as info:
        summary.pr_curve("a", Broken(), [0.5])
    assert not isinstance(info.value.__cause__, (TypeError, ValueError, type(None)))


class TooLate(Exception):
    """The error of a time limit, which is a signal."""


def _waiting(*args):
    signal.setitimer(signal.ITIMER_REAL, 0.01)
    time.sleep(60)


class Slow:
    """Each of its methods runs into the time limit."""

    tolist = values = __float__ = __index__ = __bool__ = __iter__ = __str__ = __repr__ = _waiting
    __fspath__ = __array__ = __len__ = __ne__ = _waiting


class SlowMapping(Mapping):
    """A dict whose methods run into it."""

    __getitem__ = __iter__ = __len__ = _waiting


class SlowSize(np.ndarray):
    """An array whose size does."""

    nbytes = property(_waiting)


SLOW: Any = Slow()
LIMITED = {
    "scalars": lambda w: summary.scalars(SLOW),
    "scalar": lambda w: w.add_scalar("a", SLOW, 1),
    "a path": lambda w: FileWriter(SLOW),
    "a flag": lambda w: FileWriter(w.logdir, resume=SLOW),
    "a step": lambda w: w.add_text("a", "b", SLOW),
    "a number of values": lambda w: w.add_scalar_series("a", SLOW),
    "a count": lambda w: FileWriter(w.logdir, max_file_bytes=SLOW),
    "text": lambda w: w.add_text("a", SLOW),
    "labels": lambda w: w.add_embedding(np.eye(3), SLOW),
    "boxes": lambda w: w.add_image_with_boxes("a", np.zeros((3, 9, 9)), [[1, 1, 2, 2]],
                                              labels=SLOW),
    "hparams": lambda w: w.add_hparams({"a": SLOW}, {}),
    "config": lambda w: w.add_mesh("a", np.eye(3), config_dict=SlowMapping()),
    "histogram": lambda w: w.add_histogram("a", np.arange(3.0).view(SlowSize)),
    "classes": lambda w: w.add_confusion_matrix("a", [SLOW, 1], [0, 1]),
    "description": lambda w: w.add_histogram("a", [1.0], description=SLOW),
    "tag": lambda w: w.add_histogram(SLOW, [1.0]),
    "place": lambda w: rank_writer(w.logdir, place=SLOW),
}


@pytest.mark.parametrize("name", LIMITED)
def test_a_signal_handlers_error_is_not_an_arguments(tmp_path, name):
    """A time limit that is a signal ends a call with the limit's own error, in whichever method of
    an argument it comes."""
    def handler(number, frame):
        raise TooLate

    former = signal.signal(signal.SIGALRM, handler)
    try:
        with FileWriter(tmp_path / "other"), SummaryWriter(tmp_path / "log") as writer:
            with pytest.raises(TooLate):
                LIMITED[name](writer)
            signal.setitimer(signal.ITIMER_REAL, 0)
    finally:
        signal.signal(signal.SIGALRM, former)


def test_the_storages_errors_stay(tmp_path, monkeypatch):
    """A strict synchronous writer raises the OSError of the disk, not one of its arguments."""
    writer = FileWriter(tmp_path, asynchronous=False, strict=True)
    writer.add_scalar("a", 1.0, 0)

    def full(*args):
        raise OSError(28, "No space left on device")
    monkeypatch.setattr(os, "write", full)
    monkeypatch.setattr(os, "writev", full, raising=False)
    with pytest.raises(OSError, match="No space left"):
        writer.add(summary.text("a", "b"), 1)
    monkeypatch.undo()
    writer.close()


def test_a_warning_that_is_raised_stays(tmp_path):
    """`-W error` raises the LogWarning of a call."""
    with SummaryWriter(tmp_path) as writer, warnings.catch_warnings():
        writer.add_scalar("a", 1.0, 5)
        warnings.simplefilter("error", LogWarning)
        with pytest.raises(LogWarning, match="had steps before"):
            writer.add_scalar("a", 1.0)


def test_signatures_stay():
    """`inspect`, and a call that does not fit, see the function itself."""
    assert list(inspect.signature(summary.text).parameters) == [
        "tag", "data", "display_name", "description"]
    with pytest.raises(TypeError, match=r"text\(\) missing 1 required"):
        summary.text("a")

    @checked
    def own(value):
        raise ZeroDivisionError
    with pytest.raises(TypeError, match=r"got value=3 that can't be used \(ZeroDivisionError"):
        own(3)


@pytest.mark.parametrize("kind", fuzz_writer.WRITERS, ids=lambda kind: kind.__module__)
def test_calls_that_do_not_fit(tmp_path, kind):
    """Each method of each writer, with arguments that it does not have: Python's own error."""
    with kind(tmp_path) as writer:
        for method, good in fuzz_writer.WRITERS[kind].items():
            if method.startswith("summary."):
                continue
            call = fuzz_writer.function(writer, method)
            kinds = {parameter.kind for parameter in inspect.signature(call).parameters.values()}
            if inspect.Parameter.VAR_POSITIONAL not in kinds:
                with pytest.raises(TypeError, match=r"\(\) takes .* positional argument"):
                    call(*good, *[None] * 50)
            if inspect.Parameter.VAR_KEYWORD not in kinds:
                with pytest.raises(TypeError, match=r"\(\) got an unexpected keyword argument"):
                    call(*good, no_such_argument=1)


def test_the_text_of_an_object():
    """The start of its repr; its type where it has none."""
    assert shown([1]) == "[1]" and len(shown("x" * 1000)) == 80
    assert shown(Broken()) == "<Broken>"
