"""Summaries of snapshots that were taken before their tags were known."""
from __future__ import annotations

from typing import Optional, Sequence

import numpy as np

from .. import summary
from .._proto import schema, wire
from .._values.array import Snapshot
from .._proto.messages import Summary, Value
from .._parts import Parts


def late_scalar(tag: str, held: Snapshot) -> Summary:
    """As summary.scalar, of a number that is fetched when the event is written."""
    return Summary([Value(
        tag, lambda: [wire.float_field(schema.Value.SIMPLE_VALUE, held.numpy().item())],
        held.nbytes, held.waits)])


def late_histogram(tag: str, held: Sequence[Snapshot], max_values: Optional[int] = None
                   ) -> Summary:
    """As summary.histogram, of all values in snapshots, none of which is empty."""
    def encode() -> Parts:
        arrays = [each.numpy().ravel() for each in held]
        values = arrays[0] if len(arrays) == 1 else np.concatenate(arrays)
        return summary.histogram(tag, values, max_values=max_values).values[0].fields()
    return Summary([Value(tag, encode, sum(each.nbytes for each in held), waits=True)])
