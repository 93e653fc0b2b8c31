"""Each module of compat has the names of the API that it is like, and their arguments.

tests/data/apis.json holds those of the real ones: names, order, defaults.
"""
from __future__ import annotations

import inspect
import json
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any, Dict, Iterator, List, Tuple

import pytest

from tests.support.data import DATA

APIS: Dict[str, Any] = json.loads((DATA / "apis.json").read_text(encoding="utf-8"))
MODULES = {"torch.utils.tensorboard 2.14.1": "torch", "tensorboardX 2.6.5": "tensorboardX",
           "mxboard 0.1.0": "mxboard", "dmlc/tensorboard 2017": "tensorboard"}
# What its notebooks leave out, and its last version wants.
LENIENT = {("dmlc/tensorboard 2017", "summary", "histogram"): {"bins": "'tensorflow'"}}


def functions() -> Iterator[Tuple[str, str, str, List[List[Any]]]]:
    """(API, module, name or Class.name, arguments) of everything that was recorded."""
    for api, modules in APIS.items():
        for module, things in modules.items():
            for name, thing in things.items():
                if isinstance(thing, dict):
                    for method, arguments in thing.items():
                        yield api, module, f"{name}.{method}", arguments
                else:
                    yield api, module, name, thing


def arguments_of(found: Any) -> List[List[Any]]:
    """As they are recorded: [name, repr(default)], None for one without."""
    if isinstance(found, property):
        return []
    out: List[List[Any]] = []
    for parameter in inspect.signature(found).parameters.values():
        name = parameter.name
        if name == "self":
            continue
        if parameter.kind is parameter.KEYWORD_ONLY:
            name += " (keyword only)"
        if parameter.kind in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL):
            name = "**" + name
        default = None if parameter.default is parameter.empty else repr(parameter.default)
        out.append([name, default])
    return out


@pytest.mark.parametrize("api, module, name, wanted", list(functions()))
def test_arguments(api: str, module: str, name: str, wanted: List[List[Any]]) -> None:
    """The function has the recorded arguments: their names, order and defaults."""
    found: Any = import_module(f"tbwriter.compat.{MODULES[api]}.{module}")
    for part in name.split("."):
        found = inspect.getattr_static(found, part) if inspect.isclass(found) \
            else getattr(found, part)
    if isinstance(found, (staticmethod, classmethod)):
        found = found.__func__
    changed = LENIENT.get((api, module, name), {})
    assert arguments_of(found) == [[argument, changed.get(argument, default)]
                                   for argument, default in wanted]


def test_everything_was_compared() -> None:
    """The record holds all four APIs, and its functions by the dozen."""
    assert set(APIS) == set(MODULES)
    assert len(list(functions())) > 200


@pytest.mark.parametrize("api, names", [
    ("torch", ["FileWriter", "SummaryWriter", "summary", "writer"]),
    ("tensorboardX", ["FileWriter", "SummaryWriter", "GlobalSummaryWriter", "RecordWriter",
                      "summary", "writer", "__version__"]),
    ("mxboard", ["SummaryWriter", "summary", "writer", "__version__"]),
    ("tensorboard", ["FileWriter", "SummaryWriter", "RecordWriter", "summary"]),
])
def test_names_of_the_package(api: str, names: List[str]) -> None:
    """The names that programs import from the package itself exist, and `summary` is a module."""
    package = import_module(f"tbwriter.compat.{api}")
    assert all(hasattr(package, name) for name in names)
    assert import_module(f"tbwriter.compat.{api}.summary") is package.summary


def test_reached_by_attributes() -> None:
    """`import tbwriter` is enough for tbwriter.compat.install and tbwriter.compat.torch; others are
    AttributeErrors."""
    code = ("import tbwriter\n"
            "assert tbwriter.compat.install and 'torch' in dir(tbwriter.compat)\n"
            "assert tbwriter.compat.torch.SummaryWriter and tbwriter.compat.mxboard.summary\n"
            "assert not hasattr(tbwriter.compat, 'jax')\n")
    source = Path(__file__).parents[2] / "src"
    subprocess.run([sys.executable, "-c", code], check=True, env={"PYTHONPATH": str(source)})


def test_what_is_imported() -> None:
    """Neither torch nor any other package than those that tbwriter needs is imported, and the
    folder `torch` hides none."""
    code = ("import sys\n"
            "from tbwriter.compat import mxboard, tensorboard, tensorboardX, torch\n"
            "print([name for name in ('torch', 'mxnet', 'tensorboardX', 'tensorboard', 'google',\n"
            "                         'PIL', 'mxboard') if name in sys.modules])")
    source = Path(__file__).parents[2] / "src"
    done = subprocess.run([sys.executable, "-c", code], text=True, capture_output=True, check=True,
                          env={"PYTHONPATH": str(source)})
    assert done.stdout.strip() == "[]"
