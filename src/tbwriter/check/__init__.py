"""The faults of a log directory, how TensorBoard shows them, and how to fix them.

    from tbwriter import check
    for finding in check.check("runs"):
        print(finding)

TensorBoard reads event files with one of two loaders, which differ: the fast loader (a data server,
the default on Linux), and the Python loader (everywhere else, on object stores, and with
`--load_fast=false`). A finding says what each of them shows. A directory without findings is shown
completely by both.

Each file of this package holds the rules of one subject: their texts on top, the code that finds
them below. `run` reads the files and shows each value to the rules.
"""
from __future__ import annotations

import os
from typing import Callable, Dict, Iterator, List, Optional, Tuple

from . import content, files, hparams, media, numbers, order, profile, projector, tags
from .finding import ERROR, WARNING, Finding, Findings, Rule, Sum, limited, summed, worst_first
from .run import Run
from .._files.places import Unlisted, base_name, is_url, local_path, runs_of, size_of, tree
from .._files.stream import Progress
from .._files.window import Window
from .._proto.schema import PROJECTOR_CONFIG
from .._reading.ahead import Ahead, in_processes

__all__ = ["check", "total_bytes", "Directory", "Finding", "Rule", "Sum", "summed", "worst_first",
           "RULES", "ERROR", "WARNING"]

RULES: Dict[str, Rule] = {
    rule.name: rule for subject in (files, order, tags, numbers, media, content, hparams, projector,
                                    profile)
    for rule in subject.RULES}
"""All rules by their names, in the order of the documentation."""


def check(logdir: str, progress: Optional[Progress] = None) -> List[Finding]:
    """The faults of a log directory or an event file, errors first.

        for finding in check("runs"):
            print(finding.rule, finding.run, finding.tag, finding.fix)

    logdir: a path or a URL. progress: called with the number of bytes read since the last call.

    Raises FileNotFoundError if `logdir` does not exist.
    """
    return worst_first(Directory(logdir).findings(progress))


def total_bytes(logdir: str) -> int:
    """The number of bytes that `check` reads.

        bar = tqdm(total=total_bytes("runs"))
        check("runs", progress=bar.update)

    Raises FileNotFoundError if `logdir` does not exist.
    """
    return Directory(logdir).total_bytes


def _checked(item: Tuple[str, List[str]], progress: Optional[Progress] = None,
             opened: Callable[[str], Window] = Window) -> Tuple[List[Finding], hparams.HParams]:
    """The findings of one run, and its hyperparameters."""
    name, paths = item
    trials = hparams.HParams()
    run = Run(name, trials)
    files.check_directory(paths, run.found)
    for path in paths:
        run.read(path, progress, opened)
    return run.findings(), trials


class Directory:
    """A log directory (or an event file), listed once.

        directory = Directory("runs")
        print(len(directory.runs), directory.total_bytes)

    logdir: a path or a URL. runs: {run: its event files}.

    Raises FileNotFoundError if `logdir` does not exist.
    """

    def __init__(self, logdir: str) -> None:
        self.logdir = logdir
        self._tree = tree(logdir)
        self.runs = runs_of(self._tree)

    @property
    def total_bytes(self) -> int:
        """The number of bytes that `findings` reads."""
        return sum([size_of(path) for paths in self.runs.values() for path in paths])

    def findings(self, progress: Optional[Progress] = None, jobs: int = 1) -> Iterator[Finding]:
        """The findings, run by run as they are found; those of a run with errors first. Of each
        rule the first 2000; at the end one more counts all others.

        jobs: how many processes read runs at a time. Objects are always requested several at a
        time, by this process.
        """
        return limited(self._findings(progress, jobs))

    def _findings(self, progress: Optional[Progress], jobs: int) -> Iterator[Finding]:
        trials = hparams.HParams()
        for found, of_run in self._runs(progress, jobs):
            trials.merge(of_run)
            yield from found
        yield from self._side_files()
        yield from trials.findings(self.logdir)

    def _runs(self, progress: Optional[Progress], jobs: int
              ) -> Iterator[Tuple[List[Finding], hparams.HParams]]:
        """The findings of each run, and its hyperparameters."""
        places = [path for paths in self.runs.values() for path in paths]
        if any(map(is_url, places)):
            ahead = Ahead(places)
            try:
                for item in self.runs.items():
                    yield _checked(item, progress, ahead.open)
            finally:
                ahead.close()
        elif jobs > 1 and len(self.runs) > 1:
            done = in_processes(_checked, self.runs.items(), min(jobs, len(self.runs)))
            for checked, paths in zip(done, self.runs.values()):
                yield checked
                if progress:
                    progress(sum(map(size_of, paths)))
        else:
            for item in self.runs.items():
                yield _checked(item, progress)

    def _side_files(self) -> Iterator[Finding]:
        """Check the files that are not event files."""
        known = {path: path for paths in self._tree.values() for path in paths}
        shown = bool(self.runs)
        for directory, paths in self._tree.items():
            run, session = profile.session_of(directory)
            found = Findings(run or directory)
            if session and not any(isinstance(path, Unlisted) for path in paths):
                shown = True
                place = os.path.join(local_path(self.logdir), directory)
                profile.check_session(session, place, paths, found)
            for path in paths:
                if base_name(path) == PROJECTOR_CONFIG:
                    shown = True
                    projector.check_config(path, known, found)
            yield from found.all()
        if not shown:
            nothing = Findings("")
            nothing.add(files.NO_RUNS, self.logdir, "", "no file with tfevents in its name")
            yield from nothing.all()
