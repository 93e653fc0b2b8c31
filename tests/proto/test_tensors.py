"""Tensors that have no array."""
from __future__ import annotations

import pytest

from tbwriter._proto import wire
from tbwriter._proto.tensors import Tensor


@pytest.mark.parametrize("content", [b"", b"\x38"])
@pytest.mark.parametrize("number", [0, 11, 20, 24, 25, 99])
def test_types_without_an_array(number: int, content: bytes) -> None:
    """A tensor of float8, of a quantized or an unknown type raises WireError, whatever is asked."""
    data = wire.int_field(1, number) + wire.bytes_field(2, b"") + (
        wire.bytes_field(4, content) if content else wire.bytes_field(7, b"\x01"))
    for ask in (lambda: Tensor(data).count, lambda: Tensor(data).array(),
                lambda: list(Tensor(data).blocks())):
        with pytest.raises(wire.WireError, match=f"DataType {number}, want numbers or strings"):
            ask()
