"""Asks one writer: runs in an interpreter that has it.

    python -m tests.peers.child MODULE ROOT [WITHOUT ...] < QUESTIONS

QUESTIONS is a JSON list of [key, method, args]. Each method gets the log directory ROOT/key. After
each, a line of JSON is added to ROOT/answers. WITHOUT names packages that shall be missing.
"""
from __future__ import annotations

import importlib.abc
import importlib.metadata
import json
import os
import sys
from typing import Any, Dict, Sequence


class Missing(importlib.abc.MetaPathFinder):
    """Finds no package of these names, nor what is inside them."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = names

    def find_spec(self, name: str, *_: Any) -> None:
        if any(name == one or name.startswith(one + ".") for one in self._names):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def answer(writer: Any, key: str, method: str, args: Sequence[Any], root: str) -> Dict[str, Any]:
    from tests.peers.asked import Unmeasured
    os.chdir(root)
    ask = getattr(writer, method)
    said: Dict[str, Any] = {"key": key, "version_1": getattr(ask, "version_1", False)}
    try:
        said["said"] = ask(os.path.join(root, key), *args)
    except Unmeasured as error:
        said["missing"] = str(error)
    except Exception as error:
        said["error"] = f"{type(error).__name__}: {error}".splitlines()[0]
    return said


def main(module: str, root: str, *without: str) -> None:
    sys.meta_path.insert(0, Missing(without))
    with open(os.path.join(root, "answers"), "a") as answers:
        questions = json.load(sys.stdin)
        try:
            writer = importlib.import_module(module).WRITER
        except ImportError as error:
            if not without:
                raise
            for key, *_ in questions:
                print(json.dumps({"key": key, "error": f"ImportError: {error}"}), file=answers)
            return
        for key, method, args in questions:
            said = answer(writer, key, method, args, root)
            said["version"] = importlib.metadata.version(writer.package)
            print(json.dumps(said), file=answers, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
