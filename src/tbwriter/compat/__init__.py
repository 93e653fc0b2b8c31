"""The APIs that people come from, one module each, with the same names inside.

    from tbwriter.compat.torch import SummaryWriter         # torch.utils.tensorboard
    from tbwriter.compat.tensorboardX import SummaryWriter  # tensorboardX
    from tbwriter.compat.mxboard import SummaryWriter       # mxboard
    from tbwriter.compat.tensorboard import FileWriter      # dmlc/tensorboard, 2017

For a framework that imports one of them itself, `install` replaces that module.
"""
from __future__ import annotations

from importlib import import_module
from typing import Any, List

from ._install import install as install
from ._install import uninstall as uninstall

_APIS = ("mxboard", "tensorboard", "tensorboardX", "torch")

__all__ = ["install", "uninstall"]


def __getattr__(name: str) -> Any:
    if name not in _APIS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return import_module(f"{__name__}.{name}")


def __dir__() -> List[str]:
    return [*__all__, *_APIS]
