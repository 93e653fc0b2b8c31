"""Every command of README, Getting started and the how-to pages works as printed, as a new user
tries it: in a fresh clone and environment, in the order of the page.

It installs packages and takes minutes, so it runs only with TBWRITER_PAGES=1, as in .ci/run.
"""
from __future__ import annotations

import os
import re
import shlex
import sys
from pathlib import Path

import pytest

from tests.support.pages import Walk, steps

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
INDEX = (DOCS / "howto" / "index.md").read_text(encoding="utf-8")
HOWTO = [DOCS / "howto" / name for name in re.findall(r"\]\(([\w-]+\.md)\)", INDEX)]
PAGES = [ROOT / "README.md", DOCS / "getting-started.md", *HOWTO]

# MXNet's wheels are for these.
MXNET = sys.version_info < (3, 12)


def test_each_page_is_walked():
    """The index leads to each how-to page, and there are enough commands to be worth a walk."""
    assert {*HOWTO, DOCS / "howto" / "index.md"} == set((DOCS / "howto").glob("*.md"))
    commands = [step for page in PAGES for step in steps(page.read_text(encoding="utf-8"))
                if step.command]
    assert sum(not step.reason for step in commands) >= 30
    for step in commands:
        words = shlex.split(step.command, comments=True)
        assert step.reason or not {"...", *filter(str.isupper, words)}.intersection(words), step


def test_steps_of_a_page():
    """Commands of blocks and sentences, programs and their names, reasons, and the order."""
    found = steps('''
# Title

<!-- run last -->
```python
first
```

## Install

```bash
pip install . # all of it
tbwriter demo x
```

<!-- not run: needs an account -->
```bash
tensorboard --logdir s3://x
```

Save this as `a.py` and run `python a.py`, then `tbwriter show\nx`, but `tbwriter.reader` is a name:

```python
program
```

    python -m x

''')
    assert [(step.command, step.code, step.path, step.reason) for step in found] == [
        ("pip install . # all of it", "", "", ""), ("tbwriter demo x", "", "", ""),
        ("tensorboard --logdir s3://x", "", "", "needs an account"),
        ("tbwriter show x", "", "", ""), ("", "program\n", "a.py", ""), ("python a.py", "", "", ""),
        ("python -m x", "", "", ""), ("", "first\n", "", "")]


@pytest.mark.parametrize("text, error", [
    ("<!-- not run: why -->\n\nNo command.\n", "no command follows"),
    ("<!-- not run: -->\n`tbwriter show x`\n", "reason is missing"),
    ("```text\ntbwriter show x\n```\n", "a command in a block of text"),
])
def test_a_page_that_hides_a_command(text, error):
    """A mark without a command or a reason, and a command where it is not run, are refused."""
    with pytest.raises(AssertionError, match=error):
        steps(text)


def fresh():
    """A skip, where nobody asked for the long tests."""
    return pytest.mark.skipif(
        not os.environ.get("TBWRITER_PAGES"),
        reason="makes environments, which takes minutes: TBWRITER_PAGES=1 runs it")


@fresh()
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("pages", [PAGES[:1], PAGES[1:]], ids=["README", "getting-started"])
def test_every_command(tmp_path, pages):
    """All commands end well, servers show every run of their directory, and stop when asked to."""
    walk = Walk(tmp_path, ROOT)
    for page in pages:
        walk.page(page.read_text(encoding="utf-8"), MXNET)
