"""XProf's converter on our files: every page has what the program did."""
from __future__ import annotations

import json
import shutil
import threading
import time

import pytest

from tbwriter import FileWriter

from tests.profile.xprof.conftest import made
from tests.profile.xprof.judge import Converted


@pytest.fixture
def profiled(tmp_path):
    """Runs a function with a profile, gives what XProf makes of it."""
    def run(program):
        with FileWriter(tmp_path) as writer:
            with writer.profile(host="test") as profile:
                program(profile)
        return Converted(tmp_path)
    return run


def pipeline(load, train):
    """A loop that waits for batches of a thread, and trains."""
    def program(profile):
        from queue import Queue
        ready = Queue(1)

        def loader():
            for number in range(14):
                with profile.span("decode"):
                    time.sleep(load)
                ready.put(number)
                profile.counter("queue", ready.qsize())
            ready.put(None)
        thread = threading.Thread(target=loader, name="loader")
        thread.start()
        for number in profile.input(iter(ready.get, None), "wait for loader"):
            with profile.step(number):
                with profile.span("dense", op="FullyConnected"):
                    time.sleep(train)
                profile.memory("pool", in_use=1000 * (number + 1))
        thread.join()
    return program


def test_input_bound(profiled):
    """A loop with a thread that loads slowly is input-bound, in so much of its time."""
    found = profiled(pipeline(0.03, 0.004))
    assert "HIGHLY input-bound" in found.verdict()
    steps = found.steps()
    assert list(steps) == [f"train {number}" for number in range(1, 13)]  # not first and last
    for row in steps.values():
        assert 20 < row["infeedTimeMs"] < 60 and 4 <= row["hostComputeTimeMs"] < 20
        assert row["infeedTimeMs"] + row["hostComputeTimeMs"] <= row["stepTimeMs"] < 90
    overview = found.tool("overview_page")
    assert any("HIGHLY input-bound" in part.get("p", {}).get("input_conclusion", "")
               for part in overview)


def test_not_input_bound(profiled):
    """A loop whose batches are there in time is not input-bound."""
    assert "NOT input-bound" in profiled(pipeline(0.001, 0.03)).verdict()


def test_steps_that_only_wait(profiled):
    """Steps that hold nothing but their input are counted as well."""
    def program(profile):
        for number in range(12):
            with profile.step(number):
                with profile.span("load", input=True):
                    time.sleep(0.01)
    found = profiled(program)
    assert len(found.steps()) == 10 and "HIGHLY input-bound" in found.verdict()


def test_trace(profiled):
    """The trace viewer has threads by name, steps by number, spans, and counters."""
    trace = profiled(pipeline(0.002, 0.002)).trace()
    assert trace.threads == {"MainThread", "loader", "memory"}
    assert trace.planes == {"test /host:CPU"}
    assert [name for name in trace.spans["MainThread"] if name.startswith("train")] == [
        f"train {number}" for number in range(14)]
    assert trace.spans["loader"] == ["decode"] * 14
    assert trace.spans["MainThread"].count("dense") == 14
    assert trace.counters["memory: pool"] == [1000 * (number + 1) for number in range(14)]
    assert len(trace.counters["queue"]) == 14


def test_operators(profiled):
    """Operators are rows of the op table by type and name, with their counts and times."""
    def program(profile):
        for name in ("_conv 1", "conv/2", "dense"):
            for _ in range(3):
                with profile.span(name, op="Convolution" if "conv" in name else "matmul"):
                    time.sleep(0.002)
        with profile.span("no operator"):
            pass
    found = profiled(program).operators()
    assert set(found) == {("Convolution", "conv_1"), ("Convolution", "conv/2"),
                          ("matmul", "dense")}
    assert all(count == 3 and 6000 <= micros < 60000 for count, micros in found.values())


def test_memory(profiled):
    """The memory page has the peak, the bytes in use, and every change."""
    def program(profile):
        for in_use in (1000, 5000, 2000):
            profile.memory("pool", in_use=in_use, available=10_000 - in_use)
        profile.memory("other", in_use=1)
    memory = profiled(program).memory()
    assert set(memory) == {"pool", "other"}
    assert memory["pool"]["profileSummary"]["peakBytesUsageLifetime"] == "5000"
    kinds = [(one["activityMetadata"]["memoryActivity"],
              one["aggregationStats"]["heapAllocatedBytes"],
              one["aggregationStats"]["freeMemoryBytes"])
             for one in memory["pool"]["sampledTimelineSnapshots"]]
    assert kinds == [("ALLOCATION", "1000", "9000"), ("ALLOCATION", "5000", "5000"),
                     ("DEALLOCATION", "2000", "8000")]


def copied(folder, name, tmp_path):
    """A program that `make` has profiled: (its session, MXNet's table). XProf writes beside it."""
    if not (folder / name).exists():
        pytest.skip(f"MXNet of {folder.name} has no Module")
    shutil.copytree(str(folder / name), str(tmp_path / name))
    return Converted(tmp_path / name), json.loads((folder / f"{name}.json").read_text())


trainings = pytest.mark.parametrize("name", ["loop", "dump", "fit"])
versions = pytest.mark.parametrize("folder", made(), ids=lambda folder: folder.name)


@versions
@trainings
def test_sums_of_mxnet(folder, name, tmp_path):
    """Of each operator, XProf counts and adds up what MXNet's own table says, to a microsecond."""
    found, table = copied(folder, name, tmp_path)
    sums = {}
    for (kind, operation), (count, micros) in found.operators().items():
        if kind != "unknown":  # the waits for input, which are no operators
            before = sums.get(kind, (0, 0.0))
            sums[kind] = before[0] + count, before[1] + micros
    assert set(sums) == set(table)
    for kind, (count, micros) in table.items():
        assert sums[kind][0] == count
        assert abs(sums[kind][1] - micros) <= 1, kind


@versions
@pytest.mark.parametrize("name", ["loop", "fit"])
def test_steps_of_mxnet(folder, name, tmp_path):
    """Batches are steps with their numbers, work and waits; operators belong to them."""
    found, _ = copied(folder, name, tmp_path)
    first, last = (3, 14) if name == "fit" else (0, 11)
    steps = found.steps()
    assert list(steps) == [f"train {number}" for number in range(first + 1, last)]
    assert all(row["hostComputeTimeMs"] > 0 for row in steps.values())
    assert sum(row["infeedTimeMs"] > 0 for row in steps.values()) >= 8
    # "operators" where the program dumped before: MXNet says only once what its devices are called.
    assert found.trace().threads & {"MXNet thread 1: cpu/0", "MXNet thread 1: operators"}


@versions
def test_nodes_of_mxnet(folder, tmp_path):
    """Operators whose nodes follow from their order have the nodes' names."""
    found, _ = copied(folder, "fit", tmp_path)
    names = {operation for _, operation in found.operators()}
    assert {"fc1", "fc2", "relu1", "softmax", "backward_fc1", "backward_fc2"} <= names


@versions
@trainings
def test_memory_of_mxnet(folder, name, tmp_path):
    """The memory page has MXNet's device with a peak."""
    found, _ = copied(folder, name, tmp_path)
    assert int(found.memory()["cpu/0"]["profileSummary"]["peakBytesUsageLifetime"]) > 10_000


@versions
def test_task_of_the_program(folder, tmp_path):
    """A task that the program gave to MXNet's profiler is a track of its own."""
    found, _ = copied(folder, "dump", tmp_path)
    [name] = [name for name in found.trace().threads if name.endswith(": training")]
    assert found.trace().spans[name] == ["epoch"]
