"""Event files and log directories read back, without TensorBoard, protobuf or TensorFlow.

    from tbwriter import reader

    run = reader.read("runs")["train"]
    run.tags                            # {"loss": "scalar", "samples": "image", ...}
    steps, wall_times, values = run.scalars("loss")

What TensorFlow, torch, tensorboardX, mxboard and TensorBoard itself wrote is read alike. Scalars
are held in memory, 24 bytes each; everything else is read from its file when it is asked for.
Files that are damaged give what can be read, and `Run.faults` says what cannot.
"""
from __future__ import annotations

from array import array
from typing import Any, Callable, Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple, Union

import numpy as np

from ._proto import parse, schema, tensors, wire
from ._scalars import decode
from ._proto.plugin_schema import (SESSION_STATUSES, HParamsPluginData, JsonValue, SessionEndInfo,
                                   SessionStartInfo)
from ._proto.parse import Event, Metadata, Value
from ._files.places import event_files
from ._files.records import EVENT, HEADER, Fault, Record, last_steps, record_at, records
from ._files.window import CHUNK, Place, ReadError, Window
from ._proto.wire import WireError

__all__ = ["read", "runs", "events", "last_steps", "Run", "Series", "Tag", "Images", "HParams",
           "Event", "Value", "Metadata", "Fault", "ReadError"]


# TensorBoard's own name for the graph of a run.
RUN_GRAPH = schema.RUN_GRAPH_TAG


class Series(NamedTuple):
    """The values of one tag in the order of the files; they may repeat steps.

    steps: int64 [n]. wall_times: float64 [n], seconds since 1970. values: of scalars float64 [n],
    else a list of n.
    """

    steps: "np.ndarray[Any, Any]"
    wall_times: "np.ndarray[Any, Any]"
    values: Any


class Tag(NamedTuple):
    """What is known of a tag without reading its values.

    kind: "scalar", "histogram", "image", "audio", "text", "pr_curve", "mesh", "hparams", "layout",
        "graph", "run_metadata" or "tensor". plugin: TensorBoard's name for it, "" where the file
        gives none. n: how many values. steps, wall_times: their least and greatest.
    """

    kind: str
    plugin: str
    display_name: str
    description: str
    n: int
    steps: Tuple[int, int]
    wall_times: Tuple[float, float]


class Images(NamedTuple):
    """What one step of a tag shows: images as they are in the file (PNG, JPEG, GIF, ...).

    width, height: in pixels, as the writer gave them.
    """

    width: int
    height: int
    encoded: List[bytes]


class HParams(NamedTuple):
    """The hyperparameters of a run, and how it ended.

    status: "unknown", "success", "failure" or "running". Times are seconds since 1970, 0.0 where
    they are not known.
    """

    values: Dict[str, Union[float, str, bool]]
    group_name: str
    start_time: float
    end_time: float
    status: str


_STATUS = {number: name.lower() for name, number in SESSION_STATUSES.items()}


def runs(logdir: str) -> Dict[str, List[str]]:
    """{run: its event files, in the order in which TensorBoard reads them} below `logdir`.

    logdir: a directory, or one event file. Raises FileNotFoundError.
    """
    return event_files(logdir)


def read(logdir: str) -> Dict[str, "Run"]:
    """{run: Run} of a log directory or of one event file. Raises FileNotFoundError.

    Damaged files raise nothing: see `Run.faults`.
    """
    return {name: Run(name, paths) for name, paths in event_files(logdir).items()}


def events(path: Place, faults: Optional[List[Fault]] = None) -> Iterator[Event]:
    """The events of one file, given by its path or its bytes.

    faults: collects what is wrong with the file, and reading goes on behind it. Without it the
        first damage raises ReadError; an unfinished last record only ends the events.
    """
    with Window(path) as window:
        for record in records(window, faults):
            event = _event(record, window.name, faults)
            if event is not None:
                yield event


def _event(record: Record, path: str, faults: Optional[List[Fault]]) -> Optional[Event]:
    try:
        return parse.event(record.data)
    except WireError as error:
        fault = Fault(path, EVENT, record.offset, record.end - record.offset, str(error))
        if faults is None:
            raise ReadError(str(fault)) from None
        faults.append(fault)
        return None


class _Column:
    """The values of one tag: scalars as numbers, everything else as places in files."""

    __slots__ = ("kind", "metadata", "steps", "wall_times", "values", "places")

    def __init__(self, kind: str, metadata: Metadata) -> None:
        self.kind = kind
        self.metadata = metadata
        self.steps = array("q")
        self.wall_times = array("d")
        self.values = array("d")
        # file, offset of the record, which value of its summary; three numbers for each.
        self.places = array("q")


class Run:
    """One run: everything in its event files.

    name: its path below the log directory. files: their paths, in reading order.
    faults: what is wrong with them. writers: who wrote them, where they say so.
    """

    def __init__(self, name: str, places: Sequence[Place]) -> None:
        self.name = name
        self.faults: List[Fault] = []
        self.writers: List[str] = []
        self._places = list(places)
        self._columns: Dict[str, _Column] = {}
        for number, place in enumerate(self._places):
            try:
                with Window(place) as window:
                    self._load(window, number)
            except (OSError, ReadError) as error:
                path = place if isinstance(place, str) else "(memory)"
                self.faults.append(Fault(path, "unreadable", 0, 0, str(error)))
        # Of some tags all values may be damaged.
        self._columns = {tag: column for tag, column in self._columns.items() if column.steps}

    @property
    def files(self) -> List[str]:
        return [place for place in self._places if isinstance(place, str)]

    @property
    def tags(self) -> Dict[str, str]:
        """{tag: kind}, in the order in which they first came."""
        return {tag: column.kind for tag, column in self._columns.items()}

    def tag(self, tag: str) -> Tag:
        """What is known of a tag. KeyError without one."""
        column = self._column(tag)
        steps, wall_times = np.frombuffer(column.steps, np.int64), np.frombuffer(column.wall_times)
        return Tag(column.kind, *column.metadata[:1], *column.metadata[2:4], len(steps),
                   (int(steps.min()), int(steps.max())),
                   (float(wall_times.min()), float(wall_times.max())))

    def scalars(self, tag: str) -> Series:
        """Numbers. What was stored as float32 is given as it was, in float64.

        Raises KeyError for an unknown tag, ValueError for one of another kind; so do all below.
        """
        column = self._column(tag, "scalar")
        return Series(*_axes(column), np.array(column.values, np.float64))

    def histograms(self, tag: str) -> Series:
        """Arrays [k, 3] of left edge, right edge and count."""
        return self._series(tag, "histogram", _histogram)

    def images(self, tag: str) -> Series:
        """`Images`: the files of one step, with their size."""
        return self._series(tag, "image", _images)

    def audio(self, tag: str) -> Series:
        """Lists of sound files (WAV), one for each clip of a step."""
        return self._series(tag, "audio", _audio)

    def text(self, tag: str) -> Series:
        """Strings; for tables, arrays of strings."""
        return self._series(tag, "text", _text)

    def tensors(self, tag: str) -> Series:
        """Arrays, of every kind that is stored as tensors: pr_curve [6, n], mesh [b, n, 3], ...

        Strings come as arrays of bytes objects.
        """
        return self._series(tag, "", _array)

    def graph(self, tag: str = RUN_GRAPH) -> bytes:
        """The last GraphDef (or RunMetadata, or Keras model) of the run, or that called `tag`."""
        return bytes(self._series(tag, "", _blob).values[-1])

    @property
    def hparams(self) -> Optional[HParams]:
        """The hyperparameters, None without them. ReadError for damaged ones."""
        start, end = b"", b""
        try:
            for column in self._columns.values():
                if column.kind == "hparams":
                    content = column.metadata.content
                    start = bytes(parse.bytes_of(content, HParamsPluginData.SESSION_START_INFO)
                                  or start)
                    end = bytes(parse.bytes_of(content, HParamsPluginData.SESSION_END_INFO) or end)
            return _hparams(start, end) if start else None
        except WireError as error:
            raise ReadError(f"got damaged hyperparameters in run {self.name!r}: {error}") from None

    def _load(self, window: Window, number: int) -> None:
        at = 0
        while at < window.size:
            chunk = window.read(at, CHUNK)
            part = decode.scan(chunk)
            self._add_chunk(chunk, at, part, number, window.name)
            limit = at + len(chunk)
            at += part.end
            if part.end > len(chunk) // 2:
                continue
            # A record larger than the chunk, or damage: one by one to the chunk's end.
            for record in records(window, self.faults, at):
                for tag, step, wall_time, value in self._add_record(record, number, window.name):
                    column = self._columns[tag]
                    column.steps.append(step)
                    column.wall_times.append(wall_time)
                    column.values.append(value)
                at = record.end
                if at >= limit:
                    break
            else:
                return

    def _add_chunk(self, chunk: bytes, start: int, part: decode.Chunk, number: int,
                   path: str) -> None:
        """Adds what is in a chunk, each tag in the order of the file."""
        pieces: Dict[str, List[Sequence[Any]]] = {}
        found: List[Tuple[int, Optional[decode.Rows]]] = [(i, None) for i in part.others]
        found += [(int(rows.order[0]), rows) for rows in part.rows if len(rows.order)]
        for i, rows in sorted(found, key=lambda item: item[0]):
            if rows is None:
                at = part.offsets[i]
                end = part.offsets[i + 1] if i + 1 < len(part.offsets) else part.end
                record = Record(start + at, chunk[at + HEADER:end - 4])
                for tag, *numbers in self._add_record(record, number, path):
                    pieces.setdefault(tag, []).append([[i], *([n] for n in numbers)])
            elif self._column_of(rows.value).kind == "scalar":
                pieces.setdefault(rows.value.tag, []).append(rows[1:])
        for tag, parts in pieces.items():
            index, steps, wall_times, values = (
                np.concatenate(columns) if len(parts) > 1 else np.asarray(columns[0])
                for columns in zip(*parts))
            order = np.argsort(index, kind="stable")
            column = self._columns[tag]
            column.steps.frombytes(steps[order].astype(np.int64).tobytes())
            column.wall_times.frombytes(wall_times[order].astype(np.float64).tobytes())
            column.values.frombytes(values[order].astype(np.float64).tobytes())

    def _add_record(self, record: Record, number: int, path: str
                    ) -> List[Tuple[str, int, float, float]]:
        """Notes what one record holds. Its scalars (tag, step, wall_time, value) are returned."""
        event = _event(record, path, self.faults)
        if event is None:
            return []
        if event.writer and event.writer not in self.writers:
            self.writers.append(event.writer)
        scalars = []
        try:
            values = _values(event)
        except WireError as error:
            self.faults.append(Fault(path, EVENT, record.offset, 0, str(error)))
            return []
        for at, value in enumerate(values):
            if not value.number and not value.metadata:
                continue
            column = self._column_of(value)
            if column.kind == "scalar":
                try:
                    scalars.append((value.tag, event.step, event.wall_time, _number(value)))
                except WireError as error:
                    self.faults.append(Fault(path, EVENT, record.offset, 0, str(error)))
            else:
                column.steps.append(event.step)
                column.wall_times.append(event.wall_time)
                column.places.extend((number, record.offset, at))
        return scalars

    def _column_of(self, value: Value) -> _Column:
        column = self._columns.get(value.tag)
        if column is None:
            metadata = value.metadata or Metadata()
            kind = schema.kind_of(value.number, metadata.plugin)
            column = self._columns[value.tag] = _Column(kind, metadata)
        elif value.metadata and not column.metadata.plugin:
            column.metadata = value.metadata
        return column

    def _column(self, tag: str, kind: str = "") -> _Column:
        if tag not in self._columns:
            raise KeyError(f"got the tag {tag!r}, want one of {list(self._columns)}")
        column = self._columns[tag]
        if kind and column.kind != kind:
            raise ValueError(f"got the tag {tag!r}, which is of kind {column.kind}, want {kind}")
        return column

    def _series(self, tag: str, kind: str, decode: Callable[[Value], Any]) -> Series:
        column = self._column(tag, kind)
        if column.kind == "scalar":
            raise ValueError(f"got the tag {tag!r}, which is of kind scalar, want another")
        places = iter(column.places)
        values = []
        window: Optional[Window] = None
        opened = -1
        try:
            for number, offset, at in zip(places, places, places):
                if number != opened:
                    if window is not None:
                        window.close()
                    window, opened = Window(self._places[number]), number
                assert window is not None
                record = record_at(window, offset)
                if isinstance(record, Fault):
                    raise ReadError(f"{record}: the file has changed since it was read")
                values.append(decode(_values(parse.event(record.data))[at]))
        except WireError as error:
            raise ReadError(f"got a value of tag {tag!r} that is damaged: {error}") from None
        finally:
            if window is not None:
                window.close()
        return Series(*_axes(column), values)


def _axes(column: _Column) -> Tuple["np.ndarray[Any, Any]", "np.ndarray[Any, Any]"]:
    return np.array(column.steps, np.int64), np.array(column.wall_times, np.float64)


def _values(event: Event) -> Sequence[Value]:
    """What an event shows; a graph as TensorBoard sees it, as the value of a tag."""
    if event.number == schema.Event.GRAPH_DEF:
        return [Value(RUN_GRAPH, schema.Value.TENSOR, event.data,
                      Metadata(schema.GRAPHS))]
    if event.number == schema.Event.TAGGED_RUN_METADATA:
        return [Value(parse.string_of(event.data, schema.TaggedRunMetadata.TAG),
                      schema.Value.TENSOR,
                      parse.bytes_of(event.data, schema.TaggedRunMetadata.RUN_METADATA) or b"",
                      Metadata(schema.TAGGED_RUN_METADATA))]
    return event.values


def _number(value: Value) -> float:
    if value.number == schema.Value.SIMPLE_VALUE:
        return wire.as_float(value.data)
    return tensors.scalar_of(value.data)


def _message(value: Value) -> parse.Data:
    if value.number in (0, schema.Value.SIMPLE_VALUE):
        raise WireError("got a value of another kind than the first of its tag")
    return value.data


def _blob(value: Value) -> bytes:
    """A graph: from an event of its own, or in a string tensor."""
    data = _message(value)
    if value.metadata and value.metadata.plugin in (
            schema.GRAPHS, schema.TAGGED_RUN_METADATA):
        return bytes(data)
    strings = tensors.strings_of(data)
    return strings[0] if strings else b""


def _array(value: Value) -> "np.ndarray[Any, Any]":
    if value.number == 0:  # hparams have metadata only
        return np.zeros(0, np.float32)
    if value.number != schema.Value.TENSOR:
        raise WireError("got a value that is no tensor")
    return tensors.array_of(_message(value))


def _histogram(value: Value) -> "np.ndarray[Any, Any]":
    data = _message(value)
    if value.number == schema.Value.TENSOR:
        return tensors.array_of(data).astype(np.float64)
    least = parse.double_of(data, schema.Histogram.MIN)
    greatest = parse.double_of(data, schema.Histogram.MAX)
    limits = tensors.doubles_of(data, schema.Histogram.BUCKET_LIMIT)
    counts = tensors.doubles_of(data, schema.Histogram.BUCKET)
    if len(limits) != len(counts):
        raise WireError(f"got {len(limits)} bucket limits for {len(counts)} buckets")
    filled = np.flatnonzero(counts)
    if not len(filled):
        return np.zeros((0, 3))
    # The outer empty buckets go, and the outer edges are least and greatest value.
    first, last = filled[0], filled[-1] + 1
    edges = np.concatenate([[least], limits[first:last - 1], [greatest]])
    return np.stack([edges[:-1], edges[1:], counts[first:last]], axis=1)


def _images(value: Value) -> Images:
    data = _message(value)
    if value.number == schema.Value.TENSOR:
        strings = tensors.strings_of(data)
        if len(strings) < 2 or not (strings[0].isdigit() and strings[1].isdigit()):
            raise WireError(f"got images without width and height: {strings[:2]!r:.50}")
        return Images(int(strings[0][:18]), int(strings[1][:18]), strings[2:])
    encoded = bytes(parse.bytes_of(data, schema.Image.ENCODED_IMAGE_STRING) or b"")
    return Images(parse.int_of(data, schema.Image.WIDTH), parse.int_of(data, schema.Image.HEIGHT),
                  [encoded])


def _audio(value: Value) -> List[bytes]:
    data = _message(value)
    if value.number != schema.Value.TENSOR:
        return [bytes(parse.bytes_of(data, schema.Audio.ENCODED_AUDIO_STRING) or b"")]
    strings, shape = tensors.strings_of(data), tensors.shape_of(data)[1]
    # Of pairs, the second is a label.
    return strings[::2] if len(shape) == 2 else strings


def _text(value: Value) -> Any:
    array = _array(value)
    if array.dtype != object:
        raise WireError(f"got text of type {array.dtype}, want strings")
    texts = np.empty(array.size, object)
    texts[:] = [item.decode("utf-8", "replace") for item in array.reshape(-1)]
    return texts.reshape(array.shape) if array.ndim else str(texts[0])


def _hparams(start: bytes, end: bytes) -> HParams:
    values: Dict[str, Union[float, str, bool]] = {}
    for name, value in parse.map_of(start, SessionStartInfo.HPARAMS).items():
        for number, wire_type, integer, item in wire.fields(value):
            if (number, wire_type) == (JsonValue.NUMBER_VALUE, wire.FIXED64):
                values[name] = wire.as_double(item)
            elif (number, wire_type) == (JsonValue.STRING_VALUE, wire.LENGTH):
                values[name] = parse.text(item)
            elif (number, wire_type) == (JsonValue.BOOL_VALUE, wire.VARINT):
                values[name] = bool(integer)
    status = parse.int_of(end, SessionEndInfo.STATUS)
    return HParams(values, parse.string_of(start, SessionStartInfo.GROUP_NAME),
                   parse.double_of(start, SessionStartInfo.START_TIME_SECS),
                   parse.double_of(end, SessionEndInfo.END_TIME_SECS),
                   _STATUS.get(status, _STATUS[0]))
