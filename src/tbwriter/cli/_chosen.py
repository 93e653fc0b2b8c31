"""The runs and tags of a log directory whose names fit the patterns of a command."""
from __future__ import annotations

from typing import Dict, Iterator, List, Tuple

from .._reading.run import Tags
from ..reader import Run, read_each
from ._arguments import matcher


def chosen(found: Dict[str, List[str]], run: str, tag: str, jobs: int = 1
           ) -> Iterator[Tuple[Run, Tags]]:
    """Runs with those of their tags that fit, read one after another, or by `jobs` processes."""
    fits_run, fits_tag = matcher(run), None if tag == "*" else matcher(tag)
    for one in read_each({name: paths for name, paths in found.items() if fits_run(name)}, jobs):
        yield one, Tags(one, fits_tag)
