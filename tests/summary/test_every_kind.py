"""Properties of all kinds: a snapshot at the call, and names where TensorBoard shows them."""
from __future__ import annotations

import contextlib
import copy
import inspect
import warnings
from typing import Any, Callable, Dict, List, Tuple

import numpy as np
import pytest

from tbwriter import LogWarning, SummaryWriter, summary

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


# Numbers at which numpy's arithmetic overflows, underflows or is invalid.
ODD = {"subnormal": np.array([1e-310, 1e-320, 0.0, 1.0] * 6),
       "only subnormal": np.array([1e-310, 1e-320, 0.0, 0.0] * 6),
       "huge": np.array([1.7e308, -1.7e308, 1e-300, 0.0] * 6),
       "not finite": np.array([np.nan, np.inf, -np.inf, 0.5] * 6),
       "float32": np.array([1e-40, 3.4e38, -3.4e38, 0.0] * 6, np.float32),
       "float16": np.array([6e-8, 65504.0, 0.0, 1.0] * 6, np.float16),
       "longdouble": np.array([1e-310, 2.0, 3.0, 0.0] * 6, np.longdouble)}
EVEN = np.arange(24) % 2
ARITHMETIC: Dict[str, Callable[[Any], Any]] = {
    "scalar": lambda odd: summary.scalar("t", odd[0]),
    "histogram": lambda odd: summary.histogram("t", odd),
    "few bins": lambda odd: summary.histogram("t", odd, 3, max_values=10),
    "image": lambda odd: summary.image("t", odd.reshape(2, 4, 3)),
    "normalized": lambda odd: summary.image("t", odd.reshape(2, 4, 3), normalize=True),
    "boxes": lambda odd: summary.image_with_boxes("t", GREY, odd.reshape(6, 4), rescale=0.5),
    "video": lambda odd: summary.video("t", odd.reshape(2, 3, 4), normalize=True),
    "audio": lambda odd: summary.audio("t", odd),
    "classes": lambda odd: summary.confusion_matrix("t", EVEN.astype(odd.dtype), EVEN),
    "scores": lambda odd: summary.confusion_matrix("t", EVEN[:6], odd.reshape(6, 4)),
    "mesh": lambda odd: summary.mesh("t", odd.reshape(8, 3)),
    "curve": lambda odd: summary.pr_curve("t", EVEN, odd),
    "weights": lambda odd: summary.pr_curve("t", EVEN, EVEN, weights=abs(odd)),
    "tensor": lambda odd: summary.tensor("t", odd.astype(np.float64)),
    "hparams": lambda odd: summary.hparams({"a": odd[0], "b": odd[1]}),
    "embedding": lambda odd: summary.embedding("t", odd.reshape(8, 3)),
    "sprite": lambda odd: summary.embedding("t", np.eye(2), None, odd.reshape(2, 3, 4))}


class Files(Dict[str, bytes]):
    """The side files of a log, in memory."""

    read = dict.get
    put = dict.__setitem__

    def exclusive(self, name: str) -> Any:
        return contextlib.nullcontext()


def _outcome(make: Callable[[Any], Any], odd: Any) -> Any:
    """What is written, or the error of the call."""
    try:
        made = make(odd)
    except (TypeError, ValueError) as error:
        return repr(error)
    if not hasattr(made, "store"):
        return made.SerializeToString()
    files = Files()
    made.store(files)
    return files


@pytest.mark.filterwarnings("ignore::tbwriter.LogWarning")
@pytest.mark.parametrize("kind", ARITHMETIC)
@pytest.mark.parametrize("numbers", ODD)
def test_numpys_errors(kind: str, numbers: str) -> None:
    """How a program lets numpy treat overflow and underflow changes no value and refuses none: they
    may be errors, and so may numpy's warnings."""
    make, odd = ARITHMETIC[kind], ODD[numbers]
    with np.errstate(all="ignore"):
        wanted = _outcome(make, odd)
    with np.errstate(all="raise"):
        assert _outcome(make, odd) == wanted
    with np.errstate(all="warn"), warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", LogWarning)
        assert _outcome(make, odd) == wanted


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
