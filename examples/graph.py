"""Networks in the Graphs dashboard: a block, a Symbol and a file, each in its own run.

    python examples/graph.py runs/graph && tensorboard --logdir runs/graph
"""
import argparse

import mxnet as mx
from mxnet.gluon.model_zoo import vision

from tbwriter import SummaryWriter

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("logdir")
logdir = parser.parse_args().logdir


def lenet():
    """The network of LeCun et al., 1998, as a Symbol."""
    x = mx.sym.var("data")
    for number, filters in (1, 20), (2, 50):
        x = mx.sym.Convolution(x, kernel=(5, 5), num_filter=filters, name=f"conv{number}")
        x = mx.sym.Activation(x, act_type="tanh", name=f"tanh{number}")
        x = mx.sym.Pooling(x, pool_type="max", kernel=(2, 2), stride=(2, 2), name=f"pool{number}")
    x = mx.sym.FullyConnected(mx.sym.Flatten(x, name="flatten"), num_hidden=500, name="fc1")
    x = mx.sym.FullyConnected(mx.sym.tanh(x, name="tanh3"), num_hidden=10, name="fc2")
    return mx.sym.SoftmaxOutput(x, name="softmax")


# A block is drawn with the blocks inside it. It need not have been called.
resnet = vision.resnet50_v1()
resnet.initialize()
with SummaryWriter(f"{logdir}/resnet") as writer:
    writer.add_graph(resnet, {"data": (1, 3, 224, 224)})

# The shapes on the edges are inferred from the shapes of the inputs.
with SummaryWriter(f"{logdir}/lenet") as writer:
    writer.add_graph(lenet(), {"data": (64, 1, 28, 28)})

# A saved Symbol, or a model that Gluon exported, can be drawn without MXNet.
lenet().save(f"{logdir}/lenet-symbol.json")
with SummaryWriter(f"{logdir}/file") as writer:
    writer.add_graph(f"{logdir}/lenet-symbol.json")
