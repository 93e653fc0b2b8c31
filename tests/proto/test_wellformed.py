"""What is taken as an Event, against real protobuf and TensorBoard's default loader."""
from __future__ import annotations

import random
import time
from pathlib import Path
from typing import Any, List

import pytest
from tests.support.judges import board

from tbwriter import FileWriter
from tbwriter._proto import wellformed, wire

event_pb2 = pytest.importorskip("tensorboard.compat.proto.event_pb2")
summary_pb2 = pytest.importorskip("tensorboard.compat.proto.summary_pb2")
meta_graph_pb2 = pytest.importorskip("tensorboard.compat.proto.meta_graph_pb2")
from google.protobuf.descriptor import FieldDescriptor  # noqa: E402

FIXED64 = (FieldDescriptor.TYPE_DOUBLE, FieldDescriptor.TYPE_FIXED64)
FIXED32 = (FieldDescriptor.TYPE_FLOAT, FieldDescriptor.TYPE_FIXED32)
LENGTH = (FieldDescriptor.TYPE_MESSAGE, FieldDescriptor.TYPE_STRING, FieldDescriptor.TYPE_BYTES)


def kind(field: Any) -> Any:
    """The wire type of a field of a compiled message."""
    return wire.LENGTH if field.type in LENGTH else wire.FIXED64 if field.type in FIXED64 \
        else wire.FIXED32 if field.type in FIXED32 else wire.VARINT


def compare(known: Any, descriptor: Any, seen: List[str]) -> None:
    """The fields of a table, and of all below it, against a compiled message."""
    if descriptor.full_name in seen:
        return
    seen.append(descriptor.full_name)
    assert set(known) == {field.number for field in descriptor.fields}, descriptor.full_name
    for field in descriptor.fields:
        wanted, name = known[field.number], field.full_name
        if field.name == "meta_graph_def":
            numbers = {one.number for one in meta_graph_pb2.MetaGraphDef.DESCRIPTOR.fields}
            assert wanted == {number: {} for number in numbers}
        elif field.type == FieldDescriptor.TYPE_MESSAGE:
            compare(wanted, field.message_type, seen)
        elif field.type == FieldDescriptor.TYPE_STRING:
            assert wanted is str, name
        elif isinstance(wanted, wellformed.Repeated):
            assert kind(field) == wanted.wire_type != wire.LENGTH, name
        else:
            assert wanted == kind(field), name


def test_the_tables_are_complete() -> None:
    """Every field of every message that an Event can hold is checked by its declared type."""
    seen: List[str] = []
    compare(wellformed.EVENT, event_pb2.Event.DESCRIPTOR, seen)
    assert len(seen) == 18


def full_event() -> Any:
    """An Event with a value of each form, and with text in every string."""
    event = event_pb2.Event(wall_time=1.5, step=300)
    value = event.summary.value.add(tag="scalar", simple_value=1.0, node_name="é")
    value.metadata.display_name, value.metadata.summary_description = "naïve", "ü"
    value.metadata.plugin_data.plugin_name, value.metadata.data_class = "scalars", 1
    event.summary.value.add(tag="picture").image.height = 300
    histogram = event.summary.value.add(tag="histogram").histo
    histogram.min, histogram.bucket_limit[:], histogram.bucket[:] = 1.0, [1.0, 2.0], [3.0, 4.0]
    sound = event.summary.value.add(tag="sound").audio
    sound.sample_rate, sound.num_channels, sound.content_type = 8000.0, 1, "audio/wav"
    tensor = event.summary.value.add(tag="tensor").tensor
    tensor.dtype = 3
    tensor.tensor_shape.dim.add(size=2, name="x")
    tensor.int_val[:], tensor.float_val[:], tensor.double_val[:] = [-1, 300], [1.0], [2.0]
    tensor.string_val[:] = [b"\xff"]
    tensor.resource_handle_val.add(device="cpu").dtypes_and_shapes.add(dtype=1)
    tensor.variant_val.add(type_name="list").tensors.add(dtype=1)
    return event


MEMBERS = [event_pb2.Event(log_message={"level": 20, "message": "é"}),
           event_pb2.Event(session_log={"status": 3, "checkpoint_path": "a", "msg": "é"}),
           event_pb2.Event(tagged_run_metadata={"tag": "é", "run_metadata": b"\xff"}),
           event_pb2.Event(source_metadata={"writer": "é"}), event_pb2.Event(file_version="é"),
           event_pb2.Event(meta_graph_def=b"\x12\x00"), event_pb2.Event(graph_def=b"\xff")]


def test_every_form_is_taken(tmp_path: Path) -> None:
    """Sound Events of every form are taken, and are in the file as they were."""
    for message in (full_event(), *MEMBERS):
        wellformed.check_event(message.SerializeToString())


def test_only_what_both_loaders_parse(tmp_path: Path) -> None:
    """Of events with random faults, those that are taken leave a file whose later values are
    visible in both loaders; protobuf parses each of them."""
    chance = random.Random(4)
    whole = [message.SerializeToString() for message in (full_event(), *MEMBERS)]
    taken = refused = 0
    with FileWriter(tmp_path) as writer:
        for _ in range(3000):
            data = bytearray(chance.choice(whole[:1] * 4 + whole))
            for _ in range(chance.choice((1, 1, 2))):
                data[chance.randrange(len(data))] = chance.choice(
                    (chance.randrange(256), 0xFF, 0x80, 0, 1, 2))
            try:
                writer.add_event(bytes(data), walltime=1.0)
                taken += 1
            except ValueError:
                refused += 1
                continue
            event_pb2.Event.FromString(bytes(data))
        writer.add_scalar("last", 1, 1)
    assert min(taken, refused) > 500
    for loader in ("python", "fast"):
        with board(tmp_path, loader, strict=False) as shown:
            assert shown.scalars(".", "last") == [(1, 1)], loader


@pytest.mark.parametrize("field", [
    pytest.param(b"\x22\x0b\x08" + b"\xff" * 9 + b"\x7f", id="height of 70 bits"),
    pytest.param(b"\xf8\x01" + b"\xff" * 9 + b"\x7f", id="unknown integer of 70 bits"),
    pytest.param(b"\x22\x82" + b"\x80" * 8 + b"\x00\x08\x01", id="length of 10 bytes"),
    pytest.param(b"\x22\x82" + b"\x80" * 4 + b"\x00\x08\x01", id="length of 6 bytes"),
    pytest.param(b"\xa2" + b"\x80" * 4 + b"\x00\x02\x08\x01", id="key of 6 bytes"),
])
def test_integers_of_too_many_bytes(field: bytes) -> None:
    """Integers, keys and lengths that one of the loaders refuses are refused."""
    with pytest.raises(ValueError, match="got"):
        wellformed.check_summary(wire.bytes_field(1, field))


def test_padded_lengths(tmp_path: Path) -> None:
    """A length in more bytes than it needs is taken: both loaders read it."""
    data = wire.bytes_field(1, wire.string_field(1, "x") + b"\x22\x82\x80\x80\x80\x00\x08\x01")
    wellformed.check_summary(data)
    assert summary_pb2.Summary.FromString(data).value[0].image.height == 1


def nested(levels: int) -> bytes:
    """A Summary with a tensor that holds `levels` variants in variants."""
    tensor = b""
    for _ in range(levels):
        tensor = wire.bytes_field(15, wire.bytes_field(3, tensor))
    return wire.bytes_field(1, wire.string_field(1, "deep") + wire.bytes_field(8, tensor))


def test_messages_in_messages() -> None:
    """Deep nesting is taken as long as protobuf parses it, and refused where it does not."""
    for levels in (1, 20, 45, 46, 47, 48, 49, 50, 51, 5000):
        data = nested(levels)
        event = wire.bytes_field(5, data)
        try:
            event_pb2.Event.FromString(event)
        except Exception:
            with pytest.raises(ValueError):
                wellformed.check_event(event)
            with pytest.raises(ValueError):
                wellformed.check_summary(data)
        else:
            if levels < 47:
                wellformed.check_event(event)
                wellformed.check_summary(data)


def test_time_in_proportion_to_the_size() -> None:
    """Four times as many fields take about four times as long."""
    def seconds(count: int) -> float:
        data = wire.bytes_field(1, wire.bytes_field(8, b"\x38\x01" * count
                                                    + wire.bytes_field(7, b"\x81\x01" * count)))
        start = time.perf_counter()
        wellformed.check_summary(data)
        return time.perf_counter() - start
    assert min(seconds(40_000) for _ in range(3)) < 12 * min(seconds(10_000) for _ in range(3))
