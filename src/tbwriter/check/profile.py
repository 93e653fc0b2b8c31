"""Sessions of the profiler: XProf reads `<host>.xplane.pb` of a session, and nothing else."""
from __future__ import annotations

from typing import List, Tuple

from . import wellformed
from .finding import ERROR, Findings, rule
from .._files.places import base_name
from .._files.window import contents

SESSION = rule("profile session", ERROR, "a session without tools in Profile",
               "write <host>.xplane.pb; a trace.json is no longer read")
XSPACE = rule("profile content", ERROR, "an error instead of the tools of the session",
              "write an XSpace message")

RULES = (SESSION, XSPACE)

_FOLDERS = ["plugins", "profile"]
_ENDING = ".xplane.pb"


def session_of(directory: str) -> Tuple[str, str]:
    """(run, session) of the directory of a session, ("", "") of others."""
    parts = directory.split("/")
    if len(parts) < 3 or parts[-3:-1] != _FOLDERS:
        return "", ""
    return "/".join(parts[:-3]) or ".", parts[-1]


def check_session(session: str, directory: str, paths: List[str], found: Findings) -> None:
    """directory: the path of the session. paths: the files in it, which may be none."""
    planes = [path for path in paths if base_name(path).endswith(_ENDING)]
    if not planes:
        found.add(SESSION, (paths or [directory])[0], "",
                  f"no {_ENDING} in the session {session!r}")
    for path in planes:
        try:
            wellformed.walk(contents(path), wellformed.XSPACE)
        except (OSError, ValueError) as error:
            found.add(XSPACE, path, "", str(error))
