"""Fuzz target: any arguments either raise TypeError or ValueError at the call, with a text
"got ..., want ...", or are shown, and the file is always whole.

    PYTHONPATH=src python -m tests.fuzz_writer [CALLS [SEED]]

Makes so many calls (3000), two thirds of them on tbwriter's own writer, the others on those of
`tbwriter.compat`, and prints how many were refused; calls that break the contract are printed,
with the seed that makes them again. tests/test_fuzz_writer.py runs it briefly.
"""
from __future__ import annotations

import argparse
import importlib.util
import math
import random
import tempfile
import traceback
import warnings
from decimal import Decimal
from inspect import signature
from operator import attrgetter

import numpy as np
from PIL import Image

from tests.support.judges import events
from tbwriter import SummaryWriter
from tbwriter._foreign import shown
from tbwriter.compat import mxboard, tensorboard, tensorboardX, torch as torch_compat

NAN, INF = math.nan, math.inf
METHODS = ["add_scalar", "add_scalars", "add_values", "add_scalar_series", "add_histogram",
           "add_histogram_raw", "add_image", "add_images", "add_image_with_boxes", "add_figure",
           "add_video", "add_audio", "add_text", "add_tensor", "add_graph", "add_embedding",
           "add_pr_curve", "add_pr_curve_raw", "add_mesh", "add_custom_scalars",
           "add_custom_scalars_multilinechart", "add_custom_scalars_marginchart", "add_hparams",
           "add_summary", "add_event", "add_confusion_matrix", "add"]
# Valid arguments of each method, so that the fuzz gets past the first check.
GOOD = {
    "add_scalar": ("a", 1.0, 1), "add_scalars": ("a", {"b": 1.0}, 1), "add_values": ({"a": 1.0}, 1),
    "add_scalar_series": ("a", [1.0, 2.0], [1, 2]), "add_histogram": ("a", [1.0, 2.0], 1),
    "add_histogram_raw": ("a", 0.0, 1.0, 2, 1.0, 1.0, [0.5, 1.0], [1, 1], 1),
    "add_image": ("a", np.zeros((3, 4, 5)), 1), "add_images": ("a", np.zeros((2, 3, 4, 5)), 1),
    "add_image_with_boxes": ("a", np.zeros((3, 9, 9)), [[1, 2, 3, 4]], 1),
    "add_figure": ("a", 1, 1), "add_video": ("a", np.zeros((1, 2, 3, 4, 5)), 1),
    "add_audio": ("a", np.zeros(9), 1, None, 8000),
    "add_text": ("a", "text", 1), "add_tensor": ("a", [1.0], 1), "add_graph": (b"",),
    "add_embedding": (np.ones((2, 3)), ["a", "b"], None, 1),
    "add_pr_curve": ("a", [0, 1], [0.1, 0.9], 1),
    "add_pr_curve_raw": ("a", *[[1.0, 0.0]] * 6, 1), "add_mesh": ("a", np.ones((1, 3, 3))),
    "add_custom_scalars": ({"c": {"t": ["Multiline", ["a"]]}},),
    "add_custom_scalars_multilinechart": (["a"], "c", "t"),
    "add_custom_scalars_marginchart": (["a", "b", "c"], "c", "t"),
    "add_hparams": ({"lr": 0.1}, {"acc": 0.5}), "add_summary": (b"", 1), "add_event": (b"",),
    "add_confusion_matrix": ("a", [0, 1], [1, 1], 1, ["x", "y"]), "add": (None, 1),
}
IMAGE, GRAPH = np.zeros((3, 4, 5)), (b"", b"")
# The functions of the modules `summary` of the other APIs, each with a good call.
KINDS = {
    "scalar": ("a", 1.0), "histogram": ("a", [1.0, 2.0], "tensorflow"), "image": ("a", IMAGE),
    "histogram_raw": ("a", 0.0, 1.0, 2, 1.0, 1.0, [0.5, 1.0], [1, 1]), "text": ("a", "text"),
    "image_boxes": ("a", IMAGE, [[1, 2, 3, 4]]), "video": ("a", np.zeros((1, 2, 3, 4, 5)), 4),
    "audio": ("a", np.zeros(9), 8000), "pr_curve": ("a", [0, 1], [0.1, 0.9], 10),
    "pr_curve_raw": ("a", *[[1.0, 0.0]] * 6), "mesh": ("a", np.ones((1, 3, 3)), None, None, None),
    "custom_scalars": GOOD["add_custom_scalars"], "hparams": GOOD["add_hparams"],
    "tensor_proto": ("a", [1.0]), "make_histogram": ([1.0, 2.0], "tensorflow"),
    "make_image": (np.zeros((4, 5, 3)),), "make_video": (np.zeros((2, 4, 5, 3)), 4),
    "compute_curve": ([0, 1], [0.1, 0.9]),
}
# Where the order of arguments is another one.
MXBOARD = {
    "add_scalar": ("a", 1.0, 1), "add_histogram": ("a", [1.0, 2.0], 1),
    "add_image": ("a", IMAGE, 1), "add_audio": ("a", np.zeros(9), 8000, 1),
    "add_text": ("a", "text", 1), "add_graph": (b"",),
    "add_embedding": ("a", np.ones((2, 3)), ["a", "b"], None, 1),
    "add_pr_curve": ("a", [0, 1], [0.1, 0.9], 10, 1),
}
OF_2017 = {"add_image": ("a", np.zeros((4, 5, 3)), 1), "add_audio": ("a", np.zeros(9), 1, 8000),
           "add_graph": (b"", None),
           "file_writer.add_graph": (b"",), "file_writer.add_session_log": (b"", 1)}
FILE_WRITER = {"file_writer.add_graph": (GRAPH,), "file_writer.add_onnx_graph": (b"",),
               "file_writer.add_summary": (b"", 1), "file_writer.add_event": (b"", 1)}


def calls_of(api, more):
    """{method: its good arguments} of the writer of an API, and of its module `summary`."""
    good = {**{name: given for name, given in GOOD.items() if hasattr(api.SummaryWriter, name)},
            **more}
    for name, given in KINDS.items():
        for one in (name, f"{name}_summary"):
            if hasattr(api.summary, one):
                good[f"summary.{one}"] = given
    return good


# The writers: each with its methods and their valid arguments.
WRITERS = {
    SummaryWriter: {name: GOOD[name] for name in METHODS},
    torch_compat.SummaryWriter: calls_of(torch_compat, FILE_WRITER),
    tensorboardX.SummaryWriter: calls_of(tensorboardX, FILE_WRITER),
    mxboard.SummaryWriter: calls_of(mxboard, MXBOARD),
    tensorboard.SummaryWriter: calls_of(tensorboard, OF_2017),
}
SUMMARIES = {torch_compat.SummaryWriter: torch_compat, tensorboardX.SummaryWriter: tensorboardX,
             mxboard.SummaryWriter: mxboard, tensorboard.SummaryWriter: tensorboard}
MODES = ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "CMYK", "YCbCr", "HSV", "LAB",
         "I", "I;16", "F", "La")


class Failing:
    """A foreign array whose every method fails in its own way."""

    shape, dtype, size = (2, 3), np.dtype("f4"), 6

    def __array__(self, dtype=None, copy=None):
        raise RuntimeError("no data")

    def __iter__(self):
        raise OSError("no data")

    def __len__(self):
        raise KeyError("no data")

    def __float__(self):
        raise BufferError("no data")

    def __index__(self):
        raise RuntimeError("no data")


# Errors of the objects below: none of them may reach the caller as it is.
ERRORS = (RuntimeError, OSError, KeyError, NotImplementedError, ValueError, BufferError,
          RecursionError, StopIteration, AttributeError, TimeoutError, AssertionError)
BROKEN = ("__array__", "__bool__", "__bytes__", "__contains__", "__dataclass_fields__", "__dict__",
          "__eq__", "__float__", "__format__", "__fspath__", "__getattr__", "__getitem__",
          "__hash__", "__index__", "__int__", "__iter__", "__len__", "__lt__", "__repr__",
          "__str__", "SerializeToString", "_repr_png_", "asnumpy", "copy", "cpu", "detach",
          "device", "dtype", "event_field", "filled", "getbands", "is_quantized", "item", "items",
          "keys", "list_arguments", "mask", "mode", "name", "named_modules", "nbytes", "ndim",
          "numpy", "requires_grad", "savefig", "set_canvas", "shape", "size", "store", "stype",
          "tags", "to_dict", "to_numpy", "tolist", "tostype", "values")
# The base class of such an object: none, or one of these.
BASES = (object, object, dict, list, tuple, str, bytes, int, float, np.ndarray)
VALUES = {dict: {"a": 1.0}, list: [1.0, 2.0], tuple: (1, 2), str: "a", bytes: b"a", int: 1,
          float: 1.5}


class Number:
    """Of anything: the parts of an object that works."""

    shape, dtype, ndim, size, name = (), np.dtype("f4"), 0, 1, "a"

    def __float__(self):
        return 1.5

    def __iter__(self):
        return iter([1.0, 2.0])

    def __len__(self):
        return 2


def broken(source):
    """An object of which one method or attribute raises."""
    base, name, error = source.choice(BASES), source.choice(BROKEN), source.choice(ERRORS)

    def fails(self, *args, **kwargs):
        raise error("broken " + name)
    bases = (Number, base) if base is object and source.random() < 0.5 else (base,)
    kind = type("Broken", bases, {
        name: fails if name.startswith("__") and name[2:4] != "da" and name != "__dict__"
        or source.random() < 0.5 else property(fails)})
    if base is np.ndarray:
        return np.ones((2, 3)).view(kind)
    return kind(VALUES[base]) if base in VALUES else kind()


def foreign(source):
    """A function that makes an object of another package, of those that are installed."""
    makers = [lambda: Image.new(source.choice(MODES), (5, 4)), lambda: Failing(),
              *[lambda: broken(source)] * 8, lambda: [broken(source) for _ in range(2)],
              lambda: {"a": broken(source)},
              lambda: [Image.new(source.choice(MODES), (5, 4)) for _ in range(2)],
              lambda: masked(array(source), source), lambda: np.ma.masked,
              lambda: [masked(array(source), source), array(source)],
              lambda: (one for one in (1, 2)), lambda: {0: 1.0, 1: 2.0}, lambda: {},
              lambda: range(2), lambda: {1, 2}, lambda: memoryview(b"abc"), lambda: np.float32,
              lambda: np.dtype("f4"), lambda: np.random.RandomState]
    for package, found in (("torch", of_torch), ("pandas", of_pandas), ("mxnet", of_mxnet)):
        if importlib.util.find_spec(package):
            makers += found(source)
    return source.choice(makers)


def masked(values, source):
    mask = np.array([source.random() < 0.5 for _ in range(values.size)], bool)
    return np.ma.array(values, mask=mask.reshape(values.shape))


def of_pandas(source):
    import pandas
    return [lambda: pandas.DataFrame({"a": [1, 2], "b": [3.5, None]}),
            lambda: pandas.DataFrame({"a": ["x", "y"]}), lambda: pandas.Series([1.5, 2.5]),
            lambda: pandas.Series([1, None], dtype="Int64"), lambda: pandas.NA, lambda: pandas.NaT]


def of_torch(source):
    import torch
    return [lambda: torch.ones(3, 4, 5, requires_grad=True), lambda: torch.eye(3).to_sparse(),
            lambda: torch.ones(2, 3, device="meta"), lambda: torch.nn.Linear(2, 2),
            lambda: torch.ones(2, dtype=torch.cfloat).conj(), lambda: torch.nn.Linear,
            lambda: torch.ones(1, device="meta"), lambda: torch.float32, lambda: torch.tensor(2.5),
            lambda: torch.ones(2, 3).to(torch.float8_e5m2), lambda: [torch.ones(2)] * 2]


def of_mxnet(source):
    import mxnet
    return [lambda: mxnet.sym.Variable("a"), lambda: mxnet.sym.Variable("a") + 1,
            lambda: mxnet.nd.ones((3, 4, 5)), lambda: mxnet.nd.ones((2, 3)).tostype("csr"),
            lambda: mxnet.nd.array([2.5]), lambda: [mxnet.nd.ones(2)] * 2,
            lambda: mxnet.gluon.nn.Dense(2), lambda: mxnet.nd.ones((2, 2), dtype="float16")]


def anything(source, depth=0):
    """A value of some kind."""
    choice = source.randrange(17 if depth < 2 else 10)
    if choice > 14:
        return foreign(source)()
    if choice == 0:
        return source.choice((None, True, False, b"", b"\xff\n\x01", b"\x0a\x03\x0a\x01a", object(),
                              1j, Decimal("NaN"), Decimal(10) ** 400, print, ..., range(3)))
    if choice in (1, 2):
        return source.choice((0, 1, -1, 3, 2 ** 31, 2 ** 53 + 1, 2 ** 63 - 1, 2 ** 63, -2 ** 63,
                              -2 ** 63 - 1, 10 ** 400))
    if choice in (3, 4):
        return source.choice((0.0, -0.0, 0.5, 1.5, -3.0, 1e-320, 1e38, 4e38, 1e308, NAN, INF, -INF))
    if choice in (5, 6):
        return source.choice(("", "a", "a/b", "../x", "/x", "é", "\0", "\ud800", "\n", "x" * 300,
                              ".", "{}", "1", "nan", "NCHW", "auto", "runs", "custom",
                              "a" * 70000))
    if choice < 10:
        return array(source)
    if choice < 12:
        return [anything(source, depth + 1) for _ in range(source.randrange(4))]
    if choice == 12:
        return tuple(anything(source, depth + 1) for _ in range(source.randrange(4)))
    return {hashable(source): anything(source, depth + 1) for _ in range(source.randrange(3))}


def hashable(source):
    return source.choice(("a", "b/c", "", "\ud800", 1, None, "../x", 2.5, ("a",)))


def array(source):
    shape = [source.choice((0, 1, 1, 2, 3, 4, 5)) for _ in range(source.randrange(6))]
    dtype = source.choice(("f4", "f8", "f2", "u1", "i1", "i2", "u2", "i4", "i8", "u8", "?", "c8",
                           "U3", "O", "S2", "M8[s]"))
    if source.random() < 0.6:
        dtype = source.choice(("f4", "f8", "u1", "i8"))
    values = np.array([source.choice((0, 1, 1, 2, 255)) for _ in range(math.prod(shape))])
    found = values.reshape(shape).astype(dtype)
    if found.dtype.kind == "f" and found.size and source.random() < 0.3:
        found.flat[source.randrange(found.size)] = source.choice((NAN, INF, -INF, -1, 1e30))
    if source.random() < 0.1:
        found = found[::-1] if found.ndim else found
    return found


def call(source, kind=SummaryWriter):
    """A method of a writer and arguments, some of them from a good call."""
    method = source.choice(list(WRITERS[kind]))
    arguments = list(WRITERS[kind][method])
    for number in range(len(arguments)):
        if source.random() < 1.3 / len(arguments):
            arguments[number] = anything(source)
    if source.random() < 0.1:
        arguments.append(anything(source))
    keywords = {}
    if source.random() < 0.1:
        names = parameters(kind, method)[len(arguments):]
        for name in source.sample(names, min(len(names), 2)):
            keywords[name] = anything(source)
    return method, arguments, keywords


def parameters(kind, method):
    """The names of the arguments of a method."""
    part, _, name = method.rpartition(".")
    if part == "file_writer":
        return []
    owner = SUMMARIES[kind].summary if part else kind
    return list(signature(getattr(owner, name)).parameters)[not part:]


def function(writer, method):
    """The function that a call of `method` calls. A function of `summary` writes its result."""
    if not method.startswith("summary."):
        return attrgetter(method)(writer)
    make = attrgetter(method)(SUMMARIES[type(writer)])

    def write(*arguments, **keywords):
        made = make(*arguments, **keywords)
        for one in made if isinstance(made, tuple) else (made,):
            if hasattr(one, "value"):
                writer.add_summary(one, 0)
    return write


def described(one):
    """A call as text; objects without a repr as their type."""
    method, arguments, keywords = one
    given = [*map(shown, arguments), *(f"{name}={shown(value)}"
                                       for name, value in keywords.items())]
    return f"{method}({', '.join(given)})"


class Late:
    """A payload that raises when it is encoded, against its contract."""

    tags, nbytes = ("late",), 0

    def event_field(self):
        raise RuntimeError("too late")


def contract(calls, directory, kind=SummaryWriter):
    """The calls on one writer, a scalar after each; then what its files hold. How many raised."""
    settings = {"asynchronous": len(calls) % 2 == 0} if kind is SummaryWriter else {}
    raised = 0
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with kind(directory, **settings) as writer:
            for number, (method, arguments, keywords) in enumerate(calls):
                try:
                    function(writer, method)(*arguments, **keywords)
                except (TypeError, ValueError) as error:
                    assert str(error).startswith("got ") or "() " in str(error), error
                    raised += 1
                writer.add_scalar("after", number, number)
            writer.flush()
            assert writer.error is None and writer.dropped == 0
    late = [str(w.message) for w in caught if "left out:" in str(w.message)
            or "could not be written" in str(w.message)]
    assert not late, f"found out after the call: {late}"
    steps = [event.step for event in events(directory) for value in event.summary.value
             if value.tag == "after"]
    assert steps == list(range(len(calls)))
    return raised


def main(most, seed):
    """So many random calls, thirty on each writer: how many were made, how many were refused."""
    source = random.Random(seed)
    count = raised = 0
    np.seterr(all="ignore")
    while count < most:
        kind = source.choice([SummaryWriter] * 8 + list(SUMMARIES))
        calls = [call(source, kind) for _ in range(30)]
        with tempfile.TemporaryDirectory() as directory:
            try:
                raised += contract(calls, directory, kind)
            except BaseException:
                traceback.print_exc()
                print(f"seed {seed}, call {count} and {len(calls) - 1} more of {kind.__module__}")
                for one in calls:
                    with tempfile.TemporaryDirectory() as alone:
                        try:
                            contract([one], alone, kind)
                        except BaseException as error:
                            print(f"seed {seed}: {described(one):.1000}: "
                                  f"{type(error).__name__}: {error}")
                raise
        count += len(calls)
    print(f"{count} calls, {raised} refused, seed {seed}")
    return count, raised


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Call writers with arbitrary arguments.")
    parser.add_argument("calls", nargs="?", type=int, default=3000)
    parser.add_argument("seed", nargs="?", type=int, default=random.randrange(1 << 32))
    asked = parser.parse_args()
    main(asked.calls, asked.seed)
