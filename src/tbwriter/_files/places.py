"""Where event files are: the runs of a log directory, on a mounted file system or at a URL."""
from __future__ import annotations

import os
import re
from functools import lru_cache
from typing import Any, Callable, Dict, Iterator, List, Set, Tuple

# The name that `tree` gives the directory of a log directory that is a single file.
ALONE = ""


class RunPlace(str):
    """The name of a run, and where it is: its event files in the order in which they are read."""

    files: List[str]

    def __reduce__(self) -> Tuple[Any, Tuple[str, List[str]]]:
        return run_place, (str(self), self.files)


def run_place(name: str, files: List[str]) -> RunPlace:
    place = RunPlace(name)
    place.files = files
    return place


class Unlisted(str):
    """The path of a directory whose files cannot be listed."""


class Runs(Dict[str, List[str]]):
    """{run: its event files}; and by number the runs themselves, as `dask` expects them: the keys
    of this dict are `RunPlace`s, runs[0] is the first of them and runs[:2] a list of two."""

    def __getitem__(self, key: Any) -> Any:
        return list(self)[key] if isinstance(key, (int, slice)) else super().__getitem__(key)


def matches(pattern: str, name: str) -> bool:
    """Whether `name` fits `pattern`: "*" stands for any text, "?" for any character, all other
    characters for themselves. `matches("loss*", "loss/train")` is True."""
    return _compiled(pattern).fullmatch(name) is not None


@lru_cache(maxsize=64)
def _compiled(pattern: str) -> "re.Pattern[str]":
    """The time of a match is at most in proportion to pattern times name. Between two "*" the first
    place that fits is as good as any later one: a group in a lookahead is never tried again."""
    pieces = ["".join("." if char == "?" else re.escape(char) for char in piece)
              for piece in re.sub(r"\*+", "*", pattern).split("*")]
    if len(pieces) == 1:
        return re.compile(pieces[0], re.DOTALL)
    first, *middle, last = pieces
    once = "".join(f"(?=(?P<g{number}>.*?{piece}))(?P=g{number})"
                   for number, piece in enumerate(middle))
    return re.compile(f"{first}{once}.*{last}", re.DOTALL)


def event_files(logdir: str) -> Dict[str, List[str]]:
    """{run: its event files in the order in which TensorBoard reads them}, of a log directory.

    A run is a directory with files that have "tfevents" in their names; it is called by its path
    below `logdir`, the top itself ".". For one file the run is ".". Raises FileNotFoundError where
    nothing is.
    """
    return runs_of(tree(logdir))


def runs_of(found: Dict[str, List[str]]) -> Dict[str, List[str]]:
    """The same for the result of `tree`."""
    if ALONE in found:
        return {run_place(".", found[ALONE]): found[ALONE]}
    events = {run: sorted(path for path in paths
                          if is_event_file(base_name(path)) or isinstance(path, Unlisted))
              for run, paths in found.items()}
    return {run_place(run, events[run]): events[run] for run in sorted(events) if events[run]}


def tree(logdir: str) -> Dict[str, List[str]]:
    """{directory below `logdir`: the files in it}, the top itself "."; of one file {ALONE: [it]}.

    logdir: a path, or a URL of fsspec. Links to directories are followed, cycles are not. Raises
    FileNotFoundError where nothing is, another OSError if the directory cannot be listed.

    A path that has the name of an event file but is not one, such as a dangling link or a pipe, is
    listed too: opening it raises the error. So is a directory that cannot be listed, as the only
    file in it.
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
    """The size of a file of `tree` in bytes; 0 if it no longer exists."""
    size = getattr(path, "size", None)
    try:
        return os.path.getsize(path) if size is None else int(size)
    except OSError:
        return 0


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
    except FileNotFoundError:  # deleted meanwhile
        if not parents:
            raise
        return
    except OSError:
        if not parents:
            raise
        yield directory, [Unlisted(directory)]
        return
    here = (status.st_dev, status.st_ino)
    if here in parents:
        return
    yield directory, [entry.path for entry in found if _is(entry.is_file)
                      or is_event_file(entry.name) and not _is(entry.is_dir)]
    for entry in found:
        if _is(entry.is_dir):
            yield from _directories(entry.path, parents | {here})


def _is(question: Callable[[], bool]) -> bool:
    try:
        return question()
    except OSError:  # a link to itself
        return False
