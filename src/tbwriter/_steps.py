"""Steps: number the values that have none; compare the others with earlier files; distinguish the
values of a forked process from those of its parent."""
from __future__ import annotations

import os
from _weakrefset import WeakSet  # which `threading` loads; `weakref` takes 0.5 ms more
from itertools import count
from typing import (TYPE_CHECKING, Any, Dict, Iterable, Iterator, List, Mapping, Optional,
                    Sequence, Set, Union)

from ._loading import loading
from ._log.queue import Task
from ._scalars.rows import LONG_TAG
from ._values.number import INT64_MAX
from ._warnings import once, show, warn

if TYPE_CHECKING:
    from ._log.contract import Log

# Bytes of earlier files that are read: a fraction of a second.
_MOST_BYTES = 32 << 20


class StepCounter:
    """Numbers the values of each tag 0, 1, 2, ..., for calls without a step.

    A value is numbered when it gets its place in the queue (`Queue.placing`), so that steps never
    go back, at which TensorBoard's default loader drops the points before; or by the thread.

    scalars: the tags of scalars that were written, with or without steps.
    """

    def __init__(self, scalars: Mapping[str, int]) -> None:
        self._scalars = scalars
        self._next: Dict[str, Iterator[int]] = {}
        self._given: Set[str] = set()
        self._restarted: Optional[str] = None  # a tag that had steps, and is numbered from 0 now

    def next(self, tags: Sequence[str]) -> int:
        """The step of one event: the first that is new for all of its tags."""
        if len(tags) == 1:
            tag = short(tags[0])
            counter = self._next.get(tag)
            if counter is None:
                if tag in self._scalars:
                    self._restarted = tag
                counter = self._next.setdefault(tag, count())
            step = next(counter)
            if step > INT64_MAX:
                raise ValueError(f"got a value of {tag!r} without a step after the step "
                                 f"{INT64_MAX}, want a step: it is the last that exists")
            return step
        step = max((self.next((tag,)) for tag in tags), default=0)
        self._next.update((short(tag), count(step + 1)) for tag in tags)
        return step

    def reserve(self, tag: str, length: int) -> int:
        """The first of `length` steps in succession."""
        first = self.next((tag,))
        if first + length - 1 > INT64_MAX:
            raise ValueError(f"got {length} values of {tag!r} without steps after the step "
                             f"{first - 1}, want steps: the last that exists is {INT64_MAX}")
        self._next[short(tag)] = count(first + length)
        return first

    def expect(self, tags: Sequence[str]) -> None:
        """Note that values without a step come, before their tags are those of scalars."""
        for tag in tags:
            if tag not in self._scalars:
                self._next.setdefault(short(tag), count())

    def report(self) -> None:
        """Warn of a curve that starts again, after its value is queued: this may raise."""
        tag, self._restarted = self._restarted, None
        if tag is not None:
            warn(f"the values of {tag!r} had steps before and are numbered from 0 now, so that its "
                 "curve starts again: give all steps, or none")

    def next_later(self, tags: Sequence[str]) -> int:
        """`next`, for the thread."""
        step = self.next(tags)
        self.report()
        return step

    def reserve_later(self, tag: str, length: int) -> int:
        """`reserve`, for the thread."""
        first = self.reserve(tag, length)
        self.report()
        return first

    def resume(self, log: Log) -> None:
        """Continue after the last step of each tag in the log's earlier files."""
        last = _last_steps(log.earlier())
        self._next.update((short(tag), count(step + 1)) for tag, step in last.items())

    def resume_on_thread(self, log: Log) -> None:
        """`resume`, where no caller gets its error: one that would stay delays no value."""
        try:
            self.resume(log)
        except PermissionError as error:
            raise ValueError("values without steps are numbered from 0, since an earlier file "
                             f"can't be read: {error}") from error

    def give(self, tags: Sequence[str]) -> None:
        """Note that these tags have a value whose step was given."""
        if not self._given.issuperset(tags):
            self._given.update(map(short, tags))

    def known(self) -> Set[str]:
        """The tags that have values, a long one as it is kept."""
        return {*self._next, *self._given, *self._scalars}

    def has_given(self, tag: str) -> bool:
        """Whether the tag has a curve, with steps that were given."""
        tag = short(tag)
        return (tag in self._scalars or tag in self._given) and tag not in self._next


class Continued:
    """Warns once if a tag has steps in earlier files at or above the first step written now: if a
    notebook cell is run twice, or a program is started again in the same directory.

    The earlier files are read on the writer's thread, and only their newest megabytes; a call that
    adds a value does no more than remember the first step of its tag.

    looking: whether the comparison is still to be made.
    warned: shared by the writers of runs below one another, which warn once together.
    """

    def __init__(self) -> None:
        self.looking = True
        self.warned: List[str] = []
        self._first: Dict[str, int] = {}
        self._last: Optional[Dict[str, int]] = None

    def stop(self) -> None:
        """Do not compare: the run is resumed on purpose."""
        self.looking = False

    def note(self, channel: Any, log: Log, tags: Sequence[str], step: int) -> None:
        """Remember the first step of each tag; have the thread read the earlier files."""
        new = [tag for tag in tags if tag not in self._first]
        if not self._first and new:
            # Before the first value, so that the writer's own file is not there yet.
            # The value, which comes next, wakes the thread: that may raise a warning.
            channel.queue.enter(Task(lambda: self._look(log)), 0, urgent=True)
        for tag in new:
            self._first[tag] = step
        if self._last is not None:
            self._compare(log, new)

    def _look(self, log: Log) -> None:
        places = [] if "://" in log.directory else _newest(log)
        if not places:
            self.stop()
            return
        try:
            self._last = _last_steps(places)
        except (OSError, ValueError):  # damaged, or removed meanwhile
            self.stop()
            return
        self._compare(log, list(self._first))

    def _compare(self, log: Log, tags: Sequence[str]) -> None:
        last = self._last or {}
        for tag in tags:
            if not self.warned and tag in last and last[tag] >= self._first[tag]:
                self.warned.append(tag)
                show(f"{log.directory} holds values of {tag!r} up to step {last[tag]} already, and "
                     f"this writer continues at step {self._first[tag]}: TensorBoard mixes the two "
                     "runs, or drops points. Give each run a directory of its own, as "
                     "SummaryWriter() does, or resume with purge_step= or resume=True")
        if self.warned:
            self.stop()


class Parent:
    """The process from which this one was forked.

    tags: those of a writer that it logged; none where nothing was forked, or after the warning.
    """

    def __init__(self, numbers: Dict[str, int], counter: StepCounter) -> None:
        self.tags: Set[str] = set()
        self._numbers = numbers
        self._counter = counter
        _parents.add(self)

    def forked(self) -> None:
        """In the child: keep the tags apart. The next scalar of each is no row."""
        self._counter.give(list(self._numbers))
        self.tags = self._counter.known()
        self._numbers.clear()

    def compare(self, tags: Sequence[str]) -> None:
        """Warn once in a child that logs one of the tags that its parent logged, too."""
        shared = [tag for tag in tags if short(tag) in self.tags]
        if shared:
            self.tags = set()
            once(("forked", os.getpid()),
                 f"this process was forked, and logs {shared[0]!r} as its parent did, into a "
                 "second file of one run: TensorBoard's default loader then drops the values of "
                 "the first file from the step at which the second one begins. Log to "
                 "sub_run('worker 1') of this writer, which is a run of its own, or let all "
                 "processes use tbwriter.compat.tensorboardX.GlobalSummaryWriter")


_parents: "WeakSet[Parent]" = WeakSet()


def _after_fork() -> None:
    for parent in list(_parents):
        parent.forked()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def _last_steps(files: Iterable[Union[str, bytes]]) -> Dict[str, int]:
    """The last step of each tag in event files, given as paths or contents."""
    with loading:
        from ._files.stream import last_steps_of  # the reader's, which few writers need
    return last_steps_of(files)


def _newest(log: Log) -> List[str]:
    """The paths of the newest files, up to a limit of bytes, in their order."""
    places: List[str] = []
    room = _MOST_BYTES
    earlier = [path for path in log.earlier() if isinstance(path, str) and path != log.path]
    for path in reversed(earlier):
        try:
            room -= os.path.getsize(path)
        except OSError:
            continue
        if room < 0:
            break
        places.insert(0, path)
    return places


def short(tag: str) -> str:
    """`tag` as a key: a long one is not kept."""
    return tag if len(tag) <= LONG_TAG else f"{tag[:16]} {len(tag)} {hash(tag):x}"
