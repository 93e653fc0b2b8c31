"""The values that the events of a log show, for the commands that copy them."""
from __future__ import annotations

from typing import Iterator, NamedTuple, Optional, Sequence

from .._parts import Part, Parts
from .._proto import messages, parse, schema, tensors, wire
from .._proto.parse import Event, Metadata, Value

# Events that TensorBoard shows as a tag of their own.
_GRAPHS = {schema.Event.GRAPH_DEF: schema.RUN_GRAPH_TAG,
           schema.Event.META_GRAPH_DEF: "__meta_graph__"}
# Events that carry no value.
_NO_VALUES = {schema.Event.LOG_MESSAGE: "log message", schema.Event.SESSION_LOG: "session log"}
# Plugins whose values belong to a run as a whole, not to a step of it.
WHOLE_RUN = {schema.GRAPHS, schema.RUN_METADATA, schema.RUN_METADATA_GRAPH, schema.KERAS_MODEL,
             schema.TAGGED_RUN_METADATA, schema.HPARAMS, schema.CUSTOM_SCALARS}
# Metadata with an empty content and no data_class: protobuf merges it with that before it.
_TAKEN_BACK = wire.bytes_field(schema.Value.METADATA, b"".join([
    wire.bytes_field(schema.SummaryMetadata.PLUGIN_DATA,
                     wire.bytes_field(schema.PluginData.CONTENT, b"")),
    wire.key(schema.SummaryMetadata.DATA_CLASS, wire.VARINT), wire.varint(0)]))
# Plugins whose values are events of their own, without a tag that could be another.
NAMELESS = {schema.GRAPHS, schema.TAGGED_RUN_METADATA}


def values(event: Event) -> Sequence[Value]:
    """The values of an event; a graph as the value of a tag, as TensorBoard has it."""
    if event.number in _GRAPHS:
        return [Value(_GRAPHS[event.number], schema.Value.TENSOR, event.data,
                      Metadata(schema.GRAPHS))]
    if event.number == schema.Event.TAGGED_RUN_METADATA:
        return [Value(parse.string_of(event.data, schema.TaggedRunMetadata.TAG),
                      schema.Value.TENSOR, event.data, Metadata(schema.TAGGED_RUN_METADATA))]
    return event.values


def no_value(event: Event) -> str:
    """The kind of an event without a value; "" for others, and for the version of the file."""
    return _NO_VALUES.get(event.number, "")


def kind(value: Value, plugin: str) -> str:
    """Which values may share a tag: those of one plugin, however they are stored."""
    return schema.FORMS.get(value.number) or plugin


def needs_number(value: Value, plugin: str) -> bool:
    """Whether a value is a scalar in a form that not every loader shows."""
    return (value.number == schema.Value.TENSOR and plugin == schema.SCALARS
            and tensors.shape_of(value.data) != (schema.DT_FLOAT, ()))


def number_of(value: Value) -> float:
    """The number of a scalar in any form."""
    return wire.as_float(value.data) if value.number == schema.Value.SIMPLE_VALUE \
        else tensors.scalar_of(value.data)


def is_rounded(value: Value) -> bool:
    """Whether a scalar that `needs_number` is another number as float32."""
    exact = tensors.exact_scalar_of(value.data)
    return exact == exact and wire.as_float(wire.float32(float(exact))) != exact


class Change(NamedTuple):
    """The changes in the copy of a value.

    metadata: written with it. number: whether it is written as a simple_value. tag: its new name.
    """

    metadata: Optional[Metadata] = None
    number: bool = False
    tag: str = ""


SAME = Change()


def event_field(event: Event, at: Sequence[int], changes: Sequence[Change]) -> Parts:
    """The field of an event's copy: a summary with the values `at` these places, each with its
    change; any other field unchanged."""
    if event.number != schema.Event.SUMMARY:
        return [wire.length_prefix(event.number, len(event.data)), event.data]
    raw = parse.walked(lambda: parse.each(event.data, schema.Summary.VALUE))
    parts: Parts = []
    for value, data, change in zip(parse.picked(event.values, at), parse.picked(raw, at), changes):
        parts += wire.message_field(schema.Summary.VALUE, list(_parts(value, data, change)))
    return wire.message_field(schema.Event.SUMMARY, parts)


def _parts(value: Value, raw: parse.Data, change: Change) -> Iterator[Part]:
    size = _begins(value.tag, raw)
    if size or change.number:
        yield from _tag(change.tag or value.tag)
    if change.number:
        yield wire.float_field(schema.Value.SIMPLE_VALUE, tensors.scalar_of(value.data))
    else:
        yield raw[size:]
    if change.tag and not size and not change.number:
        yield from _tag(change.tag)  # "the last of several counts"
    if change.metadata is not None:
        if value.metadata and not change.number:
            yield _TAKEN_BACK
        yield _metadata(change.metadata)


def _tag(name: str) -> Parts:
    return wire.message_field(schema.Value.TAG, [name.encode("utf-8")])


def _begins(tag: str, raw: parse.Data) -> int:
    """How many bytes its tag takes at the beginning of a value, where all writers put it; or 0."""
    given = wire.string_field(schema.Value.TAG, tag)
    return len(given) if raw[:len(given)] == given else 0


def _metadata(metadata: Metadata) -> bytes:
    scalar = metadata.plugin == schema.SCALARS
    return messages.metadata(
        metadata.plugin, metadata.content, display_name=metadata.display_name,
        description=metadata.description,
        data_class=schema.DataClass.SCALAR if scalar else metadata.data_class)
