"""`loading`: held while a thread imports a module that few programs need.

    with loading:
        from .encode import records

A process that is forked while another thread imports a module gets the module's lock as it is; no
thread of the new process releases it, and an import of that module there never returns. So a fork
waits until `loading` is left.
"""
from __future__ import annotations

import os
from threading import RLock

# Seconds. A signal handler may stop either side, and neither may wait for ever. A lock that is not
# released by then, since an exception of a handler came just before the block, say, is replaced.
_PATIENCE = 2.0


class _Loading:
    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self._lock = RLock()

    def __enter__(self) -> None:
        if not self._lock.acquire(timeout=_PATIENCE):
            self.reset()
            self._lock.acquire(timeout=_PATIENCE)

    def __exit__(self, *exc_info: object) -> None:
        try:
            self._lock.release()
        except RuntimeError:  # it is another one now
            pass


loading = _Loading()

if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=loading.__enter__, after_in_parent=loading.__exit__,
                        after_in_child=loading.reset)
