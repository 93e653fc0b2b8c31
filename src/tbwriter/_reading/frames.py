"""Scalars as data frames of pandas and as Parquet files: the only file that imports either."""
from __future__ import annotations

from typing import Any, Callable, Dict, Iterable, Iterator, List, NamedTuple, Tuple

import numpy as np

from .kinds import HParams
from .run import Run, Series, Tags
from .._files.places import matches

try:
    import pandas as pd
except ImportError as error:
    raise ImportError(f"data frames need pandas ({error}): pip install 'tbwriter[frame]'",
                      name="pandas") from None

Array = Any  # np.ndarray, whose generic form numpy 1.19 does not have

# About how many bytes of a Parquet file are made at a time, and what a row and a tag take of them.
_SLAB = 1 << 19
_ROW, _TAG = 32, 600


class _Columns(NamedTuple):
    """Scalars, tag by tag. runs, tags: [n] indices into the names. names of runs and tags."""

    run_names: List[str]
    tag_names: List[str]
    runs: Array
    tags: Array
    steps: Array
    wall_times: Array
    values: Array


def long_frame(runs: Iterable[Run], tags: str, hparams: bool) -> Any:
    """A row for each scalar: see `reader.frame`."""
    found, given = _columns(runs, tags, hparams)
    frame = pd.DataFrame({
        "run": pd.Categorical.from_codes(found.runs, found.run_names),
        "tag": pd.Categorical.from_codes(found.tags, found.tag_names),
        "step": found.steps, "wall_time": found.wall_times, "value": found.values})
    return _joined(frame, found, given, found.runs) if hparams else frame


def wide_frame(runs: Iterable[Run], tags: str, hparams: bool) -> Any:
    """A column for each tag, indexed by run and step: see `reader.frame`."""
    found, given = _columns(runs, tags, hparams)
    keys = np.stack([found.runs.astype(np.int64), found.steps], axis=1)
    rows, row = np.unique(keys, axis=0, return_inverse=True)
    table = np.full((len(rows), len(found.tag_names)), np.nan)
    table[row.reshape(-1), found.tags] = found.values  # of equal places the last one stays
    names = np.array(found.run_names, object)
    index = pd.MultiIndex.from_arrays([names[rows[:, 0]] if len(rows) else [], rows[:, 1]],
                                      names=["run", "step"])
    frame = pd.DataFrame(table, index=index, columns=pd.Index(found.tag_names, dtype=object))
    return _joined(frame, found, given, rows[:, 0]) if hparams else frame


def write_parquet(runs: Iterable[Run], tags: str, path: str,
                  wanted: Callable[[Array], Array]) -> int:
    """Writes the columns of `long_frame` as a Parquet file, some tags at a time; gives the number
    of rows.

    wanted: which of an array of steps are written, as an array of bool.

    Raises OSError where the file cannot be written, ImportError without pyarrow.
    """
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise ImportError(f"Parquet files need pyarrow ({error}): pip install 'tbwriter[frame]'",
                          name="pyarrow") from None
    text = pa.dictionary(pa.int32(), pa.string())
    schema = pa.schema([("run", text), ("tag", text), ("step", pa.int64()),
                        ("wall_time", pa.float64()), ("value", pa.float64())])
    rows = 0
    with pq.ParquetWriter(path, schema) as writer:
        for found in (found for run in runs for found in _slabs(run, tags)):
            keep = wanted(found.steps)
            found = found._replace(**{name: getattr(found, name)[keep] for name in (
                "runs", "tags", "steps", "wall_times", "values")})
            names = [pa.DictionaryArray.from_arrays(pa.array(numbers, pa.int32()),
                                                    pa.array(texts, pa.string()))
                     for numbers, texts in ((found.runs, found.run_names),
                                            (found.tags, found.tag_names))]
            if len(found.steps):
                writer.write_table(pa.table([*names, found.steps, found.wall_times, found.values],
                                            schema=schema))
            rows += len(found.steps)
    return rows


def _slabs(run: Run, tags: str) -> Iterator[_Columns]:
    """The scalars of a run, some tags at a time."""
    names: List[str] = []
    pieces: List[Series] = []
    nbytes = 0
    for tag in _scalars(run, tags):
        names.append(tag)
        pieces.append(run.scalars(tag))
        nbytes += _TAG + len(tag) + _ROW * len(pieces[-1].steps)
        if nbytes >= _SLAB:
            yield _slab(run, names, pieces)
            names, pieces, nbytes = [], [], 0
    if names:
        yield _slab(run, names, pieces)


def _slab(run: Run, names: List[str], pieces: List[Series]) -> _Columns:
    counts = [len(series.steps) for series in pieces]
    return _Columns([run.name], names, np.zeros(sum(counts), np.int32),
                    np.repeat(np.arange(len(names), dtype=np.int32), counts),
                    *map(np.concatenate, zip(*pieces)))


def _scalars(run: Run, tags: str) -> Iterator[str]:
    """The names of the scalars that fit, in the order in which they first came."""
    return (tag for tag, kind in Tags(run, lambda tag: matches(tags, tag)).items()
            if kind == "scalar")


def _columns(runs: Iterable[Run], tags: str, hparams: bool
             ) -> Tuple[_Columns, Dict[str, HParams]]:
    """The scalars of these runs, and, if wanted, the hyperparameters of those that have some."""
    run_names: List[str] = []
    tag_names: Dict[str, int] = {}
    given: Dict[str, HParams] = {}
    pieces: List[Tuple[Array, ...]] = []
    for number, run in enumerate(runs):
        run_names.append(run.name)
        wanted = run.hparams if hparams else None
        if wanted is not None:
            given[run.name] = wanted
        for tag in _scalars(run, tags):
            series = run.scalars(tag)
            count, at = len(series.steps), tag_names.setdefault(tag, len(tag_names))
            pieces.append((np.full(count, number, np.int32), np.full(count, at, np.int32),
                           *series))
    columns = [np.concatenate(column) for column in zip(*pieces)] or [
        np.zeros(0, dtype) for dtype in (np.int32, np.int32, np.int64, np.float64, np.float64)]
    return _Columns(run_names, list(tag_names), *columns), given


def _joined(frame: Any, found: _Columns, given: Dict[str, HParams], runs: Array) -> Any:
    """`frame` with a column for each hyperparameter. runs: the number of each row's run."""
    of_run = [next((given[name].values for name in _upwards(run) if name in given), {})
              for run in found.run_names]
    for name in dict.fromkeys(name for values in of_run for name in values):
        each = pd.Series([values.get(name) for values in of_run], dtype=object).infer_objects()
        frame[f"hparams/{name}"] = each.to_numpy()[runs]
    return frame


def _upwards(run: str) -> Iterator[str]:
    """The run, and all that its path is below."""
    while run and run != ".":
        yield run
        run = run.rpartition("/")[0]
    yield "."
