"""The shared messages, against the compiled messages of an installed TensorBoard."""
from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tbwriter._proto import messages, schema, wire
from tbwriter._proto.messages import Summary, Value

event_pb2 = pytest.importorskip("tensorboard.compat.proto.event_pb2")
summary_pb2 = pytest.importorskip("tensorboard.compat.proto.summary_pb2")

texts = st.text(max_size=20)


def value(tag: str, number: float) -> Value:
    return Value(tag, lambda: [wire.float_field(schema.Value.SIMPLE_VALUE, number)], 7)


@given(st.floats(allow_nan=False, allow_infinity=False), st.integers(-(1 << 63), (1 << 63) - 1),
       texts, st.floats(allow_nan=False, width=32))
def test_event_bytes_are_protobuf_s(wall_time: float, step: int, tag: str, number: float) -> None:
    """An event has exactly the bytes that real protobuf serializes."""
    message = event_pb2.Event(wall_time=wall_time, step=step)
    message.summary.value.add(tag=tag, simple_value=number)
    field = Summary([value(tag, number)]).event_field()
    mine = b"".join(messages.event(wall_time, step, field))
    parsed = event_pb2.Event.FromString(mine)
    assert parsed == message
    if wall_time and tag:  # protobuf leaves out what has its default value
        assert mine == message.SerializeToString()


@given(texts, st.binary(max_size=20), st.sampled_from([0, 1, 2, 3]), texts, texts)
def test_metadata(plugin: str, content: bytes, data_class: int, name: str, text: str) -> None:
    """Real protobuf reads back every field of the metadata."""
    parsed = summary_pb2.Summary.Value.FromString(messages.metadata(
        plugin, content, data_class=data_class, display_name=name, description=text)).metadata
    assert parsed.plugin_data.plugin_name == plugin
    assert parsed.plugin_data.content == content
    assert (parsed.data_class, parsed.display_name, parsed.summary_description) == (
        data_class, name, text)


def test_tensors() -> None:
    """Tensors of numbers and of strings read back with real protobuf, also empty ones."""
    tensor_util = pytest.importorskip("tensorboard.util.tensor_util")
    numbers = b"".join(messages.tensor(schema.DT_INT32, (1, 3), bytes(range(12))))
    parsed = summary_pb2.Summary.Value.FromString(numbers).tensor
    assert tensor_util.make_ndarray(parsed).tobytes() == bytes(range(12))
    assert tensor_util.make_ndarray(parsed).shape == (1, 3)
    empty = summary_pb2.Summary.Value.FromString(b"".join(messages.tensor(1, (0, 3), b""))).tensor
    assert tensor_util.make_ndarray(empty).shape == (0, 3)
    strings = b"".join(messages.string_tensor((2,), [b"", "é".encode()]))
    parsed = summary_pb2.Summary.Value.FromString(strings).tensor
    assert list(parsed.string_val) == [b"", "é".encode()]
    assert [dim.size for dim in parsed.tensor_shape.dim] == [2]


def test_file_version() -> None:
    """The first event names the format and the writer, cut to 128 characters."""
    parsed = event_pb2.Event.FromString(messages.file_version(1.6e9, "w" * 200))
    assert parsed.file_version == "brain.Event:2"
    assert parsed.source_metadata.writer == "w" * 128
    # FORMAT of TensorFlow's own writer for this time.
    assert messages.file_version(1.6e9, "").startswith(
        bytes.fromhex("09000000008 4d7d7411a0d".replace(" ", "")) + b"brain.Event:2")


def test_summaries_join() -> None:
    """Two summaries joined make one of several values, in order."""
    both = Summary([value("a", 1)]) + Summary([value("b", 2)])
    parsed = summary_pb2.Summary.FromString(both.SerializeToString())
    assert [(v.tag, v.simple_value) for v in parsed.value] == [("a", 1.0), ("b", 2.0)]
    assert both.tags == ("a", "b") and both.nbytes == 14


def test_bad_tags() -> None:
    """A tag that is no valid text is refused with what was got and what is wanted."""
    with pytest.raises(TypeError, match="got a tag of type int .*want str"):
        value(5, 1)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="lone surrogate"):
        value("\ud800", 1)


@pytest.mark.parametrize("bad", [3, None, b"text", ["text"], 0.5])
@pytest.mark.parametrize("name", ["plugin_name", "display_name", "description"])
def test_metadata_of_no_text(name: str, bad: Any) -> None:
    """A text of another type raises TypeError, which names the argument, its type and its value."""
    arguments = {"plugin_name": "scalars", name: bad}
    want = f"got a {name} of type {type(bad).__name__} ({bad!r}), want str"
    with pytest.raises(TypeError) as caught:
        messages.metadata(**arguments)
    assert str(caught.value) == want


def test_metadata_of_long_texts() -> None:
    """Texts too long to be kept are checked and written like others."""
    parsed = summary_pb2.Summary.Value.FromString(
        messages.metadata("scalars", description="d" * 100_000)).metadata
    assert parsed.summary_description == "d" * 100_000
    with pytest.raises(TypeError, match="got a display_name of type int"):
        messages.metadata("scalars", display_name=3, description="d" * 100_000)  # type: ignore
    with pytest.raises(ValueError, match="lone surrogate"):
        messages.metadata("scalars", display_name="\ud800", description="d" * 100_000)
