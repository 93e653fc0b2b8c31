"""Numbers beyond the types in which they are written."""
from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any, Callable, Dict, List

import numpy as np
import pytest
from tests.support.judges import events

from tbwriter import SummaryWriter
from tbwriter._warnings import LogWarning

HUGE = np.longdouble("1e4000")  # infinite where a long double is a double
FAR = [-1e308, 1e308]

CALLS: Dict[str, Callable[[SummaryWriter], Any]] = {
    "pictures of points": lambda w: w.add_embedding(np.eye(4), label_img=np.full((4, 3, 2, 2),
                                                                                 1e300)),
    "steps of float16": lambda w: w.add_scalar_series("s", [1.0, 2.0],
                                                      np.array([100, 6e4], np.float16)),
    "values of the series": lambda w: w.add_scalar_series("s", [1e300, HUGE]),
    "raw limits": lambda w: w.add_histogram_raw("h", -1e308, 1e308, 2, 0, 0, FAR, [1, 1], 1),
    "edges": lambda w: w.add_histogram("h", FAR, 1, bins=[-1.1e308, 0, 1.1e308]),
    "number of buckets": lambda w: w.add_histogram("h", FAR, 1, bins=10),
    "auto": lambda w: w.add_histogram("h", [1e200, -1e200, 0], 1, bins="auto"),
    "doane": lambda w: w.add_histogram("h", [1e200, -1e200, 0], 1, bins="doane"),
    "long doubles": lambda w: w.add_histogram("h", np.array([HUGE, 1, 2]), 1),
    "weights": lambda w: w.add_pr_curve("p", [0, 1, 1], [0.1, 0.2, 0.3], 1,
                                        weights=np.full(3, 3e38)),
    "picture": lambda w: w.add_image("i", np.full((1, 2, 2), HUGE), 1, normalize=True),
}


def written(directory: Path, call: Callable[[SummaryWriter], Any], action: Any) -> List[bytes]:
    """The events of one call, and its side files; warnings are handled by `action`."""
    with warnings.catch_warnings():
        warnings.simplefilter(action)
        warnings.filterwarnings("ignore", "(the|got) (?!value)", LogWarning)
        with SummaryWriter(directory) as writer:
            call(writer)
    found = events(directory)
    for event in found:
        event.wall_time = 0
    files = [path for path in sorted(directory.rglob("*")) if "tfevents" not in path.name]
    return [event.SerializeToString(deterministic=True) for event in found] + [
        path.read_bytes() for path in files if path.is_file()]


@pytest.mark.parametrize("name", CALLS)
def test_warnings_that_are_errors(tmp_path: Path, name: str) -> None:
    """With `-W error` the same is written as without: numpy issues no warning."""
    expected = written(tmp_path / "ignored", CALLS[name], "ignore")
    assert len(expected) > 1
    assert written(tmp_path / "raised", CALLS[name], "error") == expected


@pytest.mark.parametrize("name, call", [
    ("times", lambda w: w.add_scalar_series("s", [1.0, 2.0], [1, 2], np.array([HUGE, HUGE]))),
    ("one time", lambda w: w.add_scalar_series("s", [1.0, 2.0], [1, 2], HUGE)),
    ("steps", lambda w: w.add_scalar_series("s", [1.0, 2.0], np.array([1, HUGE]))),
    ("counts", lambda w: w.add_histogram_raw("h", 0, 1, 2, 1, 1, [1, 2], np.array([1, HUGE]), 1)),
    ("boxes", lambda w: w.add_image_with_boxes("b", np.zeros((3, 8, 8)),
                                               np.array([[1, 1, 2, HUGE]]), 1)),
    ("rates", lambda w: w.add_pr_curve_raw("p", [1e300], [1], [1], [1], [1], [1], 1)),
])
@pytest.mark.parametrize("action", ["error", "ignore"])
def test_refused(tmp_path: Path, name: str, call: Callable[[SummaryWriter], Any], action: Any
                 ) -> None:
    """Times, steps and counts that a file can't hold raise ValueError at the call."""
    with warnings.catch_warnings():
        warnings.simplefilter(action)
        with SummaryWriter(tmp_path) as writer:
            with pytest.raises(ValueError, match="^got"):
                call(writer)
    assert not events(tmp_path)


def test_buckets_of_the_widest_range(tmp_path: Path) -> None:
    """Values at both ends of the range of floats are in the outermost of equally wide buckets."""
    with SummaryWriter(tmp_path) as writer:
        writer.add_histogram("h", [*FAR, 0.0], 1, bins=3)
    histogram = events(tmp_path)[1].summary.value[0].histo
    assert list(histogram.bucket) == [1, 1, 1]
