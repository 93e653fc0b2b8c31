"""SummaryWriter: one method a kind, with the names and arguments that users of torch, tensorboardX
and mxboard know.

    with SummaryWriter("runs/first") as writer:
        writer.add_scalar("loss", 0.5, 1)

Each method is `add(summary.<kind>(...), global_step, walltime)`; all that writes is FileWriter's.
"""
from __future__ import annotations

import math
import os
import re
import time
from contextlib import contextmanager
from importlib import import_module
from itertools import count
from typing import Any, Dict, Iterator, List, Mapping, Optional, Sequence, Set, Union

from . import summary
from ._proto import messages, schema, wire
from ._proto.messages import Message, Summary
from ._names import run_name as safe_run_name
from ._values.number import as_step, as_wall_time
from ._log.naming import host_name
from .writer import MAX_BUFFER, FileWriter


class SummaryWriter(FileWriter):
    """Writes everything that TensorBoard shows into a log directory.

    log_dir: the directory, made if it is missing; a path or, with the extra `remote`, a URL such as
        `s3://bucket/run`. None makes one: `runs/<date>_<host><comment>`. `logdir` is the same.
    comment: ends the name of the directory that is made; without effect where `log_dir` is given.
    purge_step: a resumed run starts again here: TensorBoard drops what it has from this step on.
    max_queue, flush_secs, filename_suffix, and what comes after them: as for FileWriter. By default
        values reach the file after 0.1 s.
    write_to_disk: False does nothing, as `disabled=True` does, for processes that should be silent.

    In all methods:

    tag: any text, kept as it is; what comes before its first "/" groups charts.
    global_step: an integer. None is `default_step`; where that is None too, a tag's values are
        numbered 0, 1, 2, ...
    walltime: seconds since 1970; None is now.
    labels: `display_name` and `description` (Markdown), shown with the tag.

    Mistakes raise TypeError or ValueError at the call, and nothing of it is written.
    """

    def __init__(self, log_dir: Union[None, str, "os.PathLike[str]"] = None, comment: str = "",
                 purge_step: Optional[int] = None, max_queue: int = 10,
                 flush_secs: Optional[float] = None, filename_suffix: str = "",
                 write_to_disk: bool = True, *,
                 logdir: Union[None, str, "os.PathLike[str]"] = None, asynchronous: bool = True,
                 strict: bool = False, disabled: bool = False, resume: bool = False,
                 max_buffer: int = MAX_BUFFER, max_file_bytes: Optional[int] = None) -> None:
        if log_dir is None:
            log_dir = _new_directory(comment or "") if logdir is None else logdir
        # First of all, for the constructor itself adds what purge_step asks for.
        self.default_step: Optional[int] = None
        self._default_wall_time: Optional[float] = None
        self._layout: Dict[str, Dict[str, Any]] = {}
        self._overlays: Dict[str, List[str]] = {}
        self._trial: Optional[Dict[str, Any]] = None
        self._stepped: Set[str] = set()  # tags of summaries that were given a step
        super().__init__(log_dir, max_queue, flush_secs, filename_suffix,
                         asynchronous=asynchronous, strict=strict,
                         disabled=disabled or not write_to_disk, purge_step=purge_step,
                         resume=resume, max_buffer=max_buffer, max_file_bytes=max_file_bytes)

    @property
    def log_dir(self) -> str:
        """The log directory: an absolute path, or the URL."""
        return self.get_logdir()

    logdir = log_dir

    @property
    def file_writer(self) -> FileWriter:
        """This writer, where torch has one inside the other."""
        return self

    def add(self, payload: Any, step: Optional[int] = None,
            wall_time: Optional[float] = None) -> None:
        step = self.default_step if step is None else step
        super().add(payload, step, self._default_wall_time if wall_time is None else wall_time)
        if step is not None:
            self._stepped.update(payload.tags)

    @contextmanager
    def use_metadata(self, *, global_step: Optional[int] = None, walltime: Optional[float] = None
                     ) -> Iterator["SummaryWriter"]:
        """What is added inside `with writer.use_metadata(...)` has this step and time, unless a
        call gives its own."""
        former = self.default_step, self._default_wall_time
        if global_step is not None:
            self.default_step = as_step(global_step)
        if walltime is not None:
            self._default_wall_time = as_wall_time(walltime)
            # The plain add_scalar looks at the clock without asking.
            self.__dict__["add_scalar"] = self._add_scalar_then
        try:
            yield self
        finally:
            self.default_step, self._default_wall_time = former
            if self._default_wall_time is None:
                self.__dict__.pop("add_scalar", None)

    # Scalars. add_scalar is FileWriter's.

    def add_scalars(self, main_tag: str, tag_scalar_dict: Mapping[str, Any],
                    global_step: Optional[int] = None, walltime: Optional[float] = None,
                    overlay: str = "runs") -> None:
        """Write several curves that share a chart.

        tag_scalar_dict: {name of a curve: number}.
        overlay: "runs" makes a run `<main_tag>_<name>` of each curve, below the log directory; they
            share the chart `main_tag` of Time Series and Scalars. "custom" stays in this run, with
            the tags `<main_tag>/<name>`, and adds a chart of them to Custom Scalars.
        """
        if overlay not in ("runs", "custom"):
            raise ValueError(f"got overlay={overlay!r}, want 'runs' or 'custom'")
        messages.check_tag(main_tag)
        if overlay == "custom":
            values = {f"{main_tag}/{name}": value
                      for name, value in _mapping("tag_scalar_dict", tag_scalar_dict).items()}
            self.add_values(values, global_step, walltime)
            self._add_overlay(main_tag, values)
            return
        step = self.default_step if global_step is None else global_step
        seconds = self._default_wall_time if walltime is None else walltime
        scalars = {name: summary.scalar(main_tag, value)
                   for name, value in _mapping("tag_scalar_dict", tag_scalar_dict).items()}
        for name, scalar in scalars.items():
            run = f"{main_tag.replace('/', '_')}_{messages.check_tag(name)}"
            self.sub_run(safe_run_name(run)).add(scalar, step, seconds)

    def add_values(self, values: Mapping[str, Any], global_step: Optional[int] = None,
                   walltime: Optional[float] = None) -> None:
        """Write one number for each of many tags, as one event: {tag: number}.

        The least costly way to log many metrics at one step.
        """
        self.add(summary.scalars(_mapping("values", values)), global_step, walltime)

    def add_scalar_series(self, tag: str, values: Any, steps: Any = None, wall_times: Any = None
                          ) -> None:
        """Write many points of one curve at once.

        values: numbers, (n,). steps: integers, (n,); None goes on numbering. wall_times: seconds
            since 1970, (n,) or one for all; None is now. Steps should increase: at a lower one
            TensorBoard's default loader drops those before.
        """
        from ._scalars.encode import as_rows
        messages.check_tag(tag)
        seconds = self._default_wall_time if wall_times is None else wall_times
        rows = as_rows(lambda: self._tags.number(tag), values, steps,
                       time.time() if seconds is None else seconds,
                       lambda length: self._next_steps(tag, length))
        self._put_rows(rows)

    def export_scalars_to_json(self, path: Union[str, "os.PathLike[str]"]) -> None:
        """Write all scalars of this run and those below it into a JSON file.

        {tag: [[walltime, step, value], ...], ...}; tags of runs below have the run before a "/".
        They are read back from the event files. NaN and infinities are "NaN", "Infinity" and
        "-Infinity", as TensorBoard gives them.
        """
        import json

        found: Dict[str, Any] = {}
        if not self.disabled:
            from .reader import read
            self.flush()
            for name, run in read(self.get_logdir()).items():
                for tag, kind in run.tags.items():
                    if kind == "scalar":
                        found[tag if name == "." else f"{name}/{tag}"] = _points(run.scalars(tag))
        with open(path, "w", encoding="utf-8") as file:
            json.dump(found, file, allow_nan=False)

    # Distributions.

    def add_histogram(self, tag: str, values: Any, global_step: Optional[int] = None,
                      bins: Any = "tensorflow", walltime: Optional[float] = None,
                      max_bins: Optional[int] = None, **labels: Any) -> None:
        """Write how `values` are distributed: see `summary.histogram`."""
        self.add(summary.histogram(tag, values, bins, max_bins=max_bins, **labels), global_step,
                 walltime)

    def add_histogram_raw(self, tag: str, min: float, max: float, num: float, sum: float,
                          sum_squares: float, bucket_limits: Any, bucket_counts: Any,
                          global_step: Optional[int] = None, walltime: Optional[float] = None,
                          **labels: Any) -> None:
        """Write a histogram that is already counted: see `summary.histogram_raw`."""
        self.add(summary.histogram_raw(tag, min, max, num, sum, sum_squares, bucket_limits,
                                       bucket_counts, **labels), global_step, walltime)

    # Pictures, sound and text.

    def add_image(self, tag: str, img_tensor: Any, global_step: Optional[int] = None,
                  walltime: Optional[float] = None, dataformats: Optional[str] = "CHW",
                  **labels: Any) -> None:
        """Write a picture, or a batch as a grid: see `summary.image`.

        dataformats: a missing C or an additional N is understood; None finds all out.
        """
        self.add(summary.image(tag, img_tensor, dataformats=dataformats, **labels), global_step,
                 walltime)

    def add_images(self, tag: str, img_tensor: Any, global_step: Optional[int] = None,
                   walltime: Optional[float] = None, dataformats: Optional[str] = "NCHW",
                   grid: bool = True, **labels: Any) -> None:
        """Write pictures as one grid of eight columns: see `summary.image`.

        img_tensor: an array of several, or a list.
        grid: False writes each by itself, as samples of the tag: see `summary.images`.
        """
        kind = summary.image if grid else summary.images
        self.add(kind(tag, img_tensor, dataformats=dataformats, **labels), global_step, walltime)

    def add_image_with_boxes(self, tag: str, img_tensor: Any, box_tensor: Any,
                             global_step: Optional[int] = None, walltime: Optional[float] = None,
                             rescale: float = 1, dataformats: Optional[str] = "CHW",
                             labels: Optional[Sequence[str]] = None, **more: Any) -> None:
        """Write a picture with boxes on it: see `summary.image_with_boxes`.

        labels: a text for each box. more: `display_name` and `description`.
        """
        self.add(summary.image_with_boxes(tag, img_tensor, box_tensor, labels=labels,
                                          rescale=rescale, dataformats=dataformats, **more),
                 global_step, walltime)

    def add_figure(self, tag: str, figure: Any, global_step: Optional[int] = None,
                   close: bool = True, walltime: Optional[float] = None, **labels: Any) -> None:
        """Write a matplotlib figure, or a list of them: see `summary.figure`."""
        self.add(summary.figure(tag, figure, close=close, **labels), global_step, walltime)

    def add_video(self, tag: str, vid_tensor: Any, global_step: Optional[int] = None,
                  fps: float = 4, walltime: Optional[float] = None,
                  dataformats: Optional[str] = "NTCHW", **labels: Any) -> None:
        """Write a clip, or several side by side, that plays: see `summary.video`."""
        self.add(summary.video(tag, vid_tensor, fps=fps, dataformats=dataformats, **labels),
                 global_step, walltime)

    def add_audio(self, tag: str, snd_tensor: Any, global_step: Optional[int] = None,
                  sample_rate: int = 44100, walltime: Optional[float] = None, **labels: Any
                  ) -> None:
        """Write a sound, or several: see `summary.audio`."""
        self.add(summary.audio(tag, snd_tensor, sample_rate=sample_rate, **labels), global_step,
                 walltime)

    def add_text(self, tag: str, text_string: Any, global_step: Optional[int] = None,
                 walltime: Optional[float] = None, **labels: Any) -> None:
        """Write a text, or a table of texts, as Markdown: see `summary.text`."""
        self.add(summary.text(tag, text_string, **labels), global_step, walltime)

    # All the rest.

    def add_tensor(self, tag: str, tensor: Any, global_step: Optional[int] = None,
                   walltime: Optional[float] = None, **more: Any) -> None:
        """Write an array for a plugin of one's own: see `summary.tensor`."""
        self.add(summary.tensor(tag, tensor, **more), global_step, walltime)

    def add_graph(self, model: Any, input_to_model: Any = None, verbose: bool = False,
                  use_strict_trace: bool = True) -> None:
        """Write the graph of a model. Shown in Graphs; once a run.

        model: a torch module, traced with `input_to_model`; an MXNet Symbol, Gluon block, or the
            JSON or path of one, with shapes or arrays in `input_to_model` (see
            `tbwriter.mxnet.graph`); a list of `summary.Node`; or a GraphDef, serialized or with
            `SerializeToString()`.
        verbose: taken for compatibility. use_strict_trace: as for `torch.jit.trace`.
        """
        self.add(_graph(model, input_to_model, use_strict_trace))

    def add_embedding(self, mat: Any, metadata: Optional[Sequence[Any]] = None,
                      label_img: Any = None, global_step: Optional[int] = None,
                      tag: str = "default", metadata_header: Optional[Sequence[str]] = None
                      ) -> None:
        """Write points in many dimensions, with labels and pictures: see `summary.embedding`."""
        step = self.default_step if global_step is None else global_step
        self.add(summary.embedding(tag, mat, metadata, label_img, step, metadata_header), step)

    def add_pr_curve(self, tag: str, labels: Any, predictions: Any,
                     global_step: Optional[int] = None, num_thresholds: int = 127,
                     weights: Any = None, walltime: Optional[float] = None, **more: Any) -> None:
        """Write a precision-recall curve: see `summary.pr_curve`.

        more: `display_name` and `description`.
        """
        self.add(summary.pr_curve(tag, labels, predictions, num_thresholds, weights, **more),
                 global_step, walltime)

    def add_pr_curve_raw(self, tag: str, true_positive_counts: Any, false_positive_counts: Any,
                         true_negative_counts: Any, false_negative_counts: Any, precision: Any,
                         recall: Any, global_step: Optional[int] = None, num_thresholds: int = 127,
                         weights: Any = None, walltime: Optional[float] = None, **labels: Any
                         ) -> None:
        """Write a precision-recall curve that is already counted: see `summary.pr_curve_raw`.

        num_thresholds, weights: taken for compatibility; the arrays say both.
        """
        self.add(summary.pr_curve_raw(tag, true_positive_counts, false_positive_counts,
                                      true_negative_counts, false_negative_counts, precision,
                                      recall, **labels), global_step, walltime)

    def add_mesh(self, tag: str, vertices: Any, colors: Any = None, faces: Any = None,
                 config_dict: Optional[Mapping[str, Any]] = None,
                 global_step: Optional[int] = None, walltime: Optional[float] = None,
                 **labels: Any) -> None:
        """Write points or surfaces in space: see `summary.mesh`."""
        self.add(summary.mesh(tag, vertices, colors, faces, config_dict, **labels), global_step,
                 walltime)

    def add_custom_scalars(self, layout: Mapping[str, Mapping[str, Sequence[Any]]]) -> None:
        """Write which charts Custom Scalars has: see `summary.custom_scalars`.

        The categories are added to those of earlier calls, or replace them.
        """
        whole = {**self._layout, **_mapping("layout", layout)}
        self.add(summary.custom_scalars(whole))
        self._layout = {category: dict(charts) for category, charts in whole.items()}

    def add_custom_scalars_multilinechart(self, tags: Sequence[str], category: str = "default",
                                          title: str = "untitled") -> None:
        """Add a chart of several curves to Custom Scalars; a tag is a regular expression."""
        self._add_chart(category, title, ["Multiline", tags])

    def add_custom_scalars_marginchart(self, tags: Sequence[str], category: str = "default",
                                       title: str = "untitled") -> None:
        """Add a chart of a curve between two others to Custom Scalars: value, lower, upper."""
        self._add_chart(category, title, ["Margin", tags])

    def add_hparams(self, hparam_dict: Mapping[str, Any], metric_dict: Mapping[str, Any],
                    hparam_domain_discrete: Optional[Mapping[str, Sequence[Any]]] = None,
                    run_name: Optional[str] = None, global_step: Optional[int] = None, *,
                    name: Optional[str] = None, status: str = "SUCCESS") -> None:
        """Write what a run was trained with and what came of it. Shown in HParams, a row a run.

        hparam_dict: {name: bool, str or number}; see `summary.hparams`.
        metric_dict: {tag: number}, written as scalars. The last value of a tag is its metric: a tag
            that already has a curve is left as it is, unless a global_step says where to go on.
        hparam_domain_discrete: {name: possible values}. The table then has the columns of this call
            only; leave it out where trials differ in what they have.
        run_name: a run below the log directory for this trial; `name` is the same. None is this
            run, but a run has one row: another trial gets a run of its own, named by the time.
        status: "SUCCESS", "FAILURE" or "RUNNING".
        """
        step: Any = global_step
        if isinstance(hparam_domain_discrete, str):  # tensorboardX: the name, then the step
            name, hparam_domain_discrete = hparam_domain_discrete, None
            step, run_name = (run_name if step is None else step), None
        start, end = summary.hparams(hparam_dict), summary.hparams_end(status)
        metrics = [summary.scalar(tag, number).values[0]
                   for tag, number in _mapping("metric_dict", metric_dict).items()]
        infos = []
        if hparam_domain_discrete:
            infos.append(_experiment(hparam_dict, hparam_domain_discrete, list(metric_dict)))
        run = self._run_of_trial(dict(hparam_dict), run_name or name)
        for info in [*infos, start]:
            run.add(info)
        step = self.default_step if step is None else step
        if step is None:
            # At step 0 TensorBoard's default loader would drop a whole curve.
            metrics = [value for value in metrics if not _has_curve(run, value.tag)]
        if metrics:
            run.add(Summary(metrics), step)
        run.add(end)

    def _scalar(self, tag: str, value: Any, step: Optional[int] = None,
                wall_time: Optional[float] = None, display_name: str = "",
                description: str = "") -> None:
        # mxboard: {name: number} and (name, number) are curves of one chart.
        if isinstance(value, (tuple, list)) and len(value) == 2 and isinstance(value[0], str):
            value = {value[0]: value[1]}
        if isinstance(value, Mapping):
            self.add_scalars(tag, value, step, wall_time)
        else:
            super()._scalar(tag, value, step, wall_time, display_name, description)

    def _add_scalar_then(self, tag: str, scalar_value: Any, global_step: Optional[int] = None,
                         walltime: Optional[float] = None, *args: Any, **kwargs: Any) -> None:
        super().add_scalar(tag, scalar_value, global_step,
                           self._default_wall_time if walltime is None else walltime,
                           *args, **kwargs)

    def _next_steps(self, tag: str, length: int) -> int:
        """The first of `length` automatic steps."""
        first = self._next_step((tag,))
        self._steps[tag] = count(first + length)
        return first

    def _add_chart(self, category: str, title: str, chart: List[Any]) -> None:
        self.add_custom_scalars({category: {**self._layout.get(category, {}), title: chart}})

    def _add_overlay(self, main_tag: str, tags: Mapping[str, Any]) -> None:
        known = self._overlays.setdefault(main_tag, [])
        new = [tag for tag in tags if tag not in known]
        if new:
            known += new
            # "re.match": the expression has to say where a tag ends.
            self._add_chart(main_tag.partition("/")[0], main_tag,
                            ["Multiline", [re.escape(tag) + "$" for tag in known]])

    def _run_of_trial(self, hparams: Dict[str, Any], name: Optional[str]) -> FileWriter:
        if name:
            return self.sub_run(safe_run_name(messages.check_tag(name)))
        if self._trial is None or self._trial == hparams:
            self._trial = hparams
            return self
        return self.sub_run(f"{time.time():.6f}")

    def _get_file_writer(self) -> FileWriter:
        """What code around torch's writer calls, although it is private there."""
        return self


def _has_curve(run: FileWriter, tag: str) -> bool:
    """Whether `tag` was written with steps that were given."""
    given = tag in run._tags.numbers or tag in getattr(run, "_stepped", ())
    return given and tag not in run._steps


def _new_directory(comment: str) -> str:
    """`runs/<date>_<host><comment>`, whatever the comment holds."""
    name = f"{time.strftime('%b%d_%H-%M-%S')}_{host_name()}{comment}"
    return os.path.join("runs", re.sub(r"[/\\\0]", "_", name))


def _mapping(what: str, values: Any) -> Mapping[str, Any]:
    if not isinstance(values, Mapping):
        raise TypeError(f"got {what} of type {type(values).__name__}, want a dict")
    if not values:
        raise ValueError(f"got an empty {what}, want at least one entry")
    return values


def _points(series: Any) -> List[List[Any]]:
    return [[wall_time, step, value if math.isfinite(value) else _NAMES.get(value, "NaN")]
            for wall_time, step, value in zip(series.wall_times.tolist(), series.steps.tolist(),
                                              series.values.tolist())]


_NAMES = {math.inf: "Infinity", -math.inf: "-Infinity"}


def _experiment(hparams: Mapping[str, Any], domains: Mapping[str, Sequence[Any]],
                metrics: Sequence[str]) -> Summary:
    unknown = [name for name in domains if name not in hparams]
    if unknown:
        raise ValueError(f"got hparam_domain_discrete for {unknown}, want keys of hparam_dict")
    # "hparams not in it are hidden": so all of them are.
    return summary.hparams_experiment({name: domains.get(name) for name in hparams}, metrics)


def _graph(model: Any, inputs: Any, use_strict_trace: bool) -> Message:
    if hasattr(model, "SerializeToString"):
        model = model.SerializeToString()
    if isinstance(model, (bytes, bytearray)):
        model = bytes(model)
        for _ in wire.fields(model):
            pass  # WireError, a ValueError, for what is no message
        return Message(schema.Event.GRAPH_DEF, model)
    if isinstance(model, (list, tuple)):
        return summary.graph(model)
    package = __name__.rpartition(".")[0]
    graph: Message
    if hasattr(model, "named_modules"):
        graph = import_module(f"{package}.torch").graph(model, inputs,
                                                        use_strict_trace=use_strict_trace)
    elif isinstance(model, (str, os.PathLike)) or hasattr(model, "list_arguments") \
            or hasattr(model, "collect_params"):
        graph = import_module(f"{package}.mxnet").graph(model, inputs)
    else:
        raise TypeError(f"got a model of type {type(model).__name__}, want a torch module, an MXNet"
                        " Symbol or block, a list of nodes, or a GraphDef")
    return graph
