"""The tags of a run by number, in columns: a log may have a million."""
from __future__ import annotations

from typing import Any, Container, Iterator, List, NamedTuple, Optional, Tuple

import numpy as np

from .._files.described import Described
from .._files.names import Names
from .._files.sparse import Sparse
from .._proto import parse, schema
from .._proto.parse import Metadata, Value
from ._values import kind

# The prefix of the name of a RunMetadata tag, to keep it apart from a tag of the same name. No name
# in a file has a surrogate.
_APART = "\ud800"


class Tag(NamedTuple):
    """A tag.

    kind: of its first value; of tensors without metadata, of the first that names a plugin.
    metadata: of that value. In an old form, whose plugin TensorBoard infers, it names that plugin
    or none; then its texts may be a later value's.
    """

    name: str
    kind: str
    metadata: Metadata


class Tags:
    """The tags of a run. A tag takes its name and 25 bytes more, and its description if no other
    tag has the same."""

    def __init__(self) -> None:
        self._names = Names()
        self._descriptions = Described()  # kinds with metadata
        self._some_apart = False
        self._described = Sparse("i", 0)  # by tag: the number of its description

    def __len__(self) -> int:
        return len(self._names)

    def __getitem__(self, number: int) -> Tag:
        return Tag(self.name(number), *self.described(number))

    def __iter__(self) -> Iterator[Tag]:
        return map(self.__getitem__, range(len(self)))

    def name(self, number: int) -> str:
        return self._names[number].lstrip(_APART)

    def names(self) -> Iterator[str]:
        return map(self.name, range(len(self)))

    def described(self, number: int) -> Tuple[str, Metadata]:
        """The kind and metadata of a tag."""
        found, *metadata = self._descriptions[self._described[number]]
        return found, Metadata(*metadata)

    def find(self, name: str) -> Optional[int]:
        """The number of a tag that is not one of RunMetadata."""
        number = self._names.find(name)
        return None if number < 0 else number

    def all_called(self, name: str) -> List[int]:
        """The numbers of the tags of a name: a second one is of RunMetadata."""
        found = [self._names.find(name)]
        if self._some_apart:
            found.append(self._names.find(_APART + name))
        return [number for number in found if number >= 0]

    def of_kinds(self, kinds: Container[str]) -> "np.ndarray[Any, Any]":
        """Which tags are of one of these kinds."""
        found = np.fromiter((one[0] in kinds for one in self._descriptions), bool)
        every = np.full(len(self), len(found) > 0 and found[0])
        stored = np.frombuffer(self._described.stored, np.int32)
        every[:len(stored)] = found[stored]
        return every

    def number(self, value: Value) -> int:
        """The number of a value's tag, which is added if it is new."""
        metadata = value.metadata or parse.NO_METADATA
        apart = metadata.plugin == schema.TAGGED_RUN_METADATA
        self._some_apart |= apart
        count = len(self._names)
        number = self._names.number(_APART + value.tag if apart else value.tag)
        if number == count:
            self._describe(number, value, metadata)
        elif metadata.plugin:
            known, before = self.described(number)
            if not known:
                self._describe(number, value, metadata)
            elif before == parse.NO_METADATA and kind(value, metadata.plugin) == known:
                self._set(number, known, _texts(metadata))
        return number

    def _describe(self, number: int, value: Value, metadata: Metadata) -> None:
        """A tag is described by a value, which has this metadata."""
        own = kind(value, metadata.plugin)
        self._set(number, own, metadata if metadata.plugin == own else _texts(metadata))

    def _set(self, number: int, found: str, metadata: Metadata) -> None:
        self._described[number] = self._descriptions.number((found, *metadata))


def _texts(metadata: Metadata) -> Metadata:
    """What does not depend on the plugin."""
    return Metadata(display_name=metadata.display_name, description=metadata.description)
