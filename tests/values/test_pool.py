"""Buffers for snapshots: used again, and never more of them than at the peak."""
from __future__ import annotations

import threading
import time
from pathlib import Path

import numpy as np
import pytest

from tbwriter import FileWriter, summary
from tbwriter._log import worker
from tbwriter._values.array import snapshot
from tbwriter._values.pool import SMALLEST, Pool, pool


@pytest.fixture(autouse=True)
def empty() -> None:
    """Each test begins without unused buffers."""
    pool.clear()


def test_a_buffer_is_used_again() -> None:
    """A buffer that was given back is the next one of its size; one of another size is not."""
    pool = Pool()
    first = pool.take(1 << 20)
    pool.give_back(first)
    assert pool.take((1 << 20) - 5) is first
    assert pool.take(1 << 20) is not first


def test_no_more_memory_than_at_the_peak() -> None:
    """Before a new buffer is made, as many bytes of unused ones are freed."""
    pool = Pool()
    for size in (1 << 20, 2 << 20, 1 << 20):
        pool.give_back(pool.take(size))
    assert pool.nbytes == 3 << 20 or pool.nbytes == 1 << 20
    pool.take(4 << 20)
    assert pool.nbytes == 0


def test_threads() -> None:
    """No buffer is given to two at the same time."""
    pool = Pool()
    held = set()
    wrong = []

    def work() -> None:
        for _ in range(2000):
            buffer = pool.take(1 << 16)
            if id(buffer) in held:
                wrong.append(1)
            held.add(id(buffer))
            held.discard(id(buffer))
            pool.give_back(buffer)
    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong and pool.nbytes <= 6 << 16


def test_a_snapshot_keeps_the_values() -> None:
    """A snapshot has the values of its time, in any layout and type, also in a used buffer."""
    values = np.arange(SMALLEST, dtype=np.float32).reshape(512, -1)
    for view in (values, values.T, values[::2], values.astype(">f4"), values.astype(np.float64)):
        for _ in range(2):
            kept = snapshot(view, pooled=True)
            want = view.copy()
            assert kept.numpy().dtype == view.dtype and kept.nbytes == view.nbytes
            assert np.array_equal(kept.numpy(), want)
            kept.release()


def test_histograms_use_buffers_again(tmp_path: Path) -> None:
    """The second log of a network takes the buffers of the first."""
    with FileWriter(tmp_path) as writer:
        values = np.random.default_rng(0).normal(size=1 << 18).astype(np.float32)
        for step in range(2):
            for tag in "abc":
                writer.add(summary.histogram(tag, values), step)
            writer.flush()
            assert 0 < pool.nbytes <= 3 * values.nbytes


def test_unused_buffers_are_freed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once the writer's thread has nothing to do for a while, no buffer is left."""
    monkeypatch.setattr(worker, "IDLE_SECS", 0.1)
    with FileWriter(tmp_path) as writer:
        writer.add(summary.histogram("a", np.zeros(1 << 18)), 0)
        writer.flush()
        deadline = time.monotonic() + 20
        while pool.nbytes and time.monotonic() < deadline:
            time.sleep(0.05)
    assert pool.nbytes == 0
