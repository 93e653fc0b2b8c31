"""Values in which `tbwriter check` finds a fault, as the page shows them."""
from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.browser.dashboards import dashboards

from tbwriter._proto import messages, wire
from tbwriter.check import check
from tests.support.data import written

pytestmark = pytest.mark.timeout(300)

CORNERS = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]], "<f4")
FACES = np.array([[0, 1, 2], [0, 1, 3], [0, 2, 3], [1, 2, 3]], "<i4")


def part(number: int, components: int, dtype: int, array: "np.ndarray") -> bytes:
    """Summary.Value with one part of the mesh `m`; components: a bit for each part there is."""
    content = b"".join([wire.string_field(2, "m"), wire.int_field(3, number),
                        wire.bytes_field(6, bytes([1, 4, 3])), wire.int_field(7, components)])
    return wire.bytes_field(1, b"".join([
        wire.string_field(1, f"m_{number}"), *messages.tensor(dtype, (1, 4, 3), array.tobytes()),
        messages.metadata("mesh", content)]))


@pytest.mark.parametrize("fast", [True, False])
def test_parts_that_a_mesh_does_not_name(tmp_path: Path, fast: bool) -> None:
    """A surface whose parts each name only themselves is not drawn; one that names all is."""
    drawn = {}
    for name, components in (("good", (6, 6)), ("bad", (2, 4))):
        values = [part(1, components[0], 1, CORNERS), part(2, components[1], 3, FACES)]
        written(tmp_path / name, [wire.double_field(1, 1.6e9)
                                  + wire.bytes_field(5, b"".join(values))])
        found = [finding.rule for finding in check(str(tmp_path / name))]
        assert found == (["mesh parts"] if name == "bad" else [])
        with dashboards(tmp_path / name, fast=fast) as boards:
            # Of parts in any order, as the fast loader gives them, the first says which are drawn:
            # where it is the faces, there is no picture at all.
            page = boards.open("mesh", "tf-mesh-loader" + " canvas" * (name == "good"))
            page.wait_for_timeout(4000)
            canvas = page.locator("tf-mesh-loader canvas").first
            drawn[name] = boards.colours("tf-mesh-loader canvas") if canvas.is_visible() else 0
    assert drawn["good"] > 30 and drawn["bad"] < 10, drawn
