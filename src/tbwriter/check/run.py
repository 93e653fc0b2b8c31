"""One run, read file by file: every value is decoded once and shown to the rules that it concerns.

Scalars come as columns. The first scalar of each kind (a tag with its metadata) is shown to the
rules; in the others, only step and time can be wrong.
"""
from __future__ import annotations

import math
import zlib
from typing import Any, Callable, Dict, Iterable, Iterator, List, Optional

import numpy as np

from . import content, files, media, numbers, order, tags
from .finding import Finding, Findings
from .hparams import HParams
from .known import Known
from .order import AllSeries, Restarts
from .value import Decoded, Problem
from .wellformed import GRAPH, RUN_METADATA, Fields
from .._files.records import Record
from .._files.sparse import Places, Sparse
from .._files.stream import Progress, Scalars, ScalarStream
from .._files.window import Window
from .._proto import parse, schema
from .._proto.parse import Data, Event, Metadata, Value
from .._proto.wellformed import check_event
from .._proto.wire import WireError

_KINDS: Dict[str, Callable[[Decoded, Metadata], Iterator[Problem]]] = {
    schema.SCALARS: numbers.scalars, schema.HISTOGRAMS: numbers.histograms,
    schema.TEXT: content.text, schema.PR_CURVES: numbers.curves, schema.MESH: numbers.meshes,
    schema.CUSTOM_SCALARS: content.layouts, schema.RUN_METADATA: content.graphs,
    schema.RUN_METADATA_GRAPH: content.graphs, schema.KERAS_MODEL: content.graphs,
}
_MEDIA = {schema.IMAGES: media.images, schema.AUDIO: media.audio}


class Run:
    """One run. `read` its files in their order; then `findings` gives the faults."""

    def __init__(self, name: str, hparams: HParams) -> None:
        self.found = Findings(name)
        self.restarts = Restarts()
        self.series = AllSeries(self.restarts)
        self.known = Known()
        self.meshes = numbers.Meshes()
        self._name = name
        self._hparams = hparams
        self._files: List[order.File] = []
        self._begun = 0

    def read(self, path: str, progress: Optional[Progress],
             opened: Callable[[str], Window] = Window) -> None:
        """One file. progress: called with the number of bytes read since the last call."""
        faults = files.Damage()
        reader = _File(self, path, self._begun)
        self._begun += 1
        try:
            with opened(path) as window:
                if window.gzipped:
                    self.found.add(files.GZIPPED, path, "", "a file of gzip")
                    return
                stream = ScalarStream(window, faults, progress=progress)
                for part in stream:
                    reader.add(part.scalars, part.others, stream.values)
                    del part  # before the next is read: a record may be large
        except (OSError, ValueError) as error:
            self.found.add(files.reason(path, error), path, "", str(error))
            return
        files.check_faults(faults, path, reader.empty, self.found)
        self._files.append(reader.end())

    def tag(self, name: str) -> int:
        """The number of a tag, which is new or known."""
        return self.known.number(name)

    def hparams(self, content: bytes) -> None:
        self._hparams.add(self._name, content)

    def findings(self) -> List[Finding]:
        """All findings of this run, errors first."""
        last = self._files[-1].path if self._files else ""
        names = self.known.names
        order.check_files(self._files, names, self.found)
        order.check_restarts(self.restarts, self.series.rewound(), names, last, self.found)
        for tag, series in self.series.suspect():
            order.check_series(names[tag], series, last, self.found)
        for name, fewest, most in self.known.different_clips():
            self.found.add(media.AUDIO_CLIPS, last, name,
                           f"from {fewest} to {most} clips per step")
        self.meshes.check(last, self.found)
        return self.found.all()


class _File:
    """One file of a run, part by part."""

    def __init__(self, run: Run, path: str, number: int) -> None:
        self._run = run
        self._path = path
        self._number = number
        self.empty = True
        self._first, self._last = math.inf, -math.inf
        self._tags, self._count = Places(), 0
        # Which tags have a tensor without a plugin as their first value.
        self._unnamed = Sparse("b", False)
        # For each kind of scalar that was shown to the rules: what its values break.
        self._known: Dict[int, List[Problem]] = {}

    def add(self, scalars: Scalars, others: List[Record], values: List[Value]) -> None:
        """Consecutive records: scalars of the kinds `values`, and all others."""
        waiting = _Waiting(scalars, values, self._run)
        self._begin(scalars, others)
        self._times(scalars)
        new = [(offset, tag) for tag, offset in waiting.first.items() if tag not in self._known]
        done = 0
        for offset, tag in sorted(new):
            while done < len(others) and others[done].offset < offset:
                self._record(others[done], waiting)
                done += 1
            self._known[tag] = self._scalar(values[tag], waiting.step(tag))
        for record in others[done:]:
            self._record(record, waiting)
        waiting.all()
        for _, tag in new:
            waiting.counts[tag] -= 1
        for tag, count in waiting.counts.items():
            for rule, what in self._known[tag] if count else []:
                self._run.found.add(rule, self._path, values[tag].tag, what, count)

    def end(self) -> order.File:
        """The findings that need all records of the file."""
        names = self._run.known.names
        for tag in range(len(self._unnamed)):
            if self._unnamed[tag]:
                self._run.found.add(tags.NO_PLUGIN, self._path, names[tag],
                                    "tensors without metadata")
        return order.File(self._path, self._first, self._last, self._tags, self._count)

    def _begin(self, scalars: Scalars, others: List[Record]) -> None:
        """Check the first event of the file, which states the version."""
        if not self.empty or not (others or len(scalars.tags)):
            return
        self.empty = False
        if len(scalars.tags) and (not others or scalars.offsets[0] < others[0].offset):
            none = Event(0.0, 0, 0, b"", (), "")
            files.check_version(none, self._path, self._run.found)
            return
        try:
            event = parse.shell(others[0].data)
        except WireError:
            return
        files.check_version(event, self._path, self._run.found)

    def _times(self, scalars: Scalars) -> None:
        if not len(scalars.tags):
            return
        finite = np.isfinite(scalars.wall_times)
        good = scalars.wall_times[finite]
        if len(good):
            self._time(float(good[0]))
            self._time(float(good.max()))
        if len(good) < len(finite):
            for wrong in (np.isnan(scalars.wall_times), np.isinf(scalars.wall_times)):
                if wrong.any():
                    at = int(np.argmax(wrong))
                    files.check_time(float(scalars.wall_times[at]), int(scalars.steps[at]),
                                     self._path, self._run.found, int(np.count_nonzero(wrong)))

    def _time(self, wall_time: float) -> None:
        if self._first == math.inf:
            self._first = wall_time
        self._last = max(self._last, wall_time)

    def _record(self, record: Record, waiting: "_Waiting") -> None:
        try:
            event = parse.shell(record.data)
            values = _values(event)
        except WireError as error:
            self._run.found.add(files.BAD_EVENT, self._path, "", f"byte {record.offset}: {error}")
            return
        try:
            check_event(record.data)
        except WireError as error:
            self._run.found.add(files.BAD_FIELD, self._path, "", f"byte {record.offset}: {error}")
        if math.isfinite(event.wall_time):
            self._time(event.wall_time)
        else:
            files.check_time(event.wall_time, event.step, self._path, self._run.found)
        if event.session_status == schema.SessionStatus.START:
            waiting.all_before(record.offset)
            self._run.restarts.add(event.step)
        elif event.number == schema.Event.GRAPH_DEF:
            self._graph(schema.RUN_GRAPH_TAG, event, GRAPH, event.data)
        elif event.number == schema.Event.TAGGED_RUN_METADATA:
            tag = parse.string_of(event.data, schema.TaggedRunMetadata.TAG)
            data = parse.bytes_of(event.data, schema.TaggedRunMetadata.RUN_METADATA) or b""
            self._graph(tag, event, RUN_METADATA, data)
        for value in values:
            waiting.tag_before(value.value.tag, record.offset)
            self._value(value, event.step)

    def _graph(self, tag: str, event: Event, fields: Fields, data: Data) -> None:
        self._run.series.add(self._run.tag(tag), event.step, _digest(data))
        problem = content.graph_problem(data, fields)
        if problem:
            self._run.found.add(content.GRAPH_CONTENT, self._path, tag,
                                f"{problem}, at step {event.step}")

    def _scalar(self, value: Value, step: int) -> List[Problem]:
        """Show the first scalar of a kind to the rules. Its step is noted with those of the others.
        """
        return self._shown(Decoded(value), self._described(value, step), step)

    def _value(self, value: Decoded, step: int) -> None:
        first = self._described(value.value, step)
        if value.value.number:
            scalar = schema.kind_of(value.value.number, first.plugin) == "scalar"
            self._run.series.add(self._run.tag(value.value.tag), step,
                                 0 if scalar else _digest(value.value.data))
            self._shown(value, first, step)
        else:
            tags.check_missing_value(value.value, first.plugin, step, self._path, self._run.found)

    def _described(self, value: Value, step: int) -> Metadata:
        """The metadata that counts for a value: that of its tag's first value in the file."""
        found, given = self._run.found, value.metadata or parse.NO_METADATA
        tag = self._run.tag(value.tag)
        if self._run.known.begins(tag, self._number, given):
            self._tags[self._count] = tag
            self._count += 1
            tags.check_first(value, self._path, found)
            if value.number == schema.Value.TENSOR and not given.plugin:
                self._unnamed[tag] = True
            if given.plugin == schema.MESH:
                self._run.meshes.add(given.content)
        elif given.plugin and self._unnamed[tag]:
            self._unnamed[tag] = False
            found.add(tags.LATE_METADATA, self._path, value.tag,
                      f"plugin {given.plugin!r} comes at step {step}, not with the first value")
        if given.plugin == schema.HPARAMS:
            self._run.hparams(given.content)
        return self._run.known.metadata(tag)

    def _shown(self, value: Decoded, first: Metadata, step: int) -> List[Problem]:
        """The problems of a value, which are noted."""
        tag = value.value.tag
        given = value.value.metadata or parse.NO_METADATA
        plugin = schema.FORMS.get(value.value.number) or given.plugin or first.plugin
        number, known = self._run.tag(tag), self._run.known
        before = known.plugin(number, plugin)
        if plugin and plugin != before:
            problems = [(tags.KIND_CHANGES, f"{before} before, {plugin} at step {step}")]
        elif plugin in _MEDIA:
            problems = list(_MEDIA[plugin](value, first, known.looks(number)))
            if plugin == schema.AUDIO and not problems:
                known.add_clips(number, media.clips_of(value))
        else:
            check = _KINDS.get(plugin)
            problems = list(check(value, first)) if check else []
        for rule, what in problems:
            self._run.found.add(rule, self._path, tag, f"{what}, at step {step}")
        return problems


def _values(event: Event) -> Iterable[Decoded]:
    """The values of an event, all of which protobuf can read: otherwise WireError."""
    if event.number != schema.Event.SUMMARY:
        return ()
    return parse.walked(lambda: map(Decoded, parse.values(event.data)))


def _digest(data: Data) -> int:
    """Equal for equal bytes; never 0."""
    return (len(data) << 33) + (zlib.crc32(data) << 1) + 1


class _Waiting:
    """Scalars of a part whose steps are not noted yet: those of a tag wait until something else
    happens to the tag.

    first: {number of a kind: the offset of its first scalar}. counts: how many scalars of each kind
    there are.
    """

    def __init__(self, scalars: Scalars, values: List[Value], run: Run) -> None:
        self._run = run
        self._scalars, self._values = scalars, values
        # How many of the scalars, in the order of the file, were noted for all tags.
        self._done = 0
        self.first: Dict[int, int] = {}
        self.counts: Dict[int, int] = {}
        self._steps: Dict[int, int] = {}
        # {tag: offsets and steps of its scalars in the order of the file}
        self._columns: Dict[str, List[Any]] = {}
        for tag, rows in scalars.by_tag():
            self.first[tag] = int(rows.offsets[0])
            self.counts[tag] = len(rows.steps)
            self._steps[tag] = int(rows.steps[0])
            columns = [rows.offsets, rows.steps]
            if values[tag].tag in self._columns:  # another kind of the same tag
                both = [np.concatenate(pair)
                        for pair in zip(self._columns[values[tag].tag], columns)]
                columns = [column[np.argsort(both[0], kind="stable")] for column in both]
            self._columns[values[tag].tag] = columns

    def step(self, tag: int) -> int:
        """The step of the first scalar of a kind."""
        return self._steps[tag]

    def tag_before(self, name: str, offset: int) -> None:
        """Note the steps of one tag's scalars before `offset`."""
        if name in self._columns:
            offsets, steps = self._columns[name]
            end = int(np.searchsorted(offsets, offset))
            if end:
                self._run.series.extend(self._run.tag(name), steps[:end])
                self._columns[name] = [offsets[end:], steps[end:]]

    def all_before(self, offset: int) -> None:
        """Note the steps of all scalars before `offset`."""
        begin, end = self._done, int(np.searchsorted(self._scalars.offsets, offset))
        self._done = end
        for tag in np.unique(self._scalars.tags[begin:end]).tolist() if end > begin else ():
            self.tag_before(self._values[tag].tag, offset)

    def all(self) -> None:
        """Note the steps of all scalars."""
        for name, (_, steps) in self._columns.items():
            if len(steps):
                self._run.series.extend(self._run.tag(name), steps)
