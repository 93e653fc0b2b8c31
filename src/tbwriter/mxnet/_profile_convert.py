"""Dumps of MXNet's profiler in the Profile dashboard. Works without MXNet."""
from __future__ import annotations

import os
from typing import Union

from ..profile.mxnet_trace import session
from ..writer import FileWriter
from ._arguments import as_text


def convert_profile(path: Union[str, "os.PathLike[str]"], logdir: Union[str, "os.PathLike[str]"],
                    name: str = "", host: str = "") -> None:
    """Write a dump of `mx.profiler.dump` as a session of the Profile dashboard.

        convert_profile("profile.json", "logs")

    A dump has no steps, so the overview and input pipeline pages are empty.

    path: the JSON file. logdir: the log directory, a path or URL. name, host: as for
        `FileWriter.profile`.

    Raises ValueError for a file that is not a dump, TypeError for a path of another type, OSError
    if it can't be read or written.
    """
    if not isinstance(path, (str, os.PathLike)):
        raise TypeError(f"got a path of type {type(path).__name__}, want str or PathLike")
    dump = session(path, name, as_text(host, "host"))
    with FileWriter(logdir) as writer:
        writer.add(dump, 0)
