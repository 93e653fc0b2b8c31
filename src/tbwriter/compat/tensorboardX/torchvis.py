"""tensorboardX.torchvis: TorchVis, which calls the same method of several writers."""
from __future__ import annotations

from typing import Any, Dict

from .writer import SummaryWriter


class TorchVis:
    """Calls each method on all its writers; here that is one, "tensorboard".

    args: their names; without any, "tensorboard".
    init_kwargs: {name: arguments of the writer}, as `tensorboard={"logdir": "runs/first"}`.

    Raises NotImplementedError for "visdom", ValueError for other names.
    """

    def __init__(self, *args: str, **init_kwargs: Any) -> None:
        self.subscribers: Dict[str, Any] = {}
        self.register(*args, **init_kwargs)

    def register(self, *args: str, **init_kwargs: Any) -> None:
        """Add writers: as for the class."""
        for name in args or ("tensorboard",):
            if name == "visdom":
                raise NotImplementedError('tbwriter does not write to Visdom: leave "visdom" '
                                          'out, and log to visdom.Visdom separately')
            if name != "tensorboard":
                raise ValueError(f"got the writer {name!r}, want 'tensorboard'")
            if name not in self.subscribers:
                self.subscribers[name] = SummaryWriter(**init_kwargs.get(name, {}))

    def unregister(self, *args: str) -> None:
        """Close writers, and leave them out."""
        for name in args:
            self.subscribers.pop(name).close()

    def __getattr__(self, attr: str) -> Any:
        if attr.startswith("_") or not vars(self).get("subscribers") \
                or not hasattr(SummaryWriter, attr):
            raise AttributeError(f"TorchVis has no writer with a method {attr!r}")

        def call(*args: Any, **kwargs: Any) -> None:
            for writer in self.subscribers.values():
                getattr(writer, attr)(*args, **kwargs)
        return call
