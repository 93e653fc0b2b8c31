"""Text from logs for terminals and spreadsheets.

A tag or a text may hold anything: an escape sequence that writes the clipboard, a newline that
fakes a row of a table, a character that reverses the direction of a line. Every command and every
error message shows such characters escaped.
"""
from __future__ import annotations

import collections.abc
import io
import json
import math
import re
import sys
import time
from functools import lru_cache
from itertools import chain
from typing import Any, Callable, Iterable, Iterator, Optional, Sequence, TextIO, Union


# A list of up to this many items, of texts of up to so many characters, is printed at once.
_FEW, _SHORT = 16, 1 << 10
# How many characters are escaped at a time.
PIECE = 1 << 16
# A text from its beginning, with each call.
Pieces = Callable[[], Iterator[str]]


def shown(text: str) -> str:
    """`text` on one line, every character that does not print as \\x1b, \\n, \\u202e, ..."""
    return _escaped(text, "")


def _escape(char: str) -> str:
    return char.encode("unicode_escape").decode("ascii")


def _escaped(text: str, kept: str, escape: Callable[[str], str] = _escape) -> str:
    """`text`, every character escaped that neither prints nor is one of `kept`."""
    if text.isprintable():
        return text
    if len(text) > PIECE:
        return "".join([_escaped(piece, kept, escape) for piece in pieces(text)])
    return text.translate({ord(char): ord(char) if char.isprintable() or char in kept
                           else escape(char) for char in set(text)})


def pieces(text: str) -> Iterator[str]:
    """`text`, some characters at a time: one of megabytes takes several times its memory escaped,
    and as much again where it is encoded."""
    for at in range(0, len(text), PIECE):
        yield text[at:at + PIECE]


def say(line: Union[str, Iterable[str]] = "", file: Optional[TextIO] = None) -> None:
    """Print one line of text that may come from a log, or of several texts."""
    out = file or sys.stdout
    for text in [line] if isinstance(line, str) else line:
        for piece in pieces(text) if len(text) > PIECE else [text]:
            out.write(shown(piece))
    out.write("\n")


def print_json(value: Any) -> None:
    """Print `value` as indented JSON, in UTF-8 whatever the terminal uses."""
    print_utf8()
    for piece in json_pieces(value, "\n"):
        sys.stdout.write(piece)
    print()


def json_pieces(value: Any, line: str = "") -> Iterator[str]:
    """`value` as JSON, a few items or characters at a time. line: with an indent, a newline and
    the spaces after it. A text may be given as `Pieces`."""
    if is_small(value):
        yield as_json(value, 2 if line else None).replace("\n", line)
        return
    if isinstance(value, str) or callable(value):
        yield '"'
        for piece in pieces(value) if isinstance(value, str) else value():
            yield as_json(piece)[1:-1]
        yield '"'
        return
    is_dict = isinstance(value, dict)
    below = line + "  " if line else ""
    for number, item in enumerate(value):
        yield (("{" if is_dict else "[") if not number else "," if line else ", ") + below
        if is_dict:
            yield from json_pieces(item)
            yield ": "
        yield from json_pieces(value[item] if is_dict else item, below)
    yield line + ("}" if is_dict else "]")


def is_small(value: Any) -> bool:
    """Whether a value is one piece of JSON."""
    if isinstance(value, str):
        return len(value) <= _SHORT
    if isinstance(value, dict):
        return len(value) <= _FEW and all(map(is_small, chain(value, value.values())))
    if isinstance(value, collections.abc.Sequence):
        return len(value) <= _FEW and all(map(is_small, value))
    return not callable(value)


def print_utf8() -> None:
    """Let stdout print UTF-8 and plain newlines, as programs expect."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace", newline="\n")


def as_json(value: Any, indent: Any = None) -> str:
    """`value` as JSON; characters that do not print are escaped, which JSON allows in strings.

    NaN and infinities become the strings "NaN", "Infinity" and "-Infinity", as in TensorBoard.
    """
    text = json.dumps(_plain(value), indent=indent, ensure_ascii=False)
    return _escaped(text, "\n", _escape_json) if _NOT_PLAIN.search(text) else text


# Characters that are neither a space, nor a newline between values, nor of a printing class.
_NOT_PLAIN = re.compile("[^\n -~]")


def _escape_json(char: str) -> str:
    return json.dumps(char)[1:-1]


def _plain(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, collections.abc.Sequence) and not isinstance(value, str):
        return [_plain(item) for item in value]
    return value


def csv_line(cells: Sequence[Any], raw: bool = False) -> str:
    """One line of CSV. Text is as safe as `csv_text` makes it, unless `raw`; numbers stay."""
    return ",".join([str(cell) if not isinstance(cell, str)
                     else _in_quotes(cell if raw else csv_text(cell)) for cell in cells]) + "\n"


def _in_quotes(text: str) -> str:
    """A cell; in quotes if it has to be."""
    return '"' + text.replace('"', '""') + '"' if QUOTED.search(text) else text


# What a cell of CSV may hold in quotes only. A spreadsheet may take a semicolon or a tab for the
# end of a cell too, and what follows for a formula.
QUOTED = re.compile('[",;\t\r\n]')
# What begins a formula, also after the white space that a spreadsheet skips. A spreadsheet may take
# a fullwidth or small form of a character for the character itself.
FORMULAS = "=+-@＝＋－＠﹦﹢﹣﹫"
_FORMULA = re.compile(rf"\s*[{re.escape(FORMULAS)}]|[\t\r\n]")
_KEPT = "\n\t"


def csv_text(text: str) -> str:
    """`text` as a cell that neither a spreadsheet nor a terminal runs: with a quote before what
    would be a formula, and with control characters escaped but for newlines and tabs."""
    text = escaped_cell(text)
    return "'" + text if _FORMULA.match(text) else text


def escaped_cell(text: str) -> str:
    """`text` with control characters escaped but for newlines and tabs."""
    return _escaped(text, _KEPT)


def size(nbytes: float) -> str:
    """A number of bytes for people: 20.7 kB."""
    for unit in ("B", "kB", "MB"):
        if nbytes < 1000:
            return f"{nbytes:.0f} {unit}" if unit == "B" else f"{nbytes:.1f} {unit}"
        nbytes /= 1000
    return f"{nbytes:.1f} GB"


def local_time(seconds: float) -> str:
    """Seconds since 1970 as local date and time."""
    try:
        return _local_second(int(seconds))
    except (OverflowError, ValueError, OSError):
        return str(seconds)


@lru_cache(maxsize=256)
def _local_second(seconds: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))


def number(value: Any) -> str:
    """A hyperparameter or scalar: integers without a decimal point."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return str(value)


def plural(count: int, noun: str) -> str:
    """"1 run", "2 runs"."""
    return f"{count} {noun}{'s' * (count != 1)}"
