"""FileWriter: the room where values become bytes and bytes go to disk.

    with FileWriter("logs") as writer:
        writer.add_summary(summary.scalar("loss", 0.5), global_step=3)

Everything above it (SummaryWriter, the MXNet adapters, a kind of your own) is one call to `add` or
`add_scalar`.
"""
from __future__ import annotations

import math
import os
import struct
import time
from contextlib import ExitStack
from itertools import count
from typing import (TYPE_CHECKING, Any, Callable, Dict, Iterator, List, Optional, Protocol,
                    Sequence, Tuple, Union)

from ._proto import messages, schema, wire
from ._proto.messages import Message, Summary
from ._values.number import as_float, as_step, as_wall_time, is_plain
from ._log.channel import Channel, Encoded, Task
from ._tfrecord.frame import frame
from ._scalars.rows import ROW, SIZE, RowEncoder, Tags
from ._log import open_log
from ._version import __version__
from ._parts import Parts, total
from ._warnings import warn
# Now, not at the first value: a finalizer that logs may run in the middle of an import.
from .summary._scalar import scalar

if TYPE_CHECKING:
    from .profile.recorder import Profile

FLUSH_SECS = 0.1
REMOTE_FLUSH_SECS = 10.0
MAX_BUFFER = 64 << 20
_WRITE_SIZE = 4 << 20  # what is encoded before it is written
_SOON = 64 << 10       # what is ready, and smaller than this, is encoded in the call
_ROWS_SIZE = 65536 * SIZE  # rows that are queued as one item, where they come together

_pack = ROW.pack
_now = time.time


class Payload(Protocol):
    """What `add` takes: a Summary, a Message, or one's own. One that is quickly encoded says so by
    an attribute `ready`."""

    @property
    def tags(self) -> Tuple[str, ...]: ...
    @property
    def nbytes(self) -> int: ...
    def event_field(self) -> Parts: ...


class FileWriter:
    """Writes the events of one run into its log directory.

    logdir: the directory, made if it is missing; a path or, with the extra `remote`, a URL such as
        `s3://bucket/run`.
    max_queue: taken for compatibility; the queue is bounded by `max_buffer`, in bytes.
    flush_secs: what is added reaches the file within so many seconds (default 0.1, on object stores
        10). A program that is killed loses no more than that.
    filename_suffix: ends the names of the event files.
    asynchronous: False makes every call write in the call itself. The bytes are the same.
    strict: raise OSError from the add methods when the storage fails; otherwise they warn once,
        keep what is added and go on trying.
    disabled: do nothing, for processes that should be silent.
    purge_step: a resumed run starts again here: TensorBoard drops what it has from this step on.
    resume: continue automatic step numbers where the files in `logdir` end.
    max_buffer: bytes that may wait in memory; beyond it, while the storage stands still, what is
        added is dropped and counted in `dropped`.
    max_file_bytes: start another event file at this size.

    When no step is given, a tag's values are numbered 0, 1, 2, ... Give all steps of a tag or none:
    the two ways to count do not know of each other.

    Raises OSError when the directory can't be written. Safe to use from several threads, from
    signal handlers, and after a fork, where the child writes a file of its own. A pickled writer
    opens a file of its own where it is loaded.
    """

    def __init__(self, logdir: Union[str, "os.PathLike[str]"], max_queue: int = 10,
                 flush_secs: Optional[float] = None, filename_suffix: Optional[str] = "", *,
                 asynchronous: bool = True, strict: bool = False, disabled: bool = False,
                 purge_step: Optional[int] = None, resume: bool = False,
                 max_buffer: int = MAX_BUFFER, max_file_bytes: Optional[int] = None) -> None:
        logdir = os.fspath(logdir)
        if flush_secs is None:
            flush_secs = REMOTE_FLUSH_SECS if "://" in logdir else FLUSH_SECS
        self._settings: Dict[str, Any] = dict(
            flush_secs=flush_secs, filename_suffix=filename_suffix, asynchronous=asynchronous,
            strict=strict, disabled=disabled, max_buffer=max_buffer, max_file_bytes=max_file_bytes)
        self._resuming: Dict[str, Any] = dict(purge_step=purge_step, resume=resume)
        self._runs: Dict[str, FileWriter] = {}
        self._logdir = logdir
        self._steps: Dict[str, Iterator[int]] = {}
        self._tags = Tags()
        self._numbers = self._tags.numbers
        self.disabled = disabled
        if disabled:
            self._be_silent()
            return
        if as_float(flush_secs, "flush_secs") < 0 or not math.isfinite(flush_secs):
            raise ValueError(f"got flush_secs={flush_secs}, want seconds, 0 or more")
        self._log = open_log(logdir, filename_suffix or "", _header, max_file_bytes)
        self._logdir = self._log.directory
        self._channel = Channel(self._log, _Encoder(self._tags), flush_secs, max_buffer,
                                asynchronous=asynchronous and flush_secs > 0, strict=strict)
        self._items = self._channel.items
        if resume:
            from ._files.stream import last_steps_of  # the reader's, which few writers need
            self._steps.update((tag, count(step + 1))
                               for tag, step in last_steps_of(self._log.earlier()).items())
        if purge_step is not None:
            # TensorBoard's Python loader purges at every START of a run but its first, whatever
            # step that has: so there are two.
            start = Message(schema.Event.SESSION_LOG, messages.SESSION_START)
            self.add(start, purge_step)
            self.add(start, purge_step)

    def add(self, payload: Payload, step: Optional[int] = None,
            wall_time: Optional[float] = None) -> None:
        """Write `payload` (a Summary of one or several values, a graph, an embedding) as one event.

        step: an integer; None numbers the values of a tag 0, 1, 2, ...
        wall_time: seconds since 1970; None is now.

        Raises TypeError or ValueError for a step or time that is none.
        """
        seconds = _now() if wall_time is None else as_wall_time(wall_time)
        number = self._next_step(payload.tags) if step is None else as_step(step)
        if hasattr(payload, "store"):
            log = self._log
            self._channel.put(Task(lambda: payload.store(log)))
            return
        entry = _Entry(payload, seconds, number)
        wire.check_size(entry.nbytes, "a value")
        self._put(entry)

    def add_scalar(self, tag: str, scalar_value: Any, global_step: Optional[int] = None,
                   walltime: Optional[float] = None, new_style: bool = False,
                   double_precision: bool = False, display_name: str = "",
                   summary_description: str = "") -> None:
        """Write one number. Shown in Time Series and Scalars.

        scalar_value: as `summary.scalar` takes it. global_step, walltime: as in `add`.
        new_style, double_precision: taken for compatibility. Every loader shows the one form that
            is written, a float32; a double would be invisible in TensorBoard's default loader.

        Raises TypeError or ValueError for a tag, value, step or time that is none.
        """
        if walltime is not None or display_name or summary_description:
            self._scalar(tag, scalar_value, global_step, walltime, display_name,
                         summary_description)
            return
        try:
            row = _pack(_now(), global_step, scalar_value, self._numbers[tag])
        except (KeyError, struct.error, TypeError, ValueError, OverflowError):
            self._scalar(tag, scalar_value, global_step)  # also the first value of a tag
            return
        items = self._items
        items.append(row)
        if len(items) >= self._channel.limit:
            self._channel.wake()

    def add_summary(self, summary: Any, global_step: Optional[int] = None,
                    walltime: Optional[float] = None) -> None:
        """Write a Summary: of this package, serialized, or anything with `SerializeToString()`.

        Raises TypeError for anything else, ValueError for bytes that are no Summary.
        """
        if not isinstance(summary, (Summary, Message)):
            data = _serialized(summary, "summary")
            summary = Message(schema.Event.SUMMARY, data, _tags_of(data))
        self.add(summary, global_step, walltime)

    def add_event(self, event: Any, step: Optional[int] = None,
                  walltime: Optional[float] = None) -> None:
        """Write an Event: serialized, or anything with `SerializeToString()`.

        step, walltime: replace those of the event. Without a wall_time it gets the present one.

        Raises TypeError for anything else, ValueError for bytes that are no Event.
        """
        data = _serialized(event, "event")
        seconds, number, field = _open_event(data)
        if walltime is not None or seconds is None:
            seconds = time.time() if walltime is None else walltime
        self._put(_Entry(_Raw(field), as_wall_time(seconds),
                         number if step is None else as_step(step)))

    def profile(self, name: str = "", host: str = "", *, every: int = 0, steps: int = 10,
                max_events: int = 100_000) -> "Profile":
        """Record where time goes, as one session of the Profile dashboard; a context manager.

            with writer.profile() as profile:
                for number, batch in enumerate(profile.input(batches)):
                    with profile.step(number), profile.span("train"):
                        train(batch)

        name: ends the session's name, which is the local time `YYYY_MM_DD_HH_MM_SS`.
        host: the name of this machine; "" is its own.
        every: profile `steps` steps in so many, each time in a session of its own; 0 profiles the
            whole block.
        max_events: spans, counters and memory events that are held, of each kind; those beyond
            are left out, counted, and reported in a warning and on the page.

        Needs the package xprof where TensorBoard runs. Raises TypeError or ValueError for other
        arguments.
        """
        from .profile.recorder import Profile
        return Profile(self, name, host, every=every, steps=steps, max_events=max_events)

    def flush(self, timeout: float = 30.0, fsync: bool = False) -> None:
        """Return when everything added before is in the file, so that it survives the program.

        fsync: let it survive the machine too.

        Raises OSError when the storage fails, TimeoutError after `timeout` seconds. Nothing is
        lost by either: the writer goes on trying.
        """
        with ExitStack() as runs:
            for run in self._runs.values():
                runs.callback(run.flush, timeout, fsync)
            self._channel.flush(timeout, self._log.sync if fsync else None)

    def close(self, timeout: float = 30.0) -> None:
        """Flush, fsync and close the file; tries again until `timeout` if the storage fails.

        A later add opens another file. Raises OSError or TimeoutError as `flush` does.
        """
        with ExitStack() as runs:
            for run in self._runs.values():
                runs.callback(run.close, timeout)
            self._channel.close(timeout)

    def reopen(self) -> None:
        """Go on in a new file after `close()`. The add methods do so by themselves."""

    def sub_run(self, name: str) -> "FileWriter":
        """The writer of the run `name` below this log directory, with the same settings.

        TensorBoard draws the same tag of several runs as curves of one chart. A name has one
        writer, which is flushed and closed together with this one.

        Raises TypeError or ValueError for a name that is none, OSError as the constructor does.
        """
        if not isinstance(name, str):
            raise TypeError(f"got a run name of type {type(name).__name__}, want str")
        run = self._runs.get(name)
        if run is not None:
            return run
        if not all(part.strip(". ") for part in name.replace("\\", "/").split("/")):
            raise ValueError(f"got the run name {name!r}, want a path below the log directory")
        if self.disabled:
            return self
        return self._runs.setdefault(name, FileWriter(
            f"{self._logdir}/{name}", **self._settings, **self._resuming))

    def get_logdir(self) -> str:
        """The log directory: an absolute path, or the URL."""
        return self._logdir

    @property
    def path(self) -> str:
        """The event file that is written now; "" before the first event is written."""
        return self._log.path

    @property
    def error(self) -> Optional[OSError]:
        """What keeps the storage from taking records now; None while all is well."""
        return self._channel.error

    @property
    def dropped(self) -> int:
        """How many values were dropped since the buffer was full."""
        return self._channel.dropped

    def __enter__(self) -> "FileWriter":
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def __del__(self) -> None:
        channel = getattr(self, "_channel", None)
        if channel is not None:
            channel.close_soon()

    def __reduce__(self) -> Tuple[Any, ...]:
        return _reopened, (type(self), self._logdir, self._settings)

    def _scalar(self, tag: str, value: Any, step: Optional[int] = None,
                wall_time: Optional[float] = None, display_name: str = "",
                description: str = "") -> None:
        """What a plain row does not hold, or the error that says what is wrong."""
        self.add(scalar(tag, value, display_name=display_name, description=description), step,
                 wall_time)
        if is_plain(value):  # the others take this path every time
            self._tags.number(tag)

    def _put_rows(self, rows: bytes) -> None:
        """Queue many scalars at once."""
        for at in range(0, len(rows), _ROWS_SIZE):
            self._put(_Rows(rows[at:at + _ROWS_SIZE], self._tags))

    def _put(self, entry: "_Entry") -> None:
        if entry.ready or self._channel.crowded:
            entry.encode()
        self._channel.put(entry)

    def _next_step(self, tags: Sequence[str]) -> int:
        if len(tags) == 1:
            counter = self._steps.get(tags[0])
            if counter is None:
                if tags[0] in self._numbers:
                    warn(f"the values of {tags[0]!r} had steps before and are numbered from 0 now, "
                         "so that its curve starts anew: give all steps, or none")
                counter = self._steps.setdefault(tags[0], count())
            return next(counter)
        step = max((self._next_step((tag,)) for tag in tags), default=0)
        self._steps.update((tag, count(step + 1)) for tag in tags)
        return step

    def _be_silent(self) -> None:
        for name in dir(type(self)):
            if name.startswith("add") or name in ("flush", "close"):
                setattr(self, name, _nothing)


class _Entry:
    """An event in the queue: encoded on the thread, or earlier by a caller who finds it crowded."""

    __slots__ = ("_payload", "_wall_time", "_step", "nbytes", "ready", "_records")

    def __init__(self, payload: Payload, wall_time: float, step: int) -> None:
        self._payload: Optional[Payload] = payload
        self._wall_time = wall_time
        self._step = step
        self.nbytes = payload.nbytes + 200
        self.ready = self.nbytes < _SOON and getattr(payload, "ready", False)
        self._records: Parts = []

    def encode(self) -> None:
        if self._payload is not None:
            event = messages.event(self._wall_time, self._step, self._payload.event_field())
            self._records = frame(event)
            self._payload = None

    def records(self) -> Parts:
        self.encode()
        return self._records


class _Rows(_Entry):
    """Many scalars at once, as rows."""

    __slots__ = ("_rows", "_encoder")

    def __init__(self, rows: bytes, tags: Tags) -> None:
        self._rows = rows
        self._encoder = RowEncoder(tags)
        self.ready = False
        self.nbytes = 3 * len(rows)  # what the records take
        self._records = []

    def encode(self) -> None:
        if self._rows:
            self._records = self._encoder.records(self._rows)
            self._rows = b""


class _Raw:
    """The field of a foreign event, as it came."""

    tags = ()
    ready = True

    def __init__(self, field: bytes) -> None:
        self.field = field
        self.nbytes = len(field)

    def event_field(self) -> Parts:
        return [self.field]


class _Encoder:
    """Queued items to records: runs of rows together, the rest one by one."""

    def __init__(self, tags: Tags) -> None:
        self._rows = RowEncoder(tags)

    def __call__(self, items: List[Any]) -> Encoded:
        try:
            rows = b"".join(items)
        except TypeError:
            return self._mixed(items)
        return self._rows.records(rows), len(items), 0

    def _mixed(self, items: List[Any]) -> Encoded:
        done = nbytes = size = 0
        out: Parts = []
        while done < len(items) and size < _WRITE_SIZE:
            item = items[done]
            if type(item) is bytes:
                end = done + 1
                while end < len(items) and type(items[end]) is bytes:
                    end += 1
                records = self._rows.records(b"".join(items[done:end]))
                done = end
            elif isinstance(item, _Entry):
                records = _records(item)
                nbytes += item.nbytes
                done += 1
            else:
                break
            out += records
            size += total(records)
        return out, done, nbytes


def _records(entry: _Entry) -> Parts:
    """The entry's records; none, with a warning, where a kind breaks its word and raises late."""
    try:
        return entry.records()
    except Exception as error:
        warn(f"a value could not be encoded and is left out: {type(error).__name__}: {error}")
        return []


def _header() -> bytes:
    """The first record of every event file."""
    return b"".join(frame([messages.file_version(time.time(), f"tbwriter {__version__}")]))


def _nothing(*args: Any, **kwargs: Any) -> None:
    """What a disabled writer does."""


def _reopened(cls: Callable[..., FileWriter], logdir: str, settings: Dict[str, Any]) -> FileWriter:
    return cls(logdir, **settings)


def _serialized(message: Any, what: str) -> bytes:
    if hasattr(message, "SerializeToString"):
        message = message.SerializeToString()
    if not isinstance(message, (bytes, bytearray)):
        raise TypeError(f"got a {what} of type {type(message).__name__}, want bytes or a message "
                        "with SerializeToString()")
    return bytes(message)


def _tags_of(summary: bytes) -> List[str]:
    """The tags of a serialized Summary. WireError (a ValueError) where it is none."""
    tags = []
    for number, wire_type, _, value in wire.fields(summary):
        if number == schema.Summary.VALUE and wire_type == wire.LENGTH:
            for inner, inner_type, _, text in wire.fields(value):
                if inner == schema.Value.TAG and inner_type == wire.LENGTH:
                    tags.append(str(text, "utf-8"))
    return tags


def _open_event(event: bytes) -> Tuple[Optional[float], int, bytes]:
    """wall_time, step, and everything else of a serialized Event."""
    seconds, step, rest = None, 0, []
    for number, wire_type, integer, value in wire.fields(event):
        if (number, wire_type) == (schema.Event.WALL_TIME, wire.FIXED64):
            seconds = wire.as_double(value)
        elif (number, wire_type) == (schema.Event.STEP, wire.VARINT):
            step = wire.signed(integer)
        elif wire_type == wire.LENGTH:
            if number == schema.Event.SUMMARY:
                _tags_of(bytes(value))
            rest.append(wire.bytes_field(number, bytes(value)))
        else:
            raise wire.WireError(f"got field {number} of wire type {wire_type}, want an Event")
    return seconds, step, b"".join(rest)
