"""Every Python block of the documentation runs as it stands.

The blocks of one page share their names, and run in an empty directory, in a process of their own.
"""
from __future__ import annotations

import ast
import configparser
import contextlib
import functools
import importlib
import importlib.util
import inspect
import io
import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tbwriter import FileWriter, SummaryWriter, reader
from tbwriter.cli import _parser, main

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("**/*.md"))]
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)

# What a reader may not have: a block that imports one of these is skipped where it is missing.
OPTIONAL = ("mxnet", "torch", "matplotlib", "tensorboard", "tensorflow", "fsspec", "s3fs", "jax",
            "tqdm", "pandas",
            # Frameworks, whose recipes have environments of their own (compat/test_frameworks.py).
            "accelerate", "lightning", "transformers", "ignite", "stable_baselines3", "ray",
            "skorch", "fastai", "gluonts")
PATIENCE = 300

DRIVER = """
import json, sys, traceback
names, results, missing = {"__name__": "__main__"}, [], ""
for line, code in json.load(sys.stdin):
    try:
        exec(compile("\\n" * line + code, sys.argv[1], "exec"), names)
        results.append(["passed", ""])
    except ImportError as error:
        missing = (error.name or "").partition(".")[0]
        results.append(["missing", missing] if missing else ["failed", traceback.format_exc()])
    except NameError as error:
        # A name from a block that was skipped.
        results.append(["missing", missing] if missing else ["failed", traceback.format_exc()])
    except BaseException:
        results.append(["failed", traceback.format_exc()])
with open(sys.argv[2], "w") as file:
    json.dump(results, file)
"""


def blocks(page):
    """[(line number, code)] of a page."""
    text = page.read_text(encoding="utf-8")
    return [(text.count("\n", 0, match.start(1)), match.group(1))
            for match in BLOCK.finditer(text)]


def cases():
    return [pytest.param(page, number, id=f"{page.name}:{line}")
            for page in PAGES for number, (line, _) in enumerate(blocks(page))]


@functools.lru_cache(maxsize=None)
def results(page):
    """[(result, why)] of a page's blocks, which run once."""
    with tempfile.TemporaryDirectory() as scratch:
        answer = Path(scratch, "results.json")
        (Path(scratch) / "empty").mkdir()
        environment = {**os.environ, "MPLBACKEND": "Agg", "PYTHONPATH": os.pathsep.join(
            [str(ROOT / "src"), *filter(None, [os.environ.get("PYTHONPATH")])])}
        process = subprocess.run(
            [sys.executable, "-c", DRIVER, page.name, str(answer)], input=json.dumps(blocks(page)),
            cwd=str(Path(scratch) / "empty"), env=environment, timeout=PATIENCE, text=True,
            capture_output=True)
        assert answer.exists(), process.stderr[-3000:]
        return json.loads(answer.read_text())


@pytest.mark.parametrize("page, number", cases())
def test_block(page, number):
    """The block raises nothing; it is skipped only where a package that it needs is missing."""
    result, why = results(page)[number]
    if result == "missing" and why in OPTIONAL:
        pytest.skip(f"needs {why}")
    assert result == "passed", why


def test_links():
    """Every relative link leads to a file of the repository."""
    links = [(page, target) for page in PAGES
             for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text(encoding="utf-8"))
             if "://" not in target]
    assert len(links) > 50
    for page, target in links:
        assert (page.parent / target).exists(), f"{page.name}: {target}"


def sections():
    """(page, heading, text) of every part of the pages that says something about behaviour.

    docs/features.md and the table of docs/promises.md have a test in each row, which tests of
    their own check.
    """
    for page in PAGES:
        if page.name == "features.md" or page.parent.name == "site":
            continue
        text = re.sub(r"^```.*?^```$", lambda block: block.group().replace("#", " "),
                      page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
        if page.name == "promises.md":
            text = text.partition("## The table")[0]
        for part in re.split(r"^(?=#)", text, flags=re.MULTILINE)[1:]:
            yield page, part.partition("\n")[0].strip("# "), part


@pytest.mark.parametrize("page, heading, text", [
    pytest.param(*section, id=f"{section[0].name}:{section[1]}") for section in sections()])
def test_every_section_is_backed(page, heading, text):
    """Tests prove the statements of each section, which names them in its table or in a comment."""
    assert names_of_tests(page, text) \
        or re.search(r"`\w+(/\w+)*\.py::test_\w+` \|$", text, re.MULTILINE), heading


def names_of_tests(page, text):
    """The tests in the comments of a text, all of which exist."""
    named = [name for comment in re.findall(r"<!-- tests:(.*?)-->", text, re.DOTALL)
             for name in comment.split()]
    for name in named:
        path, _, function = name.partition("::")
        code = (ROOT / "tests" / path).read_text(encoding="utf-8")
        assert not function or re.search(rf"^def {function}\(", code, re.MULTILINE), (page, name)
    return named


def test_what_is_installed():
    """README names what setup.cfg requires, each extra with its packages, and the Pythons."""
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg", encoding="utf-8")
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    section, = re.findall(r"^## What is installed$(.*?)^## ", text, re.DOTALL | re.MULTILINE)
    for line in setup["options"]["install_requires"].split():
        assert re.match(r"[\w-]+", line).group().lower() in section.lower(), line
    extras = setup["options.extras_require"]
    for extra in extras:
        assert f"`{extra}`" in section, extra
    for extra, brings in re.findall(r"^\| `(fast|remote|progress)` \| (.*?) \|", section,
                                    re.MULTILINE):
        names = [re.match(r"[\w-]+", line).group() for line in extras[extra].split()]
        assert brings == ", ".join(names), extra
    assert all('python_version < "3.12"' in line for line in extras["mxnet"].split("\n") if line)
    assert "(Python 3.8 to 3.11)" in text
    pythons = re.findall(r"Python :: (3\.\d+)", setup["metadata"]["classifiers"])
    assert f"Python {pythons[0]} to {pythons[-1]}" in section
    assert setup["options"]["python_requires"] == f">={pythons[0]}"


def test_browser_tests_say_why_they_are_skipped(tmp_path):
    """Where no Chromium is on the path, they are skipped with that reason."""
    pytest.importorskip("playwright", reason="Playwright is not installed")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-rs", "-p", "no:cacheprovider",
         str(ROOT / "tests" / "browser")],
        cwd=str(ROOT), env={**os.environ, "PATH": str(tmp_path)}, text=True, capture_output=True,
        timeout=PATIENCE)
    assert done.returncode == 0, done.stdout
    assert "needs Chromium (apt-get install chromium)" in done.stdout
    assert re.search(r"\d+ skipped", done.stdout) and " passed" not in done.stdout


def test_readme_commands(tmp_path, monkeypatch, capsys):
    """The commands work as printed, and end, in the order of the page; the demo comes first."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    lines = re.findall(r"^tbwriter (.*)$", text, re.MULTILINE)
    assert [line.split()[0] for line in lines] == ["demo", "show", "tail", "check", "export"]
    monkeypatch.chdir(tmp_path)
    for line in lines:
        arguments = shlex.split(line, comments=True)
        capsys.readouterr()
        assert main(arguments) == 0
        printed = capsys.readouterr().out
        assert "loss/total" in printed or arguments[0] in ("demo", "check")


def test_commands_to_begin_with():
    """The README's commands install extras that there are, and run an example that there is."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg", encoding="utf-8")
    demo, *lines = [line for line in text.replace("\\\n", "").splitlines() if " -m venv " in line]
    # The environments are two, since the walkthrough and the tests may need another Python.
    assert len(lines) == 2 and ".venv-demo " in demo
    for line in lines:
        assert "python3.11 -m venv .venv " in line
        extras, = re.findall(r"'\.\[(.*?)\]'", line)
        assert set(extras.split(",")) <= set(setup["options.extras_require"])
        for example in re.findall(r"\S+\.py", line):
            assert (ROOT / example).is_file()
    code = (ROOT / "examples" / "mnist_module.py").read_text(encoding="utf-8")
    assert "default=(60000, 10000)" in code and "renders 70 000 digits" in text


@pytest.mark.parametrize("page", ["CHANGELOG.md", "benchmarks/README.md"])
def test_tests_that_other_pages_name(page):
    """They exist, too."""
    assert names_of_tests(ROOT / page, (ROOT / page).read_text(encoding="utf-8"))


def test_changelog():
    """It lists all commands, and what it names of the package is there."""
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    told, = re.findall(r"the command `tbwriter`: (.*?)\.", text)
    commands, = [action.choices for action in _parser()._actions if action.choices]
    assert sorted(told.split(", ")) == sorted(commands)
    methods = text.partition("what none of them has")[2].partition("\n- ")[0]
    assert set(re.findall(r"`(\w+)`", methods)) <= set(dir(SummaryWriter))
    parts = text.partition("`tbwriter.mxnet`:")[2].partition("\n- ")[0]
    assert set(re.findall(r"`(\w+)`", parts)) <= set(dir(importlib.import_module("tbwriter.mxnet")))


def test_commands_of_howto(tmp_path, monkeypatch, capsys):
    """The page about runs: the command works on what the code of the page writes."""
    page = ROOT / "docs" / "howto" / "comparing.md"
    monkeypatch.chdir(tmp_path)
    for _, code in blocks(page):
        exec(code, {})
    line, = re.findall(r"^tbwriter (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    assert main(shlex.split(line)) == 0
    assert sorted(reader.read("runs/statistics")) == [
        "train/mean", "train/std", "validation/mean", "validation/std"]


@pytest.mark.parametrize("loader", ["python", "fast"])
def test_what_tensorboard_samples(tmp_path, loader):
    """TensorBoard keeps 1000 scalars and 10 pictures of a tag, the last one included."""
    pytest.importorskip("tensorboard", reason="TensorBoard is not installed")
    from tests.support import judges
    with SummaryWriter(tmp_path / "run") as writer:
        for step in range(1200):
            writer.add_scalar("loss", step, step)
        for step in range(25):
            writer.add_image("picture", np.zeros((1, 2, 2)), step)
    with judges.http(str(tmp_path), loader, sampled=True) as shown:
        scalars = shown.json("/data/plugin/scalars/scalars", run="run", tag="loss")
        pictures = shown.json("/data/plugin/images/images", run="run", tag="picture", sample=0)
    assert (len(scalars), scalars[-1][1]) == (1000, 1199)
    assert (len(pictures), pictures[-1]["step"]) == (10, 24)


@pytest.mark.parametrize("path", [path for path in sorted((ROOT / "examples").glob("*.py"))
                                  if path.name != "digits.py"], ids=lambda path: path.stem)
def test_how_an_example_is_run(path):
    """Its docstring has its own command, and that for TensorBoard on what it writes."""
    code = path.read_text(encoding="utf-8")
    said = ast.get_docstring(ast.parse(code))
    command, = re.findall(rf"python examples/{path.name}(?: (\S+))?", said)
    for logdir in re.findall(r"tensorboard --logdir (\S+)", said):
        assert logdir == command if command else f'"--logdir", default="{logdir}"' in code
    assert "tensorboard" in said or path.name == "mnist_module.py"  # which prints it


def pictures_script():
    """docs/pictures.py as a module."""
    spec = importlib.util.spec_from_file_location("pictures", ROOT / "docs" / "pictures.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_pictures_are_those_of_the_script():
    """Each picture is on a page, and has the name and the size that docs/pictures.py gives it."""
    script = pictures_script()
    files = {path.stem: path for path in (ROOT / "docs" / "pictures").iterdir()}
    profile = files.pop("profile")  # of docs/profile_picture.py, which needs XProf
    sizes = {**{tab: script.SIZES.get(tab, script.SIZE) for tab in script.TABS},
             **{f"howto_{page}": {**script.SIZE, "height": height}
                for page, (_, height) in script.HOWTO.items()}, "training": script.TRAINING}
    assert set(files) == set(sizes)
    for name, path in files.items():
        size = sizes[name]
        with Image.open(path) as picture:
            assert picture.size == (size["width"], size["height"]), name
    shown = [path for page in PAGES for path in
             re.findall(r"!\[.*?\]\([./a-z]*pictures/([\w-]+)\.png\)", page.read_text("utf-8"))]
    assert set(shown) == {*files, profile.stem}


def test_pictures_are_taken_of_the_demo(tmp_path, monkeypatch):
    """docs/pictures.py opens each dashboard on a part of what `tbwriter demo` writes."""
    script = pictures_script()
    seen = []

    @contextlib.contextmanager
    def look(logdir):
        seen.append({name: set(run.tags) for name, run in reader.read(str(logdir)).items()})
        yield None
    monkeypatch.setattr(script, "HERE", tmp_path)
    monkeypatch.setattr(script, "dashboards", look)
    monkeypatch.setattr(script, "take", lambda boards, tab, name, _: seen.append((tab, name)))
    monkeypatch.setattr(script, "HOWTO", {})
    script.main()
    assert main(["demo", str(tmp_path / "demo")]) == 0
    whole = {name: set(run.tags) for name, run in reader.read(str(tmp_path / "demo")).items()}
    assert {tab: (tab, tab) for tab in script.TABS} == {
        taken[0]: taken for taken in seen[1::2]}
    for shown in seen[::2]:
        assert shown and all(tags <= whole[name] for name, tags in shown.items())


def test_scripts_refuse_unknown_arguments():
    """Each program of docs/, examples/ and tests/data, and each that contributing.md names, has its
    arguments read by argparse: --help starts nothing and overwrites nothing."""
    scripts = [path for folder in ("docs", "examples", "tests/data")
               for path in sorted((ROOT / folder).glob("*.py"))]
    text = (ROOT / "docs" / "contributing.md").read_text(encoding="utf-8")
    for module in re.findall(r"python -m ((?:tests|docs|benchmarks)\.[\w.]+)", text):
        scripts.append(ROOT.joinpath(*module.split(".")).with_suffix(".py"))
    assert len(scripts) > 15
    for script in scripts:
        code = script.read_text(encoding="utf-8")
        assert "parse_args()" in code and "sys.argv" not in code, script


def contributing():
    """docs/contributing.md: its commands, as lists of words."""
    text = (ROOT / "docs" / "contributing.md").read_text(encoding="utf-8")
    shell, = re.findall(r"^```bash\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    table = text.partition("| --- | --- |\n")[2].partition("\n\n")[0]
    commands = shell.splitlines() + re.findall(r"`(.*?)`", table)
    assert len(commands) == 15
    return text, [shlex.split(command) for command in commands]


def test_commands_of_contributing():
    """Each command names a module, script, extra or folder that there is."""
    _, commands = contributing()
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg", encoding="utf-8")
    ci = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    for command in commands:
        program, *arguments = command
        if program in ("mypy", "flake8"):
            assert f".venv/bin/{' '.join(command)}\n" in ci
        elif program == "mkdocs":
            assert f".venv-docs/bin/{' '.join(command)}\n" in ci
        elif program.endswith("pip"):
            assert set(re.findall(r"\w+", arguments[-1])) <= set(setup["options.extras_require"])
        elif program == ".ci/run":
            assert os.access(ROOT / program, os.X_OK)
        elif arguments[0] == "-m":
            assert program.partition("python")[1]
            module = ROOT.joinpath(*arguments[1].split("."))
            assert arguments[1] in ("pytest", "venv") or module.with_suffix(".py").is_file() \
                or (module / "__main__.py").is_file()
        else:
            assert program == "python" and (ROOT / arguments[0]).is_file()
        for path in arguments:
            if path.startswith(("src/", "tests/", "docs/", "benchmarks/", "examples/")):
                assert (ROOT / path).exists(), path


def test_options_of_contributing():
    """Each option is one that its script knows."""
    pytest.importorskip("tensorboard", reason="the scripts need TensorBoard")
    text, commands = contributing()
    with_options = {command[2]: command[3:] for command in commands if command[1:2] == ["-m"]
                    and any(word.startswith("--") for word in command)}
    assert list(with_options) == ["tests.faults.table", "tests.faults.soak", "tests.mutants"]
    with_options["tests.faults.table"].append("--peers")
    with_options["tests.mutants"] += ["--in", "--count"]
    for script, arguments in with_options.items():
        told = subprocess.run([sys.executable, "-m", script, "--help"], check=True, text=True,
                              capture_output=True, timeout=PATIENCE,
                              cwd=str(ROOT)).stdout
        for option in arguments:
            assert not option.startswith("--") or option in told, (script, option)
    assert re.search(r"`--peers\s+PYTHON` to `tests\.faults\.table`", text)


def test_kinds_of_contributing(tmp_path, monkeypatch):
    """The kinds that docs/contributing.md writes are what TensorBoard gets: a curve as picture, an
    error as scalar, and words for a plugin."""
    pytest.importorskip("tensorboard", reason="TensorBoard is not installed")
    from tests.support import judges
    monkeypatch.chdir(tmp_path)
    names = {}
    for _, code in blocks(ROOT / "docs" / "contributing.md"):
        exec(code, names)
    with judges.board("logs", "fast", plugins=["words"]) as shown:
        (step, (width, height, file)), = shown.blobs("images", "kind", "test/curve")
        assert (step, width, height) == (3, b"80", b"80")
        shares = (np.asarray(Image.open(io.BytesIO(file))).astype(bool).mean(axis=0) * 10)[::8]
        sure, right = names["confidences"], names["answers"]
        wanted = [right[(sure * 10).astype(int) == number].mean() for number in range(10)]
        assert np.abs(shares / 10 - wanted).max() <= 0.1
        (step, error), = shown.scalars("kind", "test/error")
        assert step == 3 and 0 < error < 0.1
        (step, words), = shown.tensors("words", "words", "vocabulary")
        assert step == 0 and words.tolist() == [b"loss", "lös".encode(), b""]


def test_listing_of_the_package():
    """docs/inside.md names every folder and file of the package, and nothing else."""
    text = (ROOT / "docs" / "inside.md").read_text(encoding="utf-8")
    first = text.partition("## ")[0]
    listing = re.findall(r"^```text\n(.*?)^```$", first, re.DOTALL | re.MULTILINE)[0]
    package = ROOT / "src" / "tbwriter"
    folders = {path.name for path in package.iterdir() if (path / "__init__.py").is_file()}
    files = {path.stem for path in package.glob("*.py")} - {"__init__", "__main__", "_version"}
    assert set(re.findall(r"(?<!\w)(\w+)/", listing)) == folders
    for name in files:
        assert re.search(rf"(?<!\w){name}(?![\w/])", first), name
    for name in re.findall(r"`(_\w+)`", first):
        assert name in files | folders, name


def test_table_of_commands():
    """docs/command-line.md lists every command, who prints JSON, and who chooses runs and tags."""
    text = (ROOT / "docs" / "command-line.md").read_text(encoding="utf-8")
    commands, = [action.choices for action in _parser()._actions if action.choices]
    assert set(re.findall(r"^\| `tbwriter (\w+)", text, re.MULTILINE)) == set(commands)

    def who(option):
        return {name for name, parser in commands.items() if option in parser.format_help()}
    json_line, = re.findall(r"^(.*) print JSON with `--json`", text, re.MULTILINE)
    assert set(re.findall(r"`(\w+)`", json_line)) == who("--json")
    chosen, = re.findall(r"JSON with `--json`\.(.*?)\ntake `--run` and `--tag`", text, re.DOTALL)
    assert set(re.findall(r"`(\w+)`", chosen)) == who("--run") == who("--tag")


def test_defaults_of_the_parts():
    """The pages about MXNet have the signature of each part, and the defaults of fit_callbacks."""
    # Not "mxnet", which tests/mxnet is too.
    pytest.importorskip("mxnet.base", reason="MXNet is not installed")
    parts = importlib.import_module("tbwriter.mxnet")
    text = "".join((ROOT / "docs" / name).read_text(encoding="utf-8")
                   for name in ("mxnet.md", "mxnet-details.md"))
    rows = re.findall(r"^\| `(\w+)\((.*?)\)` \|", text, re.MULTILINE)
    assert len(rows) == 8
    monitor, = re.findall(r"^`Monitor\((.*?)\)` replaces", text, re.MULTILINE | re.DOTALL)
    rows.append(("Monitor", " ".join(monitor.split())))
    for name, arguments in rows:
        told = inspect.signature(eval(f"lambda {arguments}: None")).parameters.values()
        real = inspect.signature(getattr(parts, name)).parameters
        for one in told:
            assert real[one.name].default == one.default, (name, one.name)
    module, estimator = (part.partition("\n## ")[0] for part in text.split("| by default |")[1:])
    for page, call in ((module, parts.fit_callbacks), (estimator, parts.EstimatorHandler)):
        real = inspect.signature(call).parameters
        for default, word, number in re.findall(r"\| ([^|]*) \| `(\w+)=(\d+)` \|", page):
            if default != "no":
                assert real[word].default == int(number), word
                assert default == ("every batch" if number == "1" else f"every {number} batches")
            else:
                assert real[word].default == 0, word


def test_defaults_of_the_writer():
    """flush() and close() wait for 30 s by themselves, as docs/promises.md says."""
    for call in (FileWriter.flush, FileWriter.close):
        assert inspect.signature(call).parameters["timeout"].default == 30
    assert "after `timeout`\n  seconds (30)" in (ROOT / "docs" / "promises.md").read_text("utf-8")


# Numbers on the pages, and the constants of the code that they must equal.
NUMBERS = [
    ("inside.md", "after five idle seconds", "_log.worker.IDLE_SECS", 5),
    ("inside.md", "after a second\nwithout progress", "_log.channel.STALL_SECS", 1),
    ("object-stores.md", "with pauses up to two seconds", "_log.retry.LAST_BACKOFF", 2),
    ("object-stores.md", "tries for five seconds", "_log.worker.EXIT_SECS", 5),
    ("inside.md", "after the call (0.1 s, or 10 s for a URL)", "_family.FLUSH_SECS", 0.1),
    ("inside.md", "after the call (0.1 s, or 10 s for a URL)", "_family.REMOTE_FLUSH_SECS", 10),
    ("inside.md", "64 MiB or more is counted in the call", "summary._histogram._COUNT_IN_CALL",
     64 << 20),
    ("promises.md", "`max_buffer` (256 MiB)", "_family.MAX_BUFFER", 256 << 20),
    ("object-stores.md", "`max_buffer` (256 MiB)", "_family.MAX_BUFFER", 256 << 20),
    ("object-stores.md", "within 10 s (`flush_secs`)", "_family.REMOTE_FLUSH_SECS", 10),
    ("object-stores.md", "exceed three times those that are kept", "_log.objects.MOST_SENT", 3),
    ("object-stores.md", "at most 8 MiB, or `max_file_bytes`", "_log.objects.SEGMENT_SIZE",
     8 << 20),
    ("object-stores.md", "(10 s, and as much again for each MiB)", "_fsspec.PATIENCE", 10),
    ("object-stores.md", "in pieces of 4 MiB", "_files.window.CHUNK", 4 << 20),
    ("inside.md", "a row of 24 bytes", "_scalars.rows.SIZE", 24),
    ("inside.md", "each group of eleven bits", "_scalars.encode._SLICE", 11),
]


@pytest.mark.parametrize("page, phrase, name, number", NUMBERS)
def test_numbers(page, phrase, name, number):
    """A limit or a time in the text is that of the code."""
    module, _, attribute = name.rpartition(".")
    if module in ("_log.objects", "_fsspec"):
        pytest.importorskip("fsspec", reason="fsspec is not installed")
    assert getattr(importlib.import_module(f"tbwriter.{module}"), attribute) == number
    assert phrase in (ROOT / "docs" / page).read_text(encoding="utf-8")
