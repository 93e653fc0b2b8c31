"""The charts that a writer has added to Custom Scalars: TensorBoard shows the last layout of a run,
so each holds all charts.

Threads add charts at the same time. Each change is one operation on a dict, and a layout that has
become incomplete while it was written is followed by another; no lock is held, so that signal
handlers and forked children can add charts too.
"""
from __future__ import annotations

import re
from typing import Any, Callable, Dict, Iterable, List, Mapping

from ._proto.messages import Summary, check_tag
from .summary._custom_scalars import chart, charts, joined

Add = Callable[[Summary], None]


class Layout:
    """The charts of one run, by category and title. add: writes a Summary."""

    def __init__(self) -> None:
        self._categories: Dict[str, Dict[str, bytes]] = {}  # encoded: a caller's lists may change
        self._curves: Dict[str, Dict[str, None]] = {}
        self._state = object()  # another one after each change

    def add_categories(self, layout: Mapping[str, Any], add: Add) -> None:
        """Add categories, or replace them. ValueError if there are none at all."""
        given = {check_tag(category): dict(charts(category, its))
                 for category, its in layout.items()}
        if not given and not self._categories:
            raise ValueError("got an empty layout, want at least one category")
        self._categories.update(given)
        self._write(add)

    def add_chart(self, category: str, title: str, content: List[Any], add: Add) -> None:
        """Add a chart to a category, or replace it."""
        category, title = check_tag(category), check_tag(title)
        made = chart(title, content)
        self._categories.setdefault(category, {})[title] = made
        self._write(add)

    def add_curves(self, title: str, tags: Iterable[str], add: Add) -> None:
        """Add curves to the chart `title`, in the category that its first part names."""
        known = self._curves.setdefault(title, {})
        size = len(known)
        known.update(dict.fromkeys(tags))
        while size < len(known):
            curves = list(known)
            # "re.match": the expression has to say where a tag ends.
            self.add_chart(title.partition("/")[0], title,
                           ["Multiline", [re.escape(tag) + "$" for tag in curves]], add)
            size = len(curves)

    def _write(self, add: Add) -> None:
        state = self._state = object()
        while True:
            add(joined([(category, list(its.values()))
                        for category, its in list(self._categories.items())]))
            if self._state is state:
                return
            state = self._state
