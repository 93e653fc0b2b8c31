"""The writers that are compared: one file each, with the same function names.

    open(logdir), close(writer)            the user's writer; all is on disk when close returns
    scalar(writer, tag, values)            one value per step, from step 0 on
    scalar_tags(writer, tags, values)      each value under every tag
    scalars_dict(writer, tags, values)     each value under every tag, as one event, in one call
    scalars_message(writer, tags, values)  the same event by any means, such as a protobuf message
    series(writer, tag, values)            a whole array in one call
    histogram, image(writer, tag, arrays)  image: uint8, (height, width, 1 or 3)
    audio(writer, tag, clips)              float32 in -1..1, (samples,), `AUDIO_RATE` per second
    text(writer, tag, texts)
    embedding(writer, tag, matrices)

Each function is the loop that a user would write with the methods of the writer, so no other code
runs between the loop and the writer. A file lacks the functions for kinds that its writer lacks.
`open_write_through(logdir)` gives the writer that passes every event to the kernel within the call.

The parts of a writer, if it has them, are measured on their own: `count(values)` makes a histogram,
`serialize(tag, values)` makes events of scalars, `checksum(data)`, `png(pixels)`.
"""
from __future__ import annotations

import ast
import os
from typing import Dict, List, NamedTuple, Set

AUDIO_RATE = 44100


class Peer(NamedTuple):
    """A writer to be measured.

    module: its file in this folder; title: its name in the table; package: its name on PyPI.
    home: the environment that has it, see `interpreters`. environ: its environment variables.
    """

    module: str
    title: str
    package: str
    home: str = "main"
    environ: Dict[str, str] = {}


OURS = "tbwriter"

# By the names that the command line takes.
WRITERS: Dict[str, Peer] = {
    OURS: Peer("tbwriter_", "tbwriter", "tbwriter"),
    "crcmod": Peer("tbwriter_", "tbwriter (crcmod)", "tbwriter",
                   environ={"TBWRITER_CRC32C": "crcmod"}),
    "tensorboardX": Peer("tensorboardx", "tensorboardX + crc32c", "tensorboardX"),
    "torch": Peer("torch_", "torch", "torch"),
    "mxboard": Peer("mxboard_", "mxboard", "mxboard", home="mxboard"),
    "tf": Peer("tf_summary", "tf.summary", "tensorflow-cpu"),
    "tensorboard": Peer("tensorboard_", "tensorboard", "tensorboard"),
}

# The same loops over a writer that does nothing: the cost of the measurement itself.
NOTHING = Peer("nothing", "(empty method)", "-")


# The libraries with which the parts of a writer are compared.
LIBRARIES = Peer("libraries", "numpy, Pillow, zlib", "numpy")


def tensorflow_edges() -> List[float]:
    """TensorFlow's bucket limits, as writers in Python pass them to numpy."""
    limits = [1e-12]
    while limits[-1] < 1e20:
        limits.append(limits[-1] * 1.1)
    return [-limit for limit in reversed(limits)] + [0.0] + limits


def functions(peer: Peer) -> Set[str]:
    """The names of a peer's functions, without importing it: it may need another interpreter."""
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), peer.module + ".py")
    with open(path, encoding="utf-8") as file:
        statements = ast.parse(file.read()).body
    named = {node.name for node in statements if isinstance(node, ast.FunctionDef)}
    named |= {alias.name for node in statements
              if isinstance(node, ast.ImportFrom) and node.module == "_torch_like"
              for alias in node.names}
    return named | {target.id for node in statements if isinstance(node, ast.Assign)
                    for target in node.targets if isinstance(target, ast.Name)}


def peers() -> List[str]:
    """The names of all writers but ours."""
    return [name for name, peer in WRITERS.items() if peer.module != WRITERS[OURS].module]
