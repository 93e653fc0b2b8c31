"""Death and exit: what is kept when a run is killed, and when it ends without close().

With TBWRITER_PEERS the same programs are measured for tensorboardX and torch, whose figures are
recorded and not judged.
"""
from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict, List, Tuple

from tests.faults import deaths
import pytest
from tests.faults.figures import record
from tests.support.judges import LOADERS, board
from tests.faults.peers import python_of
from tests.faults.scenarios import run as run_scenario
from tests.log.test_local import files, scan

pytestmark = pytest.mark.skipif(not hasattr(os, "fork") or sys.platform != "linux",
                                reason="these deaths are died with Linux's means")

EXITS = sorted(name for name in vars(deaths) if name.startswith("exit_"))


def run(death: str, writer: str, logdir: Path, timeout: float
        ) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [python_of(writer), "-m", deaths.__name__, death, writer, str(logdir)], timeout=timeout,
        capture_output=True, text=True)


def killed(death: str, writer: str, logdir: Path) -> List[Dict[str, Any]]:
    """The trials, each with how many records were `kept`, in `order`, and the bytes in the `tail`
    after the last whole record."""
    done = run(death, writer, logdir, 300)
    assert done.returncode == 0, done.stderr
    trials = json.loads(done.stdout)
    for trial in trials:
        steps, tail = kept(Path(trial["logdir"]))
        trial.update(kept=len(steps), order=steps == list(range(len(steps))), tail=tail)
        trial["lost"] = max(trial["added"] - trial["kept"], 0)
    return list(trials)


def kept(logdir: Path) -> Tuple[List[int], int]:
    steps, torn = [], 0
    found = files(logdir)
    for number, file in enumerate(found):
        events, tail = scan(file.read_bytes())
        steps += [event.step for event in events if event.summary.value]
        # Only the last file may have a torn tail, of one record.
        torn += len(tail)
        assert not tail or number == len(found) - 1, file
    return steps, torn


def test_flush_is_a_barrier(tmp_path: Path, writer: str) -> None:
    """Every add before flush() is in the file after a SIGKILL at any later time: 0 lost in 200."""
    trials = killed("kills_flushing", writer, tmp_path)
    lost = [max(trial["flushed"] - trial["kept"], 0) for trial in trials]
    record(1, "flush() is a barrier: 0 records lost after it in 200 SIGKILLs",
           f"{sum(lost)} lost, in {sum(map(bool, lost))} of {len(trials)} kills", writer)
    torn = sum(trial["tail"] > 0 for trial in trials)
    record(3, "a killed run's file is whole records and at most one torn tail, in <= 1 % of kills",
           f"{torn} torn tails in {len(trials)} kills", writer)
    if writer == "tbwriter":
        assert len(trials) >= 50 and max(trial["flushed"] for trial in trials) > 0
        assert sum(lost) == 0 and torn <= len(trials) // 100
        assert all(trial["order"] for trial in trials)


def test_bounded_loss(tmp_path: Path, writer: str) -> None:
    """Without flush() a SIGKILL loses what was added in the last flush_secs (0.1 s), no more."""
    trials = killed("kills", writer, tmp_path)
    lost = [trial["lost"] for trial in trials]
    record(2, "a SIGKILL at 1,000 scalars/s loses <= flush_secs (0.1 s) and a burst",
           f"median {statistics.median(lost):.0f}, max {max(lost)} lost in {len(trials)} kills",
           writer)
    if writer == "tbwriter":
        # 110 where the processor is free; the writer's thread may have to wait for it.
        assert max(lost) <= 250, lost
        assert all(trial["order"] and not trial["tail"] for trial in trials)


def test_idle(tmp_path: Path, writer: str) -> None:
    """Values added a second ago survive a SIGKILL, also when nothing more is logged."""
    trials = killed("kills_idle", writer, tmp_path)
    lost = max(trial["lost"] for trial in trials)
    record(2, "idle for 1 s, then SIGKILL: 0 of 105 lost", f"{lost} of 105 lost", writer)
    assert writer != "tbwriter" or lost == 0


def test_large_records(tmp_path: Path, writer: str) -> None:
    """A kill among records of 100 kB leaves whole records and at most one torn one at the end."""
    trials = killed("kills_large", writer, tmp_path)
    torn = sum(trial["tail"] > 0 for trial in trials)
    lost = [trial["lost"] for trial in trials]
    record(3, "killed among records of 100 kB: whole records and at most one torn tail",
           f"{torn} torn tails in {len(trials)} kills, median {statistics.median(lost):.0f} lost",
           writer)
    if writer == "tbwriter":
        assert all(trial["order"] and trial["tail"] < 2 * deaths.SIZE_OF_LARGE for trial in trials)


def test_every_cut(tmp_path: Path, writer: str) -> None:
    """A file cut at any byte reads as the whole records before the cut, in both loaders."""
    run_scenario("ten", writer, tmp_path / "whole")
    file, = files(tmp_path / "whole" / "logs")
    content = file.read_bytes()
    expected = {}
    for cut in range(len(content)):
        run = tmp_path / "cuts" / f"{cut:04d}"
        run.mkdir(parents=True)
        (run / file.name).write_bytes(content[:cut])
        expected[f"{cut:04d}"] = [event.step for event in scan(content[:cut])[0][1:]]
    right = {}
    for loader in LOADERS:
        with board(tmp_path / "cuts", loader) as b:
            runs = set(b.runs())
            found = {run: [step for step, _ in b.scalars(run, "x")] if run in runs else []
                     for run in expected}
        right[loader] = sum(found[run] == expected[run] for run in expected)
    record(3, "a file cut at every byte reads as the whole records before, in both loaders",
           ", ".join(f"{loader} {right[loader]}/{len(expected)}" for loader in LOADERS), writer)
    if writer == "tbwriter":
        assert set(right.values()) == {len(expected)} and len(expected) > 400


@pytest.mark.parametrize("death", EXITS)
def test_exit_without_close(tmp_path: Path, writer: str, death: str) -> None:
    """However a program ends without close(), unless it is killed: 0 of 105 lost."""
    try:
        done = run(death, writer, tmp_path, 30)
        steps = kept(tmp_path)[0] if files(tmp_path) else []
        figure = f"{deaths.RECORDS - len(steps)} of {deaths.RECORDS} lost"
    except subprocess.TimeoutExpired:
        done, steps, figure = None, [], "hangs"
    record(5, f"exit without close, {death[5:].replace('_', ' ')}: 0 of 105 lost", figure, writer)
    if writer == "tbwriter":
        assert done is not None and sorted(steps) == list(range(deaths.RECORDS)), (figure, done)
        failed = death in ("exit_exception", "exit_sigint")
        assert failed or (done.returncode == 0 and not done.stderr), done.stderr


def test_durability_is_explicit(tmp_path: Path, shim: str, writer: str) -> None:
    """flush() syncs nothing, flush(fsync=True) and close() do, and never on the caller's thread."""
    result = run_scenario("durability", writer, tmp_path, shim)
    before, flush, close = result["counts"]
    record(6, "fsync at flush(fsync=True) and close() only, never on the caller's thread",
           f"{before} before, {flush - before} at flush(fsync=True), {close - flush} at close; "
           f"{result['here']} on the caller's thread", writer)
    if writer == "tbwriter":
        assert before == 0 < flush < close and result["here"] == 0


@pytest.mark.parametrize("kind", ["nfs4", "fuse.sshfs", "ext4"])
def test_network_file_systems(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    """Where pages reach a server in any order each write is synced; elsewhere none is."""
    from tbwriter import FileWriter
    from tbwriter._log import event_file
    device = os.stat(tmp_path).st_dev
    mounts = tmp_path / "mountinfo"
    mounts.write_text(
        "22 1 0:1 / /proc rw shared:1 - proc proc rw\n"
        f"23 1 {os.major(device)}:{os.minor(device)} / /logs rw shared:2 master:1 - {kind} a:/b rw")
    monkeypatch.setattr(event_file, "_MOUNTS", str(mounts))
    event_file._kind_of.cache_clear()
    synced: List[int] = []
    monkeypatch.setattr(event_file, "_fsync", synced.append)
    with FileWriter(tmp_path / "run") as writer:
        for step in range(3):
            writer.add_scalar("x", step, step)
            writer.flush()
        count = len(synced)
    event_file._kind_of.cache_clear()
    record(6, f"on {kind} (as the mount table says) each of 3 writes is synced: "
           f"{'yes' if kind == 'nfs4' else 'no'}", f"{count} syncs")
    assert count == (4 if kind == "nfs4" else 0)  # one is the directory's


def test_failed_fsync(tmp_path: Path, shim: str, writer: str) -> None:
    """A failed fsync is raised by the flush or close that asked for it, once; what follows has a
    new file."""
    result = run_scenario("failed_fsync", writer, tmp_path, shim, timeout=20)
    found = files(tmp_path / "logs")
    record(6, "a failed fsync is raised by flush and close; later records are in a new file",
           f"hangs; {sum(result['kept'].values())} of 2 kept" if result["hang"] else
           f"flush: {result['flush']}, close: {result['close']}; {len(found)} files", writer)
    if writer == "tbwriter":
        assert (result["flush"], result["close"]) == (5, 5), result
        assert len(found) == 2 and kept(tmp_path / "logs") == ([0, 1], 0)
