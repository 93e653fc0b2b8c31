"""torch.utils.tensorboard.writer: FileWriter and SummaryWriter, with their arguments."""
from __future__ import annotations

import time
from typing import Any, Mapping, Optional, Sequence

from ... import writer as core
from ..._foreign import Unavailable
from ..._proto.messages import check_tag
from ...summary_writer import SummaryWriter as _SummaryWriter
from .._writers import FileWriterBase, Path, SummaryWriterBase, curves, guarded, seconds
from . import summary


@guarded
class FileWriter(FileWriterBase):
    """Writes Summaries and Events into a log directory.

    log_dir: the directory. max_queue: accepted, without effect. flush_secs: as for SummaryWriter.
    filename_suffix: the end of the names of the event files.

    Raises OSError when the directory can't be written.
    """

    def __init__(self, log_dir: Path, max_queue: int = 10, flush_secs: float = 120,
                 filename_suffix: str = "") -> None:
        self._hold(core.FileWriter(log_dir, max_queue, seconds(flush_secs), filename_suffix),
                   log_dir)


@guarded
class SummaryWriter(SummaryWriterBase):
    """torch's SummaryWriter: its methods, with their arguments, over tbwriter's.

    log_dir: the directory; None makes `runs/<date>_<host><comment>`.
    comment: the end of that name.
    purge_step: a resumed run starts again here: TensorBoard drops its values from this step on.
    max_queue: accepted, without effect.
    flush_secs: values reach the file within this time, in seconds. The default, 120, means
        tbwriter's: 0.1 s, on object stores 10 s.
    filename_suffix: the end of the names of the event files.

    The attributes `log_dir`, `purge_step`, `max_queue`, `flush_secs`, `filename_suffix`,
    `file_writer`, `all_writers` and `default_bins` are there too, and all that tbwriter's
    SummaryWriter has. Without a step, the values of a tag are numbered 0, 1, 2, ...

    Raises OSError when the directory can't be written; the add methods raise TypeError or
    ValueError.
    """

    _kinds = summary
    _FileWriter = FileWriter

    def __init__(self, log_dir: Optional[Path] = None, comment: str = "",
                 purge_step: Optional[int] = None, max_queue: int = 10, flush_secs: float = 120,
                 filename_suffix: str = "") -> None:
        self.purge_step = purge_step
        self.max_queue = max_queue
        self.flush_secs = flush_secs
        self.filename_suffix = filename_suffix
        self._hold(_SummaryWriter(log_dir or None, comment, purge_step, max_queue,
                                  seconds(flush_secs), filename_suffix), log_dir or None)
        self.log_dir = self._logdir

    def get_logdir(self) -> str:
        """The log directory, as it was given."""
        return self._logdir

    def add_hparams(self, hparam_dict: Mapping[str, Any], metric_dict: Mapping[str, Any],
                    hparam_domain_discrete: Optional[Mapping[str, Sequence[Any]]] = None,
                    run_name: Optional[str] = None, global_step: Optional[int] = None) -> None:
        """Write a trial: a run of its own below the log directory.

        hparam_dict: {name: value}. metric_dict: {tag: number}.
        hparam_domain_discrete: {name: possible values}.
        run_name: the run; None is the time of the call.
        """
        self._writer.add_hparams(hparam_dict, metric_dict, hparam_domain_discrete,
                                 run_name or self._writer._unused_run(str(time.time())),
                                 global_step)

    def add_scalar(self, tag: str, scalar_value: Any, global_step: Optional[int] = None,
                   walltime: Optional[float] = None, new_style: bool = False,
                   double_precision: bool = False) -> None:
        """Write one number.

        new_style, double_precision: accepted, without effect. All loaders show the one form that
            is written, a float32; TensorBoard's default loader shows no doubles.
        """
        self._writer.add_scalar(tag, scalar_value, global_step, walltime)

    def add_scalars(self, main_tag: str, tag_scalar_dict: Mapping[str, Any],
                    global_step: Optional[int] = None, walltime: Optional[float] = None) -> None:
        """Write several curves of one chart: a run `<main_tag>_<name>` for each."""
        main_tag = check_tag(main_tag)
        prefix = main_tag.replace("/", "_")
        for name, value in curves(tag_scalar_dict).items():
            self._add_curve(f"{prefix}_{name}", main_tag, value, global_step, walltime)

    def add_tensor(self, tag: str, tensor: Any, global_step: Optional[int] = None,
                   walltime: Optional[float] = None) -> None:
        """Write an array."""
        self._writer.add_tensor(tag, tensor, global_step, walltime)

    def add_image_with_boxes(self, tag: str, img_tensor: Any, box_tensor: Any,
                             global_step: Optional[int] = None, walltime: Optional[float] = None,
                             rescale: float = 1, dataformats: str = "CHW",
                             labels: Optional[Sequence[str]] = None) -> None:
        """Write a picture with boxes on it: (n, 4), each xmin, ymin, xmax, ymax in pixels."""
        self._writer.add(summary.image_boxes(tag, img_tensor, box_tensor, rescale, dataformats,
                                             labels), global_step, walltime)

    def add_video(self, tag: str, vid_tensor: Any, global_step: Optional[int] = None,
                  fps: float = 4, walltime: Optional[float] = None) -> None:
        """Write a clip (n, time, channels, height, width) as a GIF."""
        self._writer.add(summary.video(tag, vid_tensor, fps), global_step, walltime)

    def add_onnx_graph(self, prototxt: Any) -> None:
        """Raise NotImplementedError: an ONNX file is not read."""
        raise Unavailable(
            "tbwriter reads no ONNX files: pass the torch module itself to add_graph(model, "
            "input), or a list of tbwriter.summary.Node")
