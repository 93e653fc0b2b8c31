"""`tbwriter show DIR`: runs and tags, kinds, counts, steps, times; profiles."""
from __future__ import annotations

import argparse
import hashlib
import math
import re
from functools import partial
from itertools import islice
from typing import Any, Dict, Iterable, Iterator, List, Sequence

from .._files.names import Names
from .._files.places import base_name, runs_of, size_of, tree
from .._files.window import ReadError
from .._reading.run import Tags, forget
from ..reader import Run
from ._arguments import add_dir, add_jobs, add_json, add_names, matcher
from ._chosen import chosen
from ._exit import FOUND, GOOD
from ._table import table
from ._text import local_time, number, plural, print_json, say, size

HELP = "List runs and tags: kinds, counts, steps, times."

# At least this many runs with the same tags become one table with a row per run.
_ALIKE = 3
# How many scalars have a column in it.
_COLUMNS = 4
# Kinds of tags that are not for people to look at: hyperparameters have columns of their own.
_INTERNAL = {"hparams", "layout"}
_MESH_PART = re.compile(r"_(VERTEX|FACE|COLOR)$")
_PROFILE = re.compile(r"(?:(.+)/)?plugins/profile/([^/]+)", re.DOTALL)
_PROFILE_FILE = ".xplane.pb"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_json(parser)
    parser.add_argument("--all", action="store_true", help="each run separately, and tags that "
                        "only TensorBoard uses, such as _hparams_/session_start_info")
    add_names(parser)
    add_jobs(parser)
    add_dir(parser)


def run(options: argparse.Namespace) -> int:
    found = tree(options.dir)
    profiles = _profiles(found)
    runs = [_overview(one, tags, profiles.pop(one.name, [])) for one, tags in
            chosen(runs_of(found), options.run, options.tag, options.jobs)]
    fits = matcher(options.run)
    runs += [_overview(empty, Tags(empty), sessions) for empty, sessions in (
        (Run(name, []), sessions) for name, sessions in profiles.items() if fits(name))]
    if options.json:
        print_json(runs)
    else:
        _print(runs, options)
    return FOUND if not runs or any(one["faults"] for one in runs) else GOOD


def _overview(run: Run, tags: Tags, profiles: List[Dict[str, Any]]) -> Dict[str, Any]:
    """The facts about a run: its files, tags, hyperparameters, profiles and faults."""
    rows = _Tags(run, tags)
    faults = [str(fault) for fault in run.faults]
    if run.faults.more:
        faults.append(plural(run.faults.more, "more place"))
    values: Dict[str, Any] = {}
    try:
        values = run.hparams.values if run.hparams else {}
    except ReadError as error:
        faults.append(str(error))
    return {"run": run.name, "files": run.files, "writers": run.writers, "faults": faults,
            "hparams": values, "tags": rows, "profiles": profiles}


class _Tags(Sequence[Dict[str, Any]]):
    """The facts about each tag of a run, which are found when they are asked for: there may be a
    million tags. Of tags with many values, only the facts are kept."""

    def __init__(self, run: Run, tags: Tags) -> None:
        forget(run)
        self._tags = tags

    def __len__(self) -> int:
        return len(self._tags)

    def __getitem__(self, at: Any) -> Any:
        name, kind, facts = self._tags.facts(at)
        found = {"tag": name, "kind": kind, "count": facts.n, "steps": facts.steps,
                 "wall_times": facts.wall_times}
        if kind == "scalar":
            found["last"] = facts.last
        return found

    def __iter__(self) -> Iterator[Dict[str, Any]]:
        return map(self.__getitem__, range(len(self)))

    def digest(self) -> bytes:
        """The same for runs with the same tags of the same kinds, and for no others."""
        found = hashlib.sha256()
        for name, kind in self._tags.items():
            found.update(f"{len(name)} {name}{kind} ".encode("utf-8", "surrogatepass"))
        return found.digest()


def _profiles(found: Dict[str, List[str]]) -> Dict[str, List[Dict[str, Any]]]:
    """{run: the sessions of its profiler}, which are no event files."""
    sessions: Dict[str, List[Dict[str, Any]]] = {}
    for directory, paths in found.items():
        match = _PROFILE.fullmatch(directory)
        files = [path for path in paths if path.endswith(_PROFILE_FILE)]
        if match and files:
            sessions.setdefault(match.group(1) or ".", []).append({
                "session": match.group(2),
                "hosts": [base_name(path)[:-len(_PROFILE_FILE)] for path in files],
                "bytes": sum(map(size_of, files))})
    return sessions


def _print(runs: List[Dict[str, Any]], options: argparse.Namespace) -> None:
    groups: Dict[bytes, List[Dict[str, Any]]] = {}
    for one in runs if not options.all and len(runs) >= _ALIKE else []:
        groups.setdefault(one["tags"].digest(), []).append(one)
    alike = [group for group in groups.values() if len(group) >= _ALIKE]
    summed = {one["run"] for group in alike for one in group}
    blocks = [_tag_table([one for one in runs if one["run"] not in summed], options.all),
              *map(_run_table, alike), _profile_table(runs),
              (("damaged: ", fault) for one in runs for fault in one["faults"])]
    for block in blocks:
        count = 0
        for count, line in enumerate(block, 1):
            say(line)
        if count:
            say()
    if not runs:
        like = f" like {options.run}" if options.run != "*" else ""
        say(f"no runs{like} in {options.dir}")
        return
    files = [path for one in runs for path in one["files"]]
    count = sum(len(one["tags"]) for one in runs)
    say(f"{plural(len(runs), 'run')}, {plural(count, 'tag')}, {plural(len(files), 'file')}, "
        f"{size(sum(map(size_of, files)))}")


def _rows(run: Dict[str, Any], everything: bool) -> Iterator[Dict[str, Any]]:
    """The tags of a run as people know them: a mesh once, nothing internal."""
    meshes = Names()
    for tag in run["tags"]:
        if everything:
            yield tag
        elif tag["kind"] == "mesh":
            name = _MESH_PART.sub("", tag["tag"])
            if meshes.find(name) < 0:
                meshes.number(name)
                yield {**tag, "tag": name}
        elif tag["kind"] not in _INTERNAL:
            yield tag


def _tag_table(runs: List[Dict[str, Any]], everything: bool) -> Iterator[Sequence[str]]:
    """A row per tag."""
    rows = partial(_tag_rows, runs, everything)
    if next(rows(), None):
        yield from table(("run", "tag", "kind", "count", "steps", "from", "to"), rows, "lllrlll")


def _tag_rows(runs: List[Dict[str, Any]], everything: bool) -> Iterator[Sequence[str]]:
    for run in runs:
        name = run["run"]
        for tag in _rows(run, everything):
            yield (name, tag["tag"], tag["kind"], str(tag["count"]), _steps([tag]),
                   *map(local_time, tag["wall_times"]))
            name = ""
        if run["hparams"]:
            cells = ", ".join(f"{key}={number(value)}" for key, value in run["hparams"].items())
            yield name, cells, "hparams", "", "", "", ""
        elif name and not run["profiles"]:
            yield name, "(no tags)", "", "", "", "", ""


def _run_table(runs: List[Dict[str, Any]]) -> Iterator[Sequence[str]]:
    """A row per run, for runs with the same tags: hyperparameters, and the last values of scalars
    if they are few."""
    names = list(dict.fromkeys(name for run in runs for name in run["hparams"]))
    scalars = [tag["tag"] for tag in islice(
        (tag for tag in _rows(runs[0], False) if tag["kind"] == "scalar"), _COLUMNS + 1)]
    scalars = scalars if len(scalars) <= _COLUMNS else []
    rows = []
    for run in runs:
        last = {tag["tag"]: tag["last"] for tag in run["tags"] if "last" in tag} if scalars else {}
        rows.append((run["run"], *(number(run["hparams"].get(name, "")) for name in names),
                     *(f"{last[tag]:.6g}" for tag in scalars),
                     str(sum(tag["count"] for tag in _rows(run, False))),
                     _steps(_rows(run, False)),
                     max((local_time(tag["wall_times"][1]) for tag in run["tags"]), default="")))
    head = ("run", *names, *scalars, "values", "steps", "to")
    yield from table(head, lambda: rows, "l" * (1 + len(names)) + "r" * (len(scalars) + 1) + "ll")
    count = sum(1 for _ in _rows(runs[0], False))
    listed = ", ".join(f"{tag['tag']} ({tag['kind']})" for tag in islice(_rows(runs[0], False), 8))
    more = f" and {count - 8} more" if count > 8 else ""
    yield f"{len(runs)} runs with {plural(count, 'tag')} each: ", listed, more


def _steps(tags: Iterable[Dict[str, Any]]) -> str:
    first, last = math.inf, -math.inf
    for tag in tags:
        first, last = min(first, tag["steps"][0]), max(last, tag["steps"][1])
    if first > last:
        return ""
    return f"{first}..{last}" if first != last else str(first)


def _profile_table(runs: List[Dict[str, Any]]) -> Iterator[Sequence[str]]:
    rows = [(run["run"], one["session"], ", ".join(one["hosts"]), size(one["bytes"]))
            for run in runs for one in run["profiles"]]
    if rows:
        yield from table(("run", "profile", "hosts", "size"), lambda: rows, "lllr")
