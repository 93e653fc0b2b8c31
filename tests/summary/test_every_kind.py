"""Properties of all kinds: a snapshot at the call, and names where TensorBoard shows them."""
from __future__ import annotations

import copy
import inspect
from typing import Any, Callable, Dict, List, Tuple

import numpy as np
import pytest

from tbwriter import SummaryWriter, summary

GREY = np.full((6, 8), 100, np.uint8)
CORNERS = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0]], np.float32)
COUNTS = [np.array([2.0, 1.0]), np.array([1.0, 0.0])]
RATES = [np.array([0.5, 1.0]), np.array([1.0, 0.5])]

# One call of each function: what makes it, and its arguments, all of which can be changed later.
CALLS: Dict[str, Tuple[Callable[..., Any], List[Any]]] = {
    "scalar": (lambda value: summary.scalar("t", value), [np.array([1.5])]),
    "scalars": (summary.scalars, [{"a": 1.0, "b": 2.0}]),
    "histogram": (lambda values: summary.histogram("t", values), [np.arange(9.0)]),
    "histogram_raw": (lambda limits, counts: summary.histogram_raw(
        "t", 0, 2, 3, 3, 5, limits, counts), [np.array([1.0, 2.0]), np.array([1.0, 2.0])]),
    "image": (lambda picture: summary.image("t", picture), [GREY]),
    "images": (lambda pictures: summary.images("t", pictures), [[GREY, GREY]]),
    "image_with_boxes": (lambda picture, boxes, labels: summary.image_with_boxes(
        "t", picture, boxes, labels=labels), [GREY, np.array([[1.0, 1, 4, 4]]), ["cat"]]),
    "confusion_matrix": (lambda *given: summary.confusion_matrix("t", *given),
                         [np.array([0, 1, 1]), np.array([0, 1, 0]), ["cat", "dog"]]),
    "video": (lambda clip: summary.video("t", clip), [np.stack([GREY, GREY // 2])]),
    "audio": (lambda sound: summary.audio("t", sound), [np.linspace(-1, 1, 20)]),
    "text": (lambda table: summary.text("t", table), [[["a", "b"], ["c", "d"]]]),
    "pr_curve": (lambda *given: summary.pr_curve("t", *given), [np.array([0, 1]),
                                                                np.array([0.25, 0.5])]),
    "pr_curve_raw": (lambda *rows: summary.pr_curve_raw("t", *rows), [*COUNTS, *COUNTS, *RATES]),
    "mesh": (lambda *parts: summary.mesh("t", *parts), [CORNERS, CORNERS * 9, np.array([[0, 1, 2]]),
                                                        {"lights": [1]}]),
    "hparams": (summary.hparams, [{"lr": 0.1, "net": "mlp"}]),
    "hparams_end": (summary.hparams_end, []),
    "hparams_experiment": (summary.hparams_experiment, [{"lr": [0.1, 0.2]}, ["loss"]]),
    "custom_scalars": (summary.custom_scalars, [{"a": {"b": ["Multiline", ["c"]]}}]),
    "tensor": (lambda array: summary.tensor("t", array), [np.eye(2)]),
    "graph": (summary.graph, [[summary.Node("a", "A"), summary.Node("b", "B", ["a"])]]),
    "op_graph": (lambda nodes: summary.op_graph("t", nodes), [[summary.Node("a", "A")]]),
    "keras_graph": (lambda: summary.keras_graph("t", "{}"), []),
    "costs": (lambda nodes: summary.costs("t", nodes), [[summary.Cost("a", 5)]]),
}
ELSEWHERE = {"embedding", "figure"}  # which have tests of their own: files, and matplotlib
CLASSES = {"Node", "Cost", "Interval", "Metric"}


def _change(value: Any) -> None:
    """Leaves nothing of what a caller could still change."""
    if isinstance(value, np.ndarray):
        value[:] = 0
    elif isinstance(value, list):
        for item in value:
            _change(item)
        value.clear()
    elif isinstance(value, dict):
        for item in value.values():
            _change(item)
        value.clear()


def test_each_function_is_called() -> None:
    """No function of `summary` is left out below."""
    assert set(CALLS) | ELSEWHERE | CLASSES == set(summary._KINDS)


@pytest.mark.parametrize("name", CALLS)
def test_snapshot(name: str) -> None:
    """Changes to the arguments after the call do not change the written value."""
    make, arguments = CALLS[name]
    wanted = make(*copy.deepcopy(arguments)).SerializeToString()
    given = copy.deepcopy(arguments)
    made = make(*given)
    _change(given)
    assert made.SerializeToString() == wanted


# TensorBoard shows no name and no description of these.
NAMELESS = {"scalars", "hparams", "hparams_end", "hparams_experiment", "custom_scalars",
            "embedding", "graph", "op_graph", "keras_graph", "costs"}


@pytest.mark.parametrize("name", sorted(set(summary._KINDS) - CLASSES))
def test_names_and_descriptions(name: str) -> None:
    """Each kind takes `display_name` and `description`, but for those that have no such place; so
    does its method. That they are shown is test_each_method_reaches_its_kind's."""
    parameters = set(inspect.signature(getattr(summary, name)).parameters)
    assert ("display_name" in parameters) == (name not in NAMELESS)
    if name not in NAMELESS:
        assert "description" in parameters
        method = inspect.signature(getattr(SummaryWriter, f"add_{name}")).parameters
        assert "display_name" in method and "description" in {
            one.replace("summary_", "") for one in method}
        # Editors complete what is explicit.
        assert not [one for one in method.values() if one.kind is one.VAR_KEYWORD]
