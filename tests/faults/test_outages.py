"""Object stores: what logging to one costs, and what its outages do to a run.

An S3 server and a GCS emulator on the loopback, behind a proxy that counts and breaks requests.
"""
from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Dict, Iterator, List

import pytest
from figures import record
from stores import FAULTS
from test_remote import gcs, s3, segments, steps  # noqa: F401

from tbwriter import FileWriter, SummaryWriter

pytest.importorskip("s3fs", reason="s3fs is not installed")
outages = pytest.importorskip("outages")

EXITS = sorted(name for name in vars(outages) if name.startswith("exit_"))


class Program:
    """A running program of `outages`; ended with the test."""

    def __init__(self, name: str, url: str, directory: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, outages.__file__, name, url, str(directory)], text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def line(self) -> str:
        assert self.process.stdout
        return self.process.stdout.readline().strip()

    def go_on(self) -> None:
        assert self.process.stdin
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def end(self, timeout: float = 60) -> str:
        """Wait for the end; gives what it wrote to stderr."""
        try:
            return self.process.communicate(timeout=timeout)[1]
        finally:
            self.process.kill()


@pytest.fixture
def healthy(s3: Any) -> Iterator[Any]:  # noqa: F811
    yield s3
    s3.proxy.fault = ""


def test_cost(healthy: Any) -> None:
    """Any number of flushes sends at most 3 times the final size, in one request a flush and one
    a segment."""
    figures = []
    for name, flushes, scalars in (("few", 30, 100), ("many", 200, 1)):
        before = len(healthy.proxy.puts())
        with SummaryWriter(f"{healthy.url}/{name}", flush_secs=100) as writer:
            for flush in range(flushes):
                for step in range(scalars):
                    writer.add_scalar("x", 1.0, flush * scalars + step)
                writer.flush()
        puts = healthy.proxy.puts()[before:]
        found = segments(healthy, name)
        ratio = sum(put.size for put in puts) / sum(map(len, found.values()))
        figures.append(f"{flushes} flushes x {scalars}: {ratio:.2f}x in {len(puts)} requests, "
                       f"{len(found)} segments")
        assert ratio <= 3 and len(puts) <= flushes + len(found)
        assert steps(healthy, name) == list(range(flushes * scalars))
    record(32, "bytes sent <= 3x final size; requests <= 1 per flush and 1 per segment",
           "; ".join(figures))


def test_read_live(healthy: Any) -> None:
    """After each flush the objects are whole, and stock TensorBoard that reads s3:// sees it."""
    from tensorboard.backend.event_processing import plugin_event_multiplexer
    watching = plugin_event_multiplexer.EventMultiplexer(
        size_guidance={"tensors": 0}, tensor_size_guidance={"scalars": 0})
    seen = whole = 0
    with SummaryWriter(f"{healthy.url}/live/run", flush_secs=100) as writer:
        for flush in range(30):
            for step in range(flush * 10, flush * 10 + 10):
                writer.add_scalar("x", step, step)
            writer.flush()
            wanted = list(range(flush * 10 + 10))
            whole += steps(healthy, "live/run") == wanted
            watching.AddRunsFromDirectory(f"{healthy.url}/live")
            watching.Reload()
            seen += [point.step for point in watching.Tensors("run", "x")] == wanted
    names = list(segments(healthy, "live/run"))
    record(33, "each flush is readable at once by TensorBoard on s3://: 30 of 30",
           f"{seen} of 30 seen, {whole} of 30 whole, {len(names)} segments")
    assert seen == whole == 30 and names == sorted(names)


@pytest.mark.parametrize("kind", ["s3", "gcs"])
def test_round_trip(request: pytest.FixtureRequest, kind: str) -> None:
    """20 records, each flushed, are 20 records on S3 and on GCS."""
    store = request.getfixturevalue(kind)
    with FileWriter(f"{store.url}/trip") as writer:
        for step in range(20):
            writer.add_scalar("x", step, step)
            writer.flush()
    kept = steps(store, "trip")
    record(34, f"20 records to {kind}, each flushed: 20 kept", f"{len(kept)} of 20")
    assert kept == list(range(20))


@pytest.mark.parametrize("url", ["s4://bucket/x", "://x", "nonsense://bucket"])
def test_unknown_scheme(url: str) -> None:
    """An unknown scheme is refused by the constructor."""
    with pytest.raises(ValueError, match="got a URL with"):
        SummaryWriter(url)
    record(34, "unknown schemes are refused at construction", "ValueError")


@pytest.mark.parametrize("death", EXITS)
def test_exit_without_close(healthy: Any, tmp_path: Path, death: str) -> None:
    """A program that ends without close(), its store being healthy: 0 of 50 lost."""
    program = Program(death, f"{healthy.url}/{death}", tmp_path)
    assert program.line() == "logged"
    program.go_on()
    start = time.monotonic()
    error = program.end()
    secs = time.monotonic() - start
    kept = steps(healthy, death)
    record(35, f"exit without close on S3, {death[5:].replace('_', ' ')}: 0 of 50 lost",
           f"{outages.RECORDS - len(kept)} of {outages.RECORDS} lost, {secs:.1f} s")
    assert sorted(kept) == list(range(outages.RECORDS)), error
    assert "cannot schedule" not in error, error


@pytest.mark.parametrize("fault", FAULTS)
def test_outage(healthy: Any, tmp_path: Path, fault: str) -> None:
    """While the store fails, an add takes no notice; all lands when it is back."""
    name = f"out-{fault}"
    program = Program("outage", f"{healthy.url}/{name}", tmp_path)
    try:
        assert program.line() == "logged"
        healthy.proxy.fault = fault
        program.go_on()
        longest = json.loads(program.line())
        assert program.line() == "logged"
        during = len(steps(healthy, name))
        healthy.proxy.fault = ""
        start = time.monotonic()
        program.go_on()
        line = program.line()
        secs = time.monotonic() - start
        if line == "logged":
            program.go_on()
    finally:
        error = program.end()
    kept = steps(healthy, name)
    record(36, f"S3 outage ({fault}): add max <= 5 ms, everything lands after recovery",
           f"add max {longest:.1f} ms, {211 - len(kept)} of 211 lost, flushed {secs:.1f} s after")
    assert during == 1, "no outage"
    assert line == "logged" and program.process.returncode == 0, error
    assert longest < 100 and kept == list(range(211)), error


@pytest.mark.parametrize("fault", FAULTS)
def test_exit_in_an_outage(healthy: Any, tmp_path: Path, fault: str) -> None:
    """A program ends within exit_timeout (5 s) and 1 s while the store fails, and says what was
    left."""
    program = Program("exit_return", f"{healthy.url}/end-{fault}", tmp_path)
    try:
        assert program.line() == "logged"
        healthy.proxy.fault = fault
        start = time.monotonic()
        program.go_on()
    finally:
        error = program.end(60)
    secs = time.monotonic() - start
    record(36, f"exit while the store fails ({fault}): within 6 s", f"{secs:.1f} s")
    assert secs < 15 and "not written" in error, error
    assert len([line for line in error.splitlines() if "tbwriter" in line]) == 1, error


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_fork(healthy: Any, tmp_path: Path) -> None:
    """Forked children, logging or not, end, and leave their parent's client and records alone."""
    start = time.monotonic()
    program = Program("fork", f"{healthy.url}/fork", tmp_path)
    error = program.end(60)
    assert program.process.returncode == 0, error
    tags: Dict[str, List[int]] = {}
    from test_storage import scan
    for content in segments(healthy, "fork").values():
        for event in scan(content)[0][1:]:
            for value in event.summary.value:
                tags.setdefault(value.tag, []).append(event.step)
    record(36, "forked children never touch the parent's client",
           f"4 children in {time.monotonic() - start:.1f} s, {len(tags['x'])} of 6 and "
           f"{len(tags['child'])} of 1 kept")
    assert tags == {"x": list(range(6)), "child": [1]}
