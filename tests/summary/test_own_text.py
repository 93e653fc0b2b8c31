"""Texts of a class of their own, derived from str."""
from __future__ import annotations

from pathlib import Path
from typing import Any, Callable, Dict, List

import numpy as np
import pytest
from tests.support.judges import board, both_loaders, events

from tbwriter import SummaryWriter, summary


class Own(str):
    """A text whose every method gives something else."""

    def encode(self, *args: Any, **kwargs: Any) -> bytes:
        return b"\xff\xfe"

    def __str__(self) -> str:
        return "another"

    def __format__(self, spec: str) -> str:
        return "another"

    def __hash__(self) -> int:
        return 7

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Own)

    def replace(self, *args: Any) -> str:  # type: ignore[override]
        return "\udc80"


class Caseless(str):
    """A text that is equal to itself in capitals, and hashes so."""

    def __hash__(self) -> int:
        return hash(str.lower(self))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, str) and str.lower(self) == str.lower(other)


X, Y = Own("x"), Own("y")
CALLS: Dict[str, Callable[[SummaryWriter], Any]] = {
    "scalar": lambda w: w.add_scalar(X, 1, 1),
    "scalar with a description": lambda w: w.add_scalar("a", 1, 1, description=X, display_name=Y),
    "values": lambda w: w.add_values({X: 1.0}, 1),
    "series": lambda w: w.add_scalar_series(X, [1.0, 2.0]),
    "text": lambda w: w.add_text(X, Y, 1, description=X),
    "cells": lambda w: w.add_text("a", [[X, Y]], 1),
    "histogram": lambda w: w.add_histogram(X, np.arange(4), 1, description=Y),
    "sampled histogram": lambda w: w.add_histogram(X, np.arange(400), 1, max_values=50,
                                                   description=Y),
    "tensor": lambda w: w.add_tensor(X, [X, Y], 1, plugin_name=Y),
    "hparams": lambda w: w.add_hparams({X: Y}, {X: 1.0}),
    "nested hparams": lambda w: w.add_hparams({"a": {X: Y}}, {}),
    "chart": lambda w: w.add_custom_scalars_multilinechart([X], X, Y),
    "curves": lambda w: w.add_scalars(X, {Y: 1}, 1, overlay="custom"),
    "mesh": lambda w: w.add_mesh(X, np.zeros((1, 3, 3)), description=Y),
    "costs": lambda w: w.add(summary.costs(X, [summary.Cost("n", 1.0)]), 1),
    "graph": lambda w: w.add(summary.graph([summary.Node(X, Y, attrs={"k": X})])),
    "picture": lambda w: w.add_image(X, np.zeros((3, 2, 2)), 1, display_name=Y),
}


@pytest.mark.parametrize("name", CALLS)
def test_the_text_itself_is_written(tmp_path: Path, name: str) -> None:
    """The characters of a text are written, the same as for a plain str, whatever its methods
    are."""
    written: List[List[bytes]] = []
    original = X, Y
    for number, (x, y) in enumerate([original, ("x", "y")]):
        globals().update(X=x, Y=y)
        try:
            with SummaryWriter(tmp_path / str(number)) as writer:
                CALLS[name](writer)
        finally:
            globals().update(X=original[0], Y=original[1])
        found = events(tmp_path / str(number))
        for event in found:
            event.wall_time = 0
        written.append([event.SerializeToString(deterministic=True) for event in found])
    assert written[0] == written[1] and len(written[0]) > 1


def test_runs(tmp_path: Path) -> None:
    """A run has the name that its text has, and two of equal text are one."""
    with SummaryWriter(tmp_path) as writer:
        assert writer.sub_run(Own("a")) is writer.sub_run("a")
        writer.sub_run(Own("b")).add_scalar("s", 1, 1)
        writer.add_scalars(Own("c"), {Own("d"): 1.0}, 1)
    assert {path.name for path in tmp_path.iterdir() if path.is_dir()} == {"b", "c_d"}


@both_loaders
def test_tags_that_are_equal_to_others(tmp_path: Path, loader: str) -> None:
    """Tags are kept character for character: a str that ignores case names two tags."""
    with SummaryWriter(tmp_path) as writer:
        for step in range(3):
            writer.add_values({Caseless("loss"): step}, step)
            writer.add(summary.scalar(Caseless("Loss"), step), step)
        writer.add_scalar_series(Caseless("LOSS"), [1.0, 2.0], [0, 1])
    with board(tmp_path, loader) as shown:
        assert {tag: len(shown.scalars(".", tag)) for tag in shown.tags("scalars")} == {
            "loss": 3, "Loss": 3, "LOSS": 2}
