"""The time that profiling adds to a training step with MXNet.

It is the 10th percentile of all steps, on which other programs have the least influence, and the
better one of two processes.

    python -m benchmarks.mxnet_profile [--steps N]

Each case is a process of its own, since recording single operators turns off MXNet's execution in
bulk until the process ends; the modes take turns.
"""
from __future__ import annotations

import argparse
import json
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
        print(json.dumps(_run(options.child[0], options.child[1], options.steps)))
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
    """The time of a step in milliseconds."""
    from tbwriter import FileWriter
    from tbwriter.mxnet import profile
    _, arguments, records = MODES[mode]
    with tempfile.TemporaryDirectory() as folder, FileWriter(folder) as writer:
        recorder = None if arguments is None else profile(writer, **arguments)
        train = _training(network)
        for _ in range(5):
            train()
        if recorder is None or not records:
            return _step_time(train, steps)
        with recorder:
            def step() -> None:
                with recorder.step(0):
                    train()
            return _step_time(step, steps)


def _step_time(train: Callable[[], None], steps: int) -> float:
    times: List[float] = []
    for _ in range(steps):
        start = time.perf_counter()
        train()
        times.append(time.perf_counter() - start)
    return 1000 * sorted(times)[len(times) // 10]


def _training(network: str) -> Callable[[], None]:
    import mxnet as mx
    net, shape = _network(network, mx)
    module = mx.mod.Module(mx.sym.SoftmaxOutput(net, name="softmax"))
    data = mx.io.DataBatch([mx.nd.random.uniform(shape=shape)], [mx.nd.zeros((shape[0],))])
    module.bind([("data", shape)], [("softmax_label", (shape[0],))])
    module.init_params(mx.init.Xavier())
    module.init_optimizer()

    def train() -> None:
        module.forward_backward(data)
        module.update()
        mx.nd.waitall()
    return train


def _network(network: str, mx: Any) -> Any:
    net = mx.sym.var("data")
    if network == "ResNet-18":
        return mx.gluon.model_zoo.vision.resnet18_v1(classes=10)(net), (8, 3, 64, 64)
    if network == "MLP":
        for _ in range(30):
            net = mx.sym.Activation(mx.sym.FullyConnected(net, num_hidden=256), act_type="relu")
        return mx.sym.FullyConnected(net, num_hidden=10), (64, 784)
    for channels in (32, 64):
        net = mx.sym.Convolution(net, num_filter=channels, kernel=(3, 3))
        net = mx.sym.Pooling(mx.sym.Activation(net, act_type="relu"), kernel=(2, 2), stride=(2, 2),
                             pool_type="max")
    net = mx.sym.FullyConnected(net, num_hidden=128)
    return mx.sym.FullyConnected(net, num_hidden=10), (64, 1, 28, 28)


if __name__ == "__main__":
    main()
