"""SummaryWriter: one method per kind, with the names and arguments that users of torch,
tensorboardX and mxboard know.

    with SummaryWriter("runs/first") as writer:
        writer.add_scalar("loss", 0.5, 1)

The methods that are one call to a kind are in `_add_kinds.py`; FileWriter writes.
"""
from __future__ import annotations

import os
import re
import time
from collections import abc  # typing's classes are slow in isinstance
from contextlib import contextmanager
from itertools import count
from typing import TYPE_CHECKING, Any, Dict, Iterator, Mapping, Optional, Sequence, Tuple, Union

from ._foreign import checked, shown
from . import summary
from ._loading import loading
from ._names import as_path, run_name as safe_run_name
from ._proto import messages
from ._proto.messages import Summary
from ._values.number import as_flag, as_step, as_wall_time
from ._warnings import whole
from ._log.naming import host_name
from ._add_kinds import KindMethods
from ._steps import Continued
from .summary._scalar import taken
from ._family import DEFAULT_BUFFER, Settings
from .writer import FileWriter

if TYPE_CHECKING:
    from typing_extensions import Self

    from ._layout import Layout
    from ._metadata import Metadata


class SummaryWriter(KindMethods):
    """Writes everything that TensorBoard shows into a log directory, one directory per run.

        with SummaryWriter("runs/first") as writer:
            writer.add_scalar("loss", 0.5, 1)

    log_dir: the directory, made if it is missing; a path ("~" is the home directory) or, with the
        extra `remote`, a URL such as `s3://bucket/run`. None makes a new one for each run:
        `runs/<date>_<host><comment>`. `logdir` is the same.
    comment: ends the name of the directory that is made; without effect where `log_dir` is given.
    purge_step: a resumed run starts again here: TensorBoard drops its values from this step on.
    max_queue, flush_secs, filename_suffix, and the arguments after them: as for FileWriter. By
        default values reach the file after 0.1 s.
    write_to_disk: False does nothing, as `disabled=True` does, for processes that should be silent.

    In all methods:

    tag: any text, kept unchanged; the part before its first "/" groups charts.
    global_step: an integer. None is `default_step`; where that is None too, a tag's values are
        numbered 0, 1, 2, ...
    walltime: seconds since 1970; None is now.
    display_name, description: shown with the tag; the description is Markdown.

    Mistakes raise TypeError or ValueError at the call, and nothing of it is written.
    """

    def __init__(self, log_dir: Union[None, str, "os.PathLike[str]"] = None, comment: str = "",
                 purge_step: Optional[int] = None, max_queue: int = 10,
                 flush_secs: Optional[float] = None, filename_suffix: str = "",
                 write_to_disk: bool = True, *,
                 logdir: Union[None, str, "os.PathLike[str]"] = None, asynchronous: bool = True,
                 strict: bool = False, disabled: bool = False, resume: bool = False,
                 max_buffer: int = DEFAULT_BUFFER, max_file_bytes: Optional[int] = None) -> None:
        silent = as_flag(disabled, "disabled") or not as_flag(write_to_disk, "write_to_disk")
        if log_dir is None:
            log_dir = _new_directory(comment, silent) if logdir is None else logdir
        super().__init__(log_dir, max_queue, flush_secs, filename_suffix,
                         asynchronous=asynchronous, strict=strict,
                         disabled=silent, purge_step=purge_step,
                         resume=resume, max_buffer=max_buffer, max_file_bytes=max_file_bytes)

    def _open(self, logdir: str, settings: Settings, probe: bool = True) -> None:
        self._step: Optional[int] = None  # see default_step
        self._metadata: Optional[Metadata] = None
        self._layout: Optional[Layout] = None
        self._trials: Dict[str, Any] = {}  # by run
        self._continued = Continued()
        super()._open(logdir, settings, probe)

    @property
    def default_step(self) -> Optional[int]:
        """The step of values that are added without one; None numbers them 0, 1, ..."""
        step = self._metadata.step if self._metadata else None
        return self._step if step is None else step

    @default_step.setter
    def default_step(self, step: Optional[int]) -> None:
        if not (self._metadata and self._metadata.replace(step)):
            self._step = step

    def _for_runs(self, step: Optional[int] = None, walltime: Optional[float] = None
                  ) -> Tuple[Optional[int], Optional[float]]:
        """The step and time that one call of this writer gives to values of the runs below."""
        return (self.default_step if step is None else step,
                self._metadata.wall_time if walltime is None and self._metadata else walltime)

    @property
    def log_dir(self) -> str:
        """The log directory: an absolute path, or the URL."""
        return self.get_logdir()

    logdir = log_dir

    @property
    def file_writer(self) -> FileWriter:
        """This writer itself; torch's has a FileWriter inside."""
        return self

    def _note(self, tags: Sequence[str], step: int) -> None:
        if self._continued.looking:
            if self._resuming != (None, False):
                self._continued.stop()
            else:
                self._continued.note(self._channel, self._log, tags, step)

    def __enter__(self) -> "Self":
        return self  # here too: editors complete the methods of the class in which it stands

    def sub_run(self, name: str) -> "Self":
        run = super().sub_run(name)
        run._continued.warned = self._continued.warned
        return run

    @contextmanager
    def use_metadata(self, *, global_step: Optional[int] = None, walltime: Optional[float] = None
                     ) -> Iterator["Self"]:
        """Give the values that are added inside the `with` block this step and time, unless a call
        has its own.

            with writer.use_metadata(global_step=7):
                writer.add_scalar("loss", 0.5)

        A block holds for its own thread or asyncio task: the values of other threads keep theirs.

        global_step: an integer. walltime: seconds since 1970. None changes nothing.

        Raises TypeError or ValueError for others.
        """
        step = None if global_step is None else as_step(global_step)
        seconds = None if walltime is None else as_wall_time(walltime)
        with loading:  # other threads begin blocks
            if self._metadata is None:
                from ._metadata import Metadata
                self._metadata = Metadata()
        if seconds is not None:
            self._clock = self._metadata.now  # from now on: a task may outlive its block
        with self._metadata.block(step, seconds):
            yield self

    # Scalars. add_scalar is FileWriter's.

    @checked
    @whole
    def add_scalars(self, main_tag: str, tag_scalar_dict: Mapping[Any, Any],
                    global_step: Optional[int] = None, walltime: Optional[float] = None,
                    overlay: str = "runs") -> None:
        """Write several curves that share a chart. Shown in Time Series and Scalars.

            writer.add_scalars("loss", {"train": 0.5, "validation": 0.7}, step)

        main_tag: names the chart. tag_scalar_dict: {name of a curve: number}; numbers as names,
            such as those of classes, become text. Nothing is written for an empty dict.
        overlay: "runs" makes a run `<main_tag>_<name>` of each curve, below the log directory; they
            share the chart `main_tag`. "custom" stays in this run, with the tags
            `<main_tag>/<name>`, and adds a chart of them to Custom Scalars.
        global_step: an integer; None numbers the values 0, 1, ... walltime: seconds since 1970;
            None is now.

        Raises TypeError or ValueError for other names and values.
        """
        if not isinstance(overlay, str) or overlay not in ("runs", "custom"):
            raise ValueError(f"got overlay={shown(overlay)}, want 'runs' or 'custom'")
        main_tag = messages.check_tag(main_tag)
        if overlay == "custom":
            values = {f"{main_tag}/{name}": value
                      for name, value in _curves(tag_scalar_dict).items()}
            self.add_values(values, global_step, walltime)
            self._charts().add_curves(main_tag, values, self.add)
            return
        step, seconds = self._for_runs(global_step, walltime)
        numbers = [(f"{main_tag.replace('/', '_')}_{name}",
                    taken(value)) for name, value in _curves(tag_scalar_dict).items()]
        for run, number in numbers:
            self.sub_run(safe_run_name(run)).add_scalar(main_tag, number, step, seconds)

    @checked
    def add_values(self, values: Mapping[str, Any], global_step: Optional[int] = None,
                   walltime: Optional[float] = None) -> None:
        """Write one number for each of many tags, as one event. Shown in Time Series and Scalars.

            writer.add_values({"train/loss": 0.5, "train/accuracy": 0.9}, step)

        The least costly way to log many metrics at one step.

        values: {tag: number}. Nothing is written for an empty dict.
        global_step: an integer; None numbers the values 0, 1, ... walltime: seconds since 1970;
            None is now.

        Raises TypeError or ValueError for other tags and values.
        """
        if _mapping("values", values):
            self.add(summary.scalars(values), global_step, walltime)

    @checked
    def add_scalar_series(self, tag: str, values: Any, steps: Any = None, wall_times: Any = None
                          ) -> None:
        """Write many points of one curve at once. Shown in Time Series and Scalars.

            writer.add_scalar_series("loss", losses, range(len(losses)))

        values: numbers, (n,). steps: integers, (n,), increasing: at a lower one TensorBoard's
            default loader drops the points before it; None continues the numbers 0, 1, ...
        wall_times: seconds since 1970, (n,) or one for all; None is now.

        Raises TypeError or ValueError for unequal lengths and for other values.
        """
        from ._scalars.encode import as_rows
        tag = messages.check_tag(tag)
        seconds = self._clock() if wall_times is None else wall_times
        self._series(tag, lambda number, unnumbered: as_rows(
            number, values, steps, seconds, unnumbered))

    def export_scalars_to_json(self, path: Union[str, "os.PathLike[str]"]) -> None:
        """Write all scalars of this run and those below it into a JSON file.

            writer.export_scalars_to_json("scalars.json")

        {tag: [[walltime, step, value], ...], ...}; tags of runs below have the run before a "/".
        Where several have one name, a tag of this run keeps it, or else that of the first run; the
        others end in _1, _2, ... All are read back from the event files. NaN and infinities are
        "NaN", "Infinity" and "-Infinity", as TensorBoard gives them. Raises OSError for a path that
        can't be written.
        """
        from ._scalars_json import write
        self.flush()
        write(path, None if self.disabled else self.get_logdir())

    # Layouts and trials.

    def _charts(self) -> Layout:
        with loading:
            if self._layout is None:
                from ._layout import Layout
                self._layout = Layout()
        return self._layout

    @checked
    def add_custom_scalars(self, layout: Mapping[str, Mapping[str, Sequence[Any]]]) -> None:
        """Write the charts of the dashboard Custom Scalars.

            writer.add_custom_scalars({"losses": {"both": ["Multiline", ["train/.*", "val/.*"]]}})

        layout: {category: {chart title: ["Multiline", [tag, ...]]}} or
            {category: {chart title: ["Margin", [value, lower, upper]]}}; a tag of a Multiline chart
            is a regular expression. The categories are added to those of earlier calls, or replace
            them.

        Raises TypeError or ValueError for another structure.
        """
        self._charts().add_categories(_mapping("layout", layout), self.add)

    @checked
    def add_custom_scalars_multilinechart(self, tags: Sequence[str], category: str = "default",
                                          title: str = "untitled") -> None:
        """Add a chart of several curves. Shown in Custom Scalars.

            writer.add_custom_scalars_multilinechart(["train/loss", "val/loss"], "losses", "both")

        tags: regular expressions, each matched from the start of a tag.
        category, title: the group of the chart, and its name.

        Raises TypeError or ValueError for anything but a list of tags.
        """
        self._charts().add_chart(category, title, ["Multiline", tags], self.add)

    @checked
    def add_custom_scalars_marginchart(self, tags: Sequence[str], category: str = "default",
                                       title: str = "untitled") -> None:
        """Add a chart of a curve between two others. Shown in Custom Scalars.

            writer.add_custom_scalars_marginchart(["mean", "lowest", "highest"], "losses", "mean")

        tags: value, lower and upper bound, or a list of such threes.
        category, title: the group of the chart, and its name.

        Raises TypeError or ValueError for anything but a list of three tags.
        """
        self._charts().add_chart(category, title, ["Margin", tags], self.add)

    @checked
    @whole
    def add_hparams(self, hparam_dict: Mapping[str, Any], metric_dict: Mapping[str, Any],
                    hparam_domain_discrete: Optional[Mapping[str, Sequence[Any]]] = None,
                    run_name: Optional[str] = None, global_step: Optional[int] = None, *,
                    name: Optional[str] = None, status: str = "SUCCESS") -> None:
        """Write the hyperparameters of a run and its results. Shown in HParams, a row per run.

            writer.add_hparams({"lr": 0.1, "net": "lenet"}, {"accuracy": 0.9})

        hparam_dict: {name: bool, str or number}, or a Namespace or dataclass. A dict inside becomes
            "name/key"; any other object is written as its text.
        metric_dict: {tag: number}, written as scalars; may be empty. The last value of a tag is its
            metric: a tag that has a curve already is left unchanged, unless a global_step states
            where to continue.
        hparam_domain_discrete: {name: possible values}. The table then has the columns of this call
            only; leave it out where trials differ in their hyperparameters.
        run_name: a run below the log directory for this trial; `name` is the same. None is this
            run, but a run has one row: another trial gets a run of its own, named by the time.
        global_step: of the metrics.
        status: "SUCCESS", "FAILURE" or "RUNNING".

        Raises TypeError or ValueError for anything else.
        """
        step: Any = global_step
        if isinstance(hparam_domain_discrete, str):  # tensorboardX: the name, then the step
            name, hparam_domain_discrete = hparam_domain_discrete, None
            step, run_name = (run_name if step is None else step), None
        start, end = summary.hparams(hparam_dict), summary.hparams_end(status)
        metrics = [summary.scalar(tag, number).values[0]
                   for tag, number in _mapping("metric_dict", metric_dict).items()]
        infos = []
        if hparam_domain_discrete is not None and len(
                _mapping("hparam_domain_discrete", hparam_domain_discrete)):
            infos.append(_experiment(hparam_dict, hparam_domain_discrete, list(metric_dict)))
        run = self._run_of_trial(start.SerializeToString(), name if run_name is None else run_name)
        default, seconds = self._for_runs()
        for info in [*infos, start]:
            run.add(info, default, seconds)
        step = default if step is None else step
        if step is None:
            # At step 0 TensorBoard's default loader would drop a whole curve.
            metrics = [value for value in metrics if not run.step_counter.has_given(value.tag)]
        if metrics:
            run.add(Summary(metrics), step, seconds)
        run.add(end, default, seconds)

    @checked
    def _scalar(self, tag: str, value: Any, step: Optional[int] = None,
                wall_time: Optional[float] = None, display_name: str = "",
                description: str = "") -> None:
        # mxboard: {name: number} and (name, number) are curves of one chart.
        if isinstance(value, (tuple, list)) and len(value) == 2 and isinstance(value[0], str):
            value = {value[0]: value[1]}
        if isinstance(value, abc.Mapping):
            self.add_scalars(tag, value, step, wall_time)
        else:
            super()._scalar(tag, value, step, wall_time, display_name, description)

    def _run_of_trial(self, hparams: bytes, name: Optional[str]) -> FileWriter:
        if name is not None:
            name = messages.check_tag(name)
        if name:
            return self.sub_run(safe_run_name(name))
        if self._trials.setdefault(".", hparams) == hparams:
            return self
        return self.sub_run(self._unused_run(f"{time.time():.6f}"))

    def _unused_run(self, name: str) -> str:
        """`name` for the run of a trial, with a number if there is such a run: the clock of some
        systems stands still for 16 ms."""
        mine = object()
        for number in count():
            run = f"{name}_{number}" if number else name
            if self._find(run) is None and self._trials.setdefault(run, mine) is mine:
                return run
        raise AssertionError("unreachable")

    def _get_file_writer(self) -> FileWriter:
        """This writer, for code that calls the private method of torch's writer."""
        return self


def _new_directory(comment: Optional[str], silent: bool) -> str:
    """`runs/<date>_<host><comment>`, whatever the comment holds; made, unless `silent`.

    A run that starts in the same second as another gets a name of its own.
    """
    if isinstance(comment, bytes):
        raise TypeError("got a comment of type bytes, want str")
    name = f"{time.strftime('%b%d_%H-%M-%S')}_{host_name()}{'' if comment is None else comment}"
    path = as_path(os.path.join("runs", re.sub(r"[/\\\0]", "_", name)), "comment")
    for number in count(2):
        try:
            if not silent:
                os.makedirs(path)
            return path
        except FileExistsError:
            path = f"{path.rpartition('_')[0] if number > 2 else path}_{number}"
    raise AssertionError("unreachable")


def _mapping(what: str, values: Any) -> Mapping[str, Any]:
    if not isinstance(values, abc.Mapping):
        raise TypeError(f"got {what} of type {type(values).__name__}, want a dict")
    return values


def _curves(values: Any) -> Dict[str, Any]:
    """{name: number} of curves, whose names may be numbers such as those of classes."""
    named = {messages.check_tag(name) if isinstance(name, str) else _number_name(name): value
             for name, value in _mapping("tag_scalar_dict", values).items()}
    if len(named) < len(values):
        raise ValueError(f"got a tag_scalar_dict with names that are equal as text, "
                         f"{shown(list(values))}, want different ones")
    return named


def _number_name(name: Any) -> str:
    if not isinstance(name, (int, float)) and not hasattr(name, "__index__"):
        raise TypeError(f"got the name of a curve of type {type(name).__name__} ({shown(name)}), "
                        "want str or a number")
    return str(name)


def _experiment(hparams: Any, domains: Any, metrics: Sequence[str]) -> Summary:
    from .summary._hparams import flat
    hparams = flat(hparams)
    unknown = [name for name in _mapping("hparam_domain_discrete", domains) if name not in hparams]
    if unknown:
        raise ValueError(f"got hparam_domain_discrete for {unknown}, want keys of hparam_dict")
    # "hparams not in it are hidden": so it has all of them.
    return summary.hparams_experiment({name: domains.get(name) for name in hparams}, metrics)
