"""The parts of a writer, each on its own: counting, serialization, CRC, PNG."""
from __future__ import annotations

from typing import Dict, List, Sequence, Tuple

from .interpreters import environ
from .part_child import PARTS
from .race import Course, Result, ask, make_arrays, summed_up
from .peers import LIBRARIES, OURS, WRITERS, Peer, functions

_SECONDS = 0.4  # for one measurement

# (a peer, its name in the table, its environment variables)
Entry = Tuple[Peer, str, Dict[str, str]]

CRC_BACKENDS = ("google-crc32c", "crc32c", "crcmod", "numpy")


def measure(course: Course, writers: Sequence[str]) -> List[Result]:
    """A result for each part and writer, measured in rounds as the cases are."""
    make_arrays(course, sorted({part.arrays for part in PARTS if part.arrays}))
    results = []
    for part in PARTS:
        entries: List[Entry] = [
            (WRITERS[name], WRITERS[name].title, {}) for name in writers
            if name != "crcmod" and WRITERS[name].home in course.pythons]
        entries.append((LIBRARIES, LIBRARIES.title, {}))
        if part.function == "checksum":
            entries += [(WRITERS[OURS], f"tbwriter ({backend})", {"TBWRITER_CRC32C": backend})
                        for backend in CRC_BACKENDS]
        entries = [entry for entry in entries if part.function in functions(entry[0])]
        rounds: List[List[Result]] = [[] for _ in entries]
        for _ in range(min(3, course.rounds)):
            for (peer, _, more), results_of in zip(entries, rounds):
                job = {"part": part.name, "module": peer.module, "arrays": course.arrays,
                       "seconds": _SECONDS * min(1.0, course.share)}
                try:
                    taken = ask(course.pythons[peer.home], f"{__package__}.part_child", job,
                                environ(more))
                except RuntimeError as error:
                    taken = {"error": str(error)}
                results_of.append(taken)
        for (_, title, _), results_of in zip(entries, rounds):
            whole = summed_up(results_of)
            if "error" not in whole:
                whole["rate"] = part.amount / whole["disk_us"] * 1e6
            results.append({"part": part.name, "title": part.title, "unit": part.unit,
                            "writer": title, **whole})
    return results
