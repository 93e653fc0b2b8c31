"""`tbwriter show DIR`: runs and tags, kinds, counts, steps, times."""
from __future__ import annotations

import argparse
from typing import Any, Dict, List

from .._files.places import size_of
from ..reader import runs as runs_of
from ._arguments import add_dir, add_json, add_names
from ._chosen import chosen
from ._exit import FOUND, GOOD
from ._text import local_time, plural, print_json, say, shown, size

HELP = "List runs and tags: kinds, counts, steps, times."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_json(parser)
    add_names(parser)
    add_dir(parser)


def run(options: argparse.Namespace) -> int:
    runs = overview(options.dir, options.run, options.tag)
    if options.json:
        print_json(runs)
    else:
        for one in runs:
            _show_run(one)
        if not runs:
            like = f" like {options.run}" if options.run != "*" else ""
            say(f"no runs{like} in {options.dir}")
    return FOUND if not runs or any(one["faults"] for one in runs) else GOOD


def overview(logdir: str, run: str = "*", tag: str = "*") -> List[Dict[str, Any]]:
    """The runs, and for each tag its kind, count, steps and times."""
    found = []
    for one, tags in chosen(runs_of(logdir), run, tag):
        rows = []
        for name in tags:
            known = one.tag(name)
            rows.append({"tag": name, "kind": known.kind, "count": known.n,
                         "steps": list(known.steps), "wall_times": list(known.wall_times)})
        hparams = one.hparams
        found.append({"run": one.name, "files": one.files, "writers": one.writers,
                      "faults": [str(fault) for fault in one.faults],
                      "hparams": hparams.values if hparams else {}, "tags": rows})
    return found


def _show_run(run: Dict[str, Any]) -> None:
    say(f"{run['run']}  ({plural(len(run['files']), 'file')}, "
        f"{size(sum(map(size_of, run['files'])))})")
    rows = [("tag", "kind", "count", "steps", "from", "to")]
    for tag in run["tags"]:
        steps = tag["steps"]
        rows.append((shown(tag["tag"]), tag["kind"], str(tag["count"]),
                     f"{steps[0]}..{steps[1]}" if steps[0] != steps[1] else str(steps[0]),
                     *map(local_time, tag["wall_times"])))
    widths = [max(map(len, column)) for column in zip(*rows)]
    for row in rows if len(rows) > 1 else []:
        say("  " + "  ".join(f"{cell:{width}}" for cell, width in zip(row, widths)).rstrip())
    if run["hparams"]:
        say("  hparams: " + ", ".join(f"{name}={value}"
                                      for name, value in run["hparams"].items()))
    for fault in run["faults"]:
        say(f"  damaged: {fault}")
    say()
