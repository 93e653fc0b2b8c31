"""Descriptions of tags, with numbers: nearly always a few, but each of a million tags may have its
own."""
from __future__ import annotations

from itertools import chain
from typing import Any, Dict, Iterator, List, Tuple

from .names import Names

# The first _QUICK are kept as objects, which is faster; so are those that are longer than _LONG,
# which are not copied then.
_QUICK, _LONG = 256, 1000


class Described:
    """Different tuples of texts, bytes and integers, such as Metadata, with numbers: the first as
    objects, all others as text.

        described = Described()
        number = described.number(metadata)
        described[number]                   equal to `metadata`, maybe a plain tuple

    Long ones have negative numbers, and a number each time.
    """

    def __init__(self) -> None:
        self._quick: Dict[Any, int] = {}
        self._first: List[Any] = []
        self._others = Names()
        self._long: List[Any] = []

    def __iter__(self) -> Iterator[Any]:
        """Those with the numbers 0, 1, ..., then those with the numbers ..., -2, -1."""
        numbers = chain(range(len(self._first) + len(self._others)), range(-len(self._long), 0))
        return map(self.__getitem__, numbers)

    def number(self, description: Tuple[Any, ...]) -> int:
        """The number of a description, which gets the next one if it is new."""
        number = self._quick.get(description)
        if number is not None:
            return number
        if sum([len(part) for part in description if isinstance(part, (str, bytes))]) > _LONG:
            self._long.append(description)
            return -len(self._long)
        if len(self._first) < _QUICK:
            self._quick[description] = len(self._first)
            self._first.append(description)
            return len(self._first) - 1
        return _QUICK + self._others.number(_packed(description))

    def __getitem__(self, number: int) -> Any:
        if number < 0:
            return self._long[~number]
        if number < _QUICK:
            return self._first[number]
        return _unpacked(self._others[number - _QUICK])


def _packed(description: Tuple[Any, ...]) -> str:
    """As text: the type and length of each part, then all parts."""
    texts = [str(part, "latin-1") if isinstance(part, bytes) else str(part) for part in description]
    head = [f"{type(part).__name__[0]}{len(text)}" for part, text in zip(description, texts)]
    return f"{' '.join(head)};{''.join(texts)}"


def _unpacked(text: str) -> Tuple[Any, ...]:
    """The inverse of `_packed`."""
    head, _, rest = text.partition(";")
    parts: List[Any] = []
    at = 0
    for item in head.split():
        part = rest[at:at + int(item[1:])]
        at += len(part)
        parts.append(part if item[0] == "s" else int(part) if item[0] == "i"
                     else part.encode("latin-1"))
    return tuple(parts)
