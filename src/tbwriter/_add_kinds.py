"""The `add_*` methods of SummaryWriter that are one call to a kind of `tbwriter.summary`.

They have the names, positions and defaults that users of torch, tensorboardX and mxboard know; each
is `add(summary.<kind>(...), global_step, walltime)`.
"""
from __future__ import annotations

import os
from typing import Any, Mapping, Optional, Sequence

from . import summary
from ._foreign import checked, of_signal
from ._proto import schema, wire
from ._proto.messages import Message
from ._values.number import as_flag
from .writer import FileWriter


class KindMethods(FileWriter):
    """A FileWriter with a method per kind."""

    def add_histogram(self, tag: str, values: Any, global_step: Optional[int] = None,
                      bins: Any = "tensorflow", walltime: Optional[float] = None,
                      max_bins: Optional[int] = None, *, max_values: Optional[int] = None,
                      display_name: str = "", description: str = "") -> None:
        """Write how often values of each size occur. Shown in Time Series, Histograms and
        Distributions.

            writer.add_histogram("weights/dense0", weights, step)

        values: numbers or bools of any shape, at least one (numpy, MXNet, torch, jax, lists). NaN,
            infinities and masked elements are left out, with one warning per tag.
        bins: "tensorflow" (buckets that grow by a tenth), a number of equally wide buckets, edges
            in rising order, or a strategy of numpy such as "auto".
        max_bins: neighbouring buckets are joined until there are no more than these.
        max_values: of a larger array, a sample of this size is counted, and the counts are
            scaled to the size of the array; the description states it.
        tag: names the chart; the part before its first "/" names its group. global_step: an
            integer; None numbers the values 0, 1, ... walltime: seconds since 1970; None is now.
        display_name, description: shown with the tag; the description is Markdown.

        Raises TypeError for values that are not numbers, ValueError for none and unusable bins.
        """
        self.add(summary.histogram(tag, values, bins, max_bins=max_bins, max_values=max_values,
                                   display_name=display_name, description=description),
                 global_step, walltime)

    def add_histogram_raw(self, tag: str, min: float, max: float, num: float, sum: float,
                          sum_squares: float, bucket_limits: Any, bucket_counts: Any,
                          global_step: Optional[int] = None, walltime: Optional[float] = None, *,
                          display_name: str = "", description: str = "") -> None:
        """Write a histogram that was counted elsewhere. Shown in Time Series, Histograms and
        Distributions.

            writer.add_histogram_raw("ages", 0, 9, 5, 20, 120, [5, 10], [3, 2], step)

        min, max, num, sum, sum_squares: of all values.
        bucket_limits: (n,), the right edge of each bucket, rising. bucket_counts: (n,).
        tag: names the chart; the part before its first "/" names its group. global_step: an
            integer; None numbers the values 0, 1, ... walltime: seconds since 1970; None is now.
        display_name, description: shown with the tag; the description is Markdown.

        Raises TypeError or ValueError for unequal lengths and numbers that are not finite.
        """
        self.add(summary.histogram_raw(tag, min, max, num, sum, sum_squares, bucket_limits,
                                       bucket_counts, display_name=display_name,
                                       description=description), global_step, walltime)

    def add_image(self, tag: str, img_tensor: Any, global_step: Optional[int] = None,
                  walltime: Optional[float] = None, dataformats: Optional[str] = "CHW", *,
                  columns: Optional[int] = 8, padding: int = 0, normalize: bool = False,
                  display_name: str = "", description: str = "") -> None:
        """Write a picture, or a batch of pictures as a grid. Shown in Images and Time Series.

            writer.add_image("input", picture, step)                       # (3, 32, 32)
            writer.add_image("photo", PIL.Image.open("cat.jpg"), step)

        img_tensor: an array of 1 to 4 channels (grey, grey and alpha, RGB, RGBA), a PIL image of
            any mode, or a PNG, JPEG, GIF or BMP file as bytes. Floats are 0 to 1, integers 0 to
            255 (uint16 and int16: 16 bits per channel), bools black and white.
        dataformats: which axis is which, in any order. With the default a missing C and a leading
            N are understood; None finds the layout out. PIL images have a layout of their own.
        columns, padding: pictures per row of the grid (None makes a square) and black pixels
            between them.
        normalize: show each picture from its smallest to its largest value.
        tag: names the chart; the part before its first "/" names its group. global_step: an
            integer; None numbers the values 0, 1, ... walltime: seconds since 1970; None is now.
        display_name, description: shown with the tag; the description is Markdown.

        Raises TypeError or ValueError for anything but a picture of this layout.
        """
        self.add(summary.image(tag, img_tensor, dataformats=dataformats, columns=columns,
                               padding=padding, normalize=normalize, display_name=display_name,
                               description=description), global_step, walltime)

    def add_images(self, tag: str, img_tensor: Any, global_step: Optional[int] = None,
                   walltime: Optional[float] = None, dataformats: Optional[str] = "NCHW",
                   grid: bool = True, *, columns: Optional[int] = 8, padding: int = 0,
                   normalize: bool = False, display_name: str = "", description: str = "") -> None:
        """Write several pictures, as a grid or one by one. Shown in Images and Time Series.

            writer.add_images("inputs", batch, step, columns=None, padding=1)   # (n, 3, 32, 32)

        img_tensor: an array of several pictures, or a list of arrays, PIL images or encoded files.
            Types and ranges as for `add_image`.
        dataformats: which axis is which, in any order. A missing N or C is understood; None finds
            the layout out.
        grid: False writes each picture by itself, as samples of the tag; they may then differ in
            size and type.
        columns, padding: pictures per row of the grid (None makes a square) and black pixels
            between them.
        normalize: show each picture from its smallest to its largest value.
        tag: names the chart; the part before its first "/" names its group. global_step: an
            integer; None numbers the values 0, 1, ... walltime: seconds since 1970; None is now.
        display_name, description: shown with the tag; the description is Markdown.

        Raises TypeError or ValueError for anything but pictures of this layout.
        """
        made = summary.image(
            tag, img_tensor, dataformats=dataformats, columns=columns, padding=padding,
            normalize=normalize, display_name=display_name, description=description
            ) if as_flag(grid, "grid") else summary.images(
            tag, img_tensor, dataformats=dataformats, normalize=normalize,
            display_name=display_name, description=description)
        self.add(made, global_step, walltime)

    def add_image_with_boxes(self, tag: str, img_tensor: Any, box_tensor: Any,
                             global_step: Optional[int] = None, walltime: Optional[float] = None,
                             rescale: float = 1, dataformats: Optional[str] = "CHW",
                             labels: Optional[Sequence[str]] = None, *, display_name: str = "",
                             description: str = "") -> None:
        """Write a picture with red boxes on it. Shown in Images and Time Series.

            writer.add_image_with_boxes("found", picture, [[10, 10, 60, 90]], step, labels=["cat"])

        img_tensor, dataformats: one picture, as for `add_image`.
        box_tensor: (n, 4), each xmin, ymin, xmax, ymax in pixels from the top left.
        rescale: enlarges (or reduces) picture and boxes.
        labels: a text for each box.
        tag: names the chart; the part before its first "/" names its group. global_step: an
            integer; None numbers the values 0, 1, ... walltime: seconds since 1970; None is now.
        display_name, description: shown with the tag; the description is Markdown.

        Raises TypeError or ValueError for anything but a picture, other boxes, and another
        number of labels.
        """
        self.add(summary.image_with_boxes(tag, img_tensor, box_tensor, labels=labels,
                                          rescale=rescale, dataformats=dataformats,
                                          display_name=display_name, description=description),
                 global_step, walltime)

    def add_figure(self, tag: str, figure: Any, global_step: Optional[int] = None,
                   close: bool = True, walltime: Optional[float] = None, *,
                   display_name: str = "", description: str = "") -> None:
        """Write a matplotlib figure as it looks now. Shown in Images and Time Series.

            writer.add_figure("curve", plt.gcf(), step)

        figure: a `matplotlib.figure.Figure`, or a list of them, which becomes a grid.
        close: close it, so that pyplot does not keep it.
        tag: names the chart; the part before its first "/" names its group. global_step: an
            integer; None numbers the values 0, 1, ... walltime: seconds since 1970; None is now.
        display_name, description: shown with the tag; the description is Markdown.

        Raises TypeError for anything but a figure, ValueError for an empty list.
        """
        self.add(summary.figure(tag, figure, close=close, display_name=display_name,
                                description=description), global_step, walltime)

    def add_video(self, tag: str, vid_tensor: Any, global_step: Optional[int] = None,
                  fps: float = 4, walltime: Optional[float] = None,
                  dataformats: Optional[str] = "NTCHW", *, padding: int = 0,
                  normalize: bool = False, display_name: str = "", description: str = "") -> None:
        """Write a clip, or several side by side, as an animated GIF. Shown in Images.

            writer.add_video("episode", frames, step, fps=10)      # (time, 3, height, width)

        vid_tensor: an array (clips, time, channels, height, width) or without the clips; or a list
            of PIL images. Types and ranges as for `add_image`.
        fps: frames per second; above 50, which browsers don't show, frames are left out.
        dataformats: which axis is which, in any order; None finds the layout out.
        padding: black pixels between neighbouring clips.
        normalize: show each clip from its smallest to its largest value.
        tag: names the chart; the part before its first "/" names its group. global_step: an
            integer; None numbers the values 0, 1, ... walltime: seconds since 1970; None is now.
        display_name, description: shown with the tag; the description is Markdown.

        Raises TypeError or ValueError for anything but a clip, and for other rates.
        """
        self.add(summary.video(tag, vid_tensor, fps=fps, dataformats=dataformats, padding=padding,
                               normalize=normalize, display_name=display_name,
                               description=description), global_step, walltime)

    def add_audio(self, tag: str, snd_tensor: Any, global_step: Optional[int] = None,
                  sample_rate: int = 44100, walltime: Optional[float] = None, *,
                  display_name: str = "", description: str = "") -> None:
        """Write a sound, or several. Shown in Audio, where they are played.

            writer.add_audio("speech", samples, step, sample_rate=16000)        # (frames,)

        snd_tensor: an array (frames,), (frames, channels) or (channels, frames) of one clip, or
            (clips, frames, channels) of several, or a list of clips. Floats are -1 to 1, integers
            use the range of their type.
        sample_rate: frames per second.
        tag: names the chart; the part before its first "/" names its group. global_step: an
            integer; None numbers the values 0, 1, ... walltime: seconds since 1970; None is now.
        display_name, description: shown with the tag; the description is Markdown.

        Raises TypeError or ValueError for anything but a sound.
        """
        self.add(summary.audio(tag, snd_tensor, sample_rate=sample_rate,
                               display_name=display_name, description=description), global_step,
                 walltime)

    def add_text(self, tag: str, text_string: Any, global_step: Optional[int] = None,
                 walltime: Optional[float] = None, *, display_name: str = "",
                 description: str = "") -> None:
        """Write a text, or a table of texts, as Markdown. Shown in Text.

            writer.add_text("config", [["layer", "size"], ["dense", "10"]], step)

        text_string: a str; a list of str (one column); or a list of equally long lists of str.
        tag: names the chart; the part before its first "/" names its group. global_step: an
            integer; None numbers the values 0, 1, ... walltime: seconds since 1970; None is now.
        display_name, description: shown with the tag; the description is Markdown.

        Raises TypeError or ValueError for anything but a text.
        """
        self.add(summary.text(tag, text_string, display_name=display_name,
                              description=description), global_step, walltime)

    def add_tensor(self, tag: str, tensor: Any, global_step: Optional[int] = None,
                   walltime: Optional[float] = None, *, plugin_name: str = "tensor",
                   content: bytes = b"", blobs: bool = False, display_name: str = "",
                   description: str = "") -> None:
        """Write an array for a plugin of your own; TensorBoard itself does not show it.

            writer.add_tensor("matrix", np.eye(3), step, plugin_name="my_plugin")

        tensor: numbers, bools, complex numbers, str or bytes, of any shape.
        plugin_name: the plugin that reads it. content: what it wants to know about the tag.
        blobs: give the plugin the elements of `tensor`, one axis of bytes, one by one.
        tag: names the chart; the part before its first "/" names its group. global_step: an
            integer; None numbers the values 0, 1, ... walltime: seconds since 1970; None is now.
        display_name, description: shown with the tag; the description is Markdown.

        Raises TypeError for an array of other objects, ValueError for one of 2 GiB or more.
        """
        self.add(summary.tensor(tag, tensor, plugin_name=plugin_name, content=content, blobs=blobs,
                                display_name=display_name, description=description), global_step,
                 walltime)

    @checked
    def add_graph(self, model: Any, input_to_model: Any = None, verbose: bool = False,
                  use_strict_trace: bool = True) -> None:
        """Write the graph of a model, once per run. Shown in Graphs.

            writer.add_graph(model, torch.zeros(1, 3, 224, 224))
            writer.add_graph(net, (1, 3, 224, 224))                      # a Gluon block or Symbol

        model: a torch module, traced with `input_to_model`; an MXNet Symbol, Gluon block, or the
            JSON or path of one, with shapes or arrays in `input_to_model` (see
            `tbwriter.mxnet.graph`); a list of `summary.Node`; or a GraphDef, serialized or with
            `SerializeToString()`.
        input_to_model: for torch a tensor or a tuple of the arguments of `forward`, None included.
        verbose: accepted for compatibility. use_strict_trace: as for `torch.jit.trace`.

        Raises TypeError or ValueError for anything that has no graph; the error of the framework
        is its cause.
        """
        self.add(_graph(model, input_to_model, use_strict_trace))

    def add_embedding(self, mat: Any, metadata: Any = None, label_img: Any = None,
                      global_step: Optional[int] = None, tag: str = "default",
                      metadata_header: Optional[Sequence[str]] = None) -> None:
        """Write points in many dimensions, with labels and pictures. Shown in Projector.

            writer.add_embedding(vectors, words, tag="words")                    # (n, 128)

        mat: (n, d) finite numbers, both at least 2 (three columns for the default view).
        metadata: n labels, or n rows of several labels each; a DataFrame, {column: its labels} or
            a list of dicts, whose columns become the header.
        label_img: (n, channels, height, width) or (n, height, width), floats from 0 to 1 or
            integers from 0 to 255; or a list of PIL images.
        global_step: part of the name, so that several steps can be chosen. Without one the
            embedding replaces the last of this tag. tag: names the embedding.
        metadata_header: names of the columns, where there are several.

        Raises TypeError or ValueError for other shapes and lengths, and for numbers that are not
        finite as float32.
        """
        step = self.default_step if global_step is None else global_step
        made: Any = summary.embedding(tag, mat, metadata, label_img, step, metadata_header)
        self.add(made, step)

    def add_pr_curve(self, tag: str, labels: Any, predictions: Any,
                     global_step: Optional[int] = None, num_thresholds: int = 127,
                     weights: Any = None, walltime: Optional[float] = None, *,
                     display_name: str = "", description: str = "") -> None:
        """Write precision and recall at evenly spaced thresholds. Shown in PR Curves.

            writer.add_pr_curve("threes", labels == 3, probabilities[:, 3], step)

        labels: bools or 0 and 1, any shape. predictions: probabilities from 0 to 1, one per label.
        num_thresholds: at least 1.
        weights: how much each prediction counts, 0 or more: one per label, or one number.
        tag: names the chart; the part before its first "/" names its group. global_step: an
            integer; None numbers the values 0, 1, ... walltime: seconds since 1970; None is now.
        display_name, description: shown with the tag; the description is Markdown.

        Raises TypeError or ValueError for unequal lengths and values outside these ranges.
        """
        self.add(summary.pr_curve(tag, labels, predictions, num_thresholds, weights,
                                  display_name=display_name, description=description),
                 global_step, walltime)

    def add_pr_curve_raw(self, tag: str, true_positive_counts: Any, false_positive_counts: Any,
                         true_negative_counts: Any, false_negative_counts: Any, precision: Any,
                         recall: Any, global_step: Optional[int] = None, num_thresholds: int = 127,
                         weights: Any = None, walltime: Optional[float] = None, *,
                         display_name: str = "", description: str = "") -> None:
        """Write a precision-recall curve that is already counted. Shown in PR Curves.

            writer.add_pr_curve_raw("test", tp, fp, tn, fn, precision, recall, step)

        Six arrays (n,), an element per threshold; the thresholds are evenly spaced from 0 to 1.
            Counts are 0 or more, precision and recall 0 to 1; NaN there is written as 0.
        num_thresholds, weights: accepted for compatibility; the arrays state both.
        tag: names the chart; the part before its first "/" names its group. global_step: an
            integer; None numbers the values 0, 1, ... walltime: seconds since 1970; None is now.
        display_name, description: shown with the tag; the description is Markdown.

        Raises TypeError or ValueError for unequal lengths and values outside these ranges.
        """
        self.add(summary.pr_curve_raw(tag, true_positive_counts, false_positive_counts,
                                      true_negative_counts, false_negative_counts, precision,
                                      recall, display_name=display_name, description=description),
                 global_step, walltime)

    def add_confusion_matrix(self, tag: str, labels: Any, predictions: Any,
                             global_step: Optional[int] = None,
                             classes: Optional[Sequence[Any]] = None, normalize: bool = False,
                             walltime: Optional[float] = None, *, display_name: str = "",
                             description: str = "") -> None:
        """Write how often each class was predicted as which, as a picture. Shown in Images.

            writer.add_confusion_matrix("test", labels, scores.argmax(axis=1), step, names)

        labels: (n,) the true classes: numbers from 0, or names. predictions: (n,) the predicted
            ones, or (n, classes) scores, of which the largest counts.
        classes: their names, in order; None takes those that occur.
        normalize: show the share of each row, in percent, instead of counts.
        tag: names the chart; the part before its first "/" names its group. global_step: an
            integer; None numbers the values 0, 1, ... walltime: seconds since 1970; None is now.
        display_name, description: shown with the tag; the description is Markdown.

        Raises TypeError or ValueError for unequal lengths and classes without a name.
        """
        self.add(summary.confusion_matrix(tag, labels, predictions, classes, normalize,
                                          display_name=display_name, description=description),
                 global_step, walltime)

    def add_mesh(self, tag: str, vertices: Any, colors: Any = None, faces: Any = None,
                 config_dict: Optional[Mapping[str, Any]] = None,
                 global_step: Optional[int] = None, walltime: Optional[float] = None, *,
                 display_name: str = "", description: str = "") -> None:
        """Write points or surfaces in space. Shown in Mesh.

            writer.add_mesh("cloud", points, colors, global_step=step)              # (n, 3) each

        vertices: (batch, n, 3) or (n, 3) coordinates, finite as float32.
        colors: of the vertices, (batch, n, 3) or (n, 3), red, green and blue from 0 to 255.
        faces: (batch, m, 3) or (m, 3) whole numbers: which three vertices are a triangle.
        config_dict: for three.js, e.g. {"material": {"cls": "MeshStandardMaterial"}}.
        tag: names the chart; the part before its first "/" names its group. global_step: an
            integer; None numbers the values 0, 1, ... walltime: seconds since 1970; None is now.
        display_name, description: shown with the tag; the description is Markdown.

        Raises TypeError or ValueError for other shapes and values.
        """
        self.add(summary.mesh(tag, vertices, colors, faces, config_dict, display_name=display_name,
                              description=description), global_step, walltime)


def _graph(model: Any, inputs: Any, use_strict_trace: bool) -> Message:
    """The graph of a model of any framework. Its errors become TypeError or ValueError."""
    try:
        return _graph_of(model, inputs, use_strict_trace)
    except (TypeError, ValueError):
        raise
    except Exception as error:
        if of_signal(error):
            raise
        raise ValueError(f"got a model of type {type(model).__name__} whose graph can't be found: "
                         f"{type(error).__name__}: {error!s:.200}, want a model that computes its "
                         "input, or the path of one") from error


def _graph_of(model: Any, inputs: Any, use_strict_trace: bool) -> Message:
    if hasattr(model, "SerializeToString"):
        model = model.SerializeToString()
    if isinstance(model, (bytes, bytearray)):
        model = bytes(model)
        for _ in wire.fields(model):
            pass  # WireError, a ValueError, for bytes that are not a message
        return Message(schema.Event.GRAPH_DEF, model)
    if isinstance(model, (list, tuple)):
        return summary.graph(model)
    from importlib import import_module
    package = __name__.rpartition(".")[0]
    graph: Message
    if hasattr(model, "named_modules"):
        graph = import_module(f"{package}.torch").graph(model, inputs,
                                                        use_strict_trace=use_strict_trace)
    elif isinstance(model, (str, os.PathLike)) or hasattr(model, "list_arguments") \
            or hasattr(model, "collect_params"):
        graph = import_module(f"{package}.mxnet").graph(model, inputs)
    else:
        raise TypeError(f"got a model of type {type(model).__name__}, want a torch module, an MXNet"
                        " Symbol or block, a list of nodes, or a GraphDef")
    return graph
