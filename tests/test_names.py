"""Names made from tags: inside the log directory, short, and one for each tag."""
from __future__ import annotations

import os.path
import tracemalloc
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tbwriter._names import MAX_BYTES, file_name, is_name, relative_path, run_name

HOSTILE = ["", ".", "..", "../x", "/etc/passwd", "a/../../b", "a\0b", "c:\\x", "~", "a" * 300,
           "é" * 100, "\n", "-rf", "x.tfevents.y", "%2E%2E", "\ud800"]


@pytest.mark.parametrize("make", [file_name, relative_path])
@pytest.mark.parametrize("tag", HOSTILE)
def test_hostile_names(make, tag):
    """No hostile tag leaves its directory, is too long, or is taken for an event file."""
    check(make(tag))


@given(st.text(max_size=400))
def test_any_text(tag):
    """Any text gives a usable name and a usable path."""
    check(file_name(tag))
    check(relative_path(tag))
    assert "/" not in file_name(tag)


def check(path):
    assert os.path.commonpath(["/log", os.path.normpath(f"/log/{path}")]) == "/log"
    assert all(part not in ("", ".", "..") for part in path.split("/"))
    assert path.isascii() and len(path) <= MAX_BYTES
    assert not set(path) & set("\0\\\n ~:") and "tfevents" not in path


@given(st.sets(st.text(max_size=300), min_size=2, max_size=2))
def test_different_tags_have_different_names(tags):
    """Two tags never share a name."""
    one, other = tags
    assert file_name(one) != file_name(other)


def test_plain_names_stay():
    """Harmless names are kept, so that people find their files."""
    assert file_name("loss-1_b.c") == "loss-1_b.c"
    assert relative_path("layer1/weight") == "layer1/weight"
    assert file_name("a b/é") == "a%20b%2F%C3%A9"


@pytest.mark.parametrize("text, name", [
    ("", "%"), (".", "%2E"), ("..", "%2E."), (".hidden", "%2Ehidden"), ("a.b", "a.b"),
    ("%", "%25"), ("\n\0", "%0A%00"), ("\ud800", "%ED%A0%80"), ("x.tfevents.y", "x.%74fevents.y"),
    ("a" * 200, "a" * 200), ("a" * 201, "a" * 183 + "-" + sha256(b"a" * 201).hexdigest()[:16])])
def test_escaped_names(text, name):
    """Each name is documented text: people look for the file, and the next version finds it."""
    assert file_name(text) == name


@pytest.mark.parametrize("text", [
    "con", "NUL", "nul.txt", "com1", "LPT9.a.b", "a.", "a..", "..", ".", "", "aux .x", "CONIN$"])
def test_names_on_windows(text):
    """Names of devices, and names that would lose their last dot on Windows, are escaped there."""
    name = file_name(text, windows=True)
    assert is_name(name, windows=True)
    if text not in ("", ".", ".."):
        assert not is_name(text, windows=True)
        assert name != file_name(text + "x", windows=True)


def test_different_tags_have_different_names_on_windows():
    """Names that end in dots stay apart."""
    texts = ["a", "a.", "a..", "%61", "%61.", "con", "%63on", ".", "..", "%2E"]
    assert len({file_name(text, windows=True) for text in texts}) == len(texts)


def test_names_of_long_texts_are_not_kept():
    """Names of runs are remembered for the next call, those of very long texts are not."""
    tracemalloc.start()
    try:
        for number in range(50):
            run_name(f"{number}" + "x" * 100_000)
        assert tracemalloc.get_traced_memory()[0] < 1_000_000
    finally:
        tracemalloc.stop()
