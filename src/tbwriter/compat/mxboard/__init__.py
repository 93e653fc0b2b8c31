"""mxboard: the same names, writing with tbwriter.

    from tbwriter.compat.mxboard import SummaryWriter
"""
from __future__ import annotations

from . import summary as summary
from . import writer as writer
from .writer import SummaryWriter as SummaryWriter

__version__ = "0.1.0"  # the API that this module has
