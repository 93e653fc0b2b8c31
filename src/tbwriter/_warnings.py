"""LogWarning, and the three ways to issue one. Each points at the user's line."""
from __future__ import annotations

import os
import sys
import warnings
from types import FrameType
from typing import Any, Dict, Hashable, Optional, Set

_PACKAGE = os.path.dirname(os.path.abspath(__file__)) + os.sep
_told: Set[Hashable] = set()


class LogWarning(RuntimeWarning):
    """Something was not logged as asked. Training continues.

    With `warnings.filterwarnings("error", category=tbwriter.LogWarning)` the call that notices
    raises it instead, after its own work is done.
    """


def warn(text: str) -> None:
    """Issue a LogWarning at the line outside the package that led here.

    Under `-W error` it is raised there. On a thread of the package there is no such line, and
    nobody who could catch it: there it is printed and never raised.
    """
    frame = _users_frame()
    if frame is None:
        show(text)
    else:
        warnings.warn_explicit(text, LogWarning, **_place(frame))


def show(text: str) -> None:
    """Issue a LogWarning that is never raised: for places that must finish what they do."""
    place = _place(_users_frame())
    try:
        warnings.warn_explicit(text, LogWarning, **place)
    except Exception:  # LogWarning under `-W error`; anything from a `showwarning` of the program
        try:
            sys.stderr.write(warnings.formatwarning(
                LogWarning(text), LogWarning, place["filename"], place["lineno"]))
        except Exception:  # no stderr, or a closed one
            pass


def once(key: Hashable, text: str) -> None:
    """`show(text)`, the first time that `key` is seen: for a warning that would otherwise come at
    every step, and that may come from the middle of a record, which must be written all the same.
    """
    if key not in _told:
        _told.add(key)
        show(text)


def _users_frame() -> Optional[FrameType]:
    """The first frame outside the package; None on the package's own threads."""
    frame: Optional[FrameType] = sys._getframe(1)
    while frame is not None and (frame.f_code.co_filename.startswith(_PACKAGE)
                                 or frame.f_globals.get("__name__") == "threading"):
        frame = frame.f_back
    return frame


def _place(frame: Optional[FrameType]) -> Dict[str, Any]:
    """A line as `warnings.warn_explicit` takes it."""
    if frame is None:
        return {"filename": "tbwriter", "lineno": 0, "module": __name__}
    return {"filename": frame.f_code.co_filename, "lineno": frame.f_lineno,
            "module": frame.f_globals.get("__name__") or "<unknown>",
            "registry": frame.f_globals.setdefault("__warningregistry__", {})}
