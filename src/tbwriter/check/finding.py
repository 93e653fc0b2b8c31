"""Rules, findings, and the sums of findings that fit on a screen."""
from __future__ import annotations

from typing import Dict, Iterable, List, NamedTuple, Tuple

ERROR = "error"
"""The level of a rule: something is not shown, or shown wrongly."""
WARNING = "warning"
"""The level of a rule: all values are shown, but something may go wrong or was not intended."""

_WORST_FIRST = (ERROR, WARNING)


class Rule(NamedTuple):
    """One kind of fault: what each loader of TensorBoard shows, and how to fix it.

    name: its key in `check.RULES`. level: `ERROR` or `WARNING`. fast, python: what TensorBoard's
        default loader and its Python one show. fix: how to fix it.
    """

    name: str
    level: str
    fast: str
    python: str
    fix: str


def rule(name: str, level: str, shown: str, fix: str) -> Rule:
    """A rule about which both loaders agree."""
    return Rule(name, level, shown, shown, fix)


class Finding(NamedTuple):
    """One fault in one place.

    rule: its name, a key of `check.RULES`. level: "error" (something is not shown, or shown
    wrongly) or "warning" (a hazard). run, path, tag: where ("" where it concerns no tag). times:
    how often. what: the first occurrence, with numbers. fast, python: what each of TensorBoard's
    loaders shows. fix: how to fix it.
    """

    rule: str
    level: str
    run: str
    path: str
    tag: str
    times: int
    what: str
    fast: str
    python: str
    fix: str

    def __str__(self) -> str:
        where = f"{self.path}, tag {self.tag!r}" if self.tag else self.path
        more = f" (and {self.times - 1} more)" if self.times > 1 else ""
        return f"{self.level}: {self.rule}: {where}: {self.what}{more}"


class Findings:
    """Collects the findings of one run: one for each rule, file and tag."""

    def __init__(self, run: str) -> None:
        self._run = run
        self._found: Dict[Tuple[Rule, str, str], Tuple[int, str]] = {}

    def add(self, rule: Rule, path: str, tag: str, what: str, times: int = 1) -> None:
        before, first = self._found.get((rule, path, tag), (0, what))
        self._found[rule, path, tag] = before + times, first

    def all(self) -> List[Finding]:
        """The findings, errors first."""
        return worst_first([
            Finding(rule.name, rule.level, self._run, path, tag, times, what, rule.fast,
                    rule.python, rule.fix)
            for (rule, path, tag), (times, what) in self._found.items()])


def worst_first(findings: Iterable[Finding]) -> List[Finding]:
    """The findings with errors before warnings.

        first = worst_first(Directory("runs").findings())[:1]

    Otherwise they keep the given order.
    """
    return sorted(findings, key=lambda finding: _WORST_FIRST.index(finding.level))


class Sum(NamedTuple):
    """All findings of one rule.

    first: an example. times: how often it was found. runs, tags: in how many runs, and for how many
        tags.
    """

    first: Finding
    times: int
    runs: int
    tags: int


def summed(findings: Iterable[Finding]) -> List[Sum]:
    """One sum per rule.

        for one in summed(check("runs")):
            print(one.times, one.first.rule)

    Errors come first, the most frequent before the others.
    """
    by_rule: Dict[str, List[Finding]] = {}
    for finding in worst_first(findings):
        by_rule.setdefault(finding.rule, []).append(finding)
    sums = [Sum(found[0], sum([one.times for one in found]), len({one.run for one in found}),
                len({(one.run, one.tag) for one in found if one.tag}))
            for found in by_rule.values()]
    return sorted(sums, key=lambda one: (_WORST_FIRST.index(one.first.level), -one.times))
