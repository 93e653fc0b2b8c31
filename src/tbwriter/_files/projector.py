"""Configurations of the Projector, for `check` and for the commands that copy them."""
from __future__ import annotations

from typing import Iterator

from .window import open_raw, whole
from .._proto import textproto
from .._proto.plugin_schema import PROJECTOR_CONFIG_FIELDS
from .._proto.textproto import Field, checked

# Larger ones are not read: their fields may take a hundred times as much memory.
MOST_BYTES = 1 << 19


class LargeError(ValueError):
    """A configuration has more than `MOST_BYTES`."""


def config(path: str) -> bytes:
    """The bytes of a configuration. OSError or ReadError if it cannot be read, LargeError if it has
    more than `MOST_BYTES`."""
    with open_raw(path) as file:
        data = whole(file, MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise LargeError(f"got more than {MOST_BYTES} bytes")
    return data


def config_fields(data: bytes) -> Iterator[Field]:
    """The fields of a configuration. ValueError for one that TensorBoard cannot read."""
    return checked(textproto.fields(data.decode("utf-8")), PROJECTOR_CONFIG_FIELDS)
