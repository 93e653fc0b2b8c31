"""What profiling costs a training with MXNet: the median step, the best of several processes.

    python -m benchmarks.mxnet_profile [--steps N]

Each case is a process of its own, since recording single operators turns off MXNet's execution in
bulk until the process ends; the modes take turns.
"""
from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from typing import Any, Callable, Dict, List

ROUNDS = 2
NETWORKS = ("MLP", "CNN", "ResNet-18")
# {mode: (title, arguments of `profile`, whether it records)}
MODES: Dict[str, Any] = {
    "off": ("no profile", None, False),
    "bulk": ("operators=False", {"operators": False}, True),
    "idle": ("operators=True, before it records", {"operators": True}, False),
    "operators": ("operators=True", {"operators": True}, True),
    "api": ("operators=True, api=True", {"operators": True, "api": True}, True),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(json.dumps(_run(*options.child, options.steps)))
        return
    found: Dict[str, Dict[str, float]] = {mode: {} for mode in MODES}
    for network in NETWORKS:
        for _ in range(ROUNDS):
            for mode in MODES:
                took = _child(network, mode, options.steps)
                found[mode][network] = min(took, found[mode].get(network, took))
    print("| milliseconds per step | " + " | ".join(NETWORKS) + " |")
    print("| --- |" + " --- |" * len(NETWORKS))
    for mode, (title, _, _) in MODES.items():
        cells = [f"{found[mode][network]:.1f}" for network in NETWORKS]
        print(f"| {title} | " + " | ".join(cells) + " |")


def _child(network: str, mode: str, steps: int) -> float:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.mxnet_profile", "--steps", str(steps), "--child",
         network, mode], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True)
    return float(done.stdout.decode().split()[-1])


def _run(network: str, mode: str, steps: int) -> float:
    """The median step in milliseconds."""
    from tbwriter import FileWriter
    from tbwriter.mxnet import profile
    _, arguments, records = MODES[mode]
    with tempfile.TemporaryDirectory() as folder, FileWriter(folder) as writer:
        recorder = None if arguments is None else profile(writer, **arguments)
        train = _training(network)
        for _ in range(5):
            train()
        if recorder is None or not records:
            return _median(train, steps)
        with recorder:
            def step() -> None:
                with recorder.step(0):
                    train()
            return _median(step, steps)


def _median(train: Callable[[], None], steps: int) -> float:
    times: List[float] = []
    for _ in range(steps):
        start = time.perf_counter()
        train()
        times.append(time.perf_counter() - start)
    return 1000 * statistics.median(times)


def _training(network: str) -> Callable[[], None]:
    import mxnet as mx
    from mxnet import autograd, gluon
    net, shape = _network(network, gluon)
    net.initialize()
    net.hybridize()
    loss = gluon.loss.SoftmaxCrossEntropyLoss()
    trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.01})
    data = mx.nd.random.uniform(shape=shape)
    label = mx.nd.zeros((shape[0],))

    def train() -> None:
        with autograd.record():
            value = loss(net(data), label).mean()
        value.backward()
        trainer.step(shape[0])
        value.asnumpy()
        mx.nd.waitall()
    return train


def _network(network: str, gluon: Any) -> Any:
    if network == "ResNet-18":
        return gluon.model_zoo.vision.resnet18_v1(classes=10), (8, 3, 64, 64)
    net = gluon.nn.HybridSequential()
    if network == "MLP":
        for _ in range(30):
            net.add(gluon.nn.Dense(256, activation="relu"))
        net.add(gluon.nn.Dense(10))
        return net, (64, 784)
    for channels in (32, 64):
        net.add(gluon.nn.Conv2D(channels, 3, activation="relu"), gluon.nn.MaxPool2D())
    net.add(gluon.nn.Dense(128, activation="relu"), gluon.nn.Dense(10))
    return net, (64, 1, 28, 28)


if __name__ == "__main__":
    main()
