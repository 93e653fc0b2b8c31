"""Sounds from NDArrays: the target of an oscillator, and its output while it learns.

    python examples/audio.py runs/audio && tensorboard --logdir runs/audio
"""
import argparse
import math

import mxnet as mx

from tbwriter import SummaryWriter

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("logdir")
options = parser.parse_args()

RATE = 8000
SECONDS = mx.nd.arange(RATE) / RATE
HARMONICS = 6


def waves(pitch):
    """A sine for each harmonic: (harmonics, frames)."""
    orders = mx.nd.arange(1, HARMONICS + 1).reshape((-1, 1))
    return mx.nd.sin(2 * math.pi * pitch * orders * SECONDS)


mx.random.seed(1)
target = mx.nd.dot(mx.nd.array([[0.5, 0.2, 0.1, 0.08, 0.06, 0.04]]), waves(220))
weights = mx.nd.random.uniform(0, 0.1, (1, HARMONICS))
weights.attach_grad()

with SummaryWriter(options.logdir) as writer:
    writer.add_audio("target", target, 0, sample_rate=RATE)
    for step in range(31):
        with mx.autograd.record():
            sound = mx.nd.dot(weights, waves(220))
            loss = ((sound - target) ** 2).mean()
        loss.backward()
        weights -= 0.2 * weights.grad
        writer.add_scalar("loss", loss, step)
        if step % 10 == 0:
            # An array of shape (2, frames) is stereo: the target left, the output right.
            writer.add_audio("learnt", mx.nd.concat(target, sound, dim=0), step, sample_rate=RATE)
