"""The API reference: each public name says what it does, with an example, and has neighbours."""
from __future__ import annotations

import ast
import functools
import importlib
import inspect
import itertools
import re
import sys
import types
from pathlib import Path

import pytest

SITE = Path(__file__).parent.parent / "docs" / "site"

# Optional packages, and the modules of the reference that need them.
NEEDS = {"mxnet": "mxnet.base", "torch": "torch"}  # not "mxnet", which tests/mxnet is too


@functools.lru_cache(maxsize=None)
def pages():
    """{module: its names in the reference}, as docs/site/hooks.py has them; none: `__all__`."""
    tree = ast.parse((SITE / "hooks.py").read_text(encoding="utf-8"))
    found, = [node.value for node in tree.body if isinstance(node, ast.AnnAssign)
              and isinstance(node.target, ast.Name) and node.target.id == "MODULES"]
    return ast.literal_eval(found)


def module_of(path):
    name = path.rpartition(".")[2]
    if name in NEEDS:
        pytest.importorskip(NEEDS[name], reason=f"{name} is not installed")
    return importlib.import_module(path)


def follow(owner, names):
    """The object with the dotted name `names` below a module; parts may be modules not yet
    imported."""
    for name in names.split("."):
        if inspect.ismodule(owner) and not hasattr(owner, name):
            importlib.import_module(f"{owner.__name__}.{name}")
        owner = getattr(owner, name)
    return owner


def neighbours():
    """The lines of names in the table of the API reference's "See also"."""
    table = (SITE / "see_also.txt").read_text(encoding="utf-8")
    return [line.split() for line in table.splitlines() if line and not line.startswith("#")]


def public(module):
    """[(name below tbwriter, object)] of a page, and of the members of its classes that the page
    shows there for the first time."""
    prefix = module.partition(".")[2]
    names = pages()[module] or [name for name in module_of(module).__all__
                                if not name.startswith("_")]
    for name in names:
        thing = follow(module_of(module), name)
        path = f"{prefix}.{name}".lstrip(".")
        yield path, thing
        for member, value in members(thing) if inspect.isclass(thing) else ():
            if not member.startswith("_") and value.__doc__:
                yield f"{path}.{member}", value


def members(kind):
    """The methods and properties of a class, those of its private bases included."""
    bases = itertools.takewhile(
        lambda base: base.__module__.startswith("tbwriter")
        and base.__name__ not in ("SummaryWriter", "FileWriter"), kind.__mro__[1:])
    for owner in (kind, *bases):
        for name, value in vars(owner).items():
            if isinstance(value, types.FunctionType) \
                    or isinstance(value, property) and value.fget.__name__ == name:
                yield name, value


@pytest.mark.parametrize("names", [
    pytest.param(names, id=f"{number} {names[0]}") for number, names in enumerate(neighbours())])
def test_see_also(names):
    """Each name of the table is one of the API, and is in its line once, beside others."""
    assert len(set(names)) == len(names) > 1
    for name in names:
        module = next((module for module in sorted(pages(), key=len, reverse=True)
                       if f"tbwriter.{name}.".startswith(f"{module}.")))
        rest = f"tbwriter.{name}"[len(module) + 1:]
        owner = module_of(module)
        shown = pages()[module] or owner.__all__
        assert any(rest == one or rest.startswith(f"{one}.") for one in shown), name
        if rest != "SummaryWriter.default_step":  # which each writer has for itself
            follow(owner, rest)


@pytest.mark.parametrize("module", pages())
def test_every_name_has_neighbours(module):
    """Each public name, and each method that has a docstring of its own, has a "See also"."""
    linked = {name for names in neighbours() for name in names}
    same = [follow(module_of("tbwriter"), name) for name in linked if "." not in name] + [
        module_of("tbwriter.reader").ReadError]
    for name, thing in public(module):
        assert name in linked or any(thing is other for other in same) or any(
            member.startswith(f"{name}.") for member in linked), name


@pytest.mark.parametrize("module", pages())
def test_every_name_is_explained(module):
    """Each has a docstring. That of a function or method with arguments shows a call; that of an
    `add` method also says where TensorBoard shows it, and what it raises."""
    for name, thing in public(module):
        if isinstance(thing, (str, dict)):
            continue  # constants, whose docstrings only the source has
        text = inspect.getdoc(thing) or ""
        method = name.rpartition(".")[2]
        assert text, name
        arguments = list(inspect.signature(thing).parameters) if inspect.isfunction(thing) else []
        if arguments not in ([], ["self"]) and (name.count(".") < 2 or module == "tbwriter"):
            assert re.search(rf"\b{method}\(|^ {{4}}\S", text, re.MULTILINE), f"{name}: no example"
        if method.startswith("add_") and method not in ("add_event", "add_summary"):
            assert "hown in" in text or "dashboard" in text or "TensorBoard" in text, name
        if method.startswith("add"):
            assert "Raises TypeError" in text, name


@pytest.mark.parametrize("module", pages())
def test_examples_and_arguments_are_shown_as_such(module):
    """Everything that the page shows as code or as an argument is one: an example is indented
    deeper than another line after the first, and a line of a function that begins like "word: "
    explains an argument."""
    source = (SITE / "docstrings.py").read_text(encoding="utf-8")
    begins_item = re.search(r'NAMES = re.compile\(r"(.*)"\)', source).group(1)
    wrong = []
    for name, thing in public(module):
        thing = thing.fget if isinstance(thing, property) else thing
        if not (inspect.isfunction(thing) or inspect.isclass(thing)):
            continue
        # Python 3.13 takes the indentation out of docstrings itself.
        lines = (thing.__doc__ or "").splitlines()[1:] if sys.version_info < (3, 13) else []
        depths = [len(line) - len(line.lstrip()) for line in lines]
        if lines and min(itertools.compress(depths, map(str.strip, lines))) != depths[-1]:
            wrong.append(f"{name}: nothing but an example follows the first line")
        found = [re.match(begins_item, line) for line in inspect.getdoc(thing).splitlines()
                 ] if inspect.isfunction(thing) else []
        wrong += [f"{name}: {one.group(1)}" for one in filter(None, found)
                  if " and " not in one.group(1)
                  and not set(re.findall(r"\w+", one.group(1))) <= set(
                      inspect.signature(thing).parameters)]
    assert not wrong


def test_no_name_is_of_the_package_alone():
    """Names that are of no use to users are not in the reference."""
    for module in ("tbwriter", "tbwriter.testing"):
        names = [name for name, _ in public(module)]
        assert not [name for name in names if "fork" in name]
