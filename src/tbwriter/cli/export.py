"""Series as CSV or JSON lines, images and sounds as files."""
from __future__ import annotations

import argparse
import csv
import json
import os
import sys
from typing import Any, Dict, Iterator, Optional, TextIO, Tuple

from .._names import file_name
from ..reader import Run, runs
from ._arguments import add_dir, add_names
from ._chosen import chosen
from ._exit import FOUND, GOOD
from ._text import as_json, print_utf8

_ENDINGS = ((b"\x89PNG", ".png"), (b"\xff\xd8\xff", ".jpg"), (b"GIF8", ".gif"), (b"BM", ".bmp"),
            (b"RIFF", ".wav"))
_COLUMNS = ("run", "tag", "step", "wall_time", "value")


HELP = "Print scalars and text as CSV or JSON lines; write images and sounds to files."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--format", choices=("csv", "jsonl"), default="csv",
                        help="csv, or jsonl: one object per line (csv)")
    parser.add_argument("--output", metavar="FILE", help="write to FILE instead of printing")
    parser.add_argument("--files", metavar="OUT", help="write images and sounds below OUT")
    add_names(parser)
    add_dir(parser)


def run(options: argparse.Namespace) -> int:
    rest = options.format, options.run, options.tag, options.files
    if options.output is None:
        print_utf8()
        rows = export(options.dir, sys.stdout, *rest)
    else:
        with open(options.output, "w", encoding="utf-8", newline="") as out:
            rows = export(options.dir, out, *rest)
    if not rows:
        print("tbwriter: nothing to export", file=sys.stderr)
    return GOOD if rows else FOUND


def export(logdir: str, out: TextIO, form: str, run: str = "*", tag: str = "*",
           files: Optional[str] = None) -> int:
    """Writes scalars and text (and with `files`, a directory, the paths of images and sounds) as
    "csv" or "jsonl". Gives the number of rows.
    """
    found = runs(logdir)  # before anything is written
    count = 0
    writer = csv.writer(out, lineterminator="\n")
    if form == "csv":
        writer.writerow(_COLUMNS)
    for one, tags in chosen(found, run, tag):
        for row in _rows(one, tags, files):
            count += 1
            if form == "csv":
                writer.writerow(row)
            else:
                out.write(as_json(dict(zip(_COLUMNS, row))) + "\n")
    return count


def _rows(run: Run, tags: Dict[str, str], files: Optional[str]) -> Iterator[Tuple[Any, ...]]:
    for tag, kind in tags.items():
        if kind == "scalar":
            steps, wall_times, values = run.scalars(tag)
            for row in zip(steps.tolist(), wall_times.tolist(), values.tolist()):
                yield (run.name, tag, *row)
        elif kind == "text":
            series = run.text(tag)
            for step, wall_time, text in zip(*series):
                value = text if isinstance(text, str) else json.dumps(text.tolist())
                yield run.name, tag, int(step), float(wall_time), value
        elif kind in ("image", "audio") and files is not None:
            series = run.images(tag) if kind == "image" else run.audio(tag)
            for step, wall_time, value in zip(*series):
                for at, data in enumerate(value.encoded if kind == "image" else value):
                    path = _save(files, run.name, tag, int(step), at, data)
                    yield run.name, tag, int(step), float(wall_time), path


def _save(files: str, run: str, tag: str, step: int, at: int, data: bytes) -> str:
    """Where one image or sound was written: names hold no more than letters, digits and "%"."""
    directory = os.path.join(files, file_name(run), file_name(tag))
    os.makedirs(directory, exist_ok=True)
    ending = next((ending for start, ending in _ENDINGS if data.startswith(start)), ".bin")
    path = os.path.join(directory, f"{step:010d}_{at}{ending}")
    with open(path, "wb") as file:
        file.write(data)
    return path
