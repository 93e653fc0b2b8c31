"""One writer for the processes of a program: each value reaches it over a Unix socket (on Windows a
named pipe), and the answer states its step.

Only processes that hold the key of `multiprocessing.current_process()` are let in: those that this
program forked or spawned. Nothing is pickled: a request is a time, a tag and a serialized Summary.
"""
from __future__ import annotations

# `multiprocessing` loads hmac when it first needs it. On a thread, that would be in the way of a
# process forked at that moment: its copy of the module's lock is never released.
import hmac  # noqa: F401
import os
import shutil
import socket
import struct
import tempfile
import threading
import weakref
from contextlib import suppress
from multiprocessing import current_process
from multiprocessing.connection import Client, Connection, Listener, answer_challenge
from multiprocessing.connection import deliver_challenge
from multiprocessing.util import Finalize
from typing import Any, Callable, List, Optional, Tuple

from .._foreign import let_signals

_HEAD = struct.Struct("<dI")  # wall time, length of the tag
_STEP = struct.Struct("<q")
_TAKEN, _REFUSED = b"+", b"-"  # how an answer begins: then its step, or the reason
_BACKLOG = 128
_MOST_BYTES = 90  # "sun_path" has 104 to 108
_PATIENCE = 30.0  # seconds that a process waits for the answer of one that is stopped

# (tag, serialized Summary, wall time) -> step
Handle = Callable[[str, bytes, float], int]


class Server:
    """Answers the processes that were started by this one.

    address: what `Link` connects to. It is served until this process ends.
    """

    def __init__(self, handle: Handle) -> None:
        self._handle = handle
        self._connections: List[Connection] = []
        self._key = bytes(current_process().authkey)
        self._socket: Optional[socket.socket] = None
        if hasattr(socket, "AF_UNIX"):
            # Not by Listener: a forked child has to close the socket, and only that.
            self._socket, self.address = _bound()
            # Run after multiprocessing has joined the children, which need the socket until then.
            Finalize(None, _remove, (os.getpid(), os.path.dirname(self.address)), exitpriority=-1)
            self._socket.listen(_BACKLOG)
            accept = self._accept
        else:
            listener = Listener(None, "AF_PIPE", authkey=self._key)
            self.address = str(listener.address)
            accept = listener.accept
        _servers.add(self)
        threading.Thread(target=self._listen, args=(accept,), name="tbwriter-processes",
                         daemon=True).start()

    def leave(self) -> None:
        """In a forked child: close the parent's sockets, so that others notice when it ends."""
        if self._socket is not None:
            self._socket.close()
        for connection in self._connections:
            connection.close()

    def _accept(self) -> Connection:
        assert self._socket is not None
        return Connection(self._socket.accept()[0].detach())

    def _listen(self, accept: Callable[[], Any]) -> None:
        while True:
            try:
                connection = accept()
            except OSError:
                return  # closed
            except Exception:  # a stranger, on Windows
                continue
            self._connections.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True,
                             name="tbwriter-process").start()

    def _serve(self, connection: Connection) -> None:
        with suppress(Exception), connection:
            if self._socket is not None:
                deliver_challenge(connection, self._key)
                answer_challenge(connection, self._key)
            while True:
                connection.send_bytes(self._answer(connection.recv_bytes()))
        with suppress(ValueError):
            self._connections.remove(connection)

    def _answer(self, request: bytes) -> bytes:
        """The step of the value, or the text of its error."""
        try:
            wall_time, length = _HEAD.unpack_from(request)
            end = _HEAD.size + length
            step = self._handle(str(request[_HEAD.size:end], "utf-8"), request[end:], wall_time)
            return _TAKEN + _STEP.pack(step)
        except Exception as error:
            return _REFUSED + str(error).encode("utf-8", "replace")


class Link:
    """A process's connection to the Server. Raises OSError if the server has ended."""

    def __init__(self, address: str) -> None:
        family = "AF_UNIX" if hasattr(socket, "AF_UNIX") else "AF_PIPE"
        try:
            self._connection = Client(address, family, bytes(current_process().authkey))
        except Exception as error:  # AuthenticationError, EOFError
            let_signals(error)
            raise OSError(f"no connection to {address}: {error}") from None

    def send(self, tag: str, summary: bytes, wall_time: float) -> int:
        """Have a Summary written; returns its step. ValueError with the other's reason."""
        name = tag.encode("utf-8")
        try:
            self._connection.send_bytes(_HEAD.pack(wall_time, len(name)) + name + summary)
            if not self._connection.poll(_PATIENCE):
                raise OSError(f"got no answer for {_PATIENCE:g} s")
            answer = self._connection.recv_bytes()
        except EOFError:
            raise OSError("the other process has ended") from None
        if answer[:1] != _TAKEN:
            raise ValueError(str(answer[1:], "utf-8", "replace"))
        step, = _STEP.unpack(answer[1:])
        return int(step)

    def close(self) -> None:
        """Close the connection of this process."""
        self._connection.close()


def _bound() -> Tuple[socket.socket, str]:
    """A socket in a directory of this user alone, and its path, which must not be long."""
    directory = tempfile.mkdtemp(prefix="tbwriter-")
    if len(os.fsencode(directory)) > _MOST_BYTES:
        os.rmdir(directory)
        directory = tempfile.mkdtemp(prefix="tbwriter-", dir="/tmp")
    address = os.path.join(directory, "s")
    bound = socket.socket(socket.AF_UNIX)
    bound.bind(address)
    return bound, address


_servers: "weakref.WeakSet[Server]" = weakref.WeakSet()


def _remove(pid: int, directory: str) -> None:
    if os.getpid() == pid:
        shutil.rmtree(directory, ignore_errors=True)


def _leave_all() -> None:
    for server in list(_servers):
        server.leave()
    _servers.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_leave_all)
