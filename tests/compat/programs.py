"""Programs as users of each API write them. Each takes the module that it would import."""
from __future__ import annotations

from typing import Any

import numpy as np

STEPS = range(4)


def torch_tutorial(tensorboard: Any, logdir: str) -> None:
    """A training loop with everything that torch's guide shows, except the graph of a module."""
    noise = np.random.RandomState(0)
    writer = tensorboard.SummaryWriter(logdir)
    writer.add_image("four_fashion_mnist_images", noise.rand(1, 28, 112))
    writer.add_images("batch", noise.rand(4, 3, 8, 8), 0)
    for epoch in STEPS:
        loss = 1.0 / (epoch + 1)
        writer.add_scalar("training loss", loss, epoch * 1000 + 7)
        writer.add_scalars("run/14h", {"x sin": epoch * np.sin(epoch), "lr=0.1,b": loss,
                                       "arctan": np.arctan(epoch)}, epoch)
        writer.add_histogram("weights", noise.randn(500) + epoch, epoch)
        writer.add_text("lstm", f"This is *epoch* {epoch}", epoch)
    writer.add_pr_curve("pr", np.array([0, 1, 1, 0]), np.array([0.1, 0.8, 0.4, 0.6]), 3)
    writer.add_audio("sound", np.sin(np.arange(4000) / 20), 1, 8000)
    writer.add_histogram_raw("raw", 0.0, 3.0, 3, 4.0, 6.0, [1.0, 2.0, 3.0], [1, 0, 2], 2)
    writer.add_custom_scalars({"Loss": {"all": ["Multiline", ["training loss"]]}})
    writer.add_mesh("mesh", np.eye(4, 3)[None], None, np.array([[[0, 1, 2]]]), global_step=0)
    writer.flush()
    writer.close()


def torch_hparams(tensorboard: Any, logdir: str) -> None:
    """The search of torch's documentation: a run for each trial."""
    with tensorboard.SummaryWriter(logdir) as writer:
        for trial in range(3):
            writer.add_hparams({"lr": 0.1 * trial, "bsize": trial},
                               {"hparam/accuracy": 10 * trial, "hparam/loss": 1 / (1 + trial)},
                               run_name=f"trial lr={trial}")


def tensorboardx_demo(tensorboardx: Any, logdir: str) -> None:
    """A loop with default steps, names and descriptions, and its positional order."""
    noise = np.random.RandomState(0)
    writer = tensorboardx.SummaryWriter(logdir)
    for step in STEPS:
        with writer.use_metadata(global_step=step):
            writer.add_scalar("data/scalar_systemtime", step / 3)
            writer.add_scalar("data/scalar custom", step / 7, walltime=1e9 + step)
            writer.add_scalars("data/group", {"xsinx": step * np.sin(step), "tan x": step / 2},
                               step)
            writer.add_histogram("weights", noise.randn(100))
            writer.add_image("Image", noise.rand(3, 8, 8))
            writer.add_text("Text", f"logged at step {step}")
    writer.add_scalar("named", 0.5, 3, 1e9, "My name", "My *text*")
    writer.add_pr_curve_raw("raw", [75, 64, 21, 5, 0], [150, 105, 18, 0, 0], [0, 45, 132, 150, 150],
                            [0, 11, 54, 70, 75], [1 / 3, 0.38, 0.54, 1, 0],
                            [1, 0.85, 0.28, 0.07, 0], 1)
    writer.add_custom_scalars_multilinechart(["data/scalar_systemtime"])
    writer.add_hparams({"lr": 0.1, "bn": True}, {"accuracy": 0.9}, "trial1", 5)
    writer.close()


def mxboard_readme(mxboard: Any, logdir: str) -> None:
    """Keywords and positions as mxboard's own documents and gluoncv's scripts have them."""
    noise = np.random.RandomState(0)
    with mxboard.SummaryWriter(logdir=logdir, flush_secs=5, verbose=False) as sw:
        for i in range(10):
            sw.add_histogram(tag="norml_dist", values=noise.randn(10, 3, 8, 8) / (i + 1), bins=200,
                             global_step=i)
            sw.add_scalar(tag="cross_entropy", value=("train", 1 / (i + 1)), global_step=i)
        sw.add_scalar("curves", {"sin": 0.5, "cos x": 0.25}, 3)
        sw.add_scalar("curves", ["exp", 1.5], 3)
        sw.add_scalar("curves", 2.5, 3)
        sw.add_histogram("default", noise.randn(100), 1, "default")
        sw.add_image(tag="minibatch", image=noise.rand(4, 3, 8, 8), global_step=2)
        sw.add_audio("uniform", noise.uniform(-1, 1, 4000), 8000, 3)
        sw.add_text(tag="text", text="Hello MXNet!")
        sw.add_pr_curve("pr", np.array([0, 1, 1, 0]), np.array([0.1, 0.8, 0.4, 0.6]), 100, 4)
        sw.add_embedding(tag="codes", embedding=noise.rand(5, 3), labels=list("abcde"),
                         images=noise.rand(5, 3, 4, 4))


def notebook_of_2017(tensorboard: Any, logdir: str) -> None:
    """Cells of the notebooks about the first TensorBoard for MXNet."""
    summary, noise = tensorboard.summary, np.random.RandomState(0)
    writer = tensorboard.FileWriter(logdir, None, 10, 120)
    for i in range(5):
        made = summary.scalar("accuracy", i / 10)
        assert made.value[0].simple_value == np.float32(i / 10)
        writer.add_summary(made, i + 1)
        writer.add_summary(summary.histogram("fc backward weight", noise.randn(1000)), i + 1)
        writer.add_summary(summary.histogram(name="bins", values=noise.randn(50), bins=10), i + 1)
        writer.add_summary(summary.image(tag="mnist/0", tensor=noise.rand(28, 28, 1)), i + 1)
    writer.add_summary(summary.audio("x", np.zeros(100), 8000), 1)
    writer.add_summary(summary.text(tag="notes", text="hello"), 1)
    writer.flush()
    writer.close()
    with tensorboard.SummaryWriter(logdir + "/second") as second:
        second.add_scalar("loss", 0.5, 1)
        second.add_scalars("both", {"a": 1.0, "b": 2.0}, 1)
        second.add_image("hwc", noise.rand(8, 8, 3), 1)
