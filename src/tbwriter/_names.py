"""Names of files and runs that are made from tags: whatever a tag holds, its file lies inside the
log directory.

Letters, digits, "." "_" and "-" stay; every other byte of the UTF-8 text becomes %XX, so that
different tags have different names. What is longer than MAX_BYTES ends in a hash instead.
"""
from __future__ import annotations

import re

# "NAME_MAX" is 255 on the usual file systems; endings come behind it.
MAX_BYTES = 200
_HASH_DIGITS = 16

_UNSAFE = re.compile(rb"[^A-Za-z0-9._-]")


def file_name(text: str) -> str:
    """`text` as the name of one file or directory: never empty, ".", ".." or a path."""
    data = text.encode("utf-8", "surrogatepass")
    name = _UNSAFE.sub(_escape, data).decode("ascii")
    # A leading dot hides a file, and "." and ".." are no names. TensorBoard's Python loader takes
    # a directory with "tfevents" in its name for an event file.
    if name.startswith("."):
        name = "%2E" + name[1:]
    name = name.replace("tfevents", "%74fevents") or "%"
    if len(name) > MAX_BYTES:
        from hashlib import sha256  # loads OpenSSL, and such names are rare
        name = f"{name[:MAX_BYTES - _HASH_DIGITS - 1]}-{sha256(data).hexdigest()[:_HASH_DIGITS]}"
    return name


def relative_path(tag: str) -> str:
    """`tag` as a path below a directory, of at most MAX_BYTES; "/" in it separates directories."""
    path = "/".join(map(file_name, tag.split("/")))
    return path if len(path) <= MAX_BYTES else file_name(tag)


def _escape(match: "re.Match[bytes]") -> bytes:
    return b"%%%02X" % match.group()[0]
