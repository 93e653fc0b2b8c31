"""tensorboard.src.summary_pb2 of 2017: Summary, which can be read, parsed and serialized."""
from __future__ import annotations

from ..._messages import Summary

__all__ = ["Summary"]
