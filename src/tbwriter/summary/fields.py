"""The layer below the kinds, for kinds of your own: what a Value is made of.

    from tbwriter import summary
    from tbwriter.summary import fields

    def matrix(tag, data, *, description=""):
        held = fields.snapshot(data, "a matrix")            # raises here, in the caller's frame
        described = fields.metadata("my_plugin", data_class=fields.DataClass.TENSOR,
                                    description=description)
        return summary.Summary([summary.Value(
            tag, lambda: [*fields.tensor(held.numpy()), described],
            held.nbytes + len(described))])

A kind is a function that returns a Summary. It checks its arguments and takes a snapshot of them;
the function that it gives to a Value encodes them later, on the writer's thread, and may look at
nothing that changes.

    tensor, string_tensor           Summary.Value's tensor
    metadata                        the plugin that shows the tag, its display name and description
    DataClass                       which of TensorBoard's stores a plugin reads
    snapshot, as_array, as_float    foreign arrays and numbers, from any package
    int_field, double_field, float_field, string_field, bytes_field, message_field
                                    single fields of protobuf messages, e.g. of a plugin's content
    Parts                           encoded pieces, which are never joined
"""
from __future__ import annotations

from .._parts import Parts
from .._proto.messages import metadata, string_tensor
from .._proto.schema import DataClass
from .._proto.wire import (bytes_field, double_field, float_field, int_field, message_field,
                           string_field)
from .._values.array import as_array, snapshot, tensor
from .._values.number import as_float

__all__ = ["DataClass", "Parts", "as_array", "as_float", "bytes_field", "double_field",
           "float_field", "int_field", "message_field", "metadata", "snapshot", "string_field",
           "string_tensor", "tensor"]
