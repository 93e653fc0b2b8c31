"""FileWriter: turns values into events, and queues them for the thread that writes the file.

    with FileWriter("logs") as writer:
        writer.add_summary(summary.scalar("loss", 0.5), global_step=3)

All else (SummaryWriter, MXNet adapters, kinds of your own) is one call to `add` or `add_scalar`.
"""
from __future__ import annotations

import os
import struct
import time
from typing import (TYPE_CHECKING, Any, Callable, Dict, List, Optional, Sequence, Tuple,
                    Union, cast)

from ._entries import Encoder, Entry, Made, Rows, open_event, serialized, tags_of
from ._family import DEFAULT_BUFFER, Runs, Settings, check_path
from ._foreign import checked, exact, of_signal
from ._loading import loading
from ._log import open_log
from ._log.channel import Channel
from ._log.queue import Task
from ._log.worker import close_all, flush_all
from ._proto import messages, schema, wire
from ._names import as_path
from ._proto.messages import Message, Summary
from ._scalars.rows import ROW, Tags, with_step
from ._steps import Parent, StepCounter
from ._tfrecord.frame import frame
from ._values.number import INF, as_flag, as_step, as_timeout, as_wall_time, is_plain
from ._warnings import whole
# Now, not at the first value: a finalizer that logs may run in the middle of an import.
from .summary._scalar import scalar

if TYPE_CHECKING:
    from typing_extensions import Self

    from .profile.recorder import Profile

_pack = ROW.pack
_PACKAGE = f"{__package__}."


class FileWriter:
    """Writes the events of one run into its log directory.

    logdir: the directory, made if it is missing; a path or, with the extra `remote`, a URL such as
        `s3://bucket/run`.
    max_queue: accepted for compatibility; the queue is bounded by `max_buffer`, in bytes.
    flush_secs: added values reach the file within this time, in seconds (default 0.1, on object
        stores 10). A program that is killed loses no more than that.
    filename_suffix: ends the names of the event files.
    asynchronous: False makes every call write in the call itself. The bytes are the same.
    strict: raise OSError from the add methods when the storage fails; otherwise they warn once,
        keep what is added and continue to try.
    disabled: do nothing, for processes that should be silent.
    purge_step: a resumed run starts again here: TensorBoard drops its values from this step on.
    resume: continue automatic step numbers where the files in `logdir` end.
    max_buffer: bytes that may wait in memory (default 256 MiB, or a sixteenth of the memory if that
        is less). Beyond it, a call waits until some of them are written; values added while the
        storage makes no progress are dropped and counted in `dropped`.
    max_file_bytes: start another event file at this size.

    When no step is given, a tag's values are numbered 0, 1, 2, ... Give all steps of a tag or none:
    the two ways of counting are independent.

    Raises OSError when the directory can't be written. Safe to use from several threads, from
    signal handlers, and after a fork, where the child writes a file of its own. A pickled writer
    opens a file of its own where it is loaded.
    """

    default_step: Optional[int] = None
    """The step of values that are added without one; None numbers them 0, 1, ..."""

    _counts_later = False  # whether steps are numbered on the thread

    def __init__(self, logdir: Union[str, "os.PathLike[str]"], max_queue: int = 10,
                 flush_secs: Optional[float] = None, filename_suffix: Optional[str] = "", *,
                 asynchronous: bool = True, strict: bool = False, disabled: bool = False,
                 purge_step: Optional[int] = None, resume: bool = False,
                 max_buffer: int = DEFAULT_BUFFER, max_file_bytes: Optional[int] = None) -> None:
        path = os.path.expanduser(as_path(logdir))
        resume = as_flag(resume, "resume")
        self._open(path, Settings(
            "://" in path, flush_secs=flush_secs, filename_suffix=filename_suffix,
            asynchronous=asynchronous, strict=strict, disabled=disabled, max_buffer=max_buffer,
            max_file_bytes=max_file_bytes))
        self._resuming: Tuple[Optional[int], bool] = purge_step, resume
        if resume and not self.disabled:
            self.step_counter.resume(self._log)
        self._purge(purge_step)

    def _open(self, logdir: str, settings: Settings, probe: bool = True) -> None:
        """Set up a new writer. probe: see whether files can be made, and raise OSError if not."""
        self._settings = settings
        self._logdir = logdir
        self._clock: Callable[[], float] = time.time
        self._tags = Tags()
        self._numbers = self._tags.numbers
        self.step_counter = StepCounter(self._numbers)
        self._parent = Parent(self._numbers, self.step_counter)
        self.disabled = settings.disabled
        if self.disabled:
            for name in dir(type(self)):
                if name.startswith("add") or name in ("flush", "close"):
                    self.__dict__[name] = _nothing
            return
        self._log = open_log(logdir, settings.filename_suffix, _header, settings.max_file_bytes,
                             probe=probe)
        self._logdir = self._log.directory
        self._channel = Channel(self._log, Encoder(self._tags), settings.flush_secs,
                                settings.max_buffer, strict=settings.strict,
                                asynchronous=settings.asynchronous and settings.flush_secs > 0)
        self._queue = self._channel.queue
        self._items = self._queue.items
        self._runs = Runs(self._channel)

    def _resume_later(self, resuming: Tuple[Optional[int], bool]) -> None:
        """Continue a run that has files, which the thread reads before it writes anything."""
        self._resuming = resuming
        if resuming[1]:
            self._counts_later = True
            counter, log = self.step_counter, self._log
            task = Task(lambda: counter.resume_on_thread(log))
            self._queue.starts.append(task)
            self._channel.put(task)

    def _purge(self, step: Optional[int]) -> None:
        """Tell TensorBoard that the run starts again at `step`."""
        if step is not None and not self.disabled:
            # Its Python loader purges at every START of a run except the first, whatever its step:
            # so there are two.
            start = Message(schema.Event.SESSION_LOG, messages.SESSION_START)
            purged = Task()
            self._queue.starts.append(purged)
            self.add(start, step)
            self.add(start, step)
            self._channel.put(purged)

    @checked
    def add(self, payload: Any, step: Optional[int] = None,
            wall_time: Optional[float] = None) -> None:
        """Write `payload` (a Summary of one or several values, a graph, an embedding) as one event.

            writer.add(summary.scalar("loss", 0.5) + summary.text("note", "first"), step)

        step: an integer; None numbers the values of a tag 0, 1, 2, ...
        wall_time: seconds since 1970; None is now.

        Raises TypeError for any other payload, ValueError for one of 2 GiB or more, TypeError or
        ValueError for a wrong step or time.
        """
        stored = hasattr(payload, "store")
        if not (stored or hasattr(payload, "event_field")):
            raise TypeError(f"got a payload of type {type(payload).__name__}, want one of "
                            "tbwriter.summary, such as summary.scalar(tag, value)")
        seconds = self._clock() if wall_time is None else as_wall_time(wall_time)
        step = self.default_step if step is None else step
        number: Any = None if step is None else as_step(step)
        self._note(payload.tags, number or 0)
        if self._parent.tags:
            self._parent.compare(payload.tags)
        if stored:
            with loading:
                from ._side_files import SideFiles
            self._channel.put(SideFiles(payload, self._log))
            return
        if step is None:
            number = self._no_step(payload.tags, self.step_counter.next_later)
        entry = Entry(payload, seconds, number)
        wire.check_size(entry.nbytes, "a value")
        self._put(entry)
        if step is not None:
            self.step_counter.give(payload.tags)

    def add_scalar(self, tag: str, scalar_value: Any, global_step: Optional[int] = None,
                   walltime: Optional[float] = None, new_style: bool = False,
                   double_precision: bool = False, display_name: str = "",
                   summary_description: str = "", description: str = "") -> None:
        """Write one number. Shown in Time Series and Scalars.

            writer.add_scalar("train/loss", loss, step)

        tag: names the chart; the part before its first "/" names its group.
        scalar_value: a number, or an array of one (numpy, MXNet, torch, jax). NaN and infinities
            are kept, a masked element is NaN. It is stored as float32.
        global_step: an integer; None numbers the values 0, 1, ... walltime: seconds since 1970;
            None is now.
        new_style, double_precision: accepted for compatibility. Every loader shows the one form
            that is written; a double would be invisible in TensorBoard's default loader.
        display_name, description: shown with the chart; the description is Markdown.
            `summary_description` is the same.

        Raises TypeError or ValueError for a wrong tag, value, step or time.
        """
        row = None
        try:
            if display_name or description or summary_description \
                    or type(scalar_value) is not float and not is_plain(scalar_value):
                pass
            elif walltime is None and global_step is not None:
                clock = self._clock
                row = _pack(clock(), global_step, scalar_value, self._numbers[tag])
            else:
                row = self._row(tag, scalar_value, global_step, walltime)
        except (KeyError, struct.error, TypeError, ValueError, OverflowError):
            pass  # also the first value of a tag
        except Exception as error:  # of a foreign object, which is refused below
            if of_signal(error):
                raise
        if not row:
            if row is None:
                self._scalar(tag, scalar_value, global_step, walltime, display_name,
                             _first(description, summary_description))
            elif len(self._items) >= self._queue.wake_at:
                self._channel.wake()
            self.step_counter.report()
            return
        items = self._items
        items.append(row)
        if len(items) >= self._queue.wake_at:
            self._channel.wake()

    @checked
    def add_summary(self, summary: Any, global_step: Optional[int] = None,
                    walltime: Optional[float] = None) -> None:
        """Write a Summary: of this package, serialized, or anything with `SerializeToString()`.

            writer.add_summary(summary.scalar("loss", 0.5), step)

        global_step: an integer; None numbers the values 0, 1, ... walltime: seconds since 1970;
            None is now.

        Raises TypeError for anything else, ValueError for bytes that are not a Summary.
        """
        if not isinstance(summary, (Summary, Message)):
            data = serialized(summary, "summary")
            summary = Message(schema.Event.SUMMARY, data, tags_of(data))
        self.add(summary, global_step, walltime)

    @checked
    def add_event(self, event: Any, step: Optional[int] = None,
                  walltime: Optional[float] = None) -> None:
        """Write an Event: serialized, or anything with `SerializeToString()`.

            writer.add_event(event_pb2.Event(step=3, summary=made))

        step, walltime: replace those of the event. An event without a wall_time gets the present
            one, in seconds since 1970.

        Raises TypeError for anything else, ValueError for bytes that are not an Event.
        """
        data = serialized(event, "event")
        seconds, number, field = open_event(data)
        if walltime is not None or seconds is None:
            seconds = self._clock() if walltime is None else walltime
        self._put(Entry(Made((), [field]), as_wall_time(seconds),
                        number if step is None else as_step(step)))

    @checked
    def profile(self, name: str = "", host: str = "", *, every: int = 0, steps: int = 10,
                max_events: int = 100_000) -> "Profile":
        """Record where time goes, as one session of the Profile dashboard; a context manager.

            with writer.profile() as profile:
                for number, batch in enumerate(profile.input(batches)):
                    with profile.step(number), profile.span("train"):
                        train(batch)

        name: ends the session's name, which is the local time `YYYY_MM_DD_HH_MM_SS`.
        host: the name of this machine; "" is its own.
        every: profile `steps` of this many steps, each time in a session of its own; 0 profiles
            the whole block.
        max_events: spans, counters and memory events that are held, of each kind; those beyond
            are left out, counted, and reported in a warning and on the page.

        Needs the package xprof where TensorBoard runs. Raises TypeError or ValueError for other
        arguments.
        """
        from .profile.recorder import Profile
        return Profile(self, name, host, every=every, steps=steps, max_events=max_events)

    def flush(self, timeout: float = 30.0, fsync: bool = False) -> None:
        """Return when everything added before is in the file, so that it survives the program.

            writer.flush(fsync=True)

        timeout: seconds. fsync: make it survive a crash of the machine too.

        Raises OSError when the storage fails, TimeoutError after `timeout`: the writer keeps what
        is not written, and continues to try. TypeError or ValueError for another `timeout`.
        """
        sync = as_flag(fsync, "fsync")
        flush_all([(run._channel, run._log.sync if sync else None) for run in self._family()],
                  as_timeout(timeout))

    def close(self, timeout: float = 30.0) -> None:
        """Flush, fsync and close the file; tries again for `timeout` seconds if the storage fails.

            writer.close(timeout=5)

        The end of `with SummaryWriter(...) as writer:` does so, too. A later add opens another
        file. Raises OSError or TimeoutError as `flush` does.
        """
        close_all([run._channel for run in self._family()], as_timeout(timeout))

    def reopen(self) -> None:
        """Continue in a new file after `close()`. The add methods do so by themselves."""

    def sub_run(self, name: str) -> "Self":
        """The writer of the run `name` below this log directory, with the same settings.

            train, validation = writer.sub_run("train"), writer.sub_run("validation")

        TensorBoard draws the same tag of several runs as curves of one chart. A run has one writer:
        that of "a/b" is the one of the run "b" below "a". It is flushed and closed together with
        this one.

        The writer of a run has the class of this one; attributes that a subclass has added are
        copied to it when it is made. Its directory is made with its first value, by the thread.

        Raises TypeError or ValueError for anything but a path below the log directory.
        """
        if not isinstance(name, str):
            raise TypeError(f"got a run name of type {type(name).__name__}, want str")
        path = exact(name).replace(os.sep, "/")
        run = self._find(path)
        if run is not None:
            return cast("Self", run)
        check_path(path)
        return self if self.disabled else cast("Self", self._made(path))

    @whole
    def _made(self, path: str) -> Any:
        # What a resumed run purges comes before all values.
        with self._runs.channel.queue.placing:
            made = self._runs.find(path)
            if made is not None:  # another thread was faster
                return made
            run = type(self).__new__(type(self))
            run._open(f"{self._logdir}/{path}", self._settings, probe=False)
            run._runs = self._runs.below(path)
            run._channel.retry.outages = self._channel.retry.outages
            run._resume_later(self._resuming)
            ours = next(kind for kind in type(self).__mro__ if kind.__module__.startswith(_PACKAGE))
            for attribute, value in vars(self).items():
                if not hasattr(ours, attribute):
                    vars(run).setdefault(attribute, value)
            run._purge(self._resuming[0])
            self._runs.put(path, run)
        return run

    def _find(self, path: str) -> Any:
        """The writer of the run `path` below; None if it has none yet."""
        return None if self.disabled else self._runs.find(path)

    def _family(self) -> List["FileWriter"]:
        """This writer, and those of all runs below."""
        return [self, *self._runs]

    def get_logdir(self) -> str:
        """The log directory: an absolute path, or the URL."""
        return self._logdir

    @property
    def path(self) -> str:
        """The event file that is written now; "" before the first event is written."""
        return "" if self.disabled else self._log.path

    @property
    def error(self) -> Optional[OSError]:
        """The error with which the storage refuses records of this run or one below it now; None
        if it takes them."""
        errors = [] if self.disabled else [run._channel.retry.error for run in self._family()]
        return next(filter(None, errors), None)

    @property
    def dropped(self) -> int:
        """How many values of this run and those below were dropped because the buffer was full."""
        return 0 if self.disabled else sum([run._queue.dropped for run in self._family()])

    def __repr__(self) -> str:
        state = ", disabled" if self.disabled else f", error={self.error!r}" if self.error else ""
        return f"<{type(self).__name__} {self._logdir!r}{state}>"

    def __enter__(self) -> "Self":
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def __del__(self) -> None:
        channel = getattr(self, "_channel", None)
        if channel is not None:
            channel.close_soon()

    def __reduce__(self) -> Tuple[Any, ...]:
        resume = {"resume": True} if self._resuming[1] else {}
        return _reopened, (type(self), self._logdir, {**vars(self._settings), **resume})

    @checked
    def _scalar(self, tag: str, value: Any, step: Optional[int] = None,
                wall_time: Optional[float] = None, display_name: str = "",
                description: str = "") -> None:
        """Write a scalar that does not fit into a plain row, or raise the error of its argument."""
        tag = messages.check_tag(tag)
        self.add(scalar(tag, value, display_name=display_name, description=description), step,
                 wall_time)
        if is_plain(value) and self._tags.takes(tag):  # others take this path every time
            self._tags.number(tag)

    def _row(self, tag: str, value: Any, step: Optional[int], wall_time: Optional[float]
             ) -> Optional[bytes]:
        """The row of a scalar that has no step, or a time of its own; None if no row can hold
        it, b"" if it is queued."""
        seconds = self._clock() if wall_time is None else wall_time
        step = self.default_step if step is None else step
        if not isinstance(seconds, float) or not -INF < seconds < INF \
                or step is None and self._counts_later:
            return None
        row = _pack(seconds, step or 0, value, self._numbers[tag])
        if step is not None:
            return row
        with self._queue.placing:
            self._items.append(with_step(row, self.step_counter.next((tag,))))
        return b""

    @whole
    def _series(self, tag: str, rows: Callable[..., bytes]) -> None:
        """Queue many scalars of one tag. rows: makes them; it is called with two functions: one
        returns the tag's number, the other is called if the steps still count from 0."""
        tags = self._tags if self._tags.takes(tag) else Tags()
        step: Any = 0

        def unnumbered() -> None:
            nonlocal step
            step = self._no_step((tag,), self.step_counter.reserve_later)

        made = rows(lambda: tags.number(tag), unnumbered)
        self._parent.compare((tag,))
        for entry in Rows.cut(made, tags, tag, step):
            self._put(entry)

    def _no_step(self, tags: Tuple[str, ...], later: Callable[..., int]
                 ) -> Optional[Callable[..., int]]:
        """The step of an Entry that has none. later: numbers it on the thread, once that has read
        the steps of a resumed run."""
        self.step_counter.expect(tags)
        return later if self._counts_later else None

    def _note(self, tags: Sequence[str], step: int) -> None:
        """Called before each value that is no plain row, with the step that it is given or 0."""

    def _put(self, entry: Entry) -> None:
        now = entry.ready or self._queue.crowded and entry.early
        if entry.step is not None:
            if now:
                entry.encode()
            self._channel.put(entry)
            return
        if now and not entry.ready:
            entry.shorten()
        self._channel.put(entry, lambda: entry.place(self.step_counter))
        self.step_counter.report()


def _header() -> bytes:
    """The first record of each event file."""
    return b"".join(frame([messages.file_version(time.time())]))


def _first(description: Any, summary_description: Any) -> Any:
    """The one of the two that was passed. No method of theirs is called, as it might raise."""
    empty = issubclass(type(description), str) and not str.__len__(description)
    return summary_description if empty else description


def _nothing(*args: Any, **kwargs: Any) -> None:
    """The methods of a disabled writer."""


def _reopened(cls: Callable[..., FileWriter], logdir: str, settings: Dict[str, Any]) -> FileWriter:
    return cls(logdir, **settings)
