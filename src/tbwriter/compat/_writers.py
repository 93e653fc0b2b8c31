"""The part that the writers of torch and tensorboardX share: a SummaryWriter of tbwriter, called
with their names, positions and defaults.

Whatever tbwriter's SummaryWriter has beyond these methods (`sub_run`, `add_values`, `path`, ...)
can be called here too.
"""
from __future__ import annotations

import os
from contextlib import suppress
from typing import Any, Dict, List, Mapping, Optional, Sequence, Type, TypeVar, Union

from .. import writer as core
from .._entries import serialized
from .._foreign import checked, exact, shown
from .._log.channel import STALL_SECS
from .._log.worker import flush_all
from .._names import run_name
from .._proto import wire
from .._proto.messages import Message
from .._proto.parse import check_fields
from .._proto.plugin_schema import RunMetadata
from .._proto.schema import Event, TaggedRunMetadata
from .._values.lookup import default_edges
from ..summary_writer import SummaryWriter
from ._pictures import black_and_white

Path = Union[str, "os.PathLike[str]"]

# The peers' default. It means tbwriter's here: 0.1 s, on object stores 10 s.
PEERS_FLUSH_SECS = 120
_RUN_METADATA_TAG = "step1"
_PATIENCE = 10.0  # seconds


def seconds(flush_secs: Optional[float]) -> Optional[float]:
    """`flush_secs` for tbwriter."""
    return None if flush_secs == PEERS_FLUSH_SECS else flush_secs


class GraphError(ValueError, RuntimeError):
    """A model whose graph can't be found: a ValueError here, a RuntimeError in the originals."""


def settle(writer: core.FileWriter) -> None:
    """Return when all added values are in the files: the originals write some kinds in the call.

    Raises nothing. Where the storage fails or does not answer within a second, they follow later.
    """
    with suppress(OSError):
        writer.flush(STALL_SECS)


_Class = TypeVar("_Class", bound=type)


def guarded(cls: _Class) -> _Class:
    """`cls`, whose own add methods are `checked`: a decorator of every writer here."""
    for name, method in list(vars(cls).items()):
        if name.startswith("add_"):
            setattr(cls, name, checked(method))
    return cls


def encoded(message: Any, what: str) -> bytes:
    """A message of protobuf, or its bytes, as bytes. ValueError for bytes that are not a
    message."""
    data = serialized(message, what)
    check_fields(data)
    return data


_Self = TypeVar("_Self", bound="Forwarding")


@guarded
class Forwarding:
    """Forwards events, `flush()` and `close()` to a writer of tbwriter."""

    _writer: Any

    def add_event(self, event: Any) -> None:
        """Write an Event: serialized, or anything with `SerializeToString()`."""
        self._writer.add_event(event)

    def flush(self) -> None:
        """Return when everything added before is in the file."""
        self._writer.flush()

    def close(self) -> None:
        """Flush and close the files of this run and those below it; adding opens others."""
        self._writer.close()

    def reopen(self) -> None:
        """Continue in a new file after `close()`; the add methods do so by themselves."""

    def __enter__(self: _Self) -> _Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()


class Extended(Forwarding):
    """A SummaryWriter of an API, with all other methods and attributes of tbwriter's."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        return getattr(self._writer, name)


class EventWriter(Forwarding):
    """The peers' `event_writer`: it takes events as they are, with the time of the call if they
    have no wall_time."""

    def __init__(self, writer: core.FileWriter) -> None:
        self._writer: core.FileWriter = writer

    @property
    def _ev_writer(self) -> "EventWriter":
        return self

    @property
    def _file_name(self) -> str:
        self._begin_file()
        return self._writer.path

    def _begin_file(self) -> None:
        """Make the event file before its first event, as the peers do; files alone, no objects."""
        begin = getattr(getattr(self._writer, "_log", None), "begin", None)
        if begin is not None:
            flush_all([(self._writer._channel, begin)], _PATIENCE)

    def get_logdir(self) -> str:
        """The log directory."""
        return self._writer.get_logdir()


_File = TypeVar("_File", bound="FileWriterBase")


@guarded
class FileWriterBase(Forwarding):
    """Takes Summaries and Events. `event_writer` takes events as they are."""

    _writer: core.FileWriter
    event_writer: EventWriter

    def _hold(self, writer: core.FileWriter, logdir: Optional[Path] = None) -> None:
        self._writer = writer
        self._logdir = writer.get_logdir() if logdir is None else os.fspath(logdir)
        self.event_writer = EventWriter(writer)

    @classmethod
    def _around(cls: Type[_File], writer: core.FileWriter, logdir: Optional[Path] = None
                ) -> _File:
        """The FileWriter of a writer that is there already."""
        self = cls.__new__(cls)
        self._hold(writer, logdir)
        return self

    def get_logdir(self) -> str:
        """The log directory, as it was given."""
        return self._logdir

    def add_event(self, event: Any, step: Optional[int] = None, walltime: Optional[float] = None
                  ) -> None:
        """Write an Event: serialized, or anything with `SerializeToString()`.

        step, walltime: replace those of the event.
        """
        self._writer.add_event(event, step, walltime)

    def add_summary(self, summary: Any, global_step: Optional[int] = None,
                    walltime: Optional[float] = None) -> None:
        """Write a Summary: of a module `summary` here, serialized, or a protobuf message."""
        self._writer.add_summary(summary, global_step, walltime)

    def add_graph(self, graph_profile: Any, walltime: Optional[float] = None) -> None:
        """Write a graph with its measured costs: (GraphDef, StepStats), each serialized or a
        protobuf message."""
        graph, stats = graph_profile
        costs = wire.bytes_field(RunMetadata.STEP_STATS, encoded(stats, "StepStats"))
        self.add_onnx_graph(graph, walltime)
        self._writer.add(Message(Event.TAGGED_RUN_METADATA,
                                 wire.string_field(TaggedRunMetadata.TAG, _RUN_METADATA_TAG)
                                 + wire.bytes_field(TaggedRunMetadata.RUN_METADATA, costs)), 0,
                         walltime)

    def add_onnx_graph(self, graph: Any, walltime: Optional[float] = None) -> None:
        """Write a GraphDef: serialized or a protobuf message, whatever it was made from."""
        self._writer.add(Message(Event.GRAPH_DEF, encoded(graph, "graph")), 0, walltime)


@guarded
class SummaryWriterBase(Extended):
    """The methods that are the same in torch and tensorboardX.

    file_writer: takes Summaries and Events; None after `close()`, until something is added.
    all_writers: {directory: FileWriter} of this run and those below it; None after `close()`.
    """

    _kinds: Any        # the module `summary` of the API
    _FileWriter: Any   # its FileWriter

    def _hold(self, writer: SummaryWriter, logdir: Optional[Path]) -> None:
        path = writer.get_logdir()
        self._inner = writer
        self._logdir = os.path.join("runs", os.path.basename(path)) if logdir is None \
            else os.fspath(logdir)
        self.file_writer: Any = None
        self.all_writers: Optional[Dict[str, Any]] = None
        self._get_file_writer()

    @property
    def _writer(self) -> SummaryWriter:
        if self.file_writer is None:
            self._get_file_writer()
        return self._inner

    def _get_file_writer(self) -> Any:
        """The FileWriter of this run, opened again after `close()`."""
        if self.file_writer is None:
            self.file_writer = self._FileWriter._around(self._inner, self._logdir)
            self.all_writers = {self._logdir: self.file_writer}
        return self.file_writer

    @property
    def default_bins(self) -> List[float]:
        """The edges of the buckets of `bins="tensorflow"`."""
        return default_edges()[1:-1].tolist()  # type: ignore[no-any-return]

    def _tag(self, tag: str) -> str:
        """`tag` as the API writes it, if no function of its `summary` does that."""
        return tag

    def _add_curve(self, run: str, tag: str, value: Any, step: Optional[int],
                   walltime: Optional[float]) -> None:
        """Write `value` into the run `run` below this one."""
        writer = self._writer.sub_run(run_name(run))
        directory = f"{self._logdir}/{run}"
        known = self.all_writers  # None from the moment in which another thread closes the writer
        if known is not None and directory not in known:
            known[directory] = self._FileWriter._around(writer, directory)
        writer.add(self._kinds.scalar(tag, value), *self._writer._for_runs(step, walltime))

    def add_histogram(self, tag: str, values: Any, global_step: Optional[int] = None,
                      bins: Any = "tensorflow", walltime: Optional[float] = None,
                      max_bins: Optional[int] = None) -> None:
        """Write how `values` are distributed: see `tbwriter.summary.histogram`."""
        self._writer.add(self._kinds.histogram(tag, values, bins, max_bins=max_bins), global_step,
                         walltime)

    def add_histogram_raw(self, tag: str, min: float, max: float, num: float, sum: float,
                          sum_squares: float, bucket_limits: Any, bucket_counts: Any,
                          global_step: Optional[int] = None, walltime: Optional[float] = None
                          ) -> None:
        """Write a histogram that was counted elsewhere: see `tbwriter.summary.histogram_raw`."""
        self._writer.add(self._kinds.histogram_raw(tag, min, max, num, sum, sum_squares,
                                                   bucket_limits, bucket_counts), global_step,
                         walltime)

    def add_image(self, tag: str, img_tensor: Any, global_step: Optional[int] = None,
                  walltime: Optional[float] = None, dataformats: str = "CHW") -> None:
        """Write a picture, or a batch as a grid: see `tbwriter.summary.image`."""
        self._writer.add(self._kinds.image(tag, img_tensor, dataformats=dataformats), global_step,
                         walltime)

    def add_images(self, tag: str, img_tensor: Any, global_step: Optional[int] = None,
                   walltime: Optional[float] = None, dataformats: str = "NCHW") -> None:
        """Write pictures as one grid of eight columns; a list of pictures is taken too."""
        self._writer.add(self._kinds.image(tag, img_tensor, dataformats=dataformats), global_step,
                         walltime)

    def add_figure(self, tag: str, figure: Any, global_step: Optional[int] = None,
                   close: bool = True, walltime: Optional[float] = None) -> None:
        """Write a matplotlib figure, or a list of them: see `tbwriter.summary.figure`."""
        self._writer.add_figure(self._tag(tag), figure, global_step, close, walltime)

    def add_audio(self, tag: str, snd_tensor: Any, global_step: Optional[int] = None,
                  sample_rate: int = 44100, walltime: Optional[float] = None) -> None:
        """Write a sound: see `tbwriter.summary.audio`."""
        self._writer.add(self._kinds.audio(tag, snd_tensor, sample_rate=sample_rate), global_step,
                         walltime)

    def add_text(self, tag: str, text_string: Any, global_step: Optional[int] = None,
                 walltime: Optional[float] = None) -> None:
        """Write a text as Markdown, with the tag `<tag>/text_summary`."""
        self._writer.add(self._kinds.text(tag, text_string), global_step, walltime)

    def add_graph(self, model: Any, input_to_model: Any = None, verbose: bool = False,
                  use_strict_trace: bool = True) -> None:
        """Write the graph of a model: see `tbwriter.SummaryWriter.add_graph`.

        Raises GraphError where the model does not compute its input.
        """
        try:
            self._writer.add_graph(model, input_to_model, verbose, use_strict_trace)
        except ValueError as error:
            if isinstance(error.__cause__, RuntimeError):
                raise GraphError(str(error)) from error.__cause__
            raise

    def add_embedding(self, mat: Any, metadata: Optional[Sequence[Any]] = None,
                      label_img: Any = None, global_step: Optional[int] = None,
                      tag: str = "default", metadata_header: Optional[Sequence[str]] = None
                      ) -> None:
        """Write points in many dimensions, with labels and pictures; the files are there when the
        call returns.

        global_step: None is 0; the projector shows `tag:00000`.
        """
        step = self._writer.default_step if global_step is None else global_step
        self._writer.add_embedding(mat, metadata, black_and_white(label_img),
                                   0 if step is None else step, tag, metadata_header)
        settle(self._writer)

    def add_pr_curve(self, tag: str, labels: Any, predictions: Any,
                     global_step: Optional[int] = None, num_thresholds: int = 127,
                     weights: Any = None, walltime: Optional[float] = None) -> None:
        """Write a precision-recall curve; any number of thresholds."""
        self._writer.add(self._kinds.pr_curve(tag, labels, predictions, num_thresholds, weights),
                         global_step, walltime)

    def add_pr_curve_raw(self, tag: str, true_positive_counts: Any, false_positive_counts: Any,
                         true_negative_counts: Any, false_negative_counts: Any, precision: Any,
                         recall: Any, global_step: Optional[int] = None, num_thresholds: int = 127,
                         weights: Any = None, walltime: Optional[float] = None) -> None:
        """Write a precision-recall curve that was counted elsewhere.

        num_thresholds, weights: accepted, without effect; the arrays give both.
        """
        self._writer.add(self._kinds.pr_curve_raw(
            tag, true_positive_counts, false_positive_counts, true_negative_counts,
            false_negative_counts, precision, recall), global_step, walltime)

    def add_custom_scalars_multilinechart(self, tags: Sequence[str], category: str = "default",
                                          title: str = "untitled") -> None:
        """Add a chart of several curves to Custom Scalars."""
        self._writer.add_custom_scalars_multilinechart(tags, category, title)

    def add_custom_scalars_marginchart(self, tags: Sequence[str], category: str = "default",
                                       title: str = "untitled") -> None:
        """Add a chart of a curve between two others to Custom Scalars: value, lower, upper."""
        self._writer.add_custom_scalars_marginchart(tags, category, title)

    def add_custom_scalars(self, layout: Mapping[str, Mapping[str, Sequence[Any]]]) -> None:
        """Write the charts of Custom Scalars."""
        self._writer.add_custom_scalars(layout)

    def add_mesh(self, tag: str, vertices: Any, colors: Any = None, faces: Any = None,
                 config_dict: Optional[Mapping[str, Any]] = None,
                 global_step: Optional[int] = None, walltime: Optional[float] = None) -> None:
        """Write points or surfaces in space: see `tbwriter.summary.mesh`."""
        self._writer.add(self._kinds.mesh(tag, vertices, colors, faces, config_dict), global_step,
                         walltime)

    def close(self) -> None:
        """Flush and close the files of this run and those below it; adding opens others."""
        if self.file_writer is not None:
            self._inner.close()
            self.file_writer = self.all_writers = None


def curves(values: Any) -> Dict[str, Any]:
    """{name: number} of `add_scalars`; a name that is not a text becomes one. ValueError for names
    that are equal then."""
    if not isinstance(values, Mapping):
        raise TypeError(f"got tag_scalar_dict of type {type(values).__name__}, want a dict")
    named = {exact(name) if isinstance(name, str) else str(name): value
             for name, value in values.items()}
    if len(named) < len(values):
        raise ValueError("got a tag_scalar_dict with names that are equal as text, "
                         f"{shown(list(values))}, want different ones")
    return named
