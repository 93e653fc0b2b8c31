"""Dumps of MXNet's profiler in the Profile dashboard. Works without MXNet."""
from __future__ import annotations

import os
from typing import Union

from ..profile.mxnet_trace import session
from ..writer import FileWriter


def convert_profile(path: Union[str, "os.PathLike[str]"], logdir: Union[str, "os.PathLike[str]"],
                    name: str = "", host: str = "") -> None:
    """Write a dump of `mx.profiler.dump` as a session of the Profile dashboard.

        convert_profile("profile.json", "logs")

    A dump has no steps, so the overview and input pipeline pages are empty.

    path: the JSON file. logdir: the log directory, a path or URL. name, host: as for
        `FileWriter.profile`.

    Raises ValueError for a file that is not a dump, OSError if it can't be read or written.
    """
    dump = session(path, name, host)
    with FileWriter(logdir) as writer:
        writer.add(dump, 0)
