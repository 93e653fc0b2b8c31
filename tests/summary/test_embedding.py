"""embedding: its files, the config that names them, and what the Projector serves."""
from __future__ import annotations

import contextlib
import io
import re

import numpy as np
import pytest
from google.protobuf import text_format
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.judges import both_loaders, http
from PIL import Image
from tensorboard.plugins.projector import projector_config_pb2, projector_plugin

from tbwriter import FileWriter, summary

CONFIG = "projector_config.pbtxt"


class Files(dict):
    """A log directory in memory, which remembers the order of what was put."""

    def read(self, name):
        return self.get(name)

    def put(self, name, data):
        self.pop(name, None)
        self[name] = bytes(data)

    def exclusive(self, name):
        return contextlib.nullcontext()

    def config(self):
        return text_format.Parse(self[CONFIG], projector_config_pb2.ProjectorConfig())


def stored(*arguments, **keywords):
    files = Files()
    summary.embedding(*arguments, **keywords).store(files)
    return files


def as_tensorboard_reads(path, shape):
    """The two steps of tensorboard/plugins/projector/projector_plugin.py."""
    try:
        return projector_plugin._read_tensor_tsv_file(str(path))
    except UnicodeDecodeError:
        return projector_plugin._read_tensor_binary_file(str(path), shape)


def test_files_and_config():
    """Matrix, labels and pictures are written first, the config, which names them, last."""
    matrix = np.random.RandomState(0).randn(5, 3)
    images = np.random.RandomState(1).rand(5, 3, 4, 6)
    files = stored("words/all", matrix, list("abcde"), images, step=7)
    info, = files.config().embeddings
    assert list(files) == [info.tensor_path, info.metadata_path, info.sprite.image_path, CONFIG]
    assert info.tensor_name == "words/all:00007"
    assert list(info.tensor_shape) == [5, 3] and list(info.sprite.single_image_dim) == [6, 4]
    np.testing.assert_array_equal(np.frombuffer(files[info.tensor_path], "<f4").reshape(5, 3),
                                  matrix.astype("f4"))
    assert files[info.metadata_path] == b"a\nb\nc\nd\ne\n"


@settings(max_examples=60)
@given(st.data())
def test_tensorboard_reads_the_same(tmp_path_factory, data):
    """Whatever the numbers, also where their bytes happen to be valid UTF-8, TensorBoard's reader
    gets them back exactly."""
    shape = data.draw(st.tuples(st.integers(2, 5), st.integers(2, 5)))
    number = st.sampled_from([0, 2, 3, 8.5, 1, -1, 1e-40, 1.1, 3e38]) | st.floats(
        width=32, allow_nan=False, allow_infinity=False)
    values = data.draw(st.lists(number, min_size=shape[0] * shape[1],
                                max_size=shape[0] * shape[1]))
    matrix = np.array(values, np.float32).reshape(shape)
    files = stored("a", matrix)
    info, = files.config().embeddings
    path = tmp_path_factory.mktemp("tensors") / "file"
    path.write_bytes(files[info.tensor_path])
    np.testing.assert_array_equal(as_tensorboard_reads(path, shape), matrix)


@pytest.mark.parametrize("matrix, ending", [
    (np.zeros((40, 2)), "tsv"), (np.full((3, 3), 2.0), "tsv"),
    (np.ones((3, 3)), "bytes"), (np.full((3, 3), 0.1), "bytes"),
    # The first line, to the byte 0x0A, is valid UTF-8: TensorFlow's reader decodes line by line.
    (np.array([[0, 0], [1.4e-44, 0.1]]), "tsv"),
])
def test_text_or_binary(matrix, ending):
    """Binary, but text where binary would be taken for text (FORMAT: "falls back to binary only on
    UnicodeDecodeError")."""
    info, = stored("a", matrix).config().embeddings
    assert info.tensor_path.endswith("." + ending)


def test_several_in_one_config():
    """Tags and steps are kept side by side; the same tag and step is replaced, and what others
    wrote into the config stays."""
    files = Files()
    files[CONFIG] = (b'# by hand\nmodel_checkpoint_path: "model.ckpt"\nembeddings: <\n'
                     b"  tensor_name: 'other' metadata_path: 'a}b' # not } the end\n>\n")
    for tag, step, width in (("a", 1, 2), ("a", 2, 3), ("b", None, 4), ("a", 1, 5)):
        summary.embedding(tag, np.ones((2, width)), step=step).store(files)
    config = files.config()
    assert config.model_checkpoint_path == "model.ckpt"
    assert [(info.tensor_name, list(info.tensor_shape)) for info in config.embeddings] == [
        ("other", []), ("a:00002", [2, 3]), ("b", [2, 4]), ("a:00001", [2, 5])]
    assert config.embeddings[0].metadata_path == "a}b"


@pytest.mark.parametrize("broken", [b"embeddings {", b"}", b"\xff\x00", b"???"])
def test_unreadable_config(broken):
    """A config that is no text format, which TensorBoard refuses as a whole, is put aside."""
    files = Files({CONFIG: broken})
    summary.embedding("a", np.ones((2, 2))).store(files)
    assert [info.tensor_name for info in files.config().embeddings] == ["a"]
    assert CONFIG + ".unreadable" in files


@settings(max_examples=100)
@given(st.text(min_size=1, max_size=30))
def test_any_tag(tag):
    """No tag can write a second entry, break the config, or name a file elsewhere."""
    files = stored(tag, np.ones((2, 2)), ["x", "y"], step=3)
    summary.embedding("other", np.ones((2, 2))).store(files)
    first, second = files.config().embeddings
    assert (first.tensor_name, second.tensor_name) == (tag + ":00003", "other")
    for name in files:
        assert not name.startswith("/") and ".." not in name.split("/") and "tfevents" not in name


HOSTILE = ["../../evil", "/etc/passwd", "a" * 300, "..", ".", "", "~/x", "c:\\x", "a\0b", "a\nb",
           '"\n}\nembeddings { tensor_path: "/etc/passwd" }\n#', "x/../../y", "tfevents", "a/ b",
           "ä"]


def test_hostile_tags_on_disk(tmp_path):
    """Every file lies inside the log directory, whatever the tag holds."""
    logdir = tmp_path / "logs"
    with FileWriter(logdir) as writer:
        for tag in HOSTILE:
            writer.add(summary.embedding(tag, np.ones((2, 2)), step=1))
    assert [path.name for path in tmp_path.iterdir()] == ["logs"]
    config = text_format.Parse((logdir / CONFIG).read_text(),
                               projector_config_pb2.ProjectorConfig())
    assert [info.tensor_name for info in config.embeddings] == [tag + ":00001" for tag in HOSTILE]
    paths = {(logdir / info.tensor_path).resolve() for info in config.embeddings}
    assert len(paths) == len(HOSTILE)
    assert all(path.is_file() and logdir.resolve() in path.parents for path in paths)


@pytest.mark.parametrize("metadata, header, lines", [
    (["a", "b"], None, ["a", "b"]),
    ([1, 2.5], None, ["1", "2.5"]),
    (np.array([3, 4]), None, ["3", "4"]),
    (["a\tb", "c\nd\r"], None, ["a\\tb", "c\\nd\\r"]),
    (["", "  "], None, ["\u200b", "  \u200b"]),
    ([("a", 1), ("b", 2)], ["name", "n"], ["name\tn", "a\t1", "b\t2"]),
    ([("a", 1), ("b", 2)], None, ["column 1\tcolumn 2", "a\t1", "b\t2"]),
    ([("a",), ("b",)], ["name"], ["a", "b"]),
    (["a", "b"], ["name"], ["a", "b"]),
])
def test_metadata(metadata, header, lines):
    """A line for each point: nothing in a label shifts another, and a header is there exactly
    where TensorBoard expects one ("one column -> no header")."""
    files = stored("a", np.ones((2, 2)), metadata, metadata_header=header)
    path = files.config().embeddings[0].metadata_path
    assert files[path].decode().split("\n")[:-1] == lines


@pytest.mark.parametrize("shape", [(7, 3, 4, 6), (7, 1, 5, 5), (7, 4, 6, 4), (2, 3, 2, 2),
                                   (7, 3, 5)])
def test_sprite(shape):
    """Pillow finds each picture where the dashboard looks for it: row after row on one sheet."""
    images = np.random.RandomState(0).randint(0, 256, shape).astype(np.uint8)
    files = stored("a", np.ones((shape[0], 2)), label_img=images)
    sprite = files.config().embeddings[0].sprite
    width, height = sprite.single_image_dim
    sheet = np.array(Image.open(io.BytesIO(files[sprite.image_path])))
    per_row = sheet.shape[1] // width
    for number, image in enumerate(images):
        top, left = number // per_row * height, number % per_row * width
        shown = sheet[top:top + height, left:left + width]
        wanted = image.transpose(1, 2, 0) if image.ndim == 3 else image
        np.testing.assert_array_equal(shown.reshape(wanted.shape), wanted)


def test_sprite_of_floats():
    """Floats from 0 to 1 become 0 to 255; values outside are clipped, NaN is black."""
    images = np.array([0, 0.5, 1, 2, -1, np.nan]).reshape(6, 1, 1, 1)
    files = stored("a", np.ones((6, 2)), label_img=images)
    sheet = np.array(Image.open(io.BytesIO(
        files[files.config().embeddings[0].sprite.image_path])))
    assert sheet.ravel().tolist() == [0, 128, 255, 255, 0, 0]


def test_sprite_fits_a_texture():
    """Pictures that would make the sheet larger than 8192 pixels are thinned out."""
    files = stored("a", np.ones((4, 2)), label_img=np.zeros((4, 1, 10, 5000), np.uint8))
    sprite = files.config().embeddings[0].sprite
    assert Image.open(io.BytesIO(files[sprite.image_path])).size == (5000, 10)
    assert list(sprite.single_image_dim) == [2500, 5]


def test_keeps_a_snapshot():
    """Arrays that change after the call do not change what is written."""
    matrix, images = np.full((2, 2), 0.1, np.float32), np.ones((2, 1, 1, 1), np.uint8)
    made = summary.embedding("a", matrix, label_img=images)
    matrix[:], images[:] = 5, 5
    files = Files()
    made.store(files)
    info, = files.config().embeddings
    assert np.frombuffer(files[info.tensor_path], "<f4")[0] == np.float32(0.1)
    assert np.array(Image.open(io.BytesIO(files[info.sprite.image_path])))[0, 0] == 1


@both_loaders
def test_projector(tmp_path, loader):
    """The dashboard serves the numbers, labels and pictures of every embedding of every run."""
    random = np.random.RandomState(0)
    first, second = random.randn(50, 8).astype("f4"), np.zeros((3, 4), "f4")
    images = random.randint(0, 256, (50, 3, 8, 8)).astype(np.uint8)
    with FileWriter(tmp_path / "run") as writer:
        writer.add_scalar("x", 1, 0)
        writer.add(summary.embedding("ä/b", first, [f"p{i}" for i in range(50)], images, 3))
        writer.add(summary.embedding("zero", second, [(1, "x")] * 3, metadata_header=["n", "s"]))
    with http(tmp_path, loader) as h:
        assert h.json("projector/runs") == ["run"]
        infos = {info["tensorName"]: info
                 for info in h.json("projector/info", run="run")["embeddings"]}
        assert {name: info["tensorShape"] for name, info in infos.items()} == \
            {"ä/b:00003": [50, 8], "zero": [3, 4]}
        for name, matrix in (("ä/b:00003", first), ("zero", second)):
            raw = h.bytes("projector/tensor", run="run", name=name)
            np.testing.assert_array_equal(np.frombuffer(raw, "f4").reshape(matrix.shape), matrix)
        labels = h.bytes("projector/metadata", run="run", name="ä/b:00003").decode()
        assert labels.split("\n")[:3] == ["p0", "p1", "p2"]
        assert h.bytes("projector/metadata", run="run", name="zero").startswith(b"n\ts\n1\tx\n")
        sprite = h.bytes("projector/sprite_image", run="run", name="ä/b:00003")
        assert Image.open(io.BytesIO(sprite)).size == (64, 56)


@pytest.mark.parametrize("arguments, keywords, error, message", [
    ((np.ones(3),), {}, ValueError, "got a mat of shape (3,), want (n, d)"),
    ((np.ones((0, 3)),), {}, ValueError, "got a mat of shape (0, 3)"),
    ((np.ones((9, 1)),), {}, ValueError, "got a mat of shape (9, 1), want (n, d), both at least 2"),
    ((np.ones((1, 9)),), {}, ValueError, "got a mat of shape (1, 9), want (n, d), both at least 2"),
    (([[1, np.nan], [2, 3]],), {}, ValueError, "got a mat with NaN, infinities, masked"),
    (([[1, -np.inf], [2, 3]],), {}, ValueError, "got a mat with NaN, infinities, masked"),
    (([[1, 1e39], [2, 3]],), {}, ValueError, "numbers beyond float32, want finite numbers"),
    ((np.ma.array(np.ones((2, 2)), mask=np.eye(2)),), {}, ValueError, "masked elements"),
    ((np.ones((2, 2)), 3), {}, TypeError, "got metadata of type int, want a list of labels"),
    ((np.ones((2, 2)), {"a": [1], "b": [1, 2]}), {}, ValueError, "columns of [1, 2] labels"),
    ((np.ones((2, 2)), None, None, None, "ab"), {}, TypeError, "got the metadata_header 'ab'"),
    (([["a"]],), {}, TypeError, "got mat of dtype"),
    ((np.ones((2, 2)), ["a"]), {}, ValueError, "got 1 labels of metadata for 2 points"),
    ((np.ones((2, 2)), "ab"), {}, TypeError, "got the metadata 'ab', want a list"),
    ((np.ones((2, 2)), [("a", "b"), ("a",)]), {}, ValueError, "got rows of [1, 2] labels"),
    ((np.ones((2, 2)), [("a", "b")] * 2), {"metadata_header": ["x"]}, ValueError, "want 1 in each"),
    ((np.ones((2, 2)),), {"metadata_header": ["x"]}, ValueError, "without metadata"),
    ((np.ones((2, 2)), None, np.ones((3, 1, 2, 2))), {}, ValueError, "with 3 pictures for 2"),
    ((np.ones((2, 2)), None, np.ones((2, 2, 2, 2))), {}, ValueError, "1, 3 or 4 channels"),
    ((np.ones((2, 2)), None, np.full((2, 1, 2, 2), 300)), {}, ValueError, "from 300 to 300"),
    ((np.ones((2, 2)),), {"step": 2 ** 63}, ValueError, "got the step"),
    ((np.ones((2, 2)),), {"step": "../x"}, TypeError, "got a step of type str"),
])
def test_bad_input(arguments, keywords, error, message):
    """Mistakes raise at the call, with what was given and what is wanted."""
    with pytest.raises(error, match=re.escape(message)):
        summary.embedding("a", *arguments, **keywords)


def test_two_columns(recwarn):
    """An embedding that only the default view fails to show is written, with one warning per
    tag."""
    for _ in range(2):
        summary.embedding("two columns", np.eye(2))
    told = [str(w.message) for w in recwarn if "'two columns' has two columns" in str(w.message)]
    assert len(told) == 1 and "add a column of zeros" in told[0]


class Frame:
    """As much of a polars DataFrame as is asked for."""

    columns = ["word", "rank"]

    def rows(self):
        return [("a", 1), ("b", 2)]


@pytest.mark.parametrize("metadata", [
    Frame(), {"word": ["a", "b"], "rank": [1, 2]}, [{"word": "a", "rank": 1}, {"rank": 2, "word":
                                                                             "b"}],
    np.array([("a", 1), ("b", 2)], [("word", "U1"), ("rank", int)]), "pandas"])
def test_tables_as_metadata(metadata):
    """Columns are the header and rows the labels, whatever the table is made of."""
    if isinstance(metadata, str):
        pandas = pytest.importorskip("pandas", reason="pandas is not installed")
        metadata = pandas.DataFrame({"word": ["a", "b"], "rank": [1, 2]}, index=[7, 8])
    files = stored("a", np.ones((2, 3)), metadata)
    table = files[files.config().embeddings[0].metadata_path].decode()
    assert table == "word\trank\na\t1\nb\t2\n"


def test_pil_images_as_labels():
    """A list of PIL images of any mode is the sprite."""
    images = [Image.new("P", (4, 3), 0), Image.new("P", (4, 3), 0)]
    for image in images:
        image.putpalette([10, 20, 30] * 256)
    files = stored("a", np.ones((2, 3)), label_img=images)
    info, = files.config().embeddings
    sprite = np.asarray(Image.open(io.BytesIO(files[info.sprite.image_path])))
    assert sprite.shape[2] == 3 and (sprite[:3, :4] == [10, 20, 30]).all()
