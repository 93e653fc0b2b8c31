"""TensorBoard for MXNet: callbacks of Module.fit, monitors, Gluon, graphs, several machines.

    from tbwriter.mxnet import fit_callbacks
    module.fit(train_data, eval_data, num_epoch=5, **fit_callbacks(writer))

The rest of the package never imports this. MXNet's objects are recognised by their attributes where
possible, so that the names below import MXNet only if they need it.
"""
from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, List

if TYPE_CHECKING:
    from ._distributed import distributed_writer as distributed_writer
    from ._distributed import mean_over_workers as mean_over_workers
    from ._estimator import EstimatorHandler as EstimatorHandler
    from ._fit import fit_callbacks as fit_callbacks
    from ._gluon import log_gradients as log_gradients
    from ._gluon import log_parameters as log_parameters
    from ._gluon import watch as watch
    from ._graph import graph as graph
    from ._metrics import BatchMetrics as BatchMetrics
    from ._metrics import EvalMetrics as EvalMetrics
    from ._metrics import LogMetricsCallback as LogMetricsCallback
    from ._monitor import Monitor as Monitor
    from ._parameters import GradientHistograms as GradientHistograms
    from ._parameters import ParameterHistograms as ParameterHistograms
    from ._parameters import ParameterImages as ParameterImages
    from ._profile import profile as profile
    from ._profile_batches import ProfileBatches as ProfileBatches
    from ._profile_convert import convert_profile as convert_profile
    from ._progress import LearningRate as LearningRate
    from ._progress import Speed as Speed
    from ._steps import Steps as Steps

# The file of each name, imported when the name is first used.
_NAMES = {
    "BatchMetrics": "_metrics",
    "EstimatorHandler": "_estimator",
    "EvalMetrics": "_metrics",
    "GradientHistograms": "_parameters",
    "LearningRate": "_progress",
    "LogMetricsCallback": "_metrics",
    "Monitor": "_monitor",
    "ParameterHistograms": "_parameters",
    "ParameterImages": "_parameters",
    "ProfileBatches": "_profile_batches",
    "Speed": "_progress",
    "Steps": "_steps",
    "convert_profile": "_profile_convert",
    "distributed_writer": "_distributed",
    "fit_callbacks": "_fit",
    "graph": "_graph",
    "log_gradients": "_gluon",
    "log_parameters": "_gluon",
    "mean_over_workers": "_distributed",
    "profile": "_profile",
    "watch": "_gluon",
}

__all__ = list(_NAMES)


def __getattr__(name: str) -> Any:
    if name not in _NAMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(import_module(f"{__name__}.{_NAMES[name]}"), name)
    globals()[name] = found
    return found


def __dir__() -> List[str]:
    return __all__
