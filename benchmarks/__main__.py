"""`python -m benchmarks`: measure the writers and print the results. See README.md."""
from __future__ import annotations

import argparse
import contextlib
import datetime
import json
import shutil
import sys
import tempfile
import time
from typing import Any, Dict, Iterator, List, Optional, Sequence, TextIO

from . import floors, interpreters, mxnet_resnet, networks, parts, reading, report, scaling, startup
from .cases import CASES
from .race import Course, Result, race
from .report import CASE_HEAD, PACED_HEAD, TARGET_HEAD, Met, duration, number, table, titled
from .peers import OURS, WRITERS, peers

# The measurements besides the cases.
EXTRAS = ("networks", "parts", "startup", "reading", "floors", "scaling")


def main(arguments: Optional[Sequence[str]] = None) -> int:
    options = _options(arguments)
    started = time.time()
    with _course(options) as course, _output(options.out) as out:
        absent = interpreters.missing(course.pythons, options.against)
        writers = [OURS, "crcmod", *(name for name in options.against if name not in absent)]
        cases: Dict[str, Dict[str, Result]] = {}
        text: List[str] = []
        met: List[Met] = []
        for case in options.cases:
            _note(case.title)
            try:
                results = race(case, writers, course)
            except FileNotFoundError as error:
                _note(f"left out: {error}")
                continue
            cases[case.name] = results
            for writer, result in results.items():
                _line(out, {"case": case.name, "writer": writer, **result})
            rows = [*report.case_rows(case, results), *report.absent_rows(case, writers, results)]
            head = PACED_HEAD if case.pace else CASE_HEAD
            text.append(titled(f"{case.title}, for one {case.unit}",
                               table(head, rows, options.markdown), options.markdown))
        met += report.targets(cases)
        for extra in options.extras:
            _note(extra)
            text.append(_EXTRAS[extra](course, writers, options, out, met))
    print(_heading(options, cases, absent, time.time() - started))
    print("\n".join(text))
    if met:
        print(titled("Targets", table(TARGET_HEAD, [one.row() for one in met], options.markdown),
                     options.markdown))
    return 0 if all(_clean(results) for results in cases.values()) else 1


def _clean(results: Dict[str, Result]) -> bool:
    """Whether tbwriter itself passed the verification."""
    return "error" not in results.get(OURS, {})


def _parts(course: Course, writers: Sequence[str], options: argparse.Namespace, out: TextIO,
           met: List[Met]) -> str:
    results = parts.measure(course, writers)
    rows = []
    for result in results:
        _line(out, result)
        rate = f"{number(result['rate'])} {result['unit']}" if "rate" in result else "failed"
        rows.append([result["title"], result["writer"], rate])
    return titled("The parts of a writer", table(("part", "writer", "rate"), rows,
                                                 options.markdown), options.markdown)


def _networks(course: Course, writers: Sequence[str], options: argparse.Namespace, out: TextIO,
              met: List[Met]) -> str:
    found = networks.measure(networks.writers(course.pythons["main"]), {}, options.rounds)
    trained = networks.trained(course.pythons["mxboard"], options.rounds) \
        if "mxboard" in course.pythons else []
    for result in [*found, *trained]:
        _line(out, result)
    met += [Met(*target) for target in networks.targets(found, trained)]
    text = titled("One log of all parameters and gradients of a network",
                  table(networks.HEAD, networks.rows(found), options.markdown), options.markdown)
    if trained:
        text += titled("Steps of a ResNet-18 that MXNet trains", table(
            mxnet_resnet.HEAD, mxnet_resnet.rows(trained), options.markdown), options.markdown)
    return text


def _startup(course: Course, writers: Sequence[str], options: argparse.Namespace, out: TextIO,
             met: List[Met]) -> str:
    results = startup.measure(course, writers)
    for name, result in results.items():
        _line(out, {"startup": name, **result})
    met += [Met(*target) for target in startup.targets(results)]
    rows = [[one["program"], f"{one['ms']:.1f} ms", f"±{100 * one['spread']:.0f} %"]
            for one in results.values()]
    return titled("Whole processes", table(("program", "start to end", "spread"), rows,
                                           options.markdown), options.markdown)


def _reading(course: Course, writers: Sequence[str], options: argparse.Namespace, out: TextIO,
             met: List[Met]) -> str:
    results = reading.measure(course)
    rows = []
    for result in results:
        _line(out, result)
        rows.append([result["reader"], duration(result["disk_us"]) if "disk_us" in result
                     else f"failed: {result['error']}"[:60]])
    return titled("Reading scalars, for one", table(("reader", "time"), rows, options.markdown),
                  options.markdown)


def _floors(course: Course, writers: Sequence[str], options: argparse.Namespace, out: TextIO,
            met: List[Met]) -> str:
    found = floors.measure(course)
    _line(out, {"floors": found})
    rows = []
    for whole, given in floors.WHOLES:
        if whole not in found:
            continue
        rows += [[whole, duration(found[whole]), ""],
                 *[[f"- {part}", "", duration(found[part])] for part in given]]
    return titled("What calls are made of", table(("call", "tbwriter", "given"), rows,
                                                  options.markdown), options.markdown)


def _scaling(course: Course, writers: Sequence[str], options: argparse.Namespace, out: TextIO,
             met: List[Met]) -> str:
    # Two peers are enough to compare how the costs grow.
    taking_part = [OURS, *[name for name in writers if name in peers()][:options.peers]]
    results = scaling.measure(course, taking_part)
    rows = []
    for result in results:
        _line(out, result)
        shown = ([duration(result[key]) for key in ("call_us", "disk_us")]
                 + [f"{max(0.0, result['peak_mb']):.1f} MB"]) if "disk_us" in result \
            else [f"failed: {result['error']}"[:60], "-", "-"]
        rows.append([f"{result['size']} {result['axis']}", WRITERS[result["writer"]].title,
                     *shown])
    text = table(("size", "writer", "call", "on disk", "memory"), rows, options.markdown)
    if options.plot:
        scaling.plot(results, options.plot)
        text += f"\n\nPlot: {options.plot}"
    return titled("How the cost of a call grows", text, options.markdown)


_EXTRAS = {"networks": _networks, "parts": _parts, "startup": _startup, "reading": _reading,
           "floors": _floors, "scaling": _scaling}


def _options(arguments: Optional[Sequence[str]]) -> argparse.Namespace:
    names = [case.name for case in CASES]
    groups = list(dict.fromkeys(case.group for case in CASES))
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Race tbwriter against its peers, each in a process of its own, alternating.",
        epilog=f"groups: {', '.join(groups)}\ncases: {', '.join(names)}\n"
               f"besides: {', '.join(EXTRAS)}\npeers: {', '.join(peers())}")
    parser.add_argument("what", nargs="*", metavar="CASE", default=[],
                        help="cases or groups of cases; default all")
    parser.add_argument("--against", nargs="+", metavar="PEER", choices=peers(),
                        default=peers(), help="the peers to measure; default all")
    parser.add_argument("--quick", action="store_true", help="fewer cases, events and rounds")
    parser.add_argument("--rounds", type=int, help="how often each writer runs, default 3")
    parser.add_argument("--share", type=float, default=1.0,
                        help="the share of each case's events to log, default 1")
    parser.add_argument("--out", metavar="FILE",
                        help="the file for the lines of JSON, default stdout")
    parser.add_argument("--plot", metavar="FILE", help="the file for a plot of the scaling series")
    parser.add_argument("--markdown", action="store_true", help="print the tables as Markdown")
    parser.add_argument("--homes", metavar="DIR",
                        help="the directory of benchmarks.interpreters")
    parser.add_argument("--python", action="append", default=[], metavar="HOME=PATH",
                        help=f"one interpreter, for {', '.join(interpreters.HOMES)}")
    parser.add_argument("--directory", metavar="DIR",
                        help="the directory for the logs, which are removed")
    options = parser.parse_args(arguments)
    unknown = set(options.what) - {*names, *groups, *EXTRAS}
    if unknown:
        parser.error(f"got {', '.join(sorted(unknown))}, want cases, groups or "
                     f"{', '.join(EXTRAS)}; see --help")
    what = options.what
    options.cases = [case for case in CASES if case.name in what or case.group in what
                     or not what and (case.quick or not options.quick)]
    options.extras = [extra for extra in EXTRAS if extra in what
                      or not what and (extra in ("startup",) or not options.quick)]
    options.rounds = options.rounds or (2 if options.quick else 3)
    options.share *= 0.3 if options.quick else 1.0
    options.peers = len(options.against) if len(options.against) < len(peers()) else 2
    options.command = " ".join(["python -m benchmarks", *_without_paths(arguments)])
    return options


def _without_paths(arguments: Optional[Sequence[str]]) -> List[str]:
    """The command line without options that hold paths."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    kept: List[str] = []
    skip = False
    for word in given:
        if not skip and word not in ("--python", "--homes", "--directory", "--out", "--plot"):
            kept.append(word)
        skip = word in ("--python", "--homes", "--directory", "--out", "--plot")
    return kept


@contextlib.contextmanager
def _course(options: argparse.Namespace) -> Iterator[Course]:
    pythons = interpreters.find(options.homes, options.python)
    directory = tempfile.mkdtemp(prefix="benchmarks-", dir=options.directory)
    try:
        yield Course(pythons, directory, options.rounds, options.share)
    finally:
        shutil.rmtree(directory, ignore_errors=True)


@contextlib.contextmanager
def _output(path: Optional[str]) -> Iterator[TextIO]:
    if path is None:
        yield sys.stdout
        return
    with open(path, "w", encoding="utf-8") as file:
        yield file


def _line(out: TextIO, result: Result) -> None:
    rounded: Dict[str, Any] = {key: round(value, 6) if isinstance(value, float) else value
                               for key, value in result.items()}
    print(json.dumps(rounded), file=out, flush=True)


def _note(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _heading(options: argparse.Namespace, cases: Dict[str, Dict[str, Result]],
             absent: Dict[str, str], seconds: float) -> str:
    facts = [("command", options.command), ("date", datetime.date.today().isoformat()),
             *report.machine(), ("versions", report.versions(cases)),
             ("took", f"{seconds / 60:.1f} minutes"),
             *((f"without {WRITERS[name].title}", why) for name, why in absent.items())]
    mark = "- " if options.markdown else ""
    return "\n" + "\n".join(f"{mark}{name}: {fact}" for name, fact in facts)


if __name__ == "__main__":
    sys.exit(main())
