"""Where event files are: the runs of a log directory, on a mounted file system or at a URL."""
from __future__ import annotations

import os
import re
from functools import lru_cache
from heapq import heappop, heappush
from typing import Any, Callable, Dict, List, Optional, Set, Tuple, Union

Logdir = Union[str, "os.PathLike[str]"]

# Storages by the scheme of their URLs: the file of this folder that lists and opens what is there,
# as `objects` does for all other schemes. "" is for one that can only be written.
SCHEMES: Dict[str, str] = {"tbwriter-testing": ""}

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
    characters for themselves. `matches("loss*", "loss/train")` is True. TypeError for a pattern
    that is no str."""
    if not isinstance(pattern, str):
        raise TypeError(f"got the pattern {pattern!r:.100}, want a str")
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


def event_files(logdir: Logdir) -> Dict[str, List[str]]:
    """{run: its event files in the order in which TensorBoard reads them}, of a log directory.

    A run is a directory with files that have "tfevents" in their names; it is called by its path
    below `logdir`, the top itself ".". For one file the run is ".". Raises FileNotFoundError if
    there is nothing at `logdir`.
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


def tree(logdir: Logdir) -> Dict[str, List[str]]:
    """{directory below `logdir`: the files in it}, the top itself "."; of one file {ALONE: [it]}.

    logdir: a path or a URL. Links to directories are followed; a link that is found through another
    link is followed only to directories that have no name below `logdir` yet. Raises
    FileNotFoundError if there is nothing at `logdir`, another OSError if it cannot be listed.

    A path that has the name of an event file but is not one, such as a dangling link or a pipe, is
    listed too: opening it raises the error. So is a directory that cannot be listed, as the only
    file in it.
    """
    top = local_path(logdir)
    if is_url(top):
        found: Dict[str, List[str]] = storage(top).Files(top).tree(ALONE)
        return found
    if os.path.isfile(top):
        return {ALONE: [top]}
    if not os.path.isdir(top):
        raise FileNotFoundError(f"got {top!r}, want a log directory or an event file")
    return {os.path.relpath(directory, top).replace(os.sep, "/"): paths
            for directory, paths in _directories(top)}


def local_path(logdir: Logdir) -> str:
    """A path, or that of a "file:///" URL; any other URL unchanged. TypeError for anything else."""
    path = os.fspath(logdir) if isinstance(logdir, (str, os.PathLike)) else logdir
    if not isinstance(path, str):
        raise TypeError(f"got {logdir!r:.100}, want a path or a URL (str or os.PathLike)")
    if path.startswith("file:///"):
        from urllib.request import url2pathname
        return url2pathname(path[len("file://"):])
    return path


def identity(logdir: Logdir) -> str:
    """The same text for all names of a place: paths, links to it, and URLs."""
    place = local_path(logdir)
    if is_url(place):
        return str(storage(place).Files(place).identity)
    return os.path.realpath(place)


def is_url(place: str) -> bool:
    return "://" in place


def storage(url: str) -> Any:
    """The module for the files at a URL: `Files` lists them, `open_file` opens one. It is imported
    here. ValueError for a scheme that can only be written."""
    scheme = url.partition("://")[0]
    name = SCHEMES.get(scheme, "objects")
    if not name:
        raise ValueError(f"got a URL with {scheme!r}, which can only be written, want one that can "
                         "be read")
    from importlib import import_module
    return import_module(f".{name}", __package__)


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


def _directories(top: str) -> List[Tuple[str, List[str]]]:
    """Directories and the paths of the files in them, from the top down, by name.

    A link is another name for a directory and for those in it. A link that is found through
    another one, or leads upwards, brings only directories without a name yet: so a few links to one
    another are not a run for each way through them.
    """
    found: List[Tuple[str, List[str]]] = []
    seen: Set[str] = set()  # paths without links
    links = [(0, top, os.path.realpath(top), False)]  # a heap: the shortest path first
    while links:
        _, path, real, again = heappop(links)
        waiting, through_link = [(path, real)], path != top
        while waiting:
            directory, real = waiting.pop()
            if real in seen and not again:
                continue
            seen.add(real)
            files, below, linked = _listed(directory, real, directory == top)
            if files is not None:
                found.append((directory, files))
            waiting += below
            for path, target in linked:
                upwards = os.path.join(real, "").startswith(os.path.join(target, ""))
                heappush(links, (path.count(os.sep), path, target,
                                 not (through_link or upwards)))
    return sorted(found, key=lambda one: one[0].split(os.sep))


_Paths = List[Tuple[str, str]]


def _listed(directory: str, real: str, is_top: bool) -> Tuple[Optional[List[str]], _Paths, _Paths]:
    """The files in a directory, None if it was deleted meanwhile; the directories in it, each with
    its path without links; and the links to directories, likewise."""
    try:
        with os.scandir(directory) as entries:
            found = sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        if is_top:
            raise
        deleted = isinstance(error, FileNotFoundError)
        return None if deleted else [Unlisted(directory)], [], []
    files: List[str] = []
    below: _Paths = []
    linked: _Paths = []
    for entry in found:
        if _is(entry.is_dir):
            path = os.path.join(real, entry.name)
            if entry.is_symlink() or os.name == "nt":  # where it may be a junction
                target = os.path.realpath(entry.path)
                (below if target == path else linked).append((entry.path, target))
            else:
                below.append((entry.path, path))
        elif _is(entry.is_file) or is_event_file(entry.name):
            files.append(entry.path)
    return files, below, linked


def _is(question: Callable[[], bool]) -> bool:
    try:
        return question()
    except OSError:  # a link to itself
        return False
