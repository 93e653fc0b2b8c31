"""`tbwriter export DIR`: series as CSV or JSON lines, images and sounds as files."""
from __future__ import annotations

import argparse
import math
import os
import sys
from functools import partial
from itertools import chain
from typing import Any, Callable, Dict, Iterable, Iterator, List, NamedTuple, Optional, Sequence
from typing import TextIO, Tuple

from .._files.places import event_files, identity
from .._files.records import DATA, TAIL, UNREADABLE, Fault, Faults
from .._files.window import ReadError
from .._names import file_name
from .._proto.parse import Data, Value
from .._proto.tensors import Tensor
from .._reading import kinds
from .._reading.run import axes, decoded
from ..reader import Run
from ._arguments import Steps, add_dir, add_jobs, add_names, in_steps, steps
from ._chosen import chosen
from ._exit import FOUND, GOOD
from ._long_text import csv_pieces, text_pieces
from ._output import Output, replaced
from ._text import as_json, csv_line, json_pieces, plural, print_utf8, say

HELP = "Print scalars and text as CSV or JSON lines; write images and sounds to files."

_ENDINGS = ((b"\x89PNG", ".png"), (b"\xff\xd8\xff", ".jpg"), (b"GIF8", ".gif"), (b"BM", ".bmp"),
            (b"RIFF", ".wav"))
_COLUMNS = ("run", "tag", "step", "wall_time", "value")
# A line with texts of up to so many bytes is one piece.
_SHORT = 1 << 16
# The number of rows that become text at a time.
_SLAB, _SLAB_BYTES = 1 << 14, 1 << 22


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
                        help="hyperparameters instead: a row per run; not with --tag, --step or "
                        "--files")
    parser.add_argument("--output", metavar="FILE", help="write to FILE instead of printing")
    parser.add_argument("--files", metavar="OUT", help="write images and sounds below OUT, and "
                        "their paths into the rows")
    add_names(parser)
    add_jobs(parser)
    add_dir(parser)


def run(options: argparse.Namespace) -> int:
    _check_together(options)
    found = event_files(options.dir)  # before anything is written
    if options.output is not None and not os.path.isdir(os.path.dirname(options.output) or "."):
        raise ValueError(f"got --output {options.output}, want a file in a directory that exists")
    if options.output is not None and identity(options.output) in {
            identity(path) for paths in found.values() for path in paths}:
        raise ValueError(f"got --output {options.output}, which is an event file of {options.dir}, "
                         "want another file")
    if options.format == "parquet":
        return _parquet(found, options)
    form = Form(options.format, options.raw)
    files = Output(options.files, empty=False) if options.files is not None else None
    faults = Faults()
    rows = _hparams(found, options, form, faults) if options.hparams else \
        _series(found, options, form, files, faults)
    if options.output is None:
        print_utf8()
        count = _write(sys.stdout, rows)
    else:
        count = replaced(options.output, partial(_write_file, rows))
    _report(faults)
    if not count:
        print("tbwriter: nothing to export", file=sys.stderr)
    return GOOD if count else FOUND


def _check_together(options: argparse.Namespace) -> None:
    """ValueError for options of which one would be ignored."""
    given = [name for name, is_given in (
        ("--tag", options.tag != "*"), ("--step", options.step != (None, None)),
        ("--files", options.files is not None)) if is_given]
    if options.hparams and given:
        raise ValueError(f"got --hparams with {' and '.join(given)}, want it without: a row has "
                         "all hyperparameters of a run")
    if options.raw and options.format != "csv":
        raise ValueError(f"got --raw with --format {options.format}, want it with csv: no other "
                         "format changes cells")


def _parquet(found: Dict[str, List[str]], options: argparse.Namespace) -> int:
    if options.output is None or options.hparams or options.files is not None:
        raise ValueError("got --format parquet without --output, or with --hparams or --files, "
                         "want --output FILE and scalars")
    from .._reading.frames import write_parquet
    faults = Faults()
    rows = replaced(options.output, lambda path: write_parquet(
        _noting(found, options, faults), options.tag, path,
        lambda given: in_steps(given, options.step)))
    _report(faults)
    if not rows:
        print("tbwriter: nothing to export", file=sys.stderr)
    return GOOD if rows else FOUND


def _noting(found: Dict[str, List[str]], options: argparse.Namespace, faults: Faults
            ) -> Iterator[Run]:
    for one, _ in chosen(found, options.run, options.tag, options.jobs):
        yield one
        faults.add(one.faults)


def _report(faults: Faults) -> None:
    for fault in faults:
        if fault.kind != TAIL:  # of a run that continues
            say(["tbwriter: damaged: ", str(fault)], sys.stderr)
    if faults.more:
        print(f"tbwriter: damaged: {plural(faults.more, 'more place')}", file=sys.stderr)


# Text, and how many rows are in it.
_Rows = Iterator[Tuple[str, int]]


def _write_file(rows: _Rows, path: str) -> int:
    with open(path, "w", encoding="utf-8", errors="backslashreplace", newline="") as out:
        return _write(out, rows)


def _write(out: TextIO, rows: _Rows) -> int:
    total = 0
    for text, count in rows:
        out.write(text)
        total += count
    return total


def _series(found: Dict[str, List[str]], options: argparse.Namespace, form: Form,
            files: Optional[Output], faults: Faults) -> _Rows:
    if form.name == "csv":
        yield csv_line(_COLUMNS), 0
    for one, tags in chosen(found, options.run, options.tag, options.jobs):
        for tag, kind in tags.items():
            if kind == "scalar":
                yield from _scalars(one, tag, form, options.step)
            elif kind == "text" or kind in ("image", "audio") and files is not None:
                try:
                    yield from _values(one, tag, kind, form, options.step, files, faults)
                except ReadError as error:
                    faults.append(Fault(one.name, DATA, 0, 0, str(error)))
        faults.add(one.faults)


def _scalars(run: Run, tag: str, form: Form, wanted: Steps) -> _Rows:
    series = run.scalars(tag)
    chosen_rows = in_steps(series.steps, wanted)
    if len(tag) > _SHORT:
        for point in zip(*(column[chosen_rows].tolist() for column in series)):
            yield from _line((run.name, tag, *point), form)
        return
    if form.name == "csv":
        names, rest = csv_line((run.name, tag), form.raw)[:-1], (",", ",", ",", "\n")
    else:
        names = as_json({"run": run.name, "tag": tag})[:-1]
        rest = ', "step": ', ', "wall_time": ', ', "value": ', "}\n"
    # One format for all rows of a slab: half the time of a format for each.
    row = "%s".join((names.replace("%", "%%") + rest[0], *rest[1:]))
    size = min(_SLAB, max(1, _SLAB_BYTES // len(row)))
    for at in range(0, len(chosen_rows), size):
        slab = chosen_rows[at:at + size]
        columns = [column[at:at + size][slab] for column in series]
        cells: List[Any] = [None] * (3 * len(columns[0]))
        for number, column in enumerate(columns):
            numbers = column.tolist()
            if form.name != "csv" and not all(map(math.isfinite, numbers)):
                numbers = [one if math.isfinite(one) else as_json(one) for one in numbers]
            cells[number::3] = numbers
        yield row * len(columns[0]) % tuple(cells), len(columns[0])


def _values(run: Run, tag: str, kind: str, form: Form, wanted: Steps, files: Optional[Output],
            faults: Faults) -> _Rows:
    steps, wall_times = axes(run, tag)
    keep = in_steps(steps, wanted).tolist()
    if kind == "text":
        for at, tensor in _decoded(run, tag, kinds.text_tensor, keep, faults):
            row = (run.name, tag, int(steps[at]), float(wall_times[at]))
            yield from _text(row, tensor, form)
        return
    assert files is not None
    opened = {"image": kinds.image_files, "audio": kinds.audio_files}[kind]
    for at, encoded in _decoded(run, tag, opened, keep, faults):
        row = (run.name, tag, int(steps[at]), float(wall_times[at]))
        for number, data in enumerate(encoded):
            yield from _line((*row, _written(row, number, data, files)), form)


def _decoded(run: Run, tag: str, decode: Callable[[Value], Any], wanted: Sequence[bool],
             faults: Faults) -> Iterator[Tuple[int, Any]]:
    """As `decoded`; a file that cannot be read any more is a fault, and ends the values."""
    try:
        yield from decoded(run, tag, decode, wanted)
    except OSError as error:
        faults.append(Fault(run.name, UNREADABLE, 0, 0, f"tag {tag!r}: {error}"))


def _line(row: Sequence[Any], form: Form) -> _Rows:
    """A row of five cells. A text may be given as `Pieces`."""
    if form.name == "csv":
        return _row(csv_pieces(row, form.raw))
    return _row(chain(json_pieces(dict(zip(_COLUMNS, row))), "\n"))


def _row(pieces: Iterable[str]) -> _Rows:
    for piece in pieces:
        yield piece, 0
    yield "", 1


def _text(row: Sequence[Any], tensor: Tensor, form: Form) -> _Rows:
    """A row whose last cell is a text of any length."""
    text = partial(text_pieces, tensor)
    return _line((*row, text if tensor.nbytes > _SHORT else "".join(text())), form)


def _written(row: Sequence[Any], number: int, data: Data, files: Output) -> str:
    """The path of the file that is written for an image or a sound."""
    run, tag, step, _ = row
    begin = bytes(data[:8])
    ending = next((ending for start, ending in _ENDINGS if begin.startswith(start)), ".bin")
    file, path = files.create(f"{file_name(run)}/{file_name(tag)}", f"{step:010d}_{number}{ending}")
    with file:
        file.write(data)
    return os.path.join(files.path, path)


def _cell(value: Any) -> Any:
    """A hyperparameter; all numbers are stored as double, also integers."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _hparams(found: Dict[str, List[str]], options: argparse.Namespace, form: Form,
             faults: Faults) -> _Rows:
    """A row per run: its hyperparameters, an empty cell where it has none of a name."""
    table: Dict[str, Dict[str, Any]] = {}
    for one, _ in chosen(found, options.run, "*", options.jobs):
        try:
            hparams = one.hparams
        except ReadError as error:
            faults.append(Fault(one.name, DATA, 0, 0, str(error)))
            continue
        faults.add(one.faults)
        if hparams is not None:
            table[one.name] = hparams.values
    names = list(dict.fromkeys(name for values in table.values() for name in values))
    if form.name == "csv":
        for piece in csv_pieces(("run", *names), form.raw):
            yield piece, 0
    for run_name, values in table.items():
        if form.name == "csv":
            cells = (_cell(values.get(name, "")) for name in names)
            yield from _row(csv_pieces((run_name, *cells), form.raw))
        else:
            yield from _row(chain(json_pieces({"run": run_name, "hparams": values}), "\n"))
