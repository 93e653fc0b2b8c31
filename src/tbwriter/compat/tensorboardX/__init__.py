"""tensorboardX: the same names, writing with tbwriter.

    from tbwriter.compat.tensorboardX import GlobalSummaryWriter, SummaryWriter
"""
from __future__ import annotations

from . import event_file_writer as event_file_writer
from . import record_writer as record_writer
from . import summary as summary
from . import writer as writer
from .global_writer import GlobalSummaryWriter as GlobalSummaryWriter
from .record_writer import RecordWriter as RecordWriter
from .torchvis import TorchVis as TorchVis
from .writer import FileWriter as FileWriter
from .writer import SummaryWriter as SummaryWriter

__version__ = "2.6.5"  # the API that this module has
