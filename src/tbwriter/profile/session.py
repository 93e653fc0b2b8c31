"""A session: one profile, in the file where the dashboard looks for it:
`plugins/profile/<session>/<host>.xplane.pb`."""
from __future__ import annotations

import re
import time
from typing import Callable, Optional, Protocol, Sequence

from .._log.naming import host_name
from .._parts import Parts
from . import names
from .drawing import Drawing, assembled
from .xplane import Space, encode

_NAME = re.compile(r"[A-Za-z0-9._-]{1,100}")


class Directory(Protocol):
    """A log directory: its side files by their relative names."""

    def read(self, name: str) -> Optional[bytes]: ...
    def put_new(self, name: str, data: bytes) -> bool: ...


class Session:
    """A profile for `FileWriter.add`; it is drawn and encoded on the writer's thread.

    begin, end: in nanoseconds since 1970. draw: gives the drawings, with times from `begin` on.
    nbytes: the memory that `draw` holds, about.
    """

    tags = ()

    def __init__(self, begin: int, end: int, draw: Callable[[], Sequence[Drawing]], name: str = "",
                 host: str = "", nbytes: int = 0) -> None:
        self.nbytes = nbytes
        self.stored = False
        self._begin = begin
        self._end = end
        self._draw: Optional[Callable[[], Sequence[Drawing]]] = draw
        self._name = name
        self._host = host
        self._number = 1
        self._content = b""

    def event_field(self) -> Parts:
        """Nothing: a session is a side file."""
        return []

    def store(self, directory: Directory) -> None:
        """Write the file. May be repeated until it succeeds, and is the same file then."""
        if self._draw is not None:
            lines, warnings = assembled(self._draw())
            space = Space(names.planes(lines, self._begin, self._end), [self._host], warnings)
            self._content = b"".join(encode(space))
            self._draw = None
        # XProf caches its results for a session, so no session is overwritten: the file goes into
        # the first session of this second without such a file. One that exists may be ours, if an
        # earlier try was written without a response.
        while not (directory.put_new(self._path, self._content)
                   or directory.read(self._path) == self._content):
            self._number += 1
        self._content = b""
        self.stored = True

    @property
    def _path(self) -> str:
        moment = time.strftime("%Y_%m_%d_%H_%M_%S", time.localtime(self._begin / 1e9))
        session = f"{moment}_{self._name}" if self._name else moment
        if self._number > 1:
            session = f"{session}_{self._number}"
        return f"{names.PLUGIN_DIRECTORY}/{session}/{self._host}{names.FILE_ENDING}"


def check_name(name: str) -> str:
    """The end of a session's name. ValueError unless it is a plain file name."""
    if not isinstance(name, str):
        raise TypeError(f"got a name of type {type(name).__name__}, want str")
    if name and not _NAME.fullmatch(name):
        raise ValueError(f"got the name {name!r:.120}, want at most 100 letters, digits, '.', '_' "
                         "and '-'")
    return name


def check_host(host: str) -> str:
    """The name of the machine; "" is this one's."""
    if not host:
        return re.sub(r"[^A-Za-z0-9._-]", "_", host_name())[:64] or "localhost"
    return check_name(host)
