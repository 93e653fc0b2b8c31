"""Log directories that are combined: which of their runs become one run, and which stay apart.

Two parts of a run, whose steps follow each other, are one. Runs of one name with values of the same
steps, such as those of two seeds, are different curves: each log directory then has a directory of
its own in the output, and every run keeps its name below it.
"""
from __future__ import annotations

import os
from hashlib import sha256
from typing import Dict, List, NamedTuple, Optional, Sequence, Set, Tuple

import numpy as np

from .._files.places import ALONE, runs_of
from .._files.records import raw_record
from .._reading.ahead import Copies
from ._index import Index, Source, purged
from ._rewrite import Place


class _Extent(NamedTuple):
    """steps: {tag: its least and greatest step}. whole: {tag of the run as a whole: a hash of its
    last record without the time}."""

    steps: Dict[str, Tuple[int, int]]
    whole: Dict[str, bytes]


def apart(found: Sequence[Place]) -> Tuple[List[Place], List[str]]:
    """`found`, with prefixes for the log directories whose runs must not be one; and why."""
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
            tag = _collision(sources)
            for source in (source for each in sources for source in each):
                copies.drop(source.path, source.copy)
            if tag is not None:
                divided.update(numbers)
                reasons.append(
                    f"the run {run} is in {len(numbers)} log directories, with values of the tag "
                    f"{tag} at the same steps: each log directory has its own run")
    labels = _labels([os.path.dirname(place.logdir) if ALONE in place.files else place.logdir
                      for place in found])
    return [place._replace(prefix=labels[number]) if number in divided else place
            for number, place in enumerate(found)], reasons


def _collision(runs: Sequence[Sequence[Source]]) -> Optional[str]:
    """A tag with values of which those of one log directory would replace those of another."""
    seen: List[_Extent] = []
    for sources in runs:
        extent = _extent(Index(sources))
        for other in seen:
            for tag in (tag for tag in extent.steps if tag in other.steps):
                (first, last), (begin, end) = extent.steps[tag], other.steps[tag]
                if first <= end and begin <= last:
                    return tag
            for tag in extent.whole:
                if other.whole.get(tag, extent.whole[tag]) != extent.whole[tag]:
                    return tag
        seen.append(extent)
    return None


def _extent(index: Index) -> _Extent:
    extent = _Extent({}, {})
    rows = np.flatnonzero(~purged(index))
    tags, steps = index.tag[rows], index.step[index.event[rows]]
    order = np.lexsort((steps, tags))
    whole_run = index.whole_run()
    for group in np.split(order, np.flatnonzero(np.diff(tags[order])) + 1) if len(order) else []:
        number = int(tags[group[0]])
        name = index.tags[number].name
        if whole_run[number]:
            extent.whole[name] = _hash(index, int(rows[group].max()))
        else:
            extent.steps[name] = int(steps[group[0]]), int(steps[group[-1]])
    return extent


def _hash(index: Index, row: int) -> bytes:
    """Of the record of a row, without the wall_time that all writers put first."""
    event = int(index.event[row])
    with index.files[int(index.file[event])].open() as window:
        raw = raw_record(window, int(index.offset[event])) or b""
    return sha256(raw[21:-4]).digest()


def _labels(logdirs: Sequence[str]) -> List[str]:
    """A short name for each log directory: the end of its path, as long as it must be to differ."""
    paths = [[part for part in (logdir if "://" in logdir else os.path.abspath(logdir))
              .replace(os.sep, "/").split("/") if part] for logdir in logdirs]
    for length in range(1, max(map(len, paths), default=0) + 1):
        labels = ["/".join(path[-length:]) for path in paths]
        if len(set(labels)) == len(labels):
            return labels
    return [f"{'/'.join(path[-1:])}-{number}" for number, path in enumerate(paths, 1)]
