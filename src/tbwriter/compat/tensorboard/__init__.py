"""The tensorboard of MXNet (dmlc/tensorboard, 2017): the same names, writing with tbwriter.

    from tbwriter.compat.tensorboard import FileWriter, SummaryWriter, summary
"""
from __future__ import annotations

from . import summary as summary
from .record_writer import RecordWriter as RecordWriter
from .writer import FileWriter as FileWriter
from .writer import SummaryWriter as SummaryWriter
