"""Configurations of the Projector, of which several become one."""
from __future__ import annotations

import posixpath
from itertools import count
from typing import Callable, Dict, Iterator, List, Set, Tuple

from .._files.projector import config_fields
from .._proto.plugin_schema import PROJECTOR_PATHS
from .._proto.textproto import Field, quoted


class Configs:
    """Configurations that become one: the embeddings of each follow those of the one before it."""

    def __init__(self) -> None:
        self._whole = b""  # the only one, as it is written
        self._others: Dict[str, str] = {}  # the fields other than embeddings, of the first one
        self._blocks: List[str] = []
        self._known: Set[Tuple[str, str]] = set()
        self._names: Dict[str, Iterator[int]] = {}
        self._number = 0

    def __bool__(self) -> bool:
        return self._number > 0

    def data(self) -> bytes:
        """The configuration. If there is only one, and no path in it changes, as it was."""
        fields = [*self._others.values(), *self._blocks]
        return self._whole or "".join([field + "\n" for field in fields]).encode("utf-8")

    def add(self, path: str, data: bytes, new_path: Callable[[str], str]) -> List[str]:
        """Add one. Returns notes on its changes. new_path: gives the path of a file in the copy.

        Raises ValueError for one that TensorBoard cannot read.
        """
        changed = False

        def new(name: str) -> str:
            nonlocal changed
            found = new_path(name)
            changed |= found != name
            return found

        others: Dict[str, str] = {}
        embeddings: List[Tuple[str, str]] = []
        for field in config_fields(data):
            if field.name != "embeddings":
                others[field.name] = _written(field, new)
                continue
            # As TensorBoard calls one without a name.
            name = field.first("tensor_name") or posixpath.basename(field.first("tensor_path"))
            embeddings.append((name, " ".join(
                _written(inner, new) for inner in field.fields if inner.name != "tensor_name")))
        self._number += 1
        if self._number == 1:
            self._whole, self._others = b"" if changed else data, others
        notes = [f"{other} of {path} is left out: the Projector reads it once for each directory"
                 for name, other in others.items() if self._others.get(name) != other]
        for embedding in embeddings:
            if self._number > 1 and embedding in self._known:
                continue
            self._known.add(embedding)
            name, rest = embedding
            given = self._given(name) if self._number > 1 else name
            self._names.setdefault(_whole_name(given), count(2))
            if given != name:
                notes.append(f"the embedding {name} of {path} is now {given}: another one has its "
                             "name")
            named = f"tensor_name: {quoted(given)} " if given else ""
            self._blocks.append(f"embeddings {{ {named}{rest} }}")
            if self._number > 1:
                self._whole = b""
        return notes

    def _given(self, name: str) -> str:
        """The name of a further embedding: with -2, -3, ... where another one has it."""
        numbers = self._names.get(_whole_name(name), ()) if name else ()
        return next((given for given in (f"{name}-{number}" for number in numbers)
                     if _whole_name(given) not in self._names), name)


def _whole_name(name: str) -> str:
    """The name with the number of an output of TensorFlow, with which TensorBoard compares it."""
    return name if ":" in name else f"{name}:0"


def _written(field: Field, new_path: Callable[[str], str]) -> str:
    """A field on one line, with other paths."""
    if field.kind == "message":
        return f"{field.name} {{ {' '.join(_written(one, new_path) for one in field.fields)} }}"
    if field.kind == "string":
        text = new_path(field.text) if field.name in PROJECTOR_PATHS else field.text
        return f"{field.name}: {quoted(text)}"
    return f"{field.name}: {field.text}"
