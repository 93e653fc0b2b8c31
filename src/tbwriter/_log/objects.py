"""Object stores and everything else that fsspec knows: a log directory behind a URL.

Writing. An object can't grow, it can only be put as a whole. So a run is a row of segments, each an
event file whose name sorts behind the one before. The newest is put again, longer, until that would
cost too many bytes; then the next one begins and the old one stays as it is for ever, since readers
that have gone on to the next never come back.

Reading. One listing tells names and sizes; objects are then read piece by piece, as far as they are
needed.

The only file that knows fsspec.
"""
from __future__ import annotations

import asyncio
import weakref
from concurrent.futures import Future, ThreadPoolExecutor
from copy import deepcopy
from io import SEEK_END, RawIOBase
from typing import Any, Callable, Dict, Iterator, List, Optional, Set
from urllib.parse import unquote, urlsplit

from .local import check_name, new_name, split
from .._parts import Parts, total

try:
    import fsspec  # type: ignore[import-untyped]
    from fsspec import asyn
except ImportError as error:
    raise ImportError(f"a URL as log directory needs fsspec ({error}): "
                      "pip install tbwriter[remote]", name="fsspec") from None

MOST_SENT = 3            # bytes sent, in all, for each byte that is kept
SEGMENT_SIZE = 8 << 20   # what is put, and kept in memory, at once
PATIENCE = 10.0          # seconds for a call, and for each MiB that it carries
_MIB = 1 << 20
_LISTING = 9 * _MIB      # a listing of many objects takes as long as that much data

# A client's own patience is minutes, with retries of its own; ours is the queue, which goes on.
_CLIENT_OPTIONS: Dict[str, Dict[str, Any]] = {
    "s3": {"config_kwargs": {"connect_timeout": 5, "read_timeout": 15,
                             "retries": {"total_max_attempts": 2}}},
    "gs": {"requests_timeout": 15},
}
_SAME_CLIENT = {"s3a": "s3", "gcs": "gs"}

# Clients of the parent process, kept as they are.
_inherited: List[Any] = []


class Segment:
    """One object: the header, then pieces of whole records, of which the first `put` are stored."""

    def __init__(self, name: str, header: bytes) -> None:
        self.name = name
        self.pieces = [header]
        self.put = 0        # how many pieces the object holds
        self.size = 0       # how many bytes those are
        self.in_doubt = False  # whether a put may have come to its end without a word


class Store:
    """A directory of one of fsspec's file systems. directory: its URL without what is secret."""

    _use = "read"

    def __init__(self, url: str) -> None:
        protocol = url.partition("://")[0]
        try:
            if protocol in ("", "file", "local"):  # without a host, file:/// has gone another way
                raise ValueError
            self._filesystem = fsspec.get_filesystem_class(protocol)
        except ValueError:
            raise ValueError(f"got a URL with {protocol!r}, want a protocol of fsspec such as s3, "
                             "gs or memory") from None
        except ImportError as error:
            raise ImportError(f"{protocol}:// needs another package ({error}): "
                              "pip install tbwriter[remote]", name="fsspec") from None
        self._url = url
        self._secrets = _secrets(url)
        self.directory = self._plain(url).rstrip("/")
        self._root = self._filesystem._strip_protocol(url).rstrip("/")
        self._client: Any = None

    def _call(self, method: str, *args: Any, size: int = 0, **options: Any) -> Any:
        """A method of the file system, with an end in time. Whatever fails is an OSError."""
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
            # A client's own errors take arguments of their own.
            kind = next(kind for kind in type(error).__mro__ if kind.__module__ == "builtins")
            raise kind(error.errno, self._plain(str(error))) from None
        except Exception as error:
            raise OSError(f"{type(error).__name__}: {self._plain(str(error))}") from None

    def _plain(self, text: str) -> str:
        """`text` without the user and password that the URL may hold."""
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text


class Object(str):
    """An object that was listed: its URL, with where to read it and how large it was then."""

    store: "Files"
    size: int


class Files(Store):
    """What lies below a URL, for reading."""

    def objects(self) -> List[Object]:
        """All there are. FileNotFoundError without any: a store has no empty directories."""
        found = []
        listed = self._call("find", self._root, detail=True, size=_LISTING)
        for path, info in listed.items():
            name = str(path)[len(self._root):].strip("/")
            one = Object(f"{self.directory}/{name}" if name else self.directory)
            one.store = self
            size = info.get("size")
            one.size = int(self._call("info", path)["size"] if size is None else size)
            found.append(one)
        if not found:
            raise FileNotFoundError(f"got {self.directory}, want a log directory or an event file")
        return found

    def tree(self, alone: str) -> Dict[str, List[str]]:
        """{directory below: its objects}, as `_scan.tree` has it; {alone: [it]} of one object."""
        found: Dict[str, List[str]] = {".": []}
        for one in self.objects():
            if one == self.directory:
                return {alone: [one]}
            directory = one[len(self.directory) + 1:].rpartition("/")[0]
            found.setdefault(directory or ".", []).append(one)
        return found

    def read(self, one: Object, start: int, end: int) -> bytes:
        """Some bytes of an object; fewer where it has become shorter."""
        if start >= end:
            return b""
        path = self._root + str(one)[len(self.directory):]
        content: bytes = self._call("cat_file", path, start=start, end=end, size=end - start)
        return content


class ObjectFile(RawIOBase):
    """An object as a file: each read is a request for just these bytes."""

    def __init__(self, one: Object) -> None:
        self._object = one
        self._at = 0

    def seek(self, offset: int, whence: int = 0) -> int:
        self._at = offset + (self._object.size if whence == SEEK_END else 0)
        return self._at

    def read(self, size: int = -1) -> bytes:
        end = self._object.size if size < 0 else min(self._at + size, self._object.size)
        content = self._object.store.read(self._object, self._at, end)
        self._at += len(content)
        return content


def open_object(place: str) -> ObjectFile:
    """The object at a URL. FileNotFoundError without one."""
    return ObjectFile(place if isinstance(place, Object) else _one(place))


def _one(url: str) -> Object:
    store = Files(url)
    for one in store.objects():
        if one == store.directory:
            return one
    raise FileNotFoundError(f"got {store.directory}, which is a directory, want an event file")


class RemoteLog(Store):
    """A log directory on an object store, or on another file system of fsspec."""

    _use = "written"

    def __init__(self, url: str, suffix: str, header: Callable[[], bytes],
                 max_file_bytes: Optional[int] = None) -> None:
        super().__init__(url)
        self.path = ""
        self.notice = ""
        self._suffix = suffix
        self._header = header
        self._max_bytes = max_file_bytes
        self._base = ""
        self._number = 0
        self._sent = self._kept = 0
        self._waiting: List[bytes] = []  # while there is no segment
        self._segment: Optional[Segment] = None
        self._begin()
        self._put_pieces(1)

    @property
    def pending(self) -> int:
        segment = self._segment
        return total(self._waiting) + (total(segment.pieces[segment.put:]) if segment else 0)

    def append(self, records: Parts) -> None:
        pieces = self._segment.pieces if self._segment else self._waiting
        # One object takes at most so much, so a piece is no more than that or a single record.
        limit = self._limit if self._max_bytes is None else self._max_bytes // 16
        pieces += [piece for piece in split(b"".join(records), limit) if piece]

    def write(self) -> None:
        while self.pending:
            segment = self._segment
            if segment is None:
                self._begin()
                continue
            count = self._fitting(segment)
            if count == segment.put:
                self._end_segment()
                self._begin()
            else:
                self._put_pieces(count)

    def sync(self) -> None:
        """Nothing: what a store has acknowledged survives."""

    def read(self, name: str) -> Optional[bytes]:
        try:
            content: bytes = self._call("cat_file", f"{self._root}/{check_name(name)}")
        except FileNotFoundError:
            return None
        return content

    def put(self, name: str, data: bytes) -> None:
        self._put_object(check_name(name), data)

    def earlier(self) -> Iterator[bytes]:
        for name in sorted(self._names()):
            if "tfevents" in name:
                yield self._call("cat_file", f"{self._root}/{name}")

    def close(self) -> None:
        if self._segment is not None:
            self._end_segment()

    def detach(self) -> None:
        if self._client is not None:
            _leave_alone(self._client)
        self._client = None
        self._segment = None
        self._waiting = []
        self._base = ""

    @property
    def _limit(self) -> int:
        return self._max_bytes or SEGMENT_SIZE

    def _begin(self) -> None:
        """The next segment, as yet only here."""
        if not self._base:
            # Without a suffix: it comes behind the segment's number.
            self._base = new_name(self._names(), "")
            self._number = 0
        segment = Segment(f"{self._base}.{self._number:06d}{self._suffix}", self._header())
        segment.pieces += self._waiting
        self._number += 1
        self.path = f"{self.directory}/{segment.name}"
        self._waiting = []
        self._segment = segment

    def _fitting(self, segment: Segment) -> int:
        """How many pieces the object may hold after the next put."""
        size = segment.size
        count = segment.put
        for piece in segment.pieces[segment.put:]:
            if count > 1 and size + len(piece) > self._limit:
                break
            size += len(piece)
            count += 1
        more = size - segment.size
        if segment.put and self._sent + size > MOST_SENT * (self._kept + more):
            return segment.put
        return count

    def _put_pieces(self, count: int) -> None:
        segment = self._segment
        assert segment is not None
        content = b"".join(segment.pieces[:count])
        try:
            self._put_object(segment.name, content)
        except BaseException:  # also of a signal handler: the client goes on by itself
            segment.in_doubt = True
            raise
        self._sent += len(content)
        self._kept += len(content) - segment.size
        segment.size = len(content)
        segment.put = count
        if segment.size >= self._limit and not segment.in_doubt:
            self._end_segment()  # it needs no memory any more

    def _end_segment(self) -> None:
        """Leave the segment as it is, for ever; what it does not hold yet goes into the next."""
        segment = self._segment
        assert segment is not None
        # A put that was given up may have been carried out late, over a longer one.
        if segment.in_doubt and segment.put and self._size(segment.name) != segment.size:
            self._put_object(segment.name, b"".join(segment.pieces[:segment.put]))
        self._waiting = segment.pieces[max(segment.put, 1):]
        self._segment = None

    def _names(self) -> Set[str]:
        try:
            paths = self._call("ls", self._root, detail=False)
        except (FileNotFoundError, PermissionError):
            # Nothing there yet; or one may write and not look, and the time decides alone.
            return set()
        return {str(path).rpartition("/")[2] for path in paths}

    def _size(self, name: str) -> int:
        try:
            return int(self._call("info", f"{self._root}/{name}")["size"])
        except FileNotFoundError:
            return -1

    def _put_object(self, name: str, data: bytes) -> None:
        path = f"{self._root}/{name}"
        try:
            self._call("pipe_file", path, data, size=len(data))
        except FileNotFoundError:
            if self._client.async_impl:  # an object store, without directories: no such bucket
                raise
            self._call("makedirs", path.rpartition("/")[0], exist_ok=True)
            self._call("pipe_file", path, data, size=len(data))


def _connect(filesystem: Any, url: str) -> Any:
    """A client of this process and thread; fsspec's own cache would hand out another's."""
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
    """What a client looks up host names with, also when the program ends.

    Then a pool takes nothing more: "cannot schedule new futures after interpreter shutdown". The
    last records may still be on their way, so the look-up is done here and now.
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
    """Let a forked child not end its parent's connections: both wait on the same descriptors.

    The clients of s3fs and gcsfs close them when they are collected, or at exit by a finalizer.
    """
    _inherited.append(client)
    for finalizer in list(getattr(weakref.finalize, "_registry", ())):
        alive = finalizer.peek()
        if alive and alive[0] is client:
            finalizer.detach()


def _secrets(url: str) -> List[str]:
    """What must not be seen of a URL, the longest first."""
    user, at, _ = urlsplit(url).netloc.rpartition("@")
    password = user.partition(":")[2]
    found = {user + at if password else "", password, unquote(password)}
    return sorted(filter(None, found), key=len, reverse=True)
