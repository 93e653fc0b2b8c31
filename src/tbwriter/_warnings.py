"""LogWarning, and three ways to issue one. Each warning names the user's line, not ours."""
from __future__ import annotations

import os
import sys
import threading
import warnings
from _thread import LockType, allocate_lock, get_ident, start_new_thread
from functools import wraps
from types import FrameType
from typing import Any, Callable, Dict, Hashable, List, Optional, Set, TypeVar, cast

from ._loading import loading

# How long a thread of the package waits for a warning to be shown.
_SHOWN_SECS = 0.5
_PACKAGE = os.path.dirname(os.path.abspath(__file__)) + os.sep
_issued: Set[Hashable] = set()

_Function = TypeVar("_Function", bound=Callable[..., Any])


class LogWarning(RuntimeWarning):
    """A value was not logged as requested. Training continues.

    With `warnings.filterwarnings("error", category=tbwriter.LogWarning)` the call that detects the
    problem raises the warning as an exception, after it has done its own work.
    """


class _Held(threading.local):
    """The warnings that wait for the end of a call of `whole`, None outside of one; and the error
    that it raises then."""

    texts: Optional[List[str]] = None
    error: Optional[Exception] = None


_held = _Held()


def whole(function: _Function) -> _Function:
    """`function`, but its warnings and the error of `fail` are issued after all of its work: one
    raised in the middle (`-W error`, `strict`) would lose the values that come later."""
    @wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        if _held.texts is not None:
            return function(*args, **kwargs)
        texts: List[str] = []
        try:
            _held.texts = texts
            result = function(*args, **kwargs)
        except BaseException:
            _held.texts = _held.error = None
            for text in texts:
                show(text)
            raise
        error = _held.error
        _held.texts = _held.error = None
        for text in texts if error else texts[1:]:
            show(text)
        if error:
            raise error
        for text in texts[:1]:
            warn(text)
        return result
    return cast(_Function, call)


def fail(error: Exception) -> None:
    """Raise `error`, at the end of a call of `whole` inside of one."""
    if _held.texts is None:
        raise error
    _held.error = error


def warn(text: str) -> None:
    """Issue a LogWarning at the user's line: the innermost caller outside the package.

    Under `-W error` this raises the warning, so the user can catch it at that line. A thread of the
    package has no such line and no caller who could catch it: there the warning is only printed.
    """
    if _held.texts is not None:
        _held.texts.append(text)
        return
    frame = _users_frame()
    if frame is None:
        show(text)
        return
    place = _place(frame)
    try:
        warnings.warn_explicit(text, LogWarning, **place)
    except LogWarning:
        raise
    except Exception:
        _print(text, place)


def show(text: str) -> None:
    """Issue a LogWarning that is never raised: for code that must complete its work.

    A `showwarning` of the program, or a handler of its `logging`, may wait for a lock whose holder
    waits for the package's thread. So there another thread calls it.
    """
    frame = _users_frame()
    place = _place(frame)
    with loading:
        import linecache  # noqa: F401 - by which `warnings` finds the line
    if frame is None and get_ident() != threading.main_thread().ident:
        shown = allocate_lock()
        shown.acquire()
        try:
            start_new_thread(_issue, (text, place, shown))
        except RuntimeError:  # none left
            _print(text, place)
        else:
            shown.acquire(timeout=_SHOWN_SECS)
    else:
        _issue(text, place)


def _issue(text: str, place: Dict[str, Any], shown: Optional[LockType] = None) -> None:
    """Issue a LogWarning that is never raised, then release `shown`."""
    try:
        warnings.warn_explicit(text, LogWarning, **place)
    except Exception:  # also LogWarning under `-W error`
        _print(text, place)
    finally:
        if shown is not None:
            shown.release()


def _print(text: str, place: Dict[str, Any]) -> None:
    """Write a warning to stderr, where a `showwarning` of the program, a handler of its `logging`
    or a closed stderr has raised."""
    try:
        sys.stderr.write(warnings.formatwarning(
            LogWarning(text), LogWarning, place["filename"], place["lineno"]))
    except Exception:  # no stderr, or a closed one
        pass


def once(key: Hashable, text: str) -> None:
    """`show(text)` the first time this `key` is given.

    For warnings that would otherwise be issued at every step. They are never raised, since they may
    arise while a record is built, and the record must still be written.
    """
    if key not in _issued:
        _issued.add(key)
        show(text)


def _users_frame() -> Optional[FrameType]:
    """The innermost frame outside the package; None on the package's own threads."""
    frame: Optional[FrameType] = sys._getframe(1)
    while frame is not None and (frame.f_code.co_filename.startswith(_PACKAGE)
                                 or frame.f_globals.get("__name__") == "threading"):
        frame = frame.f_back
    return frame


def _place(frame: Optional[FrameType]) -> Dict[str, Any]:
    """The location of `frame`, as the keyword arguments of `warnings.warn_explicit`."""
    if frame is None:
        return {"filename": "tbwriter", "lineno": 0, "module": __name__}
    return {"filename": frame.f_code.co_filename, "lineno": frame.f_lineno,
            "module": frame.f_globals.get("__name__") or "<unknown>",
            "registry": frame.f_globals.setdefault("__warningregistry__", {})}
