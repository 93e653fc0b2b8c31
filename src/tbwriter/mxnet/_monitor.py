"""The tensors of a network: outputs, weights and gradients, by MXNet's monitor callback.

For MXNet 1.x: the executors of 2.0 have no monitor callback.
"""
from __future__ import annotations

import ctypes
import inspect
import json
import logging
from collections import Counter
from functools import partial
from math import sqrt
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Sequence, Set, Tuple

import mxnet
import numpy as np
from mxnet.base import NDArrayHandle

from .._values.array import Snapshot, snapshot
from .._values.number import as_flag
from .._warnings import whole
from ._arguments import (
    as_function, as_interval, as_pattern, as_sample, as_steps, as_writer, is_disabled)
from ._late import late_histogram, late_scalar
from ._steps import Steps


# How many of an operator's first inputs have gradients without a number: of `where`, the condition.
_UNCOUNTED = {"where": 1}


class Monitor:
    """Logs the tensors of a network: for `Module.fit(monitor=...)` and `install_monitor`.

    Replaces `mxnet.mon.Monitor`, with the same arguments, and logs the arrays that MXNet's monitor
    turns into text. `toc_print` still logs that text, at level INFO.

    writer: a FileWriter or SummaryWriter.
    interval: log one batch in `interval`, beginning with the first.
    stat_func: maps an array to the array, or list of arrays, to log: a single number as a scalar,
        several as a histogram. None logs the array itself as a histogram, or with
        `histograms=False` the scalar |x|/sqrt(size), MXNet's default.
    pattern: a regular expression; tensors whose names it matches from the beginning are logged.
    sort: whether to log in the order of names.
    monitor_all: whether to log also the inputs of operators.
    histograms: False allows scalars only; a `stat_func` that returns more raises ValueError.
    tag: maps a name to its tag, for example `"monitor/{}".format`.
    steps: the Steps of other callbacks of the same training.
    begin_step: without `steps`, the step of the first batch.
    max_values: of each larger array, count a sample of this size, see `summary.histogram`; None
        counts all values.

    Names: outputs are `fc1_output`, parameters `fc1_weight` (as they are after the update).
    A gradient has MXNet's current name, such as `fc1_backward_output1`, and its name of 2017, by
    the operator's argument: `fc1_backward_weight`. It is logged under each name that `pattern`
    matches. Gradients that MXNet does not compute, whose memory is uninitialised, are left out. If
    several devices have a tensor, the tag ends with the device: `fc1_output/cpu(1)`. If several
    modules of a SequentialModule have an input of the same name, that of a later module is named by
    the operator that it enters: `fc2_data`.

    The step is that of the batch: 0 for the first, continuing over all epochs.

    Raises TypeError or ValueError for other arguments.
    """

    def __init__(self, writer: Any, interval: int, stat_func: Optional[Callable[..., Any]] = None,
                 pattern: str = ".*", sort: bool = False, monitor_all: bool = False,
                 histograms: bool = True, *, tag: Callable[[str], str] = str,
                 steps: Optional[Steps] = None, begin_step: int = 0,
                 max_values: Optional[int] = None) -> None:
        self.interval = as_interval(interval, "interval")
        self.stat_func = None if stat_func is None else as_function(stat_func, "stat_func")
        self.re_prog = as_pattern(pattern)
        self.sort = as_flag(sort, "sort")
        self.monitor_all = as_flag(monitor_all, "monitor_all")
        self.activated = False
        self.step = 0
        self.exes: List[Any] = []
        self._writer = as_writer(writer)
        self._histograms = as_flag(histograms, "histograms")
        self._tag = as_function(tag, "tag")
        self._steps = as_steps(steps) or Steps(begin_step)
        self._max_values = as_sample(max_values)
        self._executors: List[_Executor] = []
        self._batch = _Batch()

    def install(self, exe: Any) -> None:
        """Add an executor. Module calls this for each device, and for each new bucket.

        Raises TypeError for an executor without a monitor callback, such as those of MXNet 2.0.
        """
        if not hasattr(exe, "set_monitor_callback"):
            raise TypeError(f"got an executor of type {type(exe).__name__} without "
                            "set_monitor_callback, want one of MXNet 1.x")
        self.exes.append(exe)
        if is_disabled(self._writer):  # a callback makes MXNet slower
            return
        executor = _Executor(exe)
        exe.set_monitor_callback(partial(self._output, executor), self.monitor_all)
        self._executors.append(executor)

    def tic(self) -> None:
        """A batch begins. Called before forward."""
        if self.step % self.interval == 0 and not is_disabled(self._writer):
            self._batch = _Batch()
            self.activated = True
        self.step += 1

    @whole
    def toc(self) -> List[Tuple[int, str, str]]:
        """A batch has ended: log its tensors. Returns MXNet's (number of the batch, name, text).

        Raises the first error of `stat_func` in this batch.
        """
        return [(self.step, tensor.name, _text(tensor, self.stat_func is None))
                for tensor in self._toc()]

    def toc_print(self) -> None:
        """As `toc`, but the text is logged at level INFO instead of returned."""
        seen = self._toc()
        if logging.getLogger().isEnabledFor(logging.INFO):
            for tensor in seen:
                logging.info("Batch: %7d %-30s %s", self.step, tensor.name,
                             _text(tensor, self.stat_func is None))

    def _output(self, executor: "_Executor", name: Any, handle: Any) -> None:
        # This array is freed with its Python object, which is therefore made in every batch.
        array = mxnet.nd.NDArray(ctypes.cast(handle, NDArrayHandle), writable=False)
        if self.activated:
            executor.ran = True
            text = name.decode() if isinstance(name, bytes) else name
            self._look(executor, executor.names.get(text, (text,)), array)

    def _look(self, executor: "_Executor", names: Sequence[str], array: Any) -> None:
        """Keep the values to log of an array. Errors are kept for `toc`: ctypes ignores them here.
        """
        names = [name for name in names if self.re_prog.match(name)]
        if not names:
            return
        try:
            if self.stat_func is not None:
                stats = self.stat_func(array)
                stats = stats if isinstance(stats, (list, tuple)) else [stats]
            else:
                stats = [array if self._histograms else array.norm() / sqrt(array.size)]
            values = [snapshot(stat, "stat_func's value") for stat in stats]
            for value in values:
                if value.size != 1 and not self._histograms:
                    raise ValueError(f"got {value.size} numbers from stat_func for {names[0]}, "
                                     "want one, or histograms=True")
            self._batch.seen += [_Seen(executor, name, values) for name in names]
        except Exception as error:
            self._batch.error = self._batch.error or error

    def _toc(self) -> List["_Seen"]:
        if not self.activated:
            return []
        taken: Set[Tuple[str, str]] = set()
        for executor in self._executors:
            # Only those that ran: the executors of other buckets share the same parameters.
            if executor.ran:
                executor.ran = False
                for name, array in executor.parameters():
                    if (executor.device, name) in taken:  # a later module of a SequentialModule
                        name = executor.inputs.get(name, name)
                    taken.add((executor.device, name))
                    self._look(executor, (name,), array)
        self.activated = False
        batch, self._batch = self._batch, _Batch()
        if batch.error is not None:
            raise batch.error
        seen = batch.seen
        if self.sort:
            seen.sort(key=lambda tensor: tensor.name)
        for name, value in _tagged(seen):
            shown = late_scalar(self._tag(name), value) \
                if value.size == 1 and (self.stat_func or not self._histograms) \
                else late_histogram(self._tag(name), [value], self._max_values)
            self._steps.write(self.step - 1, self._writer.add, shown)
        return seen


class _Executor:
    """The network of one device, and the names of its tensors."""

    def __init__(self, exe: Any) -> None:
        self.exe = exe
        self.ran = False
        self.device = str(exe.arg_arrays[0].context) if exe.arg_arrays else ""
        self.names = gradient_names(exe._symbol, exe.grad_dict)
        self.inputs = input_names(exe._symbol)

    def parameters(self) -> List[Tuple[str, Any]]:
        symbol = self.exe._symbol
        return [*zip(symbol.list_arguments(), self.exe.arg_arrays),
                *zip(symbol.list_auxiliary_states(), self.exe.aux_arrays)]


class _Seen(NamedTuple):
    executor: _Executor
    name: str
    values: List[Snapshot]


class _Batch:
    """The tensors of one batch, and the first error of `stat_func`."""

    def __init__(self) -> None:
        self.seen: List[_Seen] = []
        self.error: Optional[Exception] = None


def gradient_names(symbol: Any, gradients: Dict[str, Any]) -> Dict[str, Tuple[str, ...]]:
    """The names under which to log a gradient, by each name that MXNet may give it.

    gradients: by variable; None where none is computed.

    "fc1_backward_output1" is the gradient of fc1's input 1, in the order of the symbol; where there
    is one gradient only, it has no number, and some operators name it by the argument. A gradient
    that is not computed has an empty tuple.
    """
    names: Dict[str, Tuple[str, ...]] = {}
    computed: List[bool] = []
    for node in json.loads(symbol.tojson())["nodes"]:
        inputs = [computed[entry[0]] for entry in node["inputs"]]
        if node["op"] == "null":
            computed.append(gradients.get(node["name"]) is not None)
            continue
        computed.append(any(inputs))
        arguments = _arguments(node["op"], len(inputs))
        uncounted = _UNCOUNTED.get(node["op"], 0)
        for index, wanted in enumerate(inputs[uncounted:]):
            of_2017 = f"{node['name']}_backward_{arguments[index + uncounted]}"
            today = [f"{node['name']}_backward_output{index}", f"{of_2017}_output", of_2017]
            if index == 0:
                today.append(f"{node['name']}_backward_output")
            for name in today:
                names[name] = tuple(dict.fromkeys((name, of_2017))) if wanted else ()
    return names


def input_names(symbol: Any) -> Dict[str, str]:
    """Another name for each variable, by the first operator that uses it: `fc2_data` for `data`.

    It is MXNet's own name for an operator's input, which `monitor_all` gives.
    """
    names: Dict[str, str] = {}
    nodes = json.loads(symbol.tojson())["nodes"]
    for node in nodes:
        arguments = _arguments(node["op"], len(node["inputs"])) if node["inputs"] else []
        for argument, entry in zip(arguments, node["inputs"]):
            if nodes[entry[0]]["op"] == "null":
                names.setdefault(nodes[entry[0]]["name"], f"{node['name']}_{argument}")
    return names


def _arguments(operator: str, count: int) -> List[str]:
    """An operator's names of its first `count` inputs: data, weight, bias ...

    They are the first parameters of the function that makes its symbol.
    """
    function = getattr(mxnet.sym, operator, None) or getattr(mxnet.sym._internal, operator, None)
    parameters = inspect.signature(function).parameters.values() if function else ()
    names = [each.name for each in parameters if each.kind is each.POSITIONAL_OR_KEYWORD]
    return [names[index] if index < len(names) else f"arg{index}" for index in range(count)]


def _tagged(seen: List[_Seen]) -> List[Tuple[str, Snapshot]]:
    """(name, value), in which each name occurs once.

    With `monitor_all`, a parameter is seen at each operator that it enters. The last value is used,
    which is that after the update.
    """
    seen = list({(tensor.executor, tensor.name): tensor for tensor in seen}.values())
    count = Counter(tensor.name for tensor in seen)
    values: List[Tuple[str, Snapshot]] = []
    used: "Counter[str]" = Counter()
    for tensor in seen:
        name = tensor.name
        if count[name] > 1:
            name = f"{name}/{tensor.executor.device}"
        for index, value in enumerate(tensor.values):
            one = f"{name}_{index}" if len(tensor.values) > 1 else name
            used[one] += 1
            values.append((one if used[one] == 1 else f"{one}_{used[one] - 1}", value))
    return values


def _text(tensor: _Seen, as_norm: bool) -> str:
    """MXNet's text: the numbers, each followed by a tab; of an array |x|/sqrt(size) if `as_norm`.
    """
    arrays = [value.numpy() for value in tensor.values]
    if as_norm and arrays[0].size != 1:
        arrays = [np.linalg.norm(arrays[0]) / np.sqrt(np.float32(arrays[0].size))]
    return "".join(f"{array.item() if array.size == 1 else array}\t" for array in arrays)
