"""One broken directory per rule, in files that are named like those of tbwriter.check."""
from __future__ import annotations

from pathlib import Path
from typing import Any, Callable, Dict

from tests.check.broken import (content, files, hparams, media, numbers, order, profile, projector,
                                tags)

_SUBJECTS = (files, order, tags, numbers, media, content, hparams, projector, profile)
# Rule -> the function that makes a directory which breaks it, and no other.
BROKEN: Dict[str, Callable[[Path], Any]] = {
    rule: make for subject in _SUBJECTS for rule, make in subject.BROKEN.items()}
# Other forms of these faults: the rule, a function that makes them, and the request to TensorBoard.
FORMS: Dict[str, Any] = {
    form: row for subject in _SUBJECTS for form, row in subject.FORMS.items()}
