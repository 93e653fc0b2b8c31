"""Two workers train one model through MXNet's parameter server, all on one machine.

    python examples/distributed.py logs && tensorboard --logdir logs
"""
import argparse
import os
import socket
import subprocess
import sys

TIMEOUT = 120


def worker(logdir):
    import mxnet as mx

    from tbwriter.mxnet import distributed_writer, mean_over_workers
    mx.npx.set_np()  # numpy-like arrays, which both MXNet 1.x and 2 have
    kvstore = mx.kv.create("dist_sync")
    mx.random.seed(kvstore.rank)
    net = mx.gluon.nn.Dense(1, in_units=2)
    net.initialize()
    trainer = mx.gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.1}, kvstore)
    with distributed_writer(logdir, kvstore) as writer:
        for step in range(20):
            x = mx.np.random.normal(size=(16, 2))
            with mx.autograd.record():
                loss = ((net(x) - x[:, :1] + x[:, 1:]) ** 2).mean()
            loss.backward()
            trainer.step(kvstore.num_workers)
            writer.add_scalar("loss", loss, step)
            if step % 10 == 9:
                mean = mean_over_workers(kvstore, {"mean_loss": loss})
                writer.add_scalar("mean_loss", mean["mean_loss"], step)


def start(role, port, logdir):
    address = {"DMLC_ROLE": role, "DMLC_PS_ROOT_URI": "127.0.0.1", "DMLC_PS_ROOT_PORT": str(port),
               "DMLC_NODE_HOST": "127.0.0.1", "DMLC_NUM_WORKER": "2", "DMLC_NUM_SERVER": "1"}
    command = [sys.executable, __file__, logdir] if role == "worker" else \
        [sys.executable, "-c", "import mxnet"]  # a scheduler or server only imports MXNet
    return subprocess.Popen(command, env={**os.environ, **address})


def main(logdir):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    processes = [start(role, port, logdir) for role in ("scheduler", "server", "worker", "worker")]
    try:
        codes = [process.wait(TIMEOUT) for process in processes[2:]]
    finally:
        for process in processes:
            process.kill()
            process.wait()
    sys.exit(max(codes))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("logdir")
    options = parser.parse_args()
    (worker if os.environ.get("DMLC_ROLE") == "worker" else main)(options.logdir)
