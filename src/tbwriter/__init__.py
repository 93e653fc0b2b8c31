"""TensorBoard event files from MXNet, NumPy and plain Python, without TensorFlow or protobuf."""
from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, List

from . import summary
from ._version import __version__

if TYPE_CHECKING:
    from ._files.window import ReadError as ReadError
    from ._log.contract import SyncError as SyncError
    from ._proto.wire import WireError as WireError
    from ._warnings import LogWarning as LogWarning
    from .summary_writer import SummaryWriter as SummaryWriter
    from .writer import FileWriter as FileWriter

# Loaded when first used: `import tbwriter` alone costs next to nothing.
_DOORS = {"FileWriter": "writer", "SummaryWriter": "summary_writer", "LogWarning": "_warnings",
          "ReadError": "_files.window", "SyncError": "_log.contract", "WireError": "_proto.wire"}

__all__ = ["FileWriter", "LogWarning", "ReadError", "SummaryWriter", "SyncError", "WireError",
           "summary", "__version__"]


def __getattr__(name: str) -> Any:
    if name == "compat":
        return import_module(f"{__name__}.compat")
    if name not in _DOORS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    door = getattr(import_module(f"{__name__}.{_DOORS[name]}"), name)
    globals()[name] = door
    return door


def __dir__() -> List[str]:
    return __all__
