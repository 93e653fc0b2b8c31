"""The command `tbwriter`: look at log directories, check them, mend them, get things out of them.

Exit codes: 0 all is well, 1 something is wrong or nothing is there, 2 wrong usage.
"""
from __future__ import annotations

import argparse
import io
import json
import os
import shutil
import sys
import time
from typing import Any, Dict, List, Optional, Sequence

from .. import check as checks
from .. import demo as demos
from ._export import export, overview, plain
from ._progress import bar
from ._rewrite import Report, rewrite
from .._files.records import size_of
from ._tail import Follower, in_ascii
from .._version import __version__

GOOD, FOUND, USAGE = 0, 1, 2


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Runs one command; gives the exit code."""
    if isinstance(sys.stdout, io.TextIOWrapper):  # of any terminal: names may hold anything
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        options = _parser().parse_args(arguments)
        code = int(options.run_command(options))
        sys.stdout.flush()
        return code
    except BrokenPipeError:  # whoever read our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return GOOD
    except (OSError, ValueError, ImportError) as error:
        print(f"tbwriter: {error}", file=sys.stderr)
        return USAGE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tbwriter", description="Look at TensorBoard log directories, check, mend and export "
        "them. Needs neither TensorBoard nor TensorFlow.",
        epilog="Exit codes: 0 all is well, 1 something is wrong or nothing is there, 2 wrong "
        "usage.")
    parser.add_argument("--version", action="version", version=f"tbwriter {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    def command(name: str, function: Any, text: str, out: bool = False) -> Any:
        made = commands.add_parser(name, help=text, description=text)
        made.set_defaults(run_command=function)
        if out:
            made.add_argument("--json", action="store_true", help="print JSON")
        return made

    demo = command("demo", _demo, "Write one of everything TensorBoard shows.")
    demo.add_argument("dir", metavar="DIR", help="a new or empty directory")

    show = command("show", _show, "List runs and tags: kinds, counts, steps, times.", True)
    tail = command("tail", _tail, "Follow the scalars of a growing run with small charts.")
    tail.add_argument("--once", action="store_true", help="show what is there, and end")
    tail.add_argument("--interval", type=_seconds, default=1.0, metavar="S",
                      help="seconds between looks (1)")
    check = command("check", _check, "Find what TensorBoard would not show, or wrongly, and say "
                    "how to mend it.", True)
    repair = command("repair", _rewrite, "Write a mended copy: every value that can be read, in "
                     "order. The original stays as it is.", True)
    merge = command("merge", _merge, "Join log directories: runs of one name become one file.",
                    True)
    thin = command("thin", _rewrite, "Write a copy with fewer points.", True)
    get = command("export", _export, "Print scalars and text as CSV or JSON lines; write images "
                  "and sounds to files.")

    for one in (show, tail, check, repair, thin, get):
        one.add_argument("dir", metavar="DIR", help="a log directory or an event file, a path or "
                         "a URL such as s3://bucket/logs")
    for one in (repair, thin):
        one.add_argument("out", metavar="OUT", help="a new or empty directory")
    thin.add_argument("--points", type=_positive, default=1000, metavar="N",
                      help="how many values of each tag to keep at most (1000)")
    merge.add_argument("out", metavar="OUT", help="a new or empty directory")
    merge.add_argument("dirs", metavar="DIR", nargs="+", help="log directories")
    for one in (show, tail, get):
        one.add_argument("--run", default="*", metavar="NAME", help="only runs like NAME (*, ?)")
        one.add_argument("--tag", default="*", metavar="NAME", help="only tags like NAME (*, ?)")
    get.add_argument("--format", choices=("csv", "jsonl"), default="csv",
                     help="csv, or jsonl: an object a line (csv)")
    get.add_argument("--output", metavar="FILE", help="write there instead of printing")
    get.add_argument("--files", metavar="OUT", help="write images and sounds into this directory")
    return parser


def _positive(text: str) -> int:
    number = int(text) if text.isdigit() else 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"got {text}, want a whole number of at least 1")
    return number


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < 1e6:
        raise argparse.ArgumentTypeError(f"got {text}, want seconds above 0")
    return seconds


def _demo(options: argparse.Namespace) -> int:
    if not options.dir:
        raise ValueError("got '', want a directory")
    demos.demo(options.dir)
    print(f"Written. See it with:\n\n    tensorboard --logdir {options.dir}\n")
    return GOOD


def _show(options: argparse.Namespace) -> int:
    runs = overview(options.dir, options.run, options.tag)
    if options.json:
        _print_json(runs)
    else:
        for run in runs:
            _show_run(run)
        if not runs:
            like = f" like {options.run}" if options.run != "*" else ""
            print(f"no runs{like} in {options.dir}")
    return FOUND if not runs or any(run["faults"] for run in runs) else GOOD


def _show_run(run: Dict[str, Any]) -> None:
    size = sum(map(size_of, run["files"]))
    print(f"{run['run']}  ({len(run['files'])} file{'s' * (len(run['files']) != 1)}, "
          f"{_size(size)})")
    rows = [("tag", "kind", "count", "steps", "from", "to")]
    for tag in run["tags"]:
        steps = tag["steps"]
        rows.append((tag["tag"], tag["kind"], str(tag["count"]),
                     f"{steps[0]}..{steps[1]}" if steps[0] != steps[1] else str(steps[0]),
                     *map(_time, tag["wall_times"])))
    widths = [max(map(len, column)) for column in zip(*rows)]
    for row in rows if len(rows) > 1 else []:
        print("  " + "  ".join(f"{cell:{width}}" for cell, width in zip(row, widths)).rstrip())
    if run["hparams"]:
        print("  hparams: " + ", ".join(f"{name}={value}"
                                        for name, value in run["hparams"].items()))
    for fault in run["faults"]:
        print(f"  damaged: {fault}")
    print()


def _size(nbytes: float) -> str:
    for unit in ("B", "kB", "MB"):
        if nbytes < 1000:
            return f"{nbytes:.0f} {unit}" if unit == "B" else f"{nbytes:.1f} {unit}"
        nbytes /= 1000
    return f"{nbytes:.1f} GB"


def _time(seconds: float) -> str:
    try:
        return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))
    except (OverflowError, ValueError, OSError):
        return str(seconds)


def _tail(options: argparse.Namespace) -> int:
    follower = Follower(options.dir, options.run, options.tag)
    clear = "\x1b[H\x1b[2J" if sys.stdout.isatty() and not options.once else ""
    try:
        while True:
            if follower.read() or options.once:
                size = shutil.get_terminal_size()
                lines = follower.lines(size.columns) or ["no scalars yet"]
                if clear and len(lines) > size.lines - 1:
                    shown = max(1, size.lines - 2)
                    lines[shown:] = [f"and {len(lines) - shown} more: choose with --run and --tag"]
                text = "\n".join(lines)
                print(clear + (text if _knows_bars() else in_ascii(text)), flush=True)
            if options.once:
                return GOOD
            time.sleep(options.interval)
    except KeyboardInterrupt:
        return GOOD


def _knows_bars() -> bool:
    try:
        return bool("▁█×…".encode(sys.stdout.encoding or "ascii"))
    except UnicodeEncodeError:
        return False


def _check(options: argparse.Namespace) -> int:
    with bar(checks.total_bytes(options.dir), "check") as done:
        findings = checks.check(options.dir, done)
    if options.json:
        _print_json([finding._asdict() for finding in findings])
    else:
        for finding in findings:
            print(f"{finding}\n")
        print(f"{len(findings) or 'nothing'} found in {options.dir}")
    return FOUND if findings else GOOD


def _rewrite(options: argparse.Namespace) -> int:
    return _written([options.dir], options, getattr(options, "points", None))


def _merge(options: argparse.Namespace) -> int:
    return _written(options.dirs, options, None)


def _written(logdirs: List[str], options: argparse.Namespace, points: Optional[int]) -> int:
    with bar(sum(map(checks.total_bytes, logdirs)), "read") as done:
        report = rewrite(logdirs, options.out, points, done)
    _print_report(report, options)
    return GOOD if report.written else FOUND


def _print_report(report: Report, options: argparse.Namespace) -> None:
    if options.json:
        _print_json({"out": options.out, "runs": report.runs, "found": report.found,
                     "written": report.written, "faults": [str(fault) for fault in report.faults]})
        return
    for fault in report.faults:
        print(f"passed over: {fault}")
    print(f"{report.written} of {report.found} values in {report.runs} "
          f"run{'s' * (report.runs != 1)} written to {options.out}")


def _export(options: argparse.Namespace) -> int:
    if options.output is None:
        _say_utf8()
        rows = export(options.dir, sys.stdout, options.format, options.run, options.tag,
                      options.files)
    else:
        with open(options.output, "w", encoding="utf-8", newline="") as out:
            rows = export(options.dir, out, options.format, options.run, options.tag,
                          options.files)
    if not rows:
        print("tbwriter: nothing to export", file=sys.stderr)
    return GOOD if rows else FOUND


def _say_utf8() -> None:
    """What programs read is UTF-8, whatever the terminal speaks."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", newline="\n")


def _print_json(value: Any) -> None:
    _say_utf8()
    print(json.dumps(plain(value), indent=2, ensure_ascii=False))
