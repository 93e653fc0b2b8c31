"""Functions, coroutines and generators that run inside a context manager of their own."""
from __future__ import annotations

import inspect
from functools import wraps
from typing import Any, AsyncGenerator, Callable, ContextManager, Generator, TypeVar, cast

_Function = TypeVar("_Function", bound=Callable[..., Any])
_Make = Callable[[], ContextManager[Any]]


def decorated(function: _Function, make: _Make) -> _Function:
    """`function`, each call of which runs inside `make()`.

    A coroutine is inside until it has ended, also while it waits; a generator is inside only while
    it works on its next item, not while its caller works.

    Raises TypeError for anything but a function.
    """
    if not callable(function) or isinstance(function, type):
        raise TypeError(f"got {function!r:.80} to decorate, want a function; a classmethod or "
                        "staticmethod is decorated below its own decorator")
    wrapper: Any
    if inspect.isasyncgenfunction(function):
        wrapper = _async_generator(function, make)
    elif inspect.iscoroutinefunction(function):
        wrapper = _coroutine(function, make)
    elif inspect.isgeneratorfunction(function):
        wrapper = _generator(function, make)
    else:
        wrapper = _plain(function, make)
    return cast(_Function, wraps(function)(wrapper))


def _plain(function: Callable[..., Any], make: _Make) -> Callable[..., Any]:
    def call(*args: Any, **kwargs: Any) -> Any:
        with make():
            return function(*args, **kwargs)
    return call


def _coroutine(function: Callable[..., Any], make: _Make) -> Callable[..., Any]:
    async def call(*args: Any, **kwargs: Any) -> Any:
        with make():
            return await function(*args, **kwargs)
    return call


def _generator(function: Callable[..., Any], make: _Make) -> Callable[..., Any]:
    def call(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        generator = function(*args, **kwargs)
        resume: Callable[[Any], Any] = generator.send
        argument: Any = None
        while True:
            try:
                with make():
                    item = resume(argument)
            except StopIteration as end:
                return end.value
            try:
                argument = yield item
                resume = generator.send
            except GeneratorExit:
                with make():
                    generator.close()
                raise
            except BaseException as error:
                argument, resume = error, generator.throw
    return call


def _async_generator(function: Callable[..., Any], make: _Make) -> Callable[..., Any]:
    async def call(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
        generator = function(*args, **kwargs)
        resume: Callable[[Any], Any] = generator.asend
        argument: Any = None
        while True:
            try:
                with make():
                    item = await resume(argument)
            except StopAsyncIteration:
                return
            try:
                argument = yield item
                resume = generator.asend
            except GeneratorExit:
                with make():
                    await generator.aclose()
                raise
            except BaseException as error:
                argument, resume = error, generator.athrow
    return call
