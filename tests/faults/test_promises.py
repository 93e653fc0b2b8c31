"""The caller is safe; threads, signals, forks and names do no harm.

Each test lets one thing go wrong for real and records the figure it measured. Run with
TBWRITER_PEERS the same scenarios are measured for tensorboardX and torch, whose figures are
recorded and not judged.
"""
from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict

import pytest
from tests.faults.figures import last_error, record
from tests.faults.scenarios import run

pytestmark = pytest.mark.skipif(not hasattr(os, "fork") or sys.platform != "linux",
                                reason="these faults are made with Linux's means")


def kept(result: Dict[str, Any]) -> int:
    return sum(result["kept"].values())


def tell(number: int, writer: str, promise: str, result: Dict[str, Any], figure: str) -> bool:
    """Record a figure, and say whether it is to be judged."""
    if result["hang"]:
        figure = f"hangs; {kept(result)} kept"
    elif result["code"] and writer != "tbwriter":
        error = re.sub(r"(: b?'.*|: .*\.py.*)", "", last_error(result["stderr"]))
        if error.startswith("ModuleNotFoundError"):
            return False  # it could not be measured
        figure = f"ends with {error[:60]}; {kept(result)} kept"
    if result["corrupt"]:
        figure += f"; {result['corrupt']} corrupt files"
    record(number, promise, figure, writer)
    if writer == "tbwriter":
        assert not result["hang"], result
        assert result["code"] == 0, result["stderr"]
        assert result["corrupt"] == 0 and result["doubled"] == 0, result
    return writer == "tbwriter"


def test_slow_disk(tmp_path: Path, shim: str, writer: str) -> None:
    """With 200 ms a write, an add takes no notice."""
    result = run("slow_disk", writer, tmp_path, shim)
    figure = f"add p50 {result.get('p50', 0):.2f} ms, max {result.get('max', 0):.1f} ms"
    if tell(7, writer, "add_* does no I/O: with 200 ms per write, add max <= 5 ms", result, figure):
        # On a busy machine an add may wait for a processor, but never for a write of 200 ms.
        assert result["p50"] < 1 and result["max"] < 100, result
        assert kept(result) == 300


def test_stuck_disk(tmp_path: Path, shim: str, writer: str) -> None:
    """While a write never returns, adds do; flush and close give up in time, and so does exit."""
    result = run("stuck_disk", writer, tmp_path, shim, timeout=30)
    figure = f"{result.get('returned')} of 2000 adds return"
    promise = ("storage stuck for ever: adds return, flush(1) and close(1) raise within 1.2 s, "
               "exit takes <= 6 s")
    if writer == "tbwriter":
        figure += (f", flush {result['flush']:.2f} s, close {result['close']:.2f} s, "
                   f"exit {result['exit_secs']:.1f} s")
    if tell(9, writer, promise, result, figure):
        assert result["returned"] == 2000
        assert result["flush"] <= 1.2 and result["close"] <= 1.2, result
        assert result["exit_secs"] < 12, result
        assert "were not written" in result["stderr"]


def test_stuck_memory(tmp_path: Path, shim: str, writer: str) -> None:
    """While a write never returns, memory is bounded; dropped values are counted and reported
    once."""
    result = run("stuck_memory", writer, tmp_path, shim)
    figure = f"{result.get('grown_mb', 0):.0f} MB more, {result.get('dropped')} dropped"
    if tell(8, writer, "memory bound: 300 MB logged to a stuck disk grow a buffer of 32 MB by "
            "at most 52 MB", result, figure):
        assert result["grown_mb"] <= 52, result
        assert result["dropped"] > 0 and result["told"] == 1, result
        assert kept(result) + result["dropped"] == 500_151, result


def test_full_disk(tmp_path: Path, shim: str, writer: str) -> None:
    """A full disk is reported once, flush raises ENOSPC, and all is written once there is room."""
    result = run("full_disk", writer, tmp_path, shim)
    figure = (f"{kept(result)} of 700, {result.get('raised')} adds raise, "
              f"{result.get('warnings')} warning, flush: {result.get('flush')}")
    if tell(11, writer, "disk full, then room again: 700 of 700, one warning, flush raises ENOSPC",
            result, figure):
        assert kept(result) == 700 and result["raised"] == 0, result
        assert result["warnings"] == 1 and result["flush"] == 28, result
        assert result["recovered"] < 8 and result["worst_ms"] < 150, result


def test_small_disk(tmp_path: Path, writer: str) -> None:
    """A file system that is really full takes the rest when there is room again."""
    logdir = tmp_path / "logs"
    logdir.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(logdir)],
                      stderr=subprocess.DEVNULL).returncode:
        pytest.skip("may not mount a small file system here")
    try:
        result = run("small_disk", writer, tmp_path, timeout=30)
    finally:
        subprocess.run(["umount", "-l", str(logdir)], check=True)
    if tell(11, writer, "a tmpfs of 64 kB, full, then with room: 700 of 700", result,
            f"{kept(result)} of 700, {result.get('raised')} adds raise"):
        assert kept(result) == 700 and result["raised"] == 0, result


def test_errors_are_reported(tmp_path: Path, shim: str, writer: str) -> None:
    """Each episode of failing writes is one warning; adds raise only for who asked for that."""
    result = run("errors_told", writer, tmp_path, shim, timeout=40)
    if tell(10, writer, "1 s of EIO, twice: one warning each, no add raises unless strict", result,
            f"{result.get('told')} warnings, {result.get('raised')} adds raise, "
            f"{result['kept'].get('x', 0)} of 210 kept"):
        assert result["told"] == 2 and result["raised"] == 0, result
        assert result["strict"] == 5
        assert result["kept"]["x"] == 210, result


def test_bad_directories(tmp_path: Path, shim: str, writer: str) -> None:
    """Where nothing can be written the constructor raises, and leaves no empty file."""
    result = run("bad_directories", writer, tmp_path, shim, timeout=40)
    if tell(14, writer, "4 bad log directories: 4 constructors raise, 0 empty files left", result,
            f"{result.get('told')} raise, {result.get('left')} empty files"):
        assert result["told"] == 4 and result["left"] == 0, result


def test_ranks(tmp_path: Path, writer: str) -> None:
    """Four processes in one directory do not harm each other's files."""
    result = run("ranks", writer, tmp_path)
    if tell(22, writer, "4 ranks in one directory in one second: 400 of 400, no file harmed",
            result, f"{kept(result)} of 400"):
        assert kept(result) == 400, result


@pytest.mark.parametrize("fault", ["one_EIO", "one_EDQUOT", "one_EINTR", "one_EMFILE",
                                   "three_ENOSPC"])
def test_failures(tmp_path: Path, shim: str, writer: str, fault: str) -> None:
    """One failing write costs nothing, nor do three."""
    result = run(fault, writer, tmp_path, shim, timeout=20)
    if tell(11, writer, f"{fault.replace('_', ' ')}: 100 of 100",
            result, f"{kept(result)} of 100, {result.get('raised')} adds raise"):
        assert kept(result) == 100 and result["raised"] == 0, result


def test_short_writes(tmp_path: Path, shim: str, writer: str) -> None:
    """A disk that takes half of each write gets the rest by and by."""
    result = run("short_writes", writer, tmp_path, shim)
    if tell(4, writer, "short writes: 100 of 100", result, f"{kept(result)} of 100"):
        assert kept(result) == 100


def test_file_size_limit(tmp_path: Path, writer: str) -> None:
    """At a limit of the file's size the run continues in further files, all of whole records."""
    result = run("file_size_limit", writer, tmp_path)
    if tell(4, writer, "RLIMIT_FSIZE: continues in further files, no torn record: 300 of 300",
            result, f"{kept(result)} of 300 readable, close: {result.get('close')}"):
        assert kept(result) == 300, result


def test_random_faults(tmp_path: Path, shim: str, writer: str) -> None:
    """20 s of writes that fail, stop short and wait: everything lands when the disk is well."""
    result = run("random_faults", writer, tmp_path, shim, timeout=50)
    if tell(11, writer, "20 s of random faults, 4 threads: 0 lost, no add raises", result,
            f"{result.get('logged', 0) - kept(result)} of {result.get('logged')} lost in "
            f"{result.get('faults')} faults, {result.get('raised')} adds raise"):
        assert kept(result) == result["logged"] > 1000 and result["raised"] == 0, result
        assert result["faults"] > 50


def test_too_many_files(tmp_path: Path, writer: str) -> None:
    """No descriptors left for a moment: nothing is lost."""
    result = run("too_many_files", writer, tmp_path)
    if tell(11, writer, "EMFILE for a moment: 300 of 300", result,
            f"{kept(result)} of 300, {result.get('raised')} adds raise"):
        assert kept(result) == 300 and result["raised"] == 0


def test_chdir(tmp_path: Path, writer: str) -> None:
    """The program's directory changes; the log directory does not."""
    result = run("chdir", writer, tmp_path)
    if tell(12, writer, "chdir with a relative log directory: 200 of 200", result,
            f"{kept(result)} of 200, {result.get('raised')} adds raise"):
        assert kept(result) == 200


def test_file_deleted(tmp_path: Path, writer: str) -> None:
    """A deleted log directory is reported once; the run continues in a new file with a header."""
    result = run("file_deleted", writer, tmp_path)
    if tell(13, writer, "log directory deleted: reported once, the later 200 land in a new file",
            result, f"{kept(result)} of 200 later ones, {result.get('raised')} adds raise"):
        assert kept(result) == 200 and result["told"] == 1, result


def test_threads(tmp_path: Path, writer: str) -> None:
    """64 threads: nothing is lost."""
    result = run("threads", writer, tmp_path)
    if tell(15, writer, "64 threads x 200: 12800 kept, in each thread's order", result,
            f"{kept(result)}, {result['turned']} out of order; add p99 "
            f"{result.get('p99', 0):.3f} ms, max {result.get('max', 0):.1f} ms"):
        assert kept(result) == 12800 and result["turned"] == 0


def test_signal_handlers(tmp_path: Path, writer: str) -> None:
    """Handlers that add, flush and close in the middle of adds: no deadlock, nothing lost."""
    for number in range(10 if writer == "tbwriter" else 1):
        result = run("signal_handlers", writer, tmp_path / str(number), timeout=30)
        if tell(16, writer, "10 runs with 600 signal handlers that add and flush: no deadlock",
                result, f"{number + 1} x {result.get('handled')} handlers, {kept(result)} kept in "
                "the last"):
            assert result["kept"] == {"main": result["logged"], "handler": result["handled"]}


def test_finalizers(tmp_path: Path, writer: str) -> None:
    """Objects that log and flush when they are collected: no deadlock, nothing lost."""
    result = run("finalizers", writer, tmp_path)
    if tell(16, writer, "3000 finalizers that add and flush: no deadlock", result,
            f"{kept(result)} of 6000"):
        assert result["kept"] == {"main": 3000, "del": 3000}


def test_interrupts(tmp_path: Path, writer: str) -> None:
    """Ctrl-C, 200 times: no hang, and every add that returned is there."""
    result = run("interrupts", writer, tmp_path, timeout=30)
    if tell(17, writer, "200 KeyboardInterrupts: no hang, every add that returned is kept", result,
            f"{result.get('interrupted')} interrupts, {kept(result)} kept of "
            f"{result.get('returned')}"):
        assert result["returned"] <= kept(result) <= result["returned"] + result["interrupted"]
        assert result["interrupted"] >= 200


def test_fork_silent(tmp_path: Path, writer: str) -> None:
    """Children that do not log write nothing and end at once."""
    result = run("fork_silent", writer, tmp_path)
    if tell(18, writer, "4 children that do not log: 0 hung, 0 doubled", result,
            f"{result.get('hung')} hung, {result['doubled']} doubled, {kept(result)} of 200"):
        assert result["hung"] == 0 and kept(result) == 200, result


def test_fork_logging(tmp_path: Path, writer: str) -> None:
    """Children that log do so in files of their own, by fork and by multiprocessing."""
    result = run("fork_logging", writer, tmp_path)
    if tell(18, writer, "children that log, fork and multiprocessing: 50 of 50 each", result,
            f"{result.get('hung')} hung, {result['doubled']} doubled, kept {result['kept']}"):
        assert result["hung"] == 0, result
        assert result["kept"] == {"x": 40, "fork": 50, "process": 50}


def test_fork_storm(tmp_path: Path, writer: str) -> None:
    """40 forks in the middle of eight logging threads: none hangs, nothing is lost or doubled."""
    for number in range(5 if writer == "tbwriter" else 1):
        result = run("fork_storm", writer, tmp_path / str(number), timeout=60)
        logged = result.get("logged", 0)
        if tell(18, writer, "5 times 40 forks among 8 logging threads: 0 hung, 0 doubled, 0 lost",
                result, f"{number + 1}: {result.get('hung')} hung, {result['doubled']} doubled, "
                f"{kept(result)} of {logged + 400}"):
            assert result["hung"] == 0, result
            assert kept(result) == logged + 20 * 20


def test_pickled(tmp_path: Path, writer: str) -> None:
    """A writer given to a spawned process writes a file of its own there."""
    result = run("pickled", writer, tmp_path)
    if tell(19, writer, "a writer as argument of a spawned process: its 50 of 50", result,
            result.get("error") or f"{result['kept'].get('spawned', 0)} of 50"):
        assert result["kept"] == {"x": 20, "spawned": 50}, result


def test_twin_writers(tmp_path: Path, writer: str) -> None:
    """Two writers in one directory, and one reopened in the same second, lose nothing."""
    result = run("twin_writers", writer, tmp_path)
    if tell(20, writer, "twins and 3 reopened in the same second: 350 of 350", result,
            f"{kept(result)} of 350"):
        assert kept(result) == 350


@pytest.mark.parametrize("scenario", ["two_processes", "two_containers"])
def test_two_processes(tmp_path: Path, writer: str, scenario: str) -> None:
    """Two processes in one directory in one second, also with equal pid and host name."""
    if scenario == "two_containers" and subprocess.run(
            ["unshare", "-pf", "true"], stderr=subprocess.DEVNULL).returncode:
        pytest.skip("may not make pid namespaces here")
    result = run(scenario, writer, tmp_path)
    if tell(20, writer, f"{scenario.replace('_', ' ')} in the same second: 600 of 600", result,
            f"{kept(result)} of 600"):
        assert result["kept"] == {"left": 300, "right": 300}, result


def test_many_curves(tmp_path: Path, writer: str) -> None:
    """add_scalars with 200 curves takes no thread and few descriptors."""
    result = run("many_curves", writer, tmp_path)
    if tell(21, writer, "add_scalars with 200 curves: at most 1 thread and 64 descriptors more",
            result, f"{result.get('threads')} threads, {result.get('fds')} descriptors"):
        assert result["threads"] <= 1 and result["fds"] <= 64, result
        assert kept(result) == 600


def test_dropped_writers(tmp_path: Path, writer: str) -> None:
    """200 writers dropped without close leave no thread or descriptor, and lose nothing."""
    result = run("dropped_writers", writer, tmp_path)
    if tell(21, writer, "200 writers dropped without close: 0 descriptors, at most 1 thread left",
            result, f"{result.get('threads')} threads, {result.get('fds')} descriptors, "
            f"{kept(result)} of 200"):
        assert result["threads"] <= 1 and result["fds"] <= 1, result
        assert kept(result) == 200
