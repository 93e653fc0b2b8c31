"""Monitor on real executors: names, gradients, devices, buckets, as stock TensorBoard sees them."""
from __future__ import annotations

import inspect
import json
import logging

import numpy as np
import pytest

mx = pytest.importorskip("mxnet", reason="MXNet is not installed")
if not hasattr(mx, "mod"):
    pytest.skip("MXNet 2.0 has no executors with a monitor", allow_module_level=True)

from tests.support.judges import LOADERS, board, both_loaders
from tests.mxnet.networks import BATCHES, buckets, fit, mlp, module

from tbwriter import FileWriter
from tbwriter.mxnet import Monitor


def steps(points):
    return [step for step, *_ in points]


def run(tmp_path, net=None, epochs=2, fit_more=None, interval=2, **more):
    with FileWriter(tmp_path) as writer:
        monitor = Monitor(writer, interval, **more)
        fit(net or module(), {"monitor": monitor}, epochs=epochs, **(fit_more or {}))
    return monitor


def numbers(histogram):
    """(how many, smallest, largest) of a histogram."""
    return histogram[:, 2].sum(), histogram[0, 0], histogram[-1, 1]


@both_loaders
def test_gradients_under_both_names(tmp_path, loader):
    """The gradient of fc1's weight under today's name and that of 2017, each interval, over
    epochs, with the values that backward made."""
    grads = []
    with FileWriter(tmp_path) as writer:
        fit(module(), {"monitor": Monitor(writer, 3, pattern=".*backward"),
                       "batch_end_callback": lambda param: grads.append(
                           param.locals["self"]._exec_group.grad_arrays[0][0].asnumpy())})
    with board(tmp_path, loader) as b:
        for name in ("fc1_backward_weight", "fc1_backward_output1"):
            points = b.tensors("histograms", ".", name)
            assert steps(points) == [0, 3, 6, 9]
            for step, histogram in points:
                count, low, high = numbers(histogram)
                assert count == 24
                assert np.isclose(low, grads[step].min()) and np.isclose(high, grads[step].max())


def test_pattern_of_2017(tmp_path):
    """`fc1_backward_weight`, which matches nothing in MXNet's own monitor any more."""
    run(tmp_path, pattern="fc1_backward_weight")
    with board(tmp_path, "fast") as b:
        assert set(b.tags("histograms")) == {"fc1_backward_weight"}
        assert steps(b.tensors("histograms", ".", "fc1_backward_weight")) == [0, 2, 4, 6, 8]


def test_what_is_no_gradient_is_left_out(tmp_path):
    """Gradients of data, label and fixed parameters are not logged: their memory is
    uninitialised."""
    run(tmp_path, module(fixed_param_names=["fc2_bias"]))
    with board(tmp_path, "fast") as b:
        assert set(b.tags("histograms")) == {
            "data", "softmax_label", "fc1_weight", "fc1_bias", "fc2_weight", "fc2_bias",
            "fc1_output", "relu1_output", "fc2_output", "softmax_output",
            "fc1_backward_output1", "fc1_backward_weight",
            "fc1_backward_output2", "fc1_backward_bias",
            "relu1_backward_output", "relu1_backward_data",
            "fc2_backward_output0", "fc2_backward_data",
            "fc2_backward_output1", "fc2_backward_weight",
            "softmax_backward_output0", "softmax_backward_data"}


def convolutional():
    """Operators whose inputs are called otherwise, two of a kind, and one with two outputs."""
    x = mx.sym.Convolution(mx.sym.var("data"), kernel=(3, 3), num_filter=4, name="conv")
    x = mx.sym.BatchNorm(x, fix_gamma=False, name="bn")
    left, right = mx.sym.split(x, num_outputs=2, axis=1, name="split")
    x = mx.sym.Concat(left, right, name="cat")
    x = mx.sym.LeakyReLU(x, act_type="prelu", name="prelu")
    x = mx.sym.FullyConnected(x, weight=mx.sym.var("w"), num_hidden=4, name="fc1")
    x = mx.sym.FullyConnected(x, no_bias=True, num_hidden=2, name="fc2")
    return mx.sym.SoftmaxOutput(mx.sym.dot(x, mx.sym.var("m", shape=(2, 2)), name="dot"),
                                name="softmax")


@both_loaders
def test_names_of_other_operators(tmp_path, loader):
    """gamma, beta, lhs, rhs and the rest, also of variables with names of their own, hold what the
    executor says is that variable's gradient."""
    executor = convolutional().simple_bind(mx.cpu(), data=(2, 1, 8, 8), grad_req={
        name: "null" if name in ("data", "softmax_label") else "write"
        for name in convolutional().list_arguments()})
    for array in executor.arg_arrays:
        array[:] = mx.nd.random.normal(shape=array.shape)
    with FileWriter(tmp_path) as writer:
        monitor = Monitor(writer, 1, begin_step=7)
        monitor.install(executor)
        monitor.tic()
        executor.forward(is_train=True)
        executor.backward()
        monitor.toc_print()
    expected = {"conv_backward_weight": "conv_weight", "conv_backward_bias": "conv_bias",
                "bn_backward_gamma": "bn_gamma", "bn_backward_beta": "bn_beta",
                "prelu_backward_gamma": "prelu_gamma", "fc1_backward_weight": "w",
                "fc1_backward_bias": "fc1_bias", "fc2_backward_weight": "fc2_weight",
                "dot_backward_rhs": "m"}
    with board(tmp_path, loader) as b:
        tags = set(b.tags("histograms"))
        assert {"bn_moving_mean", "bn_moving_var", "split_output0", "split_backward_data",
                "cat_backward_arg0", "cat_backward_arg1", "dot_backward_lhs"} <= tags
        assert not {"conv_backward_data", "conv_backward_output0"} & tags
        for tag, variable in expected.items():
            (step, histogram), = b.tensors("histograms", ".", tag)
            gradient = executor.grad_dict[variable].asnumpy()
            assert step == 7
            assert np.allclose(numbers(histogram),
                               (gradient.size, gradient.min(), gradient.max()))


def operators():
    """(operator's symbol, shapes of its variables); names with n_ are of whole numbers."""
    x, y, n = mx.sym.var("x"), mx.sym.var("y"), mx.sym.var("n_")
    yield mx.sym.Embedding(n, input_dim=5, output_dim=3, name="op"), {"n_": (4,)}
    yield mx.sym.take(x, n, name="op"), {"x": (5, 3), "n_": (4,)}
    yield mx.sym.where(n, x, y, name="op"), {"n_": (3, 4), "x": (3, 4), "y": (3, 4)}
    yield mx.sym.batch_dot(x, y, name="op"), {"x": (2, 3, 4), "y": (2, 4, 5)}
    yield mx.sym.broadcast_mul(x, y, name="op"), {"x": (3, 4), "y": (1, 4)}
    yield mx.sym.LayerNorm(x, name="op"), {"x": (3, 4)}
    yield mx.sym.Deconvolution(x, kernel=(3, 3), num_filter=2, no_bias=False, name="op"), {
        "x": (1, 2, 5, 5)}
    yield mx.sym.RNN(x, mode="lstm", num_layers=1, state_size=3, name="op"), {"x": (2, 1, 4)}


@pytest.mark.parametrize("operator, shapes", [
    pytest.param(*each, id=json.loads(each[0].tojson())["nodes"][-1]["op"])
    for each in operators()])
def test_the_name_is_that_of_the_argument(tmp_path, operator, shapes):
    """Whichever way MXNet numbers or names an operator's gradients, `op_backward_<argument>` is
    the executor's gradient of what was passed as that argument."""
    loss = mx.sym.MakeLoss(mx.sym.sum(operator * operator))
    executor = loss.simple_bind(mx.cpu(), grad_req={
        name: "null" if name == "n_" else "write" for name in loss.list_arguments()}, **shapes)
    for name, array in executor.arg_dict.items():
        array[:] = mx.nd.random.randint(0, 2, shape=array.shape).astype("float32") \
            if name == "n_" else mx.nd.random.uniform(0.1, 1, shape=array.shape)
    with FileWriter(tmp_path) as writer:
        monitor = Monitor(writer, 1, lambda x: x.reshape(-1), pattern="op_backward")
        monitor.install(executor)
        monitor.tic()
        executor.forward(is_train=True)
        executor.backward()
        seen = {name: text for _, name, text in monitor.toc()}
    node, = (each for each in json.loads(operator.tojson())["nodes"] if each["name"] == "op")
    variables = [json.loads(operator.tojson())["nodes"][entry[0]]["name"]
                 for entry in node["inputs"]]
    parameters = list(inspect.signature(getattr(mx.sym, node["op"])).parameters)
    checked = 0
    for variable, argument in zip(variables, parameters):
        if variable != "n_":
            gradient = executor.grad_dict[variable].reshape(-1)
            text = f"{gradient.asscalar() if gradient.size == 1 else gradient.asnumpy()}\t"
            assert seen[f"op_backward_{argument}"] == text
            checked += 1
    assert checked == len([name for name in variables if name != "n_"]) > 0
    assert "n_" not in variables or f"op_backward_{parameters[variables.index('n_')]}" not in seen


def test_two_devices(tmp_path):
    """Each has its own tag; nothing is overwritten, and weights are those after the update."""
    net = module(2)
    run(tmp_path, net, interval=1, pattern="fc1_output|fc1_weight")
    for loader in LOADERS:
        with board(tmp_path, loader) as b:
            assert set(b.tags("histograms")) == {
                "fc1_output/cpu(0)", "fc1_output/cpu(1)", "fc1_weight/cpu(0)", "fc1_weight/cpu(1)"}
            for tag in b.tags("histograms"):
                assert steps(b.tensors("histograms", ".", tag)) == list(range(2 * BATCHES))
            weight = net.get_params()[0]["fc1_weight"].asnumpy()
            last = b.tensors("histograms", ".", "fc1_weight/cpu(1)")[-1][1]
            assert np.allclose(numbers(last), (24, weight.min(), weight.max()))
            assert numbers(b.tensors("histograms", ".", "fc1_output/cpu(1)")[0][1])[0] == 4 * 4


def test_the_same_device_twice(tmp_path):
    """Two executors on one device still have two tags."""
    net = mx.mod.Module(mlp(), context=[mx.cpu(0), mx.cpu(0)])
    run(tmp_path, net, pattern="fc1_output")
    with board(tmp_path, "fast") as b:
        assert set(b.tags("histograms")) == {"fc1_output/cpu(0)", "fc1_output/cpu(0)_1"}


def test_buckets_that_come_later(tmp_path):
    """A bucket's executor is installed when its first batch comes; the parameters that buckets
    share are logged once a step, without a device."""
    net, iterator = buckets()
    monitor = run(tmp_path, net, interval=1, fit_more={"iterator": iterator, "evaluate": False},
                  pattern="fc1_(output|weight|backward_weight)")
    assert len(monitor.exes) == 2
    for loader in LOADERS:
        with board(tmp_path, loader) as b:
            assert set(b.tags("histograms")) == {"fc1_output", "fc1_weight", "fc1_backward_weight"}
            for tag in b.tags("histograms"):
                assert steps(b.tensors("histograms", ".", tag)) == list(range(12))


def test_scalars(tmp_path):
    """Without histograms, MXNet's own statistic |x|/sqrt(size) is a scalar."""
    net = module()
    run(tmp_path, net, histograms=False, pattern="fc1_weight", interval=1)
    weight = net.get_params()[0]["fc1_weight"].asnumpy()
    for loader in LOADERS:
        with board(tmp_path, loader) as b:
            points = b.scalars(".", "fc1_weight")
            assert steps(points) == list(range(2 * BATCHES))
            assert points[-1][1] == pytest.approx(np.linalg.norm(weight) / np.sqrt(weight.size))


def test_stat_func(tmp_path):
    """The result of stat_func is logged: a number as a scalar, more as a histogram, a list one by
    one."""
    run(tmp_path, stat_func=lambda x: [x.max(), x.reshape(-1)[:5]], pattern="fc1_weight")
    with board(tmp_path, "fast") as b:
        assert set(b.tags("scalars")) == {"fc1_weight_0"}
        assert numbers(b.tensors("histograms", ".", "fc1_weight_1")[0][1])[0] == 5


def test_mistakes_in_stat_func_surface(tmp_path):
    """An error in MXNet's callback would only be printed: it is raised when the batch ends, once,
    and the next batch is logged again."""
    results = iter([ZeroDivisionError("stat_func's own")])

    def stat(x):
        for error in results:
            raise error
        return x.max()

    executor = mlp().simple_bind(mx.cpu(), data=(8, 6))
    with FileWriter(tmp_path) as writer:
        monitor = Monitor(writer, 1, stat, pattern="fc1_output")
        monitor.install(executor)
        monitor.tic()
        executor.forward()
        with pytest.raises(ZeroDivisionError, match="own"):
            monitor.toc()
        monitor.tic()
        executor.forward()
        assert [name for _, name, _ in monitor.toc()] == ["fc1_output"]
        several = Monitor(writer, 1, lambda x: x, pattern="fc1_output", histograms=False)
        several.install(executor)
        several.tic()
        executor.forward()
        with pytest.raises(ValueError, match="got 32 numbers from stat_func for fc1_output"):
            several.toc()
    with board(tmp_path, "fast") as b:
        assert steps(b.scalars(".", "fc1_output")) == [1]


def test_text_is_that_of_mxnet(tmp_path, caplog):
    """toc gives and toc_print logs what MXNet's own monitor does, number for number."""
    executor = mlp().simple_bind(mx.cpu(), data=(8, 6))
    for array in executor.arg_arrays:
        array[:] = mx.nd.random.normal(shape=array.shape)
    texts = []
    with FileWriter(tmp_path) as writer:
        for monitor in (mx.mon.Monitor(1, pattern="fc|rel", sort=True),
                        Monitor(writer, 1, pattern="fc|rel", sort=True),
                        Monitor(writer, 1, pattern="fc|rel", sort=True, histograms=False)):
            monitor.install(executor)
            monitor.tic()
            executor.forward()
            texts.append([(number, name, float(text)) for number, name, text in monitor.toc()])
            assert monitor.toc() == []
        monitor.tic()
        executor.forward()
        with caplog.at_level(logging.INFO):
            monitor.toc_print()
    assert [name for _, name, _ in texts[0]] == [
        "fc1_bias", "fc1_output", "fc1_weight", "fc2_bias", "fc2_output", "fc2_weight",
        "relu1_output"]
    for text in texts[1:]:
        assert [entry[:2] for entry in text] == [entry[:2] for entry in texts[0]]
        assert np.allclose([entry[2] for entry in text], [entry[2] for entry in texts[0]])
    assert len(caplog.messages) == 7 and "relu1_output" in caplog.messages[-1]


def test_no_text_that_is_not_logged(tmp_path, monkeypatch):
    """Where INFO is not logged, toc_print fetches nothing from the engine."""
    from tbwriter.mxnet import _monitor

    monkeypatch.setattr(_monitor, "_text", lambda *args: pytest.fail("text was made"))
    assert not logging.getLogger().isEnabledFor(logging.INFO)
    run(tmp_path, epochs=1)


def test_arrays_are_those_of_the_batch(tmp_path):
    """Logged values are not changed by later batches, which use the same memory."""
    outputs = []
    with FileWriter(tmp_path) as writer:
        monitor = Monitor(writer, 1, pattern="fc1_output|data$")
        fit(module(), {"monitor": monitor, "batch_end_callback": lambda param: outputs.append(
            param.locals["data_batch"].data[0].asnumpy())}, evaluate=False)
    with board(tmp_path, "python") as b:
        points = b.tensors("histograms", ".", "data")
        assert len(points) == len(outputs) == 2 * BATCHES
        for (_, histogram), output in zip(points, outputs):
            assert np.allclose(numbers(histogram), (48, output.min(), output.max()))


def test_large_outputs(tmp_path):
    """Tensors of any size, such as the 8 MiB and more of usual convolutional networks."""
    x = mx.sym.FullyConnected(mx.sym.var("data"), num_hidden=300_000, name="fc1")
    net = mx.mod.Module(mx.sym.LinearRegressionOutput(x.mean(axis=1), name="out"),
                        label_names=["out_label"])
    iterator = mx.io.NDArrayIter(np.ones((8, 6), "float32"), np.ones(8, "float32"), 8,
                                 label_name="out_label")
    with FileWriter(tmp_path) as writer:
        net.fit(iterator, num_epoch=1, eval_metric="mse", initializer=mx.init.One(),
                monitor=Monitor(writer, 1, pattern="fc1_output"))
    with board(tmp_path, "fast") as b:
        (step, histogram), = b.tensors("histograms", ".", "fc1_output")
    assert step == 0 and numbers(histogram)[0] == 8 * 300_000
    assert numbers(histogram)[1] == numbers(histogram)[2] == 6  # of ones


def test_inputs_of_operators(tmp_path):
    """monitor_all logs what goes into each operator, too. A parameter goes in several times: its
    tag has the values after the update, once a step."""
    net = module()
    run(tmp_path, net, monitor_all=True, pattern="relu1_[io]|fc1_weight|fc1_data", interval=1)
    weight = net.get_params()[0]["fc1_weight"].asnumpy()
    for loader in LOADERS:
        with board(tmp_path, loader) as b:
            assert set(b.tags("histograms")) \
                == {"relu1_input0", "relu1_output", "fc1_weight", "fc1_data"}
            points = b.tensors("histograms", ".", "fc1_weight")
            assert steps(points) == list(range(2 * BATCHES))
            assert np.allclose(numbers(points[-1][1]), (24, weight.min(), weight.max()))


def test_tag(tmp_path):
    """A function of the name makes the tag."""
    run(tmp_path, pattern="fc1_backward_weight", tag=lambda name: name.replace("_", "-"))
    with board(tmp_path, "fast") as b:
        assert set(b.tags("histograms")) == {"fc1-backward-weight"}


@pytest.mark.parametrize("interval", [0, -3, 2.5, True, "2"])
def test_an_interval_is_a_number_of_batches(tmp_path, interval):
    """Anything else is refused when the monitor is made."""
    with FileWriter(tmp_path) as writer, pytest.raises(ValueError, match="want a number of batch"):
        Monitor(writer, interval)


def test_executors_of_mxnet_2(tmp_path):
    """An executor without a monitor callback is refused with the reason."""
    with FileWriter(tmp_path) as writer, pytest.raises(TypeError, match="want one of MXNet 1.x"):
        Monitor(writer, 1).install(object())


@pytest.mark.parametrize("devices", [1, 2])
def test_inputs_of_later_modules(tmp_path, devices):
    """Each module of a SequentialModule has an input `data`: that of the second is named by the
    operator that it enters, on every device."""
    def half(name, last):
        x = mx.sym.FullyConnected(mx.sym.var("data"), num_hidden=2, name=name)
        return mx.sym.SoftmaxOutput(x, name="softmax") if last else x
    where = [mx.cpu(index) for index in range(devices)]
    chain = mx.mod.SequentialModule()
    chain.add(mx.mod.Module(half("fc1", False), label_names=(), context=where))
    chain.add(mx.mod.Module(half("fc2", True), context=where), take_labels=True, auto_wiring=True)
    run(tmp_path, chain, epochs=1)
    ends = [""] if devices == 1 else ["/cpu(0)", "/cpu(1)"]
    with board(tmp_path, "fast") as b:
        tags = set(b.tags("histograms"))
        assert {tag for tag in tags if "data" in tag and "backward" not in tag} == \
            {f"{name}{end}" for name in ("data", "fc2_data") for end in ends}
        assert not [tag for tag in tags if tag.endswith("_1")]
        for end in ends:
            # The second module's input is the first one's output.
            assert [tuple(map(float, numbers(histogram))) for _, histogram
                    in b.tensors("histograms", ".", f"fc2_data{end}")] == \
                [tuple(map(float, numbers(histogram))) for _, histogram
                 in b.tensors("histograms", ".", f"fc1_output{end}")]
