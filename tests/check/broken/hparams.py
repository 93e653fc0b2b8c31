"""Broken directories for the rules of tbwriter.check.hparams."""
from __future__ import annotations

from pathlib import Path
from typing import Any, Callable, Dict

from tbwriter import summary
from tests.support.data import event_of, written


def _hparams_pair(directory: Path) -> None:
    for name in ("a", "b"):
        written(directory / name, [
            event_of(summary.hparams_experiment({name: float})),
            event_of(summary.hparams({name: 1}))])


# Rule -> the function that makes a directory which breaks it, and no other.
BROKEN: Dict[str, Callable[[Path], Any]] = {
    "hparams experiments": _hparams_pair,
    "hparams hidden": lambda d: written(d, [event_of(summary.hparams_experiment({"a": float})),
                                            event_of(summary.hparams({"b": 1}))]),
}

# Other forms of these faults: the rule, a function that makes them, and the request to TensorBoard.
FORMS: Dict[str, Any] = {
}
