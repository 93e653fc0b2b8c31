"""A value decoded once, for all rules that check it."""
from __future__ import annotations

from typing import Dict, Optional, Tuple

from .finding import Rule
from .._proto import parse, schema, wire
from .._proto.tensors import Tensor

# The fields of a histogram that are packed doubles.
_PACKED = (schema.Histogram.BUCKET_LIMIT, schema.Histogram.BUCKET)
# A rule that a value breaks, and the text of the finding.
Problem = Tuple[Rule, str]


class Decoded:
    """A value of a Summary whose message was read.

    tensor: of a tensor. fields: {number: bytes} of the other messages, the last where one is
    repeated. Raises WireError where protobuf would refuse the message.
    """

    __slots__ = ("value", "tensor", "fields")

    def __init__(self, value: parse.Value) -> None:
        self.value = value
        self.tensor: Optional[Tensor] = None
        self.fields: Dict[int, memoryview] = {}
        if value.number == schema.Value.TENSOR:
            self.tensor = Tensor(value.data)
        elif value.number in (schema.Value.IMAGE, schema.Value.HISTO, schema.Value.AUDIO):
            for number, wire_type, _, data in wire.fields(value.data):
                if wire_type == wire.VARINT:
                    continue
                self.fields[number] = data
                if value.number == schema.Value.HISTO and number in _PACKED and len(data) % 8:
                    raise wire.WireError(f"got {len(data)} bytes of packed doubles")
            if value.number == schema.Value.AUDIO and schema.Audio.CONTENT_TYPE in self.fields:
                parse.text(self.fields[schema.Audio.CONTENT_TYPE])

    @property
    def described(self) -> str:
        """Type and shape of a tensor."""
        if self.tensor is None:
            return "no tensor"
        return f"DataType {self.tensor.dtype} of shape {list(self.tensor.shape[:8])}"
