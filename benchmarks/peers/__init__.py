"""The writers that race: one file each, with the same function names inside.

    open(logdir), close(writer)            the user's writer; all is on disk when close returns
    scalar(writer, tag, values)            one value a step, from step 0 on
    scalar_tags(writer, tags, values)      each value under every tag
    scalars_dict(writer, tags, values)     each value under every tag, as one event, in one call
    scalars_message(writer, tags, values)  the same by any means: a protobuf message made by hand
    series(writer, tag, values)            a whole array in one call
    histogram, image(writer, tag, arrays)  image: uint8, (height, width, 1 or 3)
    audio(writer, tag, clips)              float32 in -1..1, (samples,), `AUDIO_RATE` a second
    text(writer, tag, texts)
    embedding(writer, tag, matrices)

Each is the loop that a user would write in the writer's own words, so nothing stands between the
loop and the writer. What a writer can't do is not there. `open_write_through(logdir)` gives the
writer that hands every event to the kernel in the call.

The parts of a writer, where it has them, are measured on their own: `count(values)` makes a
histogram, `serialize(tag, values)` makes events of scalars, `checksum(data)`, `png(pixels)`.
"""
from __future__ import annotations

import ast
import os
from typing import Dict, List, NamedTuple, Set

AUDIO_RATE = 44100


class Peer(NamedTuple):
    """A writer in the race.

    module: its file here; title: its name in the table; package: what pip calls it.
    home: which interpreter has it, see `interpreters`.
    environ: what the environment says to it.
    """

    module: str
    title: str
    package: str
    home: str = "main"
    environ: Dict[str, str] = {}


OURS = "tbwriter"

# Keyed by what the command line calls them.
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

# Loops over a writer that does nothing: what the measurement itself costs.
NOTHING = Peer("nothing", "(empty method)", "-")


# What the parts of a writer are compared with.
LIBRARIES = Peer("libraries", "numpy, Pillow, zlib", "numpy")


def tensorflow_edges() -> List[float]:
    """TensorFlow's bucket limits, as its Python writers hand them to numpy."""
    limits = [1e-12]
    while limits[-1] < 1e20:
        limits.append(limits[-1] * 1.1)
    return [-limit for limit in reversed(limits)] + [0.0] + limits


def functions(peer: Peer) -> Set[str]:
    """The names in a peer's file; the peer itself may live in another interpreter."""
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
    """All but ourselves."""
    return [name for name, peer in WRITERS.items() if peer.module != WRITERS[OURS].module]
