"""`tbwriter select DIR OUT`: a copy of some runs, tags and steps, with new names if wanted."""
from __future__ import annotations

import argparse
from functools import partial
from typing import Dict, List, Optional, Tuple

from ._arguments import Matcher, add_dir, add_jobs, add_json, add_out, every, matcher, steps
from ._report import rewritten
from ._rewrite import Selection, places

HELP = ("Write a copy with some of the runs, tags and steps; values stay as they are, but scalars "
        "become float32.")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_json(parser)
    for name, text in (("--run", "only runs like NAME (*, ?)"), ("--tag", "only tags like NAME"),
                       ("--drop", "no tags like NAME")):
        parser.add_argument(name, action="append", metavar="NAME", help=f"{text}; may be repeated")
    parser.add_argument("--rename", action="append", type=_new_name, default=[], metavar="OLD=NEW",
                        help="call the tag OLD NEW, or with * the tags: 'train/*=*'; may be "
                        "repeated")
    parser.add_argument("--steps", type=steps, default=(None, None), metavar="A:B",
                        help="only the steps from A to before B; graphs, hyperparameters and "
                        "layouts, which belong to the whole run, stay")
    add_dir(parser)
    add_jobs(parser)
    add_out(parser)


def run(options: argparse.Namespace) -> int:
    taken, dropped = _any_of(options.tag), _any_of(options.drop or [])
    rename: Dict[str, str] = dict(options.rename)
    if len(rename) < len(options.rename):
        raise ValueError("got two new names for one tag, want one")
    return rewritten(places([options.dir]), options, Selection(
        run=_any_of(options.run), tag=partial(_selected, taken, dropped),
        rename=rename, steps=options.steps))


def _selected(taken: Matcher, dropped: Matcher, name: str) -> bool:
    return taken(name) and not dropped(name)


def _new_name(text: str) -> Tuple[str, str]:
    old, equals, new = text.partition("=")
    if not (old and equals and new):
        raise argparse.ArgumentTypeError(f"got {text}, want OLD=NEW")
    return old, new


def _any_of(patterns: Optional[List[str]]) -> Matcher:
    """Whether a name fits one of the patterns; every name does without any."""
    if patterns is None:
        return every
    return partial(_fits_one, [matcher(pattern) for pattern in patterns])


def _fits_one(matchers: List[Matcher], name: str) -> bool:
    return any(fits(name) for fits in matchers)
