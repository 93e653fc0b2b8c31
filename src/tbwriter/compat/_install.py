"""Replace a module by its counterpart in this folder, for frameworks that import the module
themselves.

    with tbwriter.compat.install("torch.utils.tensorboard"):
        trainer.fit(model)
"""
from __future__ import annotations

import os
import sys
from contextlib import suppress
from functools import partial
from importlib import import_module
from importlib.machinery import PathFinder
from importlib.util import find_spec, module_from_spec
from types import ModuleType
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

from .._foreign import let_signals

# {what is replaced: (the module here, its submodules)}
_MODULES: Dict[str, Tuple[str, Tuple[str, ...]]] = {
    "torch.utils.tensorboard": ("torch", ("writer", "summary")),
    "tensorboardX": ("tensorboardX", ("writer", "summary", "global_writer", "record_writer",
                                      "event_file_writer", "torchvis")),
    "mxboard": ("mxboard", ("writer", "summary")),
    "tensorboard": ("tensorboard", ("writer", "summary", "record_writer", "event_file_writer",
                                    "src", "src.summary_pb2")),
}
_PACKAGE = __name__.rpartition(".")[0]

_installed: Dict[str, "Installed"] = {}


class _Rebound(NamedTuple):
    """A name in a module that was imported before, and its value; None where it had none."""

    module: ModuleType
    name: str
    former: Any


class Installed:
    """The result of `install`; a context manager that undoes it. `str()` describes it in a
    sentence.

    name: the module that was replaced. module: the module of tbwriter in its place.
    rebound: names in modules imported before, as "module.name", that are tbwriter's now.
    """

    def __init__(self, name: str) -> None:
        here, parts = _MODULES[name]
        self.name = name
        self.module = import_module(f"{_PACKAGE}.{here}")
        self._names = [name, *(f"{name}.{part}" for part in parts)]
        self._path = list(self.module.__path__)
        real = _path_of(name)
        self.found = bool(real)
        self._former = {one: sys.modules[one] for one in self._names if one in sys.modules}
        self._rebound: List[_Rebound] = []
        # Submodules that are not replaced, such as helpers, are those of the original.
        self._real = real
        self._loaded: Dict[str, Optional[ModuleType]] = dict(self._former)
        self.module.__path__ = self._path + [one for one in real if one not in self._path]
        for one in self._names:
            module = sys.modules[one] = import_module(self.module.__name__ + one[len(name):])
            # So are names that do not exist here, such as a submodule's own helpers.
            vars(module)["__getattr__"] = partial(self._elsewhere, one)
        self._bind(_parent_of(name), name.rpartition(".")[2], self.module)
        if name in self._former:
            self._rebind(self._former[name])

    @property
    def rebound(self) -> List[str]:
        return [f"{one.module.__name__}.{one.name}" for one in self._rebound]

    def __str__(self) -> str:
        real = "is not installed" if not self.found else "had been imported" \
            if self.name in self._former else "had not been imported"
        text = f"{self.name} is {self.module.__name__} now; the module of that name {real}"
        others = [one for one in self.rebound if one != self.name]
        if others:
            text += f"; replaced in modules imported before: {', '.join(others)}"
        return text

    def __enter__(self) -> "Installed":
        return self

    def __exit__(self, *exc_info: object) -> None:
        if _installed.get(self.name) is self:
            uninstall(self.name)

    def _elsewhere(self, module: str, name: str) -> Any:
        """What `module`, which is replaced, has under a `name` that has no counterpart here: a
        submodule, or anything in the real one."""
        if not name.startswith("__"):
            if module == self.name:  # `from module import name` asks for this first
                with suppress(ImportError):
                    return import_module(f"{module}.{name}")
            if module not in self._loaded:
                self._loaded[module] = None  # also while it is loaded
                self._loaded[module] = _beside(module, self.name, self._real)
            real = self._loaded[module]
            if real is not None and name in vars(real):
                return vars(real)[name]
        raise AttributeError(f"module {module!r} has no attribute {name!r}")

    def _rebind(self, real: ModuleType) -> None:
        """Replace the names that other modules imported from the original."""
        ours = {id(vars(real)[name]): value for name, value in vars(self.module).items()
                if name in vars(real) and isinstance(value, (type, ModuleType))}
        ours[id(real)] = self.module
        own = set(map(id, self._former.values()))
        for module in list(sys.modules.values()):
            if isinstance(module, ModuleType) and id(module) not in own \
                    and not module.__name__.startswith(_PACKAGE):
                for name, value in list(vars(module).items()):
                    if id(value) in ours:
                        self._bind(module, name, ours[id(value)])

    def _bind(self, module: Optional[ModuleType], name: str, value: Any) -> None:
        if module is not None:
            self._rebound.append(_Rebound(module, name, vars(module).get(name)))
            setattr(module, name, value)

    def undo(self) -> None:
        """Restore everything; for `uninstall`."""
        for one in self._names:
            sys.modules.pop(one, None)
            del vars(import_module(self.module.__name__ + one[len(self.name):]))["__getattr__"]
        sys.modules.update(self._former)
        self.module.__path__ = self._path
        for bound in reversed(self._rebound):
            if bound.former is None:
                vars(bound.module).pop(bound.name, None)
            else:
                setattr(bound.module, bound.name, bound.former)


def install(name: str, *, quiet: bool = False) -> Installed:
    """Make `import name` import tbwriter's module, in this process, until `uninstall(name)`.

        install("torch.utils.tensorboard")
        from torch.utils.tensorboard import SummaryWriter

    name: "torch.utils.tensorboard", "tensorboardX", "mxboard", or "tensorboard" (MXNet's of 2017;
        Google's TensorBoard cannot be imported meanwhile).
    quiet: do not report on stderr what was replaced.

    Works whether or not the original is installed, before and after its import: names that other
    modules imported from it are replaced too; its submodules that have no counterpart here stay.
    Existing writers are not changed. A spawned process imports its modules again: call `install`
    there too, at the top of the program.

    Returns a description, which is also a context manager: `with install(name): ...` undoes the
    replacement at the end. Installing twice changes nothing. Raises ValueError for another name.
    """
    if name not in _MODULES:
        raise ValueError(f"got the module {name!r}, want one of {', '.join(_MODULES)}")
    if name not in _installed:
        _installed[name] = Installed(name)
        if not quiet:
            print(f"tbwriter: {_installed[name]}", file=sys.stderr)
    return _installed[name]


def uninstall(name: str) -> None:
    """Undo `install(name)`.

        uninstall("torch.utils.tensorboard")

    Raises ValueError if it is not installed.
    """
    if name not in _installed:
        raise ValueError(f"got {name!r}, want a module that is installed: "
                         f"{', '.join(_installed) or 'none is'}")
    _installed.pop(name).undo()


def _parent_of(name: str) -> Optional[ModuleType]:
    """The package that contains `name`, imported if it is installed: its attribute is the
    module."""
    parent = name.rpartition(".")[0]
    if not parent or (parent not in sys.modules and find_spec(name.partition(".")[0]) is None):
        return None
    return import_module(parent)


def _path_of(name: str) -> List[str]:
    """The directories of the real module; none where it is not installed."""
    if name in sys.modules:
        return list(getattr(sys.modules[name], "__path__", ()))
    try:
        spec = find_spec(name)
    except ImportError:  # of a package that it is in
        return []
    return [] if spec is None else list(spec.submodule_search_locations or ())


def _beside(name: str, package: str, path: List[str]) -> Optional[ModuleType]:
    """The real submodule `name` of `package`, which is in the directories `path`, under no name in
    `sys.modules`; None if it does not exist or can't be imported."""
    parents = name[len(package) + 1:].split(".")[:-1]
    spec = PathFinder.find_spec(name, [os.path.join(one, *parents) for one in path])
    if name == package or spec is None or spec.loader is None:
        return None
    module = module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # a package that it needs is missing
        let_signals(error)
        return None
    return module
