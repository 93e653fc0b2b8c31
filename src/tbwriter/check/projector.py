"""The Projector: its configuration, and the files that it names."""
from __future__ import annotations

import os
import posixpath
from typing import Dict, Iterator, List, Mapping, Tuple

import numpy as np

from .finding import ERROR, WARNING, Findings, rule
from .value import Problem
from .._files import projector
from .._files.places import is_url
from .._files.window import CHUNK, ReadError, Window
from .._proto.plugin_schema import PROJECTOR_PATHS
from .._proto.textproto import Field

CONFIG = rule("projector config", ERROR, "no Projector tab, or an embedding without its labels",
              "use paths relative to the config, inside its directory, to files that exist")
CONFIG_SIZE = rule("projector config size", WARNING,
                   "its embeddings, if they are right: it is too large to be checked",
                   "divide it among several directories, such as those of runs")
TENSOR = rule("projector tensor", ERROR, "no Projector tab, HTTP 500 for the embedding",
              "write lines of numbers between tabs, or float32 bytes with tensor_shape that are "
              "not UTF-8")
NUMBERS = rule("projector numbers", ERROR, "an error dialog instead of the embedding",
               "leave out points with NaN or infinities")
SHAPE = rule("projector shape", ERROR, "no points",
             "write at least two points in at least three dimensions")

RULES = (CONFIG, CONFIG_SIZE, TENSOR, NUMBERS, SHAPE)

# How many bytes of a text with numbers are checked.
_SAMPLE = 1 << 20


def check_config(config: str, known: Mapping[str, str], found: Findings) -> None:
    """A projector's configuration. known: {path: path} of all files of the log directory."""
    directory = os.path.dirname(config)
    try:
        for field in projector.config_fields(projector.config(config)):
            if field.name == "embeddings":
                for broken, what in _embedding_problems(directory, field, known):
                    found.add(broken, config, "", what)
    except (OSError, ReadError) as error:
        found.add(CONFIG, config, "", str(error))
    except projector.LargeError as error:
        found.add(CONFIG_SIZE, config, "", str(error))
    except ValueError as error:
        found.add(CONFIG, config, "", f"no ProjectorConfig: {error}")


def _embedding_problems(directory: str, embedding: Field, known: Mapping[str, str]
                        ) -> Iterator[Problem]:
    shape = [int(field.text) for field in embedding.fields if field.name == "tensor_shape"]
    for field in _leaves(embedding):
        if field.name not in PROJECTOR_PATHS:
            continue
        problem, path = _asset(directory, field.text, known)
        if problem:
            yield CONFIG, f"{field.name} {problem}"
        elif field.name == "tensor_path":
            try:
                for broken, what in _tensor_problems(path, shape):
                    yield broken, f"{field.text!r} {what}"
            except (OSError, ReadError) as error:
                yield TENSOR, f"{field.text!r} cannot be read: {error}"


def _leaves(field: Field) -> Iterator[Field]:
    for inner in field.fields:
        yield inner
        yield from _leaves(inner)


def _asset(directory: str, name: str, known: Mapping[str, str]) -> Tuple[str, str]:
    """The problem of a file that a configuration names, or ""; and its path."""
    if is_url(directory):
        path = f"{directory}/{posixpath.normpath(name)}"
        inside, there = not posixpath.normpath(name).startswith(("..", "/")), path in known
        path = known.get(path, path)  # which knows where to read it
    else:
        root = os.path.realpath(directory)
        path = os.path.realpath(os.path.join(root, name))
        top, there = os.path.join(os.path.normcase(root), ""), os.path.isfile(path)
        inside = os.path.join(os.path.normcase(path), "").startswith(top)  # also on another drive
    if not inside:
        return f"{name!r} is outside the directory of the config", path
    return ("" if there else f"{name!r} does not exist"), path


def _tensor_problems(path: str, shape: List[int]) -> Iterator[Problem]:
    """The numbers of an embedding. TensorBoard takes them for text if they are UTF-8."""
    with Window(path, gunzip=False) as window:
        data = window.read(0, min(window.size, _SAMPLE))
        whole = window.size <= _SAMPLE
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError as error:
            if whole or error.end < len(data):
                yield from _binary_problems(window, shape)
                return
            text = data[:error.start].decode("utf-8")
    yield from _text_problems(text, whole)


def _binary_problems(window: Window, shape: List[int]) -> Iterator[Problem]:
    if len(shape) != 2 or shape[0] * shape[1] * 4 != window.size:
        yield TENSOR, (f"has {window.size} bytes, which is not float32 of the tensor_shape "
                       f"{shape[:8]}")
        return
    yield from _shape_problems(*shape)
    wrong = sum([int(np.count_nonzero(~np.isfinite(np.frombuffer(window.read(at, CHUNK), "<f4"))))
                 for at in range(0, window.size, CHUNK)])
    if wrong:
        yield NUMBERS, f"has {wrong} numbers that are not finite"


def _text_problems(text: str, whole: bool) -> Iterator[Problem]:
    """whole: whether this is all of the text."""
    lines = [line for line in text.split("\n") if line][:None if whole else -1]
    columns: Dict[int, int] = {}
    wrong = 0
    try:
        for line in lines:
            numbers = [float(number) for number in line.split("\t")]
            columns[len(numbers)] = columns.get(len(numbers), 0) + 1
            wrong += len(numbers) - int(np.count_nonzero(np.isfinite(numbers)))
    except ValueError as error:
        yield TENSOR, f"is text, but not lines of numbers: {str(error):.60}"
        return
    if len(columns) != 1:
        yield TENSOR, (f"has lines of {min(columns, default=0)} to {max(columns, default=0)} "
                       "numbers")
        return
    yield from _shape_problems(len(lines) if whole else 2, *columns)
    if wrong:
        yield NUMBERS, f"has {wrong} numbers that are not finite"


def _shape_problems(points: int, dimensions: int) -> Iterator[Problem]:
    if points < 2 or dimensions < 3:
        yield SHAPE, f"has {points} points of {dimensions} dimensions"
