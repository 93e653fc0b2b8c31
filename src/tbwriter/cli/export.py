"""`tbwriter export DIR`: series as CSV or JSON lines, images and sounds as files."""
from __future__ import annotations

import argparse
import json
import math
import os
import sys
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, TextIO, Tuple

from .._files.places import event_files
from .._files.records import TAIL, Fault
from .._files.window import ReadError
from .._names import file_name
from ..reader import Run
from ._arguments import Steps, add_dir, add_jobs, add_names, in_steps, steps
from ._chosen import chosen
from ._exit import FOUND, GOOD
from ._output import Output
from ._text import as_json, csv_line, print_utf8, shown

HELP = "Print scalars and text as CSV or JSON lines; write images and sounds to files."

_ENDINGS = ((b"\x89PNG", ".png"), (b"\xff\xd8\xff", ".jpg"), (b"GIF8", ".gif"), (b"BM", ".bmp"),
            (b"RIFF", ".wav"))
_COLUMNS = ("run", "tag", "step", "wall_time", "value")
# How many rows become text at a time.
_SLAB = 1 << 14


class Form(NamedTuple):
    """How rows are written. name: "csv" or "jsonl". raw: cells as they are in the log, also those
    that a terminal or a spreadsheet would run."""

    name: str = "csv"
    raw: bool = False


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--format", choices=("csv", "jsonl", "parquet"), default="csv",
                        help="csv; jsonl: one object per line; or parquet: scalars only, needs "
                        "--output and pyarrow (csv)")
    parser.add_argument("--raw", action="store_true", help="cells of CSV as they are in the log: "
                        "without a quote before = + - @, and with control characters")
    parser.add_argument("--step", type=steps, default=(None, None), metavar="N or A:B",
                        help="only the step N, or the steps from A to before B")
    parser.add_argument("--hparams", action="store_true",
                        help="hyperparameters instead: a row per run")
    parser.add_argument("--output", metavar="FILE", help="write to FILE instead of printing")
    parser.add_argument("--files", metavar="OUT", help="write images and sounds below OUT, and "
                        "their paths into the rows")
    add_names(parser)
    add_jobs(parser)
    add_dir(parser)


def run(options: argparse.Namespace) -> int:
    found = event_files(options.dir)  # before anything is written
    if options.output is not None and not os.path.isdir(os.path.dirname(options.output) or "."):
        raise ValueError(f"got --output {options.output}, want a file in a directory that exists")
    if options.format == "parquet":
        return _parquet(found, options)
    form = Form(options.format, options.raw)
    files = Output(options.files, empty=False) if options.files is not None else None
    faults: List[Fault] = []
    rows = _hparams(found, options, form, faults) if options.hparams else \
        _series(found, options, form, files, faults)
    if options.output is None:
        print_utf8()
        count = _write(sys.stdout, rows)
    else:
        with open(options.output, "w", encoding="utf-8", errors="backslashreplace",
                  newline="") as out:
            count = _write(out, rows)
    _report(faults)
    if not count:
        print("tbwriter: nothing to export", file=sys.stderr)
    return GOOD if count else FOUND


def _parquet(found: Dict[str, List[str]], options: argparse.Namespace) -> int:
    if options.output is None or options.hparams or options.files is not None:
        raise ValueError("got --format parquet without --output, or with --hparams or --files, "
                         "want --output FILE and scalars")
    from .._reading.frames import write_parquet
    faults: List[Fault] = []
    rows = write_parquet(_noting(found, options, faults), options.tag, options.output,
                         lambda given: in_steps(given, options.step))
    _report(faults)
    if not rows:
        print("tbwriter: nothing to export", file=sys.stderr)
    return GOOD if rows else FOUND


def _noting(found: Dict[str, List[str]], options: argparse.Namespace, faults: List[Fault]
            ) -> Iterator[Run]:
    for one, _ in chosen(found, options.run, options.tag, options.jobs):
        yield one
        faults += one.faults


def _report(faults: List[Fault]) -> None:
    for fault in faults:
        if fault.kind != TAIL:  # of a run that goes on
            print(f"tbwriter: damaged: {shown(str(fault))}", file=sys.stderr)


# Text, and how many rows are in it.
_Rows = Iterator[Tuple[str, int]]


def _write(out: TextIO, rows: _Rows) -> int:
    total = 0
    for text, count in rows:
        out.write(text)
        total += count
    return total


def _series(found: Dict[str, List[str]], options: argparse.Namespace, form: Form,
            files: Optional[Output], faults: List[Fault]) -> _Rows:
    if form.name == "csv":
        yield csv_line(_COLUMNS), 0
    for one, tags in chosen(found, options.run, options.tag, options.jobs):
        for tag, kind in tags.items():
            if kind == "scalar":
                yield from _scalars(one, tag, form, options.step)
            elif kind == "text" or kind in ("image", "audio") and files is not None:
                try:
                    yield from _values(one, tag, kind, form, options.step, files)
                except ReadError as error:
                    faults.append(Fault(one.name, "bad data", 0, 0, str(error)))
        faults += one.faults


def _scalars(run: Run, tag: str, form: Form, wanted: Steps) -> _Rows:
    series = run.scalars(tag)
    chosen_rows = in_steps(series.steps, wanted)
    if form.name == "csv":
        names, rest = csv_line((run.name, tag), form.raw)[:-1], (",", ",", ",", "\n")
    else:
        names = as_json({"run": run.name, "tag": tag})[:-1]
        rest = ', "step": ', ', "wall_time": ', ', "value": ', "}\n"
    # One format for all rows of a slab: half the time of a format for each.
    row = "%s".join((names.replace("%", "%%") + rest[0], *rest[1:]))
    for at in range(0, len(chosen_rows), _SLAB):
        slab = chosen_rows[at:at + _SLAB]
        columns = [column[at:at + _SLAB][slab] for column in series]
        cells: List[Any] = [None] * (3 * len(columns[0]))
        for number, column in enumerate(columns):
            numbers = column.tolist()
            if form.name != "csv" and not all(map(math.isfinite, numbers)):
                numbers = [one if math.isfinite(one) else as_json(one) for one in numbers]
            cells[number::3] = numbers
        yield row * len(columns[0]) % tuple(cells), len(columns[0])


def _values(run: Run, tag: str, kind: str, form: Form, wanted: Steps, files: Optional[Output]
            ) -> _Rows:
    series = {"text": run.text, "image": run.images, "audio": run.audio}[kind](tag)
    for keep, step, wall_time, value in zip(in_steps(series.steps, wanted).tolist(),
                                            series.steps.tolist(), series.wall_times.tolist(),
                                            series.values):
        if not keep:
            continue
        for cell in _cells(run.name, tag, kind, step, value, files):
            row = (run.name, tag, step, wall_time, cell)
            yield (csv_line(row, form.raw) if form.name == "csv"
                   else as_json(dict(zip(_COLUMNS, row))) + "\n"), 1


def _cells(run: str, tag: str, kind: str, step: int, value: Any, files: Optional[Output]
           ) -> Iterator[str]:
    """What a value is in a row: its text, or the path of each file that was written for it."""
    if kind == "text":
        yield value if isinstance(value, str) else json.dumps(value.tolist(), ensure_ascii=False)
        return
    assert files is not None
    for at, data in enumerate(value.encoded if kind == "image" else value):
        ending = next((ending for start, ending in _ENDINGS if data.startswith(start)), ".bin")
        file, path = files.create(f"{file_name(run)}/{file_name(tag)}", f"{step:010d}_{at}{ending}")
        with file:
            file.write(data)
        yield os.path.join(files.path, path)


def _cell(value: Any) -> Any:
    """A hyperparameter; all numbers are stored as double, also integers."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _hparams(found: Dict[str, List[str]], options: argparse.Namespace, form: Form,
             faults: List[Fault]) -> _Rows:
    """A row per run: its hyperparameters, an empty cell where it has none of a name."""
    table: Dict[str, Dict[str, Any]] = {}
    for one, _ in chosen(found, options.run, "*"):
        try:
            hparams = one.hparams
        except ReadError as error:
            faults.append(Fault(one.name, "bad data", 0, 0, str(error)))
            continue
        faults += one.faults
        if hparams is not None:
            table[one.name] = hparams.values
    names = list(dict.fromkeys(name for values in table.values() for name in values))
    if form.name == "csv":
        yield csv_line(("run", *names), form.raw), 0
    for run_name, values in table.items():
        if form.name == "csv":
            cells = (_cell(values.get(name, "")) for name in names)
            yield csv_line((run_name, *cells), form.raw), 1
        else:
            yield as_json({"run": run_name, "hparams": values}) + "\n", 1
