"""The soak, for half a minute; `python tests/faults/soak.py --minutes 60` runs it longer."""
from __future__ import annotations

import importlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from tests.faults.figures import record

SOAK = Path(__file__).with_name("soak.py")


def test_the_seed_of_what_is_found_is_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A round that fails is reported with its seed, which made its faults, and the place of its
    files."""
    soak = importlib.import_module("tests.faults.soak")
    seeds, told = [], []

    class Round:
        def __init__(self, directory: Path, seed: int, disk: object) -> None:
            seeds.append(seed)
            self.refused, self.promises, self.told = 0, [], 0

        def go(self) -> None:
            assert len(seeds) < 2, "the second"

        def check(self) -> int:
            return 0

    monkeypatch.setattr(soak, "Round", Round)
    monkeypatch.setattr(soak, "Disk", lambda: SimpleNamespace(faults=0, remove=lambda: None))
    monkeypatch.setattr(soak, "resources", dict)
    with pytest.raises(AssertionError, match="the second"):
        soak.soak(60, 77, told.append)
    assert seeds == [77, 78]
    said, kept = told[-1].split("; its files are in ")
    assert said == "seed 77, round 1" and Path(kept).is_dir()
    shutil.rmtree(kept)


@pytest.mark.skipif(not hasattr(os, "fork") or sys.platform != "linux",
                    reason="counts threads, descriptors and memory with Linux's means")
@pytest.mark.parametrize("filtered", ["ignore", "error"])
def test_soak(filtered: str) -> None:
    """Everything that was logged is in the files, once and in order, whatever the disk did; what a
    flush() promised was there when it returned; memory, threads and descriptors do not grow.
    Nothing of this changes where warnings are errors."""
    program = ("import json; from tests.faults import soak; "
               f"print(json.dumps(soak.soak(25, 1, lambda line: None, {filtered!r})))")
    done = subprocess.run([sys.executable, "-c", program], text=True, capture_output=True,
                          timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    sums = json.loads(done.stdout.splitlines()[-1])
    figure = (f"{sums['events']} events, {sums['faults']} faults, {sums['promises']} flushes: 0 "
              f"lost, 0 doubled; {sums['more_mb']} MB, {sums['more_threads']} threads, "
              f"{sums['more_fds']} descriptors more")
    record(11, f"soak under random faults, several writers and sub-runs, warnings {filtered}: 0 of "
               "200000 events lost, doubled or out of order", figure)
    assert bool(sums["told"]) == (filtered == "error")
    assert sums["events"] >= 200_000 and sums["faults"] > 100 and sums["promises"] > 50, sums
    assert sums["more_threads"] <= 1 and sums["more_fds"] <= 4 and sums["more_mb"] <= 100, sums
