"""A program that prints which modules a writer loads on its thread. The tests run it.

    loaded_on_thread.py LOGDIR new|again|resume
"""
from __future__ import annotations

import sys
from typing import Any, Callable, Dict

from tbwriter import SummaryWriter
from tests.support.loading import Recorder


def profiled(writer: SummaryWriter) -> None:
    with writer.profile() as profile, profile.step(1), profile.span("work"):
        pass


def many(writer: SummaryWriter) -> None:
    """So many that numpy is imported to encode them."""
    assert "numpy" not in sys.modules
    for step in range(150_000):
        writer.add_scalar("a", 1.0, step)
    writer.flush()
    assert "numpy" in sys.modules


def pixels(*shape: int) -> Any:
    import numpy as np
    return np.random.default_rng(0).random(shape)


# By the name under which a module is reported.
KINDS: Dict[str, Callable[[SummaryWriter], None]] = {
    "scalar": lambda writer: writer.add_scalar("a", 1.0, 1),
    "many scalars": many,
    "scalars": lambda writer: writer.add_scalars("b", {"x": 1.0, "y": 2.0}, 1),
    "histogram": lambda writer: writer.add_histogram("c", pixels(1000), 1),
    "large histogram": lambda writer: writer.add_histogram("d", pixels(2_000_000), 1),
    "float16": lambda writer: writer.add_histogram("e", pixels(1000).astype("float16"), 1),
    "automatic bins": lambda writer: writer.add_histogram("f", pixels(1000), 1, bins="auto"),
    "image": lambda writer: writer.add_image("g", pixels(3, 20, 20), 1),
    "large image": lambda writer: writer.add_image("h", pixels(3, 400, 400), 1),
    "images": lambda writer: writer.add_images("i", pixels(4, 3, 20, 20), 1),
    "matrix": lambda writer: writer.add_confusion_matrix("q", [0, 1], [1, 1], 1),
    "boxes": lambda writer: writer.add_image_with_boxes("j", pixels(3, 40, 40),
                                                        [[2, 2, 20, 20]], 1, labels=["cat"]),
    "video": lambda writer: writer.add_video("k", pixels(1, 4, 3, 20, 20), 1),
    "audio": lambda writer: writer.add_audio("l", pixels(1000) - 0.5, 1),
    "text": lambda writer: writer.add_text("m", "text", 1),
    "PR curve": lambda writer: writer.add_pr_curve("n", [0, 1, 1], [0.1, 0.2, 0.9], 1),
    "mesh": lambda writer: writer.add_mesh("o", pixels(1, 5, 3)),
    "embedding": lambda writer: writer.add_embedding(pixels(5, 4), list("abcde"),
                                                     pixels(5, 3, 8, 8)),
    "hparams": lambda writer: writer.add_hparams({"rate": 0.1}, {"loss": 0.5}),
    "tensor": lambda writer: writer.add_tensor("p", pixels(3), 1),
    "layout": lambda writer: writer.add_custom_scalars({"all": {"loss": ["Multiline", ["a"]]}}),
    "profile": profiled,
}


def main() -> None:
    recorder = Recorder()
    with SummaryWriter(sys.argv[1], resume=sys.argv[2] == "resume") as writer:
        for kind, log in KINDS.items():
            if log is not many or sys.argv[2] == "new":
                log(writer)
            writer.flush()
            for name in recorder.names:
                print(f"{kind}: {name}")
            recorder.names.clear()


if __name__ == "__main__":
    main()
