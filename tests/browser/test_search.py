"""The search of the built site, asked in a browser in a user's words.

    mkdocs build --strict -f docs/site/mkdocs.yml
    TBWRITER_SITE=site python -m pytest tests/browser/test_search.py
"""
from __future__ import annotations

import functools
import os
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.browser.dashboards import browser_page

SITE = os.environ.get("TBWRITER_SITE", "")
HOWTO = Path(__file__).parents[2] / "docs" / "howto"

pytestmark = pytest.mark.skipif(not SITE, reason="needs the built site: TBWRITER_SITE=site")

WAIT = 20_000  # milliseconds for the answer to a question

# {page: questions}, each as a user may type it.
QUESTIONS = {
    "howto/processes": ["several processes", "torchrun rank", "log only on rank 0", "mpi", "slurm",
                        "horovod", "multiple gpus ddp"],
    "howto/resuming": ["resume training", "continue a run", "restart from checkpoint",
                       "purge_step", "resume after crash", "steps go back"],
    "howto/every-n-steps": ["log every n steps", "log less often", "every 100 batches",
                            "log every n batches"],
    "howto/silencing": ["silence", "turn logging off", "disable writer", "hide warnings",
                        "disable logging"],
    "howto/comparing": ["compare runs", "compare seeds", "train and validation in one chart",
                        "mean over seeds", "overlapping runs", "two lines in one chart"],
    "howto/learning-rate": ["learning rate", "learning rate gluon", "log learning rate module"],
    "howto/gradients": ["gradients", "log gradients gluon", "gradient norm",
                        "histogram of gradients"],
    "howto/activations": ["activations", "outputs of layers"],
    "howto/confusion-matrix": ["confusion matrix"],
    "howto/notebooks": ["notebook", "jupyter", "colab"],
    "howto/servers": ["ssh", "remote server", "view on another machine", "bind_all", "port",
                      "ssh tunnel", "docker bind all"],
    "howto/object-stores": ["s3", "gcs bucket", "object store", "log to s3",
                            "google cloud storage"],
    "howto/frameworks": ["lightning", "pytorch lightning", "hugging face", "other frameworks",
                         "ray"],
    "howto/sampling": ["samples_per_plugin", "missing points", "only 10 images", "1000 points",
                       "show actual image size", "fewer values than logged", "only 1000 points"],
    "howto/systems": ["windows", "macos", "mac", "windows path"],
    "howto/versions": ["matplotlib breaks mxnet", "numpy version mxnet", "which numpy",
                       "matplotlib numpy"],
    # Other pages.
    "faq": ["tensorboard shows nothing", "no data", "zigzag", "black image", "delete a run"],
    "kinds": ["hyperparameters", "pr curve", "embedding", "audio", "custom scalars",
              "text markdown", "16 bit image", "video gif", "weights histogram"],
    "mxnet": ["module.fit", "gluon estimator", "kvstore"],
    "mxnet-details": ["monitor"],
    "profile": ["profile training"],
    "command-line": ["export csv", "rename tag", "merge logs", "repair",
                     "file too large"],
    "check": ["corrupted event file"],
    "migrating": ["tensorboardX", "mxboard", "change import torch"],
    "reader": ["pandas dataframe", "unit test"],
    "promises": ["disk full", "fork", "flush"],
    "benchmarks": ["speed", "how fast"],
}


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """No line per request."""


@pytest.fixture(scope="module")
def search():
    """A function: the pages that the site's search finds for a text, the best one first."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=SITE))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with browser_page(1280, 900) as page:
        page.goto(f"http://127.0.0.1:{server.server_port}/index.html")
        page.set_default_timeout(WAIT)
        box = page.locator("input.md-search__input")
        box.click()

        def ask(question):
            for text, count in (("", "=== 0"), (question, "> 0")):
                box.fill(text)
                box.press("End")  # the page listens to keys
                page.wait_for_function("document.querySelectorAll("
                                       f"'.md-search-result__item > a').length {count}")
            links = page.locator(".md-search-result__item > a").evaluate_all(
                "links => links.map(link => new URL(link.href).pathname)")
            return [link.strip("/").partition(".html")[0] for link in links]
        yield ask
    server.shutdown()
    server.server_close()


def test_every_question_has_its_words():
    """Each how-to page is asked for, and the words of search.txt are for pages that there are."""
    assert {f"howto/{path.stem}" for path in HOWTO.glob("*.md")} - {"howto/index"} <= set(QUESTIONS)
    lines = (HOWTO.parent / "site" / "search.txt").read_text(encoding="utf-8").splitlines()
    named = {line.partition(":")[0] for line in lines if not line.startswith("#")}
    assert set(QUESTIONS) <= named
    assert {page for page in named if not (HOWTO.parent / f"{page}.md").exists()} == {"benchmarks"}


@pytest.mark.timeout(300)
@pytest.mark.parametrize("page, question", [
    pytest.param(page, question, id=question) for page, questions in QUESTIONS.items()
    for question in questions])
def test_question(search, page, question):
    """The page with the answer is the first that the search lists."""
    found = search(question)
    assert page == found[0], found[:8]
