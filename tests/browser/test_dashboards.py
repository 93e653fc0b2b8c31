"""The dashboards as a person sees them: stock TensorBoard in a real browser on the demo's log.

Each test opens a dashboard and asserts on the drawing there.
"""
from __future__ import annotations

from typing import Iterator

import pytest
from tests.browser.dashboards import Dashboards, dashboards

from tbwriter import demo

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dashboards]:
    """A browser on the demo's log directory."""
    logdir = tmp_path_factory.mktemp("demo") / "logs"
    demo.demo(str(logdir))
    with dashboards(logdir) as boards:
        yield boards


def test_time_series(seen: Dashboards) -> None:
    """Time Series draws a card a tag, with a curve in it and the runs' last values below."""
    page = seen.open("timeseries", "scalar-card-data-table")
    assert page.locator("card-view").count() >= 2
    page.wait_for_function(
        "document.querySelectorAll('line-chart canvas, line-chart svg').length > 0")
    page.wait_for_timeout(1000)  # the curves come from a worker of the page
    assert seen.colours("line-chart") > 20
    table = page.locator("scalar-card-data-table").first.inner_text()
    assert "train" in table and "validation" in table
    assert str(demo.POINTS - 1) in table


def test_scalars(seen: Dashboards) -> None:
    """Scalars draws a curve for each run, with the points that were logged."""
    seen.open("scalars", "tf-scalar-card path.line")
    points = seen.points()
    # Each run is drawn twice, as it is and smoothed. Long curves lose the points that fall on one
    # pixel with others; the trials of ten points are drawn whole.
    assert points.count(10) >= 2 * demo.TRIALS, points
    assert max(points) > 0.9 * demo.POINTS, points


def test_images(seen: Dashboards) -> None:
    """Images shows pictures of the size that was logged."""
    page = seen.open("images", "tf-image-loader img")
    page.wait_for_function("""() => {
        const find = node => [...node.querySelectorAll('*')].flatMap(
            e => [...(e.shadowRoot ? find(e.shadowRoot) : []), ...(e.tagName == 'IMG' ? [e] : [])]);
        return find(document).some(e => e.naturalWidth > 0)}""")
    sizes = page.locator("tf-image-loader img").evaluate_all(
        "pictures => pictures.map(picture => [picture.naturalWidth, picture.naturalHeight])")
    assert [96, 96] in sizes, sizes


def test_histograms(seen: Dashboards) -> None:
    """Histograms draws one ridge a step."""
    page = seen.open("histograms", "vz-histogram-timeseries path")
    ridges = page.locator("vz-histogram-timeseries").first.locator("g.histogram")
    page.wait_for_timeout(1000)
    assert ridges.count() == 21


def test_distributions(seen: Dashboards) -> None:
    """Distributions draws the bands between the quantiles."""
    page = seen.open("distributions", "vz-distribution-chart path.area")
    bands = page.locator("vz-distribution-chart").first.locator("path.area")
    assert bands.count() >= 4
    assert all(path.count("L") >= 2 * 20 for path in bands.evaluate_all(
        "paths => paths.map(path => path.getAttribute('d'))"))


def test_audio(seen: Dashboards) -> None:
    """Audio has a player that knows the clip's length, so the browser could decode it."""
    page = seen.open("audio", "tf-audio-loader audio")
    player = page.locator("tf-audio-loader audio").first
    duration = player.evaluate("""player => new Promise((resolve, reject) => {
        player.onerror = () => reject(new Error(player.error.message));
        player.onloadedmetadata = () => resolve(player.duration);
        if (player.readyState) resolve(player.duration); else player.load(); })""")
    assert duration == pytest.approx(1.0, abs=0.01)


def test_text(seen: Dashboards) -> None:
    """Text shows Markdown as it is meant: bold words, a table with its cells."""
    page = seen.open("text", "tf-text-loader table")
    assert page.locator("tf-text-loader strong", has_text="formulas").count() == 1
    cells = page.locator("tf-text-loader td").all_inner_texts()
    assert ["batch size", "64"] == cells[:2] or "64" in cells


def test_pr_curves(seen: Dashboards) -> None:
    """PR Curves draws a curve."""
    seen.open("pr_curves", "tf-pr-curve-card path.line")
    assert max(seen.points()) > 50


def test_hparams(seen: Dashboards) -> None:
    """HParams lists every trial with its settings."""
    page = seen.open("hparams", "tf-hparams-table-view vaadin-grid-cell-content")
    page.wait_for_timeout(1000)
    cells = page.locator("tf-hparams-table-view vaadin-grid-cell-content").all_inner_texts()
    trials = [cell for cell in cells if cell.strip().startswith("hparams/")]
    assert len(set(trials)) == demo.TRIALS, cells


def test_mesh(seen: Dashboards) -> None:
    """Mesh draws a coloured surface."""
    page = seen.open("mesh", "tf-mesh-loader canvas")
    page.wait_for_timeout(3000)
    assert seen.colours("tf-mesh-loader canvas") > 100


def test_projector(seen: Dashboards) -> None:
    """Projector loads all points of the embedding."""
    page = seen.open("projector", "iframe")
    projector = page.frame_locator("iframe").frame_locator("iframe")
    projector.locator(".numDataPoints", has_text="120").first.wait_for()
    assert projector.locator(".dim").first.inner_text() == "16"


def test_graphs(seen: Dashboards) -> None:
    """Graphs draws the network's scopes and names them."""
    page = seen.open("graphs", "tf-graph-scene g.node")
    page.wait_for_timeout(1500)
    titles = set(page.locator("tf-graph-scene g.node").evaluate_all(
        "nodes => nodes.map(node => node.getAttribute('data-name'))"))
    assert titles == {node.name.split("/")[0] for node in demo._network()}, titles


def test_costs_colour_the_graph(seen: Dashboards) -> None:
    """Of the step that was measured, each box has a colour of its own by time and by memory."""
    page = seen.open("graphs", "tf-graph-scene g.node")
    page.wait_for_timeout(1500)
    page.locator("paper-dropdown-menu").nth(1).click()
    page.wait_for_timeout(800)
    page.get_by_text("step 100").last.click()
    page.wait_for_timeout(1500)
    shapes = page.locator("tf-graph-scene g.node .nodeshape .nodecolortarget")
    for measured in ("Compute time", "Memory"):
        page.locator("paper-radio-button", has_text=measured).first.click()
        page.wait_for_timeout(1000)
        fills = shapes.evaluate_all("shapes => shapes.map(shape => shape.style.fill)")
        assert len(set(fills)) == len(fills) == 4, fills


def test_custom_scalars(seen: Dashboards) -> None:
    """Custom Scalars draws the charts of the layout, with their curves."""
    page = seen.open("custom_scalars", "tf-custom-scalar-multi-line-chart-card path.line")
    assert page.locator("tf-custom-scalar-margin-chart-card").count() == 1
    assert seen.points().count(demo.POINTS) >= 2
