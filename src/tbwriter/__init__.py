"""TensorBoard event files from MXNet, NumPy and plain Python, without TensorFlow or protobuf."""
from __future__ import annotations

from typing import TYPE_CHECKING, Any, List

from . import summary
from ._version import __version__

if TYPE_CHECKING:
    from ._files.window import ReadError as ReadError
    from ._log.retry import SyncError as SyncError
    from ._proto.wire import WireError as WireError
    from ._warnings import LogWarning as LogWarning
    from .summary_writer import SummaryWriter as SummaryWriter
    from .writer import FileWriter as FileWriter

# The module of each other public name. All are imported when the name is first used, so that
# `import tbwriter` alone stays fast.
_MODULES = {"LogWarning": "_warnings", "ReadError": "_files.window", "SyncError": "_log.retry",
            "WireError": "_proto.wire"}

__all__ = ["FileWriter", "LogWarning", "ReadError", "SummaryWriter", "SyncError", "WireError",
           "summary", "__version__"]


def __getattr__(name: str) -> Any:
    value: Any
    if name == "SummaryWriter":
        from .summary_writer import SummaryWriter as value
    elif name == "FileWriter":
        from .writer import FileWriter as value
    else:
        from importlib import import_module  # takes 0.3 ms, which logging scalars need not
        if name == "compat":
            return import_module(f"{__name__}.compat")
        if name not in _MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> List[str]:
    return __all__
