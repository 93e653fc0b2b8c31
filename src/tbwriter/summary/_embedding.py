"""Embeddings: points in many dimensions, with labels and pictures. Shown in Projector.

They are files next to the event file; the dashboard finds them through `projector_config.pbtxt`:

    projector_config.pbtxt                              written last; other embeddings in it stay
    embeddings/<tag>/<step>/tensors_1000x128.bytes      float32, row after row
    embeddings/<tag>/<step>/metadata.tsv, sprite.png

Source: projector_config.proto and projector_plugin.py of TensorBoard 2.21.
"""
from __future__ import annotations

import math
from typing import Any, ContextManager, List, Mapping, Optional, Protocol, Sequence, Tuple

import numpy as np

from .._foreign import checked, exact, shown
from .._names import relative_path
from .._proto import schema, textproto
from .._proto.messages import check_tag
from .._proto.textproto import quoted
from .._values import png
from .._values.array import Snapshot, as_array, snapshot
from .._values.depth import warn_of_range
from .._values.number import as_step, items, listed
from .._values.pixels import in_order, is_pil, picture, unmasked
from .._warnings import once

# "The sprite can be at most 8192 x 8192 pixels": what browsers hold as one texture.
MAX_SPRITE = 8192

_ESCAPES = {"\t": "\\t", "\n": "\\n", "\r": "\\r"}


class Directory(Protocol):
    """A log directory: its side files by their relative names."""

    def read(self, name: str) -> Optional[bytes]: ...
    def put(self, name: str, data: bytes) -> None: ...
    def exclusive(self, name: str) -> ContextManager[None]: ...


class Embedding:
    """An embedding as it was at the call, for `FileWriter.add`. `embedding` makes one."""

    __slots__ = ("tags", "nbytes", "_name", "_path", "_matrix", "_metadata", "_images")

    def __init__(self, tag: str, step: Optional[int], matrix: "np.ndarray[Any, Any]",
                 metadata: bytes, images: Optional[Snapshot]) -> None:
        self.tags = (tag,)
        self.nbytes = matrix.nbytes + len(metadata) + (images.nbytes if images else 0)
        number = "" if step is None else f"{step:05d}"
        self._name = f"{tag}:{number}" if number else tag
        self._path = f"embeddings/{relative_path(tag)}/{number or 'latest'}"
        self._matrix = matrix
        self._metadata = metadata
        self._images = images

    def __repr__(self) -> str:
        rows, columns = self._matrix.shape
        return f"<Embedding {self._name!r}, {rows} points of {columns} numbers>"

    def store(self, directory: Directory) -> None:
        """Write the files; the dashboard sees them once the last one is written."""
        rows, columns = self._matrix.shape
        data, ending = _matrix_file(self._matrix)
        # The lengths in the name keep a new matrix apart from one that an old config refers to.
        tensors = f"{self._path}/tensors_{rows}x{columns}.{ending}"
        directory.put(tensors, data)
        fields = [f"tensor_name: {quoted(self._name)}", f"tensor_path: {quoted(tensors)}",
                  f"tensor_shape: {rows}", f"tensor_shape: {columns}"]
        if self._metadata:
            directory.put(f"{self._path}/metadata.tsv", self._metadata)
            fields.append(f"metadata_path: {quoted(f'{self._path}/metadata.tsv')}")
        if self._images is not None:
            warn_of_range(self._images.numpy(), f"the label_img of {self.tags[0]!r}")
            sheet, height, width = _sprite(self._images.numpy())
            directory.put(f"{self._path}/sprite.png", png.encode(sheet))
            fields.append(f"sprite {{ image_path: {quoted(f'{self._path}/sprite.png')} "
                          f"single_image_dim: {width} single_image_dim: {height} }}")
        block = "embeddings {\n" + "".join(f"  {field}\n" for field in fields) + "}\n"
        with directory.exclusive(schema.PROJECTOR_CONFIG):
            _add_to_config(directory, self._name, block)


@checked
def embedding(tag: str, mat: Any, metadata: Optional[Sequence[Any]] = None, label_img: Any = None,
              step: Optional[int] = None, metadata_header: Optional[Sequence[str]] = None
              ) -> Embedding:
    """Points in many dimensions, for `FileWriter.add`. Shown in Projector.

    mat: [n, d] finite numbers, n points, at least two and of at least two columns (three for the
        default view); kept as float32.
    metadata: n labels, or n rows of several labels each; a DataFrame, {column: its labels} or a
        list of dicts, whose columns become the header.
    label_img: [n, channels, height, width] or [n, height, width] pictures, one per point: floats
        from 0 to 1 or integers from 0 to 255, 1, 3 or 4 channels; or a list of PIL images of one
        size. Pictures that together exceed 8192 x 8192 pixels are thinned out.
    step: is part of the name, "tag:00005", so that several steps can be chosen. Without one, the
        embedding replaces the last of this tag.
    metadata_header: names of the columns, where there are several.

    Raises ValueError for other shapes and lengths and for NaN, infinities and numbers beyond
    float32, which the dashboard can't show; TypeError for values that are not numbers.

    Example: `writer.add(embedding("words", vectors, words, step=0))` with vectors (n, 128).
    """
    tag = check_tag(tag)
    matrix = _matrix(tag, mat)
    images = None if label_img is None else _check_images(_pictures(tag, label_img), matrix)
    labels = _table(metadata, metadata_header, len(matrix))
    return Embedding(tag, None if step is None else as_step(step), matrix, labels,
                     images)


def _matrix(tag: str, mat: Any) -> "np.ndarray[Any, Any]":
    """`mat` as float32. ValueError where the dashboard shows nothing of it."""
    points = as_array(mat, "mat")
    if points.ndim != 2 or min(points.shape) < 2:
        raise ValueError(f"got a mat of shape {points.shape}, want (n, d), both at least 2: of "
                         "fewer the Projector shows nothing")
    with np.errstate(all="ignore"):
        matrix = np.array(points, "<f4", order="C")
    if not np.isfinite(matrix).all():
        raise ValueError("got a mat with NaN, infinities, masked elements or numbers beyond "
                         "float32, want finite numbers: for others the Projector shows an error")
    if matrix.shape[1] == 2:
        once(("columns", tag), f"the embedding {tag!r} has two columns, which the Projector's "
             "default view, a PCA in three dimensions, does not show: choose another view there, "
             "or add a column of zeros; reported once per tag")
    return matrix


def _pictures(tag: str, label_img: Any) -> Snapshot:
    subject = f"label_img of {tag}"
    if isinstance(label_img, (list, tuple)) and label_img and all(map(is_pil, label_img)):
        found = picture(label_img, None, tag=subject)
        return snapshot(in_order(found.data.numpy(), found.layout, "NCHW"))
    return snapshot(unmasked(label_img, subject), "label_img")


def _matrix_file(matrix: "np.ndarray[Any, Any]") -> Tuple[bytes, str]:
    """The matrix as (content, file name ending): binary where TensorBoard reads it as that.

    It takes a file for text until a UnicodeDecodeError; with TensorFlow it decodes one line at a
    time. So what has no invalid UTF-8 in its first line is written as text.
    """
    data = matrix.tobytes()
    line = data[:1 << 16].partition(b"\n")[0]
    try:
        line.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.reason != "unexpected end of data":
            return data, "bytes"
    row = "\t".join(["%.9g"] * matrix.shape[1])  # nine digits distinguish all float32
    return "\n".join([row % tuple(values) for values in matrix.tolist()]).encode(), "tsv"


def _table(metadata: Any, header: Optional[Sequence[str]], length: int) -> bytes:
    """metadata.tsv: "one column -> no header; tab in the first line -> it is the header"."""
    header = _header(header)
    if metadata is None:
        if header:
            raise ValueError(f"got the metadata_header {shown(header)} without metadata, want both")
        return b""
    rows, columns = _rows(metadata)
    header = header or columns
    if len(rows) != length:
        raise ValueError(f"got {len(rows)} labels of metadata for {length} points, want one for "
                         "each")
    tabular = bool(header) or all(isinstance(row, (list, tuple)) for row in rows)
    cells = [list(row) if tabular and isinstance(row, (list, tuple)) else [row] for row in rows]
    width = len(header) if header else len(cells[0])
    if {len(row) for row in cells} != {width}:
        raise ValueError(f"got rows of {sorted({len(row) for row in cells})} labels, want {width} "
                         "in each")
    lines = ["\t".join([_escaped(cell) for cell in row]) for row in cells]
    if width > 1:
        names = header or [f"column {number}" for number in range(1, width + 1)]
        lines.insert(0, "\t".join([_escaped(name) for name in names]))
    # The dashboard skips blank lines, which would move all labels after them: a zero-width space
    # is not blank.
    return "".join([line + "\n" if line.strip() else line + "\u200b\n" for line in lines]
                   ).encode("utf-8", "replace")


def _header(header: Any) -> List[str]:
    if isinstance(header, (str, bytes)):
        raise TypeError(f"got the metadata_header {shown(header)}, want a list of names")
    return [] if header is None else items(header, "metadata_header")


def _rows(metadata: Any) -> Tuple[List[Any], List[str]]:
    """The labels, or rows of labels, of each point, and the names of the columns if known."""
    if isinstance(metadata, (str, bytes)):
        raise TypeError(f"got the metadata {shown(metadata)}, want a list of labels")
    if hasattr(metadata, "columns"):  # a DataFrame of pandas or polars
        rows = metadata.itertuples(index=False, name=None) if hasattr(metadata, "itertuples") \
            else metadata.rows()
        return list(rows), list(map(str, metadata.columns))
    if isinstance(metadata, Mapping):
        columns = [items(labels, "a column of metadata") for labels in metadata.values()]
        if len(set(map(len, columns))) > 1:
            raise ValueError(f"got metadata columns of {list(map(len, columns))} labels, want "
                             "equal lengths")
        return list(zip(*columns)), list(map(str, metadata))
    if hasattr(metadata, "asnumpy") or hasattr(metadata, "detach"):
        metadata = as_array(metadata, "metadata")
    names = getattr(getattr(metadata, "dtype", None), "names", None)  # of a structured array
    if not hasattr(metadata, "__iter__"):
        raise TypeError(f"got metadata of type {type(metadata).__name__}, want a list of labels")
    rows = items(listed(metadata, "metadata"), "metadata")
    if rows and all(isinstance(row, Mapping) for row in rows):
        found = list(dict.fromkeys(name for row in rows for name in row))
        return [[row.get(name, "") for name in found] for row in rows], list(map(str, found))
    return rows, list(names or ())


def _escaped(cell: Any) -> str:
    """A label in one cell: tabs and line ends, which TSV can't hold, as \\t, \\n and \\r."""
    text = exact(cell if isinstance(cell, str) else str(cell))
    for character, escape in _ESCAPES.items():
        if character in text:
            text = text.replace(character, escape)
    return text


def _check_images(images: Snapshot, points: "np.ndarray[Any, Any]") -> Snapshot:
    shape = images.shape
    if len(shape) not in (3, 4) or not images.size or len(shape) == 4 and shape[1] not in (1, 3, 4):
        raise ValueError(f"got label_img of shape {shape}, want (n, channels, height, width) with "
                         "1, 3 or 4 channels, or (n, height, width)")
    if shape[0] != len(points):
        raise ValueError(f"got label_img with {shape[0]} pictures for {len(points)} points, want "
                         "one for each")
    if images.dtype.kind in "iu" and images.dtype != np.uint8:
        lowest, highest = images.numpy().min(), images.numpy().max()
        if lowest < 0 or highest > 255:
            raise ValueError(f"got label_img from {lowest} to {highest}, want integers from 0 to "
                             "255 or floats from 0 to 1")
    return images


def _sprite(images: "np.ndarray[Any, Any]") -> "Tuple[np.ndarray[Any, Any], int, int]":
    """(all pictures on one sheet, row after row; height and width of one)."""
    if images.ndim == 3:
        images = images[:, None]
    count, channels, height, width = images.shape
    columns = math.ceil(math.sqrt(count))
    rows = math.ceil(count / columns)
    thin = max(1, math.ceil(columns * width / MAX_SPRITE), math.ceil(rows * height / MAX_SPRITE))
    images = _as_bytes(images[:, :, ::thin, ::thin])
    height, width = images.shape[2:]
    sheet = np.zeros((rows * columns, channels, height, width), np.uint8)
    sheet[:count] = images
    sheet = sheet.reshape(rows, columns, channels, height, width).transpose(0, 3, 1, 4, 2)
    return sheet.reshape(rows * height, columns * width, channels), height, width


def _as_bytes(images: "np.ndarray[Any, Any]") -> "np.ndarray[Any, Any]":
    """0 to 255; of floats and bools 1 is the brightest, and NaN is black."""
    if images.dtype.kind in "iu":
        return images.astype(np.uint8)
    with np.errstate(all="ignore"):  # beyond float32 is infinite, and white
        values = np.nan_to_num(images.astype(np.float32), nan=0.0)
    brightness: "np.ndarray[Any, Any]" = np.rint(values.clip(0, 1) * 255)
    return brightness.astype(np.uint8)


def _add_to_config(directory: Directory, name: str, block: str) -> None:
    """Add `block` to the config, in place of an earlier embedding called `name`."""
    present = (directory.read(schema.PROJECTOR_CONFIG) or b"").decode("utf-8", "replace")
    try:
        kept = [field.source for field in textproto.fields(present)
                if field.name != "embeddings" or field.first("tensor_name") != name]
    except ValueError:
        # TensorBoard can't read it either. It is kept, in case it was written by hand.
        directory.put(schema.PROJECTOR_CONFIG + ".unreadable", present.encode("utf-8"))
        kept = []
    directory.put(schema.PROJECTOR_CONFIG,
                  "".join([field + "\n" for field in kept] + [block]).encode())
