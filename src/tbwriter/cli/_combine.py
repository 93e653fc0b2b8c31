"""Log directories that are combined: which of their runs become one run, and which stay apart.

Two parts of a run, whose steps follow each other, are one. Runs of one name with values of the same
steps, such as those of two seeds, are different curves: each log directory then has a directory of
its own in the output, and every run keeps its name below it.
"""
from __future__ import annotations

import os
from hashlib import sha256
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Set, Tuple

import numpy as np

from .._files.anywhere import Anywhere
from .._files.places import ALONE, runs_of, size_of
from .._files.records import raw_record
from .._files.several import labels
from .._files.window import ReadError
from .._reading.ahead import Copies, in_processes
from ._index import SLAB, Index, Source, purged
from ._output import numbered, paths_to
from ._rewrite import Place
from ._tags import Tags

Array = Any  # np.ndarray, whose generic form numpy 1.19 does not have

# Event files of so many bytes are worth a process.
_LARGE = 8 << 20


class _Extent(NamedTuple):
    """first, last: the least and greatest step of each of the tags. whole: {tag of the run as a
    whole: a hash of its last record without the time}; it has no steps."""

    tags: Tags
    first: Array
    last: Array
    whole: Dict[str, bytes]


def apart(found: Sequence[Place]) -> Tuple[List[Place], List[str], Dict[str, str]]:
    """`found`, with prefixes for the log directories whose runs must not be one; why; and {log
    directory: its prefix}, where that is not its name."""
    where: Dict[str, List[int]] = {}
    runs = [runs_of(place.files) for place in found]
    for number, place in enumerate(found):
        for run in runs[number]:
            where.setdefault(run, []).append(number)
    shared = {run: numbers for run, numbers in where.items() if len(numbers) > 1}
    reasons: List[str] = []
    divided: Set[int] = set()
    with Copies(path for run, numbers in shared.items() for number in numbers
                for path in runs[number][run]) as copies:
        for run, numbers in shared.items():
            sources = [[Source(path, 0, copies.next(path)) for path in runs[number][run]]
                       for number in numbers]
            tag = _collision_of(sources)
            for source in (source for each in sources for source in each):
                copies.drop(source.path, source.copy)
            if tag is not None:
                divided.update(numbers)
                reasons.append(
                    f"the run {run} is in {len(numbers)} log directories, with values of the tag "
                    f"{tag} at the same steps: each log directory has its own run")
    names = labels([os.path.dirname(place.logdir) if ALONE in place.files else place.logdir
                    for place in found])
    prefixes = _prefixes(found, {number: names[number] for number in sorted(divided)})
    return [place._replace(prefix=prefixes.get(number, "")) for number, place in enumerate(found)
            ], reasons, {found[number].logdir: prefix for number, prefix in prefixes.items()
                         if prefix != names[number]}


def _prefixes(found: Sequence[Place], names: Dict[int, str]) -> Dict[int, str]:
    """Directories for log directories that stay apart. names: those that they should have. None is
    a directory of another log directory, nor inside another one."""
    taken = {path for number, place in enumerate(found) if number not in names
             for directory in place.files for path in paths_to(directory)}
    prefixes: Dict[int, str] = {}
    for number in sorted(names, key=lambda number: -names[number].count("/")):
        prefix = next(path for path in numbered(names[number]) if path not in taken)
        prefixes[number] = prefix
        taken.update(paths_to(prefix))
    return prefixes


def _collision_of(runs: Sequence[Sequence[Source]]) -> Optional[str]:
    """As `_collision`; for large files in a process of its own, whose memory is returned to the
    system before the copy begins."""
    if sum(size_of(source.place) for sources in runs for source in sources) < _LARGE:
        return _collision(runs)
    found, = in_processes(_collision, [runs], 1)
    return found


def _collision(runs: Sequence[Sequence[Source]]) -> Optional[str]:
    """A tag for which values of one log directory would replace those of another, or None."""
    seen: List[_Extent] = []
    for sources in runs:
        extent = _extent(Index(sources))
        for other in seen:
            tag = _shared(extent, other)
            if tag is not None:
                return tag
        seen.append(extent)
    return None


def _shared(extent: _Extent, other: _Extent) -> Optional[str]:
    for mine in range(len(extent.tags)):
        first, last = extent.first[mine], extent.last[mine]
        name = extent.tags.name(mine)
        number = other.tags.find(name) if first <= last else None
        if number is not None and first <= other.last[number] and other.first[number] <= last:
            return name
    for name, found in extent.whole.items():
        if other.whole.get(name, found) != found:
            return name
    return None


def _extent(index: Index) -> _Extent:
    gone, whole = purged(index), index.whole_run()
    limits = np.iinfo(index.step.dtype)
    first, last = (np.full(len(index.tags), limit, limits.dtype)
                   for limit in (limits.max, limits.min))
    latest: Dict[int, int] = {}
    for at in range(0, len(gone), SLAB):
        rows = at + np.flatnonzero(~gone[at:at + SLAB])
        tags = index.tag[rows]
        of_whole = whole[tags]
        latest.update(zip(tags[of_whole].tolist(), rows[of_whole].tolist()))
        tags, steps = tags[~of_whole], index.steps(rows[~of_whole]).astype(first.dtype)
        np.minimum.at(first, tags, steps)
        np.maximum.at(last, tags, steps)
    files = Anywhere(lambda number: index.files[number].place)
    return _Extent(index.tags, first, last, {
        index.tags.name(number): _hash(index, files, row)
        for number, row in sorted(latest.items())})


def _hash(index: Index, files: Anywhere, row: int) -> bytes:
    """The hash of a row's record, without the wall_time, which all writers put first. b"" if it
    cannot be read any more, which the copy reports."""
    event = int(index.event[row])
    try:
        window = files.window(int(index.file[event]))
        raw = raw_record(window, int(index.offset[event])) or b""
    except (OSError, ReadError):
        return b""
    return sha256(raw[21:-4]).digest()
