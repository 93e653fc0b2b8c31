"""Side files: the files beside the event file, each written as a whole."""
from __future__ import annotations

import errno
import os
from contextlib import contextmanager, suppress
from typing import Callable, Iterator, Optional

from .event_file import open_apart
from .naming import check_name, temporary_name

# With these a place refuses a file for good, if the log directory takes others.
_REFUSED = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ELOOP, errno.ENAMETOOLONG, errno.EFBIG)


@contextmanager
def refusals(directory: str, name: str) -> Iterator[None]:
    """ValueError in place of an OSError that concerns the side file `name` alone, such as that of a
    directory below the log directory which belongs to another user: no later try would succeed."""
    try:
        yield
    except OSError as error:
        if error.errno in _REFUSED and os.access(directory, os.W_OK | os.X_OK):
            raise ValueError(f"got the file name {name!r}, want one that can be written: "
                             f"{error}") from error
        raise


def inside(directory: str, name: str) -> str:
    """The path of a side file, symbolic links followed. ValueError where no file can have it."""
    root = os.path.realpath(directory)
    path = os.path.realpath(os.path.join(root, *check_name(name).split("/")))
    try:
        below = os.path.commonpath([root, path]) == root != path
    except ValueError:  # another drive of Windows
        below = False
    if not below:
        raise ValueError(f"got the file name {name!r}, want one inside {directory}")
    if os.path.isdir(path) or _below_a_file(root, path):
        raise ValueError(f"got the file name {name!r}, want one that is free: there is a "
                         "directory in place of the file, or a file in place of a directory")
    return path


def read(path: str) -> Optional[bytes]:
    """The content of a file; None if it does not exist."""
    if not os.path.isfile(path):  # to open a pipe would wait for a process that writes to it
        return None
    with open(path, "rb") as file:
        return file.read()


def write(path: str, data: bytes) -> None:
    """Write a file, in place of one that exists."""
    _write(path, data, os.replace)


def write_new(path: str, data: bytes) -> bool:
    """Write a file. False if the name is taken."""
    try:
        _write(path, data, _place_new)
    except FileExistsError:
        # The name may be free again by now. But makedirs raises it where a directory is a file.
        if not os.path.isdir(os.path.dirname(path)):
            raise
        return False
    return True


def _write(path: str, data: bytes, place: Callable[[str, str], None]) -> None:
    """Write a file under a temporary name, then `place` it."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    temporary = os.path.join(os.path.dirname(path), temporary_name())
    try:
        with open(temporary, "xb", opener=open_apart) as file:
            file.write(data)
        place(temporary, path)
    finally:
        with suppress(OSError):
            os.unlink(temporary)


def _below_a_file(root: str, path: str) -> bool:
    """Whether a path between the directory `root` and `path` is not a directory."""
    above = os.path.dirname(path)
    while above != root and not os.path.lexists(above):
        above = os.path.dirname(above)
    return above != root and not os.path.isdir(above)


def _place_new(temporary: str, path: str) -> None:
    """Rename a file to a free name; FileExistsError if the name is taken."""
    try:
        os.link(temporary, path)
    except FileExistsError:
        raise
    except (OSError, NotImplementedError):  # FAT, some of FUSE
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))
        try:
            os.replace(temporary, path)
        except BaseException:
            with suppress(OSError):
                os.unlink(path)
            raise
