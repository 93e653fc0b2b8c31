"""Confusion matrices: how often each class was predicted as which. Shown in Images and Time Series.

A picture, drawn with Pillow: a row per true class, a column per predicted class, the counts in the
cells. It is as wide as TensorBoard shows pictures, so that up to a dozen classes can be read
without enlarging it.
"""
from __future__ import annotations

from typing import Any, List, Optional, Sequence, Tuple

import numpy as np
from PIL import Image, ImageDraw

from .._foreign import checked, let_signals, shown
from .._parts import texts_size
from .._proto.messages import Summary
from .._values.array import as_array, masked, of_numpy
from .._values.lettering import font, load, measured
from .._values.number import as_flag, items
from .._values.pixels import as_png, image_value
from .._warnings import once

Array = Any  # np.ndarray, whose generic form numpy 1.19 does not have
_ma: Any = np.ma  # partly without types

# "width: 350px" of a card in the Images dashboard.
_WIDTH = 350
_TEXT, _MARGIN = 12, 4   # pixels: height of a text, and the space around it
_SIZES = (12, 11, 10)    # of texts, the first that fits
_NAMES = range(32, 81)   # pixels of a class's name: as many as fit; the rest is cut off
_MOST = 1000             # classes, whose picture has 24000 pixels per side
_LIGHT, _DARK = np.array([245, 248, 252]), np.array([8, 48, 107])
_BLACK, _WHITE = (0, 0, 0), (255, 255, 255)


@checked
def confusion_matrix(tag: str, labels: Any, predictions: Any,
                     classes: Optional[Sequence[Any]] = None, normalize: bool = False, *,
                     display_name: str = "", description: str = "") -> Summary:
    """How often each class was predicted as which. Shown in Images and Time Series.

    A row per true class, a column per predicted one, the counts in the cells; the darker a cell,
    the larger its share of the row.

    labels: (n,) or (n, 1) the true classes: whole numbers from 0, or names.
    predictions: (n,) or (n, 1) the predicted classes, in the same way, so a sigmoid's output has to
        be compared with a threshold; or (n, classes) scores, of which the largest counts.
    classes: the names of the classes, in their order. None takes the numbers from 0 to the largest
        that occurs, or the names that occur, sorted.
    normalize: show shares of the row, in percent, instead of counts.
    display_name, description: shown with the picture; the description is Markdown.

    Elements that numpy.ma masks in labels or predictions are left out, with one warning per tag; of
    a row of scores, the others count. Rows of scores with NaN are left out in the same way.

    Raises ValueError for unequal lengths and classes without a name, TypeError for anything that is
    no class.

    Example: `confusion_matrix("test", labels, scores, ["cat", "dog"])`.
    """
    counts, names = _counted(tag, labels, predictions, _names(classes))

    percent = as_flag(normalize, "normalize")
    load()

    def encode() -> Any:
        return as_png(_drawn(counts, names, percent))

    return Summary([image_value(tag, encode, counts.nbytes + texts_size(names), display_name,
                                description)])


def _names(classes: Optional[Sequence[Any]]) -> List[str]:
    if classes is None:
        return []
    if isinstance(classes, (str, bytes)) or not hasattr(classes, "__iter__"):
        raise TypeError(f"got classes of type {type(classes).__name__}, want a list of names")
    names = list(map(str, items(classes, "classes")))
    if not names or len(set(names)) < len(names):
        raise ValueError(f"got the classes {shown(names)}, want different names, at least one")
    return names


def _counted(tag: str, labels: Any, predictions: Any, names: List[str]) -> Tuple[Array, List[str]]:
    """(counts, a row per true class; the names of the classes)."""
    given = [_classes("labels", labels), _classes("predictions", predictions)]
    unknown = np.zeros(len(given[1]) if given[1].ndim else 0, bool)
    if given[1].ndim == 2 and given[1].size and given[1].dtype.kind not in "US":
        given[1], unknown = _largest(given[1])
    if given[0].ndim != 1 or given[0].shape != given[1].shape or not given[0].size:
        raise ValueError(f"got labels of shape {given[0].shape} and predictions of shape "
                         f"{given[1].shape}, want (n,) of both, or (n, classes) scores")
    hidden = _ma.getmaskarray(given[0]) | _ma.getmaskarray(given[1])
    for what, dropped in (("masked elements", hidden), ("rows of scores with NaN", unknown)):
        if dropped.any():
            once((what, "confusion_matrix", tag), f"the confusion matrix {tag!r} leaves out "
                 f"{dropped.sum()} {what} of {dropped.size}; reported once per tag")
    true, predicted = (np.asarray(one)[~(hidden | unknown)] for one in given)
    if true.dtype.kind in "US" or predicted.dtype.kind in "US":
        names = names or sorted({*map(str, true), *map(str, predicted)})
        true, predicted = _numbered(true, names), _numbered(predicted, names)
    most = max([int(true.max()), int(predicted.max())] if true.size else [0])
    names = names or [str(number) for number in range(most + 1)]
    if most >= len(names) or len(names) > _MOST:
        raise ValueError(f"got the class {most} of {len(names)} classes, want classes from 0 to "
                         f"{min(len(names), _MOST) - 1}")
    flat = np.bincount(true * len(names) + predicted, minlength=len(names) ** 2)
    return flat.reshape(len(names), len(names)), names


def _classes(what: str, values: Any) -> Array:
    """`values` as an array of texts, of whole numbers from 0, or of scores on two axes."""
    hidden = masked(values)
    plain = values if hidden is None else hidden.data
    try:
        listed = isinstance(plain, (list, tuple, np.ndarray))
        array = np.asarray(of_numpy(plain)) if listed else None
    except Exception as error:  # ragged, or too deep: as_array reports the error
        let_signals(error)
        array = None
    if array is None or array.dtype.kind not in "US":
        array = as_array(plain, what)
    elif array.dtype.kind == "S":
        array = np.char.decode(array, "utf-8", "replace")
    if hidden is not None:
        array = _ma.array(array, mask=hidden.mask)
    if array.ndim == 2 and array.shape[1] == 1:  # a column of classes, no scores of one class
        array = array[:, 0]
    return _whole(what, array) if array.ndim < 2 and array.dtype.kind not in "US" else array


def _whole(what: str, array: Array) -> Array:
    shown = _ma.compressed(array)
    with np.errstate(all="ignore"):  # numpy 2 makes a float16 of the limit, too
        if shown.size and not (shown.min() >= 0 and shown.max() < 1 << 31
                               and (shown == np.floor(shown)).all()):
            raise ValueError(f"got {what} from {shown.min()} to {shown.max()}, want whole numbers "
                             "from 0, or names")
        return array.astype(np.int64)


def _largest(scores: Array) -> Tuple[Array, Array]:
    """(the class of the largest score of each row, masked where all are; whether NaN is in it)"""
    values, hidden = _ma.getdata(scores), _ma.getmaskarray(scores)
    lowest = np.fmin.reduce(values, axis=None)
    highest = np.where(hidden, lowest, values).max(axis=1, keepdims=True)
    classes = ((values == highest) & ~hidden).argmax(axis=1)
    return _ma.array(classes, mask=hidden.all(axis=1)), (np.isnan(values) & ~hidden).any(axis=1)


def _numbered(values: Array, names: List[str]) -> Array:
    numbers = {name: number for number, name in enumerate(names)}
    unknown = sorted({str(value) for value in values} - set(numbers))
    if unknown:
        raise ValueError(f"got the classes {shown(unknown)}, want names in classes={shown(names)}")
    return np.array([numbers[str(value)] for value in values], np.int64)


def _drawn(counts: Array, names: List[str], normalize: bool) -> Array:
    shares = counts / np.maximum(1, counts.sum(axis=1, keepdims=True))
    texts = [[_shown(count, share, normalize) for count, share in zip(*row)]
             for row in zip(counts.tolist(), shares.tolist())]
    ruler = ImageDraw.Draw(Image.new("L", (1, 1)))
    for size in _SIZES:
        face = font(size)
        widest = max(_width(ruler, text, face) for row in texts for text in row) + _MARGIN
        room = _WIDTH - widest * len(names) - _TEXT - 3 * _MARGIN
        if room >= _NAMES[0]:
            break
    longest = min(max(room, _NAMES[0]), _NAMES[-1])
    sides = [_name(ruler, name, face, longest) for name in names]
    gutter = max(side.width for side in sides) + _TEXT + 3 * _MARGIN
    cell = max((_WIDTH - gutter) // len(names), widest)
    height = max(min(cell, 2 * _TEXT + 2 * _MARGIN), _TEXT + 2 * _MARGIN)
    turned = max(side.width for side in sides) > cell - _MARGIN
    tops = [side.rotate(90, expand=True) for side in sides] if turned else sides
    top = max(one.height for one in tops) + _TEXT + 3 * _MARGIN
    canvas = Image.new("RGB", (max(_WIDTH, gutter + cell * len(names)),
                               top + height * len(names)), _WHITE)
    title = "predicted, % of the row" if normalize else "predicted"
    _titles(canvas, _name(ruler, "true", face, _WIDTH), _name(ruler, title, face, _WIDTH), gutter,
            top)
    draw = ImageDraw.Draw(canvas)
    for row, (side, above) in enumerate(zip(sides, tops)):
        y = top + row * height
        canvas.paste(side, (gutter - _MARGIN - side.width, y + (height - side.height) // 2))
        canvas.paste(above, (gutter + row * cell + (cell - above.width) // 2,
                             top - _MARGIN - above.height))
        for column, text in enumerate(texts[row]):
            _cell(draw, (gutter + column * cell, y, cell, height), text, shares[row, column], face)
    return np.asarray(canvas)


def _shown(count: int, share: float, normalize: bool) -> str:
    """The text in a cell: at most five digits, so that cells stay small."""
    if normalize:
        return f"{100 * share:.0f}"
    for size, letter in ((10 ** 9, "G"), (10 ** 6, "M"), (10 ** 3, "k")):
        if count >= 100_000 and count >= size:
            return f"{count // size}{letter}"
    return str(count)


def _width(draw: Any, text: str, face: Any) -> int:
    left, _, right, _ = measured(draw, text, face).box
    return int(right - left)


def _name(draw: Any, text: str, face: Any, longest: int) -> Image.Image:
    """A text on white, cut where it is too long."""
    if len(text) > longest or _width(draw, text, face) > longest:  # a character has a pixel
        fitting, least = 0, min(len(text), longest)
        while fitting < least:
            middle = (fitting + least + 1) // 2
            if _width(draw, text[:middle] + "..", face) > longest:
                least = middle - 1
            else:
                fitting = middle
        text = text[:fitting] + ".."
    drawn, (left, top, right, bottom) = measured(draw, text, face)
    picture = Image.new("RGB", (max(1, int(right - left)), max(1, int(bottom - top))), _WHITE)
    ImageDraw.Draw(picture).text((-left, -top), drawn, fill=_BLACK, font=face)
    return picture


def _titles(canvas: Image.Image, true: Image.Image, predicted: Image.Image, gutter: int, top: int
            ) -> None:
    side = true.rotate(90, expand=True)
    canvas.paste(side, (_MARGIN, top + max(0, canvas.height - top - side.height) // 2))
    canvas.paste(predicted, (gutter + max(0, canvas.width - gutter - predicted.width) // 2,
                             _MARGIN))


def _cell(draw: Any, place: Tuple[int, int, int, int], text: str, share: float, face: Any) -> None:
    x, y, width, height = place
    color = tuple(int(part) for part in np.rint(_LIGHT + share * (_DARK - _LIGHT)))
    draw.rectangle((x, y, x + width - 2, y + height - 2), fill=color)
    shown, (left, top, right, bottom) = measured(draw, text, face)
    draw.text((x + (width - 1 - (right - left)) // 2 - left,
               y + (height - 1 - (bottom - top)) // 2 - top), shown,
              fill=_WHITE if share > 0.5 else _BLACK, font=face)
