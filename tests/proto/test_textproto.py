"""The text format, against real protobuf."""
from __future__ import annotations

from typing import Any, List

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tbwriter._proto import textproto

text_format = pytest.importorskip("google.protobuf.text_format")
projector_config_pb2 = pytest.importorskip(
    "tensorboard.plugins.projector.projector_config_pb2")


def parsed(text: str) -> Any:
    return text_format.Parse(text, projector_config_pb2.ProjectorConfig())


def seen(text: str) -> List[Any]:
    """The values of the fields, as the compiled message gives them."""
    found = []
    for field in textproto.fields(text):
        assert field.name == "embeddings"
        shape = [int(one.text, 0) for one in field.fields if one.name == "tensor_shape"]
        found.append((field.first("tensor_name"), field.first("tensor_path"), shape))
    return found


GOOD = [
    "", "# only a comment",
    'embeddings { tensor_name: "a" "b" }', "embeddings: { tensor_name: 'a\"' }",
    'embeddings { tensor_shape: [1, 2] tensor_path: "p" }',
    'embeddings [{ tensor_name: "a" }, { tensor_name: "b" }]',
    'embeddings < tensor_name: "a"; tensor_shape: 3, > # end',
    r'embeddings { tensor_name: "\303\251\n\t\\\"\x41\u00e9" }',
    'embeddings { sprite { image_path: "i" single_image_dim: 1 } tensor_shape: 0x10 }',
    "embeddings { tensor_shape: [] }",
]
BAD = [
    ";", 'embeddings { tensor_name: "a",, }', 'embeddings { tensor_name: "a" >', "embeddings {",
    'embeddings { tensor_name "a" }', r'embeddings { tensor_name: "\351" }', "}",
    'embeddings { tensor_name: "a }', "embeddings: 1:", "embeddings { tensor_shape: [1 }",
]


@pytest.mark.parametrize("text", GOOD)
def test_good_text(text: str) -> None:
    """Names, paths and shapes are those that protobuf reads."""
    assert seen(text) == [(one.tensor_name, one.tensor_path, list(one.tensor_shape))
                          for one in parsed(text).embeddings]


@pytest.mark.parametrize("text", BAD)
def test_bad_text(text: str) -> None:
    """Text that protobuf refuses raises ValueError."""
    with pytest.raises(text_format.ParseError):
        parsed(text)
    with pytest.raises(ValueError, match="got|codec"):
        list(textproto.fields(text))


@pytest.mark.parametrize("text, error", [
    (";", "got ';' at character 0, want a name"),
    ("a: 1\n  ;}", "got '}' at character 8, want a name"),
    ("embeddings {", "got the end at character 12, want a name"),
    ("a: ", "got the end at character 3, want a value"),
    ("a: ]", "got ']' at character 3, want a value"),
    ("a 1", "got '1' at character 2, want ':' or a message"),
    ("a: [1 'b']", "got \"'b'\" at character 6, want ',' or ']'"),
    ("a: [1", "got the end at character 5, want ',' or ']'"),
    ("a: 1 # one\n$b: 2", "got '$b: 2' in a message in text format"),
    ("a {" * 101, "got messages nested more than 100 deep"),
])
def test_text_of_errors(text: str, error: str) -> None:
    """An error names the token, or the end, its place in the text, and what should be there."""
    with pytest.raises(ValueError) as raised:
        list(textproto.fields(text))
    assert str(raised.value) == error


def test_many_messages() -> None:
    """Only messages inside one another count for the limit of 100, not those that follow."""
    assert len(seen('embeddings { tensor_name: "a" }' * 101)) == 101
    assert len(list(textproto.fields("a {" * 100 + "}" * 100))) == 1


@given(st.text(max_size=30))
def test_quoted(text: str) -> None:
    """A quoted string is read back, by us and by protobuf."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return
    quoted = textproto.quoted(text)
    assert textproto.unquoted(quoted) == text
    assert parsed(f"model_checkpoint_path: {quoted}").model_checkpoint_path == text


@given(st.text(alphabet="abe{}<>[]:;,\"'\\ 0x1#\n", max_size=40))
def test_any_text(text: str) -> None:
    """Any text gives fields or a ValueError, and fields that are written again are the same."""
    try:
        found = list(textproto.fields(text))
    except ValueError:
        return
    again = list(textproto.fields("\n".join([field.source for field in found])))
    assert [one[:4] for one in again] == [one[:4] for one in found] or "[" in text
