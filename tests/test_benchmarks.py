"""The race of `benchmarks/`: it runs, reads back what was written, and reports it.

No time is asserted on: only that there are times, and that wrong values would be noticed.
"""
from __future__ import annotations

import importlib.util
import json
import math
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Dict, List, Tuple

import numpy as np
import pytest

ROOT = Path(__file__).parent.parent
from benchmarks import child, interpreters, networks, race as racing, report, scaling
from benchmarks.arrays import ARRAYS, noisy_natural
from benchmarks.cases import CASES, TARGETS, expected
from benchmarks.child import Paced, percentiles
from benchmarks.floors import WHOLES
from benchmarks.part_child import PARTS
from benchmarks.race import Course, fastest, make_arrays, ratio, run, summed_up
from benchmarks.readback import records, values
from benchmarks.peers import LIBRARIES, NOTHING, WRITERS, functions, peers
from benchmarks.verify import WrongValues, pillow_ratio, verify
from tests.support.judges import events

from tbwriter import SummaryWriter


def case_of(name: str) -> Any:
    return next(case for case in CASES if case.name == name)


def race(*arguments: str) -> Tuple[List[Dict[str, Any]], str, int]:
    """Run the benchmarks; the lines of JSON, the text after them, the exit code."""
    done = subprocess.run([sys.executable, "-m", "benchmarks", *arguments], cwd=ROOT,
                          capture_output=True, text=True, timeout=300)
    assert "Traceback" not in done.stderr, done.stderr
    lines = done.stdout.splitlines()
    results = [json.loads(line) for line in lines if line.startswith("{")]
    return results, "\n".join(line for line in lines if not line.startswith("{")), done.returncode


def test_a_small_race_runs_reads_back_and_reports() -> None:
    """Few events of several kinds: a line of JSON for each writer, verified, and a table."""
    names = ["scalar-one", "scalar-threads", "scalar-tags", "scalar-dict", "scalar-series",
             "histogram-1e3", "image-28", "paced-scalar"]
    results, text, code = race(*names, "--share", "0.005", "--rounds", "1",
                               "--against", "tensorboard")
    assert code == 0
    ours = {result["case"]: result for result in results if result["writer"] == "tbwriter"}
    assert sorted(ours) == sorted(names)
    for result in ours.values():
        assert "error" not in result and result["verified"] is True
        assert result["disk_us"] > 0 and result["cpu_us"] > 0 and result["bytes"] > 0
    assert {"p50_us", "p99_us", "p99.9_us", "empty_us"} <= set(ours["paced-scalar"])
    theirs = {result["case"]: result for result in results if result["writer"] == "tensorboard"}
    assert theirs["scalar-one"]["verified"] is True
    assert "image-28" not in theirs
    for heading in ("add_scalar, for one call", "Targets", "command: python -m benchmarks scalar"):
        assert heading in text
    row = next(line for line in text.splitlines() if line.startswith("tensorboard *"))
    assert "us" in row and row.split()[-1].isdigit()


def test_markdown_has_the_command_the_machine_and_the_versions(tmp_path: Path) -> None:
    """--markdown prints what the README's table needs; --out keeps the lines of JSON apart."""
    out = tmp_path / "results.jsonl"
    results, text, code = race("text", "--share", "0.005", "--rounds", "2", "--markdown",
                               "--against", "tensorboard", "--out", str(out))
    assert code == 0 and results == []
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    assert [line["writer"] for line in lines] == ["tbwriter", "crcmod", "tensorboard"]
    assert all(line["rounds"] == 2 and line["spread"] >= 0 for line in lines[:2])
    for start in ("- command: python -m benchmarks text --share", "- date: 20", "- machine: ",
                  "- versions: ", "### add_text, for one call", "| writer | call | on disk |",
                  "| tbwriter | ", "### Targets"):
        assert any(line.startswith(start) for line in text.splitlines()), start
    assert str(out) not in text


def test_a_writer_without_interpreter_is_named() -> None:
    """mxboard needs an environment of its own: without it the table gives the reason."""
    results, text, code = race("text", "--share", "0.001", "--rounds", "1",
                               "--against", "mxboard", "--homes", "/nonexistent")
    assert code == 0
    assert {result["writer"] for result in results} == {"tbwriter", "crcmod"}
    assert "without mxboard: no interpreter for 'mxboard'" in text


def test_what_is_measured_besides_the_cases() -> None:
    """Parts, reader, whole processes and floors each print lines of JSON and a table."""
    results, text, code = race("parts", "reading", "startup", "floors", "--share", "0.002",
                               "--rounds", "1", "--against", "tensorboard")
    assert code == 0
    assert not [result for result in results if "error" in result]
    rates = {(result["part"], result["writer"]) for result in results if "part" in result}
    assert {(part.name, "tbwriter") for part in PARTS} <= rates
    assert ("png", "numpy, Pillow, zlib") in rates and ("count", "tensorboard") in rates
    readers = {result["reader"]: result["values"] for result in results if "reader" in result}
    assert readers == {"tbwriter.reader": 2000, "tensorboard's EventAccumulator": 2000}
    programs = {result["startup"] for result in results if "startup" in result}
    assert {"bare", "import", "ten", "numpy", "beside", "1000"} <= programs
    measured, = [result["floors"] for result in results if "floors" in result]
    assert all(measured[what] >= 0 for whole, given in WHOLES for what in (whole, *given)
               if "fast" not in whole or importlib.util.find_spec("isal"))
    for title in ("The parts of a writer", "Reading scalars", "Whole processes",
                  "What calls are made of",
                  "ten scalars over the modules of Python"):
        assert title in text


def test_the_scaling_series_are_drawn(tmp_path: Path) -> None:
    """A picture of all series; a writer that left out the larger sizes ends earlier."""
    results = [{"series": growth.name, "axis": growth.axis, "size": size, "writer": writer,
                "disk_us": size / 7}
               for growth in scaling.SERIES for size, _, _ in growth.points[:2]
               for writer in ("tbwriter", "torch") if writer == "tbwriter" or size < 100]
    scaling.plot(results, str(tmp_path / "plot.png"))
    assert (tmp_path / "plot.png").read_bytes().startswith(b"\x89PNG")


def test_a_point_of_a_scaling_series_is_checked_too(tmp_path: Path) -> None:
    """A case is run and verified with other arrays, tags or threads than its own."""
    course = Course({"main": sys.executable}, str(tmp_path), 1)
    make_arrays(course, ["natural-64"])
    for name, changed in (("image-224", {"arrays": "natural-64", "ours": 2}),
                          ("scalar-tags", {"tags": 10, "ours": 100})):
        result = run(case_of(name), "tbwriter", course, changed=changed)
        assert result.get("verified") is True, result


def test_unknown_cases_are_refused() -> None:
    """A misspelt case ends the program and names what there is."""
    done = subprocess.run([sys.executable, "-m", "benchmarks", "scalr"], cwd=ROOT,
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 2 and "got scalr, want cases, groups or " in done.stderr


def test_the_reader_agrees_with_protobuf(tmp_path: Path) -> None:
    """The strict reader finds the tags, steps and values that TensorBoard's own messages hold."""
    with SummaryWriter(str(tmp_path)) as writer:
        for step in (0, 1, 200, 2 ** 40):
            writer.add_scalar("a", math.pi * step, step)
        writer.add_histogram("h", np.arange(10.0), 3)
    found = {(one.tag, one.step): one.content for one in values(str(tmp_path))}
    wanted = {(value.tag, event.step): value for event in events(tmp_path)
              for value in event.summary.value}
    assert set(found) == set(wanted)
    for place, value in wanted.items():
        if place[0] == "a":
            assert found[place] == value.simple_value
    histogram = wanted["h", 3].histo
    assert found["h", 3][3] == [histogram.num] == [10.0]
    assert found["h", 3][6] == list(histogram.bucket_limit)
    assert found["h", 3][7] == list(histogram.bucket)


@pytest.mark.parametrize("spoil", ["flip", "cut"])
def test_the_reader_refuses_damaged_files(tmp_path: Path, spoil: str) -> None:
    """A flipped bit or a missing byte anywhere raises ValueError."""
    with SummaryWriter(str(tmp_path)) as writer:
        writer.add_scalar("a", 1.0, 1)
    path = next(tmp_path.glob("*tfevents*"))
    good = path.read_bytes()
    assert list(records(str(path)))
    for at in range(1, len(good)):
        damaged = good[:at] if spoil == "cut" else \
            good[:at] + bytes([good[at] ^ 16]) + good[at + 1:]
        path.write_bytes(damaged)
        if spoil == "cut" and _ends_a_record(good, at):
            continue
        with pytest.raises(ValueError):
            list(records(str(path)))


def _ends_a_record(data: bytes, at: int) -> bool:
    end = 0
    while end < at:
        end += 16 + int.from_bytes(data[end:end + 8], "little")
    return end == at


def test_wrong_values_are_noticed(tmp_path: Path) -> None:
    """One wrong value, one missing, one too many: each is WrongValues, and the right ones pass."""
    case = case_of("scalar-one")
    tags, numbers = case.calls(5, [])[0]

    def written(logged: List[float]) -> str:
        logdir = tmp_path / str(len(list(tmp_path.iterdir())))
        with SummaryWriter(str(logdir)) as writer:
            for step, value in enumerate(logged):
                writer.add_scalar(tags, value, step)
        return str(logdir)

    verify(case, 5, [], written(numbers))
    for wrong in (numbers[:4], numbers + [1.0], numbers[:3] + [0.0] + numbers[4:]):
        with pytest.raises(WrongValues):
            verify(case, 5, [], written(wrong))


def test_wrong_arrays_are_noticed(tmp_path: Path) -> None:
    """A histogram with one count moved and a picture with one pixel changed are WrongValues."""
    array = np.linspace(-1, 1, 1000, dtype=np.float32)
    other = array.copy()
    other[500] = 0.9
    pixels = noisy_natural(32)
    changed = pixels.copy()
    changed[3, 4, 1] ^= 1
    for name, good, bad in (("histogram-1e3", array, other), ("image-224", pixels, changed)):
        for logged in (good, bad):
            logdir = tmp_path / f"{name}-{logged is good}"
            with SummaryWriter(str(logdir)) as writer:
                if logged.ndim == 1:
                    writer.add_histogram("values", logged, 0)
                else:
                    writer.add_image("values", logged, 0, dataformats="HWC")
            if logged is good:
                verify(case_of(name), 1, [good], str(logdir))
            else:
                with pytest.raises(WrongValues):
                    verify(case_of(name), 1, [good], str(logdir))
    assert pillow_ratio([pixels], str(tmp_path / "image-224-True")) > 0


def test_sounds_may_differ_by_two_steps(tmp_path: Path) -> None:
    """Of 16 bits, as much as writers round differently; three are WrongValues."""
    clip = np.sin(np.arange(44100) / 20) / 2
    for steps in (0, 1, 3):
        logdir = tmp_path / str(steps)
        with SummaryWriter(str(logdir)) as writer:
            samples = np.rint(clip * 32767).astype(np.int16)
            samples[100] = round(clip[100] * 32768) + steps
            writer.add_audio("values", samples, 0)
        if steps < 2:
            verify(case_of("audio"), 1, [clip], str(logdir))
        else:
            with pytest.raises(WrongValues):
                verify(case_of("audio"), 1, [clip], str(logdir))


def test_no_time_is_given_for_wrong_values(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A log that is read back wrong is an error, and nothing else."""
    def wrong(*arguments: Any) -> None:
        raise WrongValues("one is missing")

    monkeypatch.setattr(racing, "verify", wrong)
    result = run(case_of("text"), "tbwriter", Course({"main": sys.executable}, str(tmp_path), 1,
                                                     0.001))
    assert result == {"error": "one is missing"}


def test_writers_take_turns(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Round after round, each writer in a process of its own; what takes more than 1.5 times as
    long as the fastest peer runs once. The numbers are medians, of what the first round checked.
    """
    times = {"tbwriter": [5.0, 1.0, 2.0], "tensorboard": [10.0, 30.0, 20.0],
             "torch": [14.9, 15.0, 15.0], "tensorboardX": [15.1]}
    order = []

    def measured(case: Any, writer: str, course: Course, checked: bool) -> Dict[str, Any]:
        order.append((writer, checked))
        return {"disk_us": times[writer][sum(name == writer for name, _ in order) - 1]}

    monkeypatch.setattr(racing, "run", measured)
    found = racing.race(case_of("scalar-one"), list(times), Course({}, str(tmp_path), 3))
    assert order == [(writer, not number) for number in range(3) for writer in times
                     if not number or writer != "tensorboardX"]
    assert {writer: one["disk_us"] for writer, one in found.items()} == {
        "tbwriter": 2.0, "tensorboard": 20.0, "torch": 15.0, "tensorboardX": 15.1}


class Peer:
    """A writer that only records the time of each call."""

    def __init__(self) -> None:
        self.asked: List[Any] = []

    def open(self, logdir: str) -> str:
        self.asked.append(Path(logdir).name)
        return logdir

    def scalar(self, writer: str, tag: str, values: Any) -> None:
        self.asked.append(len(list(values)))

    def close(self, writer: str) -> None:
        self.asked.append("closed")
        time.sleep(0.05)


def test_what_the_clock_sees(tmp_path: Path) -> None:
    """A few values go elsewhere before it starts, and it stops when close() returns."""
    peer = Peer()
    result = child.race(case_of("scalar-one"), peer, 5000, [], str(tmp_path))
    assert peer.asked == ["warm", 1000, "closed", "log", 5000, "closed"]
    assert result["disk_us"] * 5000 > 50_000 > result["call_us"] * 5000


def test_what_cases_give_their_processes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """numpy is loaded in all but one; "one core" is one processor; ten scalars are ten calls for a
    writer without a call for several; slower writers have less to do."""
    assert [case.name for case in CASES if not case.numpy] == ["scalar-plain"]
    assert [case.name for case in CASES if "one core" in case.title] == \
        [case.name for case in CASES if case.cores == 1] == ["histogram-1e7-one"]
    assert case_of("scalar-dict").instead == "scalar_tags"
    for name in peers():
        assert "scalars_dict" not in functions(WRITERS[name]), name
        for case in CASES:
            assert case.times(name) <= case.times("tbwriter"), case.name
    bound = []
    monkeypatch.setattr("benchmarks.child.os.sched_setaffinity",
                        lambda process, cores: bound.append(cores))
    monkeypatch.setattr(child, "load", lambda *arguments: [])
    monkeypatch.setattr(child, "race", lambda *arguments: {})
    for name in ("histogram-1e7-one", "histogram-1e7"):
        monkeypatch.setattr(sys, "argv", ["", json.dumps({
            "case": name, "writer": "tbwriter", "times": 1, "arrays": "", "directory": ""})])
        child.main()
    cores, = bound
    assert len(cores) == 1 and cores <= os.sched_getaffinity(0)


def test_without_tensorflow() -> None:
    """TensorBoard's writer is raced as where TensorFlow can't be imported."""
    program = ("import benchmarks.peers.tensorboard_\n"
               "from tensorboard.compat import tf\n"
               "assert tf.__version__ == 'stub', tf.__version__\n")
    subprocess.run([sys.executable, "-c", program], check=True, timeout=100,
                   env=interpreters.environ({}))


def test_the_ratio_is_that_to_the_fastest_peer() -> None:
    """Of the peers that did not fail the one that has all on disk first counts."""
    results: Dict[str, Dict[str, Any]] = {
        "tbwriter": {"disk_us": 2.0}, "crcmod": {"disk_us": 1.0}, "torch": {"disk_us": 30.0},
        "tensorboardX": {"disk_us": 20.0}, "mxboard": {"error": "it died"}}
    assert fastest(results) == "tensorboardX"
    assert ratio(results) == 10.0
    assert ratio(results, "crcmod") == 20.0
    assert ratio(results, against="torch") == 15.0
    assert ratio({"tbwriter": {"disk_us": 2.0}}) is None


def test_rounds_are_summed_up_by_their_median() -> None:
    """Medians of all numbers; the spread is half the range over the median; failures are left out.
    """
    rounds: List[Dict[str, Any]] = [{"disk_us": us, "times": 7} for us in (4.0, 2.0, 3.0)]
    rounds.append({"error": "it died"})
    whole = summed_up(rounds)
    assert whole == {"disk_us": 3.0, "times": 7, "rounds": 3, "spread": pytest.approx(1 / 3)}
    assert summed_up([{"error": "it died"}]) == {"error": "it died"}


def test_targets_say_what_is_met() -> None:
    """A ratio has to reach its aim, a limit not to exceed it; crcmod may fall to 0.7 of the aim."""
    cases = {"scalar-one": {"tbwriter": {"disk_us": 1.0}, "crcmod": {"disk_us": 1.4},
                            "torch": {"disk_us": 61.0}},
             "paced-scalar": {"tbwriter": {"p50_us": 0.5, "p99_us": 10.1, "p99.9_us": 3.0}}}
    rows = {row.title: row for row in report.targets(cases)}
    assert rows["add_scalar"].met and rows["add_scalar"].measured == 61.0
    assert rows["add_scalar, crcmod only"].met
    assert rows["add_scalar at training pace, p50"].met
    assert not rows["add_scalar at training pace, p99"].met
    assert rows["add_scalar at training pace, p50"].row() \
        == ["add_scalar at training pace, p50", "<= 1.5 us", "0.5 us", "yes"]


def test_a_target_with_two_measures_is_met_by_either() -> None:
    """A series has to be 300 times as fast as the peers, or to reach 17 million points a second.
    """
    for ours, theirs, met in ((0.05, 10.0, True), (0.1, 31.0, True), (0.1, 10.0, False)):
        rows = report.targets({"scalar-series": {"tbwriter": {"disk_us": ours},
                                                 "torch": {"disk_us": theirs}}})
        assert [row.met for row in rows] == [met]


def test_targets_of_networks() -> None:
    """A network's aim is a ratio to tensorboardX; what did not run is not measured."""
    times = {"calls": 10.0, "disk": 100.0, "cpu": 50.0}
    slower = {name: 4 * time for name, time in times.items()}
    found = [{"network": network, "writer": writer, **these} for network in networks.NETWORKS
             for writer, these in (("tbwriter", times), ("tensorboardX", slower))]
    trained = [{"writer": "tbwriter", "step": 200.0, "extra": 20.0},
               {"writer": "mxboard", "step": 200.0, "extra": 900.0}]
    rows = {row.title: row for row in (report.Met(*one)
                                       for one in networks.targets(found, trained))}
    assert not rows["ResNet-50, calls"].met and rows["ResNet-50, until on disk"].met
    assert rows["ResNet-50, sampled, calls"].measured is None
    assert rows["ResNet-18, extra time of a step that logs"].measured == 0.1
    assert rows["ResNet-18, extra time of a step that logs"].met


def test_everything_that_is_named_exists() -> None:
    """Cases, targets and parts name existing functions, arrays, environments and writers."""
    everything = [functions(WRITERS[name]) for name in WRITERS]
    for case in CASES:
        assert any(case.function in names for names in everything), case.name
        assert not case.arrays or case.arrays in ARRAYS, case.name
        assert not case.home or case.home in interpreters.HOMES, case.name
        assert set(case.only) <= set(WRITERS), case.name
    names = {case.name for case in CASES}
    assert len(names) == len(CASES)
    assert {target.case for target in TARGETS} <= names
    assert {growth.case for growth in scaling.SERIES} <= names
    for part in PARTS:
        assert part.function in functions(WRITERS["tbwriter"]), part.name
        assert not part.arrays or part.arrays in ARRAYS, part.name
    assert {"png", "count", "checksum"} <= functions(LIBRARIES)
    assert {"open", "scalar", "close"} <= functions(NOTHING)


def test_what_is_expected_is_what_is_logged() -> None:
    """Every value once under every tag, at consecutive steps."""
    case = case_of("scalar-tags")._replace(tags=3)
    wanted = list(expected(case, case.calls(6, [])))
    assert [(step, value) for _, step, value in wanted[:2]] \
        == [(step, value) for _, step, value in wanted[2:4]]
    assert len(wanted) == 6 and len({tag for tag, _, _ in wanted}) == 3


def test_pacing_notes_each_call_and_changes_no_value() -> None:
    """The paced loop hands on every value in order, and notes one time for each."""
    taken: List[float] = []
    assert list(Paced(range(5), 0.0001, taken.append)) == [0, 1, 2, 3, 4]
    assert len(taken) == 5 and all(seconds > 0 for seconds in taken)


def test_percentiles_of_known_numbers() -> None:
    """Of 1000 times from 1 to 1000 us: the 500th, 990th and 999th, counted from 0."""
    found = percentiles([i / 1e6 for i in range(1000, 0, -1)])
    assert {key: round(value, 6) for key, value in found.items()} \
        == {"p50_us": 501.0, "p99_us": 991.0, "p99.9_us": 1000.0}


def test_homes_are_found_by_directory_and_by_name(tmp_path: Path) -> None:
    """By default it is this Python; an environment that was made, or a named one, is used instead;
    others are refused."""
    assert interpreters.find(None)["main"] == sys.executable
    python = tmp_path / "mxboard" / ("Scripts" if os.name == "nt" else "bin") / "python"
    python.parent.mkdir(parents=True)
    python.write_text("")
    assert interpreters.find(str(tmp_path)) == {"main": sys.executable, "mxboard": str(python)}
    assert interpreters.find(None, ["numpy123=/x/python"])["numpy123"] == "/x/python"
    with pytest.raises(ValueError, match="got 'nowhere=/x', want HOME=PATH"):
        interpreters.find(None, ["nowhere=/x"])


def test_homes_are_made_without_any_package(tmp_path: Path) -> None:
    """The command that makes the environments runs on a bare Python."""
    done = subprocess.run([sys.executable, "-S", "-m", "benchmarks.interpreters", "--help"],
                          cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0 and ".venv-benchmarks" in done.stdout, done.stderr


def test_durations_and_numbers_have_three_digits() -> None:
    """Times in the unit that suits them."""
    assert [report.duration(us) for us in (0.2345, 12.0, 4567.0, 2_500_000.0)] \
        == ["0.234 us", "12 us", "4.57 ms", "2.5 s"]
    assert [report.number(value) for value in (0.123456, 12.345, 123.45, 123456.0)] \
        == ["0.123", "12.3", "123", "123 456"]
