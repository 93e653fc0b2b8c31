"""What is wrong with a log directory, what TensorBoard makes of it, and how to mend it.

    from tbwriter import check
    for finding in check.check("runs"):
        print(finding)

Two loaders read event files for TensorBoard, and they differ: the fast one (a data server, the
default on Linux), and the one in Python (everywhere else, on object stores, and with
`--load_fast=false`). A finding says what each of them shows. Nothing is found in a directory that
both show completely.
"""
from __future__ import annotations

import math
import os
import posixpath
import re
from array import array
from struct import Struct
from typing import Any, Callable, Dict, Iterator, List, NamedTuple, Optional, Set, Tuple

import numpy as np

from .._files import records
from .._proto import parse, schema, tensors, wire
from .._proto.parse import Data, Event, Metadata, Value
from .._files.places import base_name, event_files, is_url, runs_of, size_of, tree
from .._files.records import Fault
from .._files.stream import sound_records
from .._files.window import Window, contents
from .._proto.wire import WireError

Progress = Callable[[int], object]


class Finding(NamedTuple):
    """One thing that is wrong in one place.

    rule: its short name, a key of `RULES`. run, path, tag: where ("" where it is of no tag).
    what: what was found, with numbers. fast, python: what TensorBoard shows, by loader.
    mend: how to mend it.
    """

    rule: str
    run: str
    path: str
    tag: str
    what: str
    fast: str
    python: str
    mend: str

    def __str__(self) -> str:
        where = f"{self.path}, tag {self.tag!r}" if self.tag else self.path
        return (f"{self.rule}: {where}\n  {self.what}\n  fast loader: {self.fast}\n"
                f"  python loader: {self.python}\n  mend: {self.mend}")


class Rule(NamedTuple):
    """What TensorBoard's loaders make of a fault, and how to mend it."""

    fast: str
    python: str
    mend: str


_REPAIR = "tbwriter repair writes a copy with every record that can be found"
_STEPS = "give each value of a tag a greater step than the last; tbwriter repair sorts them"
_AGAIN = "write the values again, in a new run"

RULES = {
    "torn tail": Rule(
        "everything before it; waits for the rest", "everything before it; waits for the rest",
        "nothing to do while the run goes on; " + _REPAIR),
    "torn record": Rule(
        "nothing behind it, for ever", "nothing behind it, for ever", _REPAIR),
    "bad length": Rule(
        "nothing behind it, for ever", "nothing behind it, for ever", _REPAIR),
    "huge length": Rule(
        "the data server asks for that much memory and may die, with all runs",
        "MemoryError or OverflowError, nothing behind it", _REPAIR),
    "bad data": Rule(
        "the record as it is, wrong, or nothing behind it if it is no event",
        "nothing behind it, for ever", _REPAIR),
    "bad event": Rule(
        "nothing behind it in this file", "loading stops, for every run", _REPAIR),
    "zero bytes": Rule(
        "nothing behind them, for ever (12 or more of them)",
        "nothing behind them, for ever (12 or more of them)",
        "let nothing but the writer make its files longer; " + _REPAIR),
    "unreadable": Rule("not this file", "not this file, or HTTP 500", "mend its permissions"),
    "no runs": Rule("nothing", "nothing", "give the directory that holds the runs"),
    "no events": Rule(
        "no run", "an empty run", "delete the file, unless a run has just begun"),
    "no file version": Rule(
        "all points", "points are purged whenever a step is less than the one before",
        "begin each file with file_version brain.Event:2; tbwriter repair does"),
    "wall_time NaN": Rule(
        "nothing behind it in this file", "the point, without a time", _REPAIR),
    "wall_time infinite": Rule("not this event", "the point, without a time", _REPAIR),
    "directory name": Rule(
        "its runs", "HTTP 500 instead of the list of runs: it is opened like an event file",
        "rename the directory so that its name does not contain tfevents"),
    "file order": Rule(
        "points that come late with lower steps delete those before them",
        "points in the wrong order; live, files with smaller names are never read",
        "pad the numbers in file names with zeros; tbwriter merge makes one file in order of time"),
    "two writers": Rule(
        "only what the later steps leave over", "live, nothing of the first file once there is "
        "a second", "one run directory for each writer"),
    "repeated steps": Rule(
        "the last value of each step", "all values of scalars, the first of images and graphs",
        _STEPS),
    "decreasing steps": Rule(
        "a value deletes all of its tag with the same or greater steps", "all values, the curve "
        "runs back", _STEPS + "; purge_step, if a run was resumed"),
    "restart not seen": Rule(
        "the new values instead of the old ones", "old and new values: it ignores the first "
        "SessionLog.START of a run", "write two START events, as purge_step here does; "
        "tbwriter repair removes what was purged"),
    "kind changes": Rule(
        "the values of the first kind", "HTTP 500 for the tag", "use one tag for each kind"),
    "late metadata": Rule(
        "not the tag", "not the tag",
        "write plugin metadata with the tag's first value in each file; " + _AGAIN),
    "no plugin": Rule(
        "not the tag", "not the tag", "name the plugin in the metadata of the first value"),
    "no value": Rule(
        "an empty tag, or none", "HTTP 500 for all tags of the plugin",
        "write a value with the metadata"),
    "scalar type": Rule(
        "not the point", "the point",
        "store scalars as simple_value or DT_FLOAT of rank 0; tbwriter repair does"),
    "plugin content": Rule(
        "HTTP 500 for all tags of the plugin", "HTTP 500 for all tags of the plugin",
        "write what the plugin's proto says"),
    "plugin version": Rule("not the tag", "not the tag", "write version 0"),
    "data class": Rule(
        "not the tag", "not the tag, where its values are tensors",
        "data_class 1 for scalars, 3 for images and audio, 2 for all else; or leave it 0"),
    "lost metadata": Rule(
        "the values, without display name and description", "all",
        "set data_class in the metadata of values that are no tensors"),
    "tensor elements": Rule(
        "HTTP 500 for the series; of scalars, not the point", "HTTP 500 for the series",
        "write as many elements as the shape says"),
    "image shape": Rule(
        "not the point", "broken images",
        "want a string tensor of rank 1: width, height, then the images"),
    "image format": Rule(
        "a broken image (application/octet-stream)", "a broken image (application/octet-stream)",
        "encode images as PNG, JPEG, GIF or BMP"),
    "audio shape": Rule(
        "not the clips, unless they are [clips, 2]", "the first column, broken clips or HTTP 500",
        "want a string tensor [clips], or [clips, 2] without data_class 3"),
    "audio clips": Rule(
        "HTTP 500 for clips that some steps do not have",
        "HTTP 500 for clips that some steps do not have", "the same number of clips at each step"),
    "histogram shape": Rule(
        "not the point, or HTTP 500 in Distributions",
        "a broken chart, or HTTP 500 in Distributions",
        "want float [k, 3], or as many buckets as limits"),
    "histogram range": Rule(
        "a broken chart", "a broken chart", "leave NaN and infinite values out of histograms"),
    "histogram edges": Rule(
        "all values in one corner of the chart", "all",
        "leave the empty buckets around the values out"),
    "curve shape": Rule(
        "HTTP 500 for the curves", "HTTP 500 for the curves", "want float [6, thresholds]"),
    "curve NaN": Rule(
        "HTTP 400 for the curves", "HTTP 400 for the curves", "count without NaN"),
    "text encoding": Rule(
        "HTTP 500 for the tag", "HTTP 500 for the tag", "write text as UTF-8"),
    "mesh parts": Rule(
        "HTTP 500 for all meshes, or not all parts", "HTTP 500 for all meshes, or not all parts",
        "give all parts of a mesh the same `components`, and each its shape"),
    "mesh shape": Rule("other points", "other points", "want [batch, n, 3]"),
    "layout content": Rule(
        "HTTP 500 for the layout", "HTTP 500 for the layout", "write a Layout message"),
    "graph content": Rule(
        "HTTP 500 for the graph", "HTTP 500 for the graph",
        "write a GraphDef or RunMetadata, with text in UTF-8"),
    "layout tag": Rule("not the layout", "not the layout", "the tag custom_scalars__config__"),
    "hparams experiments": Rule(
        "the columns of one of them", "the columns of one of them",
        "the same experiment, or none, in all runs"),
    "hparams hidden": Rule(
        "not these columns", "not these columns",
        "name all hyperparameters in the experiment, or leave it out"),
    "hparams tag": Rule(
        "not these hyperparameters", "HTTP 500 for HParams",
        "the tags _hparams_/experiment, _hparams_/session_start_info, _hparams_/session_end_info"),
    "projector config": Rule(
        "no Projector tab, or an embedding without its labels",
        "no Projector tab, or an embedding without its labels",
        "paths relative to the config, inside its directory, to files that exist"),
    "projector tensor": Rule(
        "no Projector tab, HTTP 500 for the embedding",
        "no Projector tab, HTTP 500 for the embedding",
        "lines of numbers between tabs, or float32 bytes with tensor_shape that are not UTF-8"),
}

_FORMS = {2: "scalars", 4: "images", 5: "histograms", 6: "audio"}
_GRAPHS = ("graph_run_metadata", "graph_run_metadata_graph", "graph_keras_model")
_IMAGES = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF8", b"BM")
# How many times its values' range a histogram's empty buckets may reach beyond them. torch's reach
# a tenth of the values.
_FAR = 10
_BYTES_PER_REPORT = 1 << 20
_double = Struct("<d").unpack_from


def check(logdir: str, progress: Optional[Progress] = None) -> List[Finding]:
    """Everything that is wrong in a log directory (or one event file), run by run.

    progress: called with how many bytes were read since the last call. Raises FileNotFoundError.
    """
    found = tree(logdir)
    findings: List[Finding] = []
    hparams = _HParams()
    for run, paths in runs_of(found).items():
        checked = _Run(run, hparams)
        for path in paths:
            checked.read(path, progress)
        findings += checked.findings()
        findings += _directory(run, paths)
    configs = [path for paths in found.values() for path in paths
               if base_name(path) == "projector_config.pbtxt"]
    for config in configs:
        findings += _projector(config, logdir, found)
    if not configs and not runs_of(found):
        findings.append(Finding("no runs", "", logdir, "", "no file with tfevents in its name",
                                *RULES["no runs"]))
    return findings + hparams.findings(logdir)


def total_bytes(logdir: str) -> int:
    """How many bytes `check` will read."""
    return sum(size_of(path) for paths in event_files(logdir).values() for path in paths)


class _Tag:
    """What the values of one tag were so far."""

    __slots__ = ("plugin", "kept", "count", "repeated", "decreasing", "lost", "clips", "files")

    def __init__(self) -> None:
        self.plugin = ""
        # The steps that the fast loader has kept, ascending.
        self.kept = array("q")
        self.count = self.repeated = self.decreasing = self.lost = 0
        self.clips: Set[int] = set()
        self.files: Set[str] = set()

    def add(self, step: int) -> None:
        kept = self.kept
        self.count += 1
        if kept and step <= kept[-1]:
            if step == kept[-1]:
                self.repeated += 1
            else:
                self.decreasing += 1
            while kept and kept[-1] >= step:
                kept.pop()
                self.lost += 1
        kept.append(step)

    def purge(self, step: int) -> bool:
        """Whether values from `step` on were there; they are no more."""
        before = len(self.kept)
        while self.kept and self.kept[-1] >= step:
            self.kept.pop()
        return len(self.kept) < before


class _File(NamedTuple):
    path: str
    first: float
    last: float
    tags: Set[str]


class _Run:
    """One run, read file by file."""

    def __init__(self, name: str, hparams: "_HParams") -> None:
        self._name = name
        self._hparams = hparams
        self._tags: Dict[str, _Tag] = {}
        self._files: List[_File] = []
        self._meshes: Dict[str, Set[Tuple[int, bool]]] = {}
        self._restarts = 0
        # The first START of a run, its step, and how many tags it should have purged.
        self._unseen: Optional[Tuple[str, int, int]] = None
        # Rule, path and tag -> how often, and what was found first.
        self._found: Dict[Tuple[str, str, str], Tuple[int, str]] = {}

    def find(self, rule: str, path: str, tag: str, what: str) -> None:
        count, first = self._found.get((rule, path, tag), (0, what))
        self._found[rule, path, tag] = count + 1, first

    def read(self, path: str, progress: Optional[Progress]) -> None:
        faults: List[Fault] = []
        reader = _FileReader(self, path)
        reported = 0
        try:
            with Window(path) as window:
                for record in sound_records(window, faults):
                    reader.add(record)
                    if progress and record.end - reported >= _BYTES_PER_REPORT:
                        progress(record.end - reported)
                        reported = record.end
                if progress:
                    progress(window.size - reported)
        except (OSError, ValueError) as error:
            self.find("unreadable", path, "", str(error))
            return
        reader.end(faults)
        self._files.append(_File(path, reader.first, reader.last, set(reader.metadata)))

    def tag(self, name: str) -> _Tag:
        if name not in self._tags:
            self._tags[name] = _Tag()
        return self._tags[name]

    def restart(self, step: int, path: str) -> None:
        self._restarts += 1
        purged = sum([tag.purge(step) for tag in self._tags.values()])
        if self._restarts == 1 and purged:
            self._unseen = path, step, purged
        elif self._unseen and step <= self._unseen[1]:
            self._unseen = None

    def mesh(self, name: str, content: bytes) -> None:
        shaped = any(number == 6 for number, *_ in wire.fields(content))
        self._meshes.setdefault(name, set()).add((parse.int_of(content, 7), shaped))

    def hparams(self, tag: str, content: bytes) -> None:
        self._hparams.add(self._name, tag, content)

    def findings(self) -> Iterator[Finding]:
        self._order()
        if self._unseen:
            path, step, purged = self._unseen
            self.find("restart not seen", path, "",
                      f"a single START at step {step} with later values of {purged} tags")
        last = self._files[-1].path if self._files else ""
        for name, tag in self._tags.items():
            if tag.decreasing:
                self._found["decreasing steps", last, name] = 1, (
                    f"{tag.decreasing} of {tag.count} values with a step below the one before; "
                    f"{len(tag.kept)} of {tag.count} survive in the fast loader")
            elif tag.repeated:
                self._found["repeated steps", last, name] = 1, (
                    f"{tag.repeated} of {tag.count} values with the step of the one before")
            if len(tag.clips) > 1:
                self._found["audio clips", last, name] = 1, (
                    f"from {min(tag.clips)} to {max(tag.clips)} clips a step")
        for name, parts in self._meshes.items():
            if len({components for components, _ in parts}) > 1 or not all(s for _, s in parts):
                self._found["mesh parts", last, name] = 1, "parts with other components or no shape"
        for (rule, path, where), (count, what) in self._found.items():
            text = what if count == 1 else f"{what} (and {count - 1} more)"
            yield Finding(rule, self._name, path, where, text, *RULES[rule])

    def _order(self) -> None:
        files = [file for file in self._files if math.isfinite(file.first)]
        for before, after in zip(files, files[1:]):
            # Names have a resolution of one second, and so have TensorFlow's first events.
            if after.first < before.first - 2:
                self.find("file order", after.path, "",
                          f"begins {before.first - after.first:.0f} s before "
                          f"{os.path.basename(before.path)}, but its name sorts behind it")
            elif after.first < before.last - 2 and before.tags & after.tags:
                tag = sorted(before.tags & after.tags)[0]
                self.find("two writers", after.path, "",
                          f"begins while {os.path.basename(before.path)} goes on, with the same "
                          f"tags, such as {tag!r}")


class _FileReader:
    """One file of a run, record by record."""

    def __init__(self, run: _Run, path: str) -> None:
        self._run = run
        self._path = path
        self._records = 0
        self.first, self.last = math.inf, -math.inf
        # The metadata of the first value of each tag, by which TensorBoard knows it.
        self.metadata: Dict[str, Metadata] = {}
        # Tags whose first value is a tensor of no plugin.
        self._unnamed: Set[str] = set()
        # Scalars that were found good once: only steps and times can be wrong in the next.
        self._plain: Dict[bytes, _Tag] = {}

    def add(self, record: records.Record) -> None:
        self._records += 1
        plain = records.scalar_key(record.data)
        if plain is not None and plain[1] in self._plain:
            wall_time = _double(record.data, 1)[0]
            if math.isfinite(wall_time):
                self.last = max(self.last, wall_time)
                self._plain[plain[1]].add(plain[0])
                return
        try:
            event = parse.event(record.data)
            _check_message(event)
            self._event(event, record.offset)
        except WireError as error:
            self._find("bad event", f"byte {record.offset}: {error}")
            return
        if plain is not None and records.is_scalar(plain[1], event):
            tag = self._run.tag(event.values[0].tag)
            if tag.plugin == "scalars":
                self._plain[plain[1]] = tag

    def _event(self, event: Event, offset: int) -> None:
        if self._records == 1 and _version(event.file_version) < 2:
            self._find("no file version", f"its first event has the file_version "
                       f"{event.file_version!r}")
        if math.isfinite(event.wall_time):
            if self.first == math.inf:
                self.first = event.wall_time
            self.last = max(self.last, event.wall_time)
        elif math.isnan(event.wall_time):
            self._find("wall_time NaN", f"at byte {offset}, step {event.step}")
        else:
            self._find("wall_time infinite", f"at byte {offset}, step {event.step}")
        if event.session_status == 1:
            self._run.restart(event.step, self._path)
        elif event.number == 4:
            self._graph("__run_graph__", event.step, _graph_def, event.data)
        elif event.number == 8:
            self._graph(parse.string_of(event.data, 1), event.step, _run_metadata,
                        parse.bytes_of(event.data, 2) or b"")
        for value in event.values:
            self._value(value, event.step)

    def _graph(self, tag: str, step: int, look: Callable[[Data], object], data: Data) -> None:
        self._run.tag(tag).add(step)
        try:
            look(data)
        except WireError as error:
            self._find("graph content", f"{error}, at step {step}", tag)

    def end(self, faults: List[Fault]) -> None:
        for fault in faults:
            huge = fault.reason.startswith("got a record of")
            rule = "huge length" if huge and fault.kind == records.LENGTH else fault.kind
            self._find(rule, f"byte {fault.offset}, {fault.nbytes} bytes: {fault.reason}")
        if not self._records:
            self._find("no events", "no record in it")
        for tag in sorted(self._unnamed):
            self._find("no plugin", "tensors without metadata", tag)

    def _find(self, rule: str, what: str, tag: str = "") -> None:
        self._run.find(rule, self._path, tag, what)

    def _value(self, value: Value, step: int) -> None:
        first = self.metadata.get(value.tag)
        given = value.metadata or Metadata()
        if first is None:
            first = self.metadata[value.tag] = given
            self._first(value, given)
        elif given.plugin and value.tag in self._unnamed:
            self._unnamed.remove(value.tag)
            self._find("late metadata", f"plugin {given.plugin!r} comes at step {step}, not with "
                       "the first value", value.tag)
        plugin = first.plugin or _FORMS.get(value.number, "")
        if given.plugin == "hparams":
            self._run.hparams(value.tag, given.content)
        if not value.number:
            if not plugin:
                self._find("no plugin", "neither value nor metadata", value.tag)
            elif plugin != "hparams":
                self._find("no value", f"metadata only, at step {step}", value.tag)
            return
        tag = self._run.tag(value.tag)
        tag.add(step)
        kind = _FORMS.get(value.number) or given.plugin or plugin
        if kind and tag.plugin and kind != tag.plugin:
            self._find("kind changes", f"{tag.plugin} before, {kind} at step {step}", value.tag)
            return
        tag.plugin = tag.plugin or kind
        if kind in _SHAPES:
            problem = _SHAPES[kind](value, first, tag)
            if problem:
                self._find(problem[0], f"{problem[1]}, at step {step}", value.tag)

    def _first(self, value: Value, metadata: Metadata) -> None:
        """The first value of a tag in this file decides how TensorBoard takes the others."""
        if value.number == 8 and not metadata.plugin:
            self._unnamed.add(value.tag)
        if value.number in _FORMS and not metadata.data_class \
                and (metadata.display_name or metadata.description):
            self._find("lost metadata", "no data_class", value.tag)
        wanted = _CLASSES.get(metadata.plugin)
        if wanted and metadata.data_class not in (0, wanted):
            self._find("data class", f"{metadata.plugin}: {metadata.data_class}, not {wanted}",
                       value.tag)
        content = metadata.content
        if metadata.plugin in _GRAPHS and content != b"1":
            self._find("plugin content", f"got {content[:20]!r}, want b'1'", value.tag)
        elif metadata.plugin in _VERSIONED and content != b"{}":
            try:
                version = parse.int_of(content, 1)
                if metadata.plugin == "mesh":
                    self._run.mesh(parse.string_of(content, 2), content)
                elif metadata.plugin == "hparams":
                    _walk(content, _HPARAMS)
            except WireError as error:
                self._find("plugin content", f"{metadata.plugin}: {error}", value.tag)
                return
            if version:
                self._find("plugin version", f"{metadata.plugin}: {version}", value.tag)
        if metadata.plugin == "custom_scalars" and value.tag != "custom_scalars__config__":
            self._find("layout tag", "another tag than custom_scalars__config__", value.tag)
        if metadata.plugin == "hparams" and value.tag not in _HPARAMS_TAGS:
            self._find("hparams tag", "another tag than those of TensorBoard", value.tag)


_VERSIONED = ("scalars", "histograms", "images", "audio", "text", "pr_curves", "mesh", "hparams")

_CLASSES = {name: one.data_class for name, one in schema.PLUGINS.items()
            if one.content is None and one.kind not in ("graph", "run_metadata")}

_HPARAMS_TAGS = ("_hparams_/experiment", "_hparams_/session_start_info",
                 "_hparams_/session_end_info")

# What has to be well formed in a message: by field number, a message of its own, or a string (str).
_Fields = Dict[int, Any]
_METRIC: _Fields = {1: {1: str, 2: str}, 3: str, 4: str}
_DOMAIN: _Fields = {1: str, 2: str, 3: str, 5: {1: {3: str}}, 6: {}}
_HPARAMS: _Fields = {
    2: {1: str, 2: str, 4: _DOMAIN, 5: _METRIC, 6: str},
    3: {1: {1: str, 2: {3: str}}, 2: str, 3: str, 4: str}, 4: {}}
_LAYOUT: _Fields = {2: {1: str, 2: {1: str, 2: {1: str}, 3: {1: {1: str, 2: str, 3: str}}}}}
_GRAPH: _Fields = {
    1: {1: str, 2: str, 3: str, 4: str, 5: {1: str, 2: {}}}, 2: {}, 4: {}}
_STEP_STATS: _Fields = {1: {1: {1: str, 2: {1: str, 8: str}}}, 2: {}, 3: _GRAPH}

Problem = Optional[Tuple[str, str]]


def _walk(data: Data, fields: _Fields) -> None:
    """WireError where protobuf would refuse a message with these fields."""
    for number, wire_type, _, value in wire.fields(data):
        inner = fields.get(number)
        if inner is None or wire_type != wire.LENGTH:
            continue
        if inner is str:
            parse.text(value)
        else:
            _walk(value, inner)


def _graph_def(data: Data) -> None:
    _walk(data, _GRAPH)


def _run_metadata(data: Data) -> None:
    _walk(data, _STEP_STATS)


def _version(text: str) -> float:
    """The number in "brain.Event:2", as TensorBoard reads it; -1 without one."""
    try:
        return float(text.rpartition("brain.Event:")[2])
    except ValueError:
        return -1


def _check_message(event: Event) -> None:
    """WireError where protobuf would refuse a message inside an event."""
    if event.number == 7:  # checkpoint_path and msg
        parse.string_of(event.data, 2)
        parse.string_of(event.data, 3)
    for value in event.values:
        if value.number in (4, 5, 6, 8):
            for number, wire_type, _, field in wire.fields(value.data):
                if (value.number, number, wire_type) == (6, 5, wire.LENGTH):
                    parse.text(field)
        if value.number == 8:
            tensors.shape_of(value.data)


def _tensor_array(value: Value) -> "np.ndarray[Any, Any]":
    return tensors.array_of(value.data)


def _scalars(value: Value, metadata: Metadata, tag: _Tag) -> Problem:
    if value.number == 2:
        return None
    dtype, shape = tensors.shape_of(value.data)
    if dtype != 1 or shape:
        return "scalar type", f"DataType {dtype} of shape {list(shape)}"
    return _elements(value)


def _elements(value: Value) -> Problem:
    try:
        _tensor_array(value)
    except WireError as error:
        return "tensor elements", str(error)
    return None


def _histograms(value: Value, metadata: Metadata, tag: _Tag) -> Problem:
    if value.number == 5:
        counts, limits = tensors.doubles_of(value.data, 7), tensors.doubles_of(value.data, 6)
        if len(counts) != len(limits):
            return "histogram shape", f"{len(counts)} buckets and {len(limits)} limits"
        least, greatest = parse.double_of(value.data, 1), parse.double_of(value.data, 2)
        if not counts.any():
            return None
        if not np.isfinite([least, greatest]).all():
            return "histogram range", f"least and greatest value are {least} and {greatest}"
        # Its outermost edges are the least and greatest value; those of empty buckets stay.
        reach = max(least - limits[0], limits[:-1].max(initial=greatest) - greatest)
        if reach > _FAR * max(greatest - least, abs(least), abs(greatest)):
            return "histogram edges", (f"empty buckets from {limits[0]:.4g} to {limits[-1]:.4g} "
                                       f"around values from {least:.4g} to {greatest:.4g}")
        return None
    problem = _elements(value)
    if problem:
        return problem
    rows = _tensor_array(value)
    if rows.ndim != 2 or rows.shape[1] != 3 or rows.dtype.kind != "f":
        return "histogram shape", f"{rows.dtype} of shape {list(rows.shape)}"
    if not np.isfinite(rows.astype(np.float64)).all():
        return "histogram range", "edges or counts that are not finite"
    return None


def _images(value: Value, metadata: Metadata, tag: _Tag) -> Problem:
    if value.number == 8:
        dtype, shape = tensors.shape_of(value.data)
        strings = tensors.strings_of(value.data)
        if dtype != schema.DT_STRING or len(shape) != 1 or len(strings) < 2 \
                or not all(text.isdigit() for text in strings[:2]):
            return "image shape", f"DataType {dtype} of shape {list(shape)}"
        images = strings[2:]
    else:
        images = [bytes(parse.bytes_of(value.data, 4) or b"")]
    for image in images:
        if not image.startswith(_IMAGES):
            return "image format", f"begins with {image[:8]!r}"
    return _elements(value) if value.number == 8 else None


def _audio(value: Value, metadata: Metadata, tag: _Tag) -> Problem:
    if value.number != 8:
        tag.clips.add(1)
        return None
    dtype, shape = tensors.shape_of(value.data)
    fits = len(shape) == 1 or (len(shape) == 2 and shape[1] == 2
                               and metadata.data_class != schema.DataClass.BLOB_SEQUENCE)
    if dtype != schema.DT_STRING or not fits:
        return "audio shape", (f"DataType {dtype} of shape {list(shape)}, "
                               f"data_class {metadata.data_class}")
    tag.clips.add(shape[0])
    return _elements(value)


def _text(value: Value, metadata: Metadata, tag: _Tag) -> Problem:
    for text in tensors.strings_of(value.data):
        try:
            text.decode("utf-8")
        except UnicodeDecodeError as error:
            return "text encoding", str(error)
    return _elements(value)


def _curves(value: Value, metadata: Metadata, tag: _Tag) -> Problem:
    problem = _elements(value)
    if problem:
        return problem
    rows = _tensor_array(value)
    if rows.ndim != 2 or rows.shape[0] != 6 or rows.dtype.kind != "f":
        return "curve shape", f"{rows.dtype} of shape {list(rows.shape)}"
    if np.isnan(rows[:4].astype(np.float64)).any():
        return "curve NaN", "NaN among the counts"
    return None


def _meshes(value: Value, metadata: Metadata, tag: _Tag) -> Problem:
    shape = tensors.shape_of(value.data)[1]
    if len(shape) != 3 or shape[2] != 3:
        return "mesh shape", f"got shape {list(shape)}"
    return _elements(value)


def _layouts(value: Value, metadata: Metadata, tag: _Tag) -> Problem:
    try:
        for layout in tensors.strings_of(value.data):
            _walk(layout, _LAYOUT)
    except WireError as error:
        return "layout content", str(error)
    return _elements(value)


_SHAPES: Dict[str, Callable[[Value, Metadata, _Tag], Problem]] = {
    "scalars": _scalars, "histograms": _histograms, "images": _images, "audio": _audio,
    "text": _text, "pr_curves": _curves, "mesh": _meshes, "custom_scalars": _layouts,
}


class _HParams:
    """Hyperparameters of all runs: experiments and sessions have to fit each other."""

    def __init__(self) -> None:
        self._experiments: Dict[bytes, str] = {}
        self._named: List[Set[str]] = []
        self._used: Set[str] = set()

    def add(self, run: str, tag: str, content: bytes) -> None:
        try:
            experiment = parse.bytes_of(content, 2)
            start = parse.bytes_of(content, 3)
            if experiment is not None:
                # What the columns are does not depend on when the experiment was made.
                columns = b"".join(
                    wire.bytes_field(number, bytes(item)) for number in (4, 5)
                    for item in sorted(map(bytes, parse.all_of(experiment, number))))
                self._experiments.setdefault(columns, run)
                self._named.append({parse.string_of(info, 1)
                                    for info in parse.all_of(experiment, 4)})
            elif start is not None:
                self._used |= set(parse.map_of(start, 1))
        except WireError:
            pass  # found as a fault of the plugin's content

    def findings(self, logdir: str) -> List[Finding]:
        found = []
        runs = list(self._experiments.values())
        if len(runs) > 1:
            found.append(Finding(
                "hparams experiments", runs[1], logdir, "_hparams_/experiment",
                f"{len(runs)} that differ, the first two in {runs[0]!r} and {runs[1]!r}",
                *RULES["hparams experiments"]))
        elif self._named:
            hidden = sorted(self._used - self._named[0])
            if hidden:
                found.append(Finding(
                    "hparams hidden", runs[0], logdir, "_hparams_/experiment",
                    f"it does not name {', '.join(hidden)}", *RULES["hparams hidden"]))
        return found


def _directory(run: str, paths: List[str]) -> List[Finding]:
    directory = os.path.dirname(paths[0])
    if "tfevents" not in base_name(directory):
        return []
    return [Finding("directory name", run, directory, "", "a run called like an event file",
                    *RULES["directory name"])]


# The fields of ProjectorConfig that have a value, and those that have fields.
_CONFIG = {"model_checkpoint_path": str, "model_checkpoint_dir": str, "tensor_name": str,
           "metadata_path": str, "bookmarks_path": str, "tensor_path": str, "image_path": str,
           "tensor_shape": int, "single_image_dim": int, "embeddings": dict, "sprite": dict}
_TOKEN = re.compile(r'''\s*(?:\#[^\n]*\s*)*(?:([{}<>:;,\[\]])|([A-Za-z_]\w*)|(-?\d+)
                        |"((?:[^"\\\n]|\\.)*)"|\'((?:[^\'\\\n]|\\.)*)\'|($))''', re.VERBOSE)
# How much of a file with numbers is looked at.
_SAMPLE = 1 << 20


def _projector(config: str, logdir: str, found: Dict[str, List[str]]) -> List[Finding]:
    """What is wrong with a projector config and with the files that it names."""
    directory = os.path.dirname(config)
    run = next(name for name, paths in found.items() if config in paths)
    known = {path: path for paths in found.values() for path in paths}
    problems = []
    try:
        embeddings = _embeddings(contents(config).decode("utf-8"))
    except ValueError as error:
        problems = [("projector config", f"no ProjectorConfig: {error}")]
        embeddings = []
    for embedding in embeddings:
        for field in ("tensor_path", "metadata_path", "bookmarks_path", "image_path"):
            for name in embedding.get(field, []):
                problem, path = _asset(directory, name, known)
                if problem:
                    problems.append(("projector config", f"{field} {problem}"))
                elif field == "tensor_path":
                    problem = _numbers(contents(path), embedding.get("tensor_shape", []))
                    if problem:
                        problems.append(("projector tensor", f"{name!r} {problem}"))
    return [Finding(rule, run, config, "", what, *RULES[rule]) for rule, what in problems]


def _embeddings(text: str) -> List[Dict[str, List[Any]]]:
    """{field: its values} of each embedding of a ProjectorConfig in text format; sprites too."""
    found: List[Dict[str, List[Any]]] = []
    depth, at, name = 0, 0, ""
    while True:
        token = _TOKEN.match(text, at)
        if token is None:
            raise ValueError(f"got {text[at:at + 20]!r}")
        at = token.end()
        mark, word, number, double, single, _ = token.groups()
        quoted = double if single is None else single
        if word is not None:
            if word not in _CONFIG or name:
                raise ValueError(f"got {word!r}")
            name = word
        elif mark in ("{", "<"):
            if _CONFIG.get(name) is not dict:
                raise ValueError(f"got {mark!r} behind {name!r}")
            if name == "embeddings":
                found.append({})
            depth, name = depth + 1, ""
        elif mark in ("}", ">"):
            depth -= 1
            if depth < 0 or name:
                raise ValueError(f"got {mark!r}")
        elif number is not None or quoted is not None:
            if _CONFIG.get(name) is not (int if quoted is None else str):
                raise ValueError(f"got {token.group().strip()!r} behind {name!r}")
            if found:
                value = int(number) if quoted is None else re.sub(r"\\(.)", r"\1", quoted)
                found[-1].setdefault(name, []).append(value)
            name = ""
        elif mark is None:
            if depth or name:
                raise ValueError("got its end too early")
            return found


def _asset(directory: str, name: str, known: Dict[str, str]) -> Tuple[str, str]:
    """What is wrong with a file that a projector config names, "" for nothing; and its path."""
    if is_url(directory):
        path = f"{directory}/{posixpath.normpath(name)}"
        inside, there = not posixpath.normpath(name).startswith(("..", "/")), path in known
        path = known.get(path, path)  # which knows where to read it
    else:
        root = os.path.realpath(directory)
        path = os.path.realpath(os.path.join(root, name))
        inside, there = os.path.commonpath([root, path]) == root, os.path.isfile(path)
    if not inside:
        return f"{name!r} is outside the directory of the config", path
    return ("" if there else f"{name!r} does not exist"), path


def _numbers(data: bytes, shape: List[int]) -> str:
    """What is wrong with an embedding's numbers. TensorBoard takes them for text if it is UTF-8."""
    try:
        text = data[:_SAMPLE].decode("utf-8")
    except UnicodeDecodeError as error:
        if error.end < min(len(data), _SAMPLE) or len(data) <= _SAMPLE:
            if len(shape) == 2 and shape[0] * shape[1] * 4 == len(data):
                return ""
            return f"has {len(data)} bytes, which is not float32 of the tensor_shape {shape}"
        text = data[:error.start].decode("utf-8")
    lines = [line for line in text.split("\n") if line][:None if len(data) <= _SAMPLE else -1]
    try:
        columns = {len([float(number) for number in line.split("\t")]) for line in lines}
    except ValueError as error:
        return f"is text, but not lines of numbers: {str(error):.60}"
    if len(columns) != 1:
        return f"has lines of {min(columns, default=0)} to {max(columns, default=0)} numbers"
    return ""
