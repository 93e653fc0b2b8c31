"""Copies of log directories: repaired, combined, selected, thinned. The originals stay.

Each run becomes one event file: its values in the order of their steps, the last one where a tag
repeats a step, without what a restart purged. Metadata comes with the first value of each tag,
scalars are simple_value, times are finite. Everything that is left out, rounded or renamed is
reported.
"""
from __future__ import annotations

import itertools
import os
from collections import Counter
from typing import AbstractSet, Callable, Counter as Counts, Dict, Iterable, Iterator, List
from typing import NamedTuple, Optional, Sequence, Set, Tuple

import numpy as np

from .._files.places import ALONE, Unlisted, base_name, is_url, local_path, runs_of, size_of, tree
from .._files.records import Faults, First
from .._files.stream import Progress
from .._reading.ahead import Copies, in_processes
from ._arguments import Steps, every, in_steps
from ._copy import Copier
from ._index import PURGED, SAME_STEP, SLAB, Index, Rows, Source, purged, same_step, writers
from ._output import Output
from ._renaming import NewNames
from ._side_files import copy_side_files
from ._text import plural

THINNED = "thinned"
NOT_SELECTED = "not selected"
CHANGED = "changed while it was read"
_LAST_SECOND = 9_999_999_999


class Selection(NamedTuple):
    """Which values are copied.

    run, tag: whether a run or a tag is chosen, by its name. rename: {tag: its new name}; a "*"
    matches the same text in both. steps: first step and the step after the last, None without a
    limit. Values that belong to a run as a whole, such as its graph, have no step here. points: how
    many values of each tag at most, evenly spread, first and last among them.
    """

    run: Callable[[str], bool] = every
    tag: Callable[[str], bool] = every
    rename: Dict[str, str] = {}
    steps: Steps = (None, None)
    points: Optional[int] = None


class RunReport(NamedTuple):
    """The result for one run. name: below the output. left_out: the number of values, by reason."""

    name: str
    read: int
    written: int
    left_out: Dict[str, int]


class Notes(First[str]):
    """Facts for the user: there may be one for each tag."""


class Report(NamedTuple):
    """The result for log directories.

    renamed: {name in the log: name below the output}. notes: other facts for the user.
    fitting: those of the selection's `rename` that fit a tag.
    """

    runs: List[RunReport]
    faults: Faults
    renamed: Dict[str, str]
    notes: Notes
    fitting: Set[str]

    def add(self, other: "Report") -> None:
        """Add the results of further runs."""
        self.runs.extend(other.runs)
        self.faults.add(other.faults)
        self.renamed.update(other.renamed)
        self.notes.add(other.notes)
        self.fitting.update(other.fitting)

    @property
    def read(self) -> int:
        return sum(run.read for run in self.runs)

    @property
    def written(self) -> int:
        return sum(run.written for run in self.runs)

    @property
    def left_out(self) -> Dict[str, int]:
        total: Counts[str] = Counts()
        for run in self.runs:
            total.update(run.left_out)
        return dict(total)


class Place(NamedTuple):
    """A log directory to read.

    source: a restart purges values of the same source. prefix: the directory below the output for
    what is in it.
    """

    logdir: str
    files: Dict[str, List[str]]
    source: int = 0
    prefix: str = ""

    def name(self, directory: str) -> str:
        """The name below the output of a run or directory."""
        directory = "." if directory == ALONE else directory
        if not self.prefix:
            return directory
        return self.prefix if directory == "." else f"{self.prefix}/{directory}"


def _nothing() -> Report:
    return Report([], Faults(), {}, Notes(), set())


def places(logdirs: Sequence[str]) -> List[Place]:
    """The files of log directories, each listed once. FileNotFoundError where nothing is."""
    return [Place(logdir, tree(logdir), source) for source, logdir in enumerate(logdirs)]


def total_bytes(found: Sequence[Place]) -> int:
    """The number of bytes of all event files."""
    return sum(size_of(path) for place in found for paths in runs_of(place.files).values()
               for path in paths)


def rewrite(found: Sequence[Place], out: str, selection: Selection = Selection(),
            progress: Optional[Progress] = None, jobs: int = 1) -> Report:
    """Write what is in log directories into the new directory `out`; runs of one name become one.

    progress: called with the number of bytes read since the last call. jobs: how many processes
    copy runs at a time; the output is the same. Objects are always requested several at a time.

    Raises FileExistsError if `out` is not empty, ValueError if it is inside a log directory.
    """
    runs: Dict[str, List[Source]] = {}
    for place in found:
        for run, paths in runs_of(place.files).items():
            if selection.run(run):
                sources = runs.setdefault(place.name(run), [])
                sources += [Source(path, place.source) for path in paths]
    report = _nothing()
    skipped = {run for place in found for run in runs_of(place.files) if not selection.run(run)}
    if skipped:
        report.notes.add([f"{plural(len(skipped), 'run')} not selected"])
    with Output(out, [place.logdir for place in found]) as output:
        for place in found:  # before any file, so that no file has the name of a directory
            for directory in _chosen_directories(place, selection):
                output.directory(place.name(directory))
        taken = {place.name(directory) for place in found for directory in place.files}
        _rewrite_runs(runs, taken, output, selection, progress, min(jobs, len(runs)), report)
        copy_side_files(_side_files(found, selection, report.notes), output, report.faults,
                        report.notes)
        report.renamed.update(output.renamed)
    report.notes.add(f"{tag} is not renamed: no run has this tag"
                     for tag in sorted(set(selection.rename) - report.fitting))
    return report


class _Job(NamedTuple):
    """A run to copy. output: its directory alone."""

    run: str
    sources: List[Source]
    output: Output
    selection: Selection


def _rewrite_runs(runs: Dict[str, List[Source]], taken: AbstractSet[str], output: Output,
                  selection: Selection, progress: Optional[Progress], jobs: int, report: Report
                  ) -> None:
    """Copy runs, in their order, or so many at a time in processes. taken: names that no new run
    gets."""
    with Copies(file.path for sources in runs.values() for file in sources) as copies:
        each = (_Job(run, [Source(str(file.path), file.source, copies.next(file.path))
                           for file in sources], output.part(run), selection)
                for run, sources in runs.items())
        done: Iterable[Tuple[_Job, Report, Optional[Index]]] = in_processes(_copied, each, jobs) \
            if jobs > 1 else ((job, _nothing(), Index(job.sources, progress)) for job in each)
        for job, copied, index in done:
            report.add(copied)
            if index is not None:
                _rewrite_run(job.run, index, output, selection, report, taken)
            if progress and jobs > 1:
                progress(sum(size_of(file.path) for file in runs[job.run]))
            for file in job.sources:
                copies.drop(file.path, file.copy)
            del index  # before the next run is read


def _copied(job: _Job) -> Tuple[_Job, Report, Optional[Index]]:
    """Copy a run, in a process of its own. A run of several writers becomes several, whose names
    depend on all others: only its index is made here."""
    report, index = _nothing(), Index(job.sources)
    if len(writers(index, purged(index))) > 1:
        return job, report, index
    with job.output as output:
        _rewrite_run(job.run, index, output, job.selection, report)
    return job, report, None


def _rewrite_run(run: str, index: Index, output: Output, selection: Selection,
                 report: Report, taken: AbstractSet[str] = frozenset()) -> None:
    """Copy a run. Each further writer of it becomes a run whose name is not `taken`."""
    report.faults.add(index.faults)
    gone = purged(index)
    chosen = _chosen_tags(index, selection)
    left_out: Counts[str] = Counter(index.left_out)
    further = (f"writer{number}" if run == "." else f"{run}/writer{number}"
               for number in itertools.count(2))
    free = (name for name in further if name not in taken)
    for number, files in enumerate(writers(index, gone)):
        name = run
        if number:
            name = next(free)
            files_of = ", ".join(base_name(index.files[file].path) for file in files)
            report.notes.add([f"two writers at the same time, with values of the same tags and "
                              f"steps: {files_of} of the run {run} is now the run {name}"])
        kept, reasons = _chosen(index, _rows_of(index, files), gone, chosen, selection)
        names = NewNames(index.tags, index.tag[kept], selection.rename)
        report.fitting.update(names.fitting)
        report.notes.add(f"{tag} is not renamed to {new}: the run {name} {why}"
                         for tag, new, why in names.refused())
        changed, rounded = _write(index, kept, name, output, names, report.faults)
        if rounded:
            report.notes.add([f"{plural(rounded, 'value')} rounded to float32: the run {name}"])
        left_out.update({**reasons, CHANGED: changed})
        written = len(kept) - changed
        report.runs.append(RunReport(name, written + sum(left_out.values()), written,
                                     {reason: n for reason, n in left_out.items() if n}))
        left_out.clear()


def _rows_of(index: Index, files: List[int]) -> Rows:
    """The rows of the values of some files."""
    if len(files) == len(index.files):
        return np.arange(len(index.tag), dtype=np.int32)
    return np.concatenate([np.arange(index.begins[file], index.begins[file + 1], dtype=np.int32)
                           for file in files])


def _chosen_tags(index: Index, selection: Selection) -> Optional[Rows]:
    """Which tags are chosen; None for all."""
    if selection.tag is every:
        return None
    return np.fromiter(map(selection.tag, index.tags.names()), bool, len(index.tags))


def _chosen(index: Index, rows: Rows, gone: Rows, tags: Optional[Rows], selection: Selection
            ) -> Tuple[Rows, Dict[str, int]]:
    """The rows to write, in the order in which they are written, and the number that is left
    out. tags: which are chosen."""
    reasons: Dict[str, int] = {}

    def keep(reason: str, fits: Rows) -> None:
        nonlocal rows
        reasons[reason] = int(len(fits) - fits.sum())
        if reasons[reason]:  # else it would be a copy
            rows = rows[fits]

    keep(NOT_SELECTED, _selected(index, rows, tags, selection.steps))
    keep(PURGED, ~gone[rows])
    keep(SAME_STEP, ~same_step(index, rows))
    rows = by_step(index, rows)
    if selection.points is not None:
        keep(THINNED, _thin(index.tag[rows], selection.points))
    return rows, reasons


def _selected(index: Index, rows: Rows, tags: Optional[Rows], steps: Steps) -> Rows:
    selected = np.ones(len(rows), bool) if tags is None else tags[index.tag[rows]]
    if steps != (None, None):
        selected &= (in_steps(index.steps(rows), steps)
                     | index.whole_run()[index.tag[rows]])
    return selected


def by_step(index: Index, rows: Rows) -> Rows:
    """Rows, which ascend, in the order of their steps."""
    for at in range(0, len(rows), SLAB):
        steps = index.steps(rows[at:at + SLAB + 1])
        if (steps[1:] < steps[:-1]).any():
            return rows[np.argsort(index.steps(rows), kind="stable")]
    return rows


def _thin(tags: Rows, points: int) -> Rows:
    """Which rows of these tags to keep."""
    keep = np.ones(len(tags), bool)
    counts = np.zeros(tags.max(initial=-1) + 1, np.int32)
    for at in range(0, len(tags), SLAB):
        np.add.at(counts, tags[at:at + SLAB], 1)
    crowded = np.flatnonzero((counts > points)[tags])
    keep[crowded] = False
    tags = tags[crowded]
    order = np.argsort(tags, kind="stable")
    tags, order = tags[order], crowded[order]
    begins = np.flatnonzero(np.diff(tags, prepend=tags.dtype.type(-1)))
    counts = np.diff(begins, append=len(tags))
    for count in np.unique(counts).tolist():
        at = np.linspace(0, count - 1, points)
        group = begins[counts == count]
        keep[order[group[:, None] + np.round(at).astype(np.int64)]] = True
    return keep


def _write(index: Index, rows: Rows, name: str, output: Output, names: NewNames,
           faults: Faults) -> Tuple[int, int]:
    """Write one event file with these rows, or none for a run of which nothing is left. Returns the
    numbers of values that were no longer there, and of those that were rounded."""
    if not len(rows) and (len(index.tag) or not index.header):
        return 0, 0
    copier = Copier(index, names, faults)
    seconds = int(min(max(copier.start, 0.0), _LAST_SECOND))
    file, _ = output.create(name, f"events.out.tfevents.{seconds:010d}.tbwriter")
    with file:
        for parts in copier.records(rows):
            file.writelines(parts)
    return copier.changed, copier.rounded


def _side_files(found: Sequence[Place], selection: Selection, notes: Notes
                ) -> Iterator[Tuple[str, str]]:
    """The files to copy that are not event files, such as those of the Projector: their paths, and
    the directories of the output."""
    for place in found:
        runs = set(runs_of(place.files))
        for directory in _chosen_directories(place, selection):
            run = _run_of(directory, runs)
            tops = _real_tops(place.logdir, run if run in runs else ".")
            for path in place.files[directory]:
                if "tfevents" in base_name(path) or isinstance(path, Unlisted):
                    continue
                if is_url(path) or os.path.realpath(path).startswith(tops):
                    yield path, place.name(directory)
                else:
                    notes.add([f"{path} is not copied: it is a link out of the log directory"])


def _chosen_directories(place: Place, selection: Selection) -> List[str]:
    """The directories with files, but not those of runs that are not chosen."""
    runs = set(runs_of(place.files))
    return [directory for directory, paths in place.files.items()
            if paths and directory != ALONE and selection.run(_run_of(directory, runs))]


def _run_of(directory: str, runs: Set[str]) -> str:
    """The run that a directory is in; itself without one."""
    above = directory
    while above and above not in runs:
        above = above.rpartition("/")[0]
    return above or ("." if "." in runs else directory)


def _real_tops(logdir: str, run: str) -> Tuple[str, ...]:
    """The directories, without links, below which the files of a run may be: the log directory and,
    as a run may be a link, that of the run."""
    if is_url(local_path(logdir)):
        return ()
    return tuple(os.path.join(os.path.realpath(os.path.join(local_path(logdir), below)), "")
                 for below in (".", run))
