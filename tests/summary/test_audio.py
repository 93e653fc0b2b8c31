"""audio: what `wave` decodes from what real protobuf, both loaders and HTTP give."""
from __future__ import annotations

import wave
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from tests.support import judges
from tests.support.judges import board, both_loaders, events, http
from tensorboard.backend.event_processing import event_accumulator
from tensorboard.compat.proto import summary_pb2
from tensorboard.plugins.audio import plugin_data_pb2
from tensorboard.util import tensor_util

from tbwriter import FileWriter, summary

SINE = np.sin(np.arange(4410) / 20).astype(np.float32)
STEREO = np.stack([SINE, SINE / 2], axis=1)


def decoded(data):
    """(sample rate, samples (frames, channels)) by Python's `wave`."""
    with wave.open(BytesIO(data)) as file:
        assert file.getsampwidth() == 2 and file.getcomptype() == "NONE"
        frames = file.readframes(file.getnframes())
        samples = np.frombuffer(frames, "<i2").reshape(file.getnframes(), file.getnchannels())
        return file.getframerate(), samples


def value_of(*args, **kwargs):
    value, = summary_pb2.Summary.FromString(
        summary.audio("tag", *args, **kwargs).SerializeToString()).value
    plugin = value.metadata.plugin_data
    assert plugin.plugin_name == "audio"
    content = plugin_data_pb2.AudioPluginData.FromString(plugin.content)
    assert content == plugin_data_pb2.AudioPluginData(encoding="WAV")
    return value


def one(*args, **kwargs):
    """The samples of a single clip, whose message agrees with its file."""
    sound = value_of(*args, **kwargs).audio
    rate, samples = decoded(sound.encoded_audio_string)
    assert (sound.sample_rate, sound.num_channels, sound.length_frames, sound.content_type) == \
        (rate, samples.shape[1], samples.shape[0], "audio/wav")
    return samples


def as_int16(floats):
    return np.rint(floats * 32767)


@pytest.mark.parametrize(("data", "wanted"), [
    (SINE, SINE[:, None]), (SINE[None], SINE[:, None]), (SINE[:, None], SINE[:, None]),
    (SINE[None, None], SINE[:, None]), (STEREO, STEREO), (STEREO.T, STEREO),
    (STEREO[::2, ::-1], STEREO[::2, ::-1]), (SINE.tolist(), SINE[:, None]), ([STEREO], STEREO),
    (SINE.astype(np.float64), SINE[:, None]),
])
def test_samples_come_back(data, wanted):
    """Mono and stereo in either order of axes are decoded to the very samples."""
    assert np.array_equal(one(data), as_int16(wanted))


@pytest.mark.parametrize(("dtype", "values", "wanted"), [
    ("float32", [-2, -1, 1, 2, np.nan, np.inf, -np.inf], [-32767, -32767, 32767, 32767, 0, 32767,
                                                        -32767]),
    ("float16", [-1, 0, 1], [-32767, 0, 32767]), ("float64", [1e300, -0.5], [32767, -16384]),
    ("int16", [-32768, 0, 32767], [-32768, 0, 32767]), (">i2", [-32768, 258], [-32768, 258]),
    ("uint16", [0, 32768, 65535], [-32768, 0, 32767]),
    ("int8", [-128, 0, 127], [-32768, 0, 32512]), ("uint8", [0, 128, 255], [-32768, 0, 32512]),
    ("int32", [-1 << 31, 0, (1 << 31) - 1], [-32768, 0, 32767]),
    ("uint32", [0, 1 << 31, (1 << 32) - 1], [-32768, 0, 32767]),
    ("int64", [-1 << 40, -5, 1 << 40], [-32768, -5, 32767]), ("uint64", [5, 1 << 63], [5, 32767]),
])
def test_all_types(dtype, values, wanted):
    """Floats are -1 to 1 and clipped, integers span their type; nothing wraps around."""
    assert one(np.array(values, dtype))[:, 0].tolist() == wanted


def test_several_clips():
    """Several clips are the elements of one tensor, each a file of its own length and channels."""
    for data in (np.stack([SINE, SINE / 2])[:, :, None], [SINE, STEREO, SINE[:100]]):
        tensor = tensor_util.make_ndarray(value_of(data, sample_rate=8000).tensor)
        assert tensor.shape == (len(data),)
        for file, clip in zip(tensor, data):
            rate, samples = decoded(file)
            assert rate == 8000
            assert np.array_equal(samples, as_int16(clip.reshape(len(clip), -1)))


def test_snapshot():
    """The sound is that of the call, whatever happens to the array before it is written."""
    data = SINE.copy()
    kind = summary.audio("tag", data)
    data[:] = 0
    value, = judges.values(kind)
    assert np.array_equal(decoded(value.audio.encoded_audio_string)[1][:, 0], as_int16(SINE))


@pytest.mark.parametrize(("data", "error"), [
    (np.zeros(0), ValueError), (np.zeros((2, 0)), ValueError), (3.0, ValueError),
    (np.zeros((1, 1, 2, 3)), ValueError), ([], ValueError), ("sound.wav", TypeError),
    (np.array([None]), TypeError), ([True, False], TypeError), (np.zeros(3, complex), TypeError),
    ([SINE, np.zeros((2, 3, 4))], ValueError),
])
def test_mistakes_are_refused(data, error):
    """Anything but a sound is an error at the call that says got and want."""
    with pytest.raises(error, match="got .* want "):
        summary.audio("tag", data)


@pytest.mark.parametrize("rate", [0, -1, 1 << 32, float("nan")])
def test_sample_rates(rate):
    """A sample rate that a file can't hold is an error at the call."""
    with pytest.raises(ValueError, match="got sample_rate=.* want "):
        summary.audio("tag", SINE, sample_rate=rate)


@both_loaders
def test_what_tensorboard_plays(tmp_path, loader):
    """Both loaders give the very files, and the dashboard serves all of them as audio/wav."""
    with FileWriter(tmp_path) as writer:
        for step in (3, 4):
            writer.add(summary.audio("one", STEREO / step, description="*loud*"), step)
            writer.add(summary.audio("many", [SINE / step, STEREO], sample_rate=8000), step)
    assert len(events(tmp_path)) == 5
    with board(tmp_path, loader) as b:
        assert b.tags("audio")["one"].description == "*loud*"
        (first, (file, *_)), (second, _) = b.blobs("audio", ".", "one")
        assert (first, second) == (3, 4)
        assert np.array_equal(decoded(file)[1], as_int16(STEREO / 3))
        for step, files in b.blobs("audio", ".", "many"):
            assert len(files) == 2
            assert np.array_equal(decoded(files[0])[1][:, 0], as_int16(SINE / step))
    with http(tmp_path, loader) as h:
        for tag, samples in (("one", 1), ("many", 2)):
            for sample in range(samples):
                entries = h.json("audio/audio", run=".", tag=tag, sample=sample)
                assert [entry["step"] for entry in entries] == [3, 4]
                assert {entry["contentType"] for entry in entries} == {"audio/wav"}
                body, kind = h.get("audio/individualAudio?" + entries[1]["query"])
                assert kind == "audio/wav"
                wanted = {("one", 0): STEREO / 4, ("many", 0): SINE[:, None] / 4,
                          ("many", 1): STEREO}[tag, sample]
                assert np.array_equal(decoded(body)[1], as_int16(wanted))


def test_older_readers(tmp_path):
    """The event accumulator that scripts use lists a single clip under Audio."""
    with FileWriter(tmp_path) as writer:
        writer.add(summary.audio("one", SINE, sample_rate=22050), 3)
    event, = event_accumulator.EventAccumulator(str(tmp_path)).Reload().Audio("one")
    assert (event.step, event.sample_rate, event.length_frames) == (3, 22050, 4410)
    assert np.array_equal(decoded(event.encoded_audio_string)[1][:, 0], as_int16(SINE))


@pytest.mark.parametrize(("dtype", "silence"), [("float32", 0), ("int16", 0), ("uint8", 0),
                                                ("int64", 0), ("uint64", 0), ("uint16", 0)])
def test_masked_elements_are_silent(recwarn, dtype, silence):
    """Elements that numpy.ma masks are silent, with one warning for a tag."""
    samples = np.ma.array(np.ones(4, dtype), mask=[0, 1, 0, 0])
    tag = f"masked {dtype}"
    for _ in range(2):
        made = summary.audio(tag, samples, sample_rate=8000)
    value, = judges.values(made)
    _, found = decoded(value.audio.encoded_audio_string)
    assert found[1, 0] == silence and (found[[0, 2, 3], 0] != silence).all()
    assert sum(f"the sound {tag!r} has masked" in str(w.message) for w in recwarn) == 1


@pytest.mark.parametrize(("samples", "told"), [
    ([20000.0, -20000.0], 1), ([1.01], 1), ([0.0, -np.inf], 1), ([np.nan, 2.0], 1),
    ([1.0, -1.0], 0), ([1.0005], 0), ([np.nan], 0), (np.array([20000], np.int16), 0)])
def test_too_loud(recwarn, samples, told):
    """A sound beyond -1 to 1 is clipped as ever, with one warning for a tag that says the cure."""
    tag = f"loud {samples}"
    for _ in range(2):
        summary.audio(tag, np.array(samples)).SerializeToString()
    texts = [str(w.message) for w in recwarn if repr(tag) in str(w.message)]
    assert len(texts) == told
    assert all("want -1 to 1" in text and "pass int16" in text for text in texts)


@pytest.mark.parametrize("given", ["sound.wav", b"RIFF", Path("sound.wav")])
def test_files_are_refused(given):
    """The error for a file or its name says what to pass."""
    with pytest.raises(TypeError, match="got a sound of type .*, want an array of samples. If it"):
        summary.audio("a", given)
