"""Records to storage: one log directory, on a mounted file system or at a URL."""
from __future__ import annotations

import os
from typing import TYPE_CHECKING, Callable, Dict, Optional, Union

from .._names import as_path
from .local import LocalLog

if TYPE_CHECKING:
    from .contract import Log

# Further storages, by the scheme of their URLs; each is called with the arguments of a LocalLog.
SCHEMES: Dict[str, Callable[..., Log]] = {}


def open_log(logdir: Union[str, "os.PathLike[str]"], suffix: str, header: Callable[[], bytes],
             max_file_bytes: Optional[int] = None, *, probe: bool = True) -> Log:
    """The log directory `logdir`, a path or URL.

    header: gives the first record of each file. probe: make the directory now and see whether it
    takes files; without it nothing is done before the first write.

    Raises OSError where nothing can be written there, ValueError for a bad suffix or an unknown
    kind of URL, ImportError for one whose package is not installed.
    """
    logdir = os.fspath(logdir)
    if any(mark in suffix for mark in ("/", "\\", "\0")):
        raise ValueError(f"got the filename_suffix {suffix!r}, want one without path separators")
    as_path(suffix, "filename_suffix")
    if max_file_bytes is not None and max_file_bytes <= 0:
        raise ValueError(f"got max_file_bytes={max_file_bytes}, want 1 or more")
    if logdir.startswith("file:///"):
        from urllib.request import url2pathname  # slower to import than all of this package
        logdir = url2pathname(logdir[len("file://"):])
    log = _storage(logdir)(logdir, suffix, header, max_file_bytes)
    if probe:
        log.probe()
    return log


def _storage(logdir: str) -> Callable[..., Log]:
    scheme, mark, _ = logdir.partition("://")
    if not mark:
        return LocalLog
    if scheme in SCHEMES:
        return SCHEMES[scheme]
    from .objects import RemoteLog
    return RemoteLog
