"""Custom scalar charts: several curves, or a curve with its margin, in one chart. Shown in Custom
Scalars.

Source: tensorboard/plugins/custom_scalar/layout.proto of TensorBoard 2.21.
"""
from __future__ import annotations

from typing import Any, List, Mapping, Sequence, Tuple

from .._foreign import checked, shown
from .._proto import messages, schema, wire
from .._proto.messages import Summary, Value, check_tag
from .._proto.plugin_schema import (Category, Chart, MarginChart, MarginSeries,
                                    MultilineChart)
from .._proto.plugin_schema import Layout as LayoutMessage
from .._values.number import items

# The value, and the limits between which it is drawn.
_SERIES = (MarginSeries.VALUE, MarginSeries.LOWER, MarginSeries.UPPER)

Layout = Mapping[str, Mapping[str, Sequence[Any]]]


@checked
def custom_scalars(layout: Layout, *, closed: Sequence[str] = ()) -> Summary:
    """The charts that the dashboard Custom Scalars draws. TensorBoard takes the last layout of a
    run, and joins those of several runs.

    layout: {category: {chart title: ["Multiline", [tag, ...]]}} or
        {category: {chart title: ["Margin", [value, lower, upper]]}}, where the margin chart takes
        three tags, or a list of such threes. A Multiline tag is a regular expression that has to
        match from the start of a tag: `re.escape` makes one of a tag with special characters.
    closed: the categories that are folded at first.

    Raises ValueError or TypeError for another structure.

    Example: `custom_scalars({"losses": {"both": ["Multiline", ["train/loss", "val/loss"]]}})`.
    """
    if not isinstance(layout, Mapping):
        raise TypeError(f"got a layout of type {type(layout).__name__}, want a dict of categories")
    return joined([(title, [made for _, made in charts(title, its)])
                   for title, its in layout.items()], closed)


def joined(categories: Sequence[Tuple[str, Sequence[bytes]]], closed: Sequence[str] = ()
           ) -> Summary:
    """The layout of categories, each with the charts that `chart` made."""
    message = b"".join([wire.bytes_field(LayoutMessage.CATEGORY,
                                         _category(title, its, title in closed))
                        for title, its in categories])
    parts = [*messages.string_tensor((), [message]),
             messages.metadata(schema.CUSTOM_SCALARS)]
    return Summary([Value(schema.LAYOUT_TAG, parts, len(message))])


def charts(category: str, contents: Any) -> List[Tuple[str, bytes]]:
    """[(title, the chart that `chart` makes)] of {title: content}."""
    if not isinstance(contents, Mapping):
        raise TypeError(f"got the category {category!r} as a {type(contents).__name__}, want a "
                        "dict of charts")
    return [(check_tag(title), chart(title, content)) for title, content in contents.items()]


def _category(title: str, its: Sequence[bytes], closed: bool) -> bytes:
    message = wire.string_field(Category.TITLE, check_tag(title))
    message += b"".join([wire.bytes_field(Category.CHART, made) for made in its])
    return message + wire.int_field(Category.CLOSED, 1) if closed else message


def chart(title: str, content: Any) -> bytes:
    """A chart as it is in a layout. ValueError or TypeError for anything but a form and its tags.
    """
    if isinstance(content, str) or not isinstance(content, Sequence) or len(content) != 2:
        raise ValueError(f"got the chart {title!r} as {shown(content)}, want ['Multiline', tags] "
                         "or ['Margin', [value, lower, upper]]")
    form, tags = content
    head = wire.string_field(Chart.TITLE, check_tag(title))
    if not isinstance(form, str) or form not in ("Multiline", "Margin"):
        raise ValueError(f"got the form {shown(form)} for the chart {title!r}, want 'Multiline' or "
                         "'Margin'")
    return head + (wire.bytes_field(Chart.MULTILINE, _strings(title, tags)) if form == "Multiline"
                   else wire.bytes_field(Chart.MARGIN, _margins(title, tags)))


def _strings(title: str, tags: Any) -> bytes:
    return b"".join(wire.string_field(MultilineChart.TAG, check_tag(tag))
                    for tag in _listed(title, tags))


def _margins(title: str, tags: Any) -> bytes:
    """MarginChartContent from one three, or from several."""
    listed = _listed(title, tags)
    message = b""
    for series in [listed] if isinstance(listed[0], str) else listed:
        three = [] if isinstance(series, str) else items(series, "three tags")
        if len(three) != 3:
            raise ValueError(f"got {shown(series)} in the margin chart {title!r}, want three tags: "
                             "value, lower, upper")
        message += wire.bytes_field(MarginChart.SERIES, b"".join(
            wire.string_field(number, check_tag(tag)) for number, tag in zip(_SERIES, three)))
    return message


def _listed(title: str, tags: Any) -> List[Any]:
    if isinstance(tags, (str, bytes)) or not isinstance(tags, Sequence) or not tags:
        raise ValueError(f"got {shown(tags)} as the tags of the chart {title!r}, want a list of "
                         "tags, at least one")
    return list(tags)
