"""TFRecord frames."""
from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tbwriter._tfrecord import frame
from tbwriter._parts import Parts
from tbwriter._tfrecord.crc32c import crc32c


@pytest.mark.parametrize("data, masked", [
    # From TensorFlow's crc32c_test.cc and files that TensorBoard 2.21 reads.
    (b"123456789", 0xC78AB0E5),
    (b"", 0xA282EAD8),
    (bytes(8), 0x07980329),
    (struct.pack("<Q", 24), 0x224B7FA3),
    (bytes.fromhex("0900008038 99d6d741 1a0d") + b"brain.Event:2", 0xAB364B12),
])
def test_masked_crc_known_answers(data: bytes, masked: int) -> None:
    """Masked checksums are those of TensorFlow."""
    assert frame.masked(crc32c(data)) == masked


@given(st.lists(st.binary(max_size=100)))
def test_frame_is_read_by_tensorboard(parts: Parts) -> None:
    """TensorBoard's own reader finds the data in a frame, however it was cut in parts."""
    reader = pytest.importorskip("tensorboard.compat.tensorflow_stub.pywrap_tensorflow")
    import tempfile
    with tempfile.NamedTemporaryFile() as file:
        file.write(b"".join(frame.frame(parts)))
        file.flush()
        record = reader.PyRecordReader_New(file.name)
        record.GetNext()
        assert record.record() == b"".join(parts)


def test_frame_keeps_large_parts() -> None:
    """A frame does not copy its data."""
    payload = bytes(1 << 20)
    parts = frame.frame([b"head", payload])
    assert any(part is payload for part in parts)
    assert sum(map(len, parts)) == len(payload) + 4 + frame.OVERHEAD
