"""Log directories written anew: mended, joined, thinned. What was there is never touched.

Each run becomes one event file: every value that can be read, one in a record, in the order of
the steps, the last one where a tag repeats a step. What a restart purged stays away. Metadata
comes with the first value of each tag, scalars are simple_value, times are finite.
"""
from __future__ import annotations

import math
import os
import shutil
import time
from array import array
from struct import Struct
from typing import Any, Callable, Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from .._proto import messages, parse, schema, tensors, wire
from .._proto.parse import Event, Metadata, Value
from .._tfrecord.frame import frame
from .._files.places import ALONE, base_name, event_files, is_url, tree
from .._files.records import HEADER, Fault, is_scalar, raw_record, records, scalar_key
from .._files.stream import sound_records
from .._files.window import Window, contents
from .._log import open_log
from .._version import __version__
from .._parts import Parts
from .._proto.wire import WireError

Progress = Callable[[int], object]

# Pieces of records that are written at once.
_WRITE_PIECES = 4096
_double = Struct("<d").unpack_from
# Event's fields that are shown as a tag of their own: graph_def, meta_graph_def.
_GRAPHS = {schema.Event.GRAPH_DEF: schema.RUN_GRAPH_TAG,
           schema.Event.META_GRAPH_DEF: "__meta_graph__"}


class Report(NamedTuple):
    """What became of a log directory: values found and written, damage that was passed over."""

    runs: int
    found: int
    written: int
    faults: List[Fault]


def rewrite(logdirs: Sequence[str], out: str, points: Optional[int] = None,
            progress: Optional[Progress] = None) -> Report:
    """Write the runs of `logdirs` into the new directory `out`; runs of one name are joined.

    points: keep at most so many values of each tag, evenly spread, first and last among them.
    Raises FileExistsError if `out` holds something, ValueError if it lies in one of `logdirs`.
    """
    if is_url(out):
        raise ValueError(f"got {out!r}, want a directory on this machine")
    target = os.path.realpath(out)
    if os.path.exists(target) and (not os.path.isdir(target) or os.listdir(target)):
        raise FileExistsError(f"got {out!r}, which is not empty, want a new directory")
    for logdir in logdirs:
        here = os.path.realpath(logdir)
        if not is_url(logdir) and os.path.commonpath([here, target]) == here:
            raise ValueError(f"got {out!r}, which lies in {logdir}, want another place")
    runs: Dict[str, List[str]] = {}
    for logdir in logdirs:
        for name, paths in event_files(logdir).items():
            runs.setdefault(name, []).extend(paths)
    reports = [_Run(paths, progress).write(_directory(out, name), points)
               for name, paths in runs.items()]
    for logdir in logdirs:
        _copy_side_files(logdir, out)
    return Report(len(runs), sum(report.found for report in reports),
                  sum(report.written for report in reports),
                  [fault for report in reports for fault in report.faults])


def _directory(out: str, run: str) -> str:
    # The Python loader opens a directory of that name like an event file.
    return os.path.normpath(os.path.join(out, run.replace("tfevents", "%74fevents")))


def _copy_side_files(logdir: str, out: str) -> None:
    """Everything that is no event file, such as what Projector shows."""
    for directory, paths in tree(logdir).items():
        for path in paths if directory != ALONE else []:
            target = os.path.join(_directory(out, directory), base_name(path))
            if "tfevents" in base_name(path) or os.path.exists(target):
                continue
            os.makedirs(os.path.dirname(target), exist_ok=True)
            if is_url(path):
                with open(target, "wb") as file:
                    file.write(contents(path))
            else:
                shutil.copy2(path, target)


class _Run:
    """Where every value of a run is, and which are kept."""

    def __init__(self, paths: Sequence[str], progress: Optional[Progress]) -> None:
        self._faults: List[Fault] = []
        self._tags: Dict[str, int] = {}
        self._kinds: List[str] = []
        self._metadata: List[Metadata] = []
        # For each value: its tag, step, file, offset of the record, place in the summary.
        self._index = array("q")
        # Scalars with nothing to mend, by the bytes that all records of their tag share.
        self._plain: Dict[bytes, int] = {}
        self._purges: List[Tuple[int, int]] = []
        self._paths = _by_time(paths)
        for number, path in enumerate(self._paths):
            with Window(path) as window:
                for record in sound_records(window, self._faults):
                    self._note(number, record.offset, record.data)
                if progress:
                    progress(window.size)

    def write(self, directory: str, points: Optional[int]) -> Report:
        table = np.frombuffer(self._index, np.int64).reshape(-1, 5)
        kept = _thin(table, self._kept(table), points)
        log = open_log(directory, "", _header)
        try:
            pieces: Parts = []
            for record in self._records(table[kept]):
                pieces += record
                if len(pieces) > _WRITE_PIECES:
                    log.append(pieces)
                    log.write()
                    pieces = []
            log.append(pieces)
            log.write()
        finally:
            log.close()
        return Report(1, len(table), len(kept), self._faults)

    def _note(self, number: int, offset: int, data: bytes) -> None:
        plain = scalar_key(data)
        if plain is not None and plain[1] in self._plain and math.isfinite(_double(data, 1)[0]):
            self._index.extend((self._plain[plain[1]], plain[0], number, offset, 0))
            return
        try:
            event = parse.event(data)
            if event.session_status == schema.SessionStatus.START:
                self._purges.append((len(self._index) // 5, event.step))
            for at, value in enumerate(_values(event)):
                tag = self._tag(value)
                if value.number or value.metadata:
                    if self._kinds[tag] == _kind(value, self._metadata[tag]):
                        self._index.extend((tag, event.step, number, offset, at))
                        if plain is not None and is_scalar(plain[1], event):
                            self._plain[plain[1]] = tag
        except WireError as error:
            self._faults.append(Fault(self._paths[number], "bad event", offset, len(data),
                                      str(error)))

    def _tag(self, value: Value) -> int:
        metadata = value.metadata or Metadata()
        if value.tag not in self._tags:
            self._tags[value.tag] = len(self._tags)
            self._metadata.append(metadata)
            self._kinds.append(_kind(value, metadata))
        tag = self._tags[value.tag]
        if metadata.plugin and not self._metadata[tag].plugin:
            self._metadata[tag] = metadata
            self._kinds[tag] = self._kinds[tag] or _kind(value, metadata)
        return tag

    def _kept(self, table: "np.ndarray[Any, Any]"
              ) -> "np.ndarray[Any, Any]":
        """Rows to write, in the order in which they are written."""
        alive = np.ones(len(table), bool)
        for at, step in self._purges:
            alive[:at] &= table[:at, 1] < step
        rows = np.flatnonzero(alive)
        order = rows[np.lexsort((rows, table[rows, 1], table[rows, 0]))]
        same = (table[order[1:], :2] == table[order[:-1], :2]).all(axis=1)
        order = order[np.append(~same, True)] if len(order) else order
        by_step: "np.ndarray[Any, Any]" = order[np.lexsort((order, table[order, 1]))]
        return by_step

    def _records(self, rows: "np.ndarray[Any, Any]") -> Iterator[Parts]:
        described = set()
        windows: Dict[int, Window] = {}
        last_time = 0.0
        try:
            for tag, step, number, offset, at in rows.tolist():
                if number not in windows:
                    windows[number] = Window(self._paths[number])
                raw = raw_record(windows[number], offset)
                if raw is None:
                    raise OSError(f"{self._paths[number]} changed while it was read")
                plain = scalar_key(raw[HEADER:-4])
                if tag in described and plain is not None and plain[1] in self._plain:
                    yield [raw]  # with its checksums, which were right
                    continue
                event = parse.event(raw[HEADER:-4])
                if math.isfinite(event.wall_time):
                    last_time = event.wall_time
                first = tag not in described
                described.add(tag)
                yield frame(messages.event(last_time, step, _field(
                    event, at, self._metadata[tag] if first else None)))
        finally:
            for window in windows.values():
                window.close()


def _by_time(paths: Sequence[str]) -> List[str]:
    """Files by the wall_time of their first event: names need not sort as they were written."""
    def first_time(path: str) -> float:
        with Window(path) as window:
            for record in records(window, []):
                try:
                    wall_time = parse.event(record.data).wall_time
                except WireError:
                    continue
                if math.isfinite(wall_time):
                    return math.floor(wall_time)
        return math.inf
    return [path for _, _, path in sorted((first_time(path), at, path)
                                          for at, path in enumerate(paths))]


def _values(event: Event) -> Sequence[Value]:
    if event.number in _GRAPHS:
        return [Value(_GRAPHS[event.number], event.number, event.data, None)]
    if event.number == schema.Event.TAGGED_RUN_METADATA:
        tag = parse.string_of(event.data, schema.TaggedRunMetadata.TAG)
        return [Value("run metadata " + tag, schema.Value.TENSOR, event.data,
                      Metadata(schema.TAGGED_RUN_METADATA))]
    return event.values


def _kind(value: Value, metadata: Metadata) -> str:
    """Which values may share a tag."""
    if value.number == schema.Value.TENSOR:
        return metadata.plugin
    return schema.FORMS.get(value.number, "")


def _field(event: Event, at: int, metadata: Optional[Metadata]) -> Parts:
    """Event's field with one value; with the tag's metadata, if it has some and needs it here."""
    if event.number != schema.Event.SUMMARY:
        return [wire.length_prefix(event.number, len(event.data)), bytes(event.data)]
    value = event.values[at]
    raw = parse.all_of(event.data, schema.Summary.VALUE)[at]
    plugin = value.metadata.plugin if value.metadata else ""
    parts: Parts
    if value.number == schema.Value.TENSOR and plugin == schema.SCALARS \
            and tensors.shape_of(value.data) != (schema.DT_FLOAT, ()):
        parts = [wire.string_field(schema.Value.TAG, value.tag),
                 wire.float_field(schema.Value.SIMPLE_VALUE, tensors.scalar_of(value.data)),
                 _metadata(value.metadata or Metadata())]
    else:
        parts = [bytes(raw)]
        if metadata is not None and not plugin and metadata.plugin:
            parts.append(_metadata(metadata))
    return wire.message_field(schema.Event.SUMMARY,
                              wire.message_field(schema.Summary.VALUE, parts))


def _metadata(metadata: Metadata) -> bytes:
    scalar = metadata.plugin == schema.SCALARS
    return messages.metadata(
        metadata.plugin, metadata.content, display_name=metadata.display_name,
        description=metadata.description,
        data_class=schema.DataClass.SCALAR if scalar else metadata.data_class)


def _thin(table: "np.ndarray[Any, Any]",
          rows: "np.ndarray[Any, Any]", points: Optional[int]
          ) -> "np.ndarray[Any, Any]":
    if points is None or not len(rows):
        return rows
    keep = np.zeros(len(rows), bool)
    tags = table[rows, 0]
    order = np.argsort(tags, kind="stable")
    for group in np.split(order, np.flatnonzero(np.diff(tags[order])) + 1):
        at = np.linspace(0, len(group) - 1, min(points, len(group)))
        keep[group[np.round(at).astype(np.int64)]] = True
    thinned: "np.ndarray[Any, Any]" = rows[keep]
    return thinned


def _header() -> bytes:
    return b"".join(frame([messages.file_version(time.time(), f"tbwriter {__version__}")]))
