"""Getting data sets: from folders and archives, in place of what was there, and what the command line says."""

import io
import json
import os
import random
import subprocess
import sys
import tarfile
import time
import zipfile
from pathlib import Path
from threading import Thread

import pytest
from conftest import ROOT

from cnnkit.datasets import synthetic
from cnnkit.datasets.catalog import CATALOG, data_dir
from cnnkit.datasets.fetch import FetchError, facts, fetch, install_synthetic, state, verify
from cnnkit.datasets.place import Place

sys.path.insert(0, str(ROOT))
import data_fetch

RNG = random.Random(0)
FLOWERS = {f"photos/{kind}/{number}.jpg": RNG.randbytes(900) for kind in ("daisy", "Roses") for number in range(4)}
FLOWERS |= {"photos/tulips/1.jpg": b"t", "photos/LICENSE.txt": b"CC BY", "photos/daisy/notes.txt": b"not a picture"}


def folder(path, files):
    for name, content in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(content)
    return path


def zipped(path, files):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def tarred(path, files):
    with tarfile.open(path, "w:gz" if path.suffix in (".gz", ".tgz") else "w") as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(f"./{name}")
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


def split(path, files, parts=3):
    whole = zipped(path.with_suffix(".whole"), files).read_bytes()
    step = -(-len(whole) // parts)
    for number in range(parts):
        path.with_suffix(f".{number + 1:03}").write_bytes(whole[number * step : (number + 1) * step])
    path.with_suffix(".whole").unlink()
    return path.with_suffix(".001")


PACKED = [
    (folder, "photos"),
    (zipped, "photos.zip"),
    (tarred, "photos.tgz"),
    (tarred, "photos.tar"),
    (split, "photos.zip.x"),
]


def tree(path):
    """Return every file below a folder with what is in it."""
    return {file.relative_to(path).as_posix(): file.read_bytes() for file in path.rglob("*") if file.is_file()}


@pytest.fixture
def data(tmp_path):
    return tmp_path / "data"


@pytest.fixture
def source(tmp_path):
    return folder(tmp_path / "source", FLOWERS)


@pytest.fixture(autouse=True)
def quick_drawing(monkeypatch, request):
    """Let a stand-in draw the synthetic sets, in no time."""
    if "slow" not in request.keywords:
        monkeypatch.setattr(synthetic, "draw", scribble)


def scribble(name, target, seed=0, progress=True):
    assert not any(Path(target).iterdir())
    folder(Path(target), {f"{kind}/{number}.png": b"drawn" for kind in CATALOG[name].classes for number in range(3)})


def refused(match, *arguments, **options):
    with pytest.raises(FetchError, match=match) as caught:
        fetch(*arguments, **options)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("pack", "name"), PACKED)
def test_every_kind_of_source_gives_the_same_folders(tmp_path, data, pack, name):
    found = fetch("flowers", pack(tmp_path / name, FLOWERS), data)
    assert (found.kind, found.images, found.bytes, found.path) == ("real", 8, 7200, data / "flowers")
    here = tree(data)
    assert json.loads(here.pop("flowers/source.json"))["kind"] == "real"
    assert here.pop("flowers/LICENSE.txt") == b"CC BY"
    assert here == {
        name.replace("photos/", "flowers/").replace("Roses", "rose"): content
        for name, content in FLOWERS.items()
        if ("daisy/" in name.replace("notes.txt", "") and name.endswith("jpg")) or "Roses" in name
    }
    assert verify("flowers", data) == []
    assert state("flowers", data) == found


def test_source_json_says_where_from_and_whom_to_credit(source, data):
    fetch("flowers", source, data)
    known = facts("flowers", data)
    assert (known["from"], known["missing"]) == ("source", [])
    assert "Creative Commons" in known["licence"] and "TensorFlow" in known["citation"]


def test_class_folders_are_found_anywhere_and_what_a_mac_adds_is_not(tmp_path, data):
    files = {f"a/b/c/No Finding/{number}.PNG": b"n" for number in range(3)} | {"a/Effusion/1.png": b"e"}
    files |= {"__MACOSX/a/Effusion/._1.png": b"m", "a/Effusion/._1.png": b"m", ".cache/effusion/1.png": b"x"}
    assert fetch("cxr", zipped(tmp_path / "films.zip", files), data).images == 4
    assert sorted(path.name for path in (data / "cxr/effusion").iterdir()) == ["1.png"]


def test_a_source_that_holds_the_same_folders_twice_is_taken_once(tmp_path, data):
    files = FLOWERS | {f"flowers/{name}": content for name, content in FLOWERS.items()}
    assert fetch("flowers", zipped(tmp_path / "a.zip", files), data).images == 8


def test_file_names_that_some_systems_cannot_have_are_changed(tmp_path, data):
    files = {"daisy/aux.jpg": b"1", "daisy/12:30?.jpg": b"2", "daisy/\x1b[31m.jpg": b"3", "rose/ü.jpg": b"4"}
    fetch("flowers", tarred(tmp_path / "a.tar", files), data)
    assert sorted(os.listdir(data / "flowers/daisy")) == ["12_30_.jpg", "_[31m.jpg", "_aux.jpg"]
    assert os.listdir(data / "flowers/rose") == ["ü.jpg"]


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"daisy/1.jpg": b"x", "tulip/1.jpg": b"x"}, r"no folder roses or rose .* pictures in: daisy, tulip"),
        ({"daisy/1.jpg": b"x", "rose/1.txt": b"x"}, r"no folder roses or rose with pictures"),
        ({"notes.txt": b"x"}, r"no folder daisy .* none anywhere"),
        ({"1.jpg": b"x"}, r"no folder daisy .* in: its top"),
        (
            {"a/daisy/1.jpg": b"x", "b/daisy/2.jpg": b"x", "rose/1.jpg": b"x"},
            r"several folders daisy: a/daisy, b/daisy",
        ),
        ({"rose/1.jpg": b"x", "roses/2.jpg": b"x", "daisy/1.jpg": b"x"}, r"several folders roses or rose"),
    ],
)
def test_a_source_without_the_two_class_folders_is_refused(tmp_path, data, files, message):
    refused(message, "flowers", folder(tmp_path / "source", files), data)
    refused(message, "flowers", zipped(tmp_path / "source.zip", files), data)
    assert not data.exists()


def test_a_source_that_is_not_there_is_named(tmp_path, data):
    refused(r"no file or folder .*nowhere\.zip", "flowers", tmp_path / "nowhere.zip", data)
    os.mkfifo(tmp_path / "pipe")
    refused(r"pipe is neither", "flowers", tmp_path / "pipe", data)
    refused(r"There is no data set 'tulips'; there are flowers and cxr", "tulips", None, data)


def test_synthetic_is_drawn_once_and_gives_way_to_real(source, data):
    assert state("flowers", data).kind == "absent"
    assert install_synthetic("flowers", data).kind == "synthetic"
    drawn = tree(data)
    assert install_synthetic("flowers", data).images == 6
    assert tree(data) == drawn and verify("flowers", data) == []
    assert fetch("flowers", source, data).kind == "real"
    real = tree(data)
    assert install_synthetic("flowers", data).kind == "real"
    assert fetch("flowers", source, data).kind == "real"
    assert tree(data) == real and not {name for name, content in real.items() if content == b"drawn"}
    assert os.listdir(data) == ["flowers"]


def test_a_refused_source_leaves_the_synthetic_set(tmp_path, data):
    install_synthetic("flowers", data)
    drawn = tree(data)
    refused("no folder", "flowers", folder(tmp_path / "empty", {"a.txt": b""}), data)
    assert tree(data) == drawn


def test_what_the_user_put_among_synthetic_pictures_is_not_lost(source, data):
    install_synthetic("flowers", data)
    own = folder(data, {"flowers/daisy/mine.jpg": b"mine"}) / "flowers/daisy/mine.jpg"
    refused(r"holds daisy/mine.jpg.*Move it away", "flowers", source, data)
    own.unlink()
    (data / "flowers/daisy/1.png").write_bytes(b"I painted over it")
    refused(r"holds daisy/1.png", "flowers", source, data)
    (data / "flowers/daisy/1.png").unlink()  # nothing of the user's is lost with the rest
    assert fetch("flowers", source, data).kind == "real"


def test_a_synthetic_set_with_a_class_gone_is_drawn_again(data):
    install_synthetic("flowers", data)
    for path in (data / "flowers/rose").iterdir():
        path.unlink()
    assert state("flowers", data).kind == "absent"
    assert install_synthetic("flowers", data).images == 6


def test_a_folder_that_the_user_placed_is_real_and_never_touched(source, data):
    own = tree(folder(data, {"flowers/daisy/1.jpg": b"d", "flowers/rose/1.jpg": b"r", "flowers/x.txt": b""}))
    for get in (lambda: install_synthetic("flowers", data), lambda: fetch("flowers", source, data)):
        assert (get().kind, state("flowers", data).images) == ("real", 2)
        assert tree(data) == own
    with pytest.raises(FetchError, match="placed there by hand"):
        verify("flowers", data)


@pytest.mark.parametrize("files", [{"flowers/daisy/1.jpg": b""}, {"flowers/thesis.txt": b""}, {"flowers": b"a file"}])
def test_a_folder_that_holds_something_else_is_left_alone(source, data, files):
    own = tree(folder(data, files))
    refused(r"(not the kit's|a link or a file); it was left alone", "flowers", source, data)
    with pytest.raises(FetchError, match="left alone"):
        install_synthetic("flowers", data)
    assert tree(data) == own


def test_a_link_is_not_replaced(tmp_path, source, data):
    folder(tmp_path / "elsewhere", {"x": b""})
    data.mkdir()
    (data / "flowers").symlink_to(tmp_path / "elsewhere")
    refused("is a link", "flowers", source, data)
    assert (data / "flowers").is_symlink()


def test_empty_folders_are_in_nobodys_way(source, data):
    (data / "flowers/daisy").mkdir(parents=True)
    assert fetch("flowers", source, data).kind == "real"


def test_verify_names_every_file_that_differs(source, data, capsys):
    fetch("flowers", source, data)
    (data / "flowers/daisy/0.jpg").unlink()
    (data / "flowers/daisy/1.jpg").write_bytes(bytes(900))
    folder(data, {"flowers/rose/new.jpg": b"", "flowers/.DS_Store": b""})
    assert verify("flowers", data) == ["daisy/0.jpg: missing", "daisy/1.jpg: damaged", "rose/new.jpg: not the kit's"]
    assert data_fetch.main(["--verify", "--data", str(data)]) == 1
    assert "flowers/daisy/1.jpg: damaged" in capsys.readouterr().out


def test_a_real_set_with_files_gone_is_neither_complete_nor_overwritten(source, data):
    fetch("flowers", source, data)
    (data / "flowers/daisy/0.jpg").unlink()
    refused(r"damaged since.*--verify flowers", "flowers", source, data)
    assert install_synthetic("flowers", data).kind == "real"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"kind": "real"}', '{"kind": "?", "files": {}}', '{"files": 3}'])
def test_a_damaged_source_json_is_reported_and_nothing_overwritten(source, data, text, capsys):
    fetch("flowers", source, data)
    (data / "flowers/source.json").write_text(text)
    before = tree(data)
    for call in (state, install_synthetic, fetch, verify):
        with pytest.raises(FetchError, match=r"source\.json is damaged.*remove .*flowers and fetch"):
            call("flowers", data=data)
    assert data_fetch.main(["--data", str(data)]) == 1
    assert tree(data) == before and "source.json is damaged" in capsys.readouterr().out


@pytest.mark.parametrize(("pack", "name"), PACKED)
def test_a_synthetic_set_cannot_come_in_as_real(tmp_path, data, pack, name):
    install_synthetic("flowers", tmp_path / "other")
    refused("must not pass for real", "flowers", pack(tmp_path / name, tree(tmp_path / "other")), data)
    assert not data.exists()


def test_offline_opens_no_connection_and_says_what_to_do(source, data, monkeypatch):
    monkeypatch.setitem(sys.modules, "cnnkit.datasets.transfer", None)  # importing it would fail
    refused(r"--offline.*--synthetic", "flowers", data=data, offline=True)
    refused(r"--offline", "flowers", "http://127.0.0.1/a.zip", data=data, offline=True)
    assert not data.exists()
    assert fetch("flowers", source, data, offline=True).kind == "real"


def test_no_space_is_seen_before_anything_is_written(source, data, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda path: type("Usage", (), {"free": 100}))
    refused(r"No space in .*: 7,205 bytes are needed, 100 are free", "flowers", source, data)
    refused(r"No space in", "flowers", data=data)
    refused(r"No space in", "cxr", data=data)
    assert not data.exists()


def shell(*arguments, limit=None, **options):
    """Run the command line in a process of its own."""
    command = [sys.executable, str(ROOT / "data_fetch.py"), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, preexec_fn=limit, **options)


def test_a_full_disk_is_one_line_and_nothing_left(source, data):
    import resource

    def limit():  # no file may grow beyond this, which fails as a full disk does
        resource.setrlimit(resource.RLIMIT_FSIZE, (500, 500))

    done = shell("flowers", "--source", source, "--data", data, limit=limit)
    assert done.returncode == 1 and not data.exists()
    assert "No space on the disk" in done.stderr and len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("place", ["/proc/nowhere/data", "/dev/null/data"])
def test_a_place_that_cannot_be_written_is_one_line(source, place):
    done = shell("flowers", "--source", source, "--data", place)
    assert done.returncode == 1
    assert (
        place.rpartition("/")[0] in done.stderr and "--data DIR" in done.stderr and len(done.stderr.splitlines()) == 1
    )


def test_no_permission_is_one_line(source, data, monkeypatch, capsys):
    def forbidden(*_, **__):
        raise PermissionError(13, "Permission denied", str(data))

    monkeypatch.setattr(Path, "mkdir", forbidden)
    assert data_fetch.main(["flowers", "--source", str(source), "--data", str(data)]) == 1
    assert "No permission" in capsys.readouterr().err


def test_control_c_is_one_line_and_leaves_nothing(source, data, monkeypatch, capsys):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("cnnkit.datasets.unpack.take", interrupted)
    assert data_fetch.main(["flowers", "--source", str(source), "--data", str(data)]) == 130
    assert len(capsys.readouterr().err.strip().splitlines()) == 1 and not data.exists()


def test_only_one_at_a_time_works_on_a_set_while_others_may_look(source, data, capsys):
    place = Place(CATALOG["flowers"], data)
    other = Thread(target=fetch, args=("flowers", source, data))
    with place.lock():
        place.staging.mkdir()
        other.start()
        other.join(1.5)
        assert other.is_alive() and "waiting for another process" in capsys.readouterr().err
        assert state("flowers", data).kind == "absent" and place.staging.exists()
    other.join(20)
    assert state("flowers", data).kind == "real" and os.listdir(data) == ["flowers"]


def test_two_processes_at_once_do_not_harm_each_other(source, data):
    command = [sys.executable, str(ROOT / "data_fetch.py"), "flowers", "--source", str(source), "--data", str(data)]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    assert [process.communicate(timeout=60)[0].startswith("flowers: real, 8") for process in both] == [True, True]
    assert verify("flowers", data) == [] and os.listdir(data) == ["flowers"]


def test_the_table_shows_every_set(source, data, capsys):
    fetch("flowers", source, data)
    assert data_fetch.main(["--data", str(data)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].split() == ["flowers", "real", "8", "0.0", "MB", str(data / "flowers")]
    assert lines[2].split() == ["cxr", "absent", str(data / "cxr")]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["tulips"], "no data set 'tulips'; there are flowers and cxr"),
        (["flowers", "cxr", "--source", "x"], "--source goes with one data set"),
        (["--source", "x"], "--source goes with one data set"),
        (["flowers", "--source", "x", "--synthetic"], "neither with --synthetic"),
        (["flowers", "--synthetic", "--verify"], "two different jobs"),
        (["--synthetic"], "name the data sets"),
        (["--colour"], "unrecognized"),
    ],
)
def test_a_wrong_call_ends_with_two(arguments, message, capsys):
    with pytest.raises(SystemExit, match="2"):
        data_fetch.main(arguments)
    assert message in capsys.readouterr().err


def test_help_has_examples(capsys):
    with pytest.raises(SystemExit, match="0"):
        data_fetch.main(["--help"])
    assert "examples:" in (text := capsys.readouterr().out) and "--source films.zip.001" in text


def test_a_set_that_is_there_is_said_to_be(source, data, capsys):
    call = ["flowers", "--source", str(source), "--data", str(data)]
    assert data_fetch.main(call) == 0 and "already" not in capsys.readouterr().out
    assert data_fetch.main(call) == 0 and "there already. To get them anew" in capsys.readouterr().out


def test_one_set_that_fails_does_not_stop_the_other(data, capsys):
    folder(data, {"flowers/thesis.txt": b""})
    assert data_fetch.main(["flowers", "cxr", "--synthetic", "--data", str(data)]) == 1
    assert state("cxr", data).kind == "synthetic"
    assert "flowers:" in capsys.readouterr().err


QUIET = """
import sys, time
import cnnkit.datasets, data_fetch
before, start = set(sys.modules), time.perf_counter()
code = data_fetch.main(["flowers", "cxr", "--synthetic"])
print(time.perf_counter() - start, code, *(set(sys.modules) - before))
"""


def test_with_everything_there_the_start_of_the_kit_is_not_delayed(data):
    for name in CATALOG:
        install_synthetic(name, data)
    environment = os.environ | {"CNNKIT_DATA": str(data)}
    done = subprocess.run([sys.executable, "-c", QUIET], capture_output=True, text=True, cwd=ROOT, env=environment)
    *lines, last = done.stdout.splitlines()
    assert [line.split(",")[0] for line in lines] == ["flowers: synthetic", "cxr: synthetic"]
    seconds, code, *modules = last.split()
    assert code == "0" and float(seconds) < 0.5
    assert not {"httpx", "numpy", "PIL", "tqdm", "tarfile", "hashlib"} & {name.split(".")[0] for name in modules}


def test_the_catalogue_agrees_with_itself_and_with_the_manifest():
    for name, entry in CATALOG.items():
        assert entry.name == name and tuple(entry.counts) == tuple(entry.source_folders) == entry.classes
        kind, _, digest = entry.source.hash.partition(":")
        assert len(digest) == {"sha256": 64, "md5": 32}[kind]
    listed = list(CATALOG["cxr"].listed().values())
    assert {kind: listed.count(kind) for kind in set(listed)} == CATALOG["cxr"].counts


def test_the_data_folder_is_the_environments_or_the_checkouts(monkeypatch, tmp_path):
    monkeypatch.setenv("CNNKIT_DATA", str(tmp_path))
    assert data_dir() == tmp_path
    monkeypatch.delenv("CNNKIT_DATA")
    assert data_dir() == ROOT / "data"


def test_real_photographs_come_in_as_they_are(real_pictures, data):
    start = time.perf_counter()
    found = fetch("flowers", real_pictures / "flowers224", data)
    assert (found.images, time.perf_counter() - start < 10) == (851, True)
    assert tree(real_pictures / "flowers224").items() <= tree(data / "flowers").items()


@pytest.mark.slow
@pytest.mark.parametrize("name", CATALOG)
def test_the_true_synthetic_set_is_installed(whole_sets, name):
    found = state(name, whole_sets)
    assert (found.kind, found.images) == ("synthetic", sum(synthetic.COUNTS[name].values()))
    assert verify(name, whole_sets) == []
