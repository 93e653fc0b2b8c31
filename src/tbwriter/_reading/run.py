"""A run: the values of each tag, as a person wants them."""
from __future__ import annotations

import math
import os
from array import array
from collections import Counter
from itertools import groupby, islice
from operator import itemgetter
from typing import Any, Callable, Dict, Iterator, List, NamedTuple, Optional, Sequence, Set
from typing import Tuple
from weakref import WeakKeyDictionary

import numpy as np

from . import kinds, picture
from .columns import Loader
from .kinds import RUN_GRAPH, HParams
from .store import Arrays, Columns
from .._files.anywhere import Anywhere
from .._files.records import EVENT, UNREADABLE, Fault, Faults, record_at
from .._files.window import Place, ReadError, Window
from .._proto import parse
from .._proto.parse import Value
from .._proto.plugin_schema import HParamsPluginData
from .._proto.wire import WireError

Array = Any  # np.ndarray, whose generic form numpy 1.19 does not have

# Up to so many numbers, plain Python finds the least one faster.
_FEW = 32
# An error names so many tags.
_NAMED = 20
# Of so many runs the copies are kept, each with a descriptor.
_MOST_KEPT = 16


class Series(NamedTuple):
    """The values of one tag in the order of the files; they may repeat steps.

    steps: int64 [n]. wall_times: float64 [n], seconds since 1970. values: of scalars float64 [n],
    else a list of n.
    """

    steps: Array
    wall_times: Array
    values: Any

    def __repr__(self) -> str:
        count = len(self.steps)
        steps = f", steps {self.steps[0]} to {self.steps[-1]}" if count else ""
        return f"<Series: {count} value{'s' * (count != 1)}{steps}>"


class Tag(NamedTuple):
    """What is known of a tag without reading its values.

    kind: "scalar", "histogram", "image", "audio", "text", "pr_curve", "mesh", "hparams", "layout",
        "graph", "run_metadata" or "tensor". plugin: TensorBoard's name for it, "" where the file
        gives none. n: how many values. steps, wall_times: their least and greatest.
    """

    kind: str
    plugin: str
    display_name: str
    description: str
    n: int
    steps: Tuple[int, int]
    wall_times: Tuple[float, float]


class Facts(NamedTuple):
    """What a table shows of a tag. steps, wall_times: their least and greatest. last: the last
    scalar, 0.0 for other kinds."""

    n: int
    steps: Tuple[int, int]
    wall_times: Tuple[float, float]
    last: float


class Run:
    """One run: everything in its event files.

    name: its path below the log directory. files: their paths, in reading order.
    faults: what is wrong with them, at most 10 000; `faults.more` counts all others. error: the
    first error of a storage that did not give one of them, None where it gave all. writers: who
    wrote them, where they say so.
    """

    def __init__(self, name: str, places: Sequence[Place],
                 opened: Callable[[Place], Window] = Window) -> None:
        self.name = name
        self.faults = Faults()
        self.error: Optional[OSError] = None
        # Those of values that were asked for.
        self._noted: Set[Fault] = set()
        self.writers: List[str] = []
        self._places = list(places)
        self._columns = Columns()
        self._forgotten: Dict[int, Facts] = {}  # of tags without their values
        for number, place in enumerate(self._places):
            loader = Loader(self._columns, number)
            path = place if isinstance(place, str) else "(memory)"
            try:
                with opened(place) as window:
                    loader.load(window)
            except (OSError, ReadError) as error:
                loader.faults.append(Fault(path, UNREADABLE, 0, 0, str(error)))
                if isinstance(error, OSError) and not isinstance(error, FileNotFoundError):
                    self.error = self.error or error
            self.faults.add(loader.all_faults())
            self.writers += [one for one in loader.writers if one not in self.writers]

    def __repr__(self) -> str:
        kinds_of = Counter(map(self._columns.kind, self._columns))
        counted = ", ".join(f"{count} {kind}" for kind, count in kinds_of.items()) or "no values"
        faults = f", {len(self.faults)} faults" if self.faults else ""
        return f"<Run {self.name!r}: {counted}{faults}; {self.where}>"

    def _repr_html_(self) -> str:
        return picture.table(self)

    @property
    def where(self) -> str:
        """Where its files are, for people."""
        files = self.files
        if len(files) < 2:
            return files[0] if files else "in memory"
        return f"{len(files)} files in {os.path.dirname(files[0])}"

    @property
    def files(self) -> List[str]:
        return [place for place in self._places if isinstance(place, str)]

    @property
    def tags(self) -> Dict[str, str]:
        """{tag: kind}, in the order in which they first came."""
        return dict(Tags(self).items())

    def tag(self, tag: str) -> Tag:
        """What is known of a tag. KeyError without one, TypeError for what is no str."""
        number = self._number(tag)
        metadata, facts = self._columns.metadata(number), self._facts(number)
        return Tag(self._columns.kind(number), metadata.plugin, metadata.display_name,
                   metadata.description, facts.n, facts.steps, facts.wall_times)

    def scalars(self, tag: str) -> Series:
        """Numbers. What was stored as float32 is given as it was, in float64.

        Raises KeyError for an unknown tag, ValueError for one of another kind, TypeError for a tag
        that is no str; so do all below.
        """
        steps, wall_times, values = self._columns.arrays(self._number(tag, "scalar"))
        return Series(np.array(steps, np.int64), np.array(wall_times, np.float64),
                      np.array(values, np.float64))

    def histograms(self, tag: str) -> Series:
        """Arrays [k, 3] of left edge, right edge and count."""
        return self._series(tag, "histogram", kinds.histogram)

    def images(self, tag: str) -> Series:
        """`Images`: the files of one step, with their size."""
        return self._series(tag, "image", kinds.images)

    def audio(self, tag: str) -> Series:
        """Lists of sound files (WAV), one for each clip of a step."""
        return self._series(tag, "audio", kinds.audio)

    def text(self, tag: str) -> Series:
        """Strings; for tables, arrays of strings.

        A value of more than 524 288 strings is left out, and `faults` says so.
        """
        return self._series(tag, "text", kinds.text)

    def tensors(self, tag: str) -> Series:
        """Arrays, of every kind that is stored as tensors: pr_curve [6, n], mesh [b, n, 3], ...

        Strings come as arrays of bytes objects. A value of more than 524 288 strings is left out,
        and `faults` says so.
        """
        return self._series(tag, "", kinds.array)

    def graph(self, tag: str = RUN_GRAPH) -> bytes:
        """The last GraphDef (or RunMetadata, or Keras model) of the run, or that called `tag`."""
        return bytes(self._series(tag, "", kinds.blob).values[-1])

    @property
    def hparams(self) -> Optional[HParams]:
        """The hyperparameters, None without them. ReadError for damaged ones."""
        start, end = b"", b""
        try:
            for number in self._columns.of_kind("hparams"):
                content = self._columns.metadata(number).content
                start = bytes(parse.bytes_of(content, HParamsPluginData.SESSION_START_INFO)
                              or start)
                end = bytes(parse.bytes_of(content, HParamsPluginData.SESSION_END_INFO) or end)
            return kinds.hparams(start, end) if start else None
        except WireError as error:
            raise ReadError(f"got damaged hyperparameters in run {self.name!r}: {error}") from None

    def _number(self, tag: str, kind: str = "") -> int:
        """The number of a tag, which is of this kind."""
        if not isinstance(tag, str):
            raise TypeError(f"got the tag {tag!r:.100}, want a str")
        number = self._columns.find(tag)
        if number < 0:
            some = list(islice(Tags(self), _NAMED + 1))
            more = f" and others, {len(Tags(self))} in all" if len(some) > _NAMED else ""
            raise KeyError(f"got the tag {tag!r}, want one of {some[:_NAMED]}{more}")
        found = self._columns.kind(number)
        if kind and found != kind:
            raise ValueError(f"got the tag {tag!r}, which is of kind {found}, want {kind}")
        return number

    def _series(self, tag: str, kind: str, decode: Callable[[Value], Any]) -> Series:
        number = self._number(tag, kind)
        if self._columns.kind(number) == "scalar":
            raise ValueError(f"got the tag {tag!r}, which is of kind scalar, want another")
        values: List[Any] = []
        good: List[int] = []
        for at, value in decoded(self, tag, decode):
            values.append(value)
            good.append(at)
        steps, wall_times = axes(self, tag)
        return Series(steps[good], wall_times[good], values)

    def _found(self, tag: str) -> Iterator[Tuple[Window, int, Value]]:
        """For each value, its file, the offset of its record, and itself."""
        places = iter(self._columns.arrays(self._number(tag)).rest)
        files = _kept.pop(self, None)  # so that no other thread uses them
        if files is None or files.process != os.getpid():
            files = Anywhere(self._places.__getitem__)
        try:
            for (number, offset), rows in groupby(zip(places, places, places), itemgetter(0, 1)):
                window = files.window(number)
                for value in _values_at(window, offset, map(itemgetter(2), rows)):
                    yield window, offset, value
        finally:
            files.close()
            _keep(self, files)

    def _facts(self, number: int) -> "Facts":
        known = self._forgotten.get(number)
        if known is None:
            known = _facts(self._columns.arrays(number), self._columns.kind(number) == "scalar")
        return known

    def _note(self, fault: Fault) -> None:
        if fault not in self._noted:
            self._noted.add(fault)
            self.faults.append(fault)


# The files of the runs whose values were asked for last, with the copies of those that are slow to
# read again. They are no part of a run, so that it can be copied and pickled.
_kept: "WeakKeyDictionary[Run, Anywhere]" = WeakKeyDictionary()


def _keep(run: Run, files: Anywhere) -> None:
    _kept[run] = files
    for ref in _kept.keyrefs()[:-_MOST_KEPT]:
        oldest = ref()
        if oldest is not None:
            _kept.pop(oldest, None)


class Tags:
    """The tags of a run whose names fit, in the order in which they first came, without a list of
    them: there may be a million."""

    def __init__(self, run: Run, fits: Optional[Callable[[str], bool]] = None) -> None:
        self._run = run
        self._columns = columns = run._columns
        self._numbers = columns.numbers() if fits is None else array("i", (
            number for number in columns if fits(columns.names[number])))

    def __len__(self) -> int:
        return len(self._numbers)

    def __iter__(self) -> Iterator[str]:
        return map(self._columns.names.__getitem__, self._numbers)

    def items(self) -> Iterator[Tuple[str, str]]:
        """(tag, kind)."""
        return zip(self, map(self._columns.kind, self._numbers))

    def facts(self, at: int) -> Tuple[str, str, Facts]:
        """The name of the tag at a place, its kind, and the facts about it."""
        number = self._numbers[at]
        return (self._columns.names[number], self._columns.kind(number),
                self._run._facts(number))


def kind_of(run: Run, tag: str) -> str:
    """The kind of a tag, "" without such a tag."""
    number = run._columns.find(tag)
    return run._columns.kind(number) if number >= 0 else ""


def forget(run: Run) -> None:
    """Keep only the facts about tags of many values. Their values can not be asked for any more.
    """
    for number, arrays in run._columns.forgotten():
        run._forgotten[number] = _facts(arrays, run._columns.kind(number) == "scalar")


def axes(run: Run, tag: str) -> Tuple[Array, Array]:
    """The steps and wall_times of a tag's values."""
    steps, wall_times, _ = run._columns.arrays(run._number(tag))
    return np.array(steps, np.int64), np.array(wall_times, np.float64)


def decoded(run: Run, tag: str, decode: Callable[[Value], Any], wanted: Sequence[bool] = ()
            ) -> Iterator[Tuple[int, Any]]:
    """The values of a tag one by one, as `decode` gives them, with their numbers; damaged ones are
    left out, and noted as faults of the run. wanted: which of the values, if not all."""
    for at, (window, offset, value) in enumerate(run._found(tag)):
        if wanted and not wanted[at]:
            continue
        try:
            yield at, decode(value)
        except WireError as error:
            run._note(Fault(window.name, EVENT, offset, 0, f"tag {tag!r}: {error}"))
        del value  # it may be large, and so may the next


def _values_at(window: Window, offset: int, places: Iterator[int]) -> Iterator[Value]:
    """The values at these places of the record at `offset`. ReadError if there is none any more.
    """
    record = record_at(window, offset)
    if isinstance(record, Fault):
        raise ReadError(f"{record}: the file has changed since it was read")
    try:
        yield from parse.picked(kinds.values_of(parse.event(record.data)), places)
    except (IndexError, WireError) as error:
        raise ReadError(f"got another event at byte {offset} of {window.name} ({error}): the file "
                        "has changed since it was read") from None


def _facts(found: Arrays, scalar: bool) -> Facts:
    ends: List[Tuple[Any, Any]] = []
    for numbers in found[:2]:
        if len(numbers) > _FEW:
            column = np.frombuffer(numbers, np.int64 if numbers.typecode == "q" else np.float64)
            ends.append((column.min().item(), column.max().item()))
        else:
            ends.append(_ends(numbers))
    return Facts(len(found.steps), ends[0], ends[1], found.rest[-1] if scalar else 0.0)


def _ends(numbers: "array[Any]") -> Tuple[Any, Any]:
    """The least and the greatest; NaN if there is one, as numpy has it."""
    if any(number != number for number in numbers):
        return math.nan, math.nan
    return min(numbers), max(numbers)
