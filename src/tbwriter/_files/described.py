"""Metadata of tags, with numbers: nearly always a few, but each of a million tags may have its own.
"""
from __future__ import annotations

import json
from typing import Dict, List

from .names import Names
from .._proto.parse import Metadata

# So many are kept as objects, which is faster.
_QUICK = 256


class Described:
    """Different metadata, numbered 0, 1, 2, ...: the first as objects, all others as text.

        described = Described()
        number = described.number(metadata)
        described[number]                   equal to `metadata`
    """

    def __init__(self) -> None:
        self._quick: Dict[Metadata, int] = {}
        self._first: List[Metadata] = []
        self._others = Names()

    def number(self, metadata: Metadata) -> int:
        """The number of a metadata, which gets the next one if it is new."""
        number = self._quick.get(metadata)
        if number is not None:
            return number
        if len(self._first) < _QUICK:
            self._quick[metadata] = len(self._first)
            self._first.append(metadata)
            return len(self._first) - 1
        text = json.dumps([metadata.content.decode("latin-1"), *metadata[:1], *metadata[2:]],
                          ensure_ascii=False)
        return _QUICK + self._others.number(text)

    def __getitem__(self, number: int) -> Metadata:
        if number < _QUICK:
            return self._first[number]
        content, plugin, *rest = json.loads(self._others[number - _QUICK])
        return Metadata(plugin, content.encode("latin-1"), *rest)
