"""Text, as Markdown, and tables of it. Shown in Text."""
from __future__ import annotations

from typing import Any, List, Tuple

from .._foreign import checked, shown
from .._parts import bytes_size
from .._proto import messages, schema
from .._proto.messages import Summary, Value
from .._proto.wire import check_size
from .._values.number import listed

# "Only 0d to 2d tensors are shown": a larger one is cut, with a warning in its place.
_MAX_RANK = 2


@checked
def text(tag: str, data: Any, *, display_name: str = "", description: str = "") -> Summary:
    """A text, or a table of texts, as Markdown. Shown in Text.

    data: a str, or a list of str (one column), or a list of equally long lists of str (rows), or
        a numpy array of str of up to 2 axes. Numbers and bools in a table are written as text. A
        lone surrogate becomes "?". TensorBoard removes HTML.
    display_name, description: shown with the text; the description is Markdown.

    Raises TypeError or ValueError for anything but a text, rows of different lengths, and an
    empty table.

    Example: `text("config", [["layer", "size"], ["dense", "10"]])`.
    """
    shape, cells = _cells(data)
    metadata = messages.metadata(schema.TEXT, display_name=display_name,
                                 description=description)
    return Summary([Value(tag, [*messages.string_tensor(shape, cells), metadata],
                          bytes_size(cells) + len(metadata))])


def _cells(data: Any) -> Tuple[List[int], List[bytes]]:
    """(shape, the texts in UTF-8)."""
    if not isinstance(data, (str, bytes)):
        data = listed(data, "a text")
    if isinstance(data, (str, bytes)):
        check_size(len(data), "a text")
        return [], [_utf8(data)]
    if not isinstance(data, (list, tuple)):
        raise TypeError(f"got a text of type {type(data).__name__} ({shown(data)}), want str, or "
                        "lists of str")
    rows = [listed(row, "a text") for row in data]
    if not any(isinstance(row, (list, tuple)) for row in rows):
        shape, cells = [len(rows)], rows
    else:
        lengths = {len(row) if isinstance(row, (list, tuple)) else -1 for row in rows}
        if len(lengths) > 1:
            raise ValueError(f"got rows of {len(lengths)} different lengths, want equal ones")
        shape, cells = [len(rows), *lengths], [cell for row in rows for cell in row]
    if not cells:
        raise ValueError(f"got an empty table of shape {tuple(shape)}, want at least one text")
    for cell in cells:
        if isinstance(cell, (list, tuple)):
            raise ValueError(f"got a table of more than {_MAX_RANK} axes, want rows of texts")
    check_size(sum(len(cell) for cell in cells if isinstance(cell, (str, bytes))), "a text")
    return shape, list(map(_utf8, cells))


def _utf8(cell: Any) -> bytes:
    if isinstance(cell, str):
        return str.encode(cell, "utf-8", "replace")
    if isinstance(cell, bytes):
        # The dashboard refuses a whole run for one text that is not UTF-8.
        return bytes.decode(cell, "utf-8", "replace").encode("utf-8")
    if isinstance(cell, (bool, int, float)):
        return str.encode(str(cell), "utf-8", "replace")
    raise TypeError(f"got a text of type {type(cell).__name__} ({shown(cell)}), want str")
