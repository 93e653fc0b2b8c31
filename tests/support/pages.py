"""The pages of the documentation as a reader follows them: commands and programs, in their order.

    steps(text)                what a page asks its reader to do
    Walk(directory, root)      a shell and a Python that do it, in a clone of the repository

What follows `<!-- run last -->`, up to the next heading, is run at the end of its page.
"""
from __future__ import annotations

import fcntl
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any, List, NamedTuple, Optional, Sequence, Set

# The time limit of a command in seconds.
PATIENCE = 600

PROGRAMS = re.compile(r"(?:\S*/)?(?:tbwriter|tensorboard|pip|python3?(?:\.\d+)?|ssh|mkdocs)\s")
TOKENS = re.compile(
    r"<!--(?P<comment>.*?)-->|^```(?P<language>\w*)\n(?P<block>.*?)^```$"
    r"|^(?P<heading>#+) |(?<=\n\n)(?P<indented>(?: {4}[^\n]*\n)+)|`(?P<inline>[^`]+)`",
    re.DOTALL | re.MULTILINE)
# In a text, `tbwriter repair` is a name; the command has arguments.
NAME = re.compile(r"tbwriter \S+")

# A page may leave its reader to choose these.
PLACEHOLDERS = ("DIR", "OUT", "FILE")

# The pages about object stores write one run.
RUNS_OF_URLS = {"run"}

# What a clone needs for the commands of the pages.
CLONED = ("README.md", "LICENSE", "setup.cfg", "setup.py", "src", "docs", "examples", "benchmarks")

PYTHON = """
import json, sys, traceback
names = {"__name__": "__main__"}
for line in sys.stdin:
    try:
        exec(json.loads(line), names)
        raised = ""
    except BaseException:
        raised = traceback.format_exc()
    print("\\n" + json.dumps({"raised": raised}), flush=True)
"""


class Step(NamedTuple):
    """One thing to do: a shell command, or a Python block, which is saved where `path` is given."""

    command: str = ""
    code: str = ""
    path: str = ""
    status: int = 0

    @property
    def needs_mxnet(self) -> bool:
        """Whether it works only where MXNet can be installed."""
        return bool(re.search(r"mxnet|numpy<1\.24", self.command + self.code))


def steps(text: str) -> List[Step]:
    """The steps of a page: each line of its shell blocks, its Python blocks, its inline commands.

    "Save this as `first.py` and run `python first.py`" is done with the block that follows.
    """
    first: List[Step] = []
    last: List[Step] = []
    found, program = first, Step()
    for token in TOKENS.finditer(text):
        inline = " ".join((token["inline"] or "").split())
        if token["heading"] or (token["comment"] or "").strip() == "run last":
            found = first if token["heading"] else last
        elif re.fullmatch(r"\w+\.py", inline):
            program = Step(path=inline)
        elif program.path and inline == f"python {program.path}":
            program = program._replace(command=inline)
        elif token["language"] == "python":
            found.append(Step(code=token["block"], path=program.path))
            found += [Step(program.command)] if program.command else []
            program = Step()
        elif token["block"] is not None:
            found += map(Step, _of_block(token["language"], token["block"]))
        elif token["indented"] or not NAME.fullmatch(inline):
            lines = _lines(token["indented"] or inline)
            found += [Step(line) for line in lines if PROGRAMS.match(line)]
    return first + last


def _lines(text: str) -> List[str]:
    """The commands of a text, with those that end with a backslash joined."""
    return [line.strip() for line in re.sub(r"\s*\\\n\s*", " ", text).splitlines()]


def _of_block(language: str, block: str) -> List[str]:
    """The commands of a block that is not Python."""
    if language == "bash":
        return _lines(block)
    if not language:
        return re.findall(r"^\$ (.*)$", block, re.MULTILINE)
    hidden = [line for line in block.splitlines() if PROGRAMS.match(line)]
    assert not hidden, f"a command in a block of {language}: {hidden[0]}"
    return []


class Walk:
    """A person at a terminal in a clone: what a command changes in the shell stays for the next.

    `python3` and `python3.11` are the interpreter of the tests, without its packages.
    """

    def __init__(self, directory: Path, checkout: Path) -> None:
        self.clone = directory / "tbwriter"
        self.clone.mkdir()
        for name in CLONED:
            source = checkout / name
            if source.is_dir():
                shutil.copytree(source, self.clone / name, ignore=shutil.ignore_patterns(
                    "__pycache__", "*.egg-info"))
            else:
                shutil.copy(source, self.clone / name)
        self.saved = directory / "environment"
        self._made = 0
        interpreters = directory / "bin"
        interpreters.mkdir()
        python = os.path.realpath(sys.executable)
        for name in ("python3", "python3.11"):
            (interpreters / name).write_text(f'#!/bin/sh\nexec {shlex.quote(python)} "$@"\n')
            (interpreters / name).chmod(0o755)
        folders = [folder for folder in os.environ["PATH"].split(os.pathsep)
                   if not Path(folder).parent.joinpath("pyvenv.cfg").exists()]
        self.environment = {**os.environ, "PATH": os.pathsep.join([str(interpreters), *folders])}
        for name in ("PYTHONPATH", "VIRTUAL_ENV"):
            self.environment.pop(name, None)

    def do(self, todo: Sequence[Step]) -> None:
        """Do the steps of one page."""
        python: Optional["subprocess.Popen[str]"] = None
        try:
            for step in todo:
                if step.command:
                    for printed in _printed(self.run(step.command, step.status)):
                        self.run(printed)
                elif step.path:
                    (self.clone / step.path).write_text(step.code, encoding="utf-8")
                else:
                    python = python or self._python()
                    _exec(python, step.code)
        finally:
            if python:
                python.communicate(timeout=PATIENCE)

    def cure(self, code: str) -> None:
        """The program lacks a package, does as the error says, and works."""
        command = f"python -c {shlex.quote(code)}"
        error = self.run(command, 1)
        cure, = re.findall(r"pip install (?:'[^']*'|\S+)", error.splitlines()[-1])
        self.run(cure)
        self.run(command)

    def run(self, command: str, status: int = 0) -> str:
        """Run one command, which ends with this status; gives what it prints."""
        first, _, second = command.partition(" && tensorboard ")
        if second:
            return self.run(first) + self.run(f"tensorboard {second}")
        command = re.sub(rf"\b({'|'.join(PLACEHOLDERS)})\b", self._chosen, command)
        words = shlex.split(command, comments=True)
        program = os.path.basename(words[0])
        if program == "tensorboard" or "--view" in words:
            return self._serve(command, words)
        if program == "tbwriter" and words[1] == "tail" and "--once" not in words:
            return self._follow(command)
        done = subprocess.run(
            ["bash", "-c", f"set -e\n{command}\nenv -0 > {shlex.quote(str(self.saved))}"],
            cwd=self.clone, env=self.environment, stdin=subprocess.DEVNULL, timeout=PATIENCE,
            text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        assert done.returncode == status, f"$ {command}\n{done.stdout[-3000:]}"
        saved = self.saved.read_text().split("\0")
        self.environment = dict(pair.split("=", 1) for pair in saved if "=" in pair)
        return done.stdout

    def _chosen(self, placeholder: "re.Match[str]") -> str:
        """A directory with runs, or a new path for what is written."""
        if placeholder.group() == "DIR":
            return "runs/demo"
        self._made += 1
        return f"made{self._made}"

    def _start(self, command: str, log: Path) -> "subprocess.Popen[bytes]":
        with log.open("wb") as file:
            return subprocess.Popen(
                ["bash", "-c", f"exec {command}"], cwd=self.clone, stdin=subprocess.DEVNULL,
                stdout=file, stderr=subprocess.STDOUT,
                env={**self.environment, "PYTHONUNBUFFERED": "1"})

    def _serve(self, command: str, words: List[str]) -> str:
        """Start a server, ask it for its runs until it has all of its directory, and stop it.

        Of two tests that run at the same time, one waits: a page names a port.
        """
        with open(Path(tempfile.gettempdir(), "tbwriter-pages.lock"), "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            return self._served(command, words)

    def _served(self, command: str, words: List[str]) -> str:
        log = self.saved.with_name("server.log")
        server = self._start(command, log)
        directory = words[words.index("--logdir") + 1 if "--logdir" in words else 2]
        try:
            address = _wait(lambda: re.search(r"http://[\w.]+:\d+/", log.read_text()), server, log)
            ask = f"{address.group()}data/runs"
            _wait(lambda: self._wanted(directory) == set(_ask(ask)), server, log)
        finally:
            server.terminate()
            server.wait(PATIENCE)
        _wait(lambda: not _answers(ask), None, log)
        return ""

    def _wanted(self, directory: str) -> Set[str]:
        """The runs of a log directory, by the names that TensorBoard gives them."""
        if "://" in directory:
            return RUNS_OF_URLS
        path = self.clone / directory
        return {file.parent.relative_to(path).as_posix() for file in path.rglob("*tfevents*")}

    def _follow(self, command: str) -> str:
        """Start a program that runs until Ctrl-C, and stop it after its first lines."""
        log = self.saved.with_name("follow.log")
        process = self._start(command, log)
        try:
            _wait(lambda: log.read_text().count("\n") > 1, process, log)
        finally:
            process.send_signal(signal.SIGINT)
            assert process.wait(PATIENCE) == 0, f"$ {command}\n{log.read_text()[-3000:]}"
        return ""

    def _python(self) -> "subprocess.Popen[str]":
        # "python" is looked up in the PATH of the shell, not in that of the tests.
        return subprocess.Popen(["bash", "-c", 'exec python -c "$0"', PYTHON], cwd=self.clone,
                                env=self.environment, text=True, stdin=subprocess.PIPE,
                                stdout=subprocess.PIPE)


def _exec(python: "subprocess.Popen[str]", code: str) -> None:
    assert python.stdin and python.stdout
    python.stdin.write(json.dumps(code) + "\n")
    python.stdin.flush()
    for line in python.stdout:
        if line.startswith('{"raised": '):
            raised = json.loads(line)["raised"]
            assert not raised, f"{code}\n{raised}"
            return
    raise AssertionError(f"Python ended:\n{code}")


def _printed(text: str) -> List[str]:
    """The commands that a program prints for its reader, in lines of their own."""
    found = re.findall(r"^ {4}(\S.*)$", text, re.MULTILINE)
    return list(dict.fromkeys(line for line in found if PROGRAMS.match(line)))


def _ask(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=PATIENCE) as answer:
        return json.load(answer)


def _answers(url: str) -> bool:
    try:
        _ask(url)
    except OSError:
        return False
    return True


def _wait(done: Any, process: Any, log: Path) -> Any:
    """The first true answer of `done`, while `process` runs."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and (process is None or process.poll() is None):
        answer = done()
        if answer:
            return answer
        time.sleep(0.2)
    raise AssertionError(log.read_text()[-3000:])
