"""video: frames and times decoded by Pillow, and both loaders."""
from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.judges import board, both_loaders, http
from PIL import Image, ImageSequence
from tensorboard.compat.proto import summary_pb2

from tbwriter import FileWriter, summary
from tbwriter.summary._video import _timing

RNG = np.random.default_rng(0)
GREY = RNG.integers(0, 256, (6, 10, 12), np.uint8)
RGB = RNG.integers(0, 256, (6, 3, 10, 12), np.uint8)  # 120 colours a frame


def decoded(file):
    """(frames as RGB, milliseconds of each)."""
    image = Image.open(BytesIO(file))
    frames, times = [], []
    for frame in ImageSequence.Iterator(image):
        frames.append(np.asarray(frame.convert("RGB")))
        times.append(frame.info["duration"])
    return np.array(frames), times


def shown(*args, **kwargs):
    value, = summary_pb2.Summary.FromString(
        summary.video("tag", *args, **kwargs).SerializeToString()).value
    frames, times = decoded(value.image.encoded_image_string)
    assert (value.image.height, value.image.width) == frames.shape[1:3]
    return frames, times


@pytest.mark.parametrize(("data", "dataformats"), [
    (RGB, None), (RGB[None], None), (RGB.transpose(0, 2, 3, 1), None),
    (RGB.transpose(0, 2, 3, 1)[None], None), (RGB[None], "NTCHW"), (RGB, "NTCHW"),
    (RGB.transpose(2, 3, 1, 0), "HWCT"), (RGB / np.float32(255), None),
    (np.concatenate([RGB, RGB[:, :1]], axis=1), None),
])
def test_colours_come_back(data, dataformats):
    """Up to 256 colours a frame are kept exactly, in every layout; alpha is left out."""
    frames, times = shown(data, dataformats=dataformats)
    assert np.array_equal(frames, RGB.transpose(0, 2, 3, 1))
    assert times == [250] * 6


@pytest.mark.parametrize("data", [GREY, GREY[:, None], GREY[None, :, None],
                                  GREY.astype(np.uint16) << 8])
def test_grey_comes_back(data):
    """Grey is exact."""
    frames, _ = shown(data)
    assert np.array_equal(frames, np.stack([GREY] * 3, axis=3))


def test_many_colours():
    """A frame of more colours gets the 256 that fit best."""
    ramp = np.stack(np.broadcast_arrays(np.arange(64) * 4, np.arange(64)[:, None] * 4, 128))
    frames, _ = shown(np.stack([ramp, ramp[:, ::-1]]).astype(np.uint8))
    difference = np.abs(frames[0].astype(int) - ramp.transpose(1, 2, 0))
    assert difference.mean() < 8 and difference.max() < 40


@pytest.mark.parametrize(("number", "rows", "columns"), [(1, 1, 1), (2, 1, 2), (3, 1, 3), (4, 2, 2),
                                                         (5, 2, 3), (16, 4, 4)])
def test_clips_side_by_side(number, rows, columns):
    """Several clips play in one picture."""
    clips = RNG.integers(0, 256, (number, 2, 1, 3, 4), np.uint8)
    frames, _ = shown(clips)
    assert frames.shape == (2, 3 * rows, 4 * columns, 3)
    for clip in range(number):
        top, left = clip // columns * 3, clip % columns * 4
        assert np.array_equal(frames[:, top:top + 3, left:left + 4, 0], clips[clip, :, 0])


@pytest.mark.parametrize(("fps", "times"), [
    (4, [250] * 6), (30, [30, 40, 30, 30, 40, 30]), (1, [1000] * 6), (0.5, [2000] * 6),
    (50, [20] * 6), (100, [20] * 3),
])
def test_frame_times(fps, times):
    """Frames take 1 / fps on average; GIF counts in hundredths, and above 50 frames are skipped."""
    frames, found = shown(GREY, fps=fps)
    assert found == times
    assert np.array_equal(frames[..., 0], GREY[::2] if fps == 100 else GREY)


@given(st.integers(1, 300), st.floats(0.01, 1000))
def test_timing(frames, fps):
    """A clip takes as long as it should, to the hundredth of a second; no frame is too short."""
    shown_frames, durations = _timing(frames, fps)
    assert len(shown_frames) == len(durations) and min(durations) >= 2
    assert shown_frames == sorted(set(shown_frames)) and shown_frames[0] == 0
    assert abs(sum(durations) - frames * 100 / fps) <= 2.5


def test_still():
    """Equal frames in a row are shown for as long as all of them."""
    _, times = shown(np.stack([GREY[0], GREY[0], GREY[1]]))
    assert sum(times) == 750
    frames, _ = shown(np.stack([GREY[0]] * 3))
    assert np.array_equal(frames[0][..., 0], GREY[0])


@pytest.mark.parametrize(("data", "more", "error"), [
    (np.zeros((3, 4)), {}, ValueError), (np.zeros((2, 3, 4, 5, 6, 7)), {}, ValueError),
    (np.zeros((0, 4, 5)), {}, ValueError), (np.zeros((3, 5, 6, 7)), {}, ValueError),
    (GREY, {"fps": 0}, ValueError), (GREY, {"fps": -1}, ValueError),
    (GREY, {"fps": float("nan")}, ValueError), (GREY, {"fps": float("inf")}, ValueError),
    (GREY, {"dataformats": "NHW"}, ValueError), (GREY, {"dataformats": "THX"}, ValueError),
    ("clip.gif", {}, TypeError), (np.zeros((2, 1, 1, 70000), bool), {}, ValueError),
])
def test_mistakes_are_refused(data, more, error):
    """Anything but a clip is an error at the call that says got and want."""
    with pytest.raises(error, match="got .* want "):
        summary.video("tag", data, **more)


@both_loaders
def test_what_tensorboard_plays(tmp_path, loader):
    """Both loaders give the clip, and the dashboard serves it as image/gif."""
    with FileWriter(tmp_path) as writer:
        writer.add(summary.video("clip", RGB, fps=10, description="D"), 3)
    with board(tmp_path, loader) as b:
        assert b.tags("images")["clip"].description == "D"
        (step, (width, height, file)), = b.blobs("images", ".", "clip")
        assert (step, width, height) == (3, b"12", b"10")
        frames, times = decoded(file)
        assert np.array_equal(frames, RGB.transpose(0, 2, 3, 1)) and times == [100] * 6
    with http(tmp_path, loader) as h:
        entry, = h.json("images/images", run=".", tag="clip", sample=0)
        assert h.get("images/individualImage?" + entry["query"]) == (file, "image/gif")


def test_normalized_clips_with_a_gap():
    """normalize=True shows each clip from its least to its largest value, padding= parts clips."""
    clip = np.linspace(-1, 1, 2 * 4 * 5).reshape(2, 1, 4, 5)
    frames, _ = shown(np.stack([clip, clip * 100]), normalize=True, padding=3)
    assert frames[0].shape[:2] == (4, 5 + 3 + 5)
    for frame in frames:
        assert np.array_equal(frame[:, :5], frame[:, 8:]) and not frame[:, 5:8].any()
    assert frames[0].min() == 0 and frames[1].max() == 255
