"""torch.utils.tensorboard."""
from __future__ import annotations

import sys
from types import ModuleType
from typing import Any, List

# As it is without TensorFlow, which it would write with if that were installed too.
sys.modules["tensorboard.compat.notf"] = ModuleType("notf")

import torch
from tests.peers.asked import Writer
from torch.utils import tensorboard


class Torch(Writer):
    package = "torch"
    helpers = ("moviepy",)

    def modules(self) -> List[Any]:
        return [tensorboard]

    def open(self, logdir: str, **options: Any) -> Any:
        return tensorboard.SummaryWriter(logdir, **options)

    def array(self, array: Any) -> Any:
        return torch.from_numpy(array)


WRITER = Torch()
