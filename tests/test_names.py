"""Names made from tags: inside the log directory, short, and one for each tag."""
from __future__ import annotations

import os.path
import tracemalloc
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tbwriter._names import (MAX_BYTES, distinct, file_name, is_name, relative_path,
                             run_name)

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


ALIKE = ["..", "%2E.", "%252E.", "%25252E.", "%2e.", ".", "%2E", "%252E", "", "%", "%25", "%2525",
         " ", "%20", "a\0b", "a%00b", "a%2500b", "x.tfevents", "x.%74fevents", "x.%2574fevents",
         "a" * 300, file_name("a" * 300), file_name("a" * 300)[:-1], "%E9", "\udce9", "\ud800",
         "%ED%A0%80", "a b", "a%20b", "50%", "dropout 50%", "%%", "%25%", "%2E.x", "a\\..",
         "a%5C.."]


def test_memory_of_a_long_name():
    """The name of a text of megabytes is its beginning, escaped, with a hash of all of it, and
    takes little more memory than the text in UTF-8."""
    text = "\x1b" * 1_000_000
    tracemalloc.start()
    try:
        name = file_name(text)
        assert tracemalloc.get_traced_memory()[1] < 3_000_000
    finally:
        tracemalloc.stop()
    assert name == ("%1B" * 100)[:MAX_BYTES - 17] + "-" + sha256(text.encode()).hexdigest()[:16]
    assert name != file_name("\x1b" * 999_999)


@pytest.mark.parametrize("windows", [False, True])
@pytest.mark.parametrize("begin", ["", ".", "CON", "tfevents", "é" * 90 + "tfevents"])
@pytest.mark.parametrize("end", ["", ".", "tfevents"])
def test_a_long_name_begins_like_its_text(begin, end, windows):
    """The beginning of a long name does not depend on what is far from both ends of the text."""
    one, other = (file_name(f"{begin}{'a' * 300}{middle}{'b' * 300}{end}", windows)
                  for middle in ("", "é" * 9999))
    assert one[:-16] == other[:-16] and one != other


def test_names_of_runs_differ():
    """Two texts never share a run, also where one is the escaped form of the other, in any part."""
    texts = [start + text for start in ("", "m_a/") for text in ALIKE] + ["x/" * 700, "x/" * 701]
    texts += [run_name(text) for text in texts]
    assert len({run_name(text) for text in texts}) == len(set(texts))


@given(st.sets(st.text(alphabet="%.2E5/a \0", max_size=12), min_size=2))
def test_names_of_any_runs_differ(texts):
    """So do texts of dots, escapes and slashes."""
    assert len(set(map(run_name, texts))) == len(texts)


def test_runs_that_look_like_escapes():
    """A name with "%" stays unless a name that cannot stay has it."""
    for name in ("50%", "dropout 50%", "a%20b", "%2Fx", "%41", "100%2", "%e2", "%2e."):
        assert run_name(name) == name
    assert run_name("a/%2E.") == "a/%252E." and run_name("%252E.") == "%25252E."


def test_long_names_that_look_hashed():
    """A name that ends like one with a hash is not the name of another text."""
    hashed = file_name("a" * 300)
    assert len(file_name(hashed)) == MAX_BYTES and file_name(hashed) != hashed
    assert run_name(hashed) != run_name("é" * 300) and run_name(hashed) != hashed


def test_distinct_names():
    """Equal names are numbered, and no number makes a name that another has."""
    assert distinct(["a", "a", "a_1", "b", "a", "a_1"]) == ["a", "a_2", "a_1", "b", "a_3", "a_1_1"]
    assert distinct([]) == []
