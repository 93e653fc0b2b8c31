"""Several log directories at once: the names of their runs."""
from __future__ import annotations

import os
from functools import lru_cache
from typing import Dict, List, Mapping, Sequence, Set, Tuple

from .places import Unlisted, base_name, identity


def together(found: Sequence[Mapping[str, Sequence[str]]]) -> Dict[str, List[str]]:
    """{run: its event files} of several log directories, each given as {run: its event files}.

    Where several directories have a run of one name, the names of all runs of these directories
    begin with that of the directory, as in "seed1/train". A file counts once: if one directory is
    above another, its files are those of the upper one. Links in one directory are second names of
    runs.
    """
    real = lru_cache(maxsize=None)(identity)
    tops: Dict[str, str] = {}  # {identity: the path}
    runs: Dict[Tuple[str, str], Dict[str, str]] = {}  # {(top, run): {identity: the path}}
    for run, files in (item for one in found for item in one.items()):
        directory = _directory(files[0])
        # Of "logs/a/x", which is the run "a/x", the top is "logs/".
        top = directory if run == "." else directory[:-len(run)]
        key = real(top)
        tops.setdefault(key, top)
        run_files = runs.setdefault((key, run), {})
        for path in files:
            run_files.setdefault(os.path.join(real(_directory(path)), base_name(path)), path)
    owners: Dict[str, str] = {}
    for top, run in sorted(runs, key=lambda place: len(place[0])):
        for whole in runs[top, run]:
            owners.setdefault(whole, top)
    kept = {place: [path for whole, path in files.items() if owners[whole] == place[0]]
            for place, files in runs.items()}
    return _named({place: files for place, files in kept.items() if files}, tops)


def _directory(path: str) -> str:
    return path if isinstance(path, Unlisted) else os.path.dirname(path).replace(os.sep, "/")


def _named(runs: Dict[Tuple[str, str], List[str]], tops: Dict[str, str]) -> Dict[str, List[str]]:
    """runs: {(top, run): its files}. tops: {top: its path}."""
    places = list(dict.fromkeys(top for top, _ in runs))
    short = dict(zip(places, labels([tops[top] for top in places])))
    named: Set[str] = set()  # the tops that are part of the names
    while True:
        names: Dict[str, Set[str]] = {}
        found = {}
        for (top, run), files in runs.items():
            name = run if top not in named else short[top] if run == "." else f"{short[top]}/{run}"
            names.setdefault(name, set()).add(top)
            found[name] = files
        shared = {top for tops_of in names.values() if len(tops_of) > 1 for top in tops_of}
        if shared <= named:
            return found
        named |= shared


def labels(logdirs: Sequence[str]) -> List[str]:
    """A short name for each log directory: the end of its path, as long as it must be to differ."""
    paths = [[part for part in (logdir if "://" in logdir else os.path.abspath(logdir))
              .replace(os.sep, "/").split("/") if part] for logdir in logdirs]
    for length in range(1, max(map(len, paths), default=0) + 1):
        found = ["/".join(path[-length:]) for path in paths]
        if len(set(found)) == len(found):
            return found
    return [f"{'/'.join(path[-1:])}-{number}" for number, path in enumerate(paths, 1)]
