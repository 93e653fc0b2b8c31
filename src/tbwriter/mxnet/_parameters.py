"""Parameters and their gradients as histograms, weights as pictures."""
from __future__ import annotations

from typing import Any, Iterator, List, Mapping, Optional, Tuple
from weakref import WeakKeyDictionary, ref

import numpy as np

from .. import summary
from .._values.array import Snapshot, as_array, snapshot
from .._warnings import once, whole
from ._arguments import as_pattern, as_sample, is_disabled
from ._callback import BatchCallback, Callback
from ._gradients import overwritten, summed
from ._module_gradients import is_updated, waiting, watch_modules
from ._steps import Steps, evaluates, modules_of, scope_of


class ParameterHistograms(BatchCallback):
    """A histogram `parameters/<name>` of each parameter. A `batch_end_callback`.

    The values are those after the update of the batch. MXNet's engine copies them and the writer's
    thread fetches the copies, so training does not wait. Parameters are equal on all devices; those
    of the first device are logged.

    writer, run, steps: see `fit_callbacks`. every: log one batch in `every`.
    pattern: a regular expression; parameters whose names it matches from the beginning are logged.
    max_values: of each larger array, count a sample of this size, see `summary.histogram`; None
        counts all values.

    Raises TypeError or ValueError for other arguments.
    """

    _prefix = "parameters/"

    def __init__(self, writer: Any, every: int = 100, pattern: str = ".*", run: str = "train",
                 steps: Optional[Steps] = None, max_values: Optional[int] = None) -> None:
        super().__init__(writer, every, run, steps)
        self._matches = as_pattern(pattern).match
        self._max_values = as_sample(max_values)

    @whole
    def _log(self, param: Any, steps: Steps, batch: int) -> None:
        for name, array in self._arrays(scope_of(param)):
            if self._matches(name):
                steps.write(batch, self._to.add, summary.histogram(
                    self._prefix + name, array, max_values=self._max_values))

    def _arrays(self, scope: Mapping[str, Any]) -> Iterator[Tuple[str, Any]]:
        for group in _groups(scope):
            for name, arrays in zip(group.param_names, group.param_arrays):
                yield name, arrays[0]


class GradientHistograms(ParameterHistograms):
    """A histogram `gradients/<name>` of each parameter's gradient. A `batch_end_callback`.

    The gradients are copied when the update of the batch begins: they are those of this worker,
    summed over its devices and over the samples of the batch (the optimizer divides by the batch
    size). Parameters without a gradient are left out. No monitor is needed, which would slow MXNet
    down. Accumulated gradients (`grad_req="add"`) are logged when they are whole: at the batch that
    is due, or the first one after it, whose update uses them.

    Where the gradients of a batch no longer exist (a module with an `update` of its own has let a
    distributed kvstore overwrite them), nothing is logged and one RuntimeWarning gives the reason.

    writer, every, pattern, run, steps, max_values: as in ParameterHistograms, with its errors.
    """

    _prefix = "gradients/"

    def __init__(self, writer: Any, every: int = 100, pattern: str = ".*", run: str = "train",
                 steps: Optional[Steps] = None, max_values: Optional[int] = None) -> None:
        super().__init__(writer, every, pattern, run, steps, max_values)
        self._copies: "WeakKeyDictionary[Any, List[Tuple[str, Snapshot]]]" = WeakKeyDictionary()
        self._wanted = True     # whether the next batch is to be logged
        self._module: Any = None  # weak: the module that is trained, once it is known
        if not is_disabled(writer):
            watch_modules()
            waiting.add(self)

    def __call__(self, param: Any) -> None:
        super().__call__(param)
        scope = scope_of(param)
        if not evaluates(scope):
            self._module = _weak(scope.get("self"))
            self._wanted = self._again or (self._steps(param).last + 1) % self._every == 0
            self._copies.clear()

    def after_backward(self, group: Any) -> None:
        """Forget the copies of the previous step's gradients; those of this step come later."""
        if not _accumulates(group):
            self._copies.pop(group, None)

    def before_update(self, group: Any) -> None:
        """Copy the gradients that an update is about to use, if they are to be logged."""
        if not self._wanted or not self._owns(group):
            return
        self._copies[group] = [
            (name, snapshot(summed(arrays)))
            for name, arrays in zip(group.param_names, group.grad_arrays)
            if arrays[0] is not None and self._matches(name)]

    def _owns(self, group: Any) -> bool:
        module = self._module and self._module()
        return module is None or any(getattr(plain, "_exec_group", None) is group
                                     for plain in modules_of(module))

    def _arrays(self, scope: Mapping[str, Any]) -> Iterator[Tuple[str, Any]]:
        self._again = False
        for group in _groups(scope):
            copies = self._copies.get(group)
            if copies is None:
                self._again = self._again or _accumulates(group)
                yield from _gradients_now(group)
            else:
                yield from copies


def _gradients_now(group: Any) -> Iterator[Tuple[str, Any]]:
    """Gradients that were not copied, if no update has used them and they are whole."""
    for name, arrays, weights in zip(group.param_names, group.grad_arrays, group.param_arrays):
        if arrays[0] is None or _requests(group).get(name) == "add":
            continue
        if is_updated(group) or overwritten(arrays, weights):
            once("gradients of modules", f"the gradients of {name!r} and others are not logged: "
                 "the update has already used them, and they were not due when it began; "
                 "reported once")
        else:
            yield name, summed(arrays)


def _accumulates(group: Any) -> bool:
    return "add" in _requests(group).values()


def _requests(group: Any) -> Mapping[str, str]:
    """The `grad_req` of each argument; FeedForward's manager has none: it does not accumulate."""
    requests: Mapping[str, str] = getattr(group, "grad_req", {})
    return requests


def _weak(module: Any) -> Any:
    try:
        return None if module is None else ref(module)
    except TypeError:  # a user's loop in an object that takes no weak reference
        return None


class ParameterImages(Callback):
    """A 16-bit picture `images/<name>` of each weight: an `epoch_end_callback`.

    A matrix of shape (out, in) is a picture of that size. A weight of more dimensions, such as the
    filters of a convolution, is a grid with one tile per (out, in) and a row of tiles per out. The
    smallest value is black, the largest white.

    writer, run, steps: see `fit_callbacks`. Without `steps` the step is the epoch, since an
        epoch_end_callback has no access to the module.
    pattern: a regular expression; parameters whose names it matches from the beginning are shown,
        if they have two dimensions or more.

    Raises TypeError or ValueError for other arguments.
    """

    def __init__(self, writer: Any, pattern: str = ".*weight", run: str = "train",
                 steps: Optional[Steps] = None) -> None:
        super().__init__(writer, run, steps)
        self._matches = as_pattern(pattern).match

    @whole
    def __call__(self, epoch: int, symbol: Any, arg_params: Mapping[str, Any],
                 aux_params: Mapping[str, Any]) -> None:
        step = self._own_steps.epoch_end(epoch)
        if is_disabled(self._writer):
            return
        for name, array in arg_params.items():
            if self._matches(name) and len(array.shape) > 1 and 0 not in array.shape:
                self._to.add(summary.image(f"images/{name}", weight_picture(array)), step)


def weight_picture(weight: Any) -> "np.ndarray[Any, Any]":
    """The values of a weight as (height, width) uint16, from smallest to largest finite value.

    Values that are not finite are black.
    """
    values = as_array(weight).astype(np.float64)
    finite = np.isfinite(values)
    low, high = (values[finite].min(), values[finite].max()) if finite.any() else (0.0, 0.0)
    scale = 65535 / (high - low) if high > low else 0.0
    pixels = np.zeros(values.shape, np.uint16)
    pixels[finite] = np.rint((values[finite] - low) * scale)
    return _grid(pixels)


def _grid(pixels: "np.ndarray[Any, Any]") -> "np.ndarray[Any, Any]":
    """(out, in, ..., height, width) as rows of tiles, with a black line of one pixel between them.
    """
    if pixels.ndim == 2:
        return pixels
    if pixels.ndim == 3:  # of a one-dimensional convolution
        pixels = pixels[:, :, np.newaxis]
    rows, height, width = pixels.shape[0], pixels.shape[-2], pixels.shape[-1]
    tiles = pixels.reshape(rows, -1, height, width)
    grid = np.zeros((rows, height + 1, tiles.shape[1], width + 1), pixels.dtype)
    grid[:, :height, :, :width] = tiles.transpose(0, 2, 1, 3)
    return grid.reshape(rows * (height + 1), -1)[:-1, :-1]


def _groups(scope: Mapping[str, Any]) -> List[Any]:
    """The holders of names and arrays: FeedForward's manager, or each module's executor group."""
    if "executor_manager" in scope:
        return [scope["executor_manager"]]
    groups = [module._exec_group for module in modules_of(scope.get("self"))
              if hasattr(module, "_exec_group")]
    if not groups:
        raise ValueError("got a batch without `locals` that lead to a module, "
                         "want that of Module.fit")
    return groups
