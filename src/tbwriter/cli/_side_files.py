"""The files beside event files, copied.

TensorBoard reads one configuration of the Projector of each directory, so those of several log
directories become one.
"""
from __future__ import annotations

import os
import posixpath
from typing import Dict, Iterable, List, Optional, Tuple

from .._files.places import base_name, size_of
from .._files.projector import config
from .._files.records import UNREADABLE, Fault, Faults, First
from .._files.window import CHUNK, ReadError, open_raw, whole
from .._proto.schema import PROJECTOR_CONFIG
from ._output import Output
from ._projector import Configs


def copy_side_files(files: Iterable[Tuple[str, str]], output: Output, faults: Faults,
                    notes: First[str]) -> None:
    """Copy files, each into its directory of the output; equal files of one name only once."""
    copied: Dict[Tuple[str, str], str] = {}
    moved: Dict[str, str] = {}  # {path: the one below the output, where it is another}
    configs: Dict[str, List[str]] = {}
    for path, directory in files:
        name = base_name(path)
        if name == PROJECTOR_CONFIG:
            configs.setdefault(directory, []).append(path)
            continue
        try:
            other = copied.get((directory, name))
            if other is not None and _equal(path, other):
                below = moved.get(_slashed(other), "")
            else:
                copied[directory, name] = path
                below = _copy_file(path, output, directory, name)
                below = "" if below == posixpath.normpath(f"{directory}/{name}") else below
        except (OSError, ReadError) as error:
            faults.append(Fault(path, UNREADABLE, 0, 0, str(error)))
            continue
        if below:
            moved[_slashed(path)] = below
    for directory, paths in configs.items():
        _copy_configs(paths, output, directory, moved, faults, notes)


def _copy_configs(paths: List[str], output: Output, directory: str, moved: Dict[str, str],
                  faults: Faults, notes: First[str]) -> None:
    """Join configurations into that of a directory; copy those that cannot be joined beside it."""
    joined, apart = Configs(), []
    for path in paths:
        def new_path(name: str) -> str:
            below = moved.get(posixpath.join(posixpath.dirname(_slashed(path)),
                                             posixpath.normpath(name)))
            return name if below is None else posixpath.relpath(below, output.directory(directory))
        try:
            notes.add(joined.add(path, config(path), new_path))
        except (OSError, ReadError) as error:
            faults.append(Fault(path, UNREADABLE, 0, 0, str(error)))
        except ValueError as error:
            apart.append((path, str(error)))
    if joined:
        file, _ = output.create(directory, PROJECTOR_CONFIG)
        with file:
            file.write(joined.data())
    copied: Optional[str] = None
    for path, why in apart:
        try:
            if copied is not None and _equal(path, copied):
                continue
            copied = path
            below = _copy_file(path, output, directory, PROJECTOR_CONFIG)
        except (OSError, ReadError) as error:
            faults.append(Fault(path, UNREADABLE, 0, 0, str(error)))
            continue
        if len(paths) > 1:
            notes.add([f"the Projector does not show {path}, which is now {below}: it cannot be "
                       f"joined with the {PROJECTOR_CONFIG} of another log directory: {why}"])


def _slashed(path: str) -> str:
    return path.replace(os.sep, "/")


def _copy_file(path: str, output: Output, directory: str, name: str) -> str:
    """The path of the copy below the output."""
    with open_raw(path) as source:
        data = whole(source)
        file, below = output.create(directory, name)
        with file:
            while data:
                file.write(data)
                data = whole(source)
    return below


def _equal(path: str, other: str) -> bool:
    """Whether another file has the same bytes."""
    if size_of(path) != size_of(other):
        return False
    with open_raw(path) as one, open_raw(other) as two:
        for _ in range(0, size_of(path), CHUNK):
            if whole(one) != whole(two):
                return False
    return True
