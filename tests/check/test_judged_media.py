"""Pictures, sounds, layouts, embeddings and foreign plugins: asked of stock TensorBoard."""
from __future__ import annotations

import io
import json
import wave
from pathlib import Path
from struct import pack
from time import process_time
from typing import Any
from zlib import compress, crc32

import numpy as np
import pytest
from PIL import Image

from tbwriter.check import check
from tests.check.broken import BROKEN
from tests.check.broken.media import png, wav
from tests.check.broken.numbers import filled
from tests.check.making import plugin, rules, strings, value_event
from tests.support.data import scalar_event, written
from tests.support.judges import board, both_loaders, http


@both_loaders
def test_what_is_served(loader: str, tmp_path: Path) -> None:
    """A picture with nothing brighter than 1, a sound with its peaks cut off, an embedding with
    NaN, and a layout with an invalid pattern, all as the findings say."""
    for rule in ("black image", "audio clipped", "layout pattern", "projector numbers"):
        (tmp_path / rule).mkdir()
        BROKEN[rule](tmp_path / rule)
    with http(tmp_path, loader) as shown:
        image, = shown.json("images/images", run="black image", tag="i", sample=0)
        served = Image.open(io.BytesIO(shown.bytes("images/individualImage?" + image["query"])))
        assert np.asarray(served).max() == 1
        sound, = shown.json("audio/audio", run="audio clipped", tag="a", sample=0)
        with wave.open(io.BytesIO(shown.bytes("audio/individualAudio?" + sound["query"]))) as file:
            samples = np.frombuffer(file.readframes(file.getnframes()), "<i2")
        assert np.mean(abs(samples.astype(int)) == 32767) > 0.9
        numbers = np.frombuffer(shown.bytes("projector/tensor", run="projector numbers", name="e"),
                                "<f4")
        assert np.isnan(numbers).sum() == 1
        for pattern, valid in (("loss", True), ("los(", False)):
            answer = shown.json("custom_scalars/scalars", run="layout pattern", tag=pattern)
            assert answer["regex_valid"] == valid


@both_loaders
@pytest.mark.parametrize("fields, seen", [
    ([strings((), [b"a"]), plugin("flight")], False), ([plugin("flight")], False),
    ([strings((), [b"a"]), plugin("flight", b"", 2)], True)])
def test_a_foreign_plugin(fields: Any, seen: bool, loader: str, tmp_path: Path) -> None:
    """Its tags are there only with a data_class; other plugins are not disturbed."""
    written(tmp_path, [value_event("f", *fields), value_event(
        "t", strings((), [b"a"]), plugin("text", b"", 2))])
    assert rules(check(str(tmp_path))) == ([] if seen else ["foreign plugin"])
    with board(tmp_path, loader, plugins=["flight"]) as shown:
        assert ("f" in shown.tags("flight")) == seen
        assert "t" in shown.tags("text")


@both_loaders
def test_a_file_of_gzip(loader: str, tmp_path: Path) -> None:
    """Neither loader shows anything of it."""
    BROKEN["gzipped"](tmp_path)
    with board(tmp_path, loader, strict=False) as shown:
        assert "x" not in shown.tags("scalars")


@pytest.mark.parametrize("rule", ["git pointer", "unlisted directory", "no event file"])
@both_loaders
def test_a_run_that_is_not_here(loader: str, rule: str, tmp_path: Path) -> None:
    """Neither loader shows anything of it; the run beside it is shown."""
    written(tmp_path / "good", [scalar_event("x", 1.0, 0)])
    (tmp_path / "bad").mkdir()
    BROKEN[rule](tmp_path / "bad")
    with board(tmp_path, loader, strict=False) as shown:
        assert shown.tags("scalars", "bad") == {}
        assert shown.scalars("good", "x") == [(0, 1.0)]


@both_loaders
def test_one_element_for_a_huge_shape(loader: str, tmp_path: Path) -> None:
    """TensorBoard allocates what the shape says: an error beyond memory, the tensor below."""
    for tag, length in (("huge", 1 << 60), ("large", 1 << 19)):
        written(tmp_path / tag, [value_event(tag, filled(length, 3),
                                             plugin("histograms", b"", 2))])
        assert rules(check(str(tmp_path / tag))) == ["tensor fill"]
    with http(tmp_path, loader, strict=False) as shown:
        with pytest.raises(AssertionError, match="HTTP 50"):
            shown.bytes("histograms/histograms", run="huge", tag="huge")
    with board(tmp_path, loader) as judge:
        (_, rows), = judge.tensors("histograms", "large", "large")
        assert rows.shape == (1 << 19, 3)


@pytest.mark.parametrize("pixels, found", [
    (np.eye(40), True), (np.zeros((9, 9)), False), (np.eye(40) * 255, False),
    (np.eye(40) * 2, False), (np.eye(30)[:, :, None].repeat(3, axis=2), True)])
def test_which_pictures_are_black(pixels: Any, found: bool, tmp_path: Path) -> None:
    """Those with a channel of 1 and none above; pictures of zeros alone may be meant."""
    written(tmp_path, [value_event("i", strings((3,), [b"4", b"4", png(pixels)]),
                                   plugin("images", b"", 3))])
    assert rules(check(str(tmp_path))) == (["black image"] if found else [])


def grey_png(size: int, lines: bytes) -> bytes:
    """A square picture from its rows, each with its filter before it."""
    def chunk(name: bytes, data: bytes) -> bytes:
        return pack(">I", len(data)) + name + data + pack(">I", crc32(name + data))

    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", pack(">IIBBBBB", size, size, 8, 0, 0, 0, 0))
            + chunk(b"IDAT", compress(lines)) + chunk(b"IEND", b""))


@pytest.mark.parametrize("kind", range(5))
def test_filters_of_png(kind: int, tmp_path: Path) -> None:
    """A mask of 0 and 1 is known in each filter of PNG's rows."""
    mask = (np.arange(16 * 16).reshape(16, 16) % 5 == 0).astype(int)
    above = np.vstack([np.zeros(16, int), mask[:-1]])
    left, corner = (np.hstack([np.zeros((16, 1), int), one[:, :-1]]) for one in (mask, above))
    guess = left + above - corner
    near = [abs(guess - one) for one in (left, above, corner)]
    paeth = np.where((near[0] <= near[1]) & (near[0] <= near[2]), left,
                     np.where(near[1] <= near[2], above, corner))
    filtered = mask - [np.zeros_like(mask), left, above, (left + above) // 2, paeth][kind]
    lines = b"".join([bytes([kind]) + line.astype(np.uint8).tobytes() for line in filtered])

    file = grey_png(16, lines)
    assert (np.asarray(Image.open(io.BytesIO(file))) == mask).all()
    written(tmp_path, [value_event("i", strings((3,), [b"16", b"16", file]),
                                   plugin("images", b"", 3))])
    assert rules(check(str(tmp_path))) == ["black image"]


def test_time_of_filtered_pictures(tmp_path: Path) -> None:
    """The costliest filter takes milliseconds for a megapixel, so that pictures under many tags of
    a small file do not take minutes."""
    rows = (b"\x04" + b"\x01" + bytes(999)) + (b"\x04" + bytes(1000)) * 999
    file = grey_png(1000, rows)
    written(tmp_path, [value_event(f"i{n}", strings((3,), [b"9", b"9", file]),
                                   plugin("images", b"", 3)) for n in range(10)])
    start = process_time()
    found = rules(check(str(tmp_path)))
    assert found == ["black image"] * 10 and process_time() - start < 2


@pytest.mark.parametrize("at", range(6))
def test_which_values_are_decoded(at: int, tmp_path: Path) -> None:
    """A black picture is found among the first four values of its tag; the others of the tag are
    not decoded, however many there are."""
    files = [png(np.full((8, 8), 1 if step == at else 200)) for step in range(6)]
    written(tmp_path, [value_event("i", strings((3,), [b"8", b"8", file]),
                                   plugin("images", b"", 3), step=step)
                       for step, file in enumerate(files)])
    assert rules(check(str(tmp_path))) == (["black image"] if at < 4 else [])


@pytest.mark.parametrize("peak, found", [(0.5, False), (1.0, False), (1.5, True)])
def test_which_sounds_are_clipped(peak: float, found: bool, tmp_path: Path) -> None:
    """A sine at full scale is not; one that exceeds it by half is."""
    data = wav(np.sin(np.arange(8000) / 9) * peak)
    written(tmp_path, [value_event("a", strings((1,), [data]), plugin("audio", b"\x10\x0b", 3))])
    assert rules(check(str(tmp_path))) == (["audio clipped"] if found else [])


def test_findings_of_json(tmp_path: Path, capsys: Any) -> None:
    """JSON has the fields of a finding, with the texts of its rule."""
    from tbwriter.cli import main

    BROKEN["black image"](tmp_path)
    main(["check", "--json", str(tmp_path)])
    one, = json.loads(capsys.readouterr().out)
    assert one["fast"] == one["python"] and one["level"] == "warning" and one["fix"]
