"""The object-store client: the only file that imports fsspec.

It gives every call a time limit, keeps passwords out of messages, and survives a fork. Writing
(`_log.objects`) and reading (`_files.objects`) both use it; neither knows the other.
"""
from __future__ import annotations

import asyncio
import weakref
from concurrent.futures import Future, ThreadPoolExecutor
from copy import deepcopy
from typing import Any, Callable, Dict, List
from urllib.parse import unquote, urlsplit

try:
    import fsspec
    from fsspec import asyn
except ImportError as error:
    raise ImportError(f"a URL as log directory needs fsspec ({error}): "
                      "pip install 'tbwriter[remote]'", name="fsspec") from None

PATIENCE = 10.0          # seconds for a call, and the same again for each MiB that it carries
_MIB = 1 << 20

# The clients' own time limits are minutes, with retries of their own; our queue does the retries.
_CLIENT_OPTIONS: Dict[str, Dict[str, Any]] = {
    "s3": {"config_kwargs": {"connect_timeout": 5, "read_timeout": 15,
                             "retries": {"total_max_attempts": 2}}},
    "gs": {"requests_timeout": 15},
}
_SAME_CLIENT = {"s3a": "s3", "gcs": "gs"}

# Clients of the parent process, which a forked child must not collect.
_inherited: List[Any] = []


class Store:
    """A directory of one of fsspec's file systems.

    directory: its URL without the password. root: its path, as the file system's methods take it.
    use: the word for error messages, "read" or "written".
    """

    def __init__(self, url: str, use: str) -> None:
        protocol = url.partition("://")[0]
        try:
            if protocol in ("", "file", "local"):  # open_log turns file:/// into a path
                raise ValueError
            self._filesystem = fsspec.get_filesystem_class(protocol)
        except ValueError:
            raise ValueError(f"got a URL with {protocol!r}, want a protocol of fsspec such as s3, "
                             "gs or memory") from None
        except ImportError as error:
            raise ImportError(f"{protocol}:// needs another package ({error}): "
                              "pip install 'tbwriter[remote]'", name="fsspec") from None
        self._url = url
        self._protocol = _SAME_CLIENT.get(protocol, protocol)
        self._use = use
        self._secrets = _secrets(url)
        self.directory = self._plain(url).rstrip("/")
        self.root = self._filesystem._strip_protocol(url).rstrip("/")
        self._client: Any = None

    def call(self, method: str, *args: Any, size: int = 0, **options: Any) -> Any:
        """Call a method of the file system, with a time limit that grows with `size`, the number
        of bytes that it carries. Every failure is an OSError, or a ValueError where the place can
        never be used."""
        patience = PATIENCE * (1 + size / _MIB)
        try:
            if self._client is None:
                self._client = _connect(self._filesystem, self._url)
            client = self._client
            if client.async_impl:
                return asyn.sync(client.loop, getattr(client, "_" + method), *args,
                                 timeout=patience, **options)
            return getattr(client, method)(*args, **options)
        except asyncio.TimeoutError:
            raise TimeoutError(f"no answer from {self.directory} within {patience:.0f} s") from None
        except (NotImplementedError, ImportError, TypeError) as error:
            raise ValueError(f"got {self.directory}, want a place that can be {self._use}: "
                             f"{self._plain(repr(error))}") from None
        except OSError as error:
            if not self._secrets:
                raise
            # The client's own subclasses of OSError take other arguments.
            kind = next(kind for kind in type(error).__mro__ if kind.__module__ == "builtins")
            raise kind(error.errno, self._plain(str(error))) from None
        except Exception as error:
            raise OSError(f"{type(error).__name__}: {self._plain(str(error))}") from None

    def put(self, path: str, data: bytes, **options: Any) -> None:
        """Write a whole object, as `call` does."""
        if _is_cut(self._protocol, data):
            options["chunksize"] = len(data)
        self.call("pipe_file", path, data, size=len(data), **options)

    @property
    def identity(self) -> str:
        """The same text for all URLs of this directory, such as those of s3 and s3a."""
        options = sorted(self._filesystem._get_kwargs_from_urls(self._url).items())
        return f"{self._protocol}://{self.root.strip('/')} {options}"

    @property
    def client(self) -> Any:
        """The file system, once a call has connected it; None before."""
        return self._client

    def detach(self) -> None:
        """In a forked child: leave the parent's connections alone; the next call connects anew."""
        if self._client is not None:
            _leave_alone(self._client)
        self._client = None

    def _plain(self, text: str) -> str:
        """`text` without the user and password that the URL may hold."""
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text


def _is_cut(protocol: str, data: bytes) -> bool:
    """Whether gcsfs loses bytes of an object, unless it is sent in chunks. It sends a small one as
    a part of a message, before a line "--==0==" with "\n" alone before it: a parser takes the "\r"
    at the object's end for a part of this line, and an equal line inside for the end."""
    return protocol == "gs" and (data.endswith(b"\r") or b"\n--==0==" in data)


def _connect(filesystem: Any, url: str) -> Any:
    """A client of this process and thread; fsspec's own cache would return another thread's."""
    protocol = url.partition("://")[0]
    protocol = _SAME_CLIENT.get(protocol, protocol)
    options = deepcopy(_CLIENT_OPTIONS.get(protocol, {}))
    configured = fsspec.config.conf.get(protocol, {})
    for name in options:
        if isinstance(options[name], dict):
            options[name] = {**options[name], **configured.get(name, {})}
    client = filesystem(skip_instance_cache=True, use_listings_cache=False,
                        **{**options, **filesystem._get_kwargs_from_urls(url)})
    if protocol == "s3":
        client.retries = 1
    if client.async_impl and client.loop not in _equipped:
        _equipped.add(client.loop)
        client.loop.call_soon_threadsafe(client.loop.set_default_executor, _Threads(4))
    return client


class _Threads(ThreadPoolExecutor):
    """The pool in which a client looks up host names, usable until the program has ended.

    At the end of the program a pool refuses work: "cannot schedule new futures after interpreter
    shutdown". The last records may still be in flight, so the look-up is then done in the call.
    """

    def submit(self, fn: Callable[..., Any], /, *args: Any, **options: Any) -> "Future[Any]":
        try:
            return super().submit(fn, *args, **options)
        except RuntimeError:
            done: "Future[Any]" = Future()
            try:
                done.set_result(fn(*args, **options))
            except Exception as error:
                done.set_exception(error)
            return done


_equipped: "weakref.WeakSet[Any]" = weakref.WeakSet()


def _leave_alone(client: Any) -> None:
    """Keep a forked child from ending its parent's connections: both hold the same descriptors.

    The clients of s3fs and gcsfs close them when they are collected, or at exit by a finalizer.
    """
    _inherited.append(client)
    for finalizer in list(getattr(weakref.finalize, "_registry", ())):
        alive = finalizer.peek()
        if alive and alive[0] is client:
            finalizer.detach()


def _secrets(url: str) -> List[str]:
    """The parts of a URL that must not be shown, the longest first."""
    user, at, _ = urlsplit(url).netloc.rpartition("@")
    password = user.partition(":")[2]
    found = {user + at if password else "", password, unquote(password)}
    return sorted(filter(None, found), key=len, reverse=True)
