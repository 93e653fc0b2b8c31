"""Docstrings as Markdown: lines such as "tag: any text" become items of a list.

see_also.txt holds the neighbours of each name, which follow its docstring as links.
"""
from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Dict, List

import griffe

TABLE = Path(__file__).with_name("see_also.txt")

# One or more names of arguments, a colon, and the meaning.
NAMES = re.compile(r"(\*{0,2}[a-z_]\w*(?:, \*{0,2}[a-z_]\w*)*(?:,? and [\w ]+)?): (?=\S)")


class Docstrings(griffe.Extension):
    """Rewrites each docstring once it was read, and adds the links once the package was read. A
    method without a docstring has that of the method which it replaces."""

    def on_object(self, *, obj: griffe.Object, **kwargs: Any) -> None:
        if obj.docstring:
            obj.docstring.value = markdown(obj.docstring.value)

    def on_package(self, *, pkg: griffe.Module, **kwargs: Any) -> None:
        for name, others in neighbours(TABLE.read_text(encoding="utf-8")).items():
            links = ", ".join(f"[`{other}`][tbwriter.{other}]" for other in others)
            item = pkg[name]
            if item.docstring is None:
                item.docstring = griffe.Docstring(replaced(item), parent=item)
            item.docstring.value += f"\n\nSee also: {links}"


def replaced(item: griffe.Object) -> str:
    """The docstring of the method that `item` replaces."""
    for parent in item.parent.mro():
        other = parent.members.get(item.name)
        if other is not None and other.docstring is not None:
            return str(other.docstring.value).partition("\n\nSee also: ")[0]
    raise ValueError(f"{item.path} has no docstring")


def neighbours(table: str) -> Dict[str, List[str]]:
    """The neighbours of each name of the table, in the order of its lines."""
    found: Dict[str, List[str]] = {}
    for line in table.splitlines():
        names = [] if line.startswith("#") else line.split()
        for name in names:
            known = found.setdefault(name, [])
            known += [other for other in names if other != name and other not in known]
    return found


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
