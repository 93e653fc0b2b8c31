"""The items of a writer's queue, and how they become records.

A queue holds scalars as rows of bytes, other values as instances of the classes here, and the tasks
of `_log`. Each item states its memory in `nbytes`, except rows, which are all of one size.
"""
from __future__ import annotations

from operator import index
from sys import getsizeof
from typing import TYPE_CHECKING, Any, Dict, Iterator, List, Optional, Sequence, Tuple

from ._foreign import let_signals, of_signal
from ._log.queue import Encoded, PartlyEncoded
from ._loading import loading
from ._parts import Parts, total
from ._proto import messages, schema, wire
from ._scalars.rows import SIZE, RowEncoder, Tags
from ._tfrecord.frame import frame, framed

if TYPE_CHECKING:  # making a Protocol takes long, and checks nothing
    from typing import Protocol

    class Payload(Protocol):
        """An argument of `FileWriter.add`: a Summary, a Message, or a user's object. One that is
        quick to encode has an attribute `ready`."""

        @property
        def tags(self) -> Tuple[str, ...]: ...
        @property
        def nbytes(self) -> int: ...
        def event_field(self) -> Parts: ...

_WRITE_SIZE = 4 << 20      # about how many bytes are encoded before they are written
_SOON = 64 << 10           # a value that is ready and smaller is encoded in the call
_RECORD = 64               # the size of a scalar's record without its tag, about
_TOGETHER = 256            # how many items are searched for small values to encode together
COST = 200                 # bytes that the objects around a value take
_HELD = 1200               # further bytes of the objects from which it is encoded later


class Entry:
    """An event in the queue: encoded on the thread, or earlier by a caller who finds it crowded.

    step: a number; None if it is numbered when it gets its place in the queue; or a function that
        returns it, where only the thread knows the earlier steps.
    count: how many values it has.
    errors: those of the values that could not be encoded, where it has several values.
    """

    __slots__ = ("_payload", "_wall_time", "step", "nbytes", "ready", "count", "errors",
                 "_records")

    def __init__(self, payload: Payload, wall_time: float, step: Any) -> None:
        self._payload: Optional[Payload] = payload
        self._wall_time = wall_time
        self.step = step
        self.nbytes = nbytes = nbytes_of(payload) + COST
        self.ready = nbytes < _SOON and getattr(payload, "ready", False) and not callable(step)
        if not self.ready:  # a ready one is counted when it is encoded, right away
            for tag in payload.tags:
                self.nbytes += 2 * getsizeof(tag)
            self.nbytes += _HELD * len(self.later())
        self.count = len(payload.tags) or 1
        self.errors: Sequence[Exception] = ()
        self._records: Parts = []

    def encode(self) -> None:
        payload = self._payload
        if payload is not None:
            if callable(self.step):
                self.step = self.step(payload.tags)
            field = self._field(payload)
            event = messages.event(self._wall_time, self.step, field)
            if self.errors and not field:
                pass  # no value is left
            elif self.ready:
                record = framed(b"".join(event))
                self._records = [record]
                # The nbytes of some payloads leave out the parts of their values.
                self.nbytes = len(record) + COST
            else:
                self._records = frame(event)
            self._payload = None

    def _field(self, payload: Payload) -> Parts:
        try:
            return payload.event_field()
        except messages.LeftOut as error:
            self.errors = error.errors
            return error.field

    def place(self, counter: Any) -> None:
        """Number it, by a StepCounter."""
        payload: Any = self._payload
        self.step = counter.next(payload.tags)
        if self.ready:
            self.encode()

    def shorten(self) -> None:
        """Encode all but the step."""
        payload: Any = self._payload
        self._payload = Made(payload.tags, self._field(payload))

    @property
    def early(self) -> bool:
        """Whether a caller may encode it."""
        return not callable(self.step) and not getattr(self._payload, "waits", False)

    def later(self) -> List[Any]:
        """The functions that encode its values."""
        return [value.later for value in getattr(self._payload, "values", ()) if value.later]

    def records(self) -> Parts:
        self.encode()
        return self._records


def nbytes_of(payload: Any) -> int:
    """The payload's `nbytes`, checked: the memory limit relies on it."""
    nbytes: int = index(payload.nbytes)
    if nbytes < 0:
        raise ValueError(f"got nbytes={nbytes}, want a number of bytes, 0 or more")
    return nbytes


class Rows(Entry):
    """Many scalars of one tag, as rows.

    step: 0 if the rows have their steps. If those of the whole series still count from 0: None, or
        a function of the tag and the number of rows, as for an Entry; at is the first step here.
    """

    __slots__ = ("_rows", "_encoder", "_tag", "_at")

    def __init__(self, rows: bytes, tags: Tags, tag: str, step: Any, at: int) -> None:
        self._payload = None
        self._rows = rows
        self._encoder = RowEncoder(tags)
        self._tag = tag
        self.step = step
        self._at = at
        self.ready = False
        self.count = len(rows) // SIZE
        self.nbytes = self.count * (_RECORD + tags.longest)
        self.errors = ()
        self._records = []

    @classmethod
    def cut(cls, rows: bytes, tags: Tags, tag: str, step: Any) -> "Iterator[Rows]":
        """Items that hold `rows` in their order, each as many as fill a write."""
        size = _rows_per_write(tags) * SIZE
        for at in range(0, len(rows), size):
            yield cls(rows[at:at + size], tags, tag, step, at // SIZE)

    def place(self, counter: Any) -> None:
        self.step = counter.reserve(self._tag, len(self._rows) // SIZE) - self._at

    def shorten(self) -> None:
        """Nothing: rows are short."""

    def encode(self) -> None:
        if self._rows:
            if callable(self.step):
                self.step = self.step(self._tag, len(self._rows) // SIZE) - self._at
            if self.step:
                with loading:
                    from ._scalars.encode import raised
                self._rows, self.step = raised(self._rows, self.step), 0
            self._records = self._encoder.records(self._rows)
            self._rows = b""


class Made:
    """A payload that is encoded: a value before its step is known, or a foreign event."""

    ready = True

    def __init__(self, tags: Tuple[str, ...], field: Parts) -> None:
        self.tags = tags
        self.nbytes = total(field)
        self._field = field

    def event_field(self) -> Parts:
        return self._field


class Encoder:
    """Encodes queued items: consecutive rows together, other items one by one. If the first item
    can't be encoded, its error is raised; if a later one can't, those before it are returned."""

    def __init__(self, tags: Tags) -> None:
        self._tags = tags
        self._rows = RowEncoder(tags)

    def __call__(self, items: List[Any]) -> Encoded:
        most = _rows_per_write(self._tags)
        try:
            rows = b"".join(items[:most] if len(items) > most else items)
        except TypeError:
            return self._mixed(items, most)
        return self._rows.records(rows), len(rows) // SIZE, 0

    def _mixed(self, items: List[Any], most: int) -> Encoded:
        done = nbytes = size = prepared = 0
        out: Parts = []
        while done < len(items) and size < _WRITE_SIZE:
            item = items[done]
            if type(item) is bytes:
                end = done + 1
                while end < len(items) and type(items[end]) is bytes and end < done + most:
                    end += 1
                records = self._rows.records(b"".join(items[done:end]))
                done = end
            elif isinstance(item, Entry):
                if done >= prepared:
                    prepared = done + _TOGETHER
                    _prepare(items[done:prepared])
                try:
                    records = item.records()
                except Exception as error:
                    if not done or of_signal(error):
                        raise
                    break  # it is the first of the next batch
                if item.errors:
                    if done:
                        break
                    raise PartlyEncoded((records, 1, item.nbytes), item.errors)
                nbytes += item.nbytes
                done += 1
            else:
                break
            out += records
            size += total(records)
        return out, done, nbytes


def _rows_per_write(tags: Tags) -> int:
    """How many rows with these tags fill a write."""
    return max(_WRITE_SIZE // (_RECORD + tags.longest), 1)


def _prepare(items: Sequence[Any]) -> None:
    """Let values of one class that wait together share part of their work."""
    waiting: Dict[Any, List[Any]] = {}
    for item in items:
        if isinstance(item, Entry) and not item.ready:
            for later in item.later():
                if getattr(later, "small", False):
                    waiting.setdefault(type(later), []).append(later)
    for kind, those in waiting.items():
        if len(those) > 1:
            try:
                kind.prepare(those)
            except Exception as error:  # each is encoded alone later, and raises there
                let_signals(error)


def serialized(message: Any, what: str) -> bytes:
    if hasattr(message, "SerializeToString"):
        message = message.SerializeToString()
    if not isinstance(message, (bytes, bytearray)):
        raise TypeError(f"got a {what} of type {type(message).__name__}, want bytes or a message "
                        "with SerializeToString()")
    return bytes(message)


def tags_of(summary: bytes) -> List[str]:
    """The tags of a serialized Summary. WireError (a ValueError) if it is not one."""
    from ._proto.wellformed import check_summary  # few programs add foreign messages
    check_summary(summary)
    tags = []
    for number, wire_type, _, value in wire.fields(summary):
        if number == schema.Summary.VALUE and wire_type == wire.LENGTH:
            for inner, inner_type, _, text in wire.fields(value):
                if inner == schema.Value.TAG and inner_type == wire.LENGTH:
                    tags.append(str(text, "utf-8"))
    return tags


def open_event(event: bytes) -> Tuple[Optional[float], int, bytes]:
    """The wall_time, None without one, the step, and all other fields of a serialized Event.
    WireError (a ValueError) if it is not one."""
    from ._proto.wellformed import check_event
    check_event(event)
    seconds, step, rest = None, 0, []
    for number, wire_type, integer, value in wire.fields(event):
        if (number, wire_type) == (schema.Event.WALL_TIME, wire.FIXED64):
            seconds = wire.as_double(value)
        elif (number, wire_type) == (schema.Event.STEP, wire.VARINT):
            step = wire.signed(integer)
        elif wire_type == wire.LENGTH:
            rest.append(wire.bytes_field(number, bytes(value)))
        else:
            raise wire.WireError(f"got field {number} of wire type {wire_type}, want an Event")
    return seconds, step, b"".join(rest)
