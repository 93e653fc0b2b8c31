"""Columns of integers that are nearly all the same."""
from __future__ import annotations

from array import array


class Sparse:
    """A column of integers whose last ones are not stored if they are the usual number.

        column = Sparse("i", -1)
        column[7] = 3       stores eight integers
        column[8]           -1
    """

    def __init__(self, code: str, usual: int) -> None:
        self._column = array(code)
        self._usual = usual

    def __getitem__(self, at: int) -> int:
        return self._column[at] if at < len(self._column) else self._usual

    def __setitem__(self, at: int, number: int) -> None:
        column = self._column
        if at < len(column):
            column[at] = number
        elif number != self._usual:
            column.extend([self._usual] * (at - len(column)))
            column.append(number)

    def __len__(self) -> int:
        """How many integers are stored: all after them are the usual one."""
        return len(self._column)

    @property
    def stored(self) -> "array[int]":
        """The integers that are stored."""
        return self._column


class Places:
    """A column of integers that are nearly all the places where they are: those are not stored."""

    def __init__(self) -> None:
        self._away = Sparse("i", 0)

    def __getitem__(self, at: int) -> int:
        return at + self._away[at]

    def __setitem__(self, at: int, number: int) -> None:
        self._away[at] = number - at


class Narrow:
    """A column of integers in as few bytes as the widest of them needs.

    codes: the types of `array` to use, the narrowest first.
    """

    def __init__(self, codes: str) -> None:
        self.stored = array(codes[0])
        self._wider = codes[1:]

    def append(self, number: int) -> None:
        try:
            self.stored.append(number)
        except OverflowError:
            if not self._wider:
                raise
            self.stored = array(self._wider[0], self.stored)
            self._wider = self._wider[1:]
            self.append(number)

    def __len__(self) -> int:
        return len(self.stored)
