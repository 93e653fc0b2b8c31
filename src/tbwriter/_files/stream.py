"""Records of event files by the thousand: scalars as columns, everything else as records.

    with Window(path) as window:
        stream = ScalarStream(window, faults)
        for part in stream:
            for tag, scalars in part.scalars.by_tag():
                stream.values[tag]              # parse.Value: tag, metadata
                scalars.steps, scalars.values   # arrays
            for record in part.others:
                ...

Every undamaged record of the file is either in `scalars` or in `others` of one part. Both are in
the order of the file; where their order matters, compare the offsets.
"""
from __future__ import annotations

import os
from typing import (Any, Callable, Dict, Iterable, Iterator, List, NamedTuple, Optional, Tuple,
                    Union)

import numpy as np

from .places import Logdir, is_event_file, local_path
from .records import Fault, Record, check_end, records
from .window import DISK_CHUNK, Place, ReadError, Window
from .._proto import parse, schema
from .._scalars.decode import Chunk, Decoder
from .._scalars.pieces import Piece, joined, stable_order

Array = Any  # np.ndarray, whose generic form numpy 1.19 does not have

Progress = Callable[[int], object]  # called with a number of bytes that were read

# How many bytes to read at a time after damage; doubled with each undamaged chunk.
_AFTER_DAMAGE = 1 << 16


class Scalars(NamedTuple):
    """Scalars in the order of the file.

    tags: int32 [n], indices into `ScalarStream.values`. offsets: int64 [n], where the record of
    each scalar begins. places: int32 [n], its position in the record's Summary. steps: int64 [n].
    wall_times, values: float64 [n].
    """

    tags: Array
    offsets: Array
    places: Array
    steps: Array
    wall_times: Array
    values: Array

    def by_tag(self) -> Iterator[Tuple[int, "Scalars"]]:
        """(tag, the scalars of that tag), each in the order of the file."""
        order, bounds = self.order_by_tag()
        found = self.taken(order)
        for begin, end in zip(bounds, bounds[1:]):
            yield int(found.tags[begin]), found.taken(slice(begin, end))

    def order_by_tag(self) -> Tuple[Any, List[int]]:
        """An index that puts the scalars tag by tag, and where each tag then begins, with the end
        of the last one."""
        if not len(self.tags) or (self.tags == self.tags[0]).all():
            return slice(None), [0, len(self.tags)] if len(self.tags) else [0]
        order = stable_order(self.tags)
        tags = self.tags[order]
        cuts = np.flatnonzero(tags[1:] != tags[:-1]) + 1
        return order, [0, *cuts.tolist(), len(tags)]

    def taken(self, index: Any) -> "Scalars":
        """Some of the scalars, or all in another order."""
        return Scalars(*[column[index] for column in self])


_NONE = Scalars(*(np.zeros(0, dtype) for dtype in (np.int32, np.int64, np.int32, np.int64,
                                                   np.float64, np.float64)))


class Part:
    """Consecutive records of a file.

    offsets: int64 [n], where they begin. pieces: their scalars as they were decoded, with numbers
    for the records. others: the records without scalars only. end: where the last one ends.
    """

    def __init__(self, offsets: Array, pieces: List[Piece], others: List[Record], end: int
                 ) -> None:
        self.offsets = offsets
        self.pieces = pieces
        self.others = others
        self.end = end
        self._scalars: Optional[Scalars] = None

    @property
    def scalars(self) -> Scalars:
        """The scalars in the order of the file."""
        if self._scalars is None:
            self._scalars = _NONE
            if self.pieces:
                tags, numbers, *columns = joined(self.pieces, len(self.offsets))
                self._scalars = Scalars(tags, self.offsets[numbers], *columns)
        return self._scalars

    def in_order(self) -> Iterator[Union[Scalars, Record]]:
        """Scalars, and the records between them, as they follow one another in the file."""
        done = 0
        for record in self.others:
            upto = int(np.searchsorted(self.scalars.offsets, record.offset))
            if upto > done:
                yield self.scalars.taken(slice(done, upto))
            yield record
            done = upto
        if done < len(self.scalars.tags):
            yield self.scalars.taken(slice(done, None))


class ScalarStream:
    """The parts of one file, from byte `start` on.

    values: the parse.Value of each kind of scalar found so far (tag and metadata, no number).
    faults: collects damage; reading continues after it. Without it the first damage raises
        ReadError; an unfinished last record ends the stream, as it does in TensorBoard.
    progress: called with the number of bytes of each part, after the caller is done with it.
    """

    def __init__(self, window: Window, faults: Optional[List[Fault]] = None, start: int = 0,
                 progress: Optional[Progress] = None) -> None:
        self._window = window
        self._faults = faults
        self._at = self._reported = start
        self._progress = progress
        self._decoder = Decoder()
        self.values: List[parse.Value] = self._decoder.values

    def __iter__(self) -> Iterator[Part]:
        for part in self._parts():
            end = part.end
            yield part
            del part  # before the next is read: a record may be large
            self._report(end)
        self._report(self._window.size)

    def _report(self, end: int) -> None:
        if self._progress is not None:
            self._progress(end - self._reported)
            self._reported = end

    def _parts(self) -> Iterator[Part]:
        size = DISK_CHUNK
        while self._at < self._window.size:
            start, data = self._at, self._window.read(self._at, size)
            chunk = self._decoder.decode(data)
            self._at = start + chunk.end
            if chunk.end:
                yield _part(chunk, start)
            if chunk.whole and chunk.end:
                size = min(2 * size, DISK_CHUNK)
                continue
            # Damage: one by one for a while. Or a record that is larger than the chunk.
            size = _AFTER_DAMAGE if not chunk.whole else size
            yield from map(_unread, self._one_by_one(min(self._at + size, start + len(data))))
        check_end(self._window, self._faults)

    def _one_by_one(self, end: int) -> Iterator[List[Record]]:
        """The records that begin before `end`; then the stream is at the next after it."""
        found: List[Record] = []
        wrong: Optional[ReadError] = None
        try:
            for record in records(self._window, self._faults, self._at):
                self._at = record.end
                found.append(record)
                if self._at >= end:
                    break
            else:
                self._at = self._window.size
        except ReadError as error:
            wrong = error
        if found:
            yield found
        if wrong is not None:
            raise wrong


def _unread(found: List[Record]) -> Part:
    """Records that nobody looked at for scalars."""
    return Part(_NONE.offsets, [], found, found[-1].end)


def _part(chunk: Chunk, start: int) -> Part:
    offsets = chunk.offsets + start
    others = [Record(int(offsets[number]), data) for number, data in chunk.others]
    return Part(offsets, chunk.pieces, others, start + chunk.end)


def last_steps(directory: Logdir) -> Dict[str, int]:
    """{tag: step of its last value} of the run in `directory`; damage is skipped.

        first = last_steps("runs/a").get("loss", -1) + 1

    directory: a path; {} if it does not exist. Values that a restart (`purge_step`) removed do not
        count.

    Raises TypeError for anything but a path.
    """
    directory = local_path(directory)
    if not os.path.isdir(directory):
        return {}
    paths = [os.path.join(directory, name) for name in sorted(os.listdir(directory))
             if is_event_file(name)]
    return last_steps_of(path for path in paths if os.path.isfile(path))


def last_steps_of(places: Iterable[Place]) -> Dict[str, int]:
    """The same of event files that are given in their order, by paths or as bytes."""
    last: Dict[str, int] = {}
    for place in places:
        with Window(place) as window:
            stream = ScalarStream(window, [])
            for part in stream:
                for piece in part.in_order():
                    if isinstance(piece, Record):
                        _note_event(piece.data, last)
                    else:
                        _note_scalars(piece, stream.values, last)
                    del piece
                del part  # before the next is read: a record may be large
    return last


def _note_scalars(scalars: Scalars, values: List[parse.Value], last: Dict[str, int]) -> None:
    tags, at = np.unique(scalars.tags[::-1], return_index=True)
    for number, tag in sorted(zip((len(scalars.tags) - 1 - at).tolist(), tags.tolist())):
        last[values[tag].tag] = int(scalars.steps[number])


def _note_event(data: bytes, last: Dict[str, int]) -> None:
    try:
        event = parse.event(data)
        if event.session_status == schema.SessionStatus.START:
            for tag in last:
                last[tag] = min(last[tag], event.step - 1)
    except ValueError:
        return
    for value in event.values:
        last[value.tag] = event.step
