"""Which modules are imported on other threads than the main one, and not `with loading`.

Such a thread holds the lock of the module meanwhile, and a process that is forked at that moment
never gets it: it hangs where it imports the module itself.
"""
from __future__ import annotations

import sys
import threading
from typing import Any, List

from tbwriter._loading import loading


class Recorder:
    """The first of the finders: notes what is looked for elsewhere than on the main thread."""

    def __init__(self) -> None:
        self.names: List[str] = []
        sys.meta_path.insert(0, self)

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> None:
        owned = loading._lock._is_owned()  # type: ignore[attr-defined]
        if threading.current_thread() is not threading.main_thread() and not owned:
            self.names.append(name)
