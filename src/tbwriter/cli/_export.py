"""Series as CSV or JSON lines, images and sounds as files."""
from __future__ import annotations

import csv
import json
import math
import os
from fnmatch import fnmatchcase
from typing import Any, Dict, Iterator, List, Optional, TextIO, Tuple

from .._names import file_name
from ..reader import Run, runs

_ENDINGS = ((b"\x89PNG", ".png"), (b"\xff\xd8\xff", ".jpg"), (b"GIF8", ".gif"), (b"BM", ".bmp"),
            (b"RIFF", ".wav"))
_COLUMNS = ("run", "tag", "step", "wall_time", "value")


def chosen(found: Dict[str, List[str]], run: str, tag: str) -> Iterator[Tuple[Run, List[str]]]:
    """Runs and their tags whose names fit the patterns (`*`, `?`, `[...]`), read one by one."""
    for name, paths in found.items():
        if fnmatchcase(name, run):
            one = Run(name, paths)
            yield one, [name for name in one.tags if fnmatchcase(name, tag)]


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
                out.write(json.dumps(plain(dict(zip(_COLUMNS, row))), ensure_ascii=False) + "\n")
    return count


def _rows(run: Run, tags: List[str], files: Optional[str]) -> Iterator[Tuple[Any, ...]]:
    for tag in tags:
        kind = run.tags[tag]
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


def plain(value: Any) -> Any:
    """`value` for JSON, which has no NaN: "NaN", "Infinity", "-Infinity", as TensorBoard says."""
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value


def overview(logdir: str, run: str = "*", tag: str = "*") -> List[Dict[str, Any]]:
    """What `tbwriter show` prints: runs, and for each tag kind, count, steps and times."""
    found = []
    for one, tags in chosen(runs(logdir), run, tag):
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
