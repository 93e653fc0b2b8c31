"""Tags and paths as other writers make them."""
from __future__ import annotations

import re
from functools import lru_cache

from .._proto.messages import check_tag
from .._warnings import once

_REPLACED = re.compile(r"[^-/\w.]")


def clean(tag: str, api: str) -> str:
    """`tag` as `api` writes it: "_" instead of blanks and brackets, no leading "/". Warns once for
    each tag that it changes."""
    return _cleaned(tag if type(tag) is str else check_tag(tag), api)


@lru_cache(maxsize=4096)
def _cleaned(tag: str, api: str) -> str:
    cleaned = _REPLACED.sub("_", check_tag(tag)).lstrip("/")
    if cleaned != tag:
        once(("compat tag", api, tag), f"the tag {tag!r} is written as {cleaned!r}, as {api} does; "
             "tbwriter.SummaryWriter keeps it as it is")
    return cleaned
