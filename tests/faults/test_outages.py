"""Object stores: the cost of logging to one, and the effect of its outages on a run.

An S3 server and a GCS emulator on the loopback, behind a proxy that counts and breaks requests.
The peers' figures are recorded and not judged.
"""
from __future__ import annotations

import json
import os
import queue
import subprocess
import threading
import time
from pathlib import Path
from typing import Any, Dict, Iterator, List

import pytest
from tests.faults.figures import last_error, outline, record
from tests.faults.peers import python_of
from tests.support.stores import FAULTS
from tests.log.test_objects import gcs, s3, segments, steps  # noqa: F401
from tests.log.test_local import scan

pytest.importorskip("s3fs", reason="s3fs is not installed")
outages = pytest.importorskip("tests.faults.outages")

EXITS = sorted(name for name in vars(outages) if name.startswith("exit_"))


class Program:
    """A running program of `outages`; ended with the test."""

    def __init__(self, name: str, writer: str, url: str, directory: Path) -> None:
        self._patience = 60 if writer == "tbwriter" else 20
        self.process = subprocess.Popen(
            [python_of(writer), "-m", outages.__name__, name, writer, url, str(directory)],
            text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self._lines: "queue.Queue[str]" = queue.Queue()
        self._errors: List[str] = []
        for read in (self._read, self._read_errors):
            threading.Thread(target=read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self._lines.put(line.strip())
        self._lines.put("ended")

    def _read_errors(self) -> None:
        assert self.process.stderr
        self._errors += self.process.stderr

    def line(self) -> str:
        """The next line; "ended" at the end, "hangs" where nothing comes."""
        try:
            return self._lines.get(timeout=self._patience)
        except queue.Empty:
            return "hangs"

    def go_on(self) -> None:
        assert self.process.stdin
        try:
            self.process.stdin.write("\n")
            self.process.stdin.flush()
        except BrokenPipeError:  # it has ended
            pass

    def end(self) -> str:
        """Wait for the end, or make one; gives what it wrote to stderr."""
        try:
            self.process.wait(self._patience)
        except subprocess.TimeoutExpired:
            self._errors.append("hangs")
        finally:
            self.process.kill()
            self.process.wait()
        time.sleep(0.1)
        return "".join(self._errors)


def kept(store: Any, name: str, writer: str) -> List[int]:
    """The steps of a run; of the others' also those that lie in objects which are not whole."""
    if writer == "tbwriter":
        return steps(store, name)
    return [event.step for content in segments(store, name).values()
            for event in scan(content)[0] if event.summary.value]


def fate(error: str, figure: str) -> str:
    """The figure, or that there is none since the program ended or hung."""
    if error.endswith("hangs"):
        return f"hangs; {figure}"
    failed = any(line.startswith("Traceback") for line in outline(error))
    return f"ends with {last_error(error)[:60]}; {figure}" if failed else figure


@pytest.fixture
def healthy(s3: Any) -> Iterator[Any]:  # noqa: F811
    yield s3
    s3.proxy.fault = ""


def test_cost(healthy: Any, tmp_path: Path, writer: str) -> None:
    """Any number of flushes sends at most 3 times the final size, in one request a flush and one
    a segment."""
    figures, right = [], True
    program = Program("cost", writer, f"{healthy.url}/cost-{writer}", tmp_path)
    before = len(healthy.proxy.puts())
    for name, flushes, scalars in outages.COSTS:
        if program.line() != "logged":
            right = False
            break
        puts = healthy.proxy.puts()[before:]
        before += len(puts)
        program.go_on()
        found = segments(healthy, f"cost-{writer}/{name}")
        ratio = sum(put.size for put in puts) / max(sum(map(len, found.values())), 1)
        figures.append(f"{flushes} flushes x {scalars}: {ratio:.2f}x in {len(puts)} requests, "
                       f"{len(found)} segments")
        right &= ratio <= 3 and len(puts) <= flushes + len(found)
        right &= kept(healthy, f"cost-{writer}/{name}", writer) == list(range(flushes * scalars))
    error = program.end()
    record(32, "bytes sent <= 3x final size; requests <= 1 per flush and 1 per segment",
           fate(error, "; ".join(figures)), writer)
    assert writer != "tbwriter" or right, (figures, error)


def test_read_live(healthy: Any, tmp_path: Path, writer: str) -> None:
    """After each flush the objects are whole, and stock TensorBoard that reads s3:// sees it."""
    from tensorboard.backend.event_processing import plugin_event_multiplexer
    watching = plugin_event_multiplexer.EventMultiplexer(
        size_guidance={"tensors": 0}, tensor_size_guidance={"scalars": 0})
    seen = good = 0
    above = f"live-{writer}"
    program = Program("live", writer, f"{healthy.url}/{above}/run", tmp_path)
    for flush in range(30):
        if program.line() != "logged":
            break
        wanted = list(range(flush * 10 + 10))
        good += kept(healthy, f"{above}/run", writer) == wanted
        watching.AddRunsFromDirectory(f"{healthy.url}/{above}")
        watching.Reload()
        try:
            shown = [point.step for point in watching.Tensors("run", "x")]
        except KeyError:
            shown = []
        seen += shown == wanted
        program.go_on()
    error = program.end()
    names = list(segments(healthy, f"{above}/run"))
    record(33, "each flush is readable at once by TensorBoard on s3://: 30 of 30",
           fate(error, f"{seen} of 30 seen, {good} of 30 whole, {len(names)} segments"), writer)
    assert writer != "tbwriter" or (seen == good == 30 and names == sorted(names)), error


@pytest.mark.parametrize("kind", ["s3", "gcs"])
def test_round_trip(request: pytest.FixtureRequest, tmp_path: Path, writer: str, kind: str) -> None:
    """20 records, each flushed, are 20 records on S3 and on GCS."""
    store = request.getfixturevalue(kind)
    error = Program("trip", writer, f"{store.url}/trip-{writer}", tmp_path).end()
    found = kept(store, f"trip-{writer}", writer)
    record(34, f"20 records to {kind}, each flushed: 20 kept", fate(error, f"{len(found)} of 20"),
           writer)
    assert writer != "tbwriter" or found == list(range(20)), error


@pytest.mark.parametrize("url", ["s4://bucket/x", "://x", "nonsense://bucket"])
def test_unknown_scheme(tmp_path: Path, writer: str, url: str) -> None:
    """An unknown scheme is refused by the constructor."""
    program = Program("opens", writer, url, tmp_path)
    answer = program.line()
    program.end()
    record(34, f"{url}, an unknown scheme, is refused at construction",
           answer.partition(":")[0], writer)
    assert writer != "tbwriter" or answer.startswith("ValueError: got a URL with"), answer


@pytest.mark.parametrize("death", EXITS)
def test_exit_without_close(healthy: Any, tmp_path: Path, writer: str, death: str) -> None:
    """A program that ends without close(), its store being healthy: 0 of 50 lost."""
    name = f"{death}-{writer}"
    program = Program(death, writer, f"{healthy.url}/{name}", tmp_path)
    line = program.line()
    program.go_on()
    start = time.monotonic()
    error = program.end()
    secs = time.monotonic() - start
    found = kept(healthy, name, writer)
    record(35, f"exit without close on S3, {death[5:].replace('_', ' ')}: 0 of 50 lost",
           f"{outages.RECORDS - len(found)} of {outages.RECORDS} lost, "
           + ("hangs" if error.endswith("hangs") else f"{secs:.1f} s"), writer)
    if writer == "tbwriter":
        assert line == "logged" and sorted(found) == list(range(outages.RECORDS)), error
        assert "cannot schedule" not in error, error


@pytest.mark.parametrize("fault", FAULTS)
def test_outage(healthy: Any, tmp_path: Path, writer: str, fault: str) -> None:
    """While the store fails, an add takes no notice; all lands when it is back."""
    name = f"out-{fault}-{writer}"
    program = Program("outage", writer, f"{healthy.url}/{name}", tmp_path)
    lines = [program.line()]
    healthy.proxy.fault = fault
    program.go_on()
    lines.append(program.line())
    if lines[-1] not in ("hangs", "ended"):
        lines.append(program.line())
    during = len(kept(healthy, name, writer))
    healthy.proxy.fault = ""
    start = time.monotonic()
    program.go_on()
    lines.append(program.line())
    secs = time.monotonic() - start
    program.go_on()
    error = program.end()
    found = kept(healthy, name, writer)
    told = len(lines) == 4
    record(36, f"S3 outage ({fault}): add max <= 5 ms, everything arrives after recovery",
           fate(error, (f"add max {json.loads(lines[1]):.1f} ms, " if told else "")
                + f"{211 - len(found)} of 211 lost"
                + (f", flushed {secs:.1f} s after" if lines[-1] == "logged" else "")), writer)
    if writer == "tbwriter":
        assert during == 1, "no outage"
        assert told and lines[3] == "logged" and program.process.returncode == 0, error
        assert json.loads(lines[1]) < 100 and found == list(range(211)), error


@pytest.mark.parametrize("fault", FAULTS)
def test_exit_in_an_outage(healthy: Any, tmp_path: Path, writer: str, fault: str) -> None:
    """A program ends within exit_timeout (5 s) and 1 s while the store fails, and says what was
    left."""
    program = Program("exit_idle", writer, f"{healthy.url}/end-{fault}-{writer}", tmp_path)
    line = program.line()
    healthy.proxy.fault = fault
    start = time.monotonic()
    program.go_on()
    error = program.end()
    secs = time.monotonic() - start
    record(36, f"exit while the store fails ({fault}): within 6 s",
           "hangs" if error.endswith("hangs") else f"{secs:.1f} s", writer)
    if writer == "tbwriter":
        assert line == "logged" and secs < 9 and "not written" in error, error
        assert len([line for line in error.splitlines() if "tbwriter" in line]) == 1, error


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_fork(healthy: Any, tmp_path: Path, writer: str) -> None:
    """Forked children, logging or not, end, and leave their parent's client and records alone."""
    start = time.monotonic()
    program = Program("fork", writer, f"{healthy.url}/fork-{writer}", tmp_path)
    error = program.end()
    tags: Dict[str, List[int]] = {"x": [], "child": []}
    for content in segments(healthy, f"fork-{writer}").values():
        for event in scan(content)[0][1:]:
            for value in event.summary.value:
                tags.setdefault(value.tag, []).append(event.step)
    record(36, "forked children never touch the parent's client",
           fate(error, f"4 children in {time.monotonic() - start:.1f} s, {len(tags['x'])} of 6 and "
                f"{len(tags['child'])} of 1 kept"), writer)
    if writer == "tbwriter":
        assert program.process.returncode == 0, error
        assert tags == {"x": list(range(6)), "child": [1]}
