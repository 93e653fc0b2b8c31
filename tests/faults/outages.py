"""Programs that log to an object store and end in their own way.

    python outages.py NAME URL DIRECTORY

Each prints "logged" when it has logged, waits for a line, and goes on. DIRECTORY is for those that
log to a local disk too.
"""
from __future__ import annotations

import atexit
import json
import os
import signal
import sys
import time
import warnings
from typing import Any, List

from scenarios import timed

from tbwriter import SummaryWriter

RECORDS = 50


def _pause() -> None:
    print("logged", flush=True)
    sys.stdin.readline()


def _logged(url: str, first: int = 0) -> SummaryWriter:
    writer = SummaryWriter(url)
    for step in range(first, RECORDS):
        writer.add_scalar("x", step, step)
    _pause()
    return writer


def exit_return(url: str, directory: str) -> None:
    globals()["writer"] = _logged(url)


def exit_exception(url: str, directory: str) -> None:
    writer = _logged(url)
    raise RuntimeError(f"training has failed: {bool(writer)}")


def exit_sys_exit(url: str, directory: str) -> None:
    writer = _logged(url)
    assert writer
    sys.exit(0)


def exit_sigterm(url: str, directory: str) -> None:
    signal.signal(signal.SIGTERM, lambda *args: sys.exit(0))
    writer = _logged(url)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(5)
    assert writer


def exit_older_handler(url: str, directory: str) -> None:
    held: List[Any] = []
    atexit.register(lambda: held[0].add_scalar("x", 0, 0))
    held.append(_logged(url, 1))


def exit_local_writer_first(url: str, directory: str) -> None:
    """A writer on a local disk was there before, and its thread with it."""
    local = SummaryWriter(directory)
    local.add_scalar("x", 0, 0)
    local.flush()
    globals()["writers"] = local, _logged(url)


def exit_idle(url: str, directory: str) -> None:
    """The connection has been closed in between, so a new one is needed at the end."""
    writer = SummaryWriter(url)
    for step in range(RECORDS - 1):
        writer.add_scalar("x", step, step)
    writer.flush()
    _pause()
    writer.add_scalar("x", RECORDS - 1, RECORDS - 1)
    globals()["writer"] = writer


def outage(url: str, directory: str) -> None:
    """Logs before, in and after an outage."""
    writer = SummaryWriter(url, flush_secs=0.1)
    writer.add_scalar("x", 0, 0)
    writer.flush()
    _pause()
    warnings.simplefilter("ignore")
    longest = 0.0
    for step in range(1, 201):
        longest = max(longest, *timed(1, lambda _, at=step: writer.add_scalar("x", at, at)))
        time.sleep(0.01)
    print(json.dumps(longest), flush=True)
    _pause()
    while True:  # a request that was made before may have to be given up first
        try:
            writer.flush()
            break
        except OSError:
            time.sleep(0.05)
    _pause()
    for step in range(201, 211):
        writer.add_scalar("x", step, step)
    writer.close()


def fork(url: str, directory: str) -> None:
    """A child leaves its parent's client alone, in each way to end."""
    writer = SummaryWriter(url)
    writer.add_scalar("x", 0, 0)
    writer.flush()
    writer.add_scalar("x", 1, 1)
    for number in range(4):
        child = os.fork()
        if child == 0:
            if number == 2:
                writer.add_scalar("child", 1, 1)
            if number == 3:
                os._exit(0)
            return
        assert os.waitpid(child, 0)[1] == 0
        writer.add_scalar("x", number + 2, number + 2)
        writer.flush()
    writer.close()


if __name__ == "__main__":
    globals()[sys.argv[1]](sys.argv[2], sys.argv[3])
