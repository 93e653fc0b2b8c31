"""What a run keeps of its tags and values: columns, since a log may have a million tags."""
from __future__ import annotations

from array import array
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple

from .._files.described import Described
from .._files.names import Names
from .._files.sparse import Places, Sparse
from .._proto import parse
from .._proto.parse import Metadata

# A tag of more values has arrays of its own: empty arrays take as much memory as ten rows.
_FEW = 8
_MANY = _FEW + 1


class Arrays(NamedTuple):
    """The values of one tag.

    steps: int64. wall_times: float64. rest: of scalars their values, float64; of all others int64,
    three numbers for each value: file, offset of the record, position in its Summary.
    """

    steps: "array[int]"
    wall_times: "array[float]"
    rest: "array[Any]"


class Columns:
    """The tags of a run, numbered in the order in which they first came, with their values.

    Nothing here is an object of one tag, but the arrays of a tag of many values.
    """

    def __init__(self) -> None:
        self.names = Names()
        self._kind_names: List[str] = []
        self._kinds = bytearray()  # indices into these
        self._described = Described()
        self._metadata = Sparse("i", 0)  # numbers of these
        self._counts = bytearray()  # _MANY for those with arrays
        self._last = Places()  # the last row of each tag
        self._rows = _Rows("qd", "d"), _Rows("qdiq", "i")  # of scalars, and of all others
        self._many: Dict[int, Arrays] = {}

    def __len__(self) -> int:
        return len(self._kinds)

    def __iter__(self) -> Iterator[int]:
        """The tags that have values: those of others may all be damaged."""
        return (number for number, count in enumerate(self._counts) if count)

    def numbers(self) -> Sequence[int]:
        """The same, to be gone through several times."""
        return array("i", self) if 0 in self._counts else range(len(self))

    def find(self, tag: str) -> int:
        """The number of a tag that has values; -1 for others."""
        number = self.names.find(tag)
        return number if number >= 0 and self._counts[number] else -1

    def of_kind(self, kind: str) -> Iterator[int]:
        """The tags of one kind that have values."""
        code = self._kind_names.index(kind) if kind in self._kind_names else len(self._kind_names)
        at = self._kinds.find(code)
        while at >= 0:
            if self._counts[at]:
                yield at
            at = self._kinds.find(code, at + 1)

    def new(self, tag: str, kind: str, metadata: Optional[Metadata]) -> int:
        """The number of a new tag."""
        if kind not in self._kind_names:
            self._kind_names.append(kind)
        self._kinds.append(self._kind_names.index(kind))
        self._metadata[len(self._counts)] = self._described.number(metadata or parse.NO_METADATA)
        self._counts.append(0)
        return self.names.number(tag)

    def describe(self, number: int, metadata: Metadata) -> None:
        """Metadata of a tag that came with a later value: the first that names a plugin counts."""
        if not self.metadata(number).plugin:
            self._metadata[number] = self._described.number(metadata)

    def kind(self, number: int) -> str:
        return self._kind_names[self._kinds[number]]

    def metadata(self, number: int) -> Metadata:
        return Metadata(*self._described[self._metadata[number]])

    def forgotten(self) -> Iterator[Tuple[int, Arrays]]:
        """Take out the values of the tags that have arrays of their own, tag by tag."""
        while self._many:
            yield self._many.popitem()

    def arrays(self, number: int) -> Arrays:
        """The values in the order of the files."""
        if self._counts[number] == _MANY:
            return self._many[number]
        scalar = self.kind(number) == "scalar"
        found = Arrays(array("q"), array("d"), array("d" if scalar else "q"))
        last = self._last[number] if self._counts[number] else -1
        for step, wall_time, *place, value in self._rows[not scalar].ring(last):
            found.steps.append(step)
            found.wall_times.append(wall_time)
            found.rest.extend((*place, value))
        return found

    def add_scalar(self, number: int, step: int, wall_time: float, value: float) -> None:
        if self._counts[number] < _FEW:
            self._add_row(number, self._rows[0], (step, wall_time), value)
        else:
            steps, wall_times, values = self._own(number)
            steps.append(step)
            wall_times.append(wall_time)
            values.append(value)

    def add_place(self, number: int, step: int, wall_time: float, place: Tuple[int, int, int]
                  ) -> None:
        """A value of another kind. place: file, offset of the record, position in its Summary."""
        if self._counts[number] < _FEW:
            self._add_row(number, self._rows[1], (step, wall_time, *place[:2]), place[2])
        else:
            steps, wall_times, places = self._own(number)
            steps.append(step)
            wall_times.append(wall_time)
            places.extend(place)

    def _add_row(self, number: int, rows: "_Rows", event: Tuple[Any, ...], value: Any) -> None:
        last = self._last[number] if self._counts[number] else -1
        self._last[number] = rows.add(last, event, value)
        self._counts[number] += 1

    def extend_scalars(self, number: int, steps: memoryview, wall_times: memoryview,
                       values: memoryview) -> None:
        """Further values: int64, float64, float64."""
        if self._counts[number] + len(steps) <= _FEW:
            for row in zip(steps, wall_times, values):
                self.add_scalar(number, *row)
            return
        all_steps, all_times, all_values = self._own(number)
        all_steps.frombytes(steps.cast("B"))
        all_times.frombytes(wall_times.cast("B"))
        all_values.frombytes(values.cast("B"))

    def _own(self, number: int) -> Arrays:
        """The arrays of a tag that gets more than a few values."""
        if self._counts[number] == _MANY:
            return self._many[number]
        found = self._many[number] = self.arrays(number)
        if self._counts[number]:
            self._rows[self.kind(number) != "scalar"].release(self._last[number])
        self._counts[number] = _MANY
        return found


class _Rows:
    """The values of tags that have few. Those of a tag are a ring: its last one leads to its first.

    of_events, of_value: the types of the numbers that values of one event share, and of the number
    that each has.
    """

    def __init__(self, of_events: str, of_value: str) -> None:
        self._events: List["array[Any]"] = [array(code) for code in of_events]
        self._latest: Tuple[Any, ...] = ()
        self._event = array("i")
        self._value: "array[Any]" = array(of_value)
        self._next = Places()
        self._free = -1  # the last one of a ring of rows that are not used

    def add(self, last: int, event: Tuple[Any, ...], value: Any) -> int:
        """A further row of the ring that ends with `last`, -1 for a new one."""
        if event != self._latest:
            for column, number in zip(self._events, event):
                column.append(number)
            self._latest = event
        row = self._taken()
        self._event[row] = len(self._events[0]) - 1
        self._value[row] = value
        if last >= 0:
            self._next[row] = self._next[last]
            self._next[last] = row
        return row

    def release(self, last: int) -> None:
        """The rows of the ring that ends with `last` are not used any more."""
        if self._free >= 0:
            after = self._next
            after[last], after[self._free] = after[self._free], after[last]
        self._free = last

    def ring(self, last: int) -> Iterator[Tuple[Any, ...]]:
        """The rows of the ring that ends with `last`."""
        row = last
        while row >= 0:
            row = self._next[row]
            event = self._event[row]
            yield (*[column[event] for column in self._events], self._value[row])
            if row == last:
                break

    def _taken(self) -> int:
        """A row that is a ring of its own."""
        if self._free < 0:
            row = len(self._event)
            self._event.append(0)
            self._value.append(0)
            return row
        row = self._next[self._free]
        if row == self._free:
            self._free = -1
        else:
            self._next[self._free] = self._next[row]
        self._next[row] = row
        return row
