"""Text, layouts of Custom Scalars, and graphs: messages and strings that TensorBoard serves."""
from __future__ import annotations

import re
from typing import Iterator

from . import wellformed
from .finding import ERROR, rule
from .numbers import elements
from .value import Decoded, Problem
from .._proto import parse, schema
from .._proto.parse import Data, Metadata
from .._proto.plugin_schema import Category, Chart, Layout, MultilineChart
from .._proto.wire import WireError

TEXT_ENCODING = rule("text encoding", ERROR, "HTTP 500 for the tag", "write text as UTF-8")
LAYOUT_CONTENT = rule("layout content", ERROR, "HTTP 500 for the layout", "write a Layout message")
LAYOUT_PATTERN = rule(
    "layout pattern", ERROR, "not the chart: its tags are regular expressions, and one is invalid",
    "write a regular expression; re.escape makes one of a tag")
GRAPH_CONTENT = rule("graph content", ERROR, "HTTP 500 for the graph",
                     "write a GraphDef or RunMetadata, with text in UTF-8")

RULES = (TEXT_ENCODING, LAYOUT_CONTENT, LAYOUT_PATTERN, GRAPH_CONTENT)


def text(value: Decoded, first: Metadata) -> Iterator[Problem]:
    if value.tensor is None:
        return
    for item in [] if value.tensor.is_ascii else value.tensor.texts():
        try:
            parse.check_text(item)
        except WireError as error:
            yield TEXT_ENCODING, str(error)
            return
    problem = elements(value.tensor)
    if problem:
        yield problem


def layouts(value: Decoded, first: Metadata) -> Iterator[Problem]:
    if value.tensor is None:
        return
    try:
        for layout in value.tensor.texts():
            wellformed.walk(layout, wellformed.LAYOUT)
            for pattern in _patterns(layout):
                problem = _pattern_problem(pattern)
                if problem:
                    yield LAYOUT_PATTERN, f"{pattern!r:.80}: {problem}"
    except WireError as error:
        yield LAYOUT_CONTENT, str(error)
        return
    wrong = elements(value.tensor)
    if wrong:
        yield wrong


def _patterns(layout: Data) -> Iterator[str]:
    """The patterns of all multiline charts. Margin charts take tags as they are."""
    for category in parse.each(layout, Layout.CATEGORY):
        for chart in parse.each(category, Category.CHART):
            for tag in parse.each(parse.bytes_of(chart, Chart.MULTILINE) or b"",
                                  MultilineChart.TAG):
                yield parse.text(tag)


def _pattern_problem(pattern: str) -> str:
    """The error of Python's `re`, with which TensorBoard reads patterns, or ""."""
    try:
        re.compile(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        return str(error)
    return ""


def graph_problem(data: Data, fields: wellformed.Fields) -> str:
    """The reason for which protobuf would refuse a GraphDef or RunMetadata, or ""."""
    try:
        wellformed.walk(data, fields)
    except WireError as error:
        return str(error)
    return ""


def graphs(value: Decoded, first: Metadata) -> Iterator[Problem]:
    """A graph in a string tensor."""
    if value.tensor is None:
        return
    problem = elements(value.tensor)
    if problem:
        yield problem
    elif first.plugin != schema.KERAS_MODEL:
        for item in value.tensor.texts():
            wrong = graph_problem(item, wellformed.RUN_METADATA)
            if wrong:
                yield GRAPH_CONTENT, wrong
