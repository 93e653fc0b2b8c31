"""Bad and odd values, hostile names and huge texts, for any SummaryWriter.

    python -m tests.faults.values NAME WRITER DIRECTORY

runs one of the programs at the end as `scenarios` does. CASES is the table of values: what is
called, and the error that it has to raise; None where the value has to be shown.
"""
from __future__ import annotations

import json
import os
import resource
import sys
import threading
import time
import warnings
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any, Callable, Dict, NamedTuple, Optional, Type

import numpy as np
from PIL import Image
from tests.faults.scenarios import Result, open_writer, writer_class

NAN, INF = float("nan"), float("inf")
GREY, RGB = np.zeros((4, 5)), np.zeros((3, 4, 5))
# Half of a character: no text in any encoding.
HALF = "\ud800"
STEPS = [-2 ** 63, -1, 0, 2 ** 31, 2 ** 53 + 1, 2 ** 63 - 1]
INJECTING = 'x" } embeddings { tensor_path: "/etc/passwd'
PASSWORD = "hunter2"


class Case(NamedTuple):
    """A call of a SummaryWriter's method."""

    method: str
    arguments: Any
    error: Optional[Type[Exception]] = None
    keywords: Dict[str, Any] = {}


def _scalars() -> Dict[str, Case]:
    cases = {f"scalar {name}": Case("add_scalar", ("v", value, 1)) for name, value in {
        "NaN": NAN, "inf": INF, "-inf": -INF, "1e300": 1e300, "1e-46": 1e-46, "-0.0": -0.0,
        "10**400": 10 ** 400, "True": True, "float16": np.float16(0.25),
        "[[5.5]]": np.array([[5.5]]),
        "Decimal": Decimal("1.5"), "Fraction": Fraction(1, 4), "2**70": 2 ** 70}.items()}
    cases.update({f"scalar {name}": Case("add_scalar", ("v", value, 1), error)
                  for name, value, error in [
        ("text", "1.5", TypeError), ("None", None, TypeError), ("complex", 1j, TypeError),
        ("list", [1, 2], TypeError), ("three", np.zeros(3), ValueError),
        ("nothing", np.zeros(0), ValueError), ("object", object(), TypeError)]})
    cases.update({f"step {name}": Case("add_scalar", ("v", 2.5, step)) for name, step in {
        "-5": -5, "2**63-1": 2 ** 63 - 1, "-2**63": -2 ** 63, "1.7": 1.7, "True": True,
        "int64": np.int64(7), "array": np.array(3), "None": None}.items()})
    cases.update({f"step {name}": Case("add_scalar", ("v", 2.5, step), error)
                  for name, step, error in [
        ("2**63", 2 ** 63, ValueError), ("-2**63-1", -2 ** 63 - 1, ValueError),
        ("NaN", NAN, ValueError), ("inf", INF, ValueError), ("text", "1", TypeError),
        ("1e30", 1e30, ValueError), ("list", [1], TypeError), ("two", np.zeros(2), ValueError)]})
    cases.update({f"time {name}": Case("add_scalar", ("v", 2.5, 1, seconds)) for name, seconds in {
        "0": 0, "-1": -1, "1e300": 1e300, "float32": np.float32(1.5)}.items()})
    cases.update({f"time {name}": Case("add_scalar", ("v", 2.5, 1, seconds), error)
                  for name, seconds, error in [
        ("NaN", NAN, ValueError), ("inf", INF, ValueError), ("-inf", -INF, ValueError),
        ("text", "now", TypeError), ("10**400", 10 ** 400, ValueError)]})
    cases.update({f"tag {tag!r:.30}": Case("add_scalar", (tag, 2.5, 1)) for tag in (
        "損失/🔥 ñ", "a\0b", "", " ", "a\n\tb", "<script>x</script>", "../../x", "x" * 10000,
        "%s{0}\\", "\u202e", "/", "é", "e\u0301")})
    cases.update({f"tag {name}": Case("add_scalar", (tag, 2.5, 1), error) for name, tag, error in [
        ("half a character", "a" + HALF, ValueError), ("int", 5, TypeError),
        ("bytes", b"t", TypeError), ("None", None, TypeError), ("list", ["t"], TypeError)]})
    return cases


def _others() -> Dict[str, Case]:
    ones = np.ones((2, 3))
    return {
        "scalars of NaN": Case("add_scalars", ("m", {"a": NAN}, 1)),
        "scalars, none": Case("add_scalars", ("m", {}, 1)),
        "scalars, a list": Case("add_scalars", ("m", [1], 1), TypeError),
        "scalars, a number as name": Case("add_scalars", ("m", {3: 1}, 1)),
        "scalars, None as name": Case("add_scalars", ("m", {None: 1}, 1), TypeError),
        "histogram of NaN and 1": Case("add_histogram", ("v", [NAN, 1.0, INF], 1)),
        "histogram of 2**62": Case("add_histogram", ("v", np.array([2 ** 62]), 1)),
        "histogram of bools": Case("add_histogram", ("v", np.array([True, False]), 1)),
        "histogram of float16": Case("add_histogram", ("v", np.array([6e4, 6e4], np.float16), 1)),
        "histogram of nothing": Case("add_histogram", ("v", [], 1), ValueError),
        "histogram of texts": Case("add_histogram", ("v", ["a"], 1), TypeError),
        "histogram of complex": Case("add_histogram", ("v", [1j], 1), TypeError),
        "histogram in no bins": Case("add_histogram", ("v", [1.0], 1, 0), ValueError),
        "image of NaN": Case("add_image", ("v", np.full((3, 4, 5), NAN), 1)),
        "image beyond 1": Case("add_image", ("v", np.full((3, 4, 5), 7.0), 1)),
        "image of bools": Case("add_image", ("v", np.ones((3, 4, 5), bool), 1)),
        "image of one pixel": Case("add_image", ("v", np.ones((1, 1, 1)), 1)),
        "image of no pixel": Case("add_image", ("v", np.ones((3, 0, 5)), 1), ValueError),
        "image of 5 channels": Case("add_image", ("v", np.ones((5, 9, 9)), 1), ValueError),
        "image of one axis": Case("add_image", ("v", np.ones(3), 1), ValueError),
        "image of texts": Case("add_image", ("v", [["a"]], 1), TypeError),
        "image in letters": Case("add_image", ("v", RGB, 1, None, "XYZ"), ValueError),
        "image of a torn file": Case("add_image", ("v", b"\x89PNG\r\n\x1a\n", 1), ValueError),
        "images, none": Case("add_images", ("v", np.ones((0, 3, 4, 5)), 1), ValueError),
        "boxes of NaN": Case("add_image_with_boxes", ("v", RGB, [[NAN, 1, 2, 3]], 1), ValueError),
        "boxes far away": Case("add_image_with_boxes", ("v", RGB, [[-1e9, 1e9, 1e12, 2e9]], 1)),
        "figure of a number": Case("add_figure", ("v", 3, 1), TypeError),
        "video of one frame": Case("add_video", ("v", np.zeros((1, 1, 3, 4, 5)), 1)),
        "video in no time": Case("add_video", ("v", np.zeros((1, 2, 3, 4, 5)), 1, 0), ValueError),
        "video of NaN a second": Case("add_video", ("v", np.zeros((1, 2, 3, 4, 5)), 1, NAN),
                                      ValueError),
        "sound of NaN": Case("add_audio", ("v", np.array([NAN, 0.5]), 1, 8000)),
        "sound too loud": Case("add_audio", ("v", np.array([9.0, -9.0]), 1, 8000)),
        "sound of nothing": Case("add_audio", ("v", np.zeros(0), 1, 8000), ValueError),
        "sound at no rate": Case("add_audio", ("v", np.zeros(9), 1, 0), ValueError),
        "text of nothing": Case("add_text", ("v", "", 1)),
        "text with zero": Case("add_text", ("v", "a\0b", 1)),
        "text with half a character": Case("add_text", ("v", "a" + HALF, 1)),
        "text that is a script": Case("add_text", ("v", "<script>x</script>", 1)),
        "text, a number": Case("add_text", ("v", 3, 1), TypeError),
        "text, ragged": Case("add_text", ("v", [["a"], ["b", "c"]], 1), ValueError),
        "mesh of NaN": Case("add_mesh", ("v", np.full((1, 3, 3), NAN), None, None, None, 1),
                            ValueError),
        "mesh with a corner too many": Case(
            "add_mesh", ("v", np.ones((1, 3, 3)), None, [[[0, 1, 3]]], None, 1), ValueError),
        "curve of 1.5": Case("add_pr_curve", ("v", [1], [1.5], 1), ValueError),
        "curve of NaN": Case("add_pr_curve", ("v", [1], [NAN], 1), ValueError),
        "curve of one class": Case("add_pr_curve", ("v", [1, 1], [0.5, 1.0], 1)),
        "embedding of three numbers": Case("add_embedding", (np.ones(3),), ValueError),
        "embedding with a label short": Case("add_embedding", (ones, ["a"]), ValueError),
        "hparams of NaN": Case("add_hparams", ({"lr": NAN, "b": 1}, {"v": 2.5})),
        "hparams of a list": Case("add_hparams", ({"lr": [1], "b": 1}, {"v": 2.5})),
        "hparams, twice one name": Case("add_hparams", ({"a": {"b": 1}, "a/b": 1}, {}), ValueError),
        "hparams without metrics": Case("add_hparams", ({"b": 1}, {})),
        "masked scalar": Case("add_scalar", ("v", np.ma.masked, 1)),
        "masked histogram": Case("add_histogram", ("v", np.ma.array([1, 9], mask=[0, 1]), 1)),
        "masked image": Case("add_image", ("v", np.ma.array(np.ones((3, 4, 5)), mask=True), 1)),
        "masked sound": Case("add_audio", ("v", np.ma.array([0.5, 0.5], mask=[1, 0]), 1, 8000)),
        "image in CMYK": Case("add_image", ("v", Image.new("RGB", (5, 4), "white").convert("CMYK"),
                                            1)),
        "image by its name": Case("add_image", ("v", "cat.png", 1), TypeError),
        "image in another layout": Case("add_image", ("v", np.ones((4, 5, 3)), 1, None, "HW"),
                                        ValueError),
        "embedding of NaN": Case("add_embedding", ([[1, 2, NAN], [3, 4, 5]],), ValueError),
        "embedding of 1e39": Case("add_embedding", ([[1, 2, 1e39], [3, 4, 5]],), ValueError),
        "embedding of one point": Case("add_embedding", (np.ones((1, 3)),), ValueError),
        "embedding of one column": Case("add_embedding", (np.ones((3, 1)),), ValueError),
        "mesh of 1e39": Case("add_mesh", ("v", np.full((1, 3, 3), 1e39), None, None, None, 1),
                             ValueError),
        "confusion of halves": Case("add_confusion_matrix", ("v", [0.5], [1], 1), ValueError),
        "hparams without a metric": Case("add_hparams", ({"lr": 1}, {"v": "x"}), TypeError),
        "layout of a number": Case("add_custom_scalars", (3,), TypeError),
        "chart of no tags": Case("add_custom_scalars_multilinechart", ([],), ValueError),
        "graph of a number": Case("add_graph", (3,), TypeError),
        "tensor of complex": Case("add_tensor", ("v", [1j], 1)),
        "tensor of None": Case("add_tensor", ("v", None, 1), TypeError),
        "tensor of objects": Case("add_tensor", ("v", [object()], 1), TypeError),
        "series of NaN": Case("add_scalar_series", ("v", [1.0, NAN], [1, 2])),
        "series with a step short": Case("add_scalar_series", ("v", [1.0, 2.0], [1]), ValueError),
        "series at no time": Case("add_scalar_series", ("v", [1.0], [1], [NAN]), ValueError),
        "summary of junk": Case("add_summary", (b"\xff\xff",), ValueError),
        "summary of a number": Case("add_summary", (3,), TypeError),
        "event of junk": Case("add_event", (b"\xff\xff",), ValueError),
        "event of None": Case("add_event", (None,), TypeError),
        "event of nothing": Case("add_event", (b"",)),
        "graph of junk": Case("add_graph", (b"\xff\xff",), ValueError),
        "name of half a character": Case("add_histogram", ("v", [1.0], 1), ValueError,
                                         {"display_name": HALF}),
        "name of a number": Case("add_image", ("v", RGB, 1), TypeError, {"display_name": 3}),
        "description of a number": Case("add_text", ("v", "a", 1), TypeError, {"description": 3}),
    }


CASES = {**_scalars(), **_others()}


def odd_values(name: str, logdir: str) -> Result:
    """Each case in a run of its own, with a scalar after it; a line for each as it is done."""
    warnings.simplefilter("ignore")
    done = {}
    for number, (case, (method, arguments, _, keywords)) in enumerate(CASES.items()):
        writer = open_writer(name, f"{logdir}/{number}")
        try:
            getattr(writer, method)(*arguments, **keywords)
            done[case] = ["accepted", ""]
        except Exception as error:
            done[case] = [type(error).__name__, str(error).encode("utf-8", "replace").decode()]
        print(json.dumps(done), flush=True)
        writer.add_scalar("after", 2.5, 9)
        writer.close()
    return done


def tags(name: str, logdir: str) -> Result:
    """Different tags that a careless writer would make the same."""
    writer = open_writer(name, logdir)
    for tag in ("損失/🔥", "損失/_", "a b", "a_b", "é", "e\u0301", "x\0", "x", "/x", "a:b"):
        writer.add_scalar(tag, 1, 1)
    writer.close()
    return {}


def wall_times(name: str, logdir: str) -> Result:
    """One invalid time among 100 valid ones."""
    writer = open_writer(name, logdir)
    raised = 0
    for step in range(100):
        writer.add_scalar("v", step, step, 1.0 + step)
        if step == 50:
            try:
                writer.add_scalar("v", step, step, NAN)
            except ValueError:
                raised = 1
    writer.close()
    return {"raised": raised}


def steps_of_64_bits(name: str, logdir: str) -> Result:
    """The least and the largest step, and one beyond at both ends."""
    writer = open_writer(name, logdir)
    for step in STEPS:
        writer.add_scalar("v", 1, step)
    refused = 0
    for step in (-2 ** 63 - 1, 2 ** 63):
        try:
            writer.add_scalar("v", 1, step)
        except ValueError:
            refused += 1
    writer.close()
    return {"refused": refused}


def side_files(name: str, logdir: str) -> Result:
    """A tag and labels that hold what separates fields, lines and columns."""
    writer = open_writer(name, logdir)
    writer.add_embedding(np.ones((2, 2)), ["a\tb\nc", "\r\n"], tag=INJECTING)
    writer.close()
    return {}


def symbolic_links(name: str, logdir: str) -> Result:
    """Links in the log directory that lead outside, where embeddings would be written."""
    outside = Path(logdir).parent / "outside"
    outside.mkdir()
    for link in ("embeddings", "00000"):
        Path(logdir, link).symlink_to(outside)
    writer = open_writer(name, logdir)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        writer.add_embedding(np.ones((2, 2)), tag="e")
        writer.flush()
        writer.add_scalar("after", 1, 1)
        writer.close()
    return {"outside": sum(path.is_file() for path in outside.rglob("*")),
            "told": sum("want one inside" in str(w.message) for w in caught)}


def credentials(name: str, logdir: str) -> Result:
    """URLs with a password: the parts that exceptions, attributes, names and warnings show."""
    os.environ["AWS_SECRET_ACCESS_KEY"] = PASSWORD
    os.chdir(logdir)
    seen = []
    for url in ("memory://user:{}@bucket/run", "nosuch://user:{}@bucket/run",
                "ftp://user:{}@127.0.0.1:9/run", "http://user:{}@127.0.0.1:9/run"):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                writer = open_writer(name, url.format(PASSWORD))
                writer.add_scalar("v", 1)
                writer.close()
                seen += [str(getattr(writer, "path", "")), writer.logdir, repr(writer)]
            except Exception as error:
                seen += [str(error), repr(error)]
                if not error.__suppress_context__:
                    seen += [repr(error.__context__), repr(error.__cause__)]
        seen += [str(w.message) for w in caught]
    seen += [str(path) for path in Path(logdir).rglob("*")]
    return {"shown": sum(PASSWORD in text for text in seen), "of": len(seen)}


def too_large(name: str, logdir: str) -> Result:
    """2.1 GB of text, and as much in arrays whose pages were never touched."""
    writer = open_writer(name, logdir)
    size = 2_200_000_000
    values: Dict[str, Any] = {"add_text": "x" * size}
    if name == "tbwriter":
        values.update(add_tensor=np.zeros(size, np.uint8), add_image=np.zeros((100, size // 100)),
                      add_audio=np.zeros(size // 4, np.float32),
                      add_video=np.zeros((2, 1, 1, 10000, size // 20000), np.uint8),
                      add_mesh=np.zeros((1, size // 12, 3), np.float32))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    worst, refused = 0.0, []
    for method, value in values.items():
        start = time.perf_counter()
        try:
            getattr(writer, method)("big", value, 1)
        except Exception as error:  # protobuf's is no ValueError
            refused.append(str(error))
        worst = max(worst, time.perf_counter() - start)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    writer.add_scalar("after", 1, 1)
    writer.close()
    return {"secs_worst": worst, "grown_mb": grown, "refused": refused, "of": len(values)}


def large(name: str, logdir: str) -> Result:
    """1 GB of text, while another thread logs scalars."""
    writer = open_writer(name, logdir)
    text = "x" * 1_000_000_000
    gaps, stop = [], False

    def log() -> None:
        step = 0
        while not stop:
            start = time.perf_counter()
            writer.add_scalar("v", step, step)
            gaps.append(time.perf_counter() - start)
            step += 1
            time.sleep(0.001)
    thread = threading.Thread(target=log)
    thread.start()
    start = time.perf_counter()
    writer.add_text("big", text, 1)
    call = time.perf_counter() - start
    writer.flush()
    flushed = time.perf_counter() - start
    stop = True
    thread.join()
    writer.close()
    return {"call": call, "flushed": flushed, "adds": len(gaps), "worst": max(gaps)}


HOSTILE = ("../outside", "../../outside", "/tmp/absolute", "a/../../outside", "..", ".", "", "~",
           "a\0b", "x" * 300, "c:\\x", "\n\t\"}", "%2E%2E", "-rf", "x.tfevents.y")


def hostile_names(name: str, logdir: str) -> Result:
    """Names that lead outside: of tags, curves, trials, embeddings, and of the run."""
    os.environ["HOME"] = logdir + "/../home"
    run = f"{logdir}/run"
    os.makedirs(run)
    os.chdir(run)
    before = _outside(run)
    raised = 0
    for hostile in HOSTILE:
        text = hostile.replace("/tmp", str(Path(logdir).parent))
        for call in (lambda w: w.add_scalar(text, 1, 1), lambda w: w.add_scalars(text, {"a": 1}, 1),
                     lambda w: w.add_scalars("m", {text: 1}, 1),
                     lambda w: w.add_hparams({"a": 1}, {"b": 2}, None, text),
                     lambda w: w.add_hparams({"a": 1}, {"b": 2}, run_name=text),
                     lambda w: w.add_embedding(np.ones((2, 2)), ["a\tb", "c\nd"], tag=text),
                     lambda w: w.add_embedding(np.ones((2, 2)), global_step=text)):
            writer = open_writer(name, run)
            try:
                call(writer)
            except Exception:
                raised += 1
            writer.close()
        try:
            _with_comment(name, text)
        except Exception:
            raised += 1
    outside = sorted(_outside(run) - before)
    return {"outside": len(outside), "first": outside[:3], "raised": raised}


def _with_comment(name: str, comment: str) -> None:
    writer_class(name)(comment=comment).close()


def _outside(run: str) -> Any:
    """Files around the log directory that are not in it."""
    top = os.path.realpath(Path(run).parent.parent)
    inside = os.path.realpath(run) + os.sep
    return {os.path.join(directory, file) for directory, _, files in os.walk(top) for file in files
            if not os.path.join(os.path.realpath(directory), file).startswith(inside)}


SCENARIOS: Dict[str, Callable[[str, str], Result]] = {
    function.__name__: function for function in (
        odd_values, tags, wall_times, steps_of_64_bits, too_large, large, hostile_names, side_files,
        symbolic_links, credentials)}

if __name__ == "__main__":
    print(json.dumps(SCENARIOS[sys.argv[1]](sys.argv[2], sys.argv[3])), flush=True)
