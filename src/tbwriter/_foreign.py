"""Arguments are objects of other programs: any method of theirs may raise anything.

`checked` turns such an error into TypeError or ValueError, so that a logging call raises nothing
else; `shown` is the text of an argument in an error.
"""
from __future__ import annotations

import os
import sys
from functools import wraps
from types import FrameType
from typing import Any, Callable, List, Optional, TypeVar, cast

_Function = TypeVar("_Function", bound=Callable[..., Any])

# Errors from this folder are those of the storage: no argument is wrong.
_STORAGE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "_log") + os.sep
# Objects that may fail come from other packages than these; texts and numbers hold none.
_SOUND = ("builtins", "numpy", "collections")
_PLAIN = (str, bytes, bool, int, float, type(None))


class Unavailable(NotImplementedError):
    """A function of another API that tbwriter does not have. The text gives the alternative."""


def shown(value: Any) -> str:
    """The start of `repr(value)`, for an error; its type where the object has no repr."""
    try:
        return f"{value!r:.80}"
    except Exception as error:
        let_signals(error)
        return f"<{type(value).__name__}>"


def exact(text: str) -> str:
    """`text` as a plain str. A subclass may encode, compare, hash or show itself in another way;
    the characters that it holds are those that are written. TypeError for anything but a str."""
    return str.__str__(text)


def checked(function: _Function) -> _Function:
    """`function`, but it raises TypeError or ValueError with the text "got ..., want ..." where an
    argument can't be used. An error that the argument itself raises becomes the cause.

    Errors of the storage, MemoryError, Unavailable, warnings that are raised and errors of signal
    handlers pass unchanged.
    """
    @wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except Exception as error:
            refusal = _refusal(error, function, args, kwargs)
            if refusal is None:
                raise
            raise refusal from error
    return cast(_Function, call)


def _refusal(error: Exception, function: Callable[..., Any], args: Any, kwargs: Any
             ) -> Optional[Exception]:
    """The error that replaces `error`; None if `error` is raised as it is."""
    if isinstance(error, (MemoryError, Warning, Unavailable)):
        return None
    text = _text(error)
    if isinstance(error, (TypeError, ValueError)) and text.startswith("got "):
        return None
    frames = _frames(error)
    if not frames or of_signal(error) \
            or any(frame.f_code.co_filename.startswith(_STORAGE) for frame in frames):
        return None
    given = _arguments(function, args, kwargs)
    if not given:
        return None
    kind = ValueError if isinstance(error, ValueError) else TypeError
    return kind(f"got {given} that can't be used ({type(error).__name__}: {text:.100}), want the "
                f"arguments that {function.__name__} documents")


def _text(error: Exception) -> str:
    try:
        return str(error)
    except Exception:
        return "an error without a text"


def _frames(error: Exception) -> List[FrameType]:
    """The frames below the one that caught the error."""
    frames = []
    trace = error.__traceback__
    while trace is not None:
        frames.append(trace.tb_frame)
        trace = trace.tb_next
    return frames[1:]


def let_signals(error: Exception) -> None:
    """Raise `error`, which seems to be that of an argument, if a signal handler raised it."""
    if of_signal(error):
        raise error


def of_signal(error: Exception) -> bool:
    """Whether a signal handler raised it. Handlers interrupt any line, so no argument is wrong."""
    frames = _frames(error)
    signal: Any = sys.modules.get("signal")  # without it no program has set a handler
    if not frames or signal is None:
        return False
    codes = {_code(signal.getsignal(number)) for number in signal.valid_signals()}
    return any(frame.f_code in codes for frame in frames)


def _code(handler: Any) -> Any:
    """The code that a signal handler runs, if it is written in Python: a function, a method, a
    partial of one, or an object with `__call__`."""
    handler = getattr(handler, "func", handler)
    return getattr(handler, "__code__", None) or getattr(type(handler).__call__, "__code__", None)


def _arguments(function: Callable[..., Any], args: Any, kwargs: Any) -> str:
    """The arguments that may be wrong: their names with their types or values. "" if the call does
    not fit the function's signature."""
    from inspect import signature  # takes long to import
    try:
        bound = signature(function).bind(*args, **kwargs).arguments
    except TypeError:
        return ""
    bound.pop("self", None)
    objects = {name: type(value) for name, value in bound.items() if type(value) not in _PLAIN}
    foreign = {name: kind for name, kind in objects.items()
               if str(kind.__module__).partition(".")[0] not in _SOUND}
    return " and ".join(f"{name} of type {kind.__name__}"
                        for name, kind in (foreign or objects).items()) or \
        ", ".join(f"{name}={shown(value)}" for name, value in bound.items())
