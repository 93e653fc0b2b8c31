"""tbwriter: the control. Each question must find what its writer has."""
from __future__ import annotations

from typing import Any, List

from tests.peers import given
from tests.peers import nets
import numpy as np
import tbwriter
from tests.peers.asked import Writer, need
from tbwriter import reader, summary


class Tbwriter(Writer):
    package = "tbwriter"

    def modules(self) -> List[Any]:
        """With what is loaded when it is first used."""
        import tbwriter.mxnet
        loaded = type(tbwriter)("loaded")
        for module, names in ((tbwriter, dir(tbwriter)), (summary, dir(summary)),
                              (reader, ["read"]), (tbwriter.mxnet, dir(tbwriter.mxnet))):
            vars(loaded).update({name: getattr(module, name) for name in names})
        return [loaded]

    def open(self, logdir: str, **options: Any) -> Any:
        return tbwriter.SummaryWriter(logdir, **options)

    def samples(self, logdir: str) -> None:
        with self.open(logdir) as writer:
            writer.add_images("tag", given.several(), 0, dataformats="NHWC", grid=False)

    def add_trial(self, writer: Any, where: str) -> None:
        writer.add(summary.hparams(given.HPARAMS))
        for tag, value in given.METRICS.items():
            writer.add_scalar(tag, value, 0)

    def hparams_status(self, logdir: str) -> None:
        self.hparams(logdir, status="FAILURE")

    def hparams_group(self, logdir: str) -> None:
        for trial in ("first", "second"):
            with self.open(f"{logdir}/{trial}") as writer:
                writer.add(summary.hparams(given.HPARAMS, group_name="both"))

    def torch_graph(self, logdir: str) -> None:
        torch = need("torch")
        from tbwriter.torch import graph
        with self.open(logdir) as writer:
            writer.add(graph(torch.nn.Sequential(torch.nn.Linear(3, 2)), torch.zeros(1, 3)), 0)

    def own_graph(self, logdir: str) -> None:
        with self.open(logdir) as writer:
            writer.add(summary.graph(self._nodes()), 0)

    def _nodes(self) -> List[Any]:
        return [summary.Node("mine/in", "Placeholder"),
                summary.Node("mine/out", "Identity", ["mine/in"])]

    def several_graphs(self, logdir: str) -> None:
        with self.open(logdir) as writer:
            writer.add(summary.op_graph("first", self._nodes()), 0)
            writer.add(summary.op_graph("second", self._nodes()), 0)

    def keras_graph(self, logdir: str) -> None:
        model = ('{"class_name": "Sequential", "config": {"name": "model", "layers": ['
                 '{"class_name": "Dense", "config": {"name": "dense", "units": 2,'
                 '"batch_input_shape": [null, 3], "dtype": "float32"}}]}}')
        with self.open(logdir) as writer:
            writer.add(summary.keras_graph("keras", model), 0)

    def costs(self, logdir: str) -> None:
        with self.open(logdir) as writer:
            writer.add(summary.graph(self._nodes()), 0)
            writer.add(summary.costs("step", [summary.Cost("mine/out", 120, 4096)]), 0)

    def values(self, logdir: str) -> None:
        with self.open(logdir) as writer:
            writer.add_values({"one": 1, "two": 2}, 0)

    def rotation(self, logdir: str) -> None:
        with self.open(logdir, max_file_bytes=2000) as writer:
            for step in range(200):
                writer.add_scalar("tag", step, step)

    def read_back(self, logdir: str) -> Any:
        self.scalars(logdir)
        return np.array(reader.read(logdir)["."].scalars("python").values).tolist()

    def fit(self, logdir: str) -> None:
        from tbwriter.mxnet import fit_callbacks
        with self.open(logdir) as writer:
            nets.fit(**fit_callbacks(writer, speed=1, learning_rate=1, parameters=1, gradients=1))

    def fit_histograms(self, logdir: str) -> None:
        self.fit(logdir)

    def monitor(self, logdir: str) -> None:
        from tbwriter.mxnet import fit_callbacks
        with self.open(logdir) as writer:
            nets.fit(**fit_callbacks(writer, monitor=1, parameters=0, gradients=0))

    def activations(self, logdir: str) -> None:
        from tbwriter.mxnet import watch
        block = nets.block()
        with self.open(logdir) as writer, watch(block, writer, every=1, parameters=False,
                                                gradients=False, activations=True):
            nets.steps(block)

    def profile(self, logdir: str) -> None:
        with self.open(logdir) as writer, writer.profile() as profile:
            with profile.step(3), profile.span("load"):
                pass

    def profile_mxnet(self, logdir: str) -> None:
        from tbwriter.mxnet import ProfileBatches
        with self.open(logdir) as writer:
            nets.fit(batch_end_callback=ProfileBatches(writer, 1, 6))


WRITER = Tbwriter()
