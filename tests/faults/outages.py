"""Programs that log to an object store and end in their own way, for any SummaryWriter.

    python -m tests.faults.outages NAME WRITER URL DIRECTORY

Most print "logged" when they have logged, wait for a line, and continue. DIRECTORY is for those
that log to a local disk too.
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

from tests.faults.scenarios import open_writer, timed

RECORDS = 50
COSTS = [("few", 30, 100), ("many", 200, 1)]  # name, flushes, scalars of each


def _pause() -> None:
    print("logged", flush=True)
    sys.stdin.readline()


def _logged(name: str, url: str, first: int = 0) -> Any:
    writer = open_writer(name, url)
    for step in range(first, RECORDS):
        writer.add_scalar("x", step, step)
    _pause()
    return writer


def exit_return(name: str, url: str, directory: str) -> None:
    globals()["writer"] = _logged(name, url)


def exit_exception(name: str, url: str, directory: str) -> None:
    writer = _logged(name, url)
    raise RuntimeError(f"training has failed: {bool(writer)}")


def exit_sys_exit(name: str, url: str, directory: str) -> None:
    writer = _logged(name, url)
    assert writer
    sys.exit(0)


def exit_sigterm(name: str, url: str, directory: str) -> None:
    signal.signal(signal.SIGTERM, lambda *args: sys.exit(0))
    writer = _logged(name, url)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(5)
    assert writer


def exit_older_handler(name: str, url: str, directory: str) -> None:
    held: List[Any] = []
    atexit.register(lambda: held[0].add_scalar("x", 0, 0))
    held.append(_logged(name, url, 1))


def exit_local_writer_first(name: str, url: str, directory: str) -> None:
    """A writer on a local disk was there before, and its thread with it."""
    local = open_writer(name, directory)
    local.add_scalar("x", 0, 0)
    local.flush()
    globals()["writers"] = local, _logged(name, url)


def exit_idle(name: str, url: str, directory: str) -> None:
    """The connection has been closed in between, so a new one is needed at the end."""
    writer = open_writer(name, url)
    for step in range(RECORDS - 1):
        writer.add_scalar("x", step, step)
    writer.flush()
    _pause()
    writer.add_scalar("x", RECORDS - 1, RECORDS - 1)
    globals()["writer"] = writer


def outage(name: str, url: str, directory: str) -> None:
    """Logs before, in and after an outage."""
    writer = open_writer(name, url, flush_secs=0.1)
    writer.add_scalar("x", 0, 0)
    writer.flush()
    _pause()
    warnings.simplefilter("ignore")
    longest = 0.0
    for step in range(1, 201):
        longest = max(longest, *timed(1, lambda _: writer.add_scalar("x", step, step)))
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


def cost(name: str, url: str, directory: str) -> None:
    """Many scalars in few flushes, and few in many."""
    for run, flushes, scalars in COSTS:
        writer = open_writer(name, f"{url}/{run}", flush_secs=100)
        for flush in range(flushes):
            for step in range(scalars):
                writer.add_scalar("x", 1.0, flush * scalars + step)
            writer.flush()
        writer.close()
        _pause()


def live(name: str, url: str, directory: str) -> None:
    """30 flushes of ten scalars, and a pause after each."""
    writer = open_writer(name, url, flush_secs=100)
    for step in range(300):
        writer.add_scalar("x", step, step)
        if step % 10 == 9:
            writer.flush()
            _pause()
    writer.close()


def trip(name: str, url: str, directory: str) -> None:
    """20 records, each flushed."""
    writer = open_writer(name, url)
    for step in range(20):
        writer.add_scalar("x", step, step)
        writer.flush()
    writer.close()


def opens(name: str, url: str, directory: str) -> None:
    """The result of the constructor for a URL."""
    os.chdir(directory)
    try:
        open_writer(name, url)
    except Exception as error:
        print(f"{type(error).__name__}: {error}", flush=True)
    else:
        print("accepted", flush=True)
    os._exit(0)


def fork(name: str, url: str, directory: str) -> None:
    """A child leaves its parent's client alone, in each way to end."""
    writer = open_writer(name, url)
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
    globals()[sys.argv[1]](*sys.argv[2:])
