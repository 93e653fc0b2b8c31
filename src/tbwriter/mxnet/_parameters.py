"""Parameters and their gradients as histograms, weights as pictures."""
from __future__ import annotations

import re
from typing import Any, Iterator, List, Mapping, Optional, Tuple

import numpy as np

from .. import summary
from .._values.array import as_array
from ._callback import BatchCallback, Callback
from ._steps import Steps, modules_of, scope_of


class ParameterHistograms(BatchCallback):
    """A histogram `parameters/<name>` of each parameter. A `batch_end_callback`.

    The values are those after the update of the batch. They are copied by MXNet's engine and
    fetched on the writer's thread, so training does not wait. On several devices the parameters
    are the same, and those of the first are taken.

    writer, run, steps: see `fit_callbacks`. every: log each so many batches.
    pattern: a regular expression; names that match from their beginning are logged.
    """

    _prefix = "parameters/"

    def __init__(self, writer: Any, every: int = 100, pattern: str = ".*", run: str = "train",
                 steps: Optional[Steps] = None) -> None:
        super().__init__(writer, every, run, steps)
        self._matches = re.compile(pattern).match

    def _log(self, param: Any, steps: Steps, batch: int) -> None:
        for name, array in self._arrays(scope_of(param)):
            if self._matches(name):
                steps.write(batch, self._to.add, summary.histogram(self._prefix + name, array))

    def _arrays(self, scope: Mapping[str, Any]) -> Iterator[Tuple[str, Any]]:
        for group in _groups(scope):
            for name, arrays in zip(group.param_names, group.param_arrays):
                yield name, arrays[0]


class GradientHistograms(ParameterHistograms):
    """A histogram `gradients/<name>` of each parameter's gradient. A `batch_end_callback`.

    The values are those that the optimizer has just used, summed over the devices and over the
    samples of the batch (before the optimizer divides by the batch size). Parameters without a
    gradient are left out. No monitor is needed, which would slow MXNet down.

    writer, every, pattern, run, steps: as in ParameterHistograms.
    """

    _prefix = "gradients/"

    def _arrays(self, scope: Mapping[str, Any]) -> Iterator[Tuple[str, Any]]:
        for group in _groups(scope):
            for name, arrays in zip(group.param_names, group.grad_arrays):
                if arrays[0] is not None:
                    yield name, summed(arrays)


class ParameterImages(Callback):
    """A 16-bit picture `images/<name>` of each weight: an `epoch_end_callback`.

    A matrix of (out, in) is a picture of that size; what has more dimensions, such as the filters
    of a convolution, is a grid with one tile for each (out, in), a row of tiles for each out. The
    smallest value is black, the largest white.

    writer, run, steps: see `fit_callbacks`. Without `steps`, which an epoch_end_callback could
        not find out by itself, the step is the epoch.
    pattern: a regular expression; names that match from their beginning are shown. Parameters of
        one dimension are not.
    """

    def __init__(self, writer: Any, pattern: str = ".*weight", run: str = "train",
                 steps: Optional[Steps] = None) -> None:
        super().__init__(writer, run, steps)
        self._matches = re.compile(pattern).match

    def __call__(self, epoch: int, symbol: Any, arg_params: Mapping[str, Any],
                 aux_params: Mapping[str, Any]) -> None:
        step = self._own_steps.epoch_end(epoch)
        for name, array in arg_params.items():
            if self._matches(name) and len(array.shape) > 1 and 0 not in array.shape:
                self._to.add(summary.image(f"images/{name}", weight_picture(array)), step)


def weight_picture(weight: Any) -> "np.ndarray[Any, Any]":
    """The values of a weight as (height, width) uint16, from smallest to largest finite value.

    What is not finite is black.
    """
    values = as_array(weight).astype(np.float64)
    finite = np.isfinite(values)
    low, high = (values[finite].min(), values[finite].max()) if finite.any() else (0.0, 0.0)
    scale = 65535 / (high - low) if high > low else 0.0
    pixels = np.zeros(values.shape, np.uint16)
    pixels[finite] = np.rint((values[finite] - low) * scale)
    return _grid(pixels)


def _grid(pixels: "np.ndarray[Any, Any]") -> "np.ndarray[Any, Any]":
    """(out, in, ..., height, width) as rows of tiles, a black line of one pixel between them."""
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
    """What holds names and arrays: FeedForward's manager, or each module's executor group."""
    if "executor_manager" in scope:
        return [scope["executor_manager"]]
    groups = [module._exec_group for module in modules_of(scope.get("self"))
              if hasattr(module, "_exec_group")]
    if not groups:
        raise ValueError("got a batch without `locals` that lead to a module, "
                         "want that of Module.fit")
    return groups


def summed(arrays: List[Any]) -> Any:
    """The sum of arrays on several devices, on the first one, without waiting for it."""
    total = arrays[0]
    for array in arrays[1:]:
        total = total + array.copyto(device_of(total))
    return total


def device_of(array: Any) -> Any:
    """Where an array is: its `device`, which MXNet 1.x calls `ctx`."""
    return array.device if hasattr(array, "device") else array.ctx
