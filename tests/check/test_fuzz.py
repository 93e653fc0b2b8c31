"""Damaged events with right checksums: check and protobuf agree on which of them are events."""
from __future__ import annotations

import random
from pathlib import Path
from typing import List

import numpy as np
import pytest
from google.protobuf.message import DecodeError

from tbwriter import SummaryWriter, check
from tbwriter._files.records import records
from tbwriter._files.window import Window
from tests.support.data import VERSION, record_of

event_pb2 = pytest.importorskip("tensorboard.compat.proto.event_pb2")

# How many damaged events per seed.
EVENTS = 400


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> List[bytes]:
    """An event of every kind."""
    directory = tmp_path_factory.mktemp("sound")
    with SummaryWriter(str(directory)) as writer:
        writer.add_scalar("loss", 0.5, 3)
        writer.add_histogram("weights", np.arange(9.0), 3)
        writer.add_image("image", np.eye(4), 3, dataformats="HW")
        writer.add_images("images", np.zeros((2, 3, 4, 4)), 3)
        writer.add_audio("sound", np.zeros(100), 3)
        writer.add_text("notes", "text", 3)
        writer.add_pr_curve("curve", [0, 1], [0.2, 0.7], 3)
        writer.add_mesh("mesh", np.zeros((1, 4, 3)), global_step=3)
        writer.add_custom_scalars({"a": {"b": ["Multiline", ["loss"]]}})
        writer.add_hparams({"lr": 0.1, "name": "x"}, {"best": 1.0})
    found = []
    for path in sorted(directory.rglob("*tfevents*")):
        with Window(str(path)) as window:
            found += [record.data for record in records(window)]
    return found


@pytest.mark.parametrize("seed", range(4))
def test_damaged_events(seed: int, sound: List[bytes], tmp_path: Path) -> None:
    """An event is bad for check if and only if protobuf refuses it, and nothing is raised."""
    chance = random.Random(seed)
    for number in range(EVENTS):
        data = bytearray(chance.choice(sound))
        for _ in range(chance.randint(1, 3)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        if chance.random() < 0.2:
            del data[chance.randrange(len(data)):]
        path = tmp_path / "events.out.tfevents.1"
        path.write_bytes(record_of(VERSION) + record_of(bytes(data)))
        findings = check.check(str(tmp_path))
        if any("wire type 3" in finding.what for finding in findings):
            continue  # groups, which no writer writes: protobuf skips them
        rules = [finding.rule for finding in findings]
        try:
            event_pb2.Event.FromString(bytes(data))
        except DecodeError:
            assert "bad event" in rules, bytes(data).hex()
        else:
            assert "bad event" not in rules, bytes(data).hex()
        assert "unreadable" not in rules, bytes(data).hex()
