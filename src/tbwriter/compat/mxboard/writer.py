"""mxboard.writer: FileWriter and SummaryWriter, with their arguments."""
from __future__ import annotations

import logging
import time
from typing import Any, Dict, List, Mapping, Optional, Set

from ... import writer as core
from ..._names import run_name
from ..._proto.messages import check_tag
from ..._values.number import as_step
from ..._warnings import whole
from ...summary_writer import SummaryWriter as _SummaryWriter
from .._scalars import export, exported
from .._tags import clean
from .._writers import (EventWriter, Extended, Forwarding, Path, curves, guarded, seconds,
                        settle)
from . import summary

_logger = logging.getLogger(__name__)


@guarded
class SummaryToEventTransformer:
    """Writes Summaries and graphs by an event writer: anything with `add_event`."""

    def __init__(self, event_writer: Any) -> None:
        self._event_writer = event_writer
        self._writer: Any = getattr(event_writer, "_writer", event_writer)

    def add_summary(self, summary: Any, global_step: Optional[int] = None) -> None:
        """Write a Summary: of `mxboard.summary`, serialized, or a protobuf message."""
        self._writer.add_summary(summary, global_step)

    def add_graph(self, graph: Any) -> None:
        """Write a graph: a GraphDef, or whatever `tbwriter.SummaryWriter.add_graph` takes."""
        self._writer.add_graph(graph)


@guarded
class FileWriter(SummaryToEventTransformer, Forwarding):
    """Writes Summaries and Events into a log directory.

    logdir: the directory. max_queue: accepted, without effect. flush_secs, verbose: as for
    SummaryWriter. filename_suffix: the end of the names of the event files.

    Raises OSError when the directory can't be written.
    """

    def __init__(self, logdir: Path, max_queue: int = 10, flush_secs: float = 120,
                 filename_suffix: Optional[str] = None, verbose: bool = True) -> None:
        super().__init__(EventWriter(_SummaryWriter(
            logdir, "", None, max_queue, seconds(flush_secs), filename_suffix or "")))
        self._logdir = logdir
        if verbose:
            _logger.info("logging to %s", logdir)

    def get_logdir(self) -> Any:
        """The log directory, as it was given."""
        return self._logdir


@guarded
class SummaryWriter(Extended):
    """mxboard's SummaryWriter: its methods, with their arguments, over tbwriter's.

    logdir: the directory, made if it is missing.
    max_queue: accepted, without effect.
    flush_secs: values reach the file within this time, in seconds. The default, 120, means
        tbwriter's: 0.1 s, on object stores 10 s.
    filename_suffix: the end of the names of the event files.
    verbose: report the log directory to the logger of this module, at level INFO.

    Tags are written as mxboard writes them, with "_" instead of blanks and brackets; a warning
    names each tag that is changed. Without a step, the values of a tag are numbered 0, 1, 2, ...

    Whatever tbwriter's SummaryWriter has beyond these methods can be called here too. MXNet is
    needed for `add_graph` only.

    Raises OSError when the directory can't be written; the add methods raise TypeError or
    ValueError.
    """

    def __init__(self, logdir: Path, max_queue: int = 10, flush_secs: float = 120,
                 filename_suffix: Optional[str] = None, verbose: bool = True) -> None:
        self._file_writer = FileWriter(logdir, max_queue, flush_secs, filename_suffix, verbose)
        self._writer: _SummaryWriter = self._file_writer._writer
        self._since = time.time()
        self._curves: Set[str] = set()

    def get_logdir(self) -> Any:
        """The log directory, as it was given."""
        return self._file_writer.get_logdir()

    def add_scalar(self, tag: str, value: Any, global_step: Optional[int] = None) -> None:
        """Write a number, or curves of one chart.

        value: a number; (name, number) or {name: number, ...}, where each curve is a run
            `<tag>/<name>` below the log directory, which is there when the first call returns.
        """
        if isinstance(value, (tuple, list)):
            if len(value) != 2:
                raise ValueError(f"got {len(value)} elements as value, want (name, number)")
            value = {value[0]: value[1]}
        if isinstance(value, Mapping):
            self._add_scalars(tag, value, global_step)
        else:
            self._writer.add_scalar(clean(tag, summary.API), value, global_step)

    @whole
    def _add_scalars(self, tag: str, scalar_dict: Mapping[Any, Any],
                     global_step: Optional[int] = None) -> None:
        tag = check_tag(tag)
        numbers = curves(scalar_dict)
        for name, value in numbers.items():
            run: core.FileWriter = self._writer.sub_run(run_name(f"{tag}/{name}"))
            run.add(summary.scalar_summary(tag, value), *self._writer._for_runs(global_step))
        new = {f"{tag}/{name}" for name in numbers} - self._curves
        if new:
            self._curves |= new
            settle(self._writer)

    def export_scalars(self, path: Any) -> None:
        """Write all scalars since the start, or `clear_scalar_dict()`, into a JSON file.

        {directory/tag: [[walltime, step, value], ...]}; curves of one chart have the name
        `<directory>/<tag>/<name>`. They are read back from the event files.
        """
        export(path, self._scalar_dict)

    @property
    def _scalar_dict(self) -> Dict[str, List[List[Any]]]:
        return exported(self._writer, self.get_logdir(), self._since)

    def clear_scalar_dict(self) -> None:
        """Leave out what was logged so far from later exports; nothing is held in memory."""
        self._since = time.time()

    def add_histogram(self, tag: str, values: Any, global_step: Optional[int] = None,
                      bins: Any = "default") -> None:
        """Write the distribution of `values`; bins="default" means TensorFlow's buckets."""
        self._writer.add(summary.histogram_summary(tag, values, bins), global_step)

    def add_image(self, tag: str, image: Any, global_step: Optional[int] = None) -> None:
        """Write a picture (H, W) or (C, H, W), or a batch (N, C, H, W) as a grid."""
        self._writer.add(summary.image_summary(tag, image), global_step)

    def add_audio(self, tag: str, audio: Any, sample_rate: int = 44100,
                  global_step: Optional[int] = None) -> None:
        """Write a sound: see `tbwriter.summary.audio`."""
        self._writer.add(summary.audio_summary(tag, audio, sample_rate), global_step)

    def add_text(self, tag: str, text: Any, global_step: Optional[int] = None) -> None:
        """Write a text as Markdown; TensorBoard shows it under its tag."""
        self._writer.add(summary.text_summary(tag, text), global_step)

    def add_embedding(self, tag: str, embedding: Any, labels: Any = None, images: Any = None,
                      global_step: Optional[int] = None) -> None:
        """Write points in many dimensions, with labels and pictures (N, C, H, W); the files are
        there when the call returns.

        tag, global_step: the projector shows `<tag>_<step>`, with six digits of the step.
        labels: one for each point; in two dimensions, one row more than there are points makes the
            first row the names of the columns.
        """
        header = None
        if labels is not None:
            labels = labels.asnumpy().tolist() if hasattr(labels, "asnumpy") else list(labels)
            if len(labels) == len(embedding) + 1 and _is_row(labels[0]):
                header, labels = [str(name) for name in labels[0]], labels[1:]
        if global_step is not None:
            tag = f"{check_tag(tag)}_{as_step(global_step):06}"
        self._writer.add_embedding(embedding, labels, images, None, tag, header)
        settle(self._writer)

    def add_pr_curve(self, tag: str, labels: Any, predictions: Any, num_thresholds: int,
                     global_step: Optional[int] = None, weights: Any = None) -> None:
        """Write a precision-recall curve; any number of thresholds."""
        self._writer.add(summary.pr_curve_summary(tag, labels, predictions, num_thresholds,
                                                  weights), global_step)

    def add_graph(self, net: Any) -> None:
        """Write the graph of a Symbol or a Gluon block: see `tbwriter.mxnet.graph`."""
        self._writer.add_graph(net)


def _is_row(label: Any) -> bool:
    return hasattr(label, "__len__") and not isinstance(label, (str, bytes))
