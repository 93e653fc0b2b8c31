"""Names of files and directories that are made from tags, runs and object keys.

The file of such a name is always inside the directory that it is made for. A tag becomes a
name of letters, digits, ".", "_" and "-"; every other byte of its UTF-8 text becomes %XX, so that
different tags have different names. A path from elsewhere keeps each part that the file system
takes as a name, and the other parts are escaped in the same way; a run's path also escapes the
parts that are the escaped form of another. A name longer than MAX_BYTES ends in a hash instead.
"""
from __future__ import annotations

import os
import re
from functools import lru_cache
from itertools import count
from typing import Any, Dict, Iterator, List, Optional, Sequence

from ._foreign import let_signals

# "NAME_MAX" is 255 on the usual file systems; callers append endings.
MAX_BYTES = 200
_NAME_MAX = 255
_PATH_MAX = 1024
_HASH_DIGITS = 16

# Texts, not compiled: most programs use neither pattern, and compiling them takes longer than the
# import of this module.
_UNSAFE = rb"[^A-Za-z0-9._-]"
_ESCAPED = rb"%([0-9A-F]{2})"
_HASHED = r"-[0-9a-f]{%d}\Z" % _HASH_DIGITS
# No file on Windows can have such a name; those of devices count with any ending.
_WINDOWS = (r'(?i)[<>:"|?*\\\x00-\x1f]|[. ]$|'
            r'^(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[\d\xb9\xb2\xb3]) *(\.|$)')


def file_name(text: str, windows: bool = os.name == "nt") -> str:
    """`text` as the name of one file or directory: never empty, ".", ".." or a path."""
    data = text.encode("utf-8", "surrogatepass")
    # Of a long text only a hash is used besides the beginning, and on Windows the last letter.
    ends = data if len(data) <= 2 * MAX_BYTES else data[:MAX_BYTES] + data[-MAX_BYTES:]
    name = re.sub(_UNSAFE, _escape, ends).decode("ascii")
    # A leading dot hides a file, and "." and ".." are no names. TensorBoard's Python loader opens
    # a directory with "tfevents" in its name as an event file.
    if name.startswith("."):
        name = "%2E" + name[1:]
    name = name.replace("tfevents", "%74fevents") or "%"
    if windows and re.search(_WINDOWS, name):  # a device, or a dot at the end
        name = name if name[0] == "%" else f"%{ord(name[0]):02X}{name[1:]}"
        name = name[:-1] + "%2E" if name.endswith(".") else name
    if len(name) > MAX_BYTES or _is_hashed(name):
        from hashlib import sha256  # loads OpenSSL, and such names are rare
        name = f"{name[:MAX_BYTES - _HASH_DIGITS - 1]}-{sha256(data).hexdigest()[:_HASH_DIGITS]}"
    return name


def relative_path(tag: str) -> str:
    """`tag` as a path below a directory, of at most MAX_BYTES; "/" in it separates directories."""
    path = "/".join(map(file_name, tag.split("/")))
    return path if len(path) <= MAX_BYTES else file_name(tag)


def path_below(path: str) -> str:
    """A path from elsewhere, with "/" between its parts, as a path below a directory.

    "." and "" are the directory itself. A part that cannot be the name of a directory, that leads
    out of it or that TensorBoard would open as an event file is escaped by `file_name`; a path
    that is too long becomes one name.
    """
    if path in ("", "."):
        return "."
    parts = [part if is_name(part) else file_name(part) for part in path.split("/")]
    below = "/".join(parts)
    return below if len(os.fsencode(below)) <= _PATH_MAX else file_name(path)


def run_name(text: str) -> str:
    """`text` as the path of a run below a log directory: unchanged if a file system accepts it,
    so that runs have the names that other writers give them.

    "/" separates directories. Escaped too are parts that are empty or hold only dots and blanks,
    those that would be such paths on Windows, and those that are the escaped form of another part,
    as "%2E." is of "..": different texts have different names.
    """
    # Long ones are not kept: many of them would be hundreds of megabytes.
    return (_run_name if len(text) <= MAX_BYTES else _run_name.__wrapped__)(text)


@lru_cache(maxsize=1024)
def _run_name(text: str) -> str:
    path = "/".join([part if _stays(part) else file_name(part) for part in text.split("/")])
    return path if len(os.fsencode(path)) <= _PATH_MAX else file_name(path)


def _stays(part: str) -> bool:
    """Whether a part of a run's path is its own name: the file system takes it, and it is not the
    name of another part."""
    if not all(name.strip(". ") for name in part.split("\\")) or not is_name(part) \
            or _is_hashed(part):
        return False
    former = _original(part)
    return former is None or _stays(former)


def _original(name: str) -> Optional[str]:
    """The text whose file name this is, by its escapes; None if it has none."""
    if "%" not in name:
        return None
    if name == "%":
        return ""
    try:
        text = re.sub(_ESCAPED, _unescape, name.encode("utf-8")).decode("utf-8", "surrogatepass")
    except UnicodeError:
        return None
    return text if text != name and "/" not in text and file_name(text) == name else None


def _is_hashed(name: str) -> bool:
    """Whether `name` has the form of those that end in a hash."""
    return len(name) == MAX_BYTES and re.search(_HASHED, name) is not None


def distinct(names: Sequence[str]) -> List[str]:
    """`names`; each that is there already ends in the first of _1, _2, ... that makes a new one."""
    taken = set(names)
    used: Dict[str, Iterator[int]] = {}
    found = []
    for name in names:
        if name in used:
            found.append(next(one for one in (f"{name}_{number}" for number in used[name])
                              if one not in taken))
            taken.add(found[-1])
        else:
            used[name] = count(1)
            found.append(name)
    return found


def as_path(path: Any, what: str = "logdir") -> str:
    """A path of any kind as a str. TypeError for anything else, ValueError for text that no file
    system takes."""
    try:
        text = str.__str__(os.fsdecode(path))  # of a class of its own, a plain one
    except Exception as error:
        let_signals(error)
        raise TypeError(f"got {what} of type {type(path).__name__}, want a path") from error
    try:
        refused = b"\0" in os.fsencode(text)
    except UnicodeEncodeError:
        refused = True
    if refused:
        raise ValueError(f"got the {what} {text!r:.80}, want one without NUL and lone surrogates")
    return text


def is_name(part: str, windows: bool = os.name == "nt") -> bool:
    """Whether one part of a path can be the name of a directory as it is."""
    try:
        size = len(os.fsencode(part))
    except UnicodeEncodeError:
        return False
    return (part not in ("", ".", "..") and size <= _NAME_MAX and not set(part) & {"/", "\0"}
            and "tfevents" not in part and not (windows and re.search(_WINDOWS, part)))


def _escape(match: "re.Match[bytes]") -> bytes:
    return b"%%%02X" % match.group()[0]


def _unescape(match: "re.Match[bytes]") -> bytes:
    return bytes([int(match.group(1), 16)])
