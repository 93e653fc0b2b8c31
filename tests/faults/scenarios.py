"""Scenarios of training runs, each a program that logs, for any SummaryWriter.

    python -m tests.faults.scenarios NAME WRITER DIRECTORY

runs one of them with the writer of `tbwriter`, `tensorboardX` or `torch` and prints what it saw as
one line of JSON. `run` starts that in a process of its own, with a bound on its time, and adds what
is in the files afterwards, as real protobuf reads them.
"""
from __future__ import annotations

import gc
import json
import multiprocessing
import os
import pickle
import random
import resource
import signal
import subprocess
import sys
import threading
import time
import warnings
from pathlib import Path
from types import ModuleType
from typing import Any, Callable, Dict, List, Tuple

from tests.faults.peers import python_of

Result = Dict[str, Any]


def open_writer(name: str, logdir: str, **options: Any) -> Any:
    """The SummaryWriter of a package; options that only ours has are dropped for the others."""
    if name != "tbwriter":
        options = {key: value for key, value in options.items() if key == "flush_secs"}
    return writer_class(name)(logdir, **options)


def writer_class(name: str) -> Any:
    if name == "tbwriter":
        from tbwriter import SummaryWriter
        return SummaryWriter
    if name == "torch":
        # As it is without TensorFlow, which it would write with if that were installed too.
        sys.modules["tensorboard.compat.notf"] = ModuleType("notf")
        from torch.utils.tensorboard import SummaryWriter as Torch
        return Torch
    from tensorboardX import SummaryWriter as TensorboardX
    return TensorboardX


def control(text: str) -> None:
    """Set, in the shim under the C library, how the disk behaves from now on."""
    Path(os.environ["FAULT_CONTROL"]).write_text(text)


def timed(calls: int, call: Callable[[int], None]) -> List[float]:
    """The time of each call, in milliseconds, sorted."""
    times = []
    for i in range(calls):
        start = time.perf_counter()
        call(i)
        times.append((time.perf_counter() - start) * 1000)
    return sorted(times)


def adds(writer: Any, calls: int, start: int = 0, tag: str = "x") -> Result:
    """Add scalars; count what is raised."""
    raised = 0
    for step in range(start, start + calls):
        try:
            writer.add_scalar(tag, step, step)
        except Exception:
            raised += 1
    return {"raised": raised}


def slow_disk(name: str, logdir: str) -> Result:
    """Each write takes 200 ms."""
    writer = open_writer(name, logdir)
    control("slow 200")
    times = timed(300, lambda i: (writer.add_scalar("x", i, i), time.sleep(0.005))[0])
    control("ok 0")
    writer.close()
    times = [t - 5 for t in times]
    return {"p50": times[150], "p99": times[297], "max": times[-1]}


def stuck_disk(name: str, logdir: str) -> Result:
    """A write never returns."""
    writer = open_writer(name, logdir)
    control("stall 0")
    returned = 0

    def log() -> None:
        nonlocal returned
        for i in range(2000):
            writer.add_scalar("x", i, i)
            returned += 1
            time.sleep(0.0002)
    thread = threading.Thread(target=log, daemon=True)
    thread.start()
    thread.join(8)
    result: Result = {"returned": returned}
    print(json.dumps(result), flush=True)
    if name == "tbwriter":
        for call in (writer.flush, writer.close):
            start = time.monotonic()
            try:
                call(timeout=1.0)
            except TimeoutError:
                result[call.__name__] = time.monotonic() - start
    return result


def stuck_memory(name: str, logdir: str) -> Result:
    """A write never returns, and 300 MB are logged."""
    import numpy as np
    writer = open_writer(name, logdir, max_buffer=32 << 20)
    audio = np.zeros(500_000, np.float32)
    writer.add_audio("a", audio, 0)
    writer.flush()
    before = _resident()
    control("stall 0")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for step in range(1, 151):
            writer.add_audio("a", audio, step)
        for step in range(500_000):
            writer.add_scalar("x", step, step)
    told = sum("dropped" in str(w.message) for w in caught)
    grown = _resident() - before
    control("ok 0")
    writer.close()
    return {"grown_mb": grown, "dropped": getattr(writer, "dropped", None), "told": told}


def full_disk(name: str, logdir: str) -> Result:
    """The disk is full for a while."""
    writer = open_writer(name, logdir)
    result = adds(writer, 100)
    writer.flush()
    control("errno 28")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        worst = 0.0
        for step in range(100, 600):
            start = time.perf_counter()
            try:
                writer.add_scalar("x", step, step)
            except Exception:
                result["raised"] += 1
            worst = max(worst, time.perf_counter() - start)
            time.sleep(0.001)
    result["warnings"] = sum("No space" in str(w.message) for w in caught)
    try:
        writer.flush()
        result["flush"] = "silent"
    except OSError as error:
        result["flush"] = error.errno
    control("ok 0")
    start = time.monotonic()
    result["raised"] += adds(writer, 100, 600)["raised"]
    writer.close()
    result.update(worst_ms=worst * 1000, recovered=time.monotonic() - start)
    return result


def small_disk(name: str, logdir: str) -> Result:
    """A file system of 64 kB, all but filled by something else, which goes later."""
    warnings.simplefilter("ignore")
    result: Result = {"raised": 0}
    writer = open_writer(name, logdir)
    ballast = Path(logdir, "ballast")
    with ballast.open("wb", 0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            pass
        file.truncate(file.tell() - 8192)
    for step in range(600):
        result["raised"] += adds(writer, 1, step)["raised"]
        time.sleep(0.001)
    time.sleep(0.3)
    print(json.dumps(result), flush=True)
    ballast.unlink()
    result["raised"] += adds(writer, 100, 600)["raised"]
    writer.close()
    return result


def errors_told(name: str, logdir: str) -> Result:
    """Each write fails with EIO for a second, twice."""
    writer = open_writer(name, logdir)
    result = adds(writer, 10)
    told = 0
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for episode in range(2):
            control("errno 5")
            for step in range(100):
                result["raised"] += adds(writer, 1, 10 + 100 * episode + step)["raised"]
                time.sleep(0.01)
            control("ok 0")
            try:
                writer.flush()
            except Exception:
                pass
            time.sleep(0.5)
        told = sum("Input/output error" in str(w.message) for w in caught)
    result.update(told=told)
    if name == "tbwriter":
        strict = open_writer(name, logdir + "/strict", strict=True)
        control("errno 5")
        try:
            for step in range(200):
                strict.add_scalar("strict", step, step)
                time.sleep(0.01)
        except OSError as error:
            result["strict"] = error.errno
        control("ok 0")
        strict.close()
    writer.close()
    return result


def bad_directories(name: str, logdir: str) -> Result:
    """A log directory that is a file, one below a file, one without permission, and one on a full
    disk."""
    told = 0
    Path(logdir, "file").write_text("a file")
    os.makedirs(logdir + "/full")
    for bad in ("file", "file/run", "/sys/kernel/run", "full"):
        control("errno 28" if bad == "full" else "ok 0")
        try:
            writer = open_writer(name, os.path.join(logdir, bad))
        except OSError:
            told += 1
        else:
            adds(writer, 1)
    left = sum(path.stat().st_size == 0 for path in Path(logdir).rglob("*tfevents*"))
    control("ok 0")
    return {"told": told, "left": left}


def ranks(name: str, logdir: str) -> Result:
    """Four processes of one training log the same tags into one directory."""
    environment = [dict(os.environ, RANK=str(rank)) for rank in range(4)]
    processes = [subprocess.Popen([sys.executable, "-m", "tests.faults.scenarios", "one_rank",
                                   name, logdir], env=one, stdout=subprocess.DEVNULL)
                 for one in environment]
    return {"codes": [process.wait(60) for process in processes]}


def one_rank(name: str, logdir: str) -> Result:
    """One of them, all in the same second; each with steps of its own."""
    open_writer(name, logdir + "/warm").close()
    time.sleep(-time.time() % 1 + 1.2)
    writer = open_writer(name, logdir)
    adds(writer, 100, 1000 * int(os.environ["RANK"]))
    writer.close()
    return {}


def _failures(number: int, times: int) -> Callable[[str, str], Result]:
    def scenario(name: str, logdir: str) -> Result:
        """So many writes fail, then all is well."""
        writer = open_writer(name, logdir)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            control(f"fail {number} {times}")
            result = adds(writer, 50)
            time.sleep(0.3)
            more = adds(writer, 50, 50)
            writer.close()
        return {"raised": result["raised"] + more["raised"]}
    return scenario


def short_writes(name: str, logdir: str) -> Result:
    """Each write takes only half of what it is given."""
    writer = open_writer(name, logdir)
    control("short 0")
    result = adds(writer, 100)
    writer.close()
    return result


def file_size_limit(name: str, logdir: str) -> Result:
    """The process may not write larger files (RLIMIT_FSIZE)."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    writer = open_writer(name, logdir)
    resource.setrlimit(resource.RLIMIT_FSIZE, (5000, resource.RLIM_INFINITY))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        result = adds(writer, 300)
        try:
            writer.close(timeout=1.0) if name == "tbwriter" else writer.close()
            result["close"] = "silent"
        except OSError as error:
            result["close"] = error.errno
    return result


def too_many_files(name: str, logdir: str) -> Result:
    """For a moment the process has no file descriptors left."""
    writer = open_writer(name, logdir)
    adds(writer, 100)
    writer.flush()
    held = []
    try:
        while True:
            held.append(os.open("/dev/null", os.O_RDONLY))
    except OSError:
        pass
    result = adds(writer, 100, 100)
    time.sleep(0.3)
    for fd in held:
        os.close(fd)
    result["raised"] += adds(writer, 100, 200)["raised"]
    writer.close()
    return result


def chdir(name: str, logdir: str) -> Result:
    """The log directory is relative, and the program changes its own."""
    os.chdir(logdir)
    writer = open_writer(name, "run")
    result = adds(writer, 100)
    os.makedirs("elsewhere", exist_ok=True)
    os.chdir("elsewhere")
    result["raised"] += adds(writer, 100, 100)["raised"]
    writer.close()
    return result


def file_deleted(name: str, logdir: str) -> Result:
    """The event file is deleted under the writer."""
    import shutil
    writer = open_writer(name, logdir)
    adds(writer, 100)
    writer.flush()
    shutil.rmtree(logdir)
    time.sleep(0.3)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = adds(writer, 100, 100)
        time.sleep(0.3)
        result["raised"] += adds(writer, 100, 200)["raised"]
        writer.close()
    result["told"] = sum("removed" in str(w.message) for w in caught)
    return result


def threads(name: str, logdir: str) -> Result:
    """64 threads log 200 scalars each."""
    writer = open_writer(name, logdir)
    times: List[float] = []
    lock = threading.Lock()

    def log(number: int) -> None:
        mine = timed(200, lambda i: writer.add_scalar(f"t{number}", i, i))
        with lock:
            times.extend(mine)
    workers = [threading.Thread(target=log, args=(number,)) for number in range(64)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    writer.close()
    times.sort()
    return {"p99": times[int(len(times) * 0.99)], "max": times[-1]}


def signal_handlers(name: str, logdir: str) -> Result:
    """A handler that adds and flushes runs in the middle of the program's own adds."""
    writer = open_writer(name, logdir)
    handled = 0

    def handler(*_: Any) -> None:
        nonlocal handled
        handled += 1
        writer.add_scalar("handler", handled, handled)
        if name == "tbwriter" and handled % 50 == 0:
            writer.close()  # which ends the others
        else:
            writer.flush()
    signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, 0.002, 0.002)
    logged = 0
    while handled < 600:
        writer.add_scalar("main", logged, logged)
        logged += 1
        if logged % 50 == 0:
            writer.flush()
            time.sleep(0.0005)
    signal.setitimer(signal.ITIMER_REAL, 0)
    writer.close()
    return {"handled": handled, "logged": logged}


def finalizers(name: str, logdir: str) -> Result:
    """Objects that log when they are collected, in cycles, wherever that happens."""
    writer = open_writer(name, logdir)

    class Logs:
        count = 0

        def __init__(self) -> None:
            self.me = self

        def __del__(self) -> None:
            Logs.count += 1
            writer.add_scalar("del", Logs.count, Logs.count)
            writer.flush()
    gc.set_threshold(50)
    for step in range(3000):
        Logs()
        writer.add_scalar("main", step, step)
    gc.collect()
    writer.close()
    return {"collected": Logs.count}


def interrupts(name: str, logdir: str) -> Result:
    """Ctrl-C, 200 times, in the middle of adds."""
    writer = open_writer(name, logdir)
    returned = interrupted = step = 0
    pid = os.getpid()
    done = False

    armed = False

    def interrupt(*_: Any) -> None:
        nonlocal interrupted, armed
        if armed:
            armed = False
            interrupted += 1
            raise KeyboardInterrupt

    def press() -> None:
        nonlocal done
        while interrupted < 200:
            time.sleep(0.003)
            os.kill(pid, signal.SIGINT)
        done = True
    signal.signal(signal.SIGINT, interrupt)
    thread = threading.Thread(target=press)
    thread.start()
    while not done:
        try:
            armed = True
            while not done:
                step += 1
                writer.add_scalar("x", step, step)
                returned += 1
                if step % 50 == 0:
                    time.sleep(0.0005)
            armed = False
        except KeyboardInterrupt:
            pass
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    thread.join()
    writer.close()
    return {"returned": returned, "interrupted": interrupted}


def fork_silent(name: str, logdir: str) -> Result:
    """Children that do not log, and leave in every way."""
    writer = open_writer(name, logdir)
    adds(writer, 100)
    hung = 0
    for leave in (lambda: os._exit(0), lambda: sys.exit(0), lambda: (gc.collect(), sys.exit(0))):
        pid = os.fork()
        if pid == 0:
            leave()
        hung += not _ends(pid, 5)
    hung += _hangs(len, ())
    adds(writer, 100, 100)
    writer.close()
    return {"hung": hung}


def fork_logging(name: str, logdir: str) -> Result:
    """Children that log 50 scalars each, by fork and by multiprocessing."""
    writer = open_writer(name, logdir)
    adds(writer, 20)
    pid = os.fork()
    if pid == 0:
        adds(writer, 50, tag="fork")
        sys.exit(0)
    hung = int(not _ends(pid, 5))
    hung += _hangs(adds, writer, 50, tag="process")
    adds(writer, 20, 20)
    writer.close()
    return {"hung": hung}


def _hangs(target: Callable[..., Any], *args: Any, **kwargs: Any) -> bool:
    """Whether a process that multiprocessing forks has not ended after 5 seconds."""
    process = multiprocessing.get_context("fork").Process(target=target, args=args, kwargs=kwargs)
    process.start()
    process.join(5)
    hangs = process.is_alive()
    if hangs:
        process.kill()
    return hangs


def fork_storm(name: str, logdir: str) -> Result:
    """40 children forked while eight threads log; every second one logs too."""
    writer = open_writer(name, logdir)
    stop = False
    counts = [0] * 8

    def log(number: int) -> None:
        while not stop:
            writer.add_scalar(f"t{number}", counts[number], counts[number])
            counts[number] += 1
            if counts[number] % 20 == 0:
                time.sleep(0.001)
    workers = [threading.Thread(target=log, args=(number,)) for number in range(8)]
    for worker in workers:
        worker.start()
    hung = 0
    for child in range(40):
        pid = os.fork()
        if pid == 0:
            stop = True
            if child % 2:
                adds(writer, 20, tag=f"child{child}")
                writer.close()
            os._exit(0)
        hung += not _ends(pid, 10)
    stop = True
    for worker in workers:
        worker.join()
    writer.close()
    return {"hung": hung, "logged": sum(counts)}


def pickled(name: str, logdir: str) -> Result:
    """The writer is an argument of a spawned process."""
    writer = open_writer(name, logdir)
    adds(writer, 20)
    try:
        pickle.dumps(writer)
    except TypeError as error:
        return {"error": str(error)}
    process = multiprocessing.get_context("spawn").Process(
        target=adds, args=(writer, 50), kwargs={"tag": "spawned"})
    process.start()
    process.join(60)
    alive = process.is_alive()
    if alive:
        process.kill()
    writer.close()
    return {"hung": int(alive)}


def twin_writers(name: str, logdir: str) -> Result:
    """Two writers of one process in one directory, and one closed and opened three times."""
    first, second = open_writer(name, logdir), open_writer(name, logdir)
    adds(first, 100, tag="first")
    adds(second, 100, tag="second")
    first.close()
    second.close()
    for round_ in range(3):
        writer = open_writer(name, logdir)
        adds(writer, 50, tag=f"round{round_}")
        writer.close()
    return {}


def two_processes(name: str, logdir: str) -> Result:
    """Two processes open the same directory in the same second."""
    return _together([sys.executable, "-m", "tests.faults.scenarios", "one_of_two", name, logdir])


def two_containers(name: str, logdir: str) -> Result:
    """The same, each the first process of its own container, with the same host name."""
    return _together(["unshare", "-pf", sys.executable, "-m", "tests.faults.scenarios",
                      "one_of_two", name, logdir])


def _together(command: List[str]) -> Result:
    processes = [subprocess.Popen(command, env=dict(os.environ, ONE_OF_TWO=tag),
                                  stdout=subprocess.DEVNULL) for tag in ("left", "right")]
    return {"codes": [process.wait(60) for process in processes]}


def one_of_two(name: str, logdir: str) -> Result:
    """One of those processes."""
    open_writer(name, logdir + "/warm").close()  # what it imports is there
    time.sleep(-time.time() % 1 + 1.2)
    writer = open_writer(name, logdir)
    adds(writer, 300, tag=os.environ["ONE_OF_TWO"])
    writer.close()
    return {}


def many_curves(name: str, logdir: str) -> Result:
    """add_scalars with 200 curves."""
    writer = open_writer(name, logdir)
    before = _resources()
    for step in range(3):
        writer.add_scalars("curves", {f"c{i}": i + step for i in range(200)}, step)
    after = _resources()
    writer.close()
    return {key: after[key] - before[key] for key in after}


def dropped_writers(name: str, logdir: str) -> Result:
    """200 writers that are dropped without close."""
    before = _resources()
    for number in range(200):
        writer = open_writer(name, f"{logdir}/{number}")
        writer.add_scalar("x", 1, 1)
        del writer
    gc.collect()
    for _ in range(50):  # on a busy disk 200 files take a while to be synced
        time.sleep(0.1)
        left = {key: number - before[key] for key, number in _resources().items()}
        if left["threads"] <= 1 and not left["fds"]:
            break
    return left


def ten(name: str, logdir: str) -> Result:
    """Ten scalars, and no fault."""
    writer = open_writer(name, logdir)
    result = adds(writer, 10)
    writer.close()
    return result


def _syncs() -> List[int]:
    """The threads that have synced an event file."""
    try:
        return [int(line) for line in Path(os.environ["FAULT_CONTROL"] + ".fsync").open()]
    except FileNotFoundError:
        return []


def _sync(name: str, writer: Any) -> None:
    """The call that makes records survive a crash of the machine, if the writer has one."""
    writer.flush(fsync=True) if name == "tbwriter" else writer.flush()


def durability(name: str, logdir: str) -> Result:
    """1,000 scalars; fsync is counted after flush(), flush(fsync=True) and close()."""
    writer = open_writer(name, logdir)
    adds(writer, 999)
    counts = []
    for step in (writer.flush, lambda: _sync(name, writer), writer.close):
        adds(writer, 1, 999 + len(counts))
        step()
        time.sleep(0.2)
        counts.append(len(_syncs()))
    return {"counts": counts, "here": _syncs().count(threading.get_native_id())}


def failed_fsync(name: str, logdir: str) -> Result:
    """The fsync that a flush asks for fails, and that of close()."""
    writer = open_writer(name, logdir)
    result: Result = {}
    for step, (call, sync) in enumerate([("flush", lambda: _sync(name, writer)),
                                         ("close", writer.close)]):
        adds(writer, 1, step)
        control("fsync 5")
        try:
            sync()
            result[call] = "silent"
        except OSError as error:
            result[call] = error.errno
        print(json.dumps(result), flush=True)
    writer.close()
    return result


def headers(name: str, logdir: str) -> Result:
    """A file that is rotated, where there is that, closed, deleted, and inherited by a fork."""
    import shutil
    writer = open_writer(name, logdir, max_file_bytes=5000)
    adds(writer, 300)
    writer.close()
    time.sleep(1.1)  # some name their files by the second
    adds(writer, 1, 300)
    writer.flush()
    kept = Path(logdir, "kept")
    kept.mkdir()
    for path in sorted(Path(logdir).glob("*tfevents*")):
        shutil.move(str(path), str(kept))
    time.sleep(0.3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        adds(writer, 1, 301)
        writer.flush()
    adds(writer, 1, 302)
    pid = os.fork()
    if pid == 0:
        adds(writer, 1, tag="child")
        writer.close()
        os._exit(0)
    hung = int(not _ends(pid, 5))
    writer.close()
    return {"hung": hung}


def random_faults(name: str, logdir: str) -> Result:
    """Four threads log for 20 s on a disk that keeps failing, and is well at the end."""
    warnings.simplefilter("ignore")
    writer = open_writer(name, logdir)
    counts, raised, stop = [0] * 4, [0] * 4, False

    def log(number: int) -> None:
        while not stop:
            try:
                writer.add_scalar(f"t{number}", counts[number], counts[number])
                counts[number] += 1
            except Exception:
                raised[number] += 1
            time.sleep(0.0005)
    threads = [threading.Thread(target=log, args=(number,), daemon=True) for number in range(4)]
    for thread in threads:
        thread.start()
    source = random.Random(1)
    faults = 0
    end = time.monotonic() + 20
    while time.monotonic() < end:
        control(source.choice(("short 0", "slow 50", "fail 5 1", "fail 28 3", "fail 4 1",
                               "errno 28", "errno 122", "errno 24")))
        faults += 1
        time.sleep(source.random() * 0.3)
        control("ok 0")
        time.sleep(source.random() * 0.3)
    stop = True
    result = {"logged": sum(counts), "raised": sum(raised), "faults": faults}
    print(json.dumps(result), flush=True)
    for thread in threads:
        thread.join(5)
    result["logged"] = sum(counts)
    writer.close()
    return result


def _resident() -> float:
    """Memory that the process holds now, in MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / (1 << 20)


def _resources() -> Dict[str, int]:
    return {"threads": len(os.listdir("/proc/self/task")), "fds": len(os.listdir("/proc/self/fd"))}


def _ends(pid: int, seconds: float) -> bool:
    """Whether a child ends by itself; otherwise it is killed."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if os.waitpid(pid, os.WNOHANG)[0]:
            return True
        time.sleep(0.01)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return False


SCENARIOS: Dict[str, Callable[[str, str], Result]] = {
    function.__name__: function for function in (
        slow_disk, stuck_disk, stuck_memory, full_disk, short_writes, file_size_limit,
        too_many_files, chdir, file_deleted, threads, signal_handlers, finalizers, interrupts,
        fork_silent, fork_logging, fork_storm, pickled, twin_writers, two_processes,
        two_containers, one_of_two, errors_told, small_disk, bad_directories, ranks, one_rank,
        many_curves, dropped_writers, ten, durability, failed_fsync, headers, random_faults)}
SCENARIOS.update(one_EIO=_failures(5, 1), one_EDQUOT=_failures(122, 1), one_EINTR=_failures(4, 1),
                 one_EMFILE=_failures(24, 1), three_ENOSPC=_failures(28, 3))


def run(scenario: str, writer: str, directory: Path, shim: str = "", timeout: float = 60,
        program: str = "tests.faults.scenarios") -> Result:
    """Run a scenario in a process of its own.

    Gives what it printed, and: `hang` (whether it had to be killed), `exit_secs` (from the end of
    the scenario to that of the process), `kept` (the number of values of each tag in all files),
    `doubled`, `turned` (values after a later step of their tag), `corrupt` (files in which a frame
    or a checksum is wrong), `stderr`.
    """
    logdir = directory / "logs"
    logdir.mkdir(parents=True, exist_ok=True)
    knob = directory / "control"
    knob.write_text("ok 0")
    environment = dict(os.environ, FAULT_CONTROL=str(knob))
    if shim:
        environment["LD_PRELOAD"] = shim
    process = subprocess.Popen(
        [python_of(writer), "-m", program, scenario, writer, str(logdir)],
        env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        start_new_session=True)
    try:
        out, err = process.communicate(timeout=timeout)
        ended = time.time()
        hang = False
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        out, err = process.communicate()
        ended = time.time()
        hang = True
    result: Result = json.loads(out.splitlines()[-1]) if out.strip() else {}
    result.update(hang=hang, exit_secs=ended - result.pop("done", ended), code=process.returncode,
                  stderr=err[-2000:], **_kept(logdir))
    return result


def _kept(logdir: Path) -> Result:
    from tests.support.judges import events
    kept: Dict[str, int] = {}
    seen: Dict[Tuple[str, str], Dict[int, None]] = {}
    doubled = turned = corrupt = 0
    for file in sorted(logdir.rglob("*tfevents*")):
        try:
            found = events(file)
        except AssertionError:
            corrupt += 1
            continue
        for event in found:
            for value in event.summary.value:
                steps = seen.setdefault((str(file.parent), value.tag), {})
                doubled += event.step in steps
                turned += bool(steps) and event.step < next(reversed(steps))
                steps[event.step] = None
                kept[value.tag] = kept.get(value.tag, 0) + 1
    return {"kept": kept, "doubled": doubled, "turned": turned, "corrupt": corrupt}


if __name__ == "__main__":
    seen = SCENARIOS[sys.argv[1]](sys.argv[2], sys.argv[3])
    print(json.dumps({**seen, "done": time.time()}), flush=True)
