"""Log directories on object stores, for reading.

One listing gives names and sizes. Objects are then read piece by piece, only where needed.
"""
from __future__ import annotations

from io import SEEK_END, RawIOBase
from typing import Any, Dict, List, Tuple

from .._fsspec import Store

_LISTING = 9 << 20  # a listing has the time limit of a call that transfers this many bytes


class Object(str):
    """An object that was listed: its URL, the store that reads it, and its size at that time."""

    files: "Files"
    size: int

    def __reduce__(self) -> Tuple[Any, Tuple[str, "Files", int]]:
        return _listed, (str(self), self.files, self.size)


def _listed(url: str, files: "Files", size: int) -> Object:
    one = Object(url)
    one.files = files
    one.size = size
    return one


class Files:
    """All objects below a URL."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._store = Store(url, "read")
        self.directory = self._store.directory
        self.identity = self._store.identity

    def __reduce__(self) -> Tuple[Any, Tuple[str]]:
        return Files, (self._url,)  # another process opens its own connection

    def objects(self) -> List[Object]:
        """List the objects. FileNotFoundError without any: a store has no empty directories."""
        found = []
        root = self._store.root
        listed = self._store.call("find", root, detail=True, size=_LISTING)
        for path, info in listed.items():
            name = str(path)[len(root):].rstrip("/")
            # One slash separates it from the directory; of "logs//x" the second is in the name.
            name = name[1:] if name.startswith("/") else name
            size = info.get("size")
            if size is None:
                size = self._store.call("info", path)["size"]
            url = f"{self.directory}/{name}" if name else self.directory
            if size is None:
                raise OSError(f"got {url}, whose size the server does not say, want one that can "
                              "be read in pieces")
            found.append(_listed(url, self, int(size)))
        if not found:
            raise FileNotFoundError(f"got {self.directory}, want a log directory or an event file")
        return found

    def tree(self, alone: str) -> Dict[str, List[str]]:
        """{directory below: its objects}, as `places.tree` has it; {alone: [it]} of one object."""
        found: Dict[str, List[str]] = {".": []}
        for one in self.objects():
            if one == self.directory:
                return {alone: [one]}
            directory = one[len(self.directory) + 1:].rpartition("/")[0]
            found.setdefault(directory or ".", []).append(one)
        return found

    def read(self, one: Object, start: int, end: int) -> bytes:
        """The bytes of an object from `start` to `end`; fewer if it has become shorter."""
        if start >= end:
            return b""
        path = self._store.root + str(one)[len(self.directory):]
        try:
            return self._content(path, start, end)
        except FileNotFoundError:
            raise
        except OSError:  # of thousands of requests one may fail on a busy store: once more
            return self._content(path, start, end)

    def _content(self, path: str, start: int, end: int) -> bytes:
        content: bytes = self._store.call("cat_file", path, start=start, end=end, size=end - start)
        return content


class ObjectFile(RawIOBase):
    """An object as a file: each read is one request for exactly these bytes."""

    def __init__(self, one: Object) -> None:
        self._object = one
        self._at = 0

    def seek(self, offset: int, whence: int = 0) -> int:
        self._at = offset + (self._object.size if whence == SEEK_END else 0)
        return self._at

    def read(self, size: int = -1) -> bytes:
        end = self._object.size if size < 0 else min(self._at + size, self._object.size)
        content = self._object.files.read(self._object, self._at, end)
        self._at += len(content)
        return content


def open_file(place: str) -> ObjectFile:
    """The object at a URL, as a file. FileNotFoundError if it does not exist."""
    return ObjectFile(place if isinstance(place, Object) else _one(place))


def _one(url: str) -> Object:
    files = Files(url)
    for one in files.objects():
        if one == files.directory:
            return one
    raise FileNotFoundError(f"got {files.directory}, which is a directory, want an event file")
