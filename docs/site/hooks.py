"""What the site adds to the pages: README as its first page, the API reference, links.

The pages are written for readers of the repository; here they become pages of a site.
"""
from __future__ import annotations

import posixpath
import re
from importlib import import_module
from pathlib import Path
from typing import Any, Dict, List

from mkdocs.structure.files import File

ROOT = Path(__file__).resolve().parents[2]

# Pages outside docs/, by their path in the repository, and where the site has them.
OUTSIDE = {"README.md": "index.md", "benchmarks/README.md": "benchmarks.md"}

# The modules of the API reference. Names are those of `__all__`, or the ones given here.
MODULES: Dict[str, List[str]] = {
    "tbwriter": ["SummaryWriter", "FileWriter", "LogWarning", "ReadError", "SyncError",
                 "WireError"],
    "tbwriter.summary": [], "tbwriter.reader": [], "tbwriter.check": [], "tbwriter.mxnet": [],
    "tbwriter.profile": ["recorder.Profile"], "tbwriter.ranks": [], "tbwriter.compat": [],
    "tbwriter.testing": ["MemoryWriter"], "tbwriter.torch": ["graph"],
}
# What they do not show: the methods of SummaryWriter once more.
OPTIONS = {"MemoryWriter": "    options:\n      inherited_members: false\n"}
LINK = re.compile(r"(!?\[[^\]]*\])\(([^)\s]+)\)")


def on_files(files: Any, config: Any) -> Any:
    """Add the pages that no file in docs/ has."""
    for source, page in OUTSIDE.items():
        text = (ROOT / source).read_text(encoding="utf-8")
        files.append(File.generated(config, page, content=moved(text, source, page)))
    for module in MODULES:
        page = f"api/{module.rpartition('.')[2]}.md"
        files.append(File.generated(config, page, content=reference(module)))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Leave out the names of tests, and turn links out of docs/ into links of the site."""
    markdown = re.sub(r"<!--.*?-->\n?", "", markdown, flags=re.DOTALL)
    path = page.file.src_uri
    if path.startswith("howto/") and path != "howto/index.md":
        page.meta["search"] = {"boost": 1000}  # the answer to a question comes before the details
    if path in OUTSIDE.values() or path.startswith("api/"):
        return markdown
    return moved(markdown, f"docs/{path}", path)


def moved(text: str, source: str, page: str) -> str:
    """The text of a file of the repository, with the links of the site's page."""
    def link(match: Any) -> str:
        label, target = match.groups()
        path, hash_, anchor = target.partition("#")
        if not path or "://" in path:
            return match.group()
        whole = posixpath.normpath(posixpath.join(posixpath.dirname(source), path))
        there = whole[5:] if whole.startswith("docs/") else OUTSIDE.get(whole)
        if there is None:  # a file that the site does not have
            return label.strip("[]") if "`" in label else f"`{label.strip('[]')}`"
        start = posixpath.dirname(page) or "."
        return f"{label}({posixpath.relpath(there, start)}{hash_}{anchor})"
    return LINK.sub(link, text)


def reference(module: str) -> str:
    """The page of one public module: its docstring, then each public name."""
    names = MODULES[module] or [name for name in import_module(module).__all__
                                if not name.startswith("_")]
    parts = [f"# {module}\n", f"::: {module}\n    options:\n      members: false\n"
             "      show_root_heading: false\n      show_root_toc_entry: false\n"]
    parts += [f"::: {module}.{name}\n{OPTIONS.get(name, '')}" for name in names]
    return "\n".join(parts)
