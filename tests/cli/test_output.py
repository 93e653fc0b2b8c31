"""Commands never write outside OUT or over a file, whatever names a log holds."""
from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from tbwriter import reader, summary
from tbwriter.cli import _output, main
from tbwriter.cli._output import Output
from tbwriter.cli._rewrite import Place, rewrite
from tests.support.data import event_of, record_of, scalar_event, written

HOSTILE = ["..", "../../evil", "a/../../evil", "/etc/evil", "//evil", "a//b", "", "a/./b", "a\0b",
           "x" * 300, "/".join(["d" * 100] * 20), "my.tfevents", "\ud800", "a/..", "%2E%2E"]


def files_below(directory: Path):
    return sorted(path for path in directory.rglob("*") if not path.is_dir())


@pytest.mark.parametrize("name", HOSTILE)
def test_every_name_stays_inside(name, tmp_path):
    """A run or a file of any name is a new file below the directory, and a name that was changed
    is listed."""
    out = tmp_path / "deep" / "out"
    with Output(str(out)) as output:
        for directory, file in ((name, "notes.txt"), ("run", name)):
            opened, path = output.create(directory, file)
            with opened:
                opened.write(b"x")
            assert (out / path).read_bytes() == b"x"
            assert os.path.realpath(out / path).startswith(str(out) + os.sep)
    assert len(files_below(tmp_path)) == 2
    assert output.renamed or name in ("", "%2E%2E")


def test_different_names_stay_different(tmp_path):
    """An escaped name that is the name of another run gets a number."""
    with Output(str(tmp_path / "out")) as output:
        paths = [output.directory(name) for name in ("..", "%2E.", "a", "a/b", ".")]
    assert len(set(paths)) == len(paths)


@pytest.mark.parametrize("name", ["n" * 251 + ".txt", "n." + "e" * 253, "\u00e9" * 127])
def test_a_long_name_that_is_taken(name, tmp_path):
    """Files of one name that has 255 bytes are all written, under names that say where."""
    with Output(str(tmp_path / "out")) as output:
        for number in range(3):
            file, path = output.create("run", name)
            with file:
                file.write(b"%d" % number)
            assert (tmp_path / "out" / path).read_bytes() == b"%d" % number
        assert len(files_below(tmp_path / "out")) == 3 and output.renamed == {f"run/{name}": path}


@pytest.mark.parametrize("name", ["c:\\evil", "con", "a|b", "dot.", "nul.txt", "..\\..\\evil"])
def test_names_that_windows_refuses(name):
    """Drive letters, devices and backslashes are escaped where Windows runs."""
    from tbwriter._names import is_name
    assert not is_name(name, windows=True)


@pytest.mark.skipif(os.name == "nt", reason="links need rights on Windows")
@pytest.mark.parametrize("link", ["run", "run/notes.txt"])
def test_links_in_the_directory_are_not_followed(link, tmp_path):
    """A link that somebody has put into the directory leads no file out of it."""
    out, outside = tmp_path / "out", tmp_path / "outside"
    outside.mkdir()
    (out / link).parent.mkdir(parents=True)
    (out / link).symlink_to(outside if link == "run" else outside / "file")
    with Output(str(out), empty=False) as output:
        try:
            file, path = output.create("run", "notes.txt")
        except OSError as error:
            assert link == "run"
            assert str(error) == (f"got 'run' in {str(out)!r}, which is a symbolic link or a file, "
                                  "want a directory")
        else:
            file.close()
            assert path == "run/notes-2.txt"
    assert not list(outside.iterdir())


@pytest.fixture
def bucket():
    """A file system of objects in memory, whose keys may be anything."""
    fsspec = pytest.importorskip("fsspec", reason="fsspec is optional")
    system = fsspec.filesystem("memory")
    system.store.clear()
    yield system
    system.store.clear()


KEYS = ["/bucket/logs/../../home/evil.pth", "/bucket/logs/../evil.txt",
        "/bucket/logs/run/../../../evil.txt", "/bucket/logs/run/a\0b", "/bucket/logs/run/.."]


@pytest.mark.parametrize("command", ["repair", "merge", "select", "thin", "reduce"])
def test_keys_of_a_bucket_lead_nowhere(command, bucket, tmp_path, capsys):
    """Objects whose keys hold "..", NUL or an absolute path are files below OUT, and the report
    lists their new names."""
    events = record_of(scalar_event("x", 1.0, 1))
    for key in KEYS:
        bucket.store[key] = bucket.open("/bucket/file", "wb")  # the file's object, as the store's
        bucket.store[key].write(b"evil")
    for run in ("run", "../../../outside", "other"):
        key = f"/bucket/logs/{run}/events.out.tfevents.1600000000.host"
        bucket.store[key] = bucket.open("/bucket/file", "wb")
        bucket.store[key].write(events)
    del bucket.store["/bucket/file"]
    out = tmp_path / "deep" / "er" / "out"
    assert main([command, "memory://bucket/logs", str(out), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    found = files_below(tmp_path)
    assert found and all(str(path).startswith(str(out)) for path in found)
    assert command == "reduce" or any(".." in name for name in report["renamed"])
    if command == "repair":
        assert sum(path.read_bytes() == b"evil" for path in found) == len(KEYS)


def test_runs_that_are_one_place_on_disk_stay_apart(tmp_path):
    """Two runs whose names differ only by what is escaped are two runs."""
    path = str(written(tmp_path / "logs", [scalar_event("x", 1.0, 1)]))
    place = Place("logs", {"..": [path], "%2E.": [path]})
    report = rewrite([place], str(tmp_path / "out"))
    assert report.written == 2 and report.renamed == {"..": "%2E.", "%2E.": "%2E.-2"}
    assert len(files_below(tmp_path / "out")) == 2


def test_side_files_are_never_overwritten(tmp_path, capsys):
    """Of two files of one name both are kept, and the report says where; equal ones once."""
    for name, text in (("a", "one"), ("b", "two"), ("c", "one")):
        written(tmp_path / name / "run", [scalar_event(name, 1.0, 1)])
        (tmp_path / name / "run" / "notes.tsv").write_text(text)
    out = tmp_path / "out"
    assert main(["merge", *(str(tmp_path / name) for name in "abc"), str(out), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert (out / "run" / "notes.tsv").read_text() == "one"
    assert (out / "run" / "notes-2.tsv").read_text() == "two"
    assert report["renamed"]["run/notes.tsv"] in ("run/notes-2.tsv", "run/notes-3.tsv")


def test_export_never_overwrites_a_picture(tmp_path, capsys):
    """Two pictures of one tag and step, and a second export, are files of their own; a link in
    the directory is not followed."""
    import numpy as np
    pictures = [summary.image("p", np.full((2, 2, 3), value, np.uint8)) for value in (0, 255)]
    written(tmp_path / "logs", [event_of(picture, 3) for picture in pictures])
    for expected in (2, 4):
        assert main(["export", str(tmp_path / "logs"), "--files", str(tmp_path / "out")]) == 0
        paths = [line.split(",")[-1] for line in capsys.readouterr().out.splitlines()[1:]]
        assert len({Path(path).read_bytes() for path in paths}) == 2
        assert len(files_below(tmp_path / "out")) == expected


def test_time_of_names_that_are_taken(tmp_path, monkeypatch):
    """The number of tries grows with that of the files of one name, not with its square; each is a
    new file with the next number, also after some other names."""
    tries, tried = [], Output._open
    monkeypatch.setattr(Output, "_open", lambda *given: tries.append(given) or tried(*given))
    monkeypatch.setattr(_output, "_MOST_NUMBERED", 2)
    names = [name for name in ("a.png", "b.png") for _ in range(100)]
    names += ["c.png", "c.png", "a.png"]
    with Output(str(tmp_path / "out")) as output:
        paths = []
        for name in names:
            file, path = output.create("run", name)
            file.close()
            paths.append(path)
    assert paths[:3] == ["run/a.png", "run/a-2.png", "run/a-3.png"]
    assert paths[-3:] == ["run/c.png", "run/c-2.png", "run/a-101.png"]
    assert len(set(paths)) == len(files_below(tmp_path)) == len(names)
    assert len(tries) < 3 * len(names)


@pytest.mark.parametrize("command", ["merge", "reduce"])
def test_a_source_given_twice(command, tmp_path, capsys):
    """It would count twice, so it is refused with exit code 2, and nothing is written; also where
    its second name is a link."""
    for name in "a", "b":
        written(tmp_path / name, [scalar_event("loss", 0.5, 1)])
    (tmp_path / "link").symlink_to(tmp_path / "a")
    for again in (f"{tmp_path}/a/", f"{tmp_path}/link", f"file://{tmp_path}/a"):
        sources = [str(tmp_path / name) for name in ("a", "b")] + [again]
        assert main([command, *sources, str(tmp_path / "out")]) == 2
        assert f"got {again} twice, want each log directory once" in capsys.readouterr().err
        assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("command", ["merge", "reduce"])
def test_an_object_store_given_twice(command, bucket, tmp_path, capsys):
    """Two spellings of one URL are one source; another bucket is another."""
    for name in "logs", "other":
        with bucket.open(f"/{name}/run/events.out.tfevents.1600000000.host", "wb") as file:
            file.write(record_of(scalar_event("x", 1.0, 1)))
    assert main([command, "memory://logs", "memory:///logs/", str(tmp_path / "out")]) == 2
    assert "got memory:///logs/ twice, want each log directory once" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
    assert main([command, "memory://logs", "memory://other", str(tmp_path / "out")]) == 0


@pytest.mark.parametrize("command", ["repair", "merge", "select", "thin", "reduce"])
def test_a_directory_inside_a_source(command, tmp_path, capsys):
    """It is refused with exit code 2, however the source is spelled."""
    for name in "ab":
        written(tmp_path / "logs" / name, [scalar_event("loss", 0.5, 1)])
    for source in (f"{tmp_path}/logs", f"file://{tmp_path}/logs"):
        out = f"{tmp_path}/logs/out"
        assert main([command, source, out]) == 2
        assert f"got {out!r}, which is inside {source}, want another place" in \
            capsys.readouterr().err
        assert not (tmp_path / "logs" / "out").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege on Windows")
def test_links_out_of_a_log(tmp_path, capsys):
    """A copy holds no file that a link leads to out of the log directory, and the report says so;
    a linked run is copied with the files in it, and so is a file of the log that is linked."""
    written(tmp_path / "logs" / "run", [scalar_event("x", 1.0, 1)])
    written(tmp_path / "far", [scalar_event("x", 2.0, 1)])
    (tmp_path / "far" / "words.tsv").write_text("far")
    (tmp_path / "logs" / "words.tsv").write_text("near")
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "secret").write_text("private")
    for link, target in (("run/stolen", "../../home/secret"), ("run/near.tsv", "../words.tsv"),
                         ("linked", "../far"), ("home", "../home"), ("logs2", "../home/secret")):
        (tmp_path / "logs" / link).symlink_to(target)
    (tmp_path / "far" / "also").symlink_to(tmp_path / "home" / "secret")
    assert main(["repair", "--json", str(tmp_path / "logs"), str(tmp_path / "out")]) == 0
    report = json.loads(capsys.readouterr().out)
    lost = ["home/secret", "linked/also", "logs2", "run/stolen"]
    assert sorted(report["notes"]) == [
        f"{tmp_path / 'logs' / name} is not copied: it is a link out of the log directory"
        for name in lost]
    found = {str(path.relative_to(tmp_path / "out")): path.read_text()
             for path in (tmp_path / "out").rglob("*") if path.is_file()
             and "tfevents" not in path.name}
    assert found == {"linked/words.tsv": "far", "run/near.tsv": "near", "words.tsv": "near"}
    assert list(reader.read(tmp_path / "out")) == ["linked", "run"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such names")
def test_a_directory_that_is_not_complete(tmp_path, capsys):
    """After an error, its name is printed with control characters escaped."""
    out = tmp_path / "out\x1b[2J\n"
    with pytest.raises(KeyboardInterrupt):
        with Output(str(out), []) as output:
            output.create("run", "file")[0].close()
            raise KeyboardInterrupt
    assert capsys.readouterr().err == f"tbwriter: {tmp_path}/out\\x1b[2J\\n is not complete\n"
