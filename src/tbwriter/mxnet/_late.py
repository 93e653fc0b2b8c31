"""What to write of snapshots that were taken before it was known under which tag, or with what."""
from __future__ import annotations

from typing import Sequence

import numpy as np

from .. import summary
from .._proto import schema, wire
from .._values.array import Snapshot
from .._proto.messages import Summary, Value
from .._parts import Parts


def late_scalar(tag: str, held: Snapshot) -> Summary:
    """As summary.scalar, of a number that is fetched only when the event is written."""
    return Summary([Value(
        tag, lambda: [wire.float_field(schema.Value.SIMPLE_VALUE, held.numpy().item())],
        held.nbytes)])


def late_histogram(tag: str, held: Sequence[Snapshot]) -> Summary:
    """As summary.histogram, of all the values in snapshots; of none that is empty."""
    def encode() -> Parts:
        arrays = [each.numpy().ravel() for each in held]
        values = arrays[0] if len(arrays) == 1 else np.concatenate(arrays)
        return summary.histogram(tag, values).values[0].fields()
    return Summary([Value(tag, encode, sum(each.nbytes for each in held))])
