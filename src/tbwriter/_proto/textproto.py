"""Protobuf's text format, as far as the projector's configuration needs it.

    embeddings { tensor_name: "a" tensor_shape: 3 tensor_shape: 2 }

Source: https://protobuf.dev/reference/protobuf/textformat-spec/
"""
from __future__ import annotations

import re
from typing import Any, Iterable, Iterator, List, Mapping, NamedTuple, Set, Tuple, Union

_TOKEN = re.compile(r"""(?P<skip>\s+|\#[^\n]*) | (?P<name>[A-Za-z_]\w*)
                        | (?P<number>[-\d.][\w.+-]*) | (?P<mark>[{}<>:;,\[\]])
                        | (?P<string>["'])""", re.VERBOSE)
# Some of a string: `re` remembers every round of a repeated alternative, which for a whole one
# would take hundreds of times its size.
_STRING = {quote: re.compile(rf"(?:\\.|[^{quote}\\\n]){{1,1000}}") for quote in "\"'"}
_ESCAPE = re.compile(r"\\(?:([0-7]{1,3})|x([0-9A-Fa-f]{1,2})|u([0-9A-Fa-f]{4})|(.))", re.DOTALL)
_LETTERS = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v",
            "\\": "\\", "'": "'", '"': '"', "?": "?"}
# The bytes that protobuf writes as a backslash and a letter.
_ESCAPES = {ord(char): f"\\{letter}" for letter, char in _LETTERS.items() if letter in "ntr\\'\""}
_CLOSING = {"{": "}", "<": ">"}
# A leading zero makes it octal.
_UINT = re.compile(r"(0[0-7]{0,11}|[1-9][0-9]{0,9})\Z")
# "The default limit is 100 nested messages."
_MAX_DEPTH = 100


class Token(NamedTuple):
    """One token. kind: "name", "number", "mark", "string", or "end". at: its offset."""

    kind: str
    text: str
    at: int


class Field(NamedTuple):
    """One field of a message in text format.

    kind: "string", "number", "name" or "message". text: the value without quotes; "" of a message.
    fields: those of a message. source: the field as it is written, "" of one inside a message. A
    field whose value is a list comes once per element.
    """

    name: str
    kind: str
    text: str
    fields: Tuple["Field", ...]
    source: str

    def first(self, name: str) -> str:
        """The text of the first field `name` in this one, "" for none."""
        return next((field.text for field in self.fields if field.name == name), "")


def quoted(text: Union[str, bytes]) -> str:
    """`text` as a string of the text format, with protobuf's escapes: bytes other than printable
    ASCII become octal."""
    data = text if isinstance(text, bytes) else text.encode("utf-8")
    return '"' + "".join(
        _ESCAPES.get(byte) or (chr(byte) if 32 <= byte <= 126 else f"\\{byte:03o}")
        for byte in data) + '"'


def unquoted(text: str) -> str:
    """The text of a quoted string, its escapes resolved. ValueError unless it is UTF-8."""
    data, at = bytearray(), 1
    for escape in _ESCAPE.finditer(text, 1, len(text) - 1):
        data += text[at:escape.start()].encode("utf-8")
        data += _byte(escape)
        at = escape.end()
    data += text[at:-1].encode("utf-8")
    return data.decode("utf-8")


def _byte(escape: "re.Match[str]") -> bytes:
    octal, hexadecimal, unicode, letter = escape.groups()
    if letter is not None:  # unknown letters keep their backslash
        return _LETTERS.get(letter, "\\" + letter).encode("utf-8")
    if unicode is not None:
        return chr(int(unicode, 16)).encode("utf-8")
    return bytes([(int(octal, 8) if octal else int(hexadecimal, 16)) & 0xFF])


def fields(text: str) -> Iterator[Field]:
    """The fields of a message in text format. Raises ValueError where the format ends."""
    reader = _Reader(text)
    while reader.token.kind != "end":
        yield from reader.field()


def checked(found: Iterable[Field], schema: Mapping[str, Any]) -> Iterator[Field]:
    """The fields of a message. ValueError for one that it does not have, of another type, or twice.

    schema: {field: int for a uint32, str, or the schema of a message}, in a list where the field is
    repeated.
    """
    seen: Set[str] = set()
    for field in found:
        want: Any = schema.get(field.name)
        if field.name in seen and not isinstance(want, list):
            raise ValueError(f"got {field.name!r} twice, want it once")
        seen.add(field.name)
        want = want[0] if isinstance(want, list) else want
        kind = "string" if want is str else "number" if want is int else "message" if want else ""
        if field.kind != kind:
            raise ValueError(f"got the {field.kind} {field.name!r:.100}, want "
                             + (f"a {kind}" if kind else "a field of ProjectorConfig"))
        if want is int and not _is_uint32(field.text):
            raise ValueError(f"got {field.text:.100} for {field.name!r}, want a whole number below "
                             "2**32")
        for _ in checked(field.fields, want):
            pass
        yield field


def _is_uint32(text: str) -> bool:
    return _UINT.match(text) is not None and int(text, 8 if text[0] == "0" else 10) < 1 << 32


def tokens(text: str) -> Iterator[Token]:
    """The tokens of `text` without white space and comments; the last is of the kind "end".

    Raises ValueError where no token begins.
    """
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        end = _string_end(text, at) if match and match.lastgroup == "string" else \
            match.end() if match else 0
        if match is None or not end:
            raise ValueError(f"got {text[at:at + 20]!r} in a message in text format")
        if match.lastgroup != "skip":
            yield Token(str(match.lastgroup), text[at:end], at)
        at = end
    yield Token("end", "", len(text))


def _string_end(text: str, at: int) -> int:
    """Where the string that begins at `at` ends, quotes included; 0 where it does not."""
    quote, at = text[at], at + 1
    piece = _STRING[quote].match(text, at)
    while piece:
        at = piece.end()
        piece = _STRING[quote].match(text, at)
    return at + 1 if text[at:at + 1] == quote else 0


class _Reader:
    """Reads fields from tokens with one token of lookahead."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = tokens(text)
        self.token = next(self._tokens)
        self._depth = 0
        self._end = 0

    def field(self) -> List[Field]:
        """The field that begins at the present token, once per element of a list."""
        begin = self.token.at
        name = self._take("name")
        colon = self._skip(":")
        found = []
        if not self._skip("["):
            found.append(Field(name, *self._value(colon), self._source(begin)))
        elif not self._skip("]"):
            found.append(self._element(name, colon))
            while not self._skip("]"):
                if not self._skip(","):
                    raise self._error("',' or ']'")
                found.append(self._element(name, colon))
        if not self._skip(","):
            self._skip(";")
        return found

    def _element(self, name: str, colon: bool) -> Field:
        begin = self.token.at
        value = self._value(colon)
        source = self._source(begin)
        return Field(name, *value, f"{name}: {source}" if source else "")

    def _source(self, begin: int) -> str:
        """The text from `begin` on. Inside a message it would be kept once for each level."""
        return "" if self._depth else self._text[begin:self._end]

    def _value(self, colon: bool) -> Tuple[str, str, Tuple[Field, ...]]:
        """(kind, text, fields) of one value. colon: whether a colon precedes it."""
        kind, text, _ = self.token
        if text in _CLOSING:
            return "message", "", self._message(_CLOSING[text])
        if not colon or kind not in ("string", "number", "name"):
            raise self._error("a value" if colon else "':' or a message")
        if kind != "string":
            return kind, self._take(kind), ()
        plain = ""
        while self.token.kind == "string":  # "strings beside each other are one"
            plain += unquoted(self._take("string"))
        return kind, plain, ()

    def _message(self, closing: str) -> Tuple[Field, ...]:
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise ValueError(f"got messages nested more than {_MAX_DEPTH} deep")
        self._take("mark")
        found: List[Field] = []
        while not self._skip(closing):
            found += self.field()
        self._depth -= 1
        return tuple(found)

    def _take(self, kind: str) -> str:
        taken = self.token
        if taken.kind != kind:
            raise self._error(f"a {kind}")
        self._end = taken.at + len(taken.text)
        self.token = next(self._tokens)
        return taken.text

    def _skip(self, mark: str) -> bool:
        found = self.token.kind == "mark" and self.token.text == mark
        if found:
            self._take("mark")
        return found

    def _error(self, want: str) -> ValueError:
        got = repr(self.token.text) if self.token.text else "the end"
        return ValueError(f"got {got} at character {self.token.at}, want {want}")
