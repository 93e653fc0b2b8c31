"""The values of metrics of MXNet 1.x, built-in and of one's own, against what MXNet prints."""
from __future__ import annotations

from collections import namedtuple

import numpy as np
import pytest

mx = pytest.importorskip("mxnet", reason="MXNet is not installed")
if not hasattr(mx, "mod"):
    pytest.skip("MXNet 2.0 has no Module", allow_module_level=True)

from mxnet.metric import Accuracy, CompositeEvalMetric, EvalMetric
from tests.support.judges import board
from tests.mxnet.networks import BATCH, BATCHES

from tbwriter import FileWriter
from tbwriter.mxnet import BatchMetrics, EvalMetrics

Param = namedtuple("Param", ["epoch", "nbatch", "eval_metric", "locals"])


class Percent(Accuracy):
    """Overrides `get` only."""

    def get(self):
        name, value = super().get()
        return name, 100 * value


class Sum(EvalMetric):
    """Has sums of its own, and fills no others."""

    def __init__(self, name):
        super().__init__(name, has_global_stats=True)

    def reset(self):
        super().reset()
        self.seen = 0

    def update(self, labels, preds):
        self.seen += labels[0].shape[0]

    def get(self):
        return self.name, self.seen


class Local(Accuracy):
    """Overrides nothing but `update`, which leaves the global statistics at zero."""

    def update(self, labels, preds):
        super().update(labels, preds)
        self.global_num_inst = self.global_sum_metric = 0


class Global(Accuracy):
    """Has a value for the epoch that is another one than that since the reset."""

    def get_global(self):
        return self.name, 1 - super().get_global()[1]


class Best(CompositeEvalMetric):
    """Overrides `get`: its parts have no values of their own."""

    def get(self):
        return "best", max(value for _, value in map(mx.metric.EvalMetric.get, self.metrics))


class Listing(EvalMetric):
    """Is no composite, but has a list of that name."""

    def __init__(self, name):
        self.metrics = ["accuracy"]
        super().__init__(name, has_global_stats=True)

    def update(self, labels, preds):
        self.num_inst += 1
        self.global_num_inst += 1
        self.sum_metric += 3
        self.global_sum_metric += 3


BUILT_IN = {
    "acc": {}, "top_k_accuracy": {"top_k": 2}, "f1": {}, "f1 micro": {"average": "micro"},
    "mcc": {}, "mcc micro": {"average": "micro"}, "perplexity": {"ignore_label": None}, "ce": {},
    "nll_loss": {}, "pearsonr": {}, "pearsonr micro": {"average": "micro"}, "pcc": {}, "loss": {},
    "mae": {}, "mse": {}, "rmse": {}, "torch": {}, "caffe": {}}
OWN = [Percent, Sum, Local, Global, Listing]


def metric_of(kind):
    """A metric with a name of its own."""
    if kind == "custom":
        return mx.metric.np(lambda label, pred: float(np.abs(label - pred[:, 1]).mean()), "custom")
    if kind in BUILT_IN:
        return mx.metric.create(kind.split()[0], name=kind.replace(" ", "_"), **BUILT_IN[kind])
    if kind is Best:
        return Best([mx.metric.Accuracy(), mx.metric.Loss()])
    return kind(name=kind.__name__)


def columns(name):
    """Regression metrics and correlations want predictions in the shape of the labels."""
    return name.split("_")[0] in ("pearsonr", "mae", "mse", "rmse")


def evaluation(metrics, batches=BATCHES, after=lambda batch: None):
    """Update metrics with the batches of an epoch, each with what it takes."""
    random = np.random.RandomState(3)
    for batch in range(batches):
        label = mx.nd.array(random.randint(0, 2, BATCH))
        pred = mx.nd.softmax(mx.nd.array(random.randn(BATCH, 2)))
        for metric in metrics:
            metric.update([label], [pred[:, 1] if columns(metric.name) else pred])
        after(batch)


@pytest.mark.parametrize("kind", [*BUILT_IN, "custom", *OWN, Best])
@pytest.mark.parametrize("composite", [False, True])
def test_the_values_of_all_metrics(tmp_path, kind, composite):
    """Validation: what MXNet prints, `get_name_value`. Training: `get_global_name_value`, except
    where that knows nothing of the metric's own `get` or of its sums."""
    parts = [metric_of(kind)]
    evaluation(parts)
    metric = mx.metric.CompositeEvalMetric([mx.metric.CompositeEvalMetric(parts)]) \
        if composite else parts[0]
    (name, printed), = metric.get_name_value()
    overall = dict(metric.get_global_name_value()).get(name)
    with FileWriter(tmp_path) as writer:
        BatchMetrics(writer)(Param(0, 0, metric, None))
        EvalMetrics(writer)(Param(0, 1, metric, None))
    with board(tmp_path, "fast") as b:
        assert b.scalars("validation", name) == [(0, np.float32(printed))]
        differs = kind in (Percent, Sum, Local, Best, "pearsonr micro")
        assert b.scalars("train", name) == [(0, np.float32(printed if differs else overall))]
        assert differs or kind is Global or overall == pytest.approx(printed)


@pytest.mark.parametrize("kind", [*BUILT_IN, "custom", Percent, Sum, Global, Listing, Best])
def test_the_values_of_all_metrics_after_a_local_reset(tmp_path, kind):
    """They are those of the whole epoch, in training and validation."""
    whole, metric = metric_of(kind), metric_of(kind)
    evaluation([whole])
    with FileWriter(tmp_path) as writer:
        evaluation([metric], after=lambda batch: (
            metric.reset_local() if batch in (1, BATCHES - 1) else None,
            BatchMetrics(writer)(Param(0, batch, metric, None))))
        EvalMetrics(writer)(Param(0, 1, metric, None))
    with board(tmp_path, "fast") as b:
        name, = b.tags("scalars", "validation")
        wanted = dict(whole.get_global_name_value() if kind is Global else whole.get_name_value())
        assert b.scalars("validation", name)[-1][1] == pytest.approx(wanted[name], rel=1e-6)
        assert b.scalars("train", name)[-1] == (BATCHES - 1, pytest.approx(wanted[name], rel=1e-6))
        assert len(b.scalars("train", name)) == BATCHES
