"""tensorboardX.writer: FileWriter and SummaryWriter, with their arguments."""
from __future__ import annotations

import time
from contextlib import contextmanager
from typing import Any, Dict, Iterator, List, Mapping, NoReturn, Optional, Sequence

from ... import writer as core
from ..._foreign import Unavailable
from ..._proto.messages import check_tag
from ...summary_writer import SummaryWriter as _SummaryWriter
from .._scalars import export, exported
from .._tags import clean
from .._writers import FileWriterBase, Path, SummaryWriterBase, curves, guarded, seconds
from . import summary

_API = "tensorboardX"


@guarded
class FileWriter(FileWriterBase):
    """Writes Summaries and Events into a log directory.

    logdir: the directory. max_queue: accepted, without effect. flush_secs: as for SummaryWriter.
    filename_suffix: the end of the names of the event files.

    Raises OSError when the directory can't be written.
    """

    def __init__(self, logdir: Path, max_queue: int = 10, flush_secs: float = 120,
                 filename_suffix: str = "") -> None:
        self._hold(_SummaryWriter(logdir, "", None, max_queue, seconds(flush_secs),
                                  filename_suffix), logdir)

    def add_openvino_graph(self, graph: Any, walltime: Optional[float] = None) -> None:
        """Write a GraphDef, given as a protobuf message."""
        self.add_onnx_graph(graph, walltime)

    @contextmanager
    def use_metadata(self, *, global_step: Optional[int] = None, walltime: Optional[float] = None
                     ) -> Iterator["FileWriter"]:
        """The step and time of values that are added inside, unless a call gives its own."""
        with self._writer.use_metadata(  # type: ignore[attr-defined]
                global_step=global_step, walltime=walltime):
            yield self


class DummyFileWriter(FileWriter):
    """A FileWriter that writes nothing."""

    def __init__(self, logdir: Path) -> None:
        self._hold(core.FileWriter(logdir, disabled=True), logdir)


@guarded
class SummaryWriter(SummaryWriterBase):
    """tensorboardX's SummaryWriter: its methods, with their arguments, over tbwriter's.

    logdir: the directory, or a URL such as `s3://bucket/run`; None makes
        `runs/<date>_<host><comment>`. log_dir: the same.
    comment: the end of that name.
    purge_step: a resumed run starts again here: TensorBoard drops its values from this step on.
    max_queue: accepted, without effect.
    flush_secs: values reach the file within this time, in seconds. The default, 120, means
        tbwriter's: 0.1 s, on object stores 10 s.
    filename_suffix: the end of the names of the event files.
    write_to_disk: False writes nothing.
    comet_config: NotImplementedError unless it is disabled.
    kwargs: accepted, without effect.

    Tags are written as tensorboardX writes them, with "_" instead of blanks and brackets; a warning
    names each tag that is changed. Without a step, the values of a tag are numbered 0, 1, 2, ...

    Raises OSError when the directory can't be written; the add methods raise TypeError or
    ValueError.
    """

    _kinds = summary
    _FileWriter = FileWriter

    def __init__(self, logdir: Optional[Path] = None, comment: str = "",
                 purge_step: Optional[int] = None, max_queue: int = 10, flush_secs: float = 120,
                 filename_suffix: str = "", write_to_disk: bool = True,
                 log_dir: Optional[Path] = None,
                 comet_config: Optional[Dict[str, Any]] = {"disabled": True},  # noqa: B006
                 **kwargs: Any) -> None:
        if comet_config is not None and not comet_config.get("disabled", False):
            raise NotImplementedError("tbwriter does not log to Comet: leave comet_config out, and "
                                      "log to Comet separately, with comet_ml.Experiment")
        logdir = logdir or log_dir or None
        self.purge_step = purge_step
        self.kwargs = kwargs
        self._hold(_SummaryWriter(logdir, comment or "", purge_step, max_queue,
                                  seconds(flush_secs), filename_suffix or "", write_to_disk),
                   logdir)
        self.logdir = self._logdir

    @classmethod
    def _over(cls, writer: _SummaryWriter, logdir: Optional[Path] = None) -> "SummaryWriter":
        """The SummaryWriter over a writer that is there already."""
        self = cls.__new__(cls)
        self.purge_step, self.kwargs = None, {}
        self._hold(writer, logdir)
        self.logdir = self._logdir
        return self

    def _tag(self, tag: str) -> str:
        return clean(tag, _API)

    @property
    def scalar_dict(self) -> Dict[str, List[List[Any]]]:
        """All scalars of this run and those below it, read back from the event files:
        {directory/tag: [[walltime, step, value], ...]}, for a curve {directory/tag/curve: ...}."""
        return exported(self._writer, self._logdir)

    def add_hparams(self, hparam_dict: Mapping[str, Any], metric_dict: Mapping[str, Any],
                    name: Optional[str] = None, global_step: Optional[int] = None) -> None:
        """Write a trial: a run of its own below the log directory.

        hparam_dict: {name: value}. metric_dict: {tag: number}.
        name: the run; None is the time of the call.
        """
        self._writer.add_hparams(hparam_dict, {self._tag(tag): value
                                               for tag, value in metric_dict.items()}
                                 if isinstance(metric_dict, Mapping) else metric_dict,
                                 None, name or self._writer._unused_run(str(time.time())),
                                 global_step)

    def add_scalar(self, tag: str, scalar_value: Any, global_step: Optional[int] = None,
                   walltime: Optional[float] = None, display_name: str = "",
                   summary_description: str = "") -> None:
        """Write one number.

        display_name, summary_description (Markdown): shown with the chart, in both of TensorBoard's
            loaders.
        """
        self._writer.add_scalar(self._tag(tag), scalar_value, global_step,
                                walltime, display_name=display_name,
                                summary_description=summary_description)

    def add_scalars(self, main_tag: str, tag_scalar_dict: Mapping[str, Any],
                    global_step: Optional[int] = None, walltime: Optional[float] = None) -> None:
        """Write several curves of one chart: a run `<main_tag>/<name>` for each."""
        main_tag = check_tag(main_tag)
        for name, value in curves(tag_scalar_dict).items():
            self._add_curve(f"{main_tag}/{name}", main_tag, value, global_step, walltime)

    def export_scalars_to_json(self, path: Any) -> None:
        """Write `scalar_dict` into a JSON file."""
        export(path, self.scalar_dict)

    def add_image_with_boxes(self, tag: str, img_tensor: Any, box_tensor: Any,
                             global_step: Optional[int] = None, walltime: Optional[float] = None,
                             dataformats: str = "CHW", labels: Optional[Sequence[str]] = None,
                             **kwargs: Any) -> None:
        """Write a picture with boxes on it: (n, 4), each xmin, ymin, xmax, ymax in pixels.

        kwargs: `rescale` enlarges picture and boxes.
        """
        self._writer.add(summary.image_boxes(tag, img_tensor, box_tensor, dataformats=dataformats,
                                             labels=labels, **kwargs), global_step, walltime)

    def add_video(self, tag: str, vid_tensor: Any, global_step: Optional[int] = None,
                  fps: float = 4, walltime: Optional[float] = None, dataformats: str = "NTCHW"
                  ) -> None:
        """Write a clip as a GIF."""
        self._writer.add(summary.video(tag, vid_tensor, fps, dataformats), global_step, walltime)

    def add_onnx_graph(self, onnx_model_file: Any) -> NoReturn:
        """Raise NotImplementedError: an ONNX file is not read."""
        raise Unavailable(
            "tbwriter reads no ONNX files: pass the torch module itself to add_graph(model, "
            "input), or a list of tbwriter.summary.Node")

    def add_openvino_graph(self, xmlname: Any) -> NoReturn:
        """Raise NotImplementedError: an OpenVINO file is not read."""
        raise Unavailable(
            "tbwriter reads no OpenVINO files: pass the torch module that the file was made from "
            "to add_graph(model, input), or a list of tbwriter.summary.Node")

    @contextmanager
    def use_metadata(self, *, global_step: Optional[int] = None, walltime: Optional[float] = None
                     ) -> Iterator["SummaryWriter"]:
        """The step and time of values that are added inside, unless a call gives its own."""
        with self._writer.use_metadata(global_step=global_step, walltime=walltime):
            yield self
