"""tensorboard.writer of 2017: FileWriter and SummaryWriter, with their arguments."""
from __future__ import annotations

import os
from typing import Any, Dict, Mapping, NoReturn, Optional, Sequence

from ..._foreign import Unavailable
from ..._names import run_name
from ..._proto.messages import Message, check_tag
from ..._proto.schema import Event
from ..._warnings import whole
from ...summary_writer import SummaryWriter as _SummaryWriter
from .._pictures import black_and_white
from .._tags import clean
from .._writers import (EventWriter, Extended, Forwarding, Path, curves, encoded, guarded, seconds,
                        settle)
from . import summary


@guarded
class SummaryToEventTransformer:
    """Writes Summaries, graphs and session logs by an event writer.

    graph, graph_def: a graph to be written at once, as for `add_graph`.
    """

    def __init__(self, event_writer: Any, graph: Any = None, graph_def: Any = None) -> None:
        self.event_writer = event_writer
        self._writer: Any = getattr(event_writer, "_writer", event_writer)
        for given in (graph, graph_def):
            if given is not None:
                self.add_graph(given)

    def add_summary(self, summary: Any, global_step: Optional[int] = None) -> None:
        """Write a Summary: of `tensorboard.summary`, serialized, or a protobuf message."""
        self._writer.add_summary(summary, global_step)

    def add_graph_onnx(self, graph: Any) -> None:
        """Write a GraphDef: a protobuf message, whatever it was made from."""
        self._writer.add_graph(graph)

    def add_graph(self, graph: Any) -> None:
        """Write a graph: a GraphDef, or whatever `tbwriter.SummaryWriter.add_graph` takes."""
        self._writer.add_graph(graph)

    def add_session_log(self, session_log: Any, global_step: Optional[int] = None) -> None:
        """Write a SessionLog, serialized or a protobuf message: where a session starts or ends."""
        self._writer.add(Message(Event.SESSION_LOG, encoded(session_log, "session_log")),
                         0 if global_step is None else global_step)


@guarded
class FileWriter(SummaryToEventTransformer, Forwarding):
    """Writes Summaries and Events into a log directory.

    logdir: the directory, made if it is missing. graph, graph_def: a graph to be written at once.
    max_queue: accepted, without effect.
    flush_secs: values reach the file within this time, in seconds. The default, 120, means
        tbwriter's: 0.1 s, on object stores 10 s.

    Raises OSError when the directory can't be written; the add methods raise TypeError or
    ValueError.
    """

    def __init__(self, logdir: Path, graph: Any = None, max_queue: int = 10,
                 flush_secs: float = 120, graph_def: Any = None) -> None:
        writer = _SummaryWriter(logdir, "", None, max_queue, seconds(flush_secs))
        self._logdir = os.fspath(logdir)
        super().__init__(EventWriter(writer), graph, graph_def)

    def get_logdir(self) -> str:
        """The log directory, as it was given."""
        return self._logdir


@guarded
class SummaryWriter(Extended):
    """The SummaryWriter of 2017: its methods, with their arguments, over tbwriter's.

    log_dir: the directory; None makes `runs/<date>_<host><comment>`. comment: the end of that name.

    Whatever tbwriter's SummaryWriter has beyond these methods can be called here too. Without a
    step, the values of a tag are numbered 0, 1, 2, ...

    Raises OSError when the directory can't be written; the add methods raise TypeError or
    ValueError.
    """

    def __init__(self, log_dir: Optional[Path] = None, comment: str = "") -> None:
        self._writer: _SummaryWriter = _SummaryWriter(log_dir, comment)
        self._logdir = self._writer.get_logdir() if log_dir is None else log_dir
        self.file_writer: Optional[FileWriter] = None
        self.all_writers: Optional[Dict[str, Any]] = None
        self._begin()

    def _begin(self) -> None:
        self.file_writer = FileWriter.__new__(FileWriter)
        self.file_writer._logdir = os.fspath(self._logdir)
        SummaryToEventTransformer.__init__(self.file_writer, EventWriter(self._writer))
        self.all_writers = {}

    def _opened(self) -> _SummaryWriter:
        if self.file_writer is None:
            self._begin()
        return self._writer

    def _add(self, one: Any, global_step: Optional[int]) -> None:
        self._opened().add(one, global_step)

    def add_scalar(self, tag: str, scalar_value: Any, global_step: Optional[int] = None) -> None:
        """Write one number."""
        self._opened().add_scalar(clean(tag, summary.API), scalar_value, global_step)

    @whole
    def add_scalars(self, main_tag: str, tag_scalar_dict: Mapping[str, Any],
                    global_step: Optional[int] = None) -> None:
        """Write several curves of one chart: a run `<main_tag>/<name>` for each."""
        main_tag = check_tag(main_tag)
        writer = self._opened()
        for name, value in curves(tag_scalar_dict).items():
            run = writer.sub_run(run_name(f"{main_tag}/{name}"))
            run.add(summary.scalar(main_tag, value), *writer._for_runs(global_step))

    def export_scalars_to_json(self, path: Any) -> None:
        """Write all scalars of this run and those below it into a JSON file: see
        `tbwriter.SummaryWriter.export_scalars_to_json`."""
        self._writer.export_scalars_to_json(path)

    def add_histogram(self, tag: str, values: Any, global_step: Optional[int] = None,
                      bins: Any = "tensorflow") -> None:
        """Write how `values` are distributed."""
        self._add(summary.histogram(tag, values, bins), global_step)

    def add_image(self, tag: str, img_tensor: Any, global_step: Optional[int] = None) -> None:
        """Write a picture: NumPy's (H, W, C), those of MXNet and torch (C, H, W)."""
        self._add(summary.image(tag, img_tensor), global_step)

    def add_audio(self, tag: str, snd_tensor: Any, global_step: Optional[int] = None,
                  sample_rate: int = 44100) -> None:
        """Write a sound."""
        self._add(summary.audio(tag, snd_tensor, sample_rate), global_step)

    def add_text(self, tag: str, text_string: Any, global_step: Optional[int] = None) -> None:
        """Write a text as Markdown; TensorBoard shows it under its tag."""
        self._add(summary.text(tag, text_string), global_step)

    def add_graph_onnx(self, prototxt: Any) -> NoReturn:
        """Raise NotImplementedError: an ONNX file is not read."""
        raise Unavailable(
            "tbwriter reads no ONNX files: pass the Symbol or block itself to add_graph(model, "
            "None), or a list of tbwriter.summary.Node")

    def add_graph(self, model: Any, lastVar: Any) -> None:
        """Write the graph of an MXNet Symbol or Gluon block.

        lastVar: not needed; None. Raises NotImplementedError for a torch module: its graph is found
            from its input here, not from its output.
        """
        if hasattr(model, "named_modules"):
            raise Unavailable(
                "the graph of a torch module is found from its input here, not from its output: "
                "call tbwriter.SummaryWriter(logdir).add_graph(model, input)")
        self._opened().add_graph(model)

    def add_embedding(self, mat: Any, metadata: Optional[Sequence[Any]] = None,
                      label_img: Any = None, global_step: Optional[int] = None,
                      tag: str = "default") -> None:
        """Write points in many dimensions, with labels and pictures; the files are there when the
        call returns.

        global_step: None is 0; the projector shows `tag:00000`.
        """
        writer = self._opened()
        step = writer.default_step if global_step is None else global_step
        writer.add_embedding(mat, metadata, black_and_white(label_img),
                             0 if step is None else step, tag)
        settle(self._writer)

    def close(self) -> None:
        """Flush and close the files of this run and those below it; adding opens others."""
        if self.file_writer is not None:
            self._writer.close()
            self.file_writer = self.all_writers = None
