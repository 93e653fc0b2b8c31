"""Rules, findings, and the sums of findings that fit on a screen."""
from __future__ import annotations

from collections import Counter
from typing import Counter as Counts, Dict, Iterable, Iterator, List, NamedTuple, Tuple

ERROR = "error"
"""The level of a rule: something is not shown, or shown wrongly."""
WARNING = "warning"
"""The level of a rule: all values are shown, but something may go wrong or was not intended."""

MOST = 2000
"""How many findings of a rule are listed: a log may have a million tags."""

_WORST_FIRST = (ERROR, WARNING)
# How many characters are escaped at a time.
_PIECE = 1 << 16


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

    The first 2000 findings of a rule are listed. One more, whose path and tag are "", counts all
    others.
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
        return "".join(parts(self))


def parts(finding: Finding) -> Iterator[str]:
    """The text of a finding in parts: a tag may have megabytes."""
    yield f"{finding.level}: {finding.rule}: "
    if finding.path:
        yield finding.path
        if finding.tag:
            yield ", tag "
            yield from _quoted(finding.tag)
        yield ": "
    yield finding.what
    if finding.times > 1:
        yield f" (and {finding.times - 1} more)"


def _quoted(text: str) -> Iterator[str]:
    """`repr(text)` in parts."""
    quote, other = "\"'" if "'" in text and '"' not in text else "'\""
    yield quote
    for at in range(0, len(text), _PIECE):
        # The other quote lets `repr` choose the same one for each part.
        yield repr(other + text[at:at + _PIECE])[2:-1]
    yield quote


class Findings:
    """Collects the findings of one run: one for each rule, file and tag. Of each rule it lists the
    first `MOST`; one more finding counts all others."""

    def __init__(self, run: str) -> None:
        self._run = run
        self._found: Dict[Tuple[Rule, str, str], Tuple[int, str]] = {}
        self._listed: Counts[Rule] = Counter()

    def add(self, rule: Rule, path: str, tag: str, what: str, times: int = 1) -> None:
        key = rule, path, tag
        if key not in self._found:
            self._listed[rule] += 1
            if self._listed[rule] > MOST:
                key, what = (rule, "", ""), _elsewhere(path, tag, what)
        before, first = self._found.get(key, (0, what))
        self._found[key] = before + times, first

    def all(self) -> List[Finding]:
        """The findings, errors first."""
        return worst_first([
            Finding(rule.name, rule.level, self._run, path, tag, times, what, rule.fast,
                    rule.python, rule.fix)
            for (rule, path, tag), (times, what) in self._found.items()])


def limited(findings: Iterable[Finding]) -> Iterator[Finding]:
    """The findings of a log directory: the first `MOST` of each rule, then one for all others."""
    listed: Counts[str] = Counter()
    others: Dict[str, Finding] = {}
    for one in findings:
        listed[one.rule] += 1
        if listed[one.rule] <= MOST:
            yield one
            continue
        first = others.setdefault(one.rule, one._replace(
            path="", tag="", times=0, what=_elsewhere(one.path, one.tag, one.what)))
        others[one.rule] = first._replace(times=first.times + one.times)
    yield from others.values()


def _elsewhere(path: str, tag: str, what: str) -> str:
    """The text of the finding for all that are not listed, with the first of them."""
    if not path:  # it is such a text already
        return what
    where = f"{path}, tag {tag!r}" if tag else path
    return f"not listed one by one, such as {where}: {what}"


def worst_first(findings: Iterable[Finding]) -> List[Finding]:
    """The findings with errors before warnings.

        first = worst_first(Directory("runs").findings())[:1]

    Otherwise they keep the given order.
    """
    return sorted(findings, key=lambda finding: _WORST_FIRST.index(finding.level))


class Sum(NamedTuple):
    """All findings of one rule.

    first: an example. times: how often it was found. runs, tags: in how many runs, and for how many
        tags, of the findings that are listed.
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
