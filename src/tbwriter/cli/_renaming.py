"""New names of the tags of a run. There may be a million, so they are computed, not kept."""
from __future__ import annotations

from array import array
from bisect import bisect_left
from typing import Any, Callable, Dict, Iterable, Iterator, List, Set, Tuple

import numpy as np

from .._files.names import Names
from ._tags import Tags
from ._values import NAMELESS

# A tag that is not copied, one that is, one with a new name, and one that cannot have it.
_ABSENT, _KEPT, _ASKED, _REFUSED = range(4)
# How many tags become a list of numbers at a time.
_SLAB = 1 << 16


class NewNames:
    """Which tags of a run get new names. A name that another tag of the run has is not given.

    tags: those of the run. numbers: of the tags that are copied, each once or more often. rename:
    {tag: its new name}; a "*" matches the same text in both. fitting: which of `rename` fit a tag.
    """

    def __init__(self, tags: Tags, numbers: Any, rename: Dict[str, str]) -> None:
        self._tags = tags
        self._rename = rename
        self.fitting: Set[str] = set()
        self._states = np.zeros(len(tags) if rename else 0, np.uint8)
        if rename:
            self._states[numbers] = _KEPT
            self._refuse_seconds(_repeated(self._ask()))
            refused = self._refuse_taken(self._of(_ASKED))
            asked = _Asked(self._of(_ASKED), self._new) if refused else None
            while asked and refused:
                refused = self._refuse_taken(
                    other for number in refused for other in asked.by(self._tags.name(number)))

    def __len__(self) -> int:
        return int(np.count_nonzero(self._states == _ASKED))

    def get(self, number: int) -> str:
        """The new name of a tag; "" for one that keeps its name."""
        return self._new(number) if self._rename and self._states[number] == _ASKED else ""

    def refused(self) -> Iterator[Tuple[str, str, str]]:
        """A tag that keeps its name, the name that it does not get, and why."""
        for number in self._of(_REFUSED):
            yield self._tags.name(number), self._new(number), (
                "finds its graphs by name" if self._is_nameless(number)
                else "has a tag of this name already")

    def _of(self, state: int) -> Iterator[int]:
        for at in range(0, len(self._states), _SLAB):
            yield from (at + np.flatnonzero(self._states[at:at + _SLAB] == state)).tolist()

    def _new(self, number: int) -> str:
        return _renamed(self._tags.name(number), self._rename)[1]

    def _is_nameless(self, number: int) -> bool:
        return self._tags.described(number)[0] in NAMELESS

    def _ask(self) -> Any:
        """Mark the tags with new names. Returns the hashes of the new names, by tag."""
        hashes = np.zeros(len(self._tags), np.uint32)
        for number in self._of(_KEPT):
            name = self._tags.name(number)
            old, new = _renamed(name, self._rename)
            if new != name:
                self.fitting.add(old)
                self._states[number] = _REFUSED if self._is_nameless(number) else _ASKED
                hashes[number] = _hash(new)
        return hashes

    def _refuse_seconds(self, repeated: "array[int]") -> None:
        """Of several tags with one new name the first gets it. Only new names whose hashes occur
        again are kept for this."""
        seen = Names()
        for number in self._of(_ASKED) if repeated else ():
            new = self._new(number)
            code = _hash(new)
            at = bisect_left(repeated, code)
            if at < len(repeated) and repeated[at] == code:
                if seen.find(new) >= 0:
                    self._states[number] = _REFUSED
                seen.number(new)

    def _refuse_taken(self, numbers: Iterable[int]) -> "array[int]":
        """Refuse new names that other tags keep. Returns the tags that are refused: they keep their
        own names, so no other tag gets those."""
        refused, states = array("i"), self._states
        for number in numbers:
            others: List[int] = self._tags.all_called(self._new(number))
            if states[number] == _ASKED and any(
                    states[other] in (_KEPT, _REFUSED) for other in others):
                states[number] = _REFUSED
                refused.append(number)
        return refused


class _Asked:
    """Which of these tags ask for a name. new: gives the new name of a tag."""

    def __init__(self, numbers: Iterable[int], new: Callable[[int], str]) -> None:
        found = np.fromiter(numbers, np.int32)
        hashes = np.fromiter((_hash(new(number)) for number in found), np.uint32, len(found))
        order = np.argsort(hashes, kind="stable")
        self._numbers, self._hashes = array("i"), array("I")
        self._numbers.frombytes(found[order].tobytes())
        self._hashes.frombytes(hashes[order].tobytes())
        self._new = new

    def by(self, name: str) -> Iterator[int]:
        """The tags that ask for a name."""
        code = _hash(name)
        at = bisect_left(self._hashes, code)
        while at < len(self._hashes) and self._hashes[at] == code:
            if self._new(self._numbers[at]) == name:
                yield self._numbers[at]
            at += 1


def _hash(name: str) -> int:
    """Never 0."""
    return hash(name) & 0xFFFFFFFF | 1


def _repeated(hashes: Any) -> "array[int]":
    """The hashes that occur again, other than 0, sorted."""
    hashes.sort()
    found = array("I")
    found.frombytes(hashes[1:][(hashes[1:] == hashes[:-1]) & (hashes[1:] != 0)].tobytes())
    return found


def _renamed(name: str, rename: Dict[str, str]) -> Tuple[str, str]:
    """Which of `rename` fits a tag, "" for none, and the name that it gives."""
    if name in rename:
        return name, rename[name]
    for old, new in rename.items():
        before, star, after = old.partition("*")
        if star and len(name) >= len(before) + len(after) and name.startswith(before) \
                and name.endswith(after):
            given = new.replace("*", name[len(before):len(name) - len(after)], 1)
            if given:
                return old, given
    return "", name
