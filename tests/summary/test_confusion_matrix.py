"""confusion_matrix: the counts, the picture that Pillow decodes, and what both loaders show."""
from __future__ import annotations

import re
from io import BytesIO

import numpy as np
import pytest
from PIL import Image
from tests.support import judges
from tests.support.judges import board, both_loaders

from tbwriter import SummaryWriter, summary
from tbwriter.summary import _confusion_matrix as kind

TRUE = [0, 0, 0, 1, 1, 2]
GUESS = [0, 0, 1, 1, 1, 0]
COUNTS = [[2, 1, 0], [0, 2, 0], [1, 0, 0]]


def counted(labels, predictions, classes=None):
    counts, names = kind._counted("tag", labels, predictions, kind._names(classes))
    return counts.tolist(), names


def pixels(*args, **kwargs):
    """RGB of the picture that real protobuf and Pillow read."""
    made = summary.confusion_matrix("tag", *args, **kwargs)
    value, = judges.values(made)
    return np.asarray(Image.open(BytesIO(value.image.encoded_image_string)))


@pytest.mark.parametrize(("labels", "predictions"), [
    (TRUE, GUESS), (np.array(TRUE, np.float32), np.array(GUESS, np.uint8)),
    (TRUE, np.eye(3)[GUESS]), (np.array(TRUE), np.eye(3, dtype=np.float32)[GUESS] * 9 - 4),
])
def test_counts(labels, predictions):
    """A row per true class, a column per predicted one; scores count by their largest."""
    assert counted(labels, predictions) == (COUNTS, ["0", "1", "2"])
    assert counted(labels, predictions, ["a", "b", "c", "d"]) == (
        [row + [0] for row in COUNTS] + [[0] * 4], ["a", "b", "c", "d"])


def test_names():
    """Names are classes too: those given, in their order, or those that occur, sorted."""
    true, guess = ["cat", "dog", "cat"], np.array(["dog", "dog", "cat"])
    assert counted(true, guess) == ([[1, 1], [0, 1]], ["cat", "dog"])
    assert counted(true, guess, ["dog", "cat", "cow"]) == (
        [[1, 0, 0], [1, 1, 0], [0, 0, 0]], ["dog", "cat", "cow"])
    assert counted([b"a", b"b"], [b"a", b"a"]) == ([[1, 0], [1, 0]], ["a", "b"])


def test_equals_counting():
    """The counts of random classes are those of counting one by one."""
    rng = np.random.default_rng(0)
    labels, predictions = rng.integers(0, 7, 500), rng.integers(0, 7, 500)
    wanted = np.zeros((7, 7), int)
    for pair in zip(labels, predictions):
        wanted[pair] += 1
    assert counted(labels, predictions)[0] == wanted.tolist()


@pytest.mark.parametrize("which", [0, 1])
def test_masked_elements_are_left_out(recwarn, which):
    """An element that numpy.ma masks is left out, with one warning for a tag."""
    given = [np.array(TRUE), np.array(GUESS)]
    given[which] = np.ma.array([*given[which]], mask=[0, 0, 0, 0, 0, 1])
    tag = f"masked {which}"
    for _ in range(2):
        made = summary.confusion_matrix(tag, *given, classes=list("abc"))
    wanted = summary.confusion_matrix(tag, TRUE[:5], GUESS[:5], list("abc"))
    assert made.SerializeToString() == wanted.SerializeToString()
    assert sum(f"{tag!r} leaves out 1 masked" in str(w.message) for w in recwarn) == 1


def test_a_column_is_a_column_of_classes():
    """(n, 1) is (n,), of labels and predictions, of numbers and names, masked or not; it holds no
    scores, of which each would be class 0."""
    column = np.array(GUESS)[:, None]
    assert counted(np.array(TRUE)[:, None], column)[0] == COUNTS
    assert counted(TRUE, [[one] for one in GUESS])[0] == COUNTS
    assert counted([["a"], ["b"]], [["b"], ["b"]]) == ([[0, 1], [0, 1]], ["a", "b"])
    assert counted([0, 1], np.ma.array([[1], [9]], mask=[[0], [1]])) == ([[0, 1], [0, 0]],
                                                                         ["0", "1"])


NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64, bool])
def test_rows_of_scores_that_are_masked(recwarn, dtype):
    """Of a row that is masked in part, the others count; one that is masked whole is left out."""
    scores = np.ma.array(np.eye(3)[[0, 1, 2, 2]], dtype, mask=np.zeros((4, 3)))
    scores[1] = np.ma.masked
    scores[2, 2] = scores[3, 0] = np.ma.masked
    assert counted([0, 1, 2, 2], scores)[0] == [[1, 0, 0], [0, 0, 0], [1, 0, 1]]


def test_rows_of_scores_with_nan(recwarn):
    """They are left out, with one warning for a tag; NaN that is masked is none of them."""
    scores = np.ma.array([[0.2, 0.8], [NAN, 1], [NAN, NAN], [-INF, -INF], [NAN, 1]],
                         mask=[[0, 0], [0, 0], [0, 0], [1, 0], [1, 0]])
    for _ in range(2):
        counts, _ = kind._counted("with NaN", [1, 0, 0, 1, 1], scores, [])
        assert counts.tolist() == [[0, 0], [0, 3]]
    texts = [str(one.message) for one in recwarn]
    assert len(texts) == 1 and "'with NaN' leaves out 2 rows of scores with NaN of 5" in texts[0]
    made = summary.confusion_matrix("all NaN", [0, 1], np.full((2, 2), NAN), ["a", "b"])
    assert made.SerializeToString() == summary.confusion_matrix(
        "all NaN", np.ma.array([0, 1], mask=True), [0, 1], ["a", "b"]).SerializeToString()


@pytest.mark.filterwarnings("error")
def test_a_warning_that_is_an_error_loses_no_matrix(tmp_path):
    """Under `-W error` the matrix of rows with NaN is written all the same."""
    with SummaryWriter(tmp_path) as writer:
        writer.add_confusion_matrix("error", [0, 1], [[0.1, 0.9], [NAN, 0.5]], 1, ["a", "b"])
    with board(tmp_path, "fast") as b:
        assert len(b.blobs("images", ".", "error")) == 1


@pytest.mark.parametrize("number", [1, 2, 5, 10, 12])
def test_as_wide_as_tensorboard_shows_it(number):
    """Up to a dozen classes fit the 350 pixels of a card, whatever their names and counts."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, number, 3000)
    for names in (None, [f"class number {one}" for one in range(number)]):
        for normalize in (False, True):
            picture = pixels(labels, labels, names, normalize)
            assert picture.shape[1] == 350 and picture.shape[0] < 500


def test_the_darker_the_larger_the_share():
    """The diagonal of a perfect classifier is dark, the rest light; percentages are other texts."""
    picture = pixels([0, 1] * 50, [0, 1] * 50).astype(int)
    dark = (np.abs(picture - kind._DARK).sum(axis=2) < 9).mean()
    light = (np.abs(picture - kind._LIGHT).sum(axis=2) < 9).mean()
    assert 0.2 < dark < 0.5 and 0.2 < light < 0.5
    assert not np.array_equal(pixels(TRUE, GUESS), pixels(TRUE, GUESS, normalize=True))


def test_each_column_has_its_name_above():
    """The name of a class is centred above its column."""
    picture = pixels([0, 1, 2], [0, 1, 2], ["H", "N", "O"])
    drawn, cells = (picture < 200).any(axis=2), (picture != 255).any(axis=2)
    left, right = np.flatnonzero(cells[-3])[[0, -1]]
    top = np.flatnonzero(drawn[:, left])[0]  # of the first cell, which is dark
    names = drawn[top - 15:top - 2, left:right + 1]
    width = names.shape[1] / 3
    for column, part in enumerate(np.array_split(names, 3, axis=1)):
        assert abs(np.flatnonzero(part.any(axis=0)).mean() - width / 2) < 3, column


@pytest.mark.parametrize("number", [1, 2, 3])
def test_texts_are_centred_in_their_cells(number):
    """A count is in the middle of its cell, white on a dark one."""
    picture = pixels(list(range(number)) * 8, list(range(number)) * 8).astype(int)
    dark = np.abs(picture - kind._DARK).sum(axis=2) < 9
    rows = np.flatnonzero(dark.sum(axis=1) > 10)
    assert len(rows) > 10 * number
    for part in np.array_split(rows, number):
        left, right = np.flatnonzero(dark[part[0]])[[0, -1]]
        text = ~dark[part[0]:part[-1] + 1, left:right + 1]
        for axis, size in ((0, right - left), (1, part[-1] - part[0])):
            ink = np.flatnonzero(text.any(axis=axis))
            assert abs(ink[0] - (size - ink[-1])) <= 2


@pytest.mark.parametrize(("count", "share", "normalize", "text"), [
    (0, 0.0, False, "0"), (99999, 1.0, False, "99999"), (123456, 1.0, False, "123k"),
    (999999, 1.0, False, "999k"), (5 * 10 ** 9, 1.0, False, "5G"), (3, 0.126, True, "13"),
    (1, 1.0, True, "100"),
])
def test_texts_of_cells(count, share, normalize, text):
    """A cell shows its count, of which large ones are shortened, or the percentage of its row."""
    assert kind._shown(count, share, normalize) == text


@pytest.mark.parametrize(("arguments", "error", "text"), [
    (([0, 1], [0]), ValueError, "got labels of shape (2,) and predictions of shape (1,)"),
    (([], []), ValueError, "want (n,) of both"), (([[0, 1]], [[0]]), ValueError, "got labels of"),
    (([0, 1], [[0.1], [0.9]]), ValueError, "got predictions from 0.1 to 0.9, want whole numbers"),
    (([0.5], [0]), ValueError, "got labels from 0.5 to 0.5, want whole numbers"),
    (([-1], [0]), ValueError, "got labels from -1 to -1"),
    (([float("nan")], [0]), ValueError, "got labels from nan"),
    (([0], [3], ["a", "b"]), ValueError, "got the class 3 of 2 classes, want classes from 0 to 1"),
    ((["a"], ["x"], ["a", "b"]), ValueError, "got the classes ['x'], want names in classes="),
    (([0], [5000]), ValueError, "got the class 5000 of 5001 classes, want classes from 0 to 999"),
    (([0], [0], "ab"), TypeError, "got classes of type str, want a list of names"),
    (([0], [0], 3), TypeError, "got classes of type int"),
    (([0], [0], ["a", "a"]), ValueError, "want different names"),
    (([None], [0]), TypeError, "got labels of dtype object"), ((0, 0), ValueError, "of shape ()"),
])
def test_mistakes_are_refused(arguments, error, text):
    """Anything that is no class raises at the call, with got and want."""
    with pytest.raises(error, match=re.escape(text)):
        summary.confusion_matrix("tag", *arguments)


@pytest.mark.parametrize("name", ["ünï 猫", "", "two\nlines", "x" * 500])
def test_any_name(name):
    """Names of any text and length are drawn, cut where they are too long."""
    assert pixels([0, 1], [0, 0], [name, "other"]).shape[1] >= 350


@both_loaders
def test_what_tensorboard_shows(tmp_path, loader):
    """Both loaders give the picture, with its name and description."""
    with SummaryWriter(tmp_path) as writer:
        writer.add_confusion_matrix("test", TRUE, GUESS, 3, ["cat", "dog", "cow"],
                                    display_name="Test", description="*after* epoch 3")
    with board(tmp_path, loader) as b:
        series = b.tags("images")["test"]
        assert (series.display_name, series.description) == ("Test", "*after* epoch 3")
        (step, (width, height, file)), = b.blobs("images", ".", "test")
    shown = np.asarray(Image.open(BytesIO(file)))
    assert step == 3 and (width, int(height)) == (b"350", shown.shape[0])
    assert np.array_equal(shown, pixels(TRUE, GUESS, ["cat", "dog", "cow"]))


def test_a_name_of_any_length_takes_no_longer():
    """A name of a million letters is cut before it is measured letter by letter: were it not, this
    would take hours."""
    made = summary.confusion_matrix("a", [0, 1], [1, 1], ["x" * 1_000_000, "y"])
    assert len(made.SerializeToString()) < 100_000
