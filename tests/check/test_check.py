"""check: every fault of deliberately broken directories, and nothing in good ones."""
from __future__ import annotations

import math
from pathlib import Path
from typing import List

import numpy as np
import pytest

from tbwriter import SummaryWriter, reader
from tbwriter.check import RULES, Finding, check, total_bytes
from tests.check.broken import BROKEN, FORMS
from tests.check.making import rules
from tests.support.data import DATA, scalar_event, written


def test_each_rule_has_a_broken_directory():
    """No rule is without a test."""
    assert set(BROKEN) == set(RULES)


@pytest.mark.parametrize("rule", sorted(BROKEN))
def test_broken(rule, tmp_path):
    """The fault is found once, is the only thing found, and says how it is shown and mended."""
    BROKEN[rule](tmp_path)
    findings = check(str(tmp_path))
    assert rules(findings) == [rule]
    assert rule in str(findings[0]) and all([findings[0].fast, findings[0].python, findings[0].fix])
    assert findings[0].what and findings[0].path.startswith(str(tmp_path))


def test_nothing_in_what_this_package_writes(tmp_path):
    """All kinds, runs below, trials, a purged and a resumed run: nothing but the histograms that a
    restart purged, which the fast loader continues to show."""
    with SummaryWriter(str(tmp_path / "a")) as writer:
        for step in range(20):
            writer.add_scalar("loss", 1 / (step + 1), step)
            writer.add_scalars("both", {"x": step, "y": -step}, step)
            writer.add_histogram("weights", np.arange(10.0) * step, step)
        writer.add_scalar("nan", math.nan, 0)
        writer.add_text("notes", "**text**", 0)
        writer.add_images("images", np.zeros((2, 3, 8, 8)), 0)
        writer.add_audio("sound", np.zeros(100), 0)
        writer.add_pr_curve("pr", [0, 1, 1], [0.1, 0.9, 0.4], 0)
        writer.add_embedding(np.eye(4), metadata=list("abcd"), global_step=1)
        writer.add_hparams({"lr": 0.1, "b": True}, {"best": 1.0})
        writer.add_hparams({"lr": 0.2, "c": "s"}, {"best": 2.0})
        writer.add_custom_scalars({"a": {"b": ["Multiline", ["loss"]]}})
    with SummaryWriter(str(tmp_path / "a"), purge_step=10) as writer:
        for step in range(10, 15):
            writer.add_scalar("loss", step, step)
    with SummaryWriter(str(tmp_path / "a"), resume=True) as writer:
        writer.add_scalar("loss", 1.0)
        writer.add_scalar("loss", 2.0)
    found = check(str(tmp_path))
    assert [(one.rule, one.tag) for one in found] == [("stale points", "weights")]
    assert reader.last_steps(str(tmp_path / "a"))["loss"] == 16


@pytest.mark.parametrize("text", ["a", "it's", '"', "\"'", "\\", "\x1b\n", "é\udcff🎉"])
def test_a_long_tag_in_a_finding(text):
    """A finding quotes its tag as `repr` does, however long it is."""
    tag = "b" * 65_535 + text * 70_000
    one = Finding("rule", "error", "run", "path", tag, 2, "what", "", "", "")
    assert str(one) == f"error: rule: path, tag {tag!r}: what (and 1 more)"


def test_a_missing_directory_is_an_error(tmp_path):
    """FileNotFoundError names it."""
    with pytest.raises(FileNotFoundError, match="missing"):
        check(str(tmp_path / "missing"))


def test_progress_adds_up(tmp_path):
    """All bytes are reported once."""
    written(tmp_path, [scalar_event("x", 1.0, i) for i in range(40000)])
    done: List[int] = []
    check(str(tmp_path), done.append)
    assert sum(done) == total_bytes(str(tmp_path)) and len(done) > 1


@pytest.mark.parametrize("rule", sorted(
    set(BROKEN) - {"unreadable", "gzipped", "no events", "huge length", "directory name",
                   "no runs", "no event file", "git pointer", "unlisted directory",
                   "profile content", "profile session"}))
def test_our_reader_reads_on(rule, tmp_path):
    """A broken directory never stops the reader."""
    BROKEN[rule](tmp_path)
    runs = reader.read(str(tmp_path))
    assert runs and all(run.tags for run in runs.values())


@pytest.mark.parametrize("form", FORMS)
def test_other_forms(form, tmp_path):
    """A fault is known by each of its forms, and nothing else is found."""
    (tmp_path / "logs").mkdir()
    rule, make, _, _ = FORMS[form]
    make(tmp_path / "logs")
    assert rules(check(str(tmp_path / "logs"))) == [rule]


@pytest.mark.parametrize("writer", ["tensorflow", "tensorboardX", "tensorboard"])
def test_nothing_in_recorded_directories_of_other_writers(writer):
    """The values of these programs are complete in both loaders."""
    assert check(str(DATA / writer)) == []


def test_torch_is_good_but_for_its_double_scalar():
    """In torch's files, double_precision=True is invisible in the fast loader, and a tensor of a
    plugin that TensorBoard lacks is invisible in both."""
    findings = check(str(DATA / "torch"))
    assert [(finding.rule, finding.tag) for finding in findings] == [
        ("scalar type", "double"), ("foreign plugin", "tensor")]


def test_the_documentation_lists_every_rule():
    """docs/check.md has the table of what both loaders show."""
    page = (Path(__file__).parents[2] / "docs" / "check.md").read_text(encoding="utf-8")
    for name, rule in RULES.items():
        differs = f" {rule.python} |" if rule.fast != rule.python else " |"
        assert f"| {name} | {rule.level} | {rule.fast} |{differs}" in page
