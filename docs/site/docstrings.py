"""Docstrings as Markdown: lines such as "tag: any text" become items of a list."""
from __future__ import annotations

import re
from typing import Any, List

import griffe

# One or more names of arguments, a colon, and the meaning.
NAMES = re.compile(r"(\*{0,2}[a-z_]\w*(?:, \*{0,2}[a-z_]\w*)*(?:,? and [\w ]+)?): (?=\S)")


class Docstrings(griffe.Extension):
    """Rewrites each docstring once it was read."""

    def on_object(self, *, obj: griffe.Object, **kwargs: Any) -> None:
        if obj.docstring:
            obj.docstring.value = markdown(obj.docstring.value)


def markdown(text: str) -> str:
    """The docstring as Markdown."""
    lines: List[str] = []
    item = False
    for line in text.split("\n"):
        found = NAMES.match(line)
        if found:
            if not item and lines and lines[-1]:
                lines.append("")
            line = f"* `{found.group(1)}`: {line[found.end():]}"
            item = True
        elif not line.strip():
            item = False
        elif item and line[0] != " ":
            if lines[-1].endswith("."):  # a sentence that follows the list
                lines.append("")
                item = False
            else:
                line = f"    {line}"
        lines.append(line)
    return "\n".join(lines)
