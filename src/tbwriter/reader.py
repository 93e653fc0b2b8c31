"""Event files and log directories read back, without TensorBoard, protobuf or TensorFlow.

    from tbwriter import reader

    run = reader.read("runs")["train"]
    run.tags                            # {"loss": "scalar", "samples": "image", ...}
    steps, wall_times, values = run.scalars("loss")

Files of TensorFlow, torch, tensorboardX, mxboard and TensorBoard itself are read alike, also when
they are compressed by gzip. Scalars are held in memory, 24 bytes each; everything else is read from
its file when it is asked for. If a file is damaged, everything outside the damage is read, and
`Run.faults` lists the damage.
"""
from __future__ import annotations

import os
from typing import (TYPE_CHECKING, Dict, Iterable, Iterator, List, Mapping, Optional, Sequence,
                    Tuple, Union)

from ._files.places import RunPlace, Runs, event_files, is_url, local_path, matches
from ._files.records import TAIL, Fault, records
from ._files.several import together
from ._files.stream import last_steps
from ._files.window import Place, ReadError, Window
from ._proto import parse
from ._proto.parse import Event, Metadata, Value
from ._proto.wire import WireError
from ._reading.ahead import Ahead, in_processes
from ._reading.columns import bad_event
from ._reading.kinds import RUN_GRAPH, HParams, Images
from ._reading.run import Run, Series, Tag
from ._warnings import warn

if TYPE_CHECKING:
    import pandas

__all__ = ["read", "read_each", "runs", "frame", "events", "last_steps", "matches", "Run", "Series",
           "Tag", "Images", "HParams", "Event", "Value", "Metadata", "Fault", "ReadError",
           "RUN_GRAPH"]

# A log directory, an event file, or one of `runs`.
Logs = Union[str, "os.PathLike[str]"]


def runs(logdir: Logs) -> Runs:
    """{run: its event files, in the order in which TensorBoard reads them} below `logdir`.

        for name, files in runs("runs").items():
            print(name, len(files))

    logdir: a directory, an event file, or a URL of either.

    Raises FileNotFoundError if there is none.

    A dict whose keys are also places: `frame(key)` reads that run alone, in another process or on
    another machine as well, since a key can be pickled. The keys have numbers, too: `runs(...)[0]`.
    """
    return Runs(event_files(logdir))


def read(logdir: Logs, jobs: int = 1) -> Dict[str, Run]:
    """{run: Run} of a log directory or of one event file.

        loss = read("runs")["train"].scalars("loss").values

    logdir: a path or a URL.
    jobs: how many processes read at a time. Several pay off from about a million scalars on;
        objects at a URL are always requested several at a time.

    Raises FileNotFoundError if there is none, ValueError for `jobs` below 1. Damaged files do not
    raise; `Run.faults` lists the damage.
    """
    return {run.name: run for run in read_each(runs(logdir), jobs)}


def read_each(found: Mapping[str, Sequence[str]], jobs: int = 1) -> Iterator[Run]:
    """The runs of `found` one after another, in its order. Only the runs that the caller keeps stay
    in memory.

        for run in read_each(runs("runs")):
            print(run.name, run.tags)

    found: {run: its event files}, as `runs` returns it. jobs: see `read`.

    Raises ValueError for `jobs` below 1, TypeError if it is no int.
    """
    if not hasattr(jobs, "__index__"):
        raise TypeError(f"got jobs={jobs!r:.100}, want an int")
    if jobs < 1:
        raise ValueError(f"got jobs={jobs}, want 1 or more")
    places = [place for paths in found.values() for place in paths]
    if any(map(is_url, places)):
        ahead = Ahead(places)
        try:
            for name, paths in found.items():
                yield Run(name, paths, ahead.open)
        finally:
            ahead.close()
    elif jobs > 1 and len(found) > 1:
        yield from in_processes(_read_run, found.items(), min(jobs, len(found)))
    else:
        yield from map(_read_run, found.items())


def _read_run(item: Tuple[str, Sequence[str]]) -> Run:
    return Run(*item)


def frame(logdir: Union[Logs, Sequence[Logs]], runs: str = "*", tags: str = "*", *,
          wide: bool = False, hparams: bool = False, jobs: int = 1) -> "pandas.DataFrame":
    """The scalars as a data frame of pandas, a row for each value.

    logdir: a log directory, an event file, a name out of `runs`, or a list of such. Of several
        directories with runs of one name, the directory is part of the name, as in "seed1/train";
        a file that two of them contain is read once.
    runs, tags: only those whose names fit: "*" stands for any text, "?" for any character.
    wide: a column for each tag instead, indexed by run and step; of several values with the same
        step the last counts. wall_time is left out.
    hparams: a further column "hparams/NAME" for each hyperparameter: those of the run, or of the
        nearest run above it that has some.
    jobs: see `read`.

    Columns: run, tag (categories of str), step (int64), wall_time (float64, seconds since 1970),
    value (float64). Needs the extra `frame`; raises ImportError without it, FileNotFoundError
    where nothing is, OSError where the storage does not give a file. If a file is damaged, the
    other rows are returned, with a LogWarning; `Run.faults` of `read` lists the damage.

        frame("runs", tags="loss*").groupby("run").value.min()
    """
    from ._reading.frames import long_frame, wide_frame

    given = [logdir] if isinstance(logdir, (str, bytes, os.PathLike)) else logdir
    if not isinstance(given, Iterable):
        raise TypeError(f"got {logdir!r:.100}, want a log directory or a list of such")
    each: List[Dict[str, List[str]]] = [
        {one: one.files} if isinstance(one, RunPlace) else event_files(one) for one in given]
    found = each[0] if len(each) == 1 else together(each)
    read = read_each({name: paths for name, paths in found.items() if matches(runs, name)}, jobs)
    return (wide_frame if wide else long_frame)(_whole(read), tags, hparams)


def _whole(runs: Iterable[Run]) -> Iterator[Run]:
    """The same runs. A table does not show what is missing in it, so this raises or warns."""
    for run in runs:
        if run.error is not None:
            raise run.error
        damage = [fault for fault in run.faults if fault.kind != TAIL]
        if damage:
            # By its repr: names in it are from elsewhere, and may hold control characters.
            warn(f"rows of the run {run.name!r} may be missing, for {len(damage)} faults such as "
                 f"{str(damage[0])!r}")
        yield run


def events(path: Union[Place, "os.PathLike[str]"], faults: Optional[List[Fault]] = None
           ) -> Iterator[Event]:
    """The events of one file, given by its path or its bytes.

        steps = [event.step for event in events(path)]

    faults: a list that collects damage of the file; reading continues after it. Without
        it the first damage raises ReadError; an unfinished last record only ends the events.

    Raises FileNotFoundError if there is no such file, TypeError for neither a path nor bytes.
    """
    return _events(path if isinstance(path, bytes) else local_path(path), faults)


def _events(path: Place, faults: Optional[List[Fault]]) -> Iterator[Event]:
    with Window(path) as window:
        for record in records(window, faults):
            try:
                yield parse.event(record.data)
            except WireError as error:
                fault = bad_event(record, window.name, error)
                if faults is None:
                    raise ReadError(str(fault)) from None
                faults.append(fault)
