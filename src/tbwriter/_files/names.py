"""Names with numbers: a log may have a million tags, for which a dict takes 200 bytes each."""
from __future__ import annotations

from array import array
from itertools import islice
from typing import Dict, Iterator, Tuple

# The first _QUICK names, if they have at most _SHORT characters, are in a dict as well, which is
# faster.
_QUICK, _SHORT = 1 << 14, 256
_FIRST_SLOTS = 1024  # a power of two
_NARROW = 1 << 32  # more bytes do not fit into an array of "I"


class Names:
    """Different texts, numbered 0, 1, 2, ... in the order in which they come.

        names = Names()
        names.number("loss")    0, also the next time
        names[0]                "loss"

    A name takes its bytes in UTF-8 and 10 to 16 bytes more.
    """

    def __init__(self) -> None:
        self._bytes = bytearray()
        self._ends = array("I")  # of 4 bytes
        # A hash table with open addresses: the number of a name is at its hash or, where that is
        # taken, at the next free slot.
        self._slots = _empty(_FIRST_SLOTS)
        self._quick: Dict[str, int] = {}

    def __getstate__(self) -> Tuple[bytearray, "array[int]"]:
        return self._bytes, self._ends

    def __setstate__(self, state: Tuple[bytearray, "array[int]"]) -> None:
        # Hashes differ from process to process, so the table is made again.
        self._bytes, self._ends = state
        count = _FIRST_SLOTS
        while 3 * len(self._ends) > 2 * count:
            count *= 2
        self._fill(count)
        self._quick = {name: number for number, name in enumerate(islice(self, _QUICK))
                       if len(name) <= _SHORT}

    def __len__(self) -> int:
        return len(self._ends)

    def __getitem__(self, number: int) -> str:
        return str(self._at(number), "utf-8", "surrogatepass")

    def __iter__(self) -> Iterator[str]:
        return map(self.__getitem__, range(len(self)))

    def find(self, name: str) -> int:
        """The number of a name; -1 for one that has none."""
        number = self._quick.get(name)
        if number is None:
            data = name.encode("utf-8", "surrogatepass")
            number = self._slots[self._slot(data)]
        return number

    def number(self, name: str) -> int:
        """The number of a name, which gets the next one if it is new."""
        number = self._quick.get(name)
        if number is not None:
            return number
        data = name.encode("utf-8", "surrogatepass")
        slot = self._slot(data)
        number = self._slots[slot]
        if number < 0:
            number = self._slots[slot] = len(self._ends)
            self._bytes += data
            if len(self._bytes) >= _NARROW and self._ends.typecode == "I":
                self._ends = array("q", self._ends)
            self._ends.append(len(self._bytes))
            if 3 * number > 2 * len(self._slots):
                self._fill(2 * len(self._slots))
            if number < _QUICK and len(name) <= _SHORT:
                self._quick[name] = number
        return number

    def _at(self, number: int) -> bytes:
        begin = self._ends[number - 1] if number else 0
        return bytes(self._bytes[begin:self._ends[number]])

    def _slot(self, data: bytes) -> int:
        """Where the number of a name is, or is to be."""
        slots, last = self._slots, len(self._slots) - 1
        slot = hash(data) & last
        while slots[slot] >= 0 and self._at(slots[slot]) != data:
            slot = slot + 1 & last
        return slot

    def _fill(self, count: int) -> None:
        """Put all numbers into a new table."""
        slots = self._slots = _empty(count)
        last = len(slots) - 1
        for number in range(len(self._ends)):
            slot = hash(self._at(number)) & last
            while slots[slot] >= 0:
                slot = slot + 1 & last
            slots[slot] = number


def _empty(count: int) -> "array[int]":
    return array("i", [-1]) * count
