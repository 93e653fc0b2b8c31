"""RemoteLog: a log directory on an object store.

An object can't grow, it can only be put as a whole. So a run is a sequence of segments, each an
event file whose name sorts after the previous one. The newest is put again, longer, until that
would send too many bytes; then the next one begins. The old one never changes again, since readers
that have moved on to the next never return to it.
"""
from __future__ import annotations

from typing import Callable, ContextManager, Iterator, List, Optional, Set

from .exclusive import FileLock, holding
from .naming import check_name, new_name
from .._fsspec import Store
from .._parts import Parts, total
from .._tfrecord.frame import split

MOST_SENT = 3            # total bytes sent per byte kept
SEGMENT_SIZE = 8 << 20   # the largest object, which is also kept in memory


class Segment:
    """One object: the header, then pieces of whole records, of which the first `put` are stored."""

    def __init__(self, name: str, header: bytes) -> None:
        self.name = name
        self.pieces = [header]
        self.put = 0        # how many pieces the object holds
        self.size = 0       # how many bytes those are
        self.in_doubt = False  # whether a put may have completed without a response


class RemoteLog:
    """A log directory on an object store, or on another file system of fsspec."""

    remote = True

    def __init__(self, url: str, suffix: str, header: Callable[[], bytes],
                 max_file_bytes: Optional[int] = None) -> None:
        self._store = Store(url, "written")
        self.directory = self._store.directory
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

    def probe(self) -> None:
        self._begin()
        self._put_pieces(1)

    @property
    def pending(self) -> int:
        segment = self._segment
        return total(self._waiting) + (total(segment.pieces[segment.put:]) if segment else 0)

    def append(self, records: Parts) -> None:
        pieces = self._segment.pieces if self._segment else self._waiting
        # A piece is no larger than one object, or it is a single record.
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
        """Do nothing: acknowledged data survives."""

    def read(self, name: str) -> Optional[bytes]:
        try:
            content: bytes = self._store.call("cat_file", f"{self._store.root}/{check_name(name)}")
        except FileNotFoundError:
            return None
        return content

    def put(self, name: str, data: bytes) -> None:
        self._put_object(check_name(name), data)

    def put_new(self, name: str, data: bytes) -> bool:
        if self._size(check_name(name)) >= 0:
            return False
        try:
            self._store.put(f"{self._store.root}/{name}", data, mode="create")
        except FileExistsError:
            return False
        except (OSError, ValueError):  # not every store, nor every version of a client, can do it
            if self._size(name) >= 0:
                return False
            self._put_object(name, data)
        return True

    def remove(self, name: str) -> None:
        self._store.call("rm_file", f"{self._store.root}/{check_name(name)}")

    def exclusive(self, name: str) -> ContextManager[None]:
        return holding(FileLock(self, f"{name}.lock"))

    def earlier(self) -> Iterator[bytes]:
        for name in sorted(self._names()):
            if "tfevents" in name:
                yield self._store.call("cat_file", f"{self._store.root}/{name}")

    def close(self) -> None:
        if self._segment is not None:
            self._end_segment()

    def detach(self) -> None:
        self._store.detach()
        self._segment = None
        self._waiting = []
        self._base = ""

    @property
    def _limit(self) -> int:
        return self._max_bytes or SEGMENT_SIZE

    def _begin(self) -> None:
        """The next segment, as yet only here."""
        if not self._base:
            # Without the suffix, which follows the segment's number.
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
        except BaseException:  # also from a signal handler: the client continues in the background
            segment.in_doubt = True
            raise
        self._sent += len(content)
        self._kept += len(content) - segment.size
        segment.size = len(content)
        segment.put = count
        if segment.size >= self._limit and not segment.in_doubt:
            self._end_segment()  # it no longer needs memory

    def _end_segment(self) -> None:
        """Never write the segment again; records that are not in it go into the next one."""
        segment = self._segment
        assert segment is not None
        # A put that was given up may have been carried out late, over a longer one.
        if segment.in_doubt and segment.put and self._size(segment.name) != segment.size:
            self._put_object(segment.name, b"".join(segment.pieces[:segment.put]))
        self._waiting = segment.pieces[max(segment.put, 1):]
        self._segment = None

    def _names(self) -> Set[str]:
        try:
            paths = self._store.call("ls", self._store.root, detail=False)
        except (FileNotFoundError, PermissionError):
            # Nothing is there yet; or listing is not permitted, and only the time orders names.
            return set()
        return {str(path).rpartition("/")[2] for path in paths}

    def _size(self, name: str) -> int:
        try:
            return int(self._store.call("info", f"{self._store.root}/{name}")["size"])
        except FileNotFoundError:
            return -1

    def _put_object(self, name: str, data: bytes) -> None:
        path = f"{self._store.root}/{name}"
        try:
            self._store.put(path, data)
        except FileNotFoundError:
            if self._store.client.async_impl:
                raise  # an object store has no directories: the bucket is missing
            self._store.call("makedirs", path.rpartition("/")[0], exist_ok=True)
            self._store.put(path, data)
