"""Metadata: which dashboard a tag belongs to, and whether it gets there.

TensorBoard knows a tag by the metadata of its first value in a file.
"""
from __future__ import annotations

from . import wellformed
from .finding import ERROR, WARNING, Findings, Rule, rule
from .._proto import parse, schema
from .._proto.parse import Value
from .._proto.plugin_schema import Versioned
from .._proto.wire import WireError

KIND_CHANGES = Rule("kind changes", ERROR, "the values of the first kind", "HTTP 500 for the tag",
                    "use one tag per kind")
LATE_METADATA = rule(
    "late metadata", ERROR, "not the tag",
    "write plugin metadata with the tag's first value in each file; write the values again, in a "
    "new run")
NO_PLUGIN = rule("no plugin", ERROR, "not the tag",
                 "name the plugin in the metadata of the first value")
FOREIGN_PLUGIN = rule(
    "foreign plugin", WARNING, "not the tag: a plugin of this name, if there is one, gets no data",
    "set data_class in the metadata: 2 for tensors, 3 for blobs")
NO_VALUE = Rule("no value", ERROR, "an empty tag, or none", "HTTP 500 for all tags of the plugin",
                "write a value with the metadata")
PLUGIN_CONTENT = rule("plugin content", ERROR, "HTTP 500 for all tags of the plugin",
                      "write the message that the plugin's proto declares")
PLUGIN_VERSION = rule("plugin version", ERROR, "not the tag", "write version 0")
DATA_CLASS = Rule(
    "data class", ERROR, "not the tag", "not the tag, where its values are tensors",
    "data_class 1 for scalars, 3 for images and audio, 2 for all others; or leave it 0")
LOST_METADATA = Rule(
    "lost metadata", ERROR, "the values, without display name and description", "all",
    "set data_class in the metadata of values that are not tensors")
LAYOUT_TAG = rule("layout tag", ERROR, "not the layout", f"use the tag {schema.LAYOUT_TAG}")
HPARAMS_TAG = Rule("hparams tag", ERROR, "not these hyperparameters", "HTTP 500 for HParams",
                   "use the tags " + ", ".join(sorted(schema.HPARAMS_TAGS)))

RULES = (KIND_CHANGES, LATE_METADATA, NO_PLUGIN, FOREIGN_PLUGIN, NO_VALUE, PLUGIN_CONTENT,
         PLUGIN_VERSION, DATA_CLASS, LOST_METADATA, LAYOUT_TAG, HPARAMS_TAG)


def check_first(value: Value, path: str, found: Findings) -> None:
    """The first value of a tag in a file decides how TensorBoard takes the others."""
    metadata = value.metadata or parse.NO_METADATA
    if value.number in schema.FORMS and not metadata.data_class \
            and (metadata.display_name or metadata.description):
        found.add(LOST_METADATA, path, value.tag, "no data_class")
    shown = schema.FORMS.get(value.number, metadata.plugin)
    if metadata.data_class and metadata.plugin != shown:
        found.add(DATA_CLASS, path, value.tag, f"{shown}: data_class {metadata.data_class} with "
                  f"plugin {metadata.plugin!r:.60}")
    plugin = schema.PLUGINS.get(metadata.plugin)
    if plugin is None:
        if metadata.plugin and not metadata.data_class and value.number not in schema.FORMS:
            found.add(FOREIGN_PLUGIN, path, value.tag,
                      f"plugin {metadata.plugin!r:.60} without data_class")
        return
    if plugin.name == shown and plugin.kind not in ("graph", "run_metadata") \
            and metadata.data_class not in (schema.DataClass.UNKNOWN, plugin.data_class):
        found.add(DATA_CLASS, path, value.tag,
                  f"{plugin.name}: data_class {metadata.data_class}, not {plugin.data_class}")
    _check_content(plugin, metadata.content, path, value.tag, found)
    if plugin.name == schema.CUSTOM_SCALARS and value.tag != schema.LAYOUT_TAG:
        found.add(LAYOUT_TAG, path, value.tag, f"a tag other than {schema.LAYOUT_TAG}")
    if plugin.name == schema.HPARAMS and value.tag not in schema.HPARAMS_TAGS:
        found.add(HPARAMS_TAG, path, value.tag, "a tag other than those of TensorBoard")


def _check_content(plugin: schema.Plugin, content: bytes, path: str, tag: str, found: Findings
                   ) -> None:
    if plugin.content is not None and content != plugin.content:
        found.add(PLUGIN_CONTENT, path, tag, f"got {content[:20]!r}, want {plugin.content!r}")
    elif plugin.versioned and content != b"{}":
        try:
            version = parse.int_of(content, Versioned.VERSION)
            if plugin.name == schema.HPARAMS:
                wellformed.walk(content, wellformed.HPARAMS)
            elif plugin.name == schema.MESH:
                wellformed.walk(content, wellformed.MESH)
        except WireError as error:
            found.add(PLUGIN_CONTENT, path, tag, f"{plugin.name}: {error}")
            return
        if version:
            found.add(PLUGIN_VERSION, path, tag, f"{plugin.name}: version {version}")


def check_missing_value(value: Value, plugin: str, step: int, path: str, found: Findings) -> None:
    """A tag with metadata at most. Hyperparameters need no value, nor does a plugin that
    TensorBoard does not have."""
    if not plugin:
        found.add(NO_PLUGIN, path, value.tag, "neither value nor metadata")
    elif plugin in schema.PLUGINS and plugin != schema.HPARAMS:
        found.add(NO_VALUE, path, value.tag, f"metadata only, at step {step}")
