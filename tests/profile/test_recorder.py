"""The recorder: what a program did is in the session, as real protobuf reads it."""
from __future__ import annotations

import asyncio
import inspect
import os
import threading
import time
import warnings

import pytest

from tbwriter import FileWriter, LogWarning, SummaryWriter

from tests.profile.messages import Written, events_of, parsed, stats_of


@pytest.fixture
def recorded(tmp_path):
    """Runs a function with a profile, gives what was written."""
    def run(program, **settings):
        with FileWriter(tmp_path) as writer:
            with writer.profile(**settings) as profile:
                program(profile)
        return Written(tmp_path)
    return run


def test_session(tmp_path):
    """A session is named by the local time, its file by the host, and says when it was."""
    before = time.time()
    with SummaryWriter(tmp_path) as writer:
        with writer.profile(host="worker-3"):
            pass
    written = Written(tmp_path)
    assert written.paths[0].relative_to(tmp_path).parts[:2] == ("plugins", "profile")
    assert written.host == "worker-3.xplane.pb" and list(written.space.hostnames) == ["worker-3"]
    assert (written.plane.name, written.times.name) == ("/host:CPU", "Task Environment")
    began = time.mktime(time.strptime(written.session, "%Y_%m_%d_%H_%M_%S"))
    assert int(before) <= began <= time.time()
    times = stats_of(written.times, written.times)
    assert before <= times["profile_start_time"] / 1e9 <= times["profile_stop_time"] / 1e9
    assert times["profile_stop_time"] / 1e9 <= time.time()


def test_sessions_of_one_second(tmp_path):
    """Sessions that begin in the same second have different names; none is overwritten."""
    with FileWriter(tmp_path) as writer:
        for number in range(5):
            with writer.profile("warm-up") as profile, profile.span(f"span {number}"):
                pass
    paths = list(tmp_path.rglob("*.xplane.pb"))
    assert len(paths) == 5
    assert all("_warm-up" in path.parent.name for path in paths)
    with FileWriter(tmp_path) as writer, writer.profile("warm-up"):
        pass
    assert len(list(tmp_path.rglob("*.xplane.pb"))) == 6


def test_nesting(recorded):
    """Spans of one thread are on its line, each inside the one that was open, with their times."""
    def program(profile):
        with profile.span("outer"):
            with profile.span("inner"):
                time.sleep(0.02)
            with profile.span("second"):
                pass
    events = recorded(program).lines["MainThread"]
    assert [event[0] for event in events] == ["outer", "inner", "second"]
    (_, start, length, _), (_, inner, inner_length, _), (_, second, second_length, _) = events
    assert start <= inner and inner + inner_length <= second
    assert second + second_length <= start + length
    assert 0.02e12 <= inner_length < 0.2e12


def test_steps(recorded):
    """A step is an event with its number, and steps are counted in the file from 0."""
    def program(profile):
        for number in (7, 8, -1):
            with profile.step(number), profile.span("work"):
                pass
        with profile.step(9, name="evaluate"), profile.span("work"):
            pass
    events = [event for event in recorded(program).lines["MainThread"] if "_r" in event[3]]
    assert [(name, stats["step_num"], stats["_p"]) for name, _, _, stats in events] == [
        ("train", 7, 0), ("train", 8, 1), ("train", -1, 2), ("evaluate", 9, 3)]


def test_step_begins_with_its_input(recorded):
    """A step begins with the first wait for its input since the step before."""
    def program(profile):
        def batches():
            for number in range(3):
                time.sleep(0.01)
                yield number
        for number in profile.input(batches()):
            with profile.step(number):
                time.sleep(0.001)
    events = recorded(program).lines["MainThread"]
    steps = [event for event in events if event[0] == "train"]
    waits = [event for event in events if event[0] == "load"]
    assert len(waits) == 4  # the last one finds that there is nothing more
    for step, wait in zip(steps, waits):
        assert step[1] == wait[1] and wait[1] + wait[2] < step[1] + step[2]
        assert wait[3]["_ipl_stage_name"] == "load" and wait[3]["_ipl_stage_id"] >= 1 << 40


def test_input_inside_other_work_stays_there(recorded):
    """A step does not begin inside a span that ended before it: nesting is kept."""
    def program(profile):
        with profile.span("prepare"), profile.span("load", input=True):
            time.sleep(0.001)
        with profile.step(0), profile.span("work"):
            pass
    prepare, _, step, _ = recorded(program).lines["MainThread"]
    assert (prepare[0], step[0]) == ("prepare", "train")
    assert step[1] >= prepare[1] + prepare[2]


def test_operators(recorded):
    """A span with an op is an operator for XProf; on another thread it belongs to the step."""
    def program(profile):
        def work():
            with profile.span("_conv 1:x", op="Convolution"):
                pass
        with profile.step(0):
            with profile.span("dense", op="FullyConnected"):
                pass
            thread = threading.Thread(target=work, name="engine")
            thread.start()
            thread.join()
    written = recorded(program)
    assert written.lines["MainThread"][1][3] == {"tf_op": "dense:FullyConnected"}
    [(name, _, _, stats)] = written.lines["engine"]
    assert name == "_conv 1:x"
    assert stats == {"tf_op": "conv_1_x:Convolution", "_ct": 1, "_c": 0}


def test_threads(recorded):
    """Each thread is a line with its name, also one whose number the system gives out again."""
    def program(profile):
        for number in range(3):
            def work(number=number):
                with profile.span(f"work {number}"):
                    pass
            thread = threading.Thread(target=work, name=f"loader {number}")
            thread.start()
            thread.join()
        with profile.span("main"):
            pass
    written = recorded(program)
    assert list(written.lines) == ["MainThread", "loader 0", "loader 1", "loader 2"]
    assert [written.names(f"loader {number}") for number in range(3)] == [
        ["work 0"], ["work 1"], ["work 2"]]
    assert len({line.id for line in written.plane.lines}) == 4


@pytest.mark.parametrize("name", ["Steps", "_counters_"])
def test_threads_with_names_of_xprof(recorded, name):
    """A thread whose name has a meaning for XProf is shown with an addition."""
    def program(profile):
        def work():
            with profile.span("work"):
                pass
        thread = threading.Thread(target=work, name=name)
        thread.start()
        thread.join()
    assert list(recorded(program).lines) == [f"{name} (thread)"]


def test_tasks(recorded):
    """asyncio's tasks take turns on one thread: each has a line, on which its spans nest."""
    def program(profile):
        async def request(number):
            with profile.span(f"request {number}"):
                await asyncio.sleep(0.01 * (3 - number))
                with profile.span("parse"):
                    await asyncio.sleep(0.01)

        async def main():
            await asyncio.gather(*map(request, range(3)))
        asyncio.run(main())
    written = recorded(program)
    assert len(written.lines) == 3
    assert sorted(written.names(line) for line in written.lines) == [
        [f"request {number}", "parse"] for number in range(3)]
    for line, ((_, start, length, _), (_, inner, inner_length, _)) in written.lines.items():
        assert line.startswith("MainThread: task ")
        assert start <= inner and inner + inner_length <= start + length


def test_names_with_lone_surrogates(recorded):
    """The names of threads and tasks are not checked by Python: what is no Unicode is escaped."""
    def program(profile):
        def work():
            with profile.span("on a thread"):
                pass
        thread = threading.Thread(target=work, name="load \udcff")
        thread.start()
        thread.join()

        async def request():
            task = asyncio.current_task()
            if hasattr(task, "set_name"):  # from Python 3.8 on
                task.set_name("t \ud800")
            with profile.span("in a task"):
                pass
        asyncio.run(request())
    lines = recorded(program).lines
    assert set(lines) == {"load \\udcff", "MainThread: task t \\ud800"}


def test_tasks_one_after_another_share_a_line(recorded):
    """A thousand tasks are as many lines as ran at the same time."""
    def program(profile):
        async def request():
            with profile.span("request"):
                await asyncio.sleep(0)

        async def main():
            for _ in range(50):
                await asyncio.gather(request(), request())
        asyncio.run(main())
    assert sorted(map(len, recorded(program).lines.values())) == [50, 50]


def test_interleaved_spans_are_drawn_apart(recorded):
    """Spans of one thread that end in another order than they began are on further lines."""
    def program(profile):
        first, second = profile.span("first"), profile.span("second")
        first.__enter__()
        time.sleep(0.001)
        second.__enter__()
        time.sleep(0.001)
        first.__exit__(None, None, None)
        time.sleep(0.001)
        second.__exit__(None, None, None)
    written = recorded(program)
    assert written.names("MainThread") == ["first"]
    assert written.names("MainThread (2)") == ["second"]


def test_exceptions(recorded):
    """An exception ends the spans that it leaves, and is passed on."""
    def program(profile):
        with pytest.raises(KeyError):
            with profile.step(0), profile.span("fails"):
                raise KeyError("x")
        with profile.span("after"):
            pass
    events = recorded(program).lines["MainThread"]
    assert [event[0] for event in events] == ["train", "fails", "after"]
    assert "state" not in events[1][3]
    assert events[2][1] >= events[0][1] + events[0][2]


def test_a_program_that_fails_is_profiled(tmp_path):
    """The session is written when the block is left by an exception."""
    with FileWriter(tmp_path) as writer:
        with pytest.raises(ZeroDivisionError):
            with writer.profile() as profile, profile.span("divide"):
                1 / 0
    assert Written(tmp_path).names("MainThread") == ["divide"]


def test_spans_that_do_not_end(recorded):
    """A span that is still open when the profile ends is drawn up to that moment, and marked."""
    gate, begun = threading.Event(), threading.Event()

    def program(profile):
        def work():
            with profile.span("endless"):
                begun.set()
                gate.wait(30)
        threading.Thread(target=work, name="worker", daemon=True).start()
        assert begun.wait(30)
    written = recorded(program)
    gate.set()
    [(_, start, length, stats)] = written.lines["worker"]
    assert stats == {"state": "still running when the profile ended"}
    times = stats_of(written.times, written.times)
    assert start + length == (times["profile_stop_time"] - times["profile_start_time"]) * 1000


def test_an_object_entered_again(recorded):
    """A span object that is kept is a span at each entry, also inside itself."""
    def program(profile):
        span = profile.span("kept")
        with span:
            with span:
                time.sleep(0.001)
        with span:
            pass
    events = recorded(program).lines["MainThread"]
    assert [event[0] for event in events] == ["kept"] * 3
    assert not any(event[3] for event in events)
    outer, inner, last = events
    assert inner[1] + inner[2] <= outer[1] + outer[2] <= last[1]


def test_decorated_functions(recorded):
    """A function is a span per call, a coroutine until its end, a generator one per item; each is
    still what it was."""
    def program(profile):
        @profile.span("function")
        def function(x, *, y=2):
            """Doc."""
            return x + y

        @profile.span("coroutine")
        async def coroutine():
            await asyncio.sleep(0.01)
            return 5

        @profile.span("generator")
        def generator():
            got = yield 1
            try:
                yield got
            except KeyError:
                yield "caught"
            return "end"

        @profile.span("items")
        async def items():
            yield 1
            await asyncio.sleep(0)
            yield 2

        assert function(1, y=3) == 4 and function.__doc__ == "Doc."
        assert inspect.iscoroutinefunction(coroutine)
        assert inspect.isgeneratorfunction(generator)
        assert inspect.isasyncgenfunction(items)

        async def main():
            assert await coroutine() == 5
            assert [item async for item in items()] == [1, 2]
        asyncio.run(main())
        running = generator()
        assert next(running) == 1
        assert running.send("sent") == "sent"
        assert running.throw(KeyError()) == "caught"
        with pytest.raises(StopIteration) as ended:
            next(running)
        assert ended.value.value == "end"
    written = recorded(program)
    names = [name for line in written.lines for name in written.names(line)]
    assert names.count("function") == names.count("coroutine") == 1
    assert names.count("generator") == 4 and names.count("items") == 3
    [waited] = [event for line in written.lines.values() for event in line
                if event[0] == "coroutine"]
    assert waited[2] >= 0.009e12


def test_generators_do_not_count_their_caller(recorded):
    """The time between two items belongs to the caller, also of a generator that is closed."""
    closed = []

    def program(profile):
        @profile.span("generator")
        def generator():
            try:
                while True:
                    yield
            finally:
                closed.append(True)
        running = generator()
        for _ in range(2):
            next(running)
            time.sleep(0.05)
        running.close()
    written = recorded(program)
    assert closed == [True]
    assert sum(event[2] for event in written.lines["MainThread"]) < 0.05e12


@pytest.mark.parametrize("decorated", [classmethod(lambda kind: 1), 5, int])
def test_not_decorated(tmp_path, decorated):
    """Whatever is no function is refused where it is decorated."""
    with FileWriter(tmp_path) as writer, writer.profile() as profile:
        with pytest.raises(TypeError, match="to decorate, want a function"):
            profile.span("x")(decorated)


def test_decorators_outlive_windows(tmp_path):
    """A function decorated while nothing is recorded is recorded once something is."""
    with FileWriter(tmp_path) as writer:
        profile = writer.profile()

        @profile.span("work", op="Work")
        def work():
            pass
        work()
        with profile:
            work()
        work()
    written = Written(tmp_path)
    assert written.lines["MainThread"][0][3] == {"tf_op": "work:Work"}
    assert written.names("MainThread") == ["work"]


def test_counters(recorded):
    """A counter is a track with one or several series."""
    def program(profile):
        profile.counter("queue", 3)
        profile.counter("queue", 4.5)
        profile.counter("cache", hits=10, misses=2)
    events = recorded(program).lines["_counters_"]
    assert [(name, stats) for name, _, _, stats in events] == [
        ("queue", {"value": 3.0}), ("queue", {"value": 4.5}), ("cache", {"hits": 10.0,
                                                                        "misses": 2.0})]


def test_memory(recorded):
    """Memory is what was given: bytes in use, the change, and the peak, also one that was not
    given."""
    def program(profile):
        profile.memory("pool", in_use=100)
        profile.memory("pool", in_use=300, reserved=1000, available=700)
        profile.memory("pool", in_use=50)
        profile.memory("other", in_use=5, peak=9)
    written = recorded(program)
    found = [(name, stats["allocator_name"], stats["bytes_allocated"], stats["requested_bytes"],
              stats["peak_bytes_in_use"]) for name, _, _, stats in written.lines["memory"]]
    assert found == [("MemoryAllocation", "pool", 100, 100, 100),
                     ("MemoryAllocation", "pool", 300, 200, 300),
                     ("MemoryDeallocation", "pool", 50, 250, 300),
                     ("MemoryAllocation", "other", 5, 5, 9)]
    assert written.lines["memory"][1][3]["bytes_reserved"] == 1000
    assert written.lines["memory"][1][3]["bytes_available"] == 700
    assert [stats for _, _, _, stats in written.lines["_counters_"]][:2] == [
        {"bytes": 100}, {"bytes": 300}]


def test_windows(tmp_path):
    """`every` profiles `steps` steps again and again, each time in a session of its own."""
    with FileWriter(tmp_path) as writer:
        with writer.profile(every=10, steps=3) as profile:
            assert not profile.recording
            for number in range(25):
                with profile.step(number):
                    with profile.span("work"):
                        pass
                writer.flush()
    steps = []
    for path in tmp_path.rglob("*.xplane.pb"):
        space = parsed(path.read_bytes())
        [line] = space.planes[0].lines
        steps.append([event[3]["step_num"] for event in events_of(space.planes[0], line)
                      if "step_num" in event[3]])
    assert sorted(steps) == [[0, 1, 2], [10, 11, 12], [20, 21, 22]]


def test_bounded(recorded):
    """Beyond max_events, events of a kind are left out, counted, and reported."""
    def program(profile):
        for number in range(15):
            with profile.span(f"span {number}"):
                pass
            profile.counter("queue", number)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        written = recorded(program, max_events=10)
    assert written.names("MainThread") == [f"span {number}" for number in range(10)]
    assert len(written.lines["_counters_"]) == 10
    assert list(written.space.warnings) == [
        "10 events were left out of the profile, which holds 10 of each kind"]
    assert any(issubclass(one.category, LogWarning) and "10 events were left out" in
               str(one.message) for one in told)


def test_nothing_outside(tmp_path):
    """Before and after its block a profile records nothing, and every method may be called."""
    with FileWriter(tmp_path) as writer:
        profile = writer.profile()
        for _ in range(2):
            with profile.span("before"), profile.step(1):
                profile.counter("queue", 1)
                profile.memory("pool", in_use=1)
            if profile.recording is False and not list(tmp_path.rglob("*.xplane.pb")):
                with profile, profile.span("inside"):
                    pass
                writer.flush()
    assert Written(tmp_path).lines.keys() == {"MainThread"}
    assert Written(tmp_path).names("MainThread") == ["inside"]


def test_disabled(tmp_path):
    """A disabled writer profiles nothing and writes nothing."""
    with FileWriter(tmp_path / "logs", disabled=True) as writer:
        with writer.profile() as profile, profile.step(1), profile.span("x"):
            assert not profile.recording
    assert not (tmp_path / "logs").exists()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_forked_children_write_nothing(tmp_path):
    """A child that leaves the block does not write its parent's profile once more."""
    with FileWriter(tmp_path) as writer:
        with writer.profile() as profile, profile.span("parent"):
            child = os.fork()
            if not child:
                try:
                    profile.__exit__(None, None, None)
                finally:
                    os._exit(0)
            os.waitpid(child, 0)
    assert Written(tmp_path).names("MainThread") == ["parent"]


@pytest.mark.parametrize("call, error", [
    (lambda p: p.span(5), "got a name of type int"),
    (lambda p: p.span(""), "got a name of 0 characters"),
    (lambda p: p.span("x" * 1001), "got a name of 1001 characters"),
    (lambda p: p.span("\ud800"), "got the name .* with a lone surrogate"),
    (lambda p: p.span("MemoryAllocation"), "which XProf does not draw"),
    (lambda p: p.span("x", op="my op"), "got the op 'my op'"),
    (lambda p: p.span("x", op=3), "got an op of type int"),
    (lambda p: p.step("x"), "step"),
    (lambda p: p.step(1 << 63), "want -2\\*\\*63"),
    (lambda p: p.step(1, name=""), "got a name of 0 characters"),
    (lambda p: p.counter("x"), "got no value"),
    (lambda p: p.counter("x", float("nan")), "want a finite number"),
    (lambda p: p.counter("x", "3"), "want a number"),
    (lambda p: p.memory("x", in_use=-1), "got in_use=-1"),
    (lambda p: p.memory("x", in_use=1.5), "got in_use=1.5"),
    (lambda p: p.memory("x", in_use=True), "got in_use=True"),
    (lambda p: p.memory("x", in_use=1, peak=-2), "got peak=-2"),
    (lambda p: p.input(5), "got batches of type int, want an iterable"),
])
@pytest.mark.parametrize("recording", [True, False])
def test_refused_at_the_call(tmp_path, call, error, recording):
    """Wrong arguments raise TypeError or ValueError at the call, recording or not."""
    with FileWriter(tmp_path) as writer:
        profile = writer.profile()
        if recording:
            profile.__enter__()
        with pytest.raises((TypeError, ValueError), match=error):
            call(profile)


@pytest.mark.parametrize("settings, error", [
    ({"name": "a/b"}, "got the name 'a/b'"), ({"host": "../x"}, "got the name '../x'"),
    ({"name": 5}, "got a name of type int"), ({"every": -1}, "got every=-1"),
    ({"every": 5, "steps": 5}, "got steps=5 of every=5"), ({"steps": 0}, "got steps=0"),
    ({"every": 2.5}, "got every=2.5"), ({"max_events": 0}, "got max_events=0"),
])
def test_refused_settings(tmp_path, settings, error):
    """Settings that mean nothing are refused where they are given."""
    with FileWriter(tmp_path) as writer:
        with pytest.raises((TypeError, ValueError), match=error):
            writer.profile(**settings)
