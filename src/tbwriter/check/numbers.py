"""Numbers: scalars, histograms, precision-recall curves, meshes, and the shapes of tensors."""
from __future__ import annotations

from array import array
from typing import Dict, Iterator, Optional, Tuple

import numpy as np

from .finding import ERROR, WARNING, Findings, Rule, rule
from .value import Decoded, Problem
from .._files.names import Names
from .._proto import parse, schema, tensors, wire
from .._proto.parse import Metadata
from .._proto.plugin_schema import MeshPluginData
from .._proto.tensors import MAX_FILL, Tensor
from .._proto.wire import WireError

TENSOR_ELEMENTS = Rule(
    "tensor elements", ERROR, "HTTP 500 for the series; of scalars, not the point",
    "HTTP 500 for the series", "write as many elements as the shape says")
TENSOR_FILL = rule(
    "tensor fill", WARNING,
    "the tensor if memory suffices for its whole shape, otherwise HTTP 500 for the series",
    "write all elements, or a smaller shape")
SCALAR_TYPE = Rule(
    "scalar type", ERROR, "not the point", "the point",
    "store scalars as simple_value or DT_FLOAT of rank 0, as tbwriter repair does")
HISTOGRAM_SHAPE = Rule(
    "histogram shape", ERROR, "not the point, or HTTP 500 in Distributions",
    "a broken chart, or HTTP 500 in Distributions",
    "write floats [k, 3], or as many buckets as limits")
HISTOGRAM_RANGE = rule("histogram range", ERROR, "a broken chart",
                       "leave NaN and infinite values out of histograms")
HISTOGRAM_EDGES = Rule(
    "histogram edges", ERROR, "all values in one corner of the chart", "all",
    "leave out the empty buckets around the values")
CURVE_SHAPE = rule("curve shape", ERROR, "HTTP 500 for the curves", "write floats [6, thresholds]")
CURVE_NAN = rule("curve NaN", ERROR, "HTTP 400 for the curves", "count without NaN")
MESH_SHAPE = rule("mesh shape", ERROR, "other points", "write [batch, n, 3]")
MESH_PARTS = rule("mesh parts", ERROR, "HTTP 500 for all meshes, or not all parts",
                  "give all parts of a mesh the same `components`, and each its shape")

RULES = (TENSOR_ELEMENTS, TENSOR_FILL, SCALAR_TYPE, HISTOGRAM_SHAPE, HISTOGRAM_RANGE,
         HISTOGRAM_EDGES, CURVE_SHAPE, CURVE_NAN, MESH_SHAPE, MESH_PARTS)

# By how many times the range of its values a histogram's empty buckets may exceed them. Those that
# torch writes exceed them by a tenth of the values.
_FAR = 10
# The DataTypes of real numbers.
_FLOATS = (schema.DT_FLOAT, schema.DT_DOUBLE, schema.DT_HALF, schema.DT_BFLOAT16)


def elements(tensor: Tensor) -> Optional[Problem]:
    """The problem of a tensor whose elements do not fit its shape; None if they fit."""
    try:
        if tensor.filled and tensor.size > MAX_FILL:
            return TENSOR_FILL, f"1 element for all {tensor.size} of {list(tensor.shape)}"
        tensor.check()
    except WireError as error:
        return TENSOR_ELEMENTS, f"{error!s:.200}"
    return None


def scalars(value: Decoded, first: Metadata) -> Iterator[Problem]:
    tensor = value.tensor
    if tensor is None:
        return
    if tensor.dtype != schema.DT_FLOAT or tensor.shape:
        yield SCALAR_TYPE, value.described
        return
    problem = elements(tensor)
    if problem:
        yield problem


def _matrix(tensor: Tensor, want: Tuple[Optional[int], Optional[int]], broken: Problem
            ) -> Optional[Problem]:
    """`broken` unless a tensor has real numbers in two dimensions; None in `want` is any length."""
    problem = elements(tensor)
    if problem:
        return problem
    fits = len(tensor.shape) == 2 and tensor.dtype in _FLOATS \
        and all(wanted in (None, length) for wanted, length in zip(want, tensor.shape))
    return None if fits else broken


def histograms(value: Decoded, first: Metadata) -> Iterator[Problem]:
    if value.tensor is None:
        yield from _buckets(value)
        return
    problem = _matrix(value.tensor, (None, 3), (HISTOGRAM_SHAPE, value.described))
    if problem:
        yield problem
    elif not all(np.isfinite(block).all() for block in value.tensor.blocks()):
        yield HISTOGRAM_RANGE, "edges or counts that are not finite"


def _buckets(value: Decoded) -> Iterator[Problem]:
    """A HistogramProto."""
    data = value.value.data
    counts = tensors.doubles_of(data, schema.Histogram.BUCKET)
    limits = tensors.doubles_of(data, schema.Histogram.BUCKET_LIMIT)
    if len(counts) != len(limits):
        yield HISTOGRAM_SHAPE, f"{len(counts)} buckets and {len(limits)} limits"
    elif counts.any():
        least = _double(value.fields, schema.Histogram.MIN)
        greatest = _double(value.fields, schema.Histogram.MAX)
        if not np.isfinite([least, greatest]).all():
            yield HISTOGRAM_RANGE, f"least and greatest value are {least} and {greatest}"
            return
        # Its outermost edges become the least and greatest value; those of empty buckets stay.
        reach = max(least - limits[0], limits[:-1].max(initial=greatest) - greatest)
        if reach > _FAR * max(greatest - least, abs(least), abs(greatest)):
            yield HISTOGRAM_EDGES, (f"empty buckets from {limits[0]:.4g} to {limits[-1]:.4g} "
                                    f"around values from {least:.4g} to {greatest:.4g}")


def _double(fields: Dict[int, memoryview], number: int) -> float:
    data = fields.get(number, b"")
    return wire.as_double(data) if len(data) == 8 else 0.0


def curves(value: Decoded, first: Metadata) -> Iterator[Problem]:
    if value.tensor is None:
        return
    problem = _matrix(value.tensor, (6, None), (CURVE_SHAPE, value.described))
    if problem:
        yield problem
    elif _any_nan(value.tensor, value.tensor.size * 4 // 6):
        yield CURVE_NAN, "NaN among the counts"


def _any_nan(tensor: Tensor, count: int) -> bool:
    """Whether one of the first `count` elements is NaN."""
    for block in tensor.blocks():
        if np.isnan(block[:max(0, count)]).any():
            return True
        count -= len(block)
    return False


def meshes(value: Decoded, first: Metadata) -> Iterator[Problem]:
    if value.tensor is None:
        return
    if len(value.tensor.shape) != 3 or value.tensor.shape[2] != 3:
        yield MESH_SHAPE, value.described
        return
    problem = elements(value.tensor)
    if problem:
        yield problem


class Meshes:
    """The parts of all meshes of a run, which have to fit each other."""

    def __init__(self) -> None:
        self._names = Names()
        # Of each mesh: the components of its first part; whether all have these, and a shape.
        self._components = array("Q")
        self._fit = bytearray()

    def add(self, content: bytes) -> None:
        """The plugin's content of one part."""
        try:
            name = parse.string_of(content, MeshPluginData.NAME)
            shaped = any(number == MeshPluginData.SHAPE for number, *_ in wire.fields(content))
            components = parse.int_of(content, MeshPluginData.COMPONENTS) % (1 << 64)
        except WireError:
            return  # found as a fault of the plugin's content
        mesh = self._names.number(name)
        if mesh == len(self._components):
            self._components.append(components)
            self._fit.append(True)
        self._fit[mesh] &= shaped and components == self._components[mesh]

    def check(self, path: str, found: Findings) -> None:
        for mesh, fit in enumerate(self._fit):
            if not fit:
                found.add(MESH_PARTS, path, self._names[mesh],
                          "parts with different components or no shape")
