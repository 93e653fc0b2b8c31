"""install() puts a module of compat in the place of the real one, and uninstall() takes it away."""
from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy
import PIL
import pytest

import tbwriter.compat
from tbwriter.compat import install, uninstall
from tests.support.judges import board, both_loaders

SOURCE = Path(__file__).parents[2] / "src"
NAMES = ["torch.utils.tensorboard", "tensorboardX", "mxboard", "tensorboard"]

# A package of each name, as it would be installed.
REAL = {
    "torch/__init__.py": "", "torch/utils/__init__.py": "",
    "torch/utils/tensorboard/__init__.py": "from .writer import FileWriter, SummaryWriter",
    "torch/utils/tensorboard/writer.py": "class FileWriter: pass\nclass SummaryWriter: pass",
    "torch/utils/tensorboard/summary.py": "from ._utils import HELP\n_helper = HELP\nscalar = None",
    "torch/utils/tensorboard/_utils.py": "from ._more import HELP",
    "torch/utils/tensorboard/_more.py": "HELP = 'real'",
    "tensorboardX/__init__.py": "from .writer import SummaryWriter",
    "tensorboardX/writer.py": "class SummaryWriter: pass",
    "tensorboardX/summary.py": "import a_package_that_is_not_there",
    "mxboard/__init__.py": "class SummaryWriter: pass",
    "tensorboard/__init__.py": "",
    "framework.py": "from torch.utils.tensorboard import SummaryWriter as Writer\n"
                    "import torch.utils.tensorboard as board\n",
}


def run(where: Path, code: str, real: bool = True) -> "subprocess.CompletedProcess[str]":
    """A program that finds the real packages of the test, or none, and what tbwriter needs."""
    if real:
        for name, content in REAL.items():
            (where / name).parent.mkdir(parents=True, exist_ok=True)
            (where / name).write_text(content + "\n")
    needed = where / "needed"
    needed.mkdir()
    for package in (numpy, PIL):
        folder = Path(str(package.__file__)).parent
        for one in folder.parent.glob(f"{folder.name}*"):
            (needed / one.name).symlink_to(one)
    for one in folder.parent.glob("pillow.libs"):
        (needed / one.name).symlink_to(one)
    code = "import sys\nfrom tbwriter.compat import install, uninstall\n" + code
    done = subprocess.run([sys.executable, "-S", "-c", code], cwd=str(where), text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          env={"PYTHONPATH": os.pathsep.join(map(str, (SOURCE, where, needed)))})
    assert done.returncode == 0, done.stderr
    return done


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("real", [True, False])
def test_before_the_import(tmp_path: Path, name: str, real: bool) -> None:
    """A framework imports our module afterwards, also where the original is not installed, and
    after uninstall the original, or none."""
    done = run(tmp_path, f"""
install({name!r})
from {name} import SummaryWriter, summary
import {name}.writer
assert SummaryWriter.__module__.startswith("tbwriter.compat."), SummaryWriter
assert SummaryWriter is sys.modules[{name!r} + ".writer"].SummaryWriter
uninstall({name!r})
assert {name!r} not in sys.modules
try:
    import {name} as module
except ImportError:
    assert not {real}
else:
    assert {real} and not module.__name__.startswith("tbwriter")
""".replace(f"import {name}.writer", f"from {name}.writer import FileWriter"), real)
    assert done.stderr.startswith(f"tbwriter: {name} is tbwriter.compat.")
    assert ("had not been imported" if real else "is not installed") in done.stderr


def test_after_the_import(tmp_path: Path) -> None:
    """Names that a framework imported before are replaced too; the report lists them, and uninstall
    restores them."""
    done = run(tmp_path, """
import framework, torch.utils.tensorboard
reals = [framework.Writer]
installed = install("torch.utils.tensorboard")
assert framework.Writer is framework.board.SummaryWriter is not reals[0]
assert torch.utils.tensorboard.SummaryWriter is framework.Writer
assert {"framework.Writer", "framework.board"} <= set(installed.rebound), installed.rebound
uninstall("torch.utils.tensorboard")
assert framework.Writer is framework.board.SummaryWriter is reals[0]
assert torch.utils.tensorboard.SummaryWriter is reals[0]
""")
    assert "had been imported" in done.stderr and "framework.Writer" in done.stderr


def test_other_submodules_stay(tmp_path: Path) -> None:
    """Submodules of the real one that have no counterpart here can be imported as before."""
    run(tmp_path, """
install("torch.utils.tensorboard", quiet=True)
from torch.utils.tensorboard._utils import HELP
from torch.utils.tensorboard.summary import hparams
import torch.utils
assert HELP == "real" and len(hparams({}, {})) == 3
from torch.utils.tensorboard import _more, _utils
assert _utils is sys.modules["torch.utils.tensorboard._utils"] and _utils.HELP is _more.HELP
assert _more.__name__ == "torch.utils.tensorboard._more"
assert not [name for name in sys.modules if name.startswith("tbwriter.compat.torch._")]
assert not hasattr(torch.utils.tensorboard, "_neither")
uninstall("torch.utils.tensorboard")
assert not hasattr(sys.modules["tbwriter.compat.torch"], "__getattr__")
import torch.utils.tensorboard
assert torch.utils.tensorboard.SummaryWriter.__module__ == "torch.utils.tensorboard.writer"
install("torch.utils.tensorboard", quiet=True)
assert torch.utils.tensorboard.SummaryWriter.__module__ == "tbwriter.compat.torch.writer"
""")


def test_context(tmp_path: Path) -> None:
    """As a context manager it undoes itself, once; quiet=True says nothing."""
    done = run(tmp_path, """
import tensorboardX
reals = [tensorboardX.SummaryWriter]
with install("tensorboardX", quiet=True) as installed:
    from tensorboardX import SummaryWriter
    assert SummaryWriter is installed.module.SummaryWriter is not reals[0]
from tensorboardX import SummaryWriter
assert SummaryWriter is reals[0]
with install("tensorboardX", quiet=True):
    uninstall("tensorboardX")
assert sys.modules["tensorboardX"] is tensorboardX
""")
    assert done.stderr == ""


def test_twice_and_unknown() -> None:
    """Twice is once; another name, or one that is not installed, is a ValueError."""
    first = install("mxboard", quiet=True)
    try:
        assert install("mxboard") is first and "mxboard is tbwriter.compat.mxboard" in str(first)
    finally:
        uninstall("mxboard")
    with pytest.raises(ValueError, match="want a module that is installed: none is"):
        uninstall("mxboard")
    with pytest.raises(ValueError, match="got the module 'visdom', want one of"):
        install("visdom")
    assert tbwriter.compat.__all__ == ["install", "uninstall"]


@both_loaders
def test_a_framework_logs(tmp_path: Path, loader: str) -> None:
    """Values that a framework logs with the module that it imported itself are shown."""
    with install("torch.utils.tensorboard", quiet=True):
        scope: Any = {}
        exec("from torch.utils.tensorboard import SummaryWriter\n"
             "from torch.utils.tensorboard.summary import hparams", scope)
        writer = scope["SummaryWriter"](log_dir=str(tmp_path))
        writer.add_scalar("loss", 0.5, 1)
        for summary in scope["hparams"]({"lr": 0.1}, {"loss": -1}):
            writer.file_writer.add_summary(summary)
        writer.close()
    with board(tmp_path, loader) as seen:
        assert seen.scalars(".", "loss") == [(1, 0.5)]
        assert "_hparams_/session_start_info" in seen.tags("hparams")


@pytest.mark.parametrize("before", ["import torch.utils.tensorboard.summary", ""])
def test_helpers_of_a_submodule_stay(tmp_path: Path, before: str) -> None:
    """Names of a replaced submodule that are not here, such as its own helpers, are those of the
    real one, whether that had been imported or not; never where there is a counterpart."""
    run(tmp_path, before + """
install("torch.utils.tensorboard", quiet=True)
from torch.utils.tensorboard.summary import _helper, scalar
assert _helper == "real" and scalar.__module__ == "tbwriter.compat.torch.summary"
assert not hasattr(sys.modules["torch.utils.tensorboard.summary"], "_neither")
install("tensorboardX", quiet=True)
from tensorboardX import summary, record_writer, torchvis
assert not any(hasattr(one, "_helper") for one in (summary, record_writer, torchvis))
uninstall("torch.utils.tensorboard")
uninstall("tensorboardX")
from torch.utils.tensorboard.summary import scalar
assert scalar is None and not hasattr(sys.modules["tbwriter.compat.torch.summary"], "_helper")
""")


def test_programs_that_patch_a_file_writer_see_nothing(tmp_path: Path) -> None:
    """add_scalar does not call FileWriter.add_summary or add_event, which such programs replace."""
    run(tmp_path, """
install("torch.utils.tensorboard", quiet=True)
from torch.utils.tensorboard import FileWriter, SummaryWriter
seen = []
FileWriter.add_summary = FileWriter.add_event = lambda *given: seen.append(given)
with SummaryWriter("run") as writer:
    writer.add_scalar("loss", 0.5, 0)
assert not seen
writer._get_file_writer().add_summary(None)
assert len(seen) == 1
""")
