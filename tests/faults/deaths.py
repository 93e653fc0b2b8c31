"""Ways in which a training run ends, each as a program that logs, for any SummaryWriter.

    python -m tests.faults.deaths NAME WRITER DIRECTORY

`kills` forks children that log until they are killed and count in shared memory what they have
done; the others are one process each, which ends in its own way without close().
"""
from __future__ import annotations

import atexit
import json
import mmap
import os
import random
import signal
import struct
import sys
import time
from typing import Any, Callable, Dict, List

from tests.faults.scenarios import open_writer, writer_class

AT_ONCE = 4
COUNTERS = struct.Struct("<QQ")  # added, flushed
RECORDS = 105
SIZE_OF_LARGE = 100_000


class Child:
    """A forked process that logs into a run of its own until it is killed."""

    def __init__(self, logdir: str, log: Callable[[str, Callable[[int, int], None]], None]) -> None:
        self.logdir = logdir
        self._memory = mmap.mmap(-1, COUNTERS.size)
        self.pid = os.fork()
        if self.pid == 0:
            try:
                log(logdir, lambda *counts: COUNTERS.pack_into(self._memory, 0, *counts))
            finally:
                os._exit(1)

    def kill(self) -> Dict[str, Any]:
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        added, flushed = COUNTERS.unpack_from(self._memory, 0)
        return {"logdir": self.logdir, "added": added, "flushed": flushed}


def bursts(writer_name: str, flush_every: int) -> Callable[..., None]:
    """1,000 scalars a second in bursts of ten."""
    def log(logdir: str, count: Callable[[int, int], None]) -> None:
        writer = open_writer(writer_name, logdir)
        added = flushed = 0
        while True:
            for _ in range(10):
                writer.add_scalar("x", added, added)
                added += 1
            count(added, flushed)
            if flush_every and added % flush_every == 0:
                writer.flush()
                flushed = added
                count(added, flushed)
            time.sleep(0.01)
    return log


def idle(writer_name: str) -> Callable[..., None]:
    """105 scalars, and then nothing."""
    def log(logdir: str, count: Callable[[int, int], None]) -> None:
        writer = open_writer(writer_name, logdir)
        for step in range(RECORDS):
            writer.add_scalar("x", step, step)
        count(RECORDS, 0)
        time.sleep(60)
    return log


def large(writer_name: str) -> Callable[..., None]:
    """Records of 100 kB."""
    def log(logdir: str, count: Callable[[int, int], None]) -> None:
        writer = open_writer(writer_name, logdir)
        text = "x" * SIZE_OF_LARGE
        added = 0
        while True:
            writer.add_text("x", text, added)
            added += 1
            count(added, 0)
            time.sleep(0.005)
    return log


def kill(log: Callable[..., None], logdir: str, trials: int, after: Callable[[], float]
         ) -> List[Dict[str, Any]]:
    """Kill as many children, a few at a time, each `after()` seconds from its first record on."""
    results = []
    for first in range(0, trials, AT_ONCE):
        children = [Child(f"{logdir}/{number:04d}", log)
                    for number in range(first, min(first + AT_ONCE, trials))]
        for child in children:
            end = time.monotonic() + 20
            while not COUNTERS.unpack_from(child._memory, 0)[0] and time.monotonic() < end:
                time.sleep(0.001)
        for child in children:
            time.sleep(after())
            results.append(child.kill())
    return results


def kills_flushing(name: str, logdir: str) -> List[Dict[str, Any]]:
    return kill(bursts(name, 50), logdir, int(os.environ.get("TBWRITER_KILLS", "200")),
                lambda: random.uniform(0.01, 0.12))


def kills(name: str, logdir: str) -> List[Dict[str, Any]]:
    return kill(bursts(name, 0), logdir, 40, lambda: random.uniform(0.05, 0.3))


def kills_idle(name: str, logdir: str) -> List[Dict[str, Any]]:
    return kill(idle(name), logdir, 8, lambda: 1.0)


def kills_large(name: str, logdir: str) -> List[Dict[str, Any]]:
    return kill(large(name), logdir, 12, lambda: random.uniform(0.02, 0.1))


def _logged(name: str, logdir: str, first: int = 0) -> Any:
    writer = open_writer(name, logdir)
    for step in range(first, RECORDS):
        writer.add_scalar("x", step, step)
    return writer


def exit_return(name: str, logdir: str) -> None:
    globals()["writer"] = _logged(name, logdir)


def exit_sys_exit(name: str, logdir: str) -> None:
    writer = _logged(name, logdir)
    assert writer
    sys.exit(0)


def exit_exception(name: str, logdir: str) -> None:
    writer = _logged(name, logdir)
    raise RuntimeError(f"training has failed: {bool(writer)}")


def exit_sigint(name: str, logdir: str) -> None:
    writer = _logged(name, logdir)
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(5)
    assert writer


def exit_sigterm(name: str, logdir: str) -> None:
    signal.signal(signal.SIGTERM, lambda *args: sys.exit(0))
    writer = _logged(name, logdir)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(5)
    assert writer


def exit_collected(name: str, logdir: str) -> None:
    writer = _logged(name, logdir)
    del writer


def exit_older_handler(name: str, logdir: str) -> None:
    """A handler that was registered before the writer was made logs the last record."""
    def last() -> None:
        held[0].add_scalar("x", 0, 0)
    held: List[Any] = []
    atexit.register(last)
    held.append(_logged(name, logdir, 1))


def exit_thread(name: str, logdir: str) -> None:
    """A thread that is no daemon logs on when the main thread is at its end."""
    import threading

    def log() -> None:
        time.sleep(0.2)
        for step in range(1, RECORDS):
            writer.add_scalar("x", step, step)
    writer = open_writer(name, logdir)
    writer.add_scalar("x", 0, 0)
    threading.Thread(target=log).start()


def exit_process(name: str, logdir: str) -> None:
    """A child of multiprocessing, which leaves without the handlers of atexit."""
    import multiprocessing
    child = multiprocessing.get_context("fork").Process(target=exit_return, args=(name, logdir))
    child.start()
    child.join()


if __name__ == "__main__":
    writer_class(sys.argv[2])  # imported once, not in each child
    print(json.dumps(globals()[sys.argv[1]](sys.argv[2], sys.argv[3])), flush=True)
