"""`tbwriter reduce DIR... OUT`: statistics of the scalars of several seeds, step by step."""
from __future__ import annotations

import argparse
import os
import sys
from contextlib import ExitStack
from functools import partial
from itertools import islice
from tempfile import TemporaryDirectory
from typing import Any, BinaryIO, Callable, Dict, Iterable, Iterator, List, NamedTuple, Optional
from typing import Sequence

import numpy as np

from .. import summary
from .._files.places import ALONE, base_name, is_event_file, runs_of, tree
from .._files.records import UNREADABLE, Faults
from .._parts import Part
from .._proto import messages
from .._reading.ahead import Copies, in_processes
from .._tfrecord.frame import frame
from ._arguments import Matcher, add_jobs, add_json, add_names, add_out, matcher
from ._exit import FOUND, GOOD
from ._index import PURGED, SAME_STEP, Source
from ._output import Output
from ._points import Points, Together, points_of
from ._table import table
from ._text import plural, print_json, say, shown

HELP = ("Write the mean and other statistics of the scalars of several runs, such as seeds, step "
        "by step.")

Array = Any  # np.ndarray, whose generic form numpy 1.19 does not have

# Of values that are sorted by step: where each step begins, and how many values it has.
_Statistic = Callable[[Array, Array, Array], Any]


def _mean(values: Array, starts: Array, counts: Array) -> Any:
    return np.add.reduceat(values, starts) / counts


def _std(values: Array, starts: Array, counts: Array) -> Any:
    apart = values - np.repeat(_mean(values, starts, counts), counts)
    return np.sqrt(_mean(apart * apart, starts, counts))


def _median(values: Array, starts: Array, counts: Array) -> Any:
    step = np.repeat(np.arange(len(starts)), counts)
    ordered = values[np.lexsort((values, step))]  # NaN last
    middle = (ordered[starts + (counts - 1) // 2] + ordered[starts + counts // 2]) / 2
    return np.where(np.isnan(np.maximum.reduceat(values, starts)), np.nan, middle)


_STATISTICS: Dict[str, _Statistic] = {
    "mean": _mean, "std": _std, "median": _median,
    "min": lambda values, starts, counts: np.minimum.reduceat(values, starts),
    "max": lambda values, starts, counts: np.maximum.reduceat(values, starts),
    "count": lambda values, starts, counts: counts,
}


class Reduced(NamedTuple):
    """The result for one run. seeds: how many have it. purged: values that a restart purged;
    same_step: those that a later one of their seed, tag and step replaces. steps: of all tags
    together; lacking: those that some seeds lack. other_tags: how many tags are no scalars;
    unfit: how many values are damaged, or of another kind than their tag."""

    name: str
    seeds: int
    tags: int
    read: int
    purged: int
    same_step: int
    steps: int
    lacking: int
    written: int
    other_tags: int
    unfit: int


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_json(parser)
    parser.add_argument("--stat", type=_statistics, default=["mean", "std", "min", "max"],
                        metavar="NAMES", help=f"of {', '.join(_STATISTICS)}, with commas between "
                        "(mean,std,min,max); std divides by the number of values")
    parser.add_argument("--complete", action="store_true",
                        help="only steps that every seed has")
    add_names(parser)
    parser.add_argument("dirs", metavar="DIR", nargs="+", help="a log directory per seed; or one "
                        "directory, in which each directory is a seed")
    add_jobs(parser)
    add_out(parser)


def run(options: argparse.Namespace) -> int:
    seeds = _seeds(options.dirs)
    if len(seeds) < 2:
        raise ValueError(f"got {plural(len(seeds), 'seed')}, want at least 2: log directories, or "
                         "one directory with a directory per seed")
    done, faults = [], Faults()
    with Output(options.out, options.dirs) as output, \
            TemporaryDirectory(prefix="tbwriter-") as directory:
        names = list(filter(matcher(options.run), dict.fromkeys(
            name for seed in seeds for name in seed)))
        read = _read([seed[name] for name in names for seed in seeds if name in seed], options,
                     directory)
        for name in names:
            runs = list(islice(read, sum(name in seed for seed in seeds)))
            done.append(_reduce(name, runs, len(seeds), output, options))
            for one in runs:
                faults.add(one.faults)
                os.unlink(one.path)
    if options.json:
        print_json({"out": options.out, "statistics": options.stat, "seeds": len(seeds),
                    "runs": [one._asdict() for one in done], "renamed": output.renamed,
                    "faults": list(map(str, faults)), "more_faults": faults.more})
    else:
        _print(done, faults, output, options)
    unreadable = any(fault.kind == UNREADABLE for fault in faults)
    return GOOD if any(one.written for one in done) and not unreadable else FOUND


def _statistics(text: str) -> List[str]:
    names = text.split(",")
    unknown = [name for name in names if name not in _STATISTICS]
    if unknown or len(set(names)) < len(names):
        raise argparse.ArgumentTypeError(
            f"got {text}, want names of {', '.join(_STATISTICS)}, each once")
    return names


def _seeds(logdirs: Sequence[str]) -> List[Dict[str, List[str]]]:
    """{run: its event files} of each seed."""
    found = [tree(logdir) for logdir in logdirs]
    if len(found) > 1 or ALONE in found[0]:
        return [runs_of(one) for one in found]
    seeds: Dict[str, Dict[str, List[str]]] = {}
    for run_name, paths in runs_of(found[0]).items():
        seed, _, below = run_name.partition("/")
        if run_name != ".":
            seeds.setdefault(seed, {})[below or "."] = paths
        elif any(map(is_event_file, map(base_name, paths))):
            print(f"tbwriter: not a seed: the event files in {shown(logdirs[0])} itself",
                  file=sys.stderr)
    return list(seeds.values())


def _read(found: Sequence[Sequence[str]], options: argparse.Namespace, directory: str
          ) -> Iterator[Points]:
    """The points of runs, each given by its event files, one after another or in processes.
    directory: of the files with the points."""
    points = partial(points_of, fits=matcher(options.tag), directory=directory)
    with Copies(path for paths in found for path in paths) as copies:
        sources = ([Source(path, 0, copies.next(path)) for path in paths] for paths in found)
        jobs = min(options.jobs, len(found))
        read: Iterable[Points] = in_processes(points, sources, jobs) if jobs > 1 \
            else map(points, sources)
        yield from read


def _reduce(name: str, runs: Sequence[Points], seeds: int, output: Output,
            options: argparse.Namespace) -> Reduced:
    count = others = steps = lacking = written = 0
    earliest = min(one.start for one in runs)
    start = earliest if np.isfinite(earliest) else 0.0
    together = Together(runs)
    with ExitStack() as files:
        outs = {statistic: _Out(statistic if name == "." else f"{name}/{statistic}", start, output,
                                files) for statistic in options.stat}
        for tag in _tags(runs, matcher(options.tag)):
            if not any(one.is_scalar(tag) for one in runs):
                others += 1
                continue
            count += 1
            for points in together.of(tag):
                points = points[np.argsort(points["step"], kind="stable")]
                each, starts, counts = np.unique(points["step"], return_index=True,
                                                 return_counts=True)
                wanted = counts == seeds if options.complete else counts > 0
                steps += len(each)
                lacking += int((counts < seeds).sum())
                with np.errstate(all="ignore"):
                    times = _mean(points["wall_time"], starts, counts)
                    for statistic, out in outs.items():
                        numbers = _STATISTICS[statistic](points["value"], starts, counts)
                        written += out.add(tag, each[wanted], times[wanted], numbers[wanted])
    read, purged, same, unfit = (sum(column) for column in zip(*(
        (one.read, one.purged, one.same_step, one.unfit) for one in runs)))
    return Reduced(name, len(runs), count, read, purged, same, steps, lacking, written, others,
                   unfit)


def _tags(runs: Sequence[Points], fits: Matcher) -> Iterator[str]:
    """The tags of all seeds, each once, without a list of them: there may be a million."""
    for at, one in enumerate(runs):
        for tag in filter(fits, one.tags.names()):
            if all(earlier.tags.find(tag) is None for earlier in runs[:at]):
                yield tag


class _Out:
    """One run of the output. Its file is made with its first scalar, and closed with `files`."""

    def __init__(self, name: str, start: float, output: Output, files: ExitStack) -> None:
        self._name = name
        self._start = start
        self._output = output
        self._files = files
        self._file: Optional[BinaryIO] = None

    def add(self, tag: str, steps: Array, wall_times: Array, values: Array) -> int:
        """Write the scalars of one tag. Returns how many they are."""
        if not len(steps):
            return 0
        if self._file is None:
            seconds = int(min(max(self._start, 0.0), 9_999_999_999))
            file, _ = self._output.create(self._name,
                                          f"events.out.tfevents.{seconds:010d}.tbwriter")
            self._file = self._files.enter_context(file)
            self._write(messages.file_version(self._start))
        for step, wall_time, value in zip(steps.tolist(), wall_times.tolist(), values.tolist()):
            time = wall_time if np.isfinite(wall_time) else self._start
            self._write(*messages.event(time, step, summary.scalar(tag, value).event_field()))
        return len(steps)

    def _write(self, *event: Part) -> None:
        assert self._file is not None
        for part in frame(list(event)):
            self._file.write(part)


def _print(done: Sequence[Reduced], faults: Faults, output: Output,
           options: argparse.Namespace) -> None:
    for fault in faults:
        say(["damaged: ", str(fault)])
    if faults.more:
        say(f"damaged: {plural(faults.more, 'more place')}")
    for name, path in output.renamed.items():
        say(f"renamed: {name} -> {path}")
    for one in done:
        if one.other_tags:
            say(f"note: not in the output: {plural(one.other_tags, 'tag')} of other kinds of the "
                f"run {one.name}")
        if one.unfit:
            say(f"note: not in the output: {plural(one.unfit, 'value')} of the run {one.name}, "
                "damaged or of another kind than the tag")
    lacking = "lack a seed" + (", left out" if options.complete else "")
    rows = [[one.name, *map(str, one[1:-2])] for one in done]
    for line in table(["run", "seeds", "tags", "values read", PURGED, SAME_STEP, "steps",
                       lacking, "values written"], lambda: rows, "lrrrrrrrr"):
        say(line)
    say()
    say(f"{', '.join(options.stat)} of {plural(len(done), 'run')} written to {options.out}")
