"""torch.utils.tensorboard: the same names, writing with tbwriter.

    from tbwriter.compat.torch import SummaryWriter

torch itself is needed for `add_graph` of a torch module only.
"""
from __future__ import annotations

from . import summary as summary
from . import writer as writer
from .writer import FileWriter as FileWriter
from .writer import SummaryWriter as SummaryWriter

__all__ = ["FileWriter", "SummaryWriter"]
