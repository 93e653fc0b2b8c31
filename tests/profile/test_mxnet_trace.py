"""Dumps of MXNet's profiler: read, and drawn, without MXNet. The dumps have MXNet's own form."""
from __future__ import annotations

import json
import math

import pytest

from tbwriter import FileWriter
from tbwriter.cli import main
from tbwriter.mxnet import convert_profile
from tbwriter.profile import mxnet_trace

from tests.profile.messages import Written, events_of, stats_of

T = 1_700_000_000_000_000  # microseconds since 1970
ENGINE, CALLER, OPERATORS, DOMAIN = 1602199459876993404, 5626466451344171979, 30606, 69740


def operator(name, start, length, thread=ENGINE):
    """An operator as MXNet dumps it: twice."""
    same = {"name": name, "cat": "operator", "tid": thread}
    return [dict(same, ph="B", ts=T + start, pid=0), dict(same, ph="E", ts=T + start + length,
                                                          pid=0),
            dict(same, ph="b", ts=T + start, pid=OPERATORS, id=thread),
            dict(same, ph="e", ts=T + start + length - 1, pid=OPERATORS, id=thread)]


def memory(value, at):
    return {"name": "Memory: cpu/0", "cat": "Device Storage", "ph": "C", "ts": T + at,
            "args": {"Memory: cpu/0": value}, "pid": 97856, "tid": ENGINE}


HEAD = [{"ph": "M", "args": {"name": "cpu/0"}, "pid": 0, "name": "process_name"},
        {"ph": "M", "args": {"name": "operator"}, "pid": OPERATORS, "name": "process_name"}]
EVENTS = [
    *operator("_backward_Convolution", 40, 25), *operator("Convolution", 0, 30),
    *operator("Convolution", 30, 10), *operator("WaitForVar", 5, 60, CALLER),
    *operator("[Convolution,Activation]", 70, 5),
    memory(4096, 1), memory(1024, 50),
    {"name": "task", "cat": "mine", "ph": "b", "ts": T + 1, "pid": DOMAIN, "tid": CALLER},
    {"name": "frame", "cat": "mine,frame", "ph": "(", "ts": T + 2, "pid": DOMAIN, "tid": CALLER},
    {"name": "event", "cat": "event", "ph": "B", "ts": T + 3, "pid": DOMAIN, "tid": CALLER},
    {"name": "task", "cat": "mine", "ph": "e", "ts": T + 11, "pid": DOMAIN, "tid": CALLER},
    {"name": "frame", "cat": "mine,frame", "ph": ")", "ts": T + 22, "pid": DOMAIN, "tid": CALLER},
    {"name": "event", "cat": "event", "ph": "E", "ts": T + 33, "pid": DOMAIN, "tid": CALLER},
    {"name": "mark", "cat": "mine,instant_marker", "ph": "n", "ts": T + 4, "s": "p",
     "pid": DOMAIN, "tid": CALLER},
    {"name": "count", "cat": "mine", "ph": "C", "ts": T + 5, "args": {"count": 7}, "pid": DOMAIN,
     "tid": CALLER},
    {"name": "MXNDArrayFree", "cat": "MXNET_C_API", "ph": "b", "ts": T + 6, "pid": 84978,
     "tid": CALLER},
    {"name": "MXNDArrayFree", "cat": "MXNET_C_API", "ph": "e", "ts": T + 6, "pid": 84978,
     "tid": CALLER},
]


def body(events):
    """Events as a dump separates them."""
    return ",\n\n".join(json.dumps(event, indent=4) for event in events)


WHOLE = '{\n    "traceEvents": [\n' + body(HEAD + EVENTS)
END = '\n\n\n    ],\n    "displayTimeUnit": "ms"\n}\n'


@pytest.fixture
def converted(tmp_path):
    """Converts a dump, gives what was written."""
    def convert(text, **settings):
        dump = tmp_path / "profile.json"
        dump.write_text(text, encoding="utf-8")
        convert_profile(dump, tmp_path / "logs", **settings)
        return Written(tmp_path / "logs")
    return convert


def test_operators_once(converted):
    """Each operator is there once, with the times that MXNet's own table adds up."""
    written = converted(WHOLE + END)
    found = [(name, start, length, stats["tf_op"]) for name, start, length, stats
             in written.lines["MXNet thread 1: cpu/0"]]
    us = 1_000_000
    assert found == [
        ("Convolution", 0, 30 * us, "Convolution:Convolution"),
        ("Convolution", 30 * us, 10 * us, "Convolution:Convolution"),
        ("backward_Convolution", 40 * us, 25 * us, "backward_Convolution:_backward_Convolution"),
        ("[Convolution,Activation]", 70 * us, 5 * us, "Convolution_Activation_:Bulk")]
    [(name, *_)] = written.lines["MXNet thread 2: cpu/0"]
    assert name == "WaitForVar"


def test_times(converted):
    """The session begins with the first record, and is named by its time."""
    written = converted(WHOLE + END, name="old", host="gpu-7")
    times = stats_of(written.times, written.times)
    assert times == {"profile_start_time": T * 1000, "profile_stop_time": (T + 75) * 1000}
    assert written.session.startswith("2023_11_1") and written.session.endswith("_old")
    assert written.host == "gpu-7.xplane.pb"


def test_memory(converted):
    """Memory is the bytes in use that MXNet gave, their change and their peak."""
    found = [(name, stats["allocator_name"], stats["bytes_allocated"], stats["requested_bytes"],
              stats["peak_bytes_in_use"]) for name, _, _, stats
             in converted(WHOLE + END).lines["memory"]]
    assert found == [("MemoryAllocation", "cpu/0", 4096, 4096, 4096),
                     ("MemoryDeallocation", "cpu/0", 1024, 3072, 4096)]


def test_what_a_program_records_itself(converted):
    """Tasks, frames, events, markers and counters of the program, and calls of the C API, are
    drawn as they were."""
    written = converted(WHOLE + END)
    us = 1_000_000
    expected = {"mine": ("task", us, 10 * us), "mine,frame": ("frame", 2 * us, 20 * us),
                "event": ("event", 3 * us, 30 * us), "mine,instant_marker": ("mark", 4 * us, 0),
                "C API": ("MXNDArrayFree", 6 * us, 0)}
    for kind, event in expected.items():
        [found] = written.lines[f"MXNet thread 2: {kind}"]
        assert found[:3] == event and not found[3]
    assert ("mine: count", 5 * us, 0, {"value": 7}) in written.lines["_counters_"]


@pytest.mark.parametrize("text", [
    WHOLE + END, WHOLE, WHOLE[:-40], WHOLE + END + ",\n\n" + body(EVENTS[:4]) + END,
    ",\n\n" + body(EVENTS) + END, json.dumps({"traceEvents": HEAD + EVENTS}),
], ids=["whole", "not ended", "cut off", "two dumps", "a later dump", "one line"])
def test_forms_of_dumps(text):
    """Dumps that were not ended, cut off, written twice or only later are read too."""
    trace = mxnet_trace.read(text, {0: "cpu/0"})
    assert [span.name for span in sorted(trace.spans)][:2] == ["Convolution", "task"]
    assert trace.devices[0] == "cpu/0"
    count = sum(span.category == "operator" for span in trace.spans)
    assert count == (6 if text.count("traceEvents") and text.count("displayTimeUnit") == 2 else 5)


def test_spans_without_an_end(converted):
    """A record that has not ended is left out, and the file reports it."""
    written = converted(WHOLE.replace('"ph": "E"', '"ph": "M"', 1) + END)
    assert list(written.space.warnings) == [
        "left out, since they have no end: 1 of MXNet's records"]


@pytest.mark.parametrize("text", [
    "", "{}", "[]", "hello", '{"traceEvents": 5}', '{"traceEvents": [{"ph": "B"}]}',
    '{"traceEvents": [{"ph": "C", "name": "x", "ts": "x", "args": {}}]}',
    '{"traceEvents": []}', "[" * 100_000])
def test_no_dumps(tmp_path, text):
    """A file that is not a dump, or has no records, is an error; nothing is written."""
    dump = tmp_path / "profile.json"
    dump.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match="not a dump of mx.profiler|without records"):
        convert_profile(dump, tmp_path / "logs")
    assert not (tmp_path / "logs").exists()


@pytest.mark.parametrize("change", [
    {"args": None}, {"args": 5}, {"args": "x"}, {"args": []}, {"args": {}}, {"args": {"a": "5"}},
    {"args": {"a": None}}, {"args": {"a": math.nan}}, {"args": {"a": math.inf}},
    {"args": {"a": 1 << 64}}, {"args": {"a": 10 ** 400}}, {"ts": math.inf}, {"ts": math.nan},
    {"ts": -5}, {"ts": 1e30}, {"ts": None}, {"ts": [1]}, {"ph": None}, {"ph": []},
    {"ph": "n", "tid": []}, {"ph": "n", "tid": None}, {"ph": "B", "name": []},
    {"ph": "M", "name": "process_name", "args": None},
    {"ph": "M", "name": "process_name", "args": {"name": 5}},
    {"ph": "M", "name": "process_name", "args": {"name": "cpu/0"}, "pid": math.inf}], ids=repr)
def test_wrong_records(tmp_path, capsys, change):
    """A record whose fields have other types or ranges makes the command fail with one line."""
    count = {"name": "c", "cat": "x", "ph": "C", "ts": T, "pid": 0, "tid": 1, "args": {"c": 1}}
    dump = tmp_path / "profile.json"
    dump.write_text(json.dumps({"traceEvents": [count, {**count, **change}]}), encoding="utf-8")
    assert main(["profile", str(dump), str(tmp_path / "logs")]) != 0
    text = capsys.readouterr().err
    assert "got a file that is not a dump of mx.profiler" in text and "Traceback" not in text
    assert not (tmp_path / "logs").exists()


@pytest.mark.parametrize("event", [5, None, "x", [], {}])
def test_records_that_are_no_objects(event):
    """So is a dump with anything else in its list."""
    with pytest.raises(ValueError, match="got a file that is not a dump"):
        mxnet_trace.read(json.dumps({"traceEvents": [event]}))


def test_a_dump_over_many_years(tmp_path):
    """A dump that is longer than a profile can be is an error; nothing is written."""
    dump = tmp_path / "profile.json"
    dump.write_text(body([memory(1, -T), memory(1, 0)]), encoding="utf-8")
    with pytest.raises(ValueError, match="got a dump of mx.profiler over .* microseconds, want"):
        convert_profile(dump, tmp_path / "logs")
    assert not (tmp_path / "logs").exists()


def test_names_that_are_not_unicode(converted):
    """Lone surrogates and other types in names become text."""
    mark = {"ph": "n", "ts": T, "pid": DOMAIN, "tid": CALLER}
    written = converted(json.dumps({"traceEvents": [
        {**mark, "name": "a \ud800", "cat": "mine"}, {**mark, "name": 5, "cat": ["x"]}]}))
    assert sorted(name for line in written.lines for name in written.names(line)) == [
        "5", "a \\ud800"]


def test_command(tmp_path, capsys):
    """`tbwriter profile DUMP DIR` writes the same session as convert_profile."""
    dump = tmp_path / "profile.json"
    dump.write_text(WHOLE + END, encoding="utf-8")
    assert main(["profile", str(dump), str(tmp_path / "a"), "--host", "h"]) == 0
    assert "--load_fast=false" in capsys.readouterr().out
    convert_profile(dump, tmp_path / "b", host="h")
    assert Written(tmp_path / "a").space == Written(tmp_path / "b").space
    assert main(["profile", str(tmp_path / "missing"), str(tmp_path / "c")]) == 1
    assert main(["profile", str(tmp_path / "a"), str(tmp_path / "c")]) == 2
    (tmp_path / "text").write_text("hello")
    assert main(["profile", str(tmp_path / "text"), str(tmp_path / "c")]) == 2
    assert not (tmp_path / "c").exists()


def test_a_writer_that_is_open(tmp_path):
    """A dump can be added to a writer that is logging."""
    dump = tmp_path / "profile.json"
    dump.write_text(WHOLE + END, encoding="utf-8")
    with FileWriter(tmp_path / "logs") as writer:
        writer.add_scalar("loss", 1.0, 0)
        writer.add(mxnet_trace.session(dump), 0)
    written = Written(tmp_path / "logs")
    assert events_of(written.plane, written.plane.lines[0])
