"""Every command of the pages, and of those that programs print, works as printed, as a new user
tries it: in a fresh clone and environment, in the order of the page.

It installs packages and takes minutes, so it runs only with TBWRITER_PAGES=1, as in .ci/run.
"""
from __future__ import annotations

import ast
import contextlib
import importlib.util
import os
import re
import shlex
import sys
from pathlib import Path

import pytest

from tests.support.data import record_of, scalar_event, written
from tests.support.pages import PLACEHOLDERS, Walk, steps

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
INDEX = (DOCS / "howto" / "index.md").read_text(encoding="utf-8")
HOWTO = [DOCS / "howto" / name for name in re.findall(r"\]\(([\w-]+\.md)\)", INDEX)]
FIRST = [DOCS / "getting-started.md", *HOWTO]
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))
# Their Python blocks run in test_docs.py; here only those run that precede a command.
OTHERS = [DOCS / f"{name}.md" for name in (
    "command-line", "check", "faq", "kinds", "mxnet", "mxnet-details", "profile", "object-stores",
    "reader", "promises", "migrating", "features", "inside", "contributing")] + [
        ROOT / "benchmarks" / "README.md"]
PAGES = [ROOT / "README.md", *FIRST, *OTHERS, *EXAMPLES]

# MXNet's wheels are for these.
MXNET = sys.version_info < (3, 12)

# {reason: commands that are not run}
NOT_RUN = {
    "another machine is needed": [
        "ssh -L 6006:localhost:6006 user@server", "ssh -L 16006:localhost:6007 ..."],
    "listens on all interfaces": ["tensorboard --logdir runs --bind_all"],
    ".ci/run begins with it, or with its parts": [
        "python3.11 -m venv .venv && .venv/bin/pip install -q -e '.[mxnet,fast,remote,test]' && "
        ".venv/bin/python -m pytest",
        "python3.11 -m venv .venv", ".venv/bin/pip install -e '.[mxnet,fast,remote,test,bench]'",
        ".venv/bin/python -m pytest tests/proto tests/summary", "python -m pytest"],
    ".ci/run has an environment of XProf, in which tests/profile/xprof/test_dashboard.py looks": [
        "python3 -m venv viewer", 'viewer/bin/pip install tensorboard xprof "setuptools<80"',
        "viewer/bin/tensorboard --logdir runs --load_fast=false"],
    ".ci/run builds the site with it": ["mkdocs build --strict -f docs/site/mkdocs.yml"],
    "the other writers are needed, gigabytes, and minutes to an hour": [
        "python -m benchmarks", "python -m benchmarks networks", "python -m benchmarks --quick",
        "python -m benchmarks scalar image --against tensorboardX",
        "python3.11 -m benchmarks.interpreters .venv-benchmarks",
        ".venv-benchmarks/main/bin/python -m benchmarks --homes .venv-benchmarks",
        "python -m benchmarks.reading --rounds 7",
        "python -m benchmarks.mxnet_overhead --rounds 8 --python mxboard=PATH",
        "python -m tests.peers.measure --python torch=PYTHON --python tensorboardX=PYTHON "
        "--python mxboard=PYTHON --python tf.summary=PYTHON --write",
        "python -m tests.faults.table --peers PYTHON --write"],
    "measures or tries for minutes to an hour": [
        "python -m benchmarks.profile_spans", "python -m benchmarks.mxnet_profile",
        "python -m tests.faults.table --write", "python -m tests.faults.soak --minutes 60",
        "python -m tests.fuzz_writer 100000", "python -m tests.files.fuzz_reader 600",
        "python -m tests.mutants --seed 1",
        "python -m tests.mutants --seed 13 --count 300 --mirror --minutes 54",
        "python -m tests.mutants --seed 14 --count 160 --mirror --minutes 60",
        "python -m tests.mutants --seed 15 --count 40 --mirror --minutes 35"],
    "takes the pictures of the pages anew": ["python -m docs.pictures"],
    "README's walk has it, with the Python of its environment": [
        "python examples/mnist_module.py"],
    "an option of any program": ["python -W error"],
    "a row of a table: the page has the command with its arguments below": [
        "tbwriter demo DIR", "tbwriter merge DIR... OUT", "tbwriter reduce DIR... OUT",
        "tbwriter profile DUMP DIR", "tbwriter COMMAND --help"],
}
LEFT_OUT = {command for commands in NOT_RUN.values() for command in commands}

# Commands that report a fault, as they should.
FAULTY = {"tbwriter check runs/broken": 1}


def text_of(page):
    """The text of a page, and what is said first in a program."""
    text = page.read_text(encoding="utf-8")
    return f"{ast.get_docstring(ast.parse(text), False)}\n" if page.suffix == ".py" else text


def plain(command):
    """A command without its comment."""
    return command.partition(" #")[0].strip()


def todo(page):
    """The steps of a page that can be done here."""
    needs_mxnet = page.suffix == ".py" and "import mxnet" in page.read_text(encoding="utf-8")
    found = []
    for step in steps(text_of(page)):
        # Later blocks of these pages use names of the first that imports MXNet.
        needs_mxnet = needs_mxnet and page not in FIRST or step.needs_mxnet
        if plain(step.command) not in LEFT_OUT and (MXNET or not needs_mxnet):
            found.append(step._replace(status=FAULTY.get(step.command, 0)))
    return found


def test_each_page_is_walked():
    """Every page and example is walked, and each command is done or left out with a reason."""
    assert {*HOWTO, DOCS / "howto" / "index.md"} == set((DOCS / "howto").glob("*.md"))
    assert {*DOCS.rglob("*.md"), *(ROOT / "benchmarks").rglob("*.md")} == {
        page for page in PAGES if page.suffix == ".md"} - {ROOT / "README.md"} | {
            DOCS / "howto" / "index.md"}
    commands = [step.command for page in PAGES for step in steps(text_of(page)) if step.command]
    done = [command for command in commands if plain(command) not in LEFT_OUT]
    assert len(done) >= 75
    assert not LEFT_OUT.difference(map(plain, commands))  # nothing is listed in vain
    for command in done:
        words = shlex.split(command, comments=True)
        capitals = {word for word in words if re.fullmatch(r"[A-Z]{2,}|\.\.\.", word)}
        assert capitals <= {*PLACEHOLDERS}, command
        assert "-m tests." not in command, f"{command}: give the reason in NOT_RUN"


def test_steps_of_a_page():
    """Commands of blocks and sentences, programs and their names, and the order."""
    found = steps('''
# Title

<!-- run last -->
```python
first
```

## Install

```bash
pip install . # all of it
tbwriter demo x \\
    --view
```

```
$ tbwriter show x
nothing
```

Save this as `a.py` and run `python a.py`, then `tbwriter show\nx`, but `tbwriter.reader` and
`tbwriter show` are names:

```python
program
```

    python -m x

''')
    assert [(step.command, step.code, step.path) for step in found] == [
        ("pip install . # all of it", "", ""), ("tbwriter demo x --view", "", ""),
        ("tbwriter show x", "", ""), ("tbwriter show x", "", ""), ("", "program\n", "a.py"),
        ("python a.py", "", ""), ("python -m x", "", ""), ("", "first\n", "")]


def test_a_page_that_hides_a_command():
    """A command in a block that is not run is refused."""
    with pytest.raises(AssertionError, match="a command in a block of text"):
        steps("```text\ntbwriter show x\n```\n")


def test_errors_name_commands_that_are_tried():
    """Every command that the source prints to cure a lack is one of those tried here."""
    found = {cure for path in (ROOT / "src").rglob("*.py")
             for cure in re.findall(r"pip install ('.*?'|[\w\[\]]+)", path.read_text("utf-8"))}
    assert found == {"'tbwriter[remote]'", "'tbwriter[frame]'", "tensorboard"}


def fresh():
    """A skip, unless the long tests were requested."""
    return pytest.mark.skipif(
        not os.environ.get("TBWRITER_PAGES"),
        reason="makes environments, which takes minutes: TBWRITER_PAGES=1 runs it")


@fresh()
@pytest.mark.timeout(3600)
def test_readme_and_examples(tmp_path):
    """All commands end well, servers show every run of their directory, and stop when asked to."""
    walk = Walk(tmp_path, ROOT)
    walk.do(todo(ROOT / "README.md"))
    # TensorBoard is missing: the demo says how to install it, and how to start it.
    walk.run("pip uninstall -q -y tensorboard")
    printed = walk.run("tbwriter demo runs/without")
    for command in ("pip install tensorboard", "tensorboard --logdir runs/without"):
        assert f"\n    {command}\n" in printed
        walk.run(command)
    if MXNET:
        walk.run(". .venv/bin/activate")
    for example in EXAMPLES:
        walk.do(todo(example))


@fresh()
@pytest.mark.timeout(3600)
def test_other_pages(tmp_path):
    """Getting started and the how-to pages whole; of the others, all that leads to a command."""
    walk = Walk(tmp_path, ROOT)
    walk.do(todo(FIRST[0]))
    walk.cure("import tbwriter; tbwriter.SummaryWriter('memory://bucket/run').close()")
    with store() as environment:
        walk.environment.update(environment)
        for page in FIRST[1:]:
            walk.do(todo(page))
        walk.run("tbwriter demo runs/demo")
        break_run(walk.clone / "runs" / "broken")
        for page in OTHERS:
            if page.stem == "reader":  # after MXNet's pages: pandas brings a numpy that breaks it
                walk.cure("from tbwriter import reader; reader.frame('runs')")
            found = todo(page)
            last = max((number for number, step in enumerate(found) if step.command), default=-1)
            walk.do(found[:last + 1])


@contextlib.contextmanager
def store():
    """The environment for `s3://bucket`, on this machine, with a run in it."""
    from tests.support import stores
    assert importlib.util.find_spec("moto"), "moto's S3 server is not installed"
    with stores.s3() as running:
        from tbwriter import SummaryWriter
        with SummaryWriter(f"{running.url}/logs/run") as writer:
            writer.add_scalar("loss", 0.5, 0)
        yield {name: value for name, value in os.environ.items() if name.startswith(("AWS", "S3"))}


def break_run(directory):
    """A run whose third record is torn."""
    records = [record_of(scalar_event("x", float(i), i)) for i in range(5)]
    path = written(directory, [])
    path.write_bytes(path.read_bytes() + b"".join([*records[:2], records[2][:20], *records[3:]]))
