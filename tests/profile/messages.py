"""XSpace as real protobuf knows it: classes made from the field numbers of xplane.proto."""
from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, List

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

# "field": (number, type, repeated); a type that begins with "X" is a message.
_FIELDS: Dict[str, Dict[str, Any]] = {
    "XSpace": {"planes": (1, "XPlane", True), "errors": (2, "string", True),
               "warnings": (3, "string", True), "hostnames": (4, "string", True)},
    "XPlane": {"id": (1, "int64", False), "name": (2, "string", False),
               "lines": (3, "XLine", True), "event_metadata": (4, "XEventEntry", True),
               "stat_metadata": (5, "XStatEntry", True), "stats": (6, "XStat", True)},
    "XLine": {"id": (1, "int64", False), "name": (2, "string", False),
              "timestamp_ns": (3, "int64", False), "events": (4, "XEvent", True),
              "duration_ps": (9, "int64", False), "display_id": (10, "int64", False),
              "display_name": (11, "string", False)},
    "XEvent": {"metadata_id": (1, "int64", False), "offset_ps": (2, "int64", False),
               "duration_ps": (3, "int64", False), "stats": (4, "XStat", True),
               "num_occurrences": (5, "int64", False)},
    "XStat": {"metadata_id": (1, "int64", False), "double_value": (2, "double", False),
              "uint64_value": (3, "uint64", False), "int64_value": (4, "int64", False),
              "str_value": (5, "string", False), "bytes_value": (6, "bytes", False),
              "ref_value": (7, "uint64", False)},
    "XEventMetadata": {"id": (1, "int64", False), "name": (2, "string", False),
                       "metadata": (3, "bytes", False), "display_name": (4, "string", False),
                       "stats": (5, "XStat", True), "child_id": (6, "int64", True)},
    "XStatMetadata": {"id": (1, "int64", False), "name": (2, "string", False),
                      "description": (3, "string", False)},
    "XEventEntry": {"key": (1, "int64", False), "value": (2, "XEventMetadata", False)},
    "XStatEntry": {"key": (1, "int64", False), "value": (2, "XStatMetadata", False)},
}


def _messages() -> Any:
    file = descriptor_pb2.FileDescriptorProto(name="xplane.proto", package="x", syntax="proto3")
    field_type = descriptor_pb2.FieldDescriptorProto
    for name, fields in _FIELDS.items():
        message = file.message_type.add(name=name)
        if name == "XStat":
            message.oneof_decl.add(name="value")
        for field, (number, kind, repeated) in fields.items():
            made = message.field.add(
                name=field, number=number,
                label=field_type.LABEL_REPEATED if repeated else field_type.LABEL_OPTIONAL)
            if kind.startswith("X"):
                made.type, made.type_name = field_type.TYPE_MESSAGE, f".x.{kind}"
            else:
                made.type = getattr(field_type, f"TYPE_{kind.upper()}")
            if name == "XStat" and number > 1:
                made.oneof_index = 0
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("x.XSpace"))


XSpace = _messages()


def parsed(data: bytes, strict: bool = True) -> Any:
    """The XSpace in these bytes. AssertionError, where it is strict, for other fields."""
    space = XSpace.FromString(data)
    size = space.ByteSize()
    space.DiscardUnknownFields()
    assert not strict or space.ByteSize() == size, "unknown fields"
    return space


def stats_of(plane: Any, owner: Any) -> Dict[str, Any]:
    """The statistics of an event, or of the plane itself, references resolved."""
    names = {entry.key: entry.value.name for entry in plane.stat_metadata}
    found = {}
    for stat in owner.stats:
        value = getattr(stat, stat.WhichOneof("value"))
        found[names[stat.metadata_id]] = names[value] if stat.HasField("ref_value") else value
    return found


def events_of(plane: Any, line: Any) -> List[Any]:
    """(name, start, duration, statistics) of each event; times in picoseconds."""
    names = {entry.key: entry.value.name for entry in plane.event_metadata}
    return [(names[event.metadata_id], event.offset_ps, event.duration_ps, stats_of(plane, event))
            for event in line.events]


class Written:
    """The one session below a log directory, as protobuf reads it."""

    def __init__(self, logdir: Path) -> None:
        self.paths = sorted(logdir.rglob("*.xplane.pb"))
        assert len(self.paths) == 1, self.paths
        self.session, self.host = self.paths[0].parent.name, self.paths[0].name
        self.space = parsed(self.paths[0].read_bytes())
        self.plane, self.times = self.space.planes
        self.lines = {line.name: events_of(self.plane, line) for line in self.plane.lines}

    def names(self, line: str) -> List[str]:
        """The names of a line's events, in their order."""
        return [event[0] for event in self.lines[line]]
