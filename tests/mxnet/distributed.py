"""One worker of a distributed training: gradients by hand beside those that are logged.

    python distributed.py CASE LOGDIR KVSTORE DEVICES UPDATE_ON_KVSTORE

A process of its own, since MXNet reads its role in the parameter server when it is imported. The
network is one dense layer whose loss is the sum of the squared outputs, so numpy alone computes
the gradients: `wanted.npz` holds them, by step and name.
"""
from __future__ import annotations

import sys
import warnings
from pathlib import Path

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon

from tbwriter import FileWriter
from tbwriter.mxnet import EstimatorHandler, fit_callbacks, log_gradients, watch

MXNET_1 = mx.__version__.startswith("1.")
xp = mx.nd if MXNET_1 else mx.np
STEPS, BATCH, INPUTS = 4, 6, 3
NAMES = {"weight": (2, INPUTS), "bias": (2,)}


def batches(rank):
    """The data of one worker, each step another batch."""
    return np.random.RandomState(10 + rank).randn(STEPS, BATCH, INPUTS).astype("float32")


def by_hand(x, weight, bias):
    """The gradients of sum((x W' + b)^2)."""
    out = x @ weight.T + bias
    return {"weight": 2 * out.T @ x, "bias": 2 * out.sum(0)}


def values_of(net):
    """The parameters now, by their last names."""
    return {name.replace(".", "_").rpartition("_")[2]: parameter.list_data()[0].asnumpy()
            for name, parameter in net.collect_params().items()}


def dense(devices):
    net = gluon.nn.Dense(2, in_units=INPUTS)
    net.initialize(mx.init.One(), ctx=devices)
    net.hybridize()
    return net


def trainer_of(net, kvstore, update_on_kvstore):
    return gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.05}, kvstore=kvstore,
                         update_on_kvstore=update_on_kvstore)


def backward(net, x, devices):
    """One pass on all devices, each with its share of the batch."""
    with autograd.record():
        losses = [(net(xp.array(part, ctx=device)) ** 2).sum()
                  for part, device in zip(np.split(x, len(devices)), devices)]
    autograd.backward(losses)


def loop(logdir, kvstore, devices, update_on_kvstore, case):
    """A Gluon loop: by `watch`, and by `log_gradients` before and after the update."""
    net = dense(devices)
    trainer = trainer_of(net, kvstore, update_on_kvstore)
    parts = 3 if case == "accumulated" else 1
    if case == "accumulated":
        for parameter in net.collect_params().values():
            parameter.grad_req = "add"
    wanted = {}
    with FileWriter(f"{logdir}/watch") as watched, FileWriter(f"{logdir}/before") as before, \
            FileWriter(f"{logdir}/after") as after, watch(net, watched, every=parts):
        for step, x in enumerate(batches(kvstore.rank)):
            gradients = by_hand(x, **values_of(net))
            for part in np.split(x, parts):
                backward(net, part, devices)
            for name, values in gradients.items():
                wanted[f"{step * parts} {name}"] = values
            log_gradients(before, net, step * parts)
            if case == "by hand":
                trainer.allreduce_grads()
                trainer.update(BATCH)
            else:
                trainer.step(BATCH)
            log_gradients(after, net, step * parts)
            if case == "accumulated":
                for parameter in net.collect_params().values():
                    for gradient in parameter.list_grad():
                        gradient[:] = 0
    return wanted


def late(logdir, kvstore, devices, update_on_kvstore, case):
    """`log_gradients` is called for the first time when there were updates already."""
    net = dense(devices)
    trainer = trainer_of(net, kvstore, update_on_kvstore)
    wanted = {}
    for step, x in enumerate(batches(kvstore.rank)):
        for name, values in by_hand(x, **values_of(net)).items():
            wanted[f"{step} {name}"] = values
        backward(net, x, devices)
        trainer.step(BATCH)
    with FileWriter(f"{logdir}/after") as after:
        log_gradients(after, net, STEPS - 1)
    return wanted


def servers(logdir, kvstore, devices, update_on_kvstore, case):
    """A loop that pushes and pulls by itself, without a Trainer."""
    net = dense(devices)
    parameters = list(net.collect_params().values())
    kvstore.set_optimizer(mx.optimizer.create("sgd", learning_rate=0.05 / BATCH))
    for key, parameter in enumerate(parameters):
        kvstore.init(key, parameter.list_data()[0])
    wanted = {}
    with FileWriter(f"{logdir}/before") as before, FileWriter(f"{logdir}/after") as after:
        for step, x in enumerate(batches(kvstore.rank)):
            for name, values in by_hand(x, **values_of(net)).items():
                wanted[f"{step} {name}"] = values
            backward(net, x, devices)
            log_gradients(before, net, step)
            for key, parameter in enumerate(parameters):
                kvstore.push(key, parameter.list_grad())
                kvstore.pull(key, out=parameter.list_data())
            log_gradients(after, net, step)
    return wanted


class Squares(gluon.loss.Loss):
    """The square of each output, summed over a sample; the label does not count."""

    def __init__(self):
        super().__init__(None, 0)

    def forward(self, pred, label):
        return (pred ** 2).sum(axis=1)


def estimator(logdir, kvstore, devices, update_on_kvstore, case):
    """The Estimator, with a witness of the weights before each batch."""
    from mxnet.gluon.contrib.estimator import BatchBegin, Estimator
    net = dense(devices)
    data = batches(kvstore.rank).reshape(-1, INPUTS)
    wanted = {}

    class Witness(BatchBegin):
        step = 0

        def batch_begin(self, estimator, *args, **kwargs):
            x = data[self.step * BATCH:][:BATCH]
            for name, values in by_hand(x, **values_of(net)).items():
                wanted[f"{self.step} {name}"] = values
            self.step += 1

    metrics = mx.metric if MXNET_1 else mx.gluon.metric
    fitted = Estimator(net, Squares(), train_metrics=metrics.Loss(),
                       trainer=trainer_of(net, kvstore, update_on_kvstore),
                       **{"context" if MXNET_1 else "device": devices})
    loader = gluon.data.DataLoader(gluon.data.ArrayDataset(
        xp.array(data), xp.array(np.zeros(len(data), "float32"))), BATCH)
    with FileWriter(logdir) as writer:
        fitted.fit(loader, epochs=1, event_handlers=[
            Witness(), EstimatorHandler(writer, gradients=1, train="watch")])
    return wanted


def fitted(logdir, kvstore, devices, update_on_kvstore, case):
    """Module.fit, and FeedForward, whose loss is made so that its gradient is known."""
    x = mx.sym.FullyConnected(mx.sym.var("data"), num_hidden=2, name="fc")
    net = mx.sym.sum(mx.sym.square(x), axis=1) + 0 * mx.sym.var("softmax_label")
    net = mx.sym.MakeLoss(net, name="loss")
    data = batches(kvstore.rank).reshape(-1, INPUTS)
    wanted = {}
    weights = {"weight": np.ones(NAMES["weight"], "float32"),
               "bias": np.zeros(NAMES["bias"], "float32")}

    def note(param):
        """Gradients of this batch by the weights after the one before."""
        step = param.nbatch - (case == "feed forward")
        x = data[step * BATCH:][:BATCH]
        for name, values in by_hand(x, **weights).items():
            wanted[f"{step} {name}"] = values
        owner = param.locals.get("executor_manager") or param.locals["self"]._exec_group
        for name, arrays in zip(owner.param_names, owner.param_arrays):
            weights[name.rpartition("_")[2]] = arrays[0].asnumpy()

    iterator = mx.io.NDArrayIter(data, np.zeros(len(data), "float32"), BATCH)
    with FileWriter(logdir) as writer:
        callbacks = fit_callbacks(writer, gradients=1, train="watch", metrics=0, speed=0,
                                  learning_rate=0, parameters=0,
                                  monitor=int(case == "module"))
        callbacks["batch_end_callback"].append(note)
        common = dict(eval_metric=mx.metric.Loss(), kvstore=kvstore)
        if case == "feed forward":
            model = mx.model.FeedForward(net, ctx=devices, num_epoch=1, numpy_batch_size=BATCH,
                                         initializer=mx.init.One(), learning_rate=0.05)
            callbacks.pop("eval_end_callback")
            model.fit(iterator, batch_end_callback=callbacks["batch_end_callback"], **common)
        else:
            module = mx.mod.Module(net, context=devices)
            module.fit(iterator, num_epoch=1, initializer=mx.init.One(), **common, **callbacks,
                       optimizer_params={"learning_rate": 0.05})
    return wanted


CASES = {"late": late, "servers": servers, "estimator": estimator, "module": fitted,
         "feed forward": fitted}


def main(case, logdir, kvstore, devices, update_on_kvstore):
    store = mx.kv.create(kvstore)
    logdir = f"{logdir}/{store.rank}"
    Path(logdir).mkdir(parents=True)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        wanted = CASES.get(case, loop)(logdir, store, [mx.cpu(i) for i in range(int(devices))],
                                       {"True": True, "False": False}.get(update_on_kvstore), case)
    np.savez(f"{logdir}/wanted.npz", **wanted)
    Path(f"{logdir}/warnings").write_text("".join(
        f"{one.message}\n" for one in caught if "gradients" in str(one.message)))


if __name__ == "__main__":
    main(*sys.argv[1:])
