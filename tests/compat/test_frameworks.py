"""The recipes of docs/migrating.md, each where its framework is installed.

A framework needs an environment of its own, so that these tests are skipped elsewhere:

    pip install torch accelerate tensorboard pytest
    pytest tests/compat/test_frameworks.py
"""
from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Dict, List, NamedTuple

import pytest

from tests.support.judges import board, events

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "migrating.md").read_text(encoding="utf-8")
PATIENCE = 400


class Recipe(NamedTuple):
    """package: what has to be installed. curve: a tag of scalars, with so many steps, in so many
    runs."""

    package: str
    curve: str
    steps: int
    runs: int = 1


RECIPES: Dict[str, Recipe] = {
    "Accelerate": Recipe("accelerate", "loss", 3),
    "Lightning": Recipe("lightning", "loss", 4),
    "Transformers": Recipe("transformers", "train/loss", 3),
    "Ignite": Recipe("ignite", "training/loss", 3),
    "stable-baselines3": Recipe("stable_baselines3", "train/loss", 3),
    "Ray": Recipe("ray", "ray/tune/loss", 3, 2),
    "skorch": Recipe("skorch", "Loss/train_loss", 3),
    "fastai": Recipe("fastai", "train_loss", 4),
    "GluonTS": Recipe("gluonts", "train_loss", 2),
}


def recipe(name: str) -> str:
    """The program of a framework, as the page has it."""
    code, = re.findall(rf"^### {re.escape(name)}\n\n```python\n(.*?)^```$", PAGE,
                       re.DOTALL | re.MULTILINE)
    return str(code)


@pytest.mark.parametrize("name", RECIPES)
def test_recipe(tmp_path: Path, name: str) -> None:
    """The program of the page logs with tbwriter, and both loaders show its curve."""
    package, curve, wanted, runs = RECIPES[name]
    if importlib.util.find_spec(package) is None:
        pytest.skip(f"{name} is not installed")
    done = subprocess.run([sys.executable, "-c", recipe(name)], cwd=str(tmp_path), text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=PATIENCE,
                          env=dict(os.environ, PYTHONPATH=str(ROOT / "src"), HF_HUB_OFFLINE="1"))
    assert done.returncode == 0, done.stdout
    files = list((tmp_path / "logs").rglob("*tfevents*"))
    assert files
    for file in files:
        assert events(file)[0].source_metadata.writer.startswith("tbwriter"), file
    for loader in ("fast", "python"):
        found: List[int] = []
        with board(tmp_path / "logs", loader) as seen:
            for run in seen.runs():
                if curve in seen.tags("scalars", run):
                    steps = [step for step, _ in seen.scalars(run, curve)]
                    assert steps == sorted(steps)
                    found.append(len(set(steps)))  # fastai repeats the last one in validation
        assert found == [wanted] * runs, (loader, found)


def test_every_recipe_is_run() -> None:
    """Each program of that section is one of these, and has a row in its table of versions."""
    section, = re.findall(r"^## Frameworks that make.*?(?=^## )", PAGE, re.DOTALL | re.MULTILINE)
    assert set(re.findall(r"^### (.*)$", section, re.MULTILINE)) == set(RECIPES)
    for name in RECIPES:
        assert re.search(rf"^\| {re.escape(name)}( Tune)? \| \d+\.\d+[.\d]* \| ", section,
                         re.MULTILINE), name
