"""Sound. Shown in Audio, where it is played.

Source: Multimedia Programming Interface and Data Specifications 1.0 (RIFF WAVE).
"""
from __future__ import annotations

import os
from struct import pack
from typing import Any, List, Tuple

import numpy as np

from .._foreign import checked, shown
from .._parts import Parts, total
from .._proto import messages, schema, wire
from .._proto.messages import Summary, Value
from .._proto.plugin_schema import AudioPluginData
from .._values.array import Snapshot, bounds, listed, masked, snapshot
from .._values.number import as_float
from .._warnings import once

Array = Any  # np.ndarray, whose generic form numpy 1.19 does not have

# AudioPluginData{encoding: WAV}: without it the fast loader serves mere bytes.
_CONTENT = wire.int_field(AudioPluginData.ENCODING, AudioPluginData.WAV)

# "WAVE_FORMAT_PCM"; the number of channels is 16 bits wide.
_PCM, _BITS, _MAX_CHANNELS = 1, 16, 65535

# Floats that are less beyond 1 are only rounded.
_LOUDEST = 1.001


@checked
def audio(tag: str, data: Any, *, sample_rate: int = 44100, display_name: str = "",
          description: str = "") -> Summary:
    """One clip or several. Shown in Audio, several as samples of each step.

    Log as many clips at each step as at the first: TensorBoard counts them once.

    data: an array of one clip, (frames,), (frames, channels) or (channels, frames), where the
        channels are the shorter axis; of several, (clips, frames, channels) or the other order; or
        a list of arrays of one clip, which may differ in length.
    sample_rate: frames per second.
    display_name, description: shown with the player; the description is Markdown.

    Floats are -1 to 1; values beyond are clipped, with one warning per tag, and NaN is silence.
    Integers use the range of their type (unsigned ones are silent in its middle); those of 64 bits
    are values of 16 bits, clipped. Elements masked by numpy.ma are silent. The file is a WAV of 16
    bits per channel.

    Raises TypeError or ValueError for anything but a sound.

    Example: `audio("speech", samples, sample_rate=16000)` with float samples (frames,).
    """
    rate = as_float(sample_rate, "sample_rate")
    if not 1 <= rate < 1 << 32:
        raise ValueError(f"got sample_rate={sample_rate}, want 1 to 2**32 - 1 frames per second")
    clips = _clips(tag, data)
    nbytes = sum(clip.nbytes for clip in clips)
    metadata = messages.metadata(schema.AUDIO, _CONTENT, display_name=display_name,
                                 description=description)

    def encode() -> Parts:
        files = [_wav(tag, clip, int(rate)) for held in clips for clip in _in_order(held)]
        if len(files) > 1:
            return [*messages.string_tensor([len(files)], [b"".join(file[2]) for file in files]),
                    metadata]
        frames, channels, parts = files[0]
        # One clip is written as the older form, which every reader knows.
        head = b"".join([wire.float_field(schema.Audio.SAMPLE_RATE, rate),
                         wire.int_field(schema.Audio.NUM_CHANNELS, channels),
                         wire.int_field(schema.Audio.LENGTH_FRAMES, frames),
                         wire.length_prefix(schema.Audio.ENCODED_AUDIO_STRING, total(parts))])
        tail = wire.string_field(schema.Audio.CONTENT_TYPE, "audio/wav")
        return [*wire.message_field(schema.Value.AUDIO, [head, *parts, tail]), metadata]

    return Summary([Value(tag, encode, nbytes + len(metadata))])


def _clips(tag: str, data: Any) -> List[Snapshot]:
    if isinstance(data, (list, tuple)) and data and all(_rank(item) > 0 for item in data):
        clips = [_clip(tag, item) for item in data]
        for clip in clips:
            if len(clip.shape) > 2:
                raise ValueError(f"got an array of shape {clip.shape} in a list of clips, want "
                                 "(frames,), (frames, channels) or (channels, frames)")
        return clips
    return [_clip(tag, data)]


def _rank(item: Any) -> int:
    shape = getattr(item, "shape", None)
    return len(shape) if isinstance(shape, tuple) else 0


def _clip(tag: str, data: Any) -> Snapshot:
    if isinstance(data, (str, bytes, bytearray, os.PathLike)):
        raise TypeError(f"got a sound of type {type(data).__name__} ({shown(data)}), want an array "
                        "of samples. If it is a file or the name of one, decode it, for example "
                        "with the module wave")
    data = listed(data)
    hidden = masked(data)
    if hidden is not None:
        once(("masked", "sound", tag), f"the sound {tag!r} has masked elements, which are silent; "
             "reported once per tag")
        data = hidden.filled(_silence(hidden.dtype))
    held = snapshot(data, "a sound")
    if not 1 <= len(held.shape) <= 3 or not held.size:
        raise ValueError(f"got a sound of shape {held.shape}, want (frames,), (frames, channels) "
                         "or (clips, frames, channels), none of them 0")
    if held.dtype.kind == "b":
        raise TypeError("got a sound of bools, want floats or integers")
    if min(held.shape[-2:]) > _MAX_CHANNELS and len(held.shape) > 1:
        raise ValueError(f"got a sound of shape {held.shape}, want at most {_MAX_CHANNELS} "
                         "channels")
    return held


def _silence(dtype: "np.dtype[Any]") -> int:
    return 1 << 8 * dtype.itemsize - 1 if dtype.kind == "u" and dtype.itemsize < 8 else 0


def _warn_of_range(tag: str, samples: Array) -> None:
    """Warn once per tag of floats that are clipped by more than rounding."""
    low, high = bounds(samples)
    if low < -_LOUDEST or high > _LOUDEST:
        once(("range", "sound", tag), f"the sound {tag!r} holds floats from {low:g} to {high:g}, "
             "want -1 to 1; values beyond are clipped. Divide them by their largest possible value "
             "(such as 32768), or pass int16; reported once per tag")


def _in_order(held: Snapshot) -> List[Array]:
    """Clips of shape (frames, channels)."""
    array = held.numpy()
    if array.ndim == 1:
        return [array[:, None]]
    clips = array if array.ndim == 3 else array[None]
    return list(clips if clips.shape[2] <= clips.shape[1] else clips.transpose(0, 2, 1))


def _wav(tag: str, clip: Array, rate: int) -> Tuple[int, int, Parts]:
    """(frames, channels, file)."""
    samples = _to_int16(tag, np.ascontiguousarray(clip)).tobytes()
    frames, channels = clip.shape
    width = channels * _BITS // 8
    head = pack("<4sI4s4sIHHIIHH4sI", b"RIFF", 36 + len(samples) & 0xFFFF_FFFF, b"WAVE", b"fmt ",
                16, _PCM, channels, rate, rate * width & 0xFFFF_FFFF, width, _BITS, b"data",
                len(samples) & 0xFFFF_FFFF)
    return frames, channels, [head, samples]


def _to_int16(tag: str, values: Array) -> Array:
    """Little-endian int16 of any numbers. tag: names them in a warning."""
    kind, width = values.dtype.kind, values.dtype.itemsize
    if kind == "f":
        with np.errstate(all="ignore"):
            scaled = np.multiply(values, np.float32(32767), dtype=np.float32)
            # Most sounds need neither of the two slow steps. NaN is in no range.
            if not (np.minimum.reduce(scaled, axis=None) >= -32767
                    and np.maximum.reduce(scaled, axis=None) <= 32767):
                _warn_of_range(tag, values)
                scaled[np.isnan(scaled)] = 0
                np.clip(scaled, -32767, 32767, out=scaled)
            np.rint(scaled, out=scaled)
        return scaled.astype("<i2")
    if width == 8:
        return np.clip(values, -32768, 32767).astype("<i2")
    if kind == "u":  # the sign bit is the middle
        values = (values ^ values.dtype.type(1 << 8 * width - 1)).view(f"i{width}")
    if width == 1:
        return values.astype("<i2") << 8
    return (values >> 8 * (width - 2)).astype("<i2")
