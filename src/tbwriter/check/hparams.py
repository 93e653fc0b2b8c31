"""Hyperparameters of all runs: experiments and sessions have to fit each other."""
from __future__ import annotations

from typing import Dict, List, Set

from .finding import ERROR, Finding, Findings, rule
from .._proto import parse, schema, wire
from .._proto.plugin_schema import Experiment, HParamInfo, HParamsPluginData, SessionStartInfo
from .._proto.wire import WireError

EXPERIMENTS = rule("hparams experiments", ERROR, "the columns of one of them",
                   "write the same experiment, or none, in all runs")
HIDDEN = rule("hparams hidden", ERROR, "not these columns",
              "name all hyperparameters in the experiment, or leave it out")

RULES = (EXPERIMENTS, HIDDEN)


class HParams:
    """The experiments and sessions of a log directory."""

    def __init__(self) -> None:
        # {the columns of an experiment: the first run with them}
        self._experiments: Dict[bytes, str] = {}
        self._named: List[Set[str]] = []
        self._used: Set[str] = set()

    def add(self, run: str, content: bytes) -> None:
        """The plugin's content of one tag."""
        try:
            experiment = parse.bytes_of(content, HParamsPluginData.EXPERIMENT)
            start = parse.bytes_of(content, HParamsPluginData.SESSION_START_INFO)
            if experiment is not None:
                # The columns do not depend on when the experiment was made.
                columns = b"".join(
                    wire.bytes_field(number, bytes(item))
                    for number in (Experiment.HPARAM_INFOS, Experiment.METRIC_INFOS)
                    for item in sorted(map(bytes, parse.each(experiment, number))))
                self._experiments.setdefault(columns, run)
                self._named.append({
                    parse.string_of(info, HParamInfo.NAME)
                    for info in parse.each(experiment, Experiment.HPARAM_INFOS)})
            elif start is not None:
                for name, _ in parse.entries(start, SessionStartInfo.HPARAMS):
                    self._used.add(name)
        except WireError:
            pass  # found as a fault of the plugin's content

    def merge(self, other: "HParams") -> None:
        """Add those of further runs."""
        for columns, run in other._experiments.items():
            self._experiments.setdefault(columns, run)
        self._named += other._named
        self._used |= other._used

    def findings(self, logdir: str) -> List[Finding]:
        runs = list(self._experiments.values())
        found = Findings(runs[-1] if runs else "")
        if len(runs) > 1:
            found.add(EXPERIMENTS, logdir, schema.EXPERIMENT_TAG,
                      f"{len(runs)} that differ, the first two in {runs[0]!r} and {runs[1]!r}")
        elif self._named:
            hidden = sorted(self._used - self._named[0])
            if hidden:
                found.add(HIDDEN, logdir, schema.EXPERIMENT_TAG,
                          f"it does not name {', '.join(hidden[:8])}"
                          + (f" and {len(hidden) - 8} more" if len(hidden) > 8 else ""))
        return found.all()
