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
# The search lists answers to a question first, and details last.
HOWTO = 3
DETAILS = ("howto/index.md", "inside.md", "features.md", "contributing.md")
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


def on_page_content(html: str, **_: Any) -> str:
    """Short code is not broken at its hyphens, but a name of a test after its file."""
    html = re.sub(r"(<code>[\w/]+\.py::)(?=\w+</code>)", r"\1<wbr>", html)
    return re.sub(r"(?<!>)<code>(?=[^<]{1,20}</code>)", '<code class="short">', html)


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Leave out the names of tests, and turn links out of docs/ into links of the site."""
    markdown = re.sub(r"<!--.*?-->\n?", "", markdown, flags=re.DOTALL)
    path = page.file.src_uri
    page.meta["tags"] = words().get(path.rpartition(".")[0], [])  # only the search knows them
    if path == "faq.md" or path.startswith("howto/") and path != "howto/index.md":
        page.meta["search"] = {"boost": HOWTO}
    elif path.startswith("api/") or path in DETAILS:
        page.meta["search"] = {"boost": 1 / HOWTO}
    if path in OUTSIDE.values() or path.startswith("api/"):
        return markdown
    return moved(markdown, f"docs/{path}", path)


def words() -> Dict[str, List[str]]:
    """The words of search.txt for each page."""
    lines = Path(__file__).with_name("search.txt").read_text(encoding="utf-8").splitlines()
    pairs = (line.partition(":") for line in lines if not line.startswith("#"))
    return {page: text.split() for page, _, text in pairs}


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
