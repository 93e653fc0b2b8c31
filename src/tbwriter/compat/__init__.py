"""The APIs that people come from, one module each, with the same names inside.

    from tbwriter.compat.torch import SummaryWriter         # torch.utils.tensorboard
    from tbwriter.compat.tensorboardX import SummaryWriter  # tensorboardX
    from tbwriter.compat.mxboard import SummaryWriter       # mxboard
    from tbwriter.compat.tensorboard import FileWriter      # dmlc/tensorboard, 2017

A framework that imports one of them itself is given the module here by `install`.
"""
from __future__ import annotations

from ._install import install as install
from ._install import uninstall as uninstall

__all__ = ["install", "uninstall"]
