"""The interpreter of each writer.

No environment can hold all writers: mxboard needs an old protobuf and MXNet an old numpy.
So there are several environments, each with an interpreter:

    main      the newest numpy, with torch, TensorFlow, tensorboardX, tensorboard and all of
              tbwriter's extras; by default the Python that runs the benchmarks
    mxboard   mxboard, protobuf 3.20.3, MXNet; tensorboardX
    numpy123  numpy 1.23, whose sort has no SIMD; tensorboardX

`python -m benchmarks.interpreters DIR` makes them with venv and pip, and needs nothing else;
`--homes DIR` or TBWRITER_BENCHMARK_HOMES uses them; `--python main=PATH` names one. A writer
without its environment does not take part, and the table reports that.
"""
from __future__ import annotations

import argparse
import os
import subprocess
import sys
import venv
from typing import Dict, List, Optional, Sequence

from .peers import OURS, WRITERS

# The peers are those of the tables in the docs; two of them need moviepy for videos, a row of
# docs/features.md. torch comes first: a wheel of it without CUDA that pip finds by PIP_FIND_LINKS
# counts as the same version, and saves some gigabytes.
HOMES: Dict[str, Sequence[str]] = {
    "main": ["torch==2.13.0", "tensorboardX==2.6.5", "tensorflow-cpu==2.21.0", "tensorboard",
             "numpy", "crcmod", "pillow", "google-crc32c", "isal", "crc32c", "soundfile",
             "moviepy<2", "matplotlib", "scikit-image", "scikit-learn"],
    "mxboard": ["mxboard==0.1.0", "protobuf==3.20.3", "mxnet==1.9.1", "numpy<1.24", "crcmod",
                "pillow", "google-crc32c", "crc32c", "tensorboardX==2.6.5"],
    "numpy123": ["numpy==1.23.5", "crcmod", "pillow", "google-crc32c", "crc32c",
                 "tensorboardX==2.6.5"],
}
VARIABLE = "TBWRITER_BENCHMARK_HOMES"


def setup(directory: str) -> None:
    """Make all environments below `directory` with pip. CalledProcessError where pip fails."""
    for home, packages in HOMES.items():
        place = os.path.join(directory, home)
        venv.create(place, with_pip=True)
        subprocess.run([_python(place), "-m", "pip", "install", "--quiet", *packages], check=True)


def find(directory: Optional[str], named: Sequence[str] = ()) -> Dict[str, str]:
    """{home: interpreter}. named: "home=path" each; ValueError for others."""
    found = {"main": sys.executable}
    directory = directory or os.environ.get(VARIABLE)
    for home in HOMES:
        if directory and os.path.exists(_python(os.path.join(directory, home))):
            found[home] = _python(os.path.join(directory, home))
    for name in named:
        home, is_one, path = name.partition("=")
        if not is_one or home not in HOMES:
            raise ValueError(f"got {name!r}, want HOME=PATH with one of {', '.join(HOMES)}")
        found[home] = path
    return found


def missing(found: Dict[str, str], writers: Sequence[str]) -> Dict[str, str]:
    """{writer that is not measured: the reason}"""
    absent: Dict[str, str] = {}
    for home in HOMES:
        here: List[str] = [name for name in writers if WRITERS[name].home == home and name != OURS]
        if home not in found:
            absent.update((name, f"no interpreter for {home!r}, see benchmarks.interpreters")
                          for name in here)
            continue
        for name in here:
            module = f"{__package__}.peers.{WRITERS[name].module}"
            tried = subprocess.run([found[home], "-c", f"import {module}"], env=environ({}),
                                   capture_output=True, text=True)
            if tried.returncode:
                absent[name] = (tried.stderr.strip().splitlines() or ["cannot be imported"])[-1]
    return absent


def environ(more: Dict[str, str]) -> Dict[str, str]:
    """The environment of a process that can import this package, tbwriter, and little else."""
    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    paths = [root, os.path.join(root, "src"), os.environ.get("PYTHONPATH", "")]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in paths if path),
            # Write bytecode: installed packages have it, and tbwriter must not start more slowly.
            "PYTHONDONTWRITEBYTECODE": "",
            "PYTHONHASHSEED": "0", "CUDA_VISIBLE_DEVICES": "", **more}


def _python(place: str) -> str:
    return os.path.join(place, "Scripts" if os.name == "nt" else "bin", "python")


if __name__ == "__main__":
    _parser = argparse.ArgumentParser(prog="python -m benchmarks.interpreters",
                                      description="Make the environments of the peers with pip.")
    _parser.add_argument("directory", metavar="DIR", help="such as .venv-benchmarks")
    setup(_parser.parse_args().directory)
