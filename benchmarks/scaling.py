"""How the cost grows with the number of events, values, pixels, tags and threads; with a plot."""
from __future__ import annotations

from typing import Any, Dict, List, NamedTuple, Sequence, Tuple

from .cases import CASES
from .race import Course, Result, make_arrays, run
from .peers import WRITERS

_LONGEST = 5.0  # seconds; a peer that would take longer skips the larger sizes


class Growth(NamedTuple):
    """A series of measurements of one case. points: (size, times, changed fields of the case).

    more: the factor by which tbwriter logs more events than its peers, which take longer.
    """

    name: str
    case: str
    axis: str
    points: Sequence[Tuple[int, int, Dict[str, Any]]]
    more: int = 1


SERIES: Sequence[Growth] = (
    Growth("events", "scalar-one", "events",
           [(size, size, {}) for size in (1000, 10_000, 100_000, 1_000_000)]),
    Growth("values", "histogram-1e3", "values in a histogram",
           [(10 ** power, 10 ** max(0, 6 - power) + 2, {"arrays": f"weights-1e{power}"})
            for power in (3, 4, 5, 6, 7)]),
    Growth("pixels", "image-224", "pixels a side",
           [(28, 200, {"arrays": "digits"})]
           + [(side, max(2, 4_000_000 // side ** 2), {"arrays": f"natural-{side}"})
              for side in (64, 224, 512, 1024, 2048)]),
    Growth("tags", "scalar-tags", "tags",
           [(count, 20_000, {"tags": count}) for count in (1, 10, 100, 1000)], 10),
    Growth("threads", "scalar-threads", "threads",
           [(count, 16_000, {"threads": count}) for count in (1, 2, 4, 8, 16)], 10),
)


def measure(course: Course, writers: Sequence[str]) -> List[Result]:
    """A result for each series, size and writer."""
    results: List[Result] = []
    for growth in SERIES:
        case = next(case for case in CASES if case.name == growth.case)
        make_arrays(course, [changed["arrays"] for _, _, changed in growth.points
                             if "arrays" in changed])
        last: Dict[str, float] = {}
        before = 0
        for size, times, changed in growth.points:
            for writer in writers:
                growing = size / before if before and growth.name in ("events", "values") else 1
                if growth.name == "pixels" and before:
                    growing = (size / before) ** 2
                per_call = growth.name != "events"
                expected = last.get(writer, 0.0) * growing * (times if per_call else 1)
                if expected > _LONGEST:
                    continue
                result = run(case, writer, course, changed={
                    **changed, "ours": times * growth.more, "theirs": times, "slow": times})
                results.append({"series": growth.name, "axis": growth.axis, "size": size,
                                "writer": writer, **result})
                if "disk_us" in result:
                    seconds = result["disk_us"] / 1e6
                    last[writer] = seconds if per_call else seconds * result["times"]
            before = size
    return results


def plot(results: Sequence[Result], path: str) -> None:
    """All series on one picture, each with logarithmic axes."""
    import matplotlib
    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, all_axes = pyplot.subplots(1, len(SERIES), figsize=(4 * len(SERIES), 4))
    for growth, axes in zip(SERIES, all_axes):
        points = [one for one in results if one["series"] == growth.name and "disk_us" in one]
        for writer in dict.fromkeys(one["writer"] for one in points):
            of_writer = [one for one in points if one["writer"] == writer]
            axes.loglog([one["size"] for one in of_writer], [one["disk_us"] for one in of_writer],
                        "o-", label=WRITERS[writer].title)
        axes.set_xlabel(growth.axis)
        axes.set_ylabel("us per call, all on disk")
        axes.grid(True, alpha=0.3)
    all_axes[0].legend()
    figure.tight_layout()
    figure.savefig(path, dpi=100)
    pyplot.close(figure)
