"""The directory that a command writes: every path in it is made here, and is inside it.

Names of runs, tags, files and objects come from logs that anyone may have written. They are used
where they can be names below the directory, escaped where they can not, and every name that was
changed is in `renamed`. A file is always new, and no symbolic link in the directory is followed.
"""
from __future__ import annotations

import copy
import os
import sys
from contextlib import contextmanager
from errno import EIO, ELOOP, ENOTDIR
from functools import partial
from io import BufferedWriter, FileIO
from itertools import count
from types import TracebackType
from typing import BinaryIO, Callable, Dict, Iterator, List, Optional, Sequence, Set, Tuple, Type

from .._files.places import identity, is_url
from .._names import file_name, is_name, path_below
from ._text import shown

_USES_DESCRIPTORS = {os.open, os.mkdir} <= os.supports_dir_fd
# The most bytes of a name to which a number can be added, and of the ending of a longer name.
_MOST_BYTES, _MOST_ENDING = 240, 16
# Of so many names that are taken, the next number is known.
_MOST_NUMBERED = 1000
_DIRECTORY = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_NOFOLLOW", 0)
_NEW_FILE = (os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)
             | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0))


class Output:
    """A directory on this machine.

    sources: where the command reads, each once; the directory must not be inside them.
    empty: whether the directory must be empty or not exist yet.
    renamed: {name in the log: name below the directory}, where they differ.

    Raises FileExistsError or ValueError for a directory that cannot be used. It is made with its
    first file.
    """

    def __init__(self, path: str, sources: Sequence[str] = (), empty: bool = True) -> None:
        if not path or is_url(path):
            raise ValueError(f"got {path!r}, want a directory on this machine")
        target = os.path.realpath(path)
        if os.path.exists(target) and not os.path.isdir(target):
            raise FileExistsError(f"got {path!r}, which is a file, want a new directory")
        if empty and os.path.isdir(target) and os.listdir(target):
            raise FileExistsError(f"got {path!r}, which is not empty, want a new directory")
        read: Set[str] = set()
        for source in sources:
            here = identity(source)
            if here in read:
                raise ValueError(f"got {source} twice, want each log directory once")
            read.add(here)
            if not is_url(here) and _is_inside(target, here):
                raise ValueError(f"got {path!r}, which is inside {source}, want another place")
        self.path = path
        self.renamed: Dict[str, str] = {}
        self._target = target
        self._alone = True
        self._root: Optional[int] = None
        self._directories: Dict[str, str] = {}
        self._used: Set[str] = set()
        # Directories with those that they are in, and files: no path is both.
        self._above: Set[str] = set()
        self._files: Set[str] = set()
        # The names that follow one that was taken.
        self._numbered: Dict[str, Iterator[str]] = {}

    def __enter__(self) -> "Output":
        return self

    def __exit__(self, kind: Optional[Type[BaseException]], error: Optional[BaseException],
                 trace: Optional[TracebackType]) -> None:
        if self._root is not None:
            os.close(self._root)
            self._root = None
        if error is not None and self._alone and os.path.isdir(self._target) \
                and os.listdir(self._target):
            print(f"tbwriter: {shown(self.path)} is not complete", file=sys.stderr)

    def directory(self, name: str) -> str:
        """The path below this directory for a run (or directory) of a log. One path per name."""
        if name not in self._directories:
            path = next(path for path in numbered(path_below(name))
                        if path not in self._used and not self._files.intersection(paths_to(path)))
            self._directories[name] = path
            self._used.add(path)
            self._above.update(paths_to(path))
            if path != name:
                self.renamed[name] = path
        return self._directories[name]

    def part(self, name: str) -> "Output":
        """The directory of one run alone, for another process that writes its event files: no
        directory is named as they are."""
        part = copy.copy(self)
        part._root, part._alone = None, False
        part._directories = {name: self.directory(name)}
        part._used, part._above, part._files = set(), set(), set()
        part.renamed, part._numbered = {}, {}
        return part

    def create(self, directory: str, name: str) -> Tuple[BinaryIO, str]:
        """A new file called `name` in the directory of a run, and its path below this directory.

        The name of a file that exists gets a number. If the `with` block of the file ends with an
        exception, such as that of Ctrl-C, the file is removed: no file is half-written.
        """
        self._make()
        parts = self.directory(directory).split("/")
        parts = [] if parts == ["."] else parts
        usable = name if is_name(name.replace("tfevents", "")) else file_name(name)
        whole = "/".join([*parts, usable])
        names = self._numbered.get(whole) or numbered(*os.path.splitext(usable))
        for path in names:
            below = "/".join([*parts, path])
            try:
                if below in self._above:
                    continue
                file = self._open([*parts, path])
            except FileExistsError:
                continue
            self._files.add(below)
            if path != usable:
                self._remember(whole, names)
            if path != name:
                self.renamed[f"{directory}/{name}"] = below
            return _NewFile(file, partial(self._remove, [*parts, path])), below
        raise AssertionError("there is no last number")

    def _remember(self, name: str, following: Iterator[str]) -> None:
        if len(self._numbered) == _MOST_NUMBERED and name not in self._numbered:
            self._numbered.clear()
        self._numbered[name] = following

    def _make(self) -> None:
        if self._root is None and _USES_DESCRIPTORS:
            os.makedirs(self._target, exist_ok=True)
            self._root = os.open(self._target, _DIRECTORY)

    def _open(self, parts: List[str]) -> int:
        """A descriptor of the new file; FileExistsError if anything has its name."""
        if self._root is None:
            return self._open_by_path(parts)
        with self._below(parts[:-1]) as here:
            return os.open(parts[-1], _NEW_FILE, 0o666, dir_fd=here)

    def _remove(self, parts: List[str]) -> None:
        if self._root is None:
            os.unlink(os.path.join(self._target, *parts))
            return
        with self._below(parts[:-1]) as here:
            os.unlink(parts[-1], dir_fd=here)

    @contextmanager
    def _below(self, parts: List[str]) -> Iterator[int]:
        """A descriptor of a directory below this one, which is made if it is missing."""
        assert self._root is not None
        here = os.dup(self._root)
        try:
            for part in parts:
                try:
                    os.mkdir(part, dir_fd=here)
                except FileExistsError:
                    pass
                try:
                    below = os.open(part, _DIRECTORY, dir_fd=here)
                except OSError as error:
                    if error.errno not in (ENOTDIR, ELOOP):
                        raise
                    raise NotADirectoryError(
                        f"got {part!r} in {self.path!r}, which is a symbolic link or a file, want "
                        "a directory") from None
                os.close(here)
                here = below
            yield here
        finally:
            os.close(here)

    def _open_by_path(self, parts: List[str]) -> int:
        """The same where the system has no descriptors of directories."""
        here = self._target
        os.makedirs(here, exist_ok=True)
        for part in parts[:-1]:
            here = os.path.join(here, part)
            os.makedirs(here, exist_ok=True)
            if not _is_inside(os.path.realpath(here), self._target):
                raise NotADirectoryError(f"got {here}, which is a symbolic link")
        return os.open(os.path.join(here, parts[-1]), _NEW_FILE, 0o666)


class _NewFile(BufferedWriter):
    """A file that is removed unless all of it could be written."""

    def __init__(self, descriptor: int, remove: Callable[[], None]) -> None:
        super().__init__(FileIO(descriptor, "wb"), 1 << 20)
        self._remove = remove

    def __exit__(self, kind: Optional[Type[BaseException]], error: Optional[BaseException],
                 trace: Optional[TracebackType]) -> None:
        whole = False
        try:
            super().__exit__(kind, error, trace)
            whole = kind is None
        finally:
            if not whole:
                self._remove()


def replaced(path: str, write: Callable[[str], int]) -> int:
    """Call `write` with the path of a new file, which takes the place of `path` once it is
    complete; a pipe or a device is written itself. Returns what `write` does; after 0 nothing is
    replaced.

    Raises OSError with the name `path`.
    """
    target = os.path.realpath(path)
    exists = os.path.exists(target)
    try:
        if exists and not os.path.isfile(target) or os.path.abspath(path).startswith("/dev/"):
            return write(path)
        # Random: two containers may have the same process id, and a killed command leaves its file.
        scratch = os.path.join(os.path.dirname(target), f".tbwriter-{os.urandom(8).hex()}.part")
        os.close(os.open(scratch, _NEW_FILE, 0o666))
        try:
            count = write(scratch)
            if count:
                if exists:
                    os.chmod(scratch, os.stat(target).st_mode & 0o7777)
                os.replace(scratch, target)
            return count
        finally:
            if os.path.exists(scratch):
                os.unlink(scratch)
    except OSError as error:
        raise OSError(error.errno or EIO, error.strerror or str(error), path) from None


def _is_inside(path: str, directory: str) -> bool:
    try:
        return os.path.commonpath([path, directory]) == directory
    except ValueError:  # another drive
        return False


def paths_to(path: str) -> List[str]:
    """`path` and the directories that it is in."""
    parts = path.split("/")
    return ["/".join(parts[:number]) for number in range(1, len(parts) + 1)]


def numbered(stem: str, ending: str = "") -> Iterator[str]:
    """A path, then with -2, -3, ... before its ending. A name that is as long as file systems allow
    is shortened for its number."""
    yield stem + ending
    above, slash, name = stem.rpartition("/")
    if len(os.fsencode(name + ending)) > _MOST_BYTES:
        stem = above + slash + file_name(name + ending)
        ending = ending if len(os.fsencode(ending)) <= _MOST_ENDING else ""
    for number in count(2):
        yield f"{stem}-{number}{ending}"
