"""`tbwriter reduce DIR... OUT`: statistics of the scalars of several seeds, step by step."""
from __future__ import annotations

import argparse
from contextlib import ExitStack
from itertools import islice
from typing import Any, BinaryIO, Callable, Dict, Iterator, List, NamedTuple, Optional
from typing import Sequence, Tuple

import numpy as np

from .. import summary
from .._files.places import ALONE, runs_of, tree
from .._files.records import Faults
from .._parts import Part
from .._proto import messages
from .._tfrecord.frame import frame
from .._reading.run import Tags, kind_of
from ..reader import Run, read_each
from ._arguments import Matcher, add_jobs, add_json, add_names, add_out, matcher
from ._exit import FOUND, GOOD
from ._index import UNREADABLE
from ._output import Output
from ._table import table
from ._text import plural, print_json, say

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
    """What became of one run. seeds: how many have it. steps: of all tags together; lacking: those
    that some seeds lack; same_step: values that a later one of their seed, tag and step replaces.
    other_tags: how many tags are no scalars."""

    name: str
    seeds: int
    tags: int
    read: int
    same_step: int
    steps: int
    lacking: int
    written: int
    other_tags: int


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
    with Output(options.out, options.dirs) as output:
        names = list(filter(matcher(options.run), dict.fromkeys(
            name for seed in seeds for name in seed)))
        # A run is read again and again, once per seed, so the number of the seed is in its name.
        read = read_each({f"{number} {name}": seed[name] for name in names
                          for number, seed in enumerate(seeds) if name in seed}, options.jobs)
        for name in names:
            runs = list(islice(read, sum(name in seed for seed in seeds)))
            done.append(_reduce(name, runs, len(seeds), output, options))
            for one in runs:
                faults.add(one.faults)
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
    return list(seeds.values())


def _reduce(name: str, runs: Sequence[Run], seeds: int, output: Output,
            options: argparse.Namespace) -> Reduced:
    count = others = read = same = steps = lacking = written = 0
    start = _start(runs)
    with ExitStack() as files:
        outs = {statistic: _Out(statistic if name == "." else f"{name}/{statistic}", start, output,
                                files) for statistic in options.stat}
        for tag in _tags(runs, matcher(options.tag)):
            points = [_last_values(run_, tag) for run_ in runs if kind_of(run_, tag) == "scalar"]
            if not points:
                others += 1
                continue
            count += 1
            step, wall_time, values = (np.concatenate(column) for column in
                                       zip(*(point[:3] for point in points)))
            read += sum(point[3] for point in points)
            same += sum(point[3] - len(point[0]) for point in points)
            order = np.argsort(step, kind="stable")
            each, starts, counts = np.unique(step[order], return_index=True, return_counts=True)
            wanted = counts == seeds if options.complete else counts > 0
            steps += len(each)
            lacking += int((counts < seeds).sum())
            with np.errstate(all="ignore"):
                times = _mean(wall_time[order], starts, counts)
                for statistic, out in outs.items():
                    numbers = _STATISTICS[statistic](values[order], starts, counts)
                    written += out.add(tag, each[wanted], times[wanted], numbers[wanted])
    return Reduced(name, len(runs), count, read, same, steps, lacking, written, others)


def _tags(runs: Sequence[Run], fits: Matcher) -> Iterator[str]:
    """The tags of all seeds, each once, without a list of them: there may be a million."""
    for at, run_ in enumerate(runs):
        for tag in Tags(run_, fits):
            if not any(kind_of(earlier, tag) for earlier in runs[:at]):
                yield tag


def _start(runs: Sequence[Run]) -> float:
    """The earliest time of all scalars; 0 where none is finite."""
    found = (times[np.isfinite(times)].min(initial=np.inf)
             for times in (run_.scalars(tag).wall_times for run_ in runs
                           for tag, kind in Tags(run_).items() if kind == "scalar"))
    earliest = min(found, default=np.inf)
    return float(earliest) if np.isfinite(earliest) else 0.0


def _last_values(run: Run, tag: str) -> Tuple[Any, Any, Any, int]:
    """Steps, times and values of a tag, the last value of each step; and how many there are."""
    series = run.scalars(tag)
    backwards = np.unique(series.steps[::-1], return_index=True)[1]
    last = len(series.steps) - 1 - backwards
    return series.steps[last], series.wall_times[last], series.values[last], len(series.steps)


class _Out:
    """One run of the output. Its file begins with its first scalar, and ends with `files`."""

    def __init__(self, name: str, start: float, output: Output, files: ExitStack) -> None:
        self._name = name
        self._start = start
        self._output = output
        self._files = files
        self._file: Optional[BinaryIO] = None

    def add(self, tag: str, steps: Array, wall_times: Array, values: Array) -> int:
        """Write the scalars of one tag, and give their number."""
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
        say(f"damaged: {fault}")
    if faults.more:
        say(f"damaged: {plural(faults.more, 'more place')}")
    for name, path in output.renamed.items():
        say(f"renamed: {name} -> {path}")
    for one in done:
        if one.other_tags:
            say(f"note: not in the output: {plural(one.other_tags, 'tag')} of other kinds of the "
                f"run {one.name}")
    lacking = "lack a seed" + (", left out" if options.complete else "")
    rows = [[one.name, *map(str, one[1:-1])] for one in done]
    for line in table(["run", "seeds", "tags", "values read", "same step", "steps", lacking,
                       "values written"], rows, "lrrrrrrr"):
        say(line)
    say()
    say(f"{', '.join(options.stat)} of {plural(len(done), 'run')} written to {options.out}")
