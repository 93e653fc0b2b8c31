"""TensorBoard event files from MXNet, NumPy and plain Python, without TensorFlow or protobuf."""
from __future__ import annotations

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

# The module of each public name. It is imported when the name is first used, so that
# `import tbwriter` alone stays fast.
_MODULES = {"FileWriter": "writer", "SummaryWriter": "summary_writer", "LogWarning": "_warnings",
            "ReadError": "_files.window", "SyncError": "_log.contract", "WireError": "_proto.wire"}

__all__ = ["FileWriter", "LogWarning", "ReadError", "SummaryWriter", "SyncError", "WireError",
           "summary", "__version__"]


def __getattr__(name: str) -> Any:
    if name == "compat":
        from importlib import import_module
        return import_module(f"{__name__}.compat")
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    # Not `import_module`: `importlib` takes 0.3 ms to load.
    module = __import__(f"{__name__}.{_MODULES[name]}", fromlist=[name])
    value = getattr(module, name)
    globals()[name] = value
    return value


def __dir__() -> List[str]:
    return __all__
