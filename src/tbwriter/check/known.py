"""What is kept of each tag of a run, in columns: a log may have a million tags."""
from __future__ import annotations

from array import array
from typing import Iterator, Tuple

from .._files.described import Described
from .._files.names import Names
from .._files.sparse import Sparse
from .._proto import parse
from .._proto.parse import Metadata

# How many values of a tag of pictures or sounds are decoded: all would take long.
_LOOKS = 4


class Known:
    """The tags of a run, numbered in the order in which they come.

    names: theirs.
    """

    def __init__(self) -> None:
        self.names = Names()
        self._plugin_names = Names()
        self._plugins = array("i")  # of each tag
        # In the last file that has a tag: the number of the file, and the metadata of the tag's
        # first value, by which TensorBoard knows it.
        self._files = array("i")
        self._described = Described()
        self._metadata = Sparse("i", self._described.number(parse.NO_METADATA))
        self._looks = Sparse("b", 0)
        # The least and the greatest number of clips in a value, -1 for none.
        self._fewest, self._most = Sparse("q", -1), Sparse("q", -1)

    def number(self, name: str) -> int:
        """The number of a tag, which is new or known."""
        number = self.names.number(name)
        if number == len(self._files):
            self._plugins.append(self._plugin_names.number(""))
            self._files.append(-1)
        return number

    def begins(self, tag: int, file: int, metadata: Metadata) -> bool:
        """Whether a value with this metadata is the first one of its tag in a file."""
        if self._files[tag] == file:
            return False
        self._files[tag] = file
        self._metadata[tag] = self._described.number(metadata)
        return True

    def metadata(self, tag: int) -> Metadata:
        """That of the tag's first value in the file."""
        return Metadata(*self._described[self._metadata[tag]])

    def plugin(self, tag: int, plugin: str) -> str:
        """The plugin of a tag: the first that is given."""
        number = self._plugins[tag]
        if plugin and not number:
            number = self._plugins[tag] = self._plugin_names.number(plugin)
        return self._plugin_names[number]

    def looks(self, tag: int) -> bool:
        """Whether one more picture or sound of a tag is to be decoded."""
        if self._looks[tag] == _LOOKS:
            return False
        self._looks[tag] += 1
        return True

    def add_clips(self, tag: int, count: int) -> None:
        """How many clips one value of a tag has."""
        self._fewest[tag] = count if self._most[tag] < 0 else min(self._fewest[tag], count)
        self._most[tag] = max(self._most[tag], count)

    def different_clips(self) -> Iterator[Tuple[str, int, int]]:
        """The tags whose values have different numbers of clips, with the least and the greatest.
        """
        for tag in range(len(self._most)):
            if self._fewest[tag] < self._most[tag]:
                yield self.names[tag], self._fewest[tag], self._most[tag]
