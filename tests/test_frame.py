"""Data frames of scalars: in one process, and run by run on the workers of dask."""
from __future__ import annotations

import pickle
import shutil
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any, Dict, Iterator, List

import numpy as np
import pytest

from tbwriter import LogWarning, SummaryWriter, reader, summary
from tbwriter._files.window import Window
from tbwriter._reading import ahead
from tbwriter._reading.run import Run
from tbwriter.cli import main
from tests.support.data import record_of, scalar_event, written
from tests.support.stores import s3

pd = pytest.importorskip("pandas")


@pytest.fixture
def logs(tmp_path: Path) -> str:
    for name, lr in (("a", 0.1), ("b", 0.2)):
        with SummaryWriter(str(tmp_path / name)) as writer:
            writer.add(summary.hparams({"lr": lr, "optimizer": "sgd"}))
            writer.add_scalar("final", lr)
            with SummaryWriter(str(tmp_path / name / "eval")) as other:
                other.add_scalar("loss", lr, 7)
            for step in range(5):
                writer.add_scalar("loss", lr * step, step)
                writer.add_scalar("acc", step, step)
    return str(tmp_path)


def test_long_form(logs: str) -> None:
    """A row for each scalar, in the order of runs, tags and files; names are categories."""
    frame = reader.frame(logs)
    assert list(frame.columns) == ["run", "tag", "step", "wall_time", "value"]
    assert [str(kind) for kind in frame.dtypes[2:]] == ["int64", "float64", "float64"]
    assert frame.run.cat.categories.tolist() == ["a", "a/eval", "b", "b/eval"]
    loss = frame[(frame.run == "b") & (frame.tag == "loss")]
    series = reader.read(logs)["b"].scalars("loss")
    assert loss.step.tolist() == series.steps.tolist() == list(range(5))
    assert loss.wall_time.tolist() == series.wall_times.tolist()
    assert loss.value.tolist() == series.values.tolist()
    assert len(frame) == 24


def test_patterns(logs: str) -> None:
    """Only "*" and "?" are special."""
    assert set(reader.frame(logs, runs="?", tags="l*s").run) == {"a", "b"}
    assert reader.frame(logs, tags="[l]oss").empty
    assert reader.matches("loss[0]", "loss[0]") and not reader.matches("loss[0]", "loss0")
    assert reader.matches("*a*b", "xa\nyb") and not reader.matches("a", "A")


def test_wide_form(logs: str) -> None:
    """A column for each tag; missing values are NaN; of equal steps the last counts."""
    frame = reader.frame(logs, wide=True)
    assert set(frame.columns) == {"loss", "acc", "final"} and frame.index.names == ["run", "step"]
    assert frame.loc[("b", 4), "acc"] == 4 and frame.loc[("b", 4), "loss"] == np.float32(0.8)
    assert np.isnan(frame.loc[("a/eval", 7), "acc"])
    twice = reader.Run("r", [b"".join(record_of(scalar_event("x", value, 3)) for value in (1, 2))])
    from tbwriter._reading.frames import wide_frame
    assert wide_frame([twice], "*", False).loc[("r", 3), "x"] == 2


@pytest.mark.parametrize("wide", [False, True])
def test_hparams(logs: str, wide: bool) -> None:
    """Each run has its hyperparameters, or those of the run above it."""
    frame = reader.frame(logs, hparams=True, wide=wide).reset_index()
    assert set(frame[frame.run == "a/eval"]["hparams/lr"]) == {0.1}
    assert set(frame[frame.run == "b"]["hparams/lr"]) == {0.2}
    assert set(frame["hparams/optimizer"]) == {"sgd"}


@pytest.mark.parametrize("wide", [False, True])
def test_nothing(tmp_path: Path, wide: bool) -> None:
    """No scalars: no rows, the same columns."""
    written(tmp_path, [])
    frame = reader.frame(tmp_path, wide=wide, hparams=True)
    assert len(frame) == 0
    if not wide:
        assert list(frame.columns) == ["run", "tag", "step", "wall_time", "value"]
    with pytest.raises(FileNotFoundError):
        reader.frame(tmp_path / "missing")


def test_one_run_of_many(logs: str) -> None:
    """A name of `runs` is a place, also after pickling; and several are."""
    places = list(reader.runs(logs))
    place = pickle.loads(pickle.dumps(places[2]))
    assert set(reader.frame(place).run) == {"b"} and len(reader.frame(place)) == 11
    assert set(reader.frame(places[:2]).run) == {"a", "a/eval"}
    assert reader.runs(logs)["b"] == place.files


def test_several_log_directories(logs: str, tmp_path_factory: pytest.TempPathFactory,
                                 monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs of one name in several directories are called by their directories, too, so that no
    value is under that of another run. The names of others stay; no file is read twice."""
    seeds = tmp_path_factory.mktemp("seeds")
    for number, name in enumerate(["one/s", "two/s", "two/s/eval", "six/other", "five", "four/s"]):
        written(seeds / name, [scalar_event("loss", float(number), 1)])
    (seeds / "link").symlink_to("one")

    def values(*given: str, **more: Any) -> Dict[str, List[float]]:
        frame = reader.frame([seeds / name for name in given], tags="loss", **more)
        if "wide" in more:
            frame = frame.reset_index().rename(columns={"loss": "value"})
        return {str(name): part.value.tolist()
                for name, part in frame.groupby("run", observed=True)}
    for more in ({}, {"wide": True}):
        assert values("one", "two", "six", **more) == {
            "one/s": [0], "two/s": [1], "two/s/eval": [2], "other": [3]}
    assert values("one/s", "two/s") == {"one/s": [0], "two/s": [1], "two/s/eval": [2]}
    assert reader.frame([]).empty
    assert values("five", "one") == {".": [4], "s": [0]}
    once = values("one")
    for given in (["one", "one"], ["one", "one/s"], ["one/s", "one"], ["link", "one"],
                  ["one", "one/s/events.out.tfevents.1600000000"], ["one", "one/../one/"]):
        assert values(*given) == once, given
    (seeds / "one" / "latest").symlink_to("s")
    assert values("one") == values("one", "one") == {"s": [0], "latest": [0]}
    assert values("one", "two") == {
        "one/s": [0], "one/latest": [0], "two/s": [1], "two/s/eval": [2]}
    monkeypatch.chdir(seeds / "one")
    pd.testing.assert_frame_equal(reader.frame([".", "../four"]),
                                  reader.frame([seeds / "one", seeds / "four"]))
    keys = [*reader.runs(seeds / "one"), *reader.runs(seeds / "two")]
    assert set(reader.frame(keys).run) == {"one/s", "one/latest", "two/s", "two/s/eval"}
    assert len(reader.frame([logs, *reader.runs(logs)])) == 24


def test_names_that_directories_give(tmp_path: Path) -> None:
    """A name that a directory gives to a run may be that of a third run: then its directory is part
    of that name as well."""
    for number, name in enumerate(["a/s", "b/s", "c/a/s", "c/d"]):
        written(tmp_path / name, [scalar_event("loss", float(number), 1)])
    frame = reader.frame([tmp_path / "a", tmp_path / "c", tmp_path / "b"])
    assert dict(zip(frame.run, frame.value)) == {"a/s": 0, "b/s": 1, "c/a/s": 2, "c/d": 3}


@pytest.mark.parametrize("bad", [
    {"logdir": None}, {"logdir": 5}, {"logdir": b"logs"}, {"logdir": [None]}, {"logdir": [b"logs"]},
    {"runs": None}, {"tags": 5}, {"tags": ["loss"]}, {"jobs": None}, {"jobs": "2"}, {"jobs": 1.5}],
    ids=repr)
def test_arguments_of_another_type(logs: str, bad: Dict[str, Any]) -> None:
    """TypeError with the value and the one wanted."""
    with pytest.raises(TypeError, match="got .*, want an? (str|path|int|log directory)"):
        reader.frame(**{"logdir": logs, **bad})


def test_processes(logs: str) -> None:
    """`jobs` gives the same frame."""
    pd.testing.assert_frame_equal(reader.frame(logs, jobs=2), reader.frame(logs))
    assert list(reader.read(logs, jobs=2)) == ["a", "a/eval", "b", "b/eval"]
    with pytest.raises(ValueError, match="got jobs=0"):
        reader.read(logs, jobs=0)


@pytest.mark.parametrize("nbytes", [1, 700, 1 << 19])
def test_parquet(logs: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, nbytes: int) -> None:
    """A Parquet file has the same rows, however many are made at a time."""
    try:
        import pyarrow  # noqa: F401
    except ImportError as error:  # newer ones refuse the numpy of MXNet 1.9
        pytest.skip(f"no pyarrow: {error}")
    from tbwriter._reading.frames import write_parquet
    monkeypatch.setattr("tbwriter._reading.frames._SLAB", nbytes)
    path = str(tmp_path / "scalars.parquet")
    runs = reader.read_each(reader.runs(logs))
    assert write_parquet(runs, "*", path, lambda steps: steps == steps) == 24
    found, want = pd.read_parquet(path), reader.frame(logs)
    for name in ("run", "tag"):
        found[name], want[name] = found[name].astype(str), want[name].astype(str)
    pd.testing.assert_frame_equal(found, want)


def test_slabs_of_long_names() -> None:
    """Long names fill a slab as rows do: about half a megabyte, however many tags there are."""
    from tbwriter._reading.frames import _slabs
    for length, count, rows in ((2000, 500, 1), (10, 2000, 1), (10, 4, 16_384)):
        run = reader.Run("r", [b"".join(record_of(scalar_event(f"{tag:0{length}}", 1.0, step))
                                        for tag in range(count) for step in range(rows))])
        sizes = [sum(map(len, slab.tag_names)) + 32 * len(slab.steps)
                 for slab in _slabs(run, "*")]
        assert max(sizes) < 1 << 20 and len(sizes) > 1
        assert sum(len(slab.steps) for slab in _slabs(run, "*")) == count * rows


def test_export_parquet(logs: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The command writes the scalars that it is asked for, and says what it can not do."""
    try:
        import pyarrow  # noqa: F401
    except ImportError as error:
        pytest.skip(f"no pyarrow: {error}")
    path = str(tmp_path / "out.parquet")
    given = ["export", "--format", "parquet", "--run", "b*", "--jobs", "2"]
    assert main([*given, "--output", path, logs]) == 0
    assert set(pd.read_parquet(path).run) == {"b", "b/eval"}
    assert main([*given, "--step", "1", "--output", path, logs]) == 0
    assert set(pd.read_parquet(path).step) == {1}
    assert main([*given, "--step", "1000:", "--output", path, logs]) == 1
    assert main([*given, logs]) == 2 and "want --output FILE" in capsys.readouterr().err


def test_what_a_frame_misses(logs: str, tmp_path_factory: pytest.TempPathFactory,
                             monkeypatch: pytest.MonkeyPatch) -> None:
    """A table does not show what is missing: damage causes a warning, a storage that does not give
    a file an error; a last record that is being written causes neither."""
    copies = tmp_path_factory.mktemp("copies")
    torn, damaged = copies / "torn", copies / "damaged"
    for copy in (torn, damaged):
        shutil.copytree(logs, str(copy))
    file = next(torn.glob("b/*tfevents*"))
    file.write_bytes(file.read_bytes()[:-3])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(reader.frame(str(torn))) == len(reader.frame(logs)) - 1
    file = next(damaged.glob("b/*tfevents*"))
    data = bytearray(file.read_bytes())
    data[-20] ^= 1
    file.write_bytes(data)
    with pytest.warns(LogWarning, match="rows of the run 'b' may be missing, for 1 faults"):
        assert len(reader.frame(str(damaged))) < len(reader.frame(logs))

    class Refusing(Window):
        def __init__(self, place: Any) -> None:
            raise TimeoutError("no answer")
    opened = Run.__init__.__defaults__
    assert opened == (Window,)
    monkeypatch.setattr(Run.__init__, "__defaults__", (Refusing,))
    with pytest.raises(TimeoutError, match="no answer"):
        reader.frame(logs)
    assert "no answer" in str(reader.read(logs)["b"].faults[0])


def test_a_request_is_repeated_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the thousands of requests for many objects one may fail on a busy store."""
    fsspec = pytest.importorskip("fsspec")
    from tbwriter._fsspec import Store
    url = "memory://repeated/logs"
    fsspec.filesystem("memory").pipe("/repeated/logs/events.out.tfevents.1", b"".join(
        record_of(scalar_event("loss", 1.0, step)) for step in range(3)))
    refused: List[Any] = []
    called = Store.call

    def call(self: Store, method: str, *args: Any, **options: Any) -> Any:
        if method == "cat_file" and len(refused) < most:
            refused.append(args)
            raise TimeoutError("no answer")
        return called(self, method, *args, **options)
    monkeypatch.setattr(Store, "call", call)
    most = 1
    assert len(reader.frame(url)) == 3 and len(refused) == 1
    most = 9
    with pytest.raises(TimeoutError, match="no answer"):
        reader.frame(url)


def test_without_pandas() -> None:
    """The error names the extra."""
    program = ("import sys; sys.modules['pandas'] = None\n"
               "from tbwriter import reader\nreader.frame('x')")
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert "pip install 'tbwriter[frame]'" in done.stderr


@pytest.fixture(scope="module")
def bucket() -> Iterator[str]:
    """300 runs of three scalars on a loopback S3."""
    pytest.importorskip("s3fs")
    import fsspec
    with s3() as store:
        url = f"{store.url}/logs" if hasattr(store, "url") else "s3://bucket/logs"
        files = fsspec.filesystem("s3", skip_instance_cache=True)
        data = {f"{url}/run{i:03d}/events.out.tfevents.1":
                b"".join(record_of(scalar_event("loss", float(i), step)) for step in range(3))
                for i in range(300)}
        files.pipe({name[len("s3://"):]: content for name, content in data.items()})
        yield url


def test_objects_are_requested_together(bucket: str) -> None:
    """Many runs of an object store are read with many requests at a time, in their order."""
    found = reader.read(bucket)
    assert [run.scalars("loss").values[0] for run in found.values()] == list(range(300))
    assert ahead.OBJECTS > 4 and list(found)[:2] == ["run000", "run001"]


def test_dask(bucket: str) -> None:
    """The runs of a bucket, read by the workers of a dask cluster."""
    dataframe = pytest.importorskip("dask.dataframe")
    distributed = pytest.importorskip("dask.distributed")
    with distributed.LocalCluster(n_workers=2, threads_per_worker=2, processes=True,
                                  dashboard_address=None, host="127.0.0.1") as cluster, \
            distributed.Client(cluster):
        frame: Any = dataframe.from_map(reader.frame, reader.runs(bucket))
        assert frame.npartitions == 300
        table = frame.groupby("tag", observed=True).value.agg(["count", "sum"]).compute()
    assert table.loc["loss"].tolist() == [900, 3 * sum(range(300))]
