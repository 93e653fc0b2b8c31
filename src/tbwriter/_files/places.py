"""Where event files are: the runs of a log directory, on a mounted file system or behind a URL."""
from __future__ import annotations

import os
from typing import Callable, Dict, Iterator, List, Set, Tuple

# The name that `tree` gives the directory of a log directory that is a single file.
ALONE = ""


def event_files(logdir: str) -> Dict[str, List[str]]:
    """{run: its event files in the order in which TensorBoard reads them}, of a log directory.

    A run is a directory with files that have "tfevents" in their names; it is called by its path
    below `logdir`, the top itself ".". For one file the run is ".". Raises FileNotFoundError where
    nothing is.
    """
    return runs_of(tree(logdir))


def runs_of(found: Dict[str, List[str]]) -> Dict[str, List[str]]:
    """The same of what `tree` has found."""
    if ALONE in found:
        return {".": found[ALONE]}
    events = {run: sorted(path for path in paths if is_event_file(base_name(path)))
              for run, paths in found.items()}
    return {run: events[run] for run in sorted(events) if events[run]}


def tree(logdir: str) -> Dict[str, List[str]]:
    """{directory below `logdir`: the files in it}, the top itself "."; of one file {ALONE: [it]}.

    logdir: a path, or a URL of fsspec. Links to directories are followed, cycles are not. Raises
    FileNotFoundError where nothing is.
    """
    logdir = os.fspath(logdir)
    if logdir.startswith("file:///"):
        from urllib.request import url2pathname
        logdir = url2pathname(logdir[len("file://"):])
    if is_url(logdir):
        from .objects import Files
        return Files(logdir).tree(ALONE)
    if os.path.isfile(logdir):
        return {ALONE: [logdir]}
    if not os.path.isdir(logdir):
        raise FileNotFoundError(f"got {logdir!r}, want a log directory or an event file")
    return {os.path.relpath(directory, logdir).replace(os.sep, "/"): paths
            for directory, paths in _directories(logdir, set())}


def is_url(place: str) -> bool:
    return "://" in place


def base_name(path: str) -> str:
    return os.path.basename(path)  # of URLs too


def size_of(path: str) -> int:
    """How many bytes a file of `tree` has."""
    size = getattr(path, "size", None)
    return os.path.getsize(path) if size is None else int(size)


def is_event_file(name: str) -> bool:
    # "profile-empty" files only say that a run exists.
    return "tfevents" in name and not name.endswith(".profile-empty")


def _directories(directory: str, parents: Set[Tuple[int, int]]
                 ) -> Iterator[Tuple[str, List[str]]]:
    """Directories and the paths of the files in them, from the top down, by name."""
    try:
        with os.scandir(directory) as entries:
            found = sorted(entries, key=lambda entry: entry.name)
        status = os.stat(directory)
    except OSError:
        return
    here = (status.st_dev, status.st_ino)
    if here in parents:
        return
    yield directory, [entry.path for entry in found if _is(entry.is_file)]
    for entry in found:
        if _is(entry.is_dir):
            yield from _directories(entry.path, parents | {here})


def _is(question: Callable[[], bool]) -> bool:
    try:
        return question()
    except OSError:  # a link to itself
        return False
